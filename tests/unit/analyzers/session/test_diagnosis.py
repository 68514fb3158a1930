"""What is said where nothing was found."""

from __future__ import annotations

import pytest

from analyzers.model.records import SourceInfo
from analyzers.session.diagnosis import diagnosis


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (0, "None of 11 log lines is of a known dialect."),
        (1, "1 of 11 log lines is of a known dialect, but it says nothing of a peer:"),
        (2, "2 of 11 log lines are of a known dialect, but none of them says anything of a peer:"),
    ],
)
def test_a_log_that_says_nothing_of_a_peer(known: int, said: str) -> None:
    log = SourceInfo("s1", "console.txt", "log", "", lines=11, log_lines=known)
    first, remedy = diagnosis([log], [])
    assert first.startswith(said)
    assert ("--unparsed" in remedy) == (known > 0)
