"""snnTorch models and their networks side by side: snnTorch itself runs, step by step."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from neuro.build import conv, dense, feedforward
from neuro.clock import Clock
from neuro.errors import Unsupported
from neuro.interop import from_snntorch, to_snntorch
from neuro.network import Input, Network, Synapse
from neuro.neurons import IF, LI, LIF, CubaLIF
from neuro.surrogate import ATan
from neuro.synapses import Conv2d, Dense
from neuro.train import Module
from neuro.units import ms

snn: Any = pytest.importorskip("snntorch")

CLOCK = Clock(1 * ms)
KINDS = ("Leaky", "RLeaky", "Synaptic", "RSynaptic")
MODES = [
    (kind, reset, delay)
    for kind in KINDS
    for reset in ("none", "zero", "subtract")
    for delay in (True, False)
    if delay or (kind != "RSynaptic" and reset != "subtract")  # which are refused
]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def layer(kind: str, size: int, **settings: Any) -> Any:
    """A snnTorch neuron of `size` units that keeps its own state."""
    settings = {"beta": 0.5, "threshold": 1.0, "init_hidden": True} | settings
    if kind in ("Synaptic", "RSynaptic", "Alpha"):
        settings.setdefault("alpha", 0.75 if kind == "Alpha" else 0.5)
    if kind in ("RLeaky", "RSynaptic"):
        settings.setdefault("linear_features", size)
    return getattr(snn, kind)(**settings)


def weighted(model: Any, seed: int, *, grain: float | None = 1 / 8, gain: float = 1.0) -> Any:
    """The model with random weights, on multiples of `grain` if given."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                for p in module.parameters():
                    w = torch.randn(p.shape, generator=rng) * gain / (1 if p.ndim > 1 else 8)
                    p.copy_(torch.round(w / grain) * grain if grain else w)
    return model


def descend(loss: torch.Tensor, model: nn.Module, *, rate: float) -> None:
    """One step of gradient descent."""
    trained = [p for p in model.parameters() if p.requires_grad]
    with torch.no_grad():
        for p, gradient in zip(trained, torch.autograd.grad(loss, trained), strict=True):
            p -= rate * gradient


def spikes_in(*shape: int, steps: int = 16, batch: int = 3, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, batch, *shape, generator=rng) < 0.4).float()


def flat(model: Any) -> list[Any]:
    nested = (nn.Sequential, nn.ModuleList, list)
    return [m for child in model for m in (flat(child) if isinstance(child, nested) else [child])]


