"""Rules in the running engine: the definition again, threads, snapshots, loops."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from neuro import LI, LIF, Clock, Dense, Input, Network, Synapse, ms, sim
from neuro.errors import InvalidValue, Unsupported
from neuro.rules import (
    Batched,
    Clopath,
    HeterosynapticNormalisation,
    IntrinsicPlasticity,
    PairSTDP,
    RewardSTDP,
    Rewiring,
    Rule,
    TripletSTDP,
    TsodyksMarkram,
    VogelsISTDP,
)
from neuro.synapses import FixedProbability

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".bench" / "brian2" / "bin" / "python"
CLOCK = Clock(1 * ms)
T, N, M = 600, 90, 70  # units of both sides fall into two blocks, so that two threads share them
RANDOM = np.random.default_rng(0)
SPIKES = (RANDOM.random((T, N)) < 0.03) * 1.0
REWARD = RANDOM.normal(size=(T, 1))
WEIGHT = RANDOM.random((M, N)) * 0.1


def network(rule: Rule, *, delay: float = 3 * ms, loop=None, v_th=0.7) -> Network:
    synapses = [
        Synapse("pre", "post", Dense(WEIGHT), delay=delay, rule=rule,
                modulator="reward" if rule.Modulator._fields else "")
    ]  # fmt: skip
    if loop is not None:
        synapses.append(Synapse("post", "post", Dense(loop), delay=2 * ms, rule=rule))
    return Network(
        {"pre": Input(N), "post": LIF(M, tau_mem=10 * ms, v_th=v_th), "reward": Input(1)},
        synapses, outputs=("post",), clock=CLOCK,
    )  # fmt: skip


def fed(low: int = 0, high: int = T) -> dict[str, np.ndarray]:
    return {"pre": SPIKES[low:high], "reward": REWARD[low:high]}


def spikes_of(record) -> np.ndarray:
    events = record.events("post.spikes")[0]
    train = np.zeros((T, M))
    train[events.t, events.unit] = 1
    return train


RULES = [
    PairSTDP(a_plus=0.01, a_minus=0.01), TripletSTDP.preset("hippocampal"),
    RewardSTDP(every=2 * ms), Clopath(theta_minus=0.1, theta_plus=0.3, v_rest=0.0, v_peak=1.0,
                                      a_ltd=0.01, a_ltp=0.05),
    PairSTDP() + HeterosynapticNormalisation(total=20.0, every=50 * ms) + TsodyksMarkram(),
]  # fmt: skip


@pytest.mark.parametrize("delay", [0.0, 3 * ms])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_engine_learns_what_the_definition_learns(rule: Rule, delay: float) -> None:
    s = sim.Simulation(network(rule, delay=delay), dtype="float64", threads=1)
    record = s.run(T * 1e-3, inputs=fed(), record=["post.v"])
    post = spikes_of(record)
    assert post.sum() > 100
    v = np.asarray(record["post.v"]).reshape(T, 1, M)
    dense = Batched(rule, CLOCK, delay=round(delay / 1e-3))
    state = dense.run(WEIGHT, SPIKES[:, None], post[:, None], REWARD[:, None], {"v": v})
    got = s.weights("pre->post").reshape(N, M).T
    assert np.abs(got - WEIGHT).max() > 1e-3
    np.testing.assert_allclose(got, state.s.w[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("rule", [RULES[2], RULES[4]], ids=repr)
def test_threads_and_snapshots_change_no_bit(rule: Rule) -> None:
    rule = rule + Rewiring(every=100 * ms, weight=0.05)
    runs = []
    for threads in (1, 2):
        s = sim.Simulation(network(rule), threads=threads)
        record = s.run(T * 1e-3, inputs=fed())
        runs.append((spikes_of(record), s.weights("pre->post")))
    one = sim.Simulation(network(rule), threads=1)
    first = spikes_of(one.run(0.25, inputs=fed(0, 250)))
    snapshot = one.snapshot()
    two = sim.Simulation(network(rule), threads=2)
    two.restore(snapshot)
    second = spikes_of(two.run(0.35, inputs=fed(250, T)))
    joined = np.concatenate([first[:250], second[: T - 250]])
    runs.append((joined, two.weights("pre->post")))
    for spikes, weights in runs[1:]:
        np.testing.assert_array_equal(spikes, runs[0][0])
        np.testing.assert_array_equal(weights, runs[0][1])


def test_a_plastic_loop_gives_the_same_bits_on_two_threads() -> None:
    weight = 0.02 * np.random.default_rng(3).random((M, M))
    rule = PairSTDP(a_plus=0.002, a_minus=0.002)
    results = []
    for threads in (1, 2):
        s = sim.Simulation(network(rule, loop=weight), threads=threads)
        s.run(T * 1e-3, inputs=fed())
        results.append(s.weights("post->post"))
    np.testing.assert_array_equal(*results)
    assert np.abs(results[0].reshape(M, M).T - weight).max() > 1e-3


def test_thresholds_are_adapted_in_the_neuron() -> None:
    rule = IntrinsicPlasticity(rate=30, eta=5e-3)
    s = sim.Simulation(network(rule, v_th=np.full(M, 0.5)), dtype="float64")
    post = spikes_of(s.run(T * 1e-3, inputs=fed()))
    dense = Batched(rule, CLOCK, delay=3)
    state = dense.run(WEIGHT, SPIKES[:, None], post[:, None], adapted=0.5)
    assert np.abs(state.adapted - 0.5).max() > 0.01
    np.testing.assert_array_equal(s.weights("pre->post").reshape(N, M).T, WEIGHT.astype("f4"))
    # Another run with thresholds that stay differs, so they took effect.
    fixed = sim.Simulation(network(PairSTDP(a_plus=0, a_minus=0), v_th=np.full(M, 0.5)),
                           dtype="float64")  # fmt: skip
    assert (spikes_of(fixed.run(T * 1e-3, inputs=fed())) != post).any()


def test_short_term_plasticity_reaches_the_membrane() -> None:
    net = Network(
        {"pre": Input(1), "post": LIF(1, tau_mem=10 * ms, v_th=9.0)},
        [Synapse("pre", "post", Dense(np.ones((1, 1))), rule=TsodyksMarkram())],
        outputs=("post",), clock=CLOCK,
    )  # fmt: skip
    train = np.zeros((200, 1))
    train[[10, 60, 110]] = 1
    record = sim.run(net, 0.2, inputs={"pre": train}, record=["post.v"], dtype="float64")
    v = np.asarray(record["post.v"]).ravel()
    jumps = v[[10, 60, 110]] - v[[9, 59, 109]] * np.exp(-1 / 10)
    r1 = 1 - 0.5 * np.exp(-50 / 800)
    r2 = 1 - (1 - 0.5 * r1) * np.exp(-50 / 800)
    np.testing.assert_allclose(jumps, [0.5, 0.5 * r1, 0.5 * r2], rtol=1e-6)


def test_what_cannot_be_done_is_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match=r"weight 0\.\d+ is outside the bounds 0 to 0\.01"):
        sim.Simulation(network(PairSTDP(w_max=0.01)))
    with pytest.raises(InvalidValue, match=r"outside the bounds -1 to 0"):
        sim.Simulation(network(VogelsISTDP(sign="negative")))
    graded = Network(
        {"pre": Input(1), "mid": LI(1), "post": LIF(1)},
        [Synapse("pre", "mid", Dense(np.ones((1, 1)))),
         Synapse("mid", "post", Dense(np.ones((1, 1))), rule=PairSTDP())],
        outputs=("post",), clock=CLOCK,
    )  # fmt: skip
    with pytest.raises(Unsupported, match="acts on spikes, but 'mid' emits 'v'"):
        sim.Simulation(graded)
    silent = Network(
        {"pre": Input(1), "post": LI(1)},
        [Synapse("pre", "post", Dense(np.ones((1, 1))), rule=PairSTDP())],
        outputs=("post",), clock=CLOCK,
    )  # fmt: skip
    with pytest.raises(Unsupported, match="needs spikes of 'post'"):
        sim.Simulation(silent)


@pytest.mark.skipif(not PYTHON.exists(), reason="needs Brian2 in .bench/brian2")
def test_a_plastic_network_is_that_of_brian2_spike_for_spike() -> None:
    random = np.random.default_rng(1)
    n, m, steps = 40, 25, 1500
    fed = (random.random((steps, n)) < 0.03) * 1.0
    forward, back = 0.15 * random.random((m, n)), 0.08 * random.random((m, m))
    pair = {"a_plus": 0.006, "a_minus": 0.007, "tau_plus": 17 * ms, "tau_minus": 34 * ms}
    rule = PairSTDP(**pair, w_max=0.2)
    net = Network(
        {"pre": Input(n), "post": LIF(m, tau_mem=20 * ms, v_th=1.0)},
        [Synapse("pre", "post", Dense(forward), delay=3 * ms, rule=rule),
         Synapse("post", "post", Dense(back), delay=2 * ms, rule=rule)],
        outputs=("post",), clock=CLOCK,
    )  # fmt: skip
    s = sim.Simulation(net, dtype="float64", threads=2)
    events = s.run(steps * 1e-3, inputs={"pre": fed}).events("post.spikes")[0]
    tick, unit = np.nonzero(fed)
    # Dense weights are kept in single precision.
    job = {
        "dt": CLOCK.dt, "steps": steps, "source_size": n, "target_size": m,
        "source_tick": tick.tolist(), "source_unit": unit.tolist(),
        "forward": forward.astype("f4").tolist(), "back": back.astype("f4").tolist(),
        "constants": {**pair, "tau_mem": 20 * ms, "v_th": 1.0},
        "model": """w : 1
            dx/dt = -x / tau_plus : 1 (event-driven)
            dy/dt = -y / tau_minus : 1 (event-driven)""",
        "on_pre": "w = clip(w - a_minus * y, 0, 0.2); x += 1",
        "on_post": "w = clip(w + a_plus * x, 0, 0.2); y += 1",
    }  # fmt: skip
    done = subprocess.run(
        [str(PYTHON), str(HERE / "brian2_stdp_side.py")], input=json.dumps({"net": job}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = json.loads(done.stdout)["net"]
    ours = sorted(zip(events.t.tolist(), events.unit.tolist(), strict=True))
    assert len(ours) > 500
    assert ours == sorted(zip(theirs["tick"], theirs["unit"], strict=True))
    for name, key in (("pre->post", "forward"), ("post->post", "back")):
        np.testing.assert_allclose(s.weights(name), theirs[key], rtol=0, atol=1e-6)
    assert np.abs(s.weights("post->post") - back.T.ravel()).max() > 0.01


@pytest.mark.parametrize("threads", [1, 2])
def test_a_snapshot_can_be_run_from_again_and_again(threads: int) -> None:
    """Traces must not look at lists of spikes that other threads are still writing."""
    net = Network(
        {"n": LIF(1500, v_leak=1.2, refractory=2 * ms)},
        [
            Synapse(
                "n", "n", FixedProbability(0.05, 0.01, seed=1), 0.1 * ms,
                rule=PairSTDP(w_max=0.05, a_plus=0.1, a_minus=0.1),
            )
        ],
        ("n",), Clock(0.1 * ms),
    )  # fmt: skip
    s = sim.Simulation(net, threads=threads)
    s.set("n.v", np.random.default_rng(1).random(1500))
    s.run(50 * ms)
    state = s.snapshot()
    found = []
    for _ in range(4):
        s.restore(state)
        found.append((s.run(100 * ms).events("n.spikes")[0], s.weights("n->n")))
    for events, weights in found[1:]:
        assert events == found[0][0]
        np.testing.assert_array_equal(weights, found[0][1])
