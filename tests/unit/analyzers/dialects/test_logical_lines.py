"""What was pasted is put together again: wrapped, torn, glued, spliced and marked-up lines."""

from __future__ import annotations

import re

import pytest

from analyzers.dialects.logical_lines import MAX_LINE, MAX_LINES, LineJoiner, LineKind, LogicalLine
from analyzers.dialects.stamps import NS_PER_DAY
from analyzers.model.time import NS_PER_MS

TAG = re.compile(r"[ \t]*(?:ISAKMP:|%CRYPTO-\d-|IKEv2:|\d\d\[IKE\])")


def joined(text: str) -> list[LogicalLine]:
    joiner = LineJoiner(TAG)
    found: list[LogicalLine] = []
    for record, line in enumerate(text.split("\n"), 1):
        found += joiner.feed(record, line)
    return found + list(joiner.finish())


def told(text: str) -> list[tuple[int, str | None, str]]:
    """Line number, time of day and text of each line."""
    return [(line.record, clock(line), line.text) for line in joined(text)]


def clock(line: LogicalLine) -> str | None:
    if line.stamp is None:
        return None
    ms = line.stamp.ns % NS_PER_DAY // NS_PER_MS
    s = ms // 1000
    return f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}.{ms % 1000:03}"


def test_stamped_lines() -> None:
    assert told("*Mar 25 15:47:37.343: ISAKMP: a\n*Mar 25 15:47:37.344: ISAKMP: b") == [
        (1, "15:47:37.343", "ISAKMP: a"),
        (2, "15:47:37.344", "ISAKMP: b"),
    ]


def test_lines_without_stamps_begin_with_their_tags() -> None:
    assert told("ISAKMP: a\n  rest of a\nISAKMP: b") == [
        (1, None, "ISAKMP: a\n  rest of a"),
        (3, None, "ISAKMP: b"),
    ]


def test_wrapped_lines_without_indent() -> None:
    text = "*Mar 25 15:47:37.351: ISAKMP: sending to 192.0.2.9 my_port\n500 peer_port 500 (I)"
    assert told(text) == [
        (1, "15:47:37.351", "ISAKMP: sending to 192.0.2.9 my_port\n500 peer_port 500 (I)")
    ]


def test_several_events_on_a_line() -> None:
    text = (
        "*Mar 25 15:47:37.343: ISAKMP: a *Mar 25 15:47:37.351: ISAKMP: b"
        " Mar 25 15:47:37.352 UTC: ISAKMP: c"
    )
    assert told(text) == [
        (1, "15:47:37.343", "ISAKMP: a "),
        (1, "15:47:37.351", "ISAKMP: b "),
        (1, "15:47:37.352", "ISAKMP: c"),
    ]


def test_a_stamp_at_the_end_of_a_line_belongs_to_the_next_one() -> None:
    text = "*Mar 25 15:47:37.343: ISAKMP: a *Mar 25 15:47:37.351: \n\nISAKMP: b\nrest"
    assert told(text) == [
        (1, "15:47:37.343", "ISAKMP: a "),
        (1, "15:47:37.351", "ISAKMP: b\nrest"),
    ]


def test_a_time_that_a_line_tells_is_no_stamp() -> None:
    text = "*Mar 25 15:47:37.343: ISAKMP: valid until Mar 25 15:47:37 2031 GMT\n(six years)"
    assert [line.text for line in joined(text)] == [
        "ISAKMP: valid until Mar 25 15:47:37 2031 GMT\n(six years)"
    ]


STAMP = "*Mar 25 15:47:45.391"


@pytest.mark.parametrize("cut", range(3, len(STAMP)))
@pytest.mark.parametrize("blanks", ["", " "])
def test_a_stamp_torn_at_every_place(cut: int, blanks: str) -> None:
    """A wrap leaves the blank at the end of the line, or eats it."""
    head, tail = STAMP[:cut].rstrip(), STAMP[cut:].lstrip()
    if " " in (STAMP[cut - 1], STAMP[cut]):
        head += blanks
    text = f"*Mar 25 15:47:45.389: ISAKMP: a {head}\n{tail}: ISAKMP: b"
    assert told(text) == [
        (1, "15:47:45.389", "ISAKMP: a "),
        (1, "15:47:45.391", "ISAKMP: b"),
    ]


def test_a_torn_stamp_may_wait_over_empty_lines_and_prompts() -> None:
    assert told("ISAKMP: a *Mar\n\nR2#\n25 15:47:45.391: ISAKMP: b") == [
        (1, None, "ISAKMP: a "),
        (1, "15:47:45.391", "ISAKMP: b"),
    ]


