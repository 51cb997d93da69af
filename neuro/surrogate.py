"""Surrogate gradients: what the derivative of a spike is taken to be.

Forward, a spike is the step function of the distance x above threshold. Backward, its derivative
is replaced by one of these curves, all of which peak at x = 0. Distances are in units of the
membrane potential, so a steepness that suits v_th = 1 must be divided by v_th elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Protocol

from neuro import ops
from neuro.errors import InvalidValue
from neuro.ops import Array


class Surrogate(Protocol):
    """Anything with a `derivative`."""

    def derivative(self, x: Array) -> Array:
        """d spike / d x at the distance x above threshold, elementwise."""
        ...


@dataclass(frozen=True)
class _Positive:
    """A curve whose every field must be above zero."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise InvalidValue(
                    f"{type(self).__name__}.{field.name}: got {value}, expected a number above 0"
                )


@dataclass(frozen=True)
class FastSigmoid(_Positive):
    """1 / (1 + slope |x|)^2, the slope of the fast sigmoid x / (1 + slope |x|).

    Source: Zenke & Ganguli, Neural Computation 30 (2018), eq. 19; default of snnTorch's function
    of that name.
    """

    slope: float = 25.0

    def derivative(self, x: Array) -> Array:
        return 1 / (1 + self.slope * abs(x)) ** 2


@dataclass(frozen=True)
class SuperSpike(_Positive):
    """1 / (1 + beta |x|)^2 at the steepness that Zenke & Vogels found robust.

    The curve is FastSigmoid's; name and default are those of Zenke & Vogels, Neural Computation
    33 (2021), section 4.2.
    """

    beta: float = 10.0

    def derivative(self, x: Array) -> Array:
        return 1 / (1 + self.beta * abs(x)) ** 2


@dataclass(frozen=True)
class ATan(_Positive):
    """(alpha / 2) / (1 + (pi alpha x / 2)^2), the slope of an arc tangent; its area is 1.

    Source: Fang et al., Incorporating learnable membrane time constant, ICCV 2021, eq. 15.
    """

    alpha: float = 2.0

    def derivative(self, x: Array) -> Array:
        return (self.alpha / 2) / (1 + (math.pi / 2 * self.alpha * x) ** 2)


@dataclass(frozen=True)
class Triangular(_Positive):
    """height * max(0, 1 - |x| / width): zero outside a window.

    Source: Esser et al., PNAS 113 (2016), eq. 7, height 1; Bellec et al., NeurIPS 2018, eq. 4,
    with height 0.3.
    """

    height: float = 1.0
    width: float = 1.0

    def derivative(self, x: Array) -> Array:
        return self.height * ops.maximum(1 - abs(x) / self.width, 0)


@dataclass(frozen=True)
class Sigmoid(_Positive):
    """slope * s (1 - s) with s = 1 / (1 + exp(-slope x)), the slope of the logistic function.

    Source: Neftci, Mostafa & Zenke, IEEE Signal Processing Magazine 36 (2019), figure 3.
    """

    slope: float = 4.0

    def derivative(self, x: Array) -> Array:
        decay = ops.exp(-self.slope * abs(x))  # never overflows
        return self.slope * decay / (1 + decay) ** 2
