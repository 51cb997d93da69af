"""How every figure looks: colours, marks, type and axes, in one place.

Colours are those of Okabe and Ito (Color Universal Design, 2008), which people with any common
form of colour blindness can tell apart. A line, marker or hatch always goes with the colour, so
that a black-and-white print says the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from neuro.errors import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky blue": "#56B4E9",
    "bluish green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "reddish purple": "#CC79A7",
}

INK = "#1F1F1F"  # text
GREY = "#8A8A8A"  # what stands back: threshold, chance, the other units
FAINT = "#C4C4C4"  # data in the background
HAIRLINE = "#D9D9D9"  # separators and grids
INPUT = "#5A5A5A"  # the input population; layers take colours
ON, OFF = OKABE_ITO["blue"], OKABE_ITO["orange"]  # dark and light also in grey print
RIGHT, WRONG = OKABE_ITO["blue"], OKABE_ITO["vermillion"]

TITLE, LABEL, TICK, NOTE = 10.0, 9.0, 8.0, 7.5  # font sizes in points
WIDTH = 7.2  # inches: a two-column journal page


class Series(NamedTuple):
    """One look, distinct in colour and in print."""

    color: str
    line: str
    marker: str
    hatch: str


SERIES = (
    Series(OKABE_ITO["blue"], "-", "o", ""),
    Series(OKABE_ITO["vermillion"], "--", "s", "////"),
    Series(OKABE_ITO["bluish green"], "-.", "^", "...."),
    Series(OKABE_ITO["reddish purple"], ":", "D", "xxxx"),
    Series(OKABE_ITO["orange"], (0, (5, 1, 1, 1, 1, 1)), "v", "\\\\\\\\"),  # type: ignore[arg-type]
    Series(OKABE_ITO["sky blue"], (0, (1, 1)), "P", "||||"),  # type: ignore[arg-type]
)


def layer_colors(names: Iterable[str]) -> dict[str, str]:
    """One colour for each population, the same in every figure of one network.

    The first name is the input and gets grey; colours repeat after six layers.
    """
    listed = list(names)
    colors = {name: SERIES[i % len(SERIES)].color for i, name in enumerate(listed[1:])}
    return {listed[0]: INPUT, **colors} if listed else {}


def diverging() -> LinearSegmentedColormap:
    """Colours of signed values: blue below 0, white at 0, vermillion above."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = (OKABE_ITO["blue"], "white", OKABE_ITO["vermillion"])
    return LinearSegmentedColormap.from_list("blue-vermillion", ends)


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure in inches, laid out so that nothing overlaps.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    require("matplotlib", "plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(w_pad=0.08, h_pad=0.1, wspace=0.02, hspace=0.02)  # type: ignore[call-arg]
    return figure


def plain(text: str) -> str:
    """Text that matplotlib prints as it stands: "$" would begin a formula."""
    return text.replace("$", r"\$")


def finish(ax: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    """Give axes their labels, sizes and the two spines that carry a scale."""
    if title:
        ax.set_title(plain(title), fontsize=TITLE, color=INK, loc="left", fontweight="bold")
    if x:
        ax.set_xlabel(plain(x), fontsize=LABEL, color=INK)
    if y:
        ax.set_ylabel(plain(y), fontsize=LABEL, color=INK)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set(color=GREY, linewidth=0.8)
    ax.tick_params(labelsize=TICK, labelcolor=INK, color=GREY, width=0.8, length=3, which="both")


def note(ax: Axes, text: str, *, x: float = 1.0, y: float = 1.0) -> None:
    """A short remark inside the axes, at a corner (axes coordinates)."""
    ax.annotate(
        text, (x, y), xycoords="axes fraction", fontsize=NOTE, color=INK,
        ha="right" if x > 0.5 else "left", va="top" if y > 0.5 else "bottom",
        xytext=(-2 if x > 0.5 else 2, -2 if y > 0.5 else 2), textcoords="offset points",
    )  # fmt: skip


def svg(figure: Figure) -> bytes:
    """The figure as SVG; the same figure always gives the same bytes."""
    from matplotlib import rc_context

    buffer = BytesIO()
    undated = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with rc_context({"svg.hashsalt": "neuro", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", dpi=300, metadata=undated)
    return buffer.getvalue()
