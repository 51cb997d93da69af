"""What no neuron of the family accepts, and that the error names it."""

import re

import numpy as np
import pytest
import torch

import neuro.neurons
from neuro import Clock, ms
from neuro.cli_neurons import family
from neuro.errors import InvalidValue
from neuro.neurons import LIF
from neuro.nn import Population

FAMILY = tuple(family().values())
ROWS = [(kind, row) for kind in FAMILY for row in kind.table()]
CLOCK = Clock(0.05 * ms)


@pytest.mark.parametrize(
    ("kind", "row"), ROWS, ids=[f"{kind.__name__}-{row.name}" for kind, row in ROWS]
)
def test_no_parameter_takes_a_value_that_cannot_be_used(kind, row) -> None:
    where = re.escape(f"{kind.__name__}.{row.name}: ")
    for value in (np.nan, np.inf):
        with pytest.raises(InvalidValue, match=where + "got a value that is NaN or infinite"):
            kind(3, **{row.name: value})
    with pytest.raises(InvalidValue, match=where + r"shape \(2,\) does not broadcast"):
        kind(3, **{row.name: np.full(2, row.default)})
    if np.isfinite(row.low):
        beyond = row.low if row.open else row.low - 1e-9
        with pytest.raises(InvalidValue, match=where + f"got {beyond:g} .*expected a value"):
            kind(3, **{row.name: np.array([row.default, beyond, row.default])})


@pytest.mark.parametrize("kind", FAMILY, ids=lambda k: k.__name__)
def test_nan_in_the_input_is_named_by_step_sample_and_unit(kind) -> None:
    layer = Population(kind(4), CLOCK)
    x = torch.zeros(7, 3, 4)
    x[5, 2, 1] = torch.nan
    message = rf"Population\({kind.__name__}\(4\)\): the input is nan at .* \[5, 2, 1\]"
    with pytest.raises(InvalidValue, match=message):
        layer(x)


@pytest.mark.parametrize("kind", FAMILY, ids=lambda k: k.__name__)
def test_a_state_of_another_batch_size_or_neuron_is_refused(kind) -> None:
    layer = Population(kind(4), CLOCK)
    _, state = layer(torch.zeros(2, 3, 4))
    with pytest.raises(InvalidValue, match=r"state\.\w+ has shape \(3, 4\).*the batch differs"):
        layer(torch.zeros(2, 5, 4), state)
    other = LIF if kind is not LIF else neuro.neurons.ALIF
    _, foreign = Population(other(4), CLOCK)(torch.zeros(2, 3, 4))
    inputs = layer.ports({kind.Inputs._fields[0]: torch.zeros(2, 3, 4)})
    with pytest.raises(InvalidValue, match=f"expected {kind.__name__}.State"):
        layer.trace(inputs, foreign)
