"""The bars of benchmarks/simulate.png, and the table of the README."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COLOURS = {
    "neuro": "#1b6ca8", "brian2_cpp": "#d1495b", "brian2_cpp_openmp2": "#e58e9b",
    "brian2_cython": "#f0c0c7", "nest_1": "#8d8741", "nest_2": "#bdb76b",

}  # fmt: skip


def draw(result: dict[str, Any], path: Path) -> None:
    """Seconds of wall time for a second of biology, a group of bars for each network."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    axes = figure.subplots()
    shown: set[str] = set()
    for place, row in enumerate(result["networks"]):
        bars = {"neuro": row["ours"]["run_s"]} | {n: p["run_s"] for n, p in row["peers"].items()}
        for k, (name, seconds) in enumerate(bars.items()):
            label = None if name in shown else name
            shown.add(name)
            x = place + 0.13 * (k - (len(bars) - 1) / 2)
            axes.bar(x, seconds, 0.12, color=COLOURS.get(name, "#999999"), label=label)
    axes.axhline(1.0, color="black", linewidth=0.6, linestyle=":")
    axes.set_yscale("log")
    axes.set_ylabel("wall time for 1 s of biology (s)")
    names = [row["name"] for row in result["networks"]]
    axes.set_xticks(range(len(names)), names, rotation=20)
    axes.legend(fontsize=8, ncols=2)
    figure.savefig(path, dpi=130)


def markdown(result: dict[str, Any]) -> str:
    """Tables of wall times and of rates."""
    peers = list(dict.fromkeys(n for row in result["networks"] for n in row["peers"]))
    text = []
    for title, key, digits in (
        ("Seconds of wall time for one second of biology.", "run_s", ".3f"),
        ("Seconds to build.", "build_s", ".2f"),
        ("Seconds to compile, or to load what was compiled.", "compile_s", ".2f"),
        ("Peak memory, MB.", "peak_mb", ".0f"),
        ("Mean rate, Hz.", "rate_hz", ".2f"),
    ):
        last = ["best peer / neuro"] if key == "run_s" else []
        text += [title, "", "| network | neuro | " + " | ".join([*peers, *last]) + " |"]
        text.append("| --- |" + " ---: |" * (1 + len(peers) + len(last)))
        for row in result["networks"]:
            cells = [row["name"], format(row["ours"][key], digits)]
            cells += [
                format(row["peers"][n][key], digits) if n in row["peers"] else "" for n in peers
            ]
            if last:
                cells.append("" if row["ratio"] is None else f"{row['ratio']:.2f}")
            text.append("| " + " | ".join(cells) + " |")
        text.append("")
    return "\n".join(text)
