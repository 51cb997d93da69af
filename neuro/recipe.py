"""What every recipe in `models/` shares: where it lives, its four options, its last line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console

from neuro.errors import CorruptFile, UnknownName
from neuro.files import atomic

Quick = Annotated[bool, typer.Option("--quick", help="A smaller run that ends within a minute.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for the results.")]
Json = Annotated[bool, typer.Option("--json", help="End with one line of JSON.")]


class Recipe(NamedTuple):
    """A runnable model: its name, source and task, and the folder that holds `run.py`."""

    name: str
    paper: str
    task: str
    folder: Path


def recipes() -> dict[str, Recipe]:
    """All recipes by name: those of the checkout, or those that came with the installed package.

    Raises:
        CorruptFile: a recipe's `expected.json` cannot be read.
    """
    package = Path(__file__).parent
    checkout = package.parent / "models"
    root = checkout if checkout.is_dir() else package / "_recipes"
    found: dict[str, Recipe] = {}
    for card in sorted(root.glob("*/expected.json")):
        try:
            facts = json.loads(card.read_text(encoding="utf-8"))
            recipe = Recipe(card.parent.name, facts["paper"], facts["task"], card.parent)
        except (json.JSONDecodeError, KeyError) as error:
            raise CorruptFile(
                f"{card}: {error!r}; expected JSON with 'paper' and 'task'"
            ) from error
        found[recipe.name] = recipe
    return found


def find(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        UnknownName: there is none; the message suggests the nearest.
    """
    known = recipes()
    if name not in known:
        raise UnknownName("neuro run", name, known)
    return known[name]


def finish(results: dict[str, Any], out: Path, *, as_json: bool) -> None:
    """Write `metrics.json` into the results folder, and print the results.

    With `as_json` the last line printed is one JSON object; otherwise a readable list.
    """
    with atomic(out / "metrics.json") as tmp:
        tmp.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if as_json:
        print(json.dumps(results), flush=True)
        return
    console = Console()
    width = max(map(len, results))
    for name, value in results.items():
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        console.print(f"  {name:<{width}}  [bold]{shown}[/bold]", highlight=False, soft_wrap=True)
