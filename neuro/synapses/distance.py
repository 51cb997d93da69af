"""Connection by distance, for populations laid out in space."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.synapses._base import Shape
from neuro.synapses.rows import Targets
from neuro.synapses.rule import ConnectionRule, Lists, Weight, compiled_drawing

Kernel = Literal["gaussian", "exponential", "disc"]
_KERNELS: tuple[Kernel, ...] = ("gaussian", "exponential", "disc")


class DistanceDependent(ConnectionRule):
    """Pairs are connected with a probability that falls with their distance d.

        gaussian     p exp(-d^2 / (2 scale^2))
        exponential  p exp(-d / scale)
        disc         p if d <= scale, else 0

    Args:
        p: probability at distance 0.
        scale: of the distance, in the unit of the positions.
        kernel: one of the three above.
        pre, post: positions [n, dims] with 1 to 3 dims. By default units stand on a regular grid of
            the population's shape, cell centres in a square (line, cube) of side 1.
        periodic: side of a space that is closed on itself, or None.
        weight, seed, autapses: see `ConnectionRule`.

    Raises:
        InvalidValue: a number is out of range, or positions do not fit the populations.
    """

    def __init__(
        self, p: float, scale: float, kernel: Kernel = "gaussian", pre: ArrayLike | None = None,
        post: ArrayLike | None = None, periodic: float | None = None, weight: Weight = 1.0,
        seed: int = 0, autapses: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(weight, seed, autapses)
        if not 0 <= p <= 1:
            raise InvalidValue(f"DistanceDependent.p: got {p!r}, expected 0 <= p <= 1")
        if not (np.isfinite(scale) and scale > 0):
            raise InvalidValue(f"DistanceDependent.scale: got {scale!r}, expected above 0")
        if kernel not in _KERNELS:
            raise InvalidValue(
                f"DistanceDependent.kernel: got {kernel!r}, expected one of {_KERNELS}"
            )
        if periodic is not None and not periodic > 0:
            raise InvalidValue(f"DistanceDependent.periodic: got {periodic!r}, expected above 0")
        self.p, self.scale, self.kernel, self.periodic = float(p), float(scale), kernel, periodic
        self.pre, self.post = _positions("pre", pre), _positions("post", post)

    def numbers(self) -> dict[str, object]:
        return {
            "p": self.p, "scale": self.scale, "kernel": self.kernel, "periodic": self.periodic,
        }  # fmt: skip

    def constants(self) -> dict[str, NDArray[Any]]:
        given = {"pre": self.pre, "post": self.post}
        return {name: array for name, array in given.items() if array is not None}

    def check(self, pre: Shape, post: Shape) -> None:
        a, b = self._places(pre, self.pre, "pre"), self._places(post, self.post, "post")
        if a.shape[1] != b.shape[1]:
            raise InvalidValue(
                f"DistanceDependent: presynaptic positions have {a.shape[1]} dimensions, "
                f"postsynaptic {b.shape[1]}"
            )

    def rows(self, pre: Shape, post: Shape, low: int, high: int) -> Targets:
        drawing = compiled_drawing()
        here = self._places(pre, self.pre, "pre")[low:high]
        there = self._places(post, self.post, "post")
        start = np.zeros(high - low + 1, np.int64)
        targets = drawing.targets_by_distance(
            here, there, low, self.p, self.scale, _KERNELS.index(self.kernel),
            self.periodic or 0.0, not self.autapses, *drawing.key(self.seed), start,
        )  # fmt: skip
        return start, targets, self._weights(low, start)

    def targets(self, pre: int, post: int, low: int, high: int) -> Lists:
        raise NotImplementedError  # rows() needs the populations' shapes

    def synapse_count(self, pre: Shape, post: Shape) -> int:
        return _expected(self, pre, post)

    def count(self, pre: int, post: int) -> int:
        return int(pre * post * self.p) + 1

    @staticmethod
    def _places(shape: Shape, given: Any, side: str) -> NDArray[np.float64]:
        if given is None:
            if len(shape) > 3:
                raise InvalidValue(
                    f"DistanceDependent.{side}: a population of shape {shape} needs positions"
                )
            grid = np.meshgrid(*((np.arange(n) + 0.5) / n for n in shape), indexing="ij")
            return np.stack([g.ravel() for g in grid], axis=1)
        if len(given) != int(np.prod(shape)):
            raise InvalidValue(
                f"DistanceDependent.{side}: got {len(given)} positions for {int(np.prod(shape))} "
                "units"
            )
        return given


@lru_cache(maxsize=16)
def _expected(rule: DistanceDependent, pre: Shape, post: Shape) -> int:
    """More than can be expected from a sample of the presynaptic units."""
    size = int(np.prod(pre))
    sample = np.unique(np.linspace(0, size - 1, min(size, 64)).astype(int))
    most = 0
    for unit in sample:
        start, _, _ = rule.rows(pre, post, int(unit), int(unit) + 1)
        most = max(most, int(start[-1]))
    return min(size * int(np.prod(post)), int(1.5 * size * (most + 3 * np.sqrt(most) + 8)))


def _positions(side: str, given: ArrayLike | None) -> NDArray[np.float64] | None:
    if given is None:
        return None
    places = np.array(given, np.float64)
    if places.ndim == 1:
        places = places[:, None]
    if places.ndim != 2 or not 1 <= places.shape[1] <= 3 or not np.isfinite(places).all():
        raise InvalidValue(
            f"DistanceDependent.{side}: got shape {places.shape}, expected finite positions "
            "[n, 1 to 3]"
        )
    places.flags.writeable = False
    return places
