"""The few operations that a neuron's laws may use beside Python's arithmetic.

Each works on NumPy arrays and floats and on PyTorch tensors, so one text of the laws serves every
back end. PyTorch is never imported here: whoever passes a tensor has imported it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any  # a float, NumPy array or PyTorch tensor


def _is_tensor(x: Array) -> bool:
    return hasattr(x, "requires_grad")


def exp(x: Array) -> Array:
    """e to the power x."""
    return x.exp() if _is_tensor(x) else np.exp(x)


def log(x: Array) -> Array:
    """Natural logarithm."""
    return x.log() if _is_tensor(x) else np.log(x)


def power(x: Array, n: Array) -> Array:
    """x to the power n; exactly x for the plain number n = 1, the clock-driven step."""
    return x if isinstance(n, int) and n == 1 else x**n


def maximum(x: Array, low: float) -> Array:
    """The larger of an array and a number."""
    return x.clamp(min=low) if _is_tensor(x) else np.maximum(x, low)


def where(condition: Array, yes: Array, no: Array) -> Array:
    """`yes` where the condition holds, else `no`."""
    if _is_tensor(condition):
        import torch

        return torch.where(condition, yes, no)
    return np.where(condition, yes, no)


def stop(x: Array) -> Array:
    """The same value, through which no gradient flows."""
    return x.detach() if _is_tensor(x) else x
