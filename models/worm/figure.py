"""The picture of the recipe."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def draw(
    paths: dict[str, Array], mlp: Array, ncap: float, weights: tuple[float, ...],
    scans: dict[str, dict[str, list[Any]]], seconds: float, file: Path,
) -> None:  # fmt: skip
    """Distance swum in `seconds`, random controllers, and recruitment by touch."""
    figure, axes = plt.subplots(1, 2 + len(scans), figsize=(4 * (2 + len(scans)), 3.4))
    for (name, path), style in zip(paths.items(), ("-", "-.", ":", "--"), strict=True):
        away = np.linalg.norm(path[:, 0] - path[0, 0], axis=1)
        axes[0].plot(
            np.linspace(0, seconds, len(away)), away, style, label=name.replace("_", " "), lw=1.5
        )
    axes[0].set(xlabel="time (s)", ylabel="distance (body lengths)", title="swimming")
    axes[0].legend(fontsize=7)
    axes[1].hist(mlp, bins=30, color="0.6")
    axes[1].axvline(ncap, color="C0", label="NCAP, untrained")
    axes[1].set(xlabel="displacement (body lengths)", ylabel="random MLPs", title="against chance")
    axes[1].legend(fontsize=7)
    for ax, (name, by) in zip(axes[2:], scans.items(), strict=True):
        for color, (where, found) in zip(("C1", "C2"), by.items(), strict=True):
            shuffled = 100 * np.array([s.share for s in found[1:]])
            ax.plot(weights, 100 * np.array(found[0].share), color=color, label=where)
            ax.plot(weights, shuffled.mean(0), color=color, ls=":", label=f"{where}, shuffled")
            ax.fill_between(weights, shuffled.min(0), shuffled.max(0), color=color, alpha=0.15)
        ax.set(
            xscale="log", xlabel="weight of a synapse (threshold 1)",
            ylabel="responding inter, motor (%)", title=name.replace("_", " "),
        )  # fmt: skip
        ax.set_xticks([0.01, 0.02, 0.04, 0.08, 0.16], ["0.01", "0.02", "0.04", "0.08", "0.16"])
        ax.minorticks_off()
        ax.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    plt.close(figure)
