"""What the recipe delay_memory asks for, how it scores it, and that delays can do it."""

from __future__ import annotations

import runpy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from neuro import Dense
from neuro.errors import InvalidValue
from neuro.recipe import find

torch = pytest.importorskip("torch")
sparse = pytest.importorskip("scipy.sparse")
pytest.importorskip("numba")

FOLDER = find("delay_memory").folder


@pytest.fixture(scope="module")
def task():
    return SimpleNamespace(**runpy.run_path(str(FOLDER / "task.py")))


@pytest.fixture(scope="module")
def memory():
    return SimpleNamespace(**runpy.run_path(str(FOLDER / "memory.py")))


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(FOLDER / "run.py"))


def test_a_pattern_is_wanted_at_every_multiple_of_the_lag_and_nowhere_else(task) -> None:
    shown, wanted = task.trials(30, 25, 3, np.random.default_rng(0))
    assert shown.shape == wanted.shape == (20 + 75, 30, 8)
    pattern = shown[:20]
    for k in (1, 2, 3):
        assert torch.equal(wanted[25 * k : 25 * k + 20], pattern)
    assert wanted.sum() == 3 * pattern.sum() and shown.sum() == pattern.sum()
    rate, spikes = task.RATE, pattern.numel()
    assert pattern.mean().item() == pytest.approx(rate, abs=4 * np.sqrt(rate / spikes))


def test_no_pattern_is_seen_twice(task) -> None:
    random = np.random.default_rng(1)
    shown = torch.cat([task.trials(200, 20, 1, random).shown for _ in range(2)], dim=1)
    assert len(torch.unique(shown.transpose(0, 1).flatten(1), dim=0)) == 400


def test_a_pattern_that_would_overlap_itself_is_refused(task) -> None:
    with pytest.raises(InvalidValue, match="got 19, expected at least 20 ticks for 2 times"):
        task.trials(1, 19, 2, np.random.default_rng(0))
    assert len(task.trials(1, 5, 1, np.random.default_rng(0)).wanted) == 25


@pytest.mark.parametrize("tolerance", [0, 1, 2])
def test_f1_matches_as_many_spikes_as_there_are_pairs(task, tolerance: int) -> None:
    random = np.random.default_rng(2)
    for density in (0.05, 0.2, 0.5):
        spikes, wanted = (torch.from_numpy(random.random((2, 15, 4, 3)) < density)).float()
        hits = 0
        for trial in range(4):
            for unit in range(3):
                near = [np.flatnonzero(train[:, trial, unit].numpy()) for train in (spikes, wanted)]
                if not all(map(len, near)):
                    continue
                pairs = np.abs(near[0][:, None] - near[1]) <= tolerance
                matched = sparse.csgraph.maximum_bipartite_matching(sparse.csr_array(pairs))
                hits += int((matched >= 0).sum())
        total = int(spikes.sum() + wanted.sum())
        assert task.f1(spikes, wanted, tolerance) == pytest.approx(2 * hits / total)


def test_f1_of_nothing_is_nothing_and_of_the_same_is_one(task) -> None:
    silent, wanted = torch.zeros(9, 2, 3), torch.zeros(9, 2, 3)
    wanted[4] = 1
    assert task.f1(silent, wanted) == task.f1(silent, silent) == 0
    assert task.f1(wanted, wanted, 0) == 1
    assert task.f1(wanted.roll(1, 0), wanted) == 1
    assert task.f1(wanted.roll(1, 0), wanted, 0) == task.f1(wanted.roll(2, 0), wanted) == 0


def test_chance_is_what_another_pattern_scores(task) -> None:
    wanted = task.trials(400, 20, 1, np.random.default_rng(3)).wanted[20:]
    assert task.chance(wanted, wanted, 0) == pytest.approx(task.RATE, abs=0.02)
    assert task.RATE < task.chance(wanted, wanted) < 3 * task.RATE


@pytest.mark.parametrize("shape", ["relay", "ring"])
def test_all_kinds_train_about_as_many_values_and_learned_delays_no_more(memory, shape) -> None:
    sizes = {}
    for kind in memory.KINDS:
        made = getattr(memory, shape)(kind, 8, 512, 0)
        sizes[kind] = memory.trained(memory.train(made, None, 20, 0))
    assert 512 <= sizes["learned"] <= sizes["fixed"] == sizes["one tick"] <= 1.05 * 512


