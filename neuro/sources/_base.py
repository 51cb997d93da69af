"""What a source is: a population that emits without being fed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, dataclass_transform

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.shape import Shape, shape_of

PLAIN = (bool, int, float, str)


@dataclass_transform(frozen_default=True, eq_default=False)
@dataclass(frozen=True, eq=False, repr=False)
class Source:
    """A population that emits spikes or values of its own, and receives nothing.

    What it emits depends on its parameters, its seed, the seed of the run, the tick and the unit,
    and on nothing else: any engine, any number of threads and any cut into pieces give the same.

    Args:
        shape: of the population, without batch.
    """

    shape: int | Shape

    emits: ClassVar[str] = "value"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclass(frozen=True, eq=False, repr=False)(cls)

    def __post_init__(self) -> None:
        shape = shape_of(f"{self.name}.shape", self.shape)
        if not shape:
            raise InvalidValue(f"{self.name}.shape: got (), expected at least one axis, e.g. 100")
        object.__setattr__(self, "shape", shape)

    @property
    def name(self) -> str:
        """Name of the class, e.g. "Poisson"."""
        return type(self).__name__

    @property
    def units(self) -> Shape:
        """Shape of the population as a tuple."""
        return self.shape  # type: ignore[return-value]  # made a tuple on construction

    @property
    def size(self) -> int:
        """Number of units."""
        return int(np.prod(self.units))

    def emission(
        self, clock: Clock, ticks: int, *, seed: int = 0, first: int = 0, state: Any = None
    ) -> tuple[NDArray[np.float64], Any]:
        """What the units emit in ticks first, first + 1, ...: the readable definition.

        Args:
            clock: of the network.
            seed: of the run.
            state: as returned for the ticks before, for sources that have one.

        Returns:
            Numbers of spikes, or values, [ticks, *units], and the state after them.
        """
        raise NotImplementedError

    def most(self, clock: Clock) -> int:
        """The largest number of spikes that a unit emits in a tick."""
        return 1

    def values(self) -> dict[str, Any]:
        """Arrays and numbers by field."""
        return {
            f.name: v
            for f in dataclasses.fields(self)
            if f.name != "shape" and isinstance(v := getattr(self, f.name), (np.ndarray, float))
        }

    def options(self) -> dict[str, Any]:
        """Everything else by field, JSON-ready."""
        return {
            f.name: v
            for f in dataclasses.fields(self)
            if f.name != "shape" and not isinstance(v := getattr(self, f.name), np.ndarray | float)
        }

    def __repr__(self) -> str:
        shown = [str(self.size if len(self.units) == 1 else self.units)]
        for f in dataclasses.fields(self)[1:]:
            value = getattr(self, f.name)
            text = f"<shape {value.shape}>" if isinstance(value, np.ndarray) else f"{value!r}"
            shown.append(f"{f.name}={text}")
        return f"{self.name}({', '.join(shown)})"


def check_seed(where: str, seed: int) -> int:
    """A seed that fits the generator's key."""
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 1 << 32:
        raise InvalidValue(f"{where}.seed: got {seed!r}, expected a whole number 0 <= seed < 2^32")
    return int(seed)


def numbers(where: str, given: Any, units: Shape, *, low: float = -np.inf) -> Any:
    """A finite number, or an array that broadcasts to the population.

    Raises:
        InvalidValue: NaN, below `low`, or of another shape.
    """
    array = np.array(given, np.float64)
    if not np.isfinite(array).all():
        raise InvalidValue(f"{where}: got a value that is NaN or infinite")
    if (array < low).any():
        raise InvalidValue(f"{where}: got {array.min():g}, expected at least {low:g}")
    if array.ndim == 0:
        return float(array)
    try:
        whole = np.broadcast_to(array, units)
    except ValueError:
        raise InvalidValue(f"{where}: shape {array.shape} does not broadcast to {units}") from None
    whole = np.array(whole)
    whole.flags.writeable = False
    return whole


def steps(where: str, times: Any, levels: Any, units: Shape) -> tuple[Any, Any]:
    """Times at which something changes and what it becomes, [S] and [S] or [S, *units].

    Raises:
        InvalidValue: times do not begin at 0 or do not ascend, or the lengths differ.
    """
    at = np.array(times, np.float64, ndmin=1)
    to = np.array(levels, np.float64)
    if (
        at.ndim != 1
        or not np.isfinite(at).all()
        or at.size == 0
        or at[0] != 0
        or (np.diff(at) <= 0).any()
    ):
        raise InvalidValue(f"{where}.times: expected seconds that begin at 0 and ascend")
    if to.ndim < 1 or len(to) != len(at) or to.shape[1:] not in ((), units):
        raise InvalidValue(
            f"{where}: got values of shape {to.shape}, expected ({len(at)},) or "
            f"{(len(at), *units)}, one for each of the times"
        )
    if not np.isfinite(to).all():
        raise InvalidValue(f"{where}: got a value that is NaN or infinite")
    at.flags.writeable = to.flags.writeable = False
    return at, to
