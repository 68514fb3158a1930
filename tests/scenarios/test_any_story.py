"""Stories nobody thought of: invariants of every report, however the capture is cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analyzers.model.black_hole import PhaseName
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.session import Session, SessionOptions
from tests.scenarios.timeline import capture

# What happens in a slot of 10 s: how often a side asks, and which transmission is answered.
SLOTS = st.sampled_from(["quiet", "answered", "retried", "unanswered", "asked back"])
SPANS = st.lists(
    st.tuples(st.sampled_from(["out", "in"]), st.integers(0, 99), st.integers(1, 40)), max_size=4
)


def story(version: int, slots: list[str], gaps: list[tuple[str, int, int]], twice: bool) -> str:
    """A timeline of 10 s slots, with gaps in the traffic of either direction."""
    lines = ["0 a>b v2 handshake" if version == 2 else "0 a>b v1 main-mode"]
    lines += ["1.1..100/0.4 a>b esp out", "1.2..100/0.4 b>a esp in"]
    ids = {"a": 2, "b": 0}
    for number, slot in enumerate(slots):
        at = 10 * number + 5
        asker, asked = ("b", "a") if slot == "asked back" else ("a", "b")
        times = {"quiet": [], "retried": [at, at + 2.05], "unanswered": [at, at + 2.05, at + 4.1]}
        for moment in times.get(slot, [at]):
            what = f"liveness {ids[asker]}" if version == 2 else "v1 info 108"
            lines.append(f"{moment} {asker}>{asked} {what}")
        if slot in ("answered", "retried", "asked back"):
            what = f"liveness {ids[asker]} resp" if version == 2 else "v1 info 108"
            lines.append(f"{at + 2.09 * (slot == 'retried') + 0.03} {asked}>{asker} {what}")
        if slot != "unanswered":
            ids[asker] += slot != "quiet"
    # A gap takes the ESP of a direction only: IKE goes on as its lines say.
    for name, start, length in gaps:
        lines = [_with_gap(line, f"esp {name}", start, start + length) for line in lines]
    text = "\n".join(part for line in lines for part in line.split("\n") if part)
    return text + ("\ntwice 0.0005" if twice else "")


def _with_gap(lines: str, flow: str, start: int, end: int) -> str:
    """The streams of a flow, interrupted; sequences do not show that anything is missing."""
    kept = []
    for line in lines.split("\n"):
        if flow not in line:
            kept.append(line)
            continue
        span, _, rest = line.partition(" ")
        first, _, tail = span.partition("..")
        last, _, step = tail.partition("/")
        before, after = min(float(last), start), max(float(first), end + 0.3)
        if before > float(first):
            kept.append(f"{first}..{before}/{step} {rest}")
        if after < float(last):
            kept.append(f"{after}..{last}/{step} {rest}")
    return "\n".join(kept)


def analyse(path: Path, chunk_bytes: int, batch_rows: int) -> tuple[PeerView, ...]:
    session = Session(SessionOptions(chunk_bytes=chunk_bytes, batch_rows=batch_rows))
    session.run([str(path)])
    return session.peers()


def check(peer: PeerView) -> None:
    starts = [x.first_ns for x in peer.exchanges]
    assert starts == sorted(starts)
    for exchange in peer.exchanges:
        sent = [t.at_ns for t in exchange.transmissions]
        assert sent == sorted(sent)
        assert (exchange.outcome is Outcome.ANSWERED) == (exchange.answer_evidence is not None)
        if exchange.verdict_ns is not None:
            assert exchange.outcome is Outcome.UNANSWERED
            assert exchange.verdict_ns >= sent[-1]
    for hole in peer.black_holes:
        assert 0 <= hole.min_packets <= hole.max_packets
        assert 0 <= hole.min_seconds <= hole.max_seconds
        lost = [p for p in hole.phases if p.name is not PhaseName.RECOVERY]
        total = sum(p.end_ns - p.start_ns for p in lost) / 1e9
        assert total == pytest.approx(hole.max_seconds, abs=1e-6)
        assert all(p.end_ns > p.start_ns for p in hole.phases)
        if hole.first_exposed_ns is not None:
            assert (hole.last_proof_ns or 0) <= hole.first_exposed_ns <= hole.stop_ns
        if hole.recovered_ns is not None:
            assert hole.recovered_ns >= hole.stop_ns
    times = [s.start_ns for s in peer.states]
    assert times == sorted(times)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    version=st.sampled_from([1, 2]),
    slots=st.lists(st.sampled_from(["quiet", "answered", "retried", "asked back"]), max_size=9),
    gaps=SPANS,
    end=st.integers(1, 100),
)
def test_nobody_is_dead_whose_answers_were_seen(
    tmp_path: Path, version: int, slots: list[str], gaps: list[tuple[str, int, int]], end: int
) -> None:
    path = tmp_path / "story.pcap"
    path.write_bytes(capture(story(version, slots, gaps, False) + f"\ncapture 0..{end}.7"))
    for peer in analyse(path, 1 << 22, 1 << 15):
        assert PeerState.DEAD not in {s.state for s in peer.states}
        assert Outcome.UNANSWERED not in {x.outcome for x in peer.exchanges}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    version=st.sampled_from([1, 2]),
    slots=st.lists(SLOTS, min_size=1, max_size=9),
    gaps=SPANS,
    twice=st.booleans(),
    chunk_bytes=st.integers(64, 4000),
    batch_rows=st.integers(0, 200),
)
@example(
    version=1,
    slots=["unanswered"],
    gaps=[("in", 0, 5)],
    twice=False,
    chunk_bytes=64,
    batch_rows=0,
)
def test_any_story_cut_anywhere(
    tmp_path: Path,
    version: int,
    slots: list[str],
    gaps: list[tuple[str, int, int]],
    twice: bool,
    chunk_bytes: int,
    batch_rows: int,
) -> None:
    path = tmp_path / "story.pcap"
    path.write_bytes(capture(story(version, slots, gaps, twice)))
    peers = analyse(path, 1 << 22, 1 << 15)
    for peer in peers:
        check(peer)
    assert analyse(path, chunk_bytes, batch_rows) == peers
