"""What networks are made of beside neurons and sources: inputs and synapses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.distributions import Distribution
from neuro.errors import InvalidValue
from neuro.rules import Rule
from neuro.shape import Shape, shape_of
from neuro.synapses import Topology


@dataclass(frozen=True)
class Input:
    """A population that only relays what the user feeds in.

    Args:
        shape: its units, without batch, e.g. (2, 34, 34) for polarity, y, x.
    """

    shape: int | Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", shape_of("Input.shape", self.shape))
        if not self.shape:
            raise InvalidValue("Input.shape: got (), expected at least one axis, e.g. Input(700)")

    emits = "spikes"

    @property
    def units(self) -> Shape:
        """Shape of the population as a tuple."""
        return self.shape  # type: ignore[return-value]  # made a tuple on construction

    @property
    def size(self) -> int:
        """Number of units."""
        return int(np.prod(self.units))


@dataclass(frozen=True, eq=False)
class Synapse:
    """An edge: spikes of `pre` travel `delay` seconds and reach a port of `post`.

    Args:
        pre, post: names of populations.
        topology: `Dense`, `Conv2d`, ... with the weights.
        delay: seconds. One number, or an array that broadcasts to the presynaptic shape (an axonal
            delay per unit), or one for each synapse, in the shape of the weights of a `Dense` or
            `Sparse`: all on the network clock's grid.
            Or a `Distribution` from which one is drawn for each synapse and rounded to the grid, to
            one tick at least if its `low` is above 0. A loop needs at least one tick somewhere.
        port: input port of the postsynaptic neuron; its first port by default.
        name: unique name; "pre->post" by default.
        rule: how the weights change in a simulation, e.g. `PairSTDP()`; fixed by default.
        modulator: population that is the rule's third factor, with one unit, or one for each
            postsynaptic unit.
    """

    pre: str
    post: str
    topology: Topology
    delay: float | NDArray[np.float64] | Distribution = 0.0
    port: str = ""
    name: str = ""
    rule: Rule | None = None
    modulator: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            port = f".{self.port}" if self.port else ""
            object.__setattr__(self, "name", f"{self.pre}->{self.post}{port}")
        if "." in self.pre or "." in self.post:
            raise InvalidValue(f"Synapse {self.name!r}: population names contain no dot; use port=")
        if not isinstance(self.topology, Topology):
            raise InvalidValue(
                f"Synapse[{self.name!r}].topology: got a {type(self.topology).__name__}, expected "
                "Dense(...), Conv2d(...) or another Topology"
            )
        if self.rule is not None and not isinstance(self.rule, Rule):
            raise InvalidValue(
                f"Synapse[{self.name!r}].rule: got a {type(self.rule).__name__}, expected "
                "PairSTDP(...) or another Rule"
            )
        third = self.rule is not None and bool(self.rule.Modulator._fields)
        if third != bool(self.modulator):
            raise InvalidValue(
                f"Synapse[{self.name!r}].modulator: got {self.modulator!r}, but the rule is "
                f"{self.rule!r}; name a population if and only if the rule has a third factor"
            )
        if isinstance(self.delay, Distribution):
            if not self.delay.bounds[0] >= 0:
                raise InvalidValue(
                    f"Synapse[{self.name!r}].delay: {self.delay!r} may draw times below 0; give it "
                    "low=, e.g. one tick"
                )
            return
        delay = np.array(self.delay, dtype=np.float64)
        if not np.isfinite(delay).all() or (delay < 0).any():
            raise InvalidValue(
                f"Synapse[{self.name!r}].delay: got {delay.min():g} s, expected finite seconds >= 0"
            )
        delay.flags.writeable = False
        object.__setattr__(self, "delay", float(delay) if delay.ndim == 0 else delay)
