"""Networks in NEST against the definition in PyTorch, in float64.

NEST is looked for in the environment variable NEURO_NEST (a Python that can also import neuro
with its extra "sim") and in .bench/nest.
"""

import importlib.util
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from neuro import Clock, Network, ms, sim
from neuro.errors import MissingExtra, Unsupported
from neuro.neurons import ALIF, LIF, AdEx, CubaLIF, Izhikevich
from neuro.sim import nest_engine
from neuro.sim._nest_neurons import counterpart
from neuro.train import Module

HERE = Path(__file__).parent
PYTHON = Path(os.environ.get("NEURO_NEST") or HERE.parents[1] / ".bench/nest/bin/python")
SIDE = HERE / "networks_side.py"
spec = importlib.util.spec_from_file_location("networks_side", SIDE)
side = importlib.util.module_from_spec(spec)
spec.loader.exec_module(side)

# Largest difference of v, relative to its largest value. Steep spikes magnify the last bits.
NEURONS = {
    "LIF": 1e-14, "LIF:graded": 1e-14, "LIF:2": 1e-14, "LIF subtract": 1e-14, "IF": 1e-14,
    "ALIF": 1e-14, "ALIF zero": 1e-14, "CubaLIF": 1e-14, "TwoCurrentLIF": 1e-14,
    "AlphaLIF": 1e-14, "Izhikevich": 1e-10, "bias": 1e-10,
}  # fmt: skip
REFUSED = {
    "PairSTDP": "dendritic", "LI": "sends its 'v'", "brief loop": "loop of n synapses",
    "AdEx": "Runge-Kutta", "MAT": "exponential synapses", "CubaLIF same": "arrival='same'",
    "Izhikevich euler": "integrator", "wrong sign": "the sign of what arrives",
}  # fmt: skip


@pytest.fixture(scope="module")
def nest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What NEST did with all networks."""
    if not PYTHON.exists():
        pytest.skip("NEST is not installed; make .bench/nest/.done, or set NEURO_NEST")
    path = tmp_path_factory.mktemp("nest") / "record.npz"
    command = [str(PYTHON), str(SIDE), "nest", str(path), *NEURONS, *REFUSED, "chance"]
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(np.load(path))


def definition(job: str) -> dict[str, np.ndarray]:
    name, _, option = job.partition(":")
    network = side.NETWORKS[name]()
    x = torch.tensor(side.drive(graded=option == "graded")[:, None])
    with torch.no_grad():
        module = Module(network, backend="reference").to(torch.float64)
        record, _ = module(x, record=side.recorded(network))
    return {n: record.array(n) for n in side.recorded(network)}


@pytest.mark.parametrize("job", NEURONS)
def test_every_spike_is_that_of_the_definition(nest, job: str) -> None:
    expected = definition(job)
    for name in (n for n in expected if n.endswith((".spikes", ".v"))):
        got, scale = nest[f"{job}/{name}"], abs(expected[name]).max()
        if name.endswith(".spikes"):
            assert expected[name].sum() > 50
            np.testing.assert_array_equal(got, expected[name], err_msg=name)
        else:
            atol = NEURONS[job] * scale
            np.testing.assert_allclose(got, expected[name], rtol=0, atol=atol)


def test_sources_send_the_same_draws_and_rules_the_same_connections(nest) -> None:
    network = side.NETWORKS["chance"]()
    seconds = side.STEPS * network.clock.dt
    record = sim.run(network, seconds, record=side.recorded(network), dtype="float64")
    for name in ("exc.spikes", "inh.spikes"):
        expected = record.array(name)
        assert expected.sum() > 100
        np.testing.assert_array_equal(nest[f"chance/{name}"], expected, err_msg=name)


@pytest.mark.parametrize(("job", "why"), REFUSED.items())
def test_what_nest_lacks_is_refused_with_the_reason(nest, job: str, why: str) -> None:
    assert why in str(nest[f"{job}/refused"])


@pytest.mark.parametrize(
    ("neuron", "field"),
    [
        (LIF(2, reset="none"), "reset"),
        (LIF(2, reset="subtract", v_leak=0.1), "v_leak"),
        (LIF(2, reset="subtract", refractory=2 * ms), "refractory"),
        (LIF(2, v_reset=1.0), "v_reset"),
        (ALIF(2, reset="none"), "reset"),
        (CubaLIF(2, r=np.array([1.0, -1.0])), "r"),
        (Izhikevich(2, linear=4.1), "linear"),
        (AdEx(2), "neuron"),
    ],
)
def test_a_neuron_that_nest_would_run_otherwise_is_refused(neuron: object, field: str) -> None:
    with pytest.raises(Unsupported) as caught:
        counterpart("exc", neuron, Clock(0.1 * ms))
    assert (caught.value.path, caught.value.field) == ("exc", field)


@pytest.mark.skipif(importlib.util.find_spec("nest") is not None, reason="NEST is installed")
def test_without_nest_the_extra_is_named() -> None:
    network = Network({"a": LIF(1)}, [], ("a",), Clock(1 * ms))
    with pytest.raises(MissingExtra, match=r"neuro\[nest\]"):
        nest_engine.run(network, 10)
