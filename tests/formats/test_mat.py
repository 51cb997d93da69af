"""MATLAB files decode as SciPy reads them, and damage is found at its byte."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue, Unsupported
from neuro.events import Events
from neuro.formats import detect, read_events, read_recording, stream_events, write_events
from neuro.formats._mat5 import Column, Struct, values, variables
from neuro.formats.mat import MAT
from neuro.units import us

scipy_io = pytest.importorskip("scipy.io", reason="needs scipy")
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SAMPLE = SHARED / "events_io" / "tonic_sample_stmnist.mat"
CLOCK = Clock(1 * us)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["neuro.formats.detect"], "formats", lambda: (MAT,))


def save(path: Path, held: dict[str, Any], packed: bool = True) -> Path:
    scipy_io.savemat(path, held, do_compression=packed)
    return path


def taxels(seed: int = 0, units: int = 100, instants: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grid = np.zeros((units + 1, instants))
    for k in range(instants):
        for unit in rng.choice(units, rng.integers(0, 3), replace=False):
            grid[unit, k] = rng.choice([-1, 1])
    grid[-1] = np.sort(rng.random(instants)) * 2
    return grid


def plain_decode(grid: np.ndarray) -> list[tuple[int, int, int, int]]:
    """(t, polarity, y, x) of the matrix, by two loops."""
    height, length = grid.shape
    found = []
    for k in range(length):
        for unit in range(height - 1):
            if grid[unit, k] != 0:
                t = round(grid[-1, k] * 1e6)
                found.append((t, int(grid[unit, k] > 0), unit // 10, unit % 10))
    return sorted(found)


def rows(events: Events) -> list[tuple[int, ...]]:
    return list(zip(events.t.tolist(), *(c.tolist() for c in events.coordinates), strict=True))


@pytest.mark.skipif(not SAMPLE.is_file(), reason="needs the shared ST-MNIST sample")
def test_the_real_touch_is_read_as_scipy_reads_it() -> None:
    events = read_events(SAMPLE)
    assert len(events) == 2346 and events.shape == (2, 10, 10)
    assert rows(events) == plain_decode(scipy_io.loadmat(SAMPLE)["spiketrain"])
    chunks = list(stream_events(SAMPLE, chunk=100))
    assert len(chunks) > 10
    np.testing.assert_array_equal(np.concatenate([c.unit for c in chunks]), events.unit)


@pytest.mark.parametrize("packed", [True, False])
def test_touches_packed_and_plain(tmp_path: Path, packed: bool) -> None:
    grid = taxels()
    path = save(tmp_path / "a.mat", {"other": np.ones(3), "spiketrain": grid}, packed)
    assert detect(path).name == "mat"
    assert rows(read_events(path)) == plain_decode(grid)
    small = save(tmp_path / "b.mat", {"spiketrain": taxels(1, 7, 9)}, packed)
    assert read_events(small).shape == (2, 1, 7)


def columns(seed: int = 0, count: int = 500) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "x": rng.integers(0, 30, count).astype(np.uint16),
        "y": rng.integers(0, 20, count).astype(np.float64),
        "p": rng.integers(0, 2, count).astype(np.int8),
        "ts": np.sort(rng.integers(0, 10**6, count)),
    }


def expected(data: dict[str, np.ndarray]) -> Events:
    unit = np.ravel_multi_index((data["p"], data["y"].astype(int), data["x"]), (2, 20, 30))
    return Events.sorted(data["ts"], unit, shape=(2, 20, 30), clock=CLOCK)


@pytest.mark.parametrize("packed", [True, False])
def test_structures_of_columns(tmp_path: Path, packed: bool) -> None:
    data = columns()
    wanted = expected(data)
    one = {n: c + (n != "ts") for n, c in data.items()}  # counted from 1
    polarity = {"x": data["x"], "y": data["y"], "polarity": data["p"] == 1, "timeStamp": data["ts"]}
    layouts: dict[str, dict[str, Any]] = {
        "zero": {"TD": data},
        "signed": {"TD": {**data, "p": np.where(data["p"] > 0, 1, -1)}},
        "one": {"TD": {n: c.reshape(-1, 1) for n, c in one.items()}},
        "aedat": {"aedat": {"info": "text", "data": {"polarity": polarity}}},
        "loose": {"x": data["x"], "y": data["y"], "pol": data["p"], "ts": data["ts"] * 1.0},
    }
    for name, held in layouts.items():
        path = save(tmp_path / f"{name}.mat", held, packed)
        recording = read_recording(path, sensor=(2, 20, 30))
        assert recording.events == wanted, name
    assert read_recording(tmp_path / "one.mat").facts["variable"] == "TD"
    two = save(tmp_path / "two.mat", {"L": data, "R": columns(1)}, packed)
    assert read_events(two, sample=1, sensor=(2, 20, 30)) == expected(columns(1))
    with pytest.raises(InvalidValue, match="sample 2, the file holds 'L', 'R'"):
        read_events(two, sample=2)


def save73(path: Path, held: dict[str, Any]) -> Path:
    """As MATLAB writes version 7.3: HDF5 behind a block of 512 bytes, each matrix transposed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in held.items():
            file.create_dataset(name, data=np.atleast_2d(array).T)
    raw = bytearray(path.read_bytes())
    raw[:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    path.write_bytes(raw)
    return path


def test_version_7_3_is_read_through_hdf5(tmp_path: Path) -> None:
    grid = taxels(3)
    path = save73(tmp_path / "a.mat", {"spiketrain": grid})
    assert detect(path).name == "mat"
    assert rows(read_events(path)) == plain_decode(grid)
    data = columns()
    for name, held in (("row", data), ("column", {n: c[:, None] for n, c in data.items()})):
        path = save73(tmp_path / f"{name}.mat", {f"TD/{n}": c for n, c in held.items()})
        recording = read_recording(path, sensor=(2, 20, 30))
        assert recording.events == expected(data) and recording.facts["variable"] == "TD"
        chunks = list(stream_events(path, chunk=60, sensor=(2, 20, 30)))
        assert sum(map(len, chunks)) == 500 and len(chunks) > 5
    loose = save73(tmp_path / "b.mat", dict(data))
    assert read_events(loose, sensor=(2, 20, 30)) == expected(data)
    with pytest.raises(Unsupported, match="the file holds w"):
        read_events(save73(tmp_path / "c.mat", {"w": np.ones(4)}))
    with pytest.raises(CorruptFile, match="differ in length"):
        read_events(save73(tmp_path / "d.mat", {**data, "x": np.ones(4)}))
    raw = loose.read_bytes()
    loose.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(CorruptFile, match=r"b\.mat"):
        read_events(loose)


def test_this_process_reads_what_a_child_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch = save73(tmp_path / "a.mat", {"spiketrain": taxels(4)})
    camera = save73(tmp_path / "b.mat", {f"TD/{n}": c for n, c in columns().items()})
    child = [read_events(touch), read_events(camera)]
    isolated = sys.modules["neuro.formats.isolated"].run
    monkeypatch.setattr(
        "neuro.formats.mat.run", lambda *task, **how: isolated(*task, **how, trusted=True)
    )
    assert [read_events(touch), read_events(camera)] == child


def test_polarity_that_may_mean_either_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mat", {"TD": {**columns(), "p": np.ones(500)}})
    with pytest.raises(Unsupported, match="p is 1 for every event"):
        read_events(path)


def test_unknown_variables_are_named(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mat", {"net": {"w": np.ones((2, 3)), "c": "text"}, "k": np.ones(4)})
    with pytest.raises(Unsupported, match=r"holds net\.w \(2x3\), net\.c \(other\), k \(1x4\)"):
        read_events(path)
    with pytest.raises(Unsupported, match=r"only reads|does not write"):
        write_events(tmp_path / "b.mat", Events.sorted([1], [1], shape=2, clock=CLOCK),
                     format="mat")  # fmt: skip


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_number_type_is_read(tmp_path: Path, packed: bool, order: str) -> None:
    held: dict[str, Any] = {}
    for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"):
        held[kind] = np.arange(15).reshape(3, 5).astype(kind)
    path = save(tmp_path / "a.mat", held, packed)
    if order == ">":
        path.write_bytes(swapped(held))
    raw = np.fromfile(path, np.uint8)
    found = variables(raw, 1 << 30)
    for name, array in held.items():
        column = found[name]
        assert isinstance(column, Column) and column.dims == (3, 5)
        got = np.concatenate(list(values(raw, column, 4))).reshape(5, 3).T
        np.testing.assert_array_equal(got, array)


def swapped(held: dict[str, np.ndarray]) -> bytes:
    """A big-endian file, byte by byte from the specification."""
    numbers = {"f8": (9, 6), "f4": (7, 7), "i1": (1, 8), "u1": (2, 9), "i2": (3, 10),
               "u2": (4, 11), "i4": (5, 12), "u4": (6, 13), "i8": (12, 14),
               "u8": (13, 15)}  # fmt: skip

    def element(kind: int, data: bytes) -> bytes:
        return kind.to_bytes(4, "big") + len(data).to_bytes(4, "big") + data + b"\0" * (
            -len(data) % 8)  # fmt: skip

    out = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    for name, array in held.items():
        stored, kind = numbers[name]
        body = element(6, kind.to_bytes(4, "big") + bytes(4))
        body += element(5, b"".join(int(n).to_bytes(4, "big") for n in array.shape))
        body += element(1, name.encode())
        body += element(stored, array.astype(f">{name}").tobytes("F"))
        out += element(14, body)
    return out


def outcomes(path: Path, wrong: list[bytes]) -> list[str | Events]:
    """How each damaged file ends: in events, or in an error of ours."""
    found: list[str | Events] = []
    for data in wrong:
        path.write_bytes(data)
        try:
            found.append(read_events(path, sensor=(2, 20, 30)))
        except (CorruptFile, Unsupported) as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize("packed", [True, False])
def test_every_cut_is_noticed(tmp_path: Path, packed: bool) -> None:
    raw = save(tmp_path / "a.mat", {"TD": columns(0, 12)}, packed).read_bytes()
    texts = outcomes(tmp_path / "b.mat", [raw[:n] for n in range(len(raw))])
    bare = str(texts.pop(128))  # a header alone is a file that holds nothing
    assert "the file holds nothing" in bare
    assert all("at byte 128: a variable of" in str(t) for t in texts[136 - 1 :])
    assert not any(isinstance(t, Events) for t in texts)


@pytest.mark.parametrize("packed", [True, False])
def test_flipped_bits_end_in_events_or_a_clear_error(tmp_path: Path, packed: bool) -> None:
    raw = save(tmp_path / "a.mat", {"TD": columns(0, 12)}, packed).read_bytes()
    wrong = []
    for bit in range(8 * 124, 8 * len(raw)):
        data = bytearray(raw)
        data[bit // 8] ^= 1 << bit % 8
        wrong.append(bytes(data))
    found = outcomes(tmp_path / "b.mat", wrong)
    if packed:  # a checksum is over the values; bits that no value depends on do not matter
        read = [events for events in found if isinstance(events, Events)]
        assert len(read) < len(found) / 20
        assert all(events == expected(columns(0, 12)) for events in read)


def test_a_bomb_is_refused_by_its_size(tmp_path: Path) -> None:
    """Four gigabytes of zeros pack into four megabytes; none of them is kept."""
    grid = save(tmp_path / "a.mat", {"spiketrain": np.zeros((101, 1))}, packed=False).read_bytes()
    body = bytearray(grid[128:])
    body[4:8] = ((1 << 31) - 8).to_bytes(4, "little")
    pack = zlib.compressobj(9)
    packed = pack.compress(bytes(body)) + pack.flush()
    path = tmp_path / "b.mat"
    path.write_bytes(grid[:128] + (15).to_bytes(4, "little")
                     + len(packed).to_bytes(4, "little") + packed)  # fmt: skip
    with pytest.raises(CorruptFile, match="expected a variable up to 1000000"):
        read_events(path, limit=10**6)
    with pytest.raises(CorruptFile, match="byte 128: the packed variable ends before"):
        read_events(path)


def test_matrices_that_are_none_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    grid = taxels()
    grid[4, 7] = 3
    at = save(path, {"spiketrain": grid}, packed=False).read_bytes().find(np.float64(3).tobytes())
    with pytest.raises(CorruptFile, match=f"byte {at}: spiketrain instant 7, unit 4: 3.0, expecte"):
        read_events(path)
    grid[4, 7] = 1
    grid[-1, 7] = np.nan
    with pytest.raises(CorruptFile, match="got nan s"):
        read_events(save(path, {"spiketrain": grid}))
    with pytest.raises(CorruptFile, match=r"expected .units . 1, instants"):
        read_events(save(path, {"spiketrain": np.zeros((1, 4))}))
    data = columns(0, 9)
    data["ts"] = data["ts"] + 0.5
    with pytest.raises(CorruptFile, match="time stamp"):
        read_events(save(path, {"TD": data}))
    with pytest.raises(CorruptFile, match="differ in length"):
        read_events(save(path, {"TD": {**data, "x": np.zeros(3)}}))
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400))
    with pytest.raises(CorruptFile, match=r"a\.mat: .*(signature|superblock)"):
        read_events(path)
    path.write_bytes(b"<html><body>Sign in</body></html>")
    with pytest.raises(CorruptFile, match="a web page"):
        read_events(path)


def test_nested_structures_end(tmp_path: Path) -> None:
    deep: dict[str, Any] = {"x": np.ones(2)}
    for _ in range(12):
        deep = {"s": deep}
    found = variables(np.fromfile(save(tmp_path / "a.mat", deep), np.uint8), 1 << 30)
    depth, node = 0, found["s"]
    while isinstance(node, Struct):
        depth, node = depth + 1, node.fields["s"]
    assert depth == 8 and node is None
