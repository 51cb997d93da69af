"""What the XML description in an AEDAT 4 file says about its streams."""

from __future__ import annotations

from dataclasses import dataclass
from xml.parsers import expat

_LONGEST = 1 << 20  # bytes of XML; recordings have about 3000
_DEEPEST = 16  # nodes within nodes; recordings have 4


class NotReadable(ValueError):
    """The description is no XML that a recording may hold."""


@dataclass(frozen=True)
class Stream:
    """One stream of a recording: what it carries, its sensor (rows, columns) and its camera."""

    kind: str
    size: tuple[int, int] | None
    source: str


def streams(xml: bytes) -> dict[int, Stream]:
    """The streams of a recording by number.

    Raises:
        NotReadable: not XML, or with document types, entities or depths that no recording needs.
    """
    if len(xml) > _LONGEST:
        raise NotReadable(f"the description has {len(xml)} bytes, expected at most {_LONGEST}")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise NotReadable(f"the description is no XML: {error}") from error
    except (ValueError, LookupError) as error:  # e.g. an encoding that there is not
        raise NotReadable(f"the description cannot be read: {error}") from error
    found = {}
    for path, values in reader.values.items():
        if len(path) == 2 and path[0] == "outInfo" and path[1].isdecimal():
            info = reader.values.get((*path, "info"), {})
            kind = values.get("typeIdentifier", "")
            found[int(path[1])] = Stream(kind, _size(info), info.get("source", ""))
    return found


def description(rows: int, columns: int) -> bytes:
    """XML of a recording with one stream of events, number 0."""
    return (
        '<dv version="2.0">\n<node name="outInfo" path="/mainloop/Recorder/outInfo/">\n'
        '<node name="0" path="/mainloop/Recorder/outInfo/0/">\n'
        '<attr key="compression" type="string">LZ4</attr>\n'
        '<attr key="originalModuleName" type="string">neuro</attr>\n'
        '<attr key="originalOutputName" type="string">events</attr>\n'
        '<attr key="typeDescription" type="string">Array of events (polarity ON/OFF).</attr>\n'
        '<attr key="typeIdentifier" type="string">EVTS</attr>\n'
        '<node name="info" path="/mainloop/Recorder/outInfo/0/info/">\n'
        f'<attr key="sizeX" type="int">{columns}</attr>\n'
        f'<attr key="sizeY" type="int">{rows}</attr>\n'
        '<attr key="source" type="string">neuro</attr>\n'
        '<attr key="tsOffset" type="long">0</attr>\n'
        "</node>\n</node>\n</node>\n</dv>\n"
    ).encode()


def _size(info: dict[str, str]) -> tuple[int, int] | None:
    words = info.get("sizeY", ""), info.get("sizeX", "")
    if not all(word.isdecimal() and len(word) < 6 and int(word) > 0 for word in words):
        return None
    rows, columns = (int(word) for word in words)
    return rows, columns


class _Reader:
    """Collects the values of every node; nothing else of the XML is kept."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, ...], dict[str, str]] = {}
        self.path: list[str] = []
        self.depth = 0
        self.key: str | None = None

    def refuse(self, *_: object) -> None:
        raise NotReadable("the description declares a document type or entities, expected none")

    def begin(self, tag: str, given: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotReadable(f"the description is nested deeper than {_DEEPEST}")
        if tag == "node":
            self.path.append(given.get("name", ""))
            self.values.setdefault(tuple(self.path), {})
        elif tag == "attr":
            self.key = given.get("key", "")
            self.values.setdefault(tuple(self.path), {})[self.key] = ""

    def end(self, tag: str) -> None:
        self.depth -= 1
        if tag == "node":
            self.path.pop()
        elif tag == "attr":
            self.key = None

    def text(self, words: str) -> None:
        if self.key is not None:
            self.values[tuple(self.path)][self.key] += words
