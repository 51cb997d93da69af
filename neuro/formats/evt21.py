"""Prophesee EVT 2.1 RAW files: vectors of 32 pixels in 64 bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from neuro.formats._base import Raw
from neuro.formats._evt_format import EvtFormat, Words, kernels
from neuro.formats._prophesee_header import Fields

_LOOKED_AT = 4096  # words from which the order of the halves is told


class _EVT21(EvtFormat):
    """Words of two halves: type, time, x and y as in EVT 2.0, and which of 32 pixels have fired.

    GenX320 sends the pixels first ("little"), IMX636 last ("legacy"); both halves are little
    endian. The header says which; where it does not, the words do: the other half of a time-high
    word is empty. Files are written as "little".

    Source: Prophesee, "EVT 2.1 Format", Metavision documentation.
    """

    name = "evt21"
    title = "Prophesee EVT 2.1"
    version = "2.1"
    stop = 1 << 51

    def words(self, raw: Raw, header: Fields) -> Words:
        order = header.options.get("endianness")
        half = 0 if order == "legacy" or (order is None and _legacy(raw, header.start)) else 1
        return Words(8, 32, 4 * half + 3, (0, 0, half), kernels().read_evt21)

    def writer(self) -> tuple[Callable[..., tuple[int, int]], NDArray[np.int64]]:
        return kernels().write_evt21, np.array([-1], np.int64)


def _legacy(raw: Raw, start: int) -> bool:
    count = min((len(raw) - start) // 8, _LOOKED_AT)
    halves = np.frombuffer(raw[start : start + 8 * count].tobytes(), "<u4").reshape(-1, 2)
    is_high, empty = halves >> 28 == 8, halves == 0
    first, last = (is_high & empty[:, ::-1]).sum(axis=0)
    return bool(first > last)


EVT21 = _EVT21()
