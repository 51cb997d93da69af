"""The laws against closed forms and snnTorch, with every parameter away from its neutral value."""

import itertools

import numpy as np
import pytest
import snntorch
import torch

from neuro import ALIF, IF, LI, LIF, Clock, ms
from neuro.errors import InvalidValue, UnknownName
from neuro.nn import Population
from neuro.surrogate import ATan, FastSigmoid, Sigmoid, SuperSpike, Triangular

CLOCK = Clock(1 * ms)
MEMBRANE = {"v_th": 0.75, "v_leak": 0.125, "v_reset": -0.25}
NEURONS = (
    LIF(5, tau_mem=7 * ms, **MEMBRANE),
    LIF(5, tau_mem=7 * ms, refractory=3 * ms, **MEMBRANE),
    LIF(5, tau_mem=7 * ms, reset="subtract", **MEMBRANE),
    LIF(5, tau_mem=7 * ms, reset="none", **MEMBRANE),
    ALIF(5, tau_mem=7 * ms, tau_adapt=31 * ms, beta=0.3, **MEMBRANE),
    ALIF(5, tau_mem=7 * ms, tau_adapt=31 * ms, beta=0.3, reset="zero", **MEMBRANE),
    IF(5, v_th=0.75, v_reset=-0.25),
    LI(5, tau_mem=7 * ms, v_leak=0.125),
)


def constant(current: float, steps: int, units: int = 1) -> torch.Tensor:
    return torch.full((steps, 1, units), current, dtype=torch.float64)


def test_lif_fires_at_the_closed_form_period() -> None:
    """v_n = I (1 - a^n) / (1 - a), so the first n with v_n > v_th is the period."""
    tau, current, v_th = 20 * ms, 0.08, 1.0
    spk, _ = Population(LIF(1, tau_mem=tau, v_th=v_th), CLOCK)(constant(current, 400))
    alpha = np.exp(-1 * ms / tau)
    period = int(np.floor(np.log(1 - v_th * (1 - alpha) / current) / np.log(alpha))) + 1
    times = spk[:, 0, 0].nonzero().ravel().numpy() + 1
    assert period > 10
    np.testing.assert_array_equal(times, np.arange(period, 401, period))


def test_subthreshold_membrane_settles_at_the_closed_form_value() -> None:
    tau, current, leak = 5 * ms, 0.05, 0.2
    out, _ = Population(LI(1, tau_mem=tau, v_leak=leak), CLOCK)(constant(current, 300))
    alpha = np.exp(-1 * ms / tau)
    expected = leak + current * (1 - alpha ** np.arange(1, 301)) / (1 - alpha)
    np.testing.assert_allclose(out[:, 0, 0].numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("refractory", [0, 1, 2, 5])
def test_refractory_period_ignores_exactly_that_many_ticks(refractory: int) -> None:
    neuron = LIF(1, v_th=0.5, refractory=refractory * ms)
    spk, _ = Population(neuron, CLOCK)(constant(1.0, 60))
    times = spk[:, 0, 0].nonzero().ravel()
    assert set(times.diff().tolist()) == {refractory + 1}


def test_membrane_is_held_while_refractory_and_then_decays_from_reset() -> None:
    neuron = LIF(1, v_th=0.5, v_reset=-1.0, v_leak=0.25, tau_mem=4 * ms, refractory=2 * ms)
    x = torch.zeros(6, 1, 1, dtype=torch.float64)
    x[0] = 3.0
    layer = Population(neuron, CLOCK)
    _, _, traces = layer.trace(layer.ports({"current": x}), record=("v",))
    alpha = np.exp(-1 / 4)
    decaying = [0.25 - 1.25 * alpha**k for k in (1, 2, 3)]
    np.testing.assert_allclose(traces["v"][:, 0, 0], [-1, -1, -1, *decaying], rtol=1e-12)


def test_alif_threshold_follows_the_closed_form() -> None:
    """With one spike at tick 0, b_n = rho^n, and the neuron fires iff v > v_th + beta b."""
    tau = 50 * ms
    layer = Population(ALIF(1, tau_adapt=tau, beta=2.0, tau_mem=1 * ms, v_th=1.0), CLOCK)
    x = torch.zeros(40, 1, 1, dtype=torch.float64)
    x[0] = 1.5
    _, _, traces = layer.trace(layer.ports({"current": x}), record=("b",))
    np.testing.assert_allclose(traces["b"][:, 0, 0], np.exp(-np.arange(40) / 50), rtol=1e-12)
    threshold = 1.0 + 2.0 * np.exp(-20 / 50)
    for extra, fires in ((-1e-6, 0.0), (1e-6, 1.0)):
        probe = x.clone()
        residue = 0.5 * np.exp(-20.0)  # what is left of the membrane after 20 ticks
        probe[20] = threshold + extra - residue
        assert layer(probe)[0][20].item() == fires


@pytest.mark.parametrize("reset", ["zero", "subtract", "none"])
def test_lif_spikes_equal_snntorch(reset: str) -> None:
    """Dyadic weights and decay, so that equality is exact."""
    x = torch.randint(0, 9, (200, 3, 4), generator=torch.Generator().manual_seed(1)) / 16
    theirs = snntorch.Leaky(beta=0.875, threshold=1.0, reset_mechanism=reset, reset_delay=False)
    mem, expected = theirs.init_leaky(), []
    for step in x:
        spk, mem = theirs(step, mem)
        expected.append(spk)
    ours = Population(LIF.from_beta(0.875, dt=1 * ms, shape=4).replace(reset=reset), CLOCK)
    spk, state = ours(x)
    assert spk.sum() > 50
    assert torch.equal(spk, torch.stack(expected))
    torch.testing.assert_close(state.v, mem)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (FastSigmoid(25), snntorch.surrogate.fast_sigmoid(25)),
        (SuperSpike(10), snntorch.surrogate.fast_sigmoid(10)),
        (ATan(2), snntorch.surrogate.atan(2)),
        (Sigmoid(25), snntorch.surrogate.sigmoid(25)),
    ],
)
def test_surrogate_gradients_equal_snntorch(ours: ATan, theirs: object) -> None:
    x = torch.linspace(-2, 2, 41, dtype=torch.float64, requires_grad=True)
    theirs(x).sum().backward()  # type: ignore[operator]
    expected = x.grad
    assert expected is not None
    torch.testing.assert_close(ours.derivative(x.detach()), expected)


