"""What a neuron is: a few pure laws, a parameter table and named state. Nothing here runs."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Self, dataclass_transform

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.neurons import _equations, _typeset
from neuro.ops import Array
from neuro.shape import Shape, shape_of

Value = float | NDArray[np.float64]


class Parameter(NamedTuple):
    """One row of a neuron's parameter table."""

    name: str
    default: float
    unit: str  # SI, "1" for a pure number
    meaning: str
    low: float  # exclusive if `open`
    open: bool
    learnable: bool

    def bound(self) -> str:
        """The lower bound, e.g. "> 0"; nothing if there is none."""
        if np.isinf(self.low):
            return ""
        return f"{'>' if self.open else '>='} {self.low:g}"


class Current(NamedTuple):
    """The ports of a neuron with a single input."""

    current: Array


def parameter(
    *,
    default: float,
    unit: str,
    meaning: str,
    above: float | None = None,
    at_least: float | None = None,
    learnable: bool = True,
    kw_only: Literal[True] = True,
) -> Any:
    """Declare a physical parameter of a neuron class; a scalar, or an array over the population.

    Args:
        default: value in SI units.
        unit: "s", "Hz", ... or "1".
        meaning: one line for the parameter table.
        above, at_least: lower bound, excluded or included. A parameter bounded by `above=0` is
            trained through its logarithm, so it cannot leave its range.
        learnable: whether `learn=` may name it.
    """
    low = above if above is not None else at_least if at_least is not None else -np.inf
    meta = {"unit": unit, "meaning": meaning, "low": low, "open": above is not None}
    return dataclasses.field(
        default=default,
        kw_only=kw_only,
        metadata={"parameter": True, "learnable": learnable, **meta},
    )


def option(
    *, default: str, choices: tuple[str, ...], meaning: str, kw_only: Literal[True] = True
) -> Any:
    """Declare a structural choice of a neuron class. Laws may branch on it; it is never learned."""
    return dataclasses.field(
        default=default, kw_only=kw_only, metadata={"choices": choices, "meaning": meaning}
    )


