"""Exchanges in words."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.export.exchanges import became
from analyzers.export.formatting import UNICODE
from tests.model_builders import unanswered


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (1, ", asked again, the first one not seen"),
        (3, ", 3 × every 2.0 s, the first one not seen"),
    ],
)
def test_a_question_of_which_only_retries_were_seen_says_so(sent: int, said: str):
    whole = unanswered()
    seen = replace(whole, transmissions=whole.transmissions[:sent], first_missing=True)
    assert became(seen, UNICODE) == said