def theirs(model: Any, x: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Spikes and mem of every neuron layer, as snnTorch computes them step by step from rest."""
    out: dict[Any, list[tuple[Any, Any]]] = {}
    neurons = [m for m in flat(model) if isinstance(m, snn.SpikingNeuron)]
    for module in neurons:
        module.reset_mem()
    for signal in x:
        for module in flat(model):
            signal = module(signal)
            if module in neurons:
                signal = signal[0] if isinstance(signal, tuple) else signal
                signal = signal.to(x.dtype)  # its spikes are float32 in a float64 model too
                if hasattr(module, "recurrent"):
                    module.spk = signal
                out.setdefault(module, []).append((signal, module.mem.clone()))
    return [
        (torch.stack([s for s, _ in steps]), torch.stack([m for _, m in steps]))
        for steps in out.values()
    ]


def ours(network: Network, x: torch.Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
    """Spikes and v of every population; a readout spikes nowhere."""
    neurons = network.neurons()
    signals = [f"{n}.spikes" for n, p in neurons.items() if p.spiking()]
    with torch.no_grad():
        record, _ = Module(network).to(x.dtype)(x, record=[*signals, *(f"{n}.v" for n in neurons)])
    return [
        (
            record.array(f"{n}.spikes") if p.spiking() else np.zeros(record[f"{n}.v"].shape),
            record.array(f"{n}.v"),
        )
        for n, p in neurons.items()
    ]


def check(model: Any, x: torch.Tensor, least: int = 10, network: Network | None = None) -> Network:
    """Assert equal spikes in every layer, and mem as the module's table has it; the network."""
    if network is None:
        network = from_snntorch(model, clock=CLOCK, input_shape=tuple(x.shape[2:]))
    module = model.to(x.dtype) if isinstance(model, nn.Module) else model
    exact, total = x.dtype == torch.float32, 0.0
    layers = [m for m in flat(model) if isinstance(m, snn.SpikingNeuron)]
    with torch.no_grad():
        expected = theirs(module, x)
    for i, (neuron, got) in enumerate(
        zip(network.neurons().values(), ours(network, x), strict=True)
    ):
        (their_spikes, mem), (spikes, v) = expected[i], got
        np.testing.assert_array_equal(spikes, their_spikes.reshape(spikes.shape), f"layer {i}")
        total += spikes.sum()
        same = np.full(v.shape, True)
        if getattr(neuron, "reset", "") == "subtract":
            v = v - getattr(neuron, "v_leak", 0.0) + neuron.v_th * spikes  # type: ignore[attr-defined]
        elif getattr(neuron, "reset", "") == "zero" and getattr(layers[i], "reset_delay", True):
            same = spikes == 0
        tolerance = {"rtol": 0, "atol": 0} if exact else {"rtol": 1e-9, "atol": 1e-9}
        np.testing.assert_allclose(v[same], mem.numpy().reshape(v.shape)[same], **tolerance)
    assert total >= least
    return network


# -- equal spikes and membranes -------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "reset", "delay"), MODES)
def test_equal_bit_by_bit_on_dyadic_weights(kind: str, reset: str, delay: bool) -> None:
    how = {"reset_mechanism": reset, "reset_delay": delay}
    model = nn.Sequential(
        nn.Linear(6, 5), layer(kind, 5, **how),
        nn.Linear(5, 4), layer(kind, 4, threshold=0.5, **how),
    )  # fmt: skip
    check(weighted(model, 1), spikes_in(6))


@pytest.mark.parametrize(("kind", "reset", "delay"), MODES)
def test_equal_on_random_weights_and_values_per_unit(kind: str, reset: str, delay: bool) -> None:
    """In float64, where no membrane comes within rounding of its threshold."""
    names = ("beta", "threshold") + (("alpha",) if "Synaptic" in kind else ())
    how = {name: torch.rand(7) * 0.9 + 0.05 for name in names}
    model = nn.Sequential(
        nn.Linear(6, 7), layer(kind, 7, reset_mechanism=reset, reset_delay=delay, **how)
    )
    check(weighted(model, 2, grain=None), spikes_in(6, steps=200).double(), least=100)


@settings(max_examples=40, deadline=None)
@given(
    mode=st.sampled_from(MODES),
    beta=st.sampled_from([0.25, 0.5, 1.0]),
    theta=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    sizes=st.tuples(*[st.integers(1, 5)] * 3),
    seed=st.integers(0, 1000),
)
def test_any_model_is_equal(
    mode: tuple[str, str, bool], beta: float, theta: float, sizes: tuple[int, int, int], seed: int
) -> None:
    """Dyadic and few steps, so that float32 is exact: a membrane at threshold counts too."""
    kind, reset, delay = mode
    how = {"reset_mechanism": reset, "reset_delay": delay, "beta": beta, "threshold": theta}
    a, b, c = sizes
    model = nn.Sequential(
        nn.Linear(a, b), layer(kind, b, **how), nn.Linear(b, c), layer(kind, c, **how)
    )
    check(weighted(model, seed), spikes_in(a, steps=8, seed=seed), least=0)


def test_decays_outside_0_to_1_act_as_clamped() -> None:
    beta = torch.tensor([-0.5, 0.0, 0.5, 1.0, 1.5])
    for reset in ("zero", "none"):
        model = nn.Sequential(nn.Linear(6, 5), layer("Leaky", 5, beta=beta, reset_mechanism=reset))
        check(weighted(model, 3), spikes_in(6, steps=12))


@pytest.mark.parametrize("kind", KINDS)
def test_trained_values_travel(kind: str) -> None:
    """Weights, beta, threshold and alpha after training in snnTorch, at what they are by then."""
    learned = {"learn_beta": True, "learn_threshold": True, "threshold": torch.full((5,), 0.5)}
    model = nn.Sequential(nn.Linear(6, 5), layer(kind, 5, beta=torch.full((5,), 0.5), **learned))
    weighted(model, 4)
    for _ in range(3):
        descend(-theirs(model, spikes_in(6))[0][0].sum(), model, rate=0.002)
    beta = model[1].beta.detach().clone()
    assert beta.unique().numel() > 1 and model[1].threshold.unique().numel() > 1
    network = check(model.requires_grad_(False), spikes_in(6, steps=100).double())
    np.testing.assert_array_equal(
        network.synapses[0].topology.arrays()["weight"], model[0].weight.float()
    )
    tau: Any = network.populations["out"].tau_mem  # type: ignore[union-attr]
    np.testing.assert_allclose(np.exp(-CLOCK.dt / tau), beta, rtol=1e-15)


def test_without_leak_it_is_an_integrate_and_fire_neuron() -> None:
    model = weighted(nn.Sequential(nn.Linear(6, 5), layer("Leaky", 5, beta=1.0)), 5)
    assert type(check(model, spikes_in(6, steps=100)).populations["out"]) is IF


@pytest.mark.parametrize(("alpha", "beta"), [((0.55, 0.95), (0, 0.5)), ((1, 1), (0, 0))])
def test_alpha_without_reset(alpha: tuple[float, float], beta: tuple[float, float]) -> None:
    decays = {"alpha": torch.linspace(*alpha, 7), "beta": torch.linspace(*beta, 7)}
    neuron = layer("Alpha", 7, threshold=0.3, reset_mechanism="none", **decays)
    model = weighted(nn.Sequential(nn.Linear(6, 7), neuron), 6, grain=None)
    check(model, spikes_in(6, steps=200).double(), least=100)


def test_convolutions_and_flatten_in_nested_sequentials_and_lists() -> None:
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), layer("Leaky", 0, beta=torch.rand(4, 8, 6))),
        nn.Sequential(nn.Conv2d(4, 4, 3, stride=(2, 1), groups=2, bias=False), layer("Leaky", 0)),
        nn.Flatten(), nn.Linear(4 * 3 * 4, 5), layer("Leaky", 5),
    )  # fmt: skip
    x = spikes_in(2, 8, 6, steps=60).double()
    network = check(weighted(model, 7, grain=None, gain=0.7), x)
    shapes = [p.units for p in network.populations.values()]
    assert shapes == [(2, 8, 6), (4, 8, 6), (4, 3, 4), (5,)]
    model.float()
    for same in ([*model], nn.ModuleList(model), [model[0], list(model[1]), *model[2:]]):
        assert from_snntorch(same, clock=CLOCK, input_shape=(2, 8, 6)) == network


