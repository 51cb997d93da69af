"""NIR, the Neuromorphic Intermediate Representation: files that other frameworks read.

Source: Pedersen et al., Neuromorphic intermediate representation, Nature Communications 15
(2024), and the package nir 1.0.8.

NIR describes continuous time and knows no step. What we write is the form on which its readers
agree: **one of our ticks is one step of 1e-4 s of NIR time**, integrated by forward Euler. With
alpha = exp(-tick / tau_mem) our law v <- v_leak + (v - v_leak) alpha + input is then exactly

    NIR LIF and LI   tau = 1e-4 s / (1 - alpha),   r = tau / 1e-4 s;     NIR IF   r = 1 / 1e-4 s

and a delay of n ticks is a `Delay` node of n * 1e-4 s. What NIR leaves open we settle so:

- A unit starts at v_leak (an IF at 0).
- Edges deliver in the same step. Only an edge from a population to itself without a `Delay` node
  takes one step, as in all readers; such an edge is written for a delay of exactly one tick.
  Every other delay, in a longer loop too, is a `Delay` node with all of it, because a reader
  could not know which edge of a longer loop carries the step.
- A `Delay` delays channels. A delay for each connection is written as branches, each a `Delay` and
  a matrix that is 0 where another branch has a weight (`neuro.export.nir_delays`).

The graph's metadata state version, tick and the exact parameters in seconds. They serve to give
back an equal network; the fields alone suffice to read a network with equal spikes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue, NeuroError, Unsupported, require
from neuro.export.nir_delays import MAX_BRANCHES
from neuro.export.nir_fields import network_from_fields
from neuro.export.nir_metadata import stated_clock
from neuro.export.nir_restore import network_from_metadata
from neuro.export.nir_write import to_nir as to_nir
from neuro.files import atomic
from neuro.network import Network

if TYPE_CHECKING:
    import nir

PathLike = str | os.PathLike[str]


def write_nir(network: Network, path: PathLike, *, max_branches: int = MAX_BRANCHES) -> None:
    """Write a network as a NIR file (HDF5, ".nir" by custom).

    Args:
        network: it is not changed.
        path: the file.
        max_branches: see `to_nir`.

    Raises:
        Unsupported: NIR has no words for something in the network; see `to_nir`.
        MissingExtra: the package nir is not installed.
        OSError: the disk is full or the folder cannot be written; an old file stays as it was.
    """
    graph = to_nir(network, max_branches=max_branches)
    with atomic(path) as tmp:
        require("nir", "nir").write(tmp, graph)


def read_nir(path: PathLike, *, clock: Clock | None = None, dt: float | None = None) -> Network:
    """Read a NIR file, ours or another writer's.

    Args:
        path: the file.
        clock: what one step of the file means in seconds. A file of ours states it.
        dt: see `from_nir`.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: truncated, damaged, not a NIR file, or fields and metadata disagree.
        Unsupported: a node or value that a Network cannot express exactly.
        InvalidValue: clock or dt is missing or contradicts the file.
        MissingExtra: the package nir is not installed.
    """
    graph = _load(Path(path))
    try:
        stated_clock(graph)
    except InvalidValue as error:
        raise CorruptFile(f"{Path(path)}: {error}") from error
    _clock(graph, clock, dt)  # a wrong argument is no fault of the file
    try:
        return from_nir(graph, clock=clock, dt=dt)
    except Unsupported as error:
        error.add_note(f"while reading {Path(path)}")
        raise
    except InvalidValue as error:
        raise CorruptFile(f"{Path(path)}: {error}") from error


def from_nir(
    graph: nir.NIRGraph, *, clock: Clock | None = None, dt: float | None = None
) -> Network:
    """The network that a NIR graph describes.

    Graphs nested inside are flattened; their nodes become "outer_inner", and a dot in a name
    becomes "_". Sum pooling is merged into the weights that follow it.

    Args:
        graph: a graph; it is not changed.
        clock: what one step means in seconds. A graph of ours states it in its metadata.
        dt: reading of a graph without our metadata. None: one step is 1e-4 s of NIR time,
            integrated by forward Euler, and r must make inputs add directly to the membrane
            (r = tau / 1e-4). A number: one step is `dt` seconds of NIR time and the equations are
            integrated exactly with the input constant within a step, so that
            v <- v_leak + (v - v_leak) alpha + (1 - alpha) r input, alpha = exp(-dt / tau). The
            gain (1 - alpha) r, for IF r dt, moves into the unit of v of a spiking population
            (v_th, v_leak and v_reset are divided by it, which leaves the spikes as they are) and
            into the weights that lead to an LI. `clock` is then Clock(dt) by default;
            dt=1 with a clock reads time constants that were written in steps.

    Raises:
        Unsupported: a node or value that a Network cannot express exactly.
        InvalidValue: clock or dt is missing or contradicts the graph; a value is out of bounds;
            fields and metadata disagree.
    """
    step = _clock(graph, clock, dt)
    if stated_clock(graph) is not None:
        return network_from_metadata(graph)
    return network_from_fields(graph, step, dt)


def _clock(graph: nir.NIRGraph, clock: Clock | None, dt: float | None) -> Clock:
    """What one step means, from the metadata or the arguments; they must not contradict."""
    stated = stated_clock(graph)
    if stated is None:
        seconds = None if dt is None else Clock(dt)  # refuses what is not a positive number
        if clock is None and seconds is None:
            raise InvalidValue(
                "from_nir: clock is missing and the graph does not state what one step means in "
                "seconds. Remedy: pass e.g. clock=Clock(1 * ms)"
            )
        return clock or seconds  # type: ignore[return-value]  # one of them is there
    if clock is not None and clock != stated:
        raise InvalidValue(
            f"from_nir: got clock={clock!r}, but the metadata state {stated!r}. Remedy: leave "
            "clock out"
        )
    if dt is not None:
        raise InvalidValue(
            f"from_nir: got dt={dt}, but the metadata state the reading (1e-4 s of NIR time a "
            "step). Remedy: leave dt out"
        )
    return stated


def _load(path: Path) -> nir.NIRGraph:
    nir = require("nir", "nir")
    with open(path, "rb"):
        pass  # missing, forbidden and folder errors are the operating system's own
    try:
        _check_types(path, nir)
        # The type check of nir 1.0.8 takes the kernel's height for its width and forgets the
        # groups of a convolution; every shape is checked by Network instead.
        return nir.read(path, type_check=False)
    except NeuroError:
        raise
    # A damaged file can make the HDF5 library and nir fail in any way; none of it is our bug.
    except Exception as error:
        raise CorruptFile(
            f"{path}: truncated, damaged or not a NIR file ({type(error).__name__}: {error}). "
            "Remedy: restore it from a backup or export it again"
        ) from error


def _check_types(path: Path, nir: Any) -> None:
    with require("h5py", "nir").File(path, "r") as file:
        if "node" not in file:
            raise CorruptFile(
                f"{path}: an HDF5 file without the group 'node', so not a NIR file. Remedy: check "
                "that the path is the intended file"
            )
        for name, kind in _types(file["node"], ""):
            if kind not in nir.ir.__all__ or kind == "NIRNode":
                raise Unsupported(
                    f"{path}: NIR node {name!r}", "type", f"{kind!r} is no node type of "
                    f"nir {nir.version}", "install a newer nir, or export without it",
                )  # fmt: skip


def _types(group: Any, name: str) -> Iterator[tuple[str, str]]:
    yield name or "graph", group["type"][()].decode()
    for inner in group.get("nodes", ()):
        yield from _types(group["nodes"][inner], inner)
