"""The gallery: every neuron's equations, parameters and portrait on one page."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable

from neuro.errors import InvalidValue
from neuro.files import atomic
from neuro.neurons import Neuron
from neuro.plot._page import Page
from neuro.plot._stimulus import Response, responses, suited_clock
from neuro.plot.equations import equations
from neuro.plot.portrait import draw


def write_gallery(
    path: str | os.PathLike[str],
    neurons: Iterable[type[Neuron]],
    *,
    begun: Callable[[str], None] = lambda name: None,
) -> None:
    """Run every neuron, and write one self-contained HTML file, atomically.

    Args:
        neurons: classes, run with their default parameters.
        begun: called with the name of each neuron before it is run, to show progress.

    Raises:
        InvalidValue: no neurons, or one that no clock suits.
        MissingExtra: PyTorch or matplotlib is not installed.
        OSError: the file cannot be written; whatever was there before is untouched.
    """
    kinds = list(neurons)
    if not kinds:
        raise InvalidValue("write_gallery.neurons: got none, expected at least one class")
    page = Page("Neurons")
    page.lead(
        "Each neuron with its default parameters under a step, a ramp and noise. The equations are "
        "typeset from the source that runs."
    )
    page.contents(kind.__name__ for kind in kinds)
    page.paragraph(
        "The lines of a law are read one after the other. Superscript old: the value when the law "
        "began; h: ticks to evolve, 1 here; z: 1 if the unit spiked, else 0; Δt: the tick."
    )
    for kind in kinds:
        begun(kind.__name__)
        _section(page, kind)
    with atomic(path) as tmp:
        tmp.write_text(page.html(), encoding="utf-8")


def _section(page: Page, kind: type[Neuron]) -> None:
    neuron = kind(1)
    clock = suited_clock(neuron)
    shown = responses(neuron, clock)
    page.heading(kind.__name__)
    paragraphs = (inspect.getdoc(kind) or "").split("\n\n")
    page.lead(" ".join(paragraphs[0].split()))
    page.figure(
        draw(neuron, clock, shown),
        f"{kind.__name__} at a tick of {1e3 * clock.dt:g} ms. {_told(neuron, shown)}",
        f"State of {kind.__name__} under a step, a ramp and noise, and its response to constant "
        "input.",
    )
    options = ", ".join(f"{name} = {value}" for name, value in neuron.options().items())
    page.figure(
        equations(neuron),
        f"Equations{f', with {options}' if options else ''}.",
        "; ".join(kind.equations()),
    )
    page.grid(
        ("parameter", "default", "unit", "bound", "meaning"),
        (
            (row.name, row.default, "" if row.unit == "1" else row.unit, row.bound(), row.meaning)
            for row in kind.table()
        ),
    )
    for paragraph in paragraphs:
        if paragraph.startswith("Source:"):
            page.paragraph(" ".join(paragraph.split()))


def _told(neuron: Neuron, shown: tuple[Response, ...]) -> str:
    """What the figure's inputs and marks are."""
    port = type(neuron).Inputs._fields[0]
    peaks = ", ".join(f"{r.stimulus} {r.strength:.3g}" for r in shown)
    told = f"Largest input of a tick at the port {port}: {peaks}. "
    if neuron.emits == "spikes":
        told += "Strokes: spikes. Dashed: threshold. The state is that after the jump. "
        return told + "Dotted, at the right: the input of the step."
    return told + f"It sends its {neuron.emits}; at the right the largest value of it."
