"""Generalised integrate-and-fire: spike-triggered currents and a moving threshold."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Neuron, Value, option, parameter, whole_ticks
from neuro.neurons._phi import carried, phi
from neuro.ops import Array
from neuro.units import ms


def _share(meaning: str, default: float, unit: str) -> Any:
    return parameter(default=default, unit=unit, meaning=meaning)


def _tau(meaning: str, default: float) -> Any:
    return parameter(default=default, unit="s", meaning=meaning, above=0)


class GIF(Neuron):
    """Membrane with two currents and two shares of threshold that each spike adds.

        C dv/dt = -g_leak (v - e_leak) - eta_1 - eta_2 + I
        tau_k deta_k/dt = -eta_k,   tau_k dgamma_k/dt = -gamma_k   for k = 1, 2
        spike when v > v_th + gamma_1 + gamma_2
        at a spike: v <- v_reset, eta_k <- eta_k + a_k, gamma_k <- gamma_k + b_k

    v is held while refractory. With escape="exponential" a spike comes by chance, at the rate
    1 kHz exp((v - v_th - gamma_1 - gamma_2) / delta_v); another rate at threshold is another v_th.
    With u uniform in (0, 1) a tick holds a spike if -log(u) is below that rate times dt, the exact
    law for v held over the tick. `fire` measures the distance in units of delta_v, plus what chance
    adds. The input of a tick is the current I in amperes. Integrator: exact for any step. The two
    time constants belong to current and threshold alike; the defaults are of the size found in
    pyramidal cells of layer 5, not a fit.

    Source: Mensi, Naud, Pozzorini, Avermann, Petersen, Gerstner, J. Neurophysiol. 107 (2012),
    eqs. 1 to 6; Pozzorini, Mensi, Hagens, Naud, Koch, Gerstner, PLoS Comput. Biol. 11 (2015).
    """

    capacitance: Value = parameter(default=100e-12, unit="F", meaning="of the membrane", above=0)
    g_leak: Value = parameter(default=5e-9, unit="S", meaning="leak conductance", above=0)
    e_leak: Value = parameter(default=-65e-3, unit="V", meaning="leak reversal potential")
    v_th: Value = parameter(default=-48e-3, unit="V", meaning="threshold at rest")
    v_reset: Value = parameter(default=-55e-3, unit="V", meaning="potential after a spike")
    a_1: Value = _share("fast current per spike", 50e-12, "A")
    a_2: Value = _share("slow current per spike", 5e-12, "A")
    b_1: Value = _share("fast rise of the threshold per spike", 10e-3, "V")
    b_2: Value = _share("slow rise of the threshold per spike", 2e-3, "V")
    tau_1: Value = _tau("decay of fast current and rise", 10 * ms)
    tau_2: Value = _tau("decay of slow current and rise", 150 * ms)
    delta_v: Value = parameter(default=1e-3, unit="V", meaning="softness of the threshold", above=0)
    refractory: Value = parameter(
        default=0.0, unit="s", meaning="absolute refractory period, on the clock's grid",
        at_least=0, learnable=False,
    )  # fmt: skip
    seed: Value = parameter(
        default=0.0, unit="1", meaning="of the draws", at_least=0, learnable=False
    )
    escape: str = option(
        default="none", choices=("none", "exponential"), meaning="spikes at threshold, or by chance"
    )
    noise = ("draw",)

    class Inputs(NamedTuple):
        current: Array
        draw: Array  # uniform in (0, 1), filled by the engine

    class State(NamedTuple):
        v: Array  # membrane potential, V
        eta_1: Array  # currents, A
        eta_2: Array
        gamma_1: Array  # rises of the threshold, V
        gamma_2: Array
        hold: Array  # ticks until v moves again
        luck: Array  # what chance adds to the distance in this tick
        tick: Array  # ticks since rest

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        gain: Array  # what a current held for one tick adds to v
        rho_1: Array  # decay of the fast current and rise in one tick
        rho_2: Array  # of the slow ones
        to_v1: Array  # what a decaying current adds to v in one tick
        to_v2: Array
        e_leak: Array
        v_th: Array
        v_reset: Array
        a_1: Array
        a_2: Array
        b_1: Array
        b_2: Array
        delta_v: Array
        odds: Array  # log of the spikes expected in a tick at threshold, where the rate is 1 kHz
        pause: Array  # `hold` right after a spike
        escape: str

    @staticmethod
    def derive(p: Any, clock: Clock) -> GIF.Coefficients:
        dt, tau = clock.dt, p.capacitance / p.g_leak
        ticks = whole_ticks(p.refractory, clock, "GIF.refractory")
        # One more than the ticks held, since `flow` counts down before `receive` looks.
        pause = ops.where(np.asarray(ticks) > 0, ticks + 1, 0.0) if np.any(ticks) else 0.0
        return GIF.Coefficients(
            ops.exp(-dt / tau), dt / p.capacitance * phi(-dt / tau),
            ops.exp(-dt / p.tau_1), ops.exp(-dt / p.tau_2),
            carried(dt, tau, p.tau_1) / p.g_leak, carried(dt, tau, p.tau_2) / p.g_leak,
            p.e_leak, p.v_th, p.v_reset, p.a_1, p.a_2, p.b_1, p.b_2, p.delta_v,
            ops.log(1e3 * dt), pause, p.escape,
        )  # fmt: skip

    @staticmethod
    def rest(p: GIF.Coefficients) -> GIF.State:
        return GIF.State(p.e_leak, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    @staticmethod
    def flow(s: GIF.State, p: GIF.Coefficients, h: int) -> GIF.State:
        for _ in range(h - 1):
            s = GIF.flow(s, p, 1)
        pull = p.to_v1 * s.eta_1 + p.to_v2 * s.eta_2
        v = p.e_leak + (s.v - p.e_leak) * p.alpha - pull
        return GIF.State(
            v=ops.where(s.hold > 1, s.v, v),
            eta_1=s.eta_1 * p.rho_1,
            eta_2=s.eta_2 * p.rho_2,
            gamma_1=s.gamma_1 * p.rho_1,
            gamma_2=s.gamma_2 * p.rho_2,
            hold=ops.maximum(s.hold - 1, 0.0),
            luck=s.luck,
            tick=s.tick + 1,
        )

    @staticmethod
    def receive(s: GIF.State, p: GIF.Coefficients, x: GIF.Inputs) -> GIF.State:
        v = ops.where(s.hold > 0, s.v, s.v + p.gain * x.current)
        if p.escape == "exponential":
            return s._replace(v=v, luck=p.odds - ops.log(-ops.log(x.draw)))
        return s._replace(v=v)

    @staticmethod
    def fire(s: GIF.State, p: GIF.Coefficients) -> Array:
        distance = (s.v - (p.v_th + s.gamma_1 + s.gamma_2)) / p.delta_v
        if p.escape == "exponential":
            distance = distance + s.luck
        return ops.where(s.hold > 0, -1.0 - abs(distance), distance)

    @staticmethod
    def jump(s: GIF.State, p: GIF.Coefficients, z: Array) -> GIF.State:
        z = ops.stop(z)
        return s._replace(
            v=ops.where(z > 0, p.v_reset, s.v),
            eta_1=s.eta_1 + z * p.a_1,
            eta_2=s.eta_2 + z * p.a_2,
            gamma_1=s.gamma_1 + z * p.b_1,
            gamma_2=s.gamma_2 + z * p.b_2,
            hold=ops.where(z > 0, p.pause, s.hold),
        )
