"""Figures of spiking populations show the numbers that the metrics give, and can be read."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import sparse

from neuro import plot
from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.events import Events
from neuro.metrics import count_correlations, cv, firing_rates, population_rate, power_spectrum
from neuro.plot import style
from neuro.units import ms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

pytest.importorskip("matplotlib")
CLOCK = Clock(1 * ms)
LAYERS = {"L2/3E": 207, "L2/3I": 58, "L4E": 219, "L4I": 55, "L5E": 13, "L5I": 6, "L6E": 144,
          "L6I": 29}  # fmt: skip


def population(units: int, rate: float, seed: int, seconds: float = 1.0) -> Events:
    rng = np.random.default_rng(seed)
    return Events.from_dense(rng.random((round(1000 * seconds), units)) < rate * CLOCK.dt, CLOCK)


def two() -> dict[str, Events]:
    return {"exc": population(80, 9, 1), "inh": population(20, 25, 2)}


def eight() -> dict[str, Events]:
    return {n: population(size, 8, i) for i, (n, size) in enumerate(LAYERS.items())}


def draw(figure: Figure) -> None:
    assert style.svg(figure).startswith(b"<?xml")


def matrix() -> Any:
    size = sum(LAYERS.values())
    return sparse.random_array((size, size), density=0.1, rng=np.random.default_rng(3))


FIGURES: dict[str, Callable[[], Figure]] = {
    "raster of two": lambda: plot.population_raster(two(), title="balanced network"),
    "raster of eight": lambda: plot.population_raster(eight(), max_units=300, sigma=5 * ms),
    "rates of two": lambda: plot.population_rates(two(), title="balanced network"),
    "rates of eight": lambda: plot.population_rates(eight()),
    "intervals of two": lambda: plot.intervals(two()),
    "intervals of eight": lambda: plot.intervals(eight()),
    "spectra of two": lambda: plot.spectra(two()),
    "spectra of eight": lambda: plot.spectra(eight()),
    "correlations": lambda: plot.correlations(count_correlations(two()["exc"]), title="exc"),
    "summary of two": lambda: plot.network_summary(two()),
    "summary of eight": lambda: plot.network_summary(
        eight(), reference={"rate": dict.fromkeys(LAYERS, 8.0)}, title="microcircuit"
    ),
    "connectivity of eight": lambda: plot.connectivity(matrix(), pre=LAYERS, unit="pA", title="W"),
    "connectivity, small": lambda: plot.connectivity(np.eye(4, 20)),
    "weights": lambda: plot.weights_over_time(
        np.random.default_rng(4).random((9, 50)), np.arange(9.0), unit="nA", title="exc to exc"
    ),
}


def shown_text(figure: Figure) -> list[tuple[str, Any]]:
    """Every visible text with its box in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown: list[Any] = [figure._suptitle] if figure._suptitle else []  # type: ignore[attr-defined]
    for ax in figure.axes:
        shown += [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label, *ax.texts]  # type: ignore[attr-defined]
        shown += [ax.xaxis.offsetText, ax.yaxis.offsetText]
        legend = ax.get_legend()
        shown += legend.get_texts() if legend else []
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [t for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
            shown += [t.label1 for t in ticks if t.label1.get_visible()]
            shown += [t.label2 for t in ticks if t.label2.get_visible()]
    renderer = canvas.get_renderer()
    return [
        (text.get_text(), text.get_window_extent(renderer).extents)
        for text in shown
        if text.get_text().strip() and text.get_visible()
    ]


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_covers_another_or_is_cut(name: str) -> None:
    figure = FIGURES[name]()
    text = shown_text(figure)
    assert len(text) > 4
    width, height = figure.canvas.get_width_height()
    for (a, (ax0, ay0, ax1, ay1)), (b, (bx0, by0, bx1, by1)) in combinations(text, 2):
        wide = min(ax1, bx1) - max(ax0, bx0)
        high = min(ay1, by1) - max(ay0, by0)
        assert wide <= 1 or high <= 1, f"{a!r} covers {b!r}"
    for word, (x0, y0, x1, y1) in text:
        assert x0 >= -1 and y0 >= -1 and x1 <= width + 1 and y1 <= height + 1, f"{word!r} is cut"
    draw(figure)


def marks(ax: Any) -> list[Any]:
    return [np.asarray(c.get_offsets()) for c in ax.collections]


def test_bands_hold_every_spike_one_population_under_the_other() -> None:
    populations = two()
    ax, below = plot.population_raster(populations).axes
    exc, inh = marks(ax)
    assert len(exc) == len(populations["exc"]) and len(inh) == len(populations["inh"])
    np.testing.assert_allclose(exc[:, 0], 1e3 * populations["exc"].seconds)
    np.testing.assert_array_equal(exc[:, 1], populations["exc"].unit)
    np.testing.assert_array_equal(inh[:, 1], 80 + populations["inh"].unit)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["exc (80)", "inh (20)"]
    assert below.get_xlabel() == "time (ms)" and below.get_ylabel() == "rate (Hz)"
    drawn = [patch.get_data().values for patch in below.patches]  # type: ignore[attr-defined]
    for values, events in zip(drawn, populations.values(), strict=True):
        np.testing.assert_allclose(values, population_rate(events).rate)
    assert below.get_ylim()[1] > max(v.max() for v in drawn)


def test_a_window_keeps_its_time_and_large_rasters_say_what_they_leave_out() -> None:
    populations = two()
    ax, below = plot.population_raster(populations, window=(0.2, 0.5), max_units=25).axes
    exc, inh = marks(ax)
    kept = populations["exc"].unit % 4 == 0
    inside = (populations["exc"].seconds >= 0.2) & (populations["exc"].seconds < 0.5)
    np.testing.assert_allclose(exc[:, 0], 1e3 * populations["exc"].seconds[kept & inside])
    assert exc[:, 1].max() == 19 and inh[:, 1].max() == 24
    assert ax.get_xlim() == pytest.approx((200, 500))
    assert "every 4th unit" in [t.get_text() for t in ax.texts]
    # rates are of all units, whatever the raster shows
    rate = population_rate(populations["exc"].slice(200, 500)).rate
    np.testing.assert_allclose(below.patches[0].get_data().values, rate)  # type: ignore[attr-defined]


def test_more_populations_than_lines_show_the_mean_over_all_units() -> None:
    populations = eight()
    _, below = plot.population_raster(populations).axes
    (patch,) = below.patches
    counts = sum(e.dense().sum(axis=1) for e in populations.values())
    units = sum(e.size for e in populations.values())
    np.testing.assert_allclose(patch.get_data().values, counts / units * 1e3, rtol=1e-6)  # type: ignore[attr-defined]


def test_each_population_has_a_rate_panel_with_its_mean() -> None:
    populations = two()
    axes = plot.population_rates(populations, sigma=10 * ms).axes
    for ax, (name, events) in zip(axes, populations.items(), strict=True):
        expected = population_rate(events, bin_width=5 * ms, sigma=10 * ms).rate
        np.testing.assert_allclose(ax.lines[0].get_ydata(), expected)  # type: ignore[arg-type]
        assert ax.texts[0].get_text() == f"{name}: mean {firing_rates(events).mean():.3g} Hz"


def test_interval_histograms_hold_every_interval_and_every_unit_that_has_a_cv() -> None:
    populations = {**two(), "quiet": Events.from_dense(np.zeros((1000, 5)), CLOCK)}
    axes = plot.intervals(populations).axes
    for row, events in enumerate(populations.values()):
        left, right = axes[2 * row : 2 * row + 2]
        spikes = np.bincount(events.unit, minlength=events.size)
        assert left.patches[0].get_data().values.sum() == np.maximum(spikes - 1, 0).sum()  # type: ignore[attr-defined]
        defined = np.isfinite(cv(events)).sum()
        assert right.patches[0].get_data().values.sum() == defined  # type: ignore[attr-defined]
        assert f"{defined} of {events.size} units" in right.texts[0].get_text()
    assert axes[-2].get_xscale() == "log" and axes[-2].get_xlabel() == "inter-spike interval (ms)"


def test_spectra_draw_the_power_and_name_a_peak() -> None:
    t = np.arange(4000) * 1e-3
    drive = 0.03 * (1 + np.sin(2 * np.pi * 30 * t))
    rhythmic = Events.from_dense(
        np.random.default_rng(5).random((4000, 40)) < drive[:, None], CLOCK
    )
    flat = population(40, 30, 6, seconds=4.0)
    first, second = plot.spectra({"rhythmic": rhythmic, "flat": flat}).axes
    frequency, power = power_spectrum(rhythmic)
    power = power[(frequency > 0) & (frequency <= 200)]
    np.testing.assert_allclose(first.lines[0].get_ydata(), power)  # type: ignore[arg-type]
    assert [t.get_text() for t in first.texts] == ["peak 30 Hz"]
    assert not [t for t in second.texts if t.get_text() == "peak 30 Hz"]
    with pytest.raises(InvalidValue, match="silent"):
        plot.spectra({"quiet": Events.from_dense(np.zeros((1000, 5)), CLOCK)})


def test_the_correlation_matrix_is_the_one_given_without_its_diagonal() -> None:
    found = count_correlations(two()["exc"], units=30)
    axes = plot.correlations(found).axes
    shown = np.ma.getdata(axes[0].images[0].get_array())
    off = ~np.eye(30, dtype=bool)
    np.testing.assert_array_equal(shown[off], found.matrix[off])
    assert np.isnan(np.diag(shown)).all()
    assert axes[1].patches[0].get_data().values.sum() == 30 * 29 / 2  # type: ignore[attr-defined]


def test_the_summary_boxes_are_the_quartiles_and_crosses_the_reference() -> None:
    populations = {**two(), "quiet": Events.from_dense(np.zeros((1000, 5)), CLOCK)}
    reference = {"rate": {"inh": 24.0, "exc": 8.5}, "cv": {"exc": 0.9}}
    figure = plot.network_summary(populations, reference=reference, reference_name="table 1")
    rate, irregularity, correlation = figure.axes[2:5]
    rates = firing_rates(populations["exc"])
    box: Any = rate.patches[0]
    x = box.get_path().vertices[:, 0]
    np.testing.assert_allclose((x.min(), x.max()), np.percentile(rates, (25, 75)))
    means, crosses = rate.collections
    np.testing.assert_allclose(
        np.asarray(means.get_offsets())[:, 0],
        [firing_rates(e).mean() for e in populations.values()],
    )
    np.testing.assert_allclose(np.asarray(crosses.get_offsets()), [(24.0, 1), (8.5, 0)])
    assert len(rate.patches) == 3  # a silent population has a rate of 0
    assert len(irregularity.patches) == len(correlation.patches) == 2  # but no CV
    assert [t.get_text() for t in rate.get_legend().get_texts()] == ["mean here", "table 1"]  # type: ignore[union-attr]
    draw(figure)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"reference": {"rates": {}}}, UnknownName, "Did you mean 'rate'"),
        ({"reference": {"rate": {"exx": 1.0}}}, UnknownName, "Did you mean 'exc'"),
        ({"reference": {"cv": {"exc": np.nan}}}, InvalidValue, "finite"),
        ({"window": (0.5, 2.0)}, InvalidValue, "stop <= 1 s"),
        ({"populations": {}}, InvalidValue, "no populations"),
        ({"populations": {"a": np.zeros((5, 2))}}, InvalidValue, "expected Events"),
        ({"populations": {"a": population(2, 5, 0), "b": population(2, 5, 0, seconds=2.0)}},
         InvalidValue, "expected the same"),
    ],
)  # fmt: skip
def test_the_summary_refuses_what_it_cannot_compare(change, error, message: str) -> None:
    with pytest.raises(error, match=message):
        plot.network_summary(**({"populations": two()} | change))


def test_rasters_refuse_what_they_cannot_show() -> None:
    with pytest.raises(InvalidValue, match="at least 2, one for each"):
        plot.population_raster(two(), max_units=1)
    other = two() | {"a": population(3, 9, 0).on(Clock(2 * ms)), "b": population(3, 9, 0)}
    with pytest.raises(InvalidValue, match="clocks differ"):
        plot.population_raster(other, bin_width=2 * ms)
