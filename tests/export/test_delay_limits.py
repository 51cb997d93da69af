"""What a target cannot hold is named with numbers, for every target and shape of delays."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.distributions import Uniform
from neuro.errors import UnknownName, Unsupported
from neuro.export import check_delays, delay_limits, require_delays
from neuro.export.delay_limits import DELAY_LIMITS, DelayLimit
from neuro.grid import on_grid
from neuro.network import Input, Network, Synapse
from neuro.neurons import LIF
from neuro.synapses import Dense, FixedProbability, OneToOne, Sparse
from neuro.units import ms

CLOCK = Clock(1 * ms)


def network(*edges: Synapse) -> Network:
    return Network({"in": Input(3), "a": LIF(2), "b": LIF(2)}, edges, ("b",), CLOCK)


def learned(ticks: Any, weight: Any = None) -> Synapse:
    values = np.asarray(ticks)
    return Synapse("in", "a", Dense(np.ones(values.shape) if weight is None else weight),
                   values * CLOCK.dt)  # fmt: skip


def test_delays_within_the_limits_pass() -> None:
    net = network(
        learned([[0, 62, 3], [7, 9, 1]]), Synapse("a", "a", Dense(np.eye(2)), 1 * ms),
        Synapse("a", "b", Dense(np.eye(2))),
    )  # fmt: skip
    assert check_delays(net, "loihi") == []
    require_delays(net, "loihi")


def test_each_synapse_is_named_with_its_numbers() -> None:
    net = network(
        learned([[0, 63, 3], [100, 62, 1]]),
        Synapse("a", "b", Dense(np.ones((2, 2))), np.array([64, 5]) * ms),
        Synapse("b", "a", Dense(np.ones((2, 2))), 70 * ms),
        Synapse("b", "b", Dense(np.ones((2, 2))), 62 * ms),
    )
    found = {v.synapse: v for v in check_delays(net, "loihi")}
    assert [*found] == ["in->a", "a->b", "b->a"]
    assert [(v.beyond, v.largest, v.limit) for v in found.values()] == [
        (2, 100, 62), (1, 64, 62), (1, 70, 62),
    ]  # fmt: skip
    text = str(found["in->a"])
    assert "2 delays are longer than the 62 ticks of loihi, the longest is 100" in text
    assert "max_delay=0.062 s" in text
    with pytest.raises(Unsupported) as error:
        require_delays(net, "loihi")
    assert error.value.field == "delay"
    for words in ("'in->a'", "'a->b'", "'b->a'", "2 delays", "is 100", "is 64", "is 70"):
        assert words in str(error.value)


def test_the_tick_that_is_named_brings_the_delays_within_the_limit() -> None:
    rng = np.random.default_rng(0)
    for longest in (63, 99, 250, 1001):
        ticks = np.append(rng.integers(0, longest, 5), longest).reshape(2, 3)
        net = network(learned(ticks))
        for target in ("loihi", "spinnaker2"):
            (violation,) = check_delays(net, target)
            tick = float(re.findall(r"at least ([\d.]+) s", violation.remedy)[0])
            assert check_delays(on_grid(net, Clock(tick))[0], target) == []


def test_a_weight_of_zero_has_no_delay() -> None:
    assert check_delays(network(learned([[0, 99, 0]] * 2, [[1, 0, 1]] * 2)), "loihi") == []
    assert check_delays(network(learned([[0, 9, 0]] * 2, np.zeros((2, 3)))), "loihi") == []


def test_targets_without_delays_allow_the_step_of_a_loop_alone() -> None:
    own = Dense(np.ones((2, 2)))
    good = network(Synapse("in", "a", Dense(np.ones((2, 3)))), Synapse("a", "a", own, 1 * ms))
    for target in ("snntorch", "speck", "xylo"):
        assert check_delays(good, target) == []
        late = network(learned([[1, 0, 2], [0, 0, 0]]), Synapse("a", "a", own, 2 * ms))
        first, second = check_delays(late, target)
        assert (first.beyond, first.limit, first.remedy) == (2, 0, "train without delays")
        assert (second.beyond, second.limit) == (1, 1)
        assert "one tick" in second.remedy


def test_one_delay_for_all_is_less_than_one_each() -> None:
    different = network(
        learned([[0, 4, 4], [0, 4, 2]]),
        Synapse("a", "b", Dense(np.ones((2, 2))), np.array([500, 5]) * ms),
        Synapse("b", "b", Dense(np.ones((2, 2))), np.full((2, 2), 3) * ms),
    )
    found = check_delays(different, "spikingjelly")
    assert [(v.synapse, v.what, v.beyond, v.largest) for v in found] == [
        ("in->a", "each", 2, 4), ("a->b", "each", 1, 500),
    ]  # fmt: skip
    assert "2 different delays are more than spikingjelly" in str(found[0])


def test_a_target_with_one_delay_for_each_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DELAY_LIMITS, "axons", DelayLimit(None, "unit"))
    assert check_delays(network(learned([[0, 4, 7], [0, 4, 7]])), "axons") == []
    (violation,) = check_delays(network(learned([[0, 4, 7], [1, 4, 2]])), "axons")
    assert (violation.what, violation.beyond) == ("each", 2)
    assert "presynaptic" in violation.remedy


def test_lists_drawn_delays_and_rules_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delay_limits, "_CHUNK", 2)  # several chunks even here
    net = network(
        Synapse("in", "a", Sparse([0, 2, 2, 1], [0, 1, 1, 0]), np.array([63, 70, 1, 62]) * ms),
        Synapse("a", "b", FixedProbability(1.0, 0.5, seed=1), Uniform(70 * ms, 90 * ms)),
        Synapse("b", "b", OneToOne(1.0), 1 * ms),
        Synapse("a", "b", Sparse([], []), np.zeros(0), name="none"),
    )
    found = check_delays(net, "loihi")
    assert [(v.synapse, v.beyond) for v in found] == [("in->a", 2), ("a->b", 4)]
    assert found[0].largest == 70 and 70 <= found[1].largest <= 90


@given(ticks=st.lists(st.integers(0, 100), min_size=6, max_size=6))
@settings(max_examples=25, deadline=None)
def test_as_many_are_beyond_as_a_count_finds(ticks: list[int]) -> None:
    net = network(learned(np.reshape(ticks, (2, 3))))
    for target in ("loihi", "spinnaker2", "xylo"):
        longest = DELAY_LIMITS[target].longest
        assert longest is not None
        too_long = [t for t in ticks if t > longest]
        found = check_delays(net, target)
        assert [(v.beyond, v.largest) for v in found if v.what == "longest"] == (
            [(len(too_long), max(ticks))] if too_long else []
        )


def test_an_unknown_target_gets_a_suggestion() -> None:
    for function in (check_delays, require_delays):
        with pytest.raises(UnknownName, match="Did you mean 'loihi'"):
            function(network(), "loihi2")
