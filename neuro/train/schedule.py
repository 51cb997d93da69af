"""How fast each kind of parameter learns: the optimiser's groups, and their rates by epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from neuro.errors import InvalidValue

if TYPE_CHECKING:
    from neuro.train.loop import Plan

Schedule = Literal["cosine", "one-cycle"]

KINDS = {"arrays": "weights", "populations": "neurons", "norms": "norms", "delays": "delays"}
RISE, START, END = 0.3, 1 / 25, 1 / 25e4  # of a one-cycle: its rising part, first and last rate


def cosine(epoch: int, epochs: int) -> float:
    """Share of the peak rate in an epoch: half a cosine from 1 at the first to 0 after the last.

    Source: Loshchilov & Hutter, ICLR 2017, eq. 5, without restarts.
    """
    return (1 + math.cos(math.pi * epoch / epochs)) / 2


def one_cycle(epoch: int, epochs: int) -> float:
    """Share of the peak rate in an epoch: up from 1/25 for 30 % of the epochs, then down to 4e-6.

    Half a cosine each way. Source: Smith & Topin, arXiv 1708.07120 (2017), with the numbers of
    `torch.optim.lr_scheduler.OneCycleLR`; the moments of the optimiser are not cycled.
    """
    top, last = RISE * epochs - 1, epochs - 1
    if epoch <= top:
        return START + (1 - START) * (1 - math.cos(math.pi * epoch / top)) / 2 if top else 1.0
    start = max(top, -1.0)
    return END + (1 - END) * (1 + math.cos(math.pi * (epoch - start) / (last - start))) / 2


def optimiser(module: nn.Module, plan: Plan) -> tuple[Optimizer, LambdaLR]:
    """AdamW over all that the module learns, and the schedule of its rates.

    The groups, by the first part of a parameter's name: "arrays" (weights and biases, which alone
    decay), "populations" (neuron parameters), "norms", and "delays", whose rate is absolute and
    always comes down by a cosine.

    Raises:
        InvalidValue: the module learns nothing, or has a parameter that belongs to no group and
            would not be trained.
    """
    learned: dict[str, list[nn.Parameter]] = {kind: [] for kind in KINDS.values()}
    for name, parameter in module.named_parameters():
        kind = KINDS.get(name.partition(".")[0])
        if not parameter.requires_grad:
            continue
        if kind is None:
            raise InvalidValue(
                f"fit: the parameter {name!r} belongs to no group and would not be trained; "
                f"expected a name that begins with one of {[f'{k}.' for k in KINDS]}. Rename it, "
                "or freeze it with requires_grad_(False)."
            )
        learned[kind].append(parameter)
    if not any(learned.values()):
        raise InvalidValue(
            "fit: the module learns nothing: no parameter needs a gradient. "
            "Name what to train in Module(learn=[...])."
        )
    rates = {"neurons": plan.learning_rate * plan.neuron_rate, "delays": plan.delay_rate}
    main = one_cycle if plan.schedule == "one-cycle" else cosine
    groups: list[dict[str, Any]] = []
    shares: list[Any] = []
    for kind, parameters in learned.items():
        if not parameters:
            continue
        decay = plan.weight_decay if kind == "weights" else 0.0
        rate = rates.get(kind, plan.learning_rate)
        groups.append({"params": parameters, "lr": rate, "weight_decay": decay, "kind": kind})
        shares.append(_by_epoch(cosine if kind == "delays" else main, plan.epochs))
    adam = AdamW(groups)
    return adam, LambdaLR(adam, shares)


def _by_epoch(share: Any, epochs: int) -> Any:
    return lambda epoch: share(epoch, epochs) if epoch < epochs else 0.0
