"""The text header of Prophesee's RAW and DAT files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuro.errors import CorruptFile
from neuro.formats._base import Fact

LONGEST = 1 << 16  # bytes of a header; real ones have a few hundred
_LINE = 4096
_LARGEST = 1 << 14  # rows or columns; DAT stores 14 bits
CODINGS = {
    "2": "evt2", "2.0": "evt2", "2.1": "evt21", "3": "evt3", "3.0": "evt3",
    "evt2": "evt2", "evt2.0": "evt2", "evt21": "evt21", "evt2.1": "evt21",
    "evt3": "evt3", "evt3.0": "evt3",
}  # fmt: skip
# Cameras before 2021 named their sensor, not its size.
_SENSORS = {"gen3": (480, 640), "gen4": (720, 1280), "imx636": (720, 1280), "genx320": (320, 320)}


@dataclass(frozen=True)
class Fields:
    """Keywords of a header in lower case with their values, and where the data begins.

    Args:
        value: of each keyword.
        at: byte where each keyword's line begins.
        start: first byte after the header.
    """

    value: dict[str, str]
    at: dict[str, int]
    start: int

    @property
    def coding(self) -> str | None:
        """ "evt2", "evt21", "evt3", another name that the file gives, or None."""
        name = self.value.get("format", "").split(";")[0].strip().lower()
        if not name:
            name = self.value.get("evt", "").lower()
        return CODINGS.get(name, name) or None

    @property
    def options(self) -> dict[str, str]:
        """What the format line says after the name, e.g. {"height": "720", "width": "1280"}."""
        parts = [part.split("=", 1) for part in self.value.get("format", "").split(";")[1:]]
        return {p[0].strip().lower(): p[1].strip() for p in parts if len(p) == 2}

    @property
    def facts(self) -> dict[str, Fact]:
        return dict(self.value)


def fields(head: bytes, path: Path) -> Fields:
    """Read a header, which ends with `% end` or before the first line that has no `% `.

    Raises:
        CorruptFile: a line is cut, or is no text; the message gives its byte.
    """
    value: dict[str, str] = {}
    at: dict[str, int] = {}
    start = 0
    while head[start : start + 2] in (b"% ", b"%\n", b"%\r"):
        stop = head.find(b"\n", start, start + _LINE)
        line = _text(head[start : stop if stop >= 0 else start + _LINE])
        if line is None and b"\n% end\n" not in head[start:]:
            break  # data that happens to begin like a header line
        if line is None or stop < 0:
            raise CorruptFile(
                f"{path}: header line at byte {start} is {'cut' if line else 'no text'}, expected "
                "lines of '% keyword value'. Copy or download the file again"
            )
        word, _, rest = line[1:].strip().partition(" ")
        begin, start = start, stop + 1
        if word == "end":
            break
        value[word.lower()], at[word.lower()] = rest.strip(), begin
    return Fields(value, at, start)


def shape(header: Fields, path: Path) -> tuple[int, int, int] | None:
    """(2, rows, columns) as stated; from the name of the sensor where only that is stated.

    Raises:
        CorruptFile: a size is no number, or no size of a sensor.
    """
    value = header.value
    if "height" in header.options or "width" in header.options:
        given = header.options.get("height", ""), header.options.get("width", "")
        return (2, *_size(*given, path, header.at["format"]))
    if "geometry" in value:
        columns, _, rows = value["geometry"].partition("x")
        return (2, *_size(rows, columns, path, header.at["geometry"]))
    if "height" in value or "width" in value:
        line = min(header.at[key] for key in ("height", "width") if key in value)
        return (2, *_size(value.get("height", ""), value.get("width", ""), path, line))
    plugin = value.get("plugin_name", "").removeprefix("hal_plugin_")
    for name, size in _SENSORS.items():
        if plugin.startswith(name):
            return (2, *size)
    return None


def coded(header: Fields, name: str, path: Path) -> None:
    """Refuse a file whose header names another coding than `name`.

    Raises:
        CorruptFile: it does.
    """
    if header.coding not in (None, name):
        line = header.at.get("format", header.at.get("evt", 0))
        raise CorruptFile(
            f"{path}: the header at byte {line} says {header.coding!r}, but the file is read as "
            f"{name!r}. Leave format= out"
        )


def _size(rows: str, columns: str, path: Path, line: int) -> tuple[int, int]:
    given = []
    for text in (rows, columns):
        number = int(text) if text.strip().isdecimal() and len(text) < 10 else 0
        if not 1 <= number <= _LARGEST:
            raise CorruptFile(
                f"{path}: sensor size at byte {line} is {columns!r} x {rows!r}, expected whole "
                f"numbers from 1 to {_LARGEST}"
            )
        given.append(number)
    return given[0], given[1]


def _text(line: bytes) -> str | None:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return None
    return text if text.replace("\t", " ").rstrip("\r").isprintable() else None
