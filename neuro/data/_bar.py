"""How far a download is, on standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from neuro.data.download import Report


@contextlib.contextmanager
def progress(name: str) -> Iterator[Report]:
    """A bar on standard error where that is a terminal; otherwise one line at the end."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        seen = [0]

        def count(done: int, total: int | None) -> None:
            seen[0] = done

        yield count
        print(f"{name}: {seen[0]:,} bytes", file=sys.stderr, flush=True)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
