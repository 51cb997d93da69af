"""Layers that detect spike motifs: evidence from weights on every input and every delay."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.network import Network
from neuro.nn.population import check_input

_EXACT = 24  # bits of a float32: whole numbers below 2^24 add up without rounding


class DelayEvidence(nn.Module):
    """What detectors of motifs share: weights [motifs, inputs, delays, ...] and a bias each.

    The evidence of motif m at tick t is

        B(m, t) = bias(m) + sum over inputs n and delays d of weight(m, n, d) x(n, t - d)

    and sigmoid(B) is the probability of the motif, by logistic regression. Delay d is index d,
    in ticks: index 0 is what arrives now. What lies before the first tick is silence, so the
    evidence depends on nothing that comes later.

    Source: Grimaldi & Perrinet, Biological Cybernetics 117 (2023), eqs. 5 and 6.
    """

    weight: nn.Parameter
    bias: nn.Parameter

    @property
    def delays(self) -> int:
        """Number of delays, 0 to delays - 1 ticks."""
        return self.weight.shape[2]

    @property
    def kept(self) -> float:
        """Share of the weights that are not 0."""
        return float((self.weight != 0).double().mean())

    def extended(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """The input with the delays - 1 ticks before it, and the last delays - 1 ticks."""
        shape = (self.delays - 1, *x.shape[1:])
        if state is None:
            state = x.new_zeros(shape)
        elif tuple(state.shape) != shape:
            raise InvalidValue(
                f"{type(self).__name__}: state has shape {tuple(state.shape)}, expected {shape} "
                "[delays - 1, batch, input]. Pass state=None when the batch changes."
            )
        whole = torch.cat([state, x])
        return whole, whole[len(x) :]

    def pruned(self, keep: float) -> Self:
        """A copy with the `keep` (0 to 1) largest weights; the others are 0.

        The number kept is keep * weights, rounded up; of equal weights the first ones stay.
        """
        if not 0 <= keep <= 1:
            raise InvalidValue(f"{type(self).__name__}.pruned: got keep={keep!r}, expected 0 to 1")
        other = copy.deepcopy(self)
        with torch.no_grad():
            flat = other.weight.flatten()
            order = flat.abs().argsort(descending=True, stable=True)
            flat[order[math.ceil(keep * len(order)) :]] = 0
            other.weight.copy_(flat.view_as(other.weight))
        return other

    def shortened(self, delays: int) -> Self:
        """A copy that keeps the weights of the `delays` shortest delays; the others are 0."""
        if not 0 <= delays <= self.delays:
            raise InvalidValue(
                f"{type(self).__name__}.shortened: got delays={delays!r}, expected 0 to "
                f"{self.delays}"
            )
        other = copy.deepcopy(self)
        with torch.no_grad():
            other.weight[:, :, delays:] = 0
        return other

    def on_grid(self) -> Self:
        """A copy whose weights and biases are rounded so that binary inputs add up exactly.

        They become multiples of a power of two, the smallest with which no sum of a motif's
        weights and bias needs more than the 24 bits of a float32. Then the evidence is the same
        in whatever order it is summed, and the network (`network`) fires in the very ticks in
        which the evidence of this layer is above the threshold, ties included.
        """
        other = copy.deepcopy(self)
        with torch.no_grad():
            total = self.weight.abs().double().flatten(1).sum(1) + self.bias.abs().double()
            largest = float(total.max())
            if largest > 0:
                # one bit is left for what rounding adds to the sum
                step = 2.0 ** (math.ceil(math.log2(largest)) + 1 - _EXACT)
                for own in (other.weight, other.bias):
                    own.copy_((own.double() / step).round() * step)
        return other


L = TypeVar("L", bound=DelayEvidence)


class MotifDetector(DelayEvidence):
    """Detects spike motifs of a population: `evidence, state = layer(x, state)`.

    Args:
        inputs: input units.
        motifs: motifs, one output each.
        delays: length of a motif in ticks, the number of delays.
        seed: of the initial weights, normal with standard deviation 0.01; biases start at 0.

    Shapes:
        x: [T, B, inputs]; evidence: [T, B, motifs]; state: [delays - 1, B, inputs], the last
        inputs, silence by default.

    Train the evidence like any other logits, e.g. with `binary_cross_entropy_with_logits` against
    the ticks at which motifs end.

    Raises:
        InvalidValue: a size is below 1.

    Source: Perrinet, ICANN 2023 (detection of precise spiking motifs), eqs. 1 to 4.
    """

    def __init__(self, inputs: int, motifs: int, delays: int, *, seed: int = 0) -> None:
        super().__init__()
        sizes = positive("MotifDetector", inputs=inputs, motifs=motifs, delays=delays)
        random = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(
            0.01 * torch.randn(sizes[1], sizes[0], sizes[2], generator=random)
        )
        self.bias = nn.Parameter(torch.zeros(motifs))

    @classmethod
    def from_probabilities(cls, inside: Tensor, background: float, prior: float) -> MotifDetector:
        """The detector of motifs that are known: its evidence is the log odds by Bayes' rule.

        With independent binary inputs, of chance q(m, n, d) in a motif that ends d ticks later
        and of chance p without one,

            weight = logit q - logit p,   bias = logit prior + sum of log((1 - q) / (1 - p))

        Args:
            inside: q [motifs, inputs, delays], above 0 and below 1.
            background: p.
            prior: chance that a motif ends at a tick.

        Raises:
            InvalidValue: a probability is not between 0 and 1.
        """
        where = "MotifDetector.from_probabilities"
        q = inside.double()
        if q.ndim != 3 or not bool(((q > 0) & (q < 1)).all()):
            raise InvalidValue(
                f"{where}: inside is {tuple(inside.shape)} from {float(inside.min()):g} to "
                f"{float(inside.max()):g}, expected [motifs, inputs, delays] between 0 and 1, both "
                "excluded"
            )
        for name, value in {"background": background, "prior": prior}.items():
            if not 0 < value < 1:
                raise InvalidValue(f"{where}.{name}: got {value!r}, expected between 0 and 1")
        layer = cls(q.shape[1], q.shape[0], q.shape[2])
        none = torch.tensor(background).double()
        silent = (torch.log1p(-q) - torch.log1p(-none)).sum((1, 2))
        with torch.no_grad():
            layer.weight.copy_(q.logit() - none.logit())
            layer.bias.copy_(silent + torch.tensor(prior).double().logit())
        return layer

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Evidence of all steps of `x` [T, B, inputs]; see the class."""
        check_input("MotifDetector", x, (self.weight.shape[1],))
        whole, state = self.extended(x, state)
        # conv1d correlates, so the longest delay has to come first
        out = functional.conv1d(whole.permute(1, 2, 0), self.weight.flip(2), self.bias)
        return out.permute(2, 0, 1), state

    def network(self, clock: Clock, *, threshold: float = 0.0) -> Network:
        """The spiking network that fires where the evidence is above `threshold`.

        See `neuro.build.motif_network`; exact for a layer that is `on_grid`.
        """
        from neuro.build.motifs import motif_network

        return motif_network(
            self.weight.detach().cpu().numpy(), self.bias.detach().cpu().numpy(), clock,
            threshold=threshold,
        )  # fmt: skip

    def extra_repr(self) -> str:
        motifs, inputs, delays = self.weight.shape
        return f"{inputs}, {motifs}, {delays}"


