"""GIF films as intensities and times."""

import numpy as np
import pytest

from neuro.encode import EventCamera, read_gif
from neuro.errors import CorruptFile, InvalidValue

image = pytest.importorskip("PIL.Image")


def film(path, levels, wait=40):
    frames = [image.new("L", (5, 4), level) for level in levels]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=wait, loop=0)


def test_a_film_is_read_in_linear_light_with_its_times(tmp_path):
    film(tmp_path / "a.gif", [0, 128, 255])
    video, times = read_gif(tmp_path / "a.gif", dark=0.2)
    assert video.shape == (3, 4, 5) and video.dtype == np.float32
    assert np.allclose(times, [0, 0.04, 0.08])
    middle = ((128 / 255 + 0.055) / 1.055) ** 2.4
    assert np.allclose(video[:, 0, 0], [0.2, 0.2 + 0.8 * middle, 1.0], atol=1e-6)
    events = EventCamera(threshold=0.5, refractory=0.0).watch(video, times)
    assert len(events) == 20 * int(np.log(5) / 0.5) and (events.unit >= 20).all()


def test_what_is_no_film_is_refused(tmp_path):
    path = tmp_path / "a.gif"
    film(path, [0, 255])
    with pytest.raises(CorruptFile, match="larger limit"):
        read_gif(path, limit=30)
    with pytest.raises(InvalidValue, match="dark"):
        read_gif(path, dark=1.0)
    image.new("L", (5, 4)).save(path)
    with pytest.raises(CorruptFile, match="one frame"):
        read_gif(path)
    path.write_bytes(b"GIF89a")
    with pytest.raises(CorruptFile, match="not a whole GIF"):
        read_gif(path)
    with pytest.raises(FileNotFoundError):
        read_gif(tmp_path / "none.gif")
