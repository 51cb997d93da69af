"""What an exponential or alpha-shaped current adds to a leaky membrane in one step."""

from __future__ import annotations

from neuro import ops
from neuro.neurons._base import Value
from neuro.ops import Array


def exponential_gain(dt: float, tau_mem: Value, tau_syn: Value) -> Array:
    """Membrane after `dt` per unit of a current that decays with tau_syn; exact.

    Solution of tau_mem dv/dt = -v + i, tau_syn di/dt = -i from v = 0, i = 1. Where the two time
    constants nearly agree, the difference of exponentials is replaced by its series.
    """
    rate, close, safe = _difference(dt, tau_mem, tau_syn)
    alpha, beta = ops.exp(-dt / tau_mem), ops.exp(-dt / tau_syn)
    x = rate * dt
    series = alpha * (dt / tau_mem) * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5))))
    return ops.where(close, series, (beta - alpha) / (tau_mem * safe))


def alpha_gain(dt: float, tau_mem: Value, tau_syn: Value) -> Array:
    """Membrane after `dt` per unit of a current that grows as (t / tau_syn) exp(-t / tau_syn)."""
    rate, close, safe = _difference(dt, tau_mem, tau_syn)
    alpha, beta = ops.exp(-dt / tau_mem), ops.exp(-dt / tau_syn)
    x = rate * dt
    terms = 1 / 2 + x * (1 / 3 + x * (1 / 8 + x * (1 / 30 + x * (1 / 144 + x / 840))))
    series = alpha * dt**2 * terms
    exact = beta * (dt / safe - 1 / safe**2) + alpha / safe**2
    return ops.where(close, series, exact) / (tau_mem * tau_syn)


def _difference(dt: float, tau_mem: Value, tau_syn: Value) -> tuple[Array, Array, Array]:
    """1 / tau_mem - 1 / tau_syn, whether it is too small to divide by, and one that is not."""
    rate = 1 / tau_mem - 1 / tau_syn
    close = abs(rate) * dt < 0.02
    return rate, close, ops.where(close, 1 / dt, rate)
