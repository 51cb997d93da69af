"""Shared by all tests: one thread a process, and coverage that stays out of the compiler."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small tensors gain nothing from threads, and on a busy machine waiting for them is slow."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _compile_untraced() -> Iterator[None]:
    """Tracing Numba's own lines, none of which are counted, makes compiling half as long again."""
    from numba.core.dispatcher import Dispatcher

    traced = Dispatcher.compile

    def untraced(self: Any, signature: Any) -> Any:
        trace = sys.gettrace()
        sys.settrace(None)
        try:
            return traced(self, signature)
        finally:
            sys.settrace(trace)

    Dispatcher.compile = untraced
    yield
    Dispatcher.compile = traced
