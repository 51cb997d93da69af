"""A delay for each connection in every engine, against a loop over connections in plain Python.

Brian2 and NEST are looked for in the environment variables NEURO_BRIAN2 and NEURO_NEST, and in
.bench/brian2 and .bench/nest.
"""

import importlib.util
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro import Clock, Events, Input, Network, Synapse, ms, sim
from neuro.errors import Unsupported
from neuro.neurons import IF
from neuro.rules import PairSTDP
from neuro.rules.batched import Batched
from neuro.sim import plastic
from neuro.synapses import Dense, Sparse

HERE = Path(__file__).parent
SIDE = HERE / "delays_side.py"
spec = importlib.util.spec_from_file_location("delays_side", SIDE)
side = importlib.util.module_from_spec(spec)
spec.loader.exec_module(side)


def assert_spikes(record, network, x: np.ndarray, least: int = 20) -> None:
    expected = side.oracle(network, x)
    for name, spikes in expected.items():
        assert spikes.sum() >= least
        np.testing.assert_array_equal(record.array(name)[:, 0], spikes, err_msg=name)


@pytest.mark.parametrize("job", side.NETWORKS)
@pytest.mark.parametrize(
    ("engine", "threads"), [("compiled", 1), ("compiled", 2), ("reference", 1)]
)
def test_every_spike_comes_when_its_connections_say(job: str, engine: str, threads: int) -> None:
    network = side.NETWORKS[job]()
    x = side.drive(network)
    seconds = len(x) * network.clock.dt
    got = sim.run(network, seconds, inputs={"in": x}, engine=engine, threads=threads)
    assert_spikes(got, network, x)


