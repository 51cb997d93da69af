"""Weights and delays by distribution, against SciPy's laws."""

import numpy as np
import pytest
from scipy import stats

from neuro import Clock, Network, Synapse, ms
from neuro.distributions import Distribution, Exponential, LogNormal, Normal, Uniform
from neuro.errors import InvalidValue
from neuro.neurons import LIF
from neuro.synapses import FixedOutDegree


def draws(weight: Distribution, seed: int = 1) -> np.ndarray:
    net = Network(
        {"a": LIF(200), "b": LIF(50)}, [Synapse("a", "b", FixedOutDegree(100, weight, seed))],
        ("b",), Clock(1 * ms),
    )  # fmt: skip
    return net.rows(net.synapses[0], 0, 200).weight.astype(np.float64)


@pytest.mark.parametrize(
    ("given", "law"),
    [
        (Normal(2.0, 0.5), stats.norm(2.0, 0.5)),
        (Normal(1.0, 2.0, low=0.0, high=3.0), stats.truncnorm(-0.5, 1.0, loc=1.0, scale=2.0)),
        (Uniform(-1.0, 3.0), stats.uniform(-1.0, 4.0)),
        (LogNormal(0.5, 0.8), stats.lognorm(0.8, scale=0.5)),
        (Exponential(0.25), stats.expon(scale=0.25)),
    ],
)
def test_draws_follow_the_law(given: Distribution, law: stats.rv_continuous) -> None:
    sample = draws(given)
    assert len(sample) == 20_000
    assert stats.kstest(sample, law.cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(sample[:-1], sample[1:])[0, 1]) < 0.03


def test_tails_reach_as_far_as_they_should() -> None:
    sample = np.concatenate([draws(Normal(0.0, 1.0), seed) for seed in range(10)])
    for z in (3.0, 4.0):
        count, expected = (np.abs(sample) > z).sum(), len(sample) * 2 * stats.norm.sf(z)
        assert stats.poisson.cdf(count, expected) > 1e-3
        assert stats.poisson.sf(count - 1, expected) > 1e-3


def test_delays_are_rounded_to_the_grid_and_at_least_a_tick() -> None:
    delay = Normal(0.3 * ms, 0.3 * ms, low=0.01 * ms)
    net = Network(
        {"a": LIF(100), "b": LIF(50)}, [Synapse("a", "b", FixedOutDegree(50), delay)],
        ("b",), Clock(0.1 * ms),
    )  # fmt: skip
    ticks = net.rows(net.synapses[0], 0, 100).delay
    assert ticks.min() == 1
    assert net.shortest_delay(net.synapses[0]) == 1
    law = stats.truncnorm((0.01 - 0.3) / 0.3, np.inf, loc=3.0, scale=3.0)
    assert (ticks <= 1).mean() == pytest.approx(law.cdf(1.5), abs=0.02)
    assert (ticks == 5).mean() == pytest.approx(law.cdf(5.5) - law.cdf(4.5), abs=0.015)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(0.0, -1.0), r"Normal\.sd"),
        (lambda: Normal(np.nan, 1.0), r"Normal\.mean"),
        (lambda: Normal(0.0, 1.0, low=1.0), "outside low=1"),
        (lambda: Uniform(2.0, 1.0), "outside"),
        (lambda: LogNormal(0.0, 1.0), r"LogNormal\.median"),
        (lambda: Exponential(-1.0), r"Exponential\.mean|outside"),
        (lambda: Synapse("a", "b", FixedOutDegree(1), Normal(1.0, 1.0)), "below 0"),
    ],
)
def test_bad_distributions_are_named(make: object, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        make()
