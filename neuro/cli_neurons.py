"""`neuro neurons`: the family, one neuron's page, its gallery, the comparison of its back ends."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from neuro import neurons
from neuro.errors import NeuroError, UnknownName, require
from neuro.export.nir_write import NIR_NEURONS


def family() -> dict[str, type[neurons.Neuron]]:
    """Every public neuron by name."""
    found = {name: getattr(neurons, name) for name in sorted(neurons.__all__)}
    return {
        name: kind
        for name, kind in found.items()
        if inspect.isclass(kind) and issubclass(kind, neurons.Neuron) and kind is not neurons.Neuron
    }


def chosen(name: str | None) -> dict[str, type[neurons.Neuron]]:
    """The whole family, or the one neuron of that name.

    Raises:
        UnknownName: no neuron is called so; the message suggests the nearest name.
    """
    known = family()
    if name is None:
        return known
    if name not in known:
        raise UnknownName("neuro neurons", name, known)
    return {name: known[name]}


def facts(kind: type[neurons.Neuron]) -> dict[str, Any]:
    """Name, summary, number of parameters and whether NIR can express the neuron."""
    return {
        "name": kind.__name__,
        "summary": _paragraphs(kind)[0].replace("\n", " "),
        "parameters": len(kind.table()),
        "nir": _export(kind),
    }


def page(kind: type[neurons.Neuron]) -> dict[str, Any]:
    """All that is known of one neuron: the facts, its equations, table, options and source."""
    source = next((p for p in _paragraphs(kind) if p.startswith("Source:")), "Source: none given")
    return {
        **facts(kind),
        "equations": list(kind.equations()),
        "latex": kind.latex(),
        "table": [
            {"name": row.name, "default": row.default, "unit": row.unit, "bound": row.bound(),
             "meaning": row.meaning, "learnable": row.learnable}
            for row in kind.table()
        ],
        "options": {name: list(choices) for name, choices in kind._options()},
        "presets": list(kind.presets),
        "emits": kind.emits,
        "source": " ".join(source.removeprefix("Source:").split()),
    }  # fmt: skip


def _paragraphs(kind: type[neurons.Neuron]) -> list[str]:
    return (inspect.getdoc(kind) or "").split("\n\n")


def _export(kind: type[neurons.Neuron]) -> str:
    if kind not in NIR_NEURONS:
        return "no"
    only = [f"{name}={value}" for name, (value, _) in NIR_NEURONS[kind].items()]
    return f"yes, with {' and '.join(only)}" if only else "yes"


def show(name: str | None, as_json: bool) -> None:
    """List the family, or print the page of one neuron."""
    kinds = chosen(name)
    if name is not None:
        known = page(kinds[name])
        if as_json:
            print(json.dumps({"neurons": [known]}))
            return
        lines = ["", f"  sends: {known['emits']}"]
        if known["presets"]:
            lines.append(f"  presets: {', '.join(known['presets'])}")
        lines += [f"  export to NIR: {known['nir']}", f"  source: {known['source']}"]
        print(kinds[name].describe(), *lines, sep="\n")
        return
    rows = [facts(kind) for kind in kinds.values()]
    if as_json:
        print(json.dumps({"neurons": rows}))
        return
    table = Table("neuron", "what it is", "parameters", "NIR", title="neuro neurons [NAME]")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


def draw(name: str | None, path: Path, as_json: bool) -> None:
    """Write the gallery of one neuron or all."""
    kinds = chosen(name)
    require("torch", "train")
    from neuro.plot import write_gallery

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(kinds))

        def begun(title: str) -> None:
            progress.update(task, advance=1, description=title)

        write_gallery(path, kinds.values(), begun=begun)
    print(json.dumps({"neurons": len(kinds), "gallery": str(path)}) if as_json else path)


def check(name: str | None, as_json: bool) -> bool:
    """Compare the back ends of one neuron or all; whether everything agreed."""
    kinds = chosen(name)
    torch = require("torch", "train")
    if importlib.util.find_spec("triton") is not None and not torch.cuda.is_available():
        _interpret_triton()
    from neuro.testing import BACKENDS, run_checks

    counts = {(n, b): [0, 0] for n in kinds for b in BACKENDS}  # passed, failed
    failures: list[dict[str, str]] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(kinds))
        for title, kind in kinds.items():
            progress.update(task, description=title)
            try:
                for c in run_checks(kind):
                    counts[title, c.backend][0 if c.passed else 1] += 1
                    if not c.passed:
                        failures.append(
                            {"neuron": title, "backend": c.backend, "what": c.what,
                             "detail": c.detail}
                        )  # fmt: skip
            except NeuroError as error:  # a law that cannot be compiled
                counts[title, "fused"][1] += 1
                failures.append(
                    {"neuron": title, "backend": "fused", "what": "compile", "detail": str(error)}
                )
            progress.advance(task)
    ran = [b for b in BACKENDS if any(sum(counts[n, b]) for n in kinds)]
    if as_json:
        print(json.dumps({
            "neurons": len(kinds), "backends": len(ran), "failed": len(failures),
            "names": list(kinds), "backend_names": ran, "failures": failures,
        }))  # fmt: skip
        return not failures
    table = Table("neuron", *ran, title="checks passed")
    for n in kinds:
        table.add_row(n, *(_cell(*counts[n, b]) for b in ran))
    console = Console()
    console.print(table)
    for f in failures:
        line = f"{f['neuron']}, {f['backend']}: {f['what']}: {f['detail']}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return not failures


def _interpret_triton() -> None:
    """Turn Triton's interpreter on, which is possible only before Triton is first imported."""
    if "triton" not in sys.modules:
        os.environ["TRITON_INTERPRET"] = "1"
    elif os.environ.get("TRITON_INTERPRET") != "1":
        print(
            "Triton is not compared: this process has imported it without its interpreter. "
            "Set TRITON_INTERPRET=1 before the start.",
            file=sys.stderr,
        )


def _cell(passed: int, failed: int) -> str:
    if failed:
        return f"[red]{failed} of {passed + failed} failed[/red]"
    return str(passed) if passed else "-"
