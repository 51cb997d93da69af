"""Heterosynaptic normalisation: what one synapse gains, the others of the unit lose."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.ops import Array
from neuro.rules._base import Rule, Weight, every, option, parameter, w_max, w_min
from neuro.rules._traces import within
from neuro.units import ms


class HeterosynapticNormalisation(Rule):
    """Brings the sum of a unit's weights back to a total, every so often.

        multiplicative   w <- w total / sum(w)            keeps ratios
        subtractive      w <- w - (sum(w) - total) / n    sharpens differences

    over the n synapses of the projection onto the unit; then w is held in [w_min, w_max], so the
    subtractive form misses the total while weights stand at a bound. A unit whose weights sum to 0,
    or to the other sign than `total`, is left alone by the multiplicative form.

    Source: von der Malsburg, Kybernetik 14 (1973); Miller & MacKay, Neural Computation 6 (1994),
    on both forms; Diehl & Cook, Frontiers in Computational Neuroscience 9 (2015).
    """

    total: float = parameter(default=1.0, unit="1", meaning="sum of the weights of a unit")
    w_min: float = w_min()
    w_max: float = w_max()
    every: float = every(100 * ms)
    form: str = option(
        default="multiplicative", choices=("multiplicative", "subtractive"),
        meaning="how weights are brought back",
    )  # fmt: skip

    class Coefficients(NamedTuple):
        total: Array
        w_min: Array
        w_max: Array
        form: str

    def derive(self, clock: Clock) -> HeterosynapticNormalisation.Coefficients:
        return HeterosynapticNormalisation.Coefficients(
            self.total, self.w_min, self.w_max, self.form
        )

    @staticmethod
    def normalise(s: Weight, total: Weight, count: Array, y: Any, p: Coefficients) -> Weight:
        if p.form == "subtractive":
            return Weight(within(s.w - (total.w - p.total) / count, p))
        sound = total.w * p.total > 0.0
        factor = ops.where(sound, p.total / ops.where(sound, total.w, 1.0), 1.0)
        return Weight(within(s.w * factor, p))
