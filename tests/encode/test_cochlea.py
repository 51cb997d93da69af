"""The inner ear against closed forms of its filters, its hair cells and what tones must do."""

from itertools import pairwise

import numpy as np
import pytest

from neuro.encode import Cochlea
from neuro.encode.cochlea import MEDDIS
from neuro.errors import InvalidValue
from neuro.units import ms

signal = pytest.importorskip("scipy.signal")
kernels = pytest.importorskip("neuro.encode._cochlea_kernels")

EAR = Cochlea(channels=40)


def tone(frequency, seconds=0.3, rate=16_000):
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


def test_every_filter_has_gain_one_at_its_centre_and_one_erb_of_bandwidth():
    rate = 16_000
    ear = Cochlea(channels=12, fmin=200.0, fmax=6000.0)
    centres = ear.centres(rate)
    poles, gains = ear.poles(rate)
    grid = np.linspace(1, rate / 2 - 1, 40_000)
    impulse = np.zeros(4096)
    impulse[0] = 1.0
    heard = np.empty((12, 4096))
    kernels.basilar(impulse, poles, gains, heard)
    for pole, gain, centre, response in zip(poles, gains, centres, heard, strict=True):
        bottom = np.poly([pole] * 4)
        _, h = signal.freqz([gain / 2], bottom, worN=2 * np.pi * grid / rate)
        power = np.abs(h) ** 2
        assert abs(grid[power.argmax()] - centre) < 1
        assert power.max() == pytest.approx(1.0, rel=0.01)
        width = power.sum() * (grid[1] - grid[0]) / power.max()
        assert width == pytest.approx(24.7 * (4.37 * centre / 1000 + 1), rel=0.05)
        # the real part of the complex cascade, sample by sample
        expected = gain * impulse
        for _ in range(4):
            expected = signal.lfilter([1.0], [1.0, -pole], expected)
        assert np.abs(response - expected.real).max() < 1e-9 * np.abs(expected).max()


def test_channels_are_evenly_spaced_in_bandwidths():
    centres = Cochlea(channels=50, fmin=100.0, fmax=4000.0).centres(16_000)
    assert centres[0] == pytest.approx(100.0) and centres[-1] == pytest.approx(4000.0)
    # the number of bandwidths between two channels is the integral of 1 / ERB
    between = [np.linspace(a, b, 200) for a, b in pairwise(centres)]
    erbs = [np.trapezoid(1 / (24.7 * (0.00437 * f + 1)), f) for f in between]
    assert np.allclose(erbs, erbs[0], rtol=1e-6)


def test_hair_cells_rest_and_adapt_at_the_rates_of_their_equations():
    a, b, g, y, loss, back, _, h = MEDDIS

    def steady(k):  # all three pools at rest: Meddis 1986 with dq = dc = dw = 0
        return h * y * k / (loss * k + y * (loss + back))

    rates = np.empty((2, 40_000))
    drive = np.zeros((2, 40_000))
    drive[1, 10_000:] = 500.0
    kernels.hair_cell(drive, 1 / 20_000, np.array(MEDDIS), rates)
    rest, driven = steady(g * a / (a + b)), steady(g * 505 / (505 + b))
    assert rest == pytest.approx(64.8, abs=0.1)
    assert np.allclose(rates[0], rest)
    assert rates[1, -1] == pytest.approx(driven, rel=1e-3)
    assert rates[1, 10_000:10_200].max() > 3 * driven  # the onset
    assert rates.min() > 0


@pytest.mark.parametrize("frequency", [250.0, 700.0, 1800.0, 5000.0])
def test_a_tone_excites_the_channel_nearest_its_frequency(frequency):
    sound = tone(frequency, 1.0) * (np.arange(16_000) % 800 < 400)  # bursts: cells like onsets
    events = EAR(sound, 16_000, seed=1)
    counts = np.bincount(events.unit, minlength=40)
    nearest = np.abs(EAR.centres(16_000) - frequency).argmin()
    strong = np.flatnonzero(counts > counts.max() / 2)
    assert nearest in strong and abs(strong.mean() - nearest) < 2


def test_low_tones_are_followed_cycle_by_cycle():
    events = EAR(tone(200.0), 16_000, seed=2)
    channel = np.abs(EAR.centres(16_000) - 200).argmin()
    phase = 2 * np.pi * 200 * events.seconds[events.unit == channel]
    assert np.abs(np.exp(1j * phase).mean()) > 0.7  # vector strength
    gaps = np.diff(events.seconds[events.unit == channel])
    assert gaps.min() >= EAR.refractory


