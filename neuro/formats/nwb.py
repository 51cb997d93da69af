"""Spike trains of the units table of Neurodata Without Borders files (NWB 2, HDF5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue, Unsupported
from neuro.events import Events
from neuro.formats._base import Damage, Fact, Header, Options, Piece, Raw
from neuro.formats._hdf5 import is_hdf5, members
from neuro.formats.isolated import run
from neuro.units import us


class _Nwb:
    """Units are numbered in the order of the table; times move to the nearest tick (1 us).

    Layout: Rübel et al. 2022, "The Neurodata Without Borders ecosystem for neurophysiological data
    science", eLife 11; the ragged column spike_times with its index.
    """

    name = "nwb"
    title = "Neurodata Without Borders (NWB 2)"
    suffixes = (".nwb",)
    writable = False

    def recognises(self, head: bytes, path: Path) -> bool:
        return is_hdf5(head) and "units/spike_times_index" in members(path)

    def open(self, path: Path, raw: Raw, options: Options) -> _Decoder:
        return _Decoder(path, options)

    def write(self, path: Path, events: Events) -> None:
        raise Unsupported(
            "nwb", "write", "an NWB file needs facts about the session that events do not hold",
            "to_neo(...) and Neo's NWBIO",
        )  # fmt: skip


class _Decoder:
    def __init__(self, path: Path, options: Options) -> None:
        clock = options.clock or Clock(1 * us)
        parts = run(
            "neuro.formats._units_child:sorted_units", path, limit=options.limit, size=1 << 20
        )
        facts, (ends,) = next(parts)
        seconds = [block for _, (block,) in parts]
        try:
            t = clock.ticks(np.concatenate([np.zeros(0), *seconds]), what=f"{path}: spike_times")
        except InvalidValue as error:
            raise CorruptFile(str(error)) from error
        unit = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        # the file goes unit by unit, so all of it must be there before the first event
        order = np.lexsort((unit, t))
        self.t, self.unit = t[order], unit[order]
        told: dict[str, Fact] = dict(facts)
        self.header = Header((len(ends),) if len(ends) else None, clock, facts=told)

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        for at in range(0, len(self.t), size):
            rows = np.s_[at : at + size]
            yield Piece(self.t[rows], (self.unit[rows],), lambda _: 0, 8)


NWB = _Nwb()
