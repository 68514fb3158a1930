"""Counters of one end and of both: which way is broken, since when, and until when."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.peer import HintKind, PeerView
from analyzers.model.records import Confidence
from analyzers.model.snapshot import CounterChange
from analyzers.tracking.shown import Shown, with_shown
from tests.model_builders import A, B, at
from tests.unit.analyzers.tracking.test_shown import change, quiet

BACK = {"inbound_spi": "bbbb0001", "outbound_spi": "aaaa0001"}


def far(**parts: Any) -> CounterChange:
    """The other end, five seconds later."""
    known = {"from_ns": at(105), "to_ns": at(135), "older_source": "s3", "newer_source": "s3"}
    return change(B, A, **(BACK | known | {"silent": False} | parts))


def told(*changes: CounterChange) -> PeerView:
    """A peer with counters, those of each input in their order."""
    sources = dict.fromkeys(one.newer_source for one in changes)
    shown = [Shown(s, (), tuple(c for c in changes if c.newer_source == s)) for s in sources]
    (view,) = with_shown([quiet()], shown, 3.0)
    return view


def only(view: PeerView) -> BlackHole:
    (hole,) = view.black_holes
    return hole


def test_what_arrives_and_is_not_answered_is_lost_on_the_way_back() -> None:
    for changes in ((change(), far(decaps_packets=120)), (far(decaps_packets=120), change())):
        view = told(*changes)
        hole = only(view)
        assert (hole.sender, hole.receiver) == (B, A)
        assert (hole.first_exposed_ns, hole.stop_ns) == (at(100), at(130))
        assert (hole.max_packets, hole.counted_least, hole.counted_most) == (120, 120, 120)
        assert hole.confidence is Confidence.INFERRED
        (hint,) = view.hints
        assert f"{B} received 120 and sent 120 meanwhile" in hint.text
        assert hint.text.endswith(f"the way from {B} to {A} is broken")


def test_what_does_not_arrive_is_lost_on_the_way_there() -> None:
    view = told(change(), far(encaps_packets=0, encaps_bytes=0))
    assert (only(view).sender, only(view).receiver) == (A, B)
    assert only(view).confidence is Confidence.INFERRED
    assert view.hints[0].text.endswith(f"the way from {A} to {B} is broken")


def test_both_ways_may_be_broken() -> None:
    view = told(change(), far(silent=True))
    assert {(hole.sender, hole.receiver) for hole in view.black_holes} == {(A, B), (B, A)}


def test_what_arrives_at_an_end_that_sends_nothing_is_no_black_hole() -> None:
    view = told(change(), far(decaps_packets=120, encaps_packets=0, encaps_bytes=0))
    assert view.black_holes == ()
    assert view.hints[0].kind is HintKind.REMARK
    assert view.hints[0].text.endswith("nothing was sent back")


@pytest.mark.parametrize(
    "parts",
    [
        {"from_ns": at(200), "to_ns": at(230)},
        {"from_ns": None, "to_ns": None},
        {"inbound_spi": "cccc0001"},
        {"inbound_spi": "", "outbound_spi": ""},
    ],
    ids=["later", "no times", "another SA", "no SPIs"],
)
def test_one_end_does_not_tell_which_way_is_broken(parts: dict[str, Any]) -> None:
    view = told(change(), far(decaps_packets=120, **parts))
    assert only(view).sender == A
    assert only(view).confidence is Confidence.SUSPECT
    assert view.hints[0].text.endswith("which way is broken one end cannot tell")


def test_what_comes_again_ends_it() -> None:
    again = change(silent=False, decaps_packets=90, from_ns=at(130), to_ns=at(160))
    hole = only(told(change(), again))
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert (hole.stop_ns, hole.stop_basis) == (at(160), StopBasis.PROOF)
    assert hole.recovered_ns == at(160)
    assert (hole.counted_least, hole.counted_most) == (120, 240)
    assert (hole.min_seconds, hole.max_seconds) == (0.0, 60.0)


def test_what_comes_much_later_does_not_say_when_it_ended() -> None:
    again = change(silent=False, decaps_packets=90, from_ns=at(500), to_ns=at(560))
    hole = only(told(change(), again))
    assert (hole.stop_ns, hole.recovered_ns) == (at(130), None)


def test_output_after_output_it_is_one_silence() -> None:
    hole = only(told(change(), change(from_ns=at(130), to_ns=at(190))))
    assert (hole.first_exposed_ns, hole.stop_ns, hole.max_packets) == (at(100), at(190), 240)
