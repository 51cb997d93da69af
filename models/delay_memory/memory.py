"""Networks whose memory is the spikes under way, and how they are trained to give patterns back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from neuro import LIF, Clock, Events, Input, Network, Synapse, ms, sim
from neuro.distributions import Distribution
from neuro.nn import DelayKernel
from neuro.surrogate import ATan
from neuro.synapses import Dense
from neuro.train import Module

STEP = Clock(1 * ms)
LONGEST = 25  # ticks; of a single delay
TAU = 2 * ms  # of the membranes at first; learned by all kinds
Kind = Literal["learned", "fixed", "one tick"]
KINDS: tuple[Kind, ...] = ("learned", "fixed", "one tick")
Draw = Callable[[int], tuple[Tensor, Tensor]]  # so many trials: shown, wanted, [T, n, channels]


class Memory(NamedTuple):
    """A network to train, which of its values, and the population that answers."""

    network: Network
    learn: tuple[str, ...]
    answers: str  # its first units, as many as there are channels


def relay(kind: Kind, channels: int, budget: int, seed: int) -> Memory:
    """Input -> hidden -> output, all to all, each connection with a delay of its own.

    The longest way takes 2 LONGEST ticks. The hidden layer is as large as `budget`, the number of
    trained weights and delays, allows: learned delays count like weights.
    """
    hidden = budget // (2 * channels * _values(kind))
    random = np.random.default_rng([seed, 0])
    synapses = (
        _synapse("in", "hid", _weights(random, hidden, channels, 2.0), kind, random),
        _synapse("hid", "out", _weights(random, channels, hidden, 2.0), kind, random),
    )
    populations = {"in": Input(channels), "hid": _cells(hidden), "out": _cells(channels)}
    learn = ("weight", "tau_mem", *(("delay",) if kind == "learned" else ()))
    return Memory(Network(populations, synapses, ("out",), STEP), learn, "out")


def ring(kind: Kind, channels: int, budget: int, seed: int) -> Memory:
    """One population that feeds back onto itself, each connection with a delay of its own.

    Its first units are driven by one channel each and answer, the others help. There are as few
    units as make up the budget of trained weights and delays.
    """
    units = int(np.ceil(np.sqrt(budget / _values(kind))))
    random = np.random.default_rng([seed, 1])
    entry = np.zeros((units, channels), np.float32)
    entry[:channels] = 1.25 * np.eye(channels)  # a spike in, a spike out, and little left over
    # Positive at first: a connection that should excite, but inhibits, drives its delay away.
    weight = np.abs(_weights(random, units, units, 0.1))
    back = _synapse("mem", "mem", weight, kind, random)
    populations = {"in": Input(channels), "mem": _cells(units)}
    network = Network(populations, (Synapse("in", "mem", Dense(entry)), back), ("mem",), STEP)
    learn = ("mem->mem.weight", "tau_mem", *(("mem->mem.delay",) if kind == "learned" else ()))
    return Memory(network, learn, "mem")


def train(memory: Memory, draw: Draw, lag: int, updates: int, batch: int = 16) -> Module:
    """A trained module, in evaluation: its delays are whole ticks.

    The loss is the cross-entropy of a spike at every tick, of which the odds are four times the
    distance of the membrane (before a reset) to the threshold. A spike missed counts three times.
    What comes before the `lag` is not looked at: while a pattern is shown, it drives the ring.
    """
    module = Module(
        memory.network, learn=memory.learn, surrogate=ATan(2.0),
        delays=DelayKernel(start=5.0, anneal=0.5), max_delay=LONGEST * STEP.dt,
    )  # fmt: skip
    named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    optimizer = torch.optim.Adam([
        {"params": [p for name, p in named if not name.startswith("delays.")], "lr": 1e-2},
        {"params": [p for name, p in named if name.startswith("delays.")], "lr": 0.5},  # ticks
    ])  # fmt: skip
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    weight = torch.tensor(3.0)
    module.train()
    for update in range(updates):
        module.anneal(update / updates)
        shown, wanted = draw(batch)
        spikes, membrane = answers(module, memory, shown)
        above = membrane + spikes - 1  # a spike took 1 off the membrane
        loss = binary_cross_entropy_with_logits(4 * above[lag:], wanted[lag:], pos_weight=weight)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return module.eval()


def answers(module: Module, memory: Memory, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Spikes and membranes, after the reset, of the units that answer, [T, n, channels]."""
    name, channels = memory.answers, shown.shape[2]
    record, _ = module(shown, record=[f"{name}.spikes", f"{name}.v"])
    spikes, membrane = record[f"{name}.spikes"], record[f"{name}.v"]
    return spikes[..., :channels], membrane[..., :channels]


def recall(module: Module, memory: Memory, shown: Tensor) -> Tensor:
    """What the trained network gives back, [T, n, channels]."""
    with torch.no_grad():
        return answers(module, memory, shown)[0]


def simulated(network: Network, memory: Memory, shown: Tensor) -> Tensor:
    """The same spikes from the event-driven simulator, trial after trial, each from rest."""
    channels, out = shown.shape[2], torch.zeros_like(shown)
    size = network.populations[memory.answers].size
    for i in range(shown.shape[1]):
        events = Events.from_dense(shown[:, i].numpy(), network.clock)
        record = sim.run(network, len(shown) * STEP.dt, inputs={"in": events}, threads=1)
        dense = record.events(f"{memory.answers}.spikes")[0].dense(len(shown))
        out[:, i] = torch.from_numpy(dense.reshape(-1, size)[:, :channels].copy())
    return out


def own_loops(network: Network, channels: int, period: int) -> int:
    """How many of a ring's channels feed back onto themselves, strongly enough to fire, after
    just that many ticks."""
    back = network.synapses[1]
    assert isinstance(back.topology, Dense)
    assert not isinstance(back.delay, Distribution)
    ticks = network.clock.ticks(back.delay, exact=True)
    ticks = np.broadcast_to(ticks, back.topology.weight.shape)
    strong = np.diag(back.topology.weight) > 1
    return int((strong & (np.diag(ticks) == period))[:channels].sum())


def trained(module: Module) -> int:
    """Number of trained weights, delays and time constants."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def _values(kind: Kind) -> int:
    """Trained values of a connection."""
    return 2 if kind == "learned" else 1


def _cells(units: int) -> LIF:
    return LIF(units, tau_mem=TAU, reset="subtract")


def _weights(random: np.random.Generator, post: int, pre: int, gain: float) -> NDArray[np.float32]:
    return random.normal(0, gain / np.sqrt(pre), (post, pre)).astype(np.float32)


def _synapse(
    pre: str, post: str, weight: NDArray[np.float32], kind: Kind, random: np.random.Generator
) -> Synapse:
    """Uniform delays of 1 to LONGEST ticks, or one tick everywhere."""
    ticks = random.integers(1, LONGEST + 1, weight.shape)
    delay = STEP.dt if kind == "one tick" else STEP.seconds(ticks)
    return Synapse(pre, post, Dense(weight), delay=delay)
