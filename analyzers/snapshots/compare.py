"""What moved between two snapshots of one device: counters that grew on one side only are evidence
of a black hole, and the time between the two is a lower bound of it.

An SA is itself only as long as its SPIs (or the device's own handle) are the same. Others in its
place were negotiated meanwhile, so the peer was alive, and their counters are not compared. Where
an output has no SPIs, a remaining lifetime that rose tells the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from analyzers.model.snapshot import (
    ChangeKind,
    ChildSnapshot,
    CounterChange,
    SaSnapshot,
    Snapshot,
    SnapshotFormat,
)
from analyzers.model.time import ClockQuality, seconds

# These show lifetimes in their largest unit ("2 hours"): no measure of what lies between.
_COARSE: Final = frozenset({SnapshotFormat.STRONGSWAN_STATUSALL})
# From best to worst.
_QUALITIES: Final = (
    ClockQuality.ABSOLUTE,
    ClockQuality.NO_ZONE,
    ClockQuality.NO_YEAR,
    ClockQuality.UNSYNCHRONISED,
    ClockQuality.RELATIVE,
)
# A lifetime that is counted down does not rise but for rounding.
_MAX_RISE_S: Final = 2
# Snapshots that are looked at for a Child SA that the last one does not show (it had a filter).
_MAX_RECENT: Final = 8


def compare(older: Snapshot, newer: Snapshot) -> tuple[CounterChange, ...]:
    """The changes of all Child SAs with counters, `older` having been printed before `newer`.

    Empty for outputs of different commands or devices, and where nothing can be matched.
    """
    if not _comparable(older, newer):
        return ()
    pairs = _pairs(_children(older), _children(newer), older.command == newer.command)
    if older.source != newer.source and not (older.hostname and newer.hostname):
        # Nothing but its SPIs tells that a file without a name is of the same device.
        pairs = [(one, other) for one, other in pairs if any(one.handle) and _is_same(one, other)]
    return tuple(_change(older, newer, one, other) for one, other in pairs)


def compare_all(snapshots: Sequence[Snapshot]) -> tuple[CounterChange, ...]:
    """The changes of each Child SA since the last snapshot before that shows it, in input order.

    Input order is the order of time, but for snapshots that both came with their time.
    """
    changes: list[CounterChange] = []
    recent: dict[SnapshotFormat, deque[Snapshot]] = {}
    for snapshot in snapshots:
        known = recent.setdefault(snapshot.format, deque(maxlen=_MAX_RECENT))
        compared: set[int] = set()
        for other in reversed(known):
            older, newer = _in_order(other, snapshot)
            for change in compare(older, newer):
                line = change.newer_line if newer is snapshot else change.older_line
                if line not in compared:
                    compared.add(line)
                    changes.append(change)
        known.append(snapshot)
    return tuple(changes)


def _comparable(older: Snapshot, newer: Snapshot) -> bool:
    """Whether two snapshots can be of one device by the same command."""
    if older.format is not newer.format:
        return False
    return older.hostname == newer.hostname or not (older.hostname and newer.hostname)


def _in_order(first: Snapshot, second: Snapshot) -> tuple[Snapshot, Snapshot]:
    if (
        first.at_exact
        and second.at_exact
        and first.at_ns is not None
        and second.at_ns is not None
        and second.at_ns < first.at_ns
    ):
        return second, first
    return first, second


class _Place(Struct, frozen=True):
    """A Child SA and the peer it belongs to."""

    sa: SaSnapshot
    child: ChildSnapshot

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What stays when the SAs are negotiated anew; all empty where nothing tells."""
        sa, child = self.sa, self.child
        return (sa.name, sa.local, sa.remote, child.name, child.flow)

    @property
    def handle(self) -> tuple[str, str, str]:
        """What does not stay."""
        return (self.child.outbound_spi, self.child.inbound_spi, self.child.unique_id)


def _children(snapshot: Snapshot) -> list[_Place]:
    return [
        _Place(sa, child) for sa in snapshot.entries for child in sa.children if _counted(child)
    ]


def _counted(child: ChildSnapshot) -> bool:
    counters = (
        child.encaps_packets,
        child.decaps_packets,
        child.encaps_bytes,
        child.decaps_bytes,
    )
    return any(counter is not None for counter in counters)


