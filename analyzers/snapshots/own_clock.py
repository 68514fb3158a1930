"""Times for outputs that were taken without a clock: what their SAs count is one."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from analyzers.model.snapshot import Snapshot, SnapshotFormat
from analyzers.model.time import ORDER_LIMIT_NS, ClockQuality, nanoseconds
from analyzers.snapshots.compare import compare


def on_own_clock(snapshots: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
    """Each output as long after the one before of its command as the SAs in both tell.

    Times are relative to the oldest SA of the first output, which came up at ORDER_LIMIT_NS.
    Outputs of which nothing is known stay without a time; all of them do where no two can be held
    against each other.
    """
    placed: list[Snapshot] = []
    latest: dict[SnapshotFormat, Snapshot] = {}
    for snapshot in snapshots:
        older = latest.get(snapshot.format)
        at_ns = None
        if older is None:
            at_ns = None if latest else ORDER_LIMIT_NS + nanoseconds(_oldest_s(snapshot))
        elif older.at_ns is not None:
            known = (change.elapsed_s for change in compare(older, snapshot))
            elapsed_s = next((told_s for told_s in known if told_s), None)
            at_ns = None if elapsed_s is None else older.at_ns + nanoseconds(elapsed_s)
        if at_ns is not None:
            snapshot = replace(snapshot, at_ns=at_ns, clock=ClockQuality.RELATIVE)
        if at_ns is not None or older is None:
            latest[snapshot.format] = snapshot
        placed.append(snapshot)
    timed = sum(snapshot.at_ns is not None for snapshot in placed)
    return tuple(placed) if timed > 1 else tuple(snapshots)


def _oldest_s(snapshot: Snapshot) -> int:
    return max((entry.age_s or 0 for entry in snapshot.entries), default=0)
