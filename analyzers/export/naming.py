"""How one written report names moments and places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from analyzers.export.content import Content
from analyzers.export.formatting import TIME_DIGITS, Clock, utc_date
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from analyzers.model.time import ORDER_LIMIT_NS

LONGEST_ADDRESS: Final = 60
"""Characters: a full IPv6 address with a zone and a port; a log may hold anything instead."""


class Naming(Struct, frozen=True):
    """Times by one clock; places by frame or line, with their source where there are several."""

    clock: Clock
    several_sources: bool
    texts: frozenset[str]
    """Ids of the sources that are texts, whose places are lines, not frames."""

    @classmethod
    def of(cls, content: Content) -> Naming:
        """The naming of one run."""
        starts = [s.first_ns for s in content.sources if s.first_ns is not None]
        starts += [peer.first_ns for peer in content.peers]
        # Places in a log without times are none.
        timed = [at_ns for at_ns in starts if at_ns >= ORDER_LIMIT_NS]
        return cls(
            Clock.starting(min(timed, default=0), content.sources),
            len(content.sources) > 1,
            frozenset(s.id for s in content.sources if s.kind != "capture"),
        )

    def at(self, at_ns: int, digits: int = TIME_DIGITS) -> str:
        """A time of day, with its date where that is not the first one."""
        return self.clock.at(at_ns, digits)

    def place(self, ref: Ref) -> str:
        """A frame of a capture or a line of a text: "frame s1#21"."""
        return f"{'line' if ref.source in self.texts else 'frame'} {self._number(ref)}"

    def places(self, refs: Sequence[Ref]) -> str:
        """One place, or the first and the last of several."""
        if not refs:
            return ""
        first, last = refs[0], refs[-1]
        if len(refs) == 1 or first == last:
            return self.place(first)
        if first.source != last.source:
            return f"{self.place(first)}, {self.place(last)}"
        what = "lines" if first.source in self.texts else "frames"
        return f"{what} {self._number(first)}{', ' if len(refs) == 2 else '–'}{last.record}"

    def _number(self, ref: Ref) -> str:
        return f"{ref.source}#{ref.record}" if self.several_sources else str(ref.record)


def address(text: str) -> str:
    """An address, cut at a bound."""
    return clipped(text, LONGEST_ADDRESS)


def clipped(text: str, length: int) -> str:
    """A text cut in its middle, where it says least; the cut is marked."""
    if len(text) <= length:
        return text
    tail = (length - 1) * 2 // 3
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"


def day(peers: Sequence[PeerView]) -> str:
    """The day on which the first of some peers begins: "2026-11-20"; empty without a time."""
    starts = [peer.first_ns for peer in peers if peer.first_ns >= ORDER_LIMIT_NS]
    return utc_date(min(starts)) if starts else ""
