"""A capture on a box that translates addresses: it shows each packet on both sides.

A NAT changes one end of a packet, and nothing of what IKE and ESP say in it. What comes again
within milliseconds with one other end is the same packet, behind the NAT or before it; all that is
told is told of the side that was seen first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from analyzers.decode.flows import EspRows, FlowIdentity
from analyzers.model.observations import IkeMessage
from analyzers.tracking.flows import DUPLICATE_NS, FlowTable
from analyzers.tracking.sightings import is_private
from analyzers.tracking.tracks import Renamed
from analyzers.wire.frames import Int64Array

# Messages that are remembered, and ends that are known by another name.
_MOST: Final = 4096
_SHOWN: Final = 3
_SA_INIT: Final = 34


class Ends(NamedTuple):
    """Between whom something was sent."""

    src: str
    dst: str
    sport: int
    dport: int


class _Seen(NamedTuple):
    at_ns: int
    ends: Ends


class Translations:
    """What the NAT where a capture was taken makes of whom."""

    def __init__(self) -> None:
        self._recent: OrderedDict[bytes, _Seen] = OrderedDict()
        self._told_as: OrderedDict[tuple[str, int, str], tuple[str, int]] = OrderedDict()
        """Address, port and the far end, and the address and port that are told instead."""
        self.pairs: dict[tuple[str, str], None] = {}
        """Addresses that are told, each with what else they are called, in order of appearance."""

    def twin(self, message: IkeMessage) -> Renamed | None:
        """Whether a message was just seen on the other side; its ends become those that are told.

        An end of IKEv2 may ask from several addresses at once (RFC 4555 section 3.10), though not
        before it knows its peer.
        """
        ends = Ends(message.src, message.dst, message.sport, message.dport)
        last = self._recent.get(message.fingerprint)
        self._recent[message.fingerprint] = _Seen(message.at_ns, ends)
        self._recent.move_to_end(message.fingerprint)
        if len(self._recent) > _MOST:
            self._recent.popitem(last=False)
        renamed = None
        if last is not None and abs(message.at_ns - last.at_ns) <= DUPLICATE_NS:
            fixed = message.version == 1 or message.exchange_type == _SA_INIT
            renamed = self.learn(last.ends, ends, fixed=fixed)
        told = self.told(ends)
        if told is not ends:
            message.src, message.dst, message.sport, message.dport = told
        return renamed

    def told(self, ends: Ends) -> Ends:
        """The same ends as they are told."""
        if not self._told_as:
            return ends
        src = self._told_as.get((ends.src, ends.sport, ends.dst))
        if src is not None:
            return ends._replace(src=src[0], sport=src[1])
        dst = self._told_as.get((ends.dst, ends.dport, ends.src))
        return ends if dst is None else ends._replace(dst=dst[0], dport=dst[1])

    def learn(self, first: Ends, again: Ends, *, fixed: bool = False) -> Renamed | None:
        """One packet was seen between both; None if no NAT does that.

        `fixed`: its sender has one address only.
        """
        src_of = (first.src, first.sport), (again.src, again.sport)
        dst_of = (first.dst, first.dport), (again.dst, again.dport)
        if dst_of[0] == dst_of[1]:
            (one, other), far = src_of, first.dst
        elif src_of[0] == src_of[1]:
            (one, other), far = dst_of, first.src
        else:
            return None
        if one[0] == other[0]:
            return None
        told = self._told_as.get((*one, far), one)
        pair = told[0], other[0]
        known = pair in self.pairs or pair[::-1] in self.pairs
        private = is_private(one[0]) != is_private(other[0])
        if not (fixed or known or private or one[1] != other[1]):
            return None
        if told == other:
            return Renamed(told[0], one[0])
        self._told_as[*other, far] = told
        if len(self._told_as) > _MOST:
            self._told_as.popitem(last=False)
        if not known and told[0] != other[0] and len(self.pairs) < _MOST:
            self.pairs[pair] = None
        return Renamed(told[0], other[0])

    def same_flow(
        self, flows: FlowTable, esp: EspRows, numbers: Int64Array, row: int
    ) -> tuple[int, Renamed | None] | None:
        """The flow of which a new one is what the other side shows; its rows become those of it.

        `row`: its first one; `numbers`: (n,) the flows of all rows.
        """
        flow = int(numbers[row])
        identity = flows.identities[flow]
        ends = _ends(identity)
        told = self.told(ends)
        for other in flows.of_spi(identity.spi):
            known, renamed = _ends(flows.identities[other]), None
            if known[:2] != told[:2]:
                if flows.passed_lately(esp, numbers, row, other):
                    renamed = self.learn(known, told)
                if renamed is None:
                    continue
            flows.join(flow, other)
            numbers[numbers == flow] = other
            return other, renamed
        if told is not ends:
            identity = identity._replace(**told._asdict())
        flows.tell_as(flow, identity)
        return None

    def in_words(self) -> str:
        """Who is known as whom; empty where nobody is."""
        shown: Sequence[tuple[str, str]] = list(self.pairs)[:_SHOWN]
        more = ", …" * (len(self.pairs) > _SHOWN)
        return ", ".join(f"{one} as {other}" for one, other in shown) + more


def _ends(flow: FlowIdentity) -> Ends:
    return Ends(flow.src, flow.dst, flow.sport, flow.dport)
