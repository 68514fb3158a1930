"""Addresses in logs: masked and translated ones become those on the wire, missing are found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from msgspec.structs import replace

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.session.joined import CaptureClock
from analyzers.session.texts import LogSource
from analyzers.tracking.sightings import is_private

# The names in a log stand for other addresses if nearly all matches agree.
_AGREE: Final = 0.8

Ends = tuple[str | None, str | None]
"""Local and remote, from the log's device."""
_Seen = tuple[int, str]
"""When an address was seen, ns, and which."""


def rename(log: LogSource, found: Iterable[tuple[LogEvent, Ends]]) -> None:
    """Give events the ends that other inputs show for messages of the same SA, or name."""
    by_handle: dict[tuple[int, str, str | None], list[_Seen]] = {}
    by_name: dict[tuple[int, str], list[_Seen]] = {}
    for event, ends in found:
        for side, (written, real) in enumerate(zip((event.local, event.remote), ends, strict=True)):
            if real is None:
                continue
            seen = (event.at_ns or 0, real)
            if event.handle is not None:
                by_handle.setdefault((side, event.handle, written), []).append(seen)
            if written is not None:
                by_name.setdefault((side, written), []).append(seen)
    handles = {key: _names_of(seen) for key, seen in by_handle.items()}
    names = {key: _names_of(seen) for key, seen in by_name.items()}
    for event in log.events:
        for side, written in enumerate((event.local, event.remote)):
            name = None
            if event.handle is not None:
                name = _at(handles.get((side, event.handle, written)), event)
            if name is None and written is not None:
                name = _at(names.get((side, written)), event)
            if name is None:
                continue
            if side:
                event.remote = name
            else:
                event.local = name


def _names_of(seen: list[_Seen]) -> list[_Seen]:
    """What a name stands for, and since when: one address for all, or one after the other.

    Nothing where addresses alternate: a mask hides several.
    """
    name, count = Counter(real for _, real in seen).most_common(1)[0]
    if count >= _AGREE * len(seen):
        return [(0, name)]
    runs = [list(run) for _, run in groupby(sorted(seen), key=itemgetter(1))]
    moves = len({run[0][1] for run in runs}) == len(runs)
    return [run[0] for run in runs] if moves and all(len(run) > 1 for run in runs) else []


def _at(names: list[_Seen] | None, event: LogEvent) -> str | None:
    """The address of a name at the time of an event."""
    if not names:
        return None
    at_ns = event.at_ns or 0
    return next((name for since_ns, name in reversed(names) if since_ns <= at_ns), names[0][1])


def ends_by_other(event: LogEvent, other: LogEvent) -> Ends:
    """What the log of the other end has for the ends of a message that this log has badly."""
    return _better(event.local, other.remote), _better(event.remote, other.local)


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
    own = Counter(e.local for e in log.events if e.local is not None)
    # A NAT may give it another address in the middle: it is called as it was last.
    by_remote = {e.remote: e.local for e in reversed(log.events) if e.local is not None}
    elsewhere: dict[str, set[str]] = {}
    for capture in captures:
        for src, dst in capture.ends:
            elsewhere.setdefault(src, set()).add(dst)
            elsewhere.setdefault(dst, set()).add(src)
    remotes = {e.remote for e in log.events if e.remote is not None}
    lone = next(iter(remotes)) if len(remotes) == 1 else None
    for event in log.events:
        if event.remote is None:
            event.remote = lone
        if event.local is not None:
            by_remote[event.remote] = event.local
            continue
        seen = elsewhere.get(event.remote or "", set())
        event.local = by_remote.get(event.remote)
        if event.local is None and len(seen) == 1:
            event.local = next(iter(seen))
        if event.local is None:
            event.local = next(iter(own)) if len(own) == 1 else nameless


def told_to_peers(
    events: Iterable[LogEvent], ends: Mapping[str, str | None], hosts: int
) -> Iterator[LogEvent]:
    """Events in which a start of the device is told to each of its peers.

    `ends`: its own address towards each; `hosts`: names that a relay has for those that write the
    log. Of several devices nobody knows which one started.
    """
    for event in events:
        if event.kind is not LogEventKind.STARTED:
            yield event
        elif hosts <= 1:
            for remote, local in ends.items():
                yield replace(event, local=local, remote=remote)