def test_a_weight_layer_may_serve_twice() -> None:
    shared = nn.Linear(5, 5)
    model = nn.Sequential(shared, layer("Leaky", 5), shared, layer("Leaky", 5))
    assert len(check(weighted(model, 8), spikes_in(5)).neurons()) == 2


def test_neurons_without_weights_before_them_are_reached_one_to_one() -> None:
    model = nn.Sequential(layer("Leaky", 0, threshold=0.5), nn.Flatten(), layer("Leaky", 0))
    check(model, spikes_in(2, 3, 4))


@pytest.mark.parametrize("kind", ["RLeaky", "RSynaptic"])
@pytest.mark.parametrize("reset", ["zero", "subtract", "none"])
def test_recurrence_one_to_one_and_by_convolution(kind: str, reset: str) -> None:
    how = {"linear_features": None, "reset_mechanism": reset}
    one = {"all_to_all": False, **how}
    v = torch.tensor([0.5, -0.5, 1.0, 0.25, -1.0])
    check(weighted(nn.Sequential(nn.Linear(6, 5), layer(kind, 5, V=v, **one)), 8), spikes_in(6))
    grid = layer(kind, 0, conv2d_channels=3, kernel_size=3, **how)
    x = spikes_in(2, 6, 5, steps=12)
    check(weighted(nn.Sequential(nn.Conv2d(2, 3, 3), grid), 9, gain=0.5), x)
    single = layer(kind, 0, V=0.5, **one)
    network = check(weighted(nn.Sequential(nn.Conv2d(2, 3, 3), single), 9, gain=0.5), x)
    assert isinstance(network.synapses[1].topology, Conv2d)  # not a matrix over all units


@pytest.mark.parametrize("reset", ["zero", "none"])
def test_a_readout_that_never_fires_is_an_li(reset: str) -> None:
    out = layer("Leaky", 4, threshold=float("inf"), reset_mechanism=reset, output=True)
    model = nn.Sequential(nn.Linear(6, 5), layer("Leaky", 5), nn.Linear(5, 4), out)
    network = check(weighted(model, 11), spikes_in(6))
    assert type(network.populations["out"]) is LI


