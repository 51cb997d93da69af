"""Random changes of training batches that leave the class as it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from neuro.errors import InvalidValue


@dataclass(frozen=True)
class RandomAffine:
    """Turn, scale, shear and shift camera recordings, each sample by one random map for all steps.

    Counts become fractional where a pixel falls between two (bilinear interpolation).

    Args:
        rotate: largest angle in radians.
        scale: largest relative change of size, per axis.
        shear: largest horizontal shift per unit of height.
        shift: largest displacement, as a fraction of half the sensor.

    Source: Simard, Steinkraus & Platt, ICDAR 2003 (affine distortions of handwriting).
    """

    rotate: float = 0.34
    scale: float = 0.2
    shear: float = 0.26
    shift: float = 0.1

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Changed copy of x [T, B, polarity, y, x]; all randomness from `generator`."""
        if x.ndim != 5:
            raise InvalidValue(
                f"RandomAffine: got shape {tuple(x.shape)}, expected [T, B, polarity, y, x]"
            )
        steps, batch = x.shape[:2]

        def draw(*shape: int) -> Tensor:
            return 2 * torch.rand(batch, *shape, generator=generator, device=x.device) - 1

        angle = self.rotate * draw()
        size = 1 + self.scale * draw(2)
        shear, shift = self.shear * draw(), self.shift * draw(2)
        across = torch.stack([size[:, 0] * angle.cos(), shear - angle.sin(), shift[:, 0]], dim=1)
        down = torch.stack([angle.sin(), size[:, 1] * angle.cos(), shift[:, 1]], dim=1)
        pictures = x.transpose(0, 1).flatten(1, 2)  # one map a sample: steps become channels
        grid = functional.affine_grid(
            torch.stack([across, down], dim=1), list(pictures.shape), align_corners=False
        )
        moved = functional.grid_sample(pictures, grid, align_corners=False)
        return moved.unflatten(1, (steps, x.shape[2])).transpose(0, 1).contiguous()
