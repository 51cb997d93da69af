"""Motif detectors against Bayes' rule, sums in plain Python and motifs that were put in."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits

from neuro import Clock, Events, ms, sim
from neuro.errors import InvalidValue, UnknownName
from neuro.nn.motif import MotifDetector, class_loss, pruning_curve, shortening_curve
from neuro.nn.motion import MotionDetector, cone_mask, decide
from neuro.synthetic import spike_motifs

CLOCK = Clock(1 * ms)


def fill(layer, seed: int, scale: float = 1.0):
    """The layer with normal weights and biases."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(scale * torch.randn(p.shape, generator=random))
    return layer


def raster(*shape: int, seed: int = 0, density: float = 0.15) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return (torch.rand(shape, generator=random) < density).float()


def test_evidence_is_the_sum_over_inputs_and_delays() -> None:
    layer, x = fill(MotifDetector(3, 2, 4), 1), raster(9, 2, 3)
    evidence, state = layer(x)
    evidence, w, b = evidence.detach(), layer.weight.tolist(), layer.bias.tolist()
    for t, k, m in np.ndindex(9, 2, 2):
        wanted = b[m] + sum(
            w[m][n][d] * float(x[t - d, k, n]) for n in range(3) for d in range(4) if d <= t
        )
        assert float(evidence[t, k, m]) == pytest.approx(wanted, abs=1e-5)
    assert torch.equal(state, x[6:])


def test_motion_evidence_is_the_sum_over_polarity_delay_and_patch() -> None:
    layer = fill(MotionDetector(2, 3, (2, 3)), 2)
    x = raster(5, 1, 2, 3, 4)
    evidence = layer(x)[0].detach()
    layer.polarity_invariant = False
    plain = layer(x)[0].detach()
    assert evidence.shape == plain.shape == (5, 1, 2, 2, 2)
    w, b = layer.weight.detach().numpy(), layer.bias.tolist()
    for t, c, row, column in np.ndindex(5, 2, 2, 2):
        views = []
        for swap in (0, 1):
            views.append(b[c])
            for p, d, i, j in np.ndindex(2, 3, 2, 3):
                if d <= t:
                    views[-1] += w[c, p, d, i, j] * float(
                        x[t - d, 0, p ^ swap, row + i, column + j]
                    )
        assert float(evidence[t, 0, c, row, column]) == pytest.approx(max(views), abs=1e-5)
        assert float(plain[t, 0, c, row, column]) == pytest.approx(views[0], abs=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(MotifDetector(3, 2, 6), (3,)), (MotionDetector(2, 6, (3, 3)), (2, 4, 4))],
    ids=["motif", "motion"],
)
def test_evidence_is_causal_and_the_same_in_parts(layer, shape: tuple[int, ...]) -> None:
    fill(layer, 3)
    x = raster(20, 2, *shape)
    whole = layer(x)[0]
    later = x.clone()
    later[11:] = 1 - later[11:]
    assert torch.equal(layer(later)[0][:11], whole[:11])
    parts, state = [], None
    for part in x.split([1, 2, 7, 10]):
        y, state = layer(part, state)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts), whole)
    with pytest.raises(InvalidValue, match="state has shape"):
        layer(x[:, :1], state)


def test_exchanged_polarities_change_nothing_if_invariant() -> None:
    layer, x = fill(MotionDetector(3, 4, (3, 3)), 4), raster(8, 1, 2, 5, 5)
    torch.testing.assert_close(layer(x.flip(2))[0], layer(x)[0])
    one = fill(MotionDetector(3, 4, (3, 3), polarity_invariant=False), 4)
    assert not torch.allclose(one(x.flip(2))[0], one(x)[0])


def test_known_probabilities_give_the_posterior_of_bayes() -> None:
    inside = torch.rand(2, 3, 2, generator=torch.Generator().manual_seed(5)) * 0.8 + 0.1
    layer = MotifDetector.from_probabilities(inside, 0.2, 0.05)
    x = raster(2, 1, 3, seed=6, density=0.5)
    with torch.no_grad():
        posterior = torch.sigmoid(layer(x)[0][-1, 0])
    for m in range(2):
        yes, no = 0.05, 0.95
        for n, d in np.ndindex(3, 2):
            q, seen = float(inside[m, n, d]), float(x[1 - d, 0, n])
            yes *= q if seen else 1 - q
            no *= 0.2 if seen else 0.8
        assert float(posterior[m]) == pytest.approx(yes / (yes + no), rel=1e-4)


