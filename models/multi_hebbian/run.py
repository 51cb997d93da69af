"""One Hebbian network that retrieves several patterns at once, and learns them from examples.

    neuro run multi_hebbian            or      python models/multi_hebbian/run.py

Patterns with blank entries -> Hebbian couplings -> Glauber dynamics from a cue of the first pattern
-> amplitudes of all patterns over the share of blanks; then the same from noisy examples of the
patterns, with a teacher and without.
"""

import time
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from neuro.metrics import hierarchical_amplitudes, mattis
from neuro.plot import style
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.rules import hebb_memory

SOURCE = (
    "Agliari, Alessandrelli, Barra & Ricci-Tersenghi 2023, arXiv 2308.04106: amplitudes fall as a "
    "power law, here (1 - d) d^(k - 1), the second at d = 0.4"
)
UNITS, PATTERNS, TEMPERATURE = 5000, 3, 0.01
DILUTION = (0.0, 0.2, 0.4, 0.55, 0.6, 0.7, 0.8, 0.9)
MANY = 5, 0.6  # patterns, dilution: beyond the border of stability
QUALITY, EXAMPLE_DILUTION = 0.3, 0.3
EXAMPLES = (1, 5, 20, 100, 400)


def cue(pattern: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """A pattern whose blank entries take random signs."""
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], pattern.shape)
    return np.where(pattern == 0, signs, pattern)


def amplitudes(dilution: float, count: int, seed: int, units: int) -> NDArray[np.float64]:
    """Amplitudes [count] of all patterns, largest first, after a cue of the first.

    Which of the others comes second, and with which sign, is left to chance.
    """
    patterns = hebb_memory.diluted_patterns(count, units, dilution, seed=seed)
    state = hebb_memory.retrieve(
        patterns, cue(patterns[0], seed + 1), temperature=TEMPERATURE, block=units // 100,
        seed=seed + 2,
    )  # fmt: skip
    return np.sort(np.abs(mattis(state, patterns)))[::-1]


def from_examples(each: int, supervised: bool, seed: int, units: int) -> float:
    """Amplitude of the first pattern, never seen itself, when only examples were stored."""
    patterns = hebb_memory.diluted_patterns(PATTERNS, units, EXAMPLE_DILUTION, seed=seed)
    examples = hebb_memory.noisy_examples(patterns, each, QUALITY, seed=seed + 1)
    # Mean square of an example's mean: with it, J is as large as that of the patterns.
    scale = np.sqrt(QUALITY**2 + (1 - QUALITY**2) / each)
    factors = hebb_memory.from_examples(examples, supervised=supervised) / scale
    state = hebb_memory.retrieve(
        factors, cue(patterns[0], seed + 2), temperature=TEMPERATURE, sweeps=30,
        block=units // 100, seed=seed + 3,
    )  # fmt: skip
    return float(abs(mattis(state, patterns)[0]))


