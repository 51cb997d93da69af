"""IDX pictures through the camera: which, in which order, and the same ones every time."""

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.data import mnist_events
from neuro.data.mnist_events import CAMERA
from neuro.encode import saccades
from neuro.errors import CorruptFile, InvalidValue, UnknownName
from neuro.units import us


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    for part, count in (("train", 150), ("t10k", 12)):
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, 6:22, 8:20] = rng.integers(0, 256, size=(count, 16, 12))
        labels = (np.arange(count) * 7 % 10).astype(np.uint8)
        for name, array in ((f"{part}-images-idx3", images), (f"{part}-labels-idx1", labels)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            (tmp_path / f"{name}-ubyte").write_bytes(head + array.tobytes())
    return tmp_path


def test_recordings_are_what_the_camera_sees_of_each_picture(root):
    events = mnist_events(root, "train", seed=3)
    assert len(events) == 150 and events.shape == (2, 34, 34) and events.clock == Clock(1 * us)
    assert events.labels[:4].tolist() == [0, 7, 4, 1] and (events.durations == 300_000).all()
    raw = np.frombuffer((root / "train-images-idx3-ubyte").read_bytes()[16:], np.uint8)
    for i in (0, 63, 64, 149):  # across the pieces in which they are seen
        video, times = saccades(raw.reshape(-1, 28, 28)[i] / 255.0)
        assert events[i][0] == CAMERA.watch(video, times, seed=3)
    assert events == mnist_events(root, "train", seed=3, threads=3, progress=True)
    assert events != mnist_events(root, "train", seed=4)


def test_a_part_of_each_class_and_the_test_files(root):
    part = mnist_events(root, per_class=2)
    assert np.bincount(part.labels).tolist() == [2] * 10
    test = mnist_events(root, "test", classes=[f"kind {i}" for i in range(10)])
    assert (
        len(test) == 12
        and test.classes[3] == "kind 3"
        and "not N-MNIST" in test.source.replace("\n", " ")
    )


def test_bad_files_and_arguments_are_refused(root):
    with pytest.raises(UnknownName, match="Did you mean 'train'"):
        mnist_events(root, "trian")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="per_class"):
        mnist_events(root, per_class=0)
    with pytest.raises(CorruptFile, match="labels run from 0 to 9"):
        mnist_events(root, classes="abc")
    labels = root / "train-labels-idx1-ubyte"
    labels.write_bytes(b"\0\0\x08\x01\0\0\0\x02\0\x01")
    with pytest.raises(CorruptFile, match="pictures have shape"):
        mnist_events(root)
    labels.unlink()
    with pytest.raises(FileNotFoundError, match=r"neither train-labels-idx1-ubyte nor"):
        mnist_events(root)
