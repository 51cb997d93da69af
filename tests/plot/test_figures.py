"""Each figure shows the data it was given, on labelled axes, in colours that can be told apart."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from neuro import plot
from neuro.build import conv, dense, feedforward
from neuro.clock import Clock
from neuro.errors import InvalidValue, MissingExtra
from neuro.events import Events
from neuro.metrics import synops
from neuro.neurons import LI, LIF
from neuro.plot import style
from neuro.record import Record
from neuro.units import ms, us

pytest.importorskip("matplotlib")
CLOCK = Clock(5 * ms)


def network():
    return feedforward(
        (2, 10, 10), conv(3, kernel=3, stride=2), LIF(), dense(), LI(4), clock=CLOCK, seed=0
    )


def record(samples: int = 2, steps: int = 12) -> Record:
    rng = np.random.default_rng(0)
    spikes = {"in.spikes": (2, 10, 10), "hid1.spikes": (3, 4, 4)}
    signals: dict[str, Any] = {
        k: rng.binomial(1, 0.1, (steps, samples, *s)) for k, s in spikes.items()
    }
    for name, shape in (("hid1.v", (3, 4, 4)), ("out.v", (4,))):
        signals[name] = rng.normal(size=(steps, samples, *shape))
    return Record(signals, CLOCK)


def camera(count: int = 500) -> Events:
    rng = np.random.default_rng(1)
    return Events.sorted(
        rng.integers(0, 100_000, count), rng.integers(0, 200, count), shape=(2, 10, 10),
        clock=Clock(1 * us), duration=100_000,
    )  # fmt: skip


def marks(ax: Any) -> Any:
    return np.concatenate([c.get_offsets() for c in ax.collections])


def draw(figure) -> None:
    """Lay out and render; a warning (e.g. a collapsed layout) is an error in this suite."""
    assert style.svg(figure).startswith(b"<?xml")


def test_raster_marks_every_spike_at_its_time_and_unit() -> None:
    counts = np.zeros((4, 3))
    counts[0, 2] = counts[3, 1] = counts[3, 2] = 1
    figure = plot.raster(counts, CLOCK, title="hid")
    ax: Any = figure.axes[0]
    np.testing.assert_allclose(sorted(map(tuple, marks(ax))), [(0, 2), (15, 1), (15, 2)])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "unit")
    assert ax.get_xlim() == (0, 20)
    draw(figure)


def test_raster_by_first_spike_is_a_staircase_with_silent_units_last() -> None:
    events = Events.sorted([0, 4, 8, 9], [3, 1, 0, 3], shape=5, clock=CLOCK, duration=10)
    (ax,) = plot.raster(events, order="first spike").axes
    assert [int(y) for _, y in sorted(map(tuple, marks(ax)))] == [0, 1, 2, 0]


def test_raster_sets_channels_apart() -> None:
    (ax,) = plot.raster(record().array("hid1.spikes")[:, 0], CLOCK).axes
    assert ax.get_ylabel() == "channel"
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("spikes", "clock", "order", "message"),
    [
        (np.zeros(5), CLOCK, "unit", r"shape \(5,\)"),
        (np.zeros((5, 2)), None, "unit", "pass clock="),
        (np.full((5, 2), 0.5), CLOCK, "unit", "whole numbers"),
        (np.zeros((5, 2)), CLOCK, "rate", "expected 'unit' or 'first spike'"),
    ],
)
def test_raster_refuses_and_says_why(spikes, clock, order, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        plot.raster(spikes, clock, order=order)


def test_silence_is_an_empty_raster_not_an_error() -> None:
    draw(plot.raster(np.zeros((10, 4)), CLOCK))


def test_activity_has_a_row_for_each_population_and_a_column_for_each_sample() -> None:
    right, wrong = plot.Sample(record(), 1, 1, 0), plot.Sample(record(), 2, 3, 1)
    figure = plot.activity(network(), {"Correct": right, "Wrong": wrong})
    assert len(figure.axes) == 3 * 2
    assert [ax.get_title(loc="left") for ax in figure.axes[:2]] == ["Correct", "Wrong"]
    spikes = record().array("hid1.spikes")
    assert [len(marks(ax)) for ax in figure.axes[2:4]] == [spikes[:, b].sum() for b in (0, 1)]
    readout = figure.axes[5]
    drawn = {line.get_label(): line.get_ydata() for line in readout.lines}
    np.testing.assert_array_equal(drawn["2 (true)"], record().array("out.v")[:, 1, 2])
    np.testing.assert_array_equal(drawn["3 (chosen)"], record().array("out.v")[:, 1, 3])
    assert readout.get_xlabel() == "time (ms)"
    draw(figure)


def test_activity_needs_a_sample_and_a_sample_needs_its_place_in_the_batch() -> None:
    with pytest.raises(InvalidValue, match="no samples"):
        plot.activity(network(), {})
    with pytest.raises(InvalidValue, match="got 2, but"):
        plot.Sample(record(samples=2), 0, 0, index=2)


def test_traces_draw_membrane_threshold_and_spikes_of_the_chosen_units() -> None:
    v, z = (record().array(f"hid1.{s}")[:, 0] for s in ("v", "spikes"))
    figure = plot.traces(v, CLOCK, threshold=0.8, spikes=z, units=[5, 40], title="hid1")
    axes: list[Any] = figure.axes
    for ax, unit in zip(axes, (5, 40), strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), v.reshape(12, -1)[:, unit])
        assert set(ax.lines[1].get_ydata()) == {0.8}
        assert len(ax.collections[0].get_segments()) == z.reshape(12, -1)[:, unit].sum()
    assert figure.axes[0].get_ylabel() == "unit 0,1,1"
    assert figure.axes[-1].get_xlabel() == "time (ms)"
    draw(figure)


def test_traces_choose_units_from_most_to_least_active() -> None:
    z = np.zeros((10, 6))
    for unit, spikes in ((4, 9), (0, 7), (2, 5), (5, 1)):
        z[:spikes, unit] = 1
    figure = plot.traces(np.zeros((10, 6)), CLOCK, spikes=z)
    assert [ax.get_ylabel() for ax in figure.axes] == ["unit 4", "unit 0", "unit 2", "unit 5"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spikes": np.zeros((12, 3))}, "expected that of v"),
        ({"threshold": np.ones(7)}, "does not broadcast"),
        ({"units": [4]}, "flat indices below 4"),
        ({"units": []}, "flat indices"),
    ],
)
def test_traces_refuse_what_does_not_fit(change, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        plot.traces(np.zeros((12, 4)), CLOCK, **change)


def test_learning_curves_pair_the_splits_of_each_quantity() -> None:
    history = [
        {"epoch": float(i), "train_loss": 2 - i, "val_loss": 3 - i, "val_accuracy": i / 2}
        for i in range(3)
    ]
    figure = plot.learning_curves(history)
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel(), loss.get_xlabel()) == (
        "loss", "accuracy", "epoch",
    )  # fmt: skip
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), [3, 2, 1])
    first, second = loss.lines
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_marker() != second.get_marker()
    draw(figure)


def test_learning_curves_leave_gaps_and_count_epochs_from_one() -> None:
    (ax,) = plot.learning_curves([{"loss": 1.0}, {}, {"loss": float("nan")}, {"loss": 0.5}]).axes
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 3, 4])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, np.nan, np.nan, 0.5])


@pytest.mark.parametrize("history", [[], [{"epoch": 0.0}], [{"train_loss": "low"}]])
def test_learning_curves_refuse_what_has_no_curve(history) -> None:
    with pytest.raises(InvalidValue, match=r"learning_curves\.history"):
        plot.learning_curves(history)


def test_confusion_prints_every_count_that_is_not_zero_and_the_recall() -> None:
    matrix = [[8, 2, 0], [0, 5, 0], [1, 0, 0]]
    figure = plot.confusion(matrix, ["cat", "dog", "owl"])
    ax: Any = figure.axes[0]
    texts = [t.get_text() for t in ax.texts]
    assert sorted(texts[:4]) == ["1", "2", "5", "8"]
    assert texts[4:7] == ["80%", "100%", "0%"]
    assert ax.get_title(loc="left") == "81.2% of 16 right"  # 13 / 16 = 0.8125
    assert [t.get_text() for t in ax.get_yticklabels()] == ["cat", "dog", "owl"]
    draw(figure)


@pytest.mark.parametrize(
    ("matrix", "classes"),
    [(np.ones((2, 3)), None), ([[0.5]], None), ([[-1]], None), (np.eye(2), ["a"])],
)
def test_confusion_refuses_what_is_no_matrix_of_counts(matrix, classes) -> None:
    with pytest.raises(InvalidValue, match="confusion"):
        plot.confusion(matrix, classes)


def test_an_event_strip_colours_exactly_the_pixels_that_had_events() -> None:
    events = Events.sorted(
        [0, 1, 7], [0, 103, 5], shape=(2, 10, 10), clock=Clock(1 * ms), duration=8
    )
    figure = plot.event_strip(events, frames=2)
    first, second = (np.asarray(ax.images[0].get_array()) for ax in figure.axes)
    inked = [set(zip(*np.nonzero((p < 1).any(-1)), strict=True)) for p in (first, second)]
    assert inked == [{(0, 0), (0, 3)}, {(0, 5)}]
    assert first[0, 0, 0] > first[0, 0, 2]  # OFF is orange: more red than blue
    assert first[0, 3, 0] < first[0, 3, 2]  # ON is blue
    assert [ax.get_xlabel() for ax in figure.axes] == ["0–4 ms", "4–8 ms"]  # noqa: RUF001
    draw(figure)


@pytest.mark.parametrize("frames", [1, 7, 8, 13])
def test_an_event_strip_loses_no_event(frames: int) -> None:
    from neuro.plot.event_strip import frame_counts

    assert frame_counts(camera(), frames).sum(0).sum() == 500
    draw(plot.event_strip(camera(), frames, title="a digit"))


def test_an_event_strip_refuses_other_shapes() -> None:
    flat = Events.sorted([0], [0], shape=5, clock=CLOCK)
    with pytest.raises(InvalidValue, match=r"expected \(2, y, x\)"):
        plot.event_strip(flat)
    with pytest.raises(InvalidValue, match="expected a whole number >= 1"):
        plot.event_strip(camera(), 0)
    with pytest.raises(InvalidValue, match="has 3 ticks"):
        plot.event_strip(Events.sorted([2], [0], shape=(2, 2, 2), clock=CLOCK), 8)


def _counted(ax: Any) -> int:
    return sum(ax.patches[0].get_data().values)


def test_histograms_hold_every_unit_and_every_weight() -> None:
    rng = np.random.default_rng(2)
    figure = plot.rates({"in": rng.exponential(9, 300), "hid1": np.zeros(40)})
    assert [_counted(ax) for ax in figure.axes] == [300, 40]
    assert "100% of 40 silent" in figure.axes[1].texts[0].get_text()
    assert figure.axes[0].get_xlabel() == "firing rate (Hz)"
    draw(figure)
    figure = plot.weights(network())
    sizes = [s.topology.arrays()["weight"].size for s in network().synapses]
    assert [_counted(ax) for ax in figure.axes] == sizes
    draw(figure)


@pytest.mark.parametrize("layers", [{}, {"a": []}, {"a": [np.nan]}, {"a": [-1.0]}])
def test_rates_refuse_what_is_no_rate(layers) -> None:
    with pytest.raises(InvalidValue, match="rates"):
        plot.rates(layers)


def test_synops_draw_effective_beside_dense() -> None:
    counts = synops(network(), record())
    figure = plot.synops(counts)
    ax: Any = figure.axes[0]
    widths = [bar.get_width() for bar in ax.patches]
    parts = [*counts.synapses.values(), counts.total]
    np.testing.assert_allclose(
        widths, [p.per_sample for p in parts] + [p.dense_per_sample for p in parts]
    )
    assert ax.get_xscale() == "log"
    assert ax.patches[0].get_hatch() != ax.patches[-1].get_hatch()
    draw(figure)


def test_synops_of_a_silent_network_are_drawn_too() -> None:
    silent = Record({k: 0 * v for k, v in record().items()}, CLOCK)
    draw(plot.synops(synops(network(), silent)))


def test_the_colours_are_those_of_okabe_and_ito_and_distinct_also_in_grey() -> None:
    published = {  # Okabe and Ito (2008), as RGB 0-255
        (0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115),
        (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
    }  # fmt: skip
    rgb = {tuple(bytes.fromhex(c[1:])) for c in style.OKABE_ITO.values()}
    assert rgb == published
    looks = [(s.line, s.marker, s.hatch) for s in style.SERIES]
    for a, b in itertools.combinations(looks, 2):
        assert all(x != y for x, y in zip(a, b, strict=True))

    def grey(color: str) -> float:
        return float(np.dot(list(bytes.fromhex(color[1:])), (0.299, 0.587, 0.114)))

    assert abs(grey(style.ON) - grey(style.OFF)) > 60


def test_a_population_keeps_its_colour_from_figure_to_figure() -> None:
    colors = style.layer_colors(network().populations)
    assert list(colors) == ["in", "hid1", "out"]
    assert len(set(colors.values())) == 3
    assert style.layer_colors([]) == {}


def test_the_same_figure_gives_the_same_bytes() -> None:
    def one() -> bytes:
        return style.svg(plot.event_strip(camera()))

    assert one() == one()


def test_a_dollar_sign_in_a_name_is_no_formula() -> None:
    draw(plot.confusion(np.eye(2), ["$x^", "a$"]))
    draw(plot.raster(np.eye(3), CLOCK, title="$cost_$"))


def test_figures_leave_no_global_state_behind() -> None:
    import matplotlib
    from matplotlib import _pylab_helpers

    before = dict(matplotlib.rcParams)
    draw(plot.raster(np.eye(3), CLOCK))
    assert dict(matplotlib.rcParams) == before
    assert not _pylab_helpers.Gcf.figs


def test_without_matplotlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    load = importlib.import_module

    def absent(name: str, package: str | None = None):
        if name == "matplotlib":
            raise ModuleNotFoundError("no", name="matplotlib")
        return load(name, package)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingExtra, match=r"neuro\[plot\]"):
        plot.raster(np.eye(3), CLOCK)


def test_a_spike_is_at_the_same_time_in_raster_and_trace() -> None:
    z = np.zeros((10, 2))
    z[7, 1] = 1
    drawn: Any = plot.traces(np.zeros((10, 2)), CLOCK, spikes=z, units=[1]).axes[0]
    stroke = drawn.collections[0].get_segments()[0]
    assert stroke[0, 0] == marks(plot.raster(z, CLOCK).axes[0])[0, 0] == 35.0
    assert drawn.get_xlim() == (0, 50)
