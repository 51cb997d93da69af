"""A topology between slices of two populations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.synapses._base import Shape, Topology, Weights
from neuro.synapses.rows import Targets

Range = slice | tuple[int, int] | None


class Part(Topology):
    """A topology that connects only some units: `Part(FixedProbability(0.1), pre=slice(0, 400))`.

    Args:
        topology: between the chosen units, which it sees as populations of their own.
        pre, post: flat units from a first to one after a last, as a slice without step or a pair;
            all by default.

    Raises:
        InvalidValue: a slice has a step, or begins after it ends.
    """

    def __init__(self, topology: Topology, pre: Range = None, post: Range = None) -> None:
        self.topology = topology
        self.pre, self.post = _range("Part.pre", pre), _range("Part.post", post)

    def arrays(self) -> dict[str, Weights]:
        return self.topology.arrays()

    def constants(self) -> dict[str, NDArray[Any]]:
        return self.topology.constants()

    def options(self) -> dict[str, object]:
        return {
            "topology": self.topology,
            "pre": None if self.pre is None else list(self.pre),
            "post": None if self.post is None else list(self.post),
        }

    def with_arrays(self, arrays: dict[str, Weights]) -> Part:
        return Part(self.topology.with_arrays(arrays), self.pre, self.post)

    @property
    def seed(self) -> int:
        """Of the topology, for delays that are drawn."""
        return getattr(self.topology, "seed", 0)

    def post_shape(self, pre: Shape) -> Shape:
        raise InvalidValue("Part fits any postsynaptic shape; use check(...)")

    def check(self, pre: Shape, post: Shape) -> None:
        for side, span, shape in (("pre", self.pre, pre), ("post", self.post, post)):
            size = int(np.prod(shape))
            if span is not None and span[1] > size:
                raise InvalidValue(f"Part.{side}: got {span[0]} to {span[1]}, but there are only "
                                   f"{size} units (shape {shape})")  # fmt: skip
        self.topology.check(self._inner(self.pre, pre), self._inner(self.post, post))

    def fan_out(self, pre: Shape) -> NDArray[np.int64]:
        whole = np.zeros(int(np.prod(pre)), np.int64)
        low, high = self.pre or (0, len(whole))
        inner = self._inner(self.pre, pre)
        whole[low:high] = self.topology.fan_out(inner).ravel()
        return whole.reshape(pre)

    def rows(self, pre: Shape, post: Shape, low: int, high: int) -> Targets:
        first, last = self.pre or (0, int(np.prod(pre)))
        a, b = (min(max(unit, first), last) for unit in (low, high))
        inner = self._inner(self.pre, pre), self._inner(self.post, post)
        start, target, weight = self.topology.rows(*inner, a - first, b - first)
        # units outside the slice have empty rows
        at = np.clip(np.arange(low, high + 1), a, b) - a
        shift = 0 if self.post is None else self.post[0]
        return start[at], (target + shift).astype(np.int32), weight

    def synapse_count(self, pre: Shape, post: Shape) -> int:
        return self.topology.synapse_count(self._inner(self.pre, pre), self._inner(self.post, post))

    @staticmethod
    def _inner(span: tuple[int, int] | None, shape: Shape) -> Shape:
        """Shape of the chosen units: a list, unless all are chosen."""
        return shape if span is None else (span[1] - span[0],)

    def __repr__(self) -> str:
        spans = [f"{n}={s[0]}:{s[1]}" for n, s in (("pre", self.pre), ("post", self.post)) if s]
        return f"Part({', '.join([repr(self.topology), *spans])})"


def _range(where: str, given: Any) -> tuple[int, int] | None:
    if given is None:
        return None
    if isinstance(given, slice):
        if given.step not in (None, 1) or given.stop is None:
            raise InvalidValue(f"{where}: got {given}, expected slice(first, one after the last)")
        given = given.start or 0, given.stop
    low, high = (int(x) for x in given)
    if not 0 <= low < high:
        raise InvalidValue(f"{where}: got {low} to {high}, expected 0 <= first < end")
    return low, high
