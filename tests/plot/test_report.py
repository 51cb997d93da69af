"""The report is one valid, self-contained, escaped file that holds every section."""

from __future__ import annotations

import base64
import dataclasses
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from neuro.build import conv, dense, feedforward
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.metrics import firing_rates, synops
from neuro.neurons import LI, LIF
from neuro.plot import Report, Sample, write_report
from neuro.record import Record
from neuro.units import ms, us

pytest.importorskip("matplotlib")
VOID = {"meta", "img", "br"}


class Outline(HTMLParser):
    """Tags, attributes and text of a page; notes tags that do not close."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def report(**changes: Any) -> Report:
    clock = Clock(5 * ms)
    network = feedforward(
        (2, 10, 10), conv(3, kernel=3, stride=2), LIF(), dense(), LI(4), clock=clock, seed=0
    )
    rng = np.random.default_rng(0)
    signals: dict[str, Any] = {
        "in.spikes": rng.binomial(1, 0.1, (12, 2, 2, 10, 10)),
        "hid1.spikes": rng.binomial(1, 0.1, (12, 2, 3, 4, 4)),
        "hid1.v": rng.normal(size=(12, 2, 3, 4, 4)),
        "out.v": rng.normal(size=(12, 2, 4)),
    }
    record = Record(signals, clock)
    events = Events.sorted(
        rng.integers(0, 60_000, 300), rng.integers(0, 200, 300), shape=(2, 10, 10),
        clock=Clock(1 * us), duration=60_000,
    )  # fmt: skip
    whole = Report(
        title="Digits",
        summary={"Test accuracy": "97.8 %", "Operations": 91234, "NIR equal": True},
        network=network,
        history=[{"epoch": 0.0, "train_loss": 1.0}, {"epoch": 1.0, "train_loss": 0.5}],
        confusion=np.diag([3, 4, 5, 6]),
        correct=Sample(record, 1, 1, 0, events, "test 12"),
        wrong=Sample(record, 2, 3, 1, events, "test 15"),
        rates={
            k: firing_rates(record.array(f"{k}.spikes"), clock) for k in ("in", "hid1")
        },
        synops=synops(network, record),
        environment={"python": "3.11", "packages": {"numpy": "2.0", "nir": None},
                     "torch": {"threads": 2, "gpus": []}},
        seed=1234,
        command="neuro run digits --seed 1234",
    )  # fmt: skip
    return dataclasses.replace(whole, **changes)


def page_of(folder: Path, content: Report) -> tuple[str, Outline]:
    write_report(folder / "report.html", content)
    page = (folder / "report.html").read_text(encoding="utf-8")
    return page, Outline(page)


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Outline]:
    return page_of(tmp_path_factory.mktemp("report"), report())


def test_the_report_holds_every_section_and_every_figure(standard: tuple[str, Outline]) -> None:
    page, outline = standard
    assert not outline.stack  # every tag is closed
    text = " ".join(outline.text)
    for expected in (
        "97.8 %", "91\N{NARROW NO-BREAK SPACE}234", "yes", "test 12", "test 15", "1234",
        "numpy 2.0", "neuro run digits --seed 1234", "tau_mem", "LI: ", "in->hid1: Conv2d",
        report().network.fingerprint, "Figure 8.",
    ):  # fmt: skip
        assert expected in text, expected
    # curves, confusion, strip, activity, one layer of traces, rates, weights, operations
    assert len(outline.of("img")) == len(outline.of("figure")) == 8
    assert page.startswith("<!DOCTYPE html>")


def test_every_figure_is_embedded_as_valid_svg_with_its_own_alt_text(
    standard: tuple[str, Outline],
) -> None:
    _, outline = standard
    images = outline.of("img")
    assert len({image["alt"] for image in images}) == len(images)
    for image in images:
        assert len(image["alt"]) > 20
        head, _, data = image["src"].partition(",")
        assert head == "data:image/svg+xml;base64"
        root = ElementTree.fromstring(base64.b64decode(data))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        for node in root.iter():
            for name, value in node.attrib.items():
                if name.endswith("href"):
                    assert value.startswith(("#", "data:")), value
            assert not node.tag.endswith("}script")


def test_nothing_is_fetched_from_elsewhere_and_no_script_runs(
    standard: tuple[str, Outline],
) -> None:
    page, outline = standard
    names = {tag for tag, _ in outline.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "base"}
    assert "http:" not in page
    assert "https:" not in page
    assert "@import" not in page
    assert "url(" not in page
    assert not [a for _, attributes in outline.tags for a in attributes if a.startswith("on")]


def test_all_text_is_escaped(tmp_path: Path) -> None:
    evil = '<script>alert("x")</script> & $title'
    hostile = report(
        title=evil, about=evil, command=evil, summary={evil: evil}, environment={evil: evil},
        classes=[evil] * 4,
    )  # fmt: skip
    page, outline = page_of(tmp_path, hostile)
    assert not outline.of("script")
    assert not outline.stack
    assert "<script" not in page
    assert sum(evil in text for text in outline.text) >= 7
    assert any(evil in image["alt"] for image in outline.of("img"))


def test_if_no_sample_is_wrong_the_report_says_so(tmp_path: Path) -> None:
    _, outline = page_of(tmp_path, report(wrong=None))
    assert "No test sample was classified wrongly" in " ".join(outline.text)
    assert len(outline.of("img")) == 8


def test_if_no_sample_is_right_or_none_was_kept_the_report_says_so(tmp_path: Path) -> None:
    _, outline = page_of(tmp_path, report(correct=None))
    assert "No test sample was classified rightly" in " ".join(outline.text)
    _, outline = page_of(tmp_path, report(correct=None, wrong=None))
    assert len(outline.of("img")) == 8 - 3


def test_what_was_not_recorded_or_not_trained_is_named(tmp_path: Path) -> None:
    full = report().correct
    assert full is not None
    signals = {k: v for k, v in full.record.items() if k != "hid1.v"}
    sample = Sample(Record(signals, full.record.clock), 1, 1)
    _, outline = page_of(tmp_path, report(correct=sample, wrong=None, history=[]))
    text = " ".join(outline.text)
    assert "The membrane of hid1 was not recorded" in text
    assert "was not trained in this run" in text


def test_the_same_report_gives_the_same_file(tmp_path: Path, standard: tuple[str, Outline]) -> None:
    again, _ = page_of(tmp_path, report())
    assert again == standard[0]


def test_a_report_that_fails_leaves_the_old_file_untouched(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(InvalidValue, match=r"expected \[C, C\]"):
        write_report(path, report(confusion=np.ones((2, 3))))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
