"""Sequential hands each layer its own state: a sequence cut in two gives what the whole gives."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from neuro import ALIF, LI, Clock, ms
from neuro.errors import InvalidValue, Unsupported
from neuro.neurons import AMSU
from neuro.nn import ELM, AMSULayer, AstrocyteMemory, Linear, Population, Sequential

CLOCK = Clock(2 * ms)


class Recall(nn.Module):
    """A user's own layer: what an astrocyte answers where key, value and query are the input."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = AstrocyteMemory(2, CLOCK, tau=100 * ms)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        by_head = x.unflatten(2, (2, 3))
        out, state = self.memory(by_head, by_head, by_head, state)
        return out.flatten(2), state


KINDS: dict[str, Callable[[], nn.Module]] = {
    "Population": lambda: Population(ALIF(6, tau_mem=20 * ms), CLOCK),
    "AMSULayer": lambda: AMSULayer(6, AMSU(6), CLOCK, tau=100 * ms, recurrent=True),
    "ELM": lambda: ELM(6, 6, memory=4, clock=CLOCK),
    "a module around AstrocyteMemory": Recall,
    "Sequential": lambda: Sequential(Linear(6, 6), Population(LI(6, tau_mem=40 * ms), CLOCK)),
    "torch.nn.LSTM": lambda: nn.LSTM(6, 6),
    "torch.nn.GRU": lambda: nn.GRU(6, 6),
}


@pytest.mark.parametrize("kind", [*KINDS, "all in a row"])
def test_a_cut_sequence_with_carried_state_gives_what_the_whole_gives(kind: str) -> None:
    torch.manual_seed(0)
    layers = [make() for make in KINDS.values()] if kind not in KINDS else [KINDS[kind]()]
    net = Sequential(*(part for layer in layers for part in (Linear(6, 6), layer))).double()
    with torch.no_grad():
        for part in net:
            if isinstance(part, Linear):
                part.weight.mul_(4)  # so that spiking layers fire
    x = torch.randn(30, 3, 6, dtype=torch.float64)
    whole, end = net(x)
    first, middle = net(x[:11])
    second, last = net(x[11:], middle)
    torch.testing.assert_close(torch.cat([first, second]), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(last, end, rtol=0, atol=1e-12)
    assert [state is None for state in end] == [True, False] * len(layers)
    forgotten, _ = net(x[11:])
    assert not torch.allclose(forgotten, second)


def test_the_state_of_a_layer_is_that_of_the_layer_alone() -> None:
    torch.manual_seed(0)
    lstm, linear, gru = nn.LSTM(4, 5), nn.Linear(5, 3), nn.GRU(3, 2)
    x = torch.randn(7, 2, 4)
    between, expected = lstm(x)
    out, last = gru(linear(between))
    got, (first, nothing, second) = Sequential(lstm, linear, gru)(x)
    assert torch.equal(got, out) and nothing is None
    assert torch.equal(second, last)  # type: ignore[arg-type]
    torch.testing.assert_close(first, expected, rtol=0, atol=0)


def test_what_does_not_fit_is_refused() -> None:
    net = Sequential(Linear(6, 6), nn.GRU(6, 6))
    with pytest.raises(InvalidValue, match=r"got 1 states for 2 layers, expected one for each"):
        net(torch.rand(4, 2, 6), [None])
    astrocyte = Sequential(AstrocyteMemory(2, CLOCK, tau=1.0))
    with pytest.raises(Unsupported, match=r"AstrocyteMemory: it takes key, value, query, and a r"):
        astrocyte(torch.rand(4, 2, 2, 3))
