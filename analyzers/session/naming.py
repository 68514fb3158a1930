"""Addresses in logs: masked and translated ones become those on the wire, missing are found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import groupby
from operator import itemgetter
from typing import Final

from msgspec.structs import replace

from analyzers.model.configuration import Configuration
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.session.joined import CaptureClock
from analyzers.session.texts import LogSource
from analyzers.tracking.sightings import is_private

# The names in a log stand for other addresses if nearly all matches agree.
_AGREE: Final = 0.8
# Messages may be paired wrongly, hardly two in a row.
_IN_A_ROW: Final = 2
# charon's "site-b[3]"; SESSION ID and SA ID of Cisco's IKEv2, "31/1#2" where used again.
_SA_OF: Final = re.compile(r"(?P<of>.+?)(?:\[.*|/\d+)?(?:#\d+)?")

Ends = tuple[str | None, str | None]
"""Local and remote, from the log's device."""
_Seen = tuple[int, str]
"""When an address was seen, ns, and which."""


def rename(
    log: LogSource, found: Iterable[tuple[LogEvent, Ends]], *, least: int = _IN_A_ROW
) -> None:
    """Give events the ends that other inputs show for messages of the same SA, or name.

    `least`: how often an address must be seen where a name stands for several in turn.
    """
    by_handle: dict[tuple[int, str | None, str, str | None], list[_Seen]] = {}
    by_name: dict[tuple[int, str | None, str], list[_Seen]] = {}
    for event, ends in found:
        for side, (written, real) in enumerate(zip((event.local, event.remote), ends, strict=True)):
            if real is None:
                continue
            seen = (event.at_ns or 0, real)
            if event.handle is not None:
                by_handle.setdefault((side, event.host, event.handle, written), []).append(seen)
            if written is not None:
                by_name.setdefault((side, event.host, written), []).append(seen)
    handles = {key: _names_of(seen, least) for key, seen in by_handle.items()}
    names = {key: _names_of(seen, least) for key, seen in by_name.items()}
    for event in log.events:
        for side, written in enumerate((event.local, event.remote)):
            name = None
            if event.handle is not None:
                name = _at(handles.get((side, event.host, event.handle, written)), event)
            if name is None and written is not None:
                name = _at(names.get((side, event.host, written)), event)
            if name is None:
                continue
            if side:
                event.remote = name
            else:
                event.local = name


def name_by_children(
    logs: Sequence[LogSource], captures: Sequence[CaptureClock], *, labels: bool = False
) -> bool:
    """Give logs the ends that other inputs show for the SPIs of Child SAs; whether that says more.

    Both SPIs of a Child SA, one each way, are as good as unique, and the same on both sides of a
    NAT, where nothing else may be. `labels`: a peer without an address is called what the other
    end's log is called, so that both tell of one tunnel.
    """
    flows = {spi: ends for capture in reversed(captures) for spi, ends in capture.esp.items()}
    children = {log.number: _children(log) for log in logs}
    by_spis = {up.spis: up for ups in children.values() for up in ups}
    renamed = False
    for log in logs:
        ups = children[log.number]
        found = [(up, ends) for up in ups if (ends := _ends_of_child(up, flows))]
        if not found:
            # The log of the other end has the SPIs the other way round.
            others = ((up, by_spis.get(up.spis[::-1])) for up in ups)
            found = [
                (up, _ends_by_twin(up, other, labels=labels))
                for up, other in others
                if other is not None
            ]
        if any(
            real not in (None, written)
            for up, ends in found
            for real, written in zip(ends, (up.local or ends[0], up.remote), strict=True)
        ):
            rename(log, found, least=1)
            renamed = True
    return renamed


def _children(log: LogSource) -> list[LogEvent]:
    """When it set Child SAs up, with an SPI each way."""
    ups = (event for event in log.events if event.kind is LogEventKind.CHILD_SA_UP)
    return [up for up in ups if len(up.spis) == 2]


def _ends_of_child(event: LogEvent, flows: Mapping[str, tuple[str, str]]) -> Ends | None:
    """Local and remote of a Child SA that a capture has ESP of both ways, in an order that fits."""
    known = {flows[spi] for spi in event.spis if spi in flows}
    if len(known) != 2:
        return None
    here, there = known
    if here != there[::-1]:
        return None
    if event.local is not None and event.local in here:
        return here if event.local == here[0] else there
    if event.remote is not None and event.remote in here:
        return here if event.remote == here[1] else there
    return None


def _names_of(seen: list[_Seen], least: int) -> list[_Seen]:
    """What a name stands for, and since when: one address for all, or one after the other.

    Nothing where addresses alternate: a mask hides several.
    """
    name, count = Counter(real for _, real in seen).most_common(1)[0]
    if count >= _AGREE * len(seen):
        return [(0, name)]
    runs = [list(run) for _, run in groupby(sorted(seen), key=itemgetter(1))]
    moves = len({run[0][1] for run in runs}) == len(runs)
    return [run[0] for run in runs] if moves and all(len(run) >= least for run in runs) else []


def _at(names: list[_Seen] | None, event: LogEvent) -> str | None:
    """The address of a name at the time of an event."""
    if not names:
        return None
    at_ns = event.at_ns or 0
    return next((name for since_ns, name in reversed(names) if since_ns <= at_ns), names[0][1])


