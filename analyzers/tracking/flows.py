"""ESP flows: one direction of one Child SA each, folded into columns as packets go by.

Memory grows with the number of flows, never with the number of packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analyzers.decode.flows import EspRows, FlowIdentity, Moved
from analyzers.model.records import Ref, source_id
from analyzers.model.sa import UsedPorts
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.copies import Copies
from analyzers.tracking.counters import Counters, Elsewhere, goes_on
from analyzers.tracking.repeats import Ordered, PassedNumbers, Repeat
from analyzers.wire.frames import Int64Array

# A mirror port that sees both directions, or two capture points on the way, record a packet twice
# within this time; the fastest retransmission timers in use are 5 times as long (Libreswan: 0.5 s),
# and ESP never uses a sequence number twice.
DUPLICATE_NS: Final = 100 * NS_PER_MS

# A flow that goes on after this long with so many sequence numbers missing was cut: its packets
# were lost before the capture, or by it.
_CUT_NS: Final = 2 * NS_PER_SECOND
_CUT_PACKETS: Final = 5
# Cuts that are kept: a capture that samples packets has them all the time.
_MOST_CUTS: Final = 4096

# NAT keepalives come every 20 s by default (RFC 3948 section 4).
_LONG_NS: Final = 30 * NS_PER_SECOND
_FIRST_NUMBERS: Final = 3
# So many numbers at once that no SA sends in that time were left out on purpose: a cluster member
# that takes over counts on far ahead (RFC 6311 section 5.2), and nothing was lost.
_LEAST_JUMP: Final = 1 << 20
_MOST_A_SECOND: Final = 1_000_000

_FLOW_FACTOR: Final = np.uint64(0xFF51AFD7ED558CCD)
_SEQUENCE_FACTOR: Final = np.uint64(0xC4CEB9FE1A85EC53)
# Sequence numbers are unwrapped to 64 bits; this keeps the flows of a batch apart in one scan.
_SEQUENCE_SPAN: Final = 1 << 40
_GROW: Final = 256
# Flows of one SPI that a new one is held against.
_LATEST: Final = 4


def sort_by_number(numbers: Int64Array, limit: int) -> NDArray[np.intp]:
    """Stable order of small numbers below `limit`; 16-bit ones are sorted by radix."""
    if limit <= 1 << 16:
        return np.argsort(numbers.astype(np.uint16), kind="stable")
    return np.argsort(numbers, kind="stable")


def segments(ordered: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Starts of the runs of equal values, and for every row the number of its run."""
    changes = np.empty(len(ordered), np.bool_)
    changes[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=changes[1:])
    return np.flatnonzero(changes), np.cumsum(changes) - 1


