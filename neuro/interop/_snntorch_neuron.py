"""A snnTorch neuron as one of ours, by the table of `neuro.interop.snntorch`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, Unsupported, require
from neuro.neurons import IF, LI, LIF, CubaLIF, Neuron
from neuro.neurons._phi import carried
from neuro.shape import Shape

Values = NDArray[np.float64]  # 0-d, or broadcastable to a population

_RESETS = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}


def neuron(where: str, layer: Any, units: Shape, clock: Clock) -> Neuron:
    """A snnTorch neuron layer as a population of a shape.

    Raises:
        Unsupported: its spikes cannot be reproduced; the message says what and why.
        InvalidValue: a parameter is NaN or does not broadcast to the shape.
    """
    reset, delayed = _checked_reset(where, layer), getattr(layer, "reset_delay", True)
    kind, dt = type(layer).__name__, clock.dt
    beta = np.clip(values(where, layer, "beta", units), 0, 1)
    theta = values(where, layer, "threshold", units)
    if np.isinf(theta).any():
        if kind != "Leaky" or reset == "subtract" or not (theta == np.inf).all():
            raise Unsupported(
                where, "threshold", f"is inf in a {kind} with reset_mechanism={reset!r}; only a "
                "Leaky whose units all have it, without subtraction, is a readout",
                'snntorch.Leaky(beta, threshold=float("inf"), reset_mechanism="none")',
            )  # fmt: skip
        return LI(units, tau_mem=_time_constant(beta, dt))
    if reset != "none" and (theta < 0).any():
        raise Unsupported(
            where, "threshold", f"is {theta.min():g}; below 0, snnTorch resets a membrane at rest "
            "that has not spiked", "a threshold of at least 0, or reset_mechanism='none'",
        )  # fmt: skip
    if kind == "Alpha":
        return _alpha(where, layer, units, dt, beta, theta, reset)
    fields: dict[str, Any] = {"v_th": theta, "reset": reset}
    if reset == "subtract":
        if not delayed:
            raise Unsupported(
                where, "reset_delay", "is False with reset_mechanism='subtract': a membrane still "
                "above threshold after its reset must then exceed twice the threshold to fire, "
                "which no neuron here does", "reset_delay=True, or reset_mechanism='zero'",
            )  # fmt: skip
        if (beta == 0).any():
            raise Unsupported(
                where, "beta", "is 0, so the delayed subtraction is all that is left of a spike",
                "reset_mechanism='none' or 'zero', or a beta above 0",
            )  # fmt: skip
        fields |= {"v_th": theta / beta, "v_leak": theta / beta - theta}
    elif reset == "zero" and delayed and kind != "Leaky":
        fields["refractory"] = dt
    if kind in ("Leaky", "RLeaky"):
        if (beta == 1).all() and "refractory" not in fields:
            return IF(units, v_th=fields["v_th"], reset=reset)
        return LIF(units, tau_mem=_time_constant(beta, dt), **fields)
    alpha = np.clip(values(where, layer, "alpha", units), 0, 1)
    if (beta == 0).any():
        raise Unsupported(
            where, "beta", "is 0: a membrane without memory behind a synapse", "a beta above 0; "
            "without reset, Leaky(beta=alpha) has the same spikes",
        )  # fmt: skip
    return _cuba(units, dt, beta, alpha, np.ones(()), arrival="same", **fields)


def _alpha(
    where: str, layer: Any, units: Shape, dt: float, beta: Values, theta: Values, reset: str
) -> CubaLIF:
    """Alpha without reset: a current's kernel alpha^n - beta^n, n steps after an input."""
    if reset != "none":
        what = {
            "zero": "clears both currents and drops the input of the step after a spike",
            "subtract": "takes the threshold off the excitatory current and clears the inhibitory",
        }
        raise Unsupported(
            where, "reset_mechanism", f"is {reset!r}, which {what[reset]}; no neuron here does",
            "reset_mechanism='none', or snntorch.Synaptic",
        )  # fmt: skip
    alpha = np.clip(values(where, layer, "alpha", units), 0, 1)
    if (alpha == beta).any():
        raise Unsupported(
            where, "alpha", "equals beta, where snnTorch divides by log(beta) - log(alpha) = 0",
            "0 <= beta < alpha <= 1",
        )  # fmt: skip
    kappa = alpha_step(alpha, beta)
    return _cuba(units, dt, alpha, beta, kappa, v_th=theta, reset=reset, arrival="next")


