"""Data cards: what is known of each data set, read from its `card.toml` and checked strictly."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from neuro.errors import CorruptFile, UnknownName

Obtained = Literal["made here", "download", "by hand"]

_HEX = {"md5": re.compile("[0-9a-f]{32}"), "sha256": re.compile("[0-9a-f]{64}")}
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CLOCK = re.compile(r"[1-9][0-9]* (us|ms|s)")


@dataclass(frozen=True)
class CardFile:
    """One file of a data set.

    Args:
        name: of the file in the set's folder.
        urls: where it can be downloaded, tried in this order; none if it is obtained by hand.
        bytes: its size, where it is known.
        md5: its checksum, where one is published.
        sha256: likewise. Where neither is published, the sums of the first download are kept
            beside the file, and every later look is compared with them.
        unpack: folder that an archive is unpacked into; empty if it is read as it is.
        nested: whether archives inside the archive are unpacked too.
        optional: whether the set can be read without it.
    """

    name: str
    urls: tuple[str, ...] = ()
    bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None
    unpack: str = ""
    nested: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Card:
    """What is known of one data set.

    Args:
        name: short name, the folder's.
        title: in full.
        task: what there is to learn or look at.
        paper: that introduced the set.
        licence: in the authors' words, or "not stated".
        source: page to read about it.
        obtained: "made here" needs no download, "download" is fetched by `neuro data get`, and for
            "by hand" the user follows `steps`.
        steps: what to do by hand.
        shape: of the sensor; empty where it differs between recordings or there is none.
        clock: one tick, e.g. "1 us"; empty if the set holds no events.
        classes: their names, in order of the labels.
        splits: number of recordings of each part.
        files: that make up the set.
        loader: function that reads it: `neuro.data.load` calls `module.function`; empty if none.
        notes: what a user should know before trusting a figure.
    """

    name: str
    title: str
    task: str
    paper: str
    licence: str
    source: str
    obtained: Obtained
    steps: str = ""
    shape: tuple[int, ...] = ()
    clock: str = ""
    classes: tuple[str, ...] = ()
    splits: tuple[tuple[str, int], ...] = ()
    files: tuple[CardFile, ...] = ()
    loader: str = ""
    notes: str = ""

    @property
    def bytes(self) -> int | None:
        """Size of all files that are needed; None if that of one is unknown."""
        if not self.files and self.obtained != "made here":
            return None
        sizes = [f.bytes for f in self.files if not f.optional]
        return None if any(size is None for size in sizes) else sum(s for s in sizes if s)


def cards() -> dict[str, Card]:
    """Every data set's card by name: those of the checkout, or those of the installed package.

    Raises:
        CorruptFile: a card cannot be read; the message names the file and the field.
    """
    package = Path(__file__).parent.parent
    checkout = package.parent / "datasets"
    # the package's own first: beside an installed neuro, "datasets" may be somebody else's package
    own = package / "_cards"
    root = own if own.is_dir() else checkout
    return {path.parent.name: read_card(path) for path in sorted(root.glob("*/card.toml"))}


def card(name: str) -> Card:
    """The card of that data set.

    Raises:
        UnknownName: there is none; the message suggests the nearest.
    """
    known = cards()
    if name not in known:
        raise UnknownName("data set", name, known)
    return known[name]


def read_card(path: Path) -> Card:
    """Read and check one `card.toml`.

    Raises:
        CorruptFile: it is no TOML, or a field is missing, unknown, of the wrong type or of a form
            that cannot be used; the message names the field.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorruptFile(f"{path}: not TOML ({error})") from error
    fields = _Fields(path, "", given)
    result = Card(
        name=fields.text("name", needed=True),
        title=fields.text("title", needed=True),
        task=fields.text("task", needed=True),
        paper=fields.text("paper", needed=True),
        licence=fields.text("licence", needed=True),
        source=fields.text("source", needed=True),
        obtained=fields.choice("obtained"),
        steps=fields.text("steps"),
        shape=tuple(fields.numbers("shape")),
        clock=fields.text("clock"),
        classes=tuple(fields.texts("classes")),
        splits=tuple(fields.counts("splits").items()),
        files=tuple(_file(_Fields(path, f"files[{i}]", f)) for i, f in fields.tables("files")),
        loader=fields.text("loader"),
        notes=fields.text("notes"),
    )
    fields.done()
    _agree(path, result)
    return result


