"""What the stamp of a relay tells of the device's own one behind it: its year, and its zone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from analyzers.dialects.stamps import (
    STAMP_AT_START,
    STAMP_RELAYED,
    STAMP_WITHIN,
    StampKind,
    in_year,
    is_relay,
    read_stamp,
    year_of,
)
from analyzers.model.time import NS_PER_SECOND

_QUARTER_NS: Final = 900 * NS_PER_SECOND
_FURTHEST_NS: Final = 14 * 3600 * NS_PER_SECOND
# A line is on its way for less, and clocks that are set differ by less.
_LATE_NS: Final = 120 * NS_PER_SECOND


class Relayed(NamedTuple):
    """A line that was written down at a known time."""

    at_ns: int
    """When the relay got it; as if UTC if it names no zone."""
    zone_ns: int | None
    """By how much the device's clock is ahead of UTC; None if that is no offset of any zone."""


def relayed(lines: Iterable[str]) -> Relayed | None:
    """What the first line tells that a relay, whose stamps have a year, took from a device, whose
    stamps have none; and their zone, if the others tell the same."""
    found = [told for line in lines if (told := _told(line)) is not None]
    if not found:
        return None
    zones = {told.zone_ns for told in found}
    return found[0] if len(zones) == 1 else found[0]._replace(zone_ns=None)


def _told(line: str) -> Relayed | None:
    outer = STAMP_AT_START.match(line)
    if outer is None or not is_relay(outer):
        return None
    own = STAMP_RELAYED.match(line, outer.end()) or STAMP_WITHIN.search(line, outer.end())
    known, stamp = read_stamp(outer), None if own is None else read_stamp(own)
    if known is None or stamp is None:
        return None
    if known.kind is not StampKind.ABSOLUTE or stamp.kind is not StampKind.NO_YEAR:
        return None
    year = year_of(known.ns)
    years = (in_year(stamp.ns, year + more) for more in (-1, 0, 1))
    ahead_ns = min((at_ns - known.ns for at_ns in years), key=abs)
    return Relayed(known.ns, _zone_ns(ahead_ns) if known.zone else None)


def _zone_ns(ahead_ns: int) -> int | None:
    quarters_ns = round(ahead_ns / _QUARTER_NS) * _QUARTER_NS
    if abs(quarters_ns) > _FURTHEST_NS or abs(ahead_ns - quarters_ns) > _LATE_NS:
        return None
    return quarters_ns
