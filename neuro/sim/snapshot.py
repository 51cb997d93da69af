"""Snapshot: all that a simulation carries from one tick to the next, in memory or in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import CorruptFile
from neuro.files import atomic

KIND = "neuro simulation snapshot 1"


class Snapshot(NamedTuple):
    """State, spikes under way, traces and weights at one tick.

    A simulation of the same network that restores it goes on as if it had never stopped, bit for
    bit, on any number of threads.

    Args:
        fingerprint: of the network and the format of its numbers.
        tick: that comes next.
        seed: of the run.
        arrays: by name, in the order of units.
    """

    fingerprint: str
    tick: int
    seed: int
    arrays: dict[str, NDArray[Any]]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file (NumPy's npz), whole or not at all."""
        facts = np.array([KIND, self.fingerprint, str(self.tick), str(self.seed)])
        with atomic(Path(path)) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **{"facts": facts, **self.arrays})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Snapshot:
        """Read a file that `save` wrote.

        Raises:
            CorruptFile: it is damaged, or of another kind.
        """
        try:
            with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            kind, fingerprint, tick, seed = arrays.pop("facts").tolist()
        except FileNotFoundError:
            raise
        except Exception as error:
            raise CorruptFile(f"{path}: cannot be read as a snapshot ({error})") from error
        if kind != KIND:
            raise CorruptFile(f"{path}: not a snapshot of a simulation")
        return cls(fingerprint, int(tick), int(seed), arrays)
