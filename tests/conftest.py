"""Shared by all tests: one thread a process, and the folder of real recordings if there is one."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small tensors gain nothing from threads, and on a busy machine waiting for them is slow."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings beside the repository (or NEURO_SHARED_DATA); tests skip without them."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("NEURO_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip("real recordings are not here; set NEURO_SHARED_DATA to their folder")
    return folder
