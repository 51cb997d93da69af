"""Archives unpacked safely: nothing outside the folder, no links, no bombs, all or nothing."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from neuro.errors import CorruptFile, InvalidValue

LIMIT = 1 << 38  # bytes that an archive may unpack to (256 GiB)
RATIO = 400  # bytes that may come out of one byte of the archive
FILES = 2_000_000
_SMALL = 1 << 20  # below this, no ratio is suspicious
_CHUNK = 1 << 20
_HEADER = 1 << 20  # bytes that a long name in a tar header may have
_OPEN = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
_ENDINGS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip", ".tar", ".gz", ".bz2", ".xz")
_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError,
    NotImplementedError, ValueError, OverflowError,
)  # fmt: skip
_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Unpacked:
    """A folder that was unpacked.

    Args:
        folder: where it is.
        files: number of files in it.
        bytes: their sizes together.
    """

    folder: Path
    files: int
    bytes: int


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    nested: bool = False,
    limit: int = LIMIT,
    ratio: float = RATIO,
) -> Unpacked:
    """Unpack a zip, tar (also .gz, .bz2, .xz) or a single compressed file into a new folder.

    The folder appears only when everything is in it. Names that leave the folder, absolute names,
    links, devices, encrypted members and names that differ only in case are refused, and so is an
    archive that unpacks to more than it may.

    Args:
        archive: the file; its kind is found by content.
        folder: that does not exist yet.
        nested: unpack archives inside the archive too, each into a folder of its name without
            the ending, and remove them.
        limit: bytes that may come out, over all.
        ratio: bytes that may come out of one byte of the archive.

    Raises:
        FileNotFoundError: there is no such archive.
        InvalidValue: the folder exists already.
        CorruptFile: the archive is damaged or refused; nothing is left of it.
    """
    where, target = Path(archive), Path(folder)
    if not where.is_file():
        raise FileNotFoundError(f"unpack: no file {where}")
    if target.exists():
        raise InvalidValue(f"unpack: {target} exists already; remove it to unpack again")
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        count = _Count(limit)
        _into(where, tmp, count, ratio)
        while nested and (inner := _archives(tmp)):
            if count.nested + len(inner) > 1000:
                raise CorruptFile(f"{where}: more than 1000 archives inside the archive")
            for one in inner:
                _into(one, one.with_name(_stem(one.name)), count, ratio)
                count.nested += 1
                count.files -= 1
                count.bytes -= one.stat().st_size
                one.unlink()
        umask = os.umask(0)
        os.umask(umask)
        tmp.chmod(0o777 & ~umask)  # mkdtemp makes it private
        os.rename(tmp, target)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    return Unpacked(target, count.files, count.bytes)


def kind(path: Path) -> str:
    """ "zip", "tar", "gz", "bz2" or "xz" by content; "" if it is no archive."""
    with open(path, "rb") as file:
        head = file.read(265)
    if head[:4] in (b"PK\3\4", b"PK\5\6"):
        return "zip"
    for name, magic in (("gz", b"\x1f\x8b"), ("bz2", b"BZh"), ("xz", b"\xfd7zXZ\0")):
        if head.startswith(magic):
            return name
    return "tar" if head[257:262] == b"ustar" else ""


def _archives(folder: Path) -> list[Path]:
    """Archives in a folder, by ending and content: events may begin like an archive."""
    named = (p for p in folder.rglob("*") if p.name.lower().endswith(_ENDINGS))
    return sorted(p for p in named if p.is_file() and kind(p))


def _stem(name: str) -> str:
    for ending in _ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return f"{name}.unpacked"


@dataclass
class _Count:
    """What has come out so far, and the names that are taken."""

    limit: int
    files: int = 0
    bytes: int = 0
    nested: int = 0
    names: dict[str, tuple[str, bool]] = field(default_factory=dict)  # by folded path: is a file?


def _into(archive: Path, folder: Path, count: _Count, ratio: float) -> None:
    size = archive.stat().st_size
    allowed = min(count.limit, count.bytes + max(int(size * ratio), _SMALL))
    one = _One(archive, folder, count, allowed, f"{size:,} bytes unpack")
    if folder.is_file():
        raise one.refuse(archive.name, "would be unpacked where a file of that name is")
    folder.mkdir(exist_ok=True)
    try:
        found = kind(archive)
        if found == "zip":
            one.zip()
        elif found in _OPEN:
            with _OPEN[found](archive, "rb") as file:
                head = file.read(512)
            if head[257:262] == b"ustar":
                with _OPEN[found](archive, "rb") as file:
                    one.tar(file)
            else:
                with _OPEN[found](archive, "rb") as file:
                    one.write(_stem(archive.name), file, None)
        elif found == "tar":
            with open(archive, "rb") as file:
                one.tar(file)
        else:
            raise CorruptFile(
                f"{archive}: no zip, tar, gz, bz2 or xz file, it begins with "
                f"{archive.read_bytes()[:16]!r}"
                if size < _SMALL
                else f"{archive}: no archive"
            )
    except CorruptFile:
        raise
    except (*_DAMAGE, OSError) as error:
        # an offset that leads nowhere, or a stream of bz2 that is none; the disk has other numbers
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise CorruptFile(f"{archive}: damaged ({error}). Download it again") from error


@dataclass
class _One:
    """One archive being unpacked."""

    archive: Path
    folder: Path
    count: _Count
    allowed: int
    size: str

    def refuse(self, name: str, why: str) -> CorruptFile:
        return CorruptFile(f"{self.archive}: member {name!r} {why}; nothing was unpacked")

    def zip(self) -> None:
        with zipfile.ZipFile(self.archive) as opened:
            members = opened.infolist()
            self._bound(sum(m.file_size for m in members))
            for member in members:
                mode = member.external_attr >> 16
                if member.flag_bits & 1:
                    raise self.refuse(member.filename, "is encrypted")
                if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise self.refuse(member.filename, "is a link or a device")
                if member.is_dir():
                    self.directory(member.filename)
                    continue
                with opened.open(member) as file:
                    self.write(member.filename, file, member.file_size)

    def tar(self, file: Any) -> None:
        with tarfile.open(fileobj=file, mode="r|", tarinfo=_ShortHeader) as opened:
            for member in opened:
                opened.members = []  # type: ignore[attr-defined]  # they would pile up
                if member.isdir():
                    self.directory(member.name)
                elif member.isreg() and not member.issparse():
                    content = opened.extractfile(member)
                    assert content is not None  # regular files have content
                    self.write(member.name, content, member.size)
                else:
                    raise self.refuse(member.name, "is a link, a device or sparse")

    def directory(self, name: str) -> None:
        parts = self._parts(name)
        self._take(parts, is_file=False)
        self.folder.joinpath(*parts).mkdir(parents=True, exist_ok=True)

    def write(self, name: str, content: IO[bytes], size: int | None) -> None:
        parts = self._parts(name)
        if not parts:
            raise self.refuse(name, "has no name")
        self._take(parts, is_file=True)
        self._bound(size or 0)
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        written = 0
        with open(path, "xb") as file:
            for piece in _pieces(content):
                written += len(piece)
                self._bound(written)
                file.write(piece)
        if size is not None and written != size:
            raise self.refuse(name, f"has {written:,} bytes, {size:,} were declared")
        self.count.files += 1
        self.count.bytes += written

    def _parts(self, name: str) -> tuple[str, ...]:
        """The path of a member below the folder."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise self.refuse(name, "would be written outside the folder")
        for part in path.parts:
            # these mean another place, or cannot be written, on some systems
            if re.search(r'[\\:*?"<>|\x00-\x1f]', part) or part[-1] in " .":
                raise self.refuse(name, "has a name that not every system can write")
            if _WINDOWS.fullmatch(part):
                raise self.refuse(name, "has a name that is a device on some systems")
        return path.parts

    def _take(self, parts: tuple[str, ...], *, is_file: bool) -> None:
        """Note a path; two that some systems take for one are refused."""
        names = self.count.names
        base = self.folder
        for i, part in enumerate(parts):
            base = base / part
            last = i == len(parts) - 1
            key = unicodedata.normalize("NFC", str(base)).casefold()
            taken = names.get(key)
            if len(names) > FILES:
                raise CorruptFile(f"{self.archive}: more than {FILES:,} files and folders inside")
            wanted = str(base), last and is_file
            if taken is None:
                names[key] = wanted
            elif taken != wanted or (last and is_file):
                raise self.refuse("/".join(parts), "collides with another name (perhaps by case)")

    def _bound(self, more: int) -> None:
        if self.count.bytes + more > self.allowed:
            raise CorruptFile(
                f"{self.archive}: {self.size} to more than the {self.allowed:,} that are accepted; "
                "this looks like an archive made to fill the disk. Nothing was unpacked"
            )


class _ShortHeader(tarfile.TarInfo):
    """A tar header whose long names and extra fields are of bounded length."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> tarfile.TarInfo:
        header = super().frombuf(buf, encoding, errors)
        extra = (
            tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
            tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
        )  # fmt: skip
        if header.type in extra and header.size > _HEADER:
            raise CorruptFile(f"a tar header of {header.size:,} bytes; nothing was unpacked")
        return header


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(_CHUNK):
        yield piece
