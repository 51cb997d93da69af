"""What is compared on SHD-Adding: ELM neurons with long and short memory, and an LSTM."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from neuro import Clock, ms
from neuro.nn import ELM

SHORT = 10 * ms
Kind = Literal["elm", "elm_short", "lstm"]
NAMES: dict[Kind, str] = {"elm": "ELM", "elm_short": "ELM, short memory", "lstm": "LSTM"}


class LSTM(nn.Module):
    """An LSTM with a linear readout, whose memory begins at many time scales.

    Its gates start open for times drawn evenly from one step to the whole sequence (Tallec &
    Ollivier, ICLR 2018, section 3: forget gates at log u, input gates at -log u), which gives it
    from the start what the ELM has in its time constants.

    Args:
        inputs, units, outputs: sizes.
        horizon: steps of a sequence, at least 3.
        seed: of the first values.
    """

    def __init__(self, inputs: int, units: int, outputs: int, horizon: int, seed: int) -> None:
        super().__init__()
        self.cell, self.readout = nn.LSTM(inputs, units), nn.Linear(units, outputs)
        random = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():  # PyTorch's distribution, from our own generator
            nn.init.uniform_(parameter, -(units**-0.5), units**-0.5, generator=random)
        scale = torch.empty(units).uniform_(1, horizon - 1, generator=random).log()
        rest = torch.zeros(2 * units)  # cell and output gate
        with torch.no_grad():
            self.cell.get_parameter("bias_ih_l0").copy_(torch.cat([-scale, scale, rest]))
            self.cell.get_parameter("bias_hh_l0").zero_()

    def forward(self, x: Tensor) -> tuple[Tensor, Any]:
        """Scores [T, B, outputs] and the state."""
        memory, state = self.cell(x)
        return self.readout(memory), state


def size(model: nn.Module) -> int:
    """Number of trained parameters."""
    return sum(p.numel() for p in model.parameters())


def build(
    kind: Kind, inputs: int, outputs: int, step: Clock, steps: int, *, memory: int, seed: int
) -> nn.Module:
    """A model of the size of an ELM with `memory` units, or as little below as whole units allow.

    Args:
        kind: "elm" has time constants up to the whole sequence, "elm_short" up to 10 ms, and at
            least two steps, for there is nothing shorter than one.
        inputs, outputs: channels of the input, classes.
        step, steps: of a sequence.
        memory: units of the ELM.
        seed: of the first values.
    """
    longest = steps * step.dt if kind != "elm_short" else max(SHORT, 2 * step.dt)
    elm = ELM(
        inputs, outputs, memory=memory, tau_min=step.dt, tau_max=longest, clock=step, seed=seed
    )
    if kind != "lstm":
        return elm
    units = 1
    while size(LSTM(inputs, units + 1, outputs, steps, seed)) <= size(elm):
        units += 1
    return LSTM(inputs, units, outputs, steps, seed)
