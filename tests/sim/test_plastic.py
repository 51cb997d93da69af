"""Rules as actors: against the dense definition, against Brian2, and for any number of parts."""

from __future__ import annotations

import functools
import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import njit

from neuro import Clock, ms, ops
from neuro.errors import InvalidValue, UnknownName, Unsupported
from neuro.rules import (
    BCM,
    Batched,
    Clopath,
    Hebbian,
    HeterosynapticNormalisation,
    HomeostaticScaling,
    IntrinsicPlasticity,
    Oja,
    PairSTDP,
    RewardSTDP,
    Rewiring,
    Rule,
    TripletSTDP,
    TsodyksMarkram,
    VogelsISTDP,
)
from neuro.rules._base import parameter
from neuro.sim.logs import Log
from neuro.sim.native import call
from neuro.sim.plastic import ARRIVALS, END, IMMEDIATE, TRACES, Edges, PlasticGroup, Site

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".bench" / "brian2" / "bin" / "python"
CLOCK = Clock(1 * ms)
RANDOM = np.random.default_rng(0)
T, N, M = 400, 7, 5
PRE = RANDOM.poisson(0.08, (T, N))
POST = (RANDOM.random((T, M)) < 0.08).astype(int)
EXISTS = RANDOM.random((M, N)) < 0.7
DELAY = RANDOM.integers(0, 6, (M, N))
WEIGHT = RANDOM.random((M, N))
V = -70e-3 + 30e-3 * RANDOM.random((T, M))
ROW, COLUMN = np.nonzero(EXISTS.T)  # canonical order: by presynaptic unit
EDGES = Edges(ROW.astype(np.uint32), COLUMN.astype(np.uint32), DELAY[COLUMN, ROW].astype(np.int32))


@njit
def invoke(address, args, tick, k):
    call(address, args, tick, k)


