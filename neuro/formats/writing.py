"""Writing event files, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from neuro.errors import Unsupported
from neuro.events import Events
from neuro.files import atomic
from neuro.formats.detect import by_name, by_suffix


def write_events(
    path: str | os.PathLike[str], events: Events, *, format: str | None = None
) -> None:
    """Write events to a file.

    Args:
        path: the file; an old one is replaced.
        events: what to write.
        format: name of the format; by default the ending of the path says which.

    Raises:
        InvalidValue: the events do not fit the format.
        UnknownName: there is no such format, or no format has this ending.
        Unsupported: neuro only reads this format.
    """
    where = Path(path)
    chosen = by_name(format) if format else by_suffix(where)
    if not chosen.writable:
        raise Unsupported(chosen.name, "write", f"neuro reads {chosen.title} but does not write it")
    with atomic(where) as temporary:
        chosen.write(temporary, events)