def _file(fields: _Fields) -> CardFile:
    result = CardFile(
        name=fields.text("name", needed=True),
        urls=tuple(fields.texts("urls")),
        bytes=fields.number("bytes"),
        md5=fields.text("md5") or None,
        sha256=fields.text("sha256") or None,
        unpack=fields.text("unpack"),
        nested=fields.flag("nested"),
        optional=fields.flag("optional"),
    )
    fields.done()
    for name in ("name", "unpack"):
        value = getattr(result, name)
        if value != Path(value).name and value:
            fields.bad(name, value, "a plain name without folders")
    for url in result.urls:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            fields.bad("urls", url, "addresses that begin with http:// or https://")
    for name, form in _HEX.items():
        value = getattr(result, name)
        if value is not None and not form.fullmatch(value):
            fields.bad(name, value, f"{form.pattern} (lower case)")
    if result.nested and not result.unpack:
        fields.bad("nested", True, "false, since the file is not unpacked")
    return result


def _agree(path: Path, found: Card) -> None:
    """Whatever two fields must agree on."""
    fields = _Fields(path, "", {})
    if found.name != path.parent.name or not _NAME.fullmatch(found.name):
        fields.bad("name", found.name, f"the folder's name {path.parent.name!r}, in lower case")
    if not found.source.startswith(("http://", "https://")):
        fields.bad("source", found.source, "an address that begins with http:// or https://")
    if found.clock and not _CLOCK.fullmatch(found.clock):
        fields.bad("clock", found.clock, "a whole number and us, ms or s, e.g. '1 us'")
    if any(n < 1 for n in found.shape):
        fields.bad("shape", list(found.shape), "lengths of at least 1")
    if len(set(found.classes)) != len(found.classes):
        fields.bad("classes", list(found.classes), "each name once")
    names = [n.casefold() for f in found.files for n in (f.name, f.unpack) if n]
    if len(set(names)) != len(names):
        fields.bad("files", names, "names of files and folders that differ")
    if found.obtained == "download" and not all(f.urls or f.optional for f in found.files):
        fields.bad("files", [f.name for f in found.files if not f.urls], "urls for every file")
    if found.obtained == "download" and not found.files:
        fields.bad("files", [], "at least one file")
    if found.obtained == "by hand" and not found.steps:
        fields.bad("steps", "", "what to do, since the set is obtained by hand")
    if found.loader and not re.fullmatch(r"\w+\.\w+", found.loader):
        fields.bad("loader", found.loader, "'module.function' below neuro.data")


class _Fields:
    """The fields of one table: each is taken once with its type, and none may be left."""

    def __init__(self, path: Path, where: str, given: dict[str, Any]) -> None:
        self.path, self.where, self.left = path, where, dict(given)
        self.known: set[str] = set()

    def bad(self, field: str, given: object, expected: str) -> None:
        name = ".".join(part for part in (self.where, field) if part)
        raise CorruptFile(f"{self.path}: {name}: got {given!r}, expected {expected}")

    def _take(self, field: str, kind: type, default: Any, expected: str) -> Any:
        self.known.add(field)
        value = self.left.pop(field, default)
        if type(value) is not kind and value is not default:
            self.bad(field, value, expected)
        return value

    def text(self, field: str, needed: bool = False) -> str:
        value = self._take(field, str, "", "text").strip()
        if needed and not value:
            self.bad(field, value, "text, it must be given")
        return value

    def choice(self, field: str) -> Obtained:
        value = self.text(field, needed=True)
        for allowed in get_args(Obtained):
            if value == allowed:
                return allowed
        raise CorruptFile(
            f"{self.path}: {field}: got {value!r}, expected one of {get_args(Obtained)}"
        )

    def flag(self, field: str) -> bool:
        return self._take(field, bool, False, "true or false")

    def number(self, field: str) -> int | None:
        value = self._take(field, int, None, "a whole number")
        if value is not None and value < 1:
            self.bad(field, value, "a whole number above 0")
        return value

    def texts(self, field: str) -> list[str]:
        value = self._take(field, list, [], "a list of texts")
        if not all(isinstance(v, str) and v.strip() for v in value):
            self.bad(field, value, "a list of texts")
        return value

    def numbers(self, field: str) -> list[int]:
        value = self._take(field, list, [], "a list of whole numbers")
        if not all(type(v) is int for v in value):
            self.bad(field, value, "a list of whole numbers")
        return value

    def counts(self, field: str) -> dict[str, int]:
        value = self._take(field, dict, {}, "a table of whole numbers")
        if not all(type(v) is int and v > 0 for v in value.values()):
            self.bad(field, value, "a table of whole numbers above 0")
        return value

    def tables(self, field: str) -> list[tuple[int, dict[str, Any]]]:
        value = self._take(field, list, [], "a list of tables, [[files]]")
        if not all(isinstance(v, dict) for v in value):
            self.bad(field, value, "a list of tables, [[files]]")
        return list(enumerate(value))

    def done(self) -> None:
        if self.left:
            name = ".".join(part for part in (self.where, min(self.left)) if part)
            raise CorruptFile(
                f"{self.path}: unknown field {name}; known fields: {', '.join(sorted(self.known))}"
            )