def alpha_step(alpha: Values, beta: Values) -> Values:
    """mem of snnTorch's Alpha one step after an input of 1; the greater decay comes first."""
    with np.errstate(divide="ignore"):  # log(0) = -inf is right here
        return (np.log(alpha) / (np.log(beta) - np.log(alpha)) + 1) * (alpha - beta)


def _cuba(
    units: Shape, dt: float, membrane: Values, synapse: Values, kappa: Values, **fields: Any
) -> CubaLIF:
    """A CubaLIF with these decays, in which a current of 1 adds kappa to v in a tick."""
    tau_mem, tau_syn = _time_constant(membrane, dt), _time_constant(synapse, dt)
    r = kappa / carried(dt, tau_mem, tau_syn)  # type: ignore[arg-type]
    return CubaLIF(units, tau_mem=tau_mem, tau_syn=tau_syn, r=r, **fields)  # type: ignore[arg-type]


def _checked_reset(where: str, layer: Any) -> str:
    """Its reset mechanism, if no other setting keeps it from a Network."""
    torch = require("torch", "train")
    if layer.inhibition:
        raise Unsupported(
            where, "inhibition", "is True, so only the unit with the largest membrane fires, and a "
            "unit's spikes depend on the others within the tick", "inhibition=False",
        )  # fmt: skip
    if layer.state_quant:
        raise Unsupported(
            where, "state_quant", "is given, so the state is rounded in every step", "False"
        )
    factor = torch.as_tensor(layer.graded_spikes_factor)
    if (factor != 1).any():
        raise Unsupported(
            where, "graded_spikes_factor", f"is {factor.detach().flatten()[:3].tolist()}; a spike "
            "here is 1", "1, and multiply the weights of the layer behind by the factor",
        )  # fmt: skip
    if type(layer).__name__ == "RSynaptic" and not layer.reset_delay:
        raise Unsupported(
            where, "reset_delay", "is False, which fails in the forward pass of snnTorch 1.0.0, or "
            "is ignored where states are passed", "reset_delay=True",
        )  # fmt: skip
    reset = _RESETS[layer.state_function.__name__]
    became = list(layer.reset_dict)[int(layer.reset_mechanism_val)]
    if became != reset:
        raise Unsupported(
            where, "reset_mechanism", f"became {became!r} after the layer was made with {reset!r}, "
            "by hand or by load_state_dict; snnTorch then heeds either in half of its code",
            "make the layer anew with the reset_mechanism you want",
        )  # fmt: skip
    with torch.no_grad():
        probe = layer.spike_grad(torch.tensor([-1.0, 0.0, 1e-6, 1.0])).tolist()
    if probe != [0.0, 0.0, 1.0, 1.0]:
        raise Unsupported(
            where, "spike_grad", f"is not a step: it makes {probe} of [-1, 0, 1e-6, 1]",
            "one of snntorch.surrogate, e.g. atan()",
        )  # fmt: skip
    return reset


def values(where: str, layer: Any, field: str, units: Shape) -> Values:
    """A parameter as it is now, in float64, without a batch axis."""
    array: Values = getattr(layer, field).detach().cpu().double().numpy()
    if array.size == 1:
        array = array.reshape(())
    while array.ndim > len(units) and len(array) == 1:  # the batch axis
        array = array[0]
    if np.isnan(array).any():
        raise InvalidValue(f"{where}.{field}: contains NaN")
    if array.ndim > len(units) or any(
        given not in (1, n) for given, n in zip(array.shape[::-1], units[::-1], strict=False)
    ):
        raise InvalidValue(
            f"{where}.{field}: shape {array.shape} does not broadcast to the population {units}"
        )
    return array


def _time_constant(decay: Values, dt: float) -> Values:
    """tau in seconds with exp(-dt / tau) = decay; of 1 and 0, one that rounds to them."""
    with np.errstate(divide="ignore"):
        tau = -dt / np.log(decay)
    return np.where(decay == 0, dt / 1000, np.where(decay == 1, dt * 2.0**60, tau))
