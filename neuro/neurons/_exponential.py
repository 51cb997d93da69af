"""The exponential upstroke that EIF and AdEx share."""

from __future__ import annotations

from neuro import ops
from neuro.ops import Array

# (v - v_rheo) / delta_t beyond which the upstroke no longer steepens. There v crosses one delta_t
# in exp(-10) membrane time constants, so a spike is delayed by less than a thousandth of one,
# and no potential below the cut-off can overflow.
CAP = 10.0


def upstroke(v: Array, v_rheo: Array, delta_t: Array) -> Array:
    """delta_t exp((v - v_rheo) / delta_t), capped."""
    return delta_t * ops.exp(ops.minimum((v - v_rheo) / delta_t, CAP))


def resting_potential(v_leak: Array, v_rheo: Array, delta_t: Array, pull: Array = 1.0) -> Array:
    """The stable solution of pull (v - v_leak) = upstroke(v), or v_leak where there is none.

    Newton's iteration from v_leak grows monotonically to it, because the difference is convex.
    """
    leak, rheo, sharp, firm = (ops.stop(x) for x in (v_leak, v_rheo, delta_t, pull))
    v = leak
    for _ in range(8):
        slope = ops.minimum(upstroke(v, rheo, sharp) / sharp - firm, -0.01)
        v = v - (upstroke(v, rheo, sharp) - firm * (v - leak)) / slope
    miss = abs(upstroke(v, rheo, sharp) - firm * (v - leak))
    # One more step, through which the parameters get their gradient.
    slope = ops.minimum(upstroke(v, rheo, sharp) / sharp - firm, -0.01)
    exact = v - (upstroke(v, v_rheo, delta_t) - pull * (v - v_leak)) / slope
    return ops.where(miss < 1e-6 * sharp, exact, v_leak)
