"""The recipe on learned delays: which recordings it tests on, its sizes, and its spike counts."""

from __future__ import annotations

import itertools
import runpy

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from neuro import Clock, Events, us
from neuro.data import EventDataset
from neuro.errors import InvalidValue
from neuro.formats.shd import write_shd
from neuro.recipe import find


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("shd_delays").folder / "run.py"))


@pytest.fixture
def file(tmp_path):
    """Two digits by two speakers, ten recordings each, in the layout of SHD."""
    rng = np.random.default_rng(0)
    recordings = [
        Events.sorted(rng.integers(0, 400_000, 50), rng.integers(0, 700, 50), shape=700,
                      clock=Clock(1 * us), duration=400_000)
        for _ in range(40)
    ]  # fmt: skip
    labels = np.repeat([0, 1], 20)
    path = tmp_path / "train.h5"
    write_shd(
        path, EventDataset.from_events(recordings, labels, classes=["zero", "one"], name="two")
    )
    with h5py.File(path, "a") as f:
        f["extra/speaker"] = np.tile([0, 1], 20)
        f["extra/recording"] = np.tile(np.repeat(np.arange(5, 15), 2), 2)
    return path


def test_held_out_are_the_lowest_recordings_of_every_speaker_and_digit(run, file) -> None:
    train, test, split = run["recordings"](file, None, 0)
    assert (len(train), len(test)) == (32, 8)
    assert np.bincount(test.labels).tolist() == [4, 4]
    assert "held out" in split
    both, other, _ = run["recordings"](file, file, 0)
    assert len(both) == len(other) == 40


def test_without_recording_numbers_a_random_fifth_is_held_out(run, file) -> None:
    with h5py.File(file, "a") as f:
        del f["extra/recording"]
    train, test, split = run["recordings"](file, None, 0)
    assert (len(train), len(test)) == (32, 8) and "random" in split


def test_neighbouring_channels_are_added_and_late_spikes_counted(run, file) -> None:
    whole, _, _ = run["recordings"](file, file, 0)
    size = run["SIZES"]["small"]
    x, cut = run["counts"](whole, size)
    assert x.shape == (60, 40, 35) and cut == 0 and x.sum() == 40 * 50
    late, share = run["counts"](whole, size._replace(steps=20))
    assert share == pytest.approx(1 - late.sum() / 2000) and 0.3 < share < 0.7
    with pytest.raises(InvalidValue, match="700 channels cannot be shared among 33 inputs"):
        run["counts"](whole, size._replace(channels=33))


def test_wider_networks_have_twice_the_weights(run) -> None:
    for name in ("small", "shd", "ssc", "gsc"):
        size = run["SIZES"][name]

        def weights(hidden, size=size):
            widths = (size.channels, *hidden, 20)
            return sum(a * b for a, b in itertools.pairwise(widths))

        ratio = weights(run["wider"](size, 20)) / weights(size.hidden)
        assert ratio == pytest.approx(2, rel=0.03)


def test_published_sizes_are_those_of_the_paper(run) -> None:
    """Hammouamri et al. 2024: 0.2 M numbers on SHD, with delays up to 250 ms in 10 ms steps."""
    size = run["SIZES"]["shd"]
    network = run["network_of"]("learned", size, 20, 0)
    numbers = sum(2 * s.topology.arrays()["weight"].size for s in network.synapses)
    assert numbers == 2 * (140 * 256 + 256 * 256 + 256 * 20)
    assert max(np.max(s.delay) for s in network.synapses) == pytest.approx(0.24)
    tau = network.populations["hid1"].tau_mem
    assert 1 - np.exp(-0.01 / tau) == pytest.approx(1 / 1.005)


def test_wrong_options_are_refused(run, file) -> None:
    import typer

    app = typer.Typer()
    app.command()(run["main"])
    for options, words in (
        (["--test-file", str(file)], "--train-file"),
        (["--size", "huge"], "huge"),
    ):
        done = CliRunner().invoke(app, options)
        assert done.exit_code != 0 and words in str(done.exception)
