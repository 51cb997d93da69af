"""How often a dendritic segment mistakes one sparse pattern for another: closed forms.

Symbols of all functions: n cells, of which a are active in a pattern; a segment with s synapses
recognises a pattern when at least theta of them see an active cell. Needs SciPy (extra `data`).

Source: Ahmad & Hawkins, How do neurons operate on sparse distributed representations?,
arXiv 1601.00720.
"""

from __future__ import annotations

import math
from typing import Any

from neuro.errors import InvalidValue, require


def false_match(
    n: int, a: int, s: int, theta: int, *, stored: int = 1, joined: int = 1, segments: int = 1
) -> float:
    """Probability that a random pattern is recognised.

        sum over b >= theta of C(s, b) C(n - s, a - b) / C(n, a)

    Args:
        n, a, s, theta: cells, active cells, synapses of a segment, threshold.
        stored: patterns that share a segment, each with s synapses of its own (union on the side
            of the synapses): s becomes the expected number of distinct ones, rounded.
        joined: patterns that are active at once (union on the side of the input): a becomes the
            expected number of active cells, rounded.
        segments: of the cell, any of which may match: 1 - (1 - p)^segments.

    The unions use expected counts, which underestimates the tail when few patterns are stored.

    Raises:
        InvalidValue: counts that do not fit, e.g. more active cells than cells.
        MissingExtra: SciPy is not installed.
    """
    _check("false_match", n=n, a=a, s=s, theta=theta)
    _counts("false_match", stored=stored, joined=joined, segments=segments)
    synapses, active = _union(n, s, stored), _union(n, a, joined)
    single = float(_hypergeom().sf(theta - 1, n, synapses, active))
    return -math.expm1(segments * math.log1p(-single)) if single < 1 else 1.0


def false_negative(a: int, s: int, theta: int, lost: int) -> float:
    """Probability that a segment misses its own pattern when `lost` of its a cells stay silent.

        sum over b > s - theta of C(s, b) C(a - s, lost - b) / C(a, lost)

    Raises:
        InvalidValue: counts that do not fit, e.g. more lost than active cells.
        MissingExtra: SciPy is not installed.
    """
    _check("false_negative", a=a, s=s, theta=theta)
    if s > a or not 0 <= lost <= a:
        raise InvalidValue(
            f"false_negative: got a={a}, s={s}, lost={lost}, expected s <= a and 0 <= lost <= a"
        )
    return float(_hypergeom().sf(s - theta, a, s, lost))


def optimal_theta(n: int, a: int, s: int, *, below: float = 1e-9) -> int:
    """The smallest threshold with a probability of a false match under `below`.

    Any higher threshold only costs tolerance to noise, since false negatives grow with theta.

    Raises:
        InvalidValue: even theta = s is not selective enough.
        MissingExtra: SciPy is not installed.
    """
    for theta in range(1, s + 1):
        if false_match(n, a, s, theta) < below:
            return theta
    raise InvalidValue(
        f"optimal_theta: with n={n}, a={a}, s={s} even theta={s} matches falsely with probability "
        f"{false_match(n, a, s, s):.3g}, expected below {below:g}. Use more synapses or sparser "
        "patterns."
    )


def _union(n: int, each: int, patterns: int) -> int:
    """Expected number of distinct members among n when random sets of `each` are joined."""
    return each if patterns == 1 else round(n * (1 - (1 - each / n) ** patterns))


def _hypergeom() -> Any:
    return require("scipy.stats", "data").hypergeom


def _counts(where: str, **values: int) -> None:
    for name, value in values.items():
        if value != int(value) or value < 1:
            raise InvalidValue(f"{where}.{name}: got {value}, expected a whole number above 0")


def _check(where: str, **values: int) -> None:
    _counts(where, **values)
    n = values.get("n", math.inf)
    if values["a"] > n or values["s"] > n or values["theta"] > values["s"]:
        given = ", ".join(f"{name}={value}" for name, value in values.items())
        raise InvalidValue(f"{where}: got {given}, expected a <= n, s <= n and theta <= s")