def detector_of(patterns: tuple[Events, ...], length: int, background: float) -> MotifDetector:
    """Known kernels: a spike of a pattern at tick s of its length has the delay length - 1 - s."""
    inside = torch.full((len(patterns), patterns[0].shape[0], length), 1e-3)
    for m, pattern in enumerate(patterns):
        inside[m, pattern.unit.astype(int), length - 1 - pattern.t] = 0.98
    return MotifDetector.from_probabilities(inside, background, 1e-3)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_known_motifs_are_found_at_their_tick(seed: int) -> None:
    """64 inputs, 32 motifs, 31 delays, 1 % of active synapses: at least 95 % exact."""
    made = spike_motifs(32, 5, units=64, rate=10.0, motif_duration=31 * ms, duration=8.0, seed=seed)
    layer = detector_of(made.patterns, 31, 0.01)
    x = torch.from_numpy(np.minimum(made.events.dense(), 1))[:, None]
    with torch.no_grad():
        found = layer(x)[0][:, 0] > 0
    truth = torch.zeros_like(found)
    truth[made.start + 30, made.motif] = True
    hits = int((found & truth).sum())
    assert hits >= 0.95 * len(made.start)  # exact address and tick
    assert int((found & ~truth).sum()) <= 0.05 * len(made.start)


def test_motifs_are_found_when_they_overlap() -> None:
    """The raster is the union of 192 motifs that start anywhere in 1,000 ticks, and of noise."""
    rng = np.random.default_rng(7)
    pattern = rng.random((32, 31, 64)) < 0.01
    start = rng.random((1000, 32)) < 6 / 1000
    x = rng.random((1030, 64)) < 0.001
    for t, m in np.argwhere(start):
        x[t : t + 31] |= pattern[m]
    inside = torch.from_numpy(np.where(pattern[:, ::-1].transpose(0, 2, 1), 0.999, x.mean()))
    layer = MotifDetector.from_probabilities(inside, float(x.mean()), 6 / 1000)
    with torch.no_grad():
        found = (layer(torch.from_numpy(x).float()[:, None])[0][30:, 0] > 0).numpy()
    assert (found & start).sum() >= 0.95 * start.sum()
    assert (found & ~start).sum() <= 0.05 * start.sum()


def test_an_optimizer_learns_the_kernels_of_motifs() -> None:
    """Binary cross-entropy against the ticks at which motifs end, judged on fresh activity."""
    rng = np.random.default_rng(8)
    pattern = rng.random((4, 11, 16)) < 0.06

    def activity(ticks: int) -> tuple[torch.Tensor, torch.Tensor]:
        start = rng.random((ticks, 4)) < 0.01
        x = rng.random((ticks + 10, 16)) < 0.01
        for t, m in np.argwhere(start):
            x[t : t + 11] |= pattern[m]
        return torch.from_numpy(x).float()[:, None], torch.from_numpy(start).float()[:, None]

    layer = MotifDetector(16, 4, 11, seed=1)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    x, end = activity(6000)
    for _ in range(100):
        loss = binary_cross_entropy_with_logits(layer(x)[0][10:], end)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, end = activity(6000)
    with torch.no_grad():
        found = layer(x)[0][10:] > 0
    assert float((found & (end > 0)).sum()) > 0.8 * float(end.sum())
    assert float((found & (end == 0)).sum()) < 0.2 * float(end.sum())
    largest = layer.weight.detach().flatten(1).topk(5).indices  # where the motif has its spikes
    truth = torch.from_numpy(pattern[:, ::-1].transpose(0, 2, 1).copy()).flatten(1)
    assert truth.gather(1, largest).float().mean() > 0.9


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), scale=st.sampled_from([1e-3, 1.0, 300.0]))
def test_on_the_grid_the_order_of_a_sum_does_not_matter(seed: int, scale: float) -> None:
    layer = fill(MotifDetector(7, 2, 9), seed, scale)
    grid = layer.on_grid()
    with torch.no_grad():
        change = float((grid.weight - layer.weight).abs().max())
        total = float(layer.weight.abs().flatten(1).sum(1).max() + layer.bias.abs().max())
    assert change <= total * 2.0**-22
    weights = grid.weight.detach()[0].flatten().numpy()
    order = np.random.default_rng(seed).permutation(len(weights))
    forward = np.cumsum(np.append(weights, grid.bias.detach()[0].numpy()))[-1]
    other = np.cumsum(np.append(grid.bias.detach()[0].numpy(), weights[order]))[-1]
    exact = math.fsum([*weights.tolist(), float(grid.bias.detach()[0])])
    assert forward.dtype == np.float32 and float(forward) == float(other) == exact


