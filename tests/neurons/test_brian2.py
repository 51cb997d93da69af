"""Side by side with Brian2, whose equations are written here as the papers print them.

Brian2 is looked for in the environment variable NEURO_BRIAN2 (a Python), in .bench/brian2 and in
the running environment. Where its integrator is ours, spikes must be equal and traces agree to
rounding; elsewhere it takes fine Runge-Kutta steps and intervals must agree.
"""

import functools
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from neuro import Clock, ms
from neuro.neurons import (
    EIF,
    GIF,
    MAT,
    AdEx,
    CobaLIF,
    CubaLIF,
    HodgkinHuxley,
    Izhikevich,
    MorrisLecar,
    ResonateAndFire,
)
from neuro.nn import Population

HERE = Path(__file__).parent
PYTHON = os.environ.get("NEURO_BRIAN2") or HERE.parents[1] / ".bench/brian2/bin/python"
if not Path(PYTHON).exists():
    PYTHON = sys.executable if importlib.util.find_spec("brian2") else None
pytestmark = pytest.mark.skipif(
    PYTHON is None, reason="Brian2 is not installed; set NEURO_BRIAN2 to a Python that has it"
)


def noisy(seed, steps, low, high, hold=50):
    """A current that jumps every `hold` steps."""
    levels = np.random.default_rng(seed).uniform(low, high, -(-steps // hold))
    return np.repeat(levels, hold)[:steps]


def pulses(seed, steps, rate, size):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(steps) < rate, size * rng.uniform(0.5, 1.5, steps), 0.0)


EXPONENTIAL = "30*(-70.6 - v) + 30*2*exp((v + 50.4)/2)"  # nS mV, pA
RATES = """
am = 0.1*(v + 40)/(1 - exp(-(v + 40)/10)) : 1
bm = 4*exp(-(v + 65)/18) : 1
ah = 0.07*exp(-(v + 65)/20) : 1
bh = 1/(1 + exp(-(v + 35)/10)) : 1
an = 0.01*(v + 55)/(1 - exp(-(v + 55)/10)) : 1
bn = 0.125*exp(-(v + 65)/80) : 1
"""
# A refractory period of n ticks holds v for n ticks here and for n - 1 in Brian2, whose step at the
# end of the period already moves; hence one tick more there.
JOBS = {
    "EIF": {
        "dt": 0.1 * ms,
        "x": noisy(1, 5000, 0, 1300),
        "equations": f"dv/dt = ({EXPONENTIAL} + x(t))/(281*ms) : 1",
        "threshold": "v > -40",
        "reset": "v = -70.6",
        "record": ["v"],
    },
    "AdEx": {
        "dt": 0.1 * ms,
        "x": noisy(2, 5000, 0, 2500),
        "equations": f"""dv/dt = ({EXPONENTIAL} - w + x(t))/(281*ms) : 1
                         dw/dt = (4*(v + 70.6) - w)/(144*ms) : 1""",
        "threshold": "v > -40",
        "reset": "v = -70.6; w += 80.5",
        "record": ["v", "w"],
    },
    "Izhikevich": {
        "dt": 1 * ms,
        "x": noisy(3, 1000, 0, 15),
        "equations": "v : 1\nu : 1",
        "act": {
            "groups": """v += 0.5*(0.04*v**2 + 5*v + 140 - u + x(t))
                         v += 0.5*(0.04*v**2 + 5*v + 140 - u + x(t))
                         u += 0.02*(0.2*v - u)"""
        },
        "threshold": "v > 30",
        "reset": "v = -50; u += 2",
        "initial": {"v": -70, "u": -14},
        "record": ["v", "u"],
    },
    "Izhikevich, fine": {
        "dt": 0.02 * ms,
        "x": np.full(15_000, 10.0),
        "method": "rk4",
        "equations": """dv/dt = (0.04*v**2 + 5*v + 140 - u + x(t))/ms : 1
                        du/dt = 0.02*(0.2*v - u)/ms : 1""",
        "threshold": "v > 30",
        "reset": "v = -65; u += 8",
        "initial": {"v": -70, "u": -14},
        "record": ["v"],
    },
    "HodgkinHuxley": {
        "dt": 0.02 * ms,
        "x": np.full(6_000, 10.0),
        "method": "rk4",
        "equations": f"""dv/dt = (120*m**3*h*(50 - v) + 36*n**4*(-77 - v) + 0.3*(-54.387 - v)
                                  + x(t))/ms : 1
                         dm/dt = (am*(1 - m) - bm*m)/ms : 1
                         dh/dt = (ah*(1 - h) - bh*h)/ms : 1
                         dn/dt = (an*(1 - n) - bn*n)/ms : 1
                         {RATES}""",
        "threshold": "v > 0",
        "refractory": "v > 0",
        "initial": {"v": -65, "m": 0.0529, "h": 0.5961, "n": 0.3177},
        "record": ["v", "m", "h", "n"],
    },
    "MorrisLecar": {
        "dt": 0.05 * ms,
        "x": np.full(15_000, 100.0),
        "method": "rk4",
        "equations": """dv/dt = (4.4*(1 + tanh((v + 1.2)/18))/2*(120 - v) + 8*w*(-84 - v)
                                 + 2*(-60 - v) + x(t))/(20*ms) : 1
                        dw/dt = 0.04*cosh((v - 2)/60)*((1 + tanh((v - 2)/30))/2 - w)/ms : 1""",
        "threshold": "v > 0",
        "refractory": "v > 0",
        "initial": {"v": -60.855, "w": 0.01491},
        "record": ["v", "w"],
    },
    "CobaLIF": {
        "dt": 0.1 * ms,
        "x": pulses(4, 5000, 0.1, 0.3),
        "method": "exponential_euler",
        "equations": """dv/dt = (-60 - v - ge*v + gi*(-80 - v))/(20*ms) : 1 (unless refractory)
                        dge/dt = -ge/(5*ms) : 1
                        dgi/dt = -gi/(10*ms) : 1""",
        "threshold": "v > -50",
        "reset": "v = -60",
        "refractory": "5.1*ms",
        "act": {"synapses": "ge += x(t); gi += 0.25*x(t)"},
        "initial": {"v": -60},
        "record": ["v", "ge", "gi"],
    },
    "CubaLIF": {
        "dt": 0.5 * ms,
        "x": pulses(5, 2000, 0.1, 1.5),
        "method": "exact",
        "equations": """dv/dt = (0.1 - v + 1.5*syn)/(20*ms) : 1 (unless refractory)
                        dsyn/dt = -syn/(5*ms) : 1""",
        "threshold": "v > 1",
        "reset": "v = -0.25",
        "refractory": "2.5*ms",
        "act": {"synapses": "syn += x(t)"},
        "initial": {"v": 0.1},
        "record": ["v", "syn"],
    },
    "GIF": {
        "dt": 0.1 * ms,
        "x": noisy(6, 5000, 0, 300),
        "method": "exact",
        "equations": """dv/dt = (5*(-65 - v) - e1 - e2 + current)/(100*ms) : 1 (unless refractory)
                        de1/dt = -e1/(10*ms) : 1
                        de2/dt = -e2/(150*ms) : 1
                        dg1/dt = -g1/(10*ms) : 1
                        dg2/dt = -g2/(150*ms) : 1
                        current : 1""",
        "threshold": "v > -48 + g1 + g2",
        "reset": "v = -55; e1 += 50; e2 += 5; g1 += 10; g2 += 2",
        "refractory": "2.1*ms",
        "act": {"start": "current = x(t)"},
        "initial": {"v": -65},
        "record": ["v", "e1", "e2", "g1", "g2"],
    },
    "MAT": {
        "dt": 1 * ms,
        "x": pulses(7, 1500, 0.3, 1.0),
        "method": "exact",
        "equations": """dv/dt = -v/(5*ms) : 1
                        db1/dt = -b1/(10*ms) : 1
                        db2/dt = -b2/(200*ms) : 1""",
        "threshold": "v > 1 + b1 + b2",
        "reset": "b1 += 1.5; b2 += 0.1",
        "act": {"before_thresholds": "v += x(t)"},
        "record": ["v", "b1", "b2"],
    },
    "ResonateAndFire": {
        "dt": 0.05 * ms,
        "x": pulses(8, 8000, 0.02, 0.7),
        "method": "rk4",
        "equations": """dw/dt = -w/(40*ms) - 2*pi*40*v/second : 1
                        dv/dt = -v/(40*ms) + 2*pi*40*w/second : 1""",
        "threshold": "v > 1",
        "reset": "v = 1; w = 0",
        "act": {"before_thresholds": "w += x(t)"},
        "record": ["v", "w"],
    },
}


@functools.cache
def theirs():
    """All jobs in one process, which takes as long to start as to run."""
    jobs = {name: job | {"x": np.asarray(job["x"]).tolist()} for name, job in JOBS.items()}
    for job in jobs.values():
        job["constants"] = {"pi": float(np.pi)}
        job.setdefault("initial", {"v": -70.6} if "281" in job["equations"] else {})
    done = subprocess.run(
        [str(PYTHON), str(HERE / "brian2_side.py")], input=json.dumps(jobs),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def ours(neuron, name, inputs, fields, start=None):
    """Ticks of the spikes, and traces, of one unit with the same input."""
    layer = Population(neuron, Clock(JOBS[name]["dt"]))
    steps = len(JOBS[name]["x"])
    ports = {k: torch.tensor(v).reshape(steps, 1, 1) for k, v in inputs.items()}
    if start is not None:
        start = type(neuron).State(*(torch.full((1, 1), f, dtype=torch.float64) for f in start))
    out, _, traces = layer.trace(layer.ports(ports), start, record=fields)
    return out[:, 0, 0].nonzero()[:, 0].tolist(), [traces[f][:, 0, 0].numpy() for f in fields]


# neuron, job, what our input is per unit of theirs by port, our fields, unit of each in theirs
SAME = [
    (EIF(1), "EIF", {"current": 1e-12}, {"v": 1e-3}, (-70.6e-3,)),
    (AdEx(1), "AdEx", {"current": 1e-12}, {"v": 1e-3, "w": 1e-12}, (-70.6e-3, 0.0)),
    (Izhikevich.preset("CH", 1), "Izhikevich", {"current": 1.0}, {"v": 1.0, "u": 1.0}, None),
    (CobaLIF(1, refractory=5 * ms), "CobaLIF", {"excitation": 1.0, "inhibition": 0.25},
     {"v": 1e-3, "g_exc": 1.0, "g_inh": 1.0}, None),
    (CubaLIF(1, v_leak=0.1, r=1.5, v_reset=-0.25, refractory=2 * ms), "CubaLIF",
     {"current": 1.0}, {"v": 1.0, "i": 1.0}, None),
    (GIF(1, refractory=2 * ms), "GIF", {"current": 1e-12},
     {"v": 1e-3, "eta_1": 1e-12, "eta_2": 1e-12, "gamma_1": 1e-3, "gamma_2": 1e-3}, None),
    (MAT(1), "MAT", {"current": 1.0}, {"v": 1.0, "b1": 1.0, "b2": 1.0}, None),
    (ResonateAndFire(1), "ResonateAndFire", {"current": 1.0}, {"v": 1.0, "w": 1.0}, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("neuron", "name", "ports", "fields", "start"), SAME, ids=[case[1] for case in SAME]
)
def test_the_same_integrator_gives_the_same_spikes(neuron, name, ports, fields, start) -> None:
    x = np.asarray(JOBS[name]["x"])
    expected = theirs()[name]
    spikes, traces = ours(neuron, name, {k: f * x for k, f in ports.items()}, tuple(fields), start)
    assert len(spikes) >= 10
    assert spikes == expected["spikes"]
    for trace, unit, label in zip(traces, fields.values(), JOBS[name]["record"], strict=True):
        wanted = np.array(expected[label])
        np.testing.assert_allclose(trace / unit, wanted, atol=1e-8 * np.abs(wanted).max())


@pytest.mark.parametrize(
    ("neuron", "name", "port", "tolerance"),
    [
        (Izhikevich(1), "Izhikevich, fine", "current", 2e-3),
        (HodgkinHuxley(1), "HodgkinHuxley", "current", 2e-3),
        (MorrisLecar(1), "MorrisLecar", "current", 6e-3),
    ],
    ids=["Izhikevich", "HodgkinHuxley", "MorrisLecar"],
)
def test_fine_steps_give_the_intervals_of_runge_kutta(neuron, name, port, tolerance) -> None:
    x = np.asarray(JOBS[name]["x"])
    spikes, (v,) = ours(neuron, name, {port: x}, ("v",))
    expected = theirs()[name]
    assert len(spikes) == len(expected["spikes"]) >= 7
    ticks, wanted = np.diff(spikes), np.diff(expected["spikes"])
    np.testing.assert_allclose(ticks.mean(), wanted.mean(), rtol=tolerance)
    np.testing.assert_allclose(ticks, wanted, rtol=5 * tolerance)
    first = min(spikes[0], expected["spikes"][0]) - round(1 * ms / JOBS[name]["dt"])
    reference = np.array(expected["v"])[:first]
    swing = np.ptp(reference)
    assert np.abs(v[:first] - reference).max() < 0.1 * swing  # the same way to the first spike
