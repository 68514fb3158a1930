"""IKEv2: exchanges, retransmissions, Deletes and rekeys as the clear header tells them."""

from __future__ import annotations

import pytest

from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.exchange import AnswerEvidence, DeleteProtocol, ExchangeKind, Outcome
from analyzers.model.finding import Severity
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Basis, Confidence, ProblemKind
from analyzers.model.sa import SaEnd
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at, ike_spi_of

A, B = "192.0.2.1", "192.0.2.2"

SETUP = "0 a>b v2 handshake\n"
TRAFFIC = """
1..100/0.5 a>b esp out
1.1..100/0.5 b>a esp in
"""
LATER = "100 c:4500>a:4500 keepalive\n"


def outcomes(peer: PeerView) -> list[Outcome]:
    return [x.outcome for x in peer.exchanges]


def expect_alive(peer: PeerView) -> None:
    assert peer.state is PeerState.ALIVE
    assert PeerState.DEAD not in {s.state for s in peer.states}
    assert not peer.black_holes


def test_questions_and_answers(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        10..60/10 a>b liveness 2+
        10.02..60/10 b>a liveness 2+ resp
        15 b>a liveness 0
        15.01 a>b liveness 0 resp
        """
    ).peer
    assert [(x.prober, x.first_ns) for x in peer.exchanges] == [
        (A, at(10)),
        (B, at(15)),
        *((A, at(t)) for t in (20, 30, 40, 50)),
    ]
    assert {(x.kind, x.outcome, x.retries) for x in peer.exchanges} == {
        (ExchangeKind.LIVENESS, Outcome.ANSWERED, 0)
    }
    assert [x.rtt_ns for x in peer.exchanges] == [20_000_000, 10_000_000, *[20_000_000] * 4]
    expect_alive(peer)


def test_the_next_request_proves_the_answer(tell: Tell) -> None:
    """Window of 1: no answer was captured, yet all but the last question were answered."""
    peer = tell(
        SETUP
        + TRAFFIC
        + """
        10..50/10 a>b liveness 2+
        """
    ).peer
    assert outcomes(peer)[:3] == [Outcome.ANSWERED] * 3
    assert {x.answer for x in peer.exchanges} == {None}
    assert {x.answer_evidence for x in peer.exchanges[:3]} == {AnswerEvidence.NEXT_REQUEST}
    assert {x.rtt_ns for x in peer.exchanges} == {None}
    assert peer.exchanges[3].answer_evidence is None
    assert PeerState.DEAD not in {s.state for s in peer.states}
    assert not peer.black_holes


@pytest.mark.parametrize("answers", [(5, 3, 2, 6, 4), (2, 3, 4, 5, 6)])
def test_a_wider_window_proves_no_answer(tell: Tell, answers: tuple[int, ...]) -> None:
    """Several questions are out at once, and all of their answers were captured."""
    text = SETUP + "1..60/0.5 a>b esp out\n1.1..60/0.5 b>a esp in\n"
    for start in (10, 20, 30):
        more = start // 2 - 5
        text += "".join(f"{start}.00{n} a>b liveness {n + more}\n" for n in range(2, 7))
        text += "".join(
            f"{start}.0{place} b>a liveness {n + more} resp\n"
            for place, n in enumerate(answers, 20)
        )
    told = tell(text)
    assert outcomes(told.peer) == [Outcome.ANSWERED] * 15
    assert ProblemKind.CAPTURE_INSUFFICIENT not in told.problems
    expect_alive(told.peer)


def test_retries_grow_to_the_verdict(tell: Tell) -> None:
    """strongSwan's schedule: 4 s, then 1.8 times as long each; the verdict takes one more wait."""
    peer = tell(
        SETUP
        + """
        10 a>b liveness 2
        14 a>b liveness 2
        21.2 a>b liveness 2
        34.16 a>b liveness 2
        """
        + LATER
    ).peer
    (exchange,) = peer.exchanges
    assert [t.at_ns for t in exchange.transmissions] == [at(t) for t in (10, 14, 21.2, 34.16)]
    assert exchange.outcome is Outcome.UNANSWERED
    assert exchange.verdict_ns == at(34.16 + 23.328)
    assert (exchange.basis, exchange.confidence) == (Basis.HEADER, Confidence.CERTAIN)
    assert peer.retransmissions == 3
    assert peer.state is PeerState.DEAD
    assert peer.confidence is Confidence.INFERRED
    assert peer.ike_sas[0].end is SaEnd.DEAD_PEER
    assert peer.policies[0].backoff == pytest.approx(1.8, abs=0.01)


@pytest.mark.parametrize("end", [34.2, 40, 52])
def test_the_capture_ends_before_the_next_retry_was_due(tell: Tell, end: float) -> None:
    peer = tell(
        SETUP
        + f"""
        10 a>b liveness 2
        14 a>b liveness 2
        21.2 a>b liveness 2
        34.16 a>b liveness 2
        {end} c:4500>a:4500 keepalive
        """
    ).peer
    assert outcomes(peer) == [Outcome.OPEN]
    assert peer.state is PeerState.PROBING
    assert peer.ike_sas[0].end is None


@pytest.mark.parametrize("end", [10, 11, 20])
def test_one_transmission_and_the_capture_ends(tell: Tell, end: float) -> None:
    peer = tell(SETUP + f"10 a>b liveness 2\n{end} c:4500>a:4500 keepalive").peer
    (exchange,) = peer.exchanges
    assert exchange.outcome is Outcome.OPEN
    assert (exchange.retries, exchange.verdict_ns) == (0, None)
    assert peer.state is PeerState.PROBING
    assert not peer.black_holes


def test_the_second_transmission_is_answered(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        10 a>b liveness 2
        14 a>b liveness 2
        14.03 b>a liveness 2 resp
        """
    ).peer
    (exchange,) = peer.exchanges
    assert exchange.outcome is Outcome.ANSWERED
    assert exchange.answer_evidence is AnswerEvidence.MESSAGE
    assert (exchange.retries, exchange.rtt_ns) == (1, 30_000_000)
    expect_alive(peer)


def test_both_transmissions_are_answered(tell: Tell) -> None:
    """A slow path: the answer crosses the retry, and the retry is answered too."""
    peer = tell(
        SETUP
        + """
        10 a>b liveness 2
        14 a>b liveness 2
        14.1 b>a liveness 2 resp
        18.1 b>a liveness 2 resp
        24 a>b liveness 3
        24.1 b>a liveness 3 resp
        """
    ).peer
    assert outcomes(peer) == [Outcome.ANSWERED] * 2
    first = peer.exchanges[0].answer
    assert first is not None
    assert first.at_ns == at(14.1)
    assert [x.retries for x in peer.exchanges] == [1, 0]
    expect_alive(peer)


def test_a_late_answer_belongs_to_its_own_question(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        10 a>b liveness 2
        20 a>b liveness 3
        20.5 b>a liveness 2 resp
        """
        + LATER
    ).peer
    older, newer = peer.exchanges
    assert older.outcome is Outcome.ANSWERED
    assert newer.answer is None
    assert newer.outcome is not Outcome.ANSWERED


def test_a_notify_is_no_question(tell: Tell) -> None:
    """MOBIKE's notifies (SK Next Payload 41) and their empty answers."""
    peer = tell(
        SETUP
        + TRAFFIC
        + """
        10 a>b notify 2
        10.02 b>a liveness 2 resp
        20 a>b config 3
        20.02 b>a config 3 resp
        """
    ).peer
    assert not peer.exchanges
    assert not peer.deletes
    expect_alive(peer)


@pytest.mark.parametrize("spis", ["random", "zero"])
def test_unprotected_notifies_are_no_requests_and_begin_no_sa(tell: Tell, spis: str) -> None:
    """RFC 7296 section 1.5: one-way, with any SPIs at all."""
    told = tell(
        SETUP
        + f"""
        1..60/0.5 a>b esp out
        1.1..20/0.5 b>a esp in
        10 a>b liveness 2
        10.02 b>a liveness 2 resp
        21..35/2 b>a unprotected 11 esp=out spis={spis}
        22..36/2 b>a unprotected 11 esp=other spis={spis}
        30..40/2 a>b liveness 3
        """
    )
    assert len(told.peer.ike_sas) == 1
    assert len(told.peer.hints) == 14
    assert not told.problems
    assert not told.of("ikev2-retransmit-not-identical")
    (unanswered,) = told.of("dpd-no-ack")
    assert "set up a new IKE SA" not in unanswered.detail
    (lost,) = told.of("peer-rebooted")
    assert lost.at_ns == at(21)


def test_an_unprotected_notify_alone_is_a_hint_of_a_peer(tell: Tell) -> None:
    peer = tell("5 b>a unprotected 11 esp=out\n").peer
    assert (peer.ike_sas, len(peer.hints), peer.state) == ((), 1, PeerState.UNKNOWN)


def test_child_sa_rekey_ends_no_ike_sa(tell: Tell) -> None:
    """New SPIs before the old ones go; both sides use old and new at once."""
    peer = tell(
        SETUP
        + """
        1..50.2/0.2 a>b esp out
        1.1..50.9/0.2 b>a esp in
        50.1 a>b rekey-child 2
        50.12 b>a rekey-child 2 resp
        50.2..100/0.2 a>b esp out2
        50.9..100/0.2 b>a esp in2
        51 a>b delete 3
        51.02 b>a delete 3 resp
        60 a>b liveness 4
        60.02 b>a liveness 4 resp
        """
    ).peer
    (sa,) = peer.ike_sas
    assert sa.end is None
    (delete,) = peer.deletes
    assert (delete.protocol, delete.answered) == (DeleteProtocol.ESP, True)
    assert outcomes(peer) == [Outcome.ANSWERED]
    assert len(peer.esp_flows) == 4
    expect_alive(peer)


def test_the_delete_of_an_ike_sa_has_an_empty_answer(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        1..20/0.2 a>b esp out
        1.1..20/0.2 b>a esp in
        20 a>b delete 2
        20.02 b>a liveness 2 resp
        """
        + LATER
    ).peer
    (sa,) = peer.ike_sas
    assert (sa.end, sa.ended_ns) == (SaEnd.DELETE, at(20))
    (delete,) = peer.deletes
    assert (delete.protocol, delete.answered) == (DeleteProtocol.IKE, True)
    assert not peer.exchanges
    assert not peer.black_holes
    assert peer.state is PeerState.DELETED


def test_a_delete_that_is_repeated_is_one_delete(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        20 a>b delete 2
        24 a>b delete 2
        24.02 b>a liveness 2 resp
        """
        + LATER
    ).peer
    (delete,) = peer.deletes
    assert (delete.transmissions, delete.answered) == (2, True)
    assert not peer.exchanges
    assert peer.state is PeerState.DELETED


def test_reauthentication_overlaps(tell: Tell) -> None:
    """Make before break: a second IKE SA with Child SAs of its own while the first lives."""
    peer = tell(
        SETUP
        + """
        1..50.2/0.2 a>b esp out
        1.1..52/0.2 b>a esp in
        50 a>b v2 handshake sa=2
        50.2..100/0.2 a>b esp out2
        52.1..100/0.2 b>a esp in2
        52.5 a>b delete 2
        52.52 b>a liveness 2 resp
        60 a>b liveness 2 sa=2
        60.02 b>a liveness 2 sa=2 resp
        """
    ).peer
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.DELETE, None]
    assert outcomes(peer) == [Outcome.ANSWERED]
    expect_alive(peer)


