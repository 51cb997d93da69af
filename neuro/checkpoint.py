"""Native files: one safetensors file with arrays as tensors and structure as JSON in its header.

Never pickle: reading a file runs no code from it and imports nothing that it names. A file is
written as a whole or not at all, and its SHA-256 is verified when it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from neuro import __version__
from neuro.errors import CorruptFile, InvalidValue, UnknownName, require
from neuro.files import atomic
from neuro.network import Network
from neuro.neurons import Neuron
from neuro.tree import Leaves, decode, encode

PathLike = str | os.PathLike[str]

_NETWORK, _TREE = "neuro.network/1", "neuro.tree/1"
_FRAMEWORKS = {"torch": "pt", "numpy": "numpy"}  # what a file holds -> safetensors' word for it


def save_network(network: Network, path: PathLike) -> None:
    """Write a network, weights included, to one safetensors file (".safetensors" by custom).

    The tensors are named as in `Network.plain()`, e.g. "in->hid1.weight"; the structure is JSON
    under the key "structure" of the header.

    Raises:
        MissingExtra: safetensors is not installed.
        OSError: the disk is full or the folder cannot be written; an old file stays as it was.
    """
    structure, arrays = network.plain()
    _write(path, _NETWORK, json.dumps(structure), Leaves(arrays, {}))


def load_network(path: PathLike, *, neurons: Mapping[str, type[Neuron]] | None = None) -> Network:
    """Read a network that `save_network` wrote.

    Args:
        path: the file.
        neurons: name -> class for neuron classes of your own, e.g. {"MyLIF": MyLIF}.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: truncated, damaged, or not a network file.
        UnknownName: a neuron class is neither in `neuro.neurons` nor in `neurons`.
    """
    text, leaves = _read(path, _NETWORK)
    try:
        return Network.from_plain(json.loads(text), leaves.arrays, neurons=neurons)
    except UnknownName as error:
        error.add_note(f"while reading {Path(path)}")
        raise
    except InvalidValue as error:
        raise CorruptFile(
            f"{Path(path)}: does not describe a network: {error}. Remedy: save it again with the "
            f"version that wrote it; this is neuro {__version__}"
        ) from error


def save_tree(path: PathLike, tree: Any) -> None:
    """Write nested dicts, lists, tuples and plain values with arrays as leaves to one file.

    Kept exactly: key types and order, tuples, NaN and infinities, integers of any size, dtypes
    (bool, int64, float64, bfloat16, ...) and shapes. Tensors come back on the CPU without
    gradient; subclasses of dict come back as dict.

    Args:
        path: file to write.
        tree: values of type dict, list, tuple, str, bytes, int, float, bool, None, NumPy array or
            scalar, or torch.Tensor.

    Raises:
        InvalidValue: a value of another type; the message gives the path to it.
        MissingExtra: safetensors is not installed.
        OSError: the disk is full or the folder cannot be written; an old file stays as it was.
    """
    structure, leaves = encode(tree)
    _write(path, _TREE, json.dumps(structure), leaves)


def load_tree(path: PathLike) -> Any:
    """Read a tree that `save_tree` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: truncated, damaged, or not a file of `save_tree`.
        MissingExtra: the tree holds tensors and torch is not installed.
    """
    text, leaves = _read(path, _TREE)
    return decode(json.loads(text), leaves)


def _write(path: PathLike, kind: str, text: str, leaves: Leaves) -> None:
    if leaves.tensors:
        torch = require("torch", "train")
        data = {name: torch.from_numpy(_plain(a)) for name, a in leaves.arrays.items()}
        data |= {n: t.detach().cpu().clone().contiguous() for n, t in leaves.tensors.items()}
        save = require("safetensors.torch", "train").save
    else:
        data = {name: _plain(array) for name, array in leaves.arrays.items()}
        save = require("safetensors.numpy", "train").save
    header = {
        "format": kind, "neuro": __version__, "structure": text,
        "holds": "torch" if leaves.tensors else "numpy",
        "sha256": _digest(text, data),
    }  # fmt: skip
    with atomic(path) as tmp:
        tmp.write_bytes(save(data, metadata=header))


def _plain(array: Any) -> Any:
    """A little-endian C-contiguous copy that keeps zero dimensions."""
    return np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _read(path: PathLike, kind: str) -> tuple[str, Leaves]:
    """Structure and leaves of a file; every leaf is a tensor if the file holds any."""
    safetensors = require("safetensors", "train")
    remedy = "Remedy: restore it from a backup or write it again"
    with open(path, "rb"):
        pass  # missing, forbidden and folder errors are the operating system's own
    try:
        # The header alone names the framework that can hold every dtype in the file.
        with safetensors.safe_open(path, framework="numpy") as file:
            header: dict[str, str] = file.metadata() or {}
        if header.get("format") != kind:
            raise CorruptFile(
                f"{Path(path)}: format is {header.get('format')!r}, expected {kind!r}. Remedy: "
                f"check that the path is the intended file; this is neuro {__version__}"
            )
        framework = _FRAMEWORKS[header["holds"]]
        if framework == "pt":
            require("torch", "train")
        with safetensors.safe_open(path, framework=framework) as file:
            header = file.metadata()  # again: the file may have been replaced since
            data = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        text, stated = header["structure"], header["sha256"]
    except CorruptFile:
        raise
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CorruptFile(
            f"{Path(path)}: truncated, damaged or not a safetensors file ({error}). {remedy}"
        ) from error
    if stated != _digest(text, data):
        raise CorruptFile(f"{Path(path)}: sha256 does not match the content. {remedy}")
    return text, Leaves({}, data) if framework == "pt" else Leaves(data, {})


def _digest(text: str, data: Mapping[str, Any]) -> str:
    """SHA-256 of structure and leaves: name, dtype, shape and bytes of each, in order of name."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(data):
        leaf = data[name]
        digest.update(f"{name} {str(leaf.dtype).split('.')[-1]} {tuple(leaf.shape)}".encode())
        digest.update(_bytes(leaf))
    return digest.hexdigest()


def _bytes(leaf: Any) -> bytes:
    if isinstance(leaf, np.ndarray):
        return np.ascontiguousarray(leaf).tobytes()
    torch: ModuleType = require("torch", "train")
    flat = leaf.reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
