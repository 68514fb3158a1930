"""The filters of a report, given to tshark and tcpdump: they select the frames they are for."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from analyzers.export.selections import Selection, Selector
from analyzers.model.black_hole import StopBasis
from analyzers.model.exchange import Delete, Exchange
from analyzers.model.finding import Finding, Severity
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.records import Confidence, Ref
from analyzers.session import Session, SessionOptions
from tests.builders import esp, eth, ike_header, ipv4, ipv6, pcap_bytes, udp

ROOT = Path(__file__).parents[2]
SAMPLES = sorted(p for p in (ROOT / "sample_pcaps").glob("*/capture.pcap"))
PUBLIC_FOLDER = Path(
    os.environ.get("DPDLAB_PUBLIC_CAPTURES", ROOT.parent / "shared" / "captures" / "public")
)
PUBLIC = sorted(PUBLIC_FOLDER.glob("*.pcap*")) if PUBLIC_FOLDER.is_dir() else []

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
    pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed"),
]


@cache
def analysed(capture: Path) -> Session:
    session = Session(SessionOptions())
    session.run([str(capture)])
    return session


def selector(session: Session) -> Selector:
    return Selector(session.sources, session.peers())


def by_display_filter(capture: Path, text: str | None) -> list[int]:
    """Frame numbers."""
    assert text is not None
    command = ["tshark", "-n", "-r", str(capture), "-Y", text, "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def by_bpf(capture: Path, text: str | None, folder: Path) -> list[int]:
    """Frame numbers: what tcpdump writes is found again by the time and the bytes."""
    assert text is not None
    out = folder / "selected.pcap"
    command = ["tcpdump", "-n", "-r", str(capture), "-w", str(out), text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    places: dict[bytes, list[int]] = {}
    for number, record in enumerate(records(capture), 1):
        places.setdefault(record, []).append(number)
    return [places[record].pop(0) for record in records(out)]


def records(capture: Path) -> list[bytes]:
    """The records of a little-endian pcap file, with their headers."""
    content = capture.read_bytes()
    found, at = [], 24
    while at < len(content):
        end = at + 16 + int.from_bytes(content[at + 8 : at + 12], "little")
        found.append(content[at:end])
        at = end
    return found


def frames(item: Exchange | Delete | IkeMessage) -> set[int]:
    match item:
        case Exchange():
            sent = [*item.transmissions, *([] if item.answer is None else [item.answer])]
            return {one.ref.record for one in sent}
        case Delete() | IkeMessage():
            return {item.ref.record}


def like(messages: tuple[IkeMessage, ...], one: IkeMessage) -> set[int]:
    """A message and its retransmissions."""
    return {m.ref.record for m in messages if m.fingerprint == one.fingerprint and m.src == one.src}


@pytest.mark.parametrize("capture", SAMPLES, ids=lambda p: p.parent.name)
def test_exchanges(capture: Path, tmp_path: Path) -> None:
    session = analysed(capture)
    for peer in session.peers():
        for exchange in peer.exchanges[:4]:
            selection = selector(session).of_exchange(exchange)
            expected = sorted(frames(exchange))
            assert by_display_filter(capture, selection.frames["s1"]) == expected
            assert by_display_filter(capture, selection.display_filter) == expected
            assert by_bpf(capture, selection.bpf, tmp_path) == expected


@pytest.mark.parametrize("capture", SAMPLES, ids=lambda p: p.parent.name)
def test_deletes(capture: Path, tmp_path: Path) -> None:
    session = analysed(capture)
    for peer in session.peers():
        for delete in peer.deletes:
            (message,) = [m for m in peer.messages if m.ref == delete.ref]
            expected = sorted(like(peer.messages, message))
            assert len(expected) == delete.transmissions
            if delete.answer is not None:
                expected = sorted({*expected, delete.answer.ref.record})
            selection = selector(session).of_delete(delete)
            assert by_display_filter(capture, selection.display_filter) == expected
            assert by_bpf(capture, selection.bpf, tmp_path) == expected


@pytest.mark.parametrize("name", ["ikev1-clean-delete", "ikev2-clean-delete"])
def test_messages(name: str, tmp_path: Path) -> None:
    (capture,) = [p for p in SAMPLES if p.parent.name == name] or pytest.skip("no samples")
    session = analysed(capture)
    (peer,) = session.peers()
    for message in peer.messages[:12]:
        expected = sorted(like(peer.messages, message))
        selection = selector(session).of_message(message)
        assert by_display_filter(capture, selection.display_filter) == expected
        assert by_bpf(capture, selection.bpf, tmp_path) == expected


@pytest.mark.parametrize("capture", SAMPLES, ids=lambda p: p.parent.name)
def test_black_holes(capture: Path, tmp_path: Path) -> None:
    session = analysed(capture)
    for peer in session.peers():
        for hole in peer.black_holes:
            selection = selector(session).of_black_hole(peer, hole)
            selected = by_display_filter(capture, selection.display_filter)
            assert {ref.record for ref in hole.refs} <= set(selected)
            only_esp = f"({selection.display_filter}) && !isakmp"
            # The first packet on a replacement ended it.
            ending = hole.stop_basis is StopBasis.REPLACEMENT
            assert len(by_display_filter(capture, only_esp)) == hole.max_packets + ending
            assert set(selected) <= set(by_bpf(capture, selection.bpf, tmp_path))


def test_findings(tmp_path: Path) -> None:
    (capture,) = [p for p in SAMPLES if p.parent.name == "ikev1-dead-peer"] or pytest.skip("none")
    session = analysed(capture)
    (peer,) = session.peers()
    (exchange,) = peer.exchanges
    refs = tuple(sent.ref for sent in exchange.transmissions)
    selection = selector(session).of_finding(a_finding(peer, *refs))
    assert by_display_filter(capture, selection.display_filter) == sorted(frames(exchange))
    assert by_bpf(capture, selection.bpf, tmp_path) == sorted(frames(exchange))
    nowhere = selector(session).of_finding(a_finding(peer))
    everything = by_display_filter(capture, "isakmp || esp || udpencap")
    assert nowhere.frames == {}
    assert by_display_filter(capture, nowhere.display_filter) == everything
    assert by_bpf(capture, nowhere.bpf, tmp_path) == everything


@pytest.mark.skipif(not PUBLIC, reason="the captures of other projects are not at hand")
@pytest.mark.parametrize("capture", PUBLIC, ids=lambda p: p.name)
def test_captures_of_others(capture: Path) -> None:
    session = analysed(capture)
    for peer in session.peers()[:2]:
        chosen: list[tuple[Selection, set[int]]] = []
        chosen += [(selector(session).of_exchange(x), frames(x)) for x in peer.exchanges[:2]]
        chosen += [(selector(session).of_delete(d), frames(d)) for d in peer.deletes[:1]]
        chosen += [(selector(session).of_message(m), frames(m)) for m in peer.messages[:2]]
        for selection, expected in chosen:
            assert expected <= set(by_display_filter(capture, selection.display_filter))
            check = ["tcpdump", "-d", "-y", "EN10MB", str(selection.bpf)]
            done = subprocess.run(check, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr


def a_finding(peer: PeerView, *refs: Ref) -> Finding:
    severity, confidence = Severity.WARNING, Confidence.CERTAIN
    return Finding("dpd-no-ack", severity, confidence, "", "", "", "", refs, peer=peer.id)


def test_every_place_of_a_message(tmp_path: Path) -> None:
    """Plain and behind the marker, IPv4 with and without options, IPv6; and ESP beside them."""
    question = ike_header(message_id=7)
    other = ike_header(message_id=8)
    answer = ike_header(message_id=7, flags=0x20)
    marker = bytes(4)
    packets = [
        eth(ipv4(udp(question))),
        eth(ipv4(udp(other))),
        eth(ipv4(udp(marker + question, 4500, 4500))),
        eth(ipv4(udp(question), options=b"\x01" * 4)),
        eth(ipv6(udp(question)), 0x86DD),
        eth(ipv6(udp(marker + question, 4500, 4500)), 0x86DD),
        eth(ipv4(udp(answer))),
        eth(ipv4(esp(), proto=50)),
        eth(ipv4(udp(esp(), 4500, 4500))),
    ]
    capture = tmp_path / "places.pcap"
    capture.write_bytes(pcap_bytes(packets))
    session = analysed(capture)
    # The fourth is the first one seen twice.
    expected = {1: [1, 4], 2: [2], 3: [3], 5: [5], 6: [6], 7: [7]}
    messages = {m.ref.record: m for peer in session.peers() for m in peer.messages}
    assert set(messages) == set(expected)
    for number, selected in expected.items():
        selection = selector(session).of_message(messages[number])
        assert by_bpf(capture, selection.bpf, tmp_path) == selected
        # A display filter does not care where in the datagram the message is.
        assert set(selected) <= set(by_display_filter(capture, selection.display_filter))
