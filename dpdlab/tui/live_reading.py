"""Drives a live session in a thread of its own, and hands over what is known, several times a
second. The session lives in that thread alone."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic, sleep
from typing import Final

from msgspec import Struct

from analyzers.errors import AnalyzerError
from analyzers.export.content import Content
from analyzers.rules.judge import Judgement
from analyzers.session.live import LiveSession
from analyzers.session.live_health import SourceHealth
from dpdlab import __version__
from dpdlab.tui.reading import Outcome

_WAIT_S: Final = 0.02
# What comes within this is taken at once: looking costs the same for one packet as for many.
_GATHER_S: Final = 0.01
_VIEWS_EVERY_S: Final = 0.05
_QUIET_S: Final = 1.0
"""Views are made anew this often even when nothing comes: silence goes on."""
_JUDGE_EVERY_S: Final = 2.0
_ABOUT_THE_END: Final = frozenset({"capture-insufficient"})
# So many times what views cost passes before they are made again.
_REST_SHARE: Final = 2


class LiveNow(Struct, frozen=True):
    """The moment at which something was known, and how the sources were then."""

    now_ns: int
    sources: tuple[SourceHealth, ...]


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
            self._tell(Outcome(done=True, error=f"internal error: {error!r}"))
        finally:
            session.end(self._clock_ns())

    def _watch(self) -> None:
        session = self._session
        views_due_s = judge_due_s = quiet_due_s = 0.0
        news = True
        while not self._stop.is_set():
            if session.wait(_WAIT_S):
                sleep(_GATHER_S)
            now_ns, now_s = self._clock_ns(), monotonic()
            news |= session.pump(now_ns)
            if now_s >= views_due_s and (news or now_s >= quiet_due_s):
                judging = now_s >= judge_due_s
                self._tell(self._outcome(now_ns, judging=judging))
                spent_s = monotonic() - now_s
                views_due_s = now_s + max(_VIEWS_EVERY_S, (1 + _REST_SHARE) * spent_s)
                quiet_due_s = now_s + max(_QUIET_S, (1 + _REST_SHARE) * spent_s)
                if judging:
                    judge_due_s = now_s + max(_JUDGE_EVERY_S, 2 * _REST_SHARE * spent_s)
                news = False
            if session.over:
                session.end(now_ns)
                self._tell(self._outcome(now_ns, judging=True, done=True))
                return

    def _outcome(self, now_ns: int, *, judging: bool, done: bool = False) -> Outcome:
        session = self._session
        peers = session.peers() if done else session.peers_so_far(now_ns)
        if judging:
            self._judgement = session.judgement(peers)
            if not done:
                # The end of what is known is no end of the input.
                kept = [f for f in self._judgement.findings if f.rule not in _ABOUT_THE_END]
                self._judgement = Judgement(tuple(kept), self._judgement.suppressed)
        content = Content(
            version=__version__,
            sources=tuple(session.sources),
            peers=peers,
            alignments=session.alignments,
            findings=self._judgement.findings,
            suppressed=self._judgement.suppressed,
        )
        return Outcome(content, live=LiveNow(now_ns, session.health(now_ns)), done=done)
