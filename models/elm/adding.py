"""Adding task: two spike patterns after each other, the answer is the sum of their numbers.

The same spike times are binned coarsely (few steps) and finely (many steps), for an ELM and an
LSTM of equal size. A small stand-in for SHD-Adding, which adds spoken digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from neuro import Clock, ms
from neuro.nn import ELM

CHANNELS, CLASSES, LENGTH = 40, 5, 200  # a pattern lasts 200 ms; two make a sample
BINS = {"short": 10, "long": 1}  # ms; 40 and 400 steps


class Task:
    """Patterns of random spike times, one spike a channel, seen with jitter, loss and noise."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.times = self.random.uniform(10, LENGTH - 10, (CLASSES, CHANNELS))

    def batch(self, samples: int, width: int) -> tuple[Tensor, Tensor]:
        """Spike counts [T, samples, CHANNELS] in bins of `width` ms, and sums [samples]."""
        digit = self.random.integers(CLASSES, size=(2, samples))
        seen = self.times[digit] + self.random.normal(0, 5, (2, samples, CHANNELS))
        seen = np.clip(seen, 0, LENGTH - 1) + LENGTH * np.arange(2)[:, None, None]
        noise = self.random.uniform(0, 2 * LENGTH, (1, samples, CHANNELS))
        kept = np.concatenate([self.random.random(seen.shape) < 0.8, noise < LENGTH])
        step = (np.concatenate([seen, noise]) // width).astype(np.int64)
        counts = np.zeros((2 * LENGTH // width, samples, CHANNELS), np.float32)
        sample, channel = np.arange(samples)[:, None], np.arange(CHANNELS)
        np.add.at(counts, (step, sample, channel), kept)
        return torch.from_numpy(counts), torch.from_numpy(digit.sum(0))


class LSTM(nn.Module):
    """An LSTM with a linear readout."""

    def __init__(self, units: int, outputs: int) -> None:
        super().__init__()
        self.cell, self.readout = nn.LSTM(CHANNELS, units), nn.Linear(units, outputs)

    def forward(self, x: Tensor) -> tuple[Tensor, Any]:
        """Scores [T, B, outputs] and the state."""
        memory, state = self.cell(x)
        return self.readout(memory), state


def size(model: nn.Module) -> int:
    """Number of trained parameters."""
    return sum(p.numel() for p in model.parameters())


def compare(seeds: list[int], updates: int, progress: Progress) -> dict[str, Any]:
    """Mean test accuracy of both models in both regimes over the seeds."""
    found: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    for seed in seeds:
        for regime, width in BINS.items():
            torch.manual_seed(seed)
            elm = ELM(
                CHANNELS, 2 * CLASSES - 1, memory=20, tau_max=2 * LENGTH * ms,
                clock=Clock(width * ms), seed=seed,
            )  # fmt: skip
            units = max(n for n in range(1, 40) if size(LSTM(n, 2 * CLASSES - 1)) <= size(elm))
            for name, model in {"elm": elm, "lstm": LSTM(units, 2 * CLASSES - 1)}.items():
                sizes[name] = size(model)
                task, optimizer = Task(seed), torch.optim.Adam(model.parameters(), lr=5e-3)
                schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
                for _ in progress.track(range(updates), description=f"adding, {regime}, {name}"):
                    x, label = task.batch(32, width)
                    optimizer.zero_grad()
                    cross_entropy(model(x)[0][-1], label).backward()
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    schedule.step()
                x, label = task.batch(1000, width)
                with torch.no_grad():
                    right = (model(x)[0][-1].argmax(1) == label).double().mean()
                found.setdefault(f"adding_{regime}_{name}", []).append(float(right))
    means = {name: float(np.mean(values)) for name, values in found.items()}
    return {**means, "adding_by_seed": found, "adding_parameters": sizes}