def test_the_peer_restarts_and_comes_back(tell: Tell) -> None:
    """b loses its state at 30 and sets up anew at 45, before a has given up."""
    peer = tell(
        SETUP
        + """
        1..45.1/0.5 a>b esp out          # 1.0 … 45.0
        1.1..30/0.5 b>a esp in           # 1.1 … 29.6
        40 a>b liveness 2
        44 a>b liveness 2
        sa 2 by b
        45 b>a v2 handshake sa=2
        45.5..60/0.5 a>b esp out2
        45.6..60/0.5 b>a esp in2
        """
    ).peer
    (hole,) = peer.black_holes
    assert (hole.sender, hole.last_proof_ns) == (A, at(29.6))
    assert (hole.first_exposed_ns, hole.first_probe_ns) == (at(30), at(40))
    assert (hole.stop_ns, hole.stop_basis) == (at(45.5), StopBasis.REPLACEMENT)
    assert hole.max_packets == 31  # 30.0 … 45.0
    assert hole.recovered_ns == at(45.6)
    assert peer.exchanges[0].outcome is Outcome.UNANSWERED
    assert peer.state is PeerState.ALIVE


def test_the_peer_restarts_and_nobody_had_asked(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        1..45.1/0.5 a>b esp out
        1.1..30/0.5 b>a esp in
        sa 2 by b
        45 b>a v2 handshake sa=2
        45.5..60/0.5 a>b esp out2
        45.6..60/0.5 b>a esp in2
        """
    ).peer
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.MISSING_DPD
    assert hole.stop_ns == at(45.5)
    assert (hole.min_seconds, hole.max_seconds) == (0, 15.5)
    assert (hole.min_packets, hole.max_packets) == (0, 31)
    assert not peer.exchanges
    assert peer.state is PeerState.ALIVE


def test_two_identical_answers_are_one(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        10 a>b liveness 2
        10.02 b>a liveness 2 resp
        10.5 b>a liveness 2 resp
        20 a>b liveness 3
        20.02 b>a liveness 3 resp
        """
    ).peer
    assert outcomes(peer) == [Outcome.ANSWERED] * 2
    assert [x.rtt_ns for x in peer.exchanges] == [20_000_000] * 2
    expect_alive(peer)


