"""The base of rules: parameters, presets, plain data, and rules together."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neuro import LIF, Clock, Dense, Input, Network, Synapse, ms
from neuro.checkpoint import load_network, save_network
from neuro.errors import InvalidValue, UnknownName, Unsupported
from neuro.rules import (
    Batched,
    Clopath,
    HeterosynapticNormalisation,
    HomeostaticScaling,
    IntrinsicPlasticity,
    Oja,
    PairSTDP,
    RewardSTDP,
    Rewiring,
    TripletSTDP,
    TsodyksMarkram,
    from_plain,
)
from neuro.train import Module

CLOCK = Clock(1 * ms)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PairSTDP(tau_plus=0), r"PairSTDP\.tau_plus: got 0 s, expected a value above 0 s"),
        (lambda: PairSTDP(a_plus=[1, 2]), r"a_plus.*expected one number"),
        (lambda: PairSTDP(a_plus=np.nan), r"a_plus: got nan"),
        (lambda: PairSTDP(w_min=2.0), r"w_min=2 and w_max=1"),
        (lambda: PairSTDP(pairing="some"), r"pairing: got 'some', expected one of"),
        (lambda: PairSTDP(w_max=np.inf, dependence="guetig"), r"needs finite bounds"),
        (lambda: IntrinsicPlasticity(low=3.0, high=1.0), r"low=3 and high=1"),
        (lambda: TsodyksMarkram() + TsodyksMarkram(), r"each define 'transmit'"),
        (lambda: Rewiring() + Rewiring(), r"each define 'pause'"),
        (lambda: RewardSTDP(every=0.0015).slow(CLOCK), r"not a whole number of 0.001 s ticks"),
    ],
)
def test_bad_values_are_named(make, message) -> None:
    with pytest.raises(InvalidValue, match=message):
        make()


def test_presets_are_the_published_numbers() -> None:
    rule = TripletSTDP.preset("hippocampal", w_max=2.0)
    assert (rule.a3_plus, rule.tau_y, rule.w_max) == (6.7e-3, 27 * ms, 2.0)
    with pytest.raises(UnknownName, match=r"Did you mean 'hippocampal'"):
        TripletSTDP.preset("hipocampal")


@pytest.mark.parametrize(
    "rule",
    [
        PairSTDP(a_plus=0.1, dependence="guetig"),
        Oja(),  # infinite bounds
        PairSTDP() + HeterosynapticNormalisation(total=3.0, w_max=np.inf) + Rewiring(seed=4),
    ],
)
def test_plain_data_gives_the_rule_back(rule) -> None:
    assert from_plain(json.loads(json.dumps(rule.plain(), allow_nan=False))) == rule
    with pytest.raises(UnknownName, match="rule class"):
        from_plain([{"type": "Peer", "parameters": {}, "options": {}}])


def test_rules_together_do_what_each_does() -> None:
    random = np.random.default_rng(0)
    pre, post = random.random((200, 1, 5)) < 0.1, random.random((200, 1, 3)) < 0.1
    weight = random.random((3, 5))
    scaling = HomeostaticScaling(rate=20, beta=0.01, gamma=0.0, tau=0.1, every=1 * ms)
    together = PairSTDP() + scaling + HeterosynapticNormalisation(total=2.0, every=200 * ms)
    state = Batched(together, CLOCK, delay=1).run(weight, pre * 1.0, post * 1.0)
    np.testing.assert_allclose(state.s.w.sum(-1), 2.0, rtol=1e-12)  # normalised in the last tick

    # By hand: two rules take turns on one weight.
    alone = [Batched(rule, CLOCK, delay=1) for rule in (PairSTDP(), scaling)]
    states = [b.rest(weight) for b in alone]
    for x, z in zip(pre * 1.0, post * 1.0, strict=True):
        for i, b in enumerate(alone):
            states[i] = states[i]._replace(s=states[i - 1].s)
            _, states[i] = b.arrive(states[i], x)
        for i, b in enumerate(alone):
            states[i] = states[i]._replace(s=states[i - 1].s)
            states[i] = b.learn(states[i], z)
    w = states[1].s.w
    np.testing.assert_allclose(state.s.w, w * 2 / w.sum(-1, keepdims=True), rtol=1e-12)


def test_what_a_rule_needs_is_asked_for() -> None:
    spikes = np.zeros((1, 2))
    for rule, message in ((RewardSTDP(), "third factor"), (Clopath(), "reads 'v'")):
        batched = Batched(rule, CLOCK)
        state = batched.rest(np.ones((2, 2)))
        with pytest.raises(InvalidValue, match=message):
            batched.learn(state, spikes)
    with pytest.raises(InvalidValue, match="adapts 'v_th'"):
        Batched(IntrinsicPlasticity(), CLOCK).rest(np.ones((2, 2)))
    with pytest.raises(InvalidValue, match="expected \\[post, pre\\]"):
        Batched(PairSTDP(), CLOCK).rest(np.ones(2))
    with pytest.raises(InvalidValue, match="delay"):
        Batched(PairSTDP(), CLOCK, delay=0.5)
    with pytest.raises(Unsupported, match="rewire"):
        Batched(Rewiring(), CLOCK)


def network(rule, modulator="", third=1) -> Network:
    return Network(
        {"pre": Input(3), "post": LIF(2), "reward": Input(third)},
        [Synapse("pre", "post", Dense(np.ones((2, 3))), rule=rule, modulator=modulator)],
        outputs=("post",), clock=CLOCK,
    )  # fmt: skip


def test_a_network_carries_rules_as_data() -> None:
    plastic = network(RewardSTDP(tau_c=0.5) + HeterosynapticNormalisation(), "reward")
    structure, arrays = plastic.plain()
    again = Network.from_plain(json.loads(json.dumps(structure)), arrays)
    assert again == plastic and again.synapses[0].rule == plastic.synapses[0].rule
    assert plastic != network(None)
    assert "RewardSTDP(tau_c=0.5) + HeterosynapticNormalisation() by reward" in repr(plastic)

    class Own(PairSTDP):
        pass

    structure, arrays = network(Own(a_plus=0.1)).plain()
    with pytest.raises(UnknownName, match="Own"):
        Network.from_plain(structure, arrays)
    assert Network.from_plain(structure, arrays, rules={"Own": Own}) == network(Own(a_plus=0.1))


def test_training_and_files_keep_the_rule(tmp_path) -> None:
    plastic = network(RewardSTDP(), "reward")
    assert Module(plastic).network() == plastic
    save_network(plastic, tmp_path / "net.safetensors")
    assert load_network(tmp_path / "net.safetensors") == plastic


def test_a_third_factor_must_be_named_and_fit() -> None:
    with pytest.raises(InvalidValue, match="modulator: got ''"):
        network(RewardSTDP())
    with pytest.raises(InvalidValue, match="modulator: got 'reward'"):
        network(PairSTDP(), "reward")
    with pytest.raises(UnknownName, match="Did you mean 'reward'"):
        network(RewardSTDP(), "rewards")
    with pytest.raises(InvalidValue, match="has 7 units, expected 1, or 2"):
        network(RewardSTDP(), "reward", third=7)
    with pytest.raises(InvalidValue, match="rule: got a str"):
        network("PairSTDP")


def test_a_rule_describes_itself() -> None:
    text = PairSTDP.describe()
    assert text.startswith("PairSTDP: A weight grows if")
    assert "w <- w + a_plus f+(w) x" in text
    assert "  tau_plus    0.02      s     > 0   time constant of potentiation" in text
    assert "  pairing     all | nearest" in text