def _pairs(
    before: Sequence[_Place], after: Sequence[_Place], same_command: bool
) -> list[tuple[_Place, _Place]]:
    """Each Child SA of the newer snapshot with itself, or with the one it replaces."""
    handles = {one.handle: one for one in before if any(one.handle)}
    pairs: list[tuple[_Place, _Place]] = []
    taken: set[int] = set()
    open_places: list[_Place] = []
    for other in after:
        one = handles.get(other.handle) if any(other.handle) else None
        if one is not None and id(one) not in taken and _one_peer(one, other):
            taken.add(id(one))
            pairs.append((one, other))
        else:
            open_places.append(other)
    identities: dict[tuple[str, str, str, str, str], list[_Place]] = {}
    for one in before:
        if id(one) not in taken:
            identities.setdefault(one.identity, []).append(one)
    for other in open_places:
        known = identities.get(other.identity, [])
        if known and (any(other.identity) or (same_command and len(before) == len(after))):
            pairs.append((known.pop(0), other))
    order = {id(other): place for place, other in enumerate(after)}
    return sorted(pairs, key=lambda pair: order[id(pair[1])])


def _is_same(one: _Place, other: _Place) -> bool:
    return one.handle == other.handle


def _one_peer(one: _Place, other: _Place) -> bool:
    remotes = {one.sa.remote, other.sa.remote} - {""}
    return len(remotes) < 2


def _change(older: Snapshot, newer: Snapshot, one: _Place, other: _Place) -> CounterChange:
    kind = _kind(one, other)
    counted = kind is ChangeKind.COUNTED
    a, b = one.child, other.child
    growth = {
        "encaps_packets": _growth(a.encaps_packets, b.encaps_packets) if counted else None,
        "encaps_bytes": _growth(a.encaps_bytes, b.encaps_bytes) if counted else None,
        "decaps_packets": _growth(a.decaps_packets, b.decaps_packets) if counted else None,
        "decaps_bytes": _growth(a.decaps_bytes, b.decaps_bytes) if counted else None,
        "encap_errors": _growth(a.encap_errors, b.encap_errors) if counted else None,
        "decap_errors": _growth(a.decap_errors, b.decap_errors) if counted else None,
    }
    silent = counted and _silent(one, other)
    elapsed_s, basis = _elapsed(older, newer, one, other, counted)
    from_ns, to_ns, clock = _times(older, newer)
    return CounterChange(
        format=newer.format,
        kind=kind,
        local=other.sa.local or one.sa.local,
        remote=other.sa.remote or one.sa.remote,
        name=other.sa.name,
        flow=b.flow or a.flow,
        inbound_spi=b.inbound_spi,
        outbound_spi=b.outbound_spi,
        **growth,
        silent=silent,
        from_ns=from_ns,
        to_ns=to_ns,
        clock=clock,
        times_exact=older.at_exact and newer.at_exact and from_ns is not None,
        elapsed_s=elapsed_s,
        last_inbound_s=b.last_in_s,
        older_line=a.line,
        newer_line=b.line,
        older_source=older.source,
        newer_source=newer.source,
        evidence=_evidence(
            kind, one, other, elapsed_s, basis, _lines(older, newer, a.line, b.line)
        ),
    )


def _kind(one: _Place, other: _Place) -> ChangeKind:
    a, b = one.child, other.child
    if _replaced(one, other):
        return ChangeKind.REPLACED
    rose_s = (b.remaining_s or 0) - (a.remaining_s or 0)
    handled = any(one.handle) and any(other.handle)
    if None not in (a.remaining_s, b.remaining_s) and rose_s > _MAX_RISE_S and not handled:
        return ChangeKind.REPLACED
    fell = any(
        earlier is not None and later is not None and later < earlier
        for earlier, later in (
            (a.encaps_packets, b.encaps_packets),
            (a.decaps_packets, b.decaps_packets),
            (a.encaps_bytes, b.encaps_bytes),
            (a.decaps_bytes, b.decaps_bytes),
        )
    )
    return ChangeKind.RESET if fell else ChangeKind.COUNTED


def _replaced(one: _Place, other: _Place) -> bool:
    """Whether a handle that both have differs."""
    return any(a and b and a != b for a, b in zip(one.handle, other.handle, strict=True))


def _growth(earlier: int | None, later: int | None) -> int | None:
    return None if earlier is None or later is None else later - earlier


