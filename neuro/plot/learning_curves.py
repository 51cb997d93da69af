"""How loss, accuracy and the like went over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from neuro.errors import InvalidValue
from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Epoch = Mapping[str, float]

_SPLITS = {"train": "training", "val": "validation", "valid": "validation", "test": "test"}
_ORDER = ("training", "validation", "test", "")
_LOOKS: dict[str, style.Series] = dict(zip(_ORDER, style.SERIES, strict=False))
_NOT_CURVES = ("epoch", "step", "seconds", "lr")


def learning_curves(history: Sequence[Epoch]) -> Figure:
    """One panel for each quantity, one line for each split, over epochs.

    Args:
        history: a dictionary for each epoch. A key "train_loss", "val_accuracy", "test_loss" is a
            split and a quantity, any other key a quantity of its own. "epoch" numbers the epoch
            (counted from 1 if absent); "step", "seconds" and "lr" are left out. A key that is
            missing or NaN in some epoch leaves a gap.

    Raises:
        InvalidValue: no epochs, nothing to draw, or a value that is not a number.
        MissingExtra: matplotlib is not installed.
    """
    panels = _panels(history)
    epochs = [float(row.get("epoch", i)) for i, row in enumerate(history, start=1)]
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure = style.new_figure(style.WIDTH if columns > 1 else 4.2, 0.3 + 2.3 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for ax, (quantity, lines) in zip(grid.flat, panels.items(), strict=False):
        for split, values in lines.items():
            _draw(ax, split, epochs, values)
        _finish(ax, quantity, lines)
    for ax in grid.flat[len(panels) :]:
        ax.set_axis_off()
    return figure


def _panels(history: Sequence[Epoch]) -> dict[str, dict[str, list[float]]]:
    if not history:
        raise InvalidValue("learning_curves.history: got no epochs, expected at least one")
    keys = dict.fromkeys(key for row in history for key in row if key not in _NOT_CURVES)
    panels: dict[str, dict[str, list[float]]] = {}
    for key in keys:
        head, _, tail = key.partition("_")
        split, quantity = (_SPLITS[head], tail) if tail and head in _SPLITS else ("", key)
        try:
            values = [float(row.get(key, np.nan)) for row in history]
        except (TypeError, ValueError) as error:
            raise InvalidValue(f"learning_curves.history[{key!r}]: {error}") from None
        panels.setdefault(quantity, {})[split] = values
    if not panels:
        raise InvalidValue(
            f"learning_curves.history: found only {sorted(history[0])}, expected keys such as "
            "'train_loss' and 'val_accuracy'"
        )
    return panels


def _draw(ax: Axes, split: str, epochs: list[float], values: list[float]) -> None:
    look = _LOOKS[split]
    ax.plot(
        epochs, values, color=look.color, linestyle=look.line, linewidth=1.5, label=split or None,
        marker=look.marker, markersize=4, markevery=max(1, len(epochs) // 12), markeredgewidth=0,
    )  # fmt: skip


def _finish(ax: Axes, quantity: str, lines: Mapping[str, list[float]]) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    share = quantity in ("accuracy", "acc")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    if share:
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        ax.set_ylim(top=1.02)
    elif np.nanmin([v for values in lines.values() for v in values], initial=0.0) >= 0:
        ax.set_ylim(bottom=0)
    ax.grid(axis="y", color=style.HAIRLINE, linewidth=0.5)
    ax.set_axisbelow(True)
    style.finish(ax, x="epoch", y=quantity.replace("_", " "))
    if len(lines) > 1 or "" not in lines:
        ax.legend(frameon=False, fontsize=style.NOTE, handlelength=2.6)
