"""ESP sequence numbers that jump ahead, or begin again, when a cluster member takes over."""

from __future__ import annotations

from analyzers.export.instants import utc
from analyzers.export.story import moments, remarks
from analyzers.model.black_hole import BlackHoleClass
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

STEADY = """
0 a>b v2 handshake
0.1..60/0.2 a>b esp out
5..60/5 a>b liveness 2+
5.02..60/5 b>a liveness 2+ resp
"""


def test_a_jump_ahead_is_no_loss(tell: Tell) -> None:
    """RFC 6311 section 5.2: the member that takes over leaves 2^30 numbers out."""
    peer = tell(
        STEADY
        + """
        0.15..30/0.2 b>a esp in
        33.15..60/0.2 b>a esp in seq=1073742000+
        """
    ).peer
    assert [flow.missing_sequences for flow in peer.esp_flows] == [0, 0]
    assert not peer.problems


def test_many_numbers_missing_are_a_loss(tell: Tell) -> None:
    peer = tell(STEADY + "0.15..30/0.2 b>a esp in\n33.15..60/0.2 b>a esp in seq=900001+\n").peer
    assert max(flow.missing_sequences for flow in peer.esp_flows) == 900_000 - 150


def test_a_counter_that_begins_again(tell: Tell) -> None:
    """ESP comes, and proves nothing: it is not called silent, and not called a replay."""
    told = tell(STEADY + "0.15..30/0.2 b>a esp in\n30.15..60/0.2 b>a esp in seq=1+\n")
    peer = told.peer
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert hole.counted_anew_ns == at(30.15)
    (finding,) = told.of("dpd-alive-dataplane-dead")
    assert "nothing back but sequence numbers that were used before" in finding.detail
    said = [*(m.text for m in moments(peer, hole)), *remarks(peer, hole, utc)]
    assert "last fresh ESP packet from 192.0.2.2" in said
    assert "ESP of 192.0.2.2 counts from 1 again: dropped where replay is checked" in said
    assert "no fresh ESP from 192.0.2.2 after it in this input" in said
    assert not any("lost on the way" in text for text in said)
