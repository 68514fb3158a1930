"""A capture and the log of one of its ends, read together as both grow."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from analyzers.model.exchange import Delete, DeleteProtocol, Outcome
from analyzers.model.observations import MessageKind
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import SaEnd
from analyzers.session import Session
from analyzers.session.live import LiveSession
from analyzers.session.live_facts import Change, Fact, FactLog
from analyzers.tracking.unread import unread_asks
from tests.given_source import GivenSource
from tests.live_capture import SAMPLES
from tests.scenarios.logs import Clock, charon, iso_zoned
from tests.scenarios.timeline import at, capture
from tests.unit.analyzers.session.test_live import SECOND, Fifo, until

STEP_NS = SECOND // 4
TAIL_NS = 3 * SECOND
WITH_LOGS = sorted(path.parent.name for path in SAMPLES.glob("*/charon-a.log"))
_HEADER_BYTES = 24
_RECORD = struct.Struct("<IIII")


class Look(NamedTuple):
    """What was known at a moment."""

    now_ns: int
    peer: PeerView


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = _HEADER_BYTES
    while place < len(data):
        seconds, micros, size, _ = _RECORD.unpack_from(data, place)
        end = place + _RECORD.size + size
        yield seconds * SECOND + micros * 1000, data[place:end]
        place = end


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for line in data.splitlines(keepends=True):
        moment = datetime.fromisoformat(line[:23].decode()).replace(tzinfo=UTC)
        yield round(moment.timestamp() * 1000) * 1_000_000, line


def _until_read(pipe: Fifo) -> None:
    until(lambda: not pipe.source.feed.empty)


def _watch(
    sample: str, folder: Path, without: bytes = b"\0", ahead_ns: int = 0, copies: int = 1
) -> tuple[list[Look], list[Change]]:
    """Looks every quarter of a second while packets and lines come in their time.

    `without`: lines of the log that hold this never come. `ahead_ns`: how much later it is here.
    `copies`: how many logs of the device have all lines.
    """
    data = (SAMPLES / sample / "capture.pcap").read_bytes()
    lines = (SAMPLES / sample / "charon-a.log").read_bytes()
    logs = [Fifo(folder / f"lines-{number}", "log") for number in range(copies)]
    pipes = (Fifo(folder / "packets"), *logs)
    log = [(at_ns, line) for at_ns, line in _lines(lines) if without not in line]
    streams = (list(_records(data)), *([log] * copies))
    session = LiveSession([pipe.source for pipe in pipes])
    session.start()
    pipes[0].write(data[:_HEADER_BYTES])
    now_ns = min(stream[0][0] for stream in streams)
    end_ns = max(stream[-1][0] for stream in streams) + TAIL_NS
    looks, facts, told = [], FactLog(), []
    while now_ns < end_ns:
        before_ns, now_ns = now_ns, now_ns + STEP_NS
        for pipe, stream in zip(pipes, streams, strict=True):
            news = b"".join(part for at_ns, part in stream if before_ns <= at_ns < now_ns)
            if news:
                pipe.write(news)
                _until_read(pipe)
        session.pump(now_ns + ahead_ns)
        peers = session.peers_so_far(now_ns)
        told += [
            fact.change for fact in facts.take(peers, now_ns) if not isinstance(fact.item, PeerView)
        ]
        looks += [Look(now_ns, peer) for peer in peers]
    for pipe in pipes:
        pipe.close()
    session.end(now_ns + ahead_ns)
    return looks, told


def test_a_question_that_the_log_names_is_one_at_once(tmp_path: Path) -> None:
    """No rhythm is waited for: the first that is not answered counts, and the verdict is sure."""
    looks, _ = _watch("ikev1-dead-peer", tmp_path)
    probing = next(look for look in looks if look.peer.state is PeerState.PROBING)
    (asked,) = probing.peer.exchanges
    assert len(asked.transmissions) == 1
    assert probing.now_ns - asked.first_ns < 2 * SECOND
    assert (asked.basis, asked.confidence) == (Basis.CORRELATED, Confidence.CERTAIN)
    (dead,) = {
        (look.peer.state, look.peer.confidence)
        for look in looks
        if look.peer.state is PeerState.DEAD
    }
    assert dead == (PeerState.DEAD, Confidence.CERTAIN)
    assert [len(x.transmissions) for x in looks[-1].peer.exchanges] == [3]


@pytest.mark.parametrize("sample", ["ikev1-dead-peer", "ikev2-dead-peer"])
def test_a_gateway_whose_clock_is_days_behind_sends_no_message_twice(
    sample: str, tmp_path: Path
) -> None:
    """Its packets and its log have one clock, whatever the time is here."""
    folders = [tmp_path / name for name in ("here", "there")]
    for folder in folders:
        folder.mkdir()
    as_here, _ = _watch(sample, folders[0])
    behind, _ = _watch(sample, folders[1], ahead_ns=2 * 86_400 * SECOND)
    counted = [
        [len(x.transmissions) for x in looks[-1].peer.exchanges] for looks in (as_here, behind)
    ]
    assert counted[0] == counted[1]


@pytest.mark.parametrize("sample", ["ikev1-dead-peer", "ikev2-dead-peer"])
def test_two_logs_of_one_device_send_no_message_twice(sample: str, tmp_path: Path) -> None:
    """A router that writes a file, and to a syslog server."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    alone, _ = _watch(sample, folders[0])
    twice, _ = _watch(sample, folders[1], copies=2)
    counted = [
        [(x.outcome, len(x.transmissions)) for x in looks[-1].peer.exchanges]
        for looks in (alone, twice)
    ]
    assert counted[0] == counted[1]