@pytest.mark.parametrize(("kind", "reset"), [(k, r) for k, r, delay in MODES if delay])
def test_gradients_are_those_of_snntorch_with_the_same_surrogate(kind: str, reset: str) -> None:
    model = nn.Sequential(
        nn.Linear(6, 5), layer(kind, 5, reset_mechanism=reset),
        nn.Linear(5, 4), layer(kind, 4, reset_mechanism=reset),
    )  # fmt: skip
    weighted(model, 12, grain=None)
    x, value = spikes_in(6), torch.randn(16, 3, 4)
    network = from_snntorch(model, clock=CLOCK, input_shape=6)
    (theirs(model, x)[-1][0] * value).sum().backward()
    module = Module(network, surrogate=ATan(2.0))  # the default of snnTorch
    (module(x)[0]["out.spikes"] * value).sum().backward()
    for number, array in (("0", "in->hid1:weight"), ("2", "hid1->out:weight")):
        expected = model.get_parameter(f"{number}.weight").grad
        assert expected is not None and expected.abs().max() > 0
        got = module.arrays[array].grad
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


# -- what snnTorch does that we say it does -------------------------------------------------------


def test_the_delayed_subtraction_with_the_same_numbers_would_give_other_spikes() -> None:
    """0.5 * 1.5 + 0.8 - 1 is below threshold, 0.5 * (1.5 - 1) + 0.8 above it."""
    x = torch.tensor([1.5, 0.8, 0.0, 0.0])[:, None, None]
    naive = feedforward(
        1, LIF.from_beta(0.5, dt=1e-3, shape=1).replace(reset="subtract"), clock=CLOCK, seed=0
    )
    one = (Synapse("in", "out", Dense([[1.0]])),)
    assert ours(naive.replace(synapses=one), x)[0][0].ravel().tolist() == [1, 1, 0, 0]
    model = [layer("Leaky", 1)]
    assert theirs(model, x)[0][0].flatten().tolist() == [1, 0, 0, 0]
    network = from_snntorch(model, clock=CLOCK, input_shape=1)
    assert ours(network, x)[0][0].ravel().tolist() == [1, 0, 0, 0]


def test_after_an_undelayed_subtraction_a_high_membrane_must_exceed_twice_the_threshold() -> None:
    """m = 3 fires, 2 is left; 0.5 * 2 + 0.6 = 1.6 is above 1, but silent."""
    x = torch.tensor([3.0, 0.6, 0.0])[:, None, None]
    model = [layer("Leaky", 1, reset_delay=False)]
    assert theirs(model, x)[0][0].flatten().tolist() == [1, 0, 0]
    with pytest.raises(Unsupported, match="exceed twice the threshold"):
        from_snntorch(model, clock=CLOCK, input_shape=1)


def test_alpha_resets_its_currents() -> None:
    x = torch.tensor([4.0, 0.0, 2.0])[:, None, None]
    for reset, excitatory in (("zero", 0.0), ("subtract", 0.75 * 3 + 2 - 1)):
        alpha = layer("Alpha", 1, reset_mechanism=reset)
        (spikes, _), *_ = theirs([alpha], x)
        assert spikes.flatten().tolist()[:2] == [0, 1]  # so the third step resets
        assert (float(alpha.syn_exc), float(alpha.syn_inh)) == (excitatory, 0.0)


def test_a_negative_threshold_resets_without_a_spike() -> None:
    (spikes, mem), *_ = theirs([layer("Leaky", 1, threshold=-1.0)], torch.full((1, 1, 1), -2.5))
    assert (float(spikes), float(mem)) == (0, -1.5)


def test_rsynaptic_without_delay_fails() -> None:
    with pytest.raises(TypeError):
        theirs([layer("RSynaptic", 1, reset_delay=False)], torch.ones(1, 1, 1))


# -- there and back -------------------------------------------------------------------------------


