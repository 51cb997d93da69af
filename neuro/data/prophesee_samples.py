"""Sample recordings of Prophesee cameras: one file, read by its name."""

from __future__ import annotations

import os
from pathlib import Path

from neuro.errors import UnknownName
from neuro.events import Events

_ENDINGS = (".raw", ".dat")


def prophesee_samples(root: str | os.PathLike[str], name: str) -> Events:
    """Read one of the recordings that were put into the folder.

    Args:
        root: folder with *.raw (EVT 2, 2.1 or 3) or *.dat recordings.
        name: of the file, with its ending.

    Returns:
        Its events, with time counted from the first one.

    Raises:
        FileNotFoundError: there is no such folder.
        UnknownName: there is no such recording.
    """
    from neuro.formats import read_events

    where = Path(root)
    if not where.is_dir():
        raise FileNotFoundError(f"prophesee_samples: no folder {where}")
    found = {p.name: p for p in sorted(where.iterdir()) if p.suffix.lower() in _ENDINGS}
    if name not in found:
        raise UnknownName(f"prophesee_samples in {where}", name, found)
    return read_events(found[name], rebase=True)
