"""`dpdlab live` on a terminal: the console over a session that goes on."""

from __future__ import annotations

import argparse
import select
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from analyzers.session.live import LiveSession
from analyzers.sources.feed import LiveSource
from analyzers.sources.names import STDIN
from dpdlab.cli.diagnostics import Diagnostics, ExitCode
from dpdlab.cli.live_metrics import Measure
from dpdlab.cli.terminals import has_keys, is_terminal, keys_from_terminal

if TYPE_CHECKING:
    from dpdlab.cli.console_looks import Looks
    from dpdlab.present.filter import Filter

_SILENT_MS: Final = 1000


def is_wanted(options: argparse.Namespace) -> bool:
    """Whether the console is opened: on a terminal, unless a format or an end is asked for.

    With a capture on standard input the keys come from the terminal behind it.
    """
    if options.format is not None or options.duration is not None:
        return False
    if not is_terminal(sys.stdout):
        return False
    return is_terminal(sys.stdin) or (STDIN in options.interface and has_keys())


def await_pipe(diagnostics: Diagnostics) -> None:
    """Wait until a capture on standard input begins: whoever sends it may ask for a password."""
    if is_terminal(sys.stdin):
        return
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    if not poll.poll(_SILENT_MS):
        diagnostics.note("waiting for the capture on standard input to begin")
        poll.poll()
    keys_from_terminal()


def watch(
    session: LiveSession,
    sources: Sequence[LiveSource],
    looks: Looks,
    wanted: Filter | None,
    clock_ns: Callable[[], int],
    measure: Measure,
) -> tuple[ExitCode, int | None]:
    """Stay in the console until it is left; with what ended it, for `dpdlab.tui.ending.follow`."""
    from dpdlab.tui.app import ConsoleApp
    from dpdlab.tui.live_reading import LiveReader
    from dpdlab.tui.reading import Outcome

    def reader(tell: Callable[[Outcome], None]) -> LiveReader:
        def told(outcome: Outcome) -> None:
            # In the thread that drives the session, as the views themselves.
            if outcome.content is not None and outcome.live is not None:
                measure(session, outcome.content.peers, outcome.live.now_ns)
            tell(outcome)

        return LiveReader(session, clock_ns, told)

    app = ConsoleApp(
        [source.name for source in sources],
        session.options,
        live=reader,
        **looks,
    )
    if wanted is not None:
        app.model.set_filter(wanted)
    ended = app.run()
    if app.model.crash is not None:
        raise app.model.crash
    code = ExitCode.INPUT if app.model.failure else ExitCode.OK
    return ExitCode.INTERNAL if app.return_code else code, ended
