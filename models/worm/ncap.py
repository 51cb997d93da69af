"""NCAP: the circuit of C. elegans for swimming as a network of graded units, untrained."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
PERIOD = 60  # control steps of the head's oscillator


class Weights(NamedTuple):
    """The four parameters that all segments share; >= 0 excites, <= 0 inhibits."""

    prop: float = 1.0  # from the bend of the joint before
    osc: float = 1.0  # from the oscillator, into the head
    ipsi: float = 1.0  # to the muscle of the same side
    contra: float = -1.0  # to that of the other side


def oscillator(step: int) -> tuple[float, float]:
    """Dorsal in the first half of the period, ventral in the second."""
    return (1.0, 0.0) if step % PERIOD < PERIOD // 2 else (0.0, 1.0)


def drive(q: Array, step: int, w: Weights) -> Array:
    """Input of the B motor neurons [n, joints, 2], dorsal and ventral, from bends q [n, joints]."""
    bend = np.stack([np.clip(q, 0, 1), np.clip(-q, 0, 1)], -1)
    given = w.prop * np.concatenate([np.zeros_like(bend[:, :1]), bend[:, :-1]], 1)
    given[:, 0] += w.osc * np.array(oscillator(step))
    return given


def muscles(b: Array, w: Weights) -> Array:
    """Input of the muscles [n, joints, 2] from the motor neurons of both sides."""
    return w.ipsi * b + w.contra * b[..., ::-1]


def graded(q: Array, step: int, w: Weights) -> Array:
    """Torques [n, joints]: dorsal minus ventral muscle, every unit clipped to 0 .. 1."""
    b = np.clip(drive(q, step, w), 0, 1)
    m = np.clip(muscles(b, w), 0, 1)
    return m[..., 0] - m[..., 1]


class MLP(NamedTuple):
    """A random controller that sees what NCAP sees: bends and oscillator -> tanh layer -> tanh."""

    first: Array  # [n, 16, 7]
    second: Array  # [n, 5, 16]

    @classmethod
    def random(cls, n: int, seed: int, scale: float = 1.0, joints: int = 5) -> "MLP":
        """Normal weights of standard deviation `scale`, no biases; 192 parameters for 5 joints."""
        draw = np.random.default_rng(seed)
        return cls(
            draw.normal(0, scale, (n, 16, joints + 2)), draw.normal(0, scale, (n, joints, 16))
        )

    @property
    def parameters(self) -> int:
        """Numbers that one controller has."""
        return (self.first.size + self.second.size) // len(self.first)

    def __call__(self, q: Array, step: int) -> Array:
        seen = np.concatenate([q, np.broadcast_to(oscillator(step), (len(q), 2))], 1)
        hidden = np.tanh(np.einsum("nij,nj->ni", self.first, seen))
        return np.tanh(np.einsum("nij,nj->ni", self.second, hidden))
