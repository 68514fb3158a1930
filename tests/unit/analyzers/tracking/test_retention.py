"""What a session that goes on keeps of the past."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.decode.captures import CaptureReader
from analyzers.decode.ike import IkeDecoder
from analyzers.model.records import SourceInfo
from analyzers.sources.inputs import InputSpec, open_input
from analyzers.tracking.engine import Tracker
from analyzers.tracking.ordering import Orderer
from analyzers.tracking.retention import Retention
from analyzers.tracking.views import Viewer

SAMPLE = Path(__file__).parents[4] / "sample_pcaps" / "ikev2-healthy" / "capture.pcap"


@pytest.fixture
def tracker() -> Tracker:
    item = open_input(InputSpec(str(SAMPLE), True))
    reader = CaptureReader(item.stream, item.head, SourceInfo("s1", "", "capture", ""))
    tracker = Tracker(IkeDecoder(None), budget_ns=30_000_000_000, report_ns=3_000_000_000)
    orderer = Orderer(1)
    while (batch := reader.read()) is not None:
        tracker.know_flows(0, batch.new_flows, batch.moves)
        orderer.add(0, batch)
    orderer.close(0)
    ready = orderer.release()
    assert ready is not None
    tracker.feed(ready)
    item.close()
    # As if it had gone on for hours.
    (peer,) = tracker.table.peers
    peer.messages *= 40
    peer.exchanges *= 40
    return tracker


def test_the_last_events_stay_and_what_was_counted_stays_counted(tracker: Tracker) -> None:
    (peer,) = tracker.table.peers
    before, counted = len(peer.messages) + len(peer.exchanges), peer.ike_messages
    last = peer.exchanges[-1]
    retention = Retention(tracker, 200)
    retention.trim()
    assert len(peer.messages) <= 250
    assert len(peer.exchanges) <= 250
    assert peer.exchanges[-1] is last
    assert retention.forgotten == before - len(peer.messages) - len(peer.exchanges) > 0
    (view,) = Viewer(tracker, frozenset(), None).peers()
    assert view.forgotten == retention.forgotten
    assert view.ike_messages == counted


def test_a_peer_that_is_looked_at_keeps_everything(tracker: Tracker) -> None:
    (peer,) = tracker.table.peers
    before = len(peer.messages)
    retention = Retention(tracker, 200)
    retention.trim(pinned={peer.index})
    assert len(peer.messages) == before
    assert retention.forgotten == 0


def test_among_many_peers_each_keeps_its_last_questions_with_their_messages(
    tracker: Tracker,
) -> None:
    """However many peers there are: so many exchanges, and twice as many messages."""
    (peer,) = tracker.table.peers
    (sa,) = peer.sas
    Retention(tracker, 1).trim()
    assert 50 <= len(peer.exchanges) <= 55
    assert 100 <= len(peer.messages) <= 110
    assert len(sa.requests) <= 18


def test_a_request_that_waits_for_its_answer_is_not_forgotten(tracker: Tracker) -> None:
    (peer,) = tracker.table.peers
    (sa,) = peer.sas
    known = next(iter(sa.requests.values()))
    sa.requests = {
        (0, number): replace(known, message_id=number, answered=number > 0) for number in range(40)
    }
    Retention(tracker, 1).trim()
    assert (0, 0) in sa.requests
    assert (0, 39) in sa.requests
    assert len(sa.requests) < 20
