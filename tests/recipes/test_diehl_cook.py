"""What the digits recipe after Diehl and Cook shows, counts and reads out."""

from __future__ import annotations

import gzip
import runpy

import numpy as np
import pytest

from neuro.errors import CorruptFile, InvalidValue
from neuro.recipe import find


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("diehl_cook").folder / "run.py"))


def test_cells_are_named_by_their_strongest_digit_and_vote_by_their_mean(run) -> None:
    responses = np.array([[5.0, 0, 1, 0], [4, 1, 0, 0], [0, 6, 0, 0]])
    assigned = run["assign"](responses, np.array([3, 3, 7]))
    assert assigned.tolist() == [3, 7, 3, -1]
    # The two cells of digit 3 answer 2 on average, the one of digit 7 answers 3.
    assert run["vote"](np.array([[4.0, 3, 0, 0], [0, 0, 0, 9]]), assigned).tolist() == [7, -1]


def test_test_digits_are_not_trained_on(run) -> None:
    train, test = run["small_digits"](0)
    assert (len(train.labels), len(test.labels)) == (1437, 360)
    seen = {p.tobytes() for p in train.pictures}
    assert not any(p.tobytes() in seen for p in test.pictures)


def test_a_cell_answers_the_digit_its_weights_match(run) -> None:
    pictures = np.eye(2).repeat(4, axis=1)  # two pictures of eight pixels without overlap
    weights = pictures.T * run["TOTAL"] / 4 + 1e-6
    answers = run["respond"](pictures, weights, np.zeros(2), 0)
    assert answers[0, 0] > 0 < answers[1, 1]
    assert answers[0, 1] == 0 == answers[1, 0]


def test_a_loser_answers_the_next_digit_as_if_it_had_not_lost(run) -> None:
    pictures = np.eye(2).repeat(4, axis=1)
    weights = pictures.T * run["TOTAL"] / 4 + 1e-6
    alternating = run["respond"](np.tile(pictures, (20, 1)), weights, np.zeros(2), 0)
    alone = run["respond"](np.tile(pictures[1:], (20, 1)), weights, np.zeros(2), 0)
    assert alternating[1::2, 1].mean() == pytest.approx(alone[:, 1].mean(), rel=0.1)


def test_thresholds_learn_without_the_weights_and_are_held_when_told(run) -> None:
    pictures = np.eye(2).repeat(4, axis=1)
    weights = pictures.T * run["TOTAL"] / 4 + 1e-6
    total = []
    for held in (None, np.zeros(2), np.full(2, 200.0)):
        still = run["network"](pictures, weights, 0, plastic=False, held=held)
        one = run["Simulation"](still, seed=0, threads=1)
        spikes = one.run(2 * (run["SHOWN"] + run["REST"])).events("cells.spikes")[0]
        count = np.bincount(spikes.unit, minlength=2)
        assert (count > 0).all()
        # b counts the spikes, less what leaks in one second of 10,000.
        assert one.get("cells.b") == pytest.approx(count, rel=1e-3)
        learned = np.asarray(one.weights("digits->cells")).reshape(weights.shape)
        assert learned == pytest.approx(weights)
        total.append(count.sum())
    rising, low, high = total
    assert high < rising < low


def test_idx_files_are_read_plain_and_zipped_and_others_refused(run, tmp_path) -> None:
    raw = b"\0\0\x08\x02" + (2).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes(range(6))
    (tmp_path / "plain").write_bytes(raw)
    (tmp_path / "zipped.gz").write_bytes(gzip.compress(raw))
    for name in ("plain", "zipped"):
        assert run["_idx"](tmp_path / name).tolist() == [[0, 1, 2], [3, 4, 5]]
    (tmp_path / "text").write_text("no pictures")
    with pytest.raises(CorruptFile, match="idx"):
        run["_idx"](tmp_path / "text")
    with pytest.raises(InvalidValue, match="neither"):
        run["_idx"](tmp_path / "absent")
