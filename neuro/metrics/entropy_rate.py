"""How many bits a symbol of a sequence carries: estimates of its entropy rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.metrics.complexity import longest_matches, symbols_of

_LARGEST = 1 << 62  # code of a block that int64 can hold


def block_entropy(
    sequence: str | ArrayLike, length: int, *, corrected: bool = False
) -> NDArray[np.float64]:
    """Entropy of the blocks of `length` symbols that occur, in bits, shape [...].

    The plug-in estimate -sum p log2 p over the overlapping blocks. It is biased downwards, by
    about (K - 1) / (2 M ln 2) bits for K kinds of blocks among M; `corrected` adds that (Miller),
    with the K that occur, which is still too few if most kinds were seen once.

    Args:
        sequence: text, or whole numbers 0 to 255 of shape [T, ...] with time first.
        length: of a block, 0 to T; that of length 0 is 0.
        corrected: add Miller's correction.

    Raises:
        InvalidValue: no sequence of symbols, or no block of this length fits it.

    Source: Miller, in Information Theory in Psychology (1955), for the correction.
    """
    symbols = symbols_of("block_entropy", sequence)
    if length != int(length) or not 0 <= length <= len(symbols):
        raise InvalidValue(
            f"block_entropy.length: got {length!r}, expected 0 to {len(symbols)}, the sequence's"
        )
    rows = symbols.reshape(len(symbols), -1).T
    bits = [_block_entropy(row, int(length), corrected) for row in rows]
    return np.array(bits, np.float64).reshape(symbols.shape[1:])


def block_entropy_rate(
    sequence: str | ArrayLike, length: int, *, corrected: bool = False
) -> NDArray[np.float64]:
    """What the last symbol of a block adds to the ones before it, H(L) - H(L - 1), in bits [...].

    For a stationary source it falls to the entropy rate as L grows; for a Markov chain it is there
    at L = 2. Estimated from a finite sequence it keeps falling, below the truth, once the blocks
    are too many to be seen often: keep alphabet^L well below T.

    Args:
        sequence, corrected: as in `block_entropy`.
        length: L, at least 1.

    Raises:
        InvalidValue: as `block_entropy`, or a length below 1.

    Source: Strong, Koberle, de Ruyter van Steveninck & Bialek, Phys. Rev. Lett. 80 (1998); Cover
    & Thomas, Elements of Information Theory, theorem 4.2.1.
    """
    if length < 1:
        raise InvalidValue(f"block_entropy_rate.length: got {length!r}, expected at least 1")
    longer = block_entropy(sequence, length, corrected=corrected)
    return longer - block_entropy(sequence, length - 1, corrected=corrected)


def match_entropy_rate(sequence: str | ArrayLike) -> NDArray[np.float64]:
    """The entropy rate from how long the sequence repeats itself, in bits per symbol [...].

        1 / h = 1/T sum over i of Lambda_i / log2(i + 1),  i = 1 ... T - 1

    Lambda_i is 1 plus the length of the longest stretch from place i on that also starts earlier
    (places count from 0; the copies may overlap). No order of the source has to be chosen. It
    tends to the entropy rate of an ergodic source of finite memory, but slowly: the relative
    error falls as 1 / log T. Trains of one length can be compared. A constant sequence gives
    nearly 0, not 0.

    Args:
        sequence: text, or whole numbers 0 to 255 of shape [T, ...] with time first; T >= 2.

    Raises:
        InvalidValue: no sequence of at least two symbols.
        MissingExtra: Numba is not installed.

    Source: Kontoyiannis, Algoet, Suhov & Wyner, IEEE Trans. Inf. Theory 44 (1998), after
    Grassberger, IEEE Trans. Inf. Theory 35 (1989).
    """
    symbols = symbols_of("match_entropy_rate", sequence)
    if len(symbols) < 2:
        raise InvalidValue("match_entropy_rate: got 1 symbol, expected at least 2")
    rows = symbols.reshape(len(symbols), -1).T
    places = np.log2(np.arange(1, len(symbols)) + 1)
    bits = [1 / np.mean((longest_matches(row)[1:] + 1) / places) for row in rows]
    return np.array(bits, np.float64).reshape(symbols.shape[1:])


def _block_entropy(row: NDArray[np.uint8], length: int, corrected: bool) -> float:
    if not length:
        return 0.0
    kinds, code = np.unique(row, return_inverse=True)
    code = code.astype(np.int64)
    blocks, limit = code[: len(row) - length + 1], len(kinds)  # codes stay below the limit
    for i in range(1, length):
        if limit > _LARGEST // len(kinds):
            used, blocks = np.unique(blocks, return_inverse=True)
            limit = len(used)
        blocks = blocks * len(kinds) + code[i : len(row) - length + 1 + i]
        limit *= len(kinds)
    count = np.unique(blocks, return_counts=True)[1]
    share = count / len(blocks)
    bits = float(-(share * np.log2(share)).sum())
    return bits + (len(share) - 1) / (2 * len(blocks) * np.log(2)) if corrected else bits
