"""IKEv2 debugs that list packets and do not say what an INFORMATIONAL asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from analyzers.model.exchange import Outcome
from analyzers.model.finding import Finding
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Basis, Confidence
from analyzers.session import Session, SessionOptions
from tests.scenarios.inputs import together

TAG: Final = "*Nov 20 10:00:{:06.3f}: IKEv2:(SESSION ID = 1,SA ID = 1):"
SPIS: Final = "Initiator SPI : 1D418169B24BF95A - Responder SPI : A645046F734260C6 Message id: {}"
REQUEST: Final = (
    TAG + "Sending Packet [To 198.51.100.2:500/From 192.0.2.1:500/VRF i0:f0] \n" + SPIS
    + "\nIKEv2 INFORMATIONAL Exchange REQUEST\nPayload contents: \n ENCR\n\n"
)  # fmt: skip
ANSWER: Final = (
    TAG + "Received Packet [From 198.51.100.2:500/To 192.0.2.1:500/VRF i0:f0] \n" + SPIS
    + "\nIKEv2 INFORMATIONAL Exchange RESPONSE\nPayload contents: \n\n\n"
)  # fmt: skip
GIVEN_UP: Final = TAG + ": Maximum number of retransmissions reached\n" + TAG + "Deleting SA\n"


def answered(*asked_s: float) -> str:
    """INFORMATIONALs that are answered at once, from message ID 2 on."""
    return "".join(
        REQUEST.format(at_s, number) + ANSWER.format(at_s + 0.02, number)
        for number, at_s in enumerate(asked_s, start=2)
    )


def _in_vain(number: int, sent_s: Sequence[float]) -> str:
    first, *retries = sent_s
    again = "".join(
        TAG.format(at_s) + "Retransmitting packet\n" + REQUEST.format(at_s, number)
        for at_s in retries
    )
    return REQUEST.format(first, number) + again + GIVEN_UP.format(retries[-1] + 2, retries[-1] + 2)


def _report(folder: Path, text: str) -> tuple[PeerView, list[Finding]]:
    peer = together(folder, text).peer
    session = Session(SessionOptions())
    session.run([str(path) for path in folder.iterdir()])
    return peer, list(session.judgement().findings)


def test_requests_that_are_answered_at_an_even_pace_are_questions_by_inference(
    tmp_path: Path,
) -> None:
    peer, findings = _report(tmp_path, answered(0, 10, 20, 30))
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED] * 4
    assert {(x.basis, x.confidence) for x in peer.exchanges} == {(Basis.LOG, Confidence.INFERRED)}
    assert peer.state is PeerState.ALIVE
    assert not findings


def test_one_of_them_without_an_answer_is_the_question_of_the_verdict(tmp_path: Path) -> None:
    peer, findings = _report(tmp_path, answered(0, 10, 20) + _in_vain(5, [30, 32, 34, 36]))
    *_, last = peer.exchanges
    assert (last.outcome, len(last.transmissions)) == (Outcome.UNANSWERED, 4)
    assert (peer.state, len(peer.exchanges)) == (PeerState.DEAD, 4)
    assert "dpd-no-ack" in {f.rule for f in findings}
    assert "ikev2-unanswered-request-other" not in {f.rule for f in findings}


def test_answers_prove_life_whatever_was_asked(tmp_path: Path) -> None:
    peer, _ = _report(tmp_path, answered(0, 7))
    assert not peer.exchanges
    assert (peer.state, peer.confidence) == (PeerState.ALIVE, Confidence.CERTAIN)


def test_what_was_asked_is_not_made_up(tmp_path: Path) -> None:
    peer, findings = _report(tmp_path, answered(0, 7) + _in_vain(4, [30, 32, 34, 36]))
    assert (peer.state, peer.exchanges) == (PeerState.DEAD, ())
    (found,) = [f for f in findings if f.rule == "ikev2-unanswered-request-other"]
    assert "not a liveness" not in found.title + found.detail
    assert "is no liveness question" not in found.title
    assert "The log does not show what it asked: it may have been a liveness question." in (
        found.detail
    )
    assert "fragment" not in found.remedy


def test_lines_without_stamps_have_no_pace(tmp_path: Path) -> None:
    text = "".join(
        line.partition(": ")[2] if line.startswith("*") else line
        for line in answered(0, 10, 20, 30).splitlines(keepends=True)
    )
    assert not _report(tmp_path, text)[0].exchanges
