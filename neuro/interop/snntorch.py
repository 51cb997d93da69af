"""snnTorch: its models as networks and back, with equal spikes, or a refusal that says why not.

What snnTorch 1.0.0 computes in a step, with m its `mem`, k its `syn`, w the input (recurrent input
included), theta the threshold, and r = 1 if **the m recorded a step earlier** exceeds theta:

    Leaky, RLeaky         m <- beta m + w           Synaptic, RSynaptic   k <- alpha k + w
    a spike if m > theta                                                  m <- beta m + k

A spike thus resets the membrane in the next step, after the decay; `reset_delay=False` does it at
once. Our tick resets at its end, before the next decay. What that means for each setting:

    neuron             reset_mechanism, reset_delay   becomes                         mem is
    -----------------  -----------------------------  ------------------------------  --------
    Leaky, RLeaky      none                           LIF (IF where beta = 1)         v
    Leaky              zero (both delays)             LIF                             v  [1]
    RLeaky             zero, False                    LIF                             v
    RLeaky             zero, True                     LIF, refractory for one tick    v  [1]
    Leaky, RLeaky      subtract, True (the default)   LIF, v_th = theta / beta,       v  [2]
                                                      v_leak = v_th - theta
    Synaptic           as RLeaky                      CubaLIF(arrival="same")         likewise
    RSynaptic          as RLeaky, True only           CubaLIF(arrival="same")         likewise
    Alpha              none                           CubaLIF(arrival="next")         v
    Leaky, last layer  none or zero, theta = inf      LI                              v

    [1] With the delay, in the step of a spike: m is still the value before the reset.
    [2] m = v - v_leak + v_th spikes. In snnTorch theta comes off after the decay; our v_th comes
        off before it, which takes beta v_th = theta. v_th - v_leak = theta is the distance to fire.

    refused                     why
    --------------------------  ----------------------------------------------------------------
    subtract, False             A membrane still above theta after its reset must then exceed
                                2 theta to fire, which no neuron here does. For the same reason no
                                neuron of snnTorch is our LIF(reset="subtract", v_leak=0).
    subtract, True, beta = 0    The subtraction is all that is left of a spike; v_th has no value.
    RSynaptic, False            Fails in snnTorch, or is ignored where states are passed.
    Alpha with a reset          zero clears both currents and drops a step's input; subtract takes
                                theta off one current and clears the other.
    Synaptic with beta = 0      A membrane without memory; without reset, use Leaky(beta=alpha).
    theta < 0 with a reset      snnTorch resets a membrane at rest, without a spike.
    graded_spikes_factor != 1   A spike here is 1; the weights behind can take the factor.
    inhibition, state_quant     The state depends on other units, or is rounded in every step.
    spike_grad without a step   Graded or random output.
    other layers                Pooling, batch norm, dropout, neurons outside the table.

No effect on spikes, and not part of a Network: `init_hidden` and `output` (how states are passed),
the surrogate (`Module(surrogate=)`), the hidden state that a model holds (a network starts at rest)
and which values are learnable: `learn_beta` and the like travel as values, and
`Module(network, learn=["tau_mem"])` names anew what to train. beta and alpha are clamped to [0, 1],
as snnTorch does in every step; tau = -dt / ln(beta).

Weights travel untouched, so with the same surrogate the gradients are the same too (but for
reset_delay=False, whose reset snnTorch differentiates). A trip from snnTorch to a network and back
is the identity on every number; of the settings, a Leaky with zero comes back with
reset_delay=False, which has the same spikes. The other way it is the identity but for what snnTorch
does not have: it keeps beta as float32, and v without an offset (v_leak of a LIF without reset by
subtraction) or a scale (r of a CubaLIF).

Equal means equal in exact arithmetic, and bit by bit on dyadic numbers of few bits (with subtract:
where theta / beta is one). Elsewhere both sides round in float32, and a membrane within that
rounding of threshold may fall on either side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuro.clock import Clock
from neuro.errors import InvalidValue, require
from neuro.interop import _snntorch_read as read
from neuro.interop import _snntorch_write as write
from neuro.network import Network
from neuro.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn


def from_snntorch(
    model: nn.Sequential | nn.ModuleList | Sequence[nn.Module],
    *,
    clock: Clock,
    input_shape: int | Shape,
) -> Network:
    """The network that gives the spikes of a snnTorch model, tick by tick.

    Populations are "in", "hid1", "hid2", ..., "out", one for each neuron layer; a recurrent layer
    gets a synapse onto itself with a delay of one tick. A neuron without weights before it is
    reached one to one. Which neuron becomes which: the table of `neuro.interop.snntorch`.

    Args:
        model: Linear, Conv2d, Flatten (before the weights) and snnTorch neurons in the order in
            which they act: an nn.Sequential, nested ones included, or a list. Of any other Module,
            list the layers in the order of its `forward`: [net.fc1, net.lif1, ...]. It is not
            changed.
        clock: what one step means in seconds.
        input_shape: shape of the input of one step, without batch, e.g. 784 or (1, 28, 28).

    Raises:
        Unsupported: a layer or setting that a Network cannot express with equal spikes.
        InvalidValue: a value is NaN or infinite, or shapes do not fit.
        MissingExtra: snntorch or PyTorch is not installed.
    """
    require("snntorch", "snntorch")
    if not isinstance(clock, Clock):
        raise InvalidValue(f"from_snntorch.clock: got {clock!r}, expected e.g. Clock(1 * ms)")
    return read.network(model, clock, input_shape)


def to_snntorch(network: Network) -> nn.Sequential:
    """The snnTorch model that gives the spikes of a network.

    Neurons keep hidden state (`init_hidden`); the last one returns (spikes, ..., mem), as `output`
    makes it. LIF and IF become Leaky, or RLeaky with a synapse onto themselves; CubaLIF becomes
    Synaptic or RSynaptic, with arrival="next" Alpha; a last LI becomes a Leaky without reset and
    with an infinite threshold, whose mem is its v.

    Args:
        network: populations in a row; beside that only synapses onto themselves, of one tick.

    Raises:
        Unsupported: something that snnTorch cannot express with equal spikes: another neuron or
            wiring, a delay, a refractory period, v_reset other than v_leak, reset="subtract"
            unless v_leak = (1 - beta) v_th.
        MissingExtra: snntorch or PyTorch is not installed.
    """
    require("snntorch", "snntorch")
    if not isinstance(network, Network):
        raise InvalidValue(
            f"to_snntorch.network: got a {type(network).__name__}, expected a Network; "
            "module.network() is that of a trained Module"
        )
    return write.model(network)
