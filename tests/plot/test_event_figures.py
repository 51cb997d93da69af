"""Pictures of events show each event once: films, clouds, rasters of classes, contact sheets."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro import plot
from neuro.clock import Clock
from neuro.data import EventDataset
from neuro.errors import InvalidValue, MissingExtra, NeuroError
from neuro.events import Events
from neuro.plot import style
from neuro.plot.contact_sheet import last_events
from neuro.plot.event_video import frame_events, frame_ticks
from neuro.units import ms, us

pytest.importorskip("matplotlib")
Image: Any = pytest.importorskip("PIL.Image")
TICK = Clock(1 * us)


def camera(count: int = 300, *, rows: int = 6, columns: int = 8, seed: int = 0) -> Events:
    rng = np.random.default_rng([seed, 1])
    return Events.sorted(
        rng.integers(0, 95_000, count), rng.integers(0, 2 * rows * columns, count),
        shape=(2, rows, columns), clock=TICK, duration=95_000,
    )  # fmt: skip


def dataset(shape: tuple[int, ...], labels: list[int], events: int = 40) -> EventDataset:
    rng = np.random.default_rng([3])
    recordings = [
        Events.sorted(
            rng.integers(0, 9_000, events), rng.integers(0, int(np.prod(shape)), events),
            shape=shape, clock=TICK, duration=10_000,
        )
        for _ in labels
    ]  # fmt: skip
    return EventDataset(
        np.concatenate([e.t for e in recordings]), np.concatenate([e.unit for e in recordings]),
        np.arange(len(labels) + 1) * events, [10_000] * len(labels), labels, shape=shape,
        clock=TICK, classes=[f"class {k}" for k in range(max(labels) + 1)], name="made",
    )  # fmt: skip


def draw(figure) -> None:
    assert style.svg(figure).startswith(b"<?xml")


def decoded(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """Pages and delays (ms) of a GIF, as Pillow reads them."""
    pages, delays = [], []
    with Image.open(path) as film:
        for k in range(film.n_frames):
            film.seek(k)
            pages.append(np.asarray(film.convert("RGB")).astype(int))
            delays.append(film.info["duration"])
    return pages, delays


def has_color(pixels: np.ndarray) -> np.ndarray:
    return pixels.max(axis=-1) - pixels.min(axis=-1) > 20


# -- films ----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 999), max_size=30), st.integers(0, 500), st.integers(10, 4000),
)  # fmt: skip
def test_every_event_is_in_exactly_one_frame(times: list[int], more: int, window: int) -> None:
    duration = max(times, default=0) + 1 + more
    events = Events.sorted(
        times, [k % 18 for k in range(len(times))], shape=(2, 3, 3), clock=Clock(10 * us),
        duration=duration,
    )  # fmt: skip
    edges = frame_ticks(events, window * us, 10_000)
    seen = Counter()
    for k, counts in enumerate(frame_events(events, edges)):
        for unit in np.flatnonzero(counts):
            seen[k, int(unit)] += int(counts.ravel()[unit])
    # a frame k holds the microseconds from k * window on, whatever the tick
    expected = Counter(
        (next(k for k in range(len(edges)) if 10 * t < (k + 1) * window // 10 * 10), int(u))
        for t, u in zip(events.t.tolist(), events.unit, strict=True)
    )
    assert sum(seen.values()) == len(times)
    assert seen == expected


def test_a_gif_has_a_page_for_each_window_and_colours_the_pixels_that_had_events(
    tmp_path: Path,
) -> None:
    events = camera(60)
    path = tmp_path / "film.gif"
    plot.event_video(events, path, window=10 * ms, title="a film")
    pages, delays = decoded(path)
    assert len(pages) == 10  # 95 ms, the last window is cut short
    assert sum(delays) == pytest.approx(1e3 * 10 / 30, abs=10)
    zoom = 70  # 560 screen pixels for the 8 columns
    colored = np.any([has_color(p) for p in pages], axis=0)[: 60 + 6 * zoom]
    first = np.flatnonzero(colored.any(axis=1))[0], np.flatnonzero(colored.any(axis=0))[0]
    busy = np.zeros((10, 6, 8), bool)
    for t, u in zip(events.t, events.unit, strict=True):
        busy[t // 10_000, u % 48 // 8, u % 8] = True
    low = busy.any(axis=0)
    top = first[0] - zoom * np.flatnonzero(low.any(axis=1))[0]
    left = first[1] - zoom * np.flatnonzero(low.any(axis=0))[0]
    for page, expected in zip(pages, busy, strict=True):
        centres = page[top + zoom // 2 :: zoom, left + zoom // 2 :: zoom][:6, :8]
        np.testing.assert_array_equal(has_color(centres), expected)


def test_signs_have_their_colours_and_mix_where_both_are(tmp_path: Path) -> None:
    events = Events.sorted([0, 0, 0, 0], [0, 3, 5, 1], shape=(2, 1, 3), clock=TICK, duration=10)
    path = tmp_path / "film.gif"
    plot.event_video(events, path, window=10 * us)
    (page,), _ = decoded(path)
    middle = page[12 + 93]  # row of the only row of pixels, 187 screen pixels high
    left = 12
    off_on, off, on = (middle[left + 93 + 187 * k] for k in range(3))
    from matplotlib.colors import to_rgb

    orange, blue = (255 * np.array(to_rgb(c)) for c in (style.OFF, style.ON))
    np.testing.assert_allclose(off, orange, atol=2)
    np.testing.assert_allclose(on, blue, atol=2)
    np.testing.assert_allclose(off_on, orange * blue / 255, atol=2)


def test_pages_say_when_they_are(tmp_path: Path) -> None:
    """The stamp is drawn anew on each page, and nothing else changes below the picture."""
    events = camera(1, rows=2, columns=2)
    path = tmp_path / "film.gif"
    plot.event_video(events, path, window=10 * ms)
    pages, _ = decoded(path)
    below = [p[-30:] for p in pages]
    assert len({b.tobytes() for b in below}) == len(pages)
    right = {b[:, b.shape[1] // 2 :].tobytes() for b in below}
    assert len(right) == 1
    from neuro.plot.event_video import span

    edges = frame_ticks(events, 10 * ms, 100)
    assert span(events, edges, 3) == "30 \N{EN DASH} 40 ms"
    assert span(events, frame_ticks(events, 12.5 * ms, 100), 1) == "12.5 \N{EN DASH} 25.0 ms"


def test_a_gif_keeps_its_speed_though_it_counts_in_hundredths(tmp_path: Path) -> None:
    path = tmp_path / "film.gif"
    plot.event_video(camera(), path, window=1 * ms, fps=30)
    _, delays = decoded(path)
    assert len(delays) == 95 and set(delays) == {30, 40}
    assert sum(delays) == pytest.approx(95_000 / 30, abs=10)


def test_frames_are_made_one_after_another(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """The writer has stored a page before the next one is drawn."""
    import neuro.plot._movie as movie

    sizes = []

    def watched(path, frames, palette, fps):
        def looking():
            for frame in frames:
                sizes.append(path.stat().st_size)
                yield frame

        movie.write_gif(path, looking(), palette, fps)

    monkeypatch.setattr(sys.modules["neuro.plot.event_video"], "write_gif", watched)
    plot.event_video(camera(20_000, rows=60, columns=80), tmp_path / "film.gif", window=2 * ms)
    assert len(sizes) == 48
    assert sizes[-1] > sizes[24] > sizes[8] > 0  # up to the file's buffer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "film.avi"}, r"got ending '.avi', expected .gif or .mp4"),
        ({"fps": 60}, "GIFs play at most 50"),
        ({"fps": 0}, "event_video.fps: got 0"),
        ({"fps": float("nan")}, "event_video.fps: got nan"),
        ({"window": 0.1 * us}, "expected at least one tick"),
        ({"window": 1 * us}, "95000 frames.*longer window.*rebase=True"),
        ({"events": Events.sorted([0], [0], shape=4, clock=TICK)}, r"got shape \(4,\)"),
        ({"events": Events.sorted([], [], shape=(2, 2, 2), clock=TICK)}, "lasts 0 ticks"),
    ],
)
def test_a_film_that_cannot_be_is_refused(change: dict, message: str, tmp_path: Path) -> None:
    given = {"events": camera(), "path": "film.gif"} | change
    with pytest.raises(InvalidValue, match=message):
        plot.event_video(given.pop("events"), tmp_path / given.pop("path"), **given)
    assert not list(tmp_path.iterdir())


def test_an_mp4_without_ffmpeg_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtra, match=r"needs ffmpeg.*imageio-ffmpeg.*\.gif"):
        plot.event_video(camera(), tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())


def stand_in(folder: Path, code: str) -> str:
    """A program in the place of ffmpeg."""
    program = folder / "ffmpeg"
    program.write_text(f"#!{sys.executable}\nimport sys\n{code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_ffmpeg_is_given_every_frame_in_true_colours(tmp_path: Path) -> None:
    from matplotlib import rc_context

    program = stand_in(
        tmp_path, "open(sys.argv[-1], 'wb').write(sys.stdin.buffer.read() + sys.argv[9].encode())"
    )
    events = camera(60)
    with rc_context({"animation.ffmpeg_path": program}):
        plot.event_video(events, tmp_path / "film.mp4")
    plot.event_video(events, tmp_path / "film.gif")
    pages, _ = decoded(tmp_path / "film.gif")
    raw = (tmp_path / "film.mp4").read_bytes()
    height, width = pages[0].shape[:2]
    assert raw.endswith(f"{width}x{height}".encode())
    sent = np.frombuffer(raw, np.uint8, 10 * height * width * 3).reshape(10, height, width, 3)
    np.testing.assert_array_equal(sent, pages)


@pytest.mark.parametrize(
    "code", ["sys.exit('no libx264')", "sys.stdin.buffer.read(); sys.exit('no libx264')"]
)
def test_what_ffmpeg_complains_about_is_passed_on(code: str, tmp_path: Path) -> None:
    from matplotlib import rc_context

    with (
        rc_context({"animation.ffmpeg_path": stand_in(tmp_path, code)}),
        pytest.raises(NeuroError, match="no libx264"),
    ):
        plot.event_video(camera(), tmp_path / "film.mp4")
    assert not (tmp_path / "film.mp4").exists()


def test_a_real_mp4_has_all_frames(tmp_path: Path) -> None:
    from neuro.plot._movie import encoder

    try:
        program = encoder()
    except MissingExtra:
        pytest.skip("no ffmpeg here")
    plot.event_video(camera(), tmp_path / "film.mp4", window=5 * ms)
    command = [program, "-i", str(tmp_path / "film.mp4"), "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "frame=   19" in said


# -- clouds ---------------------------------------------------------------------------------------


def points(figure) -> np.ndarray:
    (cloud,) = figure.axes[0].collections
    return np.round(np.stack(cloud._offsets3d, axis=1), 6)


def test_a_cloud_has_each_event_at_its_column_time_and_row() -> None:
    events = camera(200)
    figure = plot.event_cloud(events, title="a scene")
    expected = [
        (u % 8, t / 1000, u % 48 // 8)
        for t, u in zip(events.t.tolist(), events.unit.tolist(), strict=True)
    ]
    np.testing.assert_allclose(sorted(map(tuple, points(figure))), sorted(expected))
    ax: Any = figure.axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == (
        "x (pixel)", "time (ms)", "y (pixel)",
    )  # fmt: skip
    low, high = ax.get_zlim()
    assert low > high  # row 0 is at the top
    from matplotlib.colors import to_rgba

    (cloud,) = ax.collections
    colors = {tuple(c[:3]) for c in np.atleast_2d(cloud.get_facecolor())}
    assert colors == {to_rgba(style.ON)[:3], to_rgba(style.OFF)[:3]}
    assert figure.texts[0].get_text() == "a scene"
    draw(figure)


def test_a_large_cloud_draws_a_part_and_says_so() -> None:
    events = camera(3000)
    figure = plot.event_cloud(events, most=500, title="scene")
    drawn = list(map(tuple, points(figure)))
    assert len(drawn) == 500
    assert figure.texts[0].get_text() == "scene: 500 of 3,000 events"
    there = Counter(zip(events.unit % 8, events.t / 1000, events.unit % 48 // 8, strict=True))
    assert not Counter(drawn) - there  # no event twice, none invented
    again = list(map(tuple, points(plot.event_cloud(events, most=500))))
    other = list(map(tuple, points(plot.event_cloud(events, most=500, seed=1))))
    assert again == drawn and other != drawn


def test_clouds_refuse_and_say_why() -> None:
    with pytest.raises(InvalidValue, match=r"got shape \(4,\)"):
        plot.event_cloud(Events.sorted([0], [0], shape=4, clock=TICK))
    with pytest.raises(InvalidValue, match=r"event_cloud\.most: got 0"):
        plot.event_cloud(camera(), most=0)


def test_an_empty_cloud_is_drawn() -> None:
    draw(plot.event_cloud(Events.sorted([], [], shape=(2, 3, 4), clock=TICK)))


# -- data sets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(30,), (2, 4, 5)])
def test_class_rasters_have_a_panel_for_each_class_with_all_spikes(shape: tuple[int, ...]) -> None:
    data = dataset(shape, [1, 0, 3, 1, 0])
    figure = plot.class_rasters(data)
    panels: list[Any] = [ax for ax in figure.axes if ax.collections]
    assert [ax.get_title(loc="left") for ax in panels] == ["class 0", "class 1", "class 3"]
    for ax, recording in zip(panels, (1, 0, 2), strict=True):
        events, _ = data[recording]
        marks = np.asarray(ax.collections[0].get_offsets())
        expected = sorted(zip(events.t / 1000, events.unit, strict=True))
        np.testing.assert_allclose(sorted(map(tuple, marks)), expected)
        assert ax.get_xlim() == (0, 10)
        assert ax.get_ylim() == (np.prod(shape) - 0.5, -0.5)
    draw(figure)


def test_class_rasters_of_chosen_classes_and_recordings() -> None:
    data = dataset((30,), [1, 0, 3, 1, 0])
    figure = plot.class_rasters(data, classes=[1], number=1)
    marks = np.asarray(figure.axes[0].collections[0].get_offsets())
    np.testing.assert_array_equal(sorted(marks[:, 1]), sorted(data[3][0].unit))
    with pytest.raises(InvalidValue, match="number: got 1, but class 'class 3' has 1 recordings"):
        plot.class_rasters(data, number=1)
    with pytest.raises(InvalidValue, match="classes: got 2, expected each once"):
        plot.class_rasters(data, classes=[2])
    with pytest.raises(InvalidValue, match="number: got -1"):
        plot.class_rasters(data, number=-1)


def test_a_contact_sheet_has_a_row_for_each_class() -> None:
    data = dataset((2, 4, 5), [0, 2, 0, 0, 2])
    figure = plot.contact_sheet(data, per_class=4)
    assert len(figure.axes) == 2 * 3  # the largest class has three
    rows = [figure.axes[:3], figure.axes[3:]]
    assert [row[0].get_ylabel() for row in rows] == ["class 0", "class 2"]
    assert [sum(len(ax.images) for ax in row) for row in rows] == [3, 2]
    for ax, recording in zip(rows[0], (0, 2, 3), strict=True):
        events, _ = data[recording]
        busy = np.zeros((4, 5), bool)
        busy[events.coordinates[1], events.coordinates[2]] = True
        drawn = np.asarray(ax.images[0].get_array())
        np.testing.assert_array_equal((drawn < 1).any(axis=-1), busy)
    assert figure.get_suptitle() == "made: 5 recordings, 3 classes"
    draw(figure)


def test_pictures_on_a_contact_sheet_show_the_last_event_of_each_pixel() -> None:
    # pixel 0: OFF then ON; pixel 1: ON then OFF at the end; pixel 2: both at once; pixel 3: none
    events = Events.sorted(
        [0, 4, 2, 9, 5, 5], [0, 4, 5, 1, 2, 6], shape=(2, 2, 2), clock=TICK, duration=10
    )
    shades = last_events(events).reshape(2, 4)
    np.testing.assert_allclose(shades[0], [0, 1, 0.3 + 0.7 * 0.6, 0])
    np.testing.assert_allclose(shades[1], [0.3 + 0.7 * 0.5, 0, 0.3 + 0.7 * 0.6, 0])


def test_a_contact_sheet_of_another_sensor_has_rasters() -> None:
    data = dataset((30,), [0, 1, 1])
    figure = plot.contact_sheet(data)
    drawn = [len(ax.collections[0].get_offsets()) for ax in figure.axes if ax.collections]
    assert drawn == [40, 40, 40]
    draw(figure)


def test_contact_sheets_refuse_and_say_why() -> None:
    data = dataset((30,), [0, 1, 1])
    with pytest.raises(InvalidValue, match="per_class: got 0"):
        plot.contact_sheet(data, per_class=0)
    with pytest.raises(InvalidValue, match="no recordings"):
        plot.contact_sheet(data[:0])
    with pytest.raises(InvalidValue, match="classes: got 1, expected each once"):
        plot.contact_sheet(data, classes=[1, 1])
