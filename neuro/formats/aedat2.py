"""AEDAT 2.0: address and time stamp of DVS and DAVIS cameras and of cochleas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.formats._aedat_header import chip_sensor, comments, sensor_line, stated_sensor
from neuro.formats._base import Damage, Decoder, Fact, Header, Options, Piece, Raw
from neuro.units import us

_MARK = b"#!AER-DAT2"
_MICROSECOND = Clock(1 * us)
_DVS_SHAPE = (2, 128, 128)
_WRAP = 1 << 32
# As jAER reads them: raw columns count from the right edge, raw rows from the lower one, and the
# polarity bit of a DVS128 is 0 for ON.
# Mask of other words, x shift and mask, y shift and mask, polarity shift, the bit that means ON
_DVS = (1 << 15, 1, 0x7F, 8, 0x7F, 0, 0)
_DAVIS = (1 << 31 | 1 << 10, 12, 0x3FF, 22, 0x1FF, 11, 1)


class _Aedat2:
    name = "aedat2"
    title = "AEDAT 2.0 (jAER, Neuromorphic Auditory Sensor)"
    suffixes = (".aedat", ".aedat2")
    writable = True

    def recognises(self, head: bytes, path: Path) -> bool:
        if head.startswith(_MARK):
            return True
        if head.startswith(b"#!AER-DAT") or path.suffix.lower() not in self.suffixes:
            return False
        # no header: what the words mean must be plausible, addresses small and time in order
        pairs = np.frombuffer(head[: len(head) // 8 * 8], ">u4").reshape(-1, 2).astype(np.int64)
        forward = np.count_nonzero(np.diff(pairs[:, 1]) >= 0)
        small = np.count_nonzero(pairs[:, 0] < 1 << 16)
        return bool(
            len(pairs) > 0 and forward >= 0.9 * (len(pairs) - 1) and small >= 0.9 * len(pairs)
        )

    def open(self, path: Path, raw: Raw, options: Options) -> Decoder:
        marked = raw[: len(_MARK)].tobytes() == _MARK
        if not marked and raw[:2].tobytes() == _MARK[:2]:
            raise CorruptFile(
                f"{path}: begins with {raw[:12].tobytes()!r}, expected {_MARK.decode()} for "
                f"{self.title}"
            )
        lines, start = comments(raw, path) if marked else ([], 0)
        chip = next((line.split(":", 1)[1].strip() for line in lines if "AEChip:" in line), "")
        said = stated_sensor(lines, path)
        shape = options.sensor or said
        facts: dict[str, Fact] = {"camera": chip} if chip else {}
        if not marked:
            facts["header"] = False
        word = chip.lower()
        one_axis = "nas" in word or "cochlea" in word or (not marked and shape is None)
        if (shape is not None and len(shape) == 1) or (shape is None and one_axis):
            return _Units(raw, Header(shape, _MICROSECOND, start, None, facts))
        if shape is not None and (len(shape) != 3 or shape[0] != 2):
            raise InvalidValue(
                f"{path}: sensor {shape}, expected (2, rows, columns) or (units,) for {self.title}"
            )
        wide = shape is not None and (shape[1] > 128 or shape[2] > 128)
        davis = "davis" in word or (wide and "128" not in word)
        if shape is None and chip and not davis and "128" not in word:
            raise InvalidValue(
                f"{path}: recorded by {chip!r}, whose addresses neuro does not know. Pass sensor= "
                "to read them as those of a DVS128 (up to 128 x 128) or of a DAVIS (larger)"
            )
        whole = chip_sensor(chip) or (said or shape if davis else _DVS_SHAPE)
        if whole is None:
            raise InvalidValue(
                f"{path}: recorded by {chip!r}, and addresses count from its far edges. "
                "Pass sensor=(2, rows, columns)"
            )
        layout = np.array([*(_DAVIS if davis else _DVS), whole[2] - 1, whole[1] - 1], np.int64)
        return _Camera(raw, Header(shape or whole, _MICROSECOND, start, None, facts), layout)

    def write(self, path: Path, events: Events) -> None:
        """Write with the DVS128 layout where it holds the sensor, with that of a DAVIS elsewhere.

        One axis is written as plain unit numbers.
        """
        from neuro.formats._aedat_kernels import words

        shape = events.shape
        wrong = ""
        if events.clock != _MICROSECOND:
            wrong = f"{events.clock!r}, expected Clock(1 * us)"
        elif events.value is not None:
            wrong = "graded events, expected none"
        elif len(events) and events.t[-1] >= _WRAP:
            wrong = f"an event at {events.t[-1]} us, expected under 2^32 us. Slice the recording"
        elif len(shape) != 1 and (
            len(shape) != 3 or shape[0] != 2 or shape[1] > 512 or shape[2] > 1024
        ):
            wrong = f"shape {shape}, expected (units,) or (2, rows <= 512, columns <= 1024)"
        if wrong:
            raise InvalidValue(f"{self.title}: events have {wrong}")
        chip, address = "NAS", events.unit.astype(np.int64)
        if len(shape) == 3:
            p, y, x = events.coordinates
            if shape[1] <= 128 and shape[2] <= 128:
                chip = "DVS128"
                address = (127 - y) << 8 | (127 - x) << 1 | (1 - p)
            else:
                names = ("DAVIS240", "DAVIS346", "DAVIS640")
                fits = [c for c in names if _holds(chip_sensor(c), shape)]
                chip = fits[0] if fits else "DAVIS"
                _, rows, columns = chip_sensor(chip) or shape
                address = (rows - 1 - y) << 22 | (columns - 1 - x) << 12 | p << 11
        out = np.empty(8 * len(events), np.uint8)
        words(address, events.t, out)
        header = f"{_MARK.decode()}.0\r\n# AEChip: {chip}\r\n{sensor_line(shape)}#!END-HEADER\r\n"
        with open(path, "wb") as file:
            file.write(header.encode())
            file.write(out.data)


class _Units:
    """A file whose addresses are the numbers of units."""

    def __init__(self, raw: Raw, header: Header) -> None:
        self.raw, self.header = raw, header

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        from neuro.formats._aedat_kernels import unit_words

        state = np.zeros(2, np.int64)
        for at, words in _blocks(self.raw, self.header.start, size):
            t, unit = np.empty(len(words) // 8, np.int64), np.empty(len(words) // 8, np.uint32)
            unit_words(words, state, t, unit)
            yield Piece(t, (unit,), _at(at, None), 8)
        yield from _rest(self.raw, self.header.start)


class _Camera:
    """A file whose addresses are those of a DVS or DAVIS."""

    def __init__(self, raw: Raw, header: Header, layout: np.ndarray) -> None:
        self.raw, self.header, self.layout = raw, header, layout

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        from neuro.formats._aedat_kernels import camera_words

        state = np.zeros(2, np.int64)
        other = int(self.layout[0])
        for at, words in _blocks(self.raw, self.header.start, size):
            n = len(words) // 8
            t, p = np.empty(n, np.int64), np.empty(n, np.uint8)
            y, x = np.empty(n, np.int16), np.empty(n, np.int16)
            n = camera_words(words, self.layout, state, t, p, y, x)
            row = _at(at, lambda words=words: (words.view(">u4")[::2] & other) == 0)
            yield Piece(t[:n], (p[:n], y[:n], x[:n]), row, 8)
        yield from _rest(self.raw, self.header.start)


def _blocks(raw: Raw, start: int, size: int) -> Iterator[tuple[int, Raw]]:
    end = start + (len(raw) - start) // 8 * 8
    for at in range(start, end, 8 * size):
        yield at, raw[at : min(at + 8 * size, end)]


def _rest(raw: Raw, start: int) -> Iterator[Damage]:
    rest = (len(raw) - start) % 8
    if rest:
        yield Damage(len(raw) - rest, rest, f"{rest} bytes, expected 8: the last event is cut off")


def _at(start: int, kept: Callable[[], np.ndarray] | None) -> Callable[[int], int]:
    """Byte of event i, found again only where an error is worded."""
    if kept is None:
        return lambda i: start + 8 * i
    return lambda i: start + 8 * int(np.flatnonzero(kept())[i])


def _holds(whole: tuple[int, int, int] | None, shape: tuple[int, ...]) -> bool:
    return whole is not None and shape[1] <= whole[1] and shape[2] <= whole[2]


AEDAT2 = _Aedat2()
