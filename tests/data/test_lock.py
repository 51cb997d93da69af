"""One at a time holds a lock, others wait and are told, and it ends with its owner."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest

from neuro.data._lock import locked


def test_the_second_waits_and_is_told_once(tmp_path: Path) -> None:
    order: list[str] = []
    held = threading.Event()

    def first() -> None:
        with locked(tmp_path / "x"):
            held.set()
            time.sleep(0.35)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    held.wait()
    with locked(tmp_path / "y"):  # another file is another lock
        order.append("other")
    with locked(tmp_path / "x", waiting=lambda: order.append("told")):
        order.append("second")
    thread.join()
    assert order == ["other", "told", "first", "second"]


def test_a_failure_releases_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"), locked(tmp_path / "new" / "x"):
        raise ValueError("x")
    with locked(tmp_path / "new" / "x"):
        pass


def _die(path: str) -> None:
    lock = locked(Path(path))
    lock.__enter__()
    os._exit(3)


def test_it_dies_with_its_owner(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_die, args=(str(tmp_path / "x"),))
    process.start()
    process.join()
    assert process.exitcode == 3
    with locked(tmp_path / "x"):
        pass
