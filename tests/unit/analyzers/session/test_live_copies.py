"""Two logs of one device, or of both ends, and no capture: each thing is told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import PeerView
from analyzers.session.live import LiveSession
from tests.live_capture import SAMPLES
from tests.scenarios.logs import charon
from tests.unit.analyzers.session.test_live import SECOND, Fifo
from tests.unit.analyzers.session.test_live_named import WITH_LOGS, _lines, _until_read

STEP_NS = SECOND // 4
Stream = list[tuple[int, bytes]]


def watch(folder: Path, *streams: Stream, behind_ns: int = 0) -> tuple[PeerView, ...]:
    """What lines tell that come in their time; all but the first log come a little later."""
    folder.mkdir()
    pipes = [Fifo(folder / f"lines-{number}", "log") for number in range(len(streams))]
    session = LiveSession([pipe.source for pipe in pipes])
    session.start()
    now_ns = min(stream[0][0] for stream in streams)
    end_ns = max(stream[-1][0] for stream in streams) + 3 * SECOND
    while now_ns < end_ns:
        before_ns, now_ns = now_ns, now_ns + STEP_NS
        for number, (pipe, stream) in enumerate(zip(pipes, streams, strict=True)):
            late_ns = behind_ns if number else 0
            came = [part for at, part in stream if before_ns <= at + late_ns < now_ns]
            if came:
                pipe.write(b"".join(came))
                _until_read(pipe)
        session.pump(now_ns)
        session.peers_so_far(now_ns)
    for pipe in pipes:
        pipe.close()
    session.end(now_ns)
    return session.peers()


def told(peers: tuple[PeerView, ...]) -> list[object]:
    """What is told of each peer, but for the places and for the end."""
    return [
        (
            peer.local,
            peer.remote,
            [span.state for span in peer.states],
            [(x.kind, len(x.transmissions), x.outcome, x.verdict_ns) for x in peer.exchanges],
            [(d.at_ns, d.protocol) for d in peer.deletes],
            [(h.black_hole_class, h.first_probe_ns, h.dead_ns) for h in peer.black_holes],
            peer.ike_messages,
        )
        for peer in peers
    ]


@pytest.mark.parametrize("behind_ns", [0, 400_000_000])
@pytest.mark.parametrize("sample", WITH_LOGS)
def test_a_second_log_of_the_device_is_no_second_device(
    sample: str, behind_ns: int, tmp_path: Path
) -> None:
    lines = list(_lines((SAMPLES / sample / "charon-a.log").read_bytes()))
    one = watch(tmp_path / "one", lines)
    two = watch(tmp_path / "two", lines, lines, behind_ns=behind_ns)
    assert one
    assert told(two) == told(one)


def test_the_log_of_the_other_end_says_other_things(tmp_path: Path) -> None:
    """Its questions are its own, though both have the same numbers."""
    text = "0 a>b v2 handshake\n"
    text += "10 a>b liveness 2\n10.02 b>a liveness 2 resp\n15 a>b liveness 3\n"
    text += "15.02 b>a liveness 3 resp\n10.4 b>a liveness 0\n10.42 a>b liveness 0 resp\n"
    ends = [list(_lines(charon(text, end).encode())) for end in ("a", "b")]
    asked = []
    for number, logs in enumerate([ends[:1], ends[1:], ends]):
        (peer,) = watch(tmp_path / str(number), *logs)
        asked.append([(x.prober, x.outcome) for x in peer.exchanges])
    assert len(asked[0]) == 3
    assert asked[0] == asked[1] == asked[2]
