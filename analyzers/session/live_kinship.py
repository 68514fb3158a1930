"""Which fact of now is the one that was told under another name.

A question that a log told first is named by its packet once that is matched, and a black hole may
turn out to have begun earlier: it is the same one all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Delete, DeleteProtocol, Exchange
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND

Event = Exchange | Delete | BlackHole
# What the log and the capture of one device are apart.
_NEAR_NS: Final = NS_PER_SECOND


class Named(NamedTuple):
    """A fact with what it was known by."""

    key: tuple[object, ...]
    item: Event


def successor(gone: Sequence[Named], item: Event) -> Named | None:
    """Which of the facts that are gone lives on in this one; None if none does."""
    return next((each for each in gone if _are_kin(each.item, item)), None)


def _are_kin(one: Event, two: Event) -> bool:
    match one, two:
        case BlackHole(), BlackHole():
            apart = one.stop_ns < two.begin_ns or two.stop_ns < one.begin_ns
            return one.sender == two.sender and one.spis == two.spis and not apart
        case Exchange(), Exchange():
            return one.prober == two.prober and not _refs_of(one).isdisjoint(_refs_of(two))
        case Delete(), Delete():
            near = abs(one.at_ns - two.at_ns) < _NEAR_NS
            unsure = DeleteProtocol.UNKNOWN in (one.protocol, two.protocol)
            return near and one.sender == two.sender and (unsure or one.protocol is two.protocol)
    return False


def _refs_of(item: Exchange) -> set[Ref]:
    """The packets and lines that it is known by."""
    return {ref for sent in item.transmissions for ref in (sent.ref, *sent.seen)}
