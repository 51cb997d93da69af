"""Connection rules: who reaches whom, as a few numbers and a seed.

Nothing is expanded before an engine asks for rows; the same seed always gives the same synapses.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.distributions import Distribution
from neuro.errors import InvalidValue, require
from neuro.synapses._base import Shape, Topology, Weights
from neuro.synapses.rows import Targets, regular

Weight = float | Distribution
Lists = tuple[NDArray[np.int64], NDArray[np.int32]]  # start, post


class ConnectionRule(Topology):
    """What all connection rules share.

    Args:
        weight: of every synapse: a number, or a `Distribution` to draw from.
        seed: of targets and weights.
        autapses: whether a unit may reach itself. Matters only for a population onto itself.

    Raises:
        InvalidValue: an argument is NaN or out of range.
    """

    def __init__(self, weight: Weight, seed: int, autapses: bool) -> None:
        name = type(self).__name__
        if not isinstance(weight, Distribution):
            weight = float(weight)
            if not np.isfinite(weight):
                raise InvalidValue(f"{name}.weight: got {weight}, expected a finite number")
        if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 1 << 64:
            raise InvalidValue(f"{name}.seed: got {seed!r}, expected a whole number of 64 bits")
        self.weight: Weight = weight
        self.seed, self.autapses = int(seed), bool(autapses)

    def arrays(self) -> dict[str, Weights]:
        return {}

    def options(self) -> dict[str, object]:
        return {**self.numbers(), "weight": self.weight, "seed": self.seed,
                "autapses": self.autapses}  # fmt: skip

    @abstractmethod
    def numbers(self) -> dict[str, object]:
        """The rule's own arguments by name."""

    @abstractmethod
    def targets(self, pre: int, post: int, low: int, high: int) -> Lists:
        """`start` and `post` of the rows from `low` to `high`, for populations of these sizes."""

    @abstractmethod
    def count(self, pre: int, post: int) -> int:
        """Number of synapses, or a number that it does not exceed."""

    def post_shape(self, pre: Shape) -> Shape:
        raise InvalidValue(f"{type(self).__name__} fits any postsynaptic shape; use check(...)")

    def check(self, pre: Shape, post: Shape) -> None:
        self.count(int(np.prod(pre)), int(np.prod(post)))

    def fan_out(self, pre: Shape) -> NDArray[np.int64]:
        raise InvalidValue(
            f"{type(self).__name__}: the fan-out depends on the postsynaptic population; use "
            "np.diff(network.rows(synapse, 0, size).start)"
        )

    def rows(self, pre: Shape, post: Shape, low: int, high: int) -> Targets:
        start, targets = self.targets(int(np.prod(pre)), int(np.prod(post)), low, high)
        return start, targets, self._weights(low, start)

    def synapse_count(self, pre: Shape, post: Shape) -> int:
        return self.count(int(np.prod(pre)), int(np.prod(post)))

    def _weights(self, low: int, start: NDArray[np.int64]) -> NDArray[np.float32]:
        if not isinstance(self.weight, Distribution):
            return np.array([self.weight], np.float32)
        drawing = compiled_drawing()
        return drawing.values(self.weight, self.seed, drawing.WEIGHTS, low, start)

    def __repr__(self) -> str:
        shown = [f"{n}={v!r}" for n, v in self.numbers().items()]
        return f"{type(self).__name__}({', '.join([*shown, f'weight={self.weight!r}'])})"


def compiled_drawing() -> Any:
    """The kernels that draw, or an error that says which extra brings Numba."""
    require("numba", "sim")
    from neuro.synapses import drawing

    return drawing


