"""Random networks: their wiring, their start, and what theory says of their activity."""

from __future__ import annotations

import numpy as np
import pytest

from neuro.build import balanced_start, brunel, check_dale, vogels_abbott
from neuro.errors import InvalidValue
from neuro.metrics import firing_rates
from neuro.sim import Simulation


def degrees(network, post: str) -> dict[str, np.ndarray]:
    """Synapses that each unit of `post` receives, by presynaptic population."""
    found = {}
    for s in network.synapses:
        if s.post == post:
            rows = network.rows(s, 0, network.populations[s.pre].size)
            found[s.pre] = np.bincount(rows.post, minlength=network.populations[post].size)
    return found


@pytest.mark.parametrize("kind", ["cuba", "coba"])
def test_every_pair_is_connected_with_probability_one_in_fifty(kind: str) -> None:
    network = vogels_abbott(kind, seed=1)
    for post in ("exc", "inh"):
        found = degrees(network, post)
        for pre, mean in (("exc", 64), ("inh", 16)):
            n = len(found[pre])
            assert found[pre].mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / n))
            assert found[pre].var() == pytest.approx(0.98 * mean, rel=4 * np.sqrt(2 / n))
    check_dale(network)


def test_a_fixed_in_degree_is_met_by_every_neuron_at_any_size() -> None:
    for neurons in (500, 1000):
        network = vogels_abbott("cuba", neurons, in_degree=80)
        found = degrees(network, "inh")
        assert set(found["exc"]) == {64}
        assert set(found["inh"]) == {16}


def test_seeds_make_other_networks_and_the_same_seed_the_same() -> None:
    a, b, c = (vogels_abbott("cuba", 500, seed=s) for s in (0, 0, 1))
    assert a == b
    rows = [n.rows(n.synapses[0], 0, 400).post for n in (a, b, c)]
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


def test_currents_fire_at_the_rate_other_simulators_find() -> None:
    network = vogels_abbott("cuba", seed=5)
    simulation = Simulation(network, seed=5)
    for name, value in balanced_start(network, 5).items():
        simulation.set(name, value)
    record = simulation.run(1.0)
    rates = np.concatenate([firing_rates(record.events(f"{n}.spikes")[0]) for n in ("exc", "inh")])
    assert rates.mean() == pytest.approx(5.61, rel=0.15)  # ANNarchy's documentation; 4 % scatter


def test_conductances_need_their_start() -> None:
    network = vogels_abbott("coba", seed=0)
    assert not len(Simulation(network).run(0.1).events("exc.spikes")[0])
    start = balanced_start(network, 0)
    assert set(start) == {f"{p}.{s}" for p in ("exc", "inh") for s in ("v", "g_exc", "g_inh")}
    assert min(start["exc.g_inh"].min(), start["inh.g_exc"].min()) >= 0


def test_brunel_gives_each_neuron_a_tenth_of_both_populations() -> None:
    network = brunel(neurons=1250, seed=3)
    for post in ("exc", "inh"):
        found = degrees(network, post)
        assert set(found["exc"]) == {100}
        assert set(found["inh"]) == {25}
        assert set(found[f"{post} drive"]) == {1}
    check_dale(network)


def test_brunel_drives_at_eta_times_the_threshold_rate() -> None:
    # Without connections the mean potential would be eta * v_th: rate * j * tau_mem.
    for eta, j in ((0.9, 0.1e-3), (2.0, 0.2e-3)):
        drive = brunel(eta=eta, j=j, neurons=500).populations["exc drive"]
        assert float(drive.rate) * j * 20e-3 == pytest.approx(eta * 20e-3)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: vogels_abbott("cubic"), "kind"),  # type: ignore[arg-type]
        (lambda: vogels_abbott(neurons=4001), "neurons"),
        (lambda: vogels_abbott(in_degree=81), "in_degree"),
        (lambda: brunel(neurons=0), "neurons"),
        (lambda: brunel(g=-1), "brunel.g"),
        (lambda: brunel(eta=float("nan")), "eta"),
        (lambda: brunel(j=0), "brunel.j"),
        (lambda: brunel(epsilon=2), "epsilon"),
        (lambda: brunel(neurons=5, epsilon=0.1), "no synapses"),
    ],
)
def test_what_cannot_be_built_is_refused(build, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        build()
