"""Published networks of cortex that more than one recipe or benchmark runs."""

from __future__ import annotations

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.network import Network, Synapse
from neuro.neurons import CobaLIF, Neuron, TwoCurrentLIF
from neuro.synapses import FixedProbability
from neuro.units import ms

MV = 1e-3


def vogels_abbott(kind: str = "cuba", neurons: int = 4000, seed: int = 0) -> Network:
    """Populations "exc" (80 %) and "inh" that keep firing without input, at 0.1 ms a tick.

    Any pair is connected with probability 80 / neurons (2 % of 4,000). The caller sets the
    initial state. With kind="coba" nothing fires unless conductances too are set (or cells are
    driven for a while): no resting potential reaches the threshold.

    Args:
        kind: "coba", synapses are conductances (0.6 and 6.7 leak conductances), or "cuba",
            currents (1.62 and -9 mV).
        neurons: a multiple of 5, at least 80.
        seed: of the connections.

    Raises:
        InvalidValue: an argument is none of these.

    Source: Vogels & Abbott, J. Neurosci. 25 (2005), as benchmarks 1 (conductances) and 2
    (currents) of Brette et al., J. Comput. Neurosci. 23 (2007).
    """
    if neurons < 80 or neurons % 5:
        raise InvalidValue(
            f"vogels_abbott.neurons: got {neurons}, expected a multiple of 5, at least 80"
        )
    exc, inh = neurons * 4 // 5, neurons // 5

    def cells(size: int) -> Neuron:
        if kind == "coba":
            return CobaLIF(size, refractory=5 * ms)
        return TwoCurrentLIF(
            size, v_th=-50 * MV, v_leak=-49 * MV, v_reset=-60 * MV, refractory=5 * ms
        )

    weights = {"cuba": (1.62 * MV, -9 * MV), "coba": (0.6, 6.7)}
    if kind not in weights:
        raise InvalidValue(f"vogels_abbott.kind: got {kind!r}, expected 'cuba' or 'coba'")
    synapses = [
        Synapse(
            pre, post, FixedProbability(80 / neurons, weight=w, seed=4 * seed + number),
            port=port, delay=0.1 * ms,
        )
        for number, (pre, post, port, w) in enumerate(
            (pre, post, port, w)
            for pre, port, w in zip(
                ("exc", "inh"), ("excitation", "inhibition"), weights[kind], strict=True
            )
            for post in ("exc", "inh")
        )
    ]  # fmt: skip
    return Network(
        {"exc": cells(exc), "inh": cells(inh)}, tuple(synapses), ("exc", "inh"), Clock(0.1 * ms)
    )
