"""A delay for each connection: snnTorch has none, so only the step of a loop passes."""

import numpy as np
import pytest

from neuro import Clock, Input, Network, Synapse, ms
from neuro.errors import Unsupported
from neuro.interop import to_snntorch
from neuro.neurons import LIF
from neuro.synapses import Dense


def network(forward: object, back: object) -> Network:
    own = Dense([[0.5, 0.0], [0.25, 0.5]])
    return Network(
        {"in": Input(2), "out": LIF(2, reset="none")},
        (
            Synapse("in", "out", Dense(np.ones((2, 2))), np.asarray(forward) * ms),
            Synapse("out", "out", own, np.asarray(back) * ms),
        ),
        ("out",), Clock(1 * ms),
    )  # fmt: skip


def test_delays_of_connections_are_refused_with_their_range() -> None:
    with pytest.raises(Unsupported, match=r"'in->out'.*is 0 to 7 ticks"):
        to_snntorch(network([[0, 7], [0, 2]], 1))
    with pytest.raises(Unsupported, match=r"'out->out'.*is 1 to 4 ticks"):
        to_snntorch(network(0, [[1, 1], [4, 1]]))


def test_what_amounts_to_a_single_step_passes() -> None:
    pytest.importorskip("snntorch")
    model = to_snntorch(network(np.zeros((2, 2)), [[1, 9], [1, 1]]))  # the 9 carries nothing
    assert model[1].recurrent.weight.tolist() == [[0.5, 0.0], [0.25, 0.5]]
