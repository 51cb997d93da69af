"""Networks that detect motifs: one synapse with its own delay for every weight that is not 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.network import Input, Network, Synapse
from neuro.neurons import LIF
from neuro.shape import Shape
from neuro.synapses import Sparse

_FORGETS = 1e-3  # membrane time constant in ticks; exp(-1000) is 0 in every format


def motif_network(
    weight: ArrayLike, bias: ArrayLike, clock: Clock, *, threshold: float = 0.0
) -> Network:
    """A spiking layer that fires in the ticks in which the evidence for a motif is above threshold.

    A synapse with weight[m, n, d] and a delay of d ticks leads from input n to unit m for every
    weight that is not 0. The units are LIF neurons that forget within a tick (their time constant
    is a thousandth of it), so that the membrane is the sum of what arrives in a tick, and unit m
    fires where that exceeds threshold - bias[m]: strictly, so evidence equal to the threshold
    gives no spike. A unit with bias[m] > threshold fires without any input.

    Args:
        weight: [motifs, inputs, delays], rounded to float32.
        bias: [motifs].
        clock: its tick is the unit of the delays.
        threshold: of the evidence.

    Returns:
        Populations "in" (inputs) and "out" (motifs). Inputs are binary: an input that fires twice
        in a tick counts twice. Sums are rounded like any float32 sum; for weights on a binary
        grid (`MotifDetector.on_grid`) they are exact, in any order.

    Raises:
        InvalidValue: shapes that do not fit, values that are not finite, or weights that are all 0.

    Source: Grimaldi & Perrinet, Biological Cybernetics 117 (2023), section 2, for a neuron whose
    synapses have weights and delays.
    """
    where = "motif_network"
    w, b = _checked(where, weight, bias, 3)
    motif, unit, delay = np.nonzero(w)
    synapse = _synapse("in", "out", unit, motif, w[motif, unit, delay], delay, clock)
    populations = {
        "in": Input(w.shape[1]),
        "out": _unit(w.shape[:1], _below(where, threshold, b), clock),
    }
    return Network(populations, (synapse,), ("out",), clock)


def motion_network(
    weight: ArrayLike,
    bias: ArrayLike,
    clock: Clock,
    field: tuple[int, int],
    *,
    polarity_invariant: bool = True,
    threshold: float = 0.0,
) -> Network:
    """The same for events of a camera: a unit for every class at every place of the field.

    The unit of class c at (y, x) has a synapse from the pixel (y + i, x + j) of polarity p for
    every weight[c, p, d, i, j] that is not 0, with a delay of d ticks. Only places whose patch
    lies in the field have units. With `polarity_invariant` the population "views" has two such
    units for each, for the events as they are and with ON and OFF exchanged, and a unit of "out"
    fires when one of its two does, in the same tick.

    Args:
        weight: [classes, 2, delays, rows, columns], rounded to float32.
        bias: [classes].
        clock: its tick is the unit of the delays.
        field: (H, W) of the camera.
        polarity_invariant: see above.
        threshold: of the evidence.

    Returns:
        Populations "in" (2, H, W), "views" (2, classes, H - rows + 1, W - columns + 1) if
        invariant, and "out" (classes, H - rows + 1, W - columns + 1). See `motif_network` for
        ties and rounding.

    Raises:
        InvalidValue: shapes that do not fit, values that are not finite, a kernel larger than the
            field, or weights that are all 0.
    """
    where = "motion_network"
    w, b = _checked(where, weight, bias, 5)
    classes, polarities, _, rows, columns = w.shape
    if polarities != 2:
        raise InvalidValue(
            f"{where}.weight: got {polarities} polarities, expected 2 as [classes, 2, delays, "
            "rows, columns]"
        )
    height, width = (int(n) for n in field)
    places = height - rows + 1, width - columns + 1
    if min(places) < 1:
        raise InvalidValue(
            f"{where}.field: {height} x {width} has no room for the kernel of {rows} x {columns}"
        )
    first = "views" if polarity_invariant else "out"
    kernels = np.stack([w, w[:, ::-1]]) if polarity_invariant else w[None]
    view, c, p, d, i, j = (a[:, None] for a in np.nonzero(kernels))
    y, x = (a.ravel()[None] for a in np.indices(places))
    pre = np.ravel_multi_index(_wide(p, y + i, x + j), (2, height, width))
    post = np.ravel_multi_index(_wide(view, c, y, x), (len(kernels), classes, *places))
    values, delay = (np.broadcast_to(a, pre.shape) for a in (kernels[view, c, p, d, i, j], d))
    synapses = [
        _synapse("in", first, *(a.ravel() for a in (pre, post, values, delay)), clock=clock)
    ]
    level = _below(where, threshold, b)[:, None, None]
    populations: dict[str, Input | LIF] = {"in": Input((2, height, width))}
    outs = (classes, *places)
    if polarity_invariant:
        both = np.arange(2 * int(np.prod(outs)))
        populations["views"] = _unit((2, *outs), np.broadcast_to(level, (2, *outs)), clock)
        populations["out"] = _unit(outs, 0.5, clock)
        synapses.append(Synapse("views", "out", Sparse(both, both % (len(both) // 2), 1.0)))
    else:
        populations["out"] = _unit(outs, np.broadcast_to(level, outs), clock)
    return Network(populations, tuple(synapses), ("out",), clock)


def _checked(
    where: str, weight: ArrayLike, bias: ArrayLike, ndim: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    w, b = np.asarray(weight, np.float32), np.asarray(bias, np.float64)
    if w.ndim != ndim or 0 in w.shape or b.shape != w.shape[:1]:
        raise InvalidValue(
            f"{where}: weight has shape {w.shape} and bias {b.shape}, expected {ndim} axes "
            "without a 0, and one bias for each entry of the first"
        )
    for name, values in {"weight": w, "bias": b}.items():
        if not np.isfinite(values).all():
            raise InvalidValue(f"{where}.{name}: contains NaN or infinite values")
    if not w.any():
        raise InvalidValue(f"{where}.weight: all are 0, so there is no synapse; keep at least one")
    return w, b


def _synapse(
    pre: str, post: str, units: NDArray[Any], targets: NDArray[Any], weight: NDArray[Any],
    ticks: NDArray[Any], clock: Clock,
) -> Synapse:  # fmt: skip
    return Synapse(pre, post, Sparse(units, targets, weight), clock.seconds(ticks))


def _unit(shape: Shape, level: ArrayLike, clock: Clock) -> LIF:
    return LIF(shape, tau_mem=_FORGETS * clock.dt, v_th=np.asarray(level, np.float64))


def _below(where: str, threshold: float, bias: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thresholds of the membranes: the largest float32 that is not above threshold - bias.

    A float32 membrane exceeds the one exactly when it exceeds the other.
    """
    if not np.isfinite(threshold):
        raise InvalidValue(f"{where}.threshold: got {threshold!r}, expected a finite number")
    exact = threshold - bias
    near = exact.astype(np.float32)
    lower = np.nextafter(near, np.float32(-np.inf))
    return np.where(near > exact, lower, near).astype(np.float64)


def _wide(*axes: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return tuple(np.broadcast_arrays(*axes))
