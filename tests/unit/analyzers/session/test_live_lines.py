"""The lines of logs that grow."""

from __future__ import annotations

from analyzers.dialects.catalogue import DIALECTS
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import Ref, SourceInfo
from analyzers.session.live_lines import HeldLines, LiveLines
from analyzers.session.live_logs import LiveLog
from analyzers.session.log_lines import Sense
from analyzers.session.options import ClockOptions

SECOND = 1_000_000_000
NOW_NS = 1_800_000_000 * SECOND


def _held(most: int = 100) -> HeldLines:
    return HeldLines(tuple(DIALECTS), most)


def _frozen(held: HeldLines) -> LiveLines:
    found = held.frozen()
    assert found is not None
    return found


def _line(second: int, text: str) -> str:
    return f"2027-01-15 08:00:{second:02} 07[IKE] <gw|1> {text}"


def _log(source: str, held: HeldLines) -> LiveLog:
    return LiveLog(SourceInfo(source, "charon.log", "log", ""), DIALECTS, ClockOptions(), held)


def test_lines_are_numbered_as_they_are_however_the_text_is_cut():
    held = _held()
    assert held.frozen() is None
    log = _log("s1", held)
    for piece in (b"first li", b"ne\nsecond\nthi", b"rd\n", b"rest"):
        log.take([piece], NOW_NS)
    _log("s2", held).take([b"other\n"], NOW_NS + 1)
    lines = _frozen(held)
    assert [lines.text(row) for row in range(len(lines))] == [
        "first line", "second", "third", "other",
    ]  # fmt: skip
    assert lines.ref(2) == Ref("s1", 3)
    assert lines.row_of(Ref("s2", 1)) == 3
    log.end(NOW_NS)
    assert _frozen(held).text(4) == "rest"
    assert len(lines) == 4, "what was handed over stays as it is"
    assert _frozen(held) is _frozen(held)


def test_a_line_behind_a_gap_of_nuls_is_there():
    """A log that was emptied while it is written to goes on behind as many NULs as it was long."""
    held = _held()
    log = _log("s1", held)
    texts = _line(1, "something else"), _line(2, "giving up after 5 retransmits"), "last"
    log.take([texts[0].encode() + b"\n", bytes(70_000)], NOW_NS)
    log.take(["\n".join(texts[1:]).encode()], NOW_NS + SECOND)
    log.end(NOW_NS + SECOND)
    lines = _frozen(held)
    assert tuple(lines.whole(row) for row in range(len(lines))) == texts
    assert lines.kind(1) is LogEventKind.GAVE_UP, "what it says stands at its line"


def test_an_event_marks_its_line_and_gives_times_to_those_after_it():
    held = _held()
    held.take("s1", 1, [_line(1, "sending DPD request")], NOW_NS)
    held.take("s1", 2, [_line(4, "something else"), "without a stamp"], NOW_NS + SECOND)
    at_ns = NOW_NS - 7 * SECOND
    held.know([LogEvent(LogEventKind.MESSAGE, at_ns, Ref("s1", 1), "strongswan")])
    lines = _frozen(held)
    assert [lines.at_ns(row) for row in range(3)] == [at_ns, at_ns + 3 * SECOND, NOW_NS + SECOND]
    assert lines.reading(0).sense is Sense.EVENT
    assert lines.telling().tolist() == [0]
    assert lines.kind(0) is LogEventKind.MESSAGE
    assert lines.kind(1) is None
    assert lines.find(None, 0, 1, lambda text: "else" in text, 10) == 1
    assert lines.lines_around(Ref("s1", 2), 1, 1)[0][0] == 1


def test_the_oldest_lines_go_and_the_others_keep_their_numbers():
    held = _held(most=10)
    for number in range(1, 41):
        held.take("s1", number, [f"line {number}"], NOW_NS + number)
    lines = _frozen(held)
    assert 10 <= len(lines) <= 13
    assert lines.gone + len(lines) == 40
    assert lines.ref(0) == Ref("s1", lines.gone + 1)
    assert lines.text(len(lines) - 1) == "line 40"
    held.know([LogEvent(LogEventKind.MESSAGE, NOW_NS, Ref("s1", 1), "strongswan")])
    assert not _frozen(held).telling().size
    assert lines.row_at(NOW_NS + 38) == len(lines) - 3


def test_long_lines_do_not_fill_the_memory():
    held = _held(most=20_000)
    for number in range(300):
        held.take("s1", number + 1, ["x" * 60_000], NOW_NS + number)
    assert sum(len(_frozen(held).whole(row)) for row in range(len(_frozen(held)))) <= 8_000_000


def test_no_more_lines_go_than_have_to():
    held = _held(most=20_000)
    held.take("s1", 1, ["x" * 300] * 25_001, NOW_NS)
    assert len(_frozen(held)) == 20_000
    held = _held(most=20_000)
    held.take("s1", 1, ["x" * 60_000] * 199, NOW_NS)
    lines = _frozen(held)
    assert len(lines) == 8_000_000 // 1.25 // 60_000
    assert lines.gone + len(lines) == 199
    assert lines.ref(0) == Ref("s1", lines.gone + 1)
