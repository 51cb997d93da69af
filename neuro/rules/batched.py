"""Rules over dense weights, a batch at a time: the definition other executions must agree with.

The laws run tick by tick on whole arrays [B, post, pre], NumPy's or PyTorch's, whichever they are
given; every sample of the batch has weights of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neuro import ops
from neuro.clock import Clock
from neuro.errors import InvalidValue, Unsupported
from neuro.rules._base import Rule

Array = Any


class State(NamedTuple):
    """What plastic synapses carry from tick to tick."""

    s: Any  # the rule's Synapse, [B, M, N] each
    x: tuple[Any, ...]  # the rule's Pre [B, N] after the last ticks, the latest first
    spk: tuple[Array, ...]  # presynaptic spikes [B, N] of the last ticks
    y: Any  # the rule's Post [B, M], decayed to the coming tick
    m: Any  # the rule's Modulator [B, 1] or [B, M]
    total: Any  # the same, summed since each rule's last drift
    adapted: Array  # the coefficient that the rule adapts, [B, M]; None if there is none
    tick: int


class Batched:
    """A rule at work on one projection of N presynaptic onto M postsynaptic units.

        synapses = Batched(PairSTDP(), Clock(1 * ms), delay=2)
        state = synapses.rest(weight, batch=8)
        for ...:
            current, state = synapses.arrive(state, pre)    # before the units fire
            state = synapses.learn(state, post)             # after

    Args:
        rule: what changes.
        clock: the step.
        delay: ticks from a presynaptic spike to its arrival, a number or an array [M, N].
        exists: [M, N], 1 where there is a synapse; everywhere by default.

    Raises:
        InvalidValue: a delay is negative, or `every` of the rule is off the clock's grid.
        Unsupported: the rule changes the connections themselves.
    """

    def __init__(
        self, rule: Rule, clock: Clock, *, delay: ArrayLike = 0, exists: Array | None = None
    ) -> None:
        if rule.pause(clock):
            raise Unsupported(
                f"Batched({rule.name})", "rule", "dense weights have no connections to rewire",
                "use the rule in a network with engine='compiled'",
            )  # fmt: skip
        self.rule, self.clock, self.exists = rule, clock, exists
        self.p = rule.derive(clock)
        self.period = [member.slow(clock) for member in rule.members]
        ticks = np.asarray(delay)
        if ticks.min(initial=0) < 0 or not np.equal(np.mod(ticks, 1), 0).all():
            raise InvalidValue("Batched.delay: got a delay that is no whole number of ticks >= 0")
        self.delays = [int(d) for d in np.unique(ticks)]
        self.at = {d: ticks == d for d in self.delays}

    def rest(self, weight: Array, batch: int = 1, modulator: int = 1, adapted: Any = None) -> State:
        """State before the first tick.

        Args:
            weight: [M, N] for all samples, or [B, M, N]; NumPy array or tensor.
            modulator: units of the third factor, 1 or M.
            adapted: start of the neuron's coefficient, a number or [M].

        Raises:
            InvalidValue: the weights have another number of axes, or `adapted` is missing.
        """
        if weight.ndim not in (2, 3):
            raise InvalidValue(
                f"Batched.rest.weight: got shape {tuple(weight.shape)}, expected [post, pre] or "
                "[batch, post, pre]"
            )
        if self.rule.adapts and adapted is None:
            raise InvalidValue(
                f"Batched.rest.adapted: {self.rule.name} adapts {self.rule.adapts!r}; pass its "
                "value at the start"
            )
        w = weight[[0] * batch] if weight.ndim == 3 and len(weight) == 1 else weight
        w = w[None][[0] * batch] if w.ndim == 2 else w * 1.0
        pre, post = w[:, 0, :] * 0.0, w[:, :, 0] * 0.0
        rule = self.rule
        x = rule.Pre(*(pre + v for v in rule.pre_rest(self.p)))
        y = rule.Post(*(post + v for v in rule.post_rest(self.p)))
        m = rule.Modulator(*(post[:, :modulator] for _ in rule.Modulator._fields))
        s = rule.Synapse(w, *(w * 0.0 for _ in rule.Synapse._fields[1:]))
        depth = max(self.delays) + 1
        value = post + adapted if rule.adapts else None
        return State(s, (x,) * depth, (pre,) * depth, y, m, m, value, 0)

    def arrive(self, state: State, pre: Array) -> tuple[Array, State]:
        """Presynaptic spikes [B, N] of this tick: what the synapses deliver in it, [B, M]."""
        rule, p = self.rule, self.p
        spk = (pre, *state.spk[:-1])
        s, current = state.s, 0.0
        y = _each(state.y, lambda v: v[:, :, None])
        m = _each(state.m, lambda v: v[:, :, None])
        for d in self.delays:
            count = self._where(spk[d][:, None, :], d)
            x = _each(rule.pre_flow(state.x[d], p), lambda v: v[:, None, :])
            for i in range(int(count.max()) if 0 not in count.shape else 0):
                s = _choose(count > i, rule.on_pre(s, x, y, m, p), s)
                sent = rule.transmit(s, x, p) + 0.0 * s.w
                current = current + ops.where(count > i, sent, 0.0 * s.w).sum(-1)
        x = rule.pre_flow(state.x[0], p)
        for i in range(int(pre.max())):
            x = _choose(pre > i, rule.pre_spike(x, p), x)
        current = current + 0.0 * state.s.w[:, :, 0]
        return current, state._replace(s=s, x=(x, *state.x[:-1]), spk=spk)

    def learn(
        self, state: State, post: Array, modulator: Array | None = None,
        reads: Mapping[str, Array] | None = None,
    ) -> State:  # fmt: skip
        """What follows once the units have fired.

        Args:
            post: postsynaptic spikes [B, M].
            modulator: what the modulator emits, [B, 1] or [B, M].
            reads: state variables of the neurons at the end of the tick, [B, M], by name.

        Raises:
            InvalidValue: the rule needs a modulator or a state variable that is not given.
        """
        rule, p = self.rule, self.p
        m, total = state.m, state.total
        if m:
            if modulator is None:
                raise InvalidValue(f"Batched.learn.modulator: {rule.name} has a third factor")
            m = rule.modulate(m, modulator, p)
            total = type(m)(*(a + b for a, b in zip(total, m, strict=True)))
        x = self._arrived(state.x)
        wide = lambda t: _each(t, lambda v: v[:, :, None])  # noqa: E731
        s, y = state.s, state.y
        if rule.defines("on_post"):
            fired = self._where(post[:, :, None], None)
            s = _choose(fired > 0, rule.on_post(s, x, wide(y), wide(m), p), s)
        y = _choose(post > 0, rule.post_spike(y, p), y)
        adapted = state.adapted
        for i, member in enumerate(rule.members):
            if not self.period[i] or (state.tick + 1) % self.period[i]:
                continue
            s, total, adapted = self._slow(i, member, s, x, y, total, adapted)
        missing = [name for name in rule.reads if name not in (reads or {})]
        if missing:
            raise InvalidValue(
                f"Batched.learn.reads: {rule.name} reads {missing[0]!r} of the postsynaptic "
                f"neuron; pass reads={{{missing[0]!r}: [B, M]}}"
            )
        y = rule.post_flow(y, p, _Reads(reads or {}))
        return state._replace(s=s, y=y, m=m, total=total, adapted=adapted, tick=state.tick + 1)

    def run(
        self, weight: Array, pre: Array, post: Array, modulator: Array | None = None,
        reads: Mapping[str, Array] | None = None, adapted: Any = None,
    ) -> State:  # fmt: skip
        """All ticks of given spike trains.

        Args:
            weight: [M, N] or [B, M, N].
            pre, post: spikes [T, B, N] and [T, B, M].
            modulator: [T, B, 1] or [T, B, M].
            reads: state variables [T, B, M] by name.
        """
        state = self.rest(
            weight, pre.shape[1], 1 if modulator is None else modulator.shape[2], adapted
        )
        for t in range(len(pre)):
            _, state = self.arrive(state, pre[t])
            state = self.learn(
                state, post[t], None if modulator is None else modulator[t],
                {name: values[t] for name, values in (reads or {}).items()},
            )  # fmt: skip
        return state

    # -- parts of a tick ------------------------------------------------------------------------

    def _slow(self, i: int, member: Rule, s: Any, x: Any, y: Any, total: Any, adapted: Any) -> Any:
        rule = self.rule
        own = rule.take(i, "Synapse", s)
        pre, p = rule.take(i, "Pre", x), rule.take(i, "Coefficients", self.p)
        flat = rule.take(i, "Post", y)
        post = _each(flat, lambda v: v[:, :, None])
        third = rule.take(i, "Modulator", total)
        here = None if self.exists is None else self._where(s.w * 0.0 + 1.0, None) > 0
        if member.defines("drift"):
            new = member.drift(own, pre, post, _each(third, lambda v: v[:, :, None]), p)
            own = new if here is None else _choose(here, new, own)
            cleared = type(third)(*(v * 0.0 for v in third))
            total = rule.put(i, "Modulator", total, cleared) if third else total
        if member.defines("normalise"):
            counted = own if here is None else _choose(here, own, _each(own, lambda v: v * 0.0))
            sums = _each(counted, lambda v: v.sum(-1)[:, :, None])
            count = (own.w * 0.0 + 1.0 if here is None else here * 1.0).sum(-1)[:, :, None]
            new = member.normalise(own, sums, count, post, p)
            own = new if here is None else _choose(here, new, own)
        if member.defines("adapt"):
            adapted = member.adapt(adapted, flat, p)
        return rule.put(i, "Synapse", s, own), total, adapted

    def _where(self, spikes: Array, delay: int | None) -> Array:
        """Spikes at the synapses that exist, of one delay or of all."""
        if self.exists is not None:
            spikes = spikes * self.exists
        if delay is None or len(self.delays) == 1:
            return spikes
        return spikes * _like(self.at[delay], spikes)

    def _arrived(self, x: tuple[Any, ...]) -> Any:
        """Presynaptic traces as synapses see them now: [B, 1, N], or [B, M, N] if delays differ."""
        if len(self.delays) == 1:
            return _each(x[self.delays[0]], lambda v: v[:, None, :])
        seen = x[0]
        parts = [_each(x[d], lambda v, d=d: v[:, None, :] * _like(self.at[d], v))
                 for d in self.delays]  # fmt: skip
        return type(seen)(*(sum(fields) for fields in zip(*parts, strict=True)))


class _Reads:
    """State variables of the postsynaptic neurons, by name."""

    def __init__(self, values: Mapping[str, Array]) -> None:
        self.__dict__.update(values)


def _each(values: Any, change: Any) -> Any:
    return type(values)(*map(change, values))


def _choose(condition: Array, new: Any, old: Any) -> Any:
    """The new values where the condition holds."""
    return type(old)(
        *(b if a is b else ops.where(condition, a, b) for a, b in zip(new, old, strict=True))
    )


def _like(mask: Any, other: Array) -> Array:
    """A NumPy mask as an array of the kind of another."""
    if isinstance(other, np.ndarray):
        return mask.astype(other.dtype)
    return other.new_tensor(mask)
