"""Ticks that are long for a neuron's dynamics: the error a warning states, and where it ends."""

import re
import warnings

import numpy as np
import pytest
import torch

from neuro import Clock, ms
from neuro.errors import CoarseStep, InvalidValue
from neuro.lower import fused, reference
from neuro.neurons import (
    EIF,
    QIF,
    AdEx,
    Astrocyte,
    CobaLIF,
    HodgkinHuxley,
    Izhikevich,
    MorrisLecar,
    ResonateAndFire,
)
from neuro.nn import Population
from neuro.surrogate import ATan

LEAKY = {"capacitance": 300e-12, "g_leak": 30e-9, "e_leak": -70e-3}  # a time constant of 10 ms
PUMPED = {"v1": 1e-9}  # no flux through the receptor: calcium decays to rest at the pump's rate


def quietly(neuron, dt):
    """The population, and the relative error its warning states (0 without a warning)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer = Population(neuron, Clock(dt))
    if not caught:
        return layer, 0.0
    (one,) = caught
    assert issubclass(one.category, CoarseStep)
    number = re.search(r"([\d.]+) ?%", str(one.message))
    assert number is not None, one.message
    return layer, float(number[1]) / 100


def run(layer, steps, current=0.0, shift=None, scale=None, record=("v",)):
    """Spikes and traces [T] of one unit; `shift` is added to the resting state by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoarseStep)
        p = layer.trained()
        p = reference.coefficients(p, {}, layer.clock, torch.float64, "cpu")
    if scale:
        p = p._replace(**{k: getattr(p, k) * factor for k, factor in scale.items()})
    x = torch.full((steps, 1, 1), current, dtype=torch.float64)
    s = reference.rest(layer.neuron, p, x[0])
    s = s._replace(**{k: getattr(s, k) + d for k, d in (shift or {}).items()})
    ports = type(layer.neuron).Inputs
    inputs = ports(x, *(torch.zeros_like(x) for _ in ports._fields[1:]))
    out, _, traces = fused.scan(layer.neuron, p, inputs, s, ATan(), list(record))
    return out[:, 0, 0].numpy(), [traces[name][:, 0, 0].numpy() for name in record], s


def left_after(layer, tau, field, shift, ticks, scale=None):
    """What is left of a deviation after the time tau, from its decay over some ticks."""
    _, (trace,), start = run(layer, ticks, shift={field: shift}, record=(field,), scale=scale)
    rest = getattr(start, field).item() - shift
    kept = abs((trace[-1] - rest) / shift)
    return kept ** (tau / (ticks * layer.clock.dt))


def interval(layer, current, seconds):
    """Mean time between spikes after the first half."""
    steps = round(seconds / layer.clock.dt)
    out, _, _ = run(layer, steps, current)
    times = np.nonzero(out)[0] * layer.clock.dt
    return np.diff(times[times > seconds / 2]).mean()


@pytest.mark.parametrize(
    ("make", "fine", "warned", "refused"),
    [
        (lambda: EIF(1, **LEAKY), 1 * ms, 1.01 * ms, 10.1 * ms),
        (lambda: AdEx(1, **LEAKY), 1 * ms, 1.01 * ms, 10.1 * ms),
        (lambda: AdEx(1, **LEAKY, tau_w=5 * ms), 0.5 * ms, 0.51 * ms, 5.1 * ms),
        (lambda: AdEx(1, **LEAKY, tau_w=10 * ms, a=1.5e-6), 0.39 * ms, None, 0.4 * ms),
        (lambda: QIF(1), 1.33 * ms, 1.34 * ms, 4 * ms),
        (lambda: Izhikevich(1), 1 * ms, 1.01 * ms, 2.01 * ms),
        (lambda: Izhikevich.preset("tonic spiking", 1), 0.5 * ms, 0.51 * ms, 1.01 * ms),
        (lambda: HodgkinHuxley(1), 0.1 * ms, 0.11 * ms, 0.51 * ms),
        (lambda: MorrisLecar(1), 0.5 * ms, 0.51 * ms, 1.01 * ms),
        (lambda: Astrocyte(1), 145 * ms, 147 * ms, 467 * ms),
        (lambda: ResonateAndFire(1), 2.5 * ms, 2.6 * ms, 12.6 * ms),
    ],
)
def test_each_neuron_warns_and_refuses_at_its_bounds(make, fine, warned, refused) -> None:
    assert quietly(make(), fine)[1] == 0
    if warned is not None:
        with pytest.warns(CoarseStep, match=r"tick is .* s, coarser than .*%.*Remedy"):
            Population(make(), Clock(warned))
    with pytest.raises(InvalidValue, match=r"tick is .* s, expected at most .* Remedy: Clock\("):
        Population(make(), Clock(refused))


