"""Two captures of one traffic in one file, whose clocks differ: everything comes twice.

IKEv2 repeats a request byte for byte (RFC 7296 section 2.1), and ESP never does: only where most of
both comes again, both ways, and always as much later, the recording says so.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final, NamedTuple

from analyzers.model.observations import IkeMessage
from analyzers.model.records import Problem, ProblemKind, Ref
from analyzers.model.time import NS_PER_MS, seconds

# What one place has of the way to the other one adds to, or takes from, what the clocks differ by.
_ALIKE_NS: Final = 200 * NS_PER_MS
_LEAST_EACH_WAY: Final = 3
_INFORMATIONAL: Final = 5
_MOST: Final = 4096
_SHARE: Final = 0.5


class _Echo(NamedTuple):
    later_ns: int
    fingerprint: bytes
    way: tuple[str, str]
    ref: Ref
    once: bool
    """Its sender never repeats it."""


class Echoes:
    """Messages that come again, and how much later."""

    def __init__(self) -> None:
        self._messages = 0
        self._again: list[_Echo] = []

    def note(self, message: IkeMessage, seen_ns: int | None) -> None:
        """A message, and when its bytes came last."""
        if seen_ns is None:
            self._messages += 1
        elif len(self._again) < _MOST:
            way, later_ns = (message.src, message.dst), message.at_ns - seen_ns
            once = message.version == 1 and message.exchange_type == _INFORMATIONAL
            self._again.append(_Echo(later_ns, message.fingerprint, way, message.ref, once))

    def problem(self, packets: int, packets_again: int) -> Problem | None:
        """What to say of it; how much ESP there is, and how much of it came again.

        Without ESP only Informationals of IKEv1 tell, of which each has an ID of its own.
        """
        again = sorted(each for each in self._again if packets or each.once)
        start, found = 0, again[:0]
        for end, echo in enumerate(again):
            while echo.later_ns - again[start].later_ns > _ALIKE_NS:
                start += 1
            if end + 1 - start > len(found):
                found = again[start : end + 1]
        ways: dict[tuple[str, str], set[bytes]] = defaultdict(set)
        for echo in found:
            ways[echo.way].add(echo.fingerprint)
        both = any(
            min(len(there), len(ways.get(way[::-1], ()))) >= _LEAST_EACH_WAY
            for way, there in ways.items()
        )
        twice = len(set().union(*ways.values())) if ways else 0
        if not both or twice < _SHARE * self._messages:
            return None
        if packets_again < _SHARE * (packets - packets_again):
            return None
        later_s = seconds(found[len(found) // 2].later_ns)
        text = (
            f"most messages and packets come again byte for byte, about {later_s:.1f} s later: two"
            " captures whose clocks differ seem to be merged in this file, and nothing told of it"
            " can be trusted; give them as two files"
        )
        return Problem(ProblemKind.NOT_ALIGNED, text, min(echo.ref for echo in found), twice)
