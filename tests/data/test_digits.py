"""The digits: who wrote what, who is tested, and the same events every time."""

import re

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.data import EventDataset, digits
from neuro.data.digits import FORM_STARTS, TEST_FORMS, form_of_sample, is_test
from neuro.encode import EventCamera
from neuro.errors import CorruptFile, UnknownName
from neuro.units import us

sklearn_datasets = pytest.importorskip("sklearn.datasets")


@pytest.fixture(scope="module")
def by_writer(tmp_path_factory):
    return digits(cache=tmp_path_factory.getbasetemp() / "digits")


@pytest.fixture(scope="module")
def labels():
    return np.asarray(sklearn_datasets.load_digits().target)


def test_forms_begin_where_the_labels_run_three_times_from_0_to_9(labels):
    # a few digits are missing, so up to three of the first thirty may be left out
    text = "".join(map(str, labels))
    run = re.compile("0?1?2?3?4?5?6?7?8?9?" * 3)
    starts, previous = [], -2
    for at in range(len(text)):
        if len(run.match(text, at).group()) >= 27:  # type: ignore[union-attr]
            if at > previous + 1:
                starts.append(at)
            previous = at
    assert tuple(starts) == FORM_STARTS


def test_every_form_is_the_same_printed_form(labels):
    forms = form_of_sample()
    printed = labels[forms == 0]
    assert len(printed) == 130
    for form in range(14):
        mine = labels[forms == form]
        assert 120 <= len(mine) <= 130
        # longest common subsequence with the printed form, by dynamic programming
        best = np.zeros((len(printed) + 1, len(mine) + 1), int)
        for i, a in enumerate(printed):
            for j, b in enumerate(mine):
                both = best[i, j] + 1 if a == b else max(best[i, j + 1], best[i + 1, j])
                best[i + 1, j + 1] = both
        assert best[-1, -1] >= len(mine) - 2


def test_no_writer_is_both_trained_on_and_tested(by_writer, labels):
    train, test = by_writer
    held_out = is_test("writer", labels)
    forms = form_of_sample()
    assert not set(forms[held_out]) & set(forms[~held_out])
    assert set(map(int, str(test.attributes["forms"]).split())) == set(TEST_FORMS)
    assert not set(str(test.attributes["forms"]).split()) & set(
        str(train.attributes["forms"]).split()
    )
    assert train.labels.tolist() == labels[~held_out].tolist()
    assert test.labels.tolist() == labels[held_out].tolist()
    assert (len(train), len(test)) == (1407, 390)
    assert (np.bincount(test.labels) >= 30).all()


def test_recordings_are_300_ms_of_microsecond_events_of_both_polarities(by_writer):
    for dataset in by_writer:
        assert dataset.shape == (2, 20, 20) and dataset.clock == Clock(1 * us)
        assert (dataset.durations == 300_000).all()
        assert dataset.counts.min() > 500
        polarity = dataset.dense(Clock(0.3))[0].sum(axis=(0, 2, 3))
        assert 0.4 < polarity[1] / polarity.sum() < 0.6
        assert "CC BY 4.0" in dataset.source and dataset.attributes["seed"] == 0


def seen_at(image, shift):
    """The 8x8 picture on the sensor, moved by (down, right) pixels, by linear interpolation."""
    padded = np.pad(image / 16, 1)
    place = np.arange(-1, 9)
    for axis in (0, 1):
        at = (np.arange(20) - 9.5 - shift[axis]) / 2 + 3.5
        padded = np.apply_along_axis(lambda line, at=at: np.interp(at, place, line), axis, padded)
    return padded


def test_the_events_of_a_saccade_add_up_to_the_change_of_log_intensity(by_writer, labels):
    images = sklearn_datasets.load_digits().images[~is_test("writer", labels)]
    counts = by_writer[0].dense(Clock(0.1))[0]  # the first saccade
    for i in range(0, len(images), 50):
        after, before = seen_at(images[i], (-1.5, 0.0)), seen_at(images[i], (1.5, -1.5))
        change = np.log(0.1 + 0.9 * after) - np.log(0.1 + 0.9 * before)
        rebuilt = 0.3 * (counts[i, 1] - counts[i, 0])
        assert np.corrcoef(rebuilt.ravel(), change.ravel())[0, 1] > 0.95


def test_the_random_split_is_stratified_and_fixed(labels):
    held_out = is_test("random", labels)
    share = np.bincount(labels[held_out]) / np.bincount(labels)
    assert np.allclose(share, 0.2, atol=0.005)
    assert np.array_equal(held_out, is_test("random", labels))
    assert set(form_of_sample()[held_out]) == set(range(14))


def test_one_seed_gives_one_data_set_and_the_cache_never_answers_for_another(by_writer, tmp_path):
    folder = tmp_path / "cache"
    fast = EventCamera(threshold=1.0, mismatch=0.1)
    made = digits(3, cache=folder, camera=fast)
    files = sorted(folder.iterdir())
    stamps = [file.stat().st_mtime_ns for file in files]
    assert made == digits(3, cache=folder, camera=fast)
    assert [file.stat().st_mtime_ns for file in sorted(folder.iterdir())] == stamps
    assert made == digits(3, camera=fast)
    other = digits(4, cache=folder, camera=fast)
    assert len(list(folder.iterdir())) == 4
    assert other[0].labels.tolist() == made[0].labels.tolist()
    assert other != made  # the seed is another sensor
    files[0].write_bytes(files[0].read_bytes()[:1000])
    with pytest.raises(CorruptFile, match="damaged"):
        digits(3, cache=folder, camera=fast)


def test_an_unknown_split_is_refused():
    with pytest.raises(UnknownName, match="Did you mean 'writer'"):
        digits(split="writers")  # type: ignore[arg-type]


def test_an_altered_source_file_is_refused(monkeypatch):
    bunch = sklearn_datasets.load_digits()
    bunch.target = bunch.target[::-1]
    monkeypatch.setattr(sklearn_datasets, "load_digits", lambda: bunch)
    with pytest.raises(CorruptFile, match="split by writer holds only"):
        digits()


def test_data_sets_are_event_datasets(by_writer):
    assert all(isinstance(part, EventDataset) for part in by_writer)
