"""Prophesee EVT 3.0 RAW files: 16-bit words that say only what has changed, and pixel vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from neuro.formats._base import Raw
from neuro.formats._evt_format import EvtFormat, Words, kernels
from neuro.formats._prophesee_header import Fields


class _EVT3(EvtFormat):
    """Little-endian words: row, column, base column, vectors of 12 and 8 pixels, time low and high.

    The time wraps after 2^24 us (16.8 s); wraps are counted. A new time-high sets the low part to
    zero until the next time-low. Triggers and vendors' words are stepped over. Events of a second
    camera (bit 11 of the row word) are read like those of the first.

    Source: Prophesee, "EVT 3.0 Format", Metavision documentation.
    """

    name = "evt3"
    title = "Prophesee EVT 3.0"
    version = "3.0"
    stop = 1 << 40

    def words(self, raw: Raw, header: Fields) -> Words:
        return Words(2, 12, 1, (0, 0, 0, -1, -1, 0), kernels().read_evt3)

    def writer(self) -> tuple[Callable[..., tuple[int, int]], NDArray[np.int64]]:
        return kernels().write_evt3, np.array([-1, -1, -1], np.int64)


EVT3 = _EVT3()
