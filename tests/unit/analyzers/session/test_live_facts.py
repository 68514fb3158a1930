"""What is told while things happen: once, again where it has changed, and taken back."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole, StopBasis
from analyzers.model.peer import PeerState, PeerView, StateSpan
from analyzers.session.live_facts import Change, Fact, FactLog
from tests.model_builders import at, black_hole, delete, peer, unanswered

QUIET = peer(exchanges=(), deletes=(), black_holes=(), messages=())


def told(log: FactLog, view: PeerView, *, last: bool = False) -> list[Fact]:
    """What is new, but for the peer itself."""
    return [fact for fact in log.take([view], last=last) if fact.item is not view]


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


def test_what_is_gone_is_taken_back_once() -> None:
    log = FactLog()
    view = replace(QUIET, exchanges=(unanswered(),), deletes=(delete(),))
    assert {fact.change for fact in told(log, view)} == {Change.NEW}
    (fact,) = told(log, replace(view, deletes=()))
    assert (fact.change, fact.revision, fact.item) == (Change.RETRACTED, 1, delete())
    assert told(log, replace(view, deletes=())) == []


def test_what_is_kept_no_more_is_not_taken_back() -> None:
    log = FactLog()
    view = replace(QUIET, exchanges=(unanswered(),), deletes=(delete(),))
    told(log, view)
    assert told(log, replace(view, deletes=(), forgotten=1)) == []


def test_a_verdict_at_another_time_is_another_statement() -> None:
    log = FactLog()
    dead = StateSpan(PeerState.DEAD, at(24))
    view = replace(QUIET, state=PeerState.DEAD, states=(dead,))
    (first,) = log.take([view])
    assert log.take([view]) == []
    (again,) = log.take([replace(view, states=(replace(dead, start_ns=at(26)),))])
    assert (first.change, again.change, again.revision) == (Change.NEW, Change.CORRECTED, 1)