class Loop:
    """The smallest engine: given spike trains, it calls a group's actors tick by tick."""

    def __init__(
        self, rule: Rule, edges: Edges = EDGES, pre=PRE, post=POST, *, parts: int = 1,
        dtype: Any = np.float64, modulator=None, graded: bool = True, counts: bool = False,
    ) -> None:  # fmt: skip
        self.history = int(edges.delay.max()) + 1
        sizes, width = (pre.shape[1], post.shape[1]), np.dtype(dtype).itemsize
        low = [np.minimum(np.arange(parts + 1) * -(-n // parts), n) for n in sizes]
        third = modulator is not None and bool(rule.Modulator._fields)
        logs = [
            self._log(
                pre, np.array([0, sizes[0]]) if counts else low[0], dtype if counts else None
            ),
            self._log(post, low[1], None),
        ]
        if third:
            units = modulator.shape[1]
            bounds = np.array([0, 1]) if units == 1 else low[1]
            logs.append(self._log(modulator, bounds, dtype if graded else None))
        self.logs = logs
        self.slots = np.zeros((4, sizes[1]), dtype)
        self.v, self.v_th = np.zeros(sizes[1], dtype), np.ones(sizes[1], dtype)
        sites = [
            Site(
                post=(int(low[1][i]), int(low[1][i + 1])), pre=(int(low[0][i]), int(low[0][i + 1])),
                slots=self.slots[:, low[1][i] :].ctypes.data, stride=sizes[1] * width, rows=4,
                pre_log=logs[0].table.ctypes.data, pre_lists=logs[0].parts,
                post_log=logs[1].table.ctypes.data,
                modulator_log=logs[2].table.ctypes.data if third else 0,
                modulator_lists=logs[2].parts if third else 0,
                modulator_graded=third and graded,
                reads={"v": self.v[low[1][i] :].ctypes.data},
                adapts=self.v_th[low[1][i] :].ctypes.data,
            )
            for i in range(parts)
        ]  # fmt: skip
        self.group = PlasticGroup(
            rule, CLOCK, edges, WEIGHT[edges.post, edges.pre], sizes, sites, dtype,
            modulator=modulator.shape[1] if third else 0,
        )  # fmt: skip
        self.parts = parts

    def _log(self, train: Any, bounds: Any, dtype: Any) -> Log:
        log = Log(bounds, self.history, len(train), 9, dtype)
        for q in range(len(bounds) - 1):
            tick, unit = np.nonzero(train[:, bounds[q] : bounds[q + 1]])
            value = train[tick, unit + bounds[q]]
            unit = unit + bounds[q]
            if dtype is None:  # a spike an entry
                tick, unit = np.repeat(tick, value.astype(int)), np.repeat(unit, value.astype(int))
            log.units[q] = np.append(unit, 0).astype(np.int32)
            if dtype is not None:
                log.values[q] = np.append(value, 0).astype(dtype)
            marks = np.searchsorted(tick, np.arange(len(train) + 1))
            log.marks[q][self.history : self.history + len(marks)] = marks
        log._address()
        return log

    def run(self, first: int = 0, last: int = T) -> np.ndarray:
        """The accumulators of every tick."""
        actors = [a for part in range(self.parts) for a in self.group.actors(part)]
        currents = []
        for t in range(first, last):
            self.group.rewire(t)
            self.slots[t % 4] = 0
            for stage in (ARRIVALS, TRACES, IMMEDIATE, END):
                if stage == END:
                    currents.append(self.slots[t % 4].copy())
                    self.v[:] = V[t]
                for actor in actors:
                    if actor.stage == stage:
                        invoke(actor.address, actor.args, t, t + self.history)
        return np.array(currents)


REWARD = RANDOM.normal(size=(T, 1))
RULES = [
    PairSTDP(), PairSTDP(dependence="multiplicative"),
    PairSTDP(dependence="guetig", mu_plus=0.1, pairing="nearest"),
    PairSTDP(dependence="power", mu_plus=0.4), TripletSTDP.preset("visual_cortex_nearest"),
    VogelsISTDP(), Hebbian(), Oja(), BCM(), TsodyksMarkram(),
    TsodyksMarkram.preset("facilitating"), RewardSTDP(every=2 * ms), HomeostaticScaling(tau=1),
    IntrinsicPlasticity(), Clopath(), HeterosynapticNormalisation(),
    HeterosynapticNormalisation(form="subtractive", w_min=-3),
    PairSTDP() + HeterosynapticNormalisation(total=3, w_max=9) + TsodyksMarkram()
    + RewardSTDP(every=3 * ms),
]  # fmt: skip


def defined(rule: Rule, reward=REWARD, dtype: Any = np.float64) -> tuple[np.ndarray, Any]:
    """Currents and last state by the definition."""
    dense = Batched(rule, CLOCK, delay=DELAY, exists=EXISTS.astype(dtype))
    state = dense.rest(WEIGHT.astype(dtype), 1, reward.shape[1], adapted=1.0)
    currents = []
    for t in range(T):
        current, state = dense.arrive(state, PRE[t : t + 1].astype(dtype))
        third = reward[t : t + 1].astype(dtype)
        state = dense.learn(state, POST[t : t + 1].astype(dtype), third, {"v": V[t : t + 1]})
        currents.append(current[0])
    return np.array(currents), state


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_actors_do_what_the_definition_does(rule: Rule) -> None:
    currents, state = defined(rule)
    loop = Loop(rule, modulator=REWARD)
    np.testing.assert_allclose(loop.run(), currents, rtol=1e-12, atol=1e-14)
    for name in rule.Synapse._fields:
        wanted = getattr(state.s, name)[0][COLUMN, ROW]
        np.testing.assert_allclose(loop.group.variable(name), wanted, rtol=1e-11, atol=1e-14)
    if rule.adapts:
        np.testing.assert_allclose(loop.v_th, state.adapted[0], rtol=1e-12)


def test_single_precision_is_single_precision() -> None:
    rule = PairSTDP(dependence="guetig", mu_plus=0.1)
    _, state = defined(rule, dtype=np.float32)
    loop = Loop(rule, dtype=np.float32)
    loop.run()
    assert loop.group.weights().dtype == np.float32
    np.testing.assert_allclose(loop.group.weights(), state.s.w[0][COLUMN, ROW], rtol=2e-6)
    assert state.s.w.dtype == np.float32


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_number_of_parts_changes_no_bit(rule: Rule) -> None:
    results = []
    for parts in (1, 2, 3):
        loop = Loop(rule, parts=parts, modulator=REWARD)
        results.append([loop.run(), loop.v_th, *loop.group.state().values()])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["graded, one unit", "spikes, one unit", "graded, unit by unit"])
def test_the_third_factor_may_be_values_or_spikes_shared_or_not(kind: str) -> None:
    reward = RANDOM.normal(size=(T, 1 if "one" in kind else M))
    if "spikes" in kind:
        reward = (reward > 1) * 1.0
    rule = RewardSTDP(every=2 * ms, tau_m=0.02)
    _, state = defined(rule, reward)
    for parts in (1, 2):
        loop = Loop(rule, parts=parts, modulator=reward, graded="graded" in kind)
        loop.run()
        np.testing.assert_allclose(
            loop.group.weights(), state.s.w[0][COLUMN, ROW], rtol=1e-11, atol=1e-14
        )


def test_counts_in_a_log_with_values_are_so_many_spikes() -> None:
    one, two = Loop(PairSTDP()), Loop(PairSTDP(), counts=True, parts=2)
    assert PRE.max() > 1
    np.testing.assert_array_equal(one.run(), two.run())
    np.testing.assert_array_equal(one.group.weights(), two.group.weights())


@pytest.mark.parametrize("rule", [RULES[-1], PairSTDP() + Rewiring(every=50 * ms, weight=0.3)])
def test_a_snapshot_goes_on_in_other_parts_to_the_same_bits(rule: Rule) -> None:
    whole = Loop(rule, modulator=REWARD, dtype=np.float32)
    whole.run()
    first = Loop(rule, modulator=REWARD, dtype=np.float32, parts=2)
    first.run(0, 177)
    snapshot = first.group.state()
    first.run(177, 300)  # does not reach into the snapshot
    second = Loop(rule, modulator=REWARD, dtype=np.float32, parts=3)
    second.group.restore(snapshot)
    second.run(177, T)
    for name, array in whole.group.state().items():
        np.testing.assert_array_equal(second.group.state()[name], array, err_msg=name)
    with pytest.raises(InvalidValue, match="another network"):
        second.group.restore({**snapshot, "synapse.w": np.zeros(3)})


def test_rewiring_moves_synapses_and_keeps_their_number() -> None:
    rule = PairSTDP(a_plus=0.02) + Rewiring(every=100 * ms, fraction=0.2, weight=0.25)
    loop = Loop(rule, parts=2)
    loop.run(0, 100)
    before, w = loop.group.edges(), loop.group.weights()
    loop.group.rewire(100)
    after = loop.group.edges()
    moved = (before.pre != after.pre) | (before.post != after.post)
    assert moved.sum() == int(0.2 * len(w))
    np.testing.assert_array_equal(before.delay, after.delay)
    assert w[moved].max() <= w[~moved].min()
    assert (loop.group.weights()[moved] == 0.25).all()
    pairs = set(zip(after.pre.tolist(), after.post.tolist(), strict=True))
    assert len(pairs) == len(w)
    # From here on it is a network with those synapses.
    loop.run(100, 200)
    assert loop.group.count == len(w)


def test_variables_can_be_set_and_are_named() -> None:
    loop = Loop(PairSTDP(), parts=2)
    values = RANDOM.random(len(ROW))
    loop.group.assign("w", values)
    np.testing.assert_array_equal(loop.group.weights(), values)
    np.testing.assert_array_equal(loop.group.edges().pre, EDGES.pre)
    np.testing.assert_array_equal(loop.group.edges().post, EDGES.post)
    with pytest.raises(UnknownName, match="synaptic variable"):
        loop.group.variable("c")
    with pytest.raises(UnknownName, match="synaptic variable"):
        loop.group.assign("c", 0)


# -- a rule of one's own --------------------------------------------------------------------------


class Silent(Rule):
    """A weight fades with every arrival while its unit is silent, and is restored by a spike."""

    fade: float = parameter(default=0.2, unit="1", meaning="share lost at an arrival", above=0)
    tau: float = parameter(default=30 * ms, unit="s", meaning="memory of spikes", above=0)

    class Post(NamedTuple):
        y: Any

    class Synapse(NamedTuple):
        w: Any
        lost: Any

    class Coefficients(NamedTuple):
        fade: Any
        keep: Any

    def derive(self, clock: Clock) -> Silent.Coefficients:
        return Silent.Coefficients(self.fade, float(np.exp(-clock.dt / self.tau)))

    @staticmethod
    def post_flow(y, p, u):
        return Silent.Post(p.keep * y.y)

    @staticmethod
    def post_spike(y, p):
        return Silent.Post(1.0)

    @staticmethod
    def on_pre(s, x, y, m, p):
        gone = ops.where(y.y < 0.7, p.fade * s.w, 0.0)
        return Silent.Synapse(s.w - gone, s.lost + gone)

    @staticmethod
    def on_post(s, x, y, m, p):
        return Silent.Synapse(s.w + s.lost, 0.0)


def test_a_rule_of_ones_own_runs_everywhere() -> None:
    currents, state = defined(Silent())
    loop = Loop(Silent(), parts=2)
    np.testing.assert_allclose(loop.run(), currents, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(loop.group.variable("lost"), state.s.lost[0][COLUMN, ROW])
    total = loop.group.weights() + loop.group.variable("lost")
    np.testing.assert_allclose(total, WEIGHT[COLUMN, ROW])  # nothing is lost for good
    assert loop.group.variable("lost").max() > 0


def test_a_law_that_cannot_be_compiled_is_named() -> None:
    class Branching(Silent):
        @staticmethod
        def on_pre(s, x, y, m, p):
            return s if y.y > 1 else Silent.Synapse(0.0, s.lost)

    class Foreign(Silent):
        @staticmethod
        def on_pre(s, x, y, m, p):
            return Silent.Synapse(np.sinh(s.w), s.lost)

    for rule, message in ((Branching(), "a law branches on data"), (Foreign(), "cannot be read")):
        with pytest.raises(Unsupported, match=rf"test_plastic\.py:\d+.*{message}"):
            Loop(rule)
    with pytest.raises(InvalidValue, match="expected the weight 'w' first"):

        class NoWeight(Rule):
            Synapse = Silent.Post


# -- Brian2 ---------------------------------------------------------------------------------------

TRACES_OF_PAIRS = """w : 1
    dx/dt = -x / tau_plus : 1 (event-driven)
    dy/dt = -y / tau_minus : 1 (event-driven)"""
BRIAN2 = {
    "additive": {
        "model": TRACES_OF_PAIRS, "on_pre": "w = clip(w - a_minus * y, 0, 1); x += 1",
        "on_post": "w = clip(w + a_plus * x, 0, 1); y += 1",
    },
    "multiplicative": {
        "model": TRACES_OF_PAIRS, "on_pre": "w = clip(w - a_minus * w * y, 0, 1); x += 1",
        "on_post": "w = clip(w + a_plus * (1 - w) * x, 0, 1); y += 1",
    },
    "nearest": {
        "model": TRACES_OF_PAIRS, "on_pre": "w = clip(w - a_minus * y, 0, 1); x = 1",
        "on_post": "w = clip(w + a_plus * x, 0, 1); y = 1",
    },
}  # fmt: skip
PAIR = {"a_plus": 0.03, "a_minus": 0.035, "tau_plus": 17 * ms, "tau_minus": 34 * ms}
OURS = {
    "additive": PairSTDP(**PAIR),
    "multiplicative": PairSTDP(**PAIR, dependence="multiplicative"),
    "nearest": PairSTDP(**PAIR, pairing="nearest"),
}
LONE = np.minimum(PRE, 1)  # Brian2's generator gives a unit one spike a step


@functools.cache
def theirs() -> dict[str, list[float]]:
    """All jobs in one process, which takes as long to start as to run."""
    sides = [dict(zip(("tick", "unit"), map(np.ndarray.tolist, np.nonzero(train)), strict=True))
             for train in (LONE, POST)]  # fmt: skip
    given = {
        "dt": CLOCK.dt, "steps": T, "constants": PAIR, "source_size": N, "target_size": M,
        **{f"source_{k}": v for k, v in sides[0].items()},
        **{f"target_{k}": v for k, v in sides[1].items()},
        "pre": ROW.tolist(), "post": COLUMN.tolist(), "delay": EDGES.delay.tolist(),
        "weight": WEIGHT[COLUMN, ROW].tolist(),
    }  # fmt: skip
    done = subprocess.run(
        [str(PYTHON), str(HERE / "brian2_stdp_side.py")],
        input=json.dumps({name: given | job for name, job in BRIAN2.items()}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.skipif(not PYTHON.exists(), reason="needs Brian2 in .bench/brian2")
@pytest.mark.parametrize("name", list(BRIAN2))
def test_weights_equal_those_of_brian2(name: str) -> None:
    loop = Loop(OURS[name], pre=LONE, parts=2)
    loop.run()
    got = loop.group.weights()
    assert np.abs(got - WEIGHT[COLUMN, ROW]).max() > 0.05
    np.testing.assert_allclose(got, theirs()[name], rtol=0, atol=1e-6)
