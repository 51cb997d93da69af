"""What the text headers of AEDAT 2.0 and 3.1 say: where they end, which camera, how large."""

from __future__ import annotations

import math
import re
from pathlib import Path

from neuro.errors import CorruptFile
from neuro.formats._base import Raw

_LONGEST = 1 << 22  # bytes; jAER puts all its preferences into the header
_END = "#!END-HEADER"
_SIZE = re.compile(r"#\s*Sensor-Size:\s*(\d{1,9})(?:\s*x\s*(\d{1,9}))?\s*$")
_CHIPS = {  # rows, columns
    "davis208": (192, 208),
    "davis240": (180, 240),
    "davis346": (260, 346),
    "davis640": (480, 640),
    "davis128": (128, 128),
    "dvxplorer_lite": (240, 320),
    "dvxplorer": (480, 640),
    "edvs": (128, 128),
    "dvs128": (128, 128),
}


def comments(raw: Raw, path: Path) -> tuple[list[str], int]:
    """The lines of a header and the byte after it.

    A header ends with its end mark, or before the first line that does not begin with "#" or is
    no text (an event may begin with the byte of a "#").

    Raises:
        CorruptFile: the file ends within a line of the header.
    """
    text = raw[:_LONGEST].tobytes()
    lines: list[str] = []
    at = 0
    while text[at : at + 1] == b"#":
        stop = text.find(b"\n", at)
        line = text[at : stop if stop >= 0 else len(text)].rstrip(b"\r")
        if any(c < 32 and c != 9 for c in line):
            break
        if stop < 0:
            raise CorruptFile(
                f"{path}: the header is cut off at byte {len(text)}, in the line at byte {at}. "
                "Copy or download the file again"
            )
        lines.append(line.decode("utf-8", "replace"))
        at = stop + 1
        if lines[-1] == _END:
            break
    return lines, at


def chip_sensor(name: str) -> tuple[int, int, int] | None:
    """Shape of the sensor of a camera of this name, e.g. "Davis346red"; None if it is not known."""
    word = name.lower()
    for chip, (rows, columns) in _CHIPS.items():
        if chip in word:
            return 2, rows, columns
    return None


def sensor_line(shape: tuple[int, ...]) -> str:
    """The comment by which a file that neuro wrote tells its shape."""
    size = f"{shape[2]}x{shape[1]}" if len(shape) == 3 else f"{shape[0]}"
    return f"# Sensor-Size: {size}\r\n"


def stated_sensor(lines: list[str], path: Path) -> tuple[int, ...] | None:
    """The shape in such a comment.

    Raises:
        CorruptFile: no sensor has this shape.
    """
    for line in lines:
        found = _SIZE.match(line)
        if found:
            columns, rows = int(found[1]), found[2]
            shape = (columns,) if rows is None else (2, int(rows), columns)
            if not 0 < math.prod(shape) < 1 << 31:
                raise CorruptFile(f"{path}: header line {line!r}, expected a possible sensor size")
            return shape
    return None
