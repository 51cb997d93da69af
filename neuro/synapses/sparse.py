"""Explicit lists of synapses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.synapses._base import Shape, Topology, Weights, weights
from neuro.synapses.rows import Targets


class Sparse(Topology):
    """Synapse s goes from unit pre[s] to unit post[s] with weight[s]; pairs may occur repeatedly.

    Args:
        pre, post: flat unit numbers [m].
        weight: [m], or one number for all.

    Raises:
        InvalidValue: lengths differ, a number is negative, or a weight is NaN.
    """

    def __init__(self, pre: ArrayLike, post: ArrayLike, weight: ArrayLike = 1.0) -> None:
        self.pre: NDArray[np.int32] = _units("pre", pre)
        self.post: NDArray[np.int32] = _units("post", post)
        if len(self.pre) != len(self.post):
            raise InvalidValue(
                f"Sparse: pre has {len(self.pre)} entries, but post has {len(self.post)}"
            )
        given = np.broadcast_to(np.asarray(weight), np.shape(weight) or (len(self.pre),))
        if given.shape != self.pre.shape:
            raise InvalidValue(
                f"Sparse.weight: got shape {given.shape}, expected ({len(self.pre)},)"
            )
        self.weight: Weights = (
            weights("Sparse.weight", given, 1) if given.size else np.zeros(0, np.float32)
        )
        # synapses by presynaptic unit; of one unit in the order given
        self.order: NDArray[np.int64] = np.argsort(self.pre, kind="stable")

    @classmethod
    def from_scipy(cls, matrix: Any) -> Sparse:
        """From a SciPy sparse matrix [post, pre], as `Dense.weight` is; explicit zeros stay.

        Raises:
            InvalidValue: it is not a two-dimensional sparse matrix.
        """
        if not hasattr(matrix, "tocoo") or len(matrix.shape) != 2:
            raise InvalidValue(
                f"Sparse.from_scipy: got a {type(matrix).__name__}, expected a SciPy sparse matrix"
            )
        coo = matrix.tocoo()
        return cls(coo.col, coo.row, coo.data)

    @classmethod
    def from_frame(
        cls, frame: Any, *, pre: str = "pre", post: str = "post", weight: str | None = "weight"
    ) -> Sparse:
        """From a table with named columns: a pandas or polars frame, or a mapping of arrays.

        Args:
            pre, post, weight: names of the columns; weight=None gives all the weight 1.

        Raises:
            InvalidValue: a column is missing.
        """
        columns = list(frame) if isinstance(frame, Mapping) else list(getattr(frame, "columns", []))
        wanted = [c for c in (pre, post, weight) if c is not None]
        for name in wanted:
            if name not in columns:
                raise InvalidValue(
                    f"Sparse.from_frame: there is no column {name!r}; the columns are {columns}"
                )
        values = 1.0 if weight is None else np.asarray(frame[weight])
        return cls(np.asarray(frame[pre]), np.asarray(frame[post]), values)

    def arrays(self) -> dict[str, Weights]:
        return {"weight": self.weight}

    def constants(self) -> dict[str, NDArray[Any]]:
        return {"pre": self.pre, "post": self.post}

    def options(self) -> dict[str, object]:
        return {}

    def post_shape(self, pre: Shape) -> Shape:
        raise InvalidValue("Sparse fits any postsynaptic shape; use check(...)")

    def check(self, pre: Shape, post: Shape) -> None:
        for side, units, shape in (("pre", self.pre, pre), ("post", self.post, post)):
            size = int(np.prod(shape))
            if units.size and units.max() >= size:
                row = int(units.argmax())
                raise InvalidValue(
                    f"Sparse.{side}: entry {row} is {units[row]}, expected below {size} (shape "
                    f"{shape})"
                )

    def fan_out(self, pre: Shape) -> NDArray[np.int64]:
        return np.bincount(self.pre, minlength=int(np.prod(pre))).reshape(pre)

    def rows(self, pre: Shape, post: Shape, low: int, high: int) -> Targets:
        own = self.span(low, high)
        ordered = self.pre[self.order]
        start = np.searchsorted(ordered, np.arange(low, high + 1)).astype(np.int64)
        return start - start[0], self.post[own], self.weight[own]

    def in_rows(self, values: NDArray[Any], low: int, high: int) -> NDArray[Any]:
        """Values [m] of the synapses of the units from low to high, in the order of rows."""
        return values[self.span(low, high)]

    def span(self, low: int, high: int) -> NDArray[np.int64]:
        """Numbers of the synapses of the units from low to high, in the order of rows."""
        a, b = np.searchsorted(self.pre[self.order], [low, high])
        return self.order[a:b]

    def synapse_count(self, pre: Shape, post: Shape) -> int:
        return len(self.pre)

    def __repr__(self) -> str:
        return f"Sparse({len(self.pre)} synapses)"


def _units(side: str, given: ArrayLike) -> NDArray[np.int32]:
    array = np.asarray(given)
    if array.size == 0:
        array = array.astype(np.int32).reshape(0)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidValue(
            f"Sparse.{side}: got {array.dtype} of shape {array.shape}, expected a list of unit "
            "numbers"
        )
    if array.size and (array.min() < 0 or array.max() > np.iinfo(np.int32).max):
        raise InvalidValue(f"Sparse.{side}: got {array.min()}, expected unit numbers >= 0")
    units = array.astype(np.int32)
    units.flags.writeable = False
    return units
