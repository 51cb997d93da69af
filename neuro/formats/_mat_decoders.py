"""The two layouts of events in MATLAB files, whatever version of the file holds their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue, Unsupported
from neuro.formats._base import Damage, Header, Options, Piece
from neuro.units import us


@dataclass(frozen=True)
class Matrix:
    """Where a matrix comes from.

    Args:
        dims: rows and columns.
        blocks: its values down the columns, about so many at a time, whole columns each.
        byte: of a value in the file.
        width: bytes of a value.
    """

    dims: tuple[int, ...]
    blocks: Callable[[int], Iterator[NDArray[Any]]]
    byte: Callable[[int], int]
    width: int


@dataclass(frozen=True)
class Columns:
    """Where columns come from.

    Args:
        name: of the structure; "" for variables side by side.
        blocks: t, x, y, p, so many rows at a time.
        polarity: p alone.
        byte: of a row's time stamp in the file.
        width: bytes of a row.
    """

    name: str
    blocks: Callable[[int], Iterator[Sequence[NDArray[Any]]]]
    polarity: Callable[[int], Iterator[NDArray[Any]]]
    byte: Callable[[int], int]
    width: int


class MatrixDecoder:
    """A column for each instant: -1, 0 or 1 for each unit, and below them the seconds."""

    def __init__(self, path: Path, matrix: Matrix, options: Options) -> None:
        if len(matrix.dims) != 2 or matrix.dims[0] < 2:
            raise CorruptFile(
                f"{path}: spiketrain has dimensions {matrix.dims}, expected [units + 1, instants]"
            )
        self.path, self.matrix = path, matrix
        self.units = matrix.dims[0] - 1
        self.columns = 10 if self.units == 100 else self.units
        shape = (2, self.units // self.columns, self.columns)
        self.header = Header(shape, options.clock or Clock(1 * us))

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        height, first = self.units + 1, 0
        # an instant holds about one event, and takes `height` values
        instants = max(1, min(size, (1 << 22) // height))
        try:
            for flat in self.matrix.blocks(instants * height):
                grid = flat.reshape(-1, height).astype(np.float64)
                yield from self._events(grid, first)
                first += len(grid)
        except CorruptFile as error:
            yield _lost(self.path, error)

    def _events(self, grid: NDArray[np.float64], first: int) -> Iterator[Piece | Damage]:
        height, seconds, width = self.units + 1, grid[:, -1], self.matrix.width
        strange = ~np.isin(grid[:, :-1], (-1.0, 0.0, 1.0))
        if strange.any():
            row, unit = (int(v) for v in np.argwhere(strange)[0])
            yield Damage(
                self.matrix.byte((first + row) * height + unit), int(strange.sum()) * width,
                f"spiketrain instant {first + row}, unit {unit}: {grid[row, unit]}, expected -1, "
                "0 or 1",
            )  # fmt: skip
        instant, unit = np.nonzero((grid[:, :-1] != 0) & ~strange)
        try:
            t = self.header.clock.ticks(seconds[instant])
        except InvalidValue as error:
            yield Damage(
                self.matrix.byte(first * height), grid.size * width, f"spiketrain: {error}"
            )
            return
        sign = (grid[instant, unit] > 0).astype(np.uint8)
        y, x = (v.astype(np.uint16) for v in np.divmod(unit, self.columns))
        yield Piece(
            t, (sign, y, x),
            lambda i: self.matrix.byte((first + int(instant[i])) * height + int(unit[i])), width,
        )  # fmt: skip


class ColumnsDecoder:
    """Columns of whole numbers."""

    def __init__(self, path: Path, columns: Columns, options: Options) -> None:
        self.path, self.columns = path, columns
        low, high = 2.0, -2.0
        for block in columns.polarity(1 << 20):
            low, high = min(low, float(block.min())), max(high, float(block.max()))
        if low == high == 1:
            raise Unsupported(
                str(path), columns.name or "p",
                "p is 1 for every event: ON if it counts from 0, OFF if it counts from 1",
                "read it with scipy.io.loadmat and build neuro.Events",
            )  # fmt: skip
        self.first = 1 if high == 2 else 0
        facts = {"variable": columns.name} if columns.name else {}
        self.header = Header(None, options.clock or Clock(1 * us), facts=facts)

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        at = 0
        try:
            for blocks in self.columns.blocks(size):
                t, x, y, p = (_whole(block) for block in blocks)
                p = np.where((p == -1) & (self.first == 0), 0, p - self.first)
                axes = (p, y - self.first, x - self.first)
                yield Piece(
                    t, axes, lambda i, at=at: self.columns.byte(at + i), self.columns.width
                )  # fmt: skip
                at += len(t)
        except CorruptFile as error:
            yield _lost(self.path, error)


def _lost(path: Path, error: CorruptFile) -> Damage:
    """The rest of a file whose reader ended; nobody knows at which byte."""
    return Damage(0, path.stat().st_size, str(error))


def _whole(block: NDArray[Any]) -> NDArray[np.int64]:
    """Whole numbers; what is none becomes so negative that it is refused."""
    if block.dtype.kind == "f":
        good = np.isfinite(block) & (block == np.rint(block)) & (np.abs(block) < 2.0**62)
        return np.where(good, block, -(2**40)).astype(np.int64)
    if block.dtype.kind == "u" and block.dtype.itemsize == 8:
        return np.where(block < 2**62, block, 0).astype(np.int64) - (block >= 2**62) * 2**40
    return block.astype(np.int64)
