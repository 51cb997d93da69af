"""Accuracy and confusion matrix against scikit-learn, and their refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.errors import InvalidValue
from neuro.metrics import accuracy, confusion_matrix

pairs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40)


@settings(deadline=None)  # the first call imports scikit-learn
@given(pairs)
def test_both_agree_with_scikit_learn(rows: list[tuple[int, int]]) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    guess, truth = np.array(rows).T
    assert accuracy(guess, truth) == sklearn.accuracy_score(truth, guess)
    expected = sklearn.confusion_matrix(truth, guess, labels=range(7))
    np.testing.assert_array_equal(confusion_matrix(guess, truth, classes=7), expected)


def test_scores_choose_the_highest_and_the_lowest_class_among_equals() -> None:
    scores = [[0.1, 0.9, 0.2], [0.5, 0.5, 0.0], [-3.0, -2.0, -1.0]]
    assert accuracy(scores, [1, 0, 2]) == 1.0
    assert accuracy(scores, [1, 1, 2]) == pytest.approx(2 / 3)


def test_rows_are_the_true_classes() -> None:
    np.testing.assert_array_equal(confusion_matrix([1, 1], [0, 0]), [[0, 2], [0, 0]])


def test_scores_give_the_matrix_their_number_of_classes() -> None:
    assert confusion_matrix(np.eye(4)[:2], [0, 1]).shape == (4, 4)


@pytest.mark.parametrize(
    ("predictions", "labels", "message"),
    [
        ([0, 1], [0], "2 predictions but 1 labels"),
        ([], [], "no samples"),
        ([0.5, 1.0], [0, 1], "expected integer classes"),
        ([[0.5, np.nan]], [0], "sample 0 has a score that is NaN"),
        ([0], [-1], "expected classes from 0"),
        (np.zeros((2, 2, 2)), [0, 1], r"shape \(2, 2, 2\)"),
        (np.zeros((2, 0)), [0, 1], "at least one class"),
    ],
)
def test_accuracy_refuses_and_says_why(predictions, labels, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        accuracy(predictions, labels)


def test_confusion_refuses_a_class_it_has_no_row_for() -> None:
    with pytest.raises(InvalidValue, match="found class 3, expected classes below classes=3"):
        confusion_matrix([0, 3], [0, 1], classes=3)
    with pytest.raises(InvalidValue, match="2 predictions but 1 labels"):
        confusion_matrix([0, 1], [0])
