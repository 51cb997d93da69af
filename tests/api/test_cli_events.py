"""`neuro events`, as a user meets it: called in this process for speed, once as a command."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from neuro import Clock, Events, us
from neuro.cli_events import app
from neuro.errors import CorruptFile, DamagedFile, InvalidValue, UnknownName
from neuro.formats import formats, read_events, write_events

SHAPE = (2, 12, 16)


@pytest.fixture
def events():
    rng = np.random.default_rng(1)
    return Events.sorted(
        1000 + rng.integers(0, 50_000, 400), rng.integers(0, 2 * 12 * 16, 400),
        shape=SHAPE, clock=Clock(1 * us),
    )  # fmt: skip


@pytest.fixture
def file(tmp_path, events):
    write_events(tmp_path / "a.raw", events)
    return tmp_path / "a.raw"


def neuro_events(*words):
    done = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_info_counts_what_is_there(file, events):
    facts = json.loads(neuro_events("info", file, "--json"))
    assert facts["format"] == "evt3" and facts["events"] == 400
    assert facts["shape"] == list(SHAPE) and facts["on"] + facts["off"] == 400
    assert facts["first_s"] == pytest.approx(events.t[0] * 1e-6)
    assert facts["seconds"] == pytest.approx((events.t[-1] - events.t[0]) * 1e-6)
    assert "evt3" in neuro_events("info", file)


def test_convert_keeps_every_event_through_a_chain_of_formats(file, events, tmp_path):
    names = ["b.aedat4", "c.dat", "d.csv.gz", "e.es", "f.npz", "g.raw"]
    last = file
    for name in names:
        neuro_events("convert", last, tmp_path / name, "--sensor", "2,12,16")
        last = tmp_path / name
    back = read_events(last)
    np.testing.assert_array_equal(back.t, events.t)
    np.testing.assert_array_equal(back.unit, events.unit)
    neuro_events("convert", file, tmp_path / "h.raw", "--to", "evt2", "--rebase")
    assert read_events(tmp_path / "h.raw", format="evt2").t[0] == 0


def test_slices_add_up(file, events, tmp_path):
    neuro_events("slice", file, tmp_path / "a.npz", "--stop", 0.02)
    neuro_events("slice", file, tmp_path / "b.npz", "--start", 0.02)
    a, b = read_events(tmp_path / "a.npz"), read_events(tmp_path / "b.npz")
    assert len(a) + len(b) == 400 and a.duration == 20_000
    np.testing.assert_array_equal(np.concatenate([a.t, b.t + 20_000]), events.t - events.t[0])
    with pytest.raises(InvalidValue, match="--start 1 s lies after the end"):
        neuro_events("slice", file, tmp_path / "c.npz", "--start", 1)


@pytest.mark.parametrize("kind", ["strip", "cloud"])
def test_plot_draws_a_picture(file, tmp_path, kind):
    neuro_events("plot", file, tmp_path / "a.png", "--kind", kind)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_plot_draws_rasters_and_videos(file, tmp_path, events):
    neuro_events("plot", file, tmp_path / "a.gif")
    assert (tmp_path / "a.gif").read_bytes()[:3] == b"GIF"
    flat = Events(events.t, events.unit, (2 * 12 * 16,), events.duration, events.clock)
    write_events(tmp_path / "b.npz", flat)
    neuro_events("plot", tmp_path / "b.npz", tmp_path / "b.svg")
    assert b"<svg" in (tmp_path / "b.svg").read_bytes()
    with pytest.raises(InvalidValue, match="--kind: got 'pie'"):
        neuro_events("plot", file, tmp_path / "c.png", "--kind", "pie")


def test_a_damaged_file_is_refused_or_kept_with_a_count(file, tmp_path):
    cut = tmp_path / "cut.raw"
    cut.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CorruptFile, match="at byte"):
        neuro_events("info", cut)
    with pytest.warns(DamagedFile):
        facts = json.loads(neuro_events("info", cut, "--keep", "--json"))
    assert facts["bytes_skipped"] == 1 and facts["events"] == 399


def test_formats_are_listed():
    listed = json.loads(neuro_events("formats", "--json"))["formats"]
    assert [f["name"] for f in listed] == [f.name for f in formats()]
    assert "Prophesee" in neuro_events("formats")


def test_wrong_words_are_explained(file, tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'evt2'"):
        neuro_events("info", file, "--format", "evt22")
    with pytest.raises(InvalidValue, match="--sensor: got '2x3'"):
        neuro_events("info", file, "--sensor", "2x3")
    with pytest.raises(UnknownName, match="ending"):
        neuro_events("convert", file, tmp_path / "a.xyz")


def test_selftest_says_what_it_did():
    facts = json.loads(neuro_events("selftest", "--recordings", 3, "--json"))
    assert facts["formats"] >= 15 and facts["events_written"] > 1000 and facts["transforms"] >= 20
    assert facts["events_lost"] == facts["mutations"] == 0