def _mixed(flow: Int64Array, sequence: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """(n,) what is as good as unique to each flow and sequence number."""
    return flow.astype(np.uint64) * _FLOW_FACTOR + sequence * _SEQUENCE_FACTOR


class FlowRows(Struct):
    """The rows of a batch with their flows."""

    flow: Int64Array
    fresh: NDArray[np.bool_]
    """Sequence number above all before it: a proof that the sender lives (RFC 7296 2.4)."""
    duplicate: NDArray[np.bool_]
    """Recorded twice by the capture, at once or by another clock."""
    late: NDArray[np.intp]
    """Rows, in their order, whose number the flow had passed a second before."""


class Cut(NamedTuple):
    """A time without packets of a flow that went on meanwhile, as its sequence numbers tell."""

    flow: int
    start_ns: int
    end_ns: int
    missing: int


class Pause(NamedTuple):
    """The longest time without packets of a flow that went on."""

    start_ns: int
    end_ns: int
    missing: int
    """Sequence numbers that were not seen."""


class FlowTable:
    """All flows of all sources."""

    def __init__(self) -> None:
        self.count = 0
        self.identities: list[FlowIdentity] = []
        self.first_refs: dict[int, Ref] = {}
        """The first packet of each flow."""
        self.begun_before: set[Ref] = set()
        """Those of flows that had begun before the input."""
        self.highest = np.empty(0, np.int64)
        self.lowest = np.empty(0, np.int64)
        self.packets = np.empty(0, np.int64)
        self.bytes = np.empty(0, np.int64)
        self.first_ns = np.empty(0, np.int64)
        self.last_ns = np.empty(0, np.int64)
        self.duplicates = 0
        self.merged = False
        """Two captures were merged into one: whatever counts from its first number again is told
        twice, and is no SA anew."""
        self._behind = np.empty(0, np.int64)
        """Packets of each flow whose number was not above all before, and their bytes."""
        self._behind_bytes = np.empty(0, np.int64)
        self.cuts: list[Cut] = []
        self.pauses: dict[int, Pause] = {}
        """By flow, where it is longer than any timer of keepalives."""
        self._moves: dict[int, list[UsedPorts]] = {}
        self._repeats: dict[int, Repeat] = {}
        self._passed = PassedNumbers()
        self.copies = Copies()
        self._counters = Counters()
        self._latest_ns = np.empty(0, np.int64)
        self._skipped = np.empty(0, np.int64)
        """Sequence numbers that were left out on purpose."""
        self._number_of: dict[tuple[str, str, int], int] = {}
        self._numbers: dict[int, NDArray[np.int64]] = {}
        self._of_spi: dict[int, list[int]] = {}
        self._of_sender: dict[tuple[int, str], int] = {}
        self._recent: tuple[NDArray[np.uint64], Int64Array] = (
            np.empty(0, np.uint64),
            np.empty(0, np.int64),
        )

    def know(self, source: int, new: list[FlowIdentity]) -> None:
        """Flows that a source has numbered, in order; other sources may have them too."""
        if not new:
            return
        numbers = [self._number(identity) for identity in new]
        known = self._numbers.get(source, np.empty(0, np.int64))
        self._numbers[source] = np.concatenate([known, np.array(numbers, np.int64)])

    def move(self, source: int, moves: list[Moved]) -> None:
        """Flows of a source that go on between other ports."""
        for move in moves:
            number = int(self._numbers[source][move.flow])
            used = UsedPorts(move.at_ns, move.sport, move.dport)
            self._moves.setdefault(number, []).append(used)

    def ports(self, number: int) -> tuple[UsedPorts, ...]:
        """The UDP ports that a flow has used, in the order of time; none directly over IP."""
        first = self.identities[number]
        if not first.sport:
            return ()
        begun = UsedPorts(int(self.first_ns[number]), first.sport, first.dport)
        return (begun, *self._moves.get(number, ()))

    def numbers(self, rows: EspRows, source: NDArray[np.int16]) -> Int64Array:
        """(n,) number among all flows of every row's flow."""
        if len(self._numbers) == 1:
            ((_, only),) = self._numbers.items()
            return only[rows.flow]
        flow = np.empty(len(rows), np.int64)
        for number, known in self._numbers.items():
            own = source == number
            flow[own] = known[rows.flow[own]]
        return flow

    def begin(self, rows: EspRows, flow: Int64Array) -> list[tuple[int, int]]:
        """Flows whose first packet is among the rows, and its row, in the order of arrival."""
        if not (self.first_ns[flow] < 0).any():
            return []
        numbers, first = np.unique(flow, return_index=True)
        new = self.first_ns[numbers] < 0
        numbers, first = numbers[new], first[new]
        self.first_ns[numbers] = self.last_ns[numbers] = rows.at_ns[first]
        order = np.argsort(first)
        return list(zip(numbers[order].tolist(), first[order].tolist(), strict=True))

    def of_spi(self, spi: int) -> list[int]:
        """The latest flows that have an SPI, each once."""
        known = self._of_spi.get(spi)
        return [] if known is None else known[-_LATEST:]

    def of_sender(self, spi: int, src: str) -> int:
        """The first flow of a sender that has this SPI; it counts alike wherever it sends."""
        return self._of_sender[spi, src]

    def tell_as(self, flow: int, identity: FlowIdentity) -> None:
        """What names a flow from now on."""
        self.identities[flow] = identity
        if identity.spi:
            self._of_spi.setdefault(identity.spi, []).append(flow)
            self._of_sender.setdefault((identity.spi, identity.src), flow)

    def goes_on(self, esp: EspRows, flow: Int64Array, row: int, other: int) -> bool:
        """Whether the flow of a row, its first one, can go on with the numbers of another flow.

        `flow`: (n,) the flows of all rows.
        """
        counter = self._counters.of(flow[:row]) == self._counters.of(np.array([other]))
        top = max(self._counters.top(other), int(self.highest[other]))
        return goes_on(int(esp.sequence[row]), top, esp.sequence[:row][counter])

    def count_on(self, flow: int, other: int) -> None:
        """What one flow gives between two numbers of the other one is not missing."""
        highest, latest_ns = int(self.highest[other]), int(self._latest_ns[other])
        self._counters.join(flow, other, highest, latest_ns)

    def join(self, flow: int, into: int) -> None:
        """The packets of a flow are those of another one, seen elsewhere."""
        for numbers in self._numbers.values():
            numbers[numbers == flow] = into
        self._number_of[self.identities[flow][:3]] = into

    def passed_lately(self, esp: EspRows, flow: Int64Array, row: int, other: int) -> bool:
        """Whether a flow had the number of a row at most DUPLICATE_NS before it."""
        at_ns, sequence = esp.at_ns[row], esp.sequence[row]
        start = int(np.searchsorted(esp.at_ns[:row], at_ns - DUPLICATE_NS))
        same = (flow[start:row] == other) & (esp.sequence[start:row] == sequence)
        here = start + np.flatnonzero(same)
        if (np.abs(esp.at_ns[here] - at_ns) <= DUPLICATE_NS).any():
            return True
        recent, recent_ns = self._recent
        before = recent == _mixed(np.array([other]), esp.sequence[row : row + 1])
        return bool((np.abs(recent_ns[before] - at_ns) <= DUPLICATE_NS).any())

    def fold(self, esp: EspRows, flow: Int64Array) -> FlowRows:
        """Add the rows to their flows."""
        sequence = esp.sequence.astype(np.int64)
        order = sort_by_number(flow, self.count)
        sorted_flow = flow[order]
        starts, segment = segments(sorted_flow)
        owner = sorted_flow[starts]
        known = self.highest[owner]
        base = np.where(known >= 0, known, sequence[order][starts])[segment]
        half, whole = np.int64(1 << 31), np.int64(1 << 32)
        extended = base + ((sequence[order] - base + half) % whole) - half
        lifted = extended + segment * np.int64(_SEQUENCE_SPAN)
        top = np.maximum.accumulate(lifted) - segment * np.int64(_SEQUENCE_SPAN)
        before = np.empty_like(top)
        before[1:] = top[:-1]
        before[starts] = known
        before = np.maximum(before, known[segment])
        fresh_sorted = extended > before
        fresh = np.empty(len(flow), np.bool_)
        fresh[order] = fresh_sorted
        duplicate = self._duplicates(esp, flow, fresh)

        ahead, at_ns = np.where(before >= 0, extended - before, 0), esp.at_ns[order]
        elsewhere = self._counters.follow(sorted_flow, order, extended, before, at_ns)
        if elsewhere is not None:
            np.add.at(self._skipped, sorted_flow[elsewhere.rows], elsewhere.passed)
            ahead[elsewhere.rows] -= elsewhere.passed
        self._note_gaps((owner, starts, segment), ahead, at_ns, elsewhere)

        behind = ~(fresh | duplicate)
        rows = Ordered(owner, starts, segment, at_ns, extended, top)
        late = self._late(esp, behind, order, rows)

        self._count(self.packets, self.bytes, esp, flow, ~duplicate)
        if behind.any():
            self._count(self._behind, self._behind_bytes, esp, flow, behind)
        copies = order[self.copies.among(rows, fresh_sorted, behind[order], before)]
        ends = np.append(starts[1:], len(order)) - 1
        self.highest[owner] = np.maximum(known, top[ends])
        lowest = np.minimum.reduceat(extended, starts)
        earlier = self.lowest[owner]
        self.lowest[owner] = np.where(earlier < 0, lowest, np.minimum(earlier, lowest))
        self.last_ns[owner] = np.maximum(
            self.last_ns[owner], np.maximum.reduceat(esp.at_ns[order], starts)
        )
        duplicate[copies] = True
        return FlowRows(flow, fresh, duplicate, late)

    def _count(
        self,
        packets: Int64Array,
        octets: Int64Array,
        esp: EspRows,
        flow: Int64Array,
        chosen: NDArray[np.bool_],
    ) -> None:
        touched = flow[chosen]
        packets[: self.count] += np.bincount(touched, minlength=self.count)
        octets[: self.count] += np.bincount(
            touched, weights=esp.length[chosen], minlength=self.count
        ).astype(np.int64)

    def _late(
        self,
        esp: EspRows,
        suspects: NDArray[np.bool_],
        order: NDArray[np.intp],
        rows: Ordered,
    ) -> NDArray[np.intp]:
        """Rows that are late."""
        passed = self._passed
        last_ns = int(esp.at_ns.max())
        found = np.empty(0, np.intp)
        if passed.needs(last_ns, suspects):
            at_ns = np.maximum(np.maximum.accumulate(esp.at_ns), passed.now_ns)[order]
            rows = rows._replace(at_ns=at_ns)
            found = np.sort(order[passed.late(rows, suspects[order], self.highest)])
        passed.now_ns = max(passed.now_ns, last_ns)
        return found

    def note_late(self, esp: EspRows, source: NDArray[np.int16], rows: FlowRows) -> None:
        """Keep count of late rows, and the place of the first one of each flow."""
        flows, firsts, counts = np.unique(
            rows.flow[rows.late], return_index=True, return_counts=True
        )
        for flow, first, count in zip(flows.tolist(), firsts, counts.tolist(), strict=True):
            row = int(rows.late[first])
            repeat = Repeat(
                count,
                int(esp.at_ns[row]),
                Ref(source_id(int(source[row])), int(esp.record[row])),
                int(esp.sequence[row]),
            )
            known = self._repeats.get(flow)
            self._repeats[flow] = repeat if known is None else known.again(repeat)

    def repeated(self, flow: int) -> Repeat | None:
        """What came again for certain: more packets than there are numbers, some of them late.

        A flow that begins anew with its first numbers is another SA that was given the same SPI.
        """
        found = self._repeats.get(flow)
        if found is None or found.sequence <= _FIRST_NUMBERS:
            return None
        packets = min(found.packets, int(self.packets[flow]) - self._span(flow))
        return found._replace(packets=packets) if packets > 0 else None

    def once(self, flow: int) -> tuple[int, int]:
        """Packets of a flow and their bytes, each counted once as far as that is certain.

        No number is sent twice (RFC 4303 section 2.2): what is more than there are numbers came
        again. Which of those behind did so is not kept, and they are taken to be alike in size.
        """
        packets, octets = int(self.packets[flow]), int(self.bytes[flow])
        again = packets - self._span(flow)
        late = self._repeats.get(flow)
        anew = late is not None and late.sequence <= _FIRST_NUMBERS and not self.merged
        if again <= 0 or anew:
            return packets, octets
        behind = int(self._behind[flow])
        return packets - again, octets - int(self._behind_bytes[flow]) * again // max(behind, again)

    def begun_again(self) -> Iterator[tuple[int, int]]:
        """Flows that count from their first number again, and since when, ns."""
        for flow, found in self._repeats.items():
            if found.sequence <= _FIRST_NUMBERS:
                yield flow, found.at_ns

    def _note_gaps(
        self,
        ordered: tuple[Int64Array, Int64Array, Int64Array],
        ahead: Int64Array,
        at_ns: Int64Array,
        elsewhere: Elsewhere | None,
    ) -> None:
        """Note where the sequence numbers of a flow went on unseen; rows sorted by flow.

        `ordered`: owner, starts, segment; `ahead`: by how much each is above all before it.
        """
        owner, starts, segment = ordered
        earlier_ns = np.empty_like(at_ns)
        earlier_ns[1:] = at_ns[:-1]
        earlier_ns[starts] = self._latest_ns[owner]
        self._latest_ns[owner] = at_ns[np.append(starts[1:], len(at_ns)) - 1]
        if elsewhere is not None:
            earlier_ns[elsewhere.rows] = elsewhere.last_ns
        gap_ns = at_ns - earlier_ns
        for row in np.flatnonzero((gap_ns >= _LONG_NS) & (ahead > 0)).tolist():
            flow, known = int(owner[segment[row]]), self.pauses.get(int(owner[segment[row]]))
            if known is None or gap_ns[row] > known.end_ns - known.start_ns:
                pause = Pause(int(earlier_ns[row]), int(at_ns[row]), int(ahead[row]) - 1)
                self.pauses[flow] = pause
        jump = ahead > np.maximum(_LEAST_JUMP, gap_ns // NS_PER_SECOND * _MOST_A_SECOND)
        np.add.at(self._skipped, owner[segment[jump]], ahead[jump] - 1)
        cut = (ahead > _CUT_PACKETS) & ~jump & (gap_ns >= _CUT_NS)
        for row in np.flatnonzero(cut)[: _MOST_CUTS - len(self.cuts)].tolist():
            flow, missing = int(owner[segment[row]]), int(ahead[row]) - 1
            self.cuts.append(Cut(flow, int(earlier_ns[row]), int(at_ns[row]), missing))

    def missing(self, flow: int) -> int:
        """Sequence numbers inside the observed range that were not seen."""
        if self.packets[flow] == 0:
            return 0
        return max(0, self._span(flow) - int(self.packets[flow]))

    def _span(self, flow: int) -> int:
        """How many sequence numbers the observed range has that may have been sent."""
        return int(self.highest[flow] - self.lowest[flow] - self._skipped[flow]) + 1

    def _duplicates(
        self, esp: EspRows, flow: Int64Array, fresh: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Rows that repeat flow and sequence number of a row at most DUPLICATE_NS before."""
        mixed = _mixed(flow, esp.sequence)
        recent, recent_ns = self._recent
        duplicate = np.zeros(len(flow), np.bool_)
        if not fresh.all():
            keys = np.concatenate([recent, mixed])
            times = np.concatenate([recent_ns, esp.at_ns])
            order = np.argsort(keys, kind="stable")
            same = (keys[order][1:] == keys[order][:-1]) & (
                np.abs(times[order][1:] - times[order][:-1]) <= DUPLICATE_NS
            )
            marked = order[1:][same] - len(recent)
            duplicate[marked[marked >= 0]] = True
            duplicate &= ~fresh
            self.duplicates += int(duplicate.sum())
        keep = esp.at_ns >= esp.at_ns[-1] - DUPLICATE_NS
        keep_old = recent_ns >= esp.at_ns[-1] - DUPLICATE_NS
        self._recent = (
            np.concatenate([recent[keep_old], mixed[keep]]),
            np.concatenate([recent_ns[keep_old], esp.at_ns[keep]]),
        )
        return duplicate

    def _number(self, identity: FlowIdentity) -> int:
        key = identity[:3]
        number = self._number_of.get(key)
        if number is None:
            number = self.count
            if number == len(self.packets):
                self._grow()
            self.identities.append(identity)
            self._number_of[key] = number
            self.count += 1
        return number

    def _grow(self) -> None:
        extra = max(_GROW, len(self.packets))
        for name, fill in (
            ("highest", -1),
            ("lowest", -1),
            ("packets", 0),
            ("bytes", 0),
            ("_behind", 0),
            ("_behind_bytes", 0),
            ("first_ns", -1),
            ("last_ns", -1),
        ):
            grown = np.concatenate([getattr(self, name), np.full(extra, fill, np.int64)])
            setattr(self, name, grown)
        none = np.zeros(extra, np.int64)
        self._latest_ns = np.concatenate([self._latest_ns, none])
        self._skipped = np.concatenate([self._skipped, none])
