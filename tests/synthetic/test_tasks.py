"""Memory tasks, cue-outcome runs and changing streams against their stated truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.synthetic import (
    Phase,
    concept_shifts,
    cue_outcomes,
    delayed_match_to_sample,
    poisson_classes,
    recurring_tasks,
    store_recall,
    zipf_classes,
)
from neuro.units import ms, second


def test_sample_and_test_can_be_read_off_the_rates() -> None:
    task = delayed_match_to_sample(60, delay=(100 * ms, 300 * ms), background=1.0, seed=1)
    assert task.data.labels.sum() == 30
    np.testing.assert_array_equal(task.data.labels, task.sample == task.test)
    assert task.delay.min() >= 100 and task.delay.max() <= 300 and len(set(task.delay)) > 10
    assert set(task.data.durations) == {400}
    for i, (events, _) in enumerate(task.data):
        for start, stimulus in ((0, task.sample[i]), (int(task.test_start[i]), task.test[i])):
            part = events.slice(start, start + 50)
            counts = np.bincount(part.coordinates[0], minlength=4)
            assert counts.argmax() == stimulus
            assert counts[stimulus] == pytest.approx(50, abs=35)
        assert len(events.slice(50, int(task.test_start[i]))) < 40


def test_the_shown_group_fires_at_its_rate_even_below_the_background() -> None:
    task = delayed_match_to_sample(100, rate=0.0, background=50.0, seed=2)
    for i, (events, _) in enumerate(task.data):
        part = events.slice(0, 50)
        assert not (part.coordinates[0] == task.sample[i]).any()


def test_the_answer_to_a_recall_is_the_bit_stored_last() -> None:
    task = store_recall(30, steps=40, seed=3)
    recalls = 0
    for i, events in enumerate(task.recordings):
        held = None
        for k in range(40):
            part = events.slice(k * task.step_ticks, (k + 1) * task.step_ticks)
            groups = set(part.coordinates[0].tolist())
            shown = {1: {2}, 2: {3}, 0: set()}[int(task.command[i, k])]
            assert groups == shown | ({int(task.bit[i, k])} if task.bit[i, k] >= 0 else set())
            if task.command[i, k] == 1:
                held = task.bit[i, k]
            if task.command[i, k] == 2:
                assert held is not None and task.target[i, k] == held
                recalls += 1
            else:
                assert task.target[i, k] == -1
    assert recalls > 100


def test_cues_and_outcomes_come_when_and_as_often_as_the_phase_says() -> None:
    phases = (Phase(300, 300 * ms, (0.6, 0.2)), Phase(300, 600 * ms, (0.1, 0.9)))
    run = cue_outcomes(phases, seed=4)
    assert run.events.shape == (3, 10) and run.events.duration == 600_000
    np.testing.assert_array_equal(run.cue, np.arange(600) * 1000)
    channel = run.events.coordinates[0]
    for k, (latency, p) in enumerate(((300, (0.6, 0.2)), (600, (0.1, 0.9)))):
        mine = run.phase == k
        assert mine.sum() == 300 and (run.latency[mine] == latency).all()
        np.testing.assert_array_equal(run.probability[mine], np.tile(p, (300, 1)))
        for outcome in range(2):
            share = (run.outcome[mine] == outcome).mean()
            assert share == pytest.approx(p[outcome], abs=4 * np.sqrt(0.25 / 300))
    for i in range(0, 600, 7):
        rows = np.s_[
            np.searchsorted(run.events.t, i * 1000) : np.searchsorted(run.events.t, (i + 1) * 1000)
        ]
        t, c = run.events.t[rows] - i * 1000, channel[rows]
        assert (t[c == 0] < 50).all() and (c == 0).sum() == pytest.approx(50, abs=35)
        late = t[c > 0]
        if run.outcome[i] < 0:
            assert not len(late)
        else:
            assert (c[c > 0] == run.outcome[i] + 1).all()
            assert late.min() >= run.latency[i] and late.max() < run.latency[i] + 50


def test_the_target_is_a_gaussian_about_the_outcome_that_came() -> None:
    run = cue_outcomes((Phase(20, 400 * ms, (0.5, 0.3)),), seed=5)
    target = run.target(Clock(10 * ms))
    assert target.shape == (2000, 2)
    for i in range(20):
        part = target[i * 100 : (i + 1) * 100]
        expected = np.zeros((100, 2))
        if run.outcome[i] >= 0:
            expected[:, run.outcome[i]] = stats.norm.pdf(np.arange(100) * 0.01, 0.4, 0.06)
            expected *= 0.06 * np.sqrt(2 * np.pi)
        np.testing.assert_allclose(part, expected, atol=1e-12)


def test_background_units_fire_at_the_background_and_shown_ones_at_their_rate() -> None:
    run = cue_outcomes((Phase(200, 300 * ms, (1.0,)),), background=20.0, rate=100.0, seed=6)
    channel, t = run.events.coordinates[0], run.events.t % 1000
    cue, outcome = (t < 50), (t >= 300) & (t < 350)
    for on, c in ((cue, 0), (outcome, 1)):
        assert (on & (channel == c)).sum() / (200 * 10 * 0.05) == pytest.approx(100, rel=0.05)
        assert (~on & (channel == c)).sum() / (200 * 10 * 0.95) == pytest.approx(20, rel=0.05)


def test_labels_and_inputs_shift_where_they_should() -> None:
    source, _ = poisson_classes(10, classes=4, units=8, seed=7)
    for kind, size in (("labels", 4), ("inputs", 8)):
        stream = concept_shifts(source, (20, 50), steps=80, kind=kind, seed=8)
        assert stream.concept.tolist() == [0] * 20 + [1] * 30 + [2] * 30
        assert stream.permutation.shape == (3, size)
        np.testing.assert_array_equal(stream.permutation[0], np.arange(size))
        for before, after in ((0, 1), (1, 2)):
            assert (stream.permutation[before] != stream.permutation[after]).any()
            assert sorted(stream.permutation[after]) == list(range(size))
        for i, (events, label) in enumerate(stream.data):
            original, old = source[int(stream.original[i])]
            order = stream.permutation[stream.concept[i]]
            if kind == "labels":
                assert events == original and label == order[old]
            else:
                assert label == old
                pairs = sorted(zip(original.t, order[original.unit], strict=True))
                assert pairs == list(zip(events.t, events.unit, strict=True))


def test_two_swapped_classes_leave_the_others_alone() -> None:
    source, _ = poisson_classes(5, classes=6, units=3, seed=9)
    stream = concept_shifts(source, (5, 10), steps=20, swapped=2, seed=1)
    assert ((stream.permutation[1:] != stream.permutation[:-1]).sum(axis=1) == 2).all()


def test_the_exponent_of_zipf_classes_is_recovered() -> None:
    for exponent in (0.0, 1.0, 1.7):
        stream = zipf_classes(20_000, 50, exponent=exponent, seed=10)
        ranks = np.arange(1, 51)
        count = np.bincount(stream, minlength=50)

        def misfit(s: float, count=count, ranks=ranks) -> float:
            return float(count @ (s * np.log(ranks)) + count.sum() * np.log((ranks**-s).sum()))

        found = optimize.minimize_scalar(misfit, bounds=(-0.5, 3), method="bounded").x
        assert found == pytest.approx(exponent, abs=0.03)


def test_the_exponent_of_the_gaps_is_recovered() -> None:
    stream = recurring_tasks(20_000, 8, exponent=1.5, longest=500, seed=11)
    assert (np.diff(stream.time) >= 0).all() and set(stream.task) == set(range(8))
    gaps = np.concatenate([np.diff(stream.time[stream.task == k]) for k in range(8)])
    assert gaps.min() >= 1 and gaps.max() <= 500
    values = np.arange(1, 501)

    def misfit(s: float) -> float:
        return float(s * np.log(gaps).sum() + len(gaps) * np.log((values**-s).sum()))

    assert optimize.minimize_scalar(misfit, bounds=(0.5, 3), method="bounded").x == pytest.approx(
        1.5, abs=0.03
    )
    fewer = recurring_tasks(2000, 3, exponent=1.5, longest=500, seed=11)
    few, many = (of.time[of.task == 1] for of in (fewer, stream))
    common = min(len(few), len(many))
    assert common > 100
    np.testing.assert_array_equal(few[:common], many[:common])


def test_streams_repeat_with_their_seed() -> None:
    for make in (
        lambda s: zipf_classes(100, 5, seed=s),
        lambda s: recurring_tasks(100, 5, seed=s).task,
        lambda s: store_recall(2, seed=s).bit,
        lambda s: cue_outcomes(seed=s).outcome,
        lambda s: delayed_match_to_sample(20, seed=s).sample,
    ):
        np.testing.assert_array_equal(make(1), make(1))
        assert not np.array_equal(make(1), make(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: delayed_match_to_sample(stimuli=1), "stimuli"),
        (lambda: delayed_match_to_sample(delay=(0.3, 0.1)), "shortest"),
        (lambda: store_recall(store=0.7, recall=0.7), "at most 1"),
        (lambda: Phase(10, 0.3, ()), "probability"),
        (lambda: Phase(10, 0.3, (0.8, 0.8)), "more than 1"),
        (lambda: cue_outcomes(()), "at least one"),
        (lambda: cue_outcomes((Phase(1, 1 * second, (1.0,)),)), "within a trial"),
        (lambda: cue_outcomes((Phase(1, 0.1, (1.0,)), Phase(1, 0.1, (0.5, 0.5)))), "same number"),
        (lambda: concept_shifts(poisson_classes(1)[0], (3, 2)), "increase"),
        (lambda: concept_shifts(poisson_classes(1)[0], (2,), swapped=9), "change places"),
        (lambda: zipf_classes(10, 0), "classes"),
        (lambda: recurring_tasks(10, 2, exponent=0.0), "exponent"),
    ],
)
def test_refuses_tasks_that_make_no_sense(call, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()


def test_an_unknown_kind_of_shift_is_named() -> None:
    with pytest.raises(UnknownName, match="labels"):
        concept_shifts(poisson_classes(1)[0], (2,), kind="label")  # type: ignore[arg-type]
