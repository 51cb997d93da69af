"""The compiled engine against the definition, on any number of threads, stopped and resumed."""

import hashlib
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from neuro import Clock, Events, Input, Network, Synapse, ms, sim
from neuro.errors import CorruptFile, Interrupted, InvalidValue, UnknownName
from neuro.neurons import ALIF, LI, LIF, AdEx, CubaLIF, Izhikevich, SigmaDelta
from neuro.synapses import Conv2d, Dense
from neuro.train import Module

rng = np.random.default_rng(7)
STEPS = 300


def dyadic(post: int, pre: int, size: float, share: float = 0.2) -> Dense:
    """Weights whose sums are exact in any order."""
    chosen = rng.random((post, pre)) < share
    return Dense((chosen * size * rng.integers(1, 5, (post, pre))).astype(np.float32))


def balanced(excitatory: object = None, inhibitory: object = None) -> Network:
    """A loop with delays of several kinds, and an edge without one."""
    e = excitatory or LIF(200, refractory=3 * ms)
    i = inhibitory or CubaLIF(70)
    delays = np.round(rng.uniform(1, 9, 70)) * ms
    return Network(
        {"in": Input(50), "e": e, "i": i, "out": LI(5)},
        [
            Synapse("in", "e", dyadic(200, 50, 1 / 8)),
            Synapse("e", "e", dyadic(200, 200, 1 / 64), delay=2 * ms),
            Synapse("e", "i", dyadic(70, 200, 1 / 64)),
            Synapse("i", "e", dyadic(200, 70, -1 / 16), delay=delays),
            Synapse("e", "out", dyadic(5, 200, 1 / 32), delay=1 * ms),
        ],
        ("e", "i"), Clock(1 * ms),
    )  # fmt: skip


def drive(steps: int = STEPS, units: int = 50) -> np.ndarray:
    return (np.random.default_rng(1).random((steps, units)) < 0.06).astype(np.float32)


def definition(net: Network, x: np.ndarray, record: list[str], dtype: torch.dtype) -> object:
    with torch.no_grad():
        module = Module(net, backend="reference").to(dtype)
        return module(torch.tensor(x[:, None], dtype=dtype), record=record)[0]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_spikes_and_states_are_those_of_the_laws(threads: int, dtype: str) -> None:
    net, x = balanced(), drive()
    expected = definition(net, x, ["e.v", "i.i", "out.v"], getattr(torch, dtype))
    got = sim.run(net, 0.3, inputs=x, record=["e.v", "i.i", "out.v"], threads=threads, dtype=dtype)
    for name in ("e.spikes", "i.spikes"):
        assert len(got.events(name)[0]) > 300
        assert got.events(name)[0] == expected.events(name)[0]
    for name in ("e.v", "i.i", "out.v"):
        np.testing.assert_array_equal(got.array(name), expected.array(name))


