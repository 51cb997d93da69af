"""Mean field of Brunel's network: rates, and irregularity, that a white-noise input predicts.

Source: Brunel, J. Comput. Neurosci. 8 (2000), section 3; Siegert, Phys. Rev. 81 (1951).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from scipy.integrate import dblquad, quad
from scipy.optimize import brentq
from scipy.special import erfcx


class Cell(NamedTuple):
    """The LIF neuron of the network; volts and seconds, potentials relative to rest."""

    tau: float = 20e-3
    v_th: float = 20e-3
    v_reset: float = 10e-3
    refractory: float = 2e-3


class Theory(NamedTuple):
    """What the mean field predicts."""

    rate: float  # Hz
    mean: float  # of the free membrane potential, V
    sigma: float  # its standard deviation times sqrt(2), V
    cv: float  # of the intervals


def rate(mean: float, sigma: float, cell: Cell) -> float:
    """Firing rate of a LIF neuron with white-noise input, Hz: Siegert's formula.

    1 / rate = refractory + tau sqrt(pi) int exp(u^2) (1 + erf u) du, from (v_reset - mean) / sigma
    to (v_th - mean) / sigma.
    """
    low, high = (cell.v_reset - mean) / sigma, (cell.v_th - mean) / sigma
    if high > 26:  # exp(u^2) overflows: a rate below 1e-290 Hz
        return 0.0
    area = quad(lambda u: float(erfcx(-u)), low, high, limit=200)[0]  # exp(u^2) (1 + erf u)
    return 1 / (cell.refractory + cell.tau * math.sqrt(math.pi) * area)


def cv(mean: float, sigma: float, rate_hz: float, cell: Cell) -> float:
    """Coefficient of variation of the intervals (Brunel 2000, appendix A1).

    CV^2 = 2 pi (rate tau)^2 int exp(x^2) int exp(u^2) (1 + erf u)^2 du dx, u from -inf to x.
    """
    low, high = (cell.v_reset - mean) / sigma, (cell.v_th - mean) / sigma
    area = dblquad(
        lambda u, x: math.exp(x * x - u * u) * float(erfcx(-u)) ** 2, low, high,
        lambda x: min(x, 0.0) - 8.0, lambda x: x, epsabs=1e-6, epsrel=1e-6,
    )[0]  # fmt: skip
    return math.sqrt(2 * math.pi * area) * rate_hz * cell.tau


def solve(
    g: float, eta: float, *, inputs: int = 1000, gamma: float = 0.25, j: float = 0.1e-3,
    cell: Cell | None = None,
) -> Theory:  # fmt: skip
    """The stationary rate at which a neuron fires just as often as its inputs do (model A).

        mean = inputs j tau (outside + rate (1 - gamma g))
        sigma^2 = inputs j^2 tau (outside + rate (1 + gamma g^2))

    Args:
        g, eta: as of `neuro.build.brunel`.
        inputs: excitatory synapses of a neuron; `gamma` times as many are inhibitory.
        j: volts.
        cell: its neuron.

    The highest of several rates is returned.
    """
    cell = cell or Cell()
    outside = eta * cell.v_th / (j * inputs * cell.tau)

    def moments(nu: float) -> tuple[float, float]:
        mean = inputs * j * cell.tau * (outside + nu * (1 - gamma * g))
        variance = inputs * j * j * cell.tau * (outside + nu * (1 + gamma * g * g))
        return mean, math.sqrt(variance)

    def excess(nu: float) -> float:
        return rate(*moments(nu), cell) - nu

    # from the highest possible rate down to the first change of sign
    above = 1 / cell.refractory
    while above > 1e-3:
        below = 0.97 * above
        if excess(below) > 0:
            nu = _root(excess, below, above)
            break
        above = below
    else:
        nu = 0.0
    mean, sigma = moments(nu)
    return Theory(nu, mean, sigma, cv(mean, sigma, nu, cell) if nu else math.nan)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    found: Any = brentq(function, low, high, xtol=1e-9)
    return float(found)
