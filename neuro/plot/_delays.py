"""The delays of a network or of arrays, as figures of delays need them: flat, in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.distributions import Distribution
from neuro.errors import InvalidValue, UnknownName
from neuro.network import Network, Synapse
from neuro.synapses import Conv2d
from neuro.units import ms

Given = Network | Mapping[str, ArrayLike] | ArrayLike


class Delays(NamedTuple):
    """Delays of one synapse."""

    values: NDArray[np.float64]  # ms [n]
    weight: NDArray[np.float64] | None  # size of the weight that each stands for [n]
    of: str  # what has a delay each: "connections", "presynaptic units"
    tick: float | None  # ms, where they come with a clock


def every(where: str, given: Given) -> dict[str, Delays]:
    """Synapse -> its delays; of a network those synapses that have more than one delay.

    Raises:
        InvalidValue: no delays, or some that are negative or not finite.
    """
    if isinstance(given, Network):
        found = {s.name: of_synapse(given, s) for s in given.synapses if _several(s)}
        if not found:
            raise InvalidValue(
                f"{where}: no synapse of the network has several delays, expected one for each "
                "connection or for each presynaptic unit, as training delays gives"
            )
        return found
    named = given if isinstance(given, Mapping) else {"": given}
    if not named:
        raise InvalidValue(f"{where}: got no synapses, expected at least one")
    return {
        name: Delays(checked(f"{where}{f'[{name!r}]' if name else ''}", array).ravel() / ms,
                     None, "connections", None)
        for name, array in named.items()
    }  # fmt: skip


def of_synapse(network: Network, synapse: Synapse) -> Delays:
    """Delays of a synapse of a network, in the order in which they are given.

    What is drawn comes in the order of presynaptic units, without connections of weight 0.
    """
    dt, delay = network.clock.dt / ms, synapse.delay
    size = network.populations[synapse.pre].size
    if isinstance(delay, Distribution):
        drawn = network.rows(synapse, 0, size)
        weight = np.abs(np.broadcast_to(drawn.weight, drawn.post.shape)).astype(np.float64)
        ticks = np.broadcast_to(drawn.delay, drawn.post.shape)
        return Delays(ticks.astype(np.float64) * dt, weight, "connections", dt)
    if network.each_its_delay(synapse):
        weight = np.abs(synapse.topology.arrays()["weight"]).ravel().astype(np.float64)
        return Delays(np.asarray(delay, np.float64).ravel() / ms, weight, "connections", dt)
    ticks = np.broadcast_to(network.delay_ticks(synapse), network.populations[synapse.pre].units)
    weight = None if isinstance(synapse.topology, Conv2d) else _sent(network, synapse, size)
    return Delays(ticks.ravel().astype(np.float64) * dt, weight, "presynaptic units", dt)


def chosen(where: str, network: Network, name: str) -> Synapse:
    """The synapse of that name; without a name, the only one that has several delays.

    Raises:
        InvalidValue: there is not exactly one.
        UnknownName: the network has no synapse of that name.
    """
    several = [s for s in network.synapses if _several(s)]
    if not name and len(several) == 1:
        return several[0]
    if not name:
        raise InvalidValue(
            f"{where}: {len(several)} synapses of the network have several delays, expected one. "
            f"Name one of {', '.join(repr(s.name) for s in network.synapses)}"
        )
    for synapse in network.synapses:
        if synapse.name == name:
            return synapse
    raise UnknownName(where, name, [s.name for s in network.synapses])


def checked(where: str, values: ArrayLike) -> NDArray[np.float64]:
    """Delays as an array.

    Raises:
        InvalidValue: none, or some that are negative or not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if not array.size or not np.isfinite(array).all() or (array < 0).any():
        bad = array[~(np.isfinite(array) & (array >= 0))]
        got = f"shape {array.shape}" if not bad.size else f"{bad[0]:g} s among {array.shape}"
        raise InvalidValue(f"{where}: got {got}, expected delays in seconds, finite and >= 0")
    return array


def _several(synapse: Synapse) -> bool:
    return isinstance(synapse.delay, Distribution) or np.size(synapse.delay) > 1


def _sent(network: Network, synapse: Synapse, size: int) -> NDArray[np.float64]:
    """Sum of the sizes of all weights of each presynaptic unit."""
    drawn = network.rows(synapse, 0, size)
    weight = np.abs(np.broadcast_to(drawn.weight, drawn.post.shape)).astype(np.float64)
    sums = np.bincount(np.repeat(np.arange(size), np.diff(drawn.start)), weight, size)
    return sums.astype(np.float64)  # of no connections it would be whole numbers
