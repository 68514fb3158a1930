"""What a log says of messages that were tracked before its lines came."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from analyzers.model.exchange import AnswerEvidence, ExchangeKind, Transmission
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.tracking import late
from analyzers.tracking.tracks import ExchangeTrack, PeerTrack, SaTrack

SECOND = 1_000_000_000


def _run(tries: int) -> ExchangeTrack:
    return ExchangeTrack(
        sa=cast(SaTrack, None),
        kind=ExchangeKind.DPD,
        side=0,
        sequence=None,
        transmissions=[Transmission(n * SECOND, n, Ref("s1", n)) for n in range(1, tries + 1)],
        basis=Basis.RHYTHM,
        confidence=Confidence.INFERRED,
        candidate=True,
    )


def _told(run: ExchangeTrack, place: int, message: MessageKind) -> None:
    event = LogEvent(
        kind=LogEventKind.MESSAGE,
        dialect="strongswan",
        ref=Ref("s2", place),
        at_ns=place * SECOND,
        message=message,
    )
    peer = cast(PeerTrack, SimpleNamespace(exchanges=[run], named=0))
    late.testify(peer, Ref("s1", place), event)


def test_a_question_is_known_as_one():
    run = _run(1)
    _told(run, 1, MessageKind.R_U_THERE)
    assert (run.candidate, run.basis, run.confidence) == (
        False,
        Basis.CORRELATED,
        Confidence.CERTAIN,
    )


def test_a_line_about_another_message_changes_nothing():
    run = _run(1)
    _told(run, 2, MessageKind.R_U_THERE)
    assert (run.candidate, run.basis) == (True, Basis.RHYTHM)


def test_what_was_answered_stays_as_it_was_told():
    run = _run(1)
    run.evidence = AnswerEvidence.MESSAGE
    _told(run, 1, MessageKind.R_U_THERE)
    assert run.basis is Basis.RHYTHM


def test_what_is_no_question_is_no_try_of_one():
    """Else a Delete of the same length would count towards a verdict."""
    run = _run(3)
    _told(run, 1, MessageKind.R_U_THERE)
    _told(run, 2, MessageKind.NOTIFY)
    assert [sent.ref.record for sent in run.transmissions] == [1, 3]
    assert run.closed_ns is None
    _told(run, 3, MessageKind.DELETE)
    assert [sent.ref.record for sent in run.transmissions] == [1]
    assert run.closed_ns == 3 * SECOND