def nets() -> dict[str, Network]:
    beta = np.float32([0.9, 0.8, 0.7, 0.6, 0.5]).astype(float)  # that float32 can hold
    tau = -1e-3 / np.log(beta)
    loop = Synapse("hid1", "hid1", Dense(np.eye(5)[::-1] / 2, np.full(5, 1 / 8)), delay=1 * ms)
    each = Synapse("hid1", "hid1", Dense(np.eye(5) / -2), delay=1 * ms)

    def row(first: Any, *extra: Synapse) -> Network:
        net = feedforward(
            6, dense(gain=2.5), first, dense(gain=3, bias=True), LI(3), clock=CLOCK, seed=1
        )
        return net.replace(synapses=(*net.synapses[:1], *extra, *net.synapses[1:]))

    grid = np.random.default_rng(0).normal(0, 0.5, (3, 2, 3, 3))
    cuba = CubaLIF.from_decays(0.5, float(beta[0]), dt=1e-3, shape=5)
    near = Conv2d(np.full((3, 3, 1, 1), -0.25))
    return {
        "LIF zero": row(LIF(5, tau_mem=tau, v_th=0.75)),
        "LIF zero, leak": row(LIF(5, tau_mem=tau, v_leak=-0.25, v_reset=-0.25)),
        "LIF none, leak": row(LIF(5, tau_mem=tau, v_leak=0.25, reset="none")),
        "LIF subtract": row(LIF(5, tau_mem=tau, reset="subtract", v_leak=1 - beta)),
        "IF subtract": row(IF(5, reset="subtract")),
        "LIF loop": row(LIF(5, tau_mem=tau), loop),
        "LIF loop, one to one": row(LIF(5, tau_mem=tau), each),
        "LIF loop, one to one and bias": row(
            LIF(5, tau_mem=tau), Synapse("hid1", "hid1", Dense(np.eye(5), np.ones(5) / -4), 1 * ms)
        ),
        "LIF loop, silent": row(LIF(5, tau_mem=tau, refractory=1 * ms), loop),
        "CubaLIF zero": row(cuba),
        "CubaLIF none": row(cuba.replace(reset="none", r=2 * cuba.r)),
        "CubaLIF loop": row(cuba.replace(refractory=1 * ms), loop),
        "CubaLIF next": row(
            CubaLIF(5, tau_mem=tau, tau_syn=3 * ms, reset="none", v_th=0.3, r=2.0)
        ),
        "conv": feedforward((2, 8, 8), conv(3, kernel=3, stride=2, gain=2.0), LIF(tau_mem=5 * ms),
                            dense(gain=2), LIF(4, v_th=0.5), clock=CLOCK, seed=2),
        "conv loop": Network(
            {"in": Input((2, 6, 6)), "out": LIF((3, 6, 6), tau_mem=4 * ms)},
            (Synapse("in", "out", Conv2d(grid, padding=1)),
             Synapse("out", "out", near, delay=1 * ms)), ("out",), CLOCK,
        ),
    }  # fmt: skip


def returned(network: Network) -> Network:
    shape = network.populations["in"].units
    return from_snntorch(to_snntorch(network), clock=CLOCK, input_shape=shape)


@pytest.mark.parametrize("name", nets())
def test_a_network_runs_in_snntorch_and_comes_back_with_equal_spikes(name: str) -> None:
    network = nets()[name]
    x = spikes_in(*network.populations["in"].units, steps=80).double()
    expected, back = ours(network, x), ours(returned(network), x)
    total = 0
    with torch.no_grad():
        there = theirs(to_snntorch(network).double(), x)
    for i, (neuron, (spikes, v)) in enumerate(
        zip(network.neurons().values(), expected, strict=True)
    ):
        np.testing.assert_array_equal(there[i][0], spikes)
        np.testing.assert_array_equal(back[i][0], spikes)
        if isinstance(neuron, LI):
            np.testing.assert_allclose(there[i][1], v, rtol=1e-5, atol=1e-5)
        total += spikes.sum()
    assert total > 30