def check_count(name: str, field: str, value: Any) -> int:
    """A whole number of synapses."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise InvalidValue(f"{name}.{field}: got {value!r}, expected a whole number >= 0")
    return int(value)


class AllToAll(ConnectionRule):
    """Every unit reaches every unit.

    Args:
        weight, seed, autapses: see `ConnectionRule`.
    """

    def __init__(self, weight: Weight = 1.0, seed: int = 0, autapses: bool = True) -> None:
        super().__init__(weight, seed, autapses)

    def numbers(self) -> dict[str, object]:
        return {}

    def targets(self, pre: int, post: int, low: int, high: int) -> Lists:
        every = np.arange(post, dtype=np.int32)
        if self.autapses:
            return regular(post, low, high), np.tile(every, high - low)
        rows = [every[every != unit] for unit in range(low, high)]
        start = np.cumsum([0, *map(len, rows)])
        return start, np.concatenate(rows) if rows else every[:0]

    def count(self, pre: int, post: int) -> int:
        return pre * post - (0 if self.autapses else min(pre, post))


class FixedProbability(ConnectionRule):
    """Each pair is connected with probability p, independently.

    Args:
        p: between 0 and 1.
        weight, seed, autapses: see `ConnectionRule`.
    """

    def __init__(
        self, p: float, weight: Weight = 1.0, seed: int = 0, autapses: bool = True
    ) -> None:
        super().__init__(weight, seed, autapses)
        if not 0 <= p <= 1:
            raise InvalidValue(f"FixedProbability.p: got {p!r}, expected 0 <= p <= 1")
        self.p = float(p)

    def numbers(self) -> dict[str, object]:
        return {"p": self.p}

    def targets(self, pre: int, post: int, low: int, high: int) -> Lists:
        start = np.zeros(high - low + 1, np.int64)
        if self.p == 0:
            return start, np.zeros(0, np.int32)
        drawing = compiled_drawing()
        room = int((high - low) * post * self.p * 1.1) + 16
        out = drawing.bernoulli_targets(
            low, high, post, self.p, not self.autapses, *drawing.key(self.seed), start, room
        )
        return start, out

    def count(self, pre: int, post: int) -> int:
        mean = pre * post * self.p
        return min(pre * post, int(mean + 8 * np.sqrt(mean * (1 - self.p)) + 16))


class FixedOutDegree(ConnectionRule):
    """Every presynaptic unit reaches k units.

    Args:
        k: synapses of each presynaptic unit.
        weight, seed, autapses: see `ConnectionRule`.
        multapses: whether it may reach the same unit several times.
    """

    def __init__(
        self, k: int, weight: Weight = 1.0, seed: int = 0, autapses: bool = True,
        multapses: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(weight, seed, autapses)
        self.k = check_count(type(self).__name__, "k", k)
        self.multapses = bool(multapses)

    def numbers(self) -> dict[str, object]:
        return {"k": self.k, "multapses": self.multapses}

    def targets(self, pre: int, post: int, low: int, high: int) -> Lists:
        start = regular(self.k, low, high)
        return start, self._draw(start, low, post)

    def _draw(self, start: NDArray[np.int64], low: int, among: int) -> NDArray[np.int32]:
        drawing, out = compiled_drawing(), np.empty(int(start[-1]), np.int32)
        kernel = drawing.uniform_targets if self.multapses else drawing.distinct_targets
        kernel(start, low, among, not self.autapses, *drawing.key(self.seed), out)
        return out

    def count(self, pre: int, post: int) -> int:
        self._possible(post, "postsynaptic")
        return self.k * pre

    def _possible(self, among: int, side: str) -> None:
        there = among - (not self.autapses)
        if (self.k > there and not self.multapses) or (self.k and there < 1):
            raise InvalidValue(
                f"{type(self).__name__}.k: got {self.k}, but there are only {there} {side} units "
                "to choose from; lower k, or allow multapses=True"
            )


class FixedInDegree(FixedOutDegree):
    """Every postsynaptic unit is reached by k synapses; arguments as of `FixedOutDegree`."""

    def targets(self, pre: int, post: int, low: int, high: int) -> Lists:
        start, out = _by_source(self, pre, post)
        return start[low : high + 1] - start[low], out[start[low] : start[high]]

    def count(self, pre: int, post: int) -> int:
        self._possible(pre, "presynaptic")
        return self.k * post


@lru_cache(maxsize=2)  # rows are asked for in chunks, one topology after the other
def _by_source(rule: FixedInDegree, pre: int, post: int) -> Lists:
    posts = regular(rule.k, 0, post)
    return compiled_drawing().by_source(rule._draw(posts, 0, pre), posts, pre)


class FixedTotal(ConnectionRule):
    """n synapses, each between a random pair; pairs may be connected several times.

    Args:
        n: number of synapses.
        weight, seed, autapses: see `ConnectionRule`.

    Source: Potjans & Diesmann, Cerebral Cortex 24 (2014), whose model is connected this way.
    """

    def __init__(self, n: int, weight: Weight = 1.0, seed: int = 0, autapses: bool = True) -> None:
        super().__init__(weight, seed, autapses)
        self.n = check_count("FixedTotal", "n", n)

    def numbers(self) -> dict[str, object]:
        return {"n": self.n}

    def targets(self, pre: int, post: int, low: int, high: int) -> Lists:
        degrees = _degrees(self.n, pre, self.seed)[low:high]
        start = np.concatenate([[0], np.cumsum(degrees)])
        drawing, out = compiled_drawing(), np.empty(int(start[-1]), np.int32)
        drawing.uniform_targets(start, low, post, not self.autapses, *drawing.key(self.seed), out)
        return start, out

    def count(self, pre: int, post: int) -> int:
        if self.n and (pre < 1 or post - (not self.autapses) < 1):
            raise InvalidValue(f"FixedTotal.n: {self.n} synapses need at least one pair of units")
        return self.n


@lru_cache(maxsize=128)
def _degrees(n: int, pre: int, seed: int) -> NDArray[np.int64]:
    """How many of n synapses leave each of `pre` units."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    return generator.multinomial(n, np.full(pre, 1 / pre))
