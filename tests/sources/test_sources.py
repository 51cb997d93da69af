"""Sources against the laws they state, and their bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuro import Clock, Events, Network, Synapse, ms, sim
from neuro.errors import InvalidValue
from neuro.neurons import LI, LIF
from neuro.sources import (
    OrnsteinUhlenbeck,
    Poisson,
    Recorded,
    SpikeGenerator,
    StepCurrent,
    WhiteNoise,
)
from neuro.synapses import OneToOne

CLOCK = Clock(0.1 * ms)


@pytest.mark.parametrize("rate", [5.0, 800.0, 16_000.0, 400_000.0])
def test_counts_are_poisson(rate: float) -> None:
    counts, _ = Poisson(500, rate=rate, seed=3).emission(CLOCK, 400)
    mean = rate * CLOCK.dt
    law = stats.poisson(mean)
    total = stats.poisson(mean * counts.size)
    assert min(total.cdf(counts.sum()), total.sf(counts.sum() - 1)) > 1e-4
    low, high = law.ppf([1e-4, 1 - 1e-4])
    for k in np.arange(low, high + 1):
        assert (counts == k).mean() == pytest.approx(law.pmf(k), abs=4.5 * np.sqrt(
            law.pmf(k) / counts.size) + 1e-5)  # fmt: skip


def test_units_and_ticks_are_independent() -> None:
    counts, _ = Poisson(300, rate=3000.0, seed=1).emission(CLOCK, 300)
    flat = counts - counts.mean()
    for a, b in ((flat[1:], flat[:-1]), (flat[:, 1:], flat[:, :-1]), (flat[:, 16:], flat[:, :-16])):
        assert abs((a * b).mean() / flat.var()) < 0.015


@settings(max_examples=15, deadline=None)
@given(first=st.integers(0, 50), ticks=st.integers(0, 30))
def test_any_stretch_is_a_part_of_the_whole(first: int, ticks: int) -> None:
    source = Poisson(70, rate=np.linspace(0, 9000, 70), seed=5)
    whole, _ = source.emission(CLOCK, 80, seed=9)
    part, _ = source.emission(CLOCK, ticks, seed=9, first=first)
    np.testing.assert_array_equal(part, whole[first : first + ticks])


def test_seeds_of_source_and_run_both_count() -> None:
    draws = {
        (a, b): Poisson(100, rate=5000.0, seed=a).emission(CLOCK, 20, seed=b)[0].tobytes()
        for a in (0, 1) for b in (0, 1)
    }  # fmt: skip
    assert len(set(draws.values())) == 4


def test_rates_change_when_they_should() -> None:
    source = Poisson(400, rate=[1000.0, 0.0, 9000.0], times=[0, 2 * ms, 3 * ms], seed=1)
    counts, _ = source.emission(CLOCK, 50)
    assert counts[20:30].sum() == 0
    assert counts[:20].mean() == pytest.approx(0.1, abs=0.02)
    assert counts[30:].mean() == pytest.approx(0.9, abs=0.05)


def test_white_noise_does_to_a_membrane_what_theory_says_on_any_clock() -> None:
    tau, sigma = 10 * ms, 0.3
    for dt in (0.1 * ms, 0.5 * ms):
        net = Network(
            {"noise": WhiteNoise(400, sigma=sigma, seed=2), "n": LI(400, tau_mem=tau)},
            [Synapse("noise", "n", OneToOne(dt))], (), Clock(dt),
        )  # fmt: skip
        s = sim.Simulation(net)
        s.run(0.1)
        v = s.run(0.4, record=["n.v"]).array("n.v")
        # an input x dt each tick: variance sigma^2 dt / (1 - exp(-2 dt / tau))
        expected = sigma**2 * dt / (1 - np.exp(-2 * dt / tau))
        assert v.var() == pytest.approx(expected, rel=0.08)


def test_ornstein_uhlenbeck_has_its_mean_spread_and_memory() -> None:
    source = OrnsteinUhlenbeck(2000, mean=1.5, sd=0.4, tau=2 * ms, seed=4)
    x, state = source.emission(CLOCK, 100)
    assert x[0].std() == pytest.approx(0.4, rel=0.06)  # stationary from the start
    assert x.mean() == pytest.approx(1.5, abs=0.03)
    for lag in (5, 20, 40):
        both = ((x[lag:] - 1.5) * (x[:-lag] - 1.5)).mean() / 0.16
        assert both == pytest.approx(np.exp(-lag * CLOCK.dt / (2 * ms)), abs=0.06)
    rest, _ = source.emission(CLOCK, 50, first=100, state=state)
    whole, _ = source.emission(CLOCK, 150)
    np.testing.assert_array_equal(np.concatenate([x, rest]), whole)


def test_steps_and_recordings_hold_their_values() -> None:
    step = StepCurrent(2, amplitude=[[0.0, 1.0], [2.0, 3.0]], times=[0, 1 * ms])
    np.testing.assert_array_equal(step.emission(CLOCK, 12)[0][[0, 9, 10]], [[0, 1], [0, 1], [2, 3]])
    samples = np.arange(6.0).reshape(3, 2)
    held = Recorded(2, samples=samples, step=0.5 * ms, repeat=True).emission(CLOCK, 20)[0]
    np.testing.assert_array_equal(held, samples[np.arange(20) // 5 % 3])


def test_a_generator_repeats_its_recording_in_every_engine() -> None:
    rng = np.random.default_rng(0)
    events = Events.sorted(
        rng.integers(0, 200, 90), rng.integers(0, 12, 90), shape=12, clock=CLOCK, duration=200
    )
    net = Network(
        {"g": SpikeGenerator.from_events(events), "n": LIF(12, v_th=0.5)},
        [Synapse("g", "n", OneToOne(1.0), 0.3 * ms)], ("n",), CLOCK,
    )  # fmt: skip
    for engine in ("compiled", "reference"):
        record = sim.run(net, 20 * ms, record=["g.spikes"], engine=engine)
        assert record.events("g.spikes")[0] == events
    s = sim.Simulation(net)
    pieces = [s.run(t, record=["g.spikes"]).events("g.spikes")[0] for t in (7 * ms, 13 * ms)]
    assert [len(p) for p in pieces] == [(events.t < 70).sum(), (events.t >= 70).sum()]


def test_networks_with_sources_are_plain_data() -> None:
    sources = {
        "a": Poisson((2, 3), rate=[1.0, 2.0], times=[0, 1], seed=2),
        "b": WhiteNoise(6, sigma=0.2, seed=1),
        "c": OrnsteinUhlenbeck(6, mean=np.arange(6)), "d": StepCurrent(6, [1.0], [0.0]),
        "e": SpikeGenerator(6, [0.1], [2]),
        "f": Recorded(6, np.ones((4, 6)), 1 * ms, True),
    }  # fmt: skip
    net = Network(
        {**sources, "n": LIF((2, 3))}, [Synapse(k, "n", OneToOne()) for k in sources], ("n",), CLOCK
    )
    assert Network.from_plain(*net.plain()) == net
    other = net.replace(populations={**net.populations, "a": Poisson((2, 3), rate=3.0, seed=2)})
    assert other != net


def test_two_sources_that_would_draw_the_same_are_refused() -> None:
    with pytest.raises(InvalidValue, match=r"'b'.*seed: 0 is the seed of 'a' too"):
        Network({"a": Poisson(3), "b": WhiteNoise(4), "n": LIF(3)}, (), ("n",), CLOCK)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Poisson(3, rate=-1.0), r"Poisson\.rate"),
        (lambda: Poisson(3, rate=[1.0, 2.0]), r"\(2,\) does not broadcast"),
        (lambda: Poisson(3, rate=np.nan), "NaN"),
        (lambda: Poisson(3, seed=-1), "seed"),
        (lambda: Poisson(3, rate=1e8).emission(CLOCK, 1), "finer Clock"),
        (lambda: Poisson(3, rate=[1, 2], times=[0.1, 0.2]), "begin at 0"),
        (lambda: StepCurrent(3, [1.0, 2.0], [0.0, 0.0]), "ascend"),
        (lambda: WhiteNoise(3, sigma=-1), r"WhiteNoise\.sigma"),
        (lambda: OrnsteinUhlenbeck(3, tau=0), r"OrnsteinUhlenbeck\.tau"),
        (lambda: Recorded(3, np.ones((4, 2))), r"Recorded\.samples"),
        (lambda: Recorded(3, np.ones((4, 3)), 1 * ms).emission(CLOCK, 41), "repeat=True"),
        (lambda: SpikeGenerator(3, [0.1], [3]), "unit"),
        (lambda: SpikeGenerator(3, [0.2, 0.1], [0, 0]), "ascend"),
        (lambda: SpikeGenerator(3, [0.1, 0.2], [0]), "one length"),
        (lambda: SpikeGenerator(3, [0.00015], [0]).emission(CLOCK, 9), "whole number"),
    ],
)
def test_bad_sources_are_named(make: object, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        make()


def test_a_run_past_the_end_of_a_recording_is_refused_before_it_starts() -> None:
    net = Network(
        {"f": Recorded(3, np.ones((4, 3)), 1 * ms), "n": LIF(3)},
        [Synapse("f", "n", OneToOne())], ("n",), CLOCK,
    )  # fmt: skip
    s = sim.Simulation(net)
    s.run(4 * ms)
    with pytest.raises(InvalidValue, match="repeat=True"):
        s.run(0.1 * ms)
    assert s.tick == 40
