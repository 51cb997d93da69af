"""Confusion matrix with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FULL_ERROR = 0.1  # share of a row that an error needs for the full colour


def confusion(matrix: ArrayLike, classes: Sequence[str] | None = None) -> Figure:
    """Counts of each true class (row) given each answer (column), with recall beside the rows.

    Right answers are shaded blue by their share of the row. Errors, usually few, are vermillion
    on a scale of their own, so that a single one stands out; an empty cell means none.

    Args:
        matrix: counts [C, C], as from `neuro.metrics.confusion_matrix`.
        classes: names; 0 to C - 1 by default.

    Raises:
        InvalidValue: the matrix is not square, not whole numbers >= 0, or names are missing.
        MissingExtra: matplotlib is not installed.
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise InvalidValue(f"confusion.matrix: got shape {counts.shape}, expected [C, C]")
    if not np.isfinite(counts).all() or (counts < 0).any() or (counts != np.rint(counts)).any():
        raise InvalidValue("confusion.matrix: expected whole numbers >= 0")
    names = [style.plain(str(c)) for c in (range(len(counts)) if classes is None else classes)]
    if len(names) != len(counts):
        raise InvalidValue(f"confusion.classes: got {len(names)} names for {len(counts)} classes")

    side = float(np.clip(0.4 * len(counts), 2.2, 8))
    figure = style.new_figure(side + 1.15, side + 0.8)
    ax = figure.add_subplot()
    shades = _shades(counts)
    ax.imshow(shades, interpolation="nearest", aspect="equal")
    size = float(np.clip(30 * side / len(counts) - 3, 4, 9))
    for i, j in zip(*np.nonzero(counts), strict=True):
        dark = _luminance(shades[i, j]) < 0.24  # darker cells read better in white
        ax.text(j, i, f"{int(counts[i, j])}", ha="center", va="center", fontsize=size,
                color="white" if dark else style.INK,
                fontweight="bold" if i != j else "normal")  # fmt: skip
    _label(ax, counts, names, size)
    return figure


def _shades(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """White towards blue on the diagonal, towards vermillion off it; RGB [C, C, 3]."""
    from matplotlib.colors import to_rgb

    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    diagonal = np.eye(len(counts), dtype=bool)
    errors = np.where(diagonal, 0, share)
    strength = np.where(diagonal, share, errors / max(errors.max(), _FULL_ERROR))
    # one must differ from none
    strength = np.where(counts > 0, 0.2 + 0.8 * strength, 0.0)[..., None]
    hue = np.where(diagonal[..., None], to_rgb(style.RIGHT), to_rgb(style.WRONG))
    return 1 - strength * (1 - hue)


def _luminance(rgb: NDArray[np.float64]) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.1)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _label(ax: Axes, counts: NDArray[np.int64], names: list[str], size: float) -> None:
    places = range(len(names))
    ax.set_xticks(places, names, rotation=90 if max(map(len, names)) > 3 else 0)
    ax.set_yticks(places, names)
    ax.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(names) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color=style.HAIRLINE, linewidth=0.6)
    right, total = int(np.trace(counts)), int(counts.sum())
    share = f"{right / total:.1%} of {total} right" if total else "no samples"
    style.finish(ax, title=share, x="predicted class", y="true class")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, which="both")
    recall = np.diag(counts) / np.maximum(counts.sum(axis=1), 1)
    for i, value in enumerate(recall):
        ax.text(len(names) - 0.3, i, f"{value:.0%}", va="center", fontsize=size, color=style.INK)
    ax.text(len(names) - 0.3, -0.7, "recall", va="bottom", fontsize=style.NOTE, color=style.INK)
