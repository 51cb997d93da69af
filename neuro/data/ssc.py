"""Spiking Speech Commands: the training recordings, and those held out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from neuro.data.dataset import EventDataset
from neuro.data.folder import find
from neuro.errors import UnknownName


def ssc(
    root: str | os.PathLike[str],
    *,
    held_out: Literal["test", "valid"] = "test",
    trusted: bool = False,
) -> tuple[EventDataset, EventDataset]:
    """Read SSC: 35 spoken commands as spikes of 700 channels of a model of the inner ear.

    Source: B. Cramer et al., IEEE TNNLS 33 (2022). Licence CC BY 4.0.

    Args:
        root: folder with ssc_train.h5, ssc_valid.h5 and ssc_test.h5, or one above them.
        held_out: the second set: "valid" to tune on, "test" for the one figure at the end.
        trusted: read in this process, which is only safe for files whose checksum was compared.

    Returns:
        (train, held out), shape (700,), 1 us ticks.

    Raises:
        FileNotFoundError: a file is missing.
        CorruptFile: a file is damaged.
        UnknownName: `held_out` is neither "test" nor "valid".
    """
    from neuro.formats.shd import read_shd

    if held_out not in ("test", "valid"):
        raise UnknownName("ssc.held_out", held_out, ("test", "valid"))
    where = Path(root)
    paths = [find(where, f"ssc_{part}.h5", "ssc") for part in ("train", held_out)]
    train, second = (read_shd(path, trusted=trusted) for path in paths)
    return train, second
