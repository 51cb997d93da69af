"""Spikes and signals go to Neo and come back; Elephant finds in them what we find."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue, MissingExtra, UnknownName, Unsupported
from neuro.events import Events
from neuro.interop import from_neo, to_neo
from neuro.interop.neo import read_neo
from neuro.metrics import (
    count_correlations,
    cv,
    cv2,
    fano_factor,
    firing_rates,
    interspike_intervals,
    lv,
    van_rossum,
    victor_purpura,
)
from neuro.record import Record, Sampling
from neuro.units import ms

neo = pytest.importorskip("neo", reason="needs neo (extra neo)")
quantities = pytest.importorskip("quantities")
CLOCK = Clock(0.1 * ms)
elephants_own_warning = pytest.mark.filterwarnings("ignore:The 'copy' argument in Quantity")


def population(seed: int = 0, units: int = 6, seconds: float = 2.0, rate: float = 30) -> Events:
    rng = np.random.default_rng(seed)
    grid = rng.random((round(seconds / CLOCK.dt), units)) < rate * CLOCK.dt
    grid[:, 2] = False  # a silent unit
    return Events.from_dense(grid, CLOCK)


def test_events_come_back_as_they_were() -> None:
    given = {"exc": [population(1), population(2)], "inh": [population(3, 4), population(4, 4)]}
    block = to_neo(given, name="balanced")
    assert block.name == "balanced" and len(block.segments) == 2
    assert [len(s.spiketrains) for s in block.segments] == [10, 10]
    for name, samples in given.items():
        assert from_neo(block, name) == samples
        assert from_neo(block.segments[1], name) == samples[1:]


@pytest.mark.parametrize("tick", [1e-3, 1e-4, 1e-6, 3e-5])
def test_no_tick_is_lost_to_seconds(tick: float) -> None:
    rng = np.random.default_rng(5)
    t, last = rng.integers(0, 10**9, 500), 10**9 + 7
    events = Events.sorted(t, rng.integers(0, 24, 500), shape=(2, 3, 4), clock=Clock(tick),
                           duration=last, value=rng.normal(size=500))  # fmt: skip
    assert from_neo(to_neo({"camera": events})) == [events]


def test_trains_say_who_fired_and_how_long_the_recording_was() -> None:
    events = Events.sorted([10, 30, 30], [4, 0, 4], shape=(2, 3), clock=CLOCK, duration=50,
                           value=[1.5, -2.0, 0.5])  # fmt: skip
    train = to_neo({"exc": events}).segments[0].spiketrains[4]
    np.testing.assert_allclose(train.rescale("ms").magnitude, [1.0, 3.0])
    assert float(train.t_start) == 0 and float(train.t_stop.rescale("ms")) == pytest.approx(5)
    assert train.annotations == {
        "population": "exc", "unit": 4, "shape": [2, 3], "tick": "1/10000",
    }  # fmt: skip
    assert train.array_annotations["unit"].tolist() == [4, 4]
    assert train.array_annotations["value"].tolist() == [1.5, 0.5]


def record() -> Record:
    rng = np.random.default_rng(6)
    signals: dict[str, Any] = {
        "exc.spikes": [population(7), population(8)],
        "in.spikes": rng.poisson(0.1, (40, 2, 3)),
        "exc.v": rng.normal(size=(40, 2, 2, 3)),
        "exc.rate": rng.random((20, 2, 1)),
    }
    return Record(signals, CLOCK, "net", {"exc.rate": Sampling(3, 10)})


def test_a_record_becomes_trains_and_signals_with_their_units_and_sampling() -> None:
    given = record()
    block = to_neo(given, units={"exc.v": "mV"})
    assert block.annotations == {"network": "net"}
    assert from_neo(block, "exc") == given["exc.spikes"]
    assert from_neo(block, "in") == given.events("in.spikes")
    v, rate = block.segments[1].analogsignals
    np.testing.assert_array_equal(v.magnitude, given["exc.v"][:, 1].reshape(40, 6))
    assert (
        v.units.dimensionality.string == "mV"
        and rate.units.dimensionality.string == "dimensionless"
    )
    assert v.array_annotations["column"].tolist() == list(range(6))
    assert v.annotations == {"population": "exc", "variable": "v", "shape": [2, 3]}
    np.testing.assert_allclose(rate.times.rescale("s").magnitude, given.seconds("exc.rate"))
    assert float(v.sampling_rate.rescale("Hz")) == pytest.approx(10_000)


def test_foreign_trains_are_numbered_and_put_on_a_clock() -> None:
    trains = [
        neo.SpikeTrain([101.0, 104.9, 110.0], units="ms", t_start=100.0, t_stop=110.0),
        neo.SpikeTrain([], units="ms", t_start=100.0, t_stop=110.0),
    ]
    (events,) = from_neo(trains, clock=Clock(1 * ms))
    assert (events.t.tolist(), events.unit.tolist()) == ([1, 5, 10], [0, 0, 0])
    assert (events.shape, events.duration) == ((2,), 11)  # a spike on t_stop
    with pytest.raises(InvalidValue, match="pass clock="):
        from_neo(trains)


def test_what_is_no_population_is_refused() -> None:
    block = to_neo({"exc": population(), "inh": population(1)})
    with pytest.raises(InvalidValue, match=r"expected one of \['exc', 'inh'\]"):
        from_neo(block)
    with pytest.raises(UnknownName, match="Did you mean 'exc'"):
        from_neo(block, "ex")
    trains = to_neo({"exc": population()}).segments[0].spiketrains
    with pytest.raises(InvalidValue, match="two trains have unit 1"):
        from_neo([*trains, trains[1]])
    longer = to_neo({"exc": population(seconds=3.0)}).segments[0].spiketrains
    with pytest.raises(InvalidValue, match="differ in start and stop"):
        from_neo([trains[0], longer[1]])
    with pytest.raises(InvalidValue, match="differ in their samples"):
        to_neo({"exc": population(), "inh": [population(), population()]})
    with pytest.raises(UnknownName, match=r"Did you mean 'exc\.v'"):
        to_neo(record(), units={"exc.u": "V"})
    with pytest.raises(InvalidValue, match="not spikes"):
        to_neo(Record({"a.spikes": np.full((3, 1, 2), 0.5)}, CLOCK))


def test_without_neo_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neo", None)
    with pytest.raises(MissingExtra, match=r"neuro\[neo\]"):
        to_neo({"exc": population()})


@elephants_own_warning
def test_elephant_agrees_on_rates_intervals_and_irregularity() -> None:
    statistics = pytest.importorskip("elephant.statistics", reason="needs elephant")
    events = population(9, seconds=20.0)
    trains = to_neo({"exc": events}).segments[0].spiketrains
    rates = [float(statistics.mean_firing_rate(t).rescale("Hz")) for t in trains]
    np.testing.assert_allclose(firing_rates(events), rates)
    seconds, unit = interspike_intervals(events)
    for i in (0, 1, 3, 4, 5):  # unit 2 is silent
        intervals = statistics.isi(trains[i]).rescale("s").magnitude
        np.testing.assert_allclose(seconds[unit == i], intervals, atol=1e-12)
        assert cv(events)[i] == pytest.approx(statistics.cv(intervals))
        assert cv2(events)[i] == pytest.approx(statistics.cv2(intervals))
        assert lv(events)[i] == pytest.approx(statistics.lv(intervals))
        revised = statistics.lvr(statistics.isi(trains[i]).rescale("ms"), R=5 * quantities.ms)
        assert lv(events, refractory=5 * ms)[i] == pytest.approx(float(revised))


@elephants_own_warning
def test_elephant_agrees_on_counts_and_distances() -> None:
    pytest.importorskip("elephant", reason="needs elephant")
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import correlation_coefficient
    from elephant.spike_train_dissimilarity import van_rossum_distance, victor_purpura_distance
    from elephant.statistics import fanofactor

    trials = [population(seed) for seed in range(20, 26)]
    blocks = to_neo({"exc": trials})
    of_unit = [[segment.spiketrains[i] for segment in blocks.segments] for i in (0, 1, 3)]
    expected = [fanofactor(trains) for trains in of_unit]
    np.testing.assert_allclose(fano_factor(trials, window=2.0)[[0, 1, 3]], expected)

    trains = list(blocks.segments[0].spiketrains)
    ours = van_rossum(trials[0], tau=20 * ms)
    np.testing.assert_allclose(  # Elephant does not halve what one spike adds
        np.sqrt(2) * ours, van_rossum_distance(trains, time_constant=0.02 * quantities.s), atol=1e-6
    )
    ours = victor_purpura(trials[0], cost=50)
    np.testing.assert_allclose(
        ours, victor_purpura_distance(trains, cost_factor=50 * quantities.Hz)
    )

    firing = [0, 1, 3, 4, 5]
    binned = BinnedSpikeTrain([trains[i] for i in firing], bin_size=0.01 * quantities.s)
    ours = count_correlations(trials[0], bin_width=10 * ms, units=firing).matrix
    np.testing.assert_allclose(ours, correlation_coefficient(binned), atol=1e-12)


def test_a_simulation_goes_to_neo_and_back() -> None:
    pytest.importorskip("numba", reason="needs numba (extra sim)")
    from neuro import Network, Synapse, sim
    from neuro.neurons import LIF
    from neuro.sources import Poisson
    from neuro.synapses import FixedProbability

    network = Network(
        {"in": Poisson(40, rate=100.0, seed=1), "exc": LIF(30)},
        [Synapse("in", "exc", FixedProbability(0.3, weight=0.2, seed=2))],
        outputs=("exc",), clock=Clock(1 * ms),
    )  # fmt: skip
    probe = sim.Probe("exc.v", units=[0, 3], every=2 * ms)
    done = sim.run(network, 0.2, record=["in.spikes", probe])
    block = to_neo(done)
    for name in ("in", "exc"):
        events = done.events(f"{name}.spikes")
        assert len(events[0]) > 20 and from_neo(block, name) == events
    (v,) = block.segments[0].analogsignals
    np.testing.assert_allclose(v.times.rescale("s").magnitude, done.seconds("exc.v"))
    np.testing.assert_array_equal(v.magnitude, done.array("exc.v")[:, 0].astype(float))


# -- files that Neo reads -------------------------------------------------------------------------


def test_files_that_neo_reads_become_events(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"  # Neo's ASCII spike trains: a line for each unit, in seconds
    path.write_text("0.5\t1.25\t1.25\n0.000001\t0.5\n3.0\n")
    found = read_neo(path, reader="AsciiSpikeTrainIO")
    assert list(found) == ["spikes"]
    events = found["spikes"]
    assert (events.shape, events.clock) == ((3,), Clock(1e-6))
    for unit, train in enumerate([[0.5, 1.25, 1.25], [1e-6, 0.5], [3.0]]):
        assert events.t[events.unit == unit].tolist() == [round(t * 1e6) for t in train]
    coarse = read_neo(path, clock=Clock(1 * ms), reader="AsciiSpikeTrainIO")["spikes"]
    assert coarse.t.tolist() == [0, 500, 500, 1250, 1250, 3000]
    with pytest.raises(UnknownName, match="Did you mean 'AsciiSpikeTrainIO'"):
        read_neo(path, reader="AsciSpikeTrain")
    with pytest.raises(Unsupported, match="runs whatever code"):
        read_neo(path, reader="PickleIO")


def test_populations_and_segments_keep_their_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {"exc": [population(1), population(2)], "inh": [population(3, 4), population(4, 4)]}
    blocks = [to_neo(given), to_neo({"exc": population(5)})]
    (tmp_path / "a.xyz").touch()
    stand_in(monkeypatch, blocks)
    found = read_neo(tmp_path / "a.xyz")
    assert list(found) == ["exc[0]", "inh[0]", "exc[1]", "inh[1]", "exc[2]"]
    assert found["inh[1]"] == given["inh"][1] and found["exc[2]"] == population(5)


def test_trains_of_different_length_share_one_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trains = [
        neo.SpikeTrain([2.0, 2.5] * quantities.s, t_start=1.5, t_stop=3.0),
        neo.SpikeTrain([1000.0] * quantities.ms, t_start=1000.0, t_stop=4000.0),
    ]
    segment = neo.Segment()
    segment.spiketrains.extend(trains)
    block = neo.Block()
    block.segments.append(segment)
    (tmp_path / "a.xyz").touch()
    stand_in(monkeypatch, [block])
    events = read_neo(tmp_path / "a.xyz", clock=Clock(1 * ms))["spikes"]
    assert events.t.tolist() == [0, 1000, 1500] and events.unit.tolist() == [1, 0, 0]
    assert events.duration == 3000


def stand_in(monkeypatch: pytest.MonkeyPatch, blocks: list[Any]) -> None:
    """A recording system whose files hold these Blocks."""

    class Reader:
        def read(self) -> list[Any]:
            if not blocks:
                raise IndexError("its header is cut")
            return blocks

    import neo.io

    monkeypatch.setattr(neo.io, "get_io", lambda _: Reader())


def test_what_neo_cannot_read_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file"):
        read_neo(tmp_path / "none.nwb")
    (tmp_path / "a.pkl").write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    with pytest.raises(Unsupported, match="runs whatever code"):
        read_neo(tmp_path / "a.pkl")
    (tmp_path / "a.unheard").write_bytes(b"x")
    with pytest.raises(Unsupported, match="Neo has no reader"):
        read_neo(tmp_path / "a.unheard")
    (tmp_path / "a.txt").write_text("<html>")
    with pytest.raises(CorruptFile, match=r"failed|no spike trains"):
        read_neo(tmp_path / "a.txt")
    stand_in(monkeypatch, [])
    with pytest.raises(CorruptFile, match="Reader failed: its header is cut"):
        read_neo(tmp_path / "a.txt")
    stand_in(monkeypatch, [neo.Block()])
    with pytest.raises(CorruptFile, match="found no spike trains"):
        read_neo(tmp_path / "a.txt")
