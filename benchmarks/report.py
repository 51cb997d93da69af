"""Ratios, tables and the picture of a result of `train.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from neuro.plot.style import GREY, HAIRLINE, INK, LABEL, NOTE, SERIES, finish, new_figure

Row = dict[str, Any]


def best_peer(row: Row) -> tuple[str, float] | None:
    """Name and milliseconds of the fastest peer."""
    return min(row["peers"].items(), key=lambda item: item[1]) if row["peers"] else None


def summary(rows: list[Row]) -> dict[str, float | None]:
    """The two headline figures; None where their workloads were not run.

    ratio_best_peer: smallest, over the first-layer workloads at 2 % density, of the best peer's
    time over ours. ratio_dense: ours over the dense products, 700->1000, B 128, T 100, 2 %.
    """
    ahead = [
        best[1] / row["ours_ms"]
        for row in rows
        if row["name"].startswith("fc-") and row["density"] == 0.02 and (best := best_peer(row))
    ]
    dense = [row["ours_ms"] / row["dense_ms"] for row in rows if row["name"] == "fc-b128-t100-2%"]
    return {
        "ratio_best_peer": min(ahead) if ahead else None,
        "ratio_dense": dense[0] if dense else None,
    }


def cells(row: Row, peers: list[str]) -> list[str]:
    """One line of the table of times."""
    best = best_peer(row)
    scan = row["scan_ms"]
    return [
        row["name"],
        _ms(row["ours_ms"]),
        _ms(row["dense_ms"]),
        *(_ms(row["peers"].get(name)) for name in peers),
        f"{row['ours_ms'] / row['dense_ms']:.2f}",
        "" if best is None else f"{best[1] / row['ours_ms']:.1f}",
        "" if scan is None else f"{scan / row['dense_ms']:.2f}",
        "" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}",
    ]


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _heading(peers: list[str]) -> list[str]:
    return [
        "workload", "neuro", "dense", *peers, "neuro / dense", "best peer / neuro",
        "scan / dense", "peak MB",
    ]  # fmt: skip


def _peers(result: Row) -> list[str]:
    return list(dict.fromkeys(name for row in result["workloads"] for name in row["peers"]))


def table(result: Row) -> Table:
    """Milliseconds and ratios, for the terminal."""
    peers = _peers(result)
    shown = Table(title="training step, ms" + (" (quick: no meaning)" * result["quick"]))
    for i, name in enumerate(_heading(peers)):
        shown.add_column(name, justify="right" if i else "left", no_wrap=not i)
    for row in result["workloads"]:
        shown.add_row(*cells(row, peers))
    return shown


def markdown(result: Row) -> str:
    """The tables of the README: times, memory, rates and versions."""
    peers, rows, machine = _peers(result), result["workloads"], result["machine"]
    parts = [
        f"{machine['cpu']}, {machine['threads']} threads, median of {result['rounds']} rounds, "
        "milliseconds.",
        _grid(_heading(peers), [cells(row, peers) for row in rows]),
    ]
    remembered = [row for row in rows if row["peers_peak_mb"]]
    if remembered:
        lines = [
            [row["name"], f"{row['peak_mb']:.0f}", f"{row['lean_peak_mb']:.0f}"]
            + [f"{row['peers_peak_mb'].get(name, float('nan')):.0f}" for name in peers]
            for row in remembered
        ]
        times = ", ".join(f"{row['name']} in {_ms(row['lean_ms'])} ms" for row in remembered)
        parts += [
            f'Peak memory of a step, MB. With `chunk="sqrt"` neuro takes {times}.',
            _grid(["workload", "neuro", 'neuro, chunk="sqrt"', *peers], lines),
        ]
    rates = [
        [row["name"], *(f"{100 * row['rate'][n]:.2f}" for n in ("ours", *peers))]
        for row in rows
        if set(peers) <= set(row["rate"])
    ]
    parts += [
        "Spikes of the last layer, per cent of units and steps.",
        _grid(["workload", "neuro", *peers], rates),
    ]
    modes = {
        name: dict.fromkeys(row["modes"][name] for row in rows if name in row["modes"])
        for name in peers
    }
    versions = [
        [
            name,
            ", ".join(f"{k} {v}" for k, v in result["versions"][name].items()),
            "; ".join(modes[name]),
        ]
        for name in peers
    ]
    parts.append(_grid(["peer", "versions", "fastest mode"], versions))
    return "\n\n".join(parts)


def _grid(heading: list[str], lines: list[list[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(heading) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [heading, rule, *lines])


def picture(result: Row, path: Path) -> None:
    """Times in units of the dense products (left), and peak memory (right)."""
    rows = result["workloads"]
    remembered = [row for row in rows if row["peers_peak_mb"]]
    figure = new_figure(9.5, 1.3 + 0.42 * max(len(rows), 4))
    if remembered:
        left, right = figure.subplots(1, 2, width_ratios=[2.1, 1])
        _memory(right, remembered[-1])
    else:
        left = figure.subplots()
    ours, theirs = SERIES[0], SERIES[1]
    longest = 1.0
    for y, row in enumerate(rows):
        dense, best = row["dense_ms"], best_peer(row)
        left.barh(y - 0.19, row["ours_ms"] / dense, 0.36, color=ours.color, label="neuro")
        text, x = "", row["ours_ms"] / dense
        if best is not None:
            left.barh(
                y + 0.19, best[1] / dense, 0.36, color="white", edgecolor=theirs.color,
                hatch=theirs.hatch, label="best peer",
            )  # fmt: skip
            _say(left, best[1] / dense, y + 0.19, f"{best[0]} {_ms(best[1])} ms")
            text = f", {best[1] / row['ours_ms']:.1f}x as fast"
            longest = max(longest, best[1] / dense)
        _say(left, x, y - 0.19, f"{_ms(row['ours_ms'])} ms{text}")
        longest = max(longest, x)
    left.axvline(1, color=INK, linewidth=1)
    left.set_yticks(range(len(rows)), [row["name"] for row in rows])
    left.set_xlim(0, longest * 1.45)
    left.set_ylim(len(rows) - 0.4, -0.9)
    left.annotate(
        "dense products alone", (1, -0.62), xytext=(4, 0), textcoords="offset points",
        fontsize=NOTE, color=INK, va="center",
    )  # fmt: skip
    left.xaxis.grid(color=HAIRLINE, linewidth=0.6)
    left.set_axisbelow(True)
    handles, labels = left.get_legend_handles_labels()
    seen = dict(zip(labels, handles, strict=True))
    left.legend(seen.values(), seen.keys(), fontsize=LABEL, frameon=False, loc="upper right")
    threads = result["machine"]["threads"]
    finish(
        left,
        title=f"Training step (forward and backward, {threads} threads)",
        x="time / time of the dense products alone",
    )
    figure.savefig(path, dpi=150)


def _memory(ax: Any, row: Row) -> None:
    chunked = 'neuro, chunk="sqrt"'
    peaks = {"neuro": row["peak_mb"], chunked: row["lean_peak_mb"], **row["peers_peak_mb"]}
    peaks = dict(sorted(peaks.items(), key=lambda item: item[1]))
    for y, (name, peak) in enumerate(peaks.items()):
        own = name in ("neuro", chunked)
        look = SERIES[0 if own else 1]
        ax.barh(
            y, peak, 0.6, color=look.color if own else "white", edgecolor=look.color,
            hatch="" if own else look.hatch,
        )  # fmt: skip
        _say(ax, peak, y, f"{peak:,.0f} MB")
    ax.set_yticks(range(len(peaks)), list(peaks))
    ax.set_xlim(0, max(peaks.values()) * 1.35)
    ax.invert_yaxis()
    ax.xaxis.grid(color=HAIRLINE, linewidth=0.6)
    ax.set_axisbelow(True)
    finish(ax, title=f"Memory, {row['name']}", x="peak of a step [MB]")
    ax.spines["left"].set_color(GREY)


def _say(ax: Any, x: float, y: float, text: str) -> None:
    ax.annotate(
        text, (x, y), xytext=(3, 0), textcoords="offset points", fontsize=NOTE, color=INK,
        va="center", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip
