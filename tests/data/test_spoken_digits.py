"""Spoken digits: which recordings are tested, and the same spikes every time."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuro.data import spoken_digits
from neuro.encode import Cochlea
from neuro.errors import CorruptFile, InvalidValue, UnknownName

wavfile = pytest.importorskip("scipy.io.wavfile")
EAR = Cochlea(channels=8)


def record(folder, digits, speakers, indices):
    folder.mkdir(parents=True, exist_ok=True)
    for digit in digits:
        for speaker in speakers:
            for index in indices:
                rng = np.random.default_rng([digit, len(speaker), index])
                sound = (rng.normal(size=400 + 10 * index) * 3000).astype(np.int16)
                wavfile.write(folder / f"{digit}_{speaker}_{index}.wav", 8000, sound)


@pytest.fixture
def folder(tmp_path):
    record(tmp_path / "deep" / "recordings", (0, 3), ("ann", "bertha"), range(3, 9))
    (tmp_path / "deep" / "notes.wav").write_bytes(b"not a recording")
    return tmp_path / "deep"


def test_recordings_0_to_4_are_tested(folder):
    train, test = spoken_digits(folder, cochlea=EAR)
    assert train.shape == (8,) and len(train) == 4 * 4 and len(test) == 4 * 2
    assert test.labels.tolist() == [0] * 4 + [3] * 4
    assert test.durations[0] == round((400 + 30) / 8000 * 1e6)
    assert "held out" not in test.source and "CC BY-SA 4.0" in test.source
    assert test.attributes["speakers"] == "ann bertha"


def test_without_them_five_are_held_out_and_the_source_says_so(tmp_path):
    record(tmp_path / "a", (1,), ("ann", "bob"), range(5, 12))
    train, test = spoken_digits(tmp_path / "a", cochlea=EAR)
    assert (len(train), len(test)) == (4, 10)
    assert "the five lowest numbers" in test.source
    assert sorted(test.durations[:5]) == [round((400 + 10 * i) / 8000 * 1e6) for i in range(5, 10)]


def test_spikes_depend_on_name_and_seed_alone(folder, tmp_path):
    train, test = spoken_digits(folder, cochlea=EAR, seed=1)
    shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    packed = spoken_digits(tmp_path / "packed.zip", cochlea=EAR, seed=1, threads=3, progress=True)
    assert packed == (train, test)
    one, _ = spoken_digits(folder, cochlea=EAR, seed=1, speakers=["bertha"], per_speaker=2)
    assert len(one) == 4
    assert one[0][0] == train[4][0]
    assert spoken_digits(folder, cochlea=EAR, seed=2)[1] != test


def test_what_cannot_be_used_is_refused(folder, tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'bertha'"):
        spoken_digits(folder, cochlea=EAR, speakers=["berta"])
    with pytest.raises(InvalidValue, match="per_speaker"):
        spoken_digits(folder, per_speaker=0)
    with pytest.raises(FileNotFoundError, match="no folder"):
        spoken_digits(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="7_jackson_32"):
        spoken_digits(tmp_path / "empty")
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(CorruptFile, match="not a whole"):
        spoken_digits(tmp_path / "bad.zip")
    record(tmp_path / "few", (1,), ("ann",), range(3))
    with pytest.raises(InvalidValue, match="none is left"):
        spoken_digits(tmp_path / "few", cochlea=EAR)
    record(folder / "twice", (0,), ("ann",), [3])
    with pytest.raises(CorruptFile, match="the same recording"):
        spoken_digits(folder, cochlea=EAR)
    shutil.rmtree(folder / "twice")
    victim = folder / "recordings" / "3_ann_5.wav"
    victim.write_bytes(victim.read_bytes()[:-7])
    with pytest.raises(CorruptFile, match=r"3_ann_5\.wav: byte 36"):
        spoken_digits(folder, cochlea=EAR)


def test_archives_that_lie_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(10, 20):  # 10 to 14 are held out, 15 is the first to be read
            archive.writestr(f"0_ann_{i}.wav", bytes((1 << 24) + 1) if i == 15 else b"")
    with pytest.raises(CorruptFile, match="expected at most"):
        spoken_digits(tmp_path / "a.zip", cochlea=EAR)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for i in range(10):
            archive.writestr(f"0_ann_{i}.wav", b"0123456789" * 10)
    raw = (tmp_path / "b.zip").read_bytes().replace(b"0123456789" * 10, b"1123456789" * 10)
    (tmp_path / "b.zip").write_bytes(raw)
    with pytest.raises(CorruptFile, match=r"damaged .*CRC"):
        spoken_digits(tmp_path / "b.zip", cochlea=EAR)


SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "fsdd" / "fsdd_train_wav.zip"


@pytest.mark.skipif(not SHARED.is_file(), reason="no Free Spoken Digit Dataset here")
def test_real_recordings_are_read():
    train, test = spoken_digits(SHARED, cochlea=EAR, speakers=["theo"], per_speaker=1)
    assert (len(train), len(test)) == (10, 50)
    assert test.counts.min() > 5 and 0.2 < test.durations.mean() / 1e6 < 0.7
