"""The picture of the recipe: constants, complexity, features and rules, one dot a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from neuro.plot import style

Seeds = dict[str, list[float]]
NAMES = {
    "meta": "meta",
    "lif": "LIF",
    "lif_bad_tau": "LIF, tau\n2 ms",
    "meta_probabilistic": "meta,\nchance",
    "meta_wide": "meta,\n128 units",
    "lif_wide": "LIF,\n128 units",
    "meta_long": "meta,\n48 epochs",
    "lzc": "Lempel-Ziv",
    "rate": "spike rate",
    "stdp": "STDP",
    "spike count": "count",
    "ideal observer": "ideal\nobserver",
    "counts and lzc": "both",
}


def groups(ax: Axes, found: dict[str, Seeds], *, apart: float, title: str) -> None:
    """One group of columns a key; a column has a dot a seed, and a line at their mean."""
    series = list(dict.fromkeys(name for group in found.values() for name in group))
    looks = dict(zip(series, style.SERIES, strict=False))
    for i, group in enumerate(found.values()):
        for k, (name, values) in enumerate(group.items()):
            look, x = looks[name], i + apart * (k - (len(group) - 1) / 2)
            ax.hlines(np.mean(values), x - 0.45 * apart, x + 0.45 * apart, color=look.color, lw=1.6)
            ax.plot([x] * len(values), values, look.marker, color=look.color, ms=3.5, alpha=0.6)
    for name, look in looks.items():
        ax.plot([], [], look.marker, color=look.color, ms=3.5, label=NAMES.get(name, name))
    ax.set_xticks(range(len(found)), [NAMES.get(name, name) for name in found])
    _scale(ax, title, len(series))


def lengths(ax: Axes, complexity: dict[str, dict[int, list[float]]]) -> None:
    """Accuracy over the length of the train."""
    for (name, found), look in zip(complexity.items(), style.SERIES, strict=False):
        means = [np.mean(values) for values in found.values()]
        ax.plot(list(found), means, look.line, color=look.color, label=NAMES[name])  # type: ignore[arg-type]
        for n, values in found.items():
            ax.plot([n] * len(values), values, look.marker, color=look.color, ms=3.5, alpha=0.6)
    ticks = list(complexity["lzc"])
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, list(map(str, ticks)))
    ax.set_xlabel("length (steps)", fontsize=style.LABEL, color=style.INK)
    _scale(ax, "One train, equal rates", 2)


def draw(
    accuracy: Seeds, complexity: dict[str, dict[int, list[float]]], features: dict[str, Seeds],
    rules: dict[str, Seeds], path: Path,
) -> None:  # fmt: skip
    """Four panels; dotted lines mark chance."""
    figure = style.new_figure(style.WIDTH, 7.4)
    axes = figure.subplot_mosaic([["constants"] * 2, ["features"] * 2, ["lengths", "rules"]])
    kinds = [name.removesuffix("_fixed") for name in accuracy if name.endswith("_fixed")]
    learned = {k: {how: accuracy[f"{k}_{how}"] for how in ("fixed", "learned")} for k in kinds}
    groups(axes["constants"], learned, apart=0.25, title="Constants of the hidden neurons")
    lengths(axes["lengths"], complexity)
    split = {k.replace("lif", "LIF").replace("_", ",\n"): values for k, values in features.items()}
    groups(axes["features"], split, apart=0.2, title="What a linear decoder reads")
    groups(axes["rules"], rules, apart=0.2, title="Learning rules, Poisson trains")
    figure.savefig(path, dpi=150)


def _scale(ax: Axes, title: str, entries: int) -> None:
    ax.set_ylim(0.36, 1.02)  # the legend has its place below chance
    ax.axhline(0.5, color=style.GREY, lw=0.8, ls=":")
    legend = ax.legend(
        fontsize=style.NOTE, frameon=False, loc="lower left", ncols=entries, columnspacing=0.9,
        handletextpad=0.1, borderaxespad=0.1,
    )  # fmt: skip
    legend.set_in_layout(False)  # it lies inside the axes
    style.finish(ax, title=title, y="test accuracy")
