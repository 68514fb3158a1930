"""What is told while things happen: once, again where it has changed, and taken back."""

from __future__ import annotations

import time

from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole, StopBasis
from analyzers.model.exchange import Outcome, Transmission
from analyzers.model.peer import PeerState, PeerView, StateSpan
from analyzers.model.records import Basis, Confidence
from analyzers.session.live_facts import SETTLES_NS, Change, Fact, FactLog
from tests.model_builders import (
    answered,
    at,
    black_hole,
    delete,
    ike_message,
    peer,
    ref,
    sent,
    unanswered,
)

QUIET = peer(exchanges=(), deletes=(), black_holes=(), messages=())


def told(log: FactLog, view: PeerView, *, last: bool = False) -> list[Fact]:
    """What is new, but for the states of the peer itself."""
    facts = log.take([view], view.last_ns, last=last)
    return [fact for fact in facts if not isinstance(fact.item, PeerView)]


def open_hole(seconds: float) -> BlackHole:
    return black_hole(
        max_seconds=seconds,
        stop_ns=at(12.2 + seconds),
        stop_basis=StopBasis.CAPTURE_END,
        dead_ns=None,
    )


def test_a_black_hole_is_told_while_it_grows_in_larger_steps() -> None:
    log = FactLog()
    views = [replace(QUIET, black_holes=(open_hole(length),)) for length in range(3, 31)]
    facts = [fact for view in views for fact in told(log, view)]
    lengths = [fact.item.max_seconds for fact in facts if isinstance(fact.item, BlackHole)]
    assert lengths == [3, 5, 8, 12, 18, 27]
    assert {fact.change for fact in facts} == {Change.GROWING}
    assert [fact.revision for fact in facts] == list(range(6))
    over = replace(open_hole(31), stop_basis=StopBasis.PROOF, recovered_ns=at(44))
    (closed,) = told(log, replace(QUIET, black_holes=(over,)))
    assert (closed.change, closed.revision) == (Change.NEW, 6)


def test_the_last_look_tells_how_long_it_was() -> None:
    log = FactLog()
    told(log, replace(QUIET, black_holes=(open_hole(10),)))
    view = replace(QUIET, black_holes=(open_hole(11),))
    assert told(log, view) == []
    (fact,) = told(log, view, last=True)
    assert isinstance(fact.item, BlackHole)
    assert fact.item.max_seconds == 11


def test_a_question_that_may_still_be_answered_is_not_told() -> None:
    """The peer is heard again; the answer to the question comes a moment later."""
    log = FactLog()
    asked = replace(unanswered(), outcome=Outcome.OPEN, verdict_ns=None)
    heard = replace(asked, confidence=Confidence.SUSPECT)
    view = replace(QUIET, exchanges=(heard,), last_ns=asked.last_ns + 1_000_000)
    assert told(log, view) == []
    (fact,) = told(log, replace(view, exchanges=(answered(),)))
    assert (fact.change, fact.revision) == (Change.NEW, 0)
    other = replace(view, exchanges=(heard,), last_ns=asked.last_ns + 31_000_000_000)
    (late,) = told(FactLog(), other)
    assert late.item == replace(heard, id="x1")
    (last,) = told(FactLog(), view, last=True)
    assert last.change is Change.NEW


def test_what_is_gone_is_taken_back_once() -> None:
    log = FactLog()
    view = replace(QUIET, exchanges=(unanswered(),), deletes=(delete(),))
    assert {fact.change for fact in told(log, view)} == {Change.NEW}
    (fact,) = told(log, replace(view, deletes=()))
    assert (fact.change, fact.revision, fact.item) == (Change.RETRACTED, 1, delete())
    assert told(log, replace(view, deletes=())) == []


def test_what_is_kept_no_more_is_compared_with_nothing() -> None:
    """At the end thousands of facts are gone, and thousands may be new."""
    log = FactLog()
    asked = [
        answered(transmissions=(sent(second, 2 * second, second),), answer=None)
        for second in range(1, 6001)
    ]
    told(log, replace(QUIET, exchanges=tuple(asked[:3000])))
    began_s = time.process_time()
    later = replace(QUIET, exchanges=tuple(asked[3000:]), forgotten=3000)
    assert len(told(log, later, last=True)) == 3000
    assert time.process_time() - began_s < 5


