"""Two captures of the same traffic: both ends, one place twice, halves, and one direction each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.model.alignment import ClockBasis
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import ProblemKind
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.session import ClockOptions, SessionOptions
from tests.scenarios.inputs import alone, asked, shifted, together
from tests.scenarios.logs import Clock, charon, iso
from tests.scenarios.timeline import capture

A, B = "192.0.2.1", "192.0.2.2"

# Without macros: at the other end each message has a time of its own.
SETUP = """
1 a>b v2 sa-init
1.1 b>a v2 sa-init resp
1.2 a>b v2 auth 1
1.3 b>a v2 auth 1 resp
"""
HEALTHY = (
    SETUP
    + """
2..60/0.5 a>b esp out
2.3..60/0.5 b>a esp in
10..60/10 a>b liveness 2+
10.2..60/10 b>a liveness 2+ resp
"""
)
DEAD = (
    SETUP
    + """
2..60/0.5 a>b esp out
2.3..30/0.5 b>a esp in
10 a>b liveness 2
10.2 b>a liveness 2 resp
40 a>b liveness 3
42 a>b liveness 3
44 a>b liveness 3
46 a>b liveness 3
"""
)


def by_one_end(peer: PeerView) -> tuple[BlackHole, ...]:
    """The black holes as they are without a second capture."""
    return tuple(replace(h, lost_there=None, lost_back=None) for h in peer.black_holes)


def at_far_end(text: str, way_s: float) -> str:
    """The timeline as b's own capture has it: what a sends comes later, what b sends earlier."""

    def moved(line: str) -> str:
        by = way_s if "a>b" in line else -way_s
        found = re.match(r"([\d.]+)(?:\.\.([\d.]+)/([\d.]+))?( .*)", line)
        if found is None:
            return line
        start, end, step, rest = found.groups()
        until = "" if end is None else f"..{float(end) + by:.6f}/{step}"
        return f"{float(start) + by:.6f}{until}{rest}"

    return "\n".join(map(moved, text.splitlines())) + "\n"


@pytest.mark.parametrize("way_ms", [0, 1, 5, 20, 50, 150])
@pytest.mark.parametrize("ahead_s", [0.0, 3.0, -7200.0])
@pytest.mark.parametrize("text", [HEALTHY, DEAD], ids=["healthy", "dead"])
def test_both_ends_are_told_as_the_first_saw_it(
    tmp_path: Path, text: str, way_ms: int, ahead_s: float
) -> None:
    far = shifted(capture(at_far_end(text, way_ms / 1000)), round(ahead_s * NS_PER_SECOND))
    told = together(tmp_path, capture(text), far)
    near = alone(tmp_path, text)
    assert asked(told.peer) == asked(near)
    assert by_one_end(told.peer) == near.black_holes
    assert told.peer.states == near.states
    assert [(f.spi, f.packets, f.missing_sequences) for f in told.peer.esp_flows] == [
        (f.spi, f.packets, f.missing_sequences) for f in near.esp_flows
    ]
    assert told.peer.ike_messages == near.ike_messages
    if ahead_s:
        # Both ways take the same time here: what remains is the clocks'.
        assert told.alignment.offset_ns == pytest.approx(ahead_s * NS_PER_SECOND, abs=2 * NS_PER_MS)
        assert told.alignment.evidence == "identical messages"
        assert told.sources[1].clock_basis is ClockBasis.MATCHED
    else:
        assert told.alignments == ()
    assert {ref.source for x in told.peer.exchanges for t in x.transmissions for ref in t.seen} == {
        "s2"
    }


def test_the_second_capture_says_what_became_of_it(tmp_path: Path) -> None:
    told = together(tmp_path, capture(HEALTHY), capture(HEALTHY))
    problem = told.problem(ProblemKind.CAPTURE_DUPLICATE)
    assert problem.count == 116 + 116 + 14
    assert [s.ike_messages for s in told.sources] == [14, 14]
    assert [s.esp_packets for s in told.sources] == [232, 232]


def test_a_path_that_breaks_between_two_captures(tmp_path: Path) -> None:
    """Both sides go on sending, and neither hears the other: together they must not look alive."""
    both = (
        SETUP
        + """
    2..60/0.5 a>b esp out
    2.3..60/0.5 b>a esp in
    10 a>b liveness 2
    10.2 b>a liveness 2 resp
    40 a>b liveness 3
    42 a>b liveness 3
    44 a>b liveness 3
    41 b>a liveness 0
    43 b>a liveness 0
    """
    )
    near = both + "unseen b>a 30..\n"
    far = at_far_end(both, 0.02) + "unseen a>b 30..\n"
    told = together(tmp_path, capture(near), capture(far))
    holes = {hole.sender: hole for hole in by_one_end(told.peer)}
    (own,) = alone(tmp_path, near).black_holes
    (theirs,) = alone(tmp_path, far).black_holes
    assert replace(holes[A], id="b1") == own
    assert (holes[B].first_probe_ns, holes[B].max_packets) == (
        theirs.first_probe_ns,
        theirs.max_packets,
    )
    assert told.peer.state is PeerState.DEAD


