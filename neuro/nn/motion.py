"""The motion detector: a motif detector that looks at every place of an event camera's field."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuro.clock import Clock
from neuro.encode.camera import OFF, ON
from neuro.errors import InvalidValue
from neuro.network import Network
from neuro.nn.motif import DelayEvidence, positive
from neuro.nn.population import check_input


class MotionDetector(DelayEvidence):
    """Detects motifs of events in space and time: `evidence, state = layer(x, state)`.

    At each place of the field the same kernel reads a patch of both polarities:

        B(c, t, y, x) = bias(c) + sum over p, d, i, j of weight(c, p, d, i, j) A(p, t - d, y+i, x+j)

    With `polarity_invariant` the evidence is the larger of this and the same for the events with
    ON and OFF exchanged, since a motion is the same on a negative.

    Args:
        classes: one output each.
        delays: depth of the kernel in ticks.
        size: (rows, columns) of the kernel.
        polarity_invariant: see above.
        cone: weights stay within `cone_mask`; `constrain` keeps them there, to be called after
            each step of an optimizer.
        centre: weight of the ON event (and minus that of the OFF event) of no delay in the middle
            of the kernel, at the start.
        seed: of the initial weights, normal with standard deviation 0.01; biases start at 0.

    Shapes:
        x: [T, B, 2, H, W] with OFF = 0, ON = 1 as EventCamera has it; evidence:
        [T, B, classes, H - rows + 1, W - columns + 1]: only places whose patch lies in the field;
        state: the last inputs [delays - 1, B, 2, H, W], silence by default.

    Raises:
        InvalidValue: a size is below 1.

    Source: Grimaldi & Perrinet, Biological Cybernetics 117 (2023), eqs. 5 and 6, and their code
    for invariance, mask and initial weights.
    """

    def __init__(
        self,
        classes: int,
        delays: int,
        size: tuple[int, int] = (9, 9),
        *,
        polarity_invariant: bool = True,
        cone: bool = True,
        centre: float = 2.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        rows, columns = size
        positive("MotionDetector", classes=classes, delays=delays, rows=rows, columns=columns)
        random = torch.Generator().manual_seed(seed)
        weight = 0.01 * torch.randn(classes, 2, delays, rows, columns, generator=random)
        self.mask: Tensor | None
        self.register_buffer("mask", cone_mask(delays, size) if cone else None)
        if self.mask is not None:
            weight = weight * self.mask
        weight[:, ON, 0, rows // 2, columns // 2] += centre
        weight[:, OFF, 0, rows // 2, columns // 2] -= centre
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(classes))
        self.polarity_invariant = polarity_invariant

    def constrain(self) -> None:
        """Clamp each weight to the mask times the largest of all, in place; nothing without mask.

        Call it after each step of the optimizer.
        """
        if self.mask is not None:
            with torch.no_grad():
                limit = self.mask * self.weight.abs().max()
                self.weight.copy_(torch.maximum(torch.minimum(self.weight, limit), -limit))

    def views(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Evidence for the events as they are and, if invariant, with polarities exchanged.

        Returns:
            [T, B, 2 or 1, classes, H', W'] and the state; see the class.
        """
        field = tuple(x.shape[3:]) if isinstance(x, Tensor) and x.ndim == 5 else (0, 0)
        check_input("MotionDetector", x, (2, *field))
        rows, columns = self.weight.shape[3:]
        if field[0] < rows or field[1] < columns:
            raise InvalidValue(
                f"MotionDetector: a field of {field[0]} x {field[1]} has no room for the kernel of "
                f"{rows} x {columns}; pad the field or use a smaller kernel"
            )
        whole, state = self.extended(x, state)
        kernel = self.weight.flip(2)  # conv3d correlates, so the longest delay has to come first
        bias = self.bias
        if self.polarity_invariant:  # to exchange the weights' polarities is the same, and cheaper
            kernel, bias = torch.cat([kernel, kernel.flip(1)]), torch.cat([bias, bias])
        out = functional.conv3d(whole.permute(1, 2, 0, 3, 4), kernel, bias)
        out = out.unflatten(1, (-1, len(self.bias)))
        return out.permute(3, 0, 1, 2, 4, 5), state

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Evidence of all steps of `x` [T, B, 2, H, W]; see the class."""
        views, state = self.views(x, state)
        return views.amax(2), state

    def network(self, clock: Clock, field: tuple[int, int], *, threshold: float = 0.0) -> Network:
        """The spiking network that fires where the evidence is above `threshold`.

        See `neuro.build.motion_network`; exact for a layer that is `on_grid`.

        Args:
            clock: its tick is the unit of the delays.
            field: (rows, columns) of the events that it will see.
            threshold: of the evidence.
        """
        from neuro.build.motifs import motion_network

        return motion_network(
            self.weight.detach().cpu().numpy(), self.bias.detach().cpu().numpy(), clock, field,
            polarity_invariant=self.polarity_invariant, threshold=threshold,
        )  # fmt: skip

    def extra_repr(self) -> str:
        classes, _, delays, rows, columns = self.weight.shape
        return (
            f"{classes}, {delays}, {(rows, columns)}, "
            f"polarity_invariant={self.polarity_invariant}, cone={self.mask is not None}"
        )


def cone_mask(delays: int, size: tuple[int, int], fastest: float = 2.5) -> Tensor:
    """How large a weight may be, 0 to 1, [delays, rows, columns]: what a motion can have crossed.

        mask = ((1 + cos(pi r)) / 2)^(1/4) exp(-r^2 / (2 (fastest s + 0.05)^2)),   0 for r >= 1

    with r the distance from the middle in half widths of the kernel and s = delay / longest
    delay, so the cone narrows towards the present. The half width is measured to the outer edge of
    the outer pixel, n / 2 pixels, so that no row of the kernel is lost.

    Args:
        delays: index 0 is the present.
        size: (rows, columns).
        fastest: half widths that may be crossed within the longest delay.

    Raises:
        InvalidValue: `fastest` is negative or not finite.

    Source: the code of Grimaldi & Perrinet (2023), where time runs the other way.
    """
    if not (math.isfinite(fastest) and fastest >= 0):
        raise InvalidValue(f"cone_mask.fastest: got {fastest!r}, expected finite and >= 0")
    y, x = (2 * (torch.arange(n, dtype=torch.float64) - (n - 1) / 2) / n for n in size)
    r = torch.hypot(*torch.meshgrid(y, x, indexing="ij"))
    window = torch.where(r < 1, ((torch.cos(math.pi * r) + 1) / 2).clamp(min=0) ** 0.25, 0.0)
    age = torch.arange(delays, dtype=torch.float64) / max(1, delays - 1)
    width = fastest * age[:, None, None] + 0.05
    return (window * torch.exp(-0.5 * (r / width) ** 2)).float()


def decide(evidence: Tensor, top: float = 0.15) -> tuple[Tensor, Tensor]:
    """The class of each recording, from the voxels with the strongest evidence.

    At each voxel the largest evidence counts; of the `top` share of voxels by that, at least
    one, the mean evidence of every class is its score, and the class of the best score wins.

    Args:
        evidence: [T, B, classes, ...], without the ticks that should not count.
        top: share of the voxels of a recording, above 0 to 1.

    Returns:
        classes int64 [B], and scores [B, classes].

    Raises:
        InvalidValue: a share out of range, or evidence without voxels.

    Source: the code of Grimaldi & Perrinet (2023).
    """
    if not 0 < top <= 1:
        raise InvalidValue(f"decide.top: got {top!r}, expected above 0 and at most 1")
    if evidence.ndim < 3 or 0 in evidence.shape:
        raise InvalidValue(
            f"decide: evidence has shape {tuple(evidence.shape)}, expected [T, B, classes, ...]"
        )
    voxels = evidence.flatten(3) if evidence.ndim > 3 else evidence[..., None]
    voxels = voxels.permute(1, 2, 0, 3).flatten(2)  # [B, classes, T * places]
    count = max(1, round(top * voxels.shape[2]))
    kept = voxels.amax(1).topk(count, dim=1).indices
    scores = voxels.gather(2, kept[:, None].expand(-1, voxels.shape[1], -1)).mean(2)
    return scores.argmax(1), scores