def test_what_is_kept_no_more_is_not_taken_back() -> None:
    log = FactLog()
    view = replace(QUIET, exchanges=(unanswered(),), deletes=(delete(),))
    told(log, view)
    assert told(log, replace(view, deletes=(), forgotten=1)) == []


def test_a_verdict_at_another_time_is_another_statement() -> None:
    log = FactLog()
    dead = StateSpan(PeerState.DEAD, at(24))
    view = replace(QUIET, state=PeerState.DEAD, states=(dead,))
    (first,) = log.take([view], 0)
    assert log.take([view], 0) == []
    (again,) = log.take([replace(view, states=(replace(dead, start_ns=at(26)),))], 0)
    assert (first.change, again.change, again.revision) == (Change.NEW, Change.CORRECTED, 1)


def test_a_message_that_is_known_better_is_told_again_and_one_that_is_gone_taken_back() -> None:
    log = FactLog()
    first, second = ike_message(1, 1), ike_message(2, 2)
    view = replace(QUIET, messages=(first, second))
    assert [fact.revision for fact in told(log, view)] == [0, 0]
    named = replace(second, seen=(ref(7, "s2"),))
    (fact,) = told(log, replace(view, messages=(first, named)))
    assert (fact.item, fact.revision, fact.change) == (named, 1, Change.CORRECTED)
    (fact,) = told(log, replace(view, messages=(named,)), last=True)
    assert (fact.item, fact.revision, fact.change) == (first, 1, Change.RETRACTED)


def test_what_is_long_ago_is_looked_at_again_at_the_end() -> None:
    log = FactLog()
    questions = [
        answered(transmissions=(sent(number, number, number),), answer=None) for number in range(80)
    ]
    told(log, replace(QUIET, exchanges=tuple(questions)))
    told(log, replace(QUIET, exchanges=tuple(questions), hints=()))
    surer = replace(questions[3], basis=Basis.CORRELATED)
    view = replace(QUIET, exchanges=(*questions[:3], surer, *questions[4:-1]))
    facts = told(log, view, last=True)
    assert [(fact.change, fact.revision) for fact in facts] == [
        (Change.CORRECTED, 1),
        (Change.RETRACTED, 1),
    ]
    assert facts[0].item == replace(surer, id="x4")


def test_the_last_word_on_a_peer_is_all_that_is_known_of_it() -> None:
    log = FactLog()
    log.take([QUIET], 0)
    later = replace(QUIET, ike_messages=QUIET.ike_messages + 1)
    assert log.take([later], 0) == []
    (fact,) = log.take([later], 0, last=True)
    assert (fact.item, fact.revision, fact.change) == (later, 2, Change.LAST)
    assert log.take([later], 0, last=True) == []


def asked(at_s: float, peer_view: PeerView = QUIET) -> PeerView:
    """A peer that is alive, and was asked just now."""
    states = (StateSpan(PeerState.ALIVE, at(0)), StateSpan(PeerState.PROBING, at(at_s)))
    return replace(peer_view, state=PeerState.PROBING, states=states)


ALIVE = replace(QUIET, state=PeerState.ALIVE, states=(StateSpan(PeerState.ALIVE, at(0)),))


