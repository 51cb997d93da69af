"""Connectivity, weights over time, membranes of recorded units, and the moving picture."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from neuro import Input, Network, Synapse, plot
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.neurons import LIF
from neuro.plot import _synapse_entries, histograms
from neuro.synapses import Dense, FixedProbability, Sparse
from neuro.units import ms

pytest.importorskip("matplotlib")
CLOCK = Clock(1 * ms)


def picture(figure: Any) -> Any:
    return np.asarray(figure.axes[0].images[0].get_array())


def test_a_small_matrix_is_drawn_as_it_is_dense_or_sparse() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(6, 9)) * (rng.random((6, 9)) < 0.5)
    figure = plot.connectivity(weights, unit="nA")
    np.testing.assert_allclose(picture(figure), weights)
    np.testing.assert_allclose(picture(plot.connectivity(sparse.csr_array(weights))), weights)
    image: Any = figure.axes[0].images[0]
    assert image.norm.vmax == -image.norm.vmin == np.abs(weights).max()
    assert figure.axes[1].get_ylabel() == "weight (nA)"
    assert figure.axes[0].get_ylabel() == "postsynaptic unit"
    share = np.count_nonzero(weights) / 54
    assert [t.get_text() for t in figure.axes[0].texts] == [f"synapses per pair: {share:.3g}"]


def test_a_large_matrix_is_drawn_as_means_over_blocks_that_lose_no_weight() -> None:
    weights = np.random.default_rng(1).normal(size=(70, 100))
    figure = plot.connectivity(weights, max_cells=30)
    shown = picture(figure)
    assert shown.shape == (24, 25)  # blocks of 3 by 4, the last rows of 1
    np.testing.assert_allclose(shown[2, 5], weights[6:9, 20:24].mean())
    np.testing.assert_allclose(shown[23, 24], weights[69, 96:].mean())
    assert "a cell is 3 by 4 units" in figure.axes[0].texts[0].get_text()
    assert figure.axes[1].get_ylabel() == "mean weight"


def test_populations_are_named_in_their_middle_and_set_apart() -> None:
    figure = plot.connectivity(np.ones((10, 10)), pre={"exc": 8, "inh": 2})
    ax = figure.axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["exc", "inh"]
    np.testing.assert_allclose(ax.get_xticks(), [3.5, 8.5])
    np.testing.assert_allclose(ax.get_yticks(), [3.5, 8.5])
    assert 7.5 in [line.get_xdata()[0] for line in ax.lines]  # type: ignore[index]
    assert ax.texts[0].get_text() == "synapses per pair: 1"


def network() -> Network:
    rng = np.random.default_rng(4)
    one = Dense(rng.normal(size=(20, 80)))
    two = Sparse([0, 0, 3, 19], [1, 1, 0, 79], [0.5, 0.25, -1.0, 2.0])  # a pair with two synapses
    return Network(
        {"in": Input(4), "exc": LIF(80), "inh": LIF(20)},
        [Synapse("in", "exc", FixedProbability(0.3, weight=2.0, seed=1)),
         Synapse("exc", "inh", one, delay=1 * ms), Synapse("inh", "exc", two, delay=1 * ms)],
        outputs=("exc",), clock=CLOCK,
    )  # fmt: skip


@pytest.mark.parametrize("stretch", [1 << 22, 7])
def test_a_network_is_drawn_with_all_its_synapses(
    stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_synapse_entries, "_STRETCH", stretch)  # in one go, and in many
    net = network()
    shown = picture(plot.connectivity(net))
    assert shown.shape == (100, 104)  # exc and inh receive; in, exc and inh send
    np.testing.assert_allclose(shown[80:, 4:84], net.synapses[1].topology.arrays()["weight"])
    assert set(np.unique(shown[:80, :4])) == {0.0, 2.0}
    back = np.zeros((80, 20))
    back[1, 0], back[0, 3], back[79, 19] = 0.75, -1.0, 2.0
    np.testing.assert_allclose(shown[:80, 84:], back)
    assert not shown[:80, 4:84].any() and not shown[80:, 84:].any()
    with pytest.raises(InvalidValue, match="populations of its own"):
        plot.connectivity(net, pre={"a": 104})


def test_histograms_of_weights_take_every_topology(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()
    counts = [ax.patches[0].get_data().values.sum() for ax in plot.weights(net).axes]  # type: ignore[attr-defined]
    assert counts == [len(net.rows(net.synapses[0], 0, 4).post), 1600, 4]
    monkeypatch.setattr(histograms, "_MANY", 24)  # one of the four units, of about 24 synapses
    (first, *_) = plot.weights(net).axes
    expected = len(net.rows(net.synapses[0], 0, 1).post)
    assert first.patches[0].get_data().values.sum() == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("weights", "arguments", "message"),
    [
        (np.ones(4), {}, r"expected \[post, pre\]"),
        ([[np.inf]], {}, "finite"),
        (np.ones((2, 3)), {"pre": {"a": 2}}, "expected the 3 of the matrix"),
        (np.ones((2, 3)), {"post": {"a": 3}}, "expected the 2 of the matrix"),
        (np.ones((2, 3)), {"max_cells": 0}, "at least 1"),
    ],
)
def test_connectivity_refuses_what_is_no_matrix(weights, arguments, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        plot.connectivity(weights, **arguments)


def test_the_fan_shows_percentiles_and_the_histograms_both_ends() -> None:
    rng = np.random.default_rng(2)
    weights = rng.random((12, 5, 40))
    left, right = plot.weights_over_time(weights, np.arange(12) * 2.0, traces=[7], unit="nA").axes
    flat = weights.reshape(12, -1)
    median, trace = left.lines
    np.testing.assert_allclose(median.get_ydata(), np.median(flat, axis=1))  # type: ignore[arg-type]
    np.testing.assert_array_equal(trace.get_ydata(), flat[:, 7])
    outer: Any = left.collections[0]
    at_end = outer.get_paths()[0].vertices
    at_end = at_end[at_end[:, 0] == 22.0][:, 1]
    np.testing.assert_allclose((at_end.min(), at_end.max()), np.percentile(flat[-1], (5, 95)))
    assert [p.get_data().values.sum() for p in right.patches] == [200, 200, 200]  # type: ignore[attr-defined]
    assert [t.get_text() for t in right.get_legend().get_texts()] == ["22 s", "0 s"]  # type: ignore[union-attr]
    assert (left.get_xlabel(), left.get_ylabel()) == ("time (s)", "weight (nA)")


@pytest.mark.parametrize(
    ("weights", "seconds", "traces", "message"),
    [
        (np.ones(5), np.arange(5.0), (), "weights"),
        (np.full((2, 3), np.nan), [0.0, 1.0], (), "finite"),
        (np.ones((2, 3)), [0.0, 0.0], (), "growing"),
        (np.ones((3, 3)), [0.0, 1.0], (), "one for each of 3 rows"),
        (np.ones((2, 3)), [0.0, 1.0], [3], "below 3"),
    ],
)
def test_weights_over_time_refuse_what_has_no_course(weights, seconds, traces, message) -> None:
    with pytest.raises(InvalidValue, match=message):
        plot.weights_over_time(weights, seconds, traces=traces)


def test_traces_take_events_of_the_population_and_the_units_that_were_recorded() -> None:
    fine = Clock(0.1 * ms)
    events = Events.sorted(
        [5, 333, 700, 990], [40, 7, 40, 3], shape=50, clock=fine, duration=1000
    )  # fmt: skip
    v = np.random.default_rng(3).normal(size=(100, 3))  # every ms, of three units
    figure = plot.traces(v, CLOCK, spikes=events, recorded=[40, 3, 9], units=[9, 40])
    quiet, busy = figure.axes
    assert (quiet.get_ylabel(), busy.get_ylabel()) == ("unit 9", "unit 40")
    np.testing.assert_array_equal(busy.lines[0].get_ydata(), v[:, 0])
    strokes: Any = busy.collections[0]
    np.testing.assert_allclose([s[0, 0] for s in strokes.get_segments()], [0.5, 70.0])
    ranked = plot.traces(v, CLOCK, spikes=events, recorded=[40, 3, 9])
    assert [ax.get_ylabel() for ax in ranked.axes] == ["unit 40", "unit 3"]
    whole = Events.sorted([5], [1], shape=(1, 3), clock=fine, duration=1000)
    (ax,) = plot.traces(v[:, None], CLOCK, spikes=whole).axes
    assert ax.get_ylabel() == "unit 0,1"
    placed = Events.sorted([5], [10], shape=(5, 10), clock=fine, duration=1000)
    (ax,) = plot.traces(v, CLOCK, spikes=placed, recorded=[40, 10, 9]).axes
    assert ax.get_ylabel() == "unit 1,0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, r"recorded=\[\.\.\.\]"),
        ({"recorded": [1, 2]}, "got 2 units"),
        ({"recorded": [1, 2, 2]}, "each column's own"),
        ({"recorded": [1, 2, 50]}, "the Events have 50 units"),
        ({"recorded": [1, 2, 3], "units": [0]}, r"expected \[1, 2, 3\]"),
    ],
)
def test_traces_refuse_events_that_do_not_fit(change, message: str) -> None:
    events = Events.sorted([5], [40], shape=50, clock=CLOCK, duration=1000)
    with pytest.raises(InvalidValue, match=message):
        plot.traces(np.zeros((100, 3)), CLOCK, spikes=events, **change)


def test_an_animation_has_a_frame_for_each_stretch_of_time_and_spikes_light_up_and_fade(
    tmp_path: Path,
) -> None:
    image = pytest.importorskip("PIL.Image")
    events = Events.sorted([0, 25], [0, 11], shape=(3, 4), clock=CLOCK, duration=60)
    path = tmp_path / "spikes.gif"
    plot.write_animation(path, events, frame=10 * ms, tau=20 * ms, speed=0.1, title="a wave")
    with image.open(path) as movie:
        assert movie.n_frames == 6
        assert movie.info["duration"] == 100  # 10 frames a second
        frames = []
        for k in range(6):
            movie.seek(k)
            frames.append(np.asarray(movie.convert("L"), dtype=float))
    # the grid: dark pixels of the last frame span it
    dark = np.argwhere(frames[-1] < 60)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    cell = (bottom - top) / 3, (right - left) / 4

    def light(frame: Any, y: int, x: int) -> float:
        return float(frame[int(top + (y + 0.5) * cell[0]), int(left + (x + 0.5) * cell[1])])

    assert light(frames[0], 0, 0) > 150 > 60 > light(frames[0], 2, 3)
    assert light(frames[2], 2, 3) > 150
    fading = [light(f, 0, 0) for f in frames]
    assert all(a > b for a, b in pairwise(fading))
    assert list(tmp_path.iterdir()) == [path]


def test_spikes_fade_exponentially_and_channels_add_up() -> None:
    from neuro.plot.animation import fading

    events = Events.sorted([0, 0, 25], [0, 6, 5], shape=(2, 2, 3), clock=CLOCK, duration=40)
    shown = fading(events, 10 * ms, 20 * ms)
    assert shown.shape == (4, 2, 3)
    np.testing.assert_allclose(shown[:, 0, 0], 2 * np.exp(-0.5 * np.arange(4)))
    np.testing.assert_allclose(shown[:, 1, 2], [0, 0, 1, np.exp(-0.5)])
    assert fading(events, 10 * ms, None)[1:, 0, 0].sum() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events": Events.sorted([0], [0], shape=5, clock=CLOCK)}, r"expected \(y, x\)"),
        ({"speed": 2.0}, "200 frames a second"),
        ({"frame": 0.5 * ms}, "whole multiple"),
        ({"tau": 0}, "tau"),
        ({"frame": 1 * ms, "speed": 0.01}, "2000 frames"),
    ],
)
def test_an_animation_that_cannot_be_made_leaves_no_file(
    change, message: str, tmp_path: Path
) -> None:
    events = Events.sorted([0], [0], shape=(2, 2), clock=CLOCK, duration=2000)
    arguments = {"events": events} | change
    if "frame" in change and "speed" not in change:
        arguments["speed"] = 0.01
    with pytest.raises(InvalidValue, match=message):
        plot.write_animation(tmp_path / "a.gif", **arguments)
    assert not list(tmp_path.iterdir())
