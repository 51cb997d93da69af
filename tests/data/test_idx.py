"""IDX files: every type, packed or not, and damage."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from neuro.data import read_idx
from neuro.errors import CorruptFile

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def idx(kind, array):
    head = bytes([0, 0, kind, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(TYPES[kind]).tobytes()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("packed", [False, True])
def test_the_array_is_the_one_that_was_stored(tmp_path, kind, packed):
    array = np.arange(24).reshape(2, 3, 4)
    raw = idx(kind, array)
    (tmp_path / "a").write_bytes(gzip.compress(raw) if packed else raw)
    read = read_idx(tmp_path / "a")
    assert np.array_equal(read, array) and read.dtype == np.dtype(TYPES[kind]).newbyteorder("=")
    read[0, 0, 0] = 1  # the caller's own


def test_damage_is_named_with_its_byte(tmp_path):
    path, raw = tmp_path / "a", idx(8, np.zeros((3, 4)))
    huge = bytes([0, 0, 8, 2]) + np.array([2**32 - 1, 2**32 - 1], ">u4").tobytes()
    cases = [
        (raw[:-1], "byte 23: the file is cut off"),
        (raw + b"\0", "byte 24: the file has bytes left over"),
        (raw[:6], "byte 3: 2 axes need 12 bytes"),
        (b"\0\0\x08\0", "0 axes"),
        (b"\x01" + raw[1:], "byte 0"),
        (b"\0\0\x0a\x01", "no IDX file"),
        (b"", "nothing"),
        (huge, "cut off"),
        (gzip.compress(raw)[:-6], "gzip stream"),
    ]
    for damaged, words in cases:
        path.write_bytes(damaged)
        with pytest.raises(CorruptFile, match=words):
            read_idx(path)
    path.write_bytes(gzip.compress(bytes(10_000)))
    with pytest.raises(CorruptFile, match="larger limit"):
        read_idx(path, limit=5000)
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")


@pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason="no MNIST files here")
def test_mnist_is_read():
    labels = read_idx(SHARED / "mnist" / "t10k-labels-idx1-ubyte.gz")
    images = read_idx(SHARED / "mnist" / "t10k-images-idx3-ubyte.gz")
    assert labels.shape == (10_000,) and images.shape == (10_000, 28, 28)
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
