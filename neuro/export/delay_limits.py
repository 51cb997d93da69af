"""Which delays a chip or another framework can hold, and where a network goes beyond that.

Limits of the toolchains that write for a target, as far as their sources or documents state them:

    target         longest   one delay for each     source
    loihi          62 ticks  connection             lava-dl 0.6: its netx reader, which would clamp
    spinnaker2     7 ticks   connection             3 bits of the synapse word
    spikingjelly   any       synapse                SpikingJelly 2.0: layer.Delay
    snntorch       none                             snnTorch 1.0
    speck          none                             sinabs 3.1
    xylo           none                             Rockpool 3.1

An edge from a population to itself takes one tick on all of them; it counts as no delay there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuro.errors import UnknownName, Unsupported
from neuro.network import Network, Synapse

Each = Literal["synapse", "unit", "connection"]
_CHUNK = 1 << 20  # connections that are looked at together


@dataclass(frozen=True)
class DelayLimit:
    """What a target can hold.

    Args:
        longest: ticks; 0 if it has no delays, None if there is no limit.
        each: what may have a delay of its own: the synapse as a whole, every presynaptic unit, or
            every connection.
    """

    longest: int | None
    each: Each


DELAY_LIMITS = {
    "loihi": DelayLimit(62, "connection"),
    "spinnaker2": DelayLimit(7, "connection"),
    "spikingjelly": DelayLimit(None, "synapse"),
    "snntorch": DelayLimit(0, "synapse"),
    "speck": DelayLimit(0, "synapse"),
    "xylo": DelayLimit(0, "synapse"),
}


@dataclass(frozen=True)
class DelayViolation:
    """Delays of one synapse that a target cannot hold.

    Args:
        synapse, target: their names.
        what: "longest", or "each" where more delays differ than the target can tell apart.
        beyond: how many delays are too long, or how many different ones are too many.
        largest: ticks of the longest delay.
        limit: ticks that a delay may have, or different delays that there may be: for each
            presynaptic unit, or for the synapse.
        remedy: what to do about it.
    """

    synapse: str
    target: str
    what: Literal["longest", "each"]
    beyond: int
    largest: int
    limit: int
    remedy: str

    @property
    def why(self) -> str:
        """The violation in words, without the remedy."""
        if self.what == "longest":
            return (
                f"{self.beyond} delays are longer than the {self.limit} ticks of {self.target}, "
                f"the longest is {self.largest}"
            )
        return (
            f"{self.beyond} different delays are more than {self.target} can tell apart, the "
            f"longest is {self.largest} ticks"
        )

    def __str__(self) -> str:
        return f"Synapse[{self.synapse!r}].delay: {self.why}. Remedy: {self.remedy}"


def check_delays(network: Network, target: str) -> list[DelayViolation]:
    """Every synapse whose delays a target cannot hold; empty if it can hold all.

    A delay for each connection counts where the weight is not 0. Nothing is changed or clipped.

    Args:
        network: any network.
        target: one of `DELAY_LIMITS`.

    Raises:
        UnknownName: there is no such target.
    """
    if target not in DELAY_LIMITS:
        raise UnknownName("check_delays.target", target, DELAY_LIMITS)
    limit = DELAY_LIMITS[target]
    found: list[DelayViolation] = []
    for s in network.synapses:
        unit, ticks, counts = _delays(network, s)
        if not len(ticks):
            continue
        largest = int(ticks.max())
        if limit.longest is not None:
            allowed = max(limit.longest, int(s.pre == s.post))
            beyond = int(counts[ticks > allowed].sum())
            if beyond:
                remedy = _shorter(network, s, largest, allowed)
                found.append(
                    DelayViolation(s.name, target, "longest", beyond, largest, allowed, remedy)
                )
                if limit.longest == 0:
                    continue  # without delays they need not be alike either
        excess = _excess(unit, ticks, limit.each)
        if excess:
            remedy = _alike(limit.each)
            found.append(DelayViolation(s.name, target, "each", excess, largest, 1, remedy))
    return found


def require_delays(network: Network, target: str) -> None:
    """Refuse a network whose delays a target cannot hold.

    Raises:
        Unsupported: it holds not all of them; the message has the numbers of every synapse.
        UnknownName: there is no such target.
    """
    found = check_delays(network, target)
    if not found:
        return
    first, *others = found
    more = "".join(f"; Synapse[{v.synapse!r}]: {v.why}" for v in others)
    remedies = "; ".join(dict.fromkeys(v.remedy for v in found))
    raise Unsupported(f"Synapse[{first.synapse!r}]", "delay", first.why + more, remedies)


def _delays(
    network: Network, s: Synapse
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Presynaptic unit and ticks of the delays, and how many of each pair there are."""
    units = network.populations[s.pre].size
    if not network.each_its_delay(s):
        ticks = np.ravel(network.delay_ticks(s))
        return np.arange(len(ticks)), ticks, np.ones(len(ticks), np.int64)
    step = max(1, _CHUNK * units // max(network.synapse_count(s), 1))
    pieces: list[NDArray[np.int64]] = [np.zeros((3, 0), np.int64)]
    for low in range(0, units, step):
        rows = network.rows(s, low, min(low + step, units))
        if len(rows.delay):
            unit = low + np.repeat(np.arange(len(rows.start) - 1), np.diff(rows.start))
            both = np.stack([unit, rows.delay.astype(np.int64)])
            pair, counts = np.unique(both, axis=1, return_counts=True)
            pieces.append(np.vstack([pair, counts]))
    unit, ticks, counts = np.concatenate(pieces, axis=1)
    return unit, ticks, counts


def _excess(unit: NDArray[np.int64], ticks: NDArray[np.int64], each: Each) -> int:
    """How many different delays there are beyond one for each."""
    if each == "connection":
        return 0
    if each == "synapse":
        return len(np.unique(ticks)) - 1
    return len(np.unique(np.stack([unit, ticks]), axis=1).T) - len(np.unique(unit))


def _shorter(network: Network, s: Synapse, largest: int, allowed: int) -> str:
    dt = network.clock.dt
    if allowed == 0:
        return "train without delays"
    if s.pre == s.post and allowed == 1:
        return f"give the recurrent synapse a delay of one tick ({dt:g} s)"
    tick = float(f"{largest * dt / allowed * 1.005:.3g}")  # rounded up to three digits
    return (
        f"train with max_delay={allowed * dt:g} s, or round to a tick of at least {tick:g} s "
        "(neuro.grid.on_grid)"
    )


def _alike(each: Each) -> str:
    if each == "unit":
        return "learn one delay for each presynaptic unit, Synapse.delay in the presynaptic shape"
    return "give the synapse a single delay, or a synapse of its own to each delay"
