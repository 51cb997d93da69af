"""Synaptic operations beside the dense count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuro.metrics import SynapticOperations
from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BAR = 0.36


def synops(counts: SynapticOperations) -> Figure:
    """Operations per sample of each synapse and in total: effective beside dense, log scale.

    Args:
        counts: as from `neuro.metrics.synops`; the mean over its samples is shown.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    rows = {style.plain(name.replace("->", " → ")): ops for name, ops in counts.synapses.items()}
    if len(rows) > 1:
        rows["total"] = counts.total
    figure = style.new_figure(style.WIDTH, 0.9 + 0.55 * len(rows))
    ax = figure.add_subplot()
    looks = (
        ("effective: one per spike and synapse", style.OKABE_ITO["blue"], ""),
        ("dense: every unit at every step", "white", "//////"),
    )
    for k, (label, color, hatch) in enumerate(looks):
        values = [ops.dense_per_sample if k else ops.per_sample for ops in rows.values()]
        places = [i + (k - 0.5) * (_BAR + 0.04) for i in range(len(rows))]
        ax.barh(places, values, _BAR, label=label, facecolor=color, hatch=hatch,
                edgecolor=style.GREY if k else color, linewidth=0.8)  # fmt: skip
        for ops, place, value in zip(rows.values(), places, values, strict=True):
            saved = ops.dense_per_sample / value if value and not k else 0
            text = short(value) + (f"   ({saved:.3g} times fewer)" if saved >= 1.05 else "")
            ax.annotate(text, (max(value, 1), place), xytext=(4, 0), textcoords="offset points",
                        va="center", fontsize=style.NOTE, color=style.INK)  # fmt: skip
    top = max(ops.dense_per_sample for ops in rows.values())
    ax.set_xscale("log")
    ax.set_xlim(1, max(top, 10) ** 1.12)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.invert_yaxis()
    style.finish(ax, x="operations per sample (log scale)")
    ax.tick_params(axis="y", length=0, labelsize=style.LABEL)
    ax.minorticks_off()
    figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=style.NOTE)
    return figure


def short(value: float) -> str:
    """A count as people read it, e.g. 1.25 M."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"
