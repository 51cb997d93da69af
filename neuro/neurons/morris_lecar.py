"""Morris and Lecar's barnacle muscle fibre."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._preset import Presets
from neuro.neurons._step import check_step, smallest
from neuro.ops import Array
from neuro.units import Hz

_SADDLE = {"g_ca": 40.0, "v_3": 12e-3, "v_4": 17.4e-3, "v_rest": -59.47e-3}


class MorrisLecar(Presets, Neuron):
    """Calcium that follows v at once, slow potassium w and a leak, in SI units per area.

        c_mem dv/dt = g_ca m_inf(v) (e_ca - v) + g_k w (e_k - v) + g_leak (e_leak - v) + i
        dw/dt = phi cosh((v - v_3) / (2 v_4)) (w_inf(v) - w)
        m_inf = (1 + tanh((v - v_1) / v_2)) / 2,   w_inf = (1 + tanh((v - v_3) / v_4)) / 2
        spike when v rises above v_th

    The input is a current density in A/m^2 (1 uA/cm^2 is 0.01 A/m^2) that flows from its tick to
    the next. e_leak follows from the resting potential (-60 mV in all presets). `above` marks a
    unit whose v has not come back below v_th, so that each upward crossing is one spike; v is not
    reset. The distance above threshold is (v - v_th) / scale, and -1 while above.

    Integrator: exponential Euler, w first, then v with the new w; of first order, each equation
    exact on its own. ERROR

    Presets: MorrisLecar.preset("snic", 10) starts firing at any low rate (type I), "hopf" (the
    default) at about 10 Hz (type II), "homoclinic" as "snic" but bistable.

    Source: Morris & Lecar, Biophysical Journal 35 (1981), eqs. 9; parameters of Rinzel &
    Ermentrout, in Koch & Segev, Methods in Neuronal Modeling (1998), table 7.1.
    """

    c_mem: Value = parameter(default=0.2, unit="F/m2", meaning="membrane capacitance", above=0)
    g_ca: Value = parameter(default=44.0, unit="S/m2", meaning="calcium conductance", at_least=0)
    g_k: Value = parameter(default=80.0, unit="S/m2", meaning="potassium conductance", at_least=0)
    g_leak: Value = parameter(default=20.0, unit="S/m2", meaning="leak conductance", above=0)
    e_ca: Value = parameter(default=120e-3, unit="V", meaning="reversal potential of calcium")
    e_k: Value = parameter(default=-84e-3, unit="V", meaning="reversal potential of potassium")
    v_rest: Value = parameter(default=-60.855e-3, unit="V", meaning="resting potential")
    v_1: Value = parameter(default=-1.2e-3, unit="V", meaning="half activation of calcium")
    v_2: Value = parameter(default=18e-3, unit="V", meaning="width of that activation", above=0)
    v_3: Value = parameter(default=2e-3, unit="V", meaning="half activation of potassium")
    v_4: Value = parameter(default=30e-3, unit="V", meaning="width of that activation", above=0)
    phi: Value = parameter(default=40 * Hz, unit="Hz", meaning="rate of potassium", above=0)
    v_th: Value = parameter(default=0.0, unit="V", meaning="crossed upward by a spike")
    scale: Value = parameter(
        default=10e-3, unit="V", meaning="unit of the distance", above=0, learnable=False
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "hopf": {},
        "snic": {**_SADDLE, "phi": 67 * Hz},
        "homoclinic": {**_SADDLE, "phi": 230 * Hz},
    }

    class State(NamedTuple):
        v: Array  # membrane potential
        w: Array  # potassium activation
        i: Array  # input until the next tick
        above: Array  # 1 while v is above v_th

    class Coefficients(NamedTuple):
        rate: Array  # phi times the tick
        step: Array  # the tick over c_mem
        g_ca: Array
        g_k: Array
        g_leak: Array
        e_ca: Array
        e_k: Array
        e_leak: Array
        v_1: Array
        v_2: Array
        v_3: Array
        v_4: Array
        v_th: Array
        scale: Array
        v_rest: Array
        w_rest: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> MorrisLecar.Coefficients:
        fastest = smallest(p.c_mem / (p.g_ca + p.g_k + p.g_leak))
        check_step("MorrisLecar", clock, coarse=0.1 * fastest, error="ERR")
        m = ops.sigmoid(2 * (p.v_rest - p.v_1) / p.v_2)
        w = ops.sigmoid(2 * (p.v_rest - p.v_3) / p.v_4)
        ions = p.g_ca * m * (p.v_rest - p.e_ca) + p.g_k * w * (p.v_rest - p.e_k)
        return MorrisLecar.Coefficients(
            p.phi * clock.dt, clock.dt / p.c_mem, p.g_ca, p.g_k, p.g_leak, p.e_ca, p.e_k,
            p.v_rest + ions / p.g_leak, p.v_1, p.v_2, p.v_3, p.v_4, p.v_th, p.scale, p.v_rest, w,
        )  # fmt: skip

    @staticmethod
    def rest(p: MorrisLecar.Coefficients) -> MorrisLecar.State:
        return MorrisLecar.State(v=p.v_rest, w=p.w_rest, i=0.0, above=0.0)

    @staticmethod
    def flow(s: MorrisLecar.State, p: MorrisLecar.Coefficients, h: int) -> MorrisLecar.State:
        for _ in range(h - 1):
            s = MorrisLecar.flow(s, p, 1)
        half = ops.exp((s.v - p.v_3) / (2 * p.v_4))
        w_inf = ops.sigmoid(2 * (s.v - p.v_3) / p.v_4)
        w = w_inf + (s.w - w_inf) * ops.exp(-p.rate * (half + 1 / half) / 2)
        ca = p.g_ca * ops.sigmoid(2 * (s.v - p.v_1) / p.v_2)
        k = p.g_k * w
        total = ca + k + p.g_leak
        v_inf = (ca * p.e_ca + k * p.e_k + p.g_leak * p.e_leak + s.i) / total
        v = v_inf + (s.v - v_inf) * ops.exp(-p.step * total)
        return s._replace(v=v, w=w, i=0.0)

    @staticmethod
    def receive(s: MorrisLecar.State, p: MorrisLecar.Coefficients, x: Current) -> MorrisLecar.State:
        return s._replace(i=s.i + x.current)

    @staticmethod
    def fire(s: MorrisLecar.State, p: MorrisLecar.Coefficients) -> Array:
        return ops.where(s.above > 0, -1.0, (s.v - p.v_th) / p.scale)

    @staticmethod
    def jump(s: MorrisLecar.State, p: MorrisLecar.Coefficients, z: Array) -> MorrisLecar.State:
        return s._replace(above=ops.where(s.v > p.v_th, s.above + ops.stop(z), 0.0))
