"""`neuro events`: what an event file holds, and files converted, cut, drawn and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from neuro import recipe
from neuro.errors import InvalidValue
from neuro.events import Events

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Event files: look into them, convert, cut and draw them.",
)

File = Annotated[Path, typer.Argument(help="Event file of any format that neuro reads.")]
Format = Annotated[
    str | None, typer.Option("--format", help="Its format; by default found by content.")
]
Sensor = Annotated[
    str | None,
    typer.Option("--sensor", help="Shape of the sensor, where the file does not say: 2,180,240."),
]
Keep = Annotated[
    bool, typer.Option("--keep", help="Keep what can be read of a damaged file, and say what not.")
]
Sort = Annotated[bool, typer.Option("--sort", help="Bring events in order of time.")]
Rebase = Annotated[bool, typer.Option("--rebase", help="Count time from the first event.")]
Sample = Annotated[
    int, typer.Option("--sample", min=0, help="Number of the recording, if the file holds several.")
]


@app.command("formats")
def list_formats(as_json: recipe.Json = False) -> None:
    """List the formats that neuro reads and writes."""
    from neuro.formats import formats

    rows = [
        {"name": f.name, "title": f.title, "suffixes": list(f.suffixes), "writable": f.writable}
        for f in formats()
    ]
    if as_json:
        print(json.dumps({"formats": rows}))
        return
    table = Table("format", "title", "endings", "written")
    for f in formats():
        table.add_row(f.name, f.title, " ".join(f.suffixes), "yes" if f.writable else "")
    Console().print(table)


@app.command("info")
def info(
    file: File,
    format: Format = None,
    sensor: Sensor = None,
    keep: Keep = False,
    sort: Sort = False,
    sample: Sample = 0,
    as_json: recipe.Json = False,
) -> None:
    """Say what an event file holds."""
    facts = event_facts(file, format, sensor, keep, sort, sample)
    if as_json:
        print(json.dumps(facts))
        return
    table = Table(title=str(file), show_header=False, title_justify="left")
    for name, value in facts.items():
        table.add_row(name, str(value))
    Console().print(table)


@app.command("convert")
def convert(
    file: File,
    out: Annotated[Path, typer.Argument(help="New file; its ending says the format.")],
    format: Format = None,
    to: Annotated[str | None, typer.Option("--to", help="Format of the new file.")] = None,
    sensor: Sensor = None,
    keep: Keep = False,
    sort: Sort = False,
    rebase: Rebase = False,
    sample: Sample = 0,
) -> None:
    """Write the events of a file in another format."""
    _write(out, _read(file, format, sensor, keep, sort, rebase, sample), to)


@app.command("slice")
def cut(
    file: File,
    out: Annotated[Path, typer.Argument(help="New file; its ending says the format.")],
    start: Annotated[float, typer.Option("--start", min=0, help="Seconds of the recording.")] = 0,
    stop: Annotated[
        float | None, typer.Option("--stop", min=0, help="Seconds; by default the end.")
    ] = None,
    format: Format = None,
    to: Annotated[str | None, typer.Option("--to", help="Format of the new file.")] = None,
    sensor: Sensor = None,
    keep: Keep = False,
    sort: Sort = False,
    sample: Sample = 0,
) -> None:
    """Write the events from START to STOP, with time counted from START."""
    events = _read(file, format, sensor, keep, sort, True, sample)
    first = int(events.clock.ticks(start, what="--start"))
    last = events.duration
    if stop is not None:
        last = min(last, int(events.clock.ticks(stop, what="--stop")))
    if first > last:
        raise InvalidValue(
            f"neuro events slice: --start {start:g} s lies after the end of the part, "
            f"{float(events.clock.seconds(last)):g} s"
        )
    _write(out, events.slice(first, last), to)


@app.command("plot")
def plot(
    file: File,
    out: Annotated[Path, typer.Argument(help="Picture (.png, .pdf, .svg) or video (.gif, .mp4).")],
    kind: Annotated[
        str, typer.Option("--kind", help="strip, cloud or raster; by default as suits the sensor.")
    ] = "",
    format: Format = None,
    sensor: Sensor = None,
    keep: Keep = False,
    sort: Sort = False,
    sample: Sample = 0,
) -> None:
    """Draw the events: a filmstrip, a space-time cloud, a raster or a video."""
    from neuro import plot as pictures

    events = _read(file, format, sensor, keep, sort, True, sample)
    camera = len(events.shape) == 3
    if out.suffix.lower() in (".gif", ".mp4"):
        pictures.event_video(events, out)
        return
    chosen = kind or ("strip" if camera else "raster")
    if chosen == "strip":
        figure = pictures.event_strip(events, title=file.name)
    elif chosen == "cloud":
        figure = pictures.event_cloud(events, title=file.name)
    elif chosen == "raster":
        figure = pictures.raster(events, title=file.name)
    else:
        raise InvalidValue(
            f"neuro events plot --kind: got {kind!r}, expected 'strip', 'cloud' or 'raster'"
        )
    figure.savefig(out)


@app.command("selftest")
def selftest(
    recordings: Annotated[int, typer.Option("--recordings", min=1, help="For each format.")] = 20,
    seed: recipe.Seed = 0,
    as_json: recipe.Json = False,
) -> None:
    """Write and read back every format, run every transform, and count what was lost or altered."""
    from neuro.events_check import check_formats, check_transforms

    results = check_formats(recordings=recordings, seed=seed)
    clean = check_transforms(seed=seed)
    altered = sorted(name for name, same in clean.items() if not same)
    facts = {
        "formats": len(results),
        "events_written": sum(r.written for r in results),
        "events_lost": sum(r.lost for r in results),
        "transforms": len(clean),
        "mutations": len(altered),
    }
    if as_json:
        print(json.dumps(facts))
    else:
        table = Table("format", "events written", "lost")
        for r in results:
            table.add_row(r.name, f"{r.written:,}", f"{r.lost:,}")
        Console().print(table)
        Console().print(
            f"{len(clean)} transforms, {len(altered)} altered their input {altered or ''}"
        )
    if facts["events_lost"] or altered:
        raise typer.Exit(1)


def event_facts(
    file: Path,
    format: str | None = None,
    sensor: str | None = None,
    keep: bool = False,
    sort: bool = False,
    sample: int = 0,
) -> dict[str, Any]:
    """Format, sensor, number and times of the events of a file, and what it says about itself."""
    from neuro.formats import read_recording

    found = read_recording(
        file, format=format, sensor=_shape(sensor), errors="keep" if keep else "raise",
        order="sort" if sort else "check", sample=sample,
    )  # fmt: skip
    events = found.events
    facts: dict[str, Any] = {
        "file": str(file), "bytes": file.stat().st_size, "kind": "events", "format": found.format,
        "events": len(events), "shape": list(events.shape), "tick_s": events.clock.dt,
    }  # fmt: skip
    if len(events):
        first, last = events.clock.seconds(events.t[[0, -1]])
        counts = np.bincount(events.unit, minlength=1)
        facts |= {
            "first_s": float(first), "last_s": float(last), "seconds": float(last - first),
            "units_active": int((counts > 0).sum()), "most_events_of_a_unit": int(counts.max()),
        }  # fmt: skip
        if len(events.shape) == 3 and events.shape[0] == 2:
            on = int((events.coordinates[0] == 1).sum())
            facts |= {"on": on, "off": len(events) - on}
    if found.skipped:
        facts |= {"bytes_skipped": found.skipped, "problems": list(found.problems)}
    return facts | {f"file_{name}": value for name, value in found.facts.items()}


def _read(
    file: Path,
    format: str | None,
    sensor: str | None,
    keep: bool,
    sort: bool,
    rebase: bool,
    sample: int,
) -> Events:
    from neuro.formats import read_events

    return read_events(
        file, format=format, sensor=_shape(sensor), errors="keep" if keep else "raise",
        order="sort" if sort else "check", rebase=rebase, sample=sample,
    )  # fmt: skip


def _write(out: Path, events: Events, to: str | None) -> None:
    from neuro.formats import write_events

    write_events(out, events, format=to)
    seconds = float(events.clock.seconds(events.duration))
    Console(stderr=True).print(f"{len(events):,} events over {seconds:g} s written to {out}")


def _shape(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InvalidValue(
            f"--sensor: got {text!r}, expected whole numbers with commas, e.g. 2,180,240"
        ) from None