def test_a_question_that_is_answered_at_once_is_no_state() -> None:
    log = FactLog(SETTLES_NS)
    assert len(log.take([ALIVE], at(1))) == 1
    for second in range(2, 20):
        assert log.take([asked(second)], at(second)) == []
        assert log.due_ns == at(second) + SETTLES_NS
        assert log.take([ALIVE], at(second) + SETTLES_NS // 2) == []
        assert log.due_ns is None


def test_one_that_lasts_is_told_within_a_third_of_a_second() -> None:
    log = FactLog()
    log.take([ALIVE], at(1))
    assert log.take([asked(2)], at(2)) == []
    due_ns = log.due_ns or 0
    assert at(2) < due_ns <= at(2.2)
    (fact,) = log.take([asked(2)], due_ns)
    assert fact.item == asked(2)
    assert log.take([asked(2)], at(3)) == []


def test_one_that_a_log_told_late_may_be_answered_in_its_next_line() -> None:
    log = FactLog()
    log.take([ALIVE], at(1))
    assert log.take([asked(2)], at(3.1)) == []
    assert log.due_ns == at(3.25)
    assert len(log.take([asked(2)], at(3.25))) == 1


def test_a_peer_that_is_first_seen_asking_is_told_as_soon() -> None:
    log = FactLog()
    (alive,) = log.take([asked(2)], at(2.05))
    assert alive.item == replace(ALIVE, confidence=Confidence.CERTAIN)
    assert len(log.take([asked(2)], at(2.2))) == 1


def test_one_that_is_open_in_the_end_is_told() -> None:
    log = FactLog()
    log.take([ALIVE], at(1))
    (fact,) = log.take([asked(2)], at(2), last=True)
    assert fact.change is Change.NEW


def test_what_a_log_told_first_and_a_packet_names_is_the_same_question() -> None:
    log = FactLog()
    of_log = unanswered(transmissions=(Transmission(at(12), 5, ref(3, "s2")),))
    told(log, replace(QUIET, exchanges=(of_log,)))
    of_both = unanswered(transmissions=(Transmission(at(12), 5, ref(9), (ref(3, "s2"),)),))
    (fact,) = told(log, replace(QUIET, exchanges=(of_both,)))
    assert (fact.item, fact.change) == (replace(of_both, id="x1"), Change.CORRECTED)


def test_a_black_hole_that_began_earlier_is_the_same_one() -> None:
    log = FactLog()
    hole = replace(open_hole(10), stop_basis=StopBasis.PROOF)
    told(log, replace(QUIET, black_holes=(hole,)))
    earlier = replace(hole, first_exposed_ns=at(11), max_seconds=11.2)
    (fact,) = told(log, replace(QUIET, black_holes=(earlier,)), last=True)
    assert (fact.item, fact.change) == (replace(earlier, id="b1"), Change.CORRECTED)


def test_one_that_is_part_of_a_longer_one_is_not_none() -> None:
    log = FactLog()
    one = replace(open_hole(4), stop_basis=StopBasis.PROOF)
    later = {"first_exposed_ns": at(20), "stop_ns": at(23)}
    two = replace(one, **later)
    none = replace(one, first_exposed_ns=at(40), stop_ns=at(43))
    told(log, replace(QUIET, black_holes=(one, two, none)))
    whole = replace(one, stop_ns=at(23), max_seconds=10.8)
    facts = told(log, replace(QUIET, black_holes=(whole,)))
    said = [(fact.change, getattr(fact.item, "id", ""), fact.became) for fact in facts]
    assert sorted(said) == [
        (Change.CORRECTED, "b1", ""),
        (Change.RETRACTED, "b2", "b1"),
        (Change.RETRACTED, "b3", ""),
    ]


def test_one_that_turns_out_shorter_is_corrected() -> None:
    log = FactLog()
    told(log, replace(QUIET, black_holes=(open_hole(14),)))
    over = replace(open_hole(12), stop_basis=StopBasis.LAST_OUTBOUND, recovered_ns=at(30))
    (fact,) = told(log, replace(QUIET, black_holes=(over,)))
    assert fact.change is Change.CORRECTED


def test_the_last_word_on_a_peer_is_said_though_nothing_came_after_its_state() -> None:
    """The line of a state stands where that began, that of the report where the peer did."""
    alive = replace(QUIET, states=QUIET.states[:1], state=QUIET.states[0].state)
    log = FactLog()
    assert [fact.change for fact in log.take([alive], at(1))] == [Change.NEW]
    dead = replace(
        QUIET, state=PeerState.DEAD, states=(*alive.states, StateSpan(PeerState.DEAD, at(26)))
    )
    assert [fact.change for fact in log.take([dead], at(27))] == [Change.NEW]
    assert [fact.change for fact in log.take([dead], at(27), last=True)] == [Change.LAST]
    alone = FactLog()
    alone.take([alive], at(1))
    assert alone.take([alive], at(27), last=True) == []
