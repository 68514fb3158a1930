"""Lines for people who watch: in order, each thing said once, and bounds said as bounds."""

from __future__ import annotations

import re

from msgspec.structs import replace

from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.peer import PeerState, StateSpan
from analyzers.model.records import Basis, Confidence
from analyzers.session.live_facts import Change, Fact
from dpdlab.present.formatting import utc_time
from dpdlab.present.live_lines import FactLines
from tests.model_builders import answered, at, black_hole, peer, sent, unanswered

PEER = peer()
DEAD = replace(PEER, confidence=Confidence.CERTAIN)


def lines(*looks: tuple[float, list[Fact]]) -> list[str]:
    writer = FactLines()
    return [line for now_s, facts in looks for line in writer.of(facts, at(now_s))]


def times(said: list[str]) -> list[str]:
    return [line[:12] for line in said]


def test_times_never_go_back_and_what_is_older_says_when_it_was() -> None:
    first = Fact(PEER, unanswered(verdict_ns=at(26)), 0)
    late = Fact(PEER, answered(), 0)
    said = lines((26.5, [first]), (28, [late]))
    assert times(said) == sorted(times(said))
    assert re.search(r"answered after \S+ \S+, at \d\d:\d\d:\d\d\.\d{3}$", said[1].strip())
    assert ", at " not in said[0]


def test_facts_of_one_look_are_in_the_order_in_which_they_came_to_be_so() -> None:
    asked = Fact(PEER, unanswered(verdict_ns=at(26)), 0)
    said = lines((26.4, [asked, Fact(PEER, answered(), 0)]))
    assert "answered after" in said[0]
    assert "unanswered" in said[1]
    assert ", at " not in "".join(said)


def test_a_state_stands_where_it_began() -> None:
    (line,) = lines((26.3, [Fact(PEER, PEER, 1, before=PEER)]))
    (other,) = lines((26.3, [Fact(PEER, unanswered(verdict_ns=at(26)), 0)]))
    assert times([line]) == times([other])


def test_a_verdict_that_the_silence_after_it_told_stands_where_it_was_known() -> None:
    (line,) = lines((27.5, [Fact(PEER, PEER, 1, before=PEER)]))
    (other,) = lines((27.5, [Fact(PEER, unanswered(verdict_ns=at(26)), 0)]))
    (began,) = lines((26.0, [Fact(PEER, PEER, 1, before=PEER)]))
    (now,) = lines((27.5, [Fact(PEER, PEER, 1, before=PEER)]))
    assert times([line, other]) == times([now, now]) != times([began, began])
    assert line.endswith(f", since {began[:12]}\n")
    assert other.endswith(f", at {began[:12]}\n")
    (first,) = lines((27.5, [Fact(PEER, PEER, 0)]))
    assert times([first]) == times([began])


def test_a_correction_that_says_the_same_is_not_written() -> None:
    before = unanswered(verdict_ns=at(26))
    surer = replace(before, basis=Basis.CORRELATED)
    more = replace(surer, transmissions=surer.transmissions[:1])
    assert lines((27, [Fact(PEER, surer, 1, Change.CORRECTED, before)])) == []
    (line,) = lines((27, [Fact(PEER, more, 1, Change.CORRECTED, before)]))
    assert line.endswith(" (corrected)\n")


def test_the_same_verdict_a_moment_later_is_no_news() -> None:
    states = (StateSpan(PeerState.ALIVE, at(0)), StateSpan(PeerState.DEAD, at(26.02)))
    moved = replace(DEAD, states=states)
    assert lines((27, [Fact(moved, moved, 2, Change.CORRECTED, DEAD)])) == []
    surer = [Fact(DEAD, DEAD, 2, Change.CORRECTED, PEER)]
    assert len(lines((27, surer))) == 1


def test_the_last_word_on_a_peer_is_no_line() -> None:
    assert lines((27, [Fact(PEER, PEER, 3, Change.LAST, DEAD)])) == []


def test_a_black_hole_is_told_with_its_bounds() -> None:
    hole = black_hole(min_seconds=9.9, max_seconds=12.0, min_packets=50, max_packets=60)
    (line,) = lines((27, [Fact(PEER, hole, 0)]))
    assert "black hole of 9.9 to 12.0 s, 50 to 60 packets" in line
    unsure = replace(hole, min_seconds=0.0, min_packets=0)
    (line,) = lines((27, [Fact(PEER, unsure, 0, Change.GROWING)]))
    assert "black hole of up to 12.0 s, up to 60 packets" in line
    assert line.endswith(" so far\n")
    later = Fact(PEER, replace(hole, stop_ns=hole.stop_ns + 1_000_000_000), 0)
    told = lines((27, [later]), (27, [Fact(PEER, hole, 0, Change.GROWING)]))
    assert told[1].endswith(f" so far, at {utc_time(hole.stop_ns)}\n")


def test_one_that_is_part_of_a_longer_one_is_not_said_to_be_none() -> None:
    hole = black_hole()
    (part,) = lines((27, [Fact(PEER, hole, 1, Change.RETRACTED, hole, "b2")]))
    assert part.endswith(" (taken back: part of a longer one)\n")
    (none,) = lines((27, [Fact(PEER, hole, 1, Change.RETRACTED, hole)]))
    assert none.endswith(" (taken back: it was none)\n")
    replied = answered(transmissions=(sent(14, 9, 9),), answer=sent(18, 10, 10))
    heard = replace(PEER, exchanges=(replied,))
    (late,) = lines((27, [Fact(heard, hole, 1, Change.RETRACTED, hole)]))
    assert late.endswith(" (taken back: what was asked in it was answered, if late)\n")


def test_a_silence_that_is_the_pace_of_its_flow_is_said_to_be_that() -> None:
    hole = black_hole(first_probe_ns=None, probes=0, stop_basis=StopBasis.PROOF)
    (pause,) = lines((27, [Fact(PEER, hole, 1, Change.RETRACTED, hole)]))
    assert pause.endswith(" (taken back: the flow pauses like this)\n")


def test_nothing_was_lost_where_nothing_was_sent() -> None:
    idle = black_hole(
        black_hole_class=BlackHoleClass.IDLE,
        first_exposed_ns=None, min_seconds=0.0, max_seconds=0.0, min_packets=0, max_packets=0,
    )  # fmt: skip
    (line,) = lines((27, [Fact(PEER, idle, 0)]))
    assert line.endswith("  idle: nothing was sent into it\n")
