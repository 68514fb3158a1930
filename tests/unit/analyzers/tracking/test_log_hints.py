"""Hints in a row are one."""

from __future__ import annotations

from analyzers.model.peer import Hint, HintKind
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.log_hints import add_hint
from analyzers.tracking.tracks import PeerTrack


def refused(at_s: int, to: int) -> Hint:
    text = f"ICMP: port unreachable, about UDP 4500 to {to}"
    ref = Ref("s1", at_s)
    return Hint(at_s * NS_PER_SECOND, "192.0.2.9", text, ref, True, HintKind.ICMP)


def test_icmp_errors_about_the_same_are_one_until_they_pause() -> None:
    peer = PeerTrack(0, (["192.0.2.1"], ["192.0.2.2"]), 0, 0)
    for at_s in (10, 11, 12, 13, 200):
        add_hint(peer, refused(at_s, 61000))
        add_hint(peer, refused(at_s, 62000))
    told = [(h.text[-5:], h.times, h.ref.record, h.last_ns // NS_PER_SECOND) for h in peer.hints]
    assert told == [
        ("61000", 4, 10, 13),
        ("62000", 4, 10, 13),
        ("61000", 1, 200, 200),
        ("62000", 1, 200, 200),
    ]
