"""Outputs in several files: those of one device are held against each other, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cmp_to_key, partial
from itertools import chain

from msgspec.structs import replace

from analyzers.model.records import SourceInfo
from analyzers.model.snapshot import ChangeKind, CounterChange, Snapshot
from analyzers.model.time import ClockQuality
from analyzers.session.texts import LogSource
from analyzers.snapshots.compare import compare, compare_all
from analyzers.snapshots.own_clock import on_own_clock
from analyzers.tracking.shown import Shown


def shown_of(logs: Sequence[LogSource], *, captured: bool) -> list[Shown]:
    """All outputs on the common clock, with what changed from one to the next, in whichever input.

    Inputs of one device are in the order of time. `captured`: captures are among the inputs.
    """
    shown = [_on_common_clock(log) for log in logs if log.snapshots]
    if not shown:
        return []
    alone = not captured and not any(log.events for log in logs)
    found = _compared(shown, {log.info.id: log.modified_ns for log in logs}, alone=alone)
    by_source = {item.source: item for item in found}
    for log in logs:
        if log.snapshots and not log.events:
            _date(log.info, by_source[log.info.id])
    return found


def _on_common_clock(log: LogSource) -> Shown:
    dated = log.snapshots
    if log.info.clock is not ClockQuality.RELATIVE:
        # Else the clock that is shown is not the one of the stamps.
        dated = tuple(
            s if s.at_ns is None else replace(s, at_ns=log.to_common(s.at_ns)) for s in dated
        )
    return Shown(log.info.id, dated, ())


def _date(info: SourceInfo, shown: Shown) -> None:
    """Tell an input of nothing but outputs by them."""
    info.format = shown.snapshots[0].format.value
    times = {s.at_ns: s.clock for s in shown.snapshots if s.at_ns is not None}
    if times:
        info.first_ns, info.last_ns = min(times), max(times)
        info.clock = times[min(times)] or info.clock


def _compared(
    shown: Sequence[Shown], modified_ns: Mapping[str, int | None], *, alone: bool
) -> list[Shown]:
    """`modified_ns`: when each file was written, by its source; `alone`: nothing has a clock."""
    devices = [
        [snapshot for item in files for snapshot in item.snapshots]
        for files in _by_device(shown, modified_ns)
    ]
    if alone and all(snapshot.at_ns is None for outputs in devices for snapshot in outputs):
        devices = [list(on_own_clock(outputs)) for outputs in devices]
    outputs = list(chain(*devices))
    changes = compare_all(outputs)
    return [
        Shown(
            source,
            tuple(s for s in outputs if s.source == source),
            tuple(c for c in changes if c.newer_source == source),
        )
        for source in dict.fromkeys(snapshot.source for snapshot in outputs)
    ]


def _by_device(
    shown: Sequence[Shown], modified_ns: Mapping[str, int | None]
) -> Iterator[list[Shown]]:
    """Device after device, the files of each in the order of time."""
    devices: dict[str, list[Shown]] = {}
    for item in shown:
        devices.setdefault(_device(item.snapshots), []).append(item)
    for files in devices.values():
        yield sorted(files, key=cmp_to_key(partial(_later, modified_ns=modified_ns)))


def _device(snapshots: Sequence[Snapshot]) -> str:
    """What a device is called, or its address; empty where nothing tells."""
    names = (snapshot.hostname for snapshot in snapshots)
    addresses = (entry.local for snapshot in snapshots for entry in snapshot.entries)
    return next(filter(None, names), "") or next(filter(None, addresses), "")


def _later(one: Shown, two: Shown, modified_ns: Mapping[str, int | None]) -> int:
    """Above 0 if one file is of a later time than another, below if of an earlier one.

    Clocks tell it, else what the SAs count, which a copy of the file leaves as it is, else the
    times of the files.
    """
    first, second = (_at_ns(item.snapshots) for item in (one, two))
    if first is not None and second is not None and first != second:
        return 1 if first > second else -1
    if one.snapshots and two.snapshots:
        there = _goes_on(one.snapshots[-1], two.snapshots[0])
        back = _goes_on(two.snapshots[-1], one.snapshots[0])
        if there != back:
            return -1 if there else 1
    return (modified_ns.get(one.source) or 0) - (modified_ns.get(two.source) or 0)


def _at_ns(snapshots: Sequence[Snapshot]) -> int | None:
    return next((s.at_ns for s in snapshots if s.at_ns is not None), None)


def _goes_on(older: Snapshot, newer: Snapshot) -> bool:
    """Whether the counters of SAs in one output can have grown to those of another one."""
    changes = compare(older, newer)
    return any(map(_grew, changes)) and all(c.kind is not ChangeKind.RESET for c in changes)


def _grew(change: CounterChange) -> bool:
    grown = change.encaps_packets, change.decaps_packets, change.encaps_bytes, change.decaps_bytes
    return change.kind is ChangeKind.COUNTED and (any(grown) or bool(change.elapsed_s))