def test_a_question_behind_a_stalled_rekey_is_not_asked(tell: Tell) -> None:
    """An unanswered CREATE_CHILD_SA blocks the window: no question can follow, none is invented."""
    peer = tell(
        SETUP
        + """
        10 a>b create-child 2
        14 a>b create-child 2
        21.2 a>b create-child 2
        """
        + LATER
    ).peer
    assert not peer.exchanges
    assert peer.retransmissions == 2


def test_ike_sa_rekey(tell: Tell) -> None:
    """CREATE_CHILD_SA, then new SPIs without IKE_SA_INIT; IDs start again at 0."""
    peer = tell(
        SETUP
        + TRAFFIC
        + """
        10..50/10 a>b liveness 2+
        10.02..50/10 b>a liveness 2+ resp
        50 a>b create-child 6
        50.02 b>a create-child 6 resp
        50.05 a>b delete 7
        50.07 b>a liveness 7 resp
        60..100/10 a>b liveness 0+ sa=2
        60.02..100/10 b>a liveness 0+ sa=2 resp
        """
    ).peer
    old, new = peer.ike_sas
    assert (old.end, old.rekeyed_into) == (SaEnd.REKEYED, new.id)
    assert (new.initiator_spi, new.end) == (ike_spi_of("2"), None)
    assert outcomes(peer) == [Outcome.ANSWERED] * 8
    expect_alive(peer)


