"""Izhikevich's simple model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

from neuro import ops
from neuro.clock import Clock
from neuro.errors import Unsupported
from neuro.neurons._base import Current, Neuron, Value, option, parameter
from neuro.neurons._step import check_step, decay_error
from neuro.ops import Array
from neuro.units import ms


def _abcd(a: float, b: float, c: float, d: float, **more: Any) -> dict[str, Any]:
    return {"a": a, "b": b, "c": c, "d": d, **more}


def _2004(a: float, b: float, c: float, d: float, **more: Any) -> dict[str, Any]:
    return _abcd(a, b, c, d, integrator="euler", **more)


_CLASS_1 = {"linear": 4.1, "constant": 108.0}  # the other equation of class 1 and integrator
_REST = -0.6  # slope of dv/dt per ms at -70 mV, where a cell with b = 0.2 rests


class Izhikevich(Neuron):
    """Two variables that reproduce the firing patterns of cortical cells.

        dv/dt = 0.04 v^2 + linear v + constant - u + I,   du/dt = a (b v - u)    (t in ms, v in mV)
        spike when v > v_th, then v <- c, u <- u + d

    Numbers are the paper's, in mV and ms, since a, b and d have no SI form of their own. The input
    of a tick is I. Integrator: that of the papers, forward Euler, with the new v in the equation
    of u. "halved" takes two half steps for v, as in 2003 at a tick of 1 ms; "euler" takes one, as
    in 2004 at ticks of 0.1 to 0.5 ms. Finer ticks converge to the equations; "halved" at 1 ms is
    off by 17 % in decays near rest.

    Presets: Izhikevich.preset("RS", 100). The names in capitals are the seven of 2003 (figure 2),
    the others 19 of the 20 firing patterns of 2004 (figure 1), with its integrator.

    Source: Izhikevich, IEEE Trans. Neural Networks 14 (2003), eqs. 1 to 3 and figure 2; Which model
    to use for cortical spiking neurons?, the same, 15 (2004), figure 1 and its program.

    Raises:
        InvalidValue: the tick is longer than 2 ms ("euler": 1 ms); above 1 ms (0.5 ms) a warning,
            `CoarseStep`, states the error.
    """

    a: Value = parameter(default=0.02, unit="1/ms", meaning="rate of the recovery")
    b: Value = parameter(default=0.2, unit="1/ms", meaning="coupling of the recovery to v")
    c: Value = parameter(default=-65.0, unit="mV", meaning="v after a spike")
    d: Value = parameter(default=8.0, unit="mV/ms", meaning="rise of the recovery per spike")
    linear: Value = parameter(default=5.0, unit="1/ms", meaning="coefficient of v")
    constant: Value = parameter(default=140.0, unit="mV/ms", meaning="constant drive")
    v_th: Value = parameter(default=30.0, unit="mV", meaning="peak of a spike")
    integrator: str = option(
        default="halved", choices=("halved", "euler"), meaning="two half steps for v, or one step"
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "RS": _abcd(0.02, 0.2, -65, 8),  # regular spiking
        "IB": _abcd(0.02, 0.2, -55, 4),  # intrinsically bursting
        "CH": _abcd(0.02, 0.2, -50, 2),  # chattering
        "FS": _abcd(0.1, 0.2, -65, 2),  # fast spiking
        "TC": _abcd(0.02, 0.25, -65, 0.05),  # thalamo-cortical
        "RZ": _abcd(0.1, 0.26, -65, 2),  # resonator
        "LTS": _abcd(0.02, 0.25, -65, 2),  # low-threshold spiking
        "tonic spiking": _2004(0.02, 0.2, -65, 6),
        "phasic spiking": _2004(0.02, 0.25, -65, 6),
        "tonic bursting": _2004(0.02, 0.2, -50, 2),
        "phasic bursting": _2004(0.02, 0.25, -55, 0.05),
        "mixed mode": _2004(0.02, 0.2, -55, 4),
        "spike frequency adaptation": _2004(0.01, 0.2, -65, 8),
        "class 1 excitable": _2004(0.02, -0.1, -55, 6, **_CLASS_1),
        "class 2 excitable": _2004(0.2, 0.26, -65, 0),
        "spike latency": _2004(0.02, 0.2, -65, 6),
        "subthreshold oscillations": _2004(0.05, 0.26, -60, 0),
        "resonator": _2004(0.1, 0.26, -60, -1),
        "integrator": _2004(0.02, -0.1, -55, 6, **_CLASS_1),
        "rebound spike": _2004(0.03, 0.25, -60, 4),
        "rebound burst": _2004(0.03, 0.25, -52, 0),
        "threshold variability": _2004(0.03, 0.25, -60, 4),
        "bistability": _2004(0.1, 0.26, -60, 0),
        "depolarizing after-potential": _2004(1, 0.2, -60, -21),
        "inhibition-induced spiking": _2004(-0.02, -1, -60, 8),
        "inhibition-induced bursting": _2004(-0.026, -1, -45, -2),
    }

    class State(NamedTuple):
        v: Array  # membrane potential, mV
        u: Array  # recovery

    class Coefficients(NamedTuple):
        step: float  # of v, in ms
        rate: Array  # a times the tick in ms
        b: Array
        c: Array
        d: Array
        linear: Array
        constant: Array
        v_th: Array
        v_start: Array
        integrator: str

    @classmethod
    def preset(cls, name: str, shape: int | tuple[int, ...] = ()) -> Self:
        """A published cell type or firing pattern; `presets` lists them.

        Raises:
            UnknownName: no such pattern.
            Unsupported: "accommodation", which the paper draws with another equation.
        """
        if name == "accommodation":
            raise Unsupported(
                "Izhikevich", "preset('accommodation')",
                "the paper draws this pattern with du/dt = a b (v + 65), without the decay of u",
                "write that neuron as a class of its own, see CONTRIBUTING.md",
            )  # fmt: skip
        return super().preset(name, shape)

    @staticmethod
    def derive(p: Any, clock: Clock) -> Izhikevich.Coefficients:
        halves = 2 if p.integrator == "halved" else 1
        step = clock.dt / ms / halves
        check_step(
            "Izhikevich", clock, coarse=0.5 * halves * ms, limit=halves * ms,
            error="decays near the rest of -70 mV to be off by "
            f"{decay_error(1 + _REST * step, -_REST * step):.0%}",
            why="Euler steps of v are unstable below -87 mV",
        )  # fmt: skip
        # The lower zero of 0.04 v^2 + (linear - b) v + constant, where v rests without input; cells
        # whose b is so large that there is none start at the vertex.
        slope = p.linear - p.b
        root = ops.sqrt(ops.maximum(slope * slope - 0.16 * p.constant, 0.0 * slope))
        return Izhikevich.Coefficients(
            step, p.a * (clock.dt / ms), p.b, p.c, p.d, p.linear, p.constant, p.v_th,
            (-slope - root) / 0.08, p.integrator,
        )  # fmt: skip

    @staticmethod
    def rest(p: Izhikevich.Coefficients) -> Izhikevich.State:
        return Izhikevich.State(v=p.v_start, u=p.b * p.v_start)

    @staticmethod
    def flow(s: Izhikevich.State, p: Izhikevich.Coefficients, h: int) -> Izhikevich.State:
        return s

    @staticmethod
    def receive(s: Izhikevich.State, p: Izhikevich.Coefficients, x: Current) -> Izhikevich.State:
        v, u = s.v, s.u
        for _ in range(2 if p.integrator == "halved" else 1):
            v = v + p.step * ((0.04 * v + p.linear) * v + p.constant - u + x.current)
        return Izhikevich.State(v=v, u=u + p.rate * (p.b * v - u))

    @staticmethod
    def fire(s: Izhikevich.State, p: Izhikevich.Coefficients) -> Array:
        return (s.v - p.v_th) * 0.02  # 50 mV is about one unit of other models

    @staticmethod
    def jump(s: Izhikevich.State, p: Izhikevich.Coefficients, z: Array) -> Izhikevich.State:
        z = ops.stop(z)
        return s._replace(v=ops.where(z > 0, p.c, s.v), u=s.u + z * p.d)
