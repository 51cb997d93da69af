"""Rules on dense weights: tensors, batches, delays, missing synapses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuro import Clock, ms
from neuro.rules import (
    BCM,
    Batched,
    Clopath,
    HeterosynapticNormalisation,
    HomeostaticScaling,
    PairSTDP,
    RewardSTDP,
    TripletSTDP,
    TsodyksMarkram,
    VogelsISTDP,
)

CLOCK = Clock(1 * ms)
RANDOM = np.random.default_rng(5)
T, B, N, M = 150, 2, 5, 4
PRE = RANDOM.poisson(0.1, (T, B, N)).astype(float)
POST = (RANDOM.random((T, B, M)) < 0.1) * 1.0
REWARD = RANDOM.normal(size=(T, B, 1))
V = -70e-3 + 30e-3 * RANDOM.random((T, B, M))
WEIGHT = RANDOM.random((M, N))
RULES = [
    PairSTDP(), PairSTDP(dependence="guetig", mu_plus=0.3, pairing="nearest"), TripletSTDP(),
    VogelsISTDP(), BCM(), RewardSTDP(every=2 * ms), HomeostaticScaling(tau=0.5), Clopath(),
    HeterosynapticNormalisation(form="subtractive"), TsodyksMarkram() + PairSTDP(),
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_tensors_give_what_arrays_give(rule) -> None:
    delay = RANDOM.integers(0, 4, (M, N))
    exists = (RANDOM.random((M, N)) < 0.7) * 1.0
    one = Batched(rule, CLOCK, delay=delay, exists=exists)
    two = Batched(rule, CLOCK, delay=delay, exists=torch.tensor(exists))
    ours = one.run(WEIGHT, PRE, POST, REWARD, {"v": V})
    tensors = [torch.tensor(a) for a in (WEIGHT, PRE, POST, REWARD)]
    theirs = two.run(*tensors, {"v": torch.tensor(V)})
    for a, b in zip(ours.s, theirs.s, strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-10, atol=1e-14)
    assert (ours.s.w[:, exists == 0] == WEIGHT[exists == 0]).all()


def test_samples_of_a_batch_do_not_meet() -> None:
    rule = PairSTDP() + RewardSTDP()
    both = Batched(rule, CLOCK).run(WEIGHT, PRE, POST, REWARD)
    for b in range(B):
        one = Batched(rule, CLOCK).run(
            WEIGHT, PRE[:, b : b + 1], POST[:, b : b + 1], REWARD[:, b : b + 1]
        )
        np.testing.assert_array_equal(both.s.w[b], one.s.w[0])


def test_a_delay_is_a_shift_of_the_presynaptic_spikes() -> None:
    d = 3
    late = np.concatenate([np.zeros((d, B, N)), PRE[:-d]])
    delayed = Batched(TripletSTDP(), CLOCK, delay=d).run(WEIGHT, PRE, POST)
    shifted = Batched(TripletSTDP(), CLOCK).run(WEIGHT, late, POST)
    np.testing.assert_allclose(delayed.s.w, shifted.s.w, rtol=1e-13)


def test_the_current_is_the_product_of_weights_and_spikes() -> None:
    synapses = Batched(PairSTDP(a_plus=0.0, a_minus=0.0), CLOCK, delay=2)
    state = synapses.rest(WEIGHT, B)
    currents = []
    for t in range(T):
        current, state = synapses.arrive(state, PRE[t])
        currents.append(current)
        state = synapses.learn(state, POST[t])
    np.testing.assert_allclose(np.stack(currents)[2:], PRE[:-2] @ WEIGHT.T, rtol=1e-12)
    assert not np.stack(currents)[:2].any()
