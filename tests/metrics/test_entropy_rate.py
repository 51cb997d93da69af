"""Estimates of the entropy rate against Markov chains' closed form and brute force."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.errors import InvalidValue
from neuro.metrics import _match_kernels as kernels
from neuro.metrics import (
    block_entropy,
    block_entropy_rate,
    lempel_ziv,
    lempel_ziv_complexity,
    match_entropy_rate,
)
from neuro.metrics.complexity import _short_words, longest_matches
from neuro.synthetic import MarkovSource, markov_spikes

THREE = MarkovSource([[0.8, 0.15, 0.05], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]])


def slow_matches(text: bytes) -> list[int]:
    found = []
    for i in range(len(text)):
        best = 0
        for j in range(i):
            length = 0
            while i + length < len(text) and text[j + length] == text[i + length]:
                length += 1
            best = max(best, length)
        found.append(best)
    return found


@settings(deadline=None)  # the first call loads the compiled kernel
@given(st.binary(min_size=1, max_size=60) | st.lists(st.integers(0, 1), min_size=1, max_size=80))
def test_the_longest_earlier_match_is_that_of_a_search_by_hand(text) -> None:
    symbols = np.array(list(text), np.uint8)
    expected = slow_matches(bytes(text))
    assert longest_matches(symbols).tolist() == expected


@pytest.mark.parametrize("kinds", [1, 2, 3, 256])
def test_the_kernel_gives_the_same_uncompiled(kinds: int) -> None:
    symbols = np.random.default_rng(kinds).integers(0, kinds, 200).astype(np.uint8)
    matches = np.empty(200, np.int64)
    kernels.longest_matches.py_func(symbols, matches)
    assert matches.tolist() == longest_matches(symbols).tolist() == slow_matches(symbols.tobytes())


def test_long_sequences_have_the_words_of_the_search_for_short_ones() -> None:
    for symbols in (markov_spikes(0.1, 0.4).sample(30_000), THREE.sample(20_000)):
        assert lempel_ziv(symbols)[0] == _short_words(symbols[:, 0].tobytes())


def test_a_million_symbols_come_near_the_entropy_rate() -> None:
    source = markov_spikes(0.1, 0.4)
    symbols = source.sample(1_000_000, seed=1)
    assert lempel_ziv_complexity(symbols)[0] == pytest.approx(source.entropy_rate, rel=0.02)
    assert match_entropy_rate(symbols)[0] == pytest.approx(source.entropy_rate, rel=0.15)
    assert block_entropy_rate(symbols, 4)[0] == pytest.approx(source.entropy_rate, rel=0.01)


@pytest.mark.parametrize("source", [THREE, markov_spikes(0.2, 0.02), markov_spikes(0.5, 0.5)])
def test_blocks_of_two_have_the_entropy_rate_of_a_chain(source: MarkovSource) -> None:
    symbols = source.sample(20_000, 4, seed=2)
    rates = block_entropy_rate(symbols, 2)
    assert rates.shape == (4,)
    np.testing.assert_allclose(rates, source.entropy_rate, rtol=0.03)
    single = -sum(p * math.log2(p) for p in source.stationary)
    np.testing.assert_allclose(block_entropy_rate(symbols, 1), single, rtol=0.03)


def test_matches_get_nearer_with_length_and_order_sources_rightly() -> None:
    def error(n: int) -> float:
        return abs(float(match_entropy_rate(THREE.sample(n, 5)).mean()) / THREE.entropy_rate - 1)

    assert error(100_000) < error(500)
    quiet, lively = (markov_spikes(p, 0.1).sample(20_000, seed=3) for p in (0.02, 0.3))
    assert match_entropy_rate(quiet)[0] < match_entropy_rate(lively)[0]
    assert match_entropy_rate(np.zeros(10_000, int)) < 0.01


@given(st.text("abc", min_size=3, max_size=60), st.integers(1, 3))
def test_block_entropy_counts_blocks(text: str, length: int) -> None:
    count = Counter(text[i : i + length] for i in range(len(text) - length + 1))
    total = sum(count.values())
    expected = -sum(c / total * math.log2(c / total) for c in count.values())
    assert block_entropy(text, length) == pytest.approx(expected, abs=1e-12)
    more = block_entropy(text, length, corrected=True) - expected
    assert more == pytest.approx((len(count) - 1) / (2 * total * math.log(2)))


def test_the_correction_takes_most_of_the_bias_away() -> None:
    dice = np.random.default_rng(4).integers(0, 8, (200, 300))
    plain, corrected = (block_entropy(dice, 1, corrected=c).mean() for c in (False, True))
    assert plain < 3 - 0.02
    assert corrected == pytest.approx(3, abs=0.004)


def test_long_blocks_do_not_overflow_their_codes() -> None:
    symbols = np.random.default_rng(5).integers(0, 256, 500)
    assert block_entropy(symbols, 100) == pytest.approx(math.log2(401))
    assert block_entropy("abab", 0) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: block_entropy("ab", 3), "expected 0 to 2"),
        (lambda: block_entropy("", 1), "at least one symbol"),
        (lambda: block_entropy_rate("ab", 0), "at least 1"),
        (lambda: match_entropy_rate("a"), "at least 2"),
        (lambda: match_entropy_rate([0.5, 0.1]), "whole numbers"),
    ],
)
def test_refuses_what_has_no_entropy_rate(call, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()
