"""A network on another clock: what moves, what is counted, and what is refused."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.distributions import Uniform
from neuro.errors import InvalidValue
from neuro.grid import GridReport, on_grid
from neuro.network import Input, Network, Synapse
from neuro.neurons import IF, LIF
from neuro.rules import PairSTDP, Rewiring
from neuro.sources import SpikeGenerator
from neuro.synapses import Dense, FixedProbability, OneToOne, Sparse
from neuro.units import ms, us

CLOCK = Clock(1 * ms)


def matrix(ticks: object, name: str = "") -> Synapse:
    values = np.asarray(ticks, float)
    return Synapse("in", "a", Dense(np.ones(values.shape)), values * ms, name=name)


def network(*edges: Synapse, **more: object) -> Network:
    cells = {"in": Input(3), "a": LIF(2), "b": LIF(2), "c": LIF(2)} | more
    return Network(cells, edges, ("a",), CLOCK)  # type: ignore[arg-type]


def test_delays_move_to_the_nearest_tick_and_all_else_stays() -> None:
    net = network(
        matrix([[0, 1, 2], [3, 4, 7]]),
        Synapse("a", "b", Dense(np.ones((2, 2))), np.array([4, 9]) * ms),
        Synapse("b", "c", Dense(np.ones((2, 2))), 5 * ms, rule=PairSTDP()),
        Synapse("in", "c", Dense(np.ones((2, 3)))),
    )
    moved, report = on_grid(net, Clock(2 * ms))
    assert moved.clock == Clock(2 * ms)
    delays = [np.asarray(s.delay) * 1e3 for s in moved.synapses]
    np.testing.assert_allclose(delays[0], [[0, 0, 2], [4, 4, 8]])  # halves go to the even tick
    np.testing.assert_allclose(delays[1], [4, 8])
    assert delays[2] == pytest.approx(4) and delays[3] == 0
    assert dict(moved.populations) == dict(net.populations)
    for s, t in zip(net.synapses, moved.synapses, strict=True):
        assert (s.name, s.pre, s.post, s.topology, s.rule) == (
            t.name, t.pre, t.post, t.topology, t.rule,
        )  # fmt: skip
    assert [s.name for s in report.synapses] == ["in->a", "a->b", "b->c"]  # others have no delay
    row = report["in->a"]
    assert (row.count, row.moved, row.at_zero, row.at_longest, row.longest) == (6, 3, 2, 1, 4)
    assert (row.distinct_before, row.distinct_after) == (6, 4)
    assert (row.mean_move, row.largest_move) == pytest.approx((0.5 * ms, 1 * ms))
    assert "in->a: 3 of 6 delays moved, by 0.5 ms on average and 1 ms at most; 2 at 0" in str(
        report
    )
    assert "6 different delays became 4" in str(report)


def test_a_finer_clock_moves_nothing() -> None:
    net = network(matrix([[0, 1, 2], [3, 4, 7]]))
    moved, report = on_grid(net, Clock(100 * us))
    assert (report["in->a"].moved, report["in->a"].longest) == (0, 70)
    assert net.diff(moved) != [] and net.diff(moved.replace(clock=CLOCK)) == []


def test_the_same_clock_gives_the_same_network() -> None:
    net = network(
        matrix(np.arange(6).reshape(2, 3) * 3), Synapse("a", "b", Dense(np.eye(2)), 0.007)
    )
    assert on_grid(net, Clock(1 * ms))[0].fingerprint == net.fingerprint


@given(
    ticks=st.lists(st.integers(0, 200), min_size=6, max_size=6),
    old=st.sampled_from([Fraction(1, 1000), Fraction(1, 10000), Fraction(1, 3000)]),
    new=st.sampled_from([Fraction(1, 1000), Fraction(1, 4000), Fraction(1, 700), Fraction(1, 90)]),
)
@example([0, 0, 0, 0, 0, 35], Fraction(1, 1000), Fraction(1, 700))  # exactly 24.5 ticks
@settings(max_examples=60, deadline=None)
def test_every_figure_is_that_of_exact_fractions(
    ticks: list[int], old: Fraction, new: Fraction
) -> None:
    clock = Clock(old)
    edge = Synapse("in", "a", Dense(np.ones((2, 3))), clock.seconds(np.reshape(ticks, (2, 3))))
    net = Network({"in": Input(3), "a": LIF(2)}, (edge,), ("a",), clock)
    exact = [t * old for t in ticks]
    rounded = [round(t / new) for t in exact]  # Python rounds fractions half to even too
    if len({*exact}) > 1 and len({*rounded}) == 1:
        with pytest.raises(InvalidValue, match="would be the same"):
            on_grid(net, Clock(new))
        return
    moved, report = on_grid(net, Clock(new))
    delay = moved.synapses[0].delay
    np.testing.assert_array_equal(Clock(new).ticks(delay, exact=True).ravel(), rounded)  # type: ignore[arg-type]
    if not any(ticks):
        assert report.synapses == () and str(report) == "no synapse has a delay"
        return
    moves = [abs(r * new - t) for r, t in zip(rounded, exact, strict=True)]
    row = report["in->a"]
    assert row.moved == sum(m > 0 for m in moves)
    assert row.mean_move == pytest.approx(float(sum(moves)) / 6, abs=1e-15)
    assert row.largest_move == pytest.approx(float(max(moves)), abs=1e-15)
    assert (row.at_zero, row.at_longest) == (rounded.count(0), rounded.count(max(rounded)))
    assert (row.distinct_before, row.distinct_after) == (len({*exact}), len({*rounded}))


def test_drawn_delays_are_drawn_alike_and_reported() -> None:
    edge = Synapse("in", "a", FixedProbability(1.0, 1.0, seed=3), Uniform(1 * ms, 9 * ms))
    net = network(edge, Synapse("a", "b", Sparse([], []), Uniform(1 * ms, 2 * ms)))
    moved, report = on_grid(net, Clock(4 * ms))
    assert moved.synapses[0].delay == edge.delay
    old, new = (n.rows(s, 0, 3).delay * n.clock.dt for n, s in ((net, edge), (moved, edge)))
    row = report["in->a"]
    assert row.count == 6
    assert row.largest_move == pytest.approx(abs(old - new).max())
    assert row.moved == int((abs(old - new) > 1e-9).sum()) > 0
    assert [s.name for s in report.synapses] == ["in->a"]


def test_a_report_of_delays_that_were_learned_between_ticks() -> None:
    seconds = np.array([[0.4, 1.6], [2.5, 4.0]]) * ms
    rows = [("x", seconds, [[0, 2], [2, 4]], CLOCK), ("y", 3.2 * ms, 3, CLOCK)]
    report = GridReport.of(rows, longest={"x": 9})
    x, y = report.synapses
    assert (x.count, x.moved, x.at_zero, x.at_longest, x.longest) == (4, 3, 1, 0, 9)
    assert x.mean_move == pytest.approx((0.4 + 0.4 + 0.5) / 4 * ms)
    assert (y.count, y.moved, y.at_longest, y.longest) == (1, 1, 1, 3)
    assert len(str(report).splitlines()) == 2
    with pytest.raises(InvalidValue, match=r"shape \(2, 2\) in seconds, but \(2,\) in ticks"):
        GridReport.of([("x", seconds, [1, 2], CLOCK)])


# -- what is refused -------------------------------------------------------------------------------


def seconds_in(error: BaseException, words: str) -> float:
    return float(re.findall(rf"{words} ([\d.e-]+) s", str(error))[0])


@pytest.mark.parametrize("ticks", [[[3, 5, 5], [3, 3, 3]], [[9, 10, 10], [9, 9, 9]]])
def test_a_tick_on_which_all_delays_would_be_one_is_refused(ticks: object) -> None:
    net = network(matrix(ticks), matrix([[0, 40, 80], [0, 0, 0]], "wide"))
    with pytest.raises(InvalidValue, match=r"'in->a' \(0.00\d to 0.0\d+ s\)") as error:
        on_grid(net, Clock(20 * ms))
    tick = seconds_in(error.value, "a tick below")
    assert tick == pytest.approx(np.ptp(np.asarray(ticks)) * ms)
    assert on_grid(net, Clock(0.999 * tick))[1]["in->a"].distinct_after > 1


def test_a_loop_without_delay_is_refused_with_a_tick_that_works() -> None:
    def edge(a: str, b: str, ticks: object, name: str = "") -> Synapse:
        delay = np.asarray(ticks, float) * ms
        return Synapse(a, b, Dense(np.ones((2, 2))), delay, name=name)

    ring = network(
        edge("a", "b", [[4, 9], [30, 9]]), edge("b", "c", 0), edge("c", "a", 7),
        edge("c", "a", 40, "long way"), edge("a", "a", 90),
    )  # fmt: skip
    with pytest.raises(InvalidValue, match="would have no delay") as error:
        on_grid(ring, Clock(15 * ms))
    (loop,) = re.findall(r"the loop (.*) would", str(error.value))
    assert loop in ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c")
    assert "its shortest delays, 0.004, 0, 0.007 s, are" in str(error.value)
    assert "long way" not in str(error.value)
    tick = seconds_in(error.value, "a tick below")
    assert tick == pytest.approx(14 * ms)
    moved, _ = on_grid(ring, Clock(0.999 * tick))
    assert moved.shortest_delay(moved.synapses[2]) == 1
    with pytest.raises(InvalidValue, match="would have no delay"):
        on_grid(ring, Clock(tick))  # half a tick becomes none


def test_a_network_names_its_loop_along_the_synapses() -> None:
    one = Dense(np.eye(2))
    edges = [Synapse("a", "b", one), Synapse("b", "c", one), Synapse("c", "a", one)]
    with pytest.raises(InvalidValue) as error:
        network(*edges)
    (loop,) = re.findall(r"the loop (.*) has no delay", str(error.value))
    assert loop in ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c")


def test_a_loop_with_drawn_delays_keeps_a_tick() -> None:
    own = Synapse("a", "a", FixedProbability(1.0, 1.0, seed=0), Uniform(1 * ms, 90 * ms))
    moved, _ = on_grid(network(own), Clock(20 * ms))
    assert moved.shortest_delay(moved.synapses[0]) == 1


def test_an_empty_list_of_connections_has_no_shortest_delay() -> None:
    net = network(Synapse("a", "a", Sparse([], []), np.zeros(0)))
    assert on_grid(net, Clock(1 * us))[1].synapses == ()


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (network(d=LIF(2, refractory=3 * ms)), ["Network['d']", "refractory", "0.003"]),
        (network(d=SpikeGenerator(1, [5 * ms], [0])), ["Network['d']", "Generator.t", "0.005"]),
        (
            network(Synapse("a", "b", Dense(np.ones((2, 2)), None), rule=Rewiring(every=5 * ms))),
            ["Synapse['a->b'].rule", "0.005"],
        ),
    ],
)  # fmt: skip
def test_other_times_off_the_grid_are_refused_by_name(net: Network, words: list[str]) -> None:
    with pytest.raises(InvalidValue) as error:
        on_grid(net, Clock(2 * ms))
    for word in ("on_grid", *words):
        assert word in str(error.value)


def test_what_is_no_clock_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"on_grid: got 0\.002"):
        on_grid(network(), 2 * ms)  # type: ignore[arg-type]


def test_one_to_one_and_spikes_on_the_new_grid() -> None:
    from neuro import sim

    edge = Synapse("in", "a", OneToOne(1.0), 4 * ms)
    net = Network({"in": Input(2), "a": IF(2, v_th=0.5)}, (edge,), ("a",), CLOCK)
    moved, _ = on_grid(net, Clock(2 * ms))
    x = np.zeros((6, 2))
    x[1, 0] = 1
    got = sim.run(moved, 12 * ms, inputs={"in": x}).array("a.spikes")[:, 0]
    assert np.argwhere(got).tolist() == [[3, 0]]