def test_one_place_in_two_captures_that_overlap(tmp_path: Path) -> None:
    """The second one goes on where the first one ended, also while the peer is silent."""
    text = DEAD + "48 a>b liveness 3\n50 a>b liveness 3\n90 b>a v2 sa-init sa=9\n"
    told = together(tmp_path, capture(text + "capture 0..43"), capture(text + "capture 38..100"))
    whole = alone(tmp_path, text)
    assert asked(told.peer) == asked(whole)
    places = [replace(hole, refs=()) for hole in told.peer.black_holes]
    assert places == [replace(hole, refs=()) for hole in whole.black_holes]


def test_the_far_end_goes_on_after_the_near_one(tmp_path: Path) -> None:
    text = HEALTHY + "60..100/10 a>b liveness 7+\n60.2..100/10 b>a liveness 7+ resp\n"
    told = together(tmp_path, capture(text + "capture 0..55"), capture(at_far_end(text, 0.02)))
    assert [x.outcome for x in told.peer.exchanges] == [Outcome.ANSWERED] * 9
    sources = [x.transmissions[0].ref.source for x in told.peer.exchanges]
    assert sources == ["s1"] * 5 + ["s2"] * 4
    flows = {f.sender: f.packets for f in told.peer.esp_flows}
    assert flows == {A: 116, B: 116}


def test_ike_here_and_esp_there(tmp_path: Path) -> None:
    """The first capture was filtered: what only the second one has is not thrown away."""
    ike_only = re.sub(r".* esp .*\n", "", DEAD)
    told = together(tmp_path, capture(ike_only), capture(DEAD))
    whole = alone(tmp_path, DEAD)
    assert asked(told.peer) == asked(whole)
    assert {f.sender: f.packets for f in told.peer.esp_flows} == {
        f.sender: f.packets for f in whole.esp_flows
    }
    assert [h.max_packets for h in told.peer.black_holes] == [
        h.max_packets for h in whole.black_holes
    ]


def test_a_nat_between_two_captures(tmp_path: Path) -> None:
    """The same bytes under other addresses."""
    inside = re.sub(r"\ba>b\b", "n:4500>b:4500", re.sub(r"\bb>a\b", "b:4500>n:4500", HEALTHY))
    outside = inside.replace("n:4500", "m:61000")
    told = together(tmp_path, capture(inside), capture(outside))
    assert asked(told.peer) == asked(alone(tmp_path, inside))
    assert {f.packets for f in told.peer.esp_flows} == {116}


def test_captures_of_other_tunnels_are_both_told(tmp_path: Path) -> None:
    other = HEALTHY.replace("a>b", "a>c").replace("b>a", "c>a").replace("esp ", "esp other-")
    other = re.sub(r"(sa-init|auth 1|liveness 2\+)", r"\1 sa=2", other)
    told = together(tmp_path, capture(HEALTHY), capture(other))
    assert sorted((p.remote, len(p.exchanges)) for p in told.peers) == [
        (B, 5),
        ("192.0.2.3", 5),
    ]
    assert told.alignments == ()


def test_halves_and_one_direction_each_are_put_together(tmp_path: Path) -> None:
    whole = asked(alone(tmp_path, HEALTHY))
    halves = together(
        tmp_path, capture(HEALTHY + "capture 0..31"), capture(HEALTHY + "capture 31..")
    )
    assert asked(halves.peer) == whole
    directions = together(
        tmp_path, capture(HEALTHY + "unseen b>a"), capture(HEALTHY + "unseen a>b")
    )
    assert asked(directions.peer) == whole


def test_three_captures(tmp_path: Path) -> None:
    told = together(
        tmp_path,
        capture(DEAD),
        capture(at_far_end(DEAD, 0.01)),
        shifted(capture(at_far_end(DEAD, 0.03)), 5 * NS_PER_SECOND),
    )
    near = alone(tmp_path, DEAD)
    assert asked(told.peer) == asked(near)
    assert by_one_end(told.peer) == near.black_holes
    (transmission, *_) = told.peer.exchanges[0].transmissions
    assert {ref.source for ref in transmission.seen} == {"s2", "s3"}


def test_without_alignment_the_same_message_is_still_one(tmp_path: Path) -> None:
    far = capture(at_far_end(DEAD, 0.03))
    told = together(tmp_path, capture(DEAD), far, clocks=ClockOptions(align=False))
    assert asked(told.peer) == asked(alone(tmp_path, DEAD))


def test_a_log_beside_both_captures(tmp_path: Path) -> None:
    told = together(
        tmp_path,
        capture(HEALTHY),
        shifted(capture(at_far_end(HEALTHY, 0.02)), 3 * NS_PER_SECOND),
        charon(HEALTHY, "a", Clock(iso, 60)),
    )
    assert asked(told.peer) == asked(alone(tmp_path, HEALTHY))
    assert [a.offset_ns for a in told.alignments] == [3 * NS_PER_SECOND, 60 * NS_PER_SECOND]


def test_a_window_of_time_is_one_of_the_common_clock(tmp_path: Path) -> None:
    """The second capture is ahead by an hour: times are those of the first."""
    parts = (
        capture(HEALTHY + "capture 0..31"),
        shifted(capture(HEALTHY + "capture 20..61"), 3600 * NS_PER_SECOND),
    )
    options = SessionOptions(until_offset_ns=45 * NS_PER_SECOND)
    told = together(tmp_path, *parts, options=options)
    assert len(told.peer.exchanges) == 4
    assert [s.last_ns for s in told.sources][1] is not None
    assert max(s.last_ns or 0 for s in told.sources) < 1_700_000_100 * NS_PER_SECOND
