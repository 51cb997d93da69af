"""Learned delays against fixed random ones and none, on spoken digits as spikes.

    neuro run shd_delays --train-file shd_train.h5 --test-file shd_test.h5

Files in the layout of SHD (or a folder of Speech Commands) -> layers whose connections each have a
weight and a delay, trained with delays smeared ever less -> accuracy with whole ticks, beside
networks of as many parameters with random delays and without -> simulation, NIR and back with the
same spikes. Without files, templates of spike times that rates cannot tell apart.
"""

import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import joblib
import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from neuro import LI, LIF, Clock, Network, feedforward, ms, sim
from neuro.build import dense
from neuro.data import EventDataset, gsc
from neuro.distributions import Uniform
from neuro.errors import InvalidValue
from neuro.export import check_delays, lowering, read_nir, write_nir
from neuro.formats.shd import read_shd, read_shd_extra
from neuro.metrics import accuracy
from neuro.nn import DelayKernel
from neuro.plot import delay_histogram, delay_kernels, delay_matrix, raster
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.surrogate import ATan
from neuro.synthetic import spike_templates
from neuro.train import MembraneLoss, Module, Samples, predict, run_all
from neuro.train.loop import Plan, fit

LOSS = MembraneLoss("softmax")
SHOWN = 6  # connections whose kernels are followed through the training
CHECKED = 100  # samples whose spikes are compared in every life


class Size(NamedTuple):
    """A network and its training; ticks are of `step` seconds."""

    channels: int  # inputs, each of several neighbouring channels of the recording
    hidden: tuple[int, ...]
    epochs: int
    step: float = 10 * ms
    steps: int = 100
    longest: int = 24  # ticks
    tau: float = 1.005  # ticks: nearly no memory but the delays
    dropout: float = 0.4
    batch: int = 256
    rate: float = 5e-3
    delay_rate: float = 0.1
    schedule: Literal["cosine", "one-cycle"] = "one-cycle"
    settle: float = 1.0  # share of the epochs after which delays are whole ticks


# Small ones for two cores; the others are those of Hammouamri et al. 2024.
SIZES = {
    "templates": Size(12, (24,), 25, steps=40, dropout=0.0, batch=64, delay_rate=0.3,
                      schedule="cosine", settle=0.75),
    "small": Size(35, (24, 24), 40, steps=60, dropout=0.0, batch=64, delay_rate=0.3,
                  schedule="cosine", settle=0.75),
    "shd": Size(140, (256, 256), 150),
    "ssc": Size(140, (512, 512), 60, longest=30, tau=1.5, dropout=0.25, batch=128),
    "gsc": Size(140, (512, 512, 512), 100, longest=30, tau=1.5, dropout=0.25, batch=128),
}  # fmt: skip
KINDS = ("learned", "random", "random_wide", "none", "none_slow")
SLOW = 10.0  # ticks: memory for a network that has no delays to remember by


class Trained(NamedTuple):
    """What one training gave."""

    accuracy: float
    parameters: int  # weights, delays, scales and biases that the network consists of
    network: Network
    before: Network
    smeared: float  # accuracy before the delays were rounded
    report: str
    kernels: NDArray[np.float64]  # of a few connections at every epoch
    main: bool = True