@dataclass_transform(
    frozen_default=True, eq_default=False, field_specifiers=(parameter, option, dataclasses.field)
)
@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Neuron:
    """A population of units that obey the same laws.

    A subclass is one short class: a parameter table, `State`, `Coefficients`, and laws written
    over `neuro.ops`. The laws are static, pure and elementwise; all arrays broadcast. In one tick
    of the clock they run in this order, in every back end (`rest` once, before):

        rest(p)              the state before the first tick
        flow(s, p, h)        evolve h ticks without input
        receive(s, p, x)     apply this tick's summed input, one field of x per port
        fire(s, p)           distance above threshold; a unit spikes if it is > 0 (strictly)
        jump(s, p, z)        what a spike z (0 or 1) does to the state: reset, refractoriness

    `s` is a State, `p` the Coefficients that `derive` computes once per run. A neuron that never
    spikes has no `fire` and names in `emits` the state variable that travels along its synapses.

    Laws are deterministic. A neuron with chance names in `noise` the ports of `Inputs` that the
    engine fills with uniform draws in (0, 1), keyed by (seed, tick, sample, unit); it has a
    parameter `seed` and counts ticks in a state variable `tick`.

    Args:
        shape: shape of the population without batch, e.g. 128 or (16, 34, 34). An empty shape
            is filled in by the builder that places the neuron in a network.

    Raises:
        InvalidValue: a parameter is NaN, out of bounds or does not broadcast to `shape`; an
            option is not one of its choices.
    """

    shape: int | Shape = ()

    State: ClassVar[Any]
    Coefficients: ClassVar[Any]
    Inputs: ClassVar[Any] = Current
    emits: ClassVar[str] = "spikes"
    noise: ClassVar[tuple[str, ...]] = ()
    conductances: ClassVar[tuple[str, ...]] = ()  # ports whose weights are conductances, so >= 0
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
        for law in ("derive", "rest", "flow", "receive"):
            if getattr(cls, law) is getattr(Neuron, law):
                raise InvalidValue(f"{cls.__name__}: a neuron must define the law {law!r}")
        if not hasattr(cls, "State"):
            raise InvalidValue(f"{cls.__name__}: a neuron must define a NamedTuple State")
        if cls.emits != "spikes" and cls.emits not in cls.State._fields:
            raise InvalidValue(
                f"{cls.__name__}.emits: got {cls.emits!r}, expected 'spikes' or one of "
                f"{cls.State._fields}"
            )

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", shape_of(f"{self.name}.shape", self.shape))
        for row in self.table():
            object.__setattr__(self, row.name, self._checked(row))
        for field, choices in self._options():
            if getattr(self, field) not in choices:
                raise InvalidValue(
                    f"{self.name}.{field}: got {getattr(self, field)!r}, expected one of {choices}"
                )

    def _checked(self, row: Parameter) -> Value:
        where = f"{self.name}.{row.name}"
        try:
            value = np.array(getattr(self, row.name), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidValue(
                f"{where}: got {getattr(self, row.name)!r}, expected a number or an array"
            ) from error
        if not np.isfinite(value).all():
            raise InvalidValue(f"{where}: got a value that is NaN or infinite")
        bad = value <= row.low if row.open else value < row.low
        if bad.any():
            relation = "above" if row.open else "of at least"
            raise InvalidValue(
                f"{where}: got {value[bad].ravel()[0]:g} {row.unit}, expected a value {relation} "
                f"{row.low:g} {row.unit} ({row.meaning})"
            )
        if value.ndim == 0:
            return float(value)
        try:
            fits = np.broadcast_shapes(value.shape, self.units) == self.units
        except ValueError:
            fits = False
        if not fits:
            raise InvalidValue(
                f"{where}: shape {value.shape} does not broadcast to the population {self.units}"
            )
        value.flags.writeable = False
        return value

    # -- laws ---------------------------------------------------------------------------------

    @staticmethod
    def derive(p: Any, clock: Clock) -> Any:
        """Coefficients from the parameters of `p` (same names as the table) and the step."""
        raise NotImplementedError

    @staticmethod
    def rest(p: Any) -> Any:
        """State before the first tick."""
        raise NotImplementedError

    @staticmethod
    def flow(s: Any, p: Any, h: int) -> Any:
        """State after h ticks without input."""
        raise NotImplementedError

    @staticmethod
    def receive(s: Any, p: Any, x: Any) -> Any:
        """State after this tick's input."""
        raise NotImplementedError

    @staticmethod
    def fire(s: Any, p: Any) -> Array:
        """Distance above threshold; only spiking neurons have it."""
        raise NotImplementedError

    @staticmethod
    def jump(s: Any, p: Any, z: Array) -> Any:
        """What a spike does to the state; nothing by default."""
        return s

    # -- looking --------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the neuron class, e.g. "LIF"."""
        return type(self).__name__

    @property
    def units(self) -> Shape:
        """Shape of the population as a tuple."""
        return self.shape  # type: ignore[return-value]  # made a tuple on construction

    @property
    def size(self) -> int:
        """Number of units."""
        return int(np.prod(self.units))

    @classmethod
    def preset(cls, name: str, shape: int | tuple[int, ...] = ()) -> Self:
        """A published set of parameters; `presets` lists them.

        Raises:
            UnknownName: there is none of that name.
        """
        if name not in cls.presets:
            raise UnknownName(f"{cls.__name__}.preset", name, cls.presets)
        return cls(shape, **cls.presets[name])

    @classmethod
    def spiking(cls) -> bool:
        """Whether the neuron has a `fire` law."""
        return cls.fire is not Neuron.fire

    def lazy(self) -> bool:
        """Whether ticks without input may be skipped, for these parameters.

        A lazy neuron keeps three promises, which `neuro.testing.check_neuron` tests: two flows
        make one, flow(a + b) = flow(b) . flow(a); no flow takes a unit across its threshold; and
        an input of zero changes nothing. An event-driven engine then touches a unit only when an
        event arrives, or in the tick after a spike if it is still above threshold.
        """
        return False

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

    def values(self) -> dict[str, Value]:
        """Parameter values by name."""
        return {row.name: getattr(self, row.name) for row in self.table()}

    def options(self) -> dict[str, str]:
        """Options by name."""
        return {name: getattr(self, name) for name, _ in self._options()}

    def replace(self, **changes: Any) -> Any:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def __repr__(self) -> str:
        shown = [] if self.units == () else [str(self.size if len(self.units) == 1 else self.units)]
        for f in dataclasses.fields(self)[1:]:
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                shown.append(f"{f.name}=<{value.min():g}..{value.max():g}, shape {value.shape}>")
            elif value != f.default:
                text = f"{value:.6g}" if isinstance(value, float) else repr(value)
                shown.append(f"{f.name}={text}")
        return f"{self.name}({', '.join(shown)})"

    @classmethod
    def equations(cls) -> tuple[str, ...]:
        """The laws as readable lines, taken from their own source, in the order they run.

        A name that ends in `_old` is a state variable as it was when the law began.

        Raises:
            InvalidValue: Python does not have the source, e.g. of a class made by `exec`.
        """
        return _equations.equations(cls)

    @classmethod
    def latex(cls) -> str:
        """The lines of `equations()` as one LaTeX display (environment `aligned`)."""
        return _typeset.latex(cls)

    def _repr_html_(self) -> str:
        """What a notebook shows: equations for the chosen options, and the parameters' values."""
        return _typeset.html(self)

    @classmethod
    def describe(cls) -> str:
        """Equations and parameter table as text, ready to print."""
        options = list(cls._options())
        width = max([10, *(len(r.name) for r in cls.table()), *(len(name) for name, _ in options)])
        rows = [
            f"  {r.name:<{width}}  {r.default:<10.6g}{'' if r.unit == '1' else r.unit:<6}"
            f"{r.bound():<6}{r.meaning}"
            for r in cls.table()
        ]
        rows += [f"  {name:<{width}}  {' | '.join(choices)}" for name, choices in options]
        summary = inspect.getdoc(cls) or ""
        head = f"{cls.__name__}: {summary.splitlines()[0] if summary else ''}"
        body = [f"  {line}" for line in cls.equations()]
        return "\n".join([head, "", *body, "", *rows])


def whole_ticks(seconds: Value, clock: Clock, what: str) -> Value:
    """A duration as a whole number of ticks, for `derive`.

    Raises:
        InvalidValue: it does not lie on the clock's grid.
    """
    ticks = clock.ticks(seconds, exact=True, what=what).astype(np.float64)
    return float(ticks) if ticks.ndim == 0 else ticks