@pytest.mark.parametrize(
    "name",
    ["LIF zero", "LIF subtract", "IF subtract", "LIF loop", "LIF loop, one to one",
     "LIF loop, silent", "CubaLIF zero", "CubaLIF loop"],
)  # fmt: skip
def test_what_comes_back_is_the_same_network(name: str) -> None:
    """Up to the readout's tau_mem and rounding in float64: every decay here fits float32."""
    network, back = nets()[name], returned(nets()[name])
    for mine, theirs_ in zip(network.synapses, back.synapses, strict=True):
        assert mine.name == theirs_.name and mine.delay == theirs_.delay
        assert mine.topology.options() == theirs_.topology.options()
        assert mine.topology.arrays().keys() == theirs_.topology.arrays().keys()
        for key, array in mine.topology.arrays().items():
            np.testing.assert_array_equal(array, theirs_.topology.arrays()[key])
    for key, neuron in network.neurons().items():
        other = back.neurons()[key]
        assert type(neuron) is type(other) and neuron.options() == other.options()
        for field, value in neuron.values().items():
            rtol = 1e-14 if key == "hid1" else 1e-5
            np.testing.assert_allclose(other.values()[field], value, rtol=rtol, atol=1e-15)


@pytest.mark.parametrize(("kind", "reset", "delay"), [*MODES, ("Alpha", "none", True)])
def test_a_model_is_the_same_after_a_trip_through_a_network(
    kind: str, reset: str, delay: bool
) -> None:
    """Random weights and an ordinary beta: every number of the state_dict, bit by bit."""
    how = {"reset_mechanism": reset} | ({} if kind == "Alpha" else {"reset_delay": delay})
    how |= {"beta": torch.tensor([0.9, 0.3, 0.7]), "alpha": 0.95}
    how["threshold"] = torch.rand(3) + 0.5 if reset == "zero" else 0.7
    if "Synaptic" not in kind and kind != "Alpha":
        del how["alpha"]
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, stride=2, bias=False), layer("Leaky", 0, beta=0.9),
        nn.Flatten(), nn.Linear(12, 3), layer(kind, 3, **how),
    )  # fmt: skip
    network = from_snntorch(model, clock=CLOCK, input_shape=(2, 5, 5))
    back = to_snntorch(network)
    assert [type(m) for m in back] == [type(m) for m in model]
    values, others = model.state_dict(), back.state_dict()
    assert values.keys() == others.keys()
    assert all(torch.equal(value, others[key]) for key, value in values.items())
    assert from_snntorch(back, clock=CLOCK, input_shape=(2, 5, 5)) == network


def test_one_to_one_recurrence_comes_back_as_such() -> None:
    v = torch.tensor([0.5, -0.3, 0.7])
    one = snn.RLeaky(beta=0.9, V=v, all_to_all=False)
    back = to_snntorch(from_snntorch([nn.Linear(6, 3), one], clock=CLOCK, input_shape=6))
    assert not back[1].all_to_all and torch.equal(back[1].V, v)


def test_the_last_layer_returns_its_state_and_the_others_their_spikes() -> None:
    model = to_snntorch(nets()["CubaLIF zero"])
    spikes, mem = model(torch.ones(2, 6))
    assert spikes.shape == mem.shape == (2, 3)


def test_weights_trained_here_travel_to_snntorch() -> None:
    model = weighted(nn.Sequential(nn.Linear(6, 5), layer("Leaky", 5, beta=0.9)), 13)
    module = Module(from_snntorch(model, clock=CLOCK, input_shape=6))
    descend(module(spikes_in(6))[0]["out.spikes"].sum(), module, rate=0.1)
    trained = to_snntorch(module.network())
    assert torch.equal(trained[0].weight, module.arrays["in->out:weight"])
    assert not torch.equal(trained[0].weight, model[0].weight)
    check(trained, spikes_in(6, steps=100).double(), network=module.network())


def test_conversion_changes_neither_the_model_nor_the_global_generator() -> None:
    model = weighted(nn.Sequential(nn.Linear(6, 5), layer("RLeaky", 5)), 14)
    with torch.no_grad():
        theirs(model, spikes_in(6))  # leaves a hidden state
    before, generator = copy.deepcopy(model), torch.get_rng_state()
    to_snntorch(from_snntorch(model, clock=CLOCK, input_shape=6))
    assert torch.equal(generator, torch.get_rng_state())
    assert torch.equal(model[1].mem, before[1].mem) and before[1].mem.any()
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.state_dict().items())


def test_without_snntorch_the_extra_is_named_and_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.modules['snntorch'] = None\n"
        "from neuro import *; from neuro.interop import to_snntorch\n"
        "print('torch' in sys.modules)\n"
        "to_snntorch(feedforward(2, LIF(2), clock=Clock(ms), seed=0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False"
    assert "MissingExtra: snntorch" in done.stderr and "neuro[snntorch]" in done.stderr
