"""The end of a live session that was kept as a whole: it is analysed again, as files are.

While things happen, a log stands where its lines came, and the oldest events of a peer go. With
hindsight a log is put on the clock of the packets, names those that are encrypted, and nothing is
missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.errors import AnalyzerError
from analyzers.model.alignment import ClockBasis
from analyzers.model.peer import PeerView
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.model.time import ClockQuality
from analyzers.session.clocks import PUT_TO_ARRIVAL, value_of
from analyzers.session.driver import Session
from analyzers.session.live import LiveSession
from analyzers.session.options import ClockOptions, SessionOptions
from analyzers.sources.inputs import InputSpec
from analyzers.tracking.logs import UNKNOWN_LOCAL

# So much is analysed again in about a second.
_MOST_BYTES: Final = 600_000_000
# To choose the packets of a source costs as much as to read so many times as much.
_SPLIT_COST: Final = 4
_PLACED: Final = (ClockBasis.MATCHED, ClockBasis.MANUAL, ClockBasis.REFERENCE)


class Again(Struct, frozen=True):
    """The session as its files tell it; or why they do not."""

    session: Session | None
    why_not: str = ""
    """Empty also where nothing is to be gained: all is known, and in its place."""


def again(live: LiveSession, configurations: Sequence[str]) -> Again:
    """Analyse a session that has ended from what it kept; `configurations` are files."""
    logs = [info for info in live.sources if info.kind == "log" and info.lines]
    if not live.forgotten and not logs:
        return Again(None)
    try:
        names, kept = _kept(live)
        session = Session(_options(live, {s.name: n for s, n in zip(kept, names, strict=True)}))
        session.run([*kept, *configurations])
        return Again(_checked(live, session, names))
    except AnalyzerError as error:
        alone = len(live.sources) < 2 and not live.forgotten
        return Again(None, "" if alone else error.message)


class _Unfit(AnalyzerError):
    """What was kept does not tell the session."""


def _kept(live: LiveSession) -> tuple[list[str], list[InputSpec]]:
    """Names and files of all sources, in their order. Raises _Unfit where something is missing."""
    captures = [n for n, info in enumerate(live.sources) if info.kind == "capture"]
    specs: dict[str, InputSpec] = {}
    size = 0
    if captures:
        store = live.store
        if store is None or store.stopped or store.removed or not store.paths:
            raise _Unfit("not all packets were kept")
        for number in captures:
            # What came of several sources is in the same files: each is read out of them.
            chosen = store.interfaces_of(number) if len(captures) > 1 else None
            specs[live.sources[number].id] = _spec("pcapng", store.paths, chosen)
        size = store.packets_bytes * (1 if len(captures) == 1 else _SPLIT_COST * len(captures))
    kept = live.log_store
    if kept is None or not kept.whole:
        raise _Unfit("not all lines were kept")
    for log in kept.logs:
        specs[live.sources[log.number].id] = _spec("log", log.paths)
    if size > _MOST_BYTES:
        raise _Unfit("too much was kept to analyse it again")
    told = [info for info in live.sources if info.id in specs]
    if told != live.sources[: len(told)]:
        raise _Unfit("a source that came first said nothing")
    return [info.path for info in told], [specs[info.id] for info in told]


def _spec(kind: str, paths: Sequence[Path], chosen: frozenset[int] | None = None) -> InputSpec:
    """A source as its files tell it; several are read as one."""
    names = tuple(map(str, paths))
    parts = names if len(names) > 1 or chosen is not None else ()
    # Several sources may be in the same files.
    name = names[0] if chosen is None else f"{names[0]}#{min(chosen, default=-1)}"
    return InputSpec(names[0], True, True, name, kind, parts, chosen)


def _options(live: LiveSession, names: dict[str, str]) -> SessionOptions:
    """The options of the session, for files whose names are others."""
    clocks = live.options.clocks
    zones = {path: value_of(clocks.zones, name, None) for path, name in names.items()}
    years = {path: value_of(clocks.years, name, None) for path, name in names.items()}
    offsets = {path: value_of(clocks.offsets_ns, name, None) for path, name in names.items()}
    for_files = ClockOptions(
        align=clocks.align,
        year=clocks.year,
        years={path: year for path, year in years.items() if year is not None},
        zone=clocks.zone,
        zones={path: zone for path, zone in zones.items() if zone is not None},
        offsets_ns={path: offset for path, offset in offsets.items() if offset is not None},
    )
    return replace(live.options, clocks=for_files)


def _checked(live: LiveSession, session: Session, names: Sequence[str]) -> Session:
    """The session, under the names of the live one. Raises _Unfit where it knows less."""
    for before, after, name in zip(live.sources, session.sources, names, strict=False):
        if before.kind != after.kind:
            raise _Unfit(f"what was kept of {name} is not recognised")
        placed = after.clock_basis in _PLACED or _is_put(after)
        if after.kind == "log" and not placed and _was_moved(before):
            raise _Unfit(f"nothing in another source puts the clock of {name} right")
        after.path = name
        for problem in before.problems:
            if problem.kind is ProblemKind.LINES_LOST:
                after.note(problem)
    peers = live.peers(), session.peers()
    if len(peers[0]) != len(peers[1]) or not all(map(_is_same, *peers)):
        raise _Unfit("with hindsight its peers would be others")
    return session


def _is_same(before: PeerView, after: PeerView) -> bool:
    """Whether two views are of one peer; the address of a log's own device may be known now."""
    own, ends = {before.local, before.remote}, {after.local, after.remote}
    return own == ends or (UNKNOWN_LOCAL in own and own - {UNKNOWN_LOCAL} < ends)


def _was_moved(log: SourceInfo) -> bool:
    """Whether lines were put to when they came, and not to what their stamps say."""
    return log.clock is ClockQuality.RELATIVE or _is_put(log)


def _is_put(log: SourceInfo) -> bool:
    """Whether a log says that it is put to when its lines came."""
    return any(problem.detail == PUT_TO_ARRIVAL for problem in log.problems)


def note_unaligned(live: LiveSession, why_not: str) -> None:
    """Say of each log that its lines stand where they came."""
    detail = f"followed live: its clock was not aligned with the other sources ({why_not})"
    for info in live.sources:
        if info.kind == "log" and info.lines:
            info.note(Problem(ProblemKind.NOT_ALIGNED, detail))
