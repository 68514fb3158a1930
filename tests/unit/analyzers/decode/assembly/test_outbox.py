from __future__ import annotations

from analyzers.decode.assembly.lines import Form, LogLine
from analyzers.decode.assembly.outbox import Outbox
from analyzers.dialects.cisco_ikev2 import DIALECT
from analyzers.dialects.dialect import Outline
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND


def made(at_s: float | None = 0.0) -> LogEvent:
    at_ns = None if at_s is None else int(at_s * NS_PER_SECOND)
    return LogEvent(LogEventKind.HINT, at_ns, Ref("s1", 1), "cisco-ikev2")


def line(at_s: float | None = 0.0) -> LogLine:
    at_ns = None if at_s is None else int(at_s * NS_PER_SECOND)
    return LogLine(at_ns, 1, "s1", 1, Form(Outline(DIALECT, None, False, ())), "")


def test_what_follows_a_held_event_waits_with_it():
    out = Outbox()
    first, held, last = made(), made(), made()
    out.put(first)
    out.put(held)
    out.hold("a", held)
    out.put(last)
    assert [id(e) for e in out.take()] == [id(first)]
    assert out.take() == []
    assert out.held("a") is held
    out.release("a")
    assert [id(e) for e in out.take()] == [id(held), id(last)]
    assert out.held("a") is None


def test_nobody_waits_for_ever():
    for later in (line(2.5), line(-1.0)):
        out = Outbox()
        held = made(0.0)
        out.put(held)
        out.hold("a", held)
        out.at(line(1.9))
        out.at(line(-0.001))
        assert out.take() == []
        out.at(later)
        assert [id(e) for e in out.take()] == [id(held)]


def test_without_stamps_lines_are_counted():
    out = Outbox()
    held = made(None)
    out.put(held)
    out.hold("a", held)
    for _ in range(64):
        out.at(line(None))
    assert out.take() == []
    out.at(line(None))
    assert [id(e) for e in out.take()] == [id(held)]


def test_the_end_of_the_log_releases_all():
    out = Outbox()
    held = made()
    out.put(held)
    out.hold("a", held)
    assert [id(e) for e in out.finish()] == [id(held)]
    assert out.finish() == []
