"""A format with faults behind marks that only a guided search finds soon; for the fuzzer's test.

Four bytes "FUZZ", a version, then two bytes an event: time since the last one, and unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.formats._base import Damage, Header, Options, Piece, Raw
from neuro.units import ms


class _StandIn:
    title = "stand-in"
    writable = True

    def __init__(self, name: str, faulty: bool) -> None:
        self.name, self.suffixes, self.faulty = name, (f".{name}",), faulty

    def recognises(self, head: bytes, path: Path) -> bool:
        return head.startswith(b"FUZZ") and path.suffix == self.suffixes[0]

    def open(self, path: Path, raw: Raw, options: Options) -> _Decoder:
        if bytes(raw[:4]) != b"FUZZ" or len(raw) < 5:
            raise CorruptFile(f"{path}: at byte 0: expected FUZZ and a version")
        return _Decoder(raw, self.faulty)

    def write(self, path: Path, events: Events) -> None:
        steps = np.diff(events.t, prepend=0)
        if events.shape != (16,) or steps.max(initial=0) > 255 or events.value is not None:
            raise InvalidValue("stand-in: 16 units and short pauses only")
        path.write_bytes(b"FUZZ\x01" + np.stack([steps, events.unit], 1).astype("u1").tobytes())


class _Decoder:
    header = Header((16,), Clock(1 * ms), 5)

    def __init__(self, raw: Raw, faulty: bool) -> None:
        self.raw, self.faulty = raw, faulty

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        body = self.raw[5 : 5 + (len(self.raw) - 5) // 2 * 2].reshape(-1, 2)
        if self.faulty and self.raw[4] > 200:  # noqa: SIM102 - two ways for the guide to find
            if len(body) and body[0, 0] > 100:
                raise KeyError("a fault of the stand-in")
        t = body[:, 0].astype(np.int64).cumsum()
        yield Piece(t, (body[:, 1],), lambda i: 5 + 2 * i, 2)
        if len(self.raw) % 2 == 0:
            if self.faulty and len(self.raw) > 100:
                yield Damage(len(self.raw), 0, "")  # says nothing, and comes too late
                return
            yield Damage(len(self.raw) - 1, 1, "half an event")


SOUND, FAULTY = _StandIn("sound", False), _StandIn("faulty", True)
