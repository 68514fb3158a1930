"""What is said when a live session has ended, beside its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analyzers.export.content import Content
from analyzers.model.records import ProblemKind
from analyzers.session.live import LiveSession
from analyzers.sources.feed import LiveSource, SourceState
from dpdlab.cli.diagnostics import Diagnostics, ExitCode
from dpdlab.present.live_lines import health_line
from dpdlab.present.safe import safe


def nothing_read(
    content: Content, sources: Sequence[LiveSource], diagnostics: Diagnostics
) -> ExitCode:
    """Whether nothing was seen because a capture was none, or a source could not be read."""
    failed = any(source.feed.status.state is SourceState.FAILED for source in sources)
    code = ExitCode.INPUT if failed else ExitCode.OK
    for source in content.sources:
        never = [s for s in sources if s.name == source.path and _never_was(s)]
        if never and not source.lines:
            diagnostics.error(f"{safe(source.path)}: {never[0].feed.status.detail}")
            code = ExitCode.INPUT
    for source in content.sources:
        bad = [p for p in source.problems if p.kind is ProblemKind.BAD_BLOCK]
        if bad and not source.packets:
            diagnostics.error(f"{safe(source.path)}: {bad[0].detail}")
            code = ExitCode.INPUT
    return code


def _never_was(source: LiveSource) -> bool:
    """Whether a log was waited for from the beginning to the end."""
    status = source.feed.status
    return source.kind == "log" and status.state is SourceState.WAITING and not status.restarts


def tell_saved(
    session: LiveSession, diagnostics: Diagnostics, *, now_ns: int, keep_empty: bool
) -> None:
    """How the sources were, and where what they gave is kept."""
    for health in session.health(now_ns):
        diagnostics.note(health_line(health))
    store = session.store
    if store is not None and not store.packets_bytes and not keep_empty:
        store.discard()
    elif store is not None:
        where = _told_paths(store.paths, store.removed)
        if store.stopped and not store.packets_bytes:
            diagnostics.warning(f"no packet could be kept: {store.stopped}")
        elif store.stopped:
            diagnostics.warning(f"the packets until there was no more room are in {where}")
        else:
            diagnostics.note(f"packets are in {where}")
    if session.log_store is not None:
        for log in session.log_store.logs:
            where = _told_paths(log.paths, log.files.removed)
            diagnostics.note(f"the lines of {safe(log.name)} are in {where}")


def _told_paths(paths: Sequence[Path], removed: int) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    gone = f"; {removed} older ones were removed" if removed else ""
    return f"{paths[0]}{more}{gone}"
