"""A worm in two halves: the circuit that swims, and the connectome that feels a touch.

    neuro run worm                   or      python models/worm/run.py
    neuro run worm --data FOLDER     with herm_full_edgelist.csv or aconnectome_white_1986_whole.csv

NCAP, four parameters and no training, drives a body in a viscous fluid in a closed loop, with
graded units and with populations of LIF neurons; random controllers and ablated circuits are the
baselines. Then a LIF network on a connectome: how strong must a synapse be for touch to recruit
inter and motor neurons, in the worm's wiring and in wirings of the same degrees?
"""

import runpy
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from neuro.data.connectome import Connectome, read_connectome
from neuro.data.synthetic_worm import synthetic_connectome
from neuro.errors import InvalidValue
from neuro.recipe import Json, Out, Quick, Seed, finish

PAPER = "Bhattasali, Zador & Engel 2022, arXiv 2201.05242"
CONNECTOMES = "White et al. 1986; Cook et al. 2019"
FILES = {"cook_2019": "herm_full_edgelist.csv", "white_1986": "aconnectome_white_1986_whole.csv"}
SECONDS, DROPPED = 30.0, 5.0  # of a swim, and how many at its start do not count
LEAST_OVER_MLP, MOST_ABLATED, LEAST_SPIKING = 2.0, 0.02, 0.7  # gates
FIRST = 12  # responding cells that are listed
PILOT = 20_000  # seeds below it served to set the recipe up

Array = NDArray[np.float64]
Control = Callable[[Array, int], Array]


@cache
def part(name: str) -> Any:
    """Another file of this recipe, loaded once."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name(f"{name}.py"))))


def swim(control: Control, n: int = 1) -> Array:
    """Path of the body's middle [steps + 1, n, 2] under torques control(bends [n, 5], step)."""
    body_of = part("swimmer")
    body, path = body_of.rest(n), []
    for step in range(round(SECONDS / body_of.DT)):
        path.append(body_of.middle(body))
        body = body_of.step(body, control(body_of.proprioception(body), step))
    return np.array([*path, body_of.middle(body)])


def displacement(path: Array) -> Array:
    """Body lengths between the end of what is dropped and the end, [n]."""
    return np.linalg.norm(path[-1] - path[round(DROPPED / part("swimmer").DT)], axis=1)


def circuits() -> dict[str, Any]:
    """NCAP and what is left of it without one of its parts."""
    weights = part("ncap").Weights
    return {
        "ncap": weights(),
        "no_proprioception": weights(prop=0.0),
        "all_excitatory": weights(contra=1.0),
    }


def graded(weights: Any) -> Array:
    """Path of a swim of the graded circuit."""
    return swim(lambda q, step: part("ncap").graded(q, step, weights))


def spiking(weights: Any, seed: int) -> tuple[Array, float]:
    """Path of a swim of the spiking circuit, and the mean rate of its muscle cells in Hz."""
    ncap, cells = part("ncap"), part("spiking")
    dt = part("swimmer").DT
    control = cells.Swim(weights.ipsi, weights.contra, seed=seed, dt=dt)
    path = swim(lambda q, step: control.torque(ncap.drive(q, step, weights)[0])[None])
    units = np.prod(control.simulation.network.populations["muscle"].units)
    return path, float(control.spikes / units / (control.steps * dt))


def connectomes(folder: Path | None, seed: int) -> dict[str, Connectome]:
    """Those whose files lie in the folder, or a synthetic one.

    Raises:
        InvalidValue: the folder has none of the files.
    """
    if folder is None:
        return {"synthetic": synthetic_connectome(seed)}
    found = {n: folder / f for n, f in FILES.items() if (folder / f).is_file()}
    if not found:
        raise InvalidValue(f"--data {folder}: expected one of {', '.join(FILES.values())} in it")
    return {name: read_connectome(path) for name, path in found.items()}


