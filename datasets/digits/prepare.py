"""Write the digits as event data sets: python datasets/digits/prepare.py [--out DIR]."""

from __future__ import annotations

import argparse
from pathlib import Path

from neuro.data import digits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/data"), help="folder to write to")
    parser.add_argument("--seed", type=int, default=0, help="of the camera's mismatch and noise")
    parser.add_argument("--split", choices=("writer", "random"), default="writer")
    given = parser.parse_args()
    for part, dataset in zip(("train", "test"), digits(given.seed, split=given.split), strict=True):
        path = given.out / f"digits-{given.split}-{part}.h5"
        dataset.save(path)
        print(f"{path}: {dataset!r}")


if __name__ == "__main__":
    main()
