"""Learning rules: classes for networks, and functions over spike trains [T, B, N]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neuro.errors import UnknownName
from neuro.rules import hebb_memory as hebb_memory
from neuro.rules import stdp as stdp
from neuro.rules import tempotron as tempotron
from neuro.rules import whitening as whitening
from neuro.rules._base import Rule as Rule
from neuro.rules.batched import Batched as Batched
from neuro.rules.batched import State as State
from neuro.rules.bcm import BCM as BCM
from neuro.rules.clopath import Clopath as Clopath
from neuro.rules.combined import Combined as Combined
from neuro.rules.hebbian import Hebbian as Hebbian
from neuro.rules.heterosynaptic_normalisation import (
    HeterosynapticNormalisation as HeterosynapticNormalisation,
)
from neuro.rules.homeostatic_scaling import HomeostaticScaling as HomeostaticScaling
from neuro.rules.intrinsic_plasticity import IntrinsicPlasticity as IntrinsicPlasticity
from neuro.rules.oja import Oja as Oja
from neuro.rules.pair_stdp import PairSTDP as PairSTDP
from neuro.rules.reward_stdp import RewardSTDP as RewardSTDP
from neuro.rules.rewiring import Rewiring as Rewiring
from neuro.rules.triplet_stdp import TripletSTDP as TripletSTDP
from neuro.rules.tsodyks_markram import TsodyksMarkram as TsodyksMarkram
from neuro.rules.vogels_istdp import VogelsISTDP as VogelsISTDP

__all__ = [
    "BCM", "Batched", "Clopath", "Combined", "Hebbian", "HeterosynapticNormalisation",
    "HomeostaticScaling", "IntrinsicPlasticity", "Oja", "PairSTDP", "RewardSTDP", "Rewiring",
    "Rule", "State", "TripletSTDP", "TsodyksMarkram", "VogelsISTDP", "from_plain",
    "hebb_memory", "stdp", "tempotron", "whitening",
]  # fmt: skip


def from_plain(
    entries: Sequence[Mapping[str, Any]], own: Mapping[str, type[Rule]] | None = None
) -> Rule:
    """The rule that `Rule.plain` took apart.

    Args:
        entries: as `plain` returns them.
        own: name -> class, for rules that are not in `neuro.rules`.

    Raises:
        UnknownName: a rule class is in neither list.
        InvalidValue: a parameter is out of bounds.
    """
    known = {
        n: c
        for n, c in globals().items()
        if isinstance(c, type) and issubclass(c, Rule) and c not in (Rule, Combined)
    }
    known |= own or {}
    rules = []
    for entry in entries:
        if entry["type"] not in known:
            raise UnknownName("rule class of a synapse", entry["type"], known)
        rules.append(known[entry["type"]](**entry["parameters"], **entry["options"]))
    return rules[0] if len(rules) == 1 else Combined(tuple(rules))
