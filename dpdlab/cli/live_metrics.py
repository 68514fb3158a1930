"""Where `live --metrics` is asked for, the session is measured; else nothing is loaded for it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from analyzers.model.peer import PeerView
from analyzers.session.live import LiveSession
from dpdlab.cli.diagnostics import Diagnostics

Measure = Callable[[LiveSession, Sequence[PeerView], int], None]
"""Takes what a session knows at a moment; called in the thread that drives the session."""


@contextmanager
def metered(options: argparse.Namespace, diagnostics: Diagnostics) -> Iterator[Measure]:
    """What hands a session's state to whoever scrapes it, for as long as it goes on.

    Raises UsageError where nothing can listen at the address of `--metrics`.
    """
    where = options.metrics
    if where is None:
        yield _nothing
        return
    from dpdlab.cli.metrics_server import served

    with served(where.host, where.port) as (meter, port):
        host = f"[{where.host}]" if ":" in where.host else where.host
        diagnostics.note(f"metrics are at http://{host}:{port}/metrics")

        def measure(session: LiveSession, peers: Sequence[PeerView], now_ns: int) -> None:
            event_ns = session.event_ns(now_ns)
            meter.update(peers, session.health(now_ns), event_ns, session.forgotten)

        yield measure


def _nothing(_session: LiveSession, _peers: Sequence[PeerView], _now_ns: int) -> None:
    """Nobody asked."""
