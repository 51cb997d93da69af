"""Networks with delays of their own in training: gradients, and the spikes of a simulation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuro import Clock, Input, Network, Synapse, ms, sim
from neuro.distributions import Uniform
from neuro.errors import InvalidValue, UnknownName, Unsupported
from neuro.neurons import LI, LIF
from neuro.nn import DelayKernel
from neuro.synapses import Conv2d, Dense, OneToOne, Sparse
from neuro.train import Module, detach

CLOCK = Clock(1 * ms)


def dyadic(rng, *shape):
    """Weights whose sums are exact in any order."""
    return np.round(rng.normal(0, 0.7, shape) * 64) / 64


def network(kind, seed=0):
    rng = np.random.default_rng(seed)
    ticks = lambda low, high, *shape: rng.integers(low, high, shape) * ms  # noqa: E731
    synapses = [
        Synapse("in", "hid", Dense(dyadic(rng, 9, 7)), delay=ticks(0, 6, 9, 7)),
        Synapse("hid", "out", Dense(dyadic(rng, 5, 9)), delay=ticks(0, 4, 9)),
    ]
    own = {
        "feed-forward": [],
        "dense loop": [
            Synapse("hid", "hid", Dense(dyadic(rng, 9, 9)), delay=ticks(1, 5, 9, 9))
        ],
        "axonal loop": [Synapse("hid", "hid", Dense(dyadic(rng, 9, 9)), delay=ticks(1, 5, 9))],
        "sparse loop": [
            Synapse("hid", "hid",
                    Sparse(rng.integers(0, 9, 30), rng.integers(0, 9, 30), dyadic(rng, 30)),
                    delay=ticks(1, 5, 30))
        ],
        "sparse": [
            Synapse("in", "out",
                    Sparse(rng.integers(0, 7, 20), rng.integers(0, 5, 20), dyadic(rng, 20)),
                    delay=ticks(0, 5, 7)),
            Synapse("in", "hid", Sparse(np.arange(7), np.arange(7), dyadic(rng, 7)),
                    name="straight"),
        ],
        "ring of two": [
            Synapse("out", "hid", Dense(dyadic(rng, 9, 5)), delay=ticks(1, 4, 9, 5)),
        ],
        "drawn": [
            Synapse("in", "out",
                    Sparse(rng.integers(0, 7, 20), rng.integers(0, 5, 20), dyadic(rng, 20)),
                    delay=Uniform(1 * ms, 6 * ms)),
            Synapse("in", "out", Dense(dyadic(rng, 5, 7)), delay=Uniform(0, 3 * ms), name="all"),
        ],
    }  # fmt: skip
    populations = {"in": Input(7), "hid": LIF(9, tau_mem=10 * ms), "out": LIF(5)}
    return Network(populations, (*synapses, *own[kind]), ("hid", "out"), CLOCK)


KINDS = ["feed-forward", "dense loop", "axonal loop", "sparse loop", "sparse", "ring of two",
         "drawn"]  # fmt: skip


def spikes(steps, batch, units, seed=0, rate=0.3):
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, batch, units, generator=draw) < rate).float()


def simulated(net, x):
    """[T, B, units] of every output, from the event-driven simulator."""
    found = {}
    for b in range(x.shape[1]):
        record = sim.run(net, len(x) * net.clock.dt, inputs={"in": x[:, b].numpy() > 0})
        for name in net.outputs:
            events = record[f"{name}.spikes"][0]
            out = found.setdefault(name, np.zeros((*x.shape[:2], net.populations[name].size)))
            np.add.at(out[:, b], (events.t, events.unit), 1)
    return found


@pytest.mark.parametrize("learn", [["weight", "delay"], ["weight"]], ids=["learned", "fixed"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_evaluation_spikes_as_the_simulation_of_its_network(kind, learn):
    net, x = network(kind), spikes(60, 2, 7)
    module = Module(net, learn=learn, max_delay=8 * ms).eval()
    with torch.no_grad():  # off the grid, as training leaves them
        for name, p in module.named_parameters():
            if name.startswith("delays") and p.requires_grad:
                p += torch.rand(p.shape, generator=torch.Generator().manual_seed(1)) * 0.9 - 0.45
        record, _ = module(x)
    expected = simulated(module.network(), x)
    for name, out in expected.items():
        assert out.sum() > 10
        np.testing.assert_array_equal(record[f"{name}.spikes"].numpy(), out)


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("kind", KINDS)
def test_two_calls_in_a_row_are_one(kind, training):
    module = Module(network(kind), learn=["delay"], max_delay=8 * ms).train(training)
    x = spikes(40, 2, 7)
    with torch.no_grad():
        whole, end = module(x)
        first, state = module(x[:3])
        second, state = module(x[3:], state)
    both = torch.cat([first["out.spikes"], second["out.spikes"]])
    assert torch.equal(both, whole["out.spikes"])
    assert all(torch.equal(state.lines[name], end.lines[name]) for name in end.lines)


@pytest.mark.parametrize("kind", KINDS)
def test_every_learned_delay_and_weight_gets_a_gradient(kind):
    module = Module(network(kind), learn=["weight", "delay"], max_delay=8 * ms)
    record, state = module(spikes(60, 4, 7))
    detach(state)
    (record["out.spikes"].sum() + record["hid.spikes"].sum()).backward()
    for name, p in module.named_parameters():
        if p.requires_grad:
            assert p.grad is not None and torch.isfinite(p.grad).all(), name
            assert p.grad.abs().sum() > 0, name


def test_a_loop_tick_by_tick_has_the_gradient_of_a_finite_difference():
    """The membrane of a leaky integrator that hears itself late: no spike, so no surrogate."""
    rng = np.random.default_rng(0)
    net = Network(
        {"in": Input(3), "x": LI(4, tau_mem=5 * ms)},
        (
            Synapse("in", "x", Dense(rng.normal(size=(4, 3))),
                    delay=rng.integers(0, 4, (4, 3)) * ms),
            Synapse("x", "x", Dense(rng.normal(size=(4, 4)) / 4),
                    delay=rng.integers(1, 4, (4, 4)) * ms),
        ),
        ("x",), CLOCK,
    )  # fmt: skip
    module = Module(net, learn=["delay"], max_delay=6 * ms, delays=DelayKernel(start=1.0))
    module = module.double()
    x = spikes(12, 2, 3).double()
    ticks = [p for p in module.parameters() if p.requires_grad]
    with torch.no_grad():
        for p in ticks:
            p.add_(0.3)

    def loss():
        return module(x)[0]["x.v"].square().sum()

    loss().backward()
    for p in ticks:
        for at in [(0, 0), (2, 1), (3, 2)]:
            with torch.no_grad():
                before = float(p[at])
                p[at] = before + 1e-5
                up = float(loss())
                p[at] = before - 1e-5
                down = float(loss())
                p[at] = before
            assert float(p.grad[at]) == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-8)


def test_delays_of_a_convolution_are_learned_by_channel():
    rng = np.random.default_rng(0)
    delay = np.array([0, 2, 3]).reshape(3, 1, 1) * ms
    net = Network(
        {"in": Input((3, 6, 6)), "hid": LIF((4, 4, 4))},
        (Synapse("in", "hid", Conv2d(dyadic(rng, 4, 3, 3, 3)), delay=delay),),
        ("hid",), CLOCK,
    )  # fmt: skip
    module = Module(net, learn=["delay"], max_delay=5 * ms)
    x = (torch.rand(20, 2, 3, 6, 6, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    module(x)[0]["hid.spikes"].sum().backward()
    (ticks,) = [p for p in module.parameters() if p.requires_grad]
    assert ticks.shape == (3, 1, 1) and bool((ticks.grad != 0).all())
    with torch.no_grad():
        learned = module.eval()(x)[0]["hid.spikes"]
        fixed = Module(net)(x)[0]["hid.spikes"]
    assert torch.equal(learned, fixed)
    np.testing.assert_array_equal(module.network().synapses[0].delay, delay)


@pytest.mark.parametrize("topology", ["dense", "conv"])
def test_normalisation_becomes_weights_and_biases(topology):
    rng = np.random.default_rng(0)
    if topology == "dense":
        shape, layer, units = (7,), Dense(rng.normal(size=(9, 7))), 9
    else:
        shape, layer, units = (2, 5, 5), Conv2d(rng.normal(size=(3, 2, 3, 3))), (3, 3, 3)
    net = Network(
        {"in": Input(shape), "hid": LIF(units), "out": LI(4)},
        (
            Synapse("in", "hid", layer),
            Synapse("hid", "out", Dense(rng.normal(size=(4, int(np.prod(units)))))),
        ),
        ("out",), CLOCK,
    )  # fmt: skip
    module = Module(net, normalise=True)
    assert list(module.norms) == ["in->hid:norm"]
    draw = torch.Generator().manual_seed(0)
    x = (torch.rand(30, 8, *shape, generator=draw) < 0.3).float()
    for _ in range(100):
        module(x)
    norm = module.norms["in->hid:norm"]
    trained = module(x, record=["hid.spikes"])[0]["hid.spikes"]
    # with statistics that have settled, evaluation does what training did
    evaluated = module.eval()(x, record=["hid.spikes"])[0]["hid.spikes"]
    assert (trained != evaluated).float().mean() < 0.01
    again = Module(module.network())(x, record=["hid.spikes"])[0]["hid.spikes"]
    assert torch.equal(again, evaluated)
    assert norm.weight.requires_grad


def test_dropout_silences_units_for_whole_samples_and_only_in_training():
    net = Network(
        {"in": Input(5), "hid": LIF(40), "out": LI(40)},
        (
            Synapse("in", "hid", Dense(np.full((40, 5), 2.0))),
            Synapse("hid", "out", Dense(np.eye(40))),
        ),
        ("out",), CLOCK,
    )  # fmt: skip
    module = Module(net, dropout=0.5)
    torch.manual_seed(0)
    v = module(torch.ones(10, 6, 5))[0]["out.v"]
    silent = (v == 0).all(0)
    assert 0.3 < silent.float().mean() < 0.7
    assert bool((v[-1][~silent] > 0).all())
    assert not torch.equal(silent[0], silent[1])
    assert bool((module.eval()(torch.ones(10, 6, 5))[0]["out.v"][-1] > 0).all())


def test_what_cannot_be_is_refused_with_numbers():
    net = network("feed-forward")
    with pytest.raises(InvalidValue, match=r"up to 5 ticks \(0.005 s\), but max_delay is 3 ticks"):
        Module(net, learn=["delay"], max_delay=3 * ms)
    with pytest.raises(InvalidValue, match="max_delay"):
        Module(net, learn=["delay"], max_delay=3.4 * ms)
    with pytest.raises(InvalidValue, match="dropout: got 1"):
        Module(net, dropout=1.0)
    late = Synapse("in", "out", Dense(np.eye(3)), delay=2 * ms)
    one = Network({"in": Input(3), "out": LIF(3)}, (late,), ("out",), CLOCK)
    with pytest.raises(UnknownName, match="delay"):  # a single delay is not one of each
        Module(one, learn=["in->out.delay"])
    still = one.replace(synapses=(Synapse("in", "out", Dense(np.eye(3)), delay=np.zeros((3, 3))),))
    with pytest.raises(InvalidValue, match=r"max_delay is 0 ticks.*max_delay="):
        Module(still, learn=["delay"])
    sparse = one.replace(synapses=(Synapse("in", "out", Sparse([0], [1])),))
    with pytest.raises(Unsupported, match="normalise"):
        Module(sparse, normalise=True)
    straight = one.replace(synapses=(Synapse("in", "out", OneToOne(1.0)),))
    with pytest.raises(Unsupported, match="OneToOne"):
        Module(straight)
    module = Module(net, learn=["delay"])
    _, state = module(spikes(10, 2, 7))
    with pytest.raises(InvalidValue, match=r"state.lines\['in->hid'\] has shape"):
        module(spikes(10, 3, 7), type(state)({}, state.lines))
