"""How the columns of a text file of events are found: by its header line or by convention."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from neuro.clock import Clock

TIME, X, Y, P, UNIT, OTHER = range(6)  # as in _text_kernels
_NAMES = {
    TIME: ("t", "ts", "time", "timestamp", "time_stamp", "t_us", "time_us", "us", "timestamp_us",
           "t_s", "time_s", "seconds", "s", "tick", "ticks"),
    X: ("x", "col", "column", "x_pos", "xs"),
    Y: ("y", "row", "y_pos", "ys"),
    P: ("p", "pol", "polarity", "on", "ps"),
    UNIT: ("unit", "neuron", "channel", "address", "addr", "id", "neuron_id", "i"),
}  # fmt: skip
_SECONDS = ("t_s", "time_s", "seconds", "s")
_TICKS = ("t_us", "time_us", "us", "timestamp_us", "tick", "ticks")
_ROLE = {name: role for role, names in _NAMES.items() for name in names}
_CONVENTION = {2: (TIME, UNIT), 4: (TIME, X, Y, P)}
_DATUM = re.compile(rb"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*\Z")
_WORD = re.compile(rb"\s*(on|off|true|false)\s*\Z", re.IGNORECASE)
_OWN = re.compile(
    r"# neuro events: shape=(\d{1,9}(?:x\d{1,9}){0,7}) duration=(\d{1,18}) "
    r"clock=(\d{1,30}/\d{1,30}) count=(\d{1,18})\s*\Z"
)


@dataclass(frozen=True)
class Layout:
    """Columns of a text file.

    Args:
        roles: what each field of a line means.
        delimiter: byte between fields; 32 stands for any spaces and tabs.
        seconds: whether time is written in seconds.
        start: byte of the first line after the header line.
        line: number of lines before it.
        named: whether a header line names the columns.
    """

    roles: tuple[int, ...]
    delimiter: int
    seconds: bool
    start: int
    line: int
    named: bool

    @property
    def one_axis(self) -> bool:
        return UNIT in self.roles


@dataclass(frozen=True)
class Statement:
    """What the first line of a file that neuro wrote says."""

    shape: tuple[int, ...]
    duration: int
    clock: Clock
    count: int


def layout_of(head: bytes) -> Layout | str:
    """The columns of a file that begins with `head`, or why they cannot be told."""
    if b"\0" in head or any(c < 32 and c not in (9, 10, 13) for c in head[:512]):
        return "no text"
    at = 0
    rows: list[list[bytes]] = []
    header: list[str] | None = None
    delimiter, start, first_line = 32, 0, 0
    for line, row in enumerate(head.split(b"\n")):
        end = at + len(row) + 1
        text = row.strip()
        if text and text[:1] not in (b"#", b"%") and (end <= len(head) or not rows):
            if not rows and header is None:
                delimiter = next((ord(d) for d in ",;\t" if d.encode() in text), 32)
            fields = _fields(text, delimiter)
            data = all(_DATUM.match(f) or _WORD.match(f) for f in fields)
            if not rows and header is None and not data:
                header = [f.strip().strip(b"\"'").decode("latin-1").lower() for f in fields]
                start, first_line = min(end, len(head)), line + 1
            else:
                rows.append(fields)
        at = end
    if header is None and not rows:
        return "no line of data"
    if header is not None:
        roles = tuple(_ROLE.get(name, OTHER) for name in header)
        missing = _missing(roles)
        if missing:
            return f"the header line names {', '.join(header)}; {missing}"
        seconds = header[roles.index(TIME)] in _SECONDS
    else:
        roles = _CONVENTION.get(len(rows[0]), ())
        seconds = False
        if not roles:
            return (
                f"lines of {len(rows[0])} fields without a header line; expected t,x,y,p or t,unit"
            )
    column = roles.index(TIME)
    times = [r[column] for r in rows if len(r) > column and _DATUM.match(r[column])]
    # one number with a point among many may be damage; seconds have a point nearly everywhere
    if header is None or header[column] not in _TICKS:
        pointed = sum(b"." in time or b"e" in time.lower() for time in times)
        seconds = seconds or 2 * pointed > len(times)
    return Layout(roles, delimiter, seconds, start, first_line, header is not None)


def _fields(text: bytes, delimiter: int) -> list[bytes]:
    return text.split() if delimiter == 32 else text.split(bytes([delimiter]))


def _missing(roles: tuple[int, ...]) -> str:
    for role in (TIME, X, Y, P, UNIT):
        if roles.count(role) > 1:
            return "two of them mean the same"
    if TIME not in roles:
        return "expected a column of times, e.g. t"
    if UNIT in roles:
        return "expected unit, or x, y and p, not both" if X in roles or Y in roles else ""
    return "" if {X, Y, P} <= set(roles) else "expected t, x, y, p or t, unit"


def statement(shape: tuple[int, ...], duration: int, clock: Clock, count: int) -> str:
    """The first line of a file that neuro writes."""
    tick = clock.tick
    size = "x".join(str(n) for n in shape)
    fraction = f"{tick.numerator}/{tick.denominator}"
    return f"# neuro events: shape={size} duration={duration} clock={fraction} count={count}\n"


def stated(head: bytes) -> Statement | None:
    """What such a line says; None if the file does not begin with one."""
    found = _OWN.match(head.split(b"\n", 1)[0].decode("latin-1"))
    if found is None:
        return None
    shape = tuple(int(n) for n in found[1].split("x"))
    numerator, denominator = (int(n) for n in found[3].split("/"))
    size = 1
    for n in shape:
        size *= n
    if not (0 < size < 1 << 31 and numerator and denominator) or len(shape) not in (1, 3):
        return None
    clock = Clock(Fraction(numerator, denominator))
    return Statement(shape, int(found[2]), clock, int(found[4]))
