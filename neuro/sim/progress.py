"""Progress bars of building and running."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from neuro.clock import Clock

Advance = Callable[[int], None]


@contextmanager
def building(synapses: int, *, shown: bool) -> Iterator[Advance]:
    """A bar over synapses; yields what to call with numbers of them."""
    with _bar(f"building {synapses:,} synapses", synapses, shown=shown) as advance:
        yield advance


@contextmanager
def running(clock: Clock, ticks: int, *, shown: bool) -> Iterator[Advance]:
    """A bar over simulated time; yields what to call with numbers of ticks."""
    seconds = float(clock.seconds(ticks))
    with _bar(f"simulating {seconds:g} s", ticks, shown=shown) as advance:
        yield advance


@contextmanager
def _bar(title: str, total: int, *, shown: bool) -> Iterator[Advance]:
    if not shown:
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda n: progress.advance(task, n)
