"""What a capturing child said when it ended."""

from __future__ import annotations

import pytest

from analyzers.sources.dumpcap import complaint


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", ""),
        (b"tshark:", ""),
        (b"tshark: \n", ""),
        (b"tshark: The capture was stopped\n", "tshark: The capture was stopped"),
    ],
)
def test_a_name_alone_is_no_reason(said: bytes, told: str):
    assert complaint(said) == told
