"""Draws depend on seed, tick, sample and unit, and on nothing else."""

import numpy as np
import pytest
import torch

from neuro import Clock, ms
from neuro.lower.noise import uniform
from neuro.neurons import MetaNeuron
from neuro.nn import Population


def test_draws_are_uniform_and_never_zero_or_one() -> None:
    draws = uniform(3, 0, 0, 100, 1000)
    assert draws.min() > 0 and draws.max() < 1
    counts, _ = np.histogram(draws, bins=20, range=(0, 1))
    assert ((counts - 5000) ** 2 / 5000).sum() < 43.8  # chi squared, 19 degrees of freedom, p 0.001


def test_draws_do_not_depend_on_where_a_run_is_cut_nor_on_later_samples() -> None:
    whole = uniform(1, 0, 0, 50, 60)
    assert np.array_equal(whole[20:], uniform(1, 0, 20, 30, 60))
    assert np.array_equal(whole[:, :24], uniform(1, 0, 0, 50, 24))


@pytest.mark.parametrize(("seed", "port"), [(2, 0), (1, 1)])
def test_other_seeds_and_ports_draw_other_numbers(seed: int, port: int) -> None:
    assert not np.array_equal(uniform(1, 0, 0, 5, 9), uniform(seed, port, 0, 5, 9))


@pytest.mark.parametrize("backend", ["reference", "fused"])
def test_a_run_cut_in_two_spikes_like_the_whole(backend: str) -> None:
    x = torch.rand(40, 3, 5, generator=torch.Generator().manual_seed(0))
    layer = Population(
        MetaNeuron(5, temperature=0.2, seed=4), Clock(1 * ms), backend=backend
    )  # fmt: skip
    whole, _ = layer(x)
    first, state = layer(x[:17])
    second, _ = layer(x[17:], state)
    assert torch.equal(torch.cat([first, second]), whole) and 0 < whole.mean() < 1
