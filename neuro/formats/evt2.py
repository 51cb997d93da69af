"""Prophesee EVT 2.0 RAW files: one event in 32 bits, time in two parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from neuro.formats._base import Raw
from neuro.formats._evt_format import EvtFormat, Words, kernels
from neuro.formats._prophesee_header import Fields


class _EVT2(EvtFormat):
    """Little-endian words: type, 6 low bits of the time, x, y; or the 28 high bits of the time.

    The time wraps after 2^34 us; wraps are counted.

    Source: Prophesee, "EVT 2.0 Format", Metavision documentation.
    """

    name = "evt2"
    title = "Prophesee EVT 2.0"
    version = "2.0"
    stop = 1 << 51

    def words(self, raw: Raw, header: Fields) -> Words:
        return Words(4, 1, 3, (0, 0), kernels().read_evt2)

    def writer(self) -> tuple[Callable[..., tuple[int, int]], NDArray[np.int64]]:
        return kernels().write_evt2, np.array([-1], np.int64)


EVT2 = _EVT2()
