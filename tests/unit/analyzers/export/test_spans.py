"""What of a life is that of IKE alone: a data plane that is dead makes no peer questionable."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.export import words
from analyzers.export.spans import ToldState, Window, is_ike_only, steadied, told_states
from analyzers.export.story import moments
from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.peer import PeerState, PeerView, StateSpan
from tests.unit.dpdlab.present.stories import B, at, data_plane

ALIVE = PeerState.ALIVE


def with_hole(**changes: object) -> PeerView:
    peer = data_plane()
    return replace(peer, black_holes=(replace(peer.black_holes[0], **changes),))


def test_a_data_plane_hole_splits_a_life() -> None:
    assert told_states(data_plane()) == [
        ToldState(ALIVE, at(0), at(8.9)),
        ToldState(ALIVE, at(8.9), at(28.2), ike_only=True),
        ToldState(ALIVE, at(28.2), None),
    ]
    assert not is_ike_only(data_plane())
    assert words.peer_word(data_plane()) == "alive"


def test_of_a_hole_that_goes_on_nothing_says_that_the_peer_is_simply_alive() -> None:
    peer = with_hole(stop_ns=at(38), stop_basis=StopBasis.CAPTURE_END, recovered_ns=None)
    assert told_states(peer)[-1] == ToldState(ALIVE, at(8.9), None, ike_only=True)
    assert words.peer_word(peer) == "IKE alive, no ESP back"


def test_only_a_life_is_split() -> None:
    peer = replace(
        data_plane(), states=(StateSpan(ALIVE, at(0)), StateSpan(PeerState.PROBING, at(20)))
    )
    assert [(t.state, t.ike_only) for t in told_states(peer)] == [
        (ALIVE, False),
        (ALIVE, True),
        (PeerState.PROBING, False),
    ]


def test_other_holes_and_those_of_one_child_sa_split_nothing() -> None:
    alive = [ToldState(ALIVE, at(0), None)]
    assert told_states(with_hole(black_hole_class=BlackHoleClass.TRANSIENT)) == alive
    assert told_states(with_hole(spis=("311b9b70",))) == alive
    assert told_states(with_hole(sender=B)) == alive


def test_a_stretch_of_time_has_the_states_that_it_touches() -> None:
    def within(start_s: float, end_s: float) -> list[bool]:
        return [t.ike_only for t in told_states(data_plane(), Window(at(start_s), at(end_s)))]

    assert within(1, 2) == [False]
    assert within(8, 9) == [False, True]
    assert within(10, 11) == [True]
    assert within(28.2, 30) == [False]


def test_the_story_of_a_data_plane_hole_calls_nobody_questionable() -> None:
    peer = data_plane()
    told = [moment.text for moment in moments(peer, peer.black_holes[0])]
    assert "no ESP for longer than usual" in told
    assert not any("questionable" in text for text in told)


def test_a_packet_in_every_second_or_third_cell_is_a_pace_and_no_gap():
    paced = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    assert list(steadied(paced)) == [1.0] * len(paced)
    assert list(steadied([1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0])) == [
        *[1.0] * 3,
        *[0.0] * 4,
        1.0,
    ]


def test_rare_packets_stand_alone_and_a_silence_between_many_is_one():
    rare = [1.0, *[0.0] * 9, 1.0, *[0.0] * 9, 1.0]
    assert list(steadied(rare)) == rare
    busy = [5.0, 5.0, 0.0, 5.0]
    assert list(steadied(busy)) == busy


def test_one_rate_has_one_height_wherever_it_begins():
    first = list(steadied([1.0, 1.0, 2.0, 1.0, 1.0, 2.0, 1.0, 1.0]))
    again = list(steadied([2.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0]))
    assert first == again
    assert len(set(first)) == 1
