"""Handwritten digits seen by an event camera, classified by a spiking network. The main job.

    neuro run digits            or      python models/digits/run.py

Events of scikit-learn's 1,797 digits (or N-MNIST with --data) -> training with surrogate
gradients -> test on writers never seen -> NIR file, read back and compared spike by spike ->
report.html.
"""

import shlex
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console

from neuro import LI, LIF, Clock, conv, feedforward, ms
from neuro.checkpoint import save_network
from neuro.data import digits, nmnist
from neuro.doctor import environment
from neuro.export import read_nir, write_nir
from neuro.metrics import SynapticOperations, accuracy, confusion_matrix, firing_rates, synops
from neuro.plot import Report, Sample, write_report
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.surrogate import ATan
from neuro.train import MembraneLoss, Module, RandomAffine, RateBand, Samples, run_all
from neuro.train.loop import Plan, fit


class Split(StrEnum):
    """Which digits are held out for testing."""

    writer = "writer"
    random = "random"


STEP = Clock(20 * ms)
LOSS = MembraneLoss("mean")
ABOUT = (
    "Handwritten digits, moved before a simulated event camera by three saccades, and classified "
    "by a spiking network trained with surrogate gradients."
)


def main(
    quick: Quick = False,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
    data: Annotated[Path | None, typer.Option(help="Folder or .zip of N-MNIST instead.")] = None,
    split: Annotated[
        Split, typer.Option(help="Test on unseen writers, or at random.")
    ] = Split.writer,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes through the data.")] = None,
    devices: Annotated[
        int | None,
        typer.Option(min=1, help="Processes or GPUs; by default those of torchrun, or one."),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with a run that was stopped.")] = False,
) -> None:
    """Train a spiking network on event-camera digits, test it, export it, show it."""
    out = out or Path("runs/digits")
    console = Console()

    # 1. Pictures -> events -> spike counts on the network's clock.
    console.print("[bold]1[/bold] events", highlight=False)
    train_events, test_events = (
        nmnist(data) if data else digits(split=split.value, cache=out / "events")
    )
    console.print(f"  {train_events!r}\n  {test_events!r}", highlight=False)
    train, test = (
        Samples(torch.from_numpy(events.dense(STEP)), torch.tensor(events.labels))
        for events in (train_events, test_events)
    )
    shuffled = torch.from_numpy(np.random.default_rng(seed).permutation(len(train)))
    held_back = len(train) // 14
    validation, train = train.select(shuffled[:held_back]), train.select(shuffled[held_back:])

    # 2. The network.
    channels = 12 if quick else 24
    network = feedforward(
        train_events.shape,
        conv(channels, kernel=5, stride=2, padding=2, gain=1.5, bias=True),
        LIF(tau_mem=60 * ms),
        conv(2 * channels, kernel=3, stride=2, padding=1, gain=2.0, bias=True),
        LIF(tau_mem=60 * ms),
        LI(len(train_events.classes), tau_mem=300 * ms),
        clock=STEP, seed=seed,
    )  # fmt: skip
    console.print(f"[bold]2[/bold] {network!r}", highlight=False)

    # 3. Training.
    console.print("[bold]3[/bold] training", highlight=False)
    module = Module(network, learn=["weight", "bias", "tau_mem"], surrogate=ATan(1.0))
    plan = Plan(
        epochs=epochs or (5 if quick else 25), batch_size=32, learning_rate=5e-3,
        rate_band=RateBand(low=0.01, high=0.5), seed=seed, devices=devices,
    )  # fmt: skip
    start = time.perf_counter()
    try:
        result = fit(
            module, train, validation, plan,
            folder=out / "training", loss=LOSS, augment=RandomAffine(), resume=resume,
        )  # fmt: skip
    except KeyboardInterrupt:
        console.print("Stopped. To go on from the last whole epoch, add --resume.")
        raise
    seconds_train = time.perf_counter() - start
    if not result.main:
        return  # a worker of a multi-process run
    trained = module.network()

    # 4. Test, with the spikes of every layer counted.
    console.print("[bold]4[/bold] test", highlight=False)
    layers = [f"{n}.spikes" for n, p in trained.populations.items() if p.emits == "spikes"]
    records = list(run_all(module, test, layers))
    predictions = torch.cat([LOSS.scores(record["out.v"]).argmax(1) for record in records]).numpy()
    counts = SynapticOperations.joined([synops(trained, record) for record in records])
    rates = {
        name.partition(".")[0]: firing_rates(
            np.concatenate([record.array(name) for record in records], axis=1), STEP
        )
        for name in layers
    }

    # 5. Export, read back, compare.
    console.print("[bold]5[/bold] export and read back", highlight=False)
    write_nir(trained, out / "network.nir")
    save_network(trained, out / "network.safetensors")
    again = run_all(Module(read_nir(out / "network.nir")), test, layers)
    pairs = [(a.array(n), b.array(n)) for a, b in zip(records, again, strict=True) for n in a]
    spikes_equal = all(np.array_equal(x, y) for x, y in pairs)
    difference = max(float(np.abs(x - y).max()) for x, y in pairs)

    # 6. Report.
    labels = test_events.labels
    results = {
        "test_accuracy": accuracy(predictions, labels),
        "validation_accuracy": result.history[result.epoch]["val_accuracy"],
        "seconds_train": round(seconds_train, 2),
        "epochs": len(result.history),
        "nir_spikes_equal": spikes_equal,
        "nir_max_abs_diff": difference,
        "synops_per_sample": counts.total.per_sample,
        "dense_synops_per_sample": counts.total.dense_per_sample,
        "split": "given" if data else split.value,
        "seed": seed,
        "report": str(out / "report.html"),
    }

    share = counts.total.per_sample / counts.total.dense_per_sample
    unseen_writers = data is None and split is Split.writer

    def example(right: bool) -> Sample | None:
        found = np.flatnonzero((predictions == labels) == right)
        if not len(found):
            return None
        i = int(found[0])
        wanted = [*layers, "hid1.v", "hid2.v"]
        (record,) = run_all(module, test.select(torch.tensor([i])), wanted)
        return Sample(
            record, int(labels[i]), int(predictions[i]), events=test_events[i][0],
            name=f"test sample {i}",
        )  # fmt: skip

    write_report(
        out / "report.html",
        Report(
            title="Digits seen by an event camera",
            about=ABOUT,
            summary={
                "Test accuracy": f"{100 * results['test_accuracy']:.1f} %",
                "Training": f"{seconds_train:.0f} s, {len(result.history)} epochs",
                "Test samples": f"{len(labels)}" + (", unseen writers" if unseen_writers else ""),
                "Synaptic operations": f"{counts.total.per_sample / 1e3:,.0f} k per sample",
                "of a dense network": f"{100 * share:.1f} %",
                "NIR read back": "spikes equal" if spikes_equal else "spikes DIFFER",
            },
            network=trained,
            history=result.history,
            confusion=confusion_matrix(predictions, labels, len(test_events.classes)),
            correct=example(right=True),
            wrong=example(right=False),
            rates=rates,
            synops=counts,
            environment=environment(),
            seed=seed,
            command=" ".join(["neuro run digits", *map(shlex.quote, sys.argv[1:])]),
            classes=test_events.classes,
        ),
    )
    finish(results, out, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
