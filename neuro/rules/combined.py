"""Several rules on one projection."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.ops import Array
from neuro.rules._base import Rule

KINDS = ("Pre", "Post", "Synapse", "Modulator", "Coefficients", "reads")


class Combined(Rule):
    """Rules that share the weights of a projection; made by `+`.

    Each has traces and further variables of its own. What happens at the same moment happens in the
    order of the rules, each seeing the weight that the one before it left.

    Args:
        rules: the rules in their order.

    Raises:
        InvalidValue: more than one rule decides what is transmitted, which coefficient of the
            neuron is adapted, or which synapses there are.
    """

    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        for law in ("transmit", "adapt", "pause"):
            many = [rule.name for rule in self.rules if rule.defines(law)]
            if len(many) > 1:
                raise InvalidValue(
                    f"{self.name}: {' and '.join(many)} each define {law!r}, of which a projection "
                    "has one. Remedy: give one of them a projection of its own"
                )
        set_ = object.__setattr__
        for kind in ("Pre", "Post", "Modulator"):
            fields = [
                f"{f}_{i}" for i, r in enumerate(self.rules) for f in getattr(r, kind)._fields
            ]
            set_(self, kind, namedtuple(kind, fields))
        own = [f"{f}_{i}" for i, r in enumerate(self.rules) for f in r.Synapse._fields[1:]]
        set_(self, "Synapse", namedtuple("Synapse", ["w", *own]))
        reads = tuple(dict.fromkeys(f for r in self.rules for f in r.reads))
        set_(self, "reads", reads)
        set_(self, "adapts", "".join(r.adapts for r in self.rules))

    @property
    def name(self) -> str:
        return " + ".join(rule.name for rule in self.rules)

    @property
    def members(self) -> tuple[Rule, ...]:
        return self.rules

    def take(self, member: int, kind: str, values: Any) -> Any:
        rule = self.rules[member]
        if kind == "Coefficients":
            return values[member]
        form = getattr(rule, kind)
        if kind == "Synapse":
            return form(values.w, *(getattr(values, f"{f}_{member}") for f in form._fields[1:]))
        return form(*(getattr(values, f"{f}_{member}") for f in form._fields))

    def put(self, member: int, kind: str, values: Any, own: Any) -> Any:
        shared = {"w": own.w} if kind == "Synapse" else {}
        named = {f"{f}_{member}": v for f, v in own._asdict().items() if f != "w" or not shared}
        return values._replace(**shared, **named)

    def defines(self, law: str) -> bool:
        return any(rule.defines(law) for rule in self.rules)

    def derive(self, clock: Clock) -> tuple[Any, ...]:
        """The Coefficients of every rule."""
        return tuple(rule.derive(clock) for rule in self.rules)

    def pause(self, clock: Clock) -> int:
        pauses = [rule.pause(clock) for rule in self.rules]
        return max(pauses, default=0)

    def bounds(self) -> tuple[float, float]:
        pairs = [rule.bounds() for rule in self.rules]
        return max(low for low, _ in pairs), min(high for _, high in pairs)

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.rules))

    # -- laws, each the laws of all ---------------------------------------------------------------

    def _each(self, kind: str, law: str, values: Any, *rest: tuple[str, Any]) -> Any:
        for i, rule in enumerate(self.rules):
            others = [v if not k else self.take(i, k, v) for k, v in rest]
            own = getattr(rule, law)(self.take(i, kind, values), *others)
            values = self.put(i, kind, values, own)
        return values

    def pre_rest(self, p: Any) -> Any:
        rest = [r.pre_rest(q) for r, q in zip(self.rules, p, strict=True)]
        return self.Pre(*(v for own in rest for v in own))

    def post_rest(self, p: Any) -> Any:
        rest = [r.post_rest(q) for r, q in zip(self.rules, p, strict=True)]
        return self.Post(*(v for own in rest for v in own))

    def pre_flow(self, x: Any, p: Any) -> Any:  # type: ignore[override]
        return self._each("Pre", "pre_flow", x, ("Coefficients", p))

    def pre_spike(self, x: Any, p: Any) -> Any:  # type: ignore[override]
        return self._each("Pre", "pre_spike", x, ("Coefficients", p))

    def post_flow(self, y: Any, p: Any, u: Any) -> Any:  # type: ignore[override]
        return self._each("Post", "post_flow", y, ("Coefficients", p), ("", u))

    def post_spike(self, y: Any, p: Any) -> Any:  # type: ignore[override]
        return self._each("Post", "post_spike", y, ("Coefficients", p))

    def modulate(self, m: Any, z: Array, p: Any) -> Any:  # type: ignore[override]
        return self._each("Modulator", "modulate", m, ("", z), ("Coefficients", p))

    def on_pre(self, s: Any, x: Any, y: Any, m: Any, p: Any) -> Any:  # type: ignore[override]
        return self._events("on_pre", s, x, y, m, p)

    def on_post(self, s: Any, x: Any, y: Any, m: Any, p: Any) -> Any:  # type: ignore[override]
        return self._events("on_post", s, x, y, m, p)

    def _events(self, law: str, s: Any, x: Any, y: Any, m: Any, p: Any) -> Any:
        return self._each(
            "Synapse", law, s, ("Pre", x), ("Post", y), ("Modulator", m), ("Coefficients", p)
        )

    def transmit(self, s: Any, x: Any, p: Any) -> Array:  # type: ignore[override]
        for i, rule in enumerate(self.rules):
            if rule.defines("transmit"):
                return rule.transmit(
                    self.take(i, "Synapse", s), self.take(i, "Pre", x), p[i]
                )  # fmt: skip
        return s.w
