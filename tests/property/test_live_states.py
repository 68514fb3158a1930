"""Any cutting of what comes live tells every state of a peer, in order, be it over or not."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.model.peer import PeerState, PeerView
from analyzers.session import Session
from analyzers.session.live import LiveSession
from analyzers.session.live_facts import SETTLES_NS, Change, FactLog
from tests.given_source import GivenSource
from tests.scenarios.timeline import capture

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
_HEAD = 24
_FLEETING = frozenset({PeerState.PROBING, PeerState.UNKNOWN})
_OUTAGES = """
0 a>b v2 handshake
0.1..20/0.2 a>b esp out
0.15..12/0.2 b>a esp in
17 a>b liveness 2
19 a>b liveness 2
21 a>b liveness 2
23 a>b liveness 2
40 a>b v2 handshake sa=2
40.1..60/0.2 a>b esp out2
40.15..60/0.2 b>a esp in2
61 a>b delete 2 sa=2
70 a>b v2 handshake sa=3
75 a>b liveness 2 sa=3
77 a>b liveness 2 sa=3
77.01 b>a liveness 2 sa=3 resp
"""
CASES = {
    "outages": capture(_OUTAGES),
    **{
        path.parent.name: path.read_bytes()
        for path in sorted(SAMPLES.glob("*/capture.pcap"))
        if path.read_bytes()[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")
    },
}


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each with its time, ns."""
    unit, place = 1 if data[:4] == b"\x4d\x3c\xb2\xa1" else 1000, _HEAD
    while place < len(data):
        seconds, fraction, size, _ = struct.unpack_from("<IIII", data, place)
        yield seconds * 1_000_000_000 + fraction * unit, data[place : place + 16 + size]
        place += 16 + size


def _told(data: bytes, cuts: Sequence[float]) -> list[PeerState]:
    """The states of the peer as they were told; `cuts` are shares of the packets."""
    records = list(_records(data))
    ends = sorted({*(round(share * len(records)) for share in cuts), len(records)})
    source = GivenSource(remote=True)
    session = LiveSession([source])
    session.start()
    source.feed.put(data[:_HEAD])
    log = FactLog()
    facts, start, now_ns = [], 0, 0
    for end in ends:
        source.feed.put(b"".join(record for _, record in records[start:end]))
        now_ns, start = records[end - 1][0] if end else records[0][0], end
        session.pump(now_ns)
        facts += log.take(session.peers_so_far(now_ns), session.event_ns(now_ns))
    session.end(now_ns)
    facts += log.take(session.peers(), session.event_ns(now_ns), last=True)
    facts = [fact for fact in facts if fact.change is not Change.LAST]
    return [fact.item.state for fact in facts if isinstance(fact.item, PeerView)]


@cache
def _concluded(case: str, tmp: Path) -> list[PeerState]:
    """The states of the report, but for questions that were answered at once."""
    path = tmp / f"{case}.pcap"
    path.write_bytes(CASES[case])
    session = Session()
    session.run([str(path)])
    (peer,) = session.peers()
    ends = [span.start_ns for span in peer.states[1:]] + [1 << 62]
    lasting = [
        span.state
        for span, end in zip(peer.states, ends, strict=True)
        if end - span.start_ns >= SETTLES_NS or span.state not in _FLEETING
    ]
    return [state for n, state in enumerate(lasting) if not n or lasting[n - 1] is not state]


def _has_in_order(told: Sequence[PeerState], wanted: Sequence[PeerState]) -> bool:
    rest = iter(told)
    return all(state in rest for state in wanted)


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=15)
@given(cuts=st.lists(st.floats(0, 1), max_size=30))
def test_any_cutting_tells_every_state(
    case: str, cuts: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    wanted = _concluded(case, tmp_path_factory.getbasetemp())
    told = _told(CASES[case], cuts)
    assert _has_in_order(told, wanted), (told, wanted)


@pytest.mark.parametrize("case", CASES)
def test_one_batch_tells_nothing_but_the_states(case: str, tmp_path: Path) -> None:
    assert _told(CASES[case], []) == _concluded(case, tmp_path)


def test_the_outages_are_some(tmp_path: Path) -> None:
    told = " ".join(_concluded("outages", tmp_path))
    assert told == "alive questionable probing dead alive unknown alive probing alive"
