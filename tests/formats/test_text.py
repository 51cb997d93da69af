"""Text and CSV files of events: columns, numbers, round trips, damage and bounded memory."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.errors import CorruptFile, DamagedFile, InvalidValue
from neuro.events import Events
from neuro.formats import _text_kernels as kernels
from neuro.formats import read_events, read_recording, stream_events, write_events
from neuro.formats.text import CSV, CSV_GZ, RPG, RPG_GZ
from neuro.units import ms, us

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "events_io"
US, NS = Clock(1 * us), Clock(Fraction(1, 10**9))
ALL = [CSV, CSV_GZ, RPG, RPG_GZ]


def rows(events: Events) -> list[tuple[int, ...]]:
    return list(zip(events.t.tolist(), *(c.tolist() for c in events.coordinates), strict=True))


def kept(path, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        return read_recording(path, errors="keep", **how)


TWO = [(5, 1, 3, 4), (70_000, 0, 2, 1)]  # t, p, y, x


@pytest.mark.parametrize(
    "text",
    [
        "t,x,y,p\n5,4,3,1\n70000,1,2,0\n",
        "5,4,3,1\n70000,1,2,0",
        "# made by hand\r\n\r\nT;X;Y;P\r\n5;4;3;1\r\n70000;1;2;-1\r\n",
        "x\ty\tpolarity\ttimestamp\n4\t3\tON\t5\n1\t2\toff\t70000\n",
        "  t   x y   p \n 5  4 3 True\n# between\n70000 1\t2 FALSE  \n",
        '"time", "row", "col", "pol", "quality"\n5, 3, 4, 1, good\n70000, 2, 1, 0, 0.5\n',
        "t,x,y,p\n5.0e0,4.0,3e0,1.0\n7e4,1,2,0\n".replace("t,", "t_us,"),
        "+5,4,3,+1\n70000,001,2,0\n",
    ],
)
def test_columns_and_delimiters(text, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    found = read_recording(path)
    assert rows(found.events) == TWO and found.events.shape == (2, 4, 5)
    assert found.facts["time"] == "ticks" and found.format == "csv"
    path.write_bytes(gzip.compress(text.encode()))
    again = read_recording(path)
    assert again.events == found.events and again.format == "csv.gz"


def test_units_on_one_axis(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("neuron,t\n3,10\n0,11\n")
    assert read_events(path).unit.tolist() == [3, 0]
    path.write_text("10,3\n11,0\n")
    assert read_events(path, sensor=(9,), clock=Clock(1 * ms)).shape == (9,)
    with pytest.raises(InvalidValue, match="t and unit"):
        read_events(path, sensor=(2, 3, 4))


def test_seconds_are_known_by_their_point(tmp_path):
    path = tmp_path / "events.txt"
    path.write_text("0.003811000 4 3 1\n1633953690.975950 1 2 0\n")
    found = read_recording(path)
    assert found.format == "rpg" and found.facts["time"] == "seconds"
    assert found.events.t.tolist() == [3811, 1633953690975950]
    assert read_events(path, clock=NS).t.tolist() == [3811000, 1633953690975950000]
    path.write_text("t_s,x,y,p\n0,4,3,1\n2,1,2,0\n")
    assert read_events(path).t.tolist() == [0, 2_000_000]
    np.savetxt(path, [[0.25, 4, 3, 1], [0.5, 1, 2, 0]])  # 2.500000000000000000e-01 4.000...
    assert rows(read_events(path)) == [(250_000, 1, 3, 4), (500_000, 0, 2, 1)]
    with pytest.raises(InvalidValue, match="1 ns or longer"):
        read_events(path, clock=Clock(Fraction(1, 10**12)))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("7,1,2", "expected 4 fields"),
        ("7,1,2,0,5", "no number|expected 4 fields"),
        ("7,1,2,x", "polarity"),
        ("7,1,2,2", "polarity"),
        ("7,a,2,0", "no number"),
        ("7,1,,0", "no number"),
        ("7 1 2 0", "not divided"),
        ("7,1.5,2,0", "not whole"),
        ("7.5,1,2,0", "not whole"),
        ("99999999999999999999,1,2,0", "too large"),
        ("7,4294967296,2,0", "too large"),
        ("1e,1,2,0", "no number"),
        ("7,1,2,0 0", "no number|fields"),
        ("\xff\xfe", "no number"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_byte(line, words, tmp_path):
    path = tmp_path / "a.csv"
    before = b"t,x,y,p\n5,4,3,1\n"
    bad = line.encode("latin-1") + b"\n"
    path.write_bytes(before + bad + b"70000,1,2,0\n")
    with pytest.raises(CorruptFile, match=rf"(?s)byte {len(before)}: line 3: .*({words})"):
        read_events(path)
    found = kept(path)
    assert rows(found.events) == TWO and found.skipped == len(bad)
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(CorruptFile, match="line 3 of the unpacked text"):
        read_events(path)


def test_events_off_the_sensor_and_back_in_time_are_found_by_their_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("t,x,y,p\n5,4,3,1\n6,9,3,1\n")
    with pytest.raises(CorruptFile, match="byte 16: event at x=9, outside"):
        read_events(path, sensor=(2, 4, 5))
    path.write_text("t,x,y,p\n5,4,3,1\n\n# note\n4,1,1,1\n")
    with pytest.raises(CorruptFile, match="byte 24: time runs backwards to 4"):
        read_events(path)
    path.write_text("t,x,y,p\n-5,4,3,1\n")
    with pytest.raises(CorruptFile, match="byte 8: time stamp -5"):
        read_events(path)


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n1,2,3\n",
        "t,x,y\n1,2,3\n",
        "1,2,3\n",
        "t,x,x,p\n",
        "# nothing\n",
        "\0\1\2",
        "",
        "t,unit,x\n",
    ],
)
def test_files_whose_columns_are_not_known_are_refused(text, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(CorruptFile):
        read_events(path)
    with pytest.raises(CorruptFile, match=r"byte 0"):
        read_events(path, format="csv")


def test_a_line_without_end_is_damage_and_the_next_one_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"t,x,y,p\n5,4,3,1\n" + b"7" * 3_000_000 + b"\n70000,1,2,0\n")
    with pytest.raises(CorruptFile, match="byte 16"):
        read_events(path)
    found = kept(path)
    assert rows(found.events)[0] == TWO[0] and rows(found.events)[-1] == TWO[1]
    assert found.skipped > 2_900_000


# -- numbers ------------------------------------------------------------------------------------


@st.composite
def decimals(draw):
    whole = draw(st.integers(0, 10**12))
    places = draw(st.integers(0, 24))
    digits = draw(st.integers(0, 10**places - 1))
    text = f"{whole}.{digits:0{places}d}" if places else f"{whole}"
    power = draw(st.none() | st.integers(-30, 30))
    return draw(st.sampled_from(["", "-", "+"])) + text + ("" if power is None else f"e{power}")


@settings(max_examples=1000, deadline=None)
@given(
    decimals(),
    st.sampled_from([Fraction(1, 10**6), Fraction(1, 10**9), Fraction(7, 44100)]),
)  # fmt: skip
def test_seconds_go_to_the_nearest_tick(text, tick):
    exact = Fraction(text) / tick
    raw = np.frombuffer(text.encode(), np.uint8)
    value = np.zeros(6, np.int64)
    assert kernels.number(raw, 0, len(raw), value) == len(raw)
    assert value[5] in (1, 2)
    if value[5] == 2:
        assert abs(Fraction(text)) >= 2**63 - 1
        return
    found = kernels.ticks(value, tick.denominator, tick.numerator)
    if found == -(2**63):
        assert abs(exact) > 2**61 / tick.numerator
        return
    found = -1 - found if text.startswith("-") else found
    # a tie that 18 digits cannot tell is the only doubt
    assert abs(found - abs(exact)) <= Fraction(1, 2) + Fraction(1, 10**9)
    if exact.denominator <= 10**6:
        assert found == round(abs(exact))


def test_halves_go_to_the_even_tick():
    for text, ticks in [("0.0000005", 0), ("0.0000015", 2), ("0.00000050000000000000000001", 1)]:
        value, raw = np.zeros(6, np.int64), np.frombuffer(text.encode(), np.uint8)
        kernels.number(raw, 0, len(raw), value)
        assert kernels.ticks(value, 10**6, 1) == ticks == kernels.ticks.py_func(value, 10**6, 1)


# -- writing and reading -------------------------------------------------------------------------


def events_of(shapes, least=0):
    @st.composite
    def build(draw):
        shape = draw(st.sampled_from(shapes))
        clock = draw(st.sampled_from([US, NS, Clock(1 * ms)]))
        step = st.integers(0, 3) | st.integers(0, 2**50)
        pair = st.tuples(step, st.integers(0, int(np.prod(shape)) - 1))
        pairs = draw(st.lists(pair, min_size=least, max_size=25))
        t = np.cumsum([0] + [p[0] for p in pairs])[1:]
        more = draw(st.integers(0, 9))
        length = int(t[-1] if len(t) else 0) + 1 + more
        units = [p[1] for p in pairs]
        return Events.sorted(t, units, shape=shape, clock=clock, duration=length)

    return build()


@settings(max_examples=1000, deadline=None)
@given(events_of([(2, 34, 34), (2, 720, 1280), (2, 1, 1), (5,), (70_000,)]), st.booleans())
def test_csv_writing_and_reading_changes_nothing(tmp_path_factory, events, packed):
    path = tmp_path_factory.getbasetemp() / "round.csv"
    format = CSV_GZ if packed else CSV
    format.write(path, events)
    assert read_events(path, format=format.name) == events


@settings(max_examples=1000, deadline=None)
@given(events_of([(2, 34, 34), (2, 720, 1280), (2, 1, 1)], least=1), st.booleans())
def test_rpg_writing_and_reading_changes_nothing(tmp_path_factory, events, packed):
    path = tmp_path_factory.getbasetemp() / "round.txt"
    format = RPG_GZ if packed else RPG
    format.write(path, events)
    how = {"sensor": events.shape, "clock": events.clock, "duration": events.duration}
    assert read_events(path, format=format.name, **how) == events


def test_written_files_are_plain_lines(tmp_path):
    events = Events.sorted([5, 7], [1, 6], shape=(2, 2, 2), clock=US, duration=9)
    write_events(tmp_path / "a.csv", events)
    comment, *lines = (tmp_path / "a.csv").read_text().splitlines()
    assert comment.startswith("#") and lines == ["t,x,y,p", "5,1,0,0", "7,0,1,1"]
    write_events(tmp_path / "a.txt", events)
    assert (tmp_path / "a.txt").read_text() == "0.000005000 1 0 0\n0.000007000 0 1 1\n"
    write_events(tmp_path / "a.txt.gz", events)
    assert (
        gzip.decompress((tmp_path / "a.txt.gz").read_bytes()) == (tmp_path / "a.txt").read_bytes()
    )
    write_events(tmp_path / "b.txt.gz", events)
    assert (tmp_path / "a.txt.gz").read_bytes() == (tmp_path / "b.txt.gz").read_bytes()


@pytest.mark.parametrize(
    ("format", "events", "words"),
    [
        (CSV, Events.sorted([1], [1], shape=(3, 4), clock=US), "shape"),
        (CSV, Events.sorted([1], [1], shape=(3,), clock=US, value=[1]), "graded"),
        (RPG, Events.sorted([1], [1], shape=(3,), clock=US), "shape"),
        (RPG, Events.sorted([1], [1], shape=(2, 3, 4), clock=US, value=[1]), "graded"),
        (RPG, Events.sorted([1], [1], shape=(2, 3, 4), clock=Clock(Fraction(1, 3))), "tick"),
        (RPG, Events.sorted([], [], shape=(2, 3, 4), clock=US), "no event"),
    ],
)
def test_what_does_not_fit_is_not_written(format, events, words, tmp_path):
    with pytest.raises(InvalidValue, match=words):
        format.write(tmp_path / "a", events)
    assert not (tmp_path / "a").exists()


# -- damage --------------------------------------------------------------------------------------


def some(count=12) -> Events:
    return Events.sorted(range(count), range(count), shape=(2, 4, 40), clock=US)


@pytest.mark.parametrize("format", [CSV, CSV_GZ])
def test_a_file_cut_anywhere_is_refused_and_keeps_what_is_whole(format, tmp_path):
    path = tmp_path / "a.csv"
    format.write(path, some())
    raw = path.read_bytes()
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with contextlib.suppress(CorruptFile, InvalidValue):
            found = read_events(path, format=format.name)
            # only the end of the last line is gone
            assert length >= len(raw) - 1
            assert found == some()
        try:
            found = kept(path, format=format.name, sensor=(2, 4, 40)).events
        except CorruptFile:
            continue  # not even the first lines
        assert rows(found)[:-1] == rows(some())[: max(0, len(found) - 1)]


@pytest.mark.parametrize("format", ALL)
def test_flipped_bits_raise_nothing_but_file_errors(format, tmp_path):
    path = tmp_path / "a.csv"
    format.write(path, some())
    raw = path.read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(400):
        bad = bytearray(raw)
        for at in rng.integers(0, len(raw), rng.integers(1, 4)):
            bad[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        for errors in ("raise", "keep"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DamagedFile)
                with contextlib.suppress(CorruptFile, InvalidValue):
                    read_recording(path, format=format.name, errors=errors)


def test_a_gzip_bomb_is_refused_without_unpacking_it(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(b"t,x,y,p\n5,4,3,1\n" + b"\n" * 100_000_000))
    tracemalloc.start()
    with pytest.raises(CorruptFile, match="more than 50000000 bytes"):
        read_events(path, limit=50_000_000)
    assert tracemalloc.get_traced_memory()[1] < 200_000_000
    tracemalloc.stop()
    assert rows(kept(path, limit=50_000_000).events) == TWO[:1]


def test_gzip_files_one_after_another_are_one_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(
        gzip.compress(b"t,x,y,p\n5,4,3,1\n") + gzip.compress(b"70000,1,2,0\n") + b"\0" * 9
    )
    assert rows(read_events(path)) == TWO


@pytest.mark.parametrize("format", ALL)
def test_chunks_one_after_another_are_the_whole(format, tmp_path):
    path = tmp_path / "a.csv"
    rng = np.random.default_rng(1)
    t = np.sort(rng.integers(0, 40_000, 20_000))
    whole = Events.sorted(t, rng.integers(0, 2 * 180 * 240, 20_000), shape=(2, 180, 240), clock=US)
    format.write(path, whole)
    for chunk in (3, 700, 10**6):
        parts = list(stream_events(path, chunk=chunk, sensor=(2, 180, 240)))
        assert np.concatenate([p.t for p in parts]).tolist() == whole.t.tolist()
        assert np.concatenate([p.unit for p in parts]).tolist() == whole.unit.tolist()


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
def test_a_real_recording_agrees_with_exact_fractions():
    path = SHARED / "slider_depth_events_chunk.txt.gz"
    found = read_recording(path, sensor=(2, 180, 240))
    assert found.format == "rpg.gz" and len(found.events) == 50_000
    t, unit = [], []
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        seconds, x, y, p = line.split()
        t.append(round(Fraction(seconds) * 10**6))
        unit.append((int(p) * 180 + int(y)) * 240 + int(x))
    assert found.events == Events.sorted(t, unit, shape=(2, 180, 240), clock=US)


# -- compiled loops against the same loops in plain Python ----------------------------------------


def test_compiled_lines_are_the_plain_ones():
    text = (
        b"# c\n5,4,3,1\n\n6.5e0 , 1,2,off\n-7,1,2,0\n1.23456789012345678901,1,1,ON\n8,9\n"
        b"1e-3,1,1,true\n123456789e12,0,0,1\n7,1.5,2,0\n7,1,2,5\n9,3000000000,1,0\nx,1,1,1\n5,5,5,fals\n"
        b"2,2,2,1 ,\n3,3,3,False\n"
    )  # fmt: skip
    raw, codes = np.frombuffer(text, np.uint8), set()
    roles = np.array([kernels.TIME, kernels.X, kernels.Y, kernels.P])
    for ratio in ([10**6, 1], [1000, 3], [0, 0]):
        states = [np.zeros(4, np.int64), np.zeros(4, np.int64)]
        while states[0][0] < len(raw):
            outputs = []
            loops = (kernels.lines, kernels.lines.py_func)
            for loop, state in zip(loops, states, strict=True):
                t, row = np.zeros(2, np.int64), np.zeros(2, np.int32)
                a, b, c = np.zeros((3, 2), np.int32)
                code = loop(raw, roles, 44, np.array(ratio), state, t, a, b, c, row)
                n = state[2]
                columns = [o[:n].tolist() for o in (t, a, b, c, row)]
                outputs.append((code, state.tolist(), *columns))
                codes.add(int(code))
                if code not in (kernels.ENDED, kernels.FULL):
                    state[0] = state[3]
            assert outputs[0] == outputs[1]
    assert codes == set(range(7))


@pytest.mark.parametrize(
    "text", ["12", "-0.5", "1.5e3", "12345678901234567890", ".", "1e-20", "5e", "123e-2x"]
)
def test_compiled_numbers_are_the_plain_ones(text):
    raw = np.frombuffer(text.encode(), np.uint8)
    one, two = np.zeros(6, np.int64), np.zeros(6, np.int64)
    assert kernels.number(raw, 0, len(raw), one) == kernels.number.py_func(raw, 0, len(raw), two)
    assert one.tolist() == two.tolist()
    if one[5] == 1:
        for ratio in ((10**6, 1), (44100, 7)):
            assert kernels.ticks(one, *ratio) == kernels.ticks.py_func(one, *ratio)


def test_compiled_writers_are_the_plain_ones():
    t, columns = np.array([0, 1234567]), np.array([[0, 5], [70, 1]])
    texts = []
    for loop in (kernels.write_lines, kernels.write_lines.py_func):
        for seconds in ((0, 0), (10**6, 1000)):
            raw = np.zeros(200, np.uint8)
            texts.append(raw[: loop(t, columns, 32, *seconds, raw)].tobytes())
    assert (
        texts[:2] == texts[2:] == [b"0 0 5\n1234567 70 1\n", b"0.000000000 0 5\n1.234567000 70 1\n"]
    )
    for text in (
        b"1.0000005,7\n",
        b"2.5,7\r\n",
        b"3.1234567890,1\n",
        b"4,x\n",
        b"5\n",
        b"6,1\r\r\n",
    ):
        given, ends, found = np.frombuffer(text, np.uint8), [], []
        for loop in (kernels._plain, kernels._plain.py_func):
            t, a, b, c = np.zeros((4, 1), np.int64)
            roles, ratio = np.array([kernels.TIME, kernels.UNIT]), np.array([10**6, 1])
            ends.append(loop(given, 0, roles, 44, ratio, 0, t, a, b, c))
            found.append((t[0], c[0]))
        assert ends[0] == ends[1] and found[0] == found[1]
    raw = np.zeros(40, np.uint8)
    assert kernels._digits.py_func(70, 4, raw, 1) == 5 and raw[1:5].tobytes() == b"0070"
    for word, value in [(b"on", 1), (b"OFF", 0), (b"True", 1), (b"false", 0), (b"maybe", -1)]:
        assert kernels._word.py_func(np.frombuffer(word, np.uint8), 0, len(word)) == value
