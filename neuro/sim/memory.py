"""Is there enough memory for a network? Said before anything is allocated."""

from __future__ import annotations

import os
import re
from pathlib import Path

from neuro.errors import InvalidValue
from neuro.network import Network

# Bytes of a synapse (slot, weight, table), of one with a rule while it is laid out, of a neuron
STATIC, PLASTIC, UNIT = 7, 60, 200


def needed(network: Network) -> int:
    """About how many bytes a simulation of the network takes."""
    synapses = sum(
        network.synapse_count(s) * (STATIC if s.rule is None else PLASTIC) for s in network.synapses
    )
    return synapses + UNIT * sum(p.size for p in network.populations.values())


def available() -> int | None:
    """Bytes that new arrays can take on this machine; None if the system does not say."""
    facts = Path("/proc/meminfo")
    if facts.exists():
        found = re.search(r"^MemAvailable:\s+(\d+) kB", facts.read_text(), re.MULTILINE)
        return 1024 * int(found[1]) if found else None
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def check_memory(network: Network) -> None:
    """Refuse a network that does not fit.

    Raises:
        InvalidValue: it needs more than there is; both numbers are named.
    """
    want, have = needed(network), available()
    if have is not None and want > have:
        largest = max(network.synapses, key=network.synapse_count)
        raise InvalidValue(
            f"Simulation: the network needs about {want / 1e9:.1f} GB of memory, but "
            f"{have / 1e9:.1f} GB are free. Its largest synapse is {largest.name!r} with "
            f"{network.synapse_count(largest):,} connections; make the network smaller, or run it "
            "with engine='nest' on several machines."
        )
