"""Our captures: the report says what is known to have happened (sample_pcaps/*/README.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.exchange import DeleteProtocol, ExchangeKind, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.session import Session, SessionOptions

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
A, B = "192.0.2.1", "192.0.2.2"

BOTH = pytest.mark.parametrize("keys", [True, False], ids=["with keys", "without keys"])


@cache
def peer_of(case: str, keys: bool) -> PeerView:
    folder = SAMPLES / case
    session = Session(SessionOptions(keys=(str(folder),) if keys else ()))
    session.run([str(folder / "capture.pcap")])
    (peer,) = session.peers()
    assert not session.sources[0].problems
    return peer


def events(case: str) -> dict[str, int]:
    """True times of what was done to the link, ns."""
    raw = json.loads((SAMPLES / case / "events.json").read_text())
    return {e["event"].strip(): nanoseconds(e["t"]) for e in raw}


def esp_times(case: str, sender: str) -> list[int]:
    """Times of one side's ESP packets, as tshark read them."""
    return [at for source, at in _esp_rows(case) if source == sender]


def _esp_rows(case: str) -> Iterator[tuple[str, int]]:
    header, *rows = (SAMPLES / case / "tshark-esp.tsv").read_text().splitlines()
    names = header.split("\t")
    for row in rows:
        fields = dict(zip(names, row.split("\t"), strict=False))
        whole, _, part = fields["frame.time_epoch"].partition(".")
        at_ns = int(whole) * NS_PER_SECOND + int(part.ljust(9, "0"))
        yield fields["ip.src"] or fields["ipv6.src"], at_ns


def only_hole(peer: PeerView) -> BlackHole:
    (hole,) = peer.black_holes
    return hole


def expect_certainty(peer: PeerView, keys: bool, version: int) -> None:
    for exchange in peer.exchanges:
        if version == 2:
            assert exchange.confidence is Confidence.CERTAIN
            assert exchange.basis is (Basis.DECRYPTED if keys else Basis.HEADER)
        elif keys:
            assert (exchange.basis, exchange.confidence) == (Basis.DECRYPTED, Confidence.CERTAIN)
        else:
            assert (exchange.basis, exchange.confidence) == (Basis.RHYTHM, Confidence.INFERRED)


@BOTH
def test_ikev1_healthy(keys: bool) -> None:
    peer = peer_of("ikev1-healthy", keys)
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED] * 6
    assert {(x.prober, x.retries, x.kind) for x in peer.exchanges} == {(A, 0, ExchangeKind.DPD)}
    if keys:
        numbers = [x.sequence for x in peer.exchanges]
        assert None not in numbers
        first = numbers[0] or 0
        assert numbers == list(range(first, first + 6))
    assert peer.state is PeerState.ALIVE
    assert not peer.black_holes
    assert not peer.deletes
    assert peer.ike_sas[0].dpd_vendor_id == (True, True)
    (policy,) = peer.policies
    assert policy.holder == A
    assert policy.interval_s == pytest.approx(5, abs=0.1)
    expect_certainty(peer, keys, 1)


@BOTH
def test_ikev1_both_sides(keys: bool) -> None:
    peer = peer_of("ikev1-both-sides", keys)
    assert [(x.prober, x.outcome) for x in peer.exchanges] == [(B, Outcome.ANSWERED)] * 7
    assert not peer.black_holes
    assert [p.holder for p in peer.policies] == [B]
    assert peer.policies[0].interval_s == pytest.approx(3, abs=0.1)
    expect_certainty(peer, keys, 1)


