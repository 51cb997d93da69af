"""WAV files against what scipy writes, and damage."""

import numpy as np
import pytest

from neuro.encode import read_wav
from neuro.errors import CorruptFile, Unsupported

wavfile = pytest.importorskip("scipy.io.wavfile")


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_are_those_that_were_written(tmp_path, dtype, channels):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(50, channels)).squeeze()
    full = {"u1": 127, "i2": 32767, "i4": 2**31 - 1}.get(dtype, 1)
    stored = (
        np.round(x * full + 128 * (dtype == "u1")).astype(dtype) if full > 1 else x.astype(dtype)
    )
    wavfile.write(tmp_path / "a.wav", 8000, stored)
    samples, rate = read_wav(tmp_path / "a.wav")
    assert rate == 8000 and samples.shape == x.shape and samples.dtype == np.float64
    assert np.abs(samples - x).max() <= {"u1": 0.02, "i2": 1e-4}.get(dtype, 1e-6)


def test_24_bits_are_read(tmp_path):
    values = np.array([0, 1, -1, 2**23 - 1, -(2**23)])
    data = b"".join(int(v).to_bytes(3, "little", signed=True) for v in values) + b"\0"
    head = b"fmt " + np.array([16], "<u4").tobytes() + np.array([1, 1], "<u2").tobytes()
    head += np.array([8000, 24000], "<u4").tobytes() + np.array([3, 24], "<u2").tobytes()
    body = b"WAVE" + head + b"data" + np.array([15], "<u4").tobytes() + data
    (tmp_path / "a.wav").write_bytes(b"RIFF" + np.array([len(body)], "<u4").tobytes() + body)
    assert np.array_equal(read_wav(tmp_path / "a.wav")[0], values / 2**23)


def test_damage_is_named_with_its_byte(tmp_path):
    path = tmp_path / "a.wav"
    wavfile.write(path, 8000, np.arange(100, dtype=np.int16))
    raw = path.read_bytes()
    cases = [
        (raw[:-10], "byte 36: chunk b'data' says 200 bytes, 190 are left"),
        (raw[:30], "byte 12: chunk b'fmt ' says 16 bytes"),
        (raw[:36], "without a 'data' chunk"),
        (b"RIFX" + raw[4:], "byte 0"),
        (raw[:12] + raw[36:], "comes before 'fmt '"),
        (raw[:40] + b"\x01\x00\x00\x00" + raw[44:45], "byte 44: 1 bytes are left over"),
        (b"", "byte 0"),
    ]
    for damaged, words in cases:
        path.write_bytes(damaged)
        with pytest.raises(CorruptFile, match=words):
            read_wav(path)
    path.write_bytes(raw[:20] + b"\x07\x00" + raw[22:])
    with pytest.raises(Unsupported, match="coding 7"):
        read_wav(path)
    wavfile.write(path, 8000, np.array([0.0, np.nan], np.float32))
    with pytest.raises(CorruptFile, match="nan"):
        read_wav(path)
    with pytest.raises(CorruptFile, match="larger limit"):
        read_wav(path, limit=10)
    with pytest.raises(FileNotFoundError, match="no file"):
        read_wav(tmp_path / "b.wav")
