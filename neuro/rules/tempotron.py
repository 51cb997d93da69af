"""Tempotron: a neuron learns to fire for one class and to stay silent for the other.

    V(t) = sum_i w_i sum_k K(t - t_ik),   K(s) = V0 (exp(-s/tau) - exp(-s/tau_s)),   max K = 1

It answers 1 if V crosses the threshold anywhere in the trial. After the crossing further input is
shunted, so V only relaxes. On an error every weight moves by what its synapse contributed to V at
the time of its maximum: up if the neuron missed, down if it fired in vain.

Source: Guetig & Sompolinsky, Nature Neuroscience 9 (2006), model neuron and learning rule.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.units import ms

Floats = NDArray[np.float64]


class Kernel(NamedTuple):
    """Shape of a postsynaptic potential: it falls with `tau` and rises with `tau_s`, in seconds."""

    tau: float = 15 * ms
    tau_s: float = 3.75 * ms

    @property
    def peak_time(self) -> float:
        """When K is 1, in seconds after the spike."""
        return self.tau * self.tau_s / (self.tau - self.tau_s) * np.log(self.tau / self.tau_s)

    @property
    def scale(self) -> float:
        """V0."""
        peak = self.peak_time
        return float(1 / (np.exp(-peak / self.tau) - np.exp(-peak / self.tau_s)))


KERNEL = Kernel()


class Answer(NamedTuple):
    """What M tempotrons did in B trials, [B, M] each."""

    fired: NDArray[np.bool_]
    peak: Floats  # largest V that was reached
    peak_step: NDArray[np.int64]  # when, in steps
    last_input: NDArray[np.int64]  # the last step whose input counts: that of the spike, or peak


def psp(age: ArrayLike, kernel: Kernel = KERNEL) -> Floats:
    """K at `age` seconds after a spike, same shape; 0 before it."""
    late = np.maximum(np.asarray(age, np.float64), 0)
    return kernel.scale * (np.exp(-late / kernel.tau) - np.exp(-late / kernel.tau_s))


def traces(spikes: ArrayLike, clock: Clock, kernel: Kernel = KERNEL) -> tuple[Floats, Floats]:
    """The two exponentials of the potential of every synapse, [T, B, N] each.

    V = (slow - fast) @ weight. A spike counts from the step it arrives in.

    Raises:
        InvalidValue: spikes are not [T, B, N], or tau_s is not between 0 and tau.
    """
    arriving = np.asarray(spikes, np.float64)
    if arriving.ndim != 3:
        raise InvalidValue(f"tempotron.traces: got shape {arriving.shape}, expected [T, B, N]")
    if not 0 < kernel.tau_s < kernel.tau:
        raise InvalidValue(
            f"tempotron.Kernel: got tau={kernel.tau}, tau_s={kernel.tau_s}, "
            "expected 0 < tau_s < tau"
        )
    slow, fast = np.empty_like(arriving), np.empty_like(arriving)
    a = b = np.zeros(arriving.shape[1:])
    for t, now in enumerate(arriving):
        a = a * np.exp(-clock.dt / kernel.tau) + now
        b = b * np.exp(-clock.dt / kernel.tau_s) + now
        slow[t], fast[t] = kernel.scale * a, kernel.scale * b
    return slow, fast


def answer(
    weight: ArrayLike, slow: Floats, fast: Floats, clock: Clock,
    *, threshold: float = 1.0, kernel: Kernel = KERNEL,
) -> Answer:  # fmt: skip
    """Decisions of tempotrons with weights [M, N] on the traces [T, B, N] of B trials."""
    w = np.asarray(weight, np.float64)
    a, b = slow @ w.T, fast @ w.T  # [T, B, M]
    steps = len(a)
    above = a - b > threshold
    fired = np.asarray(above.any(0))
    crossing = np.where(fired, above.argmax(0), steps - 1)
    after = np.maximum(np.arange(steps)[:, None, None] - crossing, 0)
    # Up to the crossing this is V itself; from there on the exponentials decay without input.
    at = np.minimum(np.arange(steps)[:, None, None], crossing)
    v = _relaxed(np.take_along_axis(a, at, 0), np.take_along_axis(b, at, 0), after, clock, kernel)
    peak_step = v.argmax(0)
    return Answer(fired, v.max(0), peak_step, np.minimum(peak_step, crossing))


def observe(spikes: ArrayLike, v: ArrayLike) -> Answer:
    """What neurons of any kind did, so that `change` can teach them.

    The time that counts is that of the first spike, since the reset ends the potential there, or
    of the largest v if the neuron stayed silent.

    Args:
        spikes: [T, B, M].
        v: membrane potential [T, B, M].

    Raises:
        InvalidValue: the two are not of one shape [T, B, M].
    """
    z, potential = np.asarray(spikes) > 0, np.asarray(v, np.float64)
    if z.ndim != 3 or z.shape != potential.shape:
        raise InvalidValue(
            f"tempotron.observe: got spikes {z.shape} and v {potential.shape}, expected both "
            "[T, B, M]"
        )
    fired = np.asarray(z.any(0))
    step = np.where(fired, z.argmax(0), potential.argmax(0))
    return Answer(fired, potential.max(0), step, step)


def change(
    wanted: ArrayLike, answered: Answer, slow: Floats, fast: Floats, clock: Clock,
    kernel: Kernel = KERNEL,
) -> Floats:  # fmt: skip
    """Sum over the trials of the weights' change per unit of learning rate, [M, N].

    Args:
        wanted: whether each tempotron should fire, bool [B, M].
        answered: of `answer` or `observe`.
        slow, fast: of `traces`.

    Raises:
        InvalidValue: `wanted` is not [B, M].
    """
    target = np.asarray(wanted, bool)
    if target.shape != answered.fired.shape:
        raise InvalidValue(
            f"tempotron.change.wanted: got shape {target.shape}, expected [B, M] = "
            f"{answered.fired.shape}"
        )
    sign = target.astype(np.float64) - answered.fired
    trial, unit = np.nonzero(sign)  # only errors teach
    step = answered.last_input[trial, unit]
    age = (answered.peak_step[trial, unit] - step)[:, None]
    share = _relaxed(slow[step, trial], fast[step, trial], age, clock, kernel)
    total = np.zeros((sign.shape[1], slow.shape[2]))
    np.add.at(total, unit, sign[trial, unit, None] * share)
    return total


def _relaxed(a: Floats, b: Floats, steps: NDArray[np.int64], clock: Clock, k: Kernel) -> Floats:
    """Potential `steps` later without input."""
    later = steps * clock.dt
    return a * np.exp(-later / k.tau) - b * np.exp(-later / k.tau_s)
