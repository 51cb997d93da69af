"""The phi functions of exponential integrators, without cancellation near 0.

Source: Hochbruck & Ostermann, Exponential integrators, Acta Numerica 19 (2010), eq. 2.10.
"""

from __future__ import annotations

import math

from neuro import ops
from neuro.ops import Array


def phi(x: Array) -> Array:
    """(exp(x) - 1) / x, and 1 at 0: the mean of exp(x u) over 0 < u < 1."""
    near = abs(x) < 0.01
    series = 1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6))))
    apart = ops.where(near, 1.0, x)  # where the quotient is not used it must stay finite
    return ops.where(near, series, (ops.exp(apart) - 1) / apart)


def phi_slope(x: Array) -> Array:
    """Derivative of `phi`: the integral of u exp(x u) over 0 < u < 1. For `derive` only."""
    near = abs(x) < 0.1
    series = sum(x**k / (math.factorial(k) * (k + 2)) for k in range(10))
    apart = ops.where(near, 1.0, x)
    return ops.where(near, series, (ops.exp(apart) * (apart - 1) + 1) / (apart * apart))


def carried(dt: float, tau_mem: Array, tau_syn: Array) -> Array:
    """What a current that starts at 1 and decays with tau_syn adds to a membrane in one tick."""
    return dt / tau_mem * ops.exp(-dt / tau_mem) * phi(dt / tau_mem - dt / tau_syn)
