"""What the fuzzer of event formats starts from, and how it changes files."""

from __future__ import annotations

import random
import re
import struct
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuro.clock import Clock
from neuro.errors import InvalidValue, Unsupported
from neuro.events import Events
from neuro.formats._base import Format
from neuro.units import ms, us

LARGEST = 8192  # bytes of an input that grows
_NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31,
            2**32 - 1, 2**53, 2**62, 2**63 - 1, -(2**31), -(2**63))  # fmt: skip
_WORDS = (b"0", b"-1", b"1e400", b"nan", b"99999999999999999999", b"1e-5", b" ", b"\t", b",", b"#",
          b"%", b"\n", b"\r\n", b"\n\n", b"\x00", b"width", b"height", b"geometry 0x0",
          b"% end\n", b"#!END-HEADER\r\n")  # fmt: skip


def seeds(given: Format, most: int) -> list[bytes]:
    """Up to so many small files of a format: written by neuro, and made by hand."""
    found: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"seed{given.suffixes[0]}"
        for events in _recordings() if given.writable else ():
            try:
                given.write(path, events)
            except (InvalidValue, Unsupported):
                continue  # does not fit this format
            if path.stat().st_size <= 4 * LARGEST:
                found.append(path.read_bytes())
        for make in _BY_HAND.get(given.name, ()):
            path.unlink(missing_ok=True)
            make(path)
            found.append(path.read_bytes())
    different = sorted(set(found), key=lambda data: (len(data), data))
    made = len(_BY_HAND.get(given.name, ()))
    chosen = different[:: -(-len(different) // max(1, most - made))] if different else []
    return list(dict.fromkeys([*chosen, *found[len(found) - made :]])) or [b"\x00" * 32]


def _recordings() -> list[Events]:
    rng = np.random.default_rng([7])
    shapes = ((2, 8, 10), (2, 128, 128), (2, 260, 346), (16,), (700,), (2, 1, 40))
    made = []
    for shape in shapes:
        size = int(np.prod(shape))
        for count, span in ((0, 1), (1, 5), (25, 60), (60, 200_000), (9, 1 << 33)):
            for tick in (1 * us, 1 * ms):
                t, unit = rng.integers(0, span, count), rng.integers(0, size, count)
                made.append(Events.sorted(t, unit, shape=shape, clock=Clock(tick)))
        # a row of neighbours at one instant, which vector formats pack
        made.append(Events.sorted([3] * 8, range(8), shape=shape, clock=Clock(1 * us)))
        graded = rng.random(5).astype(np.float32)
        made.append(
            Events.sorted(range(5), range(5), shape=shape, clock=Clock(1 * us), value=graded)
        )
    return made


def _mat_columns(path: Path) -> None:
    import scipy.io

    rng = np.random.default_rng([1])
    columns: dict[str, Any] = {n: rng.integers(0, 9, 12).astype(np.float64) for n in ("x", "y")}
    columns |= {"p": rng.integers(0, 2, 12), "ts": np.arange(12) * 10}
    scipy.io.savemat(path, {"TD": columns}, do_compression=True)


def _mat_plain(path: Path) -> None:
    import scipy.io

    columns = {"x": np.arange(6.0), "y": np.arange(6.0), "p": np.tile([-1.0, 1.0], 3)}
    scipy.io.savemat(path, {**columns, "ts": np.arange(6.0)})


def _mat_matrix(path: Path) -> None:
    import scipy.io

    grid = np.random.default_rng([2]).integers(-1, 2, (101, 7)).astype(np.float64)
    grid[-1] = np.arange(7) * 1e-3
    scipy.io.savemat(path, {"spiketrain": grid})


def _mat_hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name in ("x", "y", "p", "ts"):
            file[name] = np.arange(6.0)[None] % (2 if name == "p" else 9)
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    with open(path, "r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def _speech(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        times: Any = file.create_dataset("spikes/times", (2,), h5py.vlen_dtype(np.float16))
        units: Any = file.create_dataset("spikes/units", (2,), h5py.vlen_dtype(np.uint16))
        for i in range(2):
            times[i] = np.linspace(0, 0.1, 5).astype(np.float16)
            units[i] = np.arange(5) * 100
        file["labels"] = np.array([0, 1], np.uint8)
        file["extra/keys"] = np.array([b"zero", b"one"])
        file["extra/speaker"] = np.array([0, 1], np.uint8)


def _neurodata(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["units/spike_times"] = np.array([0.1, 0.2, 0.05, 0.3])
        file["units/spike_times_index"] = np.array([2, 4])
        file["units/id"] = np.array([0, 1])


def _float_columns(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, column in (("ts", np.arange(6) * 1e-3), ("xs", np.arange(6)),
                             ("ys", np.arange(6)), ("ps", np.ones(6, bool))):  # fmt: skip
            file[f"events/{name}"] = column


_BY_HAND: dict[str, Sequence[Callable[[Path], None]]] = {
    "mat": (_mat_columns, _mat_plain, _mat_matrix, _mat_hdf5),
    "shd": (_speech,),
    "nwb": (_neurodata,),
    "hdf5_events": (_float_columns,),
}


def mutated(rng: random.Random, data: bytes, corpus: Sequence[bytes], others: list[bytes]) -> bytes:
    """The input changed in one to six ways; `others` are files of all formats."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        rng.choice(_WAYS)(rng, out, corpus, others)
    return bytes(out[:LARGEST] if len(data) < LARGEST else out)


Way = Callable[[random.Random, bytearray, Sequence[bytes], list[bytes]], None]


def _place(rng: random.Random, out: bytearray) -> int:
    """Somewhere, half of the time near the beginning, where headers are."""
    size = len(out)
    return rng.randrange(min(size, 160) if rng.random() < 0.5 else size) if size else 0


def _flip(rng: random.Random, out: bytearray, *_: Any) -> None:
    if out:
        out[_place(rng, out)] ^= 1 << rng.randrange(8)


def _set(rng: random.Random, out: bytearray, *_: Any) -> None:
    if out:
        out[_place(rng, out)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _cut(rng: random.Random, out: bytearray, *_: Any) -> None:
    del out[_place(rng, out) :]


def _remove(rng: random.Random, out: bytearray, *_: Any) -> None:
    at = _place(rng, out)
    del out[at : at + rng.choice((1, 2, 4, 8, rng.randrange(1, 64)))]


def _double(rng: random.Random, out: bytearray, *_: Any) -> None:
    at = _place(rng, out)
    part = out[at : at + rng.choice((1, 2, 4, 8, 16, rng.randrange(1, 200)))]
    out[at:at] = part * rng.choice((1, 1, 2, 30))


def _insert(rng: random.Random, out: bytearray, *_: Any) -> None:
    at = _place(rng, out)
    out[at:at] = rng.randbytes(rng.choice((1, 2, 3, 4, 8)))


def _splice(rng: random.Random, out: bytearray, corpus: Sequence[bytes], *_: Any) -> None:
    other = rng.choice(corpus)
    at, cut = _place(rng, out), rng.randrange(len(other) + 1)
    out[at:] = other[cut:]


def _overwrite(rng: random.Random, out: bytearray, corpus: Sequence[bytes], *_: Any) -> None:
    other = rng.choice(corpus)
    start = rng.randrange(len(other) + 1)
    part = other[start : start + rng.choice((2, 4, 8, 16, 64))]
    at = _place(rng, out)
    out[at : at + len(part)] = part


def _giant(rng: random.Random, out: bytearray, *_: Any) -> None:
    number, form = rng.choice(_NUMBERS), rng.choice(("<b", "<h", "<i", "<q", ">h", ">i", ">q"))
    bits = 8 * struct.calcsize(form)
    value = number & (2**bits - 1)
    packed = value.to_bytes(bits // 8, "big" if form[0] == ">" else "little")
    at = _place(rng, out) // rng.choice((1, len(packed))) * len(packed)
    out[at : at + len(packed)] = packed


def _word(rng: random.Random, out: bytearray, *_: Any) -> None:
    at = _place(rng, out)
    out[at : at + rng.choice((0, 1, 4))] = rng.choice(_WORDS)


def _figure(rng: random.Random, out: bytearray, *_: Any) -> None:
    """Another number in the place of one that is written in digits."""
    found = list(re.finditer(rb"\d+", bytes(out[:LARGEST])))
    if found:
        place = rng.choice(found)
        out[place.start() : place.end()] = str(rng.choice(_NUMBERS)).encode()


def _line(rng: random.Random, out: bytearray, *_: Any) -> None:
    """Lines exchanged or left out."""
    lines = bytes(out).split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    if rng.random() < 0.5:
        lines[i], lines[j] = lines[j], lines[i]
    else:
        del lines[i]
    out[:] = b"\n".join(lines)


def _mark(rng: random.Random, out: bytearray, _: Any, others: list[bytes]) -> None:
    """The beginning of another format's file."""
    head = rng.choice(others)[: rng.choice((4, 16, 64))]
    out[: len(head) if rng.random() < 0.7 else 0] = head


_WAYS: tuple[Way, ...] = (
    _flip, _flip, _set, _set, _cut, _remove, _double, _insert, _splice, _overwrite, _giant, _giant,
    _word, _figure, _line, _mark,
)  # fmt: skip
