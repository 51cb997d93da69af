"""`neuro data` lists, shows, gets and checks sets, and asks before it fetches."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from neuro import cli_data
from neuro.clock import Clock
from neuro.data import cards, store
from neuro.data.cache import cached
from neuro.data.dataset import EventDataset
from neuro.data.download import Downloaded
from neuro.errors import UnknownName
from neuro.events import Events
from neuro.units import us

CARD = """
name = "toy"
title = "Toy data"
task = "nothing, 2 classes"
paper = "A. Author (2020)"
licence = "CC BY 4.0"
source = "https://example.org"
obtained = "download"
notes = "made up"

[splits]
train = 1234

[[files]]
name = "toy.bin"
urls = ["https://example.org/toy.bin"]
bytes = 5000
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("NEURO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEURO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: str, answer: str | None = None, code: int = 0) -> Any:
        result = CliRunner().invoke(cli_data.app, list(words), input=answer)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The only set there is; gives the addresses that were fetched."""
    path = tmp_path / "cards" / "toy" / "card.toml"
    path.parent.mkdir(parents=True)
    path.write_text(CARD)
    found = {"toy": cards.read_card(path)}
    for module in (cli_data, store):
        monkeypatch.setattr(module, "card", found.__getitem__)
    monkeypatch.setattr(cli_data, "cards", lambda: found)
    fetched: list[str] = []

    def fake(urls: Any, target: Path, **_: Any) -> Downloaded:
        fetched.append(urls[0])
        raw = bytes(5000)
        target.write_bytes(raw)
        sums = hashlib.md5(raw).hexdigest(), hashlib.sha256(raw).hexdigest()
        return Downloaded(target, urls[0], 5000, *sums)

    monkeypatch.setattr(store, "download", fake)
    return fetched


def test_all_sets_are_listed(run: Any) -> None:
    rows = json.loads(run("--json").stdout)["data"]
    assert {row["name"] for row in rows} == set(cards.cards())
    states = {row["name"]: row["state"] for row in rows}
    assert states["shd"] == "absent" and states["digits"] == "made here"
    table = run().stdout
    assert all(name in table for name in states) and "CC BY 4.0" in table


def test_one_set_is_shown(run: Any) -> None:
    facts = json.loads(run("show", "shd", "--json").stdout)
    assert facts["splits"] == {"train": 8156, "test": 2264} and facts["state"] == "absent"
    assert facts["files"][0]["md5"] == "f3252aeb598ac776c1b526422d90eecb"
    text = " ".join(run("show", "dvs_gesture").stdout.replace("│", " ").split())
    assert "2 x 128 x 128" in text and "air guitar" in text and "put DvsGesture.tar.gz" in text
    assert "no checksum published" in run("show", "asl_dvs").stdout
    with pytest.raises(UnknownName, match="Did you mean 'shd'"):
        run("show", "shdd")


def test_fetching_asks_first_and_shows_licence_and_size(run: Any, toy: list[str]) -> None:
    result = run("get", "toy", answer="n\n", code=1)
    assert "CC BY 4.0" in result.stderr and "5.0 kB" in result.stderr and toy == []
    result = run("get", "toy", answer="y\n")
    assert toy == ["https://example.org/toy.bin"] and "toy: whole, 5.0 kB" in result.stdout
    result = run("get", "toy", "--json")
    assert json.loads(result.stdout)["state"] == "whole"
    assert "is here already" in result.stderr and len(toy) == 1


def test_yes_does_not_ask_and_to_says_where(run: Any, toy: list[str], tmp_path: Path) -> None:
    facts = json.loads(run("get", "toy", "--yes", "--json", "--to", str(tmp_path / "x")).stdout)
    assert facts["folder"] == str(tmp_path / "x" / "toy")
    assert (tmp_path / "x" / "toy" / "toy.bin").is_file() and len(toy) == 1
    assert run("check", "toy", "--to", str(tmp_path / "x")).stdout.count("whole") == 2


def test_what_is_made_or_got_by_hand_is_told(run: Any) -> None:
    assert "nothing to get" in run("get", "digits").stderr
    with pytest.raises(store.NotHere, match="accept its terms"):
        run("get", "ncars")


def test_a_damaged_set_fails_the_check(run: Any, toy: list[str], tmp_path: Path) -> None:
    run("check", "toy", code=1)
    run("get", "toy", "--yes")
    (tmp_path / "data" / "toy" / "toy.bin").write_bytes(b"x" * 5000)
    facts = json.loads(run("check", "toy", "--json", code=1).stdout)
    assert facts["state"] == "damaged" and "SHA-256" in facts["files"][0]["why"]


def test_places_and_the_cache(run: Any, toy: list[str], tmp_path: Path) -> None:
    run("get", "toy", "--yes")
    events = Events.sorted([1], [0], shape=2, clock=Clock(1 * us))
    made = EventDataset.from_events([events], [0], classes=("a",), name="n")
    cached(tmp_path / "data" / "toy" / "toy.bin", "t", lambda: made)
    facts = json.loads(run("where", "--json").stdout)
    assert facts["data"] == str(tmp_path / "data") and facts["data_bytes"] == 5000
    assert facts["prepared_sets"] == 1 and facts["prepared_bytes"] > 0
    text = run("where").stdout
    assert str(tmp_path / "cache" / "prepared") in text and "1 prepared sets" in text
    gone = json.loads(run("clear-cache", "--json").stdout)
    assert gone == {"removed": 1, "bytes": facts["prepared_bytes"]}
    assert "0 prepared sets removed" in run("clear-cache").stdout