@BOTH
@pytest.mark.parametrize(
    ("case", "fault"),
    [("ikev1-dead-peer", "drop B io"), ("ikev1-one-way-loss", "drop B o")],
)
def test_ikev1_peer_lost(case: str, fault: str, keys: bool) -> None:
    peer = peer_of(case, keys)
    (exchange,) = peer.exchanges
    assert exchange.outcome is Outcome.UNANSWERED
    assert exchange.prober == A
    assert len(exchange.transmissions) == 3
    hole = only_hole(peer)
    out, back = esp_times(case, A), esp_times(case, B)
    assert (hole.sender, hole.receiver) == (A, B)
    assert hole.black_hole_class is BlackHoleClass.DETECTED
    assert hole.last_proof_ns == back[-1]
    assert hole.first_exposed_ns == min(t for t in out if t > back[-1])
    assert hole.stop_ns == out[-1]
    assert hole.first_probe_ns == exchange.first_ns
    assert hole.max_packets == sum(t > back[-1] for t in out)
    assert hole.min_packets == sum(t >= exchange.first_ns for t in out)
    assert hole.recovered_ns is None
    # The true moment of the fault lies between the last proof and the first unanswered question.
    assert back[-1] <= events(case)[fault] <= exchange.first_ns
    # The capture ends before the next question was due: that A gave up, its log tells.
    assert (exchange.verdict_ns, hole.confidence) == (None, Confidence.SUSPECT)
    assert peer.state is PeerState.PROBING
    assert not peer.deletes
    assert peer.ike_sas[0].end is None
    expect_certainty(peer, keys, 1)


@BOTH
def test_ikev1_clean_delete(keys: bool) -> None:
    peer = peer_of("ikev1-clean-delete", keys)
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED]
    assert [(d.sender, d.protocol) for d in peer.deletes] == [
        (A, DeleteProtocol.ESP),
        (A, DeleteProtocol.IKE),
    ]
    assert not peer.black_holes
    assert peer.state is PeerState.DELETED
    assert peer.ike_sas[0].end is SaEnd.DELETE
    expected = Confidence.CERTAIN if keys else Confidence.INFERRED
    assert {d.confidence for d in peer.deletes} == {expected}
    assert peer.confidence is expected
    if keys:
        assert peer.deletes[0].spis == (peer.esp_flows[1].spi,)


@BOTH
@pytest.mark.parametrize("case", ["ikev2-healthy", "ikev2-ipv6-healthy"])
def test_ikev2_healthy(case: str, keys: bool) -> None:
    peer = peer_of(case, keys)
    assert peer.exchanges
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    assert {x.kind for x in peer.exchanges} == {ExchangeKind.LIVENESS}
    # The MOBIKE address update is message ID 2 and no liveness.
    assert 2 not in {t.message_id for x in peer.exchanges for t in x.transmissions}
    assert not peer.black_holes
    assert peer.state is PeerState.ALIVE
    assert peer.policies[0].interval_s == pytest.approx(4, abs=0.1)
    expect_certainty(peer, keys, 2)


@BOTH
def test_ikev2_dead_peer(keys: bool) -> None:
    case = "ikev2-dead-peer"
    peer = peer_of(case, keys)
    (exchange,) = peer.exchanges
    assert exchange.outcome is Outcome.UNANSWERED
    assert len(exchange.transmissions) == 6
    hole = only_hole(peer)
    out, back = esp_times(case, A), esp_times(case, B)
    assert hole.black_hole_class is BlackHoleClass.DETECTED
    assert hole.last_proof_ns == back[-1]
    assert hole.stop_ns == out[-1]
    assert hole.max_packets == sum(t > back[-1] for t in out)
    assert hole.min_packets == sum(t >= exchange.first_ns for t in out)
    assert (exchange.verdict_ns, hole.confidence) == (None, Confidence.SUSPECT)
    assert peer.state is PeerState.PROBING
    (policy,) = peer.policies
    assert policy.retry_s == pytest.approx(2, abs=0.05)
    assert (policy.retries, policy.backoff) == (None, 1.0)
    expect_certainty(peer, keys, 2)


@BOTH
def test_ikev2_without_dpd(keys: bool) -> None:
    case = "ikev2-no-dpd-blackhole"
    peer = peer_of(case, keys)
    assert not peer.exchanges
    hole = only_hole(peer)
    assert hole.black_hole_class is BlackHoleClass.MISSING_DPD
    fault = events(case)
    assert hole.first_exposed_ns is not None
    # A ping every 0.2 s: the first lost one leaves at most that long after the fault.
    assert 0 < hole.first_exposed_ns - fault["drop B io"] < 0.25 * NS_PER_SECOND
    assert hole.max_seconds == pytest.approx(25, abs=0.5)
    assert hole.stop_basis is StopBasis.PROOF
    assert hole.recovered_ns == hole.stop_ns
    assert hole.min_packets == 0
    assert peer.state is PeerState.ALIVE


