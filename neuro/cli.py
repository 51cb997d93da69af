"""The `neuro` command: run recipes, look into files, check the installation."""

from __future__ import annotations

import json
import os
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuro import cli_data, cli_events, cli_neurons, recipe
from neuro.doctor import environment
from neuro.errors import MissingExtra, NeuroError
from neuro.file_info import file_info

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Spiking neural networks: simulate, train, adapt, export.",
)
app.add_typer(cli_events.app, name="events")
app.add_typer(cli_data.app, name="data")
# Everything after the recipe's name is the recipe's own business.
_PASS_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}


@app.command("run", context_settings=_PASS_ON)
def run(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Recipe; without it, they are listed.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the recipes.")] = False,
    as_json: recipe.Json = False,
) -> None:
    """Run a published model by name; options after the name are the recipe's own."""
    if name is None or listing:
        _list_recipes(as_json)
        return
    script = recipe.find(name).folder / "run.py"
    sys.argv = [str(script), *context.args]
    # Of several processes that train one model, only the first has something to say.
    worker = any(int(os.environ.get(rank, "0")) > 0 for rank in ("RANK", "LOCAL_RANK"))
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere if worker else sys.stdout):
            runpy.run_path(str(script), run_name="__main__")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"neuro run {name}: {error.name} is not installed. "
            "Install what the recipes need with: pip install 'neuro[demo]'"
        ) from error


def _list_recipes(as_json: bool) -> None:
    found = recipe.recipes().values()
    rows = [{"name": r.name, "paper": r.paper, "task": r.task} for r in found]
    if as_json:
        print(json.dumps({"recipes": rows}))
        return
    table = Table("recipe", "task", "paper", title="neuro run NAME [--quick] [--seed N] [--json]")
    for row in rows:
        table.add_row(row["name"], row["task"], row["paper"])
    Console().print(table)


@app.command("info")
def info(
    file: Annotated[Path, typer.Argument(help="Event file, .nir network or checkpoint.")],
    as_json: recipe.Json = False,
) -> None:
    """Say what a file holds."""
    _show(file_info(file), as_json, str(file))


@app.command("doctor")
def doctor(as_json: recipe.Json = False) -> None:
    """Say what is installed: versions, threads, GPU, extras that are missing."""
    _show(environment(), as_json, "neuro doctor")


@app.command("neurons")
def neurons(
    name: Annotated[str | None, typer.Argument(help="Neuron; without it, all of them.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare the back ends.")] = False,
    gallery: Annotated[
        Path | None, typer.Option("--gallery", help="Run them and write an HTML page.")
    ] = None,
    as_json: recipe.Json = False,
) -> None:
    """Say which neurons there are, show one, draw them, or check that all back ends agree."""
    if gallery is not None:
        cli_neurons.draw(name, gallery, as_json)
    if not check and gallery is None:
        cli_neurons.show(name, as_json)
    elif check and not cli_neurons.check(name, as_json):
        raise typer.Exit(1)


def _show(facts: dict[str, Any], as_json: bool, title: str) -> None:
    if as_json:
        print(json.dumps(facts))
        return
    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in facts.items():
        table.add_row(name, str(value))
    Console().print(table)


def main() -> None:
    """Entry point: errors are shown as one message, without a traceback."""
    try:
        app()
    except (NeuroError, OSError) as error:
        message = Text.assemble(("Error: ", "bold red"), str(error))
        Console(stderr=True, soft_wrap=True).print(message)
        sys.exit(1)


if __name__ == "__main__":
    main()
