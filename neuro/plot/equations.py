"""A neuron's equations as a figure, typeset by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuro.neurons import Neuron
from neuro.neurons._typeset import mathtext, typeset
from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = 11.0  # points
_GAP = 5.0  # points between two lines
_LABEL = 58.0  # points for the name of the law
_MARGIN = 4.0


def equations(neuron: Neuron | type[Neuron]) -> Figure:
    """The lines of `neuron.equations()` typeset; of an instance only the branches of its options.

    Raises:
        InvalidValue: Python does not have the source of the class.
        MissingExtra: matplotlib is not installed.
    """
    kind, options = (neuron, None) if isinstance(neuron, type) else (type(neuron), neuron.options())
    lines, rows = typeset(kind, options)
    figure = style.new_figure(1.0, 1.0)
    figure.set_layout_engine("none")
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    parser, font = MathTextParser("path"), FontProperties(size=_SIZE)
    formulas = [f"${mathtext(row)}$" for row in rows]
    boxes = [parser.parse(formula, dpi=72, prop=font) for formula in formulas]
    width = _LABEL + max((box.width for box in boxes), default=0.0) + 2 * _MARGIN
    # A fixed least height keeps simple lines evenly spaced.
    above = [max(box.height - box.depth, 0.8 * _SIZE) for box in boxes]
    below = [max(box.depth, 0.25 * _SIZE) + _GAP for box in boxes]
    height = sum(above) + sum(below) + 2 * _MARGIN
    figure.set_size_inches(width / 72, height / 72)
    y, law = height - _MARGIN, ""
    for line, formula, up, down in zip(lines, formulas, above, below, strict=True):
        y -= up
        for x, text, size, color in (
            (_MARGIN, line.law if line.law != law else "", style.LABEL, style.GREY),
            (_MARGIN + _LABEL, formula, _SIZE, style.INK),
        ):
            figure.text(x / width, y / height, text, size=size, color=color, va="baseline")
        y -= down
        law = line.law
    return figure
