"""What every topology offers: weights as data, shapes, and operation counts."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.shape import Shape as Shape
from neuro.synapses.rows import Targets

Weights = NDArray[np.float32]


class Topology(ABC):
    """Which unit reaches which, and how strongly. Plain data; a field is set once."""

    def __setattr__(self, name: str, value: object) -> None:
        # A network compares by content, so what it holds must not change under it.
        if name in vars(self):
            raise AttributeError(
                f"{type(self).__name__}.{name} is read-only; make a copy with with_arrays(...)"
            )
        super().__setattr__(name, value)

    @abstractmethod
    def arrays(self) -> dict[str, Weights]:
        """Trainable arrays by name ("weight", and "bias" if there is one)."""

    @abstractmethod
    def options(self) -> dict[str, object]:
        """Everything else, as JSON-ready values."""

    @abstractmethod
    def post_shape(self, pre: Shape) -> Shape:
        """Shape of the currents that spikes of shape `pre` cause.

        Raises:
            InvalidValue: `pre` does not fit the weights.
        """

    def constants(self) -> dict[str, NDArray[np.generic]]:
        """Arrays that are never trained, by name, e.g. which unit reaches which."""
        return {}

    def check(self, pre: Shape, post: Shape) -> None:
        """Refuse populations that it does not fit.

        Raises:
            InvalidValue: it does not fit; the message says why.
        """
        reached = self.post_shape(pre)
        if reached != post:
            raise InvalidValue(f"{self!r} maps {pre} to {reached}, but the postsynaptic population "
                               f"has shape {post}")  # fmt: skip

    @abstractmethod
    def rows(self, pre: Shape, post: Shape, low: int, high: int) -> Targets:
        """`start`, `post` and `weight` (see `Rows`) of the presynaptic units from low to high."""

    @abstractmethod
    def synapse_count(self, pre: Shape, post: Shape) -> int:
        """Number of synapses, or a number that it does not exceed."""

    @abstractmethod
    def fan_out(self, pre: Shape) -> NDArray[np.int64]:
        """How many synapses leave each presynaptic unit, shape `pre`."""

    def with_arrays(self, arrays: dict[str, Weights]) -> Topology:
        """A copy with other values in the same arrays."""
        options = {**self.constants(), **self.options()}
        return type(self)(**arrays, **options)  # type: ignore[arg-type]


def weights(where: str, values: ArrayLike, ndim: int) -> Weights:
    """A read-only float32 array, or an error that names it."""
    array = np.array(values, dtype=np.float32)
    if array.ndim != ndim or array.size == 0:
        raise InvalidValue(f"{where}: got shape {array.shape}, expected {ndim} non-empty axes")
    if not np.isfinite(array).all():
        raise InvalidValue(f"{where}: contains NaN or infinite values")
    array.flags.writeable = False
    return array


def checked_bias(where: str, values: ArrayLike | None, size: int) -> Weights | None:
    """A read-only bias of the right length, or None."""
    if values is None:
        return None
    array = weights(where, values, 1)
    if len(array) != size:
        raise InvalidValue(f"{where}: has {len(array)} values, expected {size}")
    return array