@pytest.mark.parametrize("shape", ["relay", "ring"])
def test_random_delays_fill_the_range_and_the_others_are_one_tick(memory, shape) -> None:
    for kind, low, high in (("fixed", 1, 25), ("learned", 1, 25), ("one tick", 1, 1)):
        network = getattr(memory, shape)(kind, 8, 512, 4).network
        ticks = np.round(np.asarray(network.synapses[-1].delay) / 1e-3).astype(int)
        assert (int(ticks.min()), int(ticks.max())) == (low, high)


def test_delays_end_whole_and_within_bounds_and_fixed_ones_stay(memory, task) -> None:
    random = np.random.default_rng(5)
    for kind in ("learned", "fixed"):
        made = memory.ring(kind, 8, 128, 5)
        module = memory.train(made, lambda n: task.trials(n, 20, 1, random), 20, 8, batch=2)
        before, after = made.network.synapses[1], module.network().synapses[1]
        ticks = np.asarray(after.delay) / 1e-3
        np.testing.assert_allclose(ticks, ticks.round(), atol=1e-6)
        assert ticks.min() > 0.9 and ticks.max() < 25.1
        assert np.array_equal(before.delay, after.delay) is (kind == "fixed")
        assert not np.array_equal(before.topology.weight, after.topology.weight)


def _with(made, weights, delays):
    """The same network with other weights and delays in ticks, of its last synapses."""
    kept = made.network.synapses[: -len(weights)]
    changed = made.network.synapses[-len(weights) :]
    synapses = [
        replace(s, topology=Dense(w.astype(np.float32)), delay=d * 1e-3)
        for s, w, d in zip(changed, weights, delays, strict=True)
    ]
    return made._replace(network=made.network.replace(synapses=(*kept, *synapses)))


@pytest.mark.parametrize("period", [20, 23])
def test_a_ring_whose_units_feed_back_after_a_period_holds_any_pattern(memory, task, period):
    made = memory.ring("learned", 8, 512, 0)
    units = made.network.populations["mem"].size
    made = _with(made, [1.25 * np.eye(units)], [np.full((units, units), float(period))])
    shown, wanted = task.trials(20, period, 10, np.random.default_rng(6))
    spikes = memory.recall(memory.train(made, None, 20, 0), made, shown)
    # However often a unit fires in a row, less than 0.25 / (1 - exp(-1/2)) = 0.64 is left on it.
    assert torch.equal(spikes[period:], wanted[period:])
    assert torch.equal(memory.simulated(made.network, made, shown), spikes)
    loops = [memory.own_loops(made.network, 8, ticks) for ticks in (period, period - 1)]
    assert loops == [8, 0]
    weak = _with(made, [0.9 * np.eye(units)], [np.full((units, units), float(period))])
    assert memory.own_loops(weak.network, 8, period) == 0
    assert memory.own_loops(memory.ring("one tick", 8, 512, 0).network, 8, period) == 0


def test_a_relay_whose_two_delays_make_up_the_lag_gives_patterns_back(memory, task) -> None:
    made = memory.relay("learned", 8, 512, 0)
    there, back = np.zeros((16, 8)), np.zeros((8, 16))
    there[:8], back[:, :8] = 1.5 * np.eye(8), 1.5 * np.eye(8)
    made = _with(made, [there, back], [np.full((16, 8), 25.0), np.full((8, 16), 15.0)])
    shown, wanted = task.trials(20, 40, 1, np.random.default_rng(7))
    spikes = memory.recall(memory.train(made, None, 20, 0), made, shown)
    assert task.f1(spikes, wanted, 0) == 1
    assert torch.equal(memory.simulated(made.network, made, shown), spikes)


def test_an_untrained_network_spikes_alike_in_training_s_engine_and_the_simulator(memory, task):
    for made in (memory.ring("fixed", 8, 512, 8), memory.relay("fixed", 8, 512, 8)):
        shown = task.trials(5, 40, 1, np.random.default_rng(8)).shown
        spikes = memory.recall(memory.train(made, None, 20, 0), made, shown)
        assert spikes.sum() > 20
        assert torch.equal(memory.simulated(made.network, made, shown), spikes)


def test_figures_are_taken_over_seeds(run) -> None:
    rows = [
        {"task": "ring", "kind": kind, "lag": 20, "recall": [1.0, value]}
        for kind, value in (("learned", 0.9), ("fixed", 0.3), ("learned", 0.7))
    ]
    assert run["by"](rows, "ring", "learned", "recall", 20).tolist() == [0.9, 0.7]
    assert run["by"](rows, "ring", "fixed", "recall", 20, 0).tolist() == [1.0]
    assert run["error"](np.array([1.0, 3.0])) == pytest.approx(1.0)
    assert run["error"](np.array([1.0])) is None