def main(
    quick: Quick = False,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
    train_file: Annotated[
        Path | None, typer.Option(help="SHD layout (.h5), or a folder of Speech Commands.")
    ] = None,
    test_file: Annotated[
        Path | None, typer.Option(help="SHD layout; without it, a part of the first is held out.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help=f"{', '.join(SIZES)}; 'small' by default.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=2, help="Trainings of each kind.")] = 5,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes through the data.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Trainings side by side.")] = None,
) -> None:
    """Train spiking networks with learned, random and no delays; simulate and export the first."""
    out, console, start = out or Path("runs/shd_delays"), Console(), time.perf_counter()
    if test_file is not None and train_file is None:
        raise InvalidValue("shd_delays: got --test-file alone; give --train-file as well")
    name = size or ("templates" if train_file is None else "small")
    if name not in SIZES:
        raise InvalidValue(f"shd_delays: --size {name!r} is none of {', '.join(SIZES)}")
    chosen = SIZES[name]
    if quick:
        torch.set_num_threads(1)  # layers are too small to share
        chosen, seeds = chosen._replace(hidden=chosen.hidden[:1], epochs=8), 2
    chosen = chosen._replace(epochs=epochs or chosen.epochs)
    train, test, split = recordings(train_file, test_file, 1000 if quick else 5000)
    console.print(f"{train!r}\n{test!r}\n{chosen}", highlight=False)
    (x, cut), y = counts(train, chosen), train.labels
    (x_test, cut_test), y_test = counts(test, chosen), test.labels

    tasks = [(kind, s) for s in range(seed, seed + seeds) for kind in KINDS]
    alone = torch.distributed.is_torchelastic_launched()  # then its processes share each training
    # to start other processes takes longer than a quick run
    jobs = 1 if alone or quick else jobs or min(os.cpu_count() or 1, len(tasks))
    done = joblib.Parallel(jobs, return_as="generator")(
        joblib.delayed(trained)(kind, s, chosen, x, y, x_test, y_test, out, jobs)
        for kind, s in tasks
    )
    found = dict(zip(tasks, track(done, "training", len(tasks), console=console), strict=True))
    if not all(t.main for t in found.values()):
        return  # a worker of a multi-process run
    last = found["learned", seed + seeds - 1]
    results: dict[str, Any] = compared(found, seed, seeds)
    results |= agreement(last.network, x_test[:, :CHECKED], out)
    results |= {
        "learned_smeared": float(np.mean([found["learned", s].smeared
                                           for s in range(seed, seed + seeds)])),
        "train_file": str(train_file or "made-up templates"),
        "test_file": str(test_file or split),
        "train_recordings": len(train), "test_recordings": len(test), "size": name,
        "share_of_spikes_cut": max(cut, cut_test),
        "epochs": chosen.epochs, "seeds": seeds, "seed": seed, "jobs": jobs,
        "seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip
    console.print(last.report, highlight=False)
    pictures(last, x_test[:, :1], Clock(chosen.step), out)
    finish(results, out, as_json=as_json)


def recordings(
    train_file: Path | None, test_file: Path | None, made_up: int
) -> tuple[EventDataset, EventDataset, str]:
    """The two sets, and where the second comes from if it is no file."""
    if train_file is None:
        # one set of templates, other recordings of them
        return spike_templates(made_up, seed=0), spike_templates(1000, seed=1), "made-up templates"
    if train_file.is_dir():
        return *(part.load() for part in gsc(train_file, held_out="test")), "official list"
    whole = read_shd(train_file)
    if test_file is not None:
        return whole, read_shd(test_file), ""
    extra = read_shd_extra(train_file)
    if "recording" in extra:
        # of each speaker and digit the fifth with the lowest numbers
        groups = np.stack([whole.labels, extra["speaker"]])
        held = np.zeros(len(whole), bool)
        for group in np.unique(groups, axis=1).T:
            mine = np.flatnonzero((groups == group[:, None]).all(0))
            order = mine[np.argsort(extra["recording"][mine], kind="stable")]
            held[order[: len(order) // 5]] = True
        return whole.select(~held), whole.select(held), "held out: the lowest recording numbers"
    held = np.random.default_rng(0).permutation(len(whole)) < len(whole) // 5
    return whole.select(~held), whole.select(held), "held out: a random fifth"


def counts(events: EventDataset, size: Size) -> tuple[NDArray[np.uint8], float]:
    """Spikes of each step and of neighbouring channels together, [T, N, channels]; and the share
    of all spikes that come after the last step."""
    units = int(np.prod(events.shape))
    if units % size.channels:
        raise InvalidValue(
            f"shd_delays: {units} channels cannot be shared among {size.channels} inputs alike"
        )
    clock = Clock(size.step)
    x = np.zeros((size.steps, len(events), size.channels), np.uint8)
    for first in range(0, len(events), 500):  # all channels of all recordings would be gigabytes
        part = events.select(np.arange(first, min(first + 500, len(events))))
        bins = part.dense(clock, dtype=np.uint8)[: size.steps]
        bins = bins.reshape(*bins.shape[:2], size.channels, -1).sum(3, dtype=np.uint16)
        if bins.max(initial=0) > 255:
            raise InvalidValue(
                f"shd_delays: {bins.max()} spikes in one step of one input, expected at most 255"
            )
        x[: len(bins), first : first + len(part)] = bins
    return x, 1 - int(x.sum(dtype=np.int64)) / max(1, int(events.counts.sum()))


def network_of(kind: str, size: Size, classes: int, seed: int) -> Network:
    """Layers in a row. `learned` and `random` are alike; `random_wide` has as many weights that
    are trained as `learned` has weights and delays; `none` has as many weights and no delay, and
    `none_slow` long time constants as well."""
    hidden = size.hidden if kind in ("learned", "random") else wider(size, classes)
    delay = 0.0 if kind.startswith("none") else Uniform(0.0, size.longest * size.step)
    steps = SLOW if kind == "none_slow" else size.tau
    tau = -size.step / np.log1p(-1 / steps)  # v loses a share 1 / steps in each step
    layers: list[Any] = []
    for width in hidden:
        layers += [dense(gain=2**0.5, delay=delay), LIF(width, tau_mem=tau)]
    layers += [dense(gain=2**0.5, delay=delay), LI(classes, tau_mem=tau)]
    return feedforward(size.channels, *layers, clock=Clock(size.step), seed=seed)


def wider(size: Size, classes: int) -> tuple[int, ...]:
    """Widths, all scaled alike, that bring twice the weights."""

    def weights(hidden: tuple[int, ...]) -> int:
        widths = (size.channels, *hidden, classes)
        return sum(a * b for a, b in pairwise(widths))

    options = [tuple(round(h * k / 100) for h in size.hidden) for k in range(100, 201)]
    return min(options, key=lambda hidden: abs(weights(hidden) - 2 * weights(size.hidden)))


class Watched(Module):
    """A module that notes the kernels of a few connections at every epoch."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.noted: list[NDArray[np.float64]] = []

    def anneal(self, done: float) -> None:
        super().anneal(done)
        if not self.delays:
            return
        path = next(iter(self.delays.values()))
        with torch.no_grad():
            first, shares = path.each.taps()
        kernels = np.zeros((SHOWN, path.longest + 1))
        for i, s in enumerate(np.linspace(0, len(first) - 1, SHOWN).astype(int)):
            kernels[i, first[s] : first[s] + shares.shape[1]] = shares[s]
        self.noted.append(kernels)


def trained(
    kind: str, seed: int, size: Size, x: NDArray[np.uint8], y: NDArray[np.int64],
    x_test: NDArray[np.uint8], y_test: NDArray[np.int64], out: Path, jobs: int,
) -> Trained:  # fmt: skip
    """One training, and its accuracy on the test set."""
    if jobs > 1:
        torch.set_num_threads(1)
    classes = int(max(y.max(), y_test.max())) + 1
    before = network_of(kind, size, classes, seed)
    learned = kind == "learned"
    torch.manual_seed(seed)
    module = Watched(
        before, learn=["weight", "delay"] if learned else ["weight"], surrogate=ATan(5.0),
        delays=DelayKernel("gauss", settle=size.settle), normalise=True, dropout=size.dropout,
        max_delay=size.longest * size.step if learned else None,
    )  # fmt: skip
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(y)))
    both, test = (Samples(torch.tensor(a), torch.tensor(b, dtype=torch.long))
                  for a, b in ((x, y), (x_test, y_test)))  # fmt: skip
    part = len(order) // 20
    plan = Plan(
        epochs=size.epochs, batch_size=size.batch, learning_rate=size.rate,
        delay_rate=size.delay_rate, schedule=size.schedule, weight_decay=1e-5, seed=seed,
    )  # fmt: skip
    result = fit(
        module, both.select(order[part:]), both.select(order[:part]), plan,
        folder=out / "training" / f"{kind}-{seed}", loss=LOSS, progress=jobs == 1,
    )  # fmt: skip
    parameters = sum(p.numel() for p in (*module.arrays.values(), *module.norms.parameters()))
    parameters += sum(p.numel() for p in module.delays.parameters())
    network, report = module.on_grid()
    score = accuracy(predict(module, test, LOSS), y_test)
    smeared = score
    if learned:
        module.eval()
        module.delays.train()  # everything as in evaluation but for the delays
        with torch.no_grad():
            scores = [LOSS.scores(module(test.batch(part)[0])[0]["out.v"]).argmax(1)
                      for part in torch.arange(len(test)).split(256)]  # fmt: skip
        smeared = accuracy(torch.cat(scores).numpy(), y_test)
    return Trained(score, parameters, network, before, smeared, str(report),
                   np.array(module.noted), result.main)  # fmt: skip


def compared(found: dict[tuple[str, int], Trained], seed: int, seeds: int) -> dict[str, Any]:
    """Mean accuracies with their standard errors, and the gaps seed by seed."""
    each = {kind: np.array([found[kind, s].accuracy for s in range(seed, seed + seeds)])
            for kind in KINDS}  # fmt: skip

    def error(values: NDArray[np.float64]) -> float:
        return float(values.std(ddof=1) / np.sqrt(len(values)))

    gaps = {}
    for a, b in (("learned", "random"), ("random", "none"), ("learned", "none"),
                 ("learned", "random_wide"), ("learned", "none_slow")):  # fmt: skip
        gap = each[a] - each[b]
        gaps[f"{a}-{b}"] = {"mean": float(gap.mean()), "stderr": error(gap)}
    return {
        **{kind: float(values.mean()) for kind, values in each.items()},
        "stderr": {kind: error(values) for kind, values in each.items()},
        "gaps": gaps,
        "each": {kind: values.tolist() for kind, values in each.items()},
        "parameters": {kind: found[kind, seed].parameters for kind in KINDS},
    }


def agreement(network: Network, x: NDArray[np.uint8], out: Path) -> dict[str, Any]:
    """Spikes that differ between evaluation, simulation, and the NIR file read back."""
    write_nir(network, out / "network.nir")
    hidden = [f"{n}.spikes" for n, p in network.neurons().items() if p.emits == "spikes"]
    samples = Samples(torch.from_numpy(x), torch.zeros(x.shape[1], dtype=torch.long))

    def evaluated(net: Network) -> dict[str, NDArray[Any]]:
        records = list(run_all(Module(net), samples, hidden))
        return {n: np.concatenate([r.array(n) for r in records], 1) for n in hidden}

    ours, back = evaluated(network), evaluated(read_nir(out / "network.nir"))
    simulated = {n: np.zeros_like(ours[n]) for n in hidden}
    for i in range(x.shape[1]):
        record = sim.run(network, len(x) * network.clock.dt, inputs={"in": x[:, i]}, record=hidden)
        for n in hidden:
            (events,) = record[n]
            np.add.at(simulated[n][:, i], (events.t, events.unit), 1)
    differ = {"simulation": simulated, "nir": back}
    return {
        "differing_spikes": {
            life: int(sum((ours[n] != other[n]).sum() for n in hidden))
            for life, other in differ.items()
        },
        "spikes_compared": int(sum(v.sum() for v in ours.values())),
        "nir_branches": lowering(network).branches,
        "loihi_violations": len(check_delays(network, "loihi")),
    }


def pictures(last: Trained, x: NDArray[np.uint8], clock: Clock, out: Path) -> None:
    """Delays before and after, kernels over the training, and rasters before and after."""
    name = last.network.synapses[0].name
    delay_histogram(last.network, last.before).savefig(out / "delays.png")
    delay_matrix(last.network, synapse=name).savefig(out / "matrix.png")
    delay_kernels(last.kernels, clock=clock).savefig(out / "kernels.png")
    hidden = [n for n, p in last.network.neurons().items() if p.emits == "spikes"]
    for when, network in (("before", last.before), ("after", last.network)):
        record = sim.run(network, len(x) * clock.dt, inputs={"in": x[:, 0]},
                         record=[f"{n}.spikes" for n in hidden])  # fmt: skip
        raster(record[f"{hidden[-1]}.spikes"][0], title=f"{hidden[-1]}, {when} training").savefig(
            out / f"raster_{when}.png"
        )


if __name__ == "__main__":
    typer.run(main)
