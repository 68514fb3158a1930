"""What a log says of messages that were tracked before its lines came."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

from analyzers.model.exchange import AnswerEvidence, DeleteProtocol, ExchangeKind, Transmission
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.tracking import late
from analyzers.tracking.ikev1 import Ikev1Tracker
from analyzers.tracking.marks import Marks
from analyzers.tracking.peers import PeerTable
from analyzers.tracking.tracks import DeleteTrack, ExchangeTrack, PeerTrack, SaTrack

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


def _told(
    run: ExchangeTrack,
    place: int,
    message: MessageKind,
    sequence: int | None = None,
    deletes: Sequence[DeleteTrack] = (),
) -> None:
    event = LogEvent(
        kind=LogEventKind.MESSAGE,
        dialect="strongswan",
        ref=Ref("s2", place),
        at_ns=place * SECOND,
        message=message,
        sequence=sequence,
        protocol=DeleteProtocol.UNKNOWN,
        spis=("a1b2c3d4",) if message is MessageKind.DELETE else (),
    )
    peer = cast(PeerTrack, SimpleNamespace(exchanges=[run], messages=[], deletes=deletes, named=0))
    late.testify(peer, Ref("s1", place), event, Ikev1Tracker(Marks(), PeerTable()))


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


def _answered() -> ExchangeTrack:
    run = _run(1)
    run.evidence = AnswerEvidence.MESSAGE
    run.answer = Transmission(2 * SECOND, 2, Ref("s1", 2))
    return run


def test_what_was_answered_is_certain_once_question_and_answer_are_named():
    run = _answered()
    _told(run, 1, MessageKind.R_U_THERE, 7)
    assert run.confidence is Confidence.INFERRED
    _told(run, 2, MessageKind.R_U_THERE_ACK, 7)
    assert (run.basis, run.confidence) == (Basis.CORRELATED, Confidence.CERTAIN)


def test_an_answer_to_another_question_makes_nothing_certain():
    run = _answered()
    _told(run, 2, MessageKind.R_U_THERE_ACK, 7)
    assert (run.basis, run.confidence) == (Basis.RHYTHM, Confidence.INFERRED)
    _told(run, 1, MessageKind.R_U_THERE, 7)
    _told(run, 2, MessageKind.R_U_THERE_ACK, 8)
    assert run.confidence is Confidence.INFERRED


def test_a_delete_that_the_log_names_is_one_for_certain():
    delete = DeleteTrack(
        sa=cast(SaTrack, None), side=0, at_ns=SECOND, protocol=DeleteProtocol.ESP, spis=(),
        reason="", basis=Basis.RHYTHM, confidence=Confidence.INFERRED, ref=Ref("s1", 9),
    )  # fmt: skip
    _told(_run(1), 8, MessageKind.DELETE, deletes=[delete])
    assert delete.basis is Basis.RHYTHM
    _told(_run(1), 9, MessageKind.DELETE, deletes=[delete])
    assert (delete.basis, delete.confidence) == (Basis.CORRELATED, Confidence.CERTAIN)
    assert (delete.protocol, delete.spis) == (DeleteProtocol.ESP, ("a1b2c3d4",))


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
