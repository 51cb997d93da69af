"""Delay layers against the published formulas, whole shifts, and a delay that must be found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuro import Clock, ms
from neuro.errors import InvalidValue, UnknownName
from neuro.nn import AxonalDelay, DelayKernel, DelayLinear, Delays


def published(positions, sig, size, version):
    """Kernel [m, K] over delays 0..size-1, from the formulas of the DCLS papers."""
    k = np.arange(size)[None]
    p = (size - 1) - (np.asarray(positions)[:, None])  # a delay d is the entry size - 1 - d
    if version == "gauss":
        x = np.exp(-0.5 * ((k - p) / (abs(sig) + 0.27)) ** 2)
    else:
        x = np.maximum(abs(sig) + 1 - np.abs(k - p), 0)
    return (x / (x.sum(1, keepdims=True) + 1e-7))[:, ::-1]


def spread(kernel, delay, width, longest):
    first, shares = kernel.taps(torch.as_tensor(delay), width, longest)
    full = torch.zeros(len(delay), longest + 1, dtype=shares.dtype)
    place = first[:, None] + torch.arange(shares.shape[1])
    return full.scatter_add(1, place, shares)


@pytest.mark.parametrize("version", ["gauss", "max"])
@pytest.mark.parametrize("sig", [12.0, 3.0, 1.0, 0.23])
def test_kernels_are_those_of_the_papers(version, sig):
    delay = np.concatenate([np.random.default_rng(0).uniform(0, 24, 50), [0, 24, 11.5, 7]])
    found = spread(DelayKernel(version), delay, sig, 24)
    np.testing.assert_allclose(found, published(delay, sig, 25, version), atol=1e-5)


def test_a_narrow_kernel_has_few_taps_and_a_wide_one_all():
    delay = torch.linspace(0, 250, 40)
    for width, most in ((0.23, 5), (1000.0, 251)):
        assert DelayKernel().taps(delay, width, 250)[1].shape[1] == most


def test_a_triangle_interpolates_linearly():
    found = spread(DelayKernel("triangle"), np.array([2.25, 0.0, 5.0]), 0.0, 5)
    expected = [[0, 0, 0.75, 0.25, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_slayer_moves_whole_spikes_and_learns_by_the_difference_of_neighbours():
    delay = torch.tensor([2.4, 5.0, 0.0], requires_grad=True)
    first, shares = DelayKernel("slayer").taps(delay, 0.0, 5)
    full = torch.zeros(3, 6).scatter_add(1, first[:, None] + torch.arange(2), shares)
    np.testing.assert_array_equal(full.detach(), np.eye(6)[[2, 5, 0]])
    x = torch.tensor([0.0, 1.0, 3.0, 0.0, 2.0, 1.0])  # x[d]: what arrives with the delay d
    (full * x).sum().backward()
    # of each delay, what arrives a tick later minus what arrives now; at the far end, before it
    np.testing.assert_allclose(delay.grad, [x[3] - x[2], x[5] - x[4], x[1] - x[0]])


def test_the_width_shrinks_geometrically_and_stays():
    kernel = DelayKernel(anneal=0.5)
    assert kernel.width(0.0, 24) == 12
    assert kernel.width(0.25, 24) == pytest.approx((12 * 0.23) ** 0.5)
    assert kernel.width(0.5, 24) == kernel.width(1.0, 24) == pytest.approx(0.23)
    assert DelayKernel(anneal=0).width(0, 24) == pytest.approx(0.23)


def test_evaluation_is_one_spike_on_one_tick():
    layer = DelayLinear(2, 3, 10, seed=1).eval()
    x = torch.zeros(25, 1, 2)
    x[4, 0, 1] = 1
    current, _ = layer(x)
    for o in range(3):
        arrival = 4 + int(layer.delay.ticks[o, 1].detach().round())
        expected = torch.zeros(25)
        expected[arrival] = layer.weight[o, 1].detach()
        assert torch.equal(current[:, 0, o].detach(), expected)


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("make", [
    lambda: DelayLinear(6, 5, 7, seed=2), lambda: DelayLinear(6, 5, 7, count=2, bias=True),
    lambda: AxonalDelay(6, 7), lambda: AxonalDelay(6, 7, kernel=DelayKernel("slayer")),
])  # fmt: skip
def test_two_halves_are_the_whole(make, training):
    layer = make().train(training)
    x = (torch.rand(30, 4, 6, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    whole, end = layer(x)
    first, state = layer(x[:3])  # shorter than the longest delay
    second, state = layer(x[3:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole, atol=1e-6, rtol=1e-6)
    assert torch.equal(state, end)


def test_a_layer_finds_the_delays_that_make_its_target():
    """One spike into each unit; the target is the sum of them at other times."""
    torch.manual_seed(0)
    steps, true = 40, torch.tensor([[3.0, 15.0, 9.0]])
    x = torch.zeros(steps, 1, 3)
    x[5] = 1
    wanted = torch.zeros(steps)
    for d in true[0]:
        wanted[5 + int(d)] += 1
    layer = DelayLinear(3, 1, 20, kernel=DelayKernel(anneal=0.8), seed=3)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.delay.ticks.copy_(torch.tensor([[8.0, 10.0, 9.0]]))
    optimiser = torch.optim.Adam(layer.delay.parameters(), lr=0.2)
    for epoch in range(300):
        layer.anneal(epoch / 300)
        loss = (layer(x)[0][:, 0, 0] - wanted).square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found, _ = torch.sort(layer.delay.whole()[0])
    assert found.tolist() == [3, 9, 15]
    current, _ = layer.eval()(x)
    assert torch.equal(current[:, 0, 0].detach(), wanted)


def test_a_delay_that_leaves_its_bounds_ends_at_them():
    delays = Delays(torch.tensor([0.0, 3.0, 8.0]), 8)
    with torch.no_grad():
        delays.ticks += torch.tensor([-2.0, 0.0, 5.0])
    delays.taps()
    assert delays.ticks.tolist() == [0, 3, 8]


@pytest.mark.parametrize("shape", ["gauss", "max", "triangle", "slayer"])
def test_in_a_loop_nothing_arrives_before_the_shortest_delay(shape):
    delays = Delays(torch.tensor([1.0, 1.3, 6.0]), 8, DelayKernel(shape), shortest=1)
    first, shares = delays.taps()
    place = first[:, None] + torch.arange(shares.shape[1])
    assert float(shares.sum(1).detach().min()) == pytest.approx(1, abs=1e-6)
    assert bool((shares[place < 1] == 0).all())


def test_settled_delays_are_whole_and_only_weights_learn_on():
    layer = DelayLinear(4, 3, 9, kernel=DelayKernel(settle=0.8))
    layer.anneal(0.79)
    assert layer.delay.taps()[1].shape[1] > 1
    layer.anneal(0.8)
    x = (torch.rand(20, 2, 4, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    current, _ = layer(x)
    current.square().sum().backward()
    assert layer.delay.ticks.grad is None and layer.weight.grad is not None
    assert torch.equal(current, layer.eval()(x)[0])


def test_fixed_delays_are_whole_ticks_in_training_too():
    layer = DelayLinear(4, 3, 9, learn=False)
    first, shares = layer.delay.taps()
    assert torch.equal(first, layer.delay.ticks.round().long().flatten())
    assert shares.shape == (12, 1)
    assert [name for name, p in layer.named_parameters() if p.requires_grad] == ["weight"]


def test_a_layer_becomes_synapses_on_the_grid():
    layer = DelayLinear(4, 3, 9, count=2, bias=True, seed=4)
    one, two = layer.synapses("in", "hid", Clock(2 * ms))
    assert one.name == "in->hid" and two.name == "in->hid:1"
    np.testing.assert_allclose(np.stack([one.delay, two.delay]) / (2 * ms),
                               layer.delay.whole().numpy(), atol=1e-9)  # fmt: skip
    assert "bias" in one.topology.arrays() and "bias" not in two.topology.arrays()


def test_wrong_arguments_are_refused_with_numbers():
    with pytest.raises(InvalidValue, match=r"2 of 3 delays are not in 1 to 5 ticks.*0"):
        Delays(torch.tensor([0.0, 2.0, 6.0]), 5, shortest=1)
    with pytest.raises(InvalidValue, match=r"max_delay: got -1"):
        DelayLinear(3, 4, -1)
    with pytest.raises(InvalidValue, match=r"out_features: got 0"):
        DelayLinear(3, 0, 5)
    with pytest.raises(InvalidValue, match=r"got 0 units and a max_delay of 3"):
        AxonalDelay(0, 3)
    with pytest.raises(UnknownName, match="gaus"):
        DelayKernel("gaus")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=r"anneal: got 2"):
        DelayKernel(anneal=2)
    with pytest.raises(InvalidValue, match=r"end: got -1"):
        DelayKernel(end=-1)
    with pytest.raises(InvalidValue, match=r"stays above 0"):
        DelayKernel(end=0)
    layer = DelayLinear(3, 4, 5)
    with pytest.raises(InvalidValue, match=r"shape \(7, 2, 4\), expected \[T, B, 3\]"):
        layer(torch.zeros(7, 2, 4))
    with pytest.raises(InvalidValue, match=r"state has shape \(5, 1, 3\), expected \(5, 2, 3\)"):
        layer(torch.zeros(7, 2, 3), torch.zeros(5, 1, 3))