@pytest.mark.parametrize(
    "neuron",
    [
        ALIF(200), Izhikevich(200), AdEx(200), SigmaDelta(200),
        LIF(200, reset="subtract", tau_mem=np.linspace(5, 40, 200) * ms),
        LIF((4, 50), v_th=np.linspace(0.5, 2, 50)),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::neuro.errors.CoarseStep")
def test_every_kind_of_population_runs_as_defined(neuron: object) -> None:
    post = None if neuron.units == (200,) else neuron.units
    into = Dense(dyadic(200, 50, 4.0).weight, post=post)
    net = Network(
        {"in": Input(50), "n": neuron, "next": LIF(30)},
        [Synapse("in", "n", into), Synapse("n", "next", dyadic(30, 200, 1 / 256), delay=1 * ms)],
        ("n", "next"), Clock(1 * ms),
    )  # fmt: skip
    x = drive()
    names = [f"n.{neuron.State._fields[0]}", "next.v"]
    expected = definition(net, x, names, torch.float32)
    got = sim.run(net, 0.3, inputs=x, record=names, threads=2)
    for name in got:
        np.testing.assert_array_equal(got.array(name), expected.array(name), err_msg=name)


def test_convolutions_and_biases_run_as_defined() -> None:
    weight = rng.integers(-4, 5, (3, 2, 3, 3)).astype(np.float32) / 8
    net = Network(
        {"in": Input((2, 8, 8)), "c": LIF((3, 8, 8))},
        [Synapse("in", "c", Conv2d(weight, bias=np.array([1, 0, 2]) / 64, padding=1))],
        ("c",), Clock(1 * ms),
    )  # fmt: skip
    x = (rng.random((60, 2, 8, 8)) < 0.1).astype(np.float32)
    expected = definition(net, x, ["c.v"], torch.float32)
    got = sim.run(net, 0.06, inputs=x, record=["c.v"])
    np.testing.assert_array_equal(got.array("c.v"), expected.array("c.v"))
    assert got.events("c.spikes")[0] == expected.events("c.spikes")[0]


def test_delays_as_many_as_synapses_are_delivered_on_time() -> None:
    """Each unit's delay is its own; the engine then uses a ring of accumulators."""
    count = 400
    delays = (1 + np.arange(count)) * ms
    net = Network(
        {"in": Input(count), "n": LIF(1, tau_mem=1e6, v_th=1e9)},
        [Synapse("in", "n", Dense(np.ones((1, count))), delay=delays)], ("n",), Clock(1 * ms),
    )  # fmt: skip
    x = np.zeros((count + 10, count), np.float32)
    x[3] = 1.0
    v = sim.run(net, (count + 10) * ms, inputs=x, record=["n.v"]).array("n.v")[:, 0, 0]
    expected = np.clip(np.arange(count + 10) - 3, 0, count)
    np.testing.assert_allclose(v, expected, rtol=1e-5)


def test_one_seed_one_result_interrupted_and_resumed_on_other_threads(tmp_path: Path) -> None:
    def fingerprint(*records: object) -> str:
        digest = hashlib.sha256()
        at = 0
        for record in records:
            for name in ("e.spikes", "i.spikes"):
                events = record.events(name)[0]
                digest.update((events.t + at).tobytes() + events.unit.tobytes())
            at += record.events("e.spikes")[0].duration
        return digest.hexdigest()

    net, x = balanced(), drive()
    one = sim.Simulation(net, threads=1)
    first, then = one.run(0.123, inputs=x[:123]), None
    one.snapshot().save(tmp_path / "at123.npz")
    state = sim.Snapshot.load(tmp_path / "at123.npz")
    then = one.run(0.177, inputs=x[123:])
    other = sim.Simulation(net, threads=2)
    other.restore(state)
    resumed = other.run(0.177, inputs=x[123:])
    whole = sim.run(net, 0.3, inputs=x, threads=2)
    pieces = [whole.events(n)[0] for n in ("e.spikes", "i.spikes")]
    assert then.events("e.spikes")[0] == resumed.events("e.spikes")[0]
    assert pieces[0].slice(123, 300) == resumed.events("e.spikes")[0]
    assert pieces[1].slice(123, 300) == resumed.events("i.spikes")[0]
    print("hash, 1 thread, stopped and resumed on 2:", fingerprint(first, resumed))
    assert fingerprint(first, then) == fingerprint(first, resumed)


def test_a_damaged_snapshot_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    sim.Simulation(balanced()).snapshot().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptFile, match="snapshot"):
        sim.Snapshot.load(path)


def test_a_snapshot_of_another_network_is_refused() -> None:
    state = sim.Simulation(balanced()).snapshot()
    other = sim.Simulation(balanced(excitatory=LIF(200)))
    with pytest.raises(InvalidValue, match="of another network"):
        other.restore(state)


def test_parameters_and_states_change_between_runs() -> None:
    net = Network({"cells": LIF(3, v_leak=0.5)}, [], ("cells",), Clock(1 * ms))
    s = sim.Simulation(net)
    assert len(s.run(0.1).events("cells.spikes")[0]) == 0
    s.set("cells.v_th", np.array([0.4, 0.6, 0.4]))
    units = set(s.run(0.1).events("cells.spikes")[0].unit.tolist())
    assert units == {0, 2}
    s.set("cells.v", 0.0)
    assert (s.get("cells.v") == 0).all()
    with pytest.raises(UnknownName, match="Did you mean 'v_th'"):
        s.set("cells.v_thr", 1.0)
    with pytest.raises(InvalidValue, match="NaN"):
        s.set("cells.v_th", np.nan)
    with pytest.raises(UnknownName, match="Did you mean 'cells'"):
        s.set("cell.v_th", 1.0)


def test_signals_are_sampled_where_and_when_asked() -> None:
    net, x = balanced(), drive()
    whole = sim.run(net, 0.3, inputs=x, record=["e.v"]).array("e.v")
    s = sim.Simulation(net, threads=2)
    probe = sim.Probe("e.v", units=[150, 3, 40], every=7 * ms)
    a = s.run(0.1, inputs=x[:100], record=[probe])
    b = s.run(0.2, inputs=x[100:], record=[probe])
    both = np.concatenate([a.array("e.v"), b.array("e.v")])
    np.testing.assert_array_equal(both, whole[::7][:, :, [150, 3, 40]])
    np.testing.assert_allclose(a.seconds("e.v"), np.arange(0, 0.1, 0.007))
    np.testing.assert_allclose(b.seconds("e.v")[0], 0.005)


def test_population_rates_are_counts_over_time_and_units() -> None:
    net, x = balanced(), drive()
    r = sim.run(net, 0.3, inputs=x, record=["e.rate", sim.Probe("i.rate", every=25 * ms)])
    events = r.events("i.spikes")[0]
    expected = np.bincount(events.t // 25, minlength=12) / (70 * 0.025)
    np.testing.assert_allclose(r.array("i.rate")[:, 0, 0], expected)
    assert r.array("e.rate").mean() == pytest.approx(len(r.events("e.spikes")[0]) / 200 / 0.3)


def test_records_on_disk_are_those_in_memory(tmp_path: Path) -> None:
    net, x = balanced(), drive()
    kept = ["e.v", sim.Probe("i.v", every=5 * ms), "e.rate"]
    in_memory = sim.run(net, 0.3, inputs=x, record=kept)
    path = tmp_path / "run.h5"
    streamed = sim.run(net, 0.3, inputs=x, record=kept, stream=path)
    reread = sim.read_record(path)
    for record in (streamed, reread):
        assert record.events("e.spikes")[0] == in_memory.events("e.spikes")[0]
        for name in ("e.v", "i.v", "e.rate"):
            np.testing.assert_array_equal(record.array(name), in_memory.array(name))
            np.testing.assert_array_equal(record.seconds(name), in_memory.seconds(name))
    with pytest.raises(InvalidValue, match="exists already"):
        sim.run(net, 0.1, stream=path)


def test_a_full_disk_keeps_what_was_written(tmp_path: Path, monkeypatch: object) -> None:
    from neuro.sim import stream

    net, x = balanced(), drive(2000)
    written = {"chunks": 0}
    original = stream.File.append

    def fails(self: object, name: str, rows: np.ndarray) -> None:
        written["chunks"] += name == "e.spikes/t"
        if written["chunks"] > 4:

            def full(*_: object, **__: object) -> None:
                raise OSError(28, "No space left on device")

            monkeypatch.setattr(self._file, "flush", full)
        original(self, name, rows)

    monkeypatch.setattr(stream.File, "append", fails)
    path = tmp_path / "run.h5"
    s = sim.Simulation(net)
    with pytest.raises(InvalidValue, match=r"No space left on device.*read_record"):
        s.run(2.0, inputs=x, stream=path)
    partial = sim.read_record(path).events("e.spikes")[0]
    monkeypatch.undo()
    whole = sim.run(net, 2.0, inputs=x).events("e.spikes")[0]
    assert 0 < partial.duration < 2000
    assert partial == whole.slice(0, partial.duration)


def test_ctrl_c_keeps_the_record_and_the_simulation_can_go_on() -> None:
    net = Network({"n": LIF(20_000, v_leak=1.5)}, [], ("n",), Clock(0.1 * ms))
    s = sim.Simulation(net)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.warns(Interrupted, match="can go on"):
        record = s.run(600.0)
    assert 0 < s.now < 600
    assert record.events("n.spikes")[0].duration == round(s.now / (0.1 * ms))
    before = s.tick
    s.run(0.01)
    assert s.tick == before + 100


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"record": ["ee.v"]}, UnknownName, "Did you mean 'e.v'"),
        ({"record": ["e.w"]}, UnknownName, "e.v"),
        ({"record": [sim.Probe("e.v", units=[200])]}, InvalidValue, "below 200"),
        ({"record": [sim.Probe("e.v", every=1.5 * ms)]}, InvalidValue, "whole number"),
        ({"duration": 0.0105}, InvalidValue, "whole number"),
        ({"duration": -0.01}, InvalidValue, "duration"),
        ({"inputs": {"inn": drive(10)}}, UnknownName, "Did you mean 'in'"),
        ({"inputs": drive(11)}, InvalidValue, r"\[10, 50\]"),
        ({"inputs": np.full((10, 50), np.nan)}, InvalidValue, "NaN"),
        ({"inputs": Events.sorted([12], [1], shape=50, clock=Clock(1 * ms))}, InvalidValue,
         "1 events come after"),
        ({"inputs": Events.sorted([1], [1], shape=50, clock=Clock(2 * ms))}, InvalidValue,
         "Clock"),
        ({"inputs": Events.sorted([1], [1], shape=51, clock=Clock(1 * ms))}, InvalidValue,
         "shape"),
    ],
)  # fmt: skip
def test_bad_calls_are_named(call: dict, error: type, message: str) -> None:
    s = sim.Simulation(balanced())
    with pytest.raises(error, match=message):
        s.run(**{"duration": 0.01, **call})
    assert s.tick == 0


def test_bad_settings_are_named() -> None:
    with pytest.raises(InvalidValue, match="float16"):
        sim.Simulation(balanced(), dtype="float16")
    with pytest.raises(InvalidValue, match="threads"):
        sim.Simulation(balanced(), threads=-1)
    with pytest.raises(InvalidValue, match="engine"):
        sim.run(balanced(), 0.01, engine="neuron")


def test_importing_the_engine_does_not_load_pytorch() -> None:
    import subprocess
    import sys

    code = "import sys, neuro.sim; assert 'torch' not in sys.modules; print(neuro.sim.run)"
    subprocess.run([sys.executable, "-c", code], check=True)
