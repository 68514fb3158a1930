"""Lines that wrap keep words and numbers whole."""

from __future__ import annotations

import pytest
from rich.text import Text

from dpdlab.tui.text_pane import TextRows

LABEL = 14


def wrapped(line: str, width: int) -> list[str]:
    rows = TextRows([Text(line)], indent=LABEL)
    rows.set_width(width)
    return [rows._wrapped[1][n].plain for n in range(len(rows))]


@pytest.mark.parametrize("width", range(30, 60))
def test_a_place_never_loses_digits_of_its_number(width: int):
    for place in ("capture.pcap:10", "charon-a.log:72", "some/where/capture.pcap:123456"):
        rows = wrapped(f"{'at':<{LABEL}}{place}", width)
        assert rows[-1].endswith(place[place.rindex(":") :])
        assert "".join(row.strip() for row in rows).replace(" ", "") == f"at{place}"
        assert all(len(row) <= width for row in rows)


def test_a_name_is_broken_after_a_separator():
    rows = wrapped("finding       Retries keep one distance [ikev2-retransmit-not-exponential]", 44)
    assert rows[-1].strip() == "exponential]"
    assert rows[-2].endswith("[ikev2-retransmit-not-")


@pytest.mark.parametrize("width", [8, 20, 33])
def test_what_has_no_separator_is_broken_and_nothing_of_it_is_lost(width: int):
    rows = wrapped("x" * 100, width)
    assert "".join(row.strip() for row in rows) == "x" * 100
