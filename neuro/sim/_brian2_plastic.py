"""A learning rule as code for the synapses of Brian2, from its laws.

Every synapse carries its own copies of the traces of its two units: those of the presynaptic unit
as they were when what arrives now was sent, as the rule wants them (`neuro.rules.Rule`). Copies do
the same operations in the same order as the units' traces, a delay later, so they are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from neuro.clock import Clock
from neuro.errors import Unsupported
from neuro.lower.rule_laws import Reads
from neuro.lower.trace import STEP, Graph, Node
from neuro.rules import Rule
from neuro.sim._brian2_code import Writer


class Plastic(NamedTuple):
    """What a rule's synapses consist of in Brian2, apart from the weight w."""

    variables: dict[str, float]  # and their first values
    flow: str  # at the start of a tick
    on_pre: str  # when a spike arrives; `sent` is what it delivers
    third: str  # when what the modulator has `emitted` is known
    on_post: str
    drift: str  # after all that
    decay: str  # at the end of a tick


def plastic(where: str, rule: Rule, clock: Clock) -> Plastic:
    """The code of a rule.

    Raises:
        Unsupported: the rule changes connections, a coefficient of the neuron, or compares the
            synapses of a unit with each other.
    """
    for member in rule.members:
        for law in ("normalise", "adapt"):
            if member.defines(law):
                raise Unsupported(
                    f"{where}.rule", member.name, f"its law {law!r} looks at more than one synapse "
                    "at a time, which is not translated to Brian2", "use engine='compiled'",
                )  # fmt: skip
    if rule.pause(clock):
        raise Unsupported(
            f"{where}.rule", rule.name, "Brian2 cannot change connections while it runs",
            "use engine='compiled'",
        )  # fmt: skip
    laws = _Laws(rule, clock)
    p = laws.p
    variables = {f"own_{n}": 0.0 for n in rule.Synapse._fields[1:]}
    variables |= {f"before_{n}": v for n, v in zip(rule.Pre._fields, rule.pre_rest(p), strict=True)}
    variables |= {
        f"after_{n}": v for n, v in zip(rule.Post._fields, rule.post_rest(p), strict=True)
    }
    variables |= {f"{k}_{n}": 0.0 for n in rule.Modulator._fields for k in ("m", "total")}
    everything = ("Synapse", "Pre", "Post", "Modulator")
    arrive = laws.write("a", everything, rule.on_pre)
    arrive += laws.write("b", ("Synapse", "Pre"), rule.transmit, result="sent")
    arrive += laws.write("c", ("Pre",), rule.pre_spike)
    third = laws.write("a", ("Modulator",), rule.modulate, extra=("emitted",))
    third += [f"total_{n} = total_{n} + m_{n}" for n in rule.Modulator._fields]
    learn = laws.write("a", everything, rule.on_post)
    learn += laws.write("b", ("Post",), rule.post_spike)
    read = tuple(f"s_{n}_post" for n in rule.reads)
    return Plastic(
        variables, "\n".join(laws.write("a", ("Pre",), rule.pre_flow)), "\n".join(arrive),
        "\n".join(third), "\n".join(learn),
        "\n".join(line for i, m in enumerate(rule.members) for line in laws.drift(i, m)),
        "\n".join(laws.write("a", ("Post",), _reading(rule), extra=read)),
    )  # fmt: skip


def _reading(rule: Rule) -> Callable[..., Any]:
    """`post_flow` as a law of the traces and of the state variables that the rule reads."""

    def law(y: Any, *rest: Any) -> Any:
        return rule.post_flow(y, rest[-1], Reads(rule.reads, rest[:-1]))

    return law


class _Laws:
    """Writes laws of a rule as lines of code."""

    def __init__(self, rule: Rule, clock: Clock) -> None:
        self.rule, self.clock = rule, clock
        self.p: Any = rule.derive(clock)

    def names(self, kind: str, total: bool = False) -> list[str]:
        """What the fields of a kind are called."""
        fields = getattr(self.rule, kind)._fields
        if kind == "Synapse":
            return ["w", *(f"own_{n}" for n in fields[1:])]
        letter = {"Pre": "before", "Post": "after", "Modulator": "total" if total else "m"}[kind]
        return [f"{letter}_{n}" for n in fields]

    def write(
        self, start: str, kinds: Sequence[str], law: Callable[..., Any], *,
        extra: Sequence[str] = (), result: str = "", total: bool = False,
    ) -> list[str]:  # fmt: skip
        """A law, which changes the first of the kinds, or gives the number `result`."""
        graph, leaves = Graph(), {}

        def leaf(name: str) -> Node:
            node = graph.leaf(name, STEP)
            leaves[node] = name
            return node

        values = [getattr(self.rule, k)(*map(leaf, self.names(k, total))) for k in kinds]
        given = law(*values, *map(leaf, extra), self.p)
        targets = [result] if result else self.names(kinds[0], total)
        after = [graph.symbol(v) for v in ([given] if result else given)]
        if result:
            changed = list(zip(targets, after, strict=True))
        else:
            trio = zip(targets, values[0], after, strict=True)
            changed = [(n, new) for n, old, new in trio if new is not old]
        writer = Writer(leaves, {}, start)
        found = writer.write(graph.nodes, [node for _, node in changed])
        lines = list(writer.lines)
        lines += [f"{start}new_{n} = 1.0*{r}" for (n, _), r in zip(changed, found, strict=True)]
        return lines + [f"{n} = {start}new_{n}" for n, _ in changed]

    def drift(self, i: int, member: Rule) -> list[str]:
        """The law `drift` of a member, in the ticks in which it runs."""
        if not member.defines("drift"):
            return []
        rule, every = self.rule, member.slow(self.clock)

        def law(s: Any, x: Any, y: Any, m: Any, due: Any, p: Any) -> Any:
            coefficients = rule.take(i, "Coefficients", p)
            own = rule.take(i, "Synapse", s)
            post = rule.take(i, "Post", y)
            third = rule.take(i, "Modulator", m)
            new = member.drift(own, rule.take(i, "Pre", x), post, third, coefficients)
            if member.defines("drifts"):
                due = due & (member.drifts(post, coefficients) > 0.0)
            graph = due.graph
            chosen = [
                n if n is o else graph.where(due, n, o) for n, o in zip(new, own, strict=True)
            ]
            return rule.put(i, "Synapse", s, type(own)(*chosen))

        # A condition made of a number: whether the tick is one of those in which the law runs.
        lines = [f"due{i} = (t_in_timesteps + 1) % {every} == 0"]
        kinds = ("Synapse", "Pre", "Post", "Modulator")
        lines += self.write(f"d{i}", kinds, law, extra=(f"due{i}",), total=True)
        own = rule.take(i, "Modulator", rule.Modulator(*rule.Modulator._fields))
        return lines + [f"total_{n} = where_(due{i}, 0.0, total_{n})" for n in own]
