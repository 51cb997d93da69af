"""One call for every data set: read it from where it lives, or say how to get it."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from neuro.data._bar import progress
from neuro.data.cards import Card, card
from neuro.data.connectome import Connectome, read_connectome
from neuro.data.dataset import EventDataset
from neuro.data.store import NotHere, get, missing, status
from neuro.errors import CorruptFile, InvalidValue


def load(
    name: str,
    root: str | os.PathLike[str] | None = None,
    *,
    download: bool = False,
    **how: Any,
) -> Any:
    """Read a data set by name; most give (train, test).

    Nothing is fetched unless asked for. `neuro data` lists the names, and `neuro data show NAME`
    tells what is known of a set, its licence first.

    Args:
        name: of the set, e.g. "shd".
        root: folder with a folder for each set; by default `neuro.data.store.data_folder()`.
        download: fetch what is missing; its licence is then taken as read.
        **how: passed on to the set's own function, e.g. `per_class=100` for "nmnist".

    Returns:
        What the set's own function returns: (train, test) of EventDatasets in memory, or of
        EventFolders that read when looked at.

    Raises:
        UnknownName: there is no such set.
        NotHere: it is not on this machine; the message has its licence and the command to get it.
        CorruptFile: a file has not the size that it must have, or cannot be read.
        InvalidValue: neuro has no reader for it.
    """
    known = card(name)
    if not known.loader:
        raise InvalidValue(f"load: neuro has no reader for {name!r}. {known.notes}")
    read = _reader(known)
    if known.obtained == "made here":
        return read(**how)
    if download:
        get(name, root, progress=progress)
    found = status(name, root)
    if found.state == "damaged":
        wrong = "; ".join(f"{f.name}: {f.why}" for f in found.files if f.state == "damaged")
        raise CorruptFile(f"{name}: {found.folder}: {wrong}. Get it again: neuro data get {name}")
    there = found.folder.is_dir() and any(
        not p.name.startswith(".") for p in found.folder.iterdir()
    )
    if found.state == "partial" or not there:
        lacking = next((f.name for f in found.files if f.state in ("absent", "partial")), "")
        raise NotHere(missing(known, found.folder, lacking if there else ""))
    try:
        return read(found.folder, **how)
    except FileNotFoundError as error:  # e.g. put there by hand, in another layout
        raise NotHere(f"{error}. {missing(known, found.folder)}") from error


def _reader(known: Card) -> Any:
    module, function = known.loader.split(".")
    return getattr(importlib.import_module(f"neuro.data.{module}"), function)


def connectome(root: str | os.PathLike[str]) -> Connectome:
    """The connectome of White et al. (1986) from the folder of its set."""
    return read_connectome(Path(root) / "aconnectome_white_1986_whole.csv")


def mnist(root: str | os.PathLike[str], **how: Any) -> tuple[EventDataset, EventDataset]:
    """MNIST turned into events, (train, test); arguments as for `mnist_events`."""
    read = importlib.import_module("neuro.data.mnist_events").mnist_events
    return read(root, "train", **how), read(root, "test", **how)


def fashion_mnist(root: str | os.PathLike[str], **how: Any) -> tuple[EventDataset, EventDataset]:
    """Fashion-MNIST turned into events, (train, test); arguments as for `mnist_events`."""
    return mnist(root, **{"classes": card("fashion_mnist").classes, **how})
