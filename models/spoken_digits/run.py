"""Spoken digits heard by a simulated cochlea, classified by 128 adaptive neurons.

    neuro run spoken_digits --data FSDD    or    python models/spoken_digits/run.py --data FSDD

Sound -> spikes of 128 channels -> training with surrogate gradients -> test on recordings never
heard, beside a logistic regression on each channel's spike count. Without --data, a formant
synthesiser speaks ten made-up words instead.
"""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from torch import Tensor

from neuro import LI, Clock, feedforward, ms
from neuro.build import dense
from neuro.data import EventDataset, spoken_digits
from neuro.encode import Cochlea
from neuro.errors import CorruptFile, require
from neuro.formats.shd import read_shd, read_shd_extra
from neuro.metrics import accuracy
from neuro.neurons import ALIF
from neuro.recipe import Json, Out, Quick, Seed, find, finish
from neuro.surrogate import ATan
from neuro.train import MembraneLoss, Module, RateBand, Samples, predict
from neuro.train.loop import Plan, fit

STEP = Clock(20 * ms)
STEPS = 50  # one second; what comes later is cut off, and the results say how much
LOSS = MembraneLoss("mean")


def main(
    quick: Quick = False,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Free Spoken Digit Dataset: folder, .zip, or spikes in SHD's layout (.h5)."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes through the data.")] = None,
) -> None:
    """Train a spiking network on sound, test it beside a baseline."""
    out = out or Path("runs/spoken_digits")
    console = Console()
    start = time.perf_counter()
    cochlea = Cochlea(channels=32 if quick else 128)
    if data is not None and data.suffix in (".h5", ".hdf5"):
        train_events, test_events = in_shd_layout(data, 10 if quick else None)
    elif data is not None:
        train_events, test_events = spoken_digits(
            data, cochlea=cochlea, seed=seed, per_speaker=10 if quick else None
        )
    else:
        voice = _voice()
        train_events, test_events = voice((80, 20) if quick else (150, 30), cochlea, seed)
    official = data is None or "spoken digits" in test_events.name
    official = official and "held out" not in test_events.source
    seconds_encode = time.perf_counter() - start
    console.print(f"{train_events!r}\n{test_events!r}", highlight=False)
    train, cut = samples(train_events)
    test, cut_test = samples(test_events)

    network = feedforward(
        train_events.shape,
        dense(bias=True),
        ALIF(128, tau_mem=40 * ms, tau_adapt=200 * ms, beta=0.2),
        LI(len(train_events.classes), tau_mem=100 * ms),
        clock=STEP, seed=seed,
    )  # fmt: skip
    module = Module(network, learn=["weight", "bias", "tau_mem"], surrogate=ATan(1.0))
    plan = Plan(
        epochs=epochs or (15 if quick else 25), batch_size=32 if quick else 64,
        learning_rate=1e-2, rate_band=RateBand(low=0.01, high=0.5), seed=seed,
    )  # fmt: skip
    held_back = torch.from_numpy(np.random.default_rng(seed).permutation(len(train)))
    part = len(train) // 20
    start = time.perf_counter()
    result = fit(
        module, train.select(held_back[part:]), train.select(held_back[:part]), plan,
        folder=out / "training", loss=LOSS, augment=another_voice,
    )  # fmt: skip
    seconds_train = time.perf_counter() - start
    if not result.main:
        return

    results = {
        "test_accuracy": accuracy(predict(module, test, LOSS), test_events.labels),
        "baseline_accuracy": baseline(train_events, test_events),
        "data": "Free Spoken Digit Dataset" if data is not None else "synthetic words",
        "test_set": "official or synthetic" if official else "held out",
        "train_recordings": len(train_events),
        "test_recordings": len(test_events),
        "spikes_per_recording": float(test_events.counts.mean()),
        "share_of_spikes_cut": max(cut, cut_test),
        "seconds_encode": round(seconds_encode, 2),
        "seconds_train": round(seconds_train, 2),
        "seed": seed,
    }
    finish(results, out, as_json=as_json)


def in_shd_layout(path: Path, per_speaker: int | None) -> tuple[EventDataset, EventDataset]:
    """Spikes that another ear has made, in the layout of SHD: the recordings to train on, and the
    five with the lowest numbers of each speaker and digit, which are held out."""
    whole, extra = read_shd(path), read_shd_extra(path)
    if not {"speaker", "recording"} <= set(extra):
        raise CorruptFile(
            f"{path}: extra holds {sorted(extra)}, expected 'speaker' and 'recording', by which "
            "recordings are held out"
        )
    part = np.full(len(whole), 2)  # 0 to test, 1 to train on, 2 left out
    groups = np.stack([whole.labels, extra["speaker"]])
    for group in np.unique(groups, axis=1).T:
        mine = np.flatnonzero((groups == group[:, None]).all(0))
        mine = mine[np.argsort(extra["recording"][mine], kind="stable")]
        part[mine[:5]] = 0
        part[mine[5:][:per_speaker]] = 1
    return whole.select(part == 1), whole.select(part == 0)


def samples(events: EventDataset) -> tuple[Samples, float]:
    """Spike counts of the first second with the recordings' lengths; the share that is cut off."""
    counts = torch.from_numpy(events.dense(STEP, dtype=np.uint8))
    ticks = events.clock.per(STEP)
    lengths = np.minimum(-(-events.durations // ticks), min(STEPS, len(counts)))
    total = int(counts.sum())
    cut = 1 - int(counts[:STEPS].sum()) / total if total else 0.0
    return Samples(counts[:STEPS], torch.tensor(events.labels), torch.tensor(lengths)), cut


def another_voice(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every recording moved by up to 1 % of the channels, as if by someone else's throat."""
    steps, batch, channels = x.shape
    most = max(1, round(0.01 * channels))
    shift = torch.randint(-most, most + 1, (batch,), generator=generator)
    channel = torch.arange(channels)[None] - shift[:, None]
    inside = (channel >= 0) & (channel < channels)
    moved = x.gather(2, channel.clamp(0, channels - 1)[None].expand(steps, batch, channels))
    return moved * inside[None]


def baseline(train: EventDataset, test: EventDataset) -> float:
    """Test accuracy of a logistic regression on the spike count (root) of every channel."""
    linear = require("sklearn.linear_model", "data")
    longest = Clock(float(max(train.durations.max(), test.durations.max())) * train.clock.dt)
    x, y = (np.sqrt(part.dense(longest)[0]) for part in (train, test))
    mean, spread = x.mean(0), x.std(0) + 1e-6
    model = linear.LogisticRegression(C=0.1, max_iter=2000)
    model.fit((x - mean) / spread, train.labels)
    return accuracy(model.predict((y - mean) / spread), test.labels)


def _voice():
    """`words` of voice.py, which lies beside this file wherever the recipe is run from."""
    import runpy

    return runpy.run_path(str(find("spoken_digits").folder / "voice.py"))["words"]


if __name__ == "__main__":
    typer.run(main)
