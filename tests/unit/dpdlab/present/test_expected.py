"""Ghost marks: when the policy would have asked, and not a moment more."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.export.spans import Window
from analyzers.model.peer import PeerState, PeerView, StateSpan
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import Session
from dpdlab.present.expected import expected_ns
from tests.unit.dpdlab.present import stories as s

CONSOLE = Path(__file__).parents[4] / "sample_pcaps" / "ios-dead-peer-terminal" / "console.txt"


def test_a_question_and_its_repetitions_and_none_with_the_verdict() -> None:
    session = Session()
    session.run([str(CONSOLE)])
    (peer,) = session.peers()
    lost = peer.exchanges[-1]
    ghosts = [at_ns for at_ns in expected_ns(peer, lost.prober) if at_ns > lost.first_ns]
    gaps_s = [(at_ns - lost.first_ns) / NS_PER_SECOND for at_ns in ghosts]
    assert gaps_s == [2, 4, 6, 8]
    assert len(lost.transmissions) == 1 + len(ghosts)


def periodic(interval_s: float, **changes) -> DpdPolicy:
    policy = DpdPolicy(s.A, "cisco-ios", PolicyMode.PERIODIC, interval_s, 2.0, 5,
                       PolicyBasis.GIVEN, None, "", waits_s=(2.0,) * 5)  # fmt: skip
    return replace(policy, **changes)


def ghosts_s(peer: PeerView, *policies: DpdPolicy, holder: str = s.A) -> list[float]:
    """Seconds after the SA stood."""
    begin_ns = peer.ike_sas[0].established_ns
    assert begin_ns is not None
    found = expected_ns(replace(peer, policies=policies), holder)
    return [round((at_ns - begin_ns) / NS_PER_SECOND, 1) for at_ns in found]


def asking_every_4_s(**changes) -> PeerView:
    return s.healthy(**{"until_ns": s.at(29)} | changes)


def test_questions_of_a_period_are_due_where_they_came():
    assert ghosts_s(asking_every_4_s(), periodic(4.0)) == [4, 8, 12, 16, 20, 24, 28]


@pytest.mark.parametrize(("interval_s", "due_s"), [(10.0, [10, 22]), (20.0, [20])])
def test_who_asks_more_often_than_set_moves_no_ghost(interval_s: float, due_s: list[float]):
    assert ghosts_s(asking_every_4_s(), periodic(interval_s)) == due_s


def test_a_late_question_has_its_ghosts_before_it_and_its_retries_after_it():
    peer = s.dead_peer(until_ns=s.at(40))
    assert ghosts_s(peer, periodic(8.0)) == [8, 16, 21, 23, 25, 27]
    assert ghosts_s(peer, periodic(10.0)) == [10, 21, 23, 25, 27]
    assert ghosts_s(peer, periodic(18.0, waits_s=(2.0, 2.0)))[:2] == [18, 21]


def test_where_nobody_asks_each_period_is_missed():
    peer = asking_every_4_s(exchanges=())
    assert ghosts_s(peer, periodic(10.0)) == [10, 20]
    assert ghosts_s(replace(peer, ike_sas=(s.ike_sa(ended_ns=s.at(15)),)), periodic(10.0)) == [10]
    assert len(ghosts_s(peer, periodic(1e-12))) == 10_000


def test_a_question_of_the_peer_takes_the_place_of_one():
    peer = asking_every_4_s()
    assert ghosts_s(peer, periodic(10.0, holder=s.B), holder=s.B) == []


def test_nothing_is_expected_of_who_was_not_captured_or_when_nobody_captured():
    peer = asking_every_4_s(exchanges=())
    assert ghosts_s(replace(peer, unheard=(s.A,)), periodic(10.0)) == []
    unknown = (*peer.states, StateSpan(PeerState.UNKNOWN, s.at(15)))
    assert ghosts_s(replace(peer, states=unknown), periodic(10.0)) == [10]


def test_what_a_filter_hides_is_not_missed():
    peer = asking_every_4_s()
    policy = periodic(4.0)
    hidden = replace(peer, exchanges=(), unfiltered=replace(peer, policies=(policy,)))
    assert ghosts_s(hidden, policy) == [28]


def test_from_the_middle_of_a_capture_the_last_proof_counts():
    peer = s.dead_peer()
    (sa,) = peer.ike_sas
    peer = replace(peer, ike_sas=(replace(sa, established_ns=None),), policies=(periodic(4.0),))
    first_ns = peer.exchanges[0].first_ns
    gaps_s = [(at_ns - first_ns) / NS_PER_SECOND for at_ns in expected_ns(peer, s.A)]
    assert [round(gap_s, 1) for gap_s in gaps_s] == [-1.1, 2, 4, 6, 8]


def test_in_a_black_hole_it_is_due_while_the_hole_lasts():
    hole = s.black_hole(first_probe_ns=None, last_proof_ns=s.at(10), stop_ns=s.at(16))
    peer = s.dead_peer(exchanges=(), black_holes=(hole,))
    on_idle = [periodic(interval_s, mode=PolicyMode.ON_IDLE) for interval_s in (5.0, 7.0)]
    assert [ghosts_s(peer, policy) for policy in on_idle] == [[15], []]


def test_nothing_is_expected_in_what_no_input_shows():
    peer = asking_every_4_s(exchanges=(s.answered(9, 900.0),), until_ns=s.at(912))
    apart = Window(s.at(30), s.at(899))
    peer = replace(peer, policies=(periodic(10.0),))
    begin_ns = peer.ike_sas[0].established_ns or 0
    found = expected_ns(peer, s.A, [apart])
    assert [round((at_ns - begin_ns) / NS_PER_SECOND) for at_ns in found] == [10, 20, 900, 910]
    brief = Window(s.at(30), s.at(31))
    assert len(expected_ns(peer, s.A, [brief])) > 80
