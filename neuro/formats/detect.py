"""Which format a file has: found by its content, not its name."""

from __future__ import annotations

from pathlib import Path

from neuro.errors import CorruptFile, UnknownName
from neuro.formats._base import Format

HEAD = 4096  # bytes that formats look at


def formats() -> tuple[Format, ...]:
    """Every format, those with an unmistakable mark first."""
    from neuro.formats.aedat2 import AEDAT2
    from neuro.formats.aedat4 import AEDAT4
    from neuro.formats.aedat31 import AEDAT31
    from neuro.formats.arrays import NPY, NPZ
    from neuro.formats.dat import DAT
    from neuro.formats.event_stream import ES
    from neuro.formats.evt2 import EVT2
    from neuro.formats.evt3 import EVT3
    from neuro.formats.evt21 import EVT21
    from neuro.formats.hdf5_events import HDF5_EVENTS
    from neuro.formats.mat import MAT
    from neuro.formats.nmnist_bin import NMNIST_BIN
    from neuro.formats.nwb import NWB
    from neuro.formats.shd import SHD
    from neuro.formats.slayer import BS1, BS2
    from neuro.formats.text import CSV, CSV_GZ, RPG, RPG_GZ

    marked = (EVT3, EVT2, EVT21, ES, AEDAT4, AEDAT31, NPZ, NPY, MAT, SHD, HDF5_EVENTS, NWB)
    text = (RPG, RPG_GZ, CSV, CSV_GZ)
    by_ending = (BS1, BS2, NMNIST_BIN, AEDAT2, DAT)  # whose content could be another's, too
    return marked + text + by_ending


def by_name(name: str) -> Format:
    """The format of this name.

    Raises:
        UnknownName: there is none.
    """
    known = {f.name: f for f in formats()}
    if name not in known:
        raise UnknownName("format", name, known)
    return known[name]


def by_suffix(path: Path) -> Format:
    """The format that files with this ending are written in.

    Raises:
        UnknownName: no format has this ending.
    """
    known = {suffix: f for f in reversed(formats()) if f.writable for suffix in f.suffixes}
    for suffix in ("".join(path.suffixes[-2:]).lower(), path.suffix.lower()):
        if suffix in known:
            return known[suffix]
    raise UnknownName(f"{path}: ending", path.suffix, known)


def detect(path: Path) -> Format:
    """The format of a file.

    Raises:
        CorruptFile: no format fits; the message says how the file begins.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD)
    for candidate in formats():
        if candidate.recognises(head, path):
            return candidate
    if not head:
        raise CorruptFile(f"{path}: the file is empty")
    if head.lstrip()[:1] == b"<" and b"html" in head[:1024].lower():
        raise CorruptFile(
            f"{path}: a web page, not event data: the download was answered with an error or a "
            "login page. Download it again"
        )
    known = ", ".join(f.name for f in formats())
    raise CorruptFile(
        f"{path}: of no known format, it begins with {head[:24]!r}. Known: {known}. "
        "Pass format= if you know it"
    )
