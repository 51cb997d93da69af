"""Networks in PyTorch against a plain NumPy simulation that knows nothing of the laws."""

import numpy as np
import pytest
import torch

from neuro import ALIF, IF, LI, LIF, Clock, Dense, Input, Network, Synapse, conv, feedforward, ms
from neuro.errors import InvalidValue, UnknownName
from neuro.surrogate import FastSigmoid
from neuro.train import Module, detach

CLOCK = Clock(1 * ms)


def dyadic(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Weights on a grid of 2^-4, so that sums are exact in any order."""
    return rng.integers(-4, 12, shape) / 16


def loop_network(rng: np.random.Generator) -> Network:
    """in -> a <-> b -> out, with axonal delays, a self-loop, and one edge without delay."""
    ticks = rng.integers(1, 5, 4) * ms
    return Network(
        {
            "in": Input(3),
            "a": LIF(4, tau_mem=float(-1 * ms / np.log(0.5)), reset="subtract"),
            "b": IF(5, v_th=0.75, v_reset=0.25),
            "out": LI(2, tau_mem=float(-1 * ms / np.log(0.5))),
        },
        (
            Synapse("in", "a", Dense(dyadic(rng, 4, 3)), delay=np.array([0, 2, 3]) * ms),
            Synapse("a", "b", Dense(dyadic(rng, 5, 4))),
            Synapse("b", "a", Dense(dyadic(rng, 4, 5)), delay=2 * ms),
            Synapse("a", "a", Dense(dyadic(rng, 4, 4)), delay=ticks),
            Synapse("b", "out", Dense(dyadic(rng, 2, 5), bias=[0.25, -0.5])),
        ),
        ("out",),
        CLOCK,
    )


def simulate(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """The loop network, written out by hand, one sample [T, 3]."""
    w = {s.name: s.topology.arrays()["weight"] for s in network.synapses}
    wait = {s.name: network.delay_ticks(s) for s in network.synapses}
    a, b, out = np.zeros(4), np.zeros(5), np.zeros(2)
    spikes = {"in": x, "a": np.zeros((len(x), 4)), "b": np.zeros((len(x), 5))}
    readout = []

    def arriving(name: str, t: int) -> np.ndarray:
        pre = spikes[name.partition("->")[0]]
        ago = np.broadcast_to(wait[name], pre.shape[1:])
        return np.array([pre[t - d, i] if t >= d else 0.0 for i, d in enumerate(ago)])

    for t in range(len(x)):
        a = 0.5 * a + sum(w[n] @ arriving(n, t) for n in ("in->a", "b->a", "a->a"))
        spikes["a"][t] = a > 1
        a = a - spikes["a"][t]
        b = b + w["a->b"] @ spikes["a"][t]
        spikes["b"][t] = b > 0.75
        b = np.where(spikes["b"][t] > 0, 0.25, b)
        out = 0.5 * out + w["b->out"] @ spikes["b"][t] + [0.25, -0.5]
        readout.append(out)
    return {"a.spikes": spikes["a"], "b.spikes": spikes["b"], "out.v": np.array(readout)}


@pytest.mark.parametrize("seed", range(5))
def test_a_loop_with_delays_equals_a_simulation_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = loop_network(rng)
    x = (rng.random((80, 2, 3)) < 0.4).astype(np.float32)
    record, _ = Module(network)(torch.from_numpy(x), record=["a.spikes", "b.spikes"])
    assert record.array("b.spikes").sum() > 10
    for sample in range(2):
        for name, expected in simulate(network, x[:, sample].astype(float)).items():
            np.testing.assert_allclose(record.array(name)[:, sample], expected, atol=1e-6)


def test_a_run_in_parts_equals_a_run_in_one() -> None:
    network = loop_network(np.random.default_rng(7))
    module, names = Module(network), ["a.spikes", "b.v", "in.spikes"]
    x = (torch.rand(50, 3, 3, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    whole, _ = module(x, record=names)
    state, parts = None, []
    for first, last in ((0, 1), (1, 20), (20, 50)):
        part, state = module(x[first:last], state, record=names)
        parts.append(part)
    for name in whole:
        assert torch.equal(whole[name], torch.cat([part[name] for part in parts]))


def test_gradients_equal_an_unrolled_network_in_plain_torch() -> None:
    rng = np.random.default_rng(3)
    weight, recurrent = dyadic(rng, 6, 4), dyadic(rng, 6, 6)
    network = Network(
        {"in": Input(4), "hid": LIF(6, tau_mem=5 * ms), "out": LI(2, tau_mem=8 * ms)},
        (
            Synapse("in", "hid", Dense(weight)),
            Synapse("hid", "hid", Dense(recurrent), delay=1 * ms),
            Synapse("hid", "out", Dense(dyadic(rng, 2, 6))),
        ),
        ("out",),
        CLOCK,
    )
    module = Module(network, learn=["weight", "hid.tau_mem"], surrogate=FastSigmoid(4))
    x = torch.from_numpy((rng.random((30, 2, 4)) < 0.5).astype(np.float32))
    record, _ = module(x)
    record["out.v"].square().sum().backward()

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, d):
            ctx.save_for_backward(d)
            return (d > 0).float()

        @staticmethod
        def backward(ctx, grad):
            (d,) = ctx.saved_tensors
            return grad / (1 + 4 * d.abs()) ** 2

    w, r, o = (torch.tensor(s.topology.arrays()["weight"]).requires_grad_()
               for s in network.synapses)  # fmt: skip
    log_tau = torch.tensor(5 * ms).log().requires_grad_()
    v, z, y, total = torch.zeros(2, 6), torch.zeros(2, 6), torch.zeros(2, 2), torch.tensor(0.0)
    for step in x:
        v = v * torch.exp(-1 * ms / log_tau.exp()) + step @ w.T + z @ r.T
        z = Spike.apply(v - 1)
        v = torch.where(z.detach() > 0, 0.0, v)
        y = y * np.exp(-1 / 8) + z @ o.T
        total = total + y.square().sum()
    total.backward()
    names = {"in->hid:weight": w, "hid->hid:weight": r, "hid->out:weight": o}
    for name, expected in names.items():
        torch.testing.assert_close(module.arrays[name].grad, expected.grad, rtol=1e-4, atol=1e-4)
    learned = module.get_parameter("populations.hid.raw.tau_mem").grad
    torch.testing.assert_close(learned, log_tau.grad, rtol=1e-3, atol=1e-4)


def test_data_in_equals_data_out() -> None:
    network = feedforward(
        (2, 9, 9), conv(3, kernel=3, bias=True), LIF(), ALIF(7), LI(4), clock=CLOCK, seed=2
    )
    assert Module(network).network() == network


def test_a_record_names_the_network_that_made_it() -> None:
    module, x = Module(NETWORK), torch.rand(3, 1, 3)
    with torch.no_grad():
        before, _ = module(x)
        module.arrays["in->hid1:weight"].add_(1.0)
        after, _ = module(x)
    assert before.fingerprint == NETWORK.fingerprint
    assert after.fingerprint == module.network().fingerprint != before.fingerprint
    assert module(x)[0].fingerprint == ""


def test_detached_state_cuts_the_gradient() -> None:
    network = feedforward(3, LIF(4), LI(2), clock=CLOCK, seed=0)
    module = Module(network)
    _, state = module(torch.rand(5, 1, 3))
    assert state.neurons["out"].v.requires_grad
    record, _ = module(torch.rand(5, 1, 3), detach(state))
    record["out.v"].sum().backward()  # would fail with the first call's graph freed
    with torch.no_grad():
        _, silent = module(torch.rand(5, 1, 3))
    assert not silent.neurons["out"].v.requires_grad


def test_float64_runs_in_float64() -> None:
    network = feedforward(3, LIF(4), LI(2), clock=CLOCK, seed=0)
    record, _ = Module(network).double()(torch.rand(5, 1, 3, dtype=torch.float64))
    assert record["out.v"].dtype == torch.float64


NETWORK = feedforward(3, LIF(4), LI(2), clock=CLOCK, seed=0)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(5, 3), r"got shape \(5, 3\), expected \[T, B, 3\]"),
        (torch.zeros(5, 1, 4), r"got shape \(5, 1, 4\), expected \[T, B, 3\].*Time comes first"),
        (torch.zeros(0, 1, 3), r"got shape \(0, 1, 3\)"),
        (torch.zeros(5, 1, 3, dtype=torch.int64), r"got torch.int64.*\.float\(\)"),
        (torch.full((5, 1, 3), float("nan")), r"the input is nan at \[t, b, unit...\] = \[0, 0, 0"),
        ({"in": np.zeros((5, 1, 3))}, r"input 'in': got ndarray, expected a floating-point tensor"),
        ({}, r"no input given for 'in'"),
    ],
)
def test_bad_input_is_named(x: torch.Tensor, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Module(NETWORK)(x)


def test_state_of_another_batch_is_refused_by_name() -> None:
    module = Module(loop_network(np.random.default_rng(0)))
    _, state = module(torch.zeros(3, 2, 3))
    with pytest.raises(InvalidValue, match=r"batch"):
        module(torch.zeros(3, 5, 3), state)
    with pytest.raises(InvalidValue, match=r"state.v has shape \(2, 4\), expected \(5, 4\).*batch"):
        Module(NETWORK)(torch.zeros(3, 5, 3), Module(NETWORK)(torch.zeros(3, 2, 3))[1])


@pytest.mark.parametrize(
    ("call", "suggestion"),
    [
        (lambda: Module(NETWORK)(torch.zeros(3, 1, 3), record=["hid1.spike"]), "hid1.spikes"),
        (lambda: Module(NETWORK)(torch.zeros(3, 1, 3), record=["hid2.v"]), "hid1.v"),
        (lambda: Module(NETWORK)({"inn": torch.zeros(3, 1, 3)}), "in"),
        (lambda: Module(NETWORK, learn=["weights"]), "weight"),
        (lambda: Module(NETWORK, learn=["hid1.tau"]), "hid1.tau_mem"),
    ],
)
def test_unknown_names_come_with_a_suggestion(call: object, suggestion: str) -> None:
    with pytest.raises(UnknownName, match=f"Did you mean '{suggestion}'"):
        call()  # type: ignore[operator]


def test_only_what_is_named_is_learned() -> None:
    module = Module(NETWORK, learn=["hid1.tau_mem", "hid1->out.weight"])
    trainable = {name for name, p in module.named_parameters() if p.requires_grad}
    assert trainable == {"populations.hid1.raw.tau_mem", "arrays.hid1->out:weight"}


def test_a_population_that_nothing_reaches_stays_silent() -> None:
    network = Network(
        {"in": Input(2), "lone": LIF(3), "out": LI(1)},
        (
            Synapse("in", "out", Dense(np.ones((1, 2)))),
            Synapse("lone", "out", Dense(np.ones((1, 3)))),
        ),
        ("out", "lone"),
        CLOCK,
    )
    record, _ = Module(network)(torch.ones(4, 1, 2))
    assert record["lone.spikes"].sum() == 0
    assert record["out.v"][0].item() == 2


def test_several_inputs_are_given_by_name() -> None:
    network = Network(
        {"x": Input(2), "y": Input(3), "out": IF(1, v_th=1.5)},
        (Synapse("x", "out", Dense(np.ones((1, 2)))), Synapse("y", "out", Dense(np.ones((1, 3))))),
        ("out",),
        CLOCK,
    )
    module = Module(network)
    record, _ = module({"x": torch.full((2, 1, 2), 0.5), "y": torch.full((2, 1, 3), 0.25)})
    assert record["out.spikes"].ravel().tolist() == [1, 1]
    with pytest.raises(InvalidValue, match=r"differ in \[T, B\]"):
        module({"x": torch.zeros(2, 1, 2), "y": torch.zeros(3, 1, 3)})
    with pytest.raises(InvalidValue, match="pass a mapping by name"):
        module(torch.zeros(2, 1, 2))
