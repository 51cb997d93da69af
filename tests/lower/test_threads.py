"""The thread pool does all of the work once, says what went wrong, and survives a fork."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import torch

from neuro.lower.threads import parallel


@pytest.fixture(params=[1, 2, 5])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("total", [0, 1, 7, 64, 1000])
@pytest.mark.parametrize("grain", [1, 16, 5000])
def test_every_index_is_worked_on_once(threads: int, total: int, grain: int) -> None:
    ranges: list[tuple[int, int]] = []
    parallel(lambda low, high: ranges.append((low, high)), total, grain)
    assert [i for low, high in sorted(ranges) for i in range(low, high)] == list(range(total))
    assert all((high - low) % grain == 0 for low, high in sorted(ranges)[:-1])


def test_several_threads_take_part() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    both = threading.Barrier(2, timeout=10)
    try:
        parallel(lambda low, high: both.wait() if low < 2 else None, 8)
    finally:
        torch.set_num_threads(before)


def test_an_error_arrives_after_all_threads_have_stopped(threads: int) -> None:
    running = []

    def work(low: int, high: int) -> None:
        running.append(low)
        if low == 0:
            raise ZeroDivisionError("of range 0")
        time.sleep(0.02)
        running.remove(low)

    with pytest.raises(ZeroDivisionError, match="of range 0"):
        parallel(work, 100)
    assert running == [0]


def test_callers_may_come_from_several_threads() -> None:
    done: list[int] = []

    def call(number: int) -> None:
        for _ in range(50):
            parallel(lambda low, high: done.extend([number] * (high - low)), 20)

    callers = [threading.Thread(target=call, args=(n,)) for n in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(done) == [n for n in range(8) for _ in range(1000)]


FORK = """
import os, torch
from neuro.lower.threads import parallel
torch.set_num_threads(2)
done = []
parallel(lambda low, high: done.append(high - low), 100)
child = os.fork()
if child == 0:
    parallel(lambda low, high: done.append(high - low), 100)
    os._exit(0 if sum(done) == 200 else 1)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_forked_process_has_a_pool_of_its_own() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=60)
