"""Which way does it move? Events, weights on many delays, and what the delays are worth.

    neuro run motion_delays      or      python models/motion_delays/run.py

Textures without an edge to follow move in 12 directions at 2 speeds before an event camera. A
kernel over polarity, delay and place is trained by logistic regression to tell the 24 motions,
with 11, 3 and 1 delays. Then weights and delays are taken away from the trained kernel, and the
kernel becomes a spiking network whose synapses have the delays, simulated event by event.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from neuro import Clock, Events, ms, sim
from neuro.encode import EventCamera
from neuro.nn.motif import class_loss, pruning_curve, shortening_curve
from neuro.nn.motion import MotionDetector, decide
from neuro.plot import style
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.synthetic import motion_cloud

PAPER = "Grimaldi & Perrinet, Biological Cybernetics 117 (2023), doi 10.1007/s00422-023-00975-8"
STEP = Clock(1 * ms)
SPEEDS, DIRECTIONS = (0.5, 1.26), 12  # pixels a frame; the second ring is half a step further
CLASSES = len(SPEEDS) * DIRECTIONS
FIELD, FRAMES = 20, 36  # pixels, ticks of a clip
WHOLE, PERIOD = 32, 128  # size of the texture that a clip is cut from, so that it has no seam
CAMERA = EventCamera(threshold=0.32, clock=STEP)
DEPTHS = (11, 3, 1)  # delays
DEEPEST = DEPTHS[0]
PRUNED = 0.1  # share of the weights kept that a gate asks about
RATE, BATCH, WINDOW = 1e-2, 24, 3  # Adam with cosine; clips; ticks whose evidence is trained
LEAST_NONE, LEAST_THREE, MOST_PRUNED, LEAST_CUT = 0.35, 0.15, 0.08, 0.30  # gates


class Plan(NamedTuple):
    """How much work: clips of each class, training steps, and points of the two curves."""

    train: int
    test: int
    steps: int
    kept: tuple[float, ...]  # below 1
    short: tuple[int, ...]


FULL = Plan(10, 6, 300, (0.5, 0.25, 0.1, 0.05, 0.02, 0.01), (9, 7, 5, 3, 2, 1))
SMALL = Plan(5, 2, 60, (0.1,), (1,))


class Clips(NamedTuple):
    """What the camera saw."""

    x: Tensor  # 0 or 1, [T, clips, 2, FIELD, FIELD]
    label: Tensor  # int64 [clips]

    @property
    def density(self) -> float:
        """Share of voxels with an event."""
        return float(self.x.mean())


def velocity(label: int) -> tuple[float, float]:
    """Pixels a frame to the right and down."""
    ring, k = divmod(label, DIRECTIONS)
    angle = 2 * np.pi * (k + 0.5 * (ring % 2)) / DIRECTIONS
    return SPEEDS[ring] * float(np.cos(angle)), SPEEDS[ring] * float(np.sin(angle))


def clips(each: int, seed: int, part: int, *, natural: bool = False) -> Clips:
    """`each` clips of every class, every one of a texture of its own.

    Args:
        each: clips of a class.
        seed, part: of the textures; 0 for training, others for tests.
        natural: energy falls as 1 / f over about three octaves, as in photographs, rather than
            about one scale.
    """
    label = np.repeat(np.arange(CLASSES), each)
    scale = {"frequency": 0.05, "frequency_bandwidth": 0.35} if natural else {}
    videos = np.empty((len(label), FRAMES + 1, FIELD, FIELD))
    for i, k in enumerate(label):
        drawn = np.random.SeedSequence([seed, part, i]).generate_state(1)[0]
        cloud = motion_cloud(
            PERIOD, WHOLE, WHOLE, velocity=velocity(int(k)), speed_bandwidth=0.05,
            orientation_bandwidth=np.inf, seed=int(drawn),
            **({"frequency": 0.15, "frequency_bandwidth": 0.15} | scale),
        )  # fmt: skip
        videos[i] = np.exp(0.5 * cloud[: FRAMES + 1, :FIELD, :FIELD])
    seen = CAMERA.watch_batch(videos, np.arange(FRAMES + 1) * 1 * ms, seed=seed)
    grid = np.stack([events.dense() for events in seen], axis=1)
    return Clips(torch.from_numpy(np.minimum(grid, 1)), torch.from_numpy(label).long())


def fit(delays: int, data: Clips, seed: int, plan: Plan, progress: Progress) -> MotionDetector:
    """A kernel of so many delays, trained on short windows of randomly drawn clips.

    The voxels of a clip tell much the same, so a batch has many clips and few ticks of each. No
    cone: it would leave the kernel without delays a single pixel, and the comparison unfair.
    """
    layer = MotionDetector(CLASSES, delays, (9, 9), cone=False, seed=seed)
    optimizer = torch.optim.Adam(layer.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, plan.steps)
    random = torch.Generator().manual_seed(seed)
    length = WINDOW + delays - 1
    for _ in progress.track(range(plan.steps), description=f"seed {seed}, {delays} delays"):
        batch = torch.randperm(len(data.label), generator=random)[:BATCH]
        start = int(torch.randint(FRAMES - length + 1, (1,), generator=random))
        evidence = layer(data.x[start : start + length, batch])[0]
        loss = class_loss(evidence, data.label[batch], skip=delays - 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return layer


def correct(layer: MotionDetector, data: Clips) -> Tensor:
    """Which clips are told right, bool [clips].

    The first ticks, in which the deepest kernel looks back into silence, are left out for every
    kernel, so that all decide on the same ticks.
    """
    told = []
    with torch.no_grad():
        for batch in torch.arange(len(data.label)).split(16):
            evidence = layer(data.x[:, batch])[0][DEEPEST - 1 :]
            told.append(decide(evidence)[0] == data.label[batch])
    return torch.cat(told)


def accuracy(layer: MotionDetector, data: Clips) -> float:
    """Share of the clips that are told right."""
    return float(correct(layer, data).double().mean())


def differing(layer: MotionDetector, x: Tensor) -> dict[str, int]:
    """The layer against its network, which fires where the evidence is in the top 2 %.

    The threshold is a value that the evidence takes, so that ties are compared as well.

    Args:
        layer: any kernel; it is rounded to a binary grid on which sums are exact.
        x: events [T, clips, 2, H, W].
    """
    exact = layer.on_grid()
    with torch.no_grad():
        evidence = exact(x)[0]
    threshold = float(evidence.flatten().sort().values[int(0.98 * evidence.numel())])
    network = exact.network(STEP, (x.shape[3], x.shape[4]), threshold=threshold)
    found = {"differing": 0, "compared": 0, "spikes": 0, "synapses": 0}
    found["synapses"] = sum(network.synapse_count(s) for s in network.synapses)
    for clip in range(x.shape[1]):
        events = Events.from_dense(x[:, clip].numpy(), STEP)
        record = sim.run(network, len(x) * STEP.dt, inputs=events)
        spikes = record.array("out.spikes")[:, 0] > 0
        wanted = (evidence[:, clip] > threshold).numpy()
        found["differing"] += int((spikes != wanted).sum())
        found["compared"] += spikes.size
        found["spikes"] += int(spikes.sum())
    return found


class Result(NamedTuple):
    """Accuracies of one seed: by depth of the kernel, then what the deepest one loses."""

    depth: dict[int, float]
    speeds: dict[int, list[float]]  # the same for the clips of each speed
    pruned: list[tuple[float, float]]  # share of the weights kept, accuracy
    short: list[tuple[int, float]]  # shortest delays kept, accuracy
    natural: float
    density: float  # of events


def one_seed(
    seed: int, plan: Plan, progress: Progress
) -> tuple[Result, dict[str, int], MotionDetector]:
    """Clips, three kernels, and what the deepest one loses."""
    train, test = clips(plan.train, seed, 0), clips(plan.test, seed, 1)
    layers = {delays: fit(delays, train, seed, plan, progress) for delays in DEPTHS}
    told = {delays: correct(layer, test).double() for delays, layer in layers.items()}
    depth = {delays: float(right.mean()) for delays, right in told.items()}
    ring = test.label // DIRECTIONS
    speeds = {
        delays: [float(right[ring == r].mean()) for r in range(len(SPEEDS))]
        for delays, right in told.items()
    }
    deep = layers[DEEPEST]

    def score(layer: MotionDetector) -> float:
        return accuracy(layer, test)

    result = Result(
        depth,
        speeds,
        [(1.0, depth[DEEPEST]), *pruning_curve(deep, score, plan.kept)],
        [(DEEPEST, depth[DEEPEST]), *shortening_curve(deep, score, plan.short)],
        accuracy(deep, clips(plan.test // 2, seed, 2, natural=True)),
        train.density,
    )
    whole = differing(deep, test.x[:, ::53, :, :12, :12])
    pruned = differing(deep.pruned(PRUNED), test.x[:, 20:22])
    return result, {key: whole[key] + pruned[key] for key in whole}, deep


def draw(results: list[Result], layer: MotionDetector, path: Path) -> None:
    """A learned kernel over its delays; accuracy with fewer weights and with fewer delays."""
    figure = style.new_figure(style.WIDTH, 3.9)
    shown = range(0, DEEPEST, 2)
    grid = figure.add_gridspec(2, len(shown), height_ratios=[1, 2])
    off, on = layer.weight.detach()[0]
    limit = float((on - off).abs().flatten().sort().values[-3])  # the start's middle stands out
    for column, delay in enumerate(shown):
        axis = figure.add_subplot(grid[0, column])
        axis.imshow(on[delay] - off[delay], cmap=style.diverging(), vmin=-limit, vmax=limit)
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_title(f"{delay} ms ago", fontsize=style.NOTE)
    figure.suptitle(
        "Weights of ON minus OFF for 0.5 pixels per ms to the right", fontsize=style.LABEL
    )
    left, right = figure.add_subplot(grid[1, :3]), figure.add_subplot(grid[1, 3:])
    curves = ((left, "pruned", "share of the weights kept"), (right, "short", "delays kept"))
    for axis, field, name in curves:
        at = [k for k, _ in getattr(results[0], field)]
        values = np.array([[value for _, value in getattr(r, field)] for r in results])
        for own in values:
            axis.plot(at, own, color=style.FAINT, lw=1)
        axis.plot(at, values.mean(0), "o-", color=style.SERIES[0].color, ms=4, label="taken away")
        axis.axhline(1 / CLASSES, color=style.GREY, lw=0.8, ls=":")
        axis.set_ylim(0, 1)
        style.finish(axis, x=name, y="accuracy")
    left.set_xscale("log")
    depths = [np.mean([r.depth[d] for r in results]) for d in DEPTHS]
    look = style.SERIES[1]
    right.plot(DEPTHS, depths, "s--", color=look.color, ms=4, label="trained with so many")
    right.legend(fontsize=style.NOTE, frameon=False)
    figure.savefig(path, dpi=150)


def mean(values: list[float]) -> tuple[float, float | None]:
    """Mean, and standard error over the seeds; none of a single seed."""
    spread = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else None
    return float(np.mean(values)), None if spread is None else float(spread)


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Tell 24 motions of textures from their events, with many delays, few and none."""
    torch.set_num_threads(1)  # one result on every machine
    out, console, start = out or Path("runs/motion_delays"), Console(), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    plan = SMALL if quick else FULL
    results: list[Result] = []
    checks: list[dict[str, int]] = []
    layer: MotionDetector | None = None
    with Progress(console=console, transient=True) as progress:
        for one in [3 * seed + k for k in range(1 if quick else 3)]:
            result, check, kernel = one_seed(one, plan, progress)
            layer = layer or kernel
            results.append(result)
            checks.append(check)
            told = ", ".join(f"{d} delays {100 * a:.1f} %" for d, a in result.depth.items())
            progress.print(f"  seed {one}: {told}; {check['differing']} differing spikes")
    assert layer is not None
    draw(results, layer, out / "motion_delays.png")

    deep, few, none = ([r.depth[d] for r in results] for d in DEPTHS)
    pruned = [dict(r.pruned)[PRUNED] for r in results]
    cut = [dict(r.short)[1] for r in results]
    figures: dict[str, Any] = {"chance": 1 / CLASSES}
    for name, values in {
        "delays": deep,
        "three_delays": few,
        "no_delays": none,
        "pruned": pruned,
        "one_delay_kept": cut,
        "natural": [r.natural for r in results],
        "effect": list(np.subtract(deep, none)),
        "effect_three": list(np.subtract(deep, few)),
        "pruned_loss": list(np.subtract(deep, pruned)),
        "one_delay_kept_loss": list(np.subtract(deep, cut)),
    }.items():
        figures[name], figures[f"stderr_{name}"] = mean(values)
    results_json = {
        **figures,
        "paper": PAPER,
        "gate_no_delays": figures["effect"] >= LEAST_NONE,
        "gate_three_delays": figures["effect_three"] >= LEAST_THREE,
        "gate_pruned": figures["pruned_loss"] <= MOST_PRUNED,
        "gate_one_delay_kept": figures["one_delay_kept_loss"] >= LEAST_CUT,
        "speeds": SPEEDS,
        "by_speed": {str(d): np.mean([r.speeds[d] for r in results], 0).tolist() for d in DEPTHS},
        "pruning": _curve([r.pruned for r in results]),
        "shortening": _curve([r.short for r in results]),
        "differing_spikes": sum(c["differing"] for c in checks),
        "compared": sum(c["compared"] for c in checks),
        "spikes_compared": sum(c["spikes"] for c in checks),
        "synapses": checks[0]["synapses"],
        "density": float(np.mean([r.density for r in results])),
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "motion_delays.png"),
    }
    finish(results_json, out, as_json=as_json)


def _curve(curves: list[Any]) -> list[dict[str, Any]]:
    """Mean accuracy, its standard error and the seeds' own values at each point of a curve."""
    points = []
    for at in zip(*curves, strict=True):
        values = [value for _, value in at]
        average, spread = mean(values)
        points.append({"kept": at[0][0], "accuracy": average, "stderr": spread, "seeds": values})
    return points


if __name__ == "__main__":
    typer.run(main)
