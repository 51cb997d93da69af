"""Figures of delays: what is counted, where a dot lies, which colour a connection gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro import Input, Network, Synapse, plot
from neuro.clock import Clock
from neuro.distributions import Uniform
from neuro.errors import InvalidValue, UnknownName
from neuro.neurons import LIF
from neuro.plot import style
from neuro.synapses import Dense, FixedProbability, Sparse
from neuro.units import ms

pytest.importorskip("matplotlib")
CLOCK = Clock(2 * ms)


def network(first: Any, second: Any, weight: float = 1.0) -> Network:
    """in -> hid all to all, hid -> out sparse; delays in ticks."""
    rng = np.random.default_rng(0)
    one = Dense(weight * rng.normal(size=(4, 3)))
    two = Sparse([0, 1, 3, 3], [0, 1, 0, 1], [1.0, 3.0, 0.0, -4.0])
    return Network(
        {"in": Input(3), "hid": LIF(4), "out": LIF(2)},
        [Synapse("in", "hid", one, delay=np.asarray(first) * CLOCK.dt),
         Synapse("hid", "out", two, delay=np.asarray(second) * CLOCK.dt)],
        outputs=("out",), clock=CLOCK,
    )  # fmt: skip


FIRST = np.array([[0, 1, 2], [3, 3, 3], [9, 9, 0], [1, 5, 6]])
NET = network(FIRST, [2, 2, 4, 7])


def steps(ax: Any, i: int) -> Any:
    return ax.patches[i].get_data()


# -- histograms ------------------------------------------------------------------------------------


def test_delays_of_a_network_are_counted_tick_by_tick() -> None:
    figure = plot.delay_histogram(NET, title="delays")
    one, two = figure.axes
    assert (one.get_title(loc="left"), two.get_title(loc="left")) == ("in → hid", "hid → out")
    np.testing.assert_array_equal(
        steps(one, 0).values, np.bincount(FIRST.ravel(), minlength=10).astype(float)
    )
    np.testing.assert_allclose(steps(one, 0).edges, (np.arange(11) - 0.5) * 2)  # ms
    np.testing.assert_array_equal(steps(two, 0).values, [2, 0, 1, 0, 0, 1])
    np.testing.assert_allclose(steps(two, 0).edges[0], 3.0)  # half a tick before the first
    assert one.get_xlabel() == "delay (ms)" and one.get_ylabel() == "connections"
    assert figure.get_suptitle() == "delays"


def test_a_dashed_line_shows_what_delays_were_before() -> None:
    before = network(np.zeros((4, 3)) + np.arange(3), [1, 1, 1, 9])
    one, two = plot.delay_histogram(NET, before).axes
    np.testing.assert_array_equal(steps(one, 2).values, [4, 4, 4, 0, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(steps(two, 2).values, [3, 0, 0, 0, 0, 0, 0, 0, 1])
    assert steps(two, 0).values.sum() == 4
    legend = one.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["after", "before"]


def test_weights_count_as_their_share() -> None:
    _, two = plot.delay_histogram(NET, weighted=True).axes
    np.testing.assert_allclose(steps(two, 0).values, [4 / 8, 0, 0, 0, 0, 4 / 8])  # |w|: 1 3 0 4
    assert two.get_ylabel() == "share of weight"
    assert all(t.get_text().endswith("%") for t in two.get_yticklabels())


def test_many_ticks_share_a_bin_and_none_is_lost() -> None:
    ticks = np.arange(12).reshape(4, 3) * 100
    (ax, _) = plot.delay_histogram(network(ticks, [1, 2, 3, 4])).axes
    data = steps(ax, 0)
    assert data.values.sum() == 12 and len(data.values) <= 48
    whole = np.diff(data.edges) / (CLOCK.dt / ms)
    np.testing.assert_allclose(whole, np.rint(whole))


def test_arrays_and_mappings_are_in_seconds() -> None:
    delays = np.array([[0.0, 0.010], [0.004, 0.005]])
    (ax,) = plot.delay_histogram(delays).axes
    assert steps(ax, 0).values.sum() == 4 and steps(ax, 0).edges[-1] == pytest.approx(10)
    axes = plot.delay_histogram({"a->b": delays, "b->c": delays[0]}, {"a->b": delays, "b->c": [0]})
    assert [a.get_title(loc="left") for a in axes.axes] == ["a → b", "b → c"]


def test_axonal_and_drawn_delays_and_those_of_rules_are_shown() -> None:
    weight = np.ones((4, 3))
    weight[:, 2] = 2
    net = Network(
        {"in": Input(3), "hid": LIF(4), "far": LIF(50)},
        [Synapse("in", "hid", Dense(weight), delay=np.array([1, 1, 5]) * CLOCK.dt),
         Synapse("in", "far", FixedProbability(0.5, weight=2.0, seed=1),
                 delay=Uniform(2 * ms, 8 * ms)),
         Synapse("hid", "far", FixedProbability(0.5, seed=2), delay=2 * ms)],
        outputs=("hid",), clock=CLOCK,
    )  # fmt: skip
    figure = plot.delay_histogram(net)
    axonal, drawn = figure.axes  # the synapse with a single delay has no histogram
    assert axonal.get_ylabel() == "presynaptic units"
    np.testing.assert_array_equal(steps(axonal, 0).values, [2, 0, 0, 0, 1])
    assert steps(drawn, 0).values.sum() == len(net.rows(net.synapses[1], 0, 3).post)
    (axonal, _) = plot.delay_histogram(net, weighted=True).axes
    np.testing.assert_allclose(steps(axonal, 0).values, [0.5, 0, 0, 0, 0.5])  # 4 + 4 against 8


def test_histograms_refuse_what_has_no_delays() -> None:
    single = NET.replace(synapses=(Synapse("in", "hid", NET.synapses[0].topology, delay=2 * ms),))
    with pytest.raises(InvalidValue, match="no synapse of the network has several delays"):
        plot.delay_histogram(single)
    with pytest.raises(InvalidValue, match="expected those after"):
        plot.delay_histogram(NET, {"in->hid": [0.0]})
    with pytest.raises(InvalidValue, match="come without weights"):
        plot.delay_histogram([0.0, 0.1], weighted=True)
    for bad in ([-1e-3], [np.nan], []):
        with pytest.raises(InvalidValue, match="finite and >= 0"):
            plot.delay_histogram(bad)
    with pytest.raises(InvalidValue, match="got no synapses"):
        plot.delay_histogram({})


# -- drift -----------------------------------------------------------------------------------------


def test_every_dot_lies_at_its_delays_before_and_after() -> None:
    moved = FIRST + np.array([[1, 0, 0]] * 4)
    before, after = NET, network(moved, [2, 2, 4, 7])
    one, two = plot.delay_drift(before, after).axes
    dots: Any = one.collections[0]
    found = {tuple(np.round(p, 6)) for p in dots.get_offsets()}
    expected = zip(FIRST.ravel(), moved.ravel(), strict=True)
    assert found == {(2.0 * a, 2.0 * b) for a, b in expected}
    assert one.texts[0].get_text().splitlines() == ["median move 0 ms", "33% moved"]
    assert two.texts[0].get_text().splitlines()[1] == "0% moved"
    sizes: Any = two.collections[0]
    np.testing.assert_allclose(sorted(sizes.get_sizes()), [3, 8.25, 18.75, 24])  # |w| 0 1 3 4


def test_many_delays_are_drawn_as_a_density() -> None:
    rng = np.random.default_rng(1)
    before = rng.random(9000) * 0.1
    (ax,) = plot.delay_drift(before, before + 0.001).axes
    counts: Any = ax.collections[0]
    assert counts.get_array().sum() == 9000
    assert "median move 1 ms" in ax.texts[0].get_text()


def test_drift_needs_the_same_connections() -> None:
    with pytest.raises(InvalidValue, match="3 delays before and 2 after"):
        plot.delay_drift([0.0, 0.1, 0.2], [0.0, 0.1])


# -- matrix ----------------------------------------------------------------------------------------


def shades(figure: Any, axes: int = 0) -> Any:
    return np.asarray(figure.axes[axes].images[0].get_array())


def test_the_hue_is_the_delay_and_the_opacity_the_weight() -> None:
    delays = np.array([[0.0, 0.010], [0.010, np.nan]])
    weights = np.array([[2.0, -2.0], [1.0, 0.0]])
    figure = plot.delay_matrix(delays, weights, title="in → hid")
    picture = shades(figure)
    assert picture.shape == (2, 2, 4)
    blue, late = (tuple(int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)) for c in
                  (style.OKABE_ITO["blue"], style.OKABE_ITO["vermillion"]))  # fmt: skip
    np.testing.assert_allclose(picture[0, 0, :3], blue, atol=1e-6)
    np.testing.assert_allclose(picture[0, 1, :3], late, atol=1e-6)
    np.testing.assert_allclose(picture[..., 3], [[1, 1], [0.5, 0]])
    key = figure.axes[0].child_axes[0]
    assert (key.get_xlabel(), key.get_ylabel()) == ("|weight|", "delay (ms)")
    assert figure.axes[0].get_ylabel() == "postsynaptic unit"


def test_delays_alone_and_beside_their_weights() -> None:
    delays = np.arange(6).reshape(2, 3) * 1e-3
    alone = plot.delay_matrix(delays)
    assert (shades(alone)[..., 3] == 1).all()
    assert alone.axes[1].get_ylabel() == "delay (ms)"
    both = plot.delay_matrix(delays, delays - 0.002, show="beside")
    np.testing.assert_allclose(shades(both, 1), delays - 0.002)
    assert [ax.get_ylabel() for ax in both.axes[2:]] == ["delay (ms)", "weight"]


def test_a_network_shows_the_delays_of_one_of_its_synapses() -> None:
    picture = shades(plot.delay_matrix(NET, synapse="hid->out", show="delays"))
    assert picture.shape == (2, 4, 4)
    np.testing.assert_array_equal(picture[..., 3] > 0, [[1, 0, 0, 1], [0, 1, 0, 1]])
    np.testing.assert_allclose(picture[0, 0], picture[1, 1])  # both two ticks
    only = NET.replace(synapses=NET.synapses[:1], populations=dict(NET.populations))
    assert shades(plot.delay_matrix(only)).shape == (4, 3, 4)
    with pytest.raises(InvalidValue, match="2 synapses of the network have several delays"):
        plot.delay_matrix(NET)
    with pytest.raises(UnknownName, match="hid->in"):
        plot.delay_matrix(NET, synapse="hid->in")
    with pytest.raises(InvalidValue, match="has its own"):
        plot.delay_matrix(NET, np.ones((4, 3)), synapse="in->hid")


def test_a_large_matrix_is_drawn_in_means_over_its_connections() -> None:
    delays = np.full((5, 4), np.nan)
    delays[0, 0], delays[1, 1], delays[4, 3] = 0.0, 0.004, 0.008
    figure = plot.delay_matrix(delays, max_cells=3)
    picture = shades(figure)
    assert picture.shape == (3, 2, 4)
    np.testing.assert_array_equal(picture[..., 3] > 0, [[1, 0], [0, 0], [0, 1]])
    bar: Any = figure.axes[1]
    np.testing.assert_allclose(bar.get_ylim(), (2, 8))  # the mean of 0 and 4, and 8 ms
    assert "2 by 2 units" in figure.axes[0].texts[0].get_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"delays": np.zeros(3)}, r"expected \[post, pre\]"),
        ({"delays": [[-1.0]]}, "finite and >= 0"),
        ({"delays": [[np.nan]]}, "finite and >= 0"),
        ({"delays": [[0.0]], "weights": [1.0]}, r"in the shape of the delays, \(1, 1\)"),
        ({"delays": [[0.0]], "show": "beside"}, "expected weights="),
        ({"delays": [[0.0]], "show": "size"}, "got 'size'"),
        ({"delays": [[0.0]], "max_cells": 0}, "at least 1"),
        ({"delays": [[0.0]], "synapse": "a->b"}, "expected a Network"),
    ],
)
def test_a_matrix_of_other_things_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        plot.delay_matrix(**arguments)


# -- kernels ---------------------------------------------------------------------------------------


def test_kernels_are_drawn_row_by_row_relative_to_the_largest() -> None:
    kernels = np.zeros((2, 2, 3))
    kernels[0, 0], kernels[1, 0] = (1, 2, 1), (0, 4, 0)
    kernels[1, 1] = (0, 0, -3)
    centres = np.array([[1.0, 2.0], [1.0, 2.0]])
    figure = plot.delay_kernels(
        kernels, [0, 10], names=["a", "b"], centres=centres, clock=CLOCK, title="kernels"
    )
    left, right = (np.asarray(ax.collections[0].get_array()) for ax in figure.axes)
    np.testing.assert_allclose(left, [[0.5, 1, 0.5], [0, 1, 0]])
    np.testing.assert_allclose(right, [[0, 0, 0], [0, 0, -1]])  # silence stays white
    ax = figure.axes[0]
    assert ax.get_xlim() == (-1.0, 5.0) and ax.get_ylim() == (15.0, -5.0)  # ms; first row on top
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [2, 2])
    assert [a.get_title(loc="left") for a in figure.axes] == ["a", "b"]
    assert figure.get_supxlabel() == "delay (ms)"
    whole = plot.delay_kernels(kernels, scale="all")
    np.testing.assert_allclose(
        np.asarray(whole.axes[0].collections[0].get_array()), kernels[:, 0] / 4
    )
    assert whole.get_supxlabel() == "delay (ticks)"
    assert plot.delay_kernels(kernels[:1]).axes[0].get_ylim() == (0.5, -0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernels": np.zeros((2, 3))}, r"\[epochs, connections, taps\]"),
        ({"kernels": np.full((1, 1, 1), np.inf)}, "finite"),
        ({"kernels": np.zeros((2, 1, 3)), "epochs": [1, 1]}, "2 growing numbers"),
        ({"kernels": np.zeros((2, 1, 3)), "names": ["a", "b"]}, "got 2, expected 1"),
        ({"kernels": np.zeros((2, 1, 3)), "centres": [[1.0]]}, r"\(2, 1\)"),
        ({"kernels": np.zeros((2, 1, 3)), "scale": "log"}, "'row' or 'all'"),
    ],
)
def test_kernels_of_a_wrong_form_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        plot.delay_kernels(**arguments)


def test_figures_can_be_written() -> None:
    for figure in (
        plot.delay_histogram(NET, NET, weighted=True), plot.delay_drift(NET, NET),
        plot.delay_matrix(NET, synapse="in->hid"), plot.delay_kernels(np.ones((3, 5, 4))),
    ):  # fmt: skip
        assert b"<svg" in style.svg(figure)