def _silent(one: _Place, other: _Place) -> bool:
    """Whether it went on sending for certain, and decaps for certain did not grow."""
    a, b = one.child, other.child
    packets = _growth(a.encaps_packets, b.encaps_packets)
    sent = packets > 1 if packets is not None else _growth(a.encaps_bytes, b.encaps_bytes)
    came = [
        _growth(a.decaps_packets, b.decaps_packets),
        # A rounded counter hides what is below its step.
        None if b.decaps_step_bytes > 1 else _growth(a.decaps_bytes, b.decaps_bytes),
    ]
    known = [grown for grown in came if grown is not None]
    return bool(sent) and bool(known) and not any(known)


def _times(older: Snapshot, newer: Snapshot) -> tuple[int | None, int | None, ClockQuality | None]:
    if older.at_ns is None or newer.at_ns is None or newer.at_ns < older.at_ns:
        return None, None, None
    qualities: Iterable[ClockQuality] = filter(None, (older.clock, newer.clock))
    worst = max(qualities, key=_QUALITIES.index, default=None)
    return older.at_ns, newer.at_ns, worst


def _elapsed(
    older: Snapshot, newer: Snapshot, one: _Place, other: _Place, counted: bool
) -> tuple[float | None, str]:
    """Seconds between the two, and what they were told by."""
    from_ns, to_ns, _ = _times(older, newer)
    by_clock = None if from_ns is None or to_ns is None else seconds(to_ns - from_ns)
    if by_clock is not None and older.at_exact and newer.at_exact:
        return by_clock, f"the times of {_lines(older, newer, older.at_line, newer.at_line)}"
    if counted and newer.format not in _COARSE:
        a, b = one.child.remaining_s, other.child.remaining_s
        left_s = None if a is None or b is None else a - b
        a, b = one.sa.age_s, other.sa.age_s
        if not left_s and a is not None and b is not None and b > a:
            return float(b - a), "the age of the SA"
        if left_s is not None and left_s >= 0:
            return float(left_s), "the remaining lifetime of the SA"
    if by_clock is not None:
        return by_clock, f"the clock of {_lines(older, newer, older.at_line, newer.at_line)}"
    return None, ""


def _lines(older: Snapshot, newer: Snapshot, one: int | None, other: int | None) -> str:
    """A line of each, with the inputs where they are two."""
    if older.source == newer.source:
        return f"lines {one} and {other}"
    return f"lines {older.source}#{one} and {newer.source}#{other}"


def _title(place: _Place) -> str:
    sa, child = place.sa, place.child
    spis = "/".join(spi for spi in (child.inbound_spi, child.outbound_spi) if spi)
    name = f"Child SA {spis}" if spis else "Child SA"
    if sa.remote:
        return f"{name} with {sa.remote}"
    return f"{name} of {sa.name}" if sa.name else name


def _evidence(
    kind: ChangeKind,
    one: _Place,
    other: _Place,
    elapsed_s: float | None,
    basis: str,
    lines: str,
) -> str:
    a, b = one.child, other.child
    if kind is ChangeKind.REPLACED:
        return f"{_title(other)} replaced {_title(one)} between {lines}: the peer was alive"
    if kind is ChangeKind.RESET:
        return f"counters of {_title(other)} fell between {lines}: not compared"
    within = f" within {elapsed_s:g} s (by {basis})" if elapsed_s is not None else ""
    matched = "" if any(one.identity) or any(one.handle) else ", matched by their order"
    idle = "" if b.last_in_s is None else f"; last packet in {b.last_in_s} s before"
    lag = "; hardware counts these packets and can lag" if b.offloaded else ""
    sent = _grown(a.encaps_packets, b.encaps_packets, a.encaps_bytes, b.encaps_bytes)
    came = _grown(a.decaps_packets, b.decaps_packets, a.decaps_bytes, b.decaps_bytes)
    return f"{_title(other)}: {sent} sent, {came} received{within}, {lines}{matched}{idle}{lag}"


def _grown(
    packets_before: int | None,
    packets_after: int | None,
    bytes_before: int | None,
    bytes_after: int | None,
) -> str:
    packets = _growth(packets_before, packets_after)
    if packets is not None:
        return f"{packets} packet{'' if packets == 1 else 's'}"
    grown = _growth(bytes_before, bytes_after)
    return "an unknown number" if grown is None else f"{grown} bytes"
