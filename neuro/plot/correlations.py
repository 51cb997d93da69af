"""Correlations between units: the matrix, and how its entries are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuro.metrics import Correlations
from neuro.plot import style
from neuro.plot._panels import bin_edges, draw_histogram

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def correlations(found: Correlations, *, title: str = "") -> Figure:
    """Left the matrix of coefficients (blue below 0, vermillion above), right their histogram.

    The colours reach to the largest coefficient between two units, so that weak correlations show;
    the diagonal, which is 1, is left white.

    Args:
        found: as from `neuro.metrics.count_correlations`.
        title: of the figure.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    figure = style.new_figure(style.WIDTH, 3.1)
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    pairs = found.pairs
    reach = float(np.abs(pairs).max()) or 1.0
    matrix = found.matrix.copy()
    np.fill_diagonal(matrix, np.nan)
    image = left.imshow(
        matrix, cmap=style.diverging(), vmin=-reach, vmax=reach, interpolation="nearest"
    )
    bar = figure.colorbar(image, ax=left, fraction=0.05, pad=0.02)
    bar.ax.tick_params(labelsize=style.TICK, labelcolor=style.INK, color=style.GREY)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.set_label("correlation coefficient", fontsize=style.LABEL, color=style.INK)
    style.finish(left, title=title, x="unit", y="unit")
    left.set_xticks([])
    left.set_yticks([])
    low, high = float(pairs.min()), float(pairs.max())
    margin = 0.05 * (high - low) or 0.05
    edges = bin_edges(low - margin, high + margin, pairs.size)
    draw_histogram(right, pairs, edges, style.OKABE_ITO["blue"])
    right.axvline(0, color=style.GREY, linewidth=1.0, linestyle=(0, (4, 3)))
    remark = f"mean {pairs.mean():.2g}\ns.d. {pairs.std():.2g}\n{len(found.units)} units"
    style.note(right, remark.replace("-", "\N{MINUS SIGN}"))
    style.finish(right, x="correlation coefficient", y="pairs")
    return figure