@pytest.mark.parametrize("curve", [ATan(3.0), Sigmoid(5.0), Triangular(0.5, 2.0)])
def test_normalised_surrogates_have_unit_area(curve: ATan) -> None:
    """They are densities: the surrogate spike rises by exactly 1."""
    x = np.linspace(-4000, 4000, 8_000_001)
    assert np.trapezoid(curve.derivative(x), x) == pytest.approx(1, abs=1e-3)


def test_triangular_is_zero_outside_its_window() -> None:
    x = torch.tensor([-1.01, -1.0, -0.5, 0.0, 0.5, 1.0, 1.01])
    expected = 0.3 * torch.tensor([0, 0, 0.5, 1, 0.5, 0, 0])
    torch.testing.assert_close(Triangular(0.3, 1.0).derivative(x), expected)


def test_surrogate_refuses_a_steepness_of_zero() -> None:
    with pytest.raises(InvalidValue, match=r"ATan.alpha: got 0"):
        ATan(0)


@pytest.mark.parametrize("neuron", NEURONS, ids=repr)
def test_flow_of_two_steps_is_the_flow_of_one_twice(neuron: LIF) -> None:
    """The semigroup law that makes a neuron safe for event-driven simulation."""
    rng = np.random.default_rng(0)
    laws, p = type(neuron), type(neuron).derive(neuron, CLOCK)
    state = laws.State(*(rng.integers(0, 6, 50).astype(float) for _ in laws.State._fields))
    for a, b in ((1, 1), (2, 5), (7, 3)):
        once, twice = laws.flow(state, p, a + b), laws.flow(laws.flow(state, p, a), p, b)
        for x, y in zip(once, twice, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-12)


@pytest.mark.parametrize("neuron", NEURONS, ids=repr)
def test_rest_is_a_fixed_point_without_input(neuron: LIF) -> None:
    out, state = Population(neuron, CLOCK)(torch.zeros(50, 2, 5, dtype=torch.float64))
    resting = type(neuron).rest(type(neuron).derive(neuron, CLOCK))
    for field, expected in zip(state, resting, strict=True):
        np.testing.assert_allclose(field, np.broadcast_to(expected, (2, 5)), rtol=1e-12)
    if neuron.spiking():
        assert out.sum() == 0


@pytest.mark.parametrize("neuron", NEURONS, ids=repr)
def test_a_run_in_two_parts_equals_a_run_in_one(neuron: LIF) -> None:
    x = torch.rand(60, 2, 5, generator=torch.Generator().manual_seed(3))
    layer = Population(neuron, CLOCK)
    whole, end = layer(x)
    first, state = layer(x[:23])
    second, last = layer(x[23:], state)
    assert torch.equal(whole, torch.cat([first, second]))
    assert all(torch.equal(a, b) for a, b in zip(end, last, strict=True))


@pytest.mark.parametrize("neuron", [n for n in NEURONS if n.spiking()], ids=repr)
def test_firing_rate_grows_with_the_current(neuron: LIF) -> None:
    rates = [Population(neuron, CLOCK)(constant(i, 300, 5))[0].mean() for i in (0, 0.2, 0.5, 1)]
    assert all(a <= b for a, b in itertools.pairwise(rates))
    assert rates[0] == 0 and rates[-1] > rates[1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LIF(3, tau_mem=0), r"LIF.tau_mem: got 0 s, expected a value above 0 s"),
        (lambda: LIF(3, tau_mem=-1 * ms), r"LIF.tau_mem: got -0.001 s"),
        (lambda: LIF(3, v_th=np.nan), r"LIF.v_th: got a value that is NaN"),
        (lambda: LIF(3, v_th=np.ones(4)), r"LIF.v_th: shape \(4,\) does not broadcast .*\(3,\)"),
        (lambda: LIF(3, v_th="high"), r"LIF.v_th: got 'high', expected a number"),
        (lambda: LIF(3, reset="soft"), r"LIF.reset: got 'soft', expected one of"),
        (lambda: LIF(0), r"LIF.shape: got 0, expected positive integers"),
        (lambda: ALIF(3, beta=-0.1), r"ALIF.beta: got -0.1 1, expected a value of at least 0"),
        (lambda: LIF.from_beta(1.0, dt=1 * ms), r"LIF.from_beta: got beta=1.0"),
        (lambda: Population(LIF(), CLOCK), r"has no shape"),
        (
            lambda: Population(LIF(3, refractory=0.5 * ms), CLOCK),
            r"refractory: 0.0005 s is not",
        ),
    ],
)
def test_bad_parameters_are_named(make: object, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        make()  # type: ignore[operator]


def test_unknown_parameter_to_learn_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'tau_mem'"):
        Population(LIF(3), CLOCK, learn=["tau_men"])


def test_description_states_laws_and_table() -> None:
    text = ALIF.describe()
    for line in ("v - (v_th + beta * b) > 0", "b <- b + z", "time constant of the adaptation"):
        assert line in text
    assert repr(LIF((2, 3), tau_mem=5 * ms)) == "LIF((2, 3), tau_mem=0.005)"
