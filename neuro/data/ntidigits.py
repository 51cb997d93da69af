"""N-TIDIGITS18: spoken digits heard by a silicon cochlea."""

from __future__ import annotations

import os

from neuro.data.dataset import EventDataset
from neuro.data.folder import find


def ntidigits(
    root: str | os.PathLike[str], *, trusted: bool = False
) -> tuple[EventDataset, EventDataset]:
    """Read the recordings of one digit of N-TIDIGITS18: 64 channels, 11 words.

    `neuro.formats.ntidigits.read_ntidigits` reads the sequences of digits as well.

    Args:
        root: folder with n-tidigits.hdf5.
        trusted: read in this process, which is only safe for a file whose checksum was compared.

    Returns:
        (train, test), shape (64,), 1 us ticks.

    Raises:
        FileNotFoundError: the file is missing.
        CorruptFile: it is damaged.
    """
    from neuro.formats.ntidigits import read_ntidigits

    path = find(root, "n-tidigits.hdf5", "ntidigits")
    return (
        read_ntidigits(path, "train", trusted=trusted),
        read_ntidigits(path, "test", trusted=trusted),
    )