def test_ping_output_in_the_middle_of_a_stamp() -> None:
    assert told("- M.!!!!\nR2#ar 1 00:55:40.971: ISAKMP: b\nrest") == [
        (1, "00:55:40.971", "ISAKMP: b\nrest")
    ]
    assert told("ISAKMP: a\n*Mar 1.!!!!!\n 00:55:40.971: ISAKMP: b") == [
        (1, None, "ISAKMP: a"),
        (2, "00:55:40.971", "ISAKMP: b"),
    ]


def test_what_looks_torn_and_is_not_is_text() -> None:
    text = "ISAKMP: seen in Mar\n*Mar 25 15:47:45.391: ISAKMP: b *"
    assert told(text) == [
        (1, None, "ISAKMP: seen in Mar"),
        (2, "15:47:45.391", "ISAKMP: b *"),
    ]
    assert told("ISAKMP: pings ..!!! *\nrest") == [(1, None, "ISAKMP: pings ..!!! *\nrest")]
    assert told("ISAKMP: a *Mar 25") == [(1, None, "ISAKMP: a *Mar 25")]
    assert told("*Mar") == [(1, None, "*Mar")]


def test_ping_output_in_the_middle_of_a_line() -> None:
    assert told("ISAKMP: Sending an IKE .!!!!\nSITE-A#IPv4 Packet.\nISAKMP: b") == [
        (1, None, "ISAKMP: Sending an IKE .!!!!\nSITE-A#IPv4 Packet."),
        (3, None, "ISAKMP: b"),
    ]


def test_prompts_glued_before_stamps_and_tags() -> None:
    text = (
        "R3#*Mar 25 15:47:37.343: ISAKMP: a\nasa/act(config)# ISAKMP: b\nHQ#\nHQ# \nce2#ISAKMP: c"
    )
    assert told(text) == [
        (1, "15:47:37.343", "ISAKMP: a"),
        (2, None, "ISAKMP: b"),
        (5, None, "ISAKMP: c"),
    ]


def test_commands_typed_into_a_line_stay_in_it() -> None:
    assert told(
        "ISAKMP: src 192.0.2.1 dst 1r cr\nHQ#clear crypto 92.0.2.9 for S\nHQ#\nISAKMP: b"
    ) == [
        (1, None, "ISAKMP: src 192.0.2.1 dst 1r cr\nHQ#clear crypto 92.0.2.9 for S"),
        (4, None, "ISAKMP: b"),
    ]


@pytest.mark.parametrize(
    "pager",
    [
        " --More-- ",
        "--More--",
        "<--- More --->",
        "--More-- \x08\x08\x08\x08\x08        \x08\x08\x08\x08",
        "-- (more) --",
        "\x1b[7m--More--\x1b[m",
    ],
)
def test_what_a_pager_left(pager: str) -> None:
    text = (
        f"ISAKMP: a\n{pager}*Mar 25 15:47:37.343: ISAKMP: b\n{pager}\n{pager}ISAKMP: c\n{pager}rest"
    )
    assert told(text) == [
        (1, None, "ISAKMP: a"),
        (2, "15:47:37.343", "ISAKMP: b"),
        (4, None, "ISAKMP: c\nrest"),
    ]


def test_what_a_pager_cut_out_of_a_stamp() -> None:
    assert told("< truncated 5 characters > 4 00:10:53.239: ISAKMP: a") == [
        (1, "00:10:53.239", "ISAKMP: a")
    ]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("<pre>ISAKMP: a<br>", "ISAKMP: a"),
        ("<li><code class=x>ISAKMP: a</code></li>", "ISAKMP: a"),
        (
            "ISAKMP: 192.0.2.1&nbsp;&gt; 192.0.2.9 &amp; more",
            "ISAKMP: 192.0.2.1 > 192.0.2.9 & more",
        ),
        ("\ufeffISAKMP: a", "ISAKMP: a"),
        ("ISAKMP:\xa0a", "ISAKMP: a"),
        ("{\\tt ISAKMP: my\\_port}", "ISAKMP: my_port"),
        ("ISA\x00KMP: a\x07", "ISAKMP: a"),
        ("\x1b[1;31mISAKMP: a\x1b[0m", "ISAKMP: a"),
        # Names of connections in angle brackets are no markup.
        ("05[IKE] <b|2> a", "05[IKE] <b|2> a"),
        ("05[IKE] <p|2> a < b", "05[IKE] <p|2> a < b"),
        ("05[IKE] net{1}", "05[IKE] net{1}"),
        ("**ISAKMP**: a **b c** d", "ISAKMP: a b c d"),
        ("ISAKMP: peer 10.**.**.7 to 10.**.9.**", "ISAKMP: peer 10.**.**.7 to 10.**.9.**"),
        ("ISAKMP: \u201ca\u201d \u2018b\u2019 \u2212\u00a01\u2026", "ISAKMP: \"a\" 'b' - 1..."),
    ],
)
def test_remains_of_web_pages_and_terminals(line: str, text: str) -> None:
    assert [found.text for found in joined(line)] == [text]


