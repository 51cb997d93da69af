"""Is Numba there, for work that NumPy can also do, only more slowly and with equal results?"""

from __future__ import annotations

import importlib.util


def compiled() -> bool:
    """Whether Numba is installed. What cannot do without it calls `neuro.errors.require`."""
    return importlib.util.find_spec("numba") is not None