def test_a_verdict_that_the_log_tells_is_sure_whoever_told_the_questions(tmp_path: Path) -> None:
    """The log names no message, so the questions are known by their rhythm alone."""
    looks, _ = _watch("ikev1-dead-peer", tmp_path, without=b"INFORMATIONAL_V1")
    last = looks[-1].peer
    assert last.exchanges[-1].basis is Basis.RHYTHM
    assert last.exchanges[-1].verdict_ref is not None
    assert (last.state, last.confidence) == (PeerState.DEAD, Confidence.CERTAIN)


@pytest.mark.parametrize("sample", ["ikev1-dead-peer", "ikev2-dead-peer"])
def test_a_verdict_of_the_log_waits_only_for_the_packets_before_it(
    sample: str, tmp_path: Path
) -> None:
    looks, _ = _watch(sample, tmp_path)
    sure = (PeerState.DEAD, Confidence.CERTAIN)
    first = next(look for look in looks if (look.peer.state, look.peer.confidence) == sure)
    verdict_ns = first.peer.exchanges[-1].verdict_ns
    assert verdict_ns is not None
    assert first.now_ns - verdict_ns <= 2 * STEP_NS


def _told(peer: PeerView) -> dict[str, object]:
    """What is said of a peer, however exact the clock of the log is known."""
    tenth_ns = SECOND // 10
    exchanges = [
        (x.first_ns // tenth_ns, x.prober, x.outcome, x.basis, x.confidence, len(x.transmissions))
        for x in peer.exchanges
    ]
    deletes = [(d.sender, d.protocol, d.basis, d.confidence) for d in peer.deletes]
    kinds = [(m.ref, m.kind, m.basis) for m in peer.messages]
    holes = [(h.sender, h.black_hole_class, h.dead_basis, h.confidence) for h in peer.black_holes]
    return {
        "state": (peer.state, peer.confidence),
        "exchanges": exchanges,
        "deletes": deletes,
        "messages": kinds,
        "holes": holes,
    }


@pytest.mark.parametrize("sample", WITH_LOGS)
def test_what_goes_on_ends_as_the_report_says(sample: str, tmp_path: Path) -> None:
    looks, _ = _watch(sample, tmp_path)
    offline = Session()
    offline.run([str(SAMPLES / sample / name) for name in ("capture.pcap", "charon-a.log")])
    (reported,) = offline.peers()
    assert _told(looks[-1].peer) == _told(reported)
    died = any(span.state is PeerState.DEAD for span in reported.states)
    assert died or all(look.peer.state is not PeerState.DEAD for look in looks)


def test_what_was_told_of_answers_is_not_told_again(tmp_path: Path) -> None:
    """Packets and lines of one moment are told together."""
    _, told = _watch("ikev1-healthy", tmp_path)
    assert set(told) == {Change.NEW}


def test_what_a_capture_may_have_lost_when_it_began_is_not_told(tmp_path: Path) -> None:
    """The log shows a question 3 s before the first packet: as in a report, nothing is said."""
    data = (SAMPLES / "ikev2-healthy" / "capture.pcap").read_bytes()
    lines = list(_lines((SAMPLES / "ikev2-healthy" / "charon-a.log").read_bytes()))
    asked = [at_ns for at_ns, line in lines if b"sending DPD request" in line]
    begin_ns = asked[1] - SECOND
    log = [(at_ns, line) for at_ns, line in lines if at_ns >= asked[0]]
    packets = [(at_ns, packet) for at_ns, packet in _records(data) if at_ns >= begin_ns]
    pipes = (Fifo(tmp_path / "packets"), Fifo(tmp_path / "lines", "log"))
    session = LiveSession([pipe.source for pipe in pipes])
    session.start()
    pipes[0].write(data[:_HEADER_BYTES])
    now_ns, facts, told = asked[0] - STEP_NS, FactLog(), []
    while now_ns < asked[-1] + TAIL_NS:
        before_ns, now_ns = now_ns, now_ns + STEP_NS
        for pipe, stream in zip(pipes, (packets, log), strict=True):
            news = b"".join(part for at_ns, part in stream if before_ns <= at_ns < now_ns)
            if news:
                pipe.write(news)
                _until_read(pipe)
        session.pump(now_ns)
        event_ns = session.event_ns(now_ns)
        told += facts.take(session.peers_so_far(now_ns), event_ns)
    for pipe in pipes:
        pipe.close()
    session.end(now_ns)
    told += facts.take(session.peers(), now_ns, last=True)
    assert not [fact for fact in told if fact.change is Change.RETRACTED]
    (peer,) = session.peers()
    assert min(x.first_ns for x in peer.exchanges) > begin_ns
    assert len(peer.exchanges) == len(asked) - 1


def test_a_question_that_never_left_is_told_after_its_answer() -> None:
    """Its retry was captured, and answered, before the line about it need be believed."""
    text = "0 a>b v2 handshake\n10 a>b liveness 2\n11 a>b liveness 2\n11.02 b>a liveness 2 resp\n"
    wire, log = GivenSource(), GivenSource()
    log.kind, log.name = "log", "r1.log"
    session = LiveSession([wire, log])
    session.start()
    wire.feed.put(capture(text + "unseen a>b 9..10.5\n"))
    for line in charon(text, "a", Clock(iso_zoned)).splitlines(keepends=True):
        log.feed.put(line.encode())
        session.pump(at(11.1))
    for tenth in range(50):
        session.pump(at(11.1 + tenth / 10))
    (peer,) = session.peers_so_far(at(16))
    (asked,) = peer.exchanges
    assert (asked.outcome, asked.unheard_answers) == (Outcome.ANSWERED, ())
    session.end(at(16))


CROSSED = """\
0 a>b v1 main-mode
10 a>b v1 info 108 says=ruthere
11.001 b>a v1 info 108 says=ruthere
11.0015 a>b v1 info 108 says=ack
"""


def test_a_question_of_the_other_end_answers_none_that_the_log_has_named() -> None:
    wire, log = GivenSource(), GivenSource("log", "a.log")
    session = LiveSession([wire, log])
    session.start()
    clock, known, data = Clock(iso_zoned), "", capture("0 a>b v1 main-mode\n")
    wire.feed.put(data)
    for second in range(1, 4):
        session.pump(at(second))
    taken = len(data)
    looks = []
    for until_line in (2, 4):
        text = "".join(CROSSED.splitlines(keepends=True)[:until_line])
        data, said = capture(text), charon(text, "a", clock)
        wire.feed.put(data[taken:])
        now_s = 10.0 if until_line == 2 else 11.002
        session.pump(at(now_s + 0.01))
        log.feed.put(said.removeprefix(known).encode())
        taken, known = len(data), said
        for tenth in range(1, 9):
            session.pump(at(now_s + tenth / 10))
        (peer,) = session.peers_so_far(at(now_s + 0.8))
        looks.append([(x.prober[-1], x.outcome) for x in peer.exchanges])
    session.end(at(13))
    assert looks == [[("1", Outcome.OPEN)], [("1", Outcome.OPEN), ("2", Outcome.ANSWERED)]]


def test_an_answer_that_nothing_has_named_is_inferred() -> None:
    wire, log = GivenSource(), GivenSource("log", "a.log")
    session = LiveSession([wire, log])
    session.start()
    text = "".join(CROSSED.splitlines(keepends=True)[:2])
    wire.feed.put(capture(text))
    session.pump(at(10.01))
    log.feed.put(charon(text, "a", Clock(iso_zoned)).encode())
    for tenth in range(101, 109):
        session.pump(at(tenth / 10))
    answered = text + "10.95 b>a v1 info 108 says=ack\n"
    wire.feed.put(capture(answered)[len(capture(text)) :])
    session.pump(at(10.96))
    (peer,) = session.peers_so_far(at(10.97))
    (asked,) = peer.exchanges
    assert (asked.outcome, asked.confidence) == (Outcome.ANSWERED, Confidence.INFERRED)
    log.feed.put(
        charon(answered, "a", Clock(iso_zoned))
        .removeprefix(charon(text, "a", Clock(iso_zoned)))
        .encode()
    )
    for tenth in range(111, 125):
        session.pump(at(tenth / 10))
    (peer,) = session.peers_so_far(at(12.5))
    assert peer.exchanges[0].confidence is Confidence.CERTAIN
    session.end(at(13))


PHASE_1 = CROSSED.splitlines(keepends=True)[0]
DELETED = PHASE_1 + "10 b>a v1 info 108 says=esp-delete of=out\n"
GONE = "received DELETE for IKE_SA gw[1]"


def _named_late(text: str, at_s: float, said: str) -> tuple[PeerView, list[Fact]]:
    """What is known, and told, of packets that a's log names 10 ms after the last one at `at_s`;
    the rest of the line comes at that time."""
    wire, log = GivenSource(), GivenSource("log", "a.log")
    session, facts = LiveSession([wire, log]), FactLog()
    session.start()
    wire.feed.put(capture(text))
    session.pump(at(at_s))
    told = facts.take(session.peers_so_far(at(at_s)), at(at_s))
    log.feed.put(charon(text, "a", Clock(iso_zoned), said=[(at_s, f"07[IKE] {said}")]).encode())
    now_ns = at(at_s)
    while now_ns < at(at_s + 1.3):
        now_ns += SECOND // 10
        session.pump(now_ns)
        told += facts.take(session.peers_so_far(now_ns), now_ns)
    (peer,) = session.peers_so_far(now_ns)
    session.end(now_ns)
    return peer, told


def test_a_delete_that_the_log_names_is_one_before_the_log_says_more() -> None:
    peer, told = _named_late(DELETED, 10.01, "received DELETE for ESP CHILD_SA with SPI 990b00ae")
    message = peer.messages[-1]
    assert (message.kind, message.basis) == (MessageKind.DELETE, Basis.CORRELATED)
    assert unread_asks(peer.messages, peer.exchanges, peer.deletes, at(5)) == []
    (delete,) = peer.deletes
    assert (delete.ref, delete.protocol) == (message.ref, DeleteProtocol.ESP)
    assert (delete.basis, delete.confidence) == (Basis.CORRELATED, Confidence.CERTAIN)
    assert [(f.item, f.revision) for f in told if isinstance(f.item, Delete)] == [(delete, 0)]


def test_a_delete_of_the_ike_sa_that_the_log_names_ends_it() -> None:
    text = PHASE_1 + "10 b>a v1 info 108 says=delete\n"
    peer, _ = _named_late(text, 10.01, GONE)
    assert peer.state is PeerState.DELETED
    (sa,) = peer.ike_sas
    assert (sa.end, sa.ended_ns) == (SaEnd.DELETE, at(10))


def test_a_delete_that_was_taken_for_an_answer_is_none() -> None:
    """It has the length of an answer, and came within a second of the question."""
    text = PHASE_1 + "10 a>b v1 info 108 says=ruthere\n10.5 b>a v1 info 108 says=delete\n"
    peer, _ = _named_late(text, 10.51, GONE)
    (asked,) = peer.exchanges
    assert asked.answer is None
    assert [d.protocol for d in peer.deletes] == [DeleteProtocol.IKE]


def test_a_delete_in_the_rhythm_of_the_retries_is_no_retry() -> None:
    asked = "10..20.1/5 a>b v1 info 108 says=ruthere\n"
    text = f"{PHASE_1}{asked}25 a>b v1 info 108 says=delete\n"
    peer, _ = _named_late(text, 25.01, "deleting IKE_SA gw[1] between 192.0.2.1[a]...192.0.2.2[b]")
    (asked_in_vain,) = peer.exchanges
    assert len(asked_in_vain.transmissions) == 3
    assert [(d.at_ns, d.sender) for d in peer.deletes] == [(at(25), "192.0.2.1")]
