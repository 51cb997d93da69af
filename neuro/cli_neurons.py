"""`neuro neurons`: the neuron family, one neuron's page, and the comparison of its back ends."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from neuro import neurons
from neuro.errors import NeuroError, UnknownName, require

# The types that `neuro.export.to_nir` accepts, with their condition on options and parameters.
_TO_NIR = {
    neurons.IF: 'yes, with reset="zero"',
    neurons.LI: "yes",
    neurons.LIF: 'yes, with reset="zero" and refractory=0',
}


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
        "summary": (inspect.getdoc(kind) or "").partition("\n")[0],
        "parameters": len(kind.table()),
        "nir": _TO_NIR.get(kind, "no"),
    }


def show(name: str | None, as_json: bool) -> None:
    """List the family, or print the page of one neuron."""
    kinds = chosen(name)
    rows = [facts(kind) for kind in kinds.values()]
    if as_json:
        print(json.dumps({"neurons": rows}))
    elif name is not None:
        print(f"{kinds[name].describe()}\n\n  export to NIR: {rows[0]['nir']}")
    else:
        table = Table("neuron", "what it is", "parameters", "NIR", title="neuro neurons [NAME]")
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        Console().print(table)


def check(name: str | None, as_json: bool) -> bool:
    """Compare the back ends of one neuron or all; whether everything agreed."""
    kinds = chosen(name)
    torch = require("torch", "train")
    if importlib.util.find_spec("triton") is not None and not torch.cuda.is_available():
        os.environ["TRITON_INTERPRET"] = "1"  # Triton reads it when it is first imported
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


def _cell(passed: int, failed: int) -> str:
    if failed:
        return f"[red]{failed} of {passed + failed} failed[/red]"
    return str(passed) if passed else "-"
