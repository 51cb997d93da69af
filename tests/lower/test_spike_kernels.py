"""Kernels on packed spikes against NumPy, compiled and as the same lines run by Python."""

from __future__ import annotations

import numpy as np
import pytest

from neuro.lower import gather, packed, stamp

R, N = 13, 150  # rows and units: neither fills its last word or group of eight
WORDS = -(-N // 64)


@pytest.fixture(params=["compiled", "python"])
def run(request):
    """A kernel as it is compiled, or its Python lines, whose products wrap as in machine code."""

    def call(kernel, *arguments):
        if request.param == "compiled":
            return kernel(*arguments)
        with np.errstate(over="ignore"):
            return kernel.py_func(*arguments)

    return call


@pytest.fixture
def x():
    rng = np.random.default_rng(5)
    spikes = (rng.random((R, N)) < 0.2).astype(np.float32)
    spikes[3] = 0
    spikes[7] *= rng.uniform(0.5, 2, N).astype(np.float32)  # graded
    return spikes


@pytest.fixture
def bits(x):
    padded = np.zeros((R, 64 * WORDS), bool)
    padded[:, :N] = x != 0
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)


def test_spikes_are_packed_counted_and_unpacked(run, x, bits):
    got, counts, graded = np.zeros_like(bits), np.zeros(R, np.int64), np.zeros(R, np.uint8)
    run(packed.pack, x, got, counts, graded, 0, R)
    np.testing.assert_array_equal(got, bits)
    np.testing.assert_array_equal(counts, (x != 0).sum(1))
    np.testing.assert_array_equal(graded, [r == 7 for r in range(R)])
    back = np.zeros_like(x)
    run(packed.unpack, bits, back, 0, R)
    np.testing.assert_array_equal(back, x != 0)
    assert run(packed.count, x, 3, 0, R) == (x[::3] != 0).sum()


def test_set_units_are_listed_by_row_and_by_column(run, x, bits):
    counts = (x != 0).sum(1)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    places = np.zeros(starts[-1], np.int32)
    run(packed.list_rows, bits, starts, places, 0, R)
    rows, units = np.nonzero(x)
    np.testing.assert_array_equal(places, units)
    values = np.zeros(starts[-1], np.float32)
    run(packed.take, x, starts, places, values, 0, R)
    np.testing.assert_array_equal(values, x[rows, units])

    height, tiles = 5, 3
    tally = np.zeros((tiles, N), np.int64)
    run(packed.count_columns, bits, height, tally, 0, tiles)
    for tile in range(tiles):
        np.testing.assert_array_equal(tally[tile], (x[5 * tile : 5 * tile + 5] != 0).sum(0))
    first = np.concatenate([[0], np.cumsum(tally.ravel())])[:-1].reshape(tiles, N)
    by_column, sorted_values = np.zeros(starts[-1], np.int32), np.zeros(starts[-1], np.float32)
    run(
        packed.list_columns, bits, height, first, by_column, starts, values, sorted_values,
        0, tiles,
    )  # fmt: skip
    order = np.lexsort((rows, units, rows // height))
    np.testing.assert_array_equal(by_column, rows[order])
    np.testing.assert_array_equal(sorted_values, x[rows, units][order])


def test_units_of_one_row_are_listed(run, x):
    flags = np.zeros(-(-N // 8) * 8, np.uint8)
    places = np.zeros(N, np.int32)
    n = run(packed.nonzero, x[0], flags, flags.view(np.uint64), places)
    np.testing.assert_array_equal(places[:n], np.flatnonzero(x[0]))


@pytest.mark.parametrize("graded", [False, True])
def test_gathered_rows_are_the_product(run, x, graded):
    table = np.random.default_rng(6).standard_normal((N, 10))
    counts = (x != 0).sum(1)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    _, units = np.nonzero(x)
    values = x[np.nonzero(x)].astype(np.float64) if graded else np.zeros(0)
    out, bias = np.zeros((R, 10)), np.full(10, 0.5)
    run(gather.gather, out, bias, table, starts, units.astype(np.int32), values, 0, R)
    np.testing.assert_allclose(out, (x if graded else x != 0) @ table + 0.5, rtol=1e-12)


def test_a_matrix_is_turned_round(run):
    source = np.random.default_rng(7).random((11, 6))
    target = np.zeros((6, 11))
    run(gather.turn, source, target, 0, 11)
    np.testing.assert_array_equal(target, source.T)


def test_overlapping_taps_are_folded_onto_the_image(run):
    rng = np.random.default_rng(8)
    taps = rng.random((2, 3 * 4, 3, 3 * 2))  # 3 x 4 places, 3 x 3 taps of 2 channels
    x = np.zeros((2, 2, 4, 6))
    run(stamp.fold, x, taps, (3, 4), (2, 2), (1, 1), 0, 2)
    wanted = np.zeros((2, 2, 3 * 2 + 3, 4 * 2 + 3))  # with its padding
    for i in range(3):
        for j in range(4):
            block = taps[:, i * 4 + j].reshape(2, 3, 3, 2)
            wanted[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += np.moveaxis(block, 3, 1)
    np.testing.assert_allclose(x, wanted[:, :, 1:5, 1:7], rtol=1e-12)
