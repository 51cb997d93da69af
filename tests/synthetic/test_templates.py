"""Templates of spike times: what tells the classes apart, and what does not."""

import numpy as np
import pytest

from neuro import Clock, ms
from neuro.errors import InvalidValue
from neuro.synthetic import spike_templates


def test_without_noise_a_recording_is_its_template_at_some_time():
    data = spike_templates(60, classes=3, units=8, jitter=0, dropped=0, background=0, seed=3)
    first: dict[int, np.ndarray] = {}
    for recording, label in zip(data.dense(Clock(10 * ms)).transpose(1, 0, 2), data.labels,
                                strict=True):  # fmt: skip
        assert recording.sum(0).tolist() == [1] * 8
        times = recording.argmax(0)
        template = first.setdefault(int(label), times - times.min())
        np.testing.assert_array_equal(times - times.min(), template)
    assert len(first) == 3
    assert len({tuple(t) for t in first.values()}) == 3


def test_rates_do_not_tell_the_classes_apart():
    data = spike_templates(3000, classes=3, units=6, seed=0)
    counts = np.stack([
        data.select(data.labels == c).dense(Clock(400 * ms))[0].mean(0) for c in range(3)
    ])  # fmt: skip
    # 0.9 kept of one spike and 40 chances of 0.01, which rarely fall on one another
    assert abs(counts - 1.29).max() < 0.1


def test_one_seed_gives_one_set_and_templates_stay():
    one, two, other = (spike_templates(20, seed=s, background=0) for s in (1, 1, 2))
    assert np.array_equal(one.dense(Clock(10 * ms)), two.dense(Clock(10 * ms)))
    assert not np.array_equal(one.labels, other.labels)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"samples": 0}, "samples: got 0"),
        ({"dropped": 1.5}, "dropped: got 1.5"),
        ({"span": 500 * ms}, "at most the duration, 0.4 s"),
        ({"span": 3 * ms}, "span"),
    ],
)
def test_wrong_arguments_are_refused(arguments, words):
    with pytest.raises(InvalidValue, match=words):
        spike_templates(**arguments)
