"""What a learning rule is: pure laws over traces of units and variables of synapses. Nothing runs.

Time: a synapse of delay d sees a presynaptic spike, and its trace, d ticks later; a postsynaptic
spike acts at once (the dendritic delay is 0). Input arrives before units fire, so a presynaptic
spike that arrives in the tick of a postsynaptic one comes before it.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, dataclass_transform

import numpy as np

from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.neurons._base import Parameter, option, parameter, whole_ticks
from neuro.ops import Array


class Weight(NamedTuple):
    """Variables of a synapse that has nothing but its weight."""

    w: Array


class Nothing(NamedTuple):
    """No traces."""


@dataclass_transform(
    frozen_default=True, field_specifiers=(parameter, option, dataclasses.field)
)  # fmt: skip
@dataclasses.dataclass(frozen=True, repr=False)
class Rule:
    """How the synapses of one projection change.

    A subclass is a parameter table (numbers only), the NamedTuples below and the laws it needs,
    static, pure and elementwise over `neuro.ops`, as in a Neuron. In tick t they run in this order:

        on_pre(s, x, y, m, p)     a presynaptic spike arrives: new variables of its synapse
        transmit(s, x, p)         what it delivers, after `on_pre`; the weight by default
        pre_flow(x, p)            presynaptic traces decay by a tick (of every unit)
        pre_spike(x, p)           and jump if the unit spikes
        modulate(m, z, p)         the third factor, from what the modulator emits in this tick
        on_post(s, x, y, m, p)    a postsynaptic spike: new variables of all its synapses
        post_spike(y, p)          postsynaptic traces jump
        drift(s, x, y, m, p)      of every synapse, in ticks `every`, 2 `every`, ... less one
                                  (of units where `drifts(y, p)` is above 0, if there is that law)
        normalise(s, total, count, y, p)   likewise; `total` are sums over the unit's synapses
        adapt(value, y, p)        likewise; a coefficient of the postsynaptic neuron
        post_flow(y, p, u)        postsynaptic traces decay, u being state variables of the neuron

    `on_pre` and `transmit` see the presynaptic traces as they are just before the spike that
    arrives (of the tick in which it was fired); `on_post` and `drift` see those that have arrived,
    spikes of this tick included. `on_post` sees the postsynaptic traces just before the spike.
    What `drift` gets as m is summed over the ticks since it last ran.

    Two rules may share one projection: `PairSTDP() + HeterosynapticNormalisation()`.

    Raises:
        InvalidValue: a parameter is not one number or out of bounds; an option is not one of its
            choices.
    """

    Pre: ClassVar[Any] = Nothing  # traces of a presynaptic unit
    Post: ClassVar[Any] = Nothing  # traces of a postsynaptic unit
    Synapse: ClassVar[Any] = Weight  # variables of a synapse, the weight `w` first, others from 0
    Modulator: ClassVar[Any] = Nothing  # the third factor, if the rule has one; from 0
    Coefficients: ClassVar[Any]
    reads: ClassVar[tuple[str, ...]] = ()  # state variables of the postsynaptic neuron
    adapts: ClassVar[str] = ""  # coefficient of the postsynaptic neuron that `adapt` changes
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclasses.dataclass(frozen=True, repr=False)(cls)
        if cls.Synapse._fields[0] != "w":
            raise InvalidValue(
                f"{cls.__name__}.Synapse: got {cls.Synapse._fields}, expected the weight 'w' first"
            )

    def __post_init__(self) -> None:
        for row in self.table():
            object.__setattr__(self, row.name, self._checked(row))
        for field, choices in self._options():
            if getattr(self, field) not in choices:
                raise InvalidValue(
                    f"{self.name}.{field}: got {getattr(self, field)!r}, expected one of {choices}"
                )
        low, high = self.bounds()
        if not low < high:
            raise InvalidValue(
                f"{self.name}: got w_min={low:g} and w_max={high:g}, expected w_min < w_max"
            )

    def _checked(self, row: Parameter) -> float:
        where, given = f"{self.name}.{row.name}", getattr(self, row.name)
        try:
            value = float(given)
        except (TypeError, ValueError) as error:
            raise InvalidValue(
                f"{where}: got {given!r}, expected one number; a rule has the same parameters "
                "for all its synapses, so give populations that differ synapses of their own"
            ) from error
        unbounded = np.isinf(value) and row.name in ("w_min", "w_max")
        if not np.isfinite(value) and not unbounded:
            raise InvalidValue(f"{where}: got {value}, expected a finite number")
        if value <= row.low if row.open else value < row.low:
            relation = "above" if row.open else "of at least"
            raise InvalidValue(
                f"{where}: got {value:g} {row.unit}, expected a value {relation} {row.low:g} "
                f"{row.unit} ({row.meaning})"
            )
        return value

    # -- laws ---------------------------------------------------------------------------------

    def derive(self, clock: Clock) -> Any:
        """Coefficients from the parameters and the step: numbers and options."""
        raise NotImplementedError

    def pre_rest(self, p: Any) -> Any:
        """Presynaptic traces before the first spike; 0 by default."""
        return self.Pre(*(0.0 for _ in self.Pre._fields))

    def post_rest(self, p: Any) -> Any:
        """Postsynaptic traces before the first spike; 0 by default."""
        return self.Post(*(0.0 for _ in self.Post._fields))

    @staticmethod
    def pre_flow(x: Any, p: Any) -> Any:
        """Presynaptic traces a tick later."""
        return x

    @staticmethod
    def pre_spike(x: Any, p: Any) -> Any:
        """Presynaptic traces after a spike."""
        return x

    @staticmethod
    def post_flow(y: Any, p: Any, u: Any) -> Any:
        """Postsynaptic traces a tick later; u has the fields that `reads` names."""
        return y

    @staticmethod
    def post_spike(y: Any, p: Any) -> Any:
        """Postsynaptic traces after a spike."""
        return y

    @staticmethod
    def modulate(m: Any, z: Array, p: Any) -> Any:
        """The third factor after a tick in which the modulator emits z."""
        return m

    @staticmethod
    def on_pre(s: Any, x: Any, y: Any, m: Any, p: Any) -> Any:
        """A synapse when a presynaptic spike arrives."""
        return s

    @staticmethod
    def transmit(s: Any, x: Any, p: Any) -> Array:
        """What an arriving spike adds to the postsynaptic port."""
        return s.w

    @staticmethod
    def on_post(s: Any, x: Any, y: Any, m: Any, p: Any) -> Any:
        """A synapse when its postsynaptic unit spikes."""
        return s

    @staticmethod
    def drift(s: Any, x: Any, y: Any, m: Any, p: Any) -> Any:
        """A synapse every `every` seconds."""
        return s

    @staticmethod
    def drifts(y: Any, p: Any) -> Array:
        """Above 0 for the postsynaptic units whose synapses `drift` may change; all by default."""
        return 1.0

    @staticmethod
    def normalise(s: Any, total: Any, count: Array, y: Any, p: Any) -> Any:
        """A synapse every `every` seconds, given the sums over its unit's `count` synapses."""
        return s

    @staticmethod
    def adapt(value: Array, y: Any, p: Any) -> Array:
        """The coefficient `adapts` of a postsynaptic unit every `every` seconds."""
        return value

    # -- looking --------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the rule's class."""
        return type(self).__name__

    @property
    def members(self) -> tuple[Rule, ...]:
        """The rules that act together: this one."""
        return (self,)

    def take(self, member: int, kind: str, values: Any) -> Any:
        """A member's own part of the traces, variables or coefficients of all."""
        return values

    def put(self, member: int, kind: str, values: Any, own: Any) -> Any:
        """The traces, variables or coefficients of all with a member's part replaced."""
        return own

    def defines(self, law: str) -> bool:
        """Whether the rule has a law of its own of that name."""
        return getattr(type(self), law) is not getattr(Rule, law)

    def slow(self, clock: Clock) -> int:
        """Ticks from one `drift`, `normalise` or `adapt` to the next; 0 if the rule has none.

        A rule without the parameter `every` runs them in every tick.

        Raises:
            InvalidValue: `every` is not a whole number of ticks of at least 1.
        """
        if not any(map(self.defines, ("drift", "normalise", "adapt"))):
            return 0
        every = getattr(self, "every", clock.dt)
        ticks = int(whole_ticks(every, clock, f"{self.name}.every"))
        if ticks < 1:
            raise InvalidValue(
                f"{self.name}.every: got {every:g} s, expected at least a tick of {clock.dt:g} s"
            )
        return ticks

    def pause(self, clock: Clock) -> int:
        """Ticks from one change of the connections to the next; 0 if the rule changes none."""
        return 0

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest weight."""
        return getattr(self, "w_min", -np.inf), getattr(self, "w_max", np.inf)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Any:
        """A published set of parameters, with some changed; `presets` lists them.

        Raises:
            UnknownName: there is none of that name.
        """
        if name not in cls.presets:
            raise UnknownName(f"{cls.__name__}.preset", name, cls.presets)
        return cls(**{**cls.presets[name], **changes})

    @classmethod
    def table(cls) -> tuple[Parameter, ...]:
        """The parameter table, in order of declaration."""
        return tuple(
            Parameter(
                f.name, f.default, f.metadata["unit"], f.metadata["meaning"],  # type: ignore[arg-type]
                f.metadata["low"], f.metadata["open"], f.metadata["learnable"],
            )
            for f in dataclasses.fields(cls)
            if "parameter" in f.metadata
        )  # fmt: skip

    @classmethod
    def _options(cls) -> Iterator[tuple[str, tuple[str, ...]]]:
        for f in dataclasses.fields(cls):
            if "choices" in f.metadata:
                yield f.name, f.metadata["choices"]

    @classmethod
    def describe(cls) -> str:
        """Equations, source and parameter table as text, ready to print."""
        rows = cls.table()
        width = max([10, *(len(r.name) for r in rows), *(len(name) for name, _ in cls._options())])
        table = [
            f"  {r.name:<{width}}  {r.default:<10.6g}{'' if r.unit == '1' else r.unit:<6}"
            f"{r.bound():<6}{r.meaning}"
            for r in rows
        ]
        table += [f"  {name:<{width}}  {' | '.join(c)}" for name, c in cls._options()]
        return "\n".join([f"{cls.__name__}: {inspect.getdoc(cls)}", "", *table])

    def values(self) -> dict[str, float]:
        """Parameter values by name."""
        return {row.name: getattr(self, row.name) for row in self.table()}

    def options(self) -> dict[str, str]:
        """Options by name."""
        return {name: getattr(self, name) for name, _ in self._options()}

    def plain(self) -> list[dict[str, Any]]:
        """JSON-ready; `neuro.rules.from_plain` reads it. Infinite bounds are written as text."""
        return [
            {
                "type": member.name,
                "parameters": {k: v if np.isfinite(v) else str(v)
                               for k, v in member.values().items()},
                "options": member.options(),
            }
            for member in self.members
        ]  # fmt: skip

    def __add__(self, other: Rule) -> Rule:
        from neuro.rules.combined import Combined

        return Combined((*self.members, *other.members))

    def __repr__(self) -> str:
        shown = []
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if value != f.default:
                text = f"{value:.6g}" if isinstance(value, float) else repr(value)
                shown.append(f"{f.name}={text}")
        return f"{self.name}({', '.join(shown)})"


def every(seconds: float) -> Any:
    """The field `every` of a rule with `drift`, `normalise` or `adapt`."""
    return parameter(
        default=seconds, unit="s", meaning="time between two slow updates, on the clock's grid",
        above=0,
    )  # fmt: skip


def w_min(default: float = 0.0) -> Any:
    """The field `w_min`."""
    return parameter(default=default, unit="1", meaning="smallest weight")


def w_max(default: float = 1.0) -> Any:
    """The field `w_max`."""
    return parameter(default=default, unit="1", meaning="largest weight")
