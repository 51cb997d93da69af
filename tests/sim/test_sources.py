"""Sources: the laws they are defined by, and equal bits from any cut into parts."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from numba import njit
from scipy import stats

from neuro import Clock, Events, Network, Synapse, ms, sim
from neuro.errors import InvalidValue
from neuro.neurons import LIF
from neuro.sim import source_actor
from neuro.sim.native import call
from neuro.sources import (
    OrnsteinUhlenbeck,
    Poisson,
    Recorded,
    Source,
    SpikeGenerator,
    StepCurrent,
    WhiteNoise,
)
from neuro.synapses import OneToOne

CLOCK = Clock(0.1 * ms)
N = 200  # not a multiple of 64


@njit
def at(address: int, args: int, tick: int) -> None:
    call(address, args, tick, 0)


def compiled(source: Source, dtype: str, cuts: list[int], ticks: int, first: int = 0) -> np.ndarray:
    """What the actors of the parts between `cuts` write, [ticks, n]."""
    out = np.full(source.size, np.nan, dtype)
    parts = [
        source_actor.step(source, CLOCK, 5, dtype, low, high, out[low:high])
        for low, high in pairwise(cuts)
    ]
    rows = []
    for t in range(first, first + ticks):
        for p in parts:
            at(p.address, p.args.ctypes.data, t)
        rows.append(out.copy())
    return np.array(rows)


def kinds() -> Iterator[Source]:
    yield Poisson(N, rate=8000.0, seed=3)
    yield Poisson(N, rate=[0.0, 9000.0, 4e5], times=[0, 1 * ms, 2 * ms], seed=3)
    yield Poisson(N, rate=np.linspace(0, 5e4, N), seed=4)
    yield Poisson(N, rate=np.linspace(0, 9e3, 2 * N).reshape(2, N), times=[0, 2 * ms], seed=4)
    yield StepCurrent(N, amplitude=np.arange(2 * N).reshape(2, N) / 8, times=[0, 1 * ms])
    yield Recorded(N, np.arange(3.0 * N).reshape(3, N), step=0.2 * ms, repeat=True)
    yield WhiteNoise(N, mean=0.5, sigma=np.linspace(0, 1, N), seed=1)
    yield OrnsteinUhlenbeck(N, mean=0.5, sd=np.linspace(0, 1, N), tau=2 * ms, seed=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("source", list(kinds()), ids=lambda s: s.name)
def test_actors_write_the_emission_to_the_bit_for_any_cut(source: Source, dtype: str) -> None:
    expected = source.emission(CLOCK, 40, seed=5)[0].astype(dtype)
    for cuts in ([0, N], [0, 64, 192, N], [0, 128, N]):
        np.testing.assert_array_equal(compiled(source, dtype, cuts, 40), expected)


@pytest.mark.parametrize("source", list(kinds()), ids=lambda s: s.name)
def test_emission_in_pieces_is_that_of_the_whole(source: Source) -> None:
    whole, _ = source.emission(CLOCK, 40, seed=5)
    one, state = source.emission(CLOCK, 13, seed=5)
    two, _ = source.emission(CLOCK, 27, seed=5, first=13, state=state)
    np.testing.assert_array_equal(np.concatenate([one, two]), whole)


@pytest.mark.parametrize("late", [2**32 - 2, 2**40])
def test_actors_agree_at_late_ticks(late: int) -> None:
    source = Poisson(N, rate=8000.0)
    expected = source.emission(CLOCK, 4, seed=5, first=late)[0].astype("float32")
    np.testing.assert_array_equal(compiled(source, "float32", [0, N], 4, late), expected)
    before = source.emission(CLOCK, 4, seed=5, first=late % 2**32)[0]
    assert late < 2**32 or (before != expected).any()


@pytest.mark.parametrize("mean", [0.01, 0.8, 7.0, 60.0, 400.0])
@pytest.mark.parametrize("each", [False, True])
def test_counts_follow_the_poisson_law(mean: float, each: bool) -> None:
    rate = np.full(1000, mean / CLOCK.dt) if each else mean / CLOCK.dt
    counts, _ = Poisson(1000, rate=rate, seed=9).emission(CLOCK, 300, seed=1)
    law = stats.poisson(mean)
    low, high = int(law.ppf(1e-3)), int(law.ppf(1 - 1e-3))
    found = np.bincount(
        np.clip(counts.ravel(), low, high).astype(int) - low, minlength=high - low + 1
    )
    p = law.pmf(np.arange(low, high + 1))
    p[0], p[-1] = law.cdf(low), law.sf(high - 1)
    assert stats.chisquare(found, p * counts.size).pvalue > 1e-4
    per_unit = counts.mean(0)  # independent from tick to tick and from unit to unit
    assert per_unit.var() * 300 == pytest.approx(mean, rel=0.2)
    assert counts.mean(1).var() * 1000 == pytest.approx(mean, rel=0.35)


def test_seeds_of_source_and_run_each_change_the_draws() -> None:
    a = Poisson(N, rate=5000.0, seed=1)
    one = a.emission(CLOCK, 50, seed=0)[0]
    for other in (a.emission(CLOCK, 50, seed=1)[0],
                  Poisson(N, rate=5000.0, seed=2).emission(CLOCK, 50, seed=0)[0]):  # fmt: skip
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.04


@pytest.mark.parametrize("dt", [0.1 * ms, 0.5 * ms])
def test_white_noise_moves_a_membrane_alike_at_any_clock(dt: float) -> None:
    """dv = -v dt / tau + sigma dW has variance sigma^2 tau / 2, whatever the step."""
    sigma, tau, clock = 0.3, 10 * ms, Clock(dt)
    x, _ = WhiteNoise(4000, sigma=sigma, seed=2).emission(clock, 1)
    assert stats.kstest(x.ravel() / (sigma / np.sqrt(dt)), "norm").pvalue > 1e-3
    x, _ = WhiteNoise(2000, sigma=sigma, seed=2).emission(clock, round(60 * ms / dt))
    keep, v = np.exp(-dt / tau), np.zeros(2000)
    for row in x:
        v = keep * v + tau * (1 - keep) * row
    assert v.var() == pytest.approx(sigma**2 * tau / 2, rel=0.13)


def test_ornstein_uhlenbeck_is_stationary_from_the_start_and_forgets_with_tau() -> None:
    x, _ = OrnsteinUhlenbeck(4000, mean=2.0, sd=0.5, tau=1 * ms, seed=3).emission(CLOCK, 31)
    for row in x[[0, 3, 30]]:
        assert stats.kstest((row - 2.0) / 0.5, "norm").pvalue > 1e-3
    for lag in (1, 10, 30):
        assert np.corrcoef(x[0], x[lag])[0, 1] == pytest.approx(np.exp(-lag * 0.1), abs=0.05)


def test_a_spike_generator_repeats_its_events_and_refuses_times_off_the_grid() -> None:
    events = Events.sorted([3, 3, 7], [1, 1, 0], shape=4, clock=Clock(1 * ms))
    out, _ = SpikeGenerator.from_events(events).emission(CLOCK, 80)
    assert {(t, u): out[t, u] for t, u in np.argwhere(out)} == {(30, 1): 2.0, (70, 0): 1.0}
    with pytest.raises(InvalidValue, match="not a whole number"):
        SpikeGenerator(4, [0.00025], [0]).emission(CLOCK, 80)


def test_a_recording_is_held_and_its_end_refused() -> None:
    source = Recorded(2, [[1, 2], [3, 4]], step=1 * ms)
    np.testing.assert_array_equal(source.emission(CLOCK, 20)[0][[0, 9, 10, 19], 0], [1, 1, 3, 3])
    with pytest.raises(InvalidValue, match=r"end after 0\.002 s"):
        source.emission(CLOCK, 21)
    net = Network({"x": source, "n": LIF(2)}, [Synapse("x", "n", OneToOne(1.0))], ("n",), CLOCK)
    with pytest.raises(InvalidValue, match=r"end after 0\.002 s"):
        sim.run(net, 2.1 * ms)
    with pytest.raises(InvalidValue, match="whole multiple"):
        Recorded(2, [[1, 2]], step=0.15 * ms).emission(CLOCK, 1)


def test_noise_resumes_from_a_snapshot() -> None:
    net = Network(
        {"x": OrnsteinUhlenbeck(N, sd=0.1, tau=5 * ms), "n": LIF(N)},
        [Synapse("x", "n", OneToOne(1.0))], ("n",), CLOCK,
    )  # fmt: skip
    s = sim.Simulation(net, seed=2)
    s.run(5 * ms)
    state = s.snapshot()
    expected = s.run(5 * ms, record=["n.v"]).array("n.v")
    other = sim.Simulation(net, seed=2, threads=2)
    other.restore(state)
    np.testing.assert_array_equal(other.run(5 * ms, record=["n.v"]).array("n.v"), expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Poisson(3, rate=-1.0), "at least 0"),
        (lambda: Poisson(3, rate=np.nan), "NaN"),
        (lambda: Poisson(3, rate=[1.0, 2.0]), "broadcast"),
        (lambda: Poisson(3, rate=[1.0, 2.0], times=[0.0, 0.0]), "ascend"),
        (lambda: Poisson(3, rate=1.0, seed=-1), "seed"),
        (lambda: Poisson(3, rate=1e8).emission(CLOCK, 1), "finer Clock"),
        (lambda: Poisson((), rate=1.0), "at least one axis"),
        (lambda: SpikeGenerator(3, [0.0], [3]), "0 <= unit < 3"),
        (lambda: SpikeGenerator(3, [1.0, 0.0], [0, 0]), "ascend"),
        (lambda: StepCurrent(3, [1.0], [0.1]), "begin at 0"),
        (lambda: WhiteNoise(3, sigma=-1.0), "at least 0"),
        (lambda: OrnsteinUhlenbeck(3, tau=0.0), "tau"),
        (lambda: Recorded(3, np.zeros((4, 2))), "expected"),
    ],
)
def test_bad_values_are_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        make()
