"""Lempel-Ziv words against the published scan, known entropies and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.metrics.complexity import lempel_ziv, lempel_ziv_complexity

TEXT = st.text(alphabet="01", min_size=1, max_size=150)


def kaspar_schuster(s: str) -> int:
    """The scan of Phys. Rev. A 36 (1987), fig. 1, letter by letter: no search, no `bytes`."""
    words, words_start, longest, pointer, matched = 1, 1, 1, 0, 1
    while words_start < len(s):
        if s[pointer + matched - 1] == s[words_start + matched - 1]:
            matched += 1
            if words_start + matched > len(s):
                return words + 1
            continue
        longest = max(longest, matched)
        pointer += 1
        if pointer == words_start:
            words, words_start, longest, pointer = words + 1, words_start + longest, 1, 0
        matched = 1
    return words


def markov(n: int, trains: int, switch: float) -> NDArray[np.bool_]:
    return np.logical_xor.accumulate(np.random.default_rng(0).random((n, trains)) < switch)


def coin(n: int, trains: int, chance: float) -> NDArray[np.bool_]:
    return np.random.default_rng(0).random((n, trains)) < chance


def test_the_published_example_has_six_words() -> None:
    assert lempel_ziv("0001101001000101") == 6  # 0 001 10 100 1000 101


@given(TEXT)
def test_counts_the_words_of_the_published_scan(text: str) -> None:
    assert lempel_ziv(text) == kaspar_schuster(text)


@given(TEXT)
def test_names_of_the_symbols_do_not_matter(text: str) -> None:
    assert lempel_ziv(text) == lempel_ziv(text.translate(str.maketrans("01", "10")))


@given(TEXT, TEXT)
def test_more_text_has_no_fewer_words_and_joining_is_subadditive(a: str, b: str) -> None:
    # Lempel & Ziv 1976, section II: c(ab) >= c(a) and c(ab) <= c(a) + c(b).
    assert lempel_ziv(a) <= lempel_ziv(a + b) <= lempel_ziv(a) + lempel_ziv(b)


@given(st.text(alphabet="01", min_size=1, max_size=20))
def test_repeating_a_text_adds_one_word_at_most(text: str) -> None:
    assert lempel_ziv(text * 5) == lempel_ziv(text * 50) <= lempel_ziv(text) + 1


def test_a_constant_train_has_two_words() -> None:
    assert lempel_ziv("0") == 1
    assert lempel_ziv("0" * 500) == 2


def test_trains_of_an_array_are_parsed_one_by_one() -> None:
    spikes = coin(60, 6, 0.3).reshape(60, 2, 3)
    words = lempel_ziv(spikes)
    assert words.shape == (2, 3)
    for b, unit in np.ndindex(2, 3):
        assert words[b, unit] == kaspar_schuster("".join(map(str, spikes[:, b, unit].astype(int))))


@pytest.mark.parametrize(
    ("spikes", "mean"),
    [
        (coin(256, 400, 0.5), 1.13),
        (coin(1024, 50, 0.5), 1.06),
        (coin(4096, 4, 0.5), 1.04),
        (coin(16384, 4, 0.5), 1.03),
        (markov(1024, 400, 0.1), 0.501),
        (markov(4096, 40, 0.1), 0.484),
        (markov(16384, 20, 0.1), 0.473),
        (coin(1024, 400, 0.1), 0.478),
        (coin(4096, 60, 0.1), 0.471),
        (coin(16384, 20, 0.1), 0.460),
    ],
)
def test_sources_have_the_complexity_measured_elsewhere(spikes: NDArray, mean: float) -> None:
    assert lempel_ziv_complexity(spikes).mean() == pytest.approx(mean, rel=0.02)


@pytest.mark.parametrize("chance", [0.05, 0.2, 0.5])
def test_long_trains_come_near_the_entropy_rate(chance: float) -> None:
    entropy = -chance * np.log2(chance) - (1 - chance) * np.log2(1 - chance)
    short, long = (
        abs(lempel_ziv_complexity(coin(n, trains, chance)).mean() / entropy - 1)
        for n, trains in ((64, 400), (16384, 6))
    )
    assert long < 0.06
    assert long < short


def test_the_alphabet_scales_the_complexity() -> None:
    dice = np.random.default_rng(0).integers(0, 4, (4096, 4))
    assert lempel_ziv_complexity(dice, alphabet=4).mean() == pytest.approx(1, abs=0.06)
    np.testing.assert_allclose(
        lempel_ziv_complexity(dice, alphabet=16), lempel_ziv_complexity(dice, alphabet=4) / 2
    )


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        ("", "at least one symbol"),
        (1.0, "at least one symbol"),
        (np.array([0.0, 0.5]), "graded"),
        (np.array([0, -1]), "whole numbers"),
        (np.array([0, 300]), "0 to 255"),
        (np.array([0.0, np.nan]), "whole numbers"),
        (np.array(["a", "b"]), "dtype"),
    ],
)
def test_refuses_what_is_no_sequence_of_symbols(sequence, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        lempel_ziv(sequence)


def test_refuses_to_normalise_what_cannot_be() -> None:
    with pytest.raises(InvalidValue, match="at least 2"):
        lempel_ziv_complexity("0")
    with pytest.raises(InvalidValue, match="at least 3"):
        lempel_ziv_complexity("012")
    with pytest.raises(InvalidValue, match="at least 2"):
        lempel_ziv_complexity("00", alphabet=1)
