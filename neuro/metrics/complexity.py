"""How compressible a spike train is: the Lempel-Ziv complexity of 1976."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue, require

_SHORT = 1 << 13  # symbols up to which the search of `bytes`, without Numba, takes milliseconds


def lempel_ziv(sequence: str | ArrayLike) -> NDArray[np.int64]:
    """Number of words c into which each sequence parses, shape [...] (0-d for one sequence).

    A word is the shortest stretch that does not occur in what precedes its last symbol; the copy
    may overlap the word itself. What is left at the end counts as a word. Between 1 and
    roughly n / log_a(n) for n symbols out of a.

    Args:
        sequence: text, or whole numbers 0 to 255 of shape [T, ...] with time first, e.g.
            `record.array("hid1.spikes")`.

    Raises:
        InvalidValue: no symbols, or symbols that are not whole numbers from 0 to 255.
        MissingExtra: more than 8192 symbols, and Numba is not installed.

    Source: Lempel & Ziv, IEEE Trans. Inf. Theory 22 (1976), section II; the count is the one of
    Kaspar & Schuster, Phys. Rev. A 36 (1987), fig. 1. Not to be mixed up with LZ78 or LZW.

    Example:
        lempel_ziv("0001101001000101")  # 0 001 10 100 1000 101: 6 words
    """
    symbols = symbols_of("lempel_ziv", sequence)
    rows = symbols.reshape(len(symbols), -1).T
    words = [_words(row) for row in rows]
    return np.array(words, np.int64).reshape(symbols.shape[1:])


def lempel_ziv_complexity(sequence: str | ArrayLike, *, alphabet: int = 2) -> NDArray[np.float64]:
    """Words per symbol in units of chance, c log_a(n) / n, shape [...].

    Tends to the entropy rate of an ergodic source, in bits per symbol for a = 2. Short trains are
    biased, mostly upwards: a fair coin gives 1.12 at n = 256 and 1.02 at n = 16384. Compare trains
    of equal length only.

    Args:
        sequence: as in `lempel_ziv`, of at least two symbols.
        alphabet: number of symbols a that the source could use; 2 for spikes.

    Raises:
        InvalidValue: as `lempel_ziv`; fewer than two symbols, or more kinds than `alphabet`.

    Source: Amigo, Szczepanski, Wajnryb & Sanchez-Vives, Neural Computation 16 (2004).
    """
    symbols = symbols_of("lempel_ziv_complexity", sequence)
    if len(symbols) < 2:
        raise InvalidValue(
            "lempel_ziv_complexity: got 1 symbol, expected at least 2; its logarithm is 0"
        )
    kinds = len(np.unique(symbols))
    if alphabet < max(kinds, 2):
        raise InvalidValue(
            f"lempel_ziv_complexity.alphabet: got {alphabet}, expected at least {max(kinds, 2)}: "
            f"the sequence has {kinds} different symbols. Clip spike counts to 0 and 1, or pass a "
            "larger alphabet."
        )
    n = len(symbols)
    return lempel_ziv(symbols) * (np.log(n) / np.log(alphabet) / n)


def longest_matches(text: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Length of the longest stretch from each place [T] that also starts earlier, [T].

    The copies may overlap. Linear in T.
    """
    require("numba", "sim")
    from neuro.metrics import _match_kernels as kernels

    matches = np.empty(len(text), np.int64)
    kernels.longest_matches(np.ascontiguousarray(text), matches)
    return matches


def _words(text: NDArray[np.uint8]) -> int:
    """Words of one sequence."""
    if len(text) <= _SHORT:
        return _short_words(text.tobytes())
    matches = longest_matches(text).tolist()
    words, start = 0, 0
    while start < len(matches):  # a word is the longest match and the symbol after it
        words += 1
        start += matches[start] + 1
    return words


def _short_words(text: bytes) -> int:
    """The same with the search of `bytes`, quick to start but quadratic."""
    words, start = 0, 0
    while start < len(text):
        words += 1
        length, found = 1, 0
        # A longer word cannot occur earlier than the shorter one it begins with.
        while start + length <= len(text):
            found = text.find(text[start : start + length], found, start + length - 1)
            if found < 0:
                break
            length += 1
        start += length
    return words


def symbols_of(where: str, sequence: str | ArrayLike) -> NDArray[np.uint8]:
    """The sequence as bytes [T, ...]."""
    if isinstance(sequence, str):
        sequence = np.array([ord(letter) for letter in sequence], np.int64)
    array = np.asarray(sequence)
    if array.ndim < 1 or not len(array):
        raise InvalidValue(
            f"{where}: got shape {array.shape}, expected [T, ...] with at least one symbol"
        )
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == np.bool_):
        raise InvalidValue(f"{where}: got dtype {array.dtype}, expected whole numbers 0 to 255")
    if array.dtype != np.bool_ and not (
        (array >= 0).all() and (array <= 255).all() and (array == np.rint(array)).all()
    ):
        raise InvalidValue(
            f"{where}: expected whole numbers 0 to 255, e.g. spikes; a graded signal such as a "
            "membrane must be cut into symbols first"
        )
    return array.astype(np.uint8)