def test_utf_16_that_was_read_as_bytes() -> None:
    data = "*Mar 25 15:47:37.343: ISAKMP: a\nISAKMP: b".encode("utf-16-le").decode("latin-1")
    assert told(data) == [(1, "15:47:37.343", "ISAKMP: a"), (2, None, "ISAKMP: b")]


def test_a_relays_stamp_gives_way_to_the_devices() -> None:
    (found,) = joined("Oct  7 03:10:05 192.0.2.7 91: *Oct  7 03:10:04.123: %CRYPTO-4-X: a")
    assert (clock(found), found.host, found.text) == (
        "03:10:04.123",
        "192.0.2.7",
        "%CRYPTO-4-X: a",
    )
    assert found.stamp is not None
    assert found.stamp.unsynchronised


def test_impossible_times_begin_lines() -> None:
    assert told("ISAKMP: a\n*Mar 25 25:47:37.343: ISAKMP: b") == [
        (1, None, "ISAKMP: a"),
        (2, None, "ISAKMP: b"),
    ]


def test_limits() -> None:
    joiner = LineJoiner(TAG)
    list(joiner.feed(1, "ISAKMP: " + "x" * 10 * MAX_LINE))
    for record in range(2, 100):
        assert list(joiner.feed(record, "more")) == []
    (line,) = joiner.finish()
    assert line.text.count("\n") == MAX_LINES - 1
    assert len(line.text) == MAX_LINE + 5 * (MAX_LINES - 1)
    assert joiner.long_lines == 1


LOOKS = [
    ("*Mar 25 15:47:37.343: ISAKMP: a", LineKind.STAMPED),
    ("Oct  7 03:10:05 gw sshd[1]: x", LineKind.STAMPED),
    ("Oct  7 03:10:05 gw charon[9]: Oct  7 03:10:05 05[IKE] x", LineKind.STAMPED),
    ("*Mar 25 25:47:37.343: ISAKMP: a", LineKind.STAMPED),
    ("ISAKMP: a", LineKind.TAGGED),
    ("some text", LineKind.PLAIN),
    ("HQ#clear crypto", LineKind.PLAIN),
    ("", LineKind.BLANK),
    ("  \t", LineKind.BLANK),
    ("HQ# ", LineKind.BLANK),
    ("HQ#ISAKMP: a", LineKind.ODD),
    ("*Mar 25 15:47:37.343: ", LineKind.ODD),
    ("ISAKMP: a *Mar 25 15:47:37.343: b", LineKind.ODD),
    ("ISAKMP: a *Mar", LineKind.ODD),
    ("ISAKMP: a &amp; b", LineKind.ODD),
    ("ISAKMP: ä", LineKind.ODD),
    ("--More--", LineKind.ODD),
    ("x" * (MAX_LINE + 1), LineKind.ODD),
]


@pytest.mark.parametrize(("line", "kind"), LOOKS)
def test_what_a_line_is_by_itself(line: str, kind: LineKind) -> None:
    look = LineJoiner(TAG).look(line)
    assert look.kind is kind
    if kind is LineKind.STAMPED:
        (found,) = joined(line)
        assert line[look.text_at :] == found.text


@pytest.mark.parametrize("first", [line for line, kind in LOOKS if kind is not LineKind.ODD])
@pytest.mark.parametrize("second", [line for line, kind in LOOKS if kind is not LineKind.ODD])
def test_lines_that_are_not_odd_need_no_repair(first: str, second: str) -> None:
    """They begin, go on or are nothing, as `look` says, whatever stands around them."""
    joiner = LineJoiner(TAG)
    kinds = [joiner.look(line).kind for line in (first, second)]
    begins = sum(kind in (LineKind.STAMPED, LineKind.TAGGED) for kind in kinds)
    if kinds[0] is LineKind.PLAIN or (kinds[0] is LineKind.BLANK and kinds[1] is LineKind.PLAIN):
        begins += 1
    assert len(joined(f"{first}\n{second}")) == begins


def test_a_near_miss_costs_no_more_than_its_length() -> None:
    for filler in ("Mar 25 ", ":00:00", "<b ", "--", "*Mar 25 1", "a:b#", "&", "- M", "\\"):
        joined(filler * (100_000 // len(filler)) + "\n" + filler)
