"""Findings about the traffic of a black hole select that traffic, not a message from before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.selections import Selector
from analyzers.session import Session

SAMPLES = Path(__file__).parents[4] / "sample_pcaps"


@pytest.mark.parametrize(
    ("folder", "rule"),
    [
        ("ikev2-no-dpd-blackhole", "liveness-not-probed-one-way-out"),
        ("ikev2-data-plane-dead", "dpd-alive-dataplane-dead"),
    ],
)
def test_what_was_sent_into_it_is_selected(folder: str, rule: str) -> None:
    session = Session()
    session.run([str(SAMPLES / folder / "capture.pcap")])
    (peer,) = session.peers()
    (hole,) = peer.black_holes
    (finding,) = [f for f in session.judgement().findings if f.rule == rule]
    found = Selector(session.sources, [peer]).of_finding(finding)
    (sent,) = [f.spi for f in peer.esp_flows if f.sender == hole.sender]
    assert f"esp.spi == 0x{sent}" in (found.display_filter or "")
    assert "frame.time_epoch > " in (found.display_filter or "")
    assert f"0x{sent}" in (found.bpf or "")


def test_no_message_from_before_a_black_hole_stands_for_it() -> None:
    session = Session()
    session.run([str(SAMPLES / "ikev2-no-dpd-blackhole" / "capture.pcap")])
    (peer,) = session.peers()
    (finding,) = session.judgement().findings
    assert finding.refs == (peer.black_holes[0].first_exposed_ref,)
