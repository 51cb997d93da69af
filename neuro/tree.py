"""A nested Python value taken apart into JSON structure and named arrays, and put together again.

JSON has no tuples, no keys but strings, and no NaN. What it lacks is written as an object with a
single key that starts with "$"; a dict with such keys, or with keys other than strings, is
written as {"$dict": [[key, value], ...]}, so nothing is ambiguous.
"""

from __future__ import annotations

import base64
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue

_NUMPY = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "float16", "float32", "float64", "complex64")  # fmt: skip
_TORCH = (*_NUMPY, "bfloat16", "float8_e4m3fn", "float8_e5m2")


class Leaves(NamedTuple):
    """Arrays of a tree by the path that leads to them."""

    arrays: dict[str, NDArray[Any]]
    tensors: dict[str, Any]  # torch.Tensor


def encode(tree: Any) -> tuple[Any, Leaves]:
    """JSON-ready structure and leaves of a tree.

    Raises:
        InvalidValue: a value of a type that cannot be written; the message gives its path.
    """
    leaves = Leaves({}, {})
    return _encode(tree, "tree", leaves), leaves


def decode(structure: Any, leaves: Leaves) -> Any:
    """The tree of which `encode` made structure and leaves."""
    if isinstance(structure, list):
        return [decode(item, leaves) for item in structure]
    if not isinstance(structure, dict):
        return structure
    if len(structure) != 1 or not (tag := next(iter(structure))).startswith("$"):
        return {key: decode(value, leaves) for key, value in structure.items()}
    value = structure[tag]
    match tag:
        case "$dict":
            return {decode(k, leaves): decode(v, leaves) for k, v in value}
        case "$tuple":
            return tuple(decode(item, leaves) for item in value)
        case "$float":
            return float(value)
        case "$bytes":
            return base64.b64decode(value)
        case "$tensor":
            return leaves.tensors[value].clone()  # a copy, not a view of the mapped file
        case "$array":
            return _array(value, leaves)
        case "$scalar":
            return _array(value, leaves)[()]
        case _:
            raise InvalidValue(f"tree: unknown tag {tag!r}")


def _array(name: str, leaves: Leaves) -> NDArray[Any]:
    if name in leaves.tensors:  # arrays beside tensors are stored as tensors
        return leaves.tensors[name].clone().numpy()
    return leaves.arrays[name]


def _encode(value: Any, path: str, leaves: Leaves) -> Any:
    # Exact types: a subclass (enum, named tuple, str with extras) would not come back as itself.
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if kind is list:
        return [_encode(item, f"{path}[{i}]", leaves) for i, item in enumerate(value)]
    if kind is tuple:
        return {"$tuple": [_encode(item, f"{path}[{i}]", leaves) for i, item in enumerate(value)]}
    if isinstance(value, dict):
        return _encode_dict(value, path, leaves)
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        _check(array.dtype.name, _NUMPY, path)
        leaves.arrays[path] = array
        return {"$array" if kind is np.ndarray else "$scalar": path}
    if _is_tensor(value):
        _check(str(value.dtype).removeprefix("torch."), _TORCH, path)
        if str(value.layout) != "torch.strided":
            raise InvalidValue(f"{path}: a sparse tensor. Remedy: store tensor.to_dense()")
        leaves.tensors[path] = value
        return {"$tensor": path}
    raise InvalidValue(
        f"{path}: got {kind.__module__}.{kind.__qualname__}, expected dict, list, tuple, str, "
        "bytes, int, float, bool, None, a NumPy array or a torch.Tensor. Remedy: convert or drop it"
    )


def _encode_dict(value: dict[Any, Any], path: str, leaves: Leaves) -> Any:
    inner = {key: _encode(item, f"{path}[{key!r}]", leaves) for key, item in value.items()}
    if all(type(key) is str and not key.startswith("$") for key in value):
        return inner
    keys = {key: _encode(key, f"{path} key {key!r}", leaves) for key in value}
    return {"$dict": [[keys[key], item] for key, item in inner.items()]}


def _check(dtype: str, known: tuple[str, ...], path: str) -> None:
    if dtype not in known:
        raise InvalidValue(
            f"{path}: dtype {dtype} cannot be stored, expected one of {', '.join(known)}"
        )


def _is_tensor(value: Any) -> bool:
    # By name over the ancestry, so that torch is not imported to ask; Parameter is a Tensor.
    return any(
        cls.__module__ == "torch" and cls.__name__ == "Tensor" for cls in type(value).__mro__
    )
