"""The generated logs say what they claim to say; nothing here measures time."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from tests.benchmarks.generate_log import KINDS, Kind, LogPlan, log_text, make_log
from tests.log_text import decoder

LINES = 20_000


def name(event: LogEvent) -> str:
    if event.kind is not LogEventKind.MESSAGE or event.message is None:
        return event.kind.value
    way = "sent" if event.sent else "received"
    answer = " answer" if event.response else ""
    again = " again" if event.retransmission and event.version == 2 else ""
    return f"{event.message.value}{answer} {way}{again}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_plan_gives_the_same_text(kind: Kind) -> None:
    first, events = log_text(LogPlan(kind, LINES, seed=7))
    assert log_text(LogPlan(kind, LINES, seed=7)) == (first, events)
    assert log_text(LogPlan(kind, LINES, seed=8))[0] != first
    assert first.count("\n") == LINES
    assert first.endswith("\n")
    assert first.isascii()


@pytest.mark.parametrize("kind", KINDS)
def test_the_decoder_finds_the_events(kind: Kind) -> None:
    text, events = log_text(LogPlan(kind, LINES))
    reader, found = decoder(text)
    counted = Counter(name(event) for event in found)
    assert reader.tally.unparsed == 0
    assert reader.info.problems == []
    told = Counter(events)
    # The phase 2 that is negotiated is told as messages too.
    for extra in ("quick-mode received", "quick-mode sent"):
        counted.pop(extra, None)
    # What is under way at the end of the text is not counted as said.
    assert not told - counted
    assert sum((counted - told).values()) < 30


def test_shares() -> None:
    _, ios = log_text(LogPlan("ios", LINES))
    messages = ios["r-u-there sent"] + ios["r-u-there-ack received"]
    assert 0.09 < messages / LINES < 0.11
    assert ios["peer-dead"] > 0
    text, _ = log_text(LogPlan("syslog", LINES))
    assert 0.009 < text.count(" charon: ") / LINES < 0.011
    _, charon = log_text(LogPlan("charon", LINES))
    assert 0.2 < sum(charon.values()) / LINES < 0.3
    assert charon["peer-dead"] > 0


def test_a_file_is_made_once(tmp_path: Path) -> None:
    plan = LogPlan("ios", 2_000)
    path = tmp_path / "sub" / plan.name
    facts = make_log(plan, path)
    made_ns = path.stat().st_mtime_ns
    assert make_log(plan, path) == facts
    assert path.stat().st_mtime_ns == made_ns
    assert json.loads(path.with_name(path.name + ".json").read_text()) == facts
    assert facts["bytes"] == path.stat().st_size
    assert MessageKind.R_U_THERE.value in str(facts["events"])
