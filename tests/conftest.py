"""Shared by all tests: one thread a process."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small tensors gain nothing from threads, and on a busy machine waiting for them is slow."""
    import torch

    torch.set_num_threads(1)
