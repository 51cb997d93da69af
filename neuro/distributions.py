"""Distributions of weights and delays, as plain data; `neuro.synapses.drawing` draws from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from neuro.errors import InvalidValue, UnknownName


@dataclass(frozen=True)
class Distribution:
    """What every distribution has: a kind, two numbers, and the bounds draws lie between.

    A draw outside [low, high] is made anew.
    """

    kind: ClassVar[int]

    def __post_init__(self) -> None:
        where = type(self).__name__
        for field in fields(self):
            value = getattr(self, field.name)
            bound = field.name in ("low", "high")
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or (math.isnan(value) or (math.isinf(value) and not bound))
            ):
                raise InvalidValue(f"{where}.{field.name}: got {value!r}, expected a number")
        if not self.bounds[0] <= self.typical <= self.bounds[1]:
            raise InvalidValue(
                f"{where}: its centre {self.typical:g} lies outside low={self.bounds[0]:g} and "
                f"high={self.bounds[1]:g}, so that most draws would have to be made anew"
            )

    def plain(self) -> dict[str, float | str]:
        """As JSON-ready values; an infinite bound is left out."""
        given = {f.name: float(getattr(self, f.name)) for f in fields(self)}
        return {"distribution": type(self).__name__} | {
            n: v for n, v in given.items() if math.isfinite(v)
        }

    @property
    def numbers(self) -> tuple[float, float]:
        """The two numbers of the law."""
        raise NotImplementedError

    @property
    def typical(self) -> float:
        """A value that draws lie around."""
        raise NotImplementedError

    @property
    def bounds(self) -> tuple[float, float]:
        """No draw is below the first or above the second."""
        return float(getattr(self, "low", -math.inf)), float(getattr(self, "high", math.inf))


def _not_negative(where: str, value: float) -> None:
    if value < 0:
        raise InvalidValue(f"{where}: got {value:g}, expected at least 0")


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal with this mean and standard deviation, between low and high."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf
    kind = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        _not_negative("Normal.sd", self.sd)

    @property
    def numbers(self) -> tuple[float, float]:
        return self.mean, self.sd

    @property
    def typical(self) -> float:
        return self.mean


@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform between low and high."""

    low: float
    high: float
    kind = 2

    @property
    def numbers(self) -> tuple[float, float]:
        return self.low, self.high - self.low

    @property
    def typical(self) -> float:
        return (self.low + self.high) / 2 if self.low <= self.high else math.inf


@dataclass(frozen=True)
class LogNormal(Distribution):
    """exp of a normal; `median` is the exponential of its mean, `sigma` its standard deviation."""

    median: float
    sigma: float
    low: float = 0.0
    high: float = math.inf
    kind = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        _not_negative("LogNormal.sigma", self.sigma)
        if self.median <= 0:
            raise InvalidValue(f"LogNormal.median: got {self.median:g}, expected above 0")

    @property
    def numbers(self) -> tuple[float, float]:
        return math.log(self.median), self.sigma

    @property
    def typical(self) -> float:
        return self.median


@dataclass(frozen=True)
class Exponential(Distribution):
    """Exponential with this mean, between low and high."""

    mean: float
    low: float = 0.0
    high: float = math.inf
    kind = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mean <= 0:
            raise InvalidValue(f"Exponential.mean: got {self.mean:g}, expected above 0")

    @property
    def numbers(self) -> tuple[float, float]:
        return self.mean, 0.0

    @property
    def typical(self) -> float:
        return self.mean


def from_plain(given: Mapping[str, Any]) -> Distribution:
    """The distribution that `plain` took apart.

    Raises:
        UnknownName: there is none of that name.
    """
    known = {c.__name__: c for c in (Normal, Uniform, LogNormal, Exponential)}
    if given["distribution"] not in known:
        raise UnknownName("distribution", given["distribution"], known)
    return known[given["distribution"]](**{k: v for k, v in given.items() if k != "distribution"})
