"""Speech Commands in its official layout: the lists decide what is tested, words become spikes."""

import wave

import numpy as np
import pytest

from neuro.data import gsc
from neuro.data.gsc import CLASSES
from neuro.encode import Cochlea
from neuro.errors import CorruptFile, UnknownName

EAR = Cochlea(channels=20)


def tone(path, hertz, rate=16_000, seconds=0.2):
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype("<i2").tobytes())


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "speech_commands_v0.02"
    for i, word in enumerate(CLASSES):
        for speaker in ("a1", "b2", "c3"):
            tone(folder / word / f"{speaker}_nohash_0.wav", 200 + 100 * i)
    tone(folder / "_background_noise_" / "hum.wav", 50)
    (folder / "testing_list.txt").write_text("yes/a1_nohash_0.wav\nno/b2_nohash_0.wav\n")
    (folder / "validation_list.txt").write_text("go/c3_nohash_0.wav\n")
    return tmp_path


def test_the_lists_say_what_is_held_out(root):
    train, test = gsc(root, cochlea=EAR)
    assert len(train) == 3 * 35 - 3
    assert [f"{p.parent.name}/{p.name}" for p in test.items] == [
        "no/b2_nohash_0.wav", "yes/a1_nohash_0.wav",
    ]  # fmt: skip
    _, valid = gsc(root, held_out="valid", cochlea=EAR)
    assert [CLASSES[label] for label in valid.labels] == ["go"]


def test_spikes_depend_on_name_and_seed_alone(root):
    _, test = gsc(root, cochlea=EAR)
    events, label = test[1]
    assert CLASSES[label] == "yes" and events.shape == (20,) and len(events) > 0
    assert gsc(root, cochlea=EAR)[1][1][0] == events
    assert gsc(root, cochlea=EAR, seed=1)[1][1][0] != events


def test_a_recording_that_a_list_names_must_be_there(root):
    (root / "speech_commands_v0.02" / "yes" / "a1_nohash_0.wav").unlink()
    with pytest.raises(CorruptFile, match=r"names yes/a1_nohash_0\.wav"):
        gsc(root)
    with pytest.raises(UnknownName, match="held_out"):
        gsc(root, held_out="tset")
    with pytest.raises(FileNotFoundError, match="testing_list"):
        gsc(root / "speech_commands_v0.02" / "yes")
