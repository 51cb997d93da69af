"""snnTorch model -> Network; `neuro.interop.snntorch` has the table and the equations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, Unsupported, require
from neuro.interop import _snntorch_neuron as read
from neuro.network import Input, Network, Synapse
from neuro.neurons import LI, Neuron
from neuro.shape import Shape
from neuro.synapses import Conv2d, Dense, Topology

KINDS = ("Leaky", "RLeaky", "Synaptic", "RSynaptic", "Alpha")
_REMEDIES = {
    "MaxPool2d": "nn.Conv2d with a stride; a maximum of currents is no linear map",
    "AvgPool2d": "nn.Conv2d with a stride, or fold the mean into the weights behind it",
    "BatchNorm1d": "torch.nn.utils.fuse_linear_bn_eval, which folds it into the weights",
    "BatchNorm2d": "torch.nn.utils.fuse_conv_bn_eval, which folds it into the weights",
    "Dropout": "leave it out; it does nothing after model.eval()",
    "Lapicque": "snntorch.Leaky(1 - time_step / (R * C)), with weights times time_step / C",
}


def network(model: Any, clock: Clock, input_shape: int | Shape) -> Network:
    """The network; see `from_snntorch`."""
    snn, nn = require("snntorch", "snntorch"), require("torch", "train").nn
    known = tuple(getattr(snn, kind) for kind in KINDS)
    layers = list(_in_order("", model))
    last = [where for where, layer in layers if type(layer) in known][-1:]
    source = Input(input_shape)
    populations: dict[str, Input | Neuron] = {"in": source}
    synapses: list[Synapse] = []
    pre, shape, weights = "in", source.units, None  # shape: of the signal so far
    seen: set[int] = set()
    for where, layer in layers:
        if type(layer) is nn.Flatten:
            shape = _flattened(where, layer, shape)
            if weights is not None and shape != weights.post_shape(populations[pre].units):
                raise _misplaced(where)
        elif type(layer) in (nn.Linear, nn.Conv2d):
            if weights is not None:
                raise _misplaced(where)
            weights = _topology(where, layer, shape)
            shape = weights.post_shape(shape)
        elif type(layer) not in known:
            raise Unsupported(
                where, "type", "has no counterpart in a Network",
                _REMEDIES.get(type(layer).__name__, "leave it out, or express it by nn.Linear, "
                f"nn.Conv2d, nn.Flatten and snntorch's {', '.join(KINDS)}"),
            )  # fmt: skip
        else:
            name = "out" if [where] == last else f"hid{len(populations)}"
            if id(layer) in seen:
                raise Unsupported(
                    where, "mem", "is shared, since the layer is used twice", "one for each place"
                )
            seen.add(id(layer))
            neuron = read.neuron(where, layer, shape, clock)
            if isinstance(neuron, LI) and name != "out":
                raise Unsupported(
                    where, "threshold", "is inf, so the layers behind it never get a spike",
                    "a finite threshold, or end the model here",
                )  # fmt: skip
            populations[name] = neuron
            synapses.append(Synapse(pre, name, weights or _one_to_one(np.ones(shape))))
            loop = _recurrence(where, layer, shape)
            if loop is not None:
                synapses.append(Synapse(name, name, loop, delay=clock.dt))
            pre, weights = name, None
    if not last or layers[-1][0] != last[0]:
        raise Unsupported(
            "snnTorch model", "layers", f"end in {layers[-1][0] if layers else 'nothing'}, not in "
            "a snnTorch neuron", 'snntorch.Leaky(beta, threshold=float("inf"), '
            'reset_mechanism="none") is a membrane to read out',
        )  # fmt: skip
    return Network(populations, tuple(synapses), (pre,), clock)


def _in_order(name: str, module: Any) -> Iterator[tuple[str, Any]]:
    """The layers in the order in which they act, each with the words that name it in errors."""
    nn = require("torch", "train").nn
    where = f"snnTorch layer {name!r} ({type(module).__name__})" if name else "snnTorch model"
    _refuse_hooks(where, module)
    if isinstance(module, nn.ModuleList | list | tuple):
        children: Any = enumerate(module)
    elif isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        children = module._modules.items()  # named_children leaves out a layer used again
    elif name:
        yield where, module
        return
    else:
        raise Unsupported(
            where, "type", f"is {type(module).__name__}, which does not say in which order its "
            "layers act", "list them as its forward calls them: [net.fc1, net.lif1, ...]",
        )  # fmt: skip
    for key, child in children:
        yield from _in_order(f"{name}.{key}" if name else str(key), child)


def _refuse_hooks(where: str, module: Any) -> None:
    if getattr(module, "_forward_hooks", {}) or getattr(module, "_forward_pre_hooks", {}):
        raise Unsupported(
            where, "hooks", "may change what it computes",
            "remove them; torch.nn.utils.remove_weight_norm, prune.remove and the like keep values",
        )  # fmt: skip


def _misplaced(where: str) -> Unsupported:
    return Unsupported(
        where, "position", "follows weights without a neuron between",
        "put it before the weights, or multiply two weights into one",
    )  # fmt: skip


def _flattened(where: str, layer: Any, shape: Shape) -> Shape:
    if layer.start_dim != 1 or layer.end_dim not in (-1, len(shape)):
        raise Unsupported(
            where, "start_dim", f"joins axes {layer.start_dim} to {layer.end_dim} of "
            f"[batch, {', '.join(map(str, shape))}]", "nn.Flatten(), which joins all but the batch",
        )  # fmt: skip
    return (int(np.prod(shape)),)


def _topology(where: str, layer: Any, shape: Shape) -> Topology:
    """An nn.Linear or nn.Conv2d that acts on a signal of a shape."""
    arrays = {
        field: _single(where, field, getattr(layer, field))
        for field in ("weight", "bias")
        if getattr(layer, field) is not None
    }
    topology: Topology
    if type(layer) is require("torch", "train").nn.Linear:
        if len(shape) != 1:
            raise Unsupported(
                where, "in_features", f"is {layer.in_features}, and a signal of shape {shape} "
                "meets it on the last axis only", "nn.Flatten() before it; input_shape is that of "
                "one step without batch",
            )  # fmt: skip
        topology = Dense(arrays["weight"], arrays.get("bias"))
    else:
        if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
            raise Unsupported(
                where, "padding", f"is {layer.padding!r} in mode {layer.padding_mode!r}",
                "one or two numbers, padding_mode='zeros'",
            )  # fmt: skip
        topology = Conv2d(
            arrays["weight"], arrays.get("bias"), stride=layer.stride, padding=layer.padding,
            dilation=layer.dilation, groups=layer.groups,
        )  # fmt: skip
    try:
        topology.post_shape(shape)
    except InvalidValue as error:
        raise InvalidValue(
            f"{where}: {error}. input_shape is the shape of one step, without batch"
        ) from None
    return topology


def _one_to_one(weight: NDArray[Any]) -> Topology:
    """Every unit to the unit at its place, with weights in the shape of the population."""
    if weight.ndim == 3 and (weight == weight[:, :1, :1]).all():
        return Conv2d(weight[:, :1, :1, None], groups=len(weight))  # not a matrix over all units
    return Dense(np.diag(weight.ravel()), post=tuple(weight.shape))


def _recurrence(where: str, layer: Any, units: Shape) -> Topology | None:
    """The weights from a layer onto itself, or None if it is not recurrent."""
    nn = require("torch", "train").nn
    if type(layer).__name__ not in ("RLeaky", "RSynaptic"):
        return None
    inner, where = layer.recurrent, f"{where}.recurrent"
    _refuse_hooks(where, inner)
    if type(inner).__name__ == "RecurrentOneToOne":
        _single(where, "V", inner.V)
        return _one_to_one(np.broadcast_to(read.values(where, inner, "V", units), units))
    if type(inner) not in (nn.Linear, nn.Conv2d):
        raise Unsupported(
            where, "type", f"is {type(inner).__name__}, which has no counterpart in a Network",
            "nn.Linear or nn.Conv2d",
        )  # fmt: skip
    topology = _topology(where, inner, units)
    if topology.post_shape(units) != units:
        raise InvalidValue(
            f"{where}: maps {units} to {topology.post_shape(units)}, expected {units}"
        )
    return topology


def _single(where: str, field: str, tensor: Any) -> NDArray[np.float32]:
    """Values in float32, refused if that would round them."""
    double = tensor.detach().cpu().double().numpy()
    if not np.isfinite(double).all():
        raise InvalidValue(f"{where}.{field}: contains NaN or infinite values")
    with np.errstate(over="ignore"):
        single = double.astype(np.float32)
    if (single != double).any():
        raise Unsupported(
            where, field, "holds float64 values that float32 would round", "model.float()"
        )
    return single
