"""A reader that crashes, hangs, lies or eats memory in the child is an error, and no more."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuro.errors import CorruptFile, InvalidValue, Unsupported
from neuro.formats._isolated_child import send
from neuro.formats.isolated import run

TASKS = """
import ctypes, os, signal, sys, time
import numpy as np

def good(path, limit, count):
    print("a library speaks")
    assert sys.stdin.read() == ""
    for i in range(count):
        yield {"number": i, "path": path}, [np.arange(i), np.full((2, 3), 0.5, np.float16)]

def modules(path, limit):
    yield {"neuro": any(m.split(".")[0] == "neuro" for m in sys.modules), "pid": os.getpid()}, []

def crash(path, limit):
    yield {}, [np.ones(3)]
    os.kill(os.getpid(), signal.SIGSEGV)
    yield {}, []

def leave(path, limit):
    sys.stderr.write("last words\\n"); sys.stderr.flush()
    os._exit(7)
    yield {}, []

def loop(path, limit):
    while True:
        pass
    yield {}, []

def sleep(path, limit):
    time.sleep(60)
    yield {}, []

def eat(path, limit):
    yield {}, [np.ones(1 << 32, np.uint8)[:4]]

def nonsense(path, limit, data):
    for number in range(3, 20):
        try:
            os.write(number, bytes(data))
        except OSError:
            pass
    time.sleep(0.1)
    yield {}, []

def fail(path, limit, kind):
    yield {}, []
    raise {"v": ValueError, "n": NotImplementedError, "i": IndexError, "r": RuntimeError}[kind](
        "the reason")

def endless(path, limit):
    while True:
        yield {}, [np.zeros(1 << 18, np.uint8)]
"""


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "isolated_tasks.py").write_text(TASKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "file.h5").write_bytes(b"x" * 100)
    return tmp_path / "file.h5"


def call(name: str, path: Path, **more: Any) -> list[Any]:
    return list(run(f"isolated_tasks:{name}", path, **{"limit": 1 << 20, **more}))


@pytest.mark.parametrize("trusted", [False, True])
def test_what_a_task_yields_arrives(
    tasks: Path, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    parts = call("good", tasks, trusted=trusted, count=4)
    assert [facts["number"] for facts, _ in parts] == [0, 1, 2, 3]
    assert parts[0][0]["path"] == str(tasks)
    for i, (_, (first, second)) in enumerate(parts):
        np.testing.assert_array_equal(first, np.arange(i))
        assert second.dtype == np.float16 and second.tolist() in ([0.5] * 6, [[0.5] * 3] * 2)


def test_the_child_loads_nothing_of_neuro(tasks: Path) -> None:
    ((facts, _),) = call("modules", tasks)
    assert facts["neuro"] is False


def test_a_crash_is_an_error_and_what_came_before_stays(tasks: Path) -> None:
    parts = run("isolated_tasks:crash", tasks, limit=1 << 20)
    assert next(parts)[1][0].tolist() == [1, 1, 1]
    with pytest.raises(CorruptFile, match=r"file\.h5: its reader crashed with SIGSEGV"):
        next(parts)


@pytest.mark.parametrize(
    ("task", "more", "message"),
    [
        ("leave", {}, r"exit code 7 \(last words\)"),
        ("loop", {"seconds": 1}, "stopped after 1 s of processor time"),
        ("sleep", {"seconds": 0.2}, "did not answer within 1 s"),
        ("eat", {}, "more memory than allowed"),
        ("nonsense", {"data": [255] * 64}, "sent nonsense"),
        ("nonsense", {"data": [4, 0, 0, 0, 0, 0, 0, 0, 110, 117, 108, 108]}, "sent nonsense"),
        ("nonsense", {"data": [*(46).to_bytes(8, "little"),
                               *b'{"facts": {}, "arrays": [["<f8", 99999999999]]}'[:46]]},
         "sent nonsense"),
        ("nonsense", {"data": [*(33).to_bytes(8, "little"),
                               *b'{"facts": {}, "arrays": [["O",1]]}'[:33]]}, "sent nonsense"),
        ("fail", {"kind": "v"}, "the reason. Copy or download"),
        ("fail", {"kind": "r"}, "the reason. Copy or download"),
    ],
)  # fmt: skip
def test_every_end_is_told(tasks: Path, task: str, more: dict[str, Any], message: str) -> None:
    with pytest.raises(CorruptFile, match=message):
        call(task, tasks, **more)


@pytest.mark.parametrize("trusted", [False, True])
def test_what_is_no_damage_is_told_apart(tasks: Path, trusted: bool) -> None:
    with pytest.raises(Unsupported, match="the reason"):
        call("fail", tasks, kind="n", trusted=trusted)
    with pytest.raises(InvalidValue, match="the reason"):
        call("fail", tasks, kind="i", trusted=trusted)


def test_a_reader_that_is_left_ends(tasks: Path) -> None:
    threads = threading.active_count()
    for _ in range(3):
        parts = run("isolated_tasks:endless", tasks, limit=1 << 20)
        for _ in range(4):
            assert next(parts)[1][0].nbytes == 1 << 18
        parts.close()
    assert threading.active_count() == threads
    (facts, _), *_ = call("modules", tasks)
    with pytest.raises(ProcessLookupError):
        os.kill(facts["pid"], 0)


def test_time_that_the_caller_takes_does_not_count(tasks: Path) -> None:
    parts = run("isolated_tasks:good", tasks, limit=1 << 20, count=3, seconds=0.5)
    for _ in range(3):
        next(parts)
        time.sleep(1.5)  # together longer than the wait that is allowed
    assert next(parts, None) is None


def test_a_message_is_a_length_a_header_and_bytes() -> None:
    out = io.BytesIO()
    send(out, {"facts": {"a": 1}}, [np.array([1, 2], "<u2"), np.zeros((0, 3))])
    data = out.getvalue()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert header == {"facts": {"a": 1}, "arrays": [["<u2", 2], ["<f8", 0]]}
    assert data[8 + length :] == b"\1\0\2\0"
