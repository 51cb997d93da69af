"""Columns of events that others saved: which is which, and their values as integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.formats._base import Damage, Piece
from neuro.formats._npy import Stored

AXES: dict[int, tuple[str, ...]] = {1: ("unit",), 3: ("p", "y", "x")}
_ALIASES = {
    "t": ("t", "ts", "time", "timestamp", "timestamps", "times"),
    "x": ("x", "xs", "col", "column", "x_pos"),
    "y": ("y", "ys", "row", "y_pos"),
    "p": ("p", "pol", "polarity", "polarities", "on", "ps"),
    "unit": ("unit", "units", "neuron", "addr", "address", "channel", "neuron_id"),
}


@dataclass(frozen=True)
class Names:
    """Names of the columns of time and of each axis, and whether time is in seconds."""

    t: str
    axes: tuple[str, ...]
    seconds: bool

    @property
    def given(self) -> tuple[str, ...]:
        return (self.t, *self.axes)


def columns_of(path: Path, arrays: Mapping[str, Stored]) -> Names | str:
    """The columns by name, or what is missing."""
    found: dict[str, str] = {}
    for name in arrays:
        for role, aliases in _ALIASES.items():
            if name.lower() in aliases:
                if role in found:
                    return f"{name!r} and {found[role]!r} mean the same column"
                found[role] = name
    axes = ("unit",) if "unit" in found and "x" not in found else AXES[3]
    missing = [role for role in ("t", *axes) if role not in found]
    if missing:
        return f"no column {', '.join(missing)}; expected t, x, y, p or t, unit"
    for role in ("t", *axes):
        stored = arrays[found[role]]
        if stored.dtype.kind not in "biuf" or (stored.dtype.kind == "f" and role == "unit"):
            return f"column {found[role]!r} has dtype {stored.dtype}, expected numbers"
    seconds = arrays[found["t"]].dtype.kind == "f"
    return Names(found["t"], tuple(found[a] for a in axes), seconds)


def rows_of(
    columns: Mapping[str, NDArray[Any]],
    names: Names,
    clock: Clock,
    at: Callable[[int], int],
    start: int,
    width: int,
    value: NDArray[Any] | None = None,
) -> Iterator[Piece | Damage]:
    """Some rows as a piece, after the damage of those that no integers hold.

    Args:
        columns: by name, [n].
        names: which is which.
        clock: of times in seconds.
        at: byte of a row of the file.
        start: number of the first row in the file.
        width: bytes of a row.
        value: sizes of graded events.
    """
    given = columns[names.t]
    bad = np.zeros(len(given), np.bool_)
    why: list[tuple[NDArray[np.bool_], str, NDArray[Any]]] = []

    def refuse(rows: NDArray[np.bool_], text: str, column: NDArray[Any]) -> None:
        if rows.any():
            why.append((rows, text, column))
            np.logical_or(bad, rows, out=bad)

    if names.seconds:
        ratio = clock.tick.denominator / clock.tick.numerator
        ticks = given.astype(np.float64) * ratio
        wrong = ~(np.abs(ticks) < 2.0**62)  # NaN is among them
        refuse(wrong, f"{names.t} is {{}} s, expected a finite time", given)
        t = np.rint(np.where(wrong, 0, ticks)).astype(np.int64)
    else:
        if given.dtype.kind == "u" and given.dtype.itemsize == 8:
            refuse(given > np.iinfo(np.int64).max, f"{names.t} is {{}}, beyond int64", given)
        t = given.astype(np.int64)
    axes = []
    for name in names.axes:
        column = columns[name]
        most = float(np.iinfo(np.int32).max)
        if column.dtype.kind == "f":
            whole = (np.abs(column) <= most) & (column == np.rint(column))
            refuse(~whole, f"{name} is {{}}, expected a whole number", column)
            column = np.where(whole, column, 0)
        elif column.dtype.itemsize > 4 or column.dtype.kind == "u":
            refuse((column > most) | (column < -most), f"{name} is {{}}, beyond int32", column)
        number = column.astype(np.int32)
        if name == names.axes[0] and len(names.axes) == 3:
            refuse((number < -1) | (number > 1), f"{name} is {{}}, expected 0, 1 or -1", column)
            number = (number > 0).view(np.uint8)
        axes.append(number)
    if value is not None:
        refuse(~np.isfinite(value), "value is {}, expected a finite number", value)
    if bad.any():
        for rows, text, column in why:
            first = int(rows.argmax())
            where = start + first
            many = int(rows.sum())
            said = f"row {where}: {text.format(column[first])} ({many} such rows)"
            yield Damage(at(where), 0, said)
        # counted once, however many columns of a row are wrong
        yield Damage(at(start + int(bad.argmax())), width * int(bad.sum()), "rows left out")
    if value is not None:
        value = value.astype(np.float32)
    if not bad.any():
        yield Piece(t, tuple(axes), lambda i: at(start + i), width, value)
        return
    keep = np.flatnonzero(~bad)
    value = None if value is None else value[keep]
    columns_kept = tuple(a[keep] for a in axes)
    yield Piece(t[keep], columns_kept, lambda i: at(start + int(keep[i])), width, value)
