"""`neuro data`: the data sets of the field, what is here of them, and how they get here."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from neuro import recipe
from neuro.data import cache, store
from neuro.data._bar import progress
from neuro.data.cards import Card, card, cards

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    help="Data sets: list them, show one, get it, check it.",
)

Name = Annotated[str, typer.Argument(help="Short name of a data set.")]
To = Annotated[
    Path | None, typer.Option("--to", help="Folder of all sets; by default that of `where`.")
]


@app.callback()
def listing(context: typer.Context, to: To = None, as_json: recipe.Json = False) -> None:
    """List the data sets and what is here of them."""
    if context.invoked_subcommand is not None:
        return
    rows = [_row(known, store.status(name, to)) for name, known in cards().items()]
    if as_json:
        print(json.dumps({"data": rows}))
        return
    table = Table("name", "task", "size", "state", "licence", title="neuro data show NAME")
    for row in rows:
        size = _size(row["here_bytes"] or row["download_bytes"])
        table.add_row(row["name"], row["task"], size, row["state"], row["licence"])
    Console().print(table)


@app.command("show")
def show(name: Name, to: To = None, as_json: recipe.Json = False) -> None:
    """Say all that is known of a data set, and what is here of it."""
    known, found = card(name), store.status(name, to)
    facts = {**dataclasses.asdict(known), "splits": dict(known.splits)}
    facts |= {
        "state": found.state, "folder": str(found.folder), "here_bytes": found.bytes,
        "files": [
            {**dataclasses.asdict(f), **_status(s)}
            for f, s in zip(known.files, found.files, strict=True)
        ],
    }  # fmt: skip
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    table = Table(title=known.title, show_header=False, title_justify="left")
    for field in ("licence", "obtained", "steps", "task", "paper", "source"):
        if facts[field]:
            table.add_row(field, facts[field])
    if known.shape:
        table.add_row("shape", " x ".join(map(str, known.shape)) + f", ticks of {known.clock}")
    if known.splits:
        table.add_row("recordings", ", ".join(f"{n:,} {part}" for part, n in known.splits))
    if known.classes:
        table.add_row("classes", ", ".join(known.classes))
    table.add_row("notes", known.notes)
    table.add_row("state", f"{found.state} in {found.folder}")
    for entry in facts["files"]:
        sums = entry["sha256"] or entry["md5"] or "no checksum published: kept from the first look"
        table.add_row(entry["name"], f"{entry['state']} {entry['why']}\n{sums}".strip())
    Console().print(table)


@app.command("get")
def get(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    to: To = None,
    optional: Annotated[
        bool, typer.Option("--optional", help="Also files that the set can do without.")
    ] = False,
    as_json: recipe.Json = False,
) -> None:
    """Bring a data set here: download, verify, unpack. If stopped, a later call goes on."""
    known, before = card(name), store.status(name, to)
    if known.obtained == "made here":
        _say(f"{known.title} is made here when it is read: nothing to get.")
        _finish(before, as_json)
        return
    if before.state == "whole" and not optional:
        _say(f"{known.title} is here already, in {before.folder}.")
        _finish(before, as_json)
        return
    _say(f"{known.title}: {known.task}\n  licence: {known.licence}\n  source:  {known.source}")
    _say(f"  size:    {_size(known.bytes)} to fetch\n  folder:  {before.folder}")
    if known.obtained == "download" and not yes:
        typer.confirm("Fetch it under this licence?", abort=True, err=True)
    _finish(store.get(name, to, optional=optional, progress=progress), as_json)


@app.command("check")
def check(name: Name, to: To = None, as_json: recipe.Json = False) -> None:
    """Compare every file of a set with its checksum, and what was unpacked with its count."""
    found = store.check(name, to)
    _finish(found, as_json)
    if found.state in ("damaged", "partial", "absent"):
        raise typer.Exit(1)


@app.command("where")
def where(to: To = None, as_json: recipe.Json = False) -> None:
    """Say where data sets and prepared sets are kept, and how much there is."""
    prepared = cache.entries()
    facts = {
        "data": str(store.data_folder(to)),
        "data_bytes": sum(store.status(name, to).bytes for name in cards()),
        "prepared": str(cache.prepared_folder()),
        "prepared_sets": len(prepared),
        "prepared_bytes": sum(entry.bytes for entry in prepared),
    }
    if as_json:
        print(json.dumps(facts))
        return
    print(f"{facts['data']}: {_size(facts['data_bytes'])} (set by NEURO_DATA)")
    print(
        f"{facts['prepared']}: {len(prepared)} prepared sets, {_size(facts['prepared_bytes'])} "
        "(set by NEURO_CACHE)"
    )


@app.command("clear-cache")
def clear_cache(as_json: recipe.Json = False) -> None:
    """Remove all prepared sets; they are made again when they are asked for."""
    number, size = cache.clear()
    if as_json:
        print(json.dumps({"removed": number, "bytes": size}))
        return
    print(f"{number} prepared sets removed, {_size(size)}")


def _row(known: Card, found: store.Status) -> dict[str, Any]:
    return {
        "name": known.name, "title": known.title, "task": known.task,
        "obtained": known.obtained, "state": found.state, "licence": known.licence,
        "download_bytes": known.bytes, "here_bytes": found.bytes, "loader": known.loader,
    }  # fmt: skip


def _status(found: store.FileStatus) -> dict[str, Any]:
    return {"state": found.state, "why": found.why, "here_bytes": found.bytes}


def _finish(found: store.Status, as_json: bool) -> None:
    facts = {
        "name": found.name, "state": found.state, "folder": str(found.folder),
        "here_bytes": found.bytes,
        "files": [{"name": f.name, **_status(f)} for f in found.files],
    }  # fmt: skip
    if as_json:
        print(json.dumps(facts))
        return
    for f in found.files:
        print(f"{f.name}: {f.state} {f.why}".rstrip())
    print(f"{found.name}: {found.state}, {_size(found.bytes)} in {found.folder}")


def _size(number: int | None) -> str:
    if number is None:
        return "unknown"
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError  # unreachable: GB always returns


def _say(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(text, markup=False, highlight=False)
