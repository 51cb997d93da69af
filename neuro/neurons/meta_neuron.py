"""Meta-neuron: second-order dynamics whose coefficients are learned, with or without chance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.neurons._base import Neuron, Value, parameter
from neuro.ops import Array


class MetaNeuron(Neuron):
    """Membrane v with a quadratic upstroke and a recovery u whose coefficients are all learned.

        dv/dt = v^2 - v - u + I,   du/dt = theta_v v - theta_u u
        spike when v > v_th, with chance sigmoid((v - v_th) / temperature) if temperature > 0
        at a spike: v <- theta_r,  u <- u + theta_s

    Integrator: forward Euler, both equations from the old state, `step` units of the neuron's own
    time per tick. The equations have no unit of time, so the coefficients belong to `step` and not
    to the clock: the same network at another tick has other dynamics in seconds. The square has no
    upper bound, therefore |v| is clipped at `v_max`.

    The chance enters as a threshold: with u uniform in (0, 1), v - v_th + T log(u / (1 - u)) is
    above 0 with probability sigmoid((v - v_th) / T). Given the draws the laws are deterministic,
    and the surrogate sees the distance that decided. A quantal synapse after Levy and Baxter
    (transmission with probability 1 - f, random amplitude) is a property of the connection, not of
    this cell.

    Source: Cheng, Zhang, Jia, Xu, arXiv 2010.03140 (second-order neuron, learned coefficients);
    Rudnicka, Szczepanski, Pregowska, arXiv 2508.11674 (probabilistic form, whose exact law is not
    published as code; the logistic is our choice). The default coefficients are those of the
    related spiking actor networks, quoted second-hand.
    """

    theta_v: Value = parameter(default=-0.172, unit="1", meaning="gain from v to the recovery")
    theta_u: Value = parameter(default=0.529, unit="1", meaning="rate of the recovery", above=0)
    theta_r: Value = parameter(default=0.021, unit="1", meaning="v after a spike")
    theta_s: Value = parameter(default=0.132, unit="1", meaning="rise of the recovery per spike")
    v_th: Value = parameter(default=0.5, unit="1", meaning="firing threshold")
    v_max: Value = parameter(default=2.0, unit="1", meaning="largest |v|", above=0, learnable=False)
    step: Value = parameter(
        default=0.5, unit="1", meaning="own time per tick (Euler)", above=0, learnable=False
    )
    temperature: Value = parameter(
        default=0.0,
        unit="1",
        meaning="width of the chance of a spike around v_th; 0 is deterministic",
        at_least=0,
        learnable=False,
    )
    seed: Value = parameter(
        default=0.0, unit="1", meaning="of the draws", at_least=0, learnable=False
    )
    noise = ("draw",)

    class Inputs(NamedTuple):
        current: Array
        draw: Array  # uniform in (0, 1), filled by the engine

    class State(NamedTuple):
        v: Array  # membrane potential
        u: Array  # recovery
        luck: Array  # log odds of this tick's draw: what chance adds, in temperatures
        tick: Array  # ticks since rest

    class Coefficients(NamedTuple):
        theta_v: Array
        theta_u: Array
        theta_r: Array
        theta_s: Array
        v_th: Array
        v_max: Array
        step: Array
        temperature: Array
        probabilistic: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        rate = np.max(np.multiply(self.theta_u, self.step))
        if rate >= 2:
            raise InvalidValue(
                f"MetaNeuron.theta_u: theta_u * step is {rate:g}, expected below 2: Euler steps of "
                "the recovery grow without bound there. Use a smaller step or theta_u."
            )

    @staticmethod
    def derive(p: Any, clock: Clock) -> MetaNeuron.Coefficients:
        return MetaNeuron.Coefficients(
            p.theta_v, p.theta_u, p.theta_r, p.theta_s, p.v_th, p.v_max, p.step, p.temperature,
            bool(np.any(np.asarray(p.temperature) > 0)),
        )  # fmt: skip

    @staticmethod
    def rest(p: MetaNeuron.Coefficients) -> MetaNeuron.State:
        return MetaNeuron.State(v=0.0, u=0.0, luck=0.0, tick=0.0)

    @staticmethod
    def flow(s: MetaNeuron.State, p: MetaNeuron.Coefficients, h: int) -> MetaNeuron.State:
        for _ in range(h - 1):
            s = MetaNeuron.flow(s, p, 1)
        return MetaNeuron.State(
            v=s.v + p.step * (s.v * s.v - s.v - s.u),
            u=s.u + p.step * (p.theta_v * s.v - p.theta_u * s.u),
            luck=s.luck,
            tick=s.tick + 1,
        )

    @staticmethod
    def receive(
        s: MetaNeuron.State, p: MetaNeuron.Coefficients, x: MetaNeuron.Inputs
    ) -> MetaNeuron.State:
        v = ops.minimum(ops.maximum(s.v + p.step * x.current, -p.v_max), p.v_max)
        if p.probabilistic:
            return s._replace(v=v, luck=ops.log(x.draw / (1 - x.draw)))
        return s._replace(v=v)

    @staticmethod
    def fire(s: MetaNeuron.State, p: MetaNeuron.Coefficients) -> Array:
        if p.probabilistic:
            return s.v - p.v_th + p.temperature * s.luck
        return s.v - p.v_th

    @staticmethod
    def jump(s: MetaNeuron.State, p: MetaNeuron.Coefficients, z: Array) -> MetaNeuron.State:
        z = ops.stop(z)
        return s._replace(v=ops.where(z > 0, p.theta_r, s.v), u=s.u + z * p.theta_s)
