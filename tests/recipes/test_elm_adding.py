"""What the recipe elm_adding pairs, compares and measures."""

from __future__ import annotations

import runpy
from types import SimpleNamespace

import numpy as np
import pytest

from neuro import Clock, Events, ms
from neuro.data import EventDataset
from neuro.errors import InvalidValue
from neuro.recipe import find

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")  # the recipe's reader of recordings comes from spoken_digits

FOLDER = find("elm_adding").folder
FINE = Clock(8 * ms)


@pytest.fixture(scope="module")
def pairs():
    return SimpleNamespace(**runpy.run_path(str(FOLDER / "pairs.py")))


@pytest.fixture(scope="module")
def contenders():
    return SimpleNamespace(**runpy.run_path(str(FOLDER / "contenders.py")))


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(FOLDER / "run.py"))


def recordings(labels: list[int], units: int = 6, spikes: int = 40) -> EventDataset:
    """Random spikes within 30 ms, in ticks of 1 ms."""
    random = np.random.default_rng(0)
    made = [
        Events.sorted(
            random.integers(30, size=spikes), random.integers(units, size=spikes),
            shape=(units,), clock=Clock(1 * ms), duration=30,
        )
        for _ in labels
    ]  # fmt: skip
    return EventDataset.from_events(
        made, np.array(labels), classes=[str(k) for k in range(max(labels) + 1)], name="random"
    )


