"""What a file is, and what is in it: found by its content, not its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuro.errors import CorruptFile, require

_HDF5 = b"\x89HDF\r\n\x1a\n"


def file_info(path: str | Path) -> dict[str, Any]:
    """Facts about an event file, a .nir network, a network file or a training checkpoint.

    Raises:
        CorruptFile: the file is damaged, or of a kind that neuro does not know.
        FileNotFoundError: there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    with open(path, "rb") as file:
        head = file.read(32)
    size = {"file": str(path), "bytes": path.stat().st_size}
    if head.startswith(b"neuro.EventDataset"):
        return {**size, **_event_set(path)}
    if head[8:9] == b"{":  # safetensors: length of the header, then the header as JSON
        return {**size, **_safetensors(path)}
    from neuro.cli_events import event_facts
    from neuro.formats import detect

    if head.startswith(_HDF5) and path.suffix.lower() == ".nir":
        return {**size, **_nir(path)}
    try:
        found = detect(path)
    except CorruptFile as error:
        if head.startswith(_HDF5):
            return {**size, **_nir(path)}
        raise CorruptFile(
            f"{error}. Networks (.nir, .safetensors) and checkpoints are known, too"
        ) from error
    return event_facts(path, found.name)


def _event_set(path: Path) -> dict[str, Any]:
    from neuro.data import EventDataset

    dataset = EventDataset.load(path)
    return {
        "kind": "event set", "name": dataset.name, "recordings": len(dataset),
        "events": int(dataset.counts.sum()), "shape": dataset.shape, "tick_s": dataset.clock.dt,
        "classes": len(dataset.classes), "source": dataset.source, **dataset.attributes,
    }  # fmt: skip


def _nir(path: Path) -> dict[str, Any]:
    from neuro.export import read_nir

    return {"kind": "NIR network", **_network(read_nir(path))}


def _safetensors(path: Path) -> dict[str, Any]:
    from neuro.checkpoint import load_network, load_tree

    safetensors = require("safetensors", "train")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            header: dict[str, str] = file.metadata() or {}
    except safetensors.SafetensorError as error:
        raise CorruptFile(f"{path}: damaged safetensors file: {error}") from error
    if header.get("format", "").startswith("neuro.network"):
        return {"kind": "network", **_network(load_network(path))}
    tree = load_tree(path)
    facts: dict[str, Any] = {"kind": "checkpoint"}
    if isinstance(tree, dict) and "state_dict" in tree:
        weights = tree["state_dict"]
        facts |= {"epoch": tree["epoch"], "step": tree["global_step"], "tensors": len(weights)}
        facts["parameters"] = sum(int(w.numel()) for w in weights.values())
    return facts


def _network(network: Any) -> dict[str, Any]:
    counts = [a.size for s in network.synapses for a in s.topology.arrays().values()]
    return {
        "network": repr(network), "neurons": sum(p.size for p in network.neurons().values()),
        "parameters": sum(counts), "tick_s": network.clock.dt, "fingerprint": network.fingerprint,
    }  # fmt: skip