def test_a_layer_without_weights_is_on_the_grid() -> None:
    layer = MotifDetector(2, 1, 3).pruned(0.0).on_grid()
    assert not layer.weight.any() and not layer.bias.any()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_the_network_fires_where_the_evidence_is_above_the_threshold(seed: int) -> None:
    layer = fill(MotifDetector(6, 4, 9), seed).on_grid()
    x = raster(80, 1, 6, seed=seed)
    with torch.no_grad():
        evidence = layer(x)[0][:, 0]
    threshold = float(evidence.flatten().quantile(0.8, interpolation="nearest"))  # a tie at least
    record = sim.run(
        layer.network(CLOCK, threshold=threshold),
        0.08,
        inputs=Events.from_dense(x[:, 0].numpy(), CLOCK),
    )
    fired = record.array("out.spikes")[:, 0] > 0
    np.testing.assert_array_equal(fired, (evidence > threshold).numpy())


@pytest.mark.parametrize("invariant", [False, True])
def test_the_motion_network_fires_where_the_evidence_is_above_the_threshold(
    invariant: bool,
) -> None:
    layer = fill(MotionDetector(3, 5, (3, 3), polarity_invariant=invariant), 9).on_grid()
    x = raster(30, 1, 2, 6, 5, seed=9)
    with torch.no_grad():
        evidence = layer(x)[0][:, 0]
    threshold = float(evidence.flatten().quantile(0.9, interpolation="nearest"))
    network = layer.network(CLOCK, (6, 5), threshold=threshold)
    record = sim.run(network, 0.03, inputs=Events.from_dense(x[:, 0].numpy(), CLOCK))
    fired = record.array("out.spikes")[:, 0] > 0
    np.testing.assert_array_equal(fired, (evidence > threshold).numpy())


def test_pruning_keeps_the_largest_and_shortening_the_shortest() -> None:
    layer = MotifDetector(2, 1, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[1.0, -6, 3], [2, 5, -4]]]))
    assert layer.pruned(0.5).weight.tolist() == [[[0, -6, 0], [0, 5, -4]]]
    assert layer.pruned(0.34).weight.tolist() == [[[0, -6, 0], [0, 5, -4]]]  # rounded up
    assert layer.pruned(0).kept == 0 and layer.pruned(1).kept == 1
    assert layer.shortened(1).weight.tolist() == [[[1, 0, 0], [2, 0, 0]]]
    assert layer.shortened(3).weight.equal(layer.weight) and layer.kept == 1
    assert pruning_curve(layer, lambda short: short.kept, [1, 0.5]) == [(1, 1), (0.5, 0.5)]
    assert shortening_curve(layer, lambda short: short.kept, [0, 3]) == [(0, 0), (3, 1)]
    with pytest.raises(InvalidValue, match=r"keep=1\.5"):
        layer.pruned(1.5)
    with pytest.raises(InvalidValue, match="delays=4"):
        layer.shortened(4)


def test_the_cone_narrows_towards_the_present() -> None:
    mask = cone_mask(5, (9, 9)).double()
    r = 2 * 2 / 9  # two pixels from the middle, in half widths
    window = ((math.cos(math.pi * r) + 1) / 2) ** 0.25
    for d in range(5):
        wanted = window * math.exp(-0.5 * (r / (2.5 * d / 4 + 0.05)) ** 2)
        assert float(mask[d, 4, 6]) == pytest.approx(wanted, abs=1e-6)
    assert torch.equal(mask, mask.transpose(1, 2)) and torch.equal(mask, mask.flip(1))
    assert bool((mask[:, 4, 4] == 1).all()) and bool((mask[:, 0, 0] == 0).all())
    assert bool((mask[:, 4, 0] > 0)[1:].all()) and bool((mask.diff(dim=0) >= 0).all())
    with pytest.raises(InvalidValue, match="fastest"):
        cone_mask(5, (9, 9), -1)


