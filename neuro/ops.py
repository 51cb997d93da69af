"""The few operations that a neuron's laws may use beside Python's arithmetic.

Each works on floats, NumPy arrays, PyTorch tensors and on the symbols with which the compiler
reads a law (`neuro.lower.trace`), so one text of the laws serves every back end. PyTorch is never
imported here: whoever passes a tensor has imported it.

On tensors and symbols, `exp`, `log`, `tanh` and `sigmoid` are sums and products in a fixed order
(`neuro.lower.elementary`) instead of a library's function, so every back end gives the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any  # a float, NumPy array, PyTorch tensor or symbol


def _own(*operands: Array) -> Any:
    """Whoever computes for operands that are not plain numbers: PyTorch's functions or a symbol."""
    for x in operands:
        if hasattr(x, "neuro_symbol"):
            return x.neuro_symbol
    for x in operands:
        if hasattr(x, "requires_grad"):
            from neuro.lower import elementary

            return elementary
    return None


def exp(x: Array) -> Array:
    """e to the power x."""
    own = _own(x)
    return own.exp(x) if own else np.exp(x)


def log(x: Array) -> Array:
    """Natural logarithm."""
    own = _own(x)
    return own.log(x) if own else np.log(x)


def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    own = _own(x)
    return own.tanh(x) if own else np.tanh(x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    own = _own(x)
    return own.sigmoid(x) if own else 0.5 * (1 + np.tanh(0.5 * np.asarray(x)))


def sqrt(x: Array) -> Array:
    """Square root."""
    own = _own(x)
    return own.sqrt(x) if own else np.sqrt(x)


def sin(x: Array) -> Array:
    """Sine, for `derive` only: it is not the same to the last bit everywhere."""
    own = _own(x)
    return own.sin(x) if own else np.sin(x)


def cos(x: Array) -> Array:
    """Cosine, for `derive` only: it is not the same to the last bit everywhere."""
    own = _own(x)
    return own.cos(x) if own else np.cos(x)


def floor(x: Array) -> Array:
    """The largest whole number not above x; no gradient flows."""
    own = _own(x)
    return own.floor(x) if own else np.floor(x)


def round(x: Array) -> Array:
    """The nearest whole number, halves to even; the gradient passes straight through."""
    own = _own(x)
    return own.round(x) if own else np.round(x)


def power(x: Array, n: Array) -> Array:
    """x to the power n, a number of ticks; exactly x for n = 1 and exactly 1 for n = 0."""
    if isinstance(n, int) and n == 1:
        return x
    own = _own(x, n)
    return own.power(x, n) if own else x**n


def maximum(x: Array, y: Array) -> Array:
    """The larger of the two; where they are equal, the gradient belongs to x."""
    own = _own(x, y)
    return own.maximum(x, y) if own else np.maximum(x, y)


def minimum(x: Array, y: Array) -> Array:
    """The smaller of the two; where they are equal, the gradient belongs to x."""
    own = _own(x, y)
    return own.minimum(x, y) if own else np.minimum(x, y)


def where(condition: Array, yes: Array, no: Array) -> Array:
    """`yes` where the condition holds, else `no`."""
    own = _own(condition, yes, no)
    return own.where(condition, yes, no) if own else np.where(condition, yes, no)


def stop(x: Array) -> Array:
    """The same value, through which no gradient flows."""
    own = _own(x)
    return own.stop(x) if own else x
