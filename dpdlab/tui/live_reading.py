"""Drives a live session in a thread of its own, and hands over what is known, several times a
second. The session lives in that thread alone."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from analyzers.errors import AnalyzerError
from analyzers.export.content import Content
from analyzers.model.peer import PeerView
from analyzers.model.time import ORDER_LIMIT_NS
from analyzers.rules.judge import Judgement
from analyzers.session.live import LiveSession
from analyzers.session.live_health import SourceHealth
from dpdlab import __version__
from dpdlab.present.pace import Pace
from dpdlab.tui.reading import Outcome

if TYPE_CHECKING:
    from analyzers.session.live_lines import LiveLines

_QUIET_S: Final = 1.0
_JUDGE_EVERY_S: Final = 2.0
# So many times what judging costs passes before it is done again.
_JUDGE_REST: Final = 4
_ABOUT_THE_END: Final = frozenset({"capture-insufficient"})


class LiveNow(Struct, frozen=True):
    """The moment at which something was known, and how the sources were then."""

    now_ns: int
    sources: tuple[SourceHealth, ...]
    event_ns: int
    """The same moment on the clock of the packets, which may be that of another machine."""
    news: bool = True
    """More than traffic and time has gone on since the last time."""


def happened(peer: PeerView) -> object:
    """What is different once more than traffic and time has gone on."""
    asked = peer.exchanges[-1] if peer.exchanges else None
    return (
        peer.state,
        peer.confidence,
        len(peer.exchanges),
        None if asked is None else (len(asked.transmissions), asked.outcome),
        *map(len, (peer.messages, peer.deletes, peer.lost_deletes, peer.hints, peer.black_holes)),
    )


class LiveReader:
    """What the console reads from while things happen; see `Reader`."""

    def __init__(
        self,
        session: LiveSession,
        clock_ns: Callable[[], int],
        tell: Callable[[Outcome], None],
    ) -> None:
        """`tell` is called in the reader's thread; `clock_ns` is the time, ns since the epoch."""
        self._session = session
        self._clock_ns = clock_ns
        self._tell = tell
        self._stop = Event()
        self._told: list[object] = []
        """What had happened when it was told last."""
        self._lines: LiveLines | None = None
        self._judgement = Judgement()
        self._thread = Thread(target=self._run, name="dpdlab-live", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """End as soon as what is at hand is done; the sources are let go."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        session = self._session
        try:
            session.start()
            self._watch()
        except AnalyzerError as error:
            self._tell(Outcome(done=True, error=error.message, hint=error.hint))
        except Exception as error:  # noqa: BLE001 - the console stays usable, and says so
            self._tell(Outcome(done=True, error=f"internal error: {error!r}", crash=error))
        finally:
            session.end(self._clock_ns())

    def _watch(self) -> None:
        session = self._session
        pace, judge_due_s = Pace(_QUIET_S), 0.0
        news = True
        while not self._stop.is_set():
            if session.wait(pace.wait_s(monotonic(), news=news)):
                sleep(pace.gather_s(monotonic()))
            now_ns, now_s = self._clock_ns(), monotonic()
            news |= session.pump(now_ns)
            pace.taken(now_s)
            if pace.is_due(now_s, news=news):
                peers = session.peers_so_far(now_ns)
                self._tell(self._outcome(now_ns, peers))
                looked_s = monotonic()
                if looked_s >= judge_due_s:
                    # What is seen does not wait for what the rules say of it.
                    if self._judge(peers):
                        self._tell(self._outcome(now_ns, peers))
                    judge_due_s = looked_s + max(
                        _JUDGE_EVERY_S, _JUDGE_REST * (monotonic() - looked_s)
                    )
                pace.looked(now_s, monotonic())
                news = False
            if session.over:
                session.end(now_ns)
                peers = session.peers()
                self._judgement = session.judgement(peers)
                self._tell(self._outcome(now_ns, peers, done=True))
                return

    def _judge(self, peers: tuple[PeerView, ...]) -> bool:
        """What the rules say so far, and whether that is something else than before.

        The end of what is known is no end of the input.
        """
        found = self._session.judgement(peers)
        kept = [finding for finding in found.findings if finding.rule not in _ABOUT_THE_END]
        before, self._judgement = self._judgement, Judgement(tuple(kept), found.suppressed)
        return self._judgement != before

    def _outcome(self, now_ns: int, peers: tuple[PeerView, ...], *, done: bool = False) -> Outcome:
        session = self._session
        content = Content(
            version=__version__,
            sources=tuple(session.sources),
            peers=peers,
            alignments=session.alignments,
            findings=self._judgement.findings,
            suppressed=self._judgement.suppressed,
        )
        known_ns = session.event_ns(now_ns)
        event_ns = now_ns if known_ns < ORDER_LIMIT_NS else known_ns + session.lateness_ns
        lines = session.lines()
        told = [*map(happened, peers), self._judgement]
        news = told != self._told or lines is not self._lines
        live = LiveNow(now_ns, session.health(now_ns), event_ns, news=news)
        self._told, self._lines = told, lines
        return Outcome(content, live=live, log=lines, done=done)