@given(
    seed=st.integers(0, 2**32 - 1), longest=st.integers(1, 30), least=st.integers(0, 1),
    sizes=st.tuples(*[st.integers(1, 7)] * 3), threads=st.integers(1, 3), sparse=st.booleans(),
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_any_matrix_of_delays_is_obeyed(
    seed: int, longest: int, least: int, sizes: tuple[int, ...], threads: int, sparse: bool
) -> None:
    network = side.network(seed, longest=longest, least=least, sizes=sizes, sparse=sparse)
    x = side.drive(network, seed, steps=40)
    for engine in ("compiled", "reference"):
        record = sim.run(network, len(x) * ms, inputs={"in": x}, engine=engine, threads=threads)
        assert_spikes(record, network, x, least=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_in_pieces_is_the_run_in_one(dtype: str) -> None:
    network = side.network(7, longest=25)
    x = side.drive(network)
    running = sim.Simulation(network, dtype=dtype, threads=2)
    pieces = [
        running.run(len(part) * ms, inputs={"in": part}) for part in np.split(x, [10, 13, 50])
    ]
    spikes = np.concatenate([p.array("out.spikes") for p in pieces])[:, 0]
    np.testing.assert_array_equal(spikes, side.oracle(network, x)["out.spikes"])


def test_a_bias_without_any_weight_still_acts() -> None:
    edge = Synapse("in", "out", Dense(np.zeros((2, 3)), [0.25, 0.125]), np.full((2, 3), 4) * ms)
    network = Network({"in": Input(3), "out": IF(2, v_th=0.5)}, (edge,), ("out",), Clock(1 * ms))
    for engine in ("compiled", "reference"):
        got = sim.run(network, 12 * ms, inputs={"in": np.zeros((12, 3))}, engine=engine)
        assert got.array("out.spikes")[:, 0].sum(0).tolist() == [4, 2]  # every 3rd, every 5th tick


def test_delays_beyond_16_bits_are_not_cut() -> None:
    ticks = np.array([[70000, 3], [70001, 5]])
    clock = Clock(1 * ms)
    edge = Synapse("in", "out", Dense(np.ones((2, 2))), ticks * clock.dt)
    network = Network({"in": Input(2), "out": IF(2, v_th=0.5)}, (edge,), ("out",), clock)
    fed = Events.sorted([0, 0], [0, 1], shape=(2,), clock=clock, duration=70010)
    for threads in (1, 2):
        record = sim.run(network, 70.01, inputs={"in": fed}, threads=threads)
        out = record.events("out.spikes")[0]
        assert list(zip(out.t.tolist(), out.unit.tolist(), strict=True)) == [
            (3, 0), (5, 1), (70000, 0), (70001, 1),
        ]  # fmt: skip


def assert_learned(got: Mapping[str, np.ndarray], atol: float) -> None:
    """The weights at the end are those of the rule over the spikes that there were."""
    network = side.learning()
    (s,) = (s for s in network.synapses if s.rule is not None)
    ticks = network.clock.ticks(s.delay)
    pre, post = side.drive(network)[:, None], got["out.spikes"].astype(float)
    weight = s.topology.weight.astype(float)
    state = Batched(s.rule, network.clock, delay=ticks).run(weight, pre, post, None, {})
    learned = got["in->out.weight"][-1, 0].reshape(weight.T.shape).T
    assert abs(learned - weight).max() > 0.05
    np.testing.assert_allclose(learned, state.s.w[0], rtol=0, atol=atol)


@pytest.mark.parametrize("threads", [1, 2])
def test_synapses_that_learn_have_delays_of_their_own(threads: int) -> None:
    network = side.learning()
    names = ["out.spikes", "in->out.weight"]
    record = sim.run(
        network, side.STEPS * ms, inputs={"in": side.drive(network)}, record=names,
        dtype="float64", threads=threads,
    )  # fmt: skip
    assert_learned({n: record.array(n) for n in names}, 1e-7)  # weights are recorded in float32


def test_synapses_that_learn_with_too_many_delays_are_refused() -> None:
    many = (1 << 16) + 1
    pre, post = np.zeros((2, many), int)
    edge = Synapse("in", "out", Sparse(pre, post, 0.1), np.arange(many) * ms, rule=PairSTDP())
    network = Network({"in": Input(1), "out": IF(1)}, (edge,), ("out",), Clock(1 * ms))
    with pytest.raises(Unsupported, match="65537 different delays"):
        plastic.build(network, edge, None)


def outside(engine: str, jobs: list[str], folder: Path) -> dict[str, np.ndarray]:
    python = Path(os.environ.get(f"NEURO_{engine.upper()}")
                  or HERE.parents[1] / f".bench/{engine}/bin/python")  # fmt: skip
    if not python.exists():
        pytest.skip(f"{engine} is not installed; make .bench/{engine}/.done")
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}
    command = [str(python), str(SIDE), engine, str(folder / "record.npz"), *jobs]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "record.npz"))


def assert_outside(got: dict[str, np.ndarray], job: str) -> None:
    assert f"{job}/refused" not in got, got[f"{job}/refused"]
    network = side.NETWORKS[job]()
    for name, spikes in side.oracle(network, side.drive(network)).items():
        assert spikes.sum() >= 20
        np.testing.assert_array_equal(got[f"{job}/{name}"][:, 0], spikes, err_msg=f"{job} {name}")


def test_brian2_obeys_them(tmp_path: Path) -> None:
    jobs = ["matrix", "late", "single", "list"]
    got = outside("brian2", [*jobs, "learning"], tmp_path)
    for job in jobs:
        assert_outside(got, job)
    prefix = "learning/"
    assert_learned({n[len(prefix) :]: v for n, v in got.items() if n.startswith(prefix)}, 1e-14)


def test_nest_obeys_them_or_says_which_loop_is_too_brief(tmp_path: Path) -> None:
    brief = ["list", "fine", "single"]  # a loop of two synapses with one tick of delay
    got = outside("nest", ["late", "nest", *brief], tmp_path)
    for job in ("late", "nest"):
        assert_outside(got, job)
    for job in brief:
        assert "loop of n synapses" in str(got[f"{job}/refused"])