@pytest.mark.parametrize("kind", [EIF, AdEx])
@pytest.mark.parametrize("dt", [1.25 * ms, 2.5 * ms, 5 * ms])
def test_the_stated_error_of_euler_steps_is_that_of_a_run(kind, dt) -> None:
    extra = {"a": 0.0, "b": 0.0} if kind is AdEx else {}
    fine, none = quietly(kind(1, **LEAKY, **extra), 0.01 * ms)
    coarse, stated = quietly(kind(1, **LEAKY, **extra), dt)
    exact, found = (left_after(a, 10 * ms, "v", -1e-3, round(10 * ms / a.clock.dt)) for a in
                    (fine, coarse))  # fmt: skip
    assert none == 0
    assert abs(found / exact - 1) == pytest.approx(stated, rel=0.05)


@pytest.mark.parametrize(("preset", "dt"), [("RS", 1.5 * ms), ("tonic spiking", 0.75 * ms)])
def test_the_stated_error_of_izhikevich_is_that_of_a_run(preset, dt) -> None:
    neuron = Izhikevich.preset(preset, 1).replace(a=1e-9)  # the recovery stands still
    fine, _ = quietly(neuron, 1e-3 * ms)
    coarse, stated = quietly(neuron, dt)
    tau = 1 / 0.6 * ms
    found, exact = (left_after(a, tau, "v", 1e-3, round(6 * ms / a.clock.dt)) for a in
                    (coarse, fine))  # fmt: skip
    assert exact == pytest.approx(np.exp(-1), rel=2e-3)
    assert abs(found / exact - 1) == pytest.approx(stated, rel=0.05)


def test_the_stated_error_of_the_astrocyte_is_that_of_a_run() -> None:
    fine, _ = quietly(Astrocyte(1, **PUMPED), 2 * ms)
    coarse, stated = quietly(Astrocyte(1, **PUMPED), 200 * ms)
    found, exact = (left_after(a, 0.1673, "c", 1e-5, round(0.4 / a.clock.dt)) for a in
                    (coarse, fine))  # fmt: skip
    assert stated > 0.04
    assert abs(found / exact - 1) == pytest.approx(stated, rel=0.1)


@pytest.mark.parametrize("current", [7.0, 10.0, 40.0])
@pytest.mark.parametrize("dt", [0.2 * ms, 0.3 * ms])
def test_the_stated_error_of_hodgkin_huxley_is_that_of_a_run(current, dt) -> None:
    fine, _ = quietly(HodgkinHuxley(1), 0.01 * ms)
    coarse, stated = quietly(HodgkinHuxley(1), dt)
    error = interval(coarse, current, 0.6) / interval(fine, current, 0.6) - 1
    assert error == pytest.approx(stated, rel=0.25)


@pytest.mark.parametrize(("preset", "current"), [("hopf", 100.0), ("snic", 45.0)])
@pytest.mark.parametrize("dt", [0.6 * ms, 1 * ms])
def test_the_stated_error_of_morris_lecar_is_that_of_a_run(preset, current, dt) -> None:
    fine, _ = quietly(MorrisLecar.preset(preset, 1), 0.02 * ms)
    coarse, stated = quietly(MorrisLecar.preset(preset, 1), dt)
    error = interval(coarse, current, 4.0) / interval(fine, current, 4.0) - 1
    assert error == pytest.approx(stated, rel=0.15)


