"""Floating-point formats, and the functions over `exp` that every back end writes alike."""

from __future__ import annotations

import math
from typing import Any

LOG2E = 1 / math.log(2)
SQRT_HALF = math.sqrt(0.5)


class Format:
    """What the elementary functions need to know about a floating-point format."""

    def __init__(
        self, bits: int, bias: int, limit: tuple[float, float], ln2: tuple[float, float],
        exp_terms: int, log_terms: int, integer: str,
    ) -> None:  # fmt: skip
        self.mantissa, self.bias, self.limit, self.ln2 = bits, bias, limit, ln2
        self.exp_terms = [1 / math.factorial(k) for k in range(exp_terms, -1, -1)]
        self.log_terms = [2 / (2 * k + 1) for k in range(log_terms, -1, -1)]
        self.integer = integer


# ln(2) in two parts, of which the first has trailing zeros: n times it is exact.
FORMATS = {
    "float32": Format(23, 127, (-87.0, 88.0), (0.693359375, -2.12194440e-4), 7, 5, "int32"),
    "float64": Format(
        52, 1023, (-708.0, 709.0), (0.693145751953125, 1.42860682030941723212e-6), 13, 11, "int64"
    ),
}


def tanh(x: Any, ops: Any) -> Any:
    """See `neuro.ops.tanh`; `ops` has the `exp` and `where` of the array or symbol x."""
    e = ops.exp(ops.where(x < 0.0, 2.0 * x, -2.0 * x))  # abs(x) has no slope at 0
    y = (1.0 - e) / (1.0 + e)
    return ops.where(x < 0.0, -y, y)


def sigmoid(x: Any, ops: Any) -> Any:
    """See `neuro.ops.sigmoid`; `ops` has the `exp` and `where` of the array or symbol x."""
    e = ops.exp(ops.where(x < 0.0, x, -x))  # abs(x) has no slope at 0
    y = e / (1.0 + e)
    return ops.where(x < 0.0, y, 1.0 - y)