def test_ike_sa_rekey_by_the_responder(tell: Tell) -> None:
    peer = tell(
        SETUP
        + TRAFFIC
        + """
        sa 2 by b
        50 b>a create-child 0
        50.02 a>b create-child 0 resp
        50.05 b>a delete 1
        50.07 a>b liveness 1 resp
        60..100/10 a>b liveness 0+ sa=2
        60.02..100/10 b>a liveness 0+ sa=2 resp
        """
    ).peer
    old, new = peer.ike_sas
    assert (old.end, old.rekeyed_into) == (SaEnd.REKEYED, new.id)
    assert (new.initiator, new.responder) == (B, A)
    assert outcomes(peer) == [Outcome.ANSWERED] * 4
    expect_alive(peer)


def test_reauthentication_one_direction_lingers_on_the_old_sa(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        1..50.2/0.2 a>b esp out
        1.1..65/0.2 b>a esp in           # b goes on with the old one for 15 s
        50 a>b v2 handshake sa=2
        50.2..100/0.2 a>b esp out2
        65.1..100/0.2 b>a esp in2
        66 a>b delete 2
        66.02 b>a liveness 2 resp
        """
    ).peer
    assert not peer.exchanges
    expect_alive(peer)


def test_a_path_is_probed_from_another_address(tell: Tell) -> None:
    """MOBIKE (RFC 4555 section 3.10): the same request again, from the address that works."""
    peer = tell(
        """
        0 n:4500>b:4500 v2 handshake
        0.1..30/0.2 n:4500>b:4500 esp out
        0.15..20/0.2 b:4500>n:4500 esp in
        22 n:4500>b:4500 liveness 2
        24.5 m:4500>b:4500 liveness 2
        24.52 b:4500>m:4500 liveness 2 resp
        30 m:4500>b:4500 liveness 3
        30.02 b:4500>m:4500 liveness 3 resp
        """
    ).peer
    assert outcomes(peer) == [Outcome.ANSWERED] * 2
    assert [x.retries for x in peer.exchanges] == [1, 0]
    assert PeerState.DEAD not in {s.state for s in peer.states}


def test_the_ids_jump_after_a_failover(tell: Tell) -> None:
    """RFC 6311 section 5: Message ID synchronisation makes IDs jump."""
    peer = tell(
        SETUP
        + TRAFFIC
        + """
        10 a>b liveness 2
        10.02 b>a liveness 2 resp
        50 b>a notify 0
        50.02 a>b notify 0 resp
        60 a>b liveness 40
        60.02 b>a liveness 40 resp
        70 b>a liveness 900
        70.02 a>b liveness 900 resp
        """
    ).peer
    assert outcomes(peer) == [Outcome.ANSWERED] * 3
    expect_alive(peer)


def test_liveness_of_a_peer_behind_nat_carries_nat_detection(tell: Tell) -> None:
    """RFC 4555 section 3.8: not empty, but regular, equal and answered; inferred without keys."""
    peer = tell(
        """
        0 n:61000>b:4500 v2 handshake
        0.1..70/0.2 n:61000>b:4500 esp out
        0.15..46/0.2 b:4500>n:61000 esp in
        10 n:61000>b:4500 notify 2 len=128
        10.02 b:4500>n:61000 notify 2 resp len=128
        20 n:61000>b:4500 notify 3 len=128
        20.02 b:4500>n:61000 notify 3 resp len=128
        30 n:61000>b:4500 notify 4 len=128
        30.02 b:4500>n:61000 notify 4 resp len=128
        40 n:61000>b:4500 notify 5 len=128
        40.02 b:4500>n:61000 notify 5 resp len=128
        50 n:61000>b:4500 notify 6 len=128
        52 n:61000>b:4500 notify 6 len=128
        54 n:61000>b:4500 notify 6 len=128
        56 n:61000>b:4500 notify 6 len=128
        """
    ).peer
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED] * 4 + [Outcome.UNANSWERED]
    assert {x.confidence for x in peer.exchanges} == {Confidence.INFERRED}
    (hole,) = peer.black_holes
    assert hole.confidence is Confidence.INFERRED
    assert hole.probes == 4


def test_notifies_without_a_rhythm_are_no_liveness(tell: Tell) -> None:
    peer = tell(
        """
        0 a>b v2 handshake
        10 a>b notify 2 len=128
        10.02 b>a notify 2 resp len=128
        11 a>b notify 3 len=128
        11.02 b>a notify 3 resp len=128
        40 a>b notify 4 len=128
        40.02 b>a notify 4 resp len=128
        """
    ).peer
    assert not peer.exchanges


def test_a_request_with_another_purpose_is_the_question(tell: Tell) -> None:
    """Every request tests liveness (RFC 7296 section 2.4): a rekey that is never answered, too."""
    told = tell(
        SETUP
        + """
        0.1..70/0.2 a>b esp out
        0.15..40/0.2 b>a esp in
        50 a>b create-child 2
        52 a>b create-child 2
        54 a>b create-child 2
        56 a>b create-child 2
        58 a>b create-child 2
        60 a>b create-child 2
        """
        + LATER
    )
    peer = told.peer
    assert not peer.exchanges
    assert (peer.state, peer.confidence) == (PeerState.DEAD, Confidence.INFERRED)
    assert peer.ike_sas[0].end is SaEnd.DEAD_PEER
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.SLOW_TEARDOWN
    assert (hole.first_probe_ns, hole.dead_ns) == (at(50), at(62))
    (problem,) = peer.problems
    assert problem.kind is ProblemKind.REQUEST_UNANSWERED
    assert "CREATE_CHILD_SA" in problem.detail


def test_a_rekey_that_is_answered_is_no_question(tell: Tell) -> None:
    peer = tell(
        SETUP
        + TRAFFIC
        + "20 a>b create-child 2\n21 a>b create-child 2\n21.02 b>a create-child 2 resp\n"
    ).peer
    assert not peer.exchanges
    assert not peer.problems
    expect_alive(peer)


def test_an_authentication_without_an_answer(tell: Tell) -> None:
    told = tell(
        """
        0 a>b v2 sa-init
        0.02 b>a v2 sa-init resp
        0.1 a>b v2 auth 1
        1.1 a>b v2 auth 1
        3.1 a>b v2 auth 1
        """
        + LATER
    )
    (problem,) = told.peer.problems
    assert "IKE_AUTH" in problem.detail
    assert "3 times" in problem.detail
    assert told.peer.state is PeerState.UNKNOWN


def test_an_ike_daemon_that_does_not_answer_while_its_esp_goes_on(tell: Tell) -> None:
    text = """
    0 a>b v2 handshake
    0.5..600/0.5 a>b esp out
    0.6..600/0.5 b>a esp in
    50 a>b liveness 2
    54 a>b liveness 2
    61 a>b liveness 2
    74 a>b liveness 2
    """
    told = tell(text)
    (exchange,) = told.peer.exchanges
    assert (exchange.outcome, exchange.verdict_ns) == (Outcome.UNANSWERED, None)
    assert exchange.peer_heard
    assert told.peer.state is PeerState.ALIVE
    assert told.peer.black_holes == ()
    (finding,) = told.of("dpd-no-ack")
    assert finding.severity is Severity.WARNING
    assert "its tunnel lives, its IKE does not" in finding.detail


def test_who_was_asked_only_while_it_slept_is_no_deaf_daemon(tell: Tell) -> None:
    """A phone wakes after the last retry: its IKE was not asked since."""
    text = """
    0 a>b v2 handshake
    0.5..20/0.5 a>b esp out
    0.6..20/0.5 b>a esp in
    30 a>b liveness 2
    32 a>b liveness 2
    36 a>b liveness 2
    60..200/0.5 b>a esp in
    60.1..200/0.5 a>b esp out
    """
    (finding,) = tell(text).of("dpd-no-ack")
    assert finding.severity is Severity.WARNING
    assert "192.0.2.2 was heard after it, and was not asked any more." in finding.detail


THAWED = """
0 a>b v2 handshake
10 a>b liveness 2
12 a>b liveness 2
16 a>b liveness 2
20.000 b>a liveness 2 resp
20.001 b>a liveness 2 resp
20.002 b>a liveness 2 resp
"""


def test_each_try_that_waited_is_answered_at_once(tell: Tell) -> None:
    """A machine that was paused has all of them to answer: nothing was recorded twice."""
    told = tell(THAWED)
    assert ProblemKind.CAPTURE_DUPLICATE not in told.problems
    (exchange,) = told.peer.exchanges
    assert (exchange.outcome, exchange.rtt_ns) == (Outcome.ANSWERED, 4_000_000_000)
    assert not exchange.unheard_answers
    again = tell(THAWED + "20.003 b>a liveness 2 resp\n")
    assert ProblemKind.CAPTURE_DUPLICATE in again.problems