def test_weights_start_in_the_cone_and_are_kept_there() -> None:
    layer = MotionDetector(2, 4, (5, 5), centre=3.0)
    off, on = layer.weight.detach()[0, :, 0, 2, 2].tolist()
    assert on == pytest.approx(3, abs=0.1) and off == pytest.approx(-3, abs=0.1)
    fill(layer, 10)
    before = layer.weight.detach().clone()
    layer.constrain()
    after = layer.weight.detach()
    limit = cone_mask(4, (5, 5)) * before.abs().max()
    assert bool((after.abs() <= limit).all())
    inside = before.abs() <= limit
    assert torch.equal(after[inside], before[inside]) and not bool(inside.all())
    free = fill(MotionDetector(2, 4, (5, 5), cone=False), 10)
    free.constrain()
    assert torch.equal(free.weight, before)


def test_the_loss_is_the_mean_over_voxels() -> None:
    evidence = torch.randn(4, 2, 3, 2, 2, generator=torch.Generator().manual_seed(11))
    label = torch.tensor([2, 0])
    softmax, binary = [], []
    for t, b, y, x in np.ndindex(4, 2, 2, 2):
        if t < 1:
            continue
        own = evidence[t, b, :, y, x].tolist()
        softmax.append(math.log(sum(map(math.exp, own))) - own[label[b]])
        binary += [math.log1p(math.exp(-v if c == int(label[b]) else v)) for c, v in enumerate(own)]
    assert float(class_loss(evidence, label, skip=1)) == pytest.approx(np.mean(softmax), rel=1e-5)
    assert float(class_loss(evidence, label, "binary", skip=1)) == pytest.approx(
        np.mean(binary), rel=1e-5
    )
    with pytest.raises(UnknownName, match="softmax"):
        class_loss(evidence, label, "sofmax")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="skip"):
        class_loss(evidence, label, skip=4)
    with pytest.raises(InvalidValue, match="label"):
        class_loss(evidence, label[:1])


def test_the_strongest_voxels_decide() -> None:
    evidence = torch.zeros(10, 2, 3)
    evidence[:, 0, 0] = 1.0  # everywhere a little
    evidence[3, 0, 2] = 9.0  # one voxel, strongly
    evidence[:, 1, 1] = 1.0
    assert decide(evidence, 0.1)[0].tolist() == [2, 1]
    told, scores = decide(evidence[:, :, [0, 1, 2]], 1.0)
    assert told.tolist() == [0, 1]
    torch.testing.assert_close(scores[0], torch.tensor([1.0, 0.0, 0.9]))
    with pytest.raises(InvalidValue, match="top"):
        decide(evidence, 0)
    with pytest.raises(InvalidValue, match="evidence has shape"):
        decide(evidence[:0])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"MotifDetector\.delays"):
        MotifDetector(3, 2, 0)
    with pytest.raises(InvalidValue, match=r"MotionDetector\.rows"):
        MotionDetector(3, 2, (0, 3))
    with pytest.raises(InvalidValue, match="expected"):
        MotifDetector(3, 2, 4)(torch.zeros(5, 1, 4))
    with pytest.raises(InvalidValue, match="no room for the kernel"):
        MotionDetector(3, 2, (3, 3))(torch.zeros(5, 1, 2, 2, 6))
    with pytest.raises(InvalidValue, match="expected"):
        MotionDetector(3, 2, (3, 3))(torch.zeros(5, 1, 2))
    with pytest.raises(InvalidValue, match="both excluded"):
        MotifDetector.from_probabilities(torch.zeros(1, 1, 1), 0.1, 0.1)
    with pytest.raises(InvalidValue, match="prior"):
        MotifDetector.from_probabilities(torch.full((1, 1, 1), 0.5), 0.1, 1.0)


def test_what_a_layer_shows_of_itself() -> None:
    assert repr(MotifDetector(3, 2, 4)) == "MotifDetector(3, 2, 4)"
    assert "cone=True" in repr(MotionDetector(3, 2, (3, 3)))
