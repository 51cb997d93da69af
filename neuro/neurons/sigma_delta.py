"""Sigma-delta neuron with graded spikes (Delta Activation Layer)."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, option, parameter
from neuro.ops import Array


class SigmaDelta(Neuron):
    """Sends only the change of its quantised activation; a sum of its events is the activation.

        a <- a + input (input="delta")  or  a <- input (input="value")
        y[t] = q round(relu(a + bias) / q),   event delta[t] = y[t] - y[t-1],   y[-1] = 0

    A receiver with input="delta" sums W delta and so holds W y: a network may be trained on whole
    frames (the first layer with input="value") and still send only events. Use synapses without
    bias; `bias` is added here, behind the sum. The sum of all events is y exactly where q is a
    power of two, and to rounding elsewhere. `level` is the integer form for hardware: the payload
    in units of q, with q moved into the weights.

    Gradients: rounding is straight-through. The event carries none to q, which the task would
    drive to zero; `cost` = |delta| is the term of the loss that trains q, with the sign reversed so
    that fewer events mean a larger q, e.g. `rate * units * record["hid1.cost"][1:].mean()`. The
    first frame, sent whole, is left out.

    Source: Yousefzadeh and Sifalakis, Training for temporal sparsity in deep neural networks,
    application in video processing, arXiv 2107.07305; stopping the task's gradient to q is ours.
    """

    q: Value = parameter(default=1.0, unit="1", meaning="quantum of the activation", above=0)
    bias: Value = parameter(default=0.0, unit="1", meaning="added to the accumulated input")
    input: str = option(
        default="value",
        choices=("value", "delta"),
        meaning="what arrives: the whole input of each tick, or its change",
    )
    activation: str = option(
        default="relu", choices=("relu", "identity"), meaning="nonlinearity before the quantiser"
    )
    emits = "delta"

    class State(NamedTuple):
        a: Array  # input, accumulated if it arrives as changes
        level: Array  # quantised activation in units of q, a whole number
        delta: Array  # this tick's event
        cost: Array  # |delta|, through which q learns

    class Coefficients(NamedTuple):
        q: Array
        bias: Array
        input: str
        activation: str

    @staticmethod
    def derive(p: Any, clock: Clock) -> SigmaDelta.Coefficients:
        return SigmaDelta.Coefficients(p.q, p.bias, p.input, p.activation)

    @staticmethod
    def rest(p: SigmaDelta.Coefficients) -> SigmaDelta.State:
        return SigmaDelta.State(a=0.0, level=0.0, delta=0.0, cost=0.0)

    @staticmethod
    def flow(s: SigmaDelta.State, p: SigmaDelta.Coefficients, h: int) -> SigmaDelta.State:
        return s

    @staticmethod
    def receive(s: SigmaDelta.State, p: SigmaDelta.Coefficients, x: Current) -> SigmaDelta.State:
        a = s.a + x.current if p.input == "delta" else x.current
        drive = a + p.bias
        if p.activation == "relu":
            drive = ops.maximum(drive, 0.0)
        quantised = ops.round(drive / ops.stop(p.q))
        change = quantised - s.level
        reversed_q = 2 * ops.stop(p.q) - p.q  # equals q, with the gradient negated
        return SigmaDelta.State(
            a=a, level=quantised, delta=ops.stop(p.q) * change, cost=reversed_q * abs(change)
        )
