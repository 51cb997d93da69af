"""Spiking Heidelberg Digits: the training and the test recordings."""

from __future__ import annotations

import os
from pathlib import Path

from neuro.data.dataset import EventDataset
from neuro.data.folder import find


def shd(
    root: str | os.PathLike[str], *, trusted: bool = False
) -> tuple[EventDataset, EventDataset]:
    """Read SHD: spoken digits as spikes of 700 channels of a model of the inner ear.

    Source: B. Cramer et al., IEEE TNNLS 33 (2022). Licence CC BY 4.0.

    Args:
        root: folder with shd_train.h5 and shd_test.h5, or one above them.
        trusted: read in this process, which is only safe for files whose checksum was compared.

    Returns:
        (train, test), shape (700,), 1 us ticks. There is no validation set: hold a part of train
        out, since whoever tunes on test has none left.

    Raises:
        FileNotFoundError: a file is missing.
        CorruptFile: a file is damaged.
    """
    from neuro.formats.shd import read_shd

    where = Path(root)
    paths = [find(where, f"shd_{part}.h5", "shd") for part in ("train", "test")]
    train, test = (read_shd(path, trusted=trusted) for path in paths)
    return train, test
