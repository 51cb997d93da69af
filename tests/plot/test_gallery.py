"""Stimuli of the right strength, f-I curves, portraits and the gallery page."""

import math
import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from neuro import Clock, ms
from neuro.errors import InvalidValue
from neuro.neurons import (
    ALIF,
    LI,
    LIF,
    QIF,
    AdEx,
    CobaLIF,
    DendriticSegment,
    Izhikevich,
    Neuron,
    SigmaDelta,
)
from neuro.plot import equations, fi_curve, measure_fi_curve, portrait, write_gallery
from neuro.plot._stimulus import responses, suited_clock
from neuro.plot.portrait import _threshold

CLOCK = Clock(1 * ms)


def test_the_fi_curve_of_lif_follows_its_closed_form() -> None:
    """v after k ticks is I (1 - alpha^k) / (1 - alpha): the interval is the first k above v_th."""
    alpha = math.exp(-1 / 20)
    currents = np.array([0.02, 0.048, 0.05, 0.06, 0.1, 0.3, 1.5])
    expected = []
    for current in currents:
        if current / (1 - alpha) <= 1:
            expected.append(0.0)
            continue
        interval = math.floor(math.log(1 - (1 - alpha) / current) / math.log(alpha)) + 1
        expected.append(1000 / interval)
    measured = measure_fi_curve(LIF(1), currents, CLOCK, duration=10.0)
    assert np.allclose(measured, expected, atol=0.11)  # one spike more or less in 10 s


def test_the_curve_of_a_graded_neuron_is_its_largest_output() -> None:
    alpha = math.exp(-1 / 20)
    measured = measure_fi_curve(LI(1), [0.0, 0.5, 2.0], CLOCK)
    assert np.allclose(measured, np.array([0.0, 0.5, 2.0]) / (1 - alpha), rtol=1e-9)


@pytest.mark.parametrize("kind", [LIF, ALIF, QIF, AdEx, Izhikevich, CobaLIF])
def test_stimuli_make_a_neuron_fire_at_5_to_50_hz(kind: type[Neuron]) -> None:
    neuron = kind(1)
    shown = responses(neuron, suited_clock(neuron))
    assert [r.stimulus for r in shown] == ["step", "ramp", "noise"]
    for response in shown:
        assert 5 <= response.rate <= 50
        assert response.sent.sum() >= 2
        assert response.strength == response.input.max() > 0
        assert np.isfinite(np.stack(list(response.state.values()))).all()
    step, ramp, _ = shown
    assert len(set(step.input)) == 2
    assert (np.diff(ramp.input[ramp.input > 0]) > 0).all()


@pytest.mark.parametrize("kind", [LI, DendriticSegment, SigmaDelta])
def test_a_graded_neuron_visibly_departs_from_rest(kind: type[Neuron]) -> None:
    for response in responses(kind(1), CLOCK):
        assert math.isnan(response.rate)
        assert 0.9 <= np.abs(response.sent).max() <= 4.0 + 1e-9


def test_a_moving_threshold_is_drawn_as_it_moves() -> None:
    neuron = ALIF(1, beta=0.3)
    for response in responses(neuron, CLOCK):
        limit = _threshold(neuron, CLOCK, "v", response)
        assert limit is not None
        assert np.allclose(limit, 1.0 + 0.3 * response.state["b"])
        assert _threshold(neuron, CLOCK, "b", response) is None  # it only raises the threshold


def test_the_clock_suits_the_neuron() -> None:
    assert suited_clock(LIF(1)) == CLOCK
    assert suited_clock(CobaLIF(1, tau_exc=0.2 * ms, tau_mem=1 * ms)).dt <= 1 * ms


def shown_text(figure: Figure) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Every visible text with its box in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown: list[Text] = []
    for ax in figure.axes:
        shown += [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label, *ax.texts]  # type: ignore[attr-defined]
        shown += [ax.xaxis.offsetText, ax.yaxis.offsetText]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [t for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
            shown += [t.label1 for t in ticks if t.label1.get_visible()]
    return [
        (text.get_text(), text.get_window_extent(canvas.get_renderer()).extents)
        for text in shown
        if text.get_text().strip() and text.get_visible()
    ]


@pytest.mark.parametrize("kind", [AdEx, SigmaDelta, CobaLIF])
def test_a_portrait_names_its_axes_and_no_text_covers_another(kind: type[Neuron]) -> None:
    figure = portrait(kind())
    text = shown_text(figure)
    words = [word for word, _ in text]
    for wanted in ("time (ms)", "constant input"):
        assert any(word.startswith(wanted) for word in words)
    if kind is AdEx:
        assert "v (mV)" in words
        assert any("(10⁻⁹)" in word for word in words)  # input currents of about a nanoampere
    width, height = figure.canvas.get_width_height()
    for (a, (ax0, ay0, ax1, ay1)), (b, (bx0, by0, bx1, by1)) in combinations(text, 2):
        wide = min(ax1, bx1) - max(ax0, bx0)
        high = min(ay1, by1) - max(ay0, by0)
        assert wide <= 1 or high <= 1, f"{a!r} covers {b!r}"
    for word, (x0, y0, x1, y1) in text:
        assert x0 >= -1 and y0 >= -1 and x1 <= width + 1 and y1 <= height + 1, f"{word!r} is cut"


def test_equations_are_drawn_line_by_line_from_top_to_bottom() -> None:
    figure = equations(LIF(1, reset="subtract"))
    assert len([t for t in figure.texts if "$" in t.get_text()]) < len(LIF.equations())
    every = equations(LIF)
    formulas = [t for t in every.texts if "$" in t.get_text()]
    assert len(formulas) == len(LIF.equations())
    heights = [t.get_position()[1] for t in formulas]
    assert heights == sorted(heights, reverse=True) and heights[-1] > 0
    canvas = FigureCanvasAgg(every)
    boxes = [t.get_window_extent(canvas.get_renderer()).extents for t in formulas]
    for above, below in pairwise(boxes):
        assert below[3] <= above[1] + 1
    assert max(b[2] for b in boxes) <= every.bbox.width + 1


def test_the_gallery_is_one_page_without_script(tmp_path: Path) -> None:
    path, begun = tmp_path / "gallery.html", []
    write_gallery(path, [LIF, LI], begun=begun.append)
    page = path.read_text(encoding="utf-8")
    assert begun == ["LIF", "LI"]
    assert page.count("<img ") == 4 and page.count("data:image/svg+xml;base64,") == 4
    assert "<script" not in page and not re.findall(r'(?:src|href)="(?!data:|#)', page)
    for words in ('<h2 id="LIF">', '<a href="#LI">', "tau_mem", "membrane time constant", "&gt; 0"):
        assert words in page
    assert "Gerstner, Kistler, Naud, Paninski" in page
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="expected at least one class"):
        write_gallery(tmp_path / "none.html", [])
    with pytest.raises(InvalidValue, match="3 units, expected one"):
        portrait(LIF(3))
    with pytest.raises(InvalidValue, match="3 units, expected one"):
        fi_curve(LIF(3), [0.1], CLOCK)
    with pytest.raises(InvalidValue, match="duration=0"):
        measure_fi_curve(LIF(1), [0.1], CLOCK, duration=0)
    assert not list(tmp_path.iterdir())