@BOTH
def test_ikev2_brief_outage(keys: bool) -> None:
    peer = peer_of("ikev2-brief-outage", keys)
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    assert [x.retries for x in peer.exchanges if x.retries] == [4]
    assert not peer.black_holes
    assert peer.state is PeerState.ALIVE
    expect_certainty(peer, keys, 2)


@BOTH
def test_ikev2_data_plane_dead(keys: bool) -> None:
    case = "ikev2-data-plane-dead"
    peer = peer_of(case, keys)
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    hole = only_hole(peer)
    back = esp_times(case, B)
    gap = max(range(1, len(back)), key=lambda i: back[i] - back[i - 1])
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert (hole.last_proof_ns, hole.stop_ns) == (back[gap - 1], back[gap])
    assert hole.sender == A
    assert peer.state is PeerState.ALIVE


@BOTH
def test_ikev2_peer_restart(keys: bool) -> None:
    case = "ikev2-peer-restart"
    peer = peer_of(case, keys)
    unanswered = [x for x in peer.exchanges if x.outcome is Outcome.UNANSWERED]
    assert [len(x.transmissions) for x in unanswered] == [6]
    assert len(peer.ike_sas) == 2
    assert peer.ike_sas[0].end is SaEnd.DEAD_PEER
    hole = only_hole(peer)
    assert hole.black_hole_class is BlackHoleClass.DETECTED
    assert hole.stop_basis is StopBasis.REPLACEMENT
    new_out = min(f.first_ns for f in peer.esp_flows if f.sender == A and f.packets == 59)
    new_in = min(f.first_ns for f in peer.esp_flows if f.sender == B and f.packets == 59)
    assert (hole.stop_ns, hole.recovered_ns) == (new_out, new_in)
    assert peer.state is PeerState.ALIVE


@BOTH
def test_ikev2_clean_delete(keys: bool) -> None:
    peer = peer_of("ikev2-clean-delete", keys)
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED]
    (delete,) = peer.deletes
    assert (delete.sender, delete.protocol, delete.answered) == (A, DeleteProtocol.IKE, True)
    assert delete.answer is not None
    answer = next(m for m in peer.messages if m.ref == delete.answer.ref)
    assert (answer.src, answer.is_response, answer.message_id) == (
        B,
        True,
        delete.answer.message_id,
    )
    assert 0 < (delete.rtt_ns or 0) < NS_PER_SECOND
    assert not peer.black_holes
    assert peer.state is PeerState.DELETED


@BOTH
@pytest.mark.parametrize("case", sorted(p.parent.name for p in SAMPLES.glob("*/capture.pcap")))
def test_phases_add_up_and_bounds_hold(case: str, keys: bool) -> None:
    for hole in peer_of(case, keys).black_holes:
        inside = [p for p in hole.phases if p.end_ns <= hole.stop_ns]
        spent = sum(p.end_ns - p.start_ns for p in inside)
        assert spent / NS_PER_SECOND == pytest.approx(hole.max_seconds, abs=1e-6)
        assert 0 <= hole.min_seconds <= hole.max_seconds
        assert 0 <= hole.min_packets <= hole.max_packets


@BOTH
@pytest.mark.parametrize("case", sorted(p.parent.name for p in SAMPLES.glob("*/capture.pcap")))
def test_esp_counts_are_those_of_tshark(case: str, keys: bool) -> None:
    counts: dict[str, int] = {}
    for source, _ in _esp_rows(case):
        counts[source] = counts.get(source, 0) + 1
    found: dict[str, int] = {}
    for flow in peer_of(case, keys).esp_flows:
        found[flow.sender] = found.get(flow.sender, 0) + flow.packets
        assert flow.missing_sequences == 0
    assert found == counts
