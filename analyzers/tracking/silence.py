"""Clocks of silence: per key and role, what was sent since the last proof of the other side.

A key is a unit (an IKE SA with its Child SAs) or a pair of Child SAs. Role 0 is side a sending
and waiting for b, role 1 the reverse. All rows of a batch are handled in vector operations; only
silences that lasted, and moments somebody asks about, become values. The outcome depends on the
order of rows alone, never on how they were cut into batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.flows import segments
from analyzers.wire.frames import Int64Array

Bool = NDArray[np.bool_]

NEVER: Final = -1
# Silence shorter than this is the application's own pace (dpd-semantics 5.2: at least 1 s).
QUESTIONABLE_NS: Final = NS_PER_SECOND
# Waiting times are counted by powers of two of a millisecond: 1 ms … 2^30 ms (12 days).
_BUCKETS: Final = 32
_GROW: Final = 64


@dataclass(slots=True)
class SilenceRows:
    """Rows of a batch, sorted by key and then by order of arrival.

    ESP rows, and proofs that are no ESP (IKE messages) as rows of their own.
    """

    key: Int64Array
    place: Int64Array
    """Order of arrival within the batch, see `esp_place` and `event_place`."""
    at_ns: Int64Array
    bytes: Int64Array
    esp: Bool
    direction: Int64Array
    """ESP: 0 sent by side a, 1 by side b. Other proofs: the role that is proven something."""
    proof: Bool
    """ESP: fresh. Others: True."""

    def __len__(self) -> int:
        return len(self.key)


# Events between two ESP rows are told apart by their ordinal; no batch holds this many.
_PLACES: Final = 1 << 24


def esp_place(row: Int64Array) -> Int64Array:
    """The place of ESP rows in the order of arrival."""
    return (row + 1) * _PLACES


def event_place(esp_before: int, ordinal: int) -> int:
    """The place of the batch's `ordinal`-th event, which comes after `esp_before` ESP rows."""
    return esp_before * _PLACES + ordinal + 1


class Silence(NamedTuple):
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


_FIELDS: Final = ("last_in", "first_out", "questionable", "last_out", "at_in", "bytes_at_in")


class SilenceClock:
    """One clock for all keys; `count_esp_only` makes ESP the only proof."""

    def __init__(self, report_ns: int, *, count_esp_only: bool) -> None:
        self._report_ns = report_ns
        self._esp_only = count_esp_only
        self._size = 0
        self._state: dict[str, Int64Array] = {}
        self._total = np.zeros((0, 2), np.int64)
        self._total_bytes = np.zeros((0, 2), np.int64)
        self._waits = np.zeros((0, 2, _BUCKETS), np.int32)
        self._roles: list[_Pass | None] = [None, None]

    def grow(self, keys: int) -> None:
        """Make room for `keys` keys."""
        if keys <= self._size:
            return
        size = max(keys, self._size + max(_GROW, self._size))
        extra = size - self._size
        for name in _FIELDS:
            fill = 0 if name in ("at_in", "bytes_at_in") else NEVER
            old = self._state.get(name, np.zeros((0, 2), np.int64))
            self._state[name] = np.concatenate([old, np.full((extra, 2), fill, np.int64)])
        self._total = np.concatenate([self._total, np.zeros((extra, 2), np.int64)])
        self._total_bytes = np.concatenate([self._total_bytes, np.zeros((extra, 2), np.int64)])
        self._waits = np.concatenate([self._waits, np.zeros((extra, 2, _BUCKETS), np.int32)])
        self._size = size

    def run(self, rows: SilenceRows) -> list[Closing]:
        """Take a batch; returns the closings of both roles in order of arrival.

        `at` answers for places of this batch until the next call.
        """
        closings: list[Closing] = []
        parts = segments(rows.key)
        for role in (0, 1):
            work = _Pass(self, rows, role, parts)
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
        )

    def open(self, minimum_ns: int) -> list[tuple[int, int]]:
        """Keys and roles whose silence has lasted at least `minimum_ns` of sending."""
        if not self._size:
            return []
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


