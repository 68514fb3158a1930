"""What the console is handed while things happen."""

from __future__ import annotations

from pathlib import Path
from threading import Event

from analyzers.session.live import LiveSession
from dpdlab.tui.live_reading import LiveReader
from dpdlab.tui.reading import Outcome
from tests.live_capture import SAMPLES
from tests.unit.analyzers.session.test_live import PATIENCE_S, SECOND, START_NS, Fifo


def test_now_is_told_on_the_clock_of_packets_from_elsewhere(tmp_path: Path) -> None:
    """Else what is due by these packets would be due years ago, or never."""
    fifo = Fifo(tmp_path / "packets")
    outcomes: list[Outcome] = []
    came = Event()

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if outcome.content is not None and outcome.content.peers:
            came.set()

    reader = LiveReader(LiveSession([fifo.source]), lambda: START_NS, tell)
    reader.start()
    fifo.write((SAMPLES / "ikev2-dead-peer" / "capture.pcap").read_bytes())
    assert came.wait(PATIENCE_S)
    reader.stop()
    fifo.close()
    last = outcomes[-1].live
    assert last is not None
    assert last.now_ns == START_NS
    (peer,) = outcomes[-1].content.peers if outcomes[-1].content else ()
    assert 0 <= last.event_ns - peer.last_ns < 60 * SECOND