def class_loss(
    evidence: Tensor,
    label: Tensor,
    kind: Literal["softmax", "binary"] = "softmax",
    *,
    skip: int = 0,
) -> Tensor:
    """Cross-entropy of the evidence for the classes, the label being that of every voxel.

    Args:
        evidence: [T, B, classes, ...].
        label: class of each recording, int64 [B].
        kind: "softmax": one class at each voxel, the others not (as the authors' code trains);
            "binary": each class by itself (as their text has it).
        skip: ticks at the start that do not count: those that look back into silence.

    Raises:
        InvalidValue: shapes do not fit, or all ticks are skipped.
        UnknownName: of the kind.
    """
    if evidence.ndim < 3 or tuple(label.shape) != tuple(evidence.shape[1:2]):
        raise InvalidValue(
            f"class_loss: evidence has shape {tuple(evidence.shape)} and label "
            f"{tuple(label.shape)}, expected [T, B, classes, ...] and [B]"
        )
    if not 0 <= skip < len(evidence):
        raise InvalidValue(f"class_loss.skip: got {skip}, expected 0 to {len(evidence) - 1}")
    voxels = evidence[skip:].flatten(3) if evidence.ndim > 3 else evidence[skip:, ..., None]
    if kind == "softmax":
        logs = functional.log_softmax(voxels, 2).mean((0, 3))
        return functional.nll_loss(logs, label)
    if kind == "binary":
        wanted = functional.one_hot(label, voxels.shape[2]).to(voxels.dtype)
        return functional.binary_cross_entropy_with_logits(
            voxels, wanted[None, :, :, None].expand_as(voxels)
        )
    raise UnknownName("class_loss.kind", kind, ("softmax", "binary"))


def pruning_curve(
    layer: L, score: Callable[[L], float], keep: Sequence[float]
) -> list[tuple[float, float]]:
    """(share of the weights kept, score) for copies with only their largest weights.

    Args:
        layer: not changed.
        score: of a layer, e.g. its accuracy.
        keep: shares to keep, 0 to 1.
    """
    return [(float(share), float(score(layer.pruned(share)))) for share in keep]


def shortening_curve(
    layer: L, score: Callable[[L], float], delays: Sequence[int]
) -> list[tuple[int, float]]:
    """(delays kept, score) for copies with only their shortest delays; see `pruning_curve`."""
    return [(int(count), float(score(layer.shortened(count)))) for count in delays]


def positive(where: str, **sizes: Any) -> tuple[int, ...]:
    """Sizes that are whole numbers of at least 1, in the order given."""
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidValue(f"{where}.{name}: got {value!r}, expected a whole number >= 1")
    return tuple(sizes.values())
