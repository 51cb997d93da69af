"""`load` reads what is here, and says how to get what is not; it never goes online by itself."""

from __future__ import annotations

import gzip
import importlib
import pickle
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.data.braille import FILE
from neuro.data.cards import cards
from neuro.data.connectome import Connectome
from neuro.data.load import load
from neuro.data.nmnist import write_nmnist
from neuro.data.store import NotHere
from neuro.errors import CorruptFile, InvalidValue, UnknownName
from neuro.events import Events
from neuro.units import us

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("it went online")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_a_set_that_is_not_here_is_told_with_its_licence(tmp_path: Path) -> None:
    for name, known in cards().items():
        if known.obtained == "made here" or not known.loader:
            continue
        with pytest.raises(NotHere) as caught:
            load(name, tmp_path)
        message = str(caught.value)
        assert f"neuro data get {name}" in message and known.licence in message
        if known.obtained == "by hand":
            assert known.steps in message
    assert list(tmp_path.iterdir()) == []  # looking leaves nothing behind


def test_a_set_that_is_here_is_read(tmp_path: Path) -> None:
    events = Events.sorted([5, 9], [3, 4], shape=(2, 34, 34), clock=Clock(1 * us))
    for part in ("Train", "Test"):
        for digit in range(10):
            path = tmp_path / "nmnist" / part / str(digit) / "00001.bin"
            path.parent.mkdir(parents=True)
            write_nmnist(path, events)
    train, test = load("nmnist", tmp_path, per_class=1)
    assert len(train) == len(test) == 10 and train[7] == (events, 7)


def test_asked_to_it_gets_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        importlib.import_module("neuro.data.load"), "get", lambda *a, **_: asked.append(a)
    )
    with pytest.raises(NotHere):
        load("shd", tmp_path, download=True)
    assert asked == [("shd", tmp_path)]


def test_a_set_that_is_half_here_is_told(tmp_path: Path) -> None:
    (tmp_path / "shd").mkdir()
    (tmp_path / "shd" / "shd_train.h5.zip.part").write_bytes(b"1")
    with pytest.raises(NotHere, match=r"shd: shd_train\.h5\.zip is not in"):
        load("shd", tmp_path)


def test_a_folder_of_another_layout_is_told(tmp_path: Path) -> None:
    (tmp_path / "ncars" / "junk").mkdir(parents=True)
    with pytest.raises(NotHere, match=r"holds no background/\*\.dat.*neuro data get ncars"):
        load("ncars", tmp_path)


def test_a_file_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "braille").mkdir()
    (tmp_path / "braille" / FILE).write_bytes(gzip.compress(pickle.dumps({})))
    with pytest.raises(CorruptFile, match="expected 301,542"):
        load("braille", tmp_path)


def test_what_is_made_here_needs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("neuro.data.digits")
    monkeypatch.setattr(module, "digits", lambda **how: ("train", "test", how))
    assert load("digits", tmp_path, seed=3) == ("train", "test", {"seed": 3})


@pytest.mark.skipif(not SHARED.is_dir(), reason="no real data here")
def test_real_files_are_read_from_their_folders(tmp_path: Path) -> None:
    (tmp_path / "connectome").mkdir()
    table = "aconnectome_white_1986_whole.csv"
    shutil.copy(SHARED / "connectome" / table, tmp_path / "connectome")
    worm = load("connectome", tmp_path)
    assert isinstance(worm, Connectome) and 270 < len(worm.names) < 303
    shutil.copytree(SHARED / "fashion_mnist", tmp_path / "fashion_mnist")
    train, test = load("fashion_mnist", tmp_path, per_class=1)
    assert len(train) == len(test) == 10
    assert np.sort(train.labels).tolist() == list(range(10)) and train.classes[9] == "Ankle boot"


def test_names_without_a_reader_are_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'shd'"):
        load("shdd", tmp_path)
    with pytest.raises(InvalidValue, match=r"no reader for 'worm_activity'.*encode"):
        load("worm_activity", tmp_path)
