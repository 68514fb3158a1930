"""Moments of a peer, as ladders list them."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.lost import Reach
from analyzers.export.naming import Naming
from analyzers.export.svg.steps import Arrow, steps
from analyzers.model.exchange import NO_MESSAGE_ID, Exchange, ExchangeKind, Lost, Outcome
from analyzers.model.observations import MessageKind
from analyzers.model.records import Basis, Confidence, ProblemKind, Ref
from analyzers.model.sa import SaEnd
from dpdlab.present.events import EventKind, events_of
from dpdlab.present.in_vain import repeated_in_vain_ns
from tests.export_content import everything, sick_peer
from tests.model_builders import delete, ike_message, ike_sa, problem, unanswered
from tests.unit.dpdlab.present import stories as s


def labels(*messages) -> list[str]:
    peer = replace(s.healthy(), exchanges=(), deletes=(), hints=(), black_holes=())
    return [e.label for e in events_of(replace(peer, messages=messages))]


def auth(seconds: float, record: int, **changes):
    return ike_message(seconds, record, kind=MessageKind.AUTH, message_id=1, **changes)


def test_the_same_bytes_again_are_a_retry():
    assert labels(auth(1, 1), auth(3, 2), auth(7, 3)) == [
        "IKE_AUTH request",
        "IKE_AUTH request, retry 1 of 2",
        "IKE_AUTH request, retry 2 of 2",
    ]


def test_the_bytes_of_a_delete_again_are_a_retry_of_it():
    """The first one is told as the Delete that it is."""
    sent = [ike_message(at, at, kind=MessageKind.DELETE, message_id=7) for at in (1, 3, 7)]
    peer = replace(s.healthy(), exchanges=(), hints=(), black_holes=(), messages=tuple(sent))
    gone = replace(delete(), at_ns=sent[0].at_ns, ref=sent[0].ref, answer=None)
    told = [e.label for e in events_of(replace(peer, deletes=(gone,)))]
    assert told[1:] == ["Delete request, retry 1 of 2", "Delete request, retry 2 of 2"]


def test_other_bytes_or_another_number_are_no_retry():
    other = auth(3, 2, fingerprint=b"another message")
    further = replace(auth(5, 3), message_id=2)
    assert labels(auth(1, 1), other, further) == ["IKE_AUTH request"] * 3


def test_a_response_is_sent_again():
    first, again = auth(1, 1, flags=0x20), auth(3, 2, flags=0x20)
    assert labels(first, again) == ["IKE_AUTH response", "IKE_AUTH response, sent again"]


def test_lines_of_a_log_that_read_alike_are_not_called_retries():
    first, other = auth(1, 1, basis=Basis.LOG), auth(3, 2, basis=Basis.LOG)
    assert labels(first, other) == ["IKE_AUTH request"] * 2


def test_what_a_log_calls_a_retransmission_is_a_retry():
    first = auth(1, 1, basis=Basis.LOG)
    again = [auth(at, at, basis=Basis.LOG, again=True) for at in (3, 7)]
    assert labels(first, *again) == [
        "IKE_AUTH request",
        "IKE_AUTH request, retry 1 of 2",
        "IKE_AUTH request, retry 2 of 2",
    ]
    answer = auth(9, 9, basis=Basis.LOG, again=True, flags=0x20)
    assert labels(answer) == ["IKE_AUTH response, sent again"]


def test_a_verdict_of_the_log_is_sure_though_its_questions_are_inferred():
    peer = s.dead_peer()
    (*_, last) = peer.exchanges
    for ref, sure in ((None, False), (last.transmissions[0].ref, True)):
        asked = replace(last, confidence=Confidence.INFERRED, verdict_ref=ref)
        events = events_of(replace(peer, exchanges=(asked,)))
        (verdict,) = [e for e in events if e.kind is EventKind.VERDICT]
        assert ("[inferred]" not in verdict.label) is sure


def test_answers_that_only_their_senders_log_shows_did_not_arrive():
    peer = s.dead_peer()
    (*others, last) = peer.exchanges
    reply = replace(s.sent(19.02, 3, 83), ref=Ref("s3", 83))
    asked = replace(last, lost=Lost.ANSWER, lost_answers=(reply,))
    events = events_of(replace(peer, exchanges=(*others, asked)))
    (lost,) = [e for e in events if e.kind is EventKind.LOST]
    assert lost.label == "answer to liveness check ID 3, did not arrive"
    assert (lost.sender, lost.ref, lost.is_lost) == (s.B, Ref("s3", 83), True)
    before = events[events.index(lost) - 1]
    assert (before.kind, before.is_lost) == (EventKind.QUESTION, False)
    assert before.pairs_with == lost.pairs_with


def test_an_answer_of_ikev1_has_a_message_id_of_its_own():
    peer = s.dead_peer()
    (*_, last) = peer.exchanges
    reply = s.sent(19.02, 0x9DEADECD, 83)
    dpd = replace(last, kind=ExchangeKind.DPD, sequence=None, lost_answers=(reply,))
    answered = replace(dpd, answer=reply, outcome=Outcome.ANSWERED, lost_answers=())

    def answer_of(exchange: Exchange) -> str:
        events = events_of(replace(peer, exchanges=(exchange,)))
        return next(e.label for e in events if e.kind in (EventKind.LOST, EventKind.ANSWER))

    assert answer_of(dpd) == "R-U-THERE-ACK ID 0x9deadecd, did not arrive"
    assert answer_of(replace(dpd, sequence=7)) == "R-U-THERE-ACK seq 7, did not arrive"
    assert "R-U-THERE-ACK ID 0x9deadecd, " in answer_of(answered)
    unknown = replace(reply, message_id=NO_MESSAGE_ID)
    assert answer_of(replace(dpd, lost_answers=(unknown,))) == "R-U-THERE-ACK, did not arrive"


def test_questions_that_the_other_end_never_saw_did_not_arrive():
    peer = s.dead_peer()
    (*others, last) = peer.exchanges
    asked = replace(last, lost=Lost.REQUEST)
    events = events_of(replace(peer, exchanges=(*others, asked)))
    lost = [e for e in events if e.is_lost]
    assert [e.ref for e in lost] == [t.ref for t in last.transmissions]


def test_deletes_that_did_not_arrive_are_told():
    peer = s.unsure()
    (delete, *_) = peer.deletes
    events = events_of(replace(peer, deletes=(), lost_deletes=(delete,)))
    (lost,) = [e for e in events if e.kind is EventKind.LOST]
    assert lost.label.endswith(", did not arrive")
    assert lost.sender == delete.sender


def test_a_request_that_met_no_answer_says_so_each_time():
    sent = [auth(1, 1), auth(3, 2), auth(7, 3)]
    answered = [replace(auth(20, 4), message_id=2), replace(auth(21, 5, flags=0x20), message_id=2)]
    problems = (problem(ProblemKind.REQUEST_UNANSWERED, "IKE_AUTH", ref=sent[0].ref),)
    peer = replace(s.healthy(), exchanges=(), deletes=(), hints=(), black_holes=())
    told = events_of(replace(peer, messages=(*sent, *answered), problems=problems))
    assert [event.in_vain for event in told] == [True, True, True, False, False]
    assert told[1].label == "IKE_AUTH request, retry 1 of 2, no answer"
    again = replace(peer, messages=(*sent, *answered), problems=problems)
    assert repeated_in_vain_ns(again) == [event.at_ns for event in told[1:3]]
    assert repeated_in_vain_ns(replace(again, problems=())) == []


def test_all_of_an_attempt_without_a_word_of_the_other_end_was_in_vain():
    failed = ike_sa(id="i9", end=SaEnd.FAILED, established_ns=None)
    sent = [ike_message(at, at, kind=MessageKind.MAIN_MODE, ike_sa="i9") for at in (1, 3)]
    peer = replace(s.healthy(), exchanges=(), deletes=(), hints=(), black_holes=())
    peer = replace(peer, ike_sas=(failed,), messages=tuple(sent))
    assert all(event.in_vain for event in events_of(peer))
    answer = replace(sent[1], src=sent[0].dst, dst=sent[0].src)
    peer = replace(peer, messages=(sent[0], answer))
    assert not any(event.in_vain for event in events_of(peer))


def test_arrows_of_drawings_come_as_far_as_those_of_the_console():
    """What a log tells that it did not arrive is broken, what nobody saw ends before the side."""
    for where, far in (
        (Lost.REQUEST, Reach.LOST),
        (Lost.ANSWER, Reach.THERE),
        (Lost.NEVER_ANSWERED, Reach.THERE),
        (None, Reach.UNKNOWN),
    ):
        peer = sick_peer(exchanges=(unanswered(lost=where),), deletes=(), messages=())
        drawn = steps(peer, Naming.of(everything()))
        assert {step.reach for step in drawn if isinstance(step, Arrow)} == {far}
        asked = [e for e in events_of(peer) if e.kind in (EventKind.QUESTION, EventKind.RETRY)]
        assert {(e.is_lost, e.is_arrival_unknown) for e in asked} == {
            (far is Reach.LOST, far is Reach.UNKNOWN)
        }
