"""IOS XE event traces: no message IDs, and a request stands there as often as it is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from analyzers.model.exchange import AnswerEvidence, Outcome
from analyzers.model.peer import PeerState
from tests.scenarios.inputs import together

FROM: Final = "SA ID:1 SESSION ID:5 Remote: 198.51.100.2/500 Local: 192.0.2.1/500  "
SENT: Final = "(I) Sending IKEv2 INFORMATIONAL Exchange REQUEST"
CAME: Final = "(I) Received IKEv2 INFORMATIONAL Exchange RESPONSE"
UP: Final = "Session with IKE ID PAIR(198.51.100.2 , 192.0.2.1) is UP"
AGAIN: Final = "Retransmitting packet"
GIVEN_UP: Final = "Maximum number of retransmissions reached"


def _trace(*lines: tuple[float, str]) -> str:
    return "".join(f"*Nov 20 10:00:{at_s:06.3f}: {FROM}{text}\n" for at_s, text in lines)


ANSWERED: Final = [line for n in range(4) for line in ((10.0 * n, SENT), (10.0 * n + 0.02, CAME))]
IN_VAIN: Final = [40.0, 42.0, 44.0, 46.0, 48.0, 50.0]


def _retries(told: bool) -> list[tuple[float, str]]:
    lines = [(40.0, SENT)]
    for at_s in IN_VAIN[1:]:
        lines += [(at_s, AGAIN)] * told + [(at_s, SENT)]
    return lines


@pytest.mark.parametrize("told", [False, True])
def test_a_request_after_one_without_an_answer_is_that_one_again(
    tmp_path: Path, told: bool
) -> None:
    peer = together(tmp_path, _trace(*ANSWERED, *_retries(told))).peer
    *before, last = peer.exchanges
    assert [x.answer_evidence for x in before] == [AnswerEvidence.MESSAGE] * 4
    assert (last.outcome, len(last.transmissions)) == (Outcome.OPEN, 6)
    assert peer.state is not PeerState.ALIVE


@pytest.mark.parametrize("told", [False, True])
def test_the_verdict_is_on_all_of_its_transmissions(tmp_path: Path, told: bool) -> None:
    peer = together(tmp_path, _trace(*ANSWERED, *_retries(told), (52.0, GIVEN_UP))).peer
    *before, last = peer.exchanges
    assert [x.outcome for x in before] == [Outcome.ANSWERED] * 4
    assert (last.outcome, len(last.transmissions)) == (Outcome.UNANSWERED, 6)
    assert (last.verdict_ns or 0) - last.first_ns == 12_000_000_000
    assert peer.state is PeerState.DEAD


def test_what_is_answered_only_when_repeated_is_one_question(tmp_path: Path) -> None:
    peer = together(tmp_path, _trace((0, SENT), (2, SENT), (2.02, CAME), (12, UP))).peer
    (asked,) = peer.exchanges
    assert (asked.outcome, len(asked.transmissions)) == (Outcome.ANSWERED, 2)


def test_a_later_question_proves_no_answer_where_nothing_numbers_them(tmp_path: Path) -> None:
    asks = "IKEv2:(SESSION ID = 1,SA ID = 1):Sending DPD/liveness query"
    text = "".join(f"*Nov 20 10:00:{10 * n:02}.000: {asks}\n" for n in range(4))
    peer = together(tmp_path, text).peer
    assert [x.outcome for x in peer.exchanges] == [Outcome.OPEN] * 4