def test_every_spike_is_counted_in_its_cell_or_as_cut_off(pairs) -> None:
    events = recordings([3, 1, 2])
    half = pairs.halves(events, FINE, 3, 2)
    expected, late = np.zeros((3, 3, 2), int), 0
    for i, (recording, _) in enumerate(events):
        for t, unit in zip(recording.t.tolist(), recording.unit.tolist(), strict=True):
            if t < 24:
                expected[i, t // 8, unit // 3] += 1
            else:
                late += 1
    assert np.array_equal(half.counts.numpy(), expected)
    assert half.cut == pytest.approx(late / 120) and late > 0
    assert half.digit.tolist() == [3, 1, 2]


def test_recordings_that_make_no_digits_or_channels_are_refused(pairs) -> None:
    with pytest.raises(InvalidValue, match="6 units do not make 4 channels"):
        pairs.halves(recordings([0]), FINE, 3, 4)
    with pytest.raises(InvalidValue, match="labels 1 to 10, expected digits 0 to 9"):
        pairs.halves(recordings([1, 10]), FINE, 3, 2)
    with pytest.raises(InvalidValue, match="spikes in one cell of recording 0, at most 255"):
        pairs.halves(recordings([1], spikes=2000), FINE, 3, 1)


def test_a_pair_is_two_recordings_in_a_row_and_the_sum_of_their_digits(pairs) -> None:
    counts = torch.arange(1, 6, dtype=torch.uint8)[:, None, None].expand(5, 4, 3)
    part = pairs.Halves(counts.contiguous(), torch.tensor([9, 0, 4, 7, 9]), 0.0)
    x, total = pairs.draw(part, 500, np.random.default_rng(0))
    assert x.shape == (8, 500, 3)
    first, second = x[:4], x[4:]
    assert (first == first[0, :, :1]).all() and (second == second[0, :, :1]).all()
    who = torch.stack([first[0, :, 0], second[0, :, 0]]).long() - 1
    assert torch.equal(total, part.digit[who].sum(0))
    assert len(torch.unique(who, dim=1).T) == 25  # each member with each, itself as well


def test_inputs_are_scaled_by_what_training_recordings_have(pairs) -> None:
    loud = pairs.Halves(torch.full((2, 3, 4), 5, dtype=torch.uint8), torch.tensor([0, 1]), 0.0)
    assert pairs.loudness(loud) == 5
    assert pairs.loudness(loud._replace(counts=torch.zeros_like(loud.counts))) == 1


@pytest.mark.parametrize("memory", [5, 30])
def test_the_lstm_is_as_large_as_whole_units_allow(contenders, memory: int) -> None:
    def make(kind):
        return contenders.build(kind, 70, 19, FINE, 150, memory=memory, seed=0)

    sizes = {kind: contenders.size(make(kind)) for kind in contenders.NAMES}
    units = make("lstm").cell.hidden_size
    assert sizes["lstm"] == 4 * units * (70 + units + 2) + 19 * (units + 1)
    more = 4 * (units + 1) * (70 + units + 3) + 19 * (units + 2)
    assert sizes["lstm"] <= sizes["elm"] == sizes["elm_short"] < more


@pytest.mark.parametrize("step", [FINE, Clock(40 * ms)])
def test_memories_are_as_long_as_the_sequence_or_short(contenders, step) -> None:
    for kind, longest in (("elm", 150 * step.dt), ("elm_short", max(10 * ms, 2 * step.dt))):
        tau = contenders.build(kind, 4, 3, step, 150, memory=9, seed=0).tau
        assert tau.min().item() == pytest.approx(step.dt, rel=1e-3)
        assert tau.max().item() == pytest.approx(longest, rel=1e-3)


def test_forget_gates_begin_at_all_times_up_to_the_sequence(contenders) -> None:
    lstm = contenders.LSTM(3, 400, 2, 150, 1)
    gates = (lstm.cell.bias_ih_l0 + lstm.cell.bias_hh_l0).unflatten(0, (4, 400)).sigmoid()
    times = (1 / (1 - gates[1])).double()  # steps until a gate has let go, 1 more than drawn
    assert 2 <= times.min() < 5 and 145 < times.max() <= 150
    assert times.mean().item() == pytest.approx(76, abs=4 * 43 / 20)
    torch.testing.assert_close(gates[0], 1 - gates[1])


@pytest.mark.parametrize("kind", ["elm", "elm_short", "lstm"])
def test_the_seed_alone_decides_where_a_model_begins(contenders, kind) -> None:
    def values(seed):
        model = contenders.build(kind, 6, 4, FINE, 20, memory=5, seed=seed)
        return torch.cat([p.flatten() for p in model.parameters()])

    first = values(1)
    torch.rand(3)
    assert torch.equal(first, values(1)) and not torch.equal(first, values(2))


@pytest.mark.parametrize(("kind", "updates"), [("elm", 150), ("lstm", 500)])
def test_what_differs_by_channel_is_learned(run, pairs, contenders, kind, updates) -> None:
    counts = torch.zeros(2, 3, 2, dtype=torch.uint8)
    counts[0, 1, 0] = counts[1, 1, 1] = 1
    part = pairs.Halves(counts, torch.tensor([0, 1]), 0.0)
    model = contenders.build(kind, 2, pairs.SUMS, FINE, 6, memory=8, seed=0)
    before, commonest = run["score"](model, part, 4.0, 0)
    run["fit"](model, part, 4.0, updates, 0)
    after, _ = run["score"](model, part, 4.0, 0)
    assert commonest == pytest.approx(0.5, abs=0.05)
    assert before < 0.7 and after > 0.9


def test_a_gain_is_the_mean_over_seeds_of_paired_runs(run) -> None:
    rows = [
        {"bins": bins, "kind": kind, "accuracy": value}
        for bins, kind, value in (
            ("fine", "elm", 0.5), ("fine", "elm", 0.9), ("fine", "lstm", 0.4),
            ("fine", "lstm", 0.6), ("coarse", "elm", 0.2), ("coarse", "lstm", 0.5),
        )
    ]  # fmt: skip
    gain, error = run["difference"](rows, "fine", "elm", "lstm")
    assert (gain, error) == (pytest.approx(0.2), pytest.approx(0.1))
    gain, error = run["difference"](rows, "coarse", "elm", "lstm")
    assert gain == pytest.approx(-0.3) and error is None


def test_made_up_words_are_split_and_have_the_channels_of_the_models(run) -> None:
    pytest.importorskip("scipy")
    train, test = run["recordings"](None, True, 3)
    assert (len(train), len(test)) == (120, 40)
    assert train.shape == test.shape == (run["CHANNELS"],)
    assert not {e.t.tobytes() for e, _ in train} & {e.t.tobytes() for e, _ in test}
