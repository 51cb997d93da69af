"""One call for every engine: `neuro.sim.run(network, 1.0, engine=...)`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.network import Network
from neuro.record import Record
from neuro.sim.probe import Probe
from neuro.sim.simulation import Format, Simulation

Engine = Literal["compiled", "reference", "brian2", "nest"]
_OTHERS = {
    "reference": "neuro.sim.reference",
    "brian2": "neuro.sim.brian2_engine",
    "nest": "neuro.sim.nest_engine",
}


def run(
    network: Network, duration: float, *, inputs: Mapping[str, Any] | Events | None = None,
    record: Sequence[str | Probe] = (), seed: int = 0, engine: Engine = "compiled",
    dtype: Format = "float32", threads: int | None = None, progress: bool = False,
    stream: str | os.PathLike[str] | None = None,
) -> Record:  # fmt: skip
    """Simulate a network from rest for `duration` seconds.

    Args:
        network: what to run; it is not changed.
        duration: seconds, on the network clock's grid.
        inputs: what Input populations emit, see `Simulation.run`.
        record: signals beside the outputs' spikes.
        seed: of the run.
        engine: "compiled" is the fast one; "reference" the laws as they stand, in PyTorch;
            "brian2" and "nest" translate the network, or refuse with the reason.
        dtype: "float32" or "float64"; Brian2 and NEST compute in float64 in any case.
        threads: processors to use; results do not depend on it.
        progress: show progress bars.
        stream: file for records, of the compiled engine.

    Raises:
        InvalidValue: an argument does not fit the network.
        UnknownName: an input or signal is not of this network.
        Unsupported: the engine cannot represent something; the message says what and why.
        MissingExtra: the engine's package is not installed.
    """
    if engine == "compiled":
        simulation = Simulation(network, seed=seed, dtype=dtype, threads=threads, progress=progress)
        return simulation.run(duration, inputs=inputs, record=record, stream=stream)
    if engine not in _OTHERS:
        raise InvalidValue(
            f"sim.run.engine: got {engine!r}, expected one of {['compiled', *_OTHERS]}"
        )
    if stream is not None:
        raise InvalidValue("sim.run.stream: only engine='compiled' writes records to a file")
    ticks = int(network.clock.ticks(duration, exact=True, what="sim.run.duration"))
    other = importlib.import_module(_OTHERS[engine])
    return other.run(
        network, ticks, inputs=inputs, record=record, seed=seed, dtype=dtype, threads=threads or 1
    )
