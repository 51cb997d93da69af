"""Archives unpack whole into a new folder, and hostile ones leave nothing behind."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuro.data.unpack import unpack
from neuro.errors import CorruptFile, InvalidValue

TREE = {"a/b.bin": b"one" * 1000, "a/c/d.bin": b"", "top.txt": b"two"}


def make_zip(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return path


def make_tar(path: Path, members: dict[str, bytes | tarfile.TarInfo], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def nothing_but(folder: Path, *names: str) -> bool:
    return sorted(p.name for p in folder.iterdir()) == sorted(names)


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_every_kind_gives_its_files(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"archive.{ending}"
    if ending == "zip":
        make_zip(path, TREE)
    else:
        make_tar(path, dict(TREE), "w:" + ending.removeprefix("tar").strip("."))
    renamed = path.rename(tmp_path / "without_ending")  # the kind is found by content
    done = unpack(renamed, tmp_path / "out")
    assert tree(tmp_path / "out") == TREE
    assert (done.files, done.bytes) == (3, 3003)
    assert nothing_but(tmp_path, "without_ending", "out")
    assert os.access(tmp_path / "out", os.R_OK | os.X_OK)


@pytest.mark.parametrize(("ending", "press"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_a_single_compressed_file_loses_its_ending(
    tmp_path: Path, ending: str, press: object
) -> None:
    (tmp_path / f"table.h5.{ending}").write_bytes(press.compress(b"abc" * 99))  # type: ignore[attr-defined]
    unpack(tmp_path / f"table.h5.{ending}", tmp_path / "out")
    assert tree(tmp_path / "out") == {"table.h5": b"abc" * 99}


def test_archives_inside_are_unpacked_too(tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"x/1.dat": b"1", "fake.gz": b"no archive"})
    outer = make_tar(
        tmp_path / "outer.tar.gz", {"in/train.zip": inner.read_bytes(), "note": b"n"}, "w:gz"
    )
    done = unpack(outer, tmp_path / "out", nested=True)
    assert tree(tmp_path / "out") == {
        "in/train/x/1.dat": b"1",
        "in/train/fake.gz": b"no archive",
        "note": b"n",
    }
    assert (done.files, done.bytes) == (3, 12)
    plain = unpack(outer, tmp_path / "plain")
    assert plain.files == 2


BAD_NAMES = {
    "../evil": "outside",
    "a/../../evil": "outside",
    "/etc/evil": "outside",
    "C:\\evil": "not every system",
    "a\\..\\evil": "not every system",
    "a/b\nc": "not every system",
    "dir./x": "not every system",
    "NUL.txt": "device on some",
}


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str, kind: str) -> None:
    members = {"good": b"1", name: b"2"}
    path = tmp_path / "inside" / f"a.{kind}"
    path.parent.mkdir()
    (make_zip if kind == "zip" else make_tar)(path, members)  # type: ignore[operator]
    with pytest.raises(CorruptFile, match=BAD_NAMES[name]):
        unpack(path, tmp_path / "inside" / "out")
    assert nothing_but(tmp_path, "inside") and nothing_but(tmp_path / "inside", f"a.{kind}")


@pytest.mark.parametrize(
    "member",
    [
        special("l", tarfile.SYMTYPE, "/etc/passwd"),
        special("l", tarfile.LNKTYPE, "good"),
        special("l", tarfile.FIFOTYPE),
        special("l", tarfile.CHRTYPE),
        special("l", tarfile.BLKTYPE),
    ],
)
def test_links_and_devices_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    path = make_tar(tmp_path / "a.tar", {"good": b"1", "l": member})
    with pytest.raises(CorruptFile, match="'l' is a link, a device"):
        unpack(path, tmp_path / "out")
    assert nothing_but(tmp_path, "a.tar")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(CorruptFile, match="link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize(
    "names", [("a/File", "a/file"), ("A/x", "a/y"), ("a", "a/b"), ("a/b", "a"), ("é", "e\u0301")]
)
def test_names_that_some_systems_take_for_one_are_refused(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    path = make_zip(tmp_path / "a.zip", dict.fromkeys(names, b"x"))
    with pytest.raises(CorruptFile, match="collides"):
        unpack(path, tmp_path / "out")
    assert nothing_but(tmp_path, "a.zip")


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for content in (b"1", b"2"):
            info = tarfile.TarInfo("same")
            info.size = 1
            archive.addfile(info, io.BytesIO(content))
    with pytest.raises(CorruptFile, match="collides"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize("ending", ["zip", "tar.gz", "gz", "tar.xz"])
def test_bombs_are_defused(tmp_path: Path, ending: str) -> None:
    zeros = bytes(1 << 25)
    path = tmp_path / f"bomb.{ending}"
    if ending == "zip":
        make_zip(path, {"zeros": zeros})
    elif ending == "gz":
        path.write_bytes(gzip.compress(zeros))
    else:
        make_tar(path, {"zeros": zeros}, "w:" + ending.removeprefix("tar."))
    assert path.stat().st_size < 60_000
    with pytest.raises(CorruptFile, match="fill the disk"):
        unpack(path, tmp_path / "out")
    assert nothing_but(tmp_path, path.name)
    unpack(path, tmp_path / "meant", ratio=10_000)
    with pytest.raises(CorruptFile, match="33,000,000"):
        unpack(path, tmp_path / "out", ratio=10_000, limit=33_000_000)


def test_a_bomb_inside_an_archive_is_counted_as_well(tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"zeros": bytes(1 << 25)})
    path = make_zip(tmp_path / "a.zip", {f"{i}.zip": inner.read_bytes() for i in range(3)}, 0)
    with pytest.raises(CorruptFile, match="fill the disk"):
        unpack(path, tmp_path / "out", nested=True)


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    raw = bytearray(make_zip(tmp_path / "a.zip", {"x": b"ab" * 50_000}).read_bytes())
    place = raw.rindex(b"PK\1\2") + 24  # uncompressed size in the central directory
    raw[place : place + 4] = (10).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(CorruptFile, match=r"a\.zip"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert nothing_but(tmp_path, "a.zip")


def test_an_endless_tar_header_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    (tmp_path / "a.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(CorruptFile, match="tar header of 8,589,934,592 bytes"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize("ending", ["zip", "tar.gz", "tar.bz2", "tar.xz", "tar"])
def test_a_truncated_archive_leaves_nothing(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    noise = {"x": os.urandom(50_000), "y": os.urandom(50_000)}
    if ending == "zip":
        make_zip(path, noise)
    else:
        make_tar(path, dict(noise), "w:" + ending.removeprefix("tar").strip("."))
    path.write_bytes(path.read_bytes()[:60_000])
    with pytest.raises(CorruptFile, match="damaged"):
        unpack(path, tmp_path / "out")
    assert nothing_but(tmp_path, path.name)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    raw = bytearray(make_zip(tmp_path / "a.zip", {"x": b"abc"}, 0).read_bytes())
    raw[raw.rindex(b"PK\1\2") + 8] |= 1
    raw[6] |= 1
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(CorruptFile, match="encrypted"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_what_is_no_archive_or_exists_already_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"<html>")
    with pytest.raises(CorruptFile, match="no zip, tar"):
        unpack(tmp_path / "a", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="no file"):
        unpack(tmp_path / "b", tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidValue, match="exists already"):
        unpack(make_zip(tmp_path / "a.zip", TREE), tmp_path / "out")


@pytest.mark.parametrize("ending", ["zip", "tar.gz", "tar.bz2", "tar.xz", "tar", "gz"])
def test_damage_anywhere_is_told_and_leaves_nothing(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "zip":
        make_zip(path, TREE)
    elif ending == "gz":
        path.write_bytes(gzip.compress(b"abc" * 99))
    else:
        make_tar(path, dict(TREE), "w:" + ending.removeprefix("tar").strip("."))
    raw = path.read_bytes()
    rng = np.random.default_rng(7)
    told = 0
    for k in range(150):
        bad = bytearray(raw)
        for at in rng.integers(0, min(len(raw), 1200), rng.integers(1, 4)):
            bad[at] = rng.integers(0, 256)
        path.write_bytes(bad[: rng.integers(1, len(raw))] if k % 5 == 0 else bad)
        try:
            unpack(path, tmp_path / "out")
            shutil.rmtree(tmp_path / "out")
        except CorruptFile as error:
            told += path.name in str(error) or "tar header" in str(error)
        assert nothing_but(tmp_path, path.name)
    assert told > 20
