"""What is told of a black hole at first sight."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.export import sentences
from analyzers.export.content import Content
from analyzers.export.markdown_writer import chunks
from analyzers.export.report import build_black_hole
from analyzers.export.story import bounds_of, class_named, moments
from analyzers.export.verdict import verdict_of
from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.exchange import ExchangeKind
from analyzers.model.records import Confidence
from tests.model_builders import at, black_hole, peer, sent, source, unanswered


def test_packets_that_a_counter_tells_have_no_bytes() -> None:
    hole = black_hole(min_packets=0, max_packets=187, max_bytes=0)
    assert "up to 187 packets" in bounds_of(hole)
    assert " bytes" not in sentences.black_hole(hole)
    assert build_black_hole(hole).max_bytes is None


def test_no_packets_are_no_bytes() -> None:
    assert build_black_hole(black_hole(min_packets=0, max_packets=0, max_bytes=0)).max_bytes == 0


@pytest.mark.parametrize(
    ("least", "most", "said"),
    [
        (None, None, "a log does not show what was sent into it"),
        (187, None, "187 packets or more sent into it, by counters"),
        (None, 187, "up to 187 packets sent into it, by counters"),
        (1, 187, "1 to 187 packets sent into it, by counters"),
    ],
)
def test_a_log_alone_tells_what_its_counters_bound(least: int | None, most: int | None, said: str):
    hole = black_hole(traffic_known=False, counted_least=least, counted_most=most)
    assert bounds_of(hole)[1:] == [said]
    told = "what was lost is not in a log" if "log" in said else said
    verdict = verdict_of([peer(black_holes=(hole,))])
    assert f"({told})" in verdict.parts[1].text


def test_one_packet_is_not_told_as_many() -> None:
    hole = replace(black_hole(), first_exposed_ns=at(9))
    for most, said in ((1, "sends one packet more; it may be in vain"), (2, "keeps sending; ")):
        seen = replace(hole, min_packets=0, max_packets=most)
        told = " ".join(moment.text for moment in moments(peer(black_holes=(seen,)), seen))
        assert said in told


def test_a_class_by_a_verdict_that_is_inferred_is_so_too() -> None:
    said = replace(black_hole(), dead_basis="log", confidence=Confidence.CERTAIN)
    said = replace(said, black_hole_class=BlackHoleClass.DETECTED)
    assert class_named(said) == "detected"
    assert class_named(replace(said, dead_basis="inferred")) == "detected (inferred)"
    assert class_named(replace(said, confidence=Confidence.SUSPECT)) == "detected (suspect)"
    passed = replace(said, dead_basis=None, black_hole_class=BlackHoleClass.TRANSIENT)
    assert class_named(passed) == "transient"


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (0, "first liveness check, no answer; 3 retries every 2.0 s"),
        (2, "liveness check again, no answer; 1 more retry after 2.0 s; first asked 4.0 s before"),
        (3, "liveness check again, no answer; first asked 6.0 s before"),
    ],
)
def test_a_silence_that_begins_amid_a_question(before: int, said: str) -> None:
    """The peer was heard between two of its transmissions."""
    times = tuple(sent(30 + 2 * number, 2, number) for number in range(4))
    asked = unanswered(transmissions=times, verdict_ns=at(38), kind=ExchangeKind.LIVENESS)
    hole = black_hole(first_probe_ns=times[before].at_ns, dead_ns=at(38), stop_ns=at(38))
    told = moments(peer(exchanges=(asked,), black_holes=(hole,)), hole)
    assert said in [moment.text for moment in told]


def test_every_format_says_the_same_of_a_class_by_an_inferred_verdict():
    hole = black_hole(confidence=Confidence.CERTAIN, dead_basis="inferred")
    assert class_named(hole) == "detected (inferred)"
    built = build_black_hole(hole)
    assert (built.confidence, built.class_confidence) == ("certain", "inferred")
    document = "".join(chunks(Content("0", (source(),), (peer(black_holes=(hole,)),))))
    (row,) = [line for line in document.splitlines() if line.startswith("| b1 |")]
    assert row.endswith("| inferred |")
    told = replace(hole, dead_basis="log")
    assert (class_named(told), build_black_hole(told).class_confidence) == ("detected", "certain")


def test_what_may_have_been_questions_is_said_in_markdown_too():
    hole = black_hole(unread=2, first_probe_ns=None)
    assert "Time by phase: unquestioned 1.000 s, unprobed or probing 6.800 s" in (
        sentences.black_hole(hole)
    )