def test_silence_is_nearly_silent_and_the_level_does_not_depend_on_the_units():
    quiet = EAR(np.zeros(16_000), 16_000)
    assert len(quiet) / 40 < 3  # Hz a channel
    loud, faint = (EAR(scale * tone(1000.0), 16_000, seed=3) for scale in (1.0, 2.0**-10))
    assert loud == faint
    assert len(Cochlea(channels=40, level=40.0)(tone(1000.0), 16_000, seed=3)) < len(loud)


def test_one_seed_gives_one_result():
    x = np.random.default_rng(4).normal(size=2000)
    assert EAR(x, 8000, seed=(1, 2)) == EAR(x, 8000, seed=(1, 2))
    assert EAR(x, 8000, seed=(1, 2)) != EAR(x, 8000, seed=(1, 3))
    events = EAR(x, 8000)
    assert events.shape == (40,) and events.duration == 250_000


def test_random_numbers_are_uniform_and_differ_between_keys():
    keys = np.random.SeedSequence(1).generate_state(2, np.uint64)
    draws = np.array([[kernels.uniform(k, np.uint64(i)) for i in range(20_000)] for k in keys])
    assert draws.min() >= 0 and draws.max() < 1
    for row in draws:
        distance = np.abs(np.sort(row) - (np.arange(20_000) + 0.5) / 20_000).max()
        assert distance < 1.95 / np.sqrt(20_000)
        assert abs(np.corrcoef(row[:-1], row[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(*draws)[0, 1]) < 0.03


def test_fibre_spikes_are_poisson_numbers():
    rates = np.full((1, 50_000), 100.0)
    keys = np.array([7], np.uint64)
    fired, total = [], 0.0
    for threshold in range(6):  # without memory or pause, a spike says: more than so many arrived
        room = np.empty(50_000, np.int64)
        fired.append(kernels.bushy(rates, 1e-3, 10, 0.0, threshold, 0, keys, room, room.copy()))
    law = 1.0
    for k in range(6):  # mean 1: P(N > k) = 1 - sum of e^-1 / j!
        total += np.exp(-1) / law
        law *= k + 1
        assert abs(fired[k] / 50_000 - (1 - total)) < 5 * np.sqrt(0.25 / 50_000)


def test_the_compiled_loops_do_what_their_python_does():
    ear = Cochlea(channels=3, fmin=300.0)
    poles, gains = ear.poles(8000)
    sound = np.random.default_rng(5).normal(size=60) * 50
    motion = [np.empty((3, 60)) for _ in range(2)]
    kernels.basilar(sound, poles, gains, motion[0])
    kernels.basilar.py_func(sound, poles, gains, motion[1])
    assert np.allclose(*motion, rtol=1e-12)
    rates = [np.empty((3, 60)) for _ in range(2)]
    kernels.hair_cell(motion[0], 1 / 8000, np.array(MEDDIS), rates[0])
    kernels.hair_cell.py_func(motion[0], 1 / 8000, np.array(MEDDIS), rates[1])
    assert np.allclose(*rates, rtol=1e-12)
    keys = np.arange(3, dtype=np.uint64)
    with np.errstate(over="ignore"):
        assert kernels.uniform.py_func(keys[2], np.uint64(5)) == kernels.uniform(
            keys[2], np.uint64(5)
        )
    columns = [(np.zeros(99, int), np.zeros(99, int)) for _ in range(2)]
    counts = [
        run(rates[0] * 10, 1 / 8000, 40, 0.8, 6.0, 2, keys, *column)
        for run, column in zip((kernels.bushy, kernels.bushy.py_func), columns, strict=True)
    ]
    assert counts[0] == counts[1] > 3
    assert all(np.array_equal(a, b) for a, b in zip(*columns, strict=True))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"channels": 0}, "channels"),
        ({"fmin": 0.0}, "fmin"),
        ({"fmin": 500.0, "fmax": 400.0}, "fmax"),
        ({"level": np.nan}, "level"),
        ({"refractory": -1 * ms}, "refractory"),
    ],
)
def test_an_impossible_cochlea_is_refused(given, words):
    with pytest.raises(InvalidValue, match=words):
        Cochlea(**given)


def test_sound_that_cannot_be_heard_is_refused():
    with pytest.raises(InvalidValue, match="mean over the channels"):
        EAR(np.zeros((100, 2)), 8000)
    with pytest.raises(InvalidValue, match="finite"):
        EAR([0.0, np.nan], 8000)
    with pytest.raises(InvalidValue, match="Lower fmin or fmax"):
        Cochlea(fmax=5000.0)(np.zeros(100), 8000)
    with pytest.raises(InvalidValue, match="seed"):
        EAR(np.zeros(100), 8000, seed=-1)
