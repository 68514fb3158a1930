"""Questions that only their sender's log shows, beside ESP that did come by the capture."""

from __future__ import annotations

from pathlib import Path

from analyzers.export.verdict import verdict_of
from tests.scenarios.inputs import together
from tests.scenarios.logs import Lost, charon
from tests.scenarios.timeline import capture

TUNNEL = """
0 a>b v2 handshake
0.5..40/0.2 a>b esp out1
5..16/5 a>b liveness 2+
5.01..16/5 b>a liveness 2+ resp
"""
VAIN = """
20 a>b liveness 5
22 a>b liveness 5
24 a>b liveness 5
"""
ANSWERED = """
24.01 b>a liveness 5 resp
28..40/4 a>b liveness 6+
28.01..40/4 b>a liveness 6+ resp
"""
REFUSED = [
    (at_s + 0.001, "16[NET] error writing to socket: Operation not permitted")
    for at_s in (20.0, 22.0)
]
GIVEN_UP = (26.0, "09[IKE] giving up after 2 retransmits")


def test_a_retry_that_left_at_last_tells_no_loss_of_esp(tmp_path: Path) -> None:
    """The first two were refused; ESP of that time was captured, and one-way by design."""
    whole = TUNNEL + VAIN + ANSWERED
    seen = whole.replace("20 a>b liveness 5\n22 a>b liveness 5\n", "")
    log = charon(whole, "a", said=REFUSED)
    peer = together(tmp_path, capture(seen), log).peer
    (asked,) = [x for x in peer.exchanges if x.retries]
    assert len(asked.transmissions) == 3
    assert peer.black_holes == ()


def test_a_verdict_on_what_did_not_pass_bounds_the_loss_from_above_only(tmp_path: Path) -> None:
    seen = TUNNEL.replace("..40/0.2", "..26/0.2")
    said = [*REFUSED, (24.001, REFUSED[0][1]), GIVEN_UP]
    log = charon(seen + VAIN, "a", said=said, lost=[Lost("b", 19)])
    (hole,) = together(tmp_path, capture(seen), log).peer.black_holes
    assert hole.dead_ns is not None
    assert (hole.min_packets, hole.min_seconds) == (0, 0.0)
    assert hole.max_packets > 20


def test_who_did_not_ask_may_have_been_asked(tmp_path: Path) -> None:
    seen = """
        0 a>b v2 handshake
        0.5..60/0.2 a>b esp out1
        0.55..20/0.2 b>a esp in1
    """
    gone = "22 b>a liveness 0\n24 b>a liveness 0\n26 b>a liveness 0\n"
    log = charon(seen + gone, "b", said=[(28.0, "09[IKE] giving up after 2 retransmits")])
    peer = together(tmp_path, capture(seen), log).peer
    said = [part.text for part in verdict_of([peer]).parts]
    assert (
        "the other end did not ask; given up by this end 6.0 s after its first unanswered question"
        in said
    )


def test_what_did_not_pass_is_the_reason_why_no_mode_is_told(tmp_path: Path) -> None:
    """Beside a capture it is not said that nothing shows the traffic."""
    peer = together(tmp_path, capture(TUNNEL), charon(TUNNEL + VAIN, "a", said=REFUSED)).peer
    (policy,) = peer.policies
    assert "some of its questions did not come by the capture" in policy.evidence
