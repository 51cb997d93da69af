"""Every card of the repository is complete, and a card that is not is refused by field."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from neuro.data import cards as module
from neuro.data.cards import card, cards, read_card
from neuro.errors import CorruptFile, UnknownName

GOOD = """
name = "toy"
title = "Toy"
task = "one class"
paper = "A. Author (2020)"
licence = "CC0"
source = "https://example.org/toy"
obtained = "download"
shape = [2, 3, 4]
clock = "1 us"
classes = ["a", "b"]

[splits]
train = 10
test = 2

[[files]]
name = "toy.zip"
urls = ["https://example.org/toy.zip"]
bytes = 12
md5 = "00000000000000000000000000000000"
unpack = "toy"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "toy").mkdir(exist_ok=True)
    (folder / "toy" / "card.toml").write_text(text, encoding="utf-8")
    return folder / "toy" / "card.toml"


def test_a_good_card_is_read(tmp_path: Path) -> None:
    toy = read_card(write(tmp_path, GOOD))
    assert toy.shape == (2, 3, 4) and toy.splits == (("train", 10), ("test", 2)) and toy.bytes == 12
    assert toy.files[0].md5 == "0" * 32 and toy.files[0].sha256 is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "Toy"', "", "title: got '', expected text"),
        ('title = "Toy"', "title = 3", "title: got 3"),
        ('title = "Toy"', 'title = "Toy"\nauthor = "x"', "unknown field author"),
        ('name = "toy.zip"', 'name = "toy.zip"\nmirror = "x"', r"unknown field files\[0\]\.mirror"),
        ('name = "toy"', 'name = "other"', "the folder's name 'toy'"),
        ('"download"', '"somehow"', "obtained: got 'somehow'"),
        ('"download"', '"by hand"', "steps: got ''"),
        ('urls = ["https://example.org/toy.zip"]', "", "urls for every file"),
        ("https://example.org/toy.zip", "file:///etc/passwd", r"files\[0\]\.urls"),
        ("https://example.org/toy.zip", "ftp://example.org/x", r"files\[0\]\.urls"),
        ('name = "toy.zip"', 'name = "../toy.zip"', r"files\[0\]\.name: got '\.\./toy\.zip'"),
        ('unpack = "toy"', 'unpack = "/tmp"', r"files\[0\]\.unpack"),
        ('unpack = "toy"', 'unpack = "TOY.ZIP"', "that differ"),
        ('unpack = "toy"', "nested = true", r"files\[0\]\.nested"),
        ("0" * 32, "0" * 31, r"files\[0\]\.md5"),
        ("0" * 32, "A" * 32, r"files\[0\]\.md5"),
        ("bytes = 12", "bytes = 0", r"files\[0\]\.bytes"),
        ("bytes = 12", "bytes = true", r"files\[0\]\.bytes"),
        ("bytes = 12", 'bytes = "12"', r"files\[0\]\.bytes"),
        ('"1 us"', '"fast"', "clock: got 'fast'"),
        ("[2, 3, 4]", "[2, 0]", "shape"),
        ("[2, 3, 4]", "[2.5]", "shape"),
        ('["a", "b"]', '["a", "a"]', "each name once"),
        ("train = 10", "train = -1", "splits"),
        ('https://example.org/toy"', 'example.org"', "source"),
        ('title = "Toy"', "title = ", "not TOML"),
        ('clock = "1 us"', 'clock = "1 us"\nloader = "os.system.x"', "loader"),
    ],
)
def test_a_bad_field_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert GOOD.count(old) >= 1
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(CorruptFile, match=message) as caught:
        read_card(path)
    assert str(path) in str(caught.value)


def test_every_card_of_the_repository_is_good() -> None:
    known = cards()
    assert len(known) >= 20
    for name, found in known.items():
        assert card(name) == found and found.notes, name
        if found.loader and not found.loader.startswith("load."):
            part, function = found.loader.split(".")
            assert callable(getattr(importlib.import_module(f"neuro.data.{part}"), function)), name
        made_of_one = re.search(r"(\d+) (classes|words)", found.task)
        if found.classes and made_of_one:
            assert len(found.classes) == int(made_of_one[1]), name
    with pytest.raises(UnknownName, match="Did you mean 'nmnist'"):
        card("nmnst")


def test_classes_and_shapes_agree_with_the_readers() -> None:
    for name in ("asl_dvs", "cifar10_dvs", "dvs_gesture", "ncars", "poker_dvs", "st_mnist"):
        reader = importlib.import_module(f"neuro.data.{name}")
        assert (card(name).classes, card(name).shape) == (reader.CLASSES, reader.SHAPE), name
    braille = importlib.import_module("neuro.data.braille")
    assert card("braille").classes == braille.CLASSES
    assert card("braille").files[0].name == braille.FILE


def test_an_installed_package_brings_its_own_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "neuro"
    (package / "_cards").mkdir(parents=True)
    write(package / "_cards", GOOD)
    (package.parent / "datasets").mkdir()  # another package of that name
    monkeypatch.setattr(module, "__file__", str(package / "data" / "cards.py"))
    assert list(cards()) == ["toy"]
