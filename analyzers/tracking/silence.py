"""Clocks of silence: per key and role, what was sent since the last proof of the other side.

A key is a unit (an IKE SA with its Child SAs) or a pair of Child SAs. Role 0 is side a sending
and waiting for b, role 1 the reverse. All rows of a batch are handled in vector operations; only
silences that lasted, and moments somebody asks about, become values. The outcome depends on the
order of rows alone, never on how they were cut into batches.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.flows import segments
from analyzers.tracking.pauses import BatchPauses, Pause, Pauses
from analyzers.tracking.silence_rows import Sent, SilenceRows
from analyzers.wire.frames import Int64Array

NEVER: Final = -1
# Silence shorter than this is the application's own pace (dpd-semantics 5.2: at least 1 s).
QUESTIONABLE_NS: Final = NS_PER_SECOND
# A silence that no unanswered question supports must hold several packets, of which the last may
# be what was answered: one lost query, even asked again, is no black hole.
MIN_PACKETS: Final = 4
# Waiting times are counted by powers of two of a millisecond: 1 ms … 2^30 ms (12 days).
_BUCKETS: Final = 32
# One long wait among fewer may well be the pace.
_FEWEST_FOR_PACE: Final = 10
_GROW: Final = 64


class Silence(Struct, frozen=True, gc=False):
    """What a role has sent since the last proof; times in ns, NEVER where there is none."""

    last_proof_ns: int
    first_out_ns: int
    questionable_ns: int
    """First packet out at least QUESTIONABLE_NS after the last proof."""
    last_out_ns: int
    packets: int
    bytes: int
    total_packets: int
    """Packets out since the beginning: a counter that differences are taken of."""
    total_bytes: int
    first_ref: int
    """Where the first packet out stands, see `ref_of`."""
    pauses: tuple[Pause, ...] = ()
    """The longest times in it in which nothing was sent, in time order."""

    @property
    def packets_before(self) -> int:
        """Packets that went out before the last proof: it came after them."""
        return self.total_packets - self.packets

    def since(self, older: Silence) -> Silence:
        """This silence, begun with an older one: the proof between them counts for nothing."""
        return replace(
            older,
            last_out_ns=self.last_out_ns,
            packets=self.total_packets - older.packets_before,
            bytes=self.total_bytes - older.total_bytes + older.bytes,
            total_packets=self.total_packets,
            total_bytes=self.total_bytes,
        )


class Closing(NamedTuple):
    """A proof that ended a silence of at least the asked length."""

    key: int
    role: int
    at_ns: int
    place: int
    by_esp: bool
    silence: Silence
    waits: Int64Array
    """Earlier waits of this key and role, counted by bucket: see `summarise`."""


_FIELDS: Final = (
    "last_in",
    "first_out",
    "questionable",
    "last_out",
    "at_in",
    "bytes_at_in",
    "first_ref",
)


class SilenceClock:
    """One clock for all keys; `count_esp_only` makes ESP the only proof."""

    def __init__(self, report_ns: int, *, count_esp_only: bool) -> None:
        self._report_ns = report_ns
        self._esp_only = count_esp_only
        self._size = 0
        self._state = {name: np.zeros((0, 2), np.int64) for name in _FIELDS}
        self._total = np.zeros((0, 2), np.int64)
        self._total_bytes = np.zeros((0, 2), np.int64)
        self._waits = np.zeros((0, 2, _BUCKETS), np.int32)
        self._pauses = Pauses()
        self._roles: list[_Pass | None] = [None, None]
        self._asked = np.zeros(0, np.bool_)

    def grow(self, keys: int) -> None:
        """Make room for `keys` keys."""
        if keys <= self._size:
            return
        size = max(keys, self._size + max(_GROW, self._size))
        extra = size - self._size
        for name in _FIELDS:
            fill = 0 if name in ("at_in", "bytes_at_in") else NEVER
            more = np.full((extra, 2), fill, np.int64)
            self._state[name] = np.concatenate([self._state[name], more])
        self._total = np.concatenate([self._total, np.zeros((extra, 2), np.int64)])
        self._total_bytes = np.concatenate([self._total_bytes, np.zeros((extra, 2), np.int64)])
        self._waits = np.concatenate([self._waits, np.zeros((extra, 2, _BUCKETS), np.int32)])
        self._asked = np.concatenate([self._asked, np.zeros(extra, np.bool_)])
        self._pauses.grow(size)
        self._size = size

    def expect_questions(self, keys: set[int]) -> None:
        """From now on report every closing of these keys: liveness questions support them.

        Without a question a silence of few packets is never judged, so it is not reported.
        """
        self._asked[list(keys)] = True

    def run(self, rows: SilenceRows) -> list[Closing]:
        """Take a batch; returns the closings of both roles in order of arrival.

        `at` answers for places of this batch until the next call.
        """
        closings: list[Closing] = []
        for role in (0, 1):
            work = _Pass(self, rows, role, rows.sent(role))
            self._roles[role] = work
            closings += work.closings()
        for role in (0, 1):
            done = self._roles[role]
            if done is not None:
                done.commit()
        closings.sort(key=lambda c: (c.place, c.key, c.role))
        return closings

    def at(self, key: int, role: int, place: int) -> Silence:
        """The silence of a role just before a place of the last batch."""
        done = self._roles[role]
        if done is None:
            return self.now(key, role)
        return done.at(key, place)

    def now(self, key: int, role: int) -> Silence:
        """The silence of a role after all rows so far."""
        state = self._state
        total = int(self._total[key, role])
        total_bytes = int(self._total_bytes[key, role])
        return Silence(
            int(state["last_in"][key, role]),
            int(state["first_out"][key, role]),
            int(state["questionable"][key, role]),
            int(state["last_out"][key, role]),
            total - int(state["at_in"][key, role]),
            total_bytes - int(state["bytes_at_in"][key, role]),
            total,
            total_bytes,
            int(state["first_ref"][key, role]),
            self._pauses.now(key, role),
        )

    def open(self, minimum_ns: int) -> list[tuple[int, int]]:
        """Keys and roles whose silence has lasted at least `minimum_ns` of sending."""
        first, last = self._state["first_out"], self._state["last_out"]
        found = np.argwhere((first >= 0) & (last - first >= minimum_ns))
        return [(int(key), int(role)) for key, role in found]

    def waits(self, key: int, role: int) -> Int64Array:
        """Waits so far, counted by bucket: see `summarise`."""
        counts: Int64Array = self._waits[key, role].astype(np.int64)
        return counts

    def forget_wait(self, key: int, role: int, wait_ns: int) -> int:
        """A wait was a black hole: it says nothing of the normal pace. Returns its bucket."""
        bucket = int(_bucket(np.array([wait_ns]))[0])
        if self._waits[key, role, bucket]:
            self._waits[key, role, bucket] -= 1
        return bucket

    def remember_wait(self, key: int, role: int, wait_ns: int) -> int:
        """A wait that was forgotten is the normal pace after all. Returns its bucket."""
        bucket = int(_bucket(np.array([wait_ns]))[0])
        self._waits[key, role, bucket] += 1
        return bucket


class _Cells(NamedTuple):
    """What a pass has found out, to look up single values."""

    segment: memoryview
    group: memoryview
    state_group: memoryview
    in_row: memoryview
    last_in: memoryview
    first_out: memoryview
    first_ref: memoryview
    last_out: memoryview
    questionable: memoryview
    total: memoryview
    total_bytes: memoryview
    at_in: memoryview
    bytes_at_in: memoryview
    last_out_before: memoryview


class _Pass:
    """One role's way through a batch: groups of rows between proofs."""

    def __init__(self, clock: SilenceClock, rows: SilenceRows, role: int, sent: Sent) -> None:
        self._clock = clock
        self._rows = rows
        self._role = role
        self._sent = sent
        self._starts, segment = sent.starts, sent.segment
        self._keys = sent.keys
        self._segment = segment
        proof_in = rows.proof & sent.received
        if not clock._esp_only:
            proof_in |= ~rows.esp & (rows.direction == role)
        self._in_rows = np.flatnonzero(proof_in)
        # Every segment opens with the group that the state carries in from earlier batches.
        self._group = segment + np.cumsum(proof_in)
        groups = len(self._starts) + len(self._in_rows)
        self._state_group = self._group[self._starts] - proof_in[self._starts]
        self._in_group = self._group[self._in_rows]
        # The totals before this batch: both clocks count the same packets.
        self._total = clock._total[self._keys, role]
        self._total_bytes = clock._total_bytes[self._keys, role]

        # As it was before this batch: `at` is asked after the state has moved on.
        self._old = {name: clock._state[name][self._keys, role] for name in _FIELDS}
        self._in_row = np.full(groups, NEVER, np.int64)
        self._in_row[self._in_group] = self._in_rows
        self._last_in = self._carry("last_in", groups)
        self._last_in[self._in_group] = rows.at_ns[self._in_rows]
        out_rows = sent.out_rows
        out_group = self._group[out_rows]
        change = np.empty(len(out_rows), np.bool_)
        change[:1] = True
        np.not_equal(out_group[1:], out_group[:-1], out=change[1:])
        first = np.flatnonzero(change)
        self._first_out = self._carry("first_out", groups)
        self._take_first(self._first_out, out_rows[first], rows.at_ns)
        self._first_ref = self._carry("first_ref", groups)
        self._take_first(self._first_ref, out_rows[first], rows.ref)
        self._last_out = self._carry("last_out", groups)
        if len(first):
            final = np.append(first[1:], len(out_rows)) - 1
            self._last_out[out_group[final]] = rows.at_ns[out_rows[final]]
        self._pauses = BatchPauses(
            rows,
            sent,
            self._group,
            self._state_group,
            self._old["last_out"],
            (self._total, self._total_bytes),
            clock._pauses.of(self._keys, role),
        )
        since = np.where(self._last_in >= 0, self._last_in, self._first_out) + QUESTIONABLE_NS
        self._questionable = self._carry("questionable", groups)
        late = out_rows[rows.at_ns[out_rows] >= since[out_group]]
        if len(late):
            starts, _ = segments(self._group[late])
            self._take_first(self._questionable, late[starts], rows.at_ns)

    @cached_property
    def _cells(self) -> _Cells:
        old = self._old
        return _Cells(
            *(
                values.data
                for values in (
                    self._segment,
                    self._group,
                    self._state_group,
                    self._in_row,
                    self._last_in,
                    self._first_out,
                    self._first_ref,
                    self._last_out,
                    self._questionable,
                    self._total,
                    self._total_bytes,
                    old["at_in"],
                    old["bytes_at_in"],
                    old["last_out"],
                )
            )
        )

    def _carry(self, name: str, groups: int) -> Int64Array:
        """A value for every group: that of the state, NEVER for groups that begin here."""
        values = np.full(groups, NEVER, np.int64)
        values[self._state_group] = self._old[name]
        return values

    def _take_first(self, values: Int64Array, rows: Int64Array, of: Int64Array) -> None:
        """Set what `rows` have `of`, one a group, in the groups that have none yet."""
        chosen = self._group[rows]
        empty = values[chosen] < 0
        values[chosen[empty]] = of[rows[empty]]

    def _counts_at_in(
        self, groups: Int64Array, segment: Int64Array
    ) -> tuple[Int64Array, Int64Array]:
        """Total packets and bytes that had been sent when each group began."""
        row = self._in_row[groups]
        carried = row < 0
        packets = self._sent.packets(row) + self._total[segment]
        size = self._sent.bytes(row) + self._total_bytes[segment]
        packets[carried] = self._old["at_in"][segment[carried]]
        size[carried] = self._old["bytes_at_in"][segment[carried]]
        return packets, size

    def closings(self) -> list[Closing]:
        """Silences of the asked length that a row of this batch ended."""
        clock, rows = self._clock, self._rows
        ended = self._in_group - 1
        first_out = self._first_out[ended]
        wait = rows.at_ns[self._in_rows] - first_out
        exposed = first_out >= 0
        if clock._esp_only:
            self._wait_rows = self._in_rows[exposed]
            self._wait_bucket = _bucket(wait[exposed])
        found = []
        lasting = np.flatnonzero(exposed & (wait >= clock._report_ns))
        ends = self._in_rows[lasting]
        at_in, _ = self._counts_at_in(ended[lasting], self._segment[ends])
        packets = self._sent.packets(ends) + self._total[self._segment[ends]] - at_in
        judged = (packets >= MIN_PACKETS) | clock._asked[rows.key[ends]]
        for index in lasting[judged].tolist():
            row = int(self._in_rows[index])
            key = int(rows.key[row])
            silence = self._silence(row, int(ended[index]), int(self._questionable[ended[index]]))
            found.append(
                Closing(
                    key,
                    self._role,
                    int(rows.at_ns[row]),
                    int(rows.place[row]),
                    bool(rows.esp[row]),
                    silence,
                    self._waits_before(key, row) if clock._esp_only else NO_WAITS,
                )
            )
        return found

    def _silence(self, row: int, group: int, questionable_ns: int) -> Silence:
        """The silence of a group as it was at a row."""
        cells = self._cells
        segment = cells.segment[row]
        base = cells.total[segment], cells.total_bytes[segment]
        total, total_bytes = self._sent.so_far(row, segment, base)
        in_row = cells.in_row[group]
        if in_row < 0:
            at_in, bytes_at_in = cells.at_in[segment], cells.bytes_at_in[segment]
        else:
            at_in, bytes_at_in = self._sent.so_far(in_row, segment, base)
        packets = total - at_in
        return Silence(
            cells.last_in[group],
            cells.first_out[group] if packets else NEVER,
            questionable_ns if packets else NEVER,
            cells.last_out[group],
            packets,
            total_bytes - bytes_at_in,
            total,
            total_bytes,
            cells.first_ref[group] if packets else NEVER,
            self._pauses.longest(group, segment, row),
        )

    def _waits_before(self, key: int, row: int) -> Int64Array:
        segment = int(self._segment[row])
        first = np.searchsorted(self._wait_rows, self._starts[segment])
        last = np.searchsorted(self._wait_rows, row)
        counts: Int64Array = self._clock._waits[key, self._role] + np.bincount(
            self._wait_bucket[first:last], minlength=_BUCKETS
        )
        return counts

    def at(self, key: int, place: int) -> Silence:
        """The silence just before a place of this batch."""
        rows = self._rows
        found = rows.segments.get(key)
        if found is None:
            return self._clock.now(key, self._role)
        segment, start, end = found
        row = bisect_left(rows.places, place, start, end) - 1
        if row < start:
            return self._carried(segment)
        group = self._cells.group[row]
        questionable = self._cells.questionable[group]
        if questionable > rows.times[row]:
            questionable = NEVER
        silence = self._silence(row, group, questionable)
        return replace(silence, last_out_ns=self._last_out_until(start, row, group, segment))

    def _carried(self, segment: int) -> Silence:
        """The silence of a key as it was before the batch."""
        old = {name: int(values[segment]) for name, values in self._old.items()}
        total, total_bytes = int(self._total[segment]), int(self._total_bytes[segment])
        return Silence(
            old["last_in"],
            old["first_out"],
            old["questionable"],
            old["last_out"],
            total - old["at_in"],
            total_bytes - old["bytes_at_in"],
            total,
            total_bytes,
            old["first_ref"],
            self._pauses.carried(segment),
        )

    def _last_out_until(self, start: int, row: int, group: int, segment: int) -> int:
        """Time of the last packet out of a group up to a row."""
        out, cells = self._sent.out, self._cells
        last = bisect_right(out, row) - 1
        if last >= 0 and out[last] >= start and cells.group[out[last]] == group:
            return self._rows.times[out[last]]
        if group == cells.state_group[segment]:
            return cells.last_out_before[segment]
        return NEVER

    def commit(self) -> None:
        """Make the last groups of the batch the state of their keys."""
        if not len(self._starts):
            return
        clock, role = self._clock, self._role
        ends = np.append(self._starts[1:], len(self._rows)) - 1
        last = self._group[ends]
        at_in, bytes_at_in = self._counts_at_in(last, np.arange(len(ends)))
        for name, values in (
            ("last_in", self._last_in[last]),
            ("first_out", self._first_out[last]),
            ("first_ref", self._first_ref[last]),
            ("questionable", self._questionable[last]),
            ("last_out", self._last_out[last]),
            ("at_in", at_in),
            ("bytes_at_in", bytes_at_in),
        ):
            clock._state[name][self._keys, role] = values
        clock._pauses.set(self._keys, role, self._pauses.at_end(last))
        clock._total[self._keys, role] = self._sent.packets(ends) + self._total
        clock._total_bytes[self._keys, role] = self._sent.bytes(ends) + self._total_bytes
        if clock._esp_only and len(self._wait_rows):
            cell = (self._rows.key[self._wait_rows] * 2 + role) * _BUCKETS + self._wait_bucket
            # One type throughout: that is what makes `at` fast.
            np.add.at(clock._waits.reshape(-1), cell, np.int32(1))


def _bucket(wait_ns: Int64Array) -> Int64Array:
    milliseconds = np.maximum(wait_ns // NS_PER_MS, 0) + 1
    bucket: Int64Array = np.minimum(np.ceil(np.log2(milliseconds)).astype(np.int64), _BUCKETS - 1)
    return bucket


def summarise(counts: Int64Array) -> tuple[int, int, int]:
    """How many waits, and the upper edges of their median and 99th percentile in ns."""
    total = int(counts.sum())
    if total <= 0:
        return 0, 0, 0
    running = np.cumsum(counts)
    median = int(np.searchsorted(running, (total + 1) // 2))
    high = int(np.searchsorted(running, total - total // 100))
    return total, (1 << median) * NS_PER_MS, (1 << high) * NS_PER_MS


def without_longest(counts: Int64Array) -> Int64Array:
    """The waits without the longest one, where there are enough: a pace is what comes again."""
    if counts.sum() < _FEWEST_FOR_PACE:
        return counts
    left = counts.copy()
    left[np.flatnonzero(left)[-1]] -= 1
    return left


NO_WAITS: Final = np.zeros(_BUCKETS, np.int64)