def spread(m: NDArray[np.float64]) -> float:
    """(first - last) / mean: small when patterns are retrieved in parallel."""
    return float((m[0] - m[-1]) / m.mean())


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Does one network of Hebbian couplings retrieve several patterns at once?"""
    out, start = out or Path("runs/multi_hebbian"), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    seeds = [5 * seed + k for k in range(2 if quick else 5)]
    units = 2000 if quick else UNITS
    each = EXAMPLES[:4] if quick else EXAMPLES

    # 1. Amplitudes [seeds, patterns] over the share of blank entries.
    found = {
        d: np.array([amplitudes(d, PATTERNS, 1000 * one, units) for one in seeds]) for d in DILUTION
    }
    many = np.array([amplitudes(MANY[1], MANY[0], 1000 * one, units) for one in seeds])

    # 2. Learning from examples.
    learned = {
        how: {
            m: [from_examples(m, how == "supervised", 1000 * one + 500, units) for one in seeds]
            for m in each
        }
        for how in ("supervised", "unsupervised")
    }

    mean = {d: m.mean(0) for d, m in found.items()}
    off = {
        d: float(np.abs(m - hierarchical_amplitudes(d, PATTERNS)).max()) for d, m in mean.items()
    }
    second = found[0.4][:, 1]
    alike = [
        float(np.mean(learned["unsupervised"][m]) - np.mean(learned["supervised"][m])) for m in each
    ]
    results = {
        "value": float(second.mean()),
        "stderr": float(second.std(ddof=1) / np.sqrt(len(seeds))),
        "reference": float(hierarchical_amplitudes(0.4, PATTERNS)[1]),
        "source": SOURCE,
        "baseline": float(mean[0.0][1]),  # the same network with patterns without blanks
        "effect": float(second.mean() - mean[0.0][1]),
        "gate_hierarchical": max(off[d] for d in DILUTION if d <= 0.4) <= 0.03,
        "gate_parallel": spread(mean[0.8]) <= 0.6,
        "largest_difference": max(off[d] for d in DILUTION if d <= 0.4),
        "spread_0.8": spread(mean[0.8]),
        "amplitudes": {str(d): m.tolist() for d, m in mean.items()},
        "off_hierarchical": {str(d): o for d, o in off.items()},
        "spread": {str(d): spread(m) for d, m in mean.items()},
        "five_patterns": many.mean(0).tolist(),
        "first_amplitude_from_examples": {
            how: {str(m): float(np.mean(v)) for m, v in of.items()} for how, of in learned.items()
        },
        "entropy": {str(m): (1 - QUALITY**2) / (m * QUALITY**2) for m in each},
        "unsupervised_minus_supervised": dict(zip(map(str, each), alike, strict=True)),
        "by_seed": {
            "seeds": seeds, **{str(d): m.tolist() for d, m in found.items()}, "examples": learned
        },
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "multi_hebbian.png"),
    }  # fmt: skip
    draw(found, learned, out / "multi_hebbian.png")
    finish(results, out, as_json=as_json)


def draw(
    found: dict[float, NDArray[np.float64]], learned: dict[str, dict[int, list[float]]], path: Path
) -> None:
    """Amplitudes over dilution, one dot a seed; first amplitude over the number of examples."""
    figure = style.new_figure(style.WIDTH, 3.0)
    over, examples = figure.subplots(1, 2)
    grid = np.linspace(0, 1, 101)
    law = np.array([hierarchical_amplitudes(d, PATTERNS) for d in grid])
    for k, look in enumerate(style.SERIES[:PATTERNS]):
        over.plot(grid, law[:, k], look.line, color=look.color, lw=1)
        for d, m in found.items():
            label = f"rank {k + 1}" if d == 0 else None
            over.plot([d] * len(m), m[:, k], look.marker, color=look.color, ms=4, alpha=0.6,
                      label=label)  # fmt: skip
    border = (np.sqrt(5) - 1) / 2
    over.axvline(border, color=style.GREY, lw=0.8, ls=":")
    over.text(border + 0.01, 0.8, "limit of\nstability", fontsize=style.NOTE, color=style.GREY)
    over.set_xlabel("share of blank entries d", fontsize=style.LABEL)
    over.legend(fontsize=style.NOTE, frameon=False)
    style.finish(over, title="Three patterns at once", y="amplitude")
    for (how, of), look in zip(learned.items(), style.SERIES, strict=False):
        examples.semilogx(list(of), [np.mean(v) for v in of.values()], look.line, color=look.color)
        for k, (m, v) in enumerate(of.items()):
            examples.plot([m] * len(v), v, look.marker, color=look.color, ms=4, alpha=0.6,
                          label=None if k else how)  # fmt: skip
    examples.axhline(1 - EXAMPLE_DILUTION, color=style.GREY, lw=0.8, ls=":")
    examples.set_ylim(0, 0.75)
    examples.set_xlabel("examples of each pattern", fontsize=style.LABEL)
    examples.legend(fontsize=style.NOTE, frameon=False, loc="lower right")
    style.finish(examples, title="Learned from noisy examples", y="first amplitude")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    typer.run(main)
