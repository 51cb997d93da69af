"""What a spike does to the membrane; shared by every neuron with the `reset` option."""

from __future__ import annotations

from typing import Any, Literal

from neuro import ops
from neuro.neurons._base import option
from neuro.ops import Array


def reset_option(*, default: str = "zero", kw_only: Literal[True] = True) -> Any:
    """The option `reset="zero" | "subtract" | "none"`."""
    meaning = "after a spike: v <- v_reset, v <- v - v_th, or unchanged"
    return option(default=default, choices=("zero", "subtract", "none"), meaning=meaning)


def reset_membrane(v: Array, p: Any, z: Array) -> Array:
    """v after a spike. No gradient flows through the spike itself (Zenke & Vogels 2021)."""
    z = ops.stop(z)
    if p.reset == "zero":
        return ops.where(z > 0, p.v_reset, v)
    if p.reset == "subtract":
        return v - z * p.v_th
    return v
