"""The own time of a log: what its stamps do not name (years, days) is counted along its lines."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from analyzers.dialects.stamps import NS_PER_DAY, StampKind, in_year, year_of
from analyzers.model.time import NS_PER_SECOND

_LEAP_YEAR: Final = 2000
_LEAP_YEAR_NS: Final = 366 * NS_PER_DAY
# A year-less stamp this much earlier than the one before is of the next year.
_NEW_YEAR_NS: Final = 180 * NS_PER_DAY
_NEW_DAY_NS: Final = 12 * 3600 * NS_PER_SECOND
# One that is late over New Year, or midnight, is late by less than this.
_LATE_NS: Final = 3600 * NS_PER_SECOND
_CLOSE_NS: Final = 3600 * NS_PER_SECOND
_DATED: Final = (StampKind.ABSOLUTE, StampKind.NO_YEAR)
_HOUR_NS: Final = 3600 * NS_PER_SECOND
# An IOS device starts on 1 March of 1993 or of 2002, until its clock is set.
_STARTS_NS: Final = {
    StampKind.ABSOLUTE: (8_460 * NS_PER_DAY, 11_747 * NS_PER_DAY),
    StampKind.NO_YEAR: (11_017 * NS_PER_DAY,),
}
# A clock that jumps by more there is one that a start put back, or that was set after it.
_START_JUMP_NS: Final = NS_PER_DAY


class LogTime(Struct):
    """Where a log has got to. Its scale is that of its first dated stamp: since the epoch, or, with
    NO_YEAR, from the start of the year 2000 on in years of 366 days."""

    now_ns: int | None = None
    """Time of the last stamp; lines without one happen at it."""
    resolution_ns: int = NS_PER_SECOND
    kind: StampKind | None = None
    """The scale."""
    _shift_ns: int = 0
    _last_ns: int = 0
    """The last stamp without the years and days that were counted."""
    _before_start: tuple[int, int] | None = None
    """Of a device that has started anew, and whose clock was not set since: its last stamp of
    before, and the shift."""

    @property
    def unset(self) -> bool:
        """Whether the device counts from its start on: such stamps tell no date."""
        return self._before_start is not None

    def step(self, kind: StampKind, ns: int, resolution_ns: int) -> bool:
        """Advance to a stamp that follows the one before closely, as nearly all do."""
        if kind is not self.kind or not 0 <= ns - self._last_ns < _CLOSE_NS:
            return False
        self._last_ns = ns
        self.now_ns = ns + self._shift_ns
        self.resolution_ns = resolution_ns
        return True

    def take(self, kind: StampKind, ns: int, resolution_ns: int) -> int | None:
        """Advance to a stamp; returns how far it goes back, None where it has no place here."""
        if kind is not self.kind:
            if self.kind is None or (kind in _DATED and self.kind not in _DATED):
                self.kind, self._shift_ns, self._last_ns, self.now_ns = kind, 0, ns, None
            else:
                placed = self._placed(kind, ns)
                if placed is None:
                    return None
                ns = placed
        before = self.now_ns
        self._mind_start(ns)
        late = self._late(ns)
        self.now_ns = ns + self._shift_ns - late
        if not late:
            self._last_ns = ns
        self.resolution_ns = resolution_ns
        return 0 if before is None else max(0, before - self.now_ns)

    def _mind_start(self, ns: int) -> None:
        """Let what a device says from its start on follow what it said before."""
        if self.kind is None or self.now_ns is None or abs(ns - self._last_ns) <= _START_JUMP_NS:
            return
        if self._before_start is not None:
            (self._last_ns, self._shift_ns), self._before_start = self._before_start, None
        if any(0 <= ns - start_ns < _HOUR_NS for start_ns in _STARTS_NS.get(self.kind, ())):
            self._before_start = self._last_ns, self._shift_ns
            self._last_ns, self._shift_ns = ns, self.now_ns - ns

    def _late(self, ns: int) -> int:
        """Count a new year or day; returns that period where a line is from before it."""
        if self.kind is StampKind.NO_YEAR:
            period, jump = _LEAP_YEAR_NS, _NEW_YEAR_NS
        elif self.kind is StampKind.TIME_ONLY:
            period, jump = NS_PER_DAY, _NEW_DAY_NS
        else:
            return 0
        forward = ns - self._last_ns
        if forward < -jump:
            self._shift_ns += period
        return period if period - forward < _LATE_NS else 0

    def _placed(self, kind: StampKind, ns: int) -> int | None:
        """A stamp of another kind on the scale: nearest to the one before."""
        if self.kind not in _DATED or kind is StampKind.UPTIME:
            return None
        last = self._last_ns
        if kind is StampKind.TIME_ONLY:
            midnight = last - last % NS_PER_DAY
            days = (midnight - NS_PER_DAY, midnight, midnight + NS_PER_DAY)
            return min((day + ns for day in days), key=lambda at: abs(at - last))
        if kind is StampKind.ABSOLUTE:
            return in_year(ns, 2 * _LEAP_YEAR - year_of(ns))
        year = year_of(last)
        years = (in_year(ns, year + more) for more in (-1, 0, 1))
        return min(years, key=lambda at: abs(at - last))
