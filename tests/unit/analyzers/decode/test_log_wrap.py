"""Lines cut by a terminal, and lines that lost their ends."""

from __future__ import annotations

import pytest

from analyzers.decode.log_wrap import Unwrapper, begins_with_stamp, split_long, wrap_width
from tests.ios_debug import stamp
from tests.log_text import decoder, story

SECOND = 1_000_000_000


def debug(questions: int) -> str:
    """Answered questions of a router, ten seconds apart."""
    lines = []
    for number in range(questions):
        at_ns = number * 10 * SECOND
        lines += [
            f"{stamp(at_ns)}ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1",
            f"        spi 1701636992, message ID = -20794541{number:02}",
            f"{stamp(at_ns)}ISAKMP:(1001): sending packet to 198.51.100.9 my_port 500"
            " peer_port 500 (I) QM_IDLE",
            f"{stamp(at_ns + 30_000_000)}ISAKMP (1001): received packet from 198.51.100.9 dport 500"
            " sport 500 Global (I) QM_IDLE",
            f"{stamp(at_ns + 30_000_000)}ISAKMP:(1001): DPD/R_U_THERE_ACK received from peer"
            f" 198.51.100.9, sequence 0x5E0C4F{number:02X}",
        ]
    return "\n".join(lines) + "\n"


def wrapped(text: str, width: int) -> str:
    """The text as a terminal of that width would have it copied."""
    pieces = [
        line[start : start + width]
        for line in text.splitlines()
        for start in range(0, max(len(line), 1), width)
    ]
    return "\n".join(pieces) + "\n"


@pytest.mark.parametrize("width", [60, 72, 80, 100])
def test_a_terminal_that_cuts_anywhere(width: int) -> None:
    text = debug(12)
    whole, cut = decoder(text)[1], decoder(wrapped(text, width))[1]
    assert story(cut) == story(whole)
    assert [e.message_id for e in cut] == [e.message_id for e in whole]
    assert {e.remote for e in cut} == {"198.51.100.9"}


def test_pieces_may_come_one_by_one() -> None:
    text = wrapped(debug(80), 80)
    cuts = range(0, len(text), 977)
    assert story(decoder(text, cuts)[1]) == story(decoder(text)[1])


def test_a_log_without_line_ends() -> None:
    text = debug(40)
    assert story(decoder(text.replace("\n", " "))[1]) == story(decoder(text)[1])


@pytest.mark.parametrize(
    ("lines", "width"),
    [
        (["Mar  1 00:00:00.000: " + "x" * 59, "tail"] * 3, 80),
        (["Mar  1 00:00:00.000: " + "x" * 59, "tail"] * 2, 0),
        # As long, but nothing follows that has to be put back.
        (["Mar  1 00:00:00.000: " + "x" * 59] * 9, 0),
        (["x" * 300, "tail"] * 5, 0),
        ([], 0),
    ],
)
def test_when_a_wrap_shows(lines: list[str], width: int) -> None:
    assert wrap_width(lines, begins_with_stamp) == width


def test_a_line_that_begins_anew_is_no_rest() -> None:
    joiner = Unwrapper(10, lambda line: line.startswith("#"))
    numbers, lines = joiner.take([1, 2, 3, 4], ["#234567890", "rest", "#234567890", "#new"])
    assert (numbers, lines) == ([1, 3, 4], ["#234567890rest", "#234567890", "#new"])
    assert joiner.finish() == ([], [])


def test_a_long_line_is_cut_at_its_stamps() -> None:
    line = "Mar  1 00:00:00.000: a " + "x" * 4000 + " Mar  1 00:00:01.000: b"
    assert split_long([7], [line]) == ([7, 7], [line[:4024], line[4024:]])
    assert split_long([7], ["short"]) == ([7], ["short"])


def test_a_long_page_without_line_ends_is_cut_where_it_ended_them() -> None:
    line = "<p>05[IKE]&nbsp;a</p><p>05[IKE]&#160;b &lt;c&gt;<br>" * 200
    numbers, lines = split_long([3], [line])
    assert [part for part in lines if part] == ["05[IKE] a", "05[IKE] b <c>"] * 200
    assert set(numbers) == {3}


def test_hidden_stamps_of_a_long_line_are_found() -> None:
    line = "Mar&nbsp;&nbsp;1&nbsp;00:00:00.000:&nbsp;a&#10;" * 200
    assert [part.strip() for part in split_long([1], [line])[1] if part] == [
        "Mar  1 00:00:00.000: a"
    ] * 200
