"""Clocks that are set amid a log, beside a capture that shows the same messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.records import Problem, ProblemKind
from tests.scenarios.inputs import Together, together
from tests.scenarios.logs import Clock, Stamp, charon, isakmp, iso, star, syslog
from tests.scenarios.timeline import at, capture, ns

TEXT = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.2..60/0.2 a>b esp out
0.3..30/0.2 b>a esp in
10 a>b v1 info 108 says=ruthere number=7
10.02 b>a v1 info 108 says=ack number=7
40 a>b v1 info 108 says=ruthere number=8
45 a>b v1 info 108 says=ruthere number=8
50 a>b v1 info 108 says=ruthere number=8
"""
GIVES_UP = [
    (55.0, "09[IKE] DPD check timed out, enforcing DPD action"),
    (55.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
]


V2 = """
0 a>b v2 handshake
0.2..60/0.2 a>b esp out
0.3..40/0.2 b>a esp in
5..37/4 a>b liveness 2+
5.01..37/4 b>a liveness 2+ resp
41 a>b liveness 11
43 a>b liveness 11
45 a>b liveness 11
"""
GIVES_UP_V2 = [
    (49.0, "09[IKE] giving up after 2 retransmits"),
    (49.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
]


def set_at(second: float, by_s: float, stamp: Stamp = iso) -> Clock:
    """A clock that is set at some second of the timeline."""
    return Clock(lambda at_ns: stamp(at_ns + (ns(by_s) if at_ns >= at(second) else 0)))


def told_of_steps(told: Together) -> list[Problem]:
    return [p for p in told.sources[1].problems if p.kind is ProblemKind.CLOCK_SET]


@pytest.mark.parametrize("stamp", [iso, syslog])
@pytest.mark.parametrize(
    ("by_s", "said"),
    [(45.0, "ahead by 45.0 s"), (-20.0, "back by 20.0 s"), (3600, "ahead by 1 h")],
)
def test_what_follows_a_clock_that_was_set_is_put_right(
    tmp_path: Path, by_s: float, said: str, stamp: Stamp
) -> None:
    log = charon(TEXT, "a", set_at(30, by_s, stamp), said=GIVES_UP)
    told = together(tmp_path, capture(TEXT), log)
    (problem,) = told_of_steps(told)
    assert said in problem.detail or stamp is syslog
    assert problem.ref is not None
    assert "INFORMATIONAL_V1" in log.splitlines()[problem.ref.record - 1]
    question = told.peer.exchanges[-1]
    assert (question.outcome, len(question.transmissions)) == (Outcome.UNANSWERED, 3)
    assert question.verdict_ns == pytest.approx(at(55), abs=ns(1 if stamp is syslog else 0.01))


@pytest.mark.parametrize("stamp", [iso, syslog])
@pytest.mark.parametrize("at_s", [15, 30])
@pytest.mark.parametrize("by_s", [45.0, -20.0, 3600])
def test_ikev2_tells_it_by_the_message_ids_of_a_session(
    tmp_path: Path, at_s: int, by_s: float, stamp: Stamp
) -> None:
    """charon names no SPIs: the IDs of one IKE SA are each there once."""
    log = charon(V2, "a", set_at(at_s, by_s, stamp), said=GIVES_UP_V2)
    told = together(tmp_path, capture(V2), log)
    assert len(told_of_steps(told)) == 1
    question = told.peer.exchanges[-1]
    assert (question.outcome, len(question.transmissions)) == (Outcome.UNANSWERED, 3)
    assert question.verdict_ns == pytest.approx(at(49), abs=ns(1 if stamp is syslog else 0.01))
    assert [x.outcome for x in told.peer.exchanges[:-1]] == [Outcome.ANSWERED] * 8


def test_a_session_that_the_capture_has_not_sets_no_clock(tmp_path: Path) -> None:
    """Its IDs are those of the one before, whose capture was stopped."""
    captured = "0 a>b v2 handshake\n5..17/4 a>b liveness 2+\n5.01..17/4 b>a liveness 2+ resp\n"
    later = "60 a>b v2 handshake sa=2\n65..93/4 a>b liveness 2+ sa=2\n"
    later += "65.01..93/4 b>a liveness 2+ resp sa=2\n"
    whole = captured.replace("17/4", "25/4") + later
    told = together(tmp_path, capture(captured), charon(whole, "a"))
    assert not told_of_steps(told)


def test_an_earlier_part_is_put_right_as_well(tmp_path: Path) -> None:
    """The clock is that of the longer part, which comes after it was set."""
    more = TEXT + "".join(
        f"{n} a>b v1 info 108 says=ruthere number=6\n{n + 0.01} b>a v1 info 108 says=ack number=6\n"
        for n in (5, 20, 25)
    )
    child = "10[IKE] CHILD_SA net{1} established with SPIs 000000c1_i 000000c2_o and TS 0.0.0.0/0"
    log = charon(more, "a", set_at(12, 45.0), said=[(6.0, f"{child} === 0.0.0.0/0"), *GIVES_UP])
    peer = together(tmp_path, capture(more), log).peer
    assert peer.exchanges[-1].verdict_ns == pytest.approx(at(55), abs=ns(0.01))
    (up,) = [hint for hint in peer.hints if "Child SA" in hint.text]
    assert up.at_ns == pytest.approx(at(6), abs=ns(0.01))


def test_what_is_read_late_sets_no_clock(tmp_path: Path) -> None:
    """Who stood still reads what came meanwhile: each message is late by something else."""
    asked = "0 a>b v1 main-mode\n5 a>b v1 quick\n"
    times = (20, 22, 24, 26)
    sent = asked + "".join(f"{n} b>a v1 info 108 says=ruthere number=4\n" for n in times)
    log = charon(
        sent, "a", Clock(lambda at_ns: iso(max(at_ns, at(40)) if at_ns > at(15) else at_ns))
    )
    told = together(tmp_path, capture(sent), log)
    assert not told_of_steps(told)


def test_a_single_message_sets_no_clock(tmp_path: Path) -> None:
    text = TEXT.replace("45 a>b v1 info 108 says=ruthere number=8\n", "").replace(
        "50 a>b v1 info 108 says=ruthere number=8\n", ""
    )
    told = together(tmp_path, capture(text), charon(text, "a", set_at(30, 45.0)))
    assert not told_of_steps(told)


def _counted(by_s: float, number: int = 8) -> str:
    """The log of a router whose clock is set behind its first question in vain."""
    text = f"""
    10..40/10 a>b v1 info 108 says=ruthere number=7
    10.02..40/10 b>a v1 info 108 says=ack number=7
    40 a>b v1 info 108 says=ruthere number=8
    42..50/2 a>b v1 info 108 says=ruthere number={number}
    """
    said = [
        (39.998 + 2 * tries, f"ISAKMP:(1001):DPD incrementing error counter ({tries}/5)")
        for tries in range(1, 5)
    ]
    said.append((50.0, "ISAKMP:(1001):peer 192.0.2.2 not responding!"))
    return isakmp(text, "a", set_at(41, by_s, star), said=said)


@pytest.mark.parametrize("by_s", [3600, -3600, 0])
def test_the_count_of_retries_tells_of_a_clock_that_was_set(tmp_path: Path, by_s: float) -> None:
    """Without any other input: no bound of an hour, and no question that is not shown."""
    told = together(tmp_path, _counted(by_s))
    question = told.peer.exchanges[-1]
    assert (question.first_missing, len(question.transmissions)) == (False, 5)
    assert question.since_proof_ns == pytest.approx(ns(9.98), abs=ns(0.1))
    (hole,) = told.peer.black_holes
    assert hole.max_seconds == pytest.approx(20, abs=0.1)
    problems = [p for p in told.sources[0].problems if p.kind is ProblemKind.CLOCK_SET]
    assert len(problems) == bool(by_s)


def test_another_question_an_hour_later_tells_of_no_clock(tmp_path: Path) -> None:
    told = together(tmp_path, _counted(3600, number=9))
    assert not [p for p in told.sources[0].problems if p.kind is ProblemKind.CLOCK_SET]
