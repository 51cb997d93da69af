"""Text and CSV files of events, plain or gzipped, and the text format of the RPG data sets."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.formats._base import Damage, Decoder, Fact, Header, Options, Piece, Raw
from neuro.formats._text_layout import Layout, Statement, layout_of, stated, statement
from neuro.formats._text_source import GZIP, blocks, head_of
from neuro.units import us

_MICROSECOND = Clock(1 * us)
_LONGEST = 1 << 16  # bytes of a line; longer ones are no events
_WRITTEN = 1 << 17  # events that are turned into text at a time
_DIGITS = 20  # at most, of an int64
_MOST_TICKS = 8_000_000_000  # in a second; the parser's int64 holds no more


class _Text:
    """Lines of events whose columns a header line or convention tells."""

    writable = True

    def __init__(self, name: str, title: str, suffixes: tuple[str, ...], packed: bool) -> None:
        self.name, self.title, self.suffixes, self.packed = name, title, suffixes, packed

    def recognises(self, head: bytes, path: Path) -> bool:
        if head.startswith(GZIP) != self.packed:
            return False
        return self._fits(layout_of(head_of(np.frombuffer(head, np.uint8))))

    def _fits(self, layout: Layout | str) -> bool:
        return isinstance(layout, Layout)

    def open(self, path: Path, raw: Raw, options: Options) -> Decoder:
        head = head_of(raw)
        layout = layout_of(head)
        if isinstance(layout, str):
            raise CorruptFile(f"{path}: at byte 0: {layout}. Expected {self.title}")
        said = stated(head)
        clock = options.clock or (said.clock if said else _MICROSECOND)
        if layout.seconds and clock.tick.denominator > _MOST_TICKS:
            raise InvalidValue(
                f"{path}: clock {clock!r}; times in seconds can be read in ticks of 1 ns or longer"
            )
        shape = said.shape if said else None
        axes = 1 if layout.one_axis else 3
        for given in (options.sensor, shape):
            if given is not None and len(given) != axes:
                raise InvalidValue(
                    f"{path}: sensor {given}, but its lines hold "
                    + ("t and unit, expected (units,)" if axes == 1 else "t, x, y and polarity")
                )
        facts: dict[str, Fact] = {"time": "seconds" if layout.seconds else "ticks"}
        duration = said.duration if said and clock == said.clock else None
        header = Header(shape, clock, layout.start, duration, facts)
        return _Lines(raw, header, layout, said, options.limit)

    def write(self, path: Path, events: Events) -> None:
        """Write ticks with a header line, after a comment that tells shape, duration and clock."""
        if len(events.shape) not in (1, 3) or (len(events.shape) == 3 and events.shape[0] != 2):
            raise InvalidValue(
                f"{self.title}: events have shape {events.shape}, expected (units,) or "
                "(2, rows, columns)"
            )
        if events.value is not None:
            raise InvalidValue(f"{self.title}: graded events have no place in a file of lines")
        names = "t,unit\n" if len(events.shape) == 1 else "t,x,y,p\n"
        first = statement(events.shape, events.duration, events.clock, len(events)) + names
        self._write(path, events, first.encode(), ord(","), 0, 0)

    def _write(
        self, path: Path, events: Events, first: bytes, delimiter: int, whole: int, tick: int
    ) -> None:
        from neuro.formats._text_kernels import write_lines

        with open(path, "wb") as plain:
            # no time of writing, so that equal events make equal files
            file = gzip.GzipFile("", "wb", 3, plain, 0) if self.packed else plain
            file.write(first)
            for start in range(0, len(events), _WRITTEN):
                rows = slice(start, start + _WRITTEN)
                unit = events.unit[rows].astype(np.int64)
                columns = unit[:, None]
                if len(events.shape) == 3:
                    p, y, x = np.unravel_index(unit, events.shape)
                    columns = np.stack([x, y, p], axis=1)
                width = 12 + (_DIGITS + 1) * (1 + columns.shape[1])
                raw = np.empty(width * len(unit), np.uint8)
                size = write_lines(events.t[rows], columns, delimiter, whole, tick, raw)
                file.write(raw[:size].data)
            if self.packed:
                file.close()


class _Rpg(_Text):
    """Lines `t x y p` with t in seconds, as in the event camera data sets of Mueggler et al. 2017.

    E. Mueggler, H. Rebecq, G. Gallego, T. Delbruck and D. Scaramuzza, The Event-Camera Dataset and
    Simulator, Int. J. Robotics Res. 36:142 (2017). Their sensor has 180 rows and 240 columns.
    """

    def _fits(self, layout: Layout | str) -> bool:
        return isinstance(layout, Layout) and (
            layout.seconds
            and layout.delimiter == ord(" ")
            and not layout.named
            and not layout.one_axis
        )

    def open(self, path: Path, raw: Raw, options: Options) -> Decoder:
        layout = layout_of(head_of(raw))
        if len(raw) and isinstance(layout, Layout) and not layout.one_axis:
            # whoever asks for this format gets seconds, whatever the first lines look like
            layout = Layout(layout.roles, layout.delimiter, True, layout.start, layout.line, False)
            clock = options.clock or _MICROSECOND
            if clock.tick.denominator > _MOST_TICKS:
                raise InvalidValue(
                    f"{path}: clock {clock!r}; expected ticks of 1 ns or longer for {self.title}"
                )
            header = Header(None, clock, layout.start, None, {"time": "seconds"})
            return _Lines(raw, header, layout, None, options.limit)
        why = layout if isinstance(layout, str) else "lines of two fields"
        raise CorruptFile(f"{path}: at byte 0: {why}. Expected {self.title}")

    def write(self, path: Path, events: Events) -> None:
        """Write seconds with nine digits. The sensor and the duration are not stored."""
        tick = events.clock.tick * 10**9
        wrong = ""
        if len(events.shape) != 3 or events.shape[0] != 2:
            wrong = f"shape {events.shape}, expected (2, rows, columns)"
        elif events.value is not None:
            wrong = "graded events, expected none"
        elif tick.denominator != 1 or 10**9 % tick.numerator:
            wrong = f"{events.clock!r}, expected a tick of whole ns of which a second has a number"
        elif not len(events):
            wrong = "no event; an empty file cannot be told from a lost one"
        if wrong:
            raise InvalidValue(f"{self.title}: events have {wrong}")
        nanoseconds = tick.numerator
        self._write(path, events, b"", ord(" "), 10**9 // nanoseconds, nanoseconds)


class _Lines:
    """The lines of one file."""

    def __init__(
        self, raw: Raw, header: Header, layout: Layout, said: Statement | None, limit: int
    ) -> None:
        self.raw, self.header, self.layout, self.said, self.limit = (
            raw, header, layout, said, limit,
        )  # fmt: skip

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        tick = self.header.clock.tick
        ratio = np.zeros(2, np.int64)
        if self.layout.seconds:
            ratio[:] = tick.denominator, tick.numerator
        step = min(max(24 * size, 1 << 16), 1 << 24)
        rest, base, lines, seen = b"", 0, 0, 0
        skip = self.layout.start  # the header line
        line = self.layout.line
        block: bytes | Damage | None = None
        source = blocks(self.raw, step, self.limit)
        ended = False
        while not ended:
            block = next(source, None)
            ended = not isinstance(block, bytes)
            text = rest + block if isinstance(block, bytes) else rest
            if skip:
                cut = min(skip, len(text))
                text, base, skip = text[cut:], base + cut, skip - cut
            # only whole lines, except at the end
            stop = len(text) if ended else text.rfind(b"\n") + 1
            if not ended and stop == 0 and len(text) > _LONGEST:
                stop = len(text)
            rest = text[stop:]
            for item in self._read(text[:stop], base, line + lines, size, ratio):
                if isinstance(item, int):
                    lines += item
                    continue
                if isinstance(item, Piece):
                    seen += len(item.t)
                yield item
            base += stop
            if isinstance(block, Damage):
                yield block
        if self.said is not None and not isinstance(block, Damage) and seen != self.said.count:
            yield Damage(
                len(self.raw), 0,
                f"{seen} events, but the first line says {self.said.count}: lines were lost",
            )  # fmt: skip

    def _read(
        self, text: bytes, base: int, line: int, size: int, ratio: NDArray[Any]
    ) -> Iterator[Piece | Damage | int]:
        """Events and damage of some lines, and at last how many lines they were."""
        from neuro.formats import _text_kernels as kernels

        length = len(text)
        raw = np.frombuffer(text if text.endswith(b"\n") else text + b"\n", np.uint8)
        roles = np.array(self.layout.roles, np.int64)
        state = np.zeros(4, np.int64)
        while state[0] < len(raw):
            # a line of an event has three bytes at least
            room = max(1, min(size, (len(raw) - int(state[0])) // 3))
            t, row = np.empty(room, np.int64), np.empty(room, np.int32)
            a, b, c = (np.empty(room, np.int32) for _ in range(3))
            code = kernels.lines(raw, roles, self.layout.delimiter, ratio, state, t, a, b, c, row)
            n = int(state[2])
            if n:
                axes = (c[:n],) if self.layout.one_axis else (a[:n], b[:n], c[:n])
                width = max(1, (int(row[n - 1]) - int(row[0])) // max(1, n - 1))
                yield Piece(t[:n], axes, _at(base, row[:n]), width)
            if code in (kernels.ENDED, kernels.FULL):
                continue
            start, past = int(state[0]), int(state[3])
            shown = text[start : min(past, start + 60)].rstrip().decode("latin-1")
            why = {
                kernels.FIELDS: f"expected {len(roles)} fields",
                kernels.NUMBER: "a field is no number, or fields are not divided as before",
                kernels.RANGE: "a number is too large",
                kernels.POLARITY: "polarity must be 0, 1, -1, ON or OFF",
                kernels.WHOLE: "a number is not whole",
            }[code]
            where = " of the unpacked text" if self.raw[:2].tobytes() == GZIP else ""
            number = line + int(state[1]) + 1
            lost = min(past, length) - start  # the last line may lack its end
            yield Damage(base + start, lost, f"line {number}{where}: {shown!r}: {why}")
            state[0], state[1] = past, state[1] + 1
        yield int(state[1])


def _at(base: int, row: NDArray[np.int32]) -> Callable[[int], int]:
    return lambda i: base + int(row[i])


CSV = _Text("csv", "text or CSV (t,x,y,p or t,unit)", (".csv", ".tsv"), False)
CSV_GZ = _Text("csv.gz", "gzipped text or CSV (t,x,y,p or t,unit)", (".csv.gz", ".tsv.gz"), True)
RPG = _Rpg("rpg", "RPG text (t x y p, seconds)", (".txt",), False)
RPG_GZ = _Rpg("rpg.gz", "gzipped RPG text (t x y p, seconds)", (".txt.gz",), True)
