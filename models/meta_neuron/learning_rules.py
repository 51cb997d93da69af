"""Three learning rules on one layer: surrogate-gradient backprop, STDP and tempotron.

Poisson trains in which half of the channels is busier in one class and the other half in the other
class; 16 channels reach the output units directly, so every rule changes the same 16 weights a
unit. Backprop and STDP teach two units, of which the one with more spikes wins; the tempotron
teaches one unit to fire for the second class and to stay silent for the first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor
from torch.nn.functional import cross_entropy

from neuro import LIF, Clock, ms
from neuro.neurons import MetaNeuron, Neuron
from neuro.nn import Population
from neuro.rules import stdp, tempotron
from neuro.surrogate import FastSigmoid

STEP = Clock(1 * ms)
CHANNELS, STEPS, TRIALS = 16, 120, 600  # as many trials again for the test
RATES = 0.09, 0.11  # spikes per step of the quieter and the busier channels
EPOCHS, BATCH, START = 12, 60, 0.1  # START: mean weight before learning
NEURONS: dict[str, type[Neuron]] = {"lif": LIF, "meta": MetaNeuron}


class Trials(NamedTuple):
    """Spike trains [T, N, 16] and class 0 or 1 of each, [N]."""

    x: NDArray[np.float64]
    label: NDArray[np.int64]

    def select(self, index: NDArray[np.int64]) -> Trials:
        return Trials(self.x[:, index], self.label[index])


def poisson(random: np.random.Generator) -> Trials:
    """As many trials of one class as of the other, on average."""
    label = random.integers(2, size=TRIALS)
    busy = (np.arange(CHANNELS) < CHANNELS // 2) == (label[:, None] == 0)
    rate = np.where(busy, RATES[1], RATES[0])
    return Trials((random.random((STEPS, TRIALS, CHANNELS)) < rate).astype(np.float64), label)


def run(layer: Population, weight: Tensor, x: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
    """Spikes and membrane potential [T, N, units] of units with these weights [units, 16]."""
    current = torch.from_numpy(x).float() @ weight.T
    spikes, _, trace = layer.trace(layer.ports({"current": current}), record=("v",))
    return spikes, trace["v"]


def more_spikes(spikes: Tensor, label: NDArray[np.int64]) -> float:
    """Share of trials in which the unit of the class fires more often."""
    return float(np.mean(spikes.sum(0).argmax(1).numpy() == label))


def backprop(neuron: type[Neuron], train: Trials, test: Trials, seed: int, rate: float) -> float:
    """Test accuracy after training spike counts with Adam through a surrogate gradient."""
    random = np.random.default_rng(seed)
    layer = Population(neuron(2), STEP, surrogate=FastSigmoid(10.0))
    weight = torch.nn.Parameter(torch.from_numpy(_initial(random, 2)).float())
    optimizer = torch.optim.Adam([weight], lr=rate)
    for picked in _batches(random, BATCH):
        batch = train.select(picked)
        spikes, _ = run(layer, weight, batch.x)
        loss = cross_entropy(0.1 * spikes.sum(0), torch.from_numpy(batch.label))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return more_spikes(run(layer, weight, test.x)[0], test.label)


@torch.no_grad()
def pair_stdp(neuron: type[Neuron], train: Trials, test: Trials, seed: int, rate: float) -> float:
    """Test accuracy after STDP, reversed in the unit that the label does not name.

    The mean weight of a unit is kept constant.
    """
    random = np.random.default_rng(seed)
    layer, weight = Population(neuron(2), STEP), _initial(random, 2)
    weight *= START / weight.mean(1, keepdims=True)
    for picked in _batches(random, BATCH):
        batch = train.select(picked)
        spikes, _ = run(layer, torch.from_numpy(weight).float(), batch.x)
        gate = np.where(batch.label[:, None] == np.arange(2), 1.0, -1.0)
        moved = stdp.change(batch.x, spikes.numpy(), STEP, gate=gate)
        weight = np.clip(weight + rate * moved, 0, 3 * START)
        # Additive STDP has no brake: without this, one unit comes to win every trial.
        weight *= START / weight.mean(1, keepdims=True)
    return more_spikes(run(layer, torch.from_numpy(weight).float(), test.x)[0], test.label)


@torch.no_grad()
def error_driven(
    neuron: type[Neuron] | None, train: Trials, test: Trials, seed: int, rate: float
) -> float:
    """Test accuracy of one unit taught by the tempotron rule; None is the tempotron itself."""
    random = np.random.default_rng(seed)
    layer = None if neuron is None else Population(neuron(1), STEP)
    weight = _initial(random, 1) - START  # either sign

    def answer(trials: Trials, slow: stdp.Floats, fast: stdp.Floats) -> tempotron.Answer:
        if layer is None:
            return tempotron.answer(weight, slow, fast, STEP)
        spikes, v = run(layer, torch.from_numpy(weight).float(), trials.x)
        return tempotron.observe(spikes.numpy(), v.numpy())

    slow, fast = tempotron.traces(train.x, STEP)
    for picked in _batches(random, BATCH // 6):
        batch, potentials = train.select(picked), (slow[:, picked], fast[:, picked])
        wanted = batch.label[:, None] == 1
        answered = answer(batch, *potentials)
        weight = weight + rate * tempotron.change(wanted, answered, *potentials, STEP)
    fired = answer(test, *tempotron.traces(test.x, STEP)).fired[:, 0]
    return float(np.mean(fired == (test.label == 1)))


def ideal(test: Trials) -> float:
    """Accuracy of counting the spikes of both halves: no classifier can expect more."""
    halves = test.x.sum(0).reshape(TRIALS, 2, -1).sum(2)
    return float(np.mean(halves.argmax(1) == test.label))


def compare(seeds: list[int], progress: Progress) -> dict[str, dict[str, list[float]]]:
    """Test accuracy of each neuron under each rule, one number a seed."""
    found: dict[str, dict[str, list[float]]] = {}
    for seed in progress.track(seeds, description="learning rules"):
        random = np.random.default_rng([seed, 1])
        train, test = poisson(random), poisson(random)

        def note(kind: str, rule: str, accuracy: float) -> None:
            found.setdefault(kind, {}).setdefault(rule, []).append(accuracy)

        for kind, neuron in NEURONS.items():
            note(kind, "backprop", backprop(neuron, train, test, seed, rate=2e-2))
            note(kind, "stdp", pair_stdp(neuron, train, test, seed, rate=1e-4))
            note(kind, "tempotron", error_driven(neuron, train, test, seed, rate=1e-3))
        note("tempotron", "tempotron", error_driven(None, train, test, seed, rate=1e-3))
        note("ideal observer", "spike count", ideal(test))
    return found


def _initial(random: np.random.Generator, units: int) -> NDArray[np.float64]:
    return START * random.uniform(0.5, 1.5, (units, CHANNELS))


def _batches(random: np.random.Generator, size: int) -> list[NDArray[np.int64]]:
    """Indices of the training trials in batches, for all epochs, each in another order."""
    return [
        order[i : i + size]
        for order in (random.permutation(TRIALS) for _ in range(EPOCHS))
        for i in range(0, TRIALS, size)
    ]
