"""What the recipe spoken_digits makes, changes and measures."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

from neuro.data import EventDataset
from neuro.encode import Cochlea
from neuro.formats.shd import write_shd
from neuro.recipe import find

torch = pytest.importorskip("torch")
signal = pytest.importorskip("scipy.signal")


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("spoken_digits").folder / "run.py"))


@pytest.fixture(scope="module")
def voice():
    return runpy.run_path(str(find("spoken_digits").folder / "voice.py"))


@pytest.fixture(scope="module")
def heard(voice):
    return voice["words"]((12, 3), Cochlea(channels=16), 1)


def test_a_word_begins_and_ends_with_the_formants_of_its_vowels(voice):
    sound = voice["speak"]("ia", np.random.default_rng(3))
    parts = sound[: len(sound) // 4], sound[-len(sound) // 4 :]
    energy = []
    for part in parts:
        f, power = signal.welch(part, voice["RATE"], nperseg=256)
        energy.append(power[(f > 600) & (f < 1300)].sum() / power.sum())
    assert energy[1] > 2 * energy[0]  # both formants of "a" lie there, none of "i"


def test_one_seed_makes_one_set(voice, heard):
    again = voice["words"]((12, 3), Cochlea(channels=16), 1)
    assert heard == again
    train, test = heard
    assert (len(train), len(test)) == (120, 30)
    assert np.bincount(train.labels).tolist() == [12] * 10


def test_counts_are_whole_and_what_is_cut_off_is_counted(run, heard):
    train, _ = heard
    made, cut = run["samples"](train)
    assert cut == 0 and int(made.x.sum()) == train.counts.sum()
    long = EventDataset(
        [0, 1_500_000], [0, 1], [0, 2], [2_000_000], [0], shape=(2,), clock=train.clock,
        classes=["a"], name="long",
    )  # fmt: skip
    made, cut = run["samples"](long)
    assert cut == 0.5 and made.x.shape == (50, 1, 2) and made.lengths.tolist() == [50]


def test_files_in_the_layout_of_shd_hold_out_the_lowest_numbers(run, heard, tmp_path):
    h5py = pytest.importorskip("h5py")
    train, _ = heard
    write_shd(tmp_path / "a.h5", train)
    turn = np.array([(train.labels[:i] == label).sum() for i, label in enumerate(train.labels)])
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["extra/speaker"] = turn % 2
        file["extra/recording"] = 200 - turn  # of 12 of each digit, the last have the lowest
    kept, held = run["in_shd_layout"](tmp_path / "a.h5", None)
    assert len(held) == 10 * 2 * 5 and len(kept) == 20
    np.testing.assert_array_equal(kept.labels, train.labels[turn < 2])
    for (events, _), i in zip(kept, np.flatnonzero(turn < 2), strict=True):
        assert len(events) == len(train[i][0])
    kept, _ = run["in_shd_layout"](tmp_path / "a.h5", 1)
    assert len(kept) == 20


def test_another_voice_moves_recordings_and_invents_nothing(run):
    x = torch.zeros(9, 200, 30)
    x[4, :, 15] = torch.arange(200) + 1.0
    moved = run["another_voice"](x, torch.Generator().manual_seed(0))
    assert (moved.sum((0, 2)) == torch.arange(200) + 1).all()
    at = moved.nonzero()
    assert set(at[:, 0].tolist()) == {4}
    assert set((at[:, 2] - 15).tolist()) == {-1, 0, 1}
    edge = torch.ones(1, 50, 30)
    assert set(
        run["another_voice"](edge, torch.Generator().manual_seed(0)).sum(2).flatten().tolist()
    ) == {29.0, 30.0}


def test_the_baseline_learns_what_counts_tell(run, heard):
    pytest.importorskip("sklearn")
    assert run["baseline"](*heard) > 0.2
