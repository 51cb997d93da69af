"""Each set is read from a small folder in its official layout, with every event where it was."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro.clock import Clock
from neuro.data.asl_dvs import asl_dvs
from neuro.data.braille import FILE as BRAILLE_FILE
from neuro.data.braille import braille
from neuro.data.cifar10_dvs import CLASSES as CIFAR_CLASSES
from neuro.data.cifar10_dvs import cifar10_dvs
from neuro.data.dvs_gesture import dvs_gesture
from neuro.data.folder import EventFolder, by_class, held_out, natural
from neuro.data.ncaltech101 import ncaltech101
from neuro.data.ncars import ncars
from neuro.data.nmnist import write_nmnist
from neuro.data.ntidigits import ntidigits
from neuro.data.poker_dvs import poker_dvs
from neuro.data.prophesee_samples import prophesee_samples
from neuro.data.shd import shd
from neuro.data.ssc import ssc
from neuro.data.st_mnist import st_mnist
from neuro.errors import CorruptFile, InvalidValue, UnknownName
from neuro.events import Events
from neuro.formats import write_events
from neuro.units import us

US = Clock(1 * us)
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def events(shape: tuple[int, ...], seed: int, n: int = 40, last: int = 9000) -> Events:
    rng = np.random.default_rng(seed)
    t = np.append(rng.integers(0, last, n), last - 1)
    return Events.sorted(t, rng.integers(0, int(np.prod(shape)), n + 1), shape=shape, clock=US)


def put(path: Path, what: Events, form: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_events(path, what, format=form)


def same(a: Events, b: Events) -> bool:
    return (
        a.shape == b.shape and a.t.tolist() == b.t.tolist() and a.unit.tolist() == b.unit.tolist()
    )


# -- the folder itself ------------------------------------------------------------------------


def read_number(item: int) -> Events:
    return Events.sorted([item], [item], shape=9, clock=US)


def test_a_folder_reads_when_it_is_looked_at() -> None:
    folder = EventFolder(
        read_number, range(6), [0, 1, 0, 1, 0, 1], shape=(9,), clock=US, classes=("a", "b"),
        name="numbers", source="here",
    )  # fmt: skip
    assert len(folder) == 6 and folder[-1] == (read_number(5), 1)
    assert [label for _, label in folder] == [0, 1, 0, 1, 0, 1]
    assert folder[1:3].items == (1, 2) and folder.select(folder.labels == 1).items == (1, 3, 5)
    whole = folder.select([5, 0]).load()
    assert (whole.name, whole.source, whole.classes) == ("numbers", "here", ("a", "b"))
    assert whole[0] == (read_number(5), 1) and whole[1] == (read_number(0), 0)
    with pytest.raises(IndexError):
        folder[6]
    for bad in ([6], [-7], np.ones(5, bool)):
        with pytest.raises(InvalidValue, match=r"EventFolder\.select"):
            folder.select(bad)
    with pytest.raises(InvalidValue, match="labels"):
        EventFolder(read_number, [1], [2], shape=(9,), clock=US, classes=("a",), name="n")
    with pytest.raises(InvalidValue, match="for 1 items"):
        EventFolder(read_number, [1], [0, 0], shape=(9,), clock=US, classes=("a",), name="n")
    wrong = EventFolder(read_number, [1], [0], shape=(8,), clock=US, classes=("a",), name="n")
    with pytest.raises(CorruptFile, match="the set has"):
        wrong[0]


def test_files_are_ordered_by_the_numbers_in_their_names(tmp_path: Path) -> None:
    assert sorted(["a10.x", "a2.x", "a1.x"], key=natural) == ["a1.x", "a2.x", "a10.x"]
    for name in ("b/10.x", "b/9.x", "a/1.x", "c/1.x", "b/1.y"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    paths, labels = by_class(tmp_path, ".x", ("a", "b"), name="toy")
    assert [p.name for p in paths] == ["1.x", "9.x", "10.x"] and labels.tolist() == [0, 1, 1]
    with pytest.raises(FileNotFoundError, match="no z/"):
        by_class(tmp_path, ".x", ("a", "z"), name="toy")
    with pytest.raises(FileNotFoundError, match="no folder"):
        by_class(tmp_path / "none", ".x", ("a",), name="toy")


def test_a_split_is_fixed_stratified_and_whole() -> None:
    labels = np.repeat([0, 1, 2], [50, 7, 2])
    test = held_out(labels, 5, 1)
    assert [int(test[labels == i].sum()) for i in range(3)] == [10, 1, 1]
    assert (held_out(labels, 5, 1) == test).all() and (held_out(labels, 5, 2) != test).any()


# -- sound ------------------------------------------------------------------------------------


def speech(path: Path, words: list[str], seed: int) -> list[tuple[list[float], list[int]]]:
    rng = np.random.default_rng(seed)
    times = [np.sort(rng.random(5)).astype(np.float16) for _ in words]
    units = [rng.integers(0, 700, 5).astype(np.uint16) for _ in words]
    with h5py.File(path, "w") as file:
        for name, rows, kind in (("times", times, np.float16), ("units", units, np.uint16)):
            column = file.create_dataset(
                f"spikes/{name}", (len(words),), dtype=h5py.vlen_dtype(kind)
            )
            for i, row in enumerate(rows):
                column[i] = row
        file["labels"] = np.arange(len(words), dtype=np.uint16)
        file["extra/keys"] = np.array(words, "S")
        file["extra/speaker"] = np.zeros(len(words), np.uint16)
    return [(t.astype(float).tolist(), u.tolist()) for t, u in zip(times, units, strict=True)]


def test_spiking_speech(tmp_path: Path) -> None:
    wanted = {}
    for name in ("shd_train", "shd_test", "ssc_train", "ssc_valid", "ssc_test"):
        (tmp_path / name).mkdir()  # as the archives unpack
        wanted[name] = speech(tmp_path / name / f"{name}.h5", ["zero", "null"], len(wanted))
    for found, name in (
        *zip(shd(tmp_path), ("shd_train", "shd_test"), strict=True),
        *zip(ssc(tmp_path), ("ssc_train", "ssc_test"), strict=True),
        (ssc(tmp_path, held_out="valid")[1], "ssc_valid"),
    ):
        assert found.shape == (700,) and found.classes == ("zero", "null")
        for i, (seconds, units) in enumerate(wanted[name]):
            bag = sorted((round(s * 1e6), u) for s, u in zip(seconds, units, strict=True))
            assert list(zip(found[i][0].t.tolist(), found[i][0].unit.tolist(), strict=True)) == bag
    with pytest.raises(UnknownName, match=r"ssc\.held_out"):
        ssc(tmp_path, held_out="train")  # type: ignore[arg-type]
    (tmp_path / "shd_test" / "shd_test.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"no shd_test\.h5"):
        shd(tmp_path)


def test_cochlea_digits(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "n-tidigits.hdf5", "w") as file:
        for part, names in (("train", ["man-ae-3", "man-ae-3z1"]), ("test", ["woman-b-z"])):
            file[f"{part}_labels"] = np.array(names, "S20")
            for name in names:
                file[f"{part}_addresses/{name}"] = np.array([3, 63, 0], np.uint8)
                file[f"{part}_timestamps/{name}"] = np.array([0.25, 0.5, 0.75])
    train, test = ntidigits(tmp_path)
    assert (len(train), len(test), train.shape, len(train.classes)) == (1, 1, (64,), 11)
    assert train.classes[train.labels[0]] == "3" and test.classes[test.labels[0]] == "z"
    assert train[0][0].t.tolist() == [250_000, 500_000, 750_000]
    assert train[0][0].unit.tolist() == [3, 63, 0]


# -- cameras ----------------------------------------------------------------------------------


def test_cars(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for label, name in enumerate(("background", "cars")):
            for i in range(2):
                what = events((2, 100, 120), seed=10 * label + i + len(part))
                put(tmp_path / f"n-cars_{part}" / name / f"obj_00000{i}_td.dat", what, "dat")
    train, test = ncars(tmp_path)
    assert (train.labels.tolist(), test.classes) == ([0, 0, 1, 1], ("background", "car"))
    assert same(train[3][0], events((2, 100, 120), seed=16))
    assert same(test[0][0], events((2, 100, 120), seed=4))


@pytest.mark.skipif(not (SHARED / "events_io").is_dir(), reason="no real recordings here")
def test_a_real_car(tmp_path: Path) -> None:
    raw = (SHARED / "events_io" / "NCARS_obj_004397_td.dat").read_bytes()
    for part in ("train", "test"):
        for name in ("background", "cars"):
            (tmp_path / f"n-cars_{part}" / name).mkdir(parents=True)
            (tmp_path / f"n-cars_{part}" / name / "obj_004397_td.dat").write_bytes(raw)
    read = ncars(tmp_path)[0][0][0]
    assert len(read) == 4407 and read.seconds[-1] - read.seconds[0] < 0.101


def test_cifar(tmp_path: Path) -> None:
    for label, name in enumerate(CIFAR_CLASSES):
        for i in range(20):
            path = tmp_path / name / name / f"cifar10_{name}_{i}.aedat"
            put(path, events((2, 128, 128), seed=100 * label + i, n=5), "aedat2")
    train, test = cifar10_dvs(tmp_path)
    assert (len(train), len(test)) == (180, 20)
    assert [p.name for p in test.items[:2]] == [
        "cifar10_airplane_18.aedat",
        "cifar10_airplane_19.aedat",
    ]
    wanted = events((2, 128, 128), seed=918, n=5)
    read = test[18][0]
    assert read.t.tolist() == (wanted.t - wanted.t[0]).tolist()
    assert read.unit.tolist() == wanted.unit.tolist()
    assert set(train.items).isdisjoint(test.items) and "last tenth" in train.source


def test_caltech(tmp_path: Path) -> None:
    for label, name in enumerate(("BACKGROUND_Google", "accordion")):
        for i in range(1, 11):
            path = tmp_path / "Caltech101" / name / f"image_{i:04d}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_nmnist(path, events((2, 180, 240), seed=100 * label + i))
    train, test = ncaltech101(tmp_path)
    assert (len(train), len(test)) == (16, 4)
    assert train.classes == ("BACKGROUND_Google", "accordion")
    for folder in (train, test):
        for path, (read, label) in zip(folder.items, folder, strict=True):
            number = int(path.stem[-4:])
            assert same(read, events((2, 180, 240), seed=100 * label + number))
    with pytest.raises(FileNotFoundError, match="holds no <class>"):
        ncaltech101(tmp_path / "none")


def test_signs(tmp_path: Path) -> None:
    scipy = pytest.importorskip("scipy.io")
    for letter in "abcdefghiklmnopqrstuvwxy":
        (tmp_path / "Yin_1" / letter).mkdir(parents=True)
        for i in range(2):
            columns = {
                "ts": [[1000], [1000], [1500]], "x": [[0], [239], [5]], "y": [[0], [179], [10]],
                "pol": [[1], [0], [1]],
            }  # fmt: skip
            scipy.savemat(tmp_path / "Yin_1" / letter / f"{letter}_{i:04d}.mat", columns)
    train, test = asl_dvs(tmp_path)
    assert len(train) == len(test) == 24 and len(train.classes) == 24
    read = train[0][0]
    p, y, x = read.coordinates
    got = sorted(zip(read.t.tolist(), p.tolist(), y.tolist(), x.tolist(), strict=True))
    assert got == [(0, 0, 0, 239), (0, 1, 179, 0), (500, 1, 169, 5)]


def gestures(folder: Path) -> Events:
    """One training and one test trial; the last gesture of the test trial overlaps."""
    what = events((2, 128, 128), seed=3, n=500, last=10_000)
    for trial, rows in (
        ("user01_led", "1,100,4000\n11,5000,9000\n"),
        ("user22_led", "9,100,4000\n10,3000,20000\n"),
    ):
        put(folder / f"{trial}.aedat", what, "aedat3")
        (folder / f"{trial}_labels.csv").write_text(f"class,startTime_usec,endTime_usec\n{rows}")
    (folder / "trials_to_train.txt").write_text("user01_led.aedat\n\n")
    (folder / "trials_to_test.txt").write_text("user22_led.aedat\n")
    return what


def test_gestures_are_cut_where_the_label_file_says(tmp_path: Path) -> None:
    what = gestures(tmp_path / "DvsGesture")
    train, test = dvs_gesture(tmp_path)
    assert train.labels.tolist() == [0, 10] and test.labels.tolist() == [8, 9]
    for folder, spans in (
        (train, [(100, 4000), (5000, 9000)]),
        (test, [(100, 4000), (3000, 20000)]),
    ):
        for (read, _), (start, stop) in zip(folder, spans, strict=True):
            inside = (what.t >= start) & (what.t < stop)
            assert read.t.tolist() == (what.t[inside] - start).tolist()
            assert read.unit.tolist() == what.unit[inside].tolist()
            assert read.duration == stop - start
    assert pickle.loads(pickle.dumps(train))[1][0] == train[1][0]  # as a worker gets it
    assert len(test.load()) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class,start,end\n1,1,2\n", "line 1"),
        ("class,startTime_usec,endTime_usec\n12,1,2\n", "line 2 is 12,1,2"),
        ("class,startTime_usec,endTime_usec\n1,1,2\n0,1,2\n", "line 3"),
        ("class,startTime_usec,endTime_usec\n1,2,2\n", "start before the end"),
        ("class,startTime_usec,endTime_usec\n1,x,2\n", "line 2"),
        ("class,startTime_usec,endTime_usec\n1,2\n", "line 2"),
        ("", "line 1"),
    ],
)
def test_a_label_file_of_another_layout_is_refused(tmp_path: Path, text: str, message: str) -> None:
    gestures(tmp_path)
    (tmp_path / "user22_led_labels.csv").write_text(text)
    with pytest.raises(CorruptFile, match=message):
        dvs_gesture(tmp_path)


def test_a_gesture_file_that_is_missing_is_named(tmp_path: Path) -> None:
    gestures(tmp_path)
    (tmp_path / "user22_led_labels.csv").unlink()
    with pytest.raises(FileNotFoundError, match="user22_led_labels"):
        dvs_gesture(tmp_path)
    (tmp_path / "user22_led.aedat").unlink()
    with pytest.raises(FileNotFoundError, match=r"lists user22_led\.aedat"):
        dvs_gesture(tmp_path)


def test_cards_of_a_deck(tmp_path: Path) -> None:
    table = np.array([[5, 0, 1, 0], [7, 34, 34, 1]])
    for part in ("train", "test"):
        for name in ("cl", "he", "di", "sp"):
            (tmp_path / part / f"pips_{part}" / name).mkdir(parents=True)
            np.save(tmp_path / part / f"pips_{part}" / name / "0.npy", table)
    train, test = poker_dvs(tmp_path)
    assert train.labels.tolist() == test.labels.tolist() == [0, 1, 2, 3]
    p, y, x = train[2][0].coordinates
    assert (train[2][0].t.tolist(), p.tolist(), y.tolist(), x.tolist()) == (
        [5, 7], [0, 1], [1, 34], [0, 34],
    )  # fmt: skip
    bad = tmp_path / "train" / "pips_train" / "cl" / "0.npy"
    for given, message in (
        (np.array([[5, 35, 1, 0]]), "x=35"),
        (np.array([[5, 1, 1, -1]]), "p=-1"),
        (np.zeros((3, 3), int), "expected whole numbers"),
        (np.zeros((3, 4)), "expected whole numbers"),
    ):
        np.save(bad, given)
        with pytest.raises(CorruptFile, match=message):
            poker_dvs(tmp_path)
    bad.write_bytes(b"\x93NUMPY")
    with pytest.raises(CorruptFile, match="not a whole"):
        poker_dvs(tmp_path)


def test_samples_are_read_by_name(tmp_path: Path) -> None:
    put(tmp_path / "hand.dat", events((2, 20, 30), seed=1), "dat")
    read = prophesee_samples(tmp_path, "hand.dat")
    assert len(read) == 41 and read.t[0] == 0
    with pytest.raises(UnknownName, match=r"Did you mean 'hand\.dat'"):
        prophesee_samples(tmp_path, "hand.raw")
    with pytest.raises(FileNotFoundError):
        prophesee_samples(tmp_path / "none", "x")


# -- touch ------------------------------------------------------------------------------------


def test_tactile_digits(tmp_path: Path) -> None:
    scipy = pytest.importorskip("scipy.io")
    table = np.zeros((101, 3))
    table[-1] = [0.25, 0.25, 1.5]
    table[0, 0], table[37, 1], table[99, 2], table[5, 2] = 1, -1, 1, -1
    for digit in range(10):
        (tmp_path / "data" / str(digit)).mkdir(parents=True)
        for i in range(5):
            scipy.savemat(tmp_path / "data" / str(digit) / f"{i}.mat", {"spiketrain": table})
    scipy.savemat(tmp_path / "data" / "LUT.mat", {"lut": [1]})
    train, test = st_mnist(tmp_path)
    assert (len(train), len(test)) == (40, 10)
    p, y, x = train[0][0].coordinates
    got = zip(train[0][0].t.tolist(), p.tolist(), y.tolist(), x.tolist(), strict=True)
    assert sorted(got) == [
        (250_000, 0, 3, 7), (250_000, 1, 0, 0), (1_500_000, 0, 0, 5), (1_500_000, 1, 9, 9),
    ]  # fmt: skip


def letters(path: Path, recordings: list[dict[str, Any]]) -> None:
    path.write_bytes(gzip.compress(pickle.dumps(dict(enumerate(recordings)))))


def test_braille_counts_thresholds_by_hand(tmp_path: Path) -> None:
    taxels = np.full((4, 12), 200.0)
    taxels[1:, 3] = [189, 188, 199]  # touched by 11, then 12, then 1
    one = {"experiment_name": "braille_letters", "taxel_data": taxels}
    letters(
        tmp_path / BRAILLE_FILE,
        [{**one, "letter": "B", "repetition": 39}, {**one, "letter": "Z", "repetition": 40}],
    )
    train, test = braille(tmp_path, threshold=5.0)
    assert (train.labels.tolist(), test.labels.tolist()) == ([2], [26])
    assert train.classes[2] == "B" and train.attributes == {"threshold": 5.0}
    read = train[0][0]
    # up twice in frame 1 (level 10), nothing in frame 2 (12 - 10 < 5), down once in frame 3
    assert read.t.tolist() == [1, 1, 3] and read.unit.tolist() == [15, 15, 3]
    assert float(read.clock.seconds(read.duration)) == 0.1


@pytest.mark.skipif(not (SHARED / "braille").is_dir(), reason="no real recordings here")
def test_real_braille() -> None:
    train, test = braille(SHARED / "braille" / "braille_letters_train.npz")
    assert (len(train), len(test)) == (1080, 0)
    assert np.bincount(train.labels).tolist() == [40] * 27
    with np.load(SHARED / "braille" / "braille_letters_train.npz") as file:
        x = 255.0 - file["x"]
    for i in (0, 100, 1079):  # the levels that the events tell stay within a threshold
        p, sensor = train[i][0].coordinates
        level = np.zeros((76, 12))
        np.add.at(level, (train[i][0].t, sensor), np.where(p == 1, 5.0, -5.0))
        assert np.abs(x[i] - x[i][0] - level.cumsum(axis=0)).max() < 5.0


class Evil:
    def __reduce__(self) -> Any:
        return (eval, ("open('evil', 'w')",))


def test_a_pickle_that_wants_to_run_something_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    letters(tmp_path / BRAILLE_FILE, [{"taxel_data": Evil(), "letter": "A", "repetition": 0}])
    with pytest.raises(CorruptFile, match="eval, which is refused"):
        braille(tmp_path)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"letter": "ß"}, "layout"),
        ({"taxel_data": np.zeros((4, 11))}, r"shape \(4, 11\)"),
        ({"taxel_data": np.full((4, 12), 256.0)}, "outside 0 to 255"),
        ({"taxel_data": "text"}, "layout"),
        ({"repetition": None}, "layout"),
    ],
)
def test_braille_of_another_layout_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    good = {"taxel_data": np.zeros((4, 12)), "letter": "A", "repetition": 0}
    letters(tmp_path / BRAILLE_FILE, [{**good, **change}])
    with pytest.raises(CorruptFile, match=message):
        braille(tmp_path)
    raw = (tmp_path / BRAILLE_FILE).read_bytes()
    (tmp_path / BRAILLE_FILE).write_bytes(raw[:-20])
    with pytest.raises(CorruptFile, match="damaged"):
        braille(tmp_path)


def test_braille_arrays_of_another_layout_are_refused(tmp_path: Path) -> None:
    good: dict[str, Any] = {
        "x": np.zeros((2, 5, 12), np.uint8), "y": [0, 26], "repetition": [0, 45],
        "classes": ["Space", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
    }  # fmt: skip
    path = tmp_path / "letters.npz"
    np.savez(path, **good)
    train, test = braille(path)
    assert (train.labels.tolist(), test.labels.tolist()) == ([0], [26])
    for change in ({"classes": ["A"]}, {"y": [0]}, {"x": np.zeros((2, 60))}):
        np.savez(path, **{**good, **change})
        with pytest.raises(CorruptFile, match="expected x"):
            braille(path)
    del good["y"]
    np.savez(path, **good)
    with pytest.raises(CorruptFile, match="layout"):
        braille(path)
    np.savez(path, y=[0, 26], **good)
    with pytest.raises(InvalidValue, match="threshold"):
        braille(path, threshold=0.0)
