"""Without keys: questions that come when the policy that is said to be in force has them."""

from __future__ import annotations

import pytest

from analyzers.configs.vendors import parse_given
from analyzers.export.words import why_no_question
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Basis, Confidence
from analyzers.session import SessionOptions
from analyzers.session.expectations import expectations
from dpdlab.present.live_lines import expected
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

CHARON = "192.0.2.1 strongswan-ikev1 interval=5 timeout=20"
BUSY = """\
0 a>b v1 main-mode
0.5..{until}/0.2 a>b esp out
0.55..10/0.2 b>a esp in
"""
"""The last proof of life is at 9.95."""


def options(policy: str = CHARON) -> SessionOptions:
    return SessionOptions(policies=(parse_given(policy),))


def _told(peer: PeerView, now_s: float) -> str:
    (found,) = expectations(peer)
    return expected(found, at(now_s))


def test_the_first_one_comes_an_interval_after_the_last_proof(tell: Tell) -> None:
    text = BUSY.format(until=16) + "14.95 a>b v1 info 108\n"
    peer = tell(text, options=options()).peer
    assert peer.state is PeerState.PROBING
    assert _told(peer, 15.95) == (
        "192.0.2.1 > 192.0.2.2  questionable, probing 1 of 3, verdict expected in 14 s"
    )
    (last,) = peer.exchanges
    assert (last.outcome, last.basis, last.confidence) == (
        Outcome.OPEN, Basis.RHYTHM, Confidence.INFERRED,
    )  # fmt: skip


def test_the_second_one_comes_when_it_is_asked_again(tell: Tell) -> None:
    text = BUSY.format(until=21) + "14.95..20/5 a>b v1 info 108\n"
    peer = tell(text, options=options()).peer
    assert peer.state is PeerState.PROBING
    assert "probing 2 of 3, verdict expected in 9 s" in _told(peer, 20.96)
    (hole,) = peer.black_holes
    assert hole.first_probe_ns == at(14.95)


@pytest.mark.parametrize(("first_s", "second_s"), [(12.2, 17.2), (14.95, 18.0), (14.95, 27.0)])
def test_others_are_anything(tell: Tell, first_s: float, second_s: float) -> None:
    text = BUSY.format(until=28) + f"{first_s} a>b v1 info 108\n{second_s} a>b v1 info 108\n"
    peer = tell(text, options=options()).peer
    assert not peer.exchanges
    assert peer.unknown_informationals == 2


def test_nobody_says_then_that_nobody_asked(tell: Tell) -> None:
    peer = tell(BUSY.format(until=18) + "12 a>b v1 info 108\n").peer
    assert why_no_question(peer) == "whether anybody asked cannot be told without keys"
    assert why_no_question(tell(BUSY.format(until=18)).peer).startswith("nobody asked")


def test_a_single_one_gives_nobody_up(tell: Tell) -> None:
    """It may be the Delete of an SA that was not wanted any more."""
    text = BUSY.format(until=14.9) + "14.95 a>b v1 info 108\n60 c>b v1 main-mode sa=2\n"
    peers = tell(text, options=options()).peers
    states = {span.state for span in peers[0].states}
    assert PeerState.DEAD not in states
    assert not peers[0].exchanges


def test_who_asks_whatever_is_heard_is_known_by_the_retries(tell: Tell) -> None:
    policy = "192.0.2.1 cisco-ios interval=10 retry=2 mode=periodic"
    text = BUSY.format(until=21) + "13..{}/2 a>b v1 info 108\n"
    one, two = (tell(text.format(end), options=options(policy)).peer for end in (14, 16))
    assert not one.exchanges
    assert "probing 2 of 5, verdict expected in 6 s" in _told(two, 17)


def test_the_verdict_comes_when_the_policy_has_it(tell: Tell) -> None:
    """Its last wait is a short one: 18 s after the last proof."""
    policy = "192.0.2.1 strongswan-ikev1 interval=5 timeout=18"
    text = BUSY.format(until=27.8) + "14.95..25/5 a>b v1 info 108\n{} c>b v1 info 108 sa=2\n"
    before, after = (tell(text.format(s), options=options(policy)).peers[0] for s in (28.3, 28.6))
    assert before.state is PeerState.PROBING
    assert after.state is PeerState.DEAD
    assert after.states[-1].start_ns == at(27.95)


def test_two_tries_are_enough_where_the_policy_has_two(tell: Tell) -> None:
    policy = "192.0.2.1 strongswan-ikev1 interval=5 timeout=15"
    text = BUSY.format(until=24.9) + "14.95..20/5 a>b v1 info 108\n26 c>b v1 info 108 sa=2\n"
    assert tell(text, options=options(policy)).peers[0].state is PeerState.DEAD
    going_on = text.replace("24.9/", "26/")
    assert tell(going_on, options=options(policy)).peers[0].state is PeerState.PROBING
