"""What is said when a live session has ended, beside its report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from analyzers.export.content import Content
from analyzers.model.records import ProblemKind
from analyzers.session.live import LiveSession
from analyzers.session.live_log_store import LogStore
from analyzers.sources.feed import LiveSource, SourceState
from dpdlab.cli.diagnostics import Diagnostics, ExitCode
from dpdlab.cli.judging import exit_code
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


def judged(content: Content, options: argparse.Namespace, diagnostics: Diagnostics) -> ExitCode:
    """What the session comes to, by what it tells."""
    text = options.format == "text"
    return exit_code(
        content,
        diagnostics,
        strict=options.strict,
        fail_on=options.fail_on,
        damage_told=text,
        diagnosis_told=text,
    )


def in_vain(code: ExitCode) -> ExitCode:
    """What was waited for has not come."""
    return ExitCode.FINDINGS if code is ExitCode.OK else code


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
    if store is not None:
        where, empty = _told_paths(store.paths, store.removed), not store.packets_bytes
        if empty and not keep_empty:
            store.discard()
        if store.stopped and empty:
            diagnostics.warning(f"no packet could be kept: {store.stopped}")
        elif store.stopped:
            diagnostics.warning(f"{store.stopped}; the packets until then are in {where}")
        elif keep_empty or not empty:
            diagnostics.note(f"packets are in {where}")
    if session.log_store is not None:
        _tell_kept_logs(session.log_store, diagnostics)


def _tell_kept_logs(store: LogStore, diagnostics: Diagnostics) -> None:
    for log in store.logs:
        where, lines = _told_paths(log.paths, log.files.removed), f"the lines of {safe(log.name)}"
        if not log.files.stopped:
            diagnostics.note(f"{lines} are in {where}")
        elif log.is_empty:
            _tell_unkept(log.name, log.files.stopped, diagnostics)
        else:
            diagnostics.warning(f"{log.files.stopped}; {lines} until then are in {where}")
    for name, why in store.unkept.items():
        _tell_unkept(name, why, diagnostics)


def _tell_unkept(name: str, why: str, diagnostics: Diagnostics) -> None:
    diagnostics.warning(f"no line of {safe(name)} could be kept: {why}")


def _told_paths(paths: Sequence[Path], removed: int) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    gone = f"; {removed} older ones were removed" if removed else ""
    return f"{paths[0]}{more}{gone}"
