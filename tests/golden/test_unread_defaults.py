"""What a file that is not among the inputs may say is a guess: what was seen goes before it.

The gateways retransmit five times, 2 s apart, as their strongswan.conf says; that file is no part
of the samples, and charon's default would be 4 s, each gap 1.8 times the last.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis
from analyzers.session import Session
from analyzers.whatif.candidates import own
from dpdlab.present.expected import expected_ns
from dpdlab.present.policy_match import Agreement, match_of

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
A = "192.0.2.1"
READ = "charon {\n  retransmit_timeout = 3.0\n  retransmit_base = 1.5\n  retransmit_tries = 4\n}\n"


def peer_of(name: str, *more: Path) -> PeerView:
    session = Session()
    inputs = [SAMPLES / name / n for n in ("capture.pcap", "charon-a.log", "swanctl-a.conf")]
    session.run([str(path) for path in (*inputs, *more)])
    (peer,) = session.peers()
    return peer


def configured(peer: PeerView) -> DpdPolicy:
    (policy,) = [p for p in peer.policies if (p.holder, p.basis) == (A, PolicyBasis.CONFIG)]
    return policy


@pytest.mark.parametrize(("name", "delay_s"), [("ikev2-peer-restart", 4), ("ikev2-dead-peer", 5)])
def test_retries_that_were_seen_go_before_a_default_that_nobody_read(name: str, delay_s: float):
    peer = peer_of(name)
    policy = configured(peer)
    assert (policy.interval_s, policy.waits_s) == (delay_s, (2.0,) * 6)
    assert (policy.worst_case_s, policy.retry_basis) == (delay_s + 12, PolicyBasis.OBSERVED)
    assert policy.evidence == (
        f"dpd_delay = {delay_s}s; retries as observed: strongswan.conf is not among the inputs"
    )
    assert match_of(peer, A).agreement is Agreement.SAME
    (asked,) = [x for x in peer.exchanges if x.prober == A and x.retries]
    ghosts = [at_ns for at_ns in expected_ns(peer, A) if at_ns > asked.first_ns]
    assert len(ghosts) == 5
    for ghost, sent in zip(ghosts, asked.transmissions[1:], strict=True):
        assert abs(ghost - sent.at_ns) < 100_000_000
    mine = own(peer, peer.black_holes[0])
    assert mine.label == "its own, retries as seen"
    assert mine.policy == policy


def test_a_number_that_was_not_seen_stays_the_default():
    """The fifth transmission was answered: nothing tells when it would have given up."""
    policy = configured(peer_of("ikev2-brief-outage"))
    assert policy.waits_s == (2.0,) * 6
    assert "their number by default" in policy.evidence


def test_where_nothing_was_repeated_the_default_is_told_as_that():
    policy = configured(peer_of("ikev2-healthy"))
    assert policy.retry_basis is PolicyBasis.DEFAULT
    assert policy.waits_s[:2] == (4.0, 7.2)
    assert "by default: strongswan.conf is not among the inputs" in policy.evidence


def test_what_was_read_remains_what_is_expected(tmp_path: Path):
    (tmp_path / "strongswan.conf").write_text(READ)
    peer = peer_of("ikev2-dead-peer", tmp_path / "strongswan.conf")
    policy = configured(peer)
    assert (policy.waits_s[:2], policy.retry_basis) == ((3.0, 4.5), None)
    assert match_of(peer, A).agreement is Agreement.OTHER
    assert own(peer, peer.black_holes[0]).label == "its own, as configured"


def test_a_delay_that_was_read_remains_the_distance_of_its_retries():
    """IKEv1: dpd_timeout is configured, and so is all of the schedule."""
    policy = configured(peer_of("ikev1-dead-peer"))
    assert (policy.interval_s, policy.retry_s, policy.retry_basis) == (5.0, 5.0, None)
