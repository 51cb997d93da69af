"""Sigma-delta: exact identities of the Delta Activation Layer, and its gradients."""

import numpy as np
import pytest
import torch

from neuro.clock import Clock
from neuro.neurons.sigma_delta import SigmaDelta
from neuro.nn import Population
from neuro.units import ms

CLOCK = Clock(1 * ms)


def walk(*shape, seed=0):
    """Dyadic numbers that change by a few sixteenths from step to step."""
    steps = torch.randint(-4, 5, shape, generator=torch.Generator().manual_seed(seed))
    return steps.cumsum(0) / 16.0


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_events_sum_exactly_to_the_quantised_activation(activation: str) -> None:
    x = walk(80, 3, 5)
    layer = Population(SigmaDelta(5, q=0.25, bias=0.375, activation=activation), CLOCK)
    events, _ = layer(x)
    a = x.numpy() + 0.375
    a = np.maximum(a, 0) if activation == "relu" else a
    y = 0.25 * np.rint(a / 0.25)
    np.testing.assert_array_equal(np.cumsum(events.numpy(), axis=0), y)
    assert (y < 0).any() == (activation == "identity")
    assert len(np.unique(events)) > 3  # graded, of both signs
    assert events.min() < 0 < events.max()


def test_for_any_quantum_the_sum_agrees_to_rounding() -> None:
    x = torch.rand(200, 2, 4, generator=torch.Generator().manual_seed(3)) * 3
    q = np.array([0.1, 0.3, 0.7, 1.1])
    events, state = Population(SigmaDelta(4, q=q), CLOCK)(x)
    y = q * np.rint(x.numpy() / q.astype(np.float32))
    np.testing.assert_allclose(np.cumsum(events.numpy(), axis=0), y, atol=3e-6)
    np.testing.assert_array_equal(state.level.numpy(), np.rint(y[-1] / q))


def test_layers_that_exchange_changes_compute_the_frames_of_the_quantised_network() -> None:
    """Events through bias-free synapses into input='delta' equal frame by frame evaluation."""
    rng = np.random.default_rng(0)
    w1, w2 = (rng.integers(-8, 9, size) / 16 for size in ((6, 5), (4, 6)))
    bias = rng.integers(-8, 9, 6) / 16
    x = walk(60, 2, 5, seed=4)
    first = Population(SigmaDelta(5, q=0.5), CLOCK)
    second = Population(SigmaDelta(6, q=0.25, bias=bias, input="delta"), CLOCK)
    third = Population(SigmaDelta(4, q=0.125, input="delta", activation="identity"), CLOCK)
    sent = first(x)[0]
    sent = second(sent @ torch.tensor(w1.T).float())[0]
    sent = third(sent @ torch.tensor(w2.T).float())[0]

    frames = 0.5 * np.rint(np.maximum(x.numpy(), 0) / 0.5)
    frames = 0.25 * np.rint(np.maximum(frames @ w1.T + bias, 0) / 0.25)
    frames = 0.125 * np.rint(frames @ w2.T / 0.125)
    np.testing.assert_array_equal(np.cumsum(sent.numpy(), axis=0), frames)


def test_a_still_picture_sends_one_frame_and_then_nothing() -> None:
    x = torch.rand(1, 4, 9, generator=torch.Generator().manual_seed(0)).expand(30, 4, 9)
    events, _ = Population(SigmaDelta(9, q=0.1), CLOCK)(x)
    assert (events[0] != 0).float().mean() > 0.8
    assert (events[1:] == 0).all()


def test_gradients_are_those_of_the_paper() -> None:
    """Straight-through to the input; to q only from the cost, and with the sign reversed."""
    x = walk(40, 2, 3, seed=1).requires_grad_()
    layer = Population(SigmaDelta(3, q=0.5), CLOCK, learn=["q"])
    inputs = layer.ports({"current": x})
    events, _, traces = layer.trace(inputs, record=("cost", "level"))
    events.sum(0).sum().backward(retain_graph=True)  # the last activation
    assert x.grad is not None
    expected = torch.zeros_like(x)
    expected[-1] = (x[-1] > 0).float()
    on_border = x[-1] == 0
    torch.testing.assert_close(x.grad[-1][~on_border], expected[-1][~on_border])
    torch.testing.assert_close(x.grad[:-1], expected[:-1])
    raw = layer.raw["q"]
    assert raw.grad is None or raw.grad == 0

    raw.grad = None
    traces["cost"].sum().backward()
    levels = np.rint(np.maximum(x.detach().numpy(), 0) / 0.5)
    steps = np.abs(np.diff(levels, axis=0, prepend=0))
    assert raw.grad is not None
    assert raw.grad.item() == pytest.approx(-0.5 * steps.sum())  # raw is log q: d/draw = q d/dq
    torch.testing.assert_close(traces["cost"], events.detach().abs())


def test_descending_the_cost_raises_the_quantum_and_lowers_traffic() -> None:
    x = walk(60, 4, 6, seed=2)
    layer = Population(SigmaDelta(6, q=0.1), CLOCK, learn=["q"])
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    traffic = []
    for _ in range(20):
        events, _, traces = layer.trace(layer.ports({"current": x}), record=("cost",))
        traffic.append((events[1:] != 0).float().mean().item())
        optimizer.zero_grad()
        (6 * traces["cost"][1:].mean()).backward()
        optimizer.step()
    assert layer.values()["q"] > 0.1
    assert traffic[-1] < 0.9 * traffic[0]
