"""How the report words its values."""

from __future__ import annotations

import pytest

from neuro.plot._page import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"), (False, "no"), (450, "450"), (1234567, "1 234 567"), (0.97826, "0.9783"),
        (91234.5, "91 234"), (0.0, "0"), (1e-9, "1e-09"), (None, "none"), ([], "none"),
        ("97.8 %", "97.8 %"),
    ],
)  # fmt: skip
def test_values_read_as_in_print(value: object, text: str) -> None:
    assert shown(value).replace("\N{NARROW NO-BREAK SPACE}", " ") == text
