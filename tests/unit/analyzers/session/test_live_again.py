"""The end of a live session: the report of what it kept, in however many files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.model.records import Basis
from analyzers.session import Session, live_log_store
from analyzers.session.live import LiveSession
from analyzers.session.live_again import again
from analyzers.session.live_log_store import LogStore
from analyzers.session.live_store import CaptureStore
from analyzers.sources.feed import SourceState
from analyzers.sources.follow import FollowedFile
from analyzers.sources.ring_files import RingFiles
from tests.live_capture import SAMPLES
from tests.scenarios.logs import Clock, charon, iso
from tests.scenarios.timeline import at, capture
from tests.unit.analyzers.session.test_live import SECOND, Fifo, until


@pytest.mark.parametrize("most_bytes", [None, 4_000])
def test_a_session_that_was_kept_in_many_files_has_hindsight(
    tmp_path: Path, most_bytes: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same report as of what was captured and logged."""
    folder = SAMPLES / "ikev1-dead-peer"
    text = (folder / "charon-a.log").read_bytes()
    # Two files, in whatever pieces it is read.
    log_bytes = len(text) * 3 // 4 if most_bytes else 1 << 20
    monkeypatch.setattr(live_log_store, "_FILE_BYTES", log_bytes)
    fifo = Fifo(tmp_path / "pipe")
    log = tmp_path / "charon-a.log"
    log.write_text("")
    kept = tmp_path / "kept"
    kept.mkdir()
    files = RingFiles(kept / "ring.pcapng", most_bytes=most_bytes)
    logs = LogStore(kept, "ring")
    session = LiveSession(
        [fifo.source, FollowedFile(str(log))],
        store=CaptureStore(files, "test"),
        log_store=logs,
    )
    session.start()
    offline = Session()
    offline.run([str(folder / "capture.pcap"), str(folder / "charon-a.log")])
    now_ns = (offline.sources[0].last_ns or 0) + SECOND
    data = (folder / "capture.pcap").read_bytes()
    for place in range(0, len(data), 4000):
        fifo.write(data[place : place + 4000])
        session.wait(0.2)
        session.pump(now_ns)
    fifo.close()
    for place in range(0, len(text), 2000):
        with log.open("ab") as file:
            file.write(text[place : place + 2000])
        session.wait(0.2)
        session.pump(now_ns)

    def all_came() -> bool:
        session.pump(now_ns)
        return session.sources[1].lines >= text.count(b"\n") - 1

    until(all_came)
    session.end(now_ns)
    if most_bytes is not None:
        assert len(files.files) > 3
        assert len(logs.logs[0].paths) == 2
    found = again(session, ())
    assert found.why_not == ""
    assert found.session is not None
    assert [x.basis for p in found.session.peers() for x in p.exchanges] == [
        x.basis for p in offline.peers() for x in p.exchanges
    ]
    assert found.session.judgement().findings == offline.judgement().findings
    assert [s.path for s in found.session.sources] == [s.path for s in session.sources]
    assert found.session.sources[0].packets == offline.sources[0].packets


@pytest.mark.parametrize("most_bytes", [None, 4_000])
def test_several_captures_that_were_kept_in_one_file_have_hindsight(
    tmp_path: Path, most_bytes: int | None
) -> None:
    told = """
    0 {0} v2 handshake
    0.2..70/0.2 {0} esp out
    0.3..30/0.2 {1} esp in
    20 {0} liveness 2
    20.02 {1} liveness 2 resp
    30 {0} liveness 3
    """
    # No two packets at one time: which of them comes first in the kept file would be chance.
    other = """
    0.05 {0} v2 handshake sa=5
    0.25..70/0.2 {0} esp out5
    0.35..30/0.2 {1} esp in5
    20.1 {0} liveness sa=5 2
    20.12 {1} liveness sa=5 2 resp
    30.1 {0} liveness sa=5 3
    """
    texts = [told.format("a>b", "b>a"), other.format("c>b", "b>c")]
    captures = [capture(text) for text in texts]
    text = charon(texts[0], "a", Clock(iso, 3600))
    paths = []
    for number, content in enumerate([captures[0], text.encode(), captures[1]]):
        paths.append(tmp_path / f"in-{number}")
        paths[-1].write_bytes(content)
    offline = Session()
    offline.run([str(path) for path in paths])
    packets = [s.packets for s in offline.sources]
    log = tmp_path / "charon.log"
    log.write_text("")
    fifos = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        fifos.append(Fifo(tmp_path / str(number) / "pipe"))
    files = RingFiles(tmp_path / "saved.pcapng", most_bytes=most_bytes)
    session = LiveSession(
        [fifos[0].source, FollowedFile(str(log)), fifos[1].source],
        store=CaptureStore(files, "test"),
        log_store=LogStore(tmp_path, "saved"),
    )
    session.start()
    now_ns = at(71)
    for start in range(0, max(map(len, captures)), 1500):
        for fifo, data in zip(fifos, captures, strict=True):
            fifo.write(data[start : start + 1500])
        session.wait(0.1)
        # Which of two pipes is read first is chance: nothing is late yet, so all waits for both.
        session.pump(at(0))

    def pumped(at_ns: int, wanted: Callable[[], bool]) -> bool:
        session.pump(at_ns)
        return wanted()

    until(lambda: pumped(at(0), lambda: [s.packets for s in session.sources] == packets))
    for fifo in fifos:
        fifo.close()
    # A pipe that is still open a minute later would have been watched until then.
    until(
        lambda: pumped(
            at(0), lambda: {f.source.feed.status.state for f in fifos} == {SourceState.ENDED}
        )
    )
    session.pump(at(0))
    log.write_text(text)
    until(lambda: pumped(now_ns, lambda: any(s.lines for s in session.sources)))
    session.end(now_ns)
    found = again(session, ())
    assert found.why_not == ""
    assert found.session is not None
    assert [s.packets for s in found.session.sources] == packets
    assert [s.path for s in found.session.sources] == [s.path for s in session.sources]
    views = [[p.exchanges, p.esp_flows] for p in found.session.peers()]
    assert views == [[p.exchanges, p.esp_flows] for p in offline.peers()]
    assert {x.basis for p in offline.peers() for x in p.exchanges} == {Basis.HEADER}