def test_the_stated_charge_of_conductances_is_that_of_a_run() -> None:
    """Weak inputs add up, so the area under v is in proportion to the charge."""
    areas = []
    for dt in (0.02 * ms, 2 * ms):
        layer, stated = quietly(CobaLIF(1, v_th=0.0), dt)
        _, (v,), _ = run(layer, round(0.3 / dt), shift={"g_exc": 1e-5}, record=("v",))
        areas.append((v + 60e-3).sum() * dt)
    assert areas[1] / areas[0] - 1 == pytest.approx(stated, rel=0.02)
    assert quietly(CobaLIF(1), 1 * ms)[1] == 0 < quietly(CobaLIF(1), 1.01 * ms)[1]


def test_the_stated_overshoot_of_qif_is_that_of_one_tick_from_the_cut_off() -> None:
    for dt in (1.5 * ms, 2 * ms, 3 * ms):
        layer, stated = quietly(QIF(1, v_th=5.0), dt)
        p = QIF.derive(layer.neuron, Clock(0.01 * ms))
        after = QIF.flow(QIF.State(4.9999), p, round(dt / (0.01 * ms))).v  # the exact solution
        assert after / 5 - 1 == pytest.approx(stated, rel=0.02)


def test_the_stated_loss_of_a_resonators_peak_is_that_of_a_run() -> None:
    """Six ticks a period, with the peak halfway between two of them."""
    neuron = ResonateAndFire(1, tau_mem=1e6, v_th=9.0, frequency=40.0)
    layer, stated = quietly(neuron, 25 * ms / 6)
    p = reference.coefficients(neuron, {}, Clock(0.1 * ms), torch.float64, "cpu")
    assert p.turn > 0
    _, (v,), _ = run(layer, 12, shift={"w": 1.0})
    assert 1 - v.max() == pytest.approx(stated, rel=0.01)


def test_beyond_the_bounds_the_runs_go_wrong() -> None:
    """The reason given in each refusal, seen with coefficients of a tick that is not accepted."""

    def grows(neuron, dt, field, shift, scale, ticks=200):
        layer, _ = quietly(neuron, dt)
        return left_after(layer, 1.0, field, shift, ticks, scale) > 1

    pair = AdEx(1, **LEAKY, tau_w=10 * ms, a=1.5e-6, v_t=0.0, v_peak=10e-3)
    for factor in (1.0, 1.03):  # 0.39 and 0.402 ms; the bound is 20 / 51 = 0.392 ms
        scale = dict.fromkeys(("leak", "drive", "slow"), factor)
        assert grows(pair, 0.39 * ms, "v", 1e-9, scale, 9000) == (factor > 1)

    rates = ("v1", "v2", "v3", "a2", "rate")
    for factor in (1.0, 1.04):  # 460 and 478 ms; the bound is 466 ms
        scale = dict.fromkeys(rates, factor)
        assert grows(Astrocyte(1, **PUMPED), 460 * ms, "c", 1e-7, scale) == (factor > 1)

    for v_rest in (-86.0, -89.0):  # the bound is -87.5 mV
        constant = -(0.04 * v_rest + 4.8) * v_rest
        cell = Izhikevich(1, a=1e-9, constant=constant)
        assert grows(cell, 2 * ms, "v", 1e-9, {}) == (v_rest < -87.5)

    above, _ = quietly(EIF(1, **LEAKY), 10 * ms)
    _, (v,), _ = run(above, 2, shift={"v": -5e-3}, scale={"leak": 1.2})
    assert v[0] > -69.5e-3  # from below rest to above it in one tick

    for neuron, dt, current, scale in (
        (HodgkinHuxley(1), 0.5 * ms, 40.0, {"step": 2.0}),
        (MorrisLecar.preset("snic", 1), 1 * ms, 100.0, {"step": 2.0, "opening": 2.0}),
    ):
        layer, _ = quietly(neuron, dt)
        steps = round(1.0 / dt)
        accepted, beyond = (run(layer, steps, current, scale=s)[0] for s in ({}, scale))
        assert accepted[steps // 2 :].sum() >= 5 and beyond[steps // 2 :].sum() == 0
