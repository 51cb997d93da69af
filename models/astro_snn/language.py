"""A small language model over characters whose only view of the past are its spiking units.

Text: the manual that comes with Python (`pydoc_data.topics`). Every tenth block of 4,096 characters
is held out. Score: bits per character on windows of 128 characters, each begun at rest.
"""

from __future__ import annotations

import hashlib
import math
from pydoc_data.topics import topics
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from neuro import LIF, Clock, ms
from neuro.neurons import AMSU
from neuro.nn import AMSULayer, Population
from neuro.surrogate import FastSigmoid

CLOCK = Clock(1 * ms)  # one character a step
CONTEXT, BATCH, WIDTH, BLOCKS = 128, 8, 96, 2
BLOCK = 4096  # characters
ALPHABET = "\n" + "".join(map(chr, range(32, 127)))  # one more symbol stands for all the others
SYMBOLS = len(ALPHABET) + 1
SURROGATE = FastSigmoid(5.0)
PEAK_RATE, WARM_UP = 8e-3, 20  # of AdamW; updates
PLACES = (0, 8, 16, 32, 64, CONTEXT)  # bounds of the parts of a window that are scored apart


class Model(NamedTuple):
    """One network of the comparison."""

    name: str
    units: int  # AM-SUs in a block
    astrocyte: bool


MODELS = (
    Model("with astrocyte", 128, True),
    Model("same without", 128, False),
    Model("larger without", 256, False),
)


class Text(NamedTuple):
    """Symbols [characters] as int64, and what identifies the text they came from."""

    train: Tensor
    test: Tensor
    sha256: str


def read() -> Text:
    """The manual, each paragraph once (topics repeat parts of others), every tenth block held out.

    Another version of Python has a slightly other manual, hence the hash.
    """
    paragraphs = (p.strip() for name in sorted(topics) for p in topics[name].split("\n\n"))
    text = "\n\n".join(dict.fromkeys(filter(None, paragraphs)))
    blocks = [text[i : i + BLOCK] for i in range(0, len(text), BLOCK)]
    test = "".join(blocks[9::10])
    train = "".join(block for i, block in enumerate(blocks) if i % 10 != 9)
    return Text(_symbols(train), _symbols(test), hashlib.sha256(text.encode()).hexdigest())


def _symbols(text: str) -> Tensor:
    number = {character: i for i, character in enumerate(ALPHABET)}
    return torch.tensor([number.get(character, len(ALPHABET)) for character in text])


class Block(nn.Module):
    """Mixing over time by AM-SU, then a gated MLP on spikes; each is added to the stream."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        membrane = AMSU(model.units, tau_mem=np.geomspace(0.5 * ms, 20 * ms, model.units))
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.mix = AMSULayer(
            WIDTH, membrane, CLOCK,
            astrocyte=model.astrocyte, heads=4, tau=(1 * ms, 2 * ms, 4 * ms, 8 * ms),
            bounded=True, learn=["tau_mem"], surrogate=SURROGATE,
        )  # fmt: skip
        self.mixed = nn.Linear(model.units, WIDTH, bias=False)
        self.encode = Population(LIF(WIDTH, tau_mem=2 * ms), CLOCK, surrogate=SURROGATE)
        self.up, self.gate = nn.Linear(WIDTH, 128), nn.Linear(WIDTH, 128)
        self.down = nn.Linear(128, WIDTH, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The stream [T, B, WIDTH] after the block, and the spikes [T, B, units] of its AM-SUs."""
        mixing, _ = self.mix(self.before(x))
        x = x + self.mixed(mixing)
        spikes, _ = self.encode(self.between(x))
        return x + self.down(self.up(spikes) * torch.sigmoid(self.gate(spikes))), mixing


class Language(nn.Module):
    """Embedding, blocks, and a linear readout of the next character."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS, WIDTH)
        self.blocks = nn.ModuleList(Block(model) for _ in range(BLOCKS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, SYMBOLS)

    def forward(self, text: Tensor) -> tuple[Tensor, float]:
        """Scores [T, B, symbols] of the next character of `text` [T, B]; mean rate of AM-SUs."""
        x, rates = self.embed(text), []
        for block in self.blocks:
            x, spikes = block(x)
            rates.append(float(spikes.detach().mean()))
        return self.head(self.norm(x)), float(np.mean(rates))


def fit(model: Model, text: Text, seed: int, updates: int, progress: Progress) -> Language:
    """Train on random windows: AdamW, cosine, gradients of norm 1 at most."""
    torch.manual_seed(seed)
    network, draw = Language(model), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), PEAK_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda i: min((i + 1) / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * i / updates)),
    )
    for _ in progress.track(range(updates), description=f"text, seed {seed}: {model.name}"):
        first = torch.randint(len(text.train) - CONTEXT, (BATCH,), generator=draw)
        window = text.train[first + torch.arange(CONTEXT + 1)[:, None]]
        scores, _ = network(window[:-1])
        loss = cross_entropy(scores.flatten(0, 1), window[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return network


class Told(NamedTuple):
    """What a model knows of the held-out text, in bits per character."""

    bits: float
    by_window: NDArray[np.float64]
    by_place: list[float]  # in the parts of the window bounded by PLACES
    rate: float  # spikes an AM-SU and step
    parameters: int


@torch.no_grad()
def test(network: Language, text: Tensor) -> Told:
    """Score every window of the text, one after the other."""
    windows = text[: (len(text) - 1) // CONTEXT * CONTEXT + 1].unfold(0, CONTEXT + 1, CONTEXT).T
    scores, rate = network(windows[:-1])
    loss = cross_entropy(scores.permute(0, 2, 1), windows[1:], reduction="none").double()
    bits = loss.numpy() / math.log(2)  # [CONTEXT, windows]
    by_place = [float(part.mean()) for part in np.split(bits, PLACES[1:-1])]
    parameters = sum(p.numel() for p in network.parameters())
    return Told(float(bits.mean()), bits.mean(0), by_place, rate, parameters)


def compare(
    text: Text, seeds: list[int], updates: int, progress: Progress
) -> dict[str, list[Told]]:
    """Every model on every seed."""
    told: dict[str, list[Told]] = {model.name: [] for model in MODELS}
    for seed in seeds:
        for model in MODELS:
            got = test(fit(model, text, seed, updates, progress), text.test)
            told[model.name].append(got)
            progress.print(f"  text, seed {seed}, {model.name}: {got.bits:.3f} bits per character")
    return told