def ends_by_other(event: LogEvent, other: LogEvent) -> Ends:
    """What the log of the other end has for the ends of a message that this log has badly."""
    return _better(event.local, other.remote), _better(event.remote, other.local)


def _ends_by_twin(event: LogEvent, other: LogEvent, *, labels: bool) -> Ends:
    """The same of one Child SA in both logs, by name if there is no address."""
    local, remote = ends_by_other(event, other)
    nameless = remote is None and event.remote is not None and is_private(event.remote) is None
    if labels and nameless and other.local != (local or event.local):
        remote = other.local
    return local, remote


def _better(written: str | None, elsewhere: str | None) -> str | None:
    """The name that another log has, where this one's is missing, masked, or behind a NAT."""
    if elsewhere is None or is_private(elsewhere) is None:
        return None
    if written is None or is_private(written) is None:
        return elsewhere
    return elsewhere if is_private(written) and not is_private(elsewhere) else None


def name_local(log: LogSource, captures: Sequence[CaptureClock], nameless: str) -> None:
    """Give the log's own device an address: from its other lines, else from captures.

    `nameless`: what it is called if nothing tells.
    """
    own: dict[str | None, set[str]] = {}
    for event in log.events:
        if event.local is not None:
            own.setdefault(event.host, set()).add(event.local)
    # A NAT may give it another address in the middle: it is called as it was last.
    by_remote = {(e.host, e.remote): e.local for e in reversed(log.events) if e.local is not None}
    if log.tally.hosts > 1 and log.tally.first_host is not None:
        nameless = log.tally.first_host
    elsewhere: dict[str, set[str]] = {}
    for capture in captures:
        for src, dst in capture.ends:
            elsewhere.setdefault(src, set()).add(dst)
            elsewhere.setdefault(dst, set()).add(src)
    remotes = {e.remote for e in log.events if e.remote is not None}
    lone = next(iter(remotes)) if len(remotes) == 1 else None
    handles = {e.handle for e in log.events if e.remote is not None}
    named = {tied for handle in handles if (tied := connection_of(handle))}
    for event in log.events:
        if event.remote is None and lone is not None:
            event.remote = lone_peer(event, lone, named)
        elif event.remote is None and event.handle is not None and not remotes and not captures:
            event.remote = _nameless(event)
        if event.local is not None:
            by_remote[event.host, event.remote] = event.local
            continue
        # Of several devices nobody knows which one a capture shows.
        seen = elsewhere.get(event.remote or "", set()) if log.tally.hosts <= 1 else set()
        event.local = by_remote.get((event.host, event.remote))
        if event.local is None and len(seen) == 1:
            event.local = next(iter(seen))
        if event.local is None:
            known = own.get(event.host, set())
            event.local = next(iter(known)) if len(known) == 1 else event.host or nameless


def name_by_configurations(
    logs: Sequence[LogSource], configurations: Sequence[Configuration]
) -> None:
    """Give a log that never names its own device the address which its configuration has.

    That is the only configuration here that names a peer of the log.
    """
    for log in logs:
        if log.tally.hosts > 1 or any(event.local is not None for event in log.events):
            continue
        remotes = dict.fromkeys(e.remote for e in log.events if e.remote is not None)
        found = {}
        for configuration in configurations:
            own = next((a for r in remotes if (a := _own_address(configuration, r))), None)
            if own is not None and not remotes.keys() & set(configuration.addresses):
                found[configuration.hostname or configuration.source] = own
        host = log.tally.first_host
        if len(found) == 1 and (host is None or host in found):
            for event in log.events:
                event.local = next(iter(found.values()))


def _own_address(configuration: Configuration, remote: str) -> str | None:
    """What a device calls itself towards a peer that its configuration names."""
    for connection in configuration.connections_to(remote):
        return connection.local or next(iter(configuration.addresses), None)
    return None


def connection_of(handle: str | None) -> str | None:
    """The device's own name of what an SA belongs to: that of a connection, or of a session."""
    named = None if handle is None else _SA_OF.fullmatch(handle)
    return None if named is None else named["of"]


def lone_peer(event: LogEvent, lone: str, named: Set[str]) -> str:
    """Whom an event without an address is about, in a log that has the address of one peer only.

    `named`: connections that the log has an address of. One that is none of them may be that of
    anybody: what became of it must not be told of a peer that is well.
    """
    connection = connection_of(event.handle)
    if connection is None or not named or connection in named:
        return lone
    return _nameless(event)


def _nameless(event: LogEvent) -> str:
    """What a peer is called of which a log tells the IKE SA only."""
    return f"SA {event.handle}"


def told_to_peers(
    events: Iterable[LogEvent], ends: Mapping[str, str | None], hosts: int
) -> Iterator[LogEvent]:
    """Events in which a start of the device is told to each of its peers.

    `ends`: its own address towards each; `hosts`: names that a relay has for those that write the
    log. Of several devices nobody knows which one started.
    """
    started = LogEventKind.STARTED
    for event in events:
        if event.kind is not started:
            yield event
        elif hosts <= 1:
            for remote, local in ends.items():
                yield replace(event, local=local, remote=remote)