def main(
    quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False,
    data: Annotated[Path | None, typer.Option("--data", help="Folder with connectomes.")] = None,
) -> None:  # fmt: skip
    """Does an untrained worm's circuit swim, and does touch pass through its connectome?"""
    out, console, start = out or Path("runs/worm"), Console(), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    ncap, touch = part("ncap"), part("touch")
    first = PILOT + 1000 * seed
    trials, mlps = (1, 50) if quick else (3, 300)
    touches, shuffles = (2, 4) if quick else (3, 20)
    worms = connectomes(data, first)

    # 1. The swimmer: graded, random, spiking.
    paths = {name: graded(weights) for name, weights in circuits().items()}
    moved = {name: float(displacement(path)[0]) for name, path in paths.items()}
    draw = np.random.default_rng(first)
    noise = displacement(swim(lambda q, _: draw.uniform(-1, 1, q.shape), 20))
    random_mlps = ncap.MLP.random(mlps, first)
    mlp = displacement(swim(random_mlps, mlps))
    spikes: dict[str, list[float]] = {}
    rates: list[float] = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("spiking swims", total=trials * len(circuits()))
        for name, weights in circuits().items():
            for k in range(trials):
                path, rate = spiking(weights, first + k)
                spikes.setdefault(name, []).append(float(displacement(path)[0]))
                if name == "ncap":
                    rates.append(rate)
                    paths["ncap_spiking"] = path
                progress.advance(task)

        # 2. The connectome and its shuffles under touch.
        seeds = [first + k for k in range(touches)]
        task = progress.add_task("touch", total=len(worms) * len(touch.TOUCH) * (1 + shuffles))
        scans: dict[str, dict[str, list[Any]]] = {}
        for name, worm in worms.items():
            for k in range(1 + shuffles):
                wired = worm.shuffled(first + k) if k else worm
                for where in touch.TOUCH:
                    one = touch.scan(wired, where, seeds)
                    scans.setdefault(name, {}).setdefault(where, []).append(one)
                    progress.advance(task)

    # 3. Results.
    over_mlp = moved["ncap"] / float(mlp.mean())
    kept = float(np.mean(spikes["ncap"])) / moved["ncap"]
    ablated = [
        d for name in circuits() if name != "ncap" for d in (moved[name], *spikes[name])
    ]  # fmt: skip
    results: dict[str, Any] = {
        "value": moved["ncap"],
        "baseline": float(mlp.mean()),
        "reference": LEAST_OVER_MLP * float(mlp.mean()),
        "source": f"{PAPER} (circuit); {CONNECTOMES} (connectomes)",
        "compares": "body lengths that untrained NCAP swims in 25 s, and twice those of the mean "
        "random MLP, which it must reach",
        "gate_over_mlp": over_mlp >= LEAST_OVER_MLP,
        "gate_ablated": max(ablated) <= MOST_ABLATED,
        "gate_spiking": kept >= LEAST_SPIKING,
        "times_mlp": over_mlp,
        "spiking": float(np.mean(spikes["ncap"])),
        "spiking_over_graded": kept,
        "spiking_rate_hz": float(np.mean(rates)),
        "no_proprioception": moved["no_proprioception"],
        "all_excitatory": moved["all_excitatory"],
        "random_torque": float(noise.mean()),
        "mlp_max": float(mlp.max()),
        "mlps_better_than_ncap": float((mlp > moved["ncap"]).mean()),
        "mlp_parameters": random_mlps.parameters,
        "touch": {n: {w: _recruited(s) for w, s in by.items()} for n, by in scans.items()},
        "weights": list(touch.WEIGHTS),
        "by_seed": {"seeds": [first + k for k in range(trials)], "spiking": spikes},
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "worm.png"),
    }
    shown = out / "worm.png"
    part("figure").draw(paths, mlp, moved["ncap"], touch.WEIGHTS, scans, SECONDS, shown)
    finish(results, out, as_json=as_json)


def _recruited(scans: list[Any]) -> dict[str, Any]:
    """Of a wiring and its shuffles: the weights that recruit, and how rare the real one's is."""
    real, others = scans[0], [s.weight for s in scans[1:]]
    listed = [w if np.isfinite(w) else None for w in others]
    return {
        "weight": real.weight if np.isfinite(real.weight) else None,
        "shuffled_median": float(np.median(others)) if np.isfinite(np.median(others)) else None,
        # Chance of a shuffle that is recruited as easily, the real wiring among the draws.
        "p": (1 + sum(w <= real.weight for w in others)) / (1 + len(others)),
        "shuffled": listed,
        "share": real.share,
        "shuffled_share": [float(s) for s in np.mean([s.share for s in scans[1:]], axis=0)],
        "first": real.first[:FIRST],
    }


if __name__ == "__main__":
    typer.run(main)
