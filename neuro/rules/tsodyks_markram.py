"""Short-term plasticity: facilitation and depression."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from neuro.clock import Clock
from neuro.ops import Array
from neuro.rules._base import Rule, Weight, parameter
from neuro.rules._traces import keep
from neuro.units import ms


class TsodyksMarkram(Rule):
    """A spike uses up a share u of the resources r, which recover; u itself may facilitate.

        du/dt = -u / tau_facil,        u <- u + use (1 - u) at a presynaptic spike
        dr/dt = (1 - r) / tau_rec,     r <- r - u r, with the new u
        delivered: w u r, with the new u and the old r

    The weights do not change. Both depend on the presynaptic unit's spikes alone, so they are kept
    per unit, not per synapse. tau_facil=0 is a synapse that only depresses. Integrator: exact.

    Source: Markram, Wang & Tsodyks, PNAS 95 (1998); Tsodyks, Pawelzik & Markram,
    Neural Computation 10 (1998). Presets: "depressing" of Tsodyks, Uziel & Markram, J.
    Neuroscience 20 (2000), between excitatory cells; "facilitating" of Mongillo, Barak & Tsodyks,
    Science 319 (2008).
    """

    use: float = parameter(default=0.5, unit="1", meaning="share used by a lone spike", above=0)
    tau_rec: float = parameter(
        default=800 * ms, unit="s", meaning="time constant of recovery", above=0
    )
    tau_facil: float = parameter(
        default=0.0, unit="s", meaning="time constant of facilitation", at_least=0
    )

    presets: ClassVar = {
        "depressing": {"use": 0.5, "tau_rec": 800 * ms, "tau_facil": 0.0},
        "facilitating": {"use": 0.2, "tau_rec": 200 * ms, "tau_facil": 1500 * ms},
    }

    class Pre(NamedTuple):
        u: Array  # what is left of facilitation
        r: Array  # resources

    class Coefficients(NamedTuple):
        keep_u: Array
        keep_r: Array
        use: Array

    def derive(self, clock: Clock) -> TsodyksMarkram.Coefficients:
        keep_u = keep(self.tau_facil, clock) if self.tau_facil > 0 else 0.0
        return TsodyksMarkram.Coefficients(keep_u, keep(self.tau_rec, clock), self.use)

    def pre_rest(self, p: Coefficients) -> Pre:
        return TsodyksMarkram.Pre(0.0, 1.0)

    @staticmethod
    def pre_flow(x: Pre, p: Coefficients) -> Pre:
        return TsodyksMarkram.Pre(p.keep_u * x.u, 1.0 - p.keep_r * (1.0 - x.r))

    @staticmethod
    def pre_spike(x: Pre, p: Coefficients) -> Pre:
        u = x.u + p.use * (1.0 - x.u)
        return TsodyksMarkram.Pre(u, x.r - u * x.r)

    @staticmethod
    def transmit(s: Weight, x: Pre, p: Coefficients) -> Array:
        u = x.u + p.use * (1.0 - x.u)
        return s.w * (u * x.r)