class _Pass:
    """One role's way through a batch: groups of rows between proofs."""

    def __init__(
        self,
        clock: SilenceClock,
        rows: SilenceRows,
        role: int,
        parts: tuple[Int64Array, Int64Array],
    ) -> None:
        self._clock = clock
        self._rows = rows
        self._role = role
        key = rows.key
        self._starts, segment = parts
        self._keys = key[self._starts]
        self._segment = segment
        out = rows.esp & (rows.direction == role)
        proof_in = rows.proof & (
            (rows.esp & (rows.direction == 1 - role))
            if clock._esp_only
            else np.where(rows.esp, rows.direction == 1 - role, rows.direction == role)
        )
        self._in_rows = np.flatnonzero(proof_in)
        # Every segment opens with the group that the state carries in from earlier batches.
        self._group = segment + np.cumsum(proof_in)
        groups = len(self._starts) + len(self._in_rows)
        self._state_group = self._group[self._starts] - proof_in[self._starts]
        self._in_group = self._group[self._in_rows]

        sent = np.cumsum(out)
        sent_bytes = np.cumsum(np.where(out, rows.bytes, 0))
        before = np.zeros(len(self._starts), np.int64)
        before_bytes = np.zeros(len(self._starts), np.int64)
        if len(self._starts):
            before[1:] = sent[self._starts[1:] - 1]
            before_bytes[1:] = sent_bytes[self._starts[1:] - 1]
        total = clock._total[self._keys, role]
        total_bytes = clock._total_bytes[self._keys, role]
        self._sent = sent + (total - before)[segment]
        self._sent_bytes = sent_bytes + (total_bytes - before_bytes)[segment]

        self._last_in = self._groups("last_in", groups, rows.at_ns)
        self._at_in = self._groups("at_in", groups, self._sent)
        self._bytes_at_in = self._groups("bytes_at_in", groups, self._sent_bytes)
        out_rows = np.flatnonzero(out)
        self._first_out = self._groups("first_out", groups, None)
        self._take_first(self._first_out, out_rows)
        self._last_out = self._groups("last_out", groups, None)
        if len(out_rows):
            group = self._group[out_rows]
            final = np.flatnonzero(np.diff(group, append=-1))
            self._last_out[group[final]] = rows.at_ns[out_rows[final]]
        group = self._group[out_rows]
        known = self._last_in[group]
        since = np.where(known >= 0, known, self._first_out[group])
        late = out_rows[rows.at_ns[out_rows] >= since + QUESTIONABLE_NS]
        self._questionable = self._groups("questionable", groups, None)
        self._take_first(self._questionable, late)

    def _groups(self, name: str, groups: int, at_rows: Int64Array | None) -> Int64Array:
        values = np.full(groups, NEVER, np.int64)
        values[self._state_group] = self._clock._state[name][self._keys, self._role]
        if at_rows is not None:
            values[self._in_group] = at_rows[self._in_rows]
        return values

    def _take_first(self, values: Int64Array, rows: Int64Array) -> None:
        """Set the time of the first of `rows` in every group that has none yet."""
        if not len(rows):
            return
        group = self._group[rows]
        first = np.flatnonzero(np.diff(group, prepend=-1))
        chosen = group[first]
        empty = values[chosen] < 0
        values[chosen[empty]] = self._rows.at_ns[rows[first[empty]]]

    def closings(self) -> list[Closing]:
        """Silences of the asked length that a row of this batch ended."""
        clock, rows = self._clock, self._rows
        ended = self._in_group - 1
        exposed = self._first_out[ended] >= 0
        wait = np.maximum(rows.at_ns[self._in_rows] - self._first_out[ended], 0)
        self._wait_rows = self._in_rows[exposed]
        self._wait_bucket = _bucket(wait[exposed])
        found = []
        for index in np.flatnonzero(exposed & (wait >= clock._report_ns)).tolist():
            row = int(self._in_rows[index])
            group = int(ended[index])
            key = int(rows.key[row])
            packets = int(self._sent[row] - self._at_in[group])
            size = int(self._sent_bytes[row] - self._bytes_at_in[group])
            found.append(
                Closing(
                    key,
                    self._role,
                    int(rows.at_ns[row]),
                    int(rows.place[row]),
                    bool(rows.esp[row]),
                    Silence(
                        int(self._last_in[group]),
                        int(self._first_out[group]),
                        int(self._questionable[group]),
                        int(self._last_out[group]),
                        packets,
                        size,
                        int(self._sent[row]),
                        int(self._sent_bytes[row]),
                    ),
                    self._waits_before(key, row),
                )
            )
        return found

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
        rows, clock, role = self._rows, self._clock, self._role
        segment = int(np.searchsorted(self._keys, key))
        if segment == len(self._keys) or self._keys[segment] != key:
            return clock.now(key, role)
        start = int(self._starts[segment])
        end = int(self._starts[segment + 1]) if segment + 1 < len(self._starts) else len(rows)
        row = start + int(np.searchsorted(rows.place[start:end], place)) - 1
        if row < start:
            group = int(self._state_group[segment])
            total = int(self._before(segment, self._sent, "_total"))
            total_bytes = int(self._before(segment, self._sent_bytes, "_total_bytes"))
            until = NEVER
        else:
            group = int(self._group[row])
            total, total_bytes = int(self._sent[row]), int(self._sent_bytes[row])
            until = int(rows.at_ns[row])
        packets = total - int(self._at_in[group])
        first_out = int(self._first_out[group]) if packets else NEVER
        questionable = int(self._questionable[group])
        carried = row < start
        if carried:
            first_out = int(self._carried("first_out", segment))
            questionable = int(self._carried("questionable", segment))
            last_out = int(self._carried("last_out", segment))
        else:
            if questionable > until:
                questionable = NEVER
            last_out = self._last_out_until(start, row, group, segment)
        return Silence(
            int(self._last_in[group]),
            first_out,
            questionable if packets else NEVER,
            last_out,
            packets,
            total_bytes - int(self._bytes_at_in[group]),
            total,
            total_bytes,
        )

    def _last_out_until(self, start: int, row: int, group: int, segment: int) -> int:
        rows = self._rows
        for place in range(row, start - 1, -1):
            if self._group[place] != group:
                break
            if rows.esp[place] and rows.direction[place] == self._role:
                return int(rows.at_ns[place])
        if group == int(self._state_group[segment]):
            return int(self._carried("last_out", segment))
        return NEVER

    def _before(self, segment: int, sent: Int64Array, name: str) -> int:
        """The counter as it was before this batch."""
        start = int(self._starts[segment])
        out = self._rows.esp[start] and self._rows.direction[start] == self._role
        if name == "_total":
            return int(sent[start]) - int(bool(out))
        return int(sent[start]) - (int(self._rows.bytes[start]) if out else 0)

    def _carried(self, name: str, segment: int) -> int:
        """A state value as it was before the batch."""
        return int(self._old[name][segment])

    def commit(self) -> None:
        """Make the last groups of the batch the state of their keys."""
        if not len(self._starts):
            return
        clock, role = self._clock, self._role
        self._old = {name: clock._state[name][self._keys, role].copy() for name in _FIELDS}
        ends = np.append(self._starts[1:], len(self._rows)) - 1
        last = self._group[ends]
        for name, values in (
            ("last_in", self._last_in),
            ("first_out", self._first_out),
            ("questionable", self._questionable),
            ("last_out", self._last_out),
            ("at_in", self._at_in),
            ("bytes_at_in", self._bytes_at_in),
        ):
            clock._state[name][self._keys, role] = values[last]
        clock._total[self._keys, role] = self._sent[ends]
        clock._total_bytes[self._keys, role] = self._sent_bytes[ends]
        if len(self._wait_rows):
            cell = (self._rows.key[self._wait_rows] * 2 + role) * _BUCKETS + self._wait_bucket
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


NO_WAITS: Final = np.zeros(_BUCKETS, np.int64)
