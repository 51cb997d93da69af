"""Network -> snnTorch model; `neuro.interop.snntorch` has the table and the equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuro.clock import Clock
from neuro.errors import Unsupported, require
from neuro.interop._snntorch_neuron import alpha_step
from neuro.network import Network, Synapse
from neuro.neurons import IF, LI, LIF, CubaLIF, Neuron
from neuro.neurons._phi import carried
from neuro.synapses import Conv2d, Dense, Topology


def model(network: Network) -> Any:
    """The nn.Sequential; see `to_snntorch`."""
    torch = require("torch", "train")
    with torch.random.fork_rng(devices=[]):  # layers are made with random weights, then set
        return torch.nn.Sequential(*_layers(network))


def _layers(network: Network) -> list[Any]:
    nn = require("torch", "train").nn
    layers: list[Any] = []
    for synapse, loop in _row(network):
        where, name, units = f"Synapse[{synapse.name!r}]", synapse.post, network.neurons()
        if isinstance(synapse.topology, Dense):
            if len(synapse.topology.post) > 1:
                raise Unsupported(
                    where, "topology.post", f"is {synapse.topology.post}; the output of an "
                    "nn.Linear has one axis", f"give {name!r} the shape ({units[name].size},)",
                )  # fmt: skip
            if len(network.populations[synapse.pre].units) > 1:
                layers.append(nn.Flatten())
        layers.append(_weights(where, synapse.topology))
        last = name == network.outputs[0]
        layers.append(_neuron(f"Network[{name!r}]", units[name], loop, network.clock, last))
    return layers


def _row(network: Network) -> list[tuple[Synapse, Synapse | None]]:
    """Synapses from the input to the output, each with that of its target onto itself, if any."""
    forward: dict[str, Synapse] = {}
    loops: dict[str, Synapse] = {}
    for synapse in network.synapses:
        where, own = f"Synapse[{synapse.name!r}]", synapse.pre == synapse.post
        ticks = (
            network.rows(synapse, 0, network.populations[synapse.pre].size).delay
            if network.each_its_delay(synapse)
            else network.delay_ticks(synapse)
        )
        if (ticks != own).any():
            raise Unsupported(
                where, "delay", f"is {_span(ticks)} ticks; snnTorch delays what a recurrent layer "
                "sends to itself by one step and nothing else", f"a delay of {int(own)} ticks",
            )  # fmt: skip
        kept = loops if own else forward
        if synapse.pre in kept:
            raise Unsupported(
                where, "pre", f"is {synapse.pre!r}, which {kept[synapse.pre].name!r} leaves too; "
                "an nn.Sequential is a row", "add parallel weights, write branches by hand",
            )  # fmt: skip
        kept[synapse.pre] = synapse
    name = network.inputs[0] if network.inputs else ""
    row: list[tuple[Synapse, Synapse | None]] = []
    while name in forward:  # ends, since a loop without delay is no Network
        row.append((forward[name], loops.get(forward[name].post)))
        name = forward[name].post
    if len(row) + 1 != len(network.populations) or network.outputs != (name,):
        raise Unsupported(
            "Network", "populations", f"{tuple(network.populations)} with outputs "
            f"{network.outputs} are not a row from one input to the only output, as an "
            "nn.Sequential is", "leave out what the row does not need",
        )  # fmt: skip
    return row


def _span(ticks: Any) -> str:
    least, most = ticks.min(), ticks.max()
    return f"{most}" if least == most else f"{least} to {most}"


def _weights(where: str, topology: Topology) -> Any:
    """The topology as nn.Linear or nn.Conv2d."""
    torch = require("torch", "train")
    arrays = topology.arrays()
    weight = arrays["weight"]
    if isinstance(topology, Dense):
        layer = torch.nn.Linear(weight.shape[1], len(weight), bias="bias" in arrays)
    elif isinstance(topology, Conv2d):
        layer = torch.nn.Conv2d(
            weight.shape[1] * topology.groups, len(weight), weight.shape[2:], topology.stride,
            topology.padding, topology.dilation, topology.groups, bias="bias" in arrays,
        )  # fmt: skip
    else:
        raise Unsupported(
            where, "topology", f"is {type(topology).__name__}, which PyTorch has no layer for",
            "Dense or Conv2d",
        )  # fmt: skip
    with torch.no_grad():
        for name, array in arrays.items():
            getattr(layer, name).copy_(torch.tensor(array))
    return layer


def _neuron(where: str, neuron: Any, loop: Synapse | None, clock: Clock, last: bool) -> Any:
    """The snnTorch neuron, by the table of `neuro.interop.snntorch`."""
    kind = type(neuron)
    if kind not in (IF, LI, LIF, CubaLIF):
        raise Unsupported(
            where, "neuron", f"is {neuron.name}, which snnTorch does not have",
            "IF, LIF, CubaLIF, or LI at the end",
        )  # fmt: skip
    beta = 1.0 if kind is IF else np.exp(-clock.dt / neuron.tau_mem)
    if kind is LI:
        if not last or loop is not None or np.any(neuron.v_leak):
            raise Unsupported(
                where, "neuron", f"is {neuron!r}; an LI becomes a Leaky whose mem is read out, "
                "which must be the last population, without a synapse onto itself, at v_leak=0",
                "LIF, or v_leak=0",
            )  # fmt: skip
        readout = {"beta": beta, "threshold": np.inf, "reset_mechanism": "none"}
        return _made("Leaky", readout, neuron, loop, last)
    above = neuron.v_th - (0.0 if kind is IF else neuron.v_leak)
    if kind is not CubaLIF:
        settings = {"beta": beta, "threshold": above, **_reset(where, neuron, beta, loop, clock)}
        return _made("Leaky" if loop is None else "RLeaky", settings, neuron, loop, last)
    if np.any(neuron.r <= 0):
        raise Unsupported(
            where, "r", f"is {np.min(neuron.r):g}; an input of 1 adds 1 to syn in snnTorch, and "
            "thresholds can only take up a factor above 0", "r > 0, and weights of the other sign",
        )  # fmt: skip
    alpha = np.exp(-clock.dt / neuron.tau_syn)
    kappa = neuron.r * carried(clock.dt, neuron.tau_mem, neuron.tau_syn)
    settings = {"alpha": alpha, "beta": beta, "threshold": above / kappa}
    if neuron.arrival == "next":
        if neuron.reset != "none" or loop is not None:
            raise Unsupported(
                where, "arrival", "is 'next' with a reset or a synapse onto itself; snnTorch's "
                "Alpha resets its currents, not v alone, and is never recurrent",
                "arrival='same', or reset='none'",
            )  # fmt: skip
        settings = _as_alpha(where, **settings)
    settings |= _reset(where, neuron, beta, loop, clock)
    name = "Alpha" if neuron.arrival == "next" else "Synaptic" if loop is None else "RSynaptic"
    return _made(name, settings, neuron, loop, last)


def _reset(
    where: str, neuron: Any, beta: Any, loop: Synapse | None, clock: Clock
) -> dict[str, Any]:
    """reset_mechanism and reset_delay."""
    leak = 0.0 if isinstance(neuron, IF) else neuron.v_leak
    pause = np.rint(np.asarray(getattr(neuron, "refractory", 0.0)) / clock.dt)
    silent = loop is not None or isinstance(neuron, CubaLIF)
    delayed = bool(silent and neuron.reset == "zero" and (pause == 1).all())
    if pause.any() and not delayed:
        raise Unsupported(
            where, "refractory", f"is {pause.max():g} ticks; snnTorch knows only the tick of "
            "silence that reset='zero' brings to CubaLIF and to recurrent layers", "refractory=0",
        )  # fmt: skip
    if neuron.reset == "none":
        return {"reset_mechanism": "none"}
    if np.any(np.asarray(neuron.v_th) < leak):
        raise Unsupported(
            where, "v_th", "is below v_leak, where snnTorch resets without a spike", "v_th > v_leak"
        )
    if neuron.reset == "subtract":
        if not np.allclose(leak, (1 - beta) * neuron.v_th, rtol=1e-6, atol=0):
            raise Unsupported(
                where, "v_leak", f"is {np.max(leak):g} with reset='subtract'. The subtraction of "
                "snnTorch comes a step later, after the decay, which equals ours only where "
                "v_leak = (1 - beta) v_th with beta = exp(-dt / tau_mem)",
                "that v_leak, reset='zero', or IF, which does not decay",
            )  # fmt: skip
        return {"reset_mechanism": "subtract", "reset_delay": True}
    if not np.all(neuron.v_reset == leak):
        raise Unsupported(
            where, "v_reset", f"is {np.max(neuron.v_reset):g}; snnTorch resets to where the "
            f"membrane decays to, v_leak = {np.max(leak):g}", "v_reset = v_leak",
        )  # fmt: skip
    if not delayed and loop is not None and isinstance(neuron, CubaLIF):
        raise Unsupported(
            where, "reset", "is 'zero' at once; snnTorch 1.0.0 cannot run RSynaptic without the "
            "delay, which silences a step", f"refractory={clock.dt:g}, or reset='none'",
        )  # fmt: skip
    return {"reset_mechanism": "zero", "reset_delay": delayed}


def _as_alpha(where: str, alpha: Any, beta: Any, threshold: Any) -> dict[str, Any]:
    """Alpha's decays, the greater first, whichever is the membrane's; its threshold in its mem."""
    slow, fast = beta, alpha
    if np.any(alpha > beta):
        slow, fast = np.maximum(alpha, beta), np.minimum(alpha, beta)
    if np.any(np.float32(slow) == np.float32(fast)):
        raise Unsupported(
            where, "tau_syn", "equals tau_mem, which Alpha refuses", "different time constants"
        )
    return {"alpha": slow, "beta": fast, "threshold": threshold * alpha_step(slow, fast)}


def _made(
    kind: str, settings: dict[str, Any], neuron: Neuron, loop: Synapse | None, last: bool
) -> Any:
    """A snnTorch neuron layer with its recurrent weights."""
    torch, snn = require("torch", "train"), require("snntorch", "snntorch")
    theta = np.asarray(settings["threshold"], np.float32)
    if np.ndim(settings["beta"]) and (theta == theta.flat[0]).all():
        settings["threshold"] = theta.flat[0]  # v_th only differs since the decays do
    arguments = {
        key: value if isinstance(value, str | bool) else torch.tensor(np.asarray(value, np.float32))
        for key, value in settings.items()
    } | {"init_hidden": True, "output": last}
    if loop is None:
        return getattr(snn, kind)(**arguments)
    topology, where = loop.topology, f"Synapse[{loop.name!r}]"
    weight = topology.arrays()["weight"]
    if isinstance(topology, Dense) and topology.bias is None and _is_diagonal(weight):
        each = torch.tensor(np.diag(weight).reshape(neuron.units))
        return getattr(snn, kind)(**arguments, all_to_all=False, V=each)
    if isinstance(topology, Dense) and len(topology.post) > 1:
        raise Unsupported(
            where, "topology.post", f"is {topology.post}; a recurrent nn.Linear acts on one axis",
            "a population of one axis, or a Conv2d",
        )  # fmt: skip
    arguments |= (
        {"conv2d_channels": len(weight), "kernel_size": weight.shape[2:]}
        if isinstance(topology, Conv2d)
        else {"linear_features": neuron.size}
    )
    layer = getattr(snn, kind)(**arguments)
    layer.recurrent = _weights(where, topology)  # in place of the random ones
    return layer


def _is_diagonal(weight: Any) -> bool:
    return bool((weight == np.diag(np.diag(weight))).all())
