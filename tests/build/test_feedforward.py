"""Layers in a row: delays that are drawn."""

import numpy as np

from neuro import LI, LIF, Clock, feedforward, ms
from neuro.build import conv, dense
from neuro.distributions import Uniform

CLOCK = Clock(2 * ms)


def test_every_dense_connection_draws_its_own_delay_on_the_grid():
    drawn = dense(delay=Uniform(2 * ms, 20 * ms))
    net = feedforward(40, drawn, LIF(50), drawn, LIF(50), LI(3), clock=CLOCK, seed=0)
    first, second, last = (s.delay for s in net.synapses)
    assert np.shape(first) == (50, 40) and np.shape(second) == (50, 50) and last == 0
    ticks = np.asarray(first) / CLOCK.dt
    np.testing.assert_allclose(ticks, np.rint(ticks), atol=1e-9)
    counts = np.bincount(np.rint(ticks).astype(int).ravel(), minlength=11)
    assert counts[0] == 0 and (counts[1:11] > 0).all()
    # uniform on 1 to 10 ticks, each end half a tick wide: chi squared of 9 degrees of freedom
    expected = 2000 * np.array([1, *[2] * 8, 1]) / 18
    assert ((counts[1:11] - expected) ** 2 / expected).sum() < 27.9  # p = 0.001
    assert len(np.unique(np.asarray(second)[:40, :40] == np.asarray(first)[:40])) == 2


def test_delays_do_not_change_the_weights_of_a_seed_and_differ_between_seeds():
    def made(delay, seed):
        return feedforward(5, dense(delay=delay), LIF(6), clock=CLOCK, seed=seed).synapses[0]

    plain, drawn, other = made(0.0, 1), made(Uniform(0, 20 * ms), 1), made(Uniform(0, 20 * ms), 2)
    np.testing.assert_array_equal(plain.topology.weight, drawn.topology.weight)
    assert not np.array_equal(drawn.delay, other.delay)


def test_a_convolution_draws_one_delay_for_each_channel():
    net = feedforward((3, 8, 8), conv(4, delay=Uniform(0, 20 * ms)), LIF(), clock=CLOCK, seed=0)
    assert np.shape(net.synapses[0].delay) == (3, 1, 1)
    assert net.delay_ticks(net.synapses[0]).shape == (3, 8, 8)
