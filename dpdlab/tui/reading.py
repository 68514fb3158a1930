"""Reads the inputs in a thread of its own, and hands over what is known by then.

The engine lives in that thread alone: what leaves it are frozen views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.errors import AnalyzerError
from analyzers.export.content import Content
from analyzers.model.peer import PeerView
from analyzers.session import Progress, Session, SessionOptions
from analyzers.session.causes import Told, told_twice
from analyzers.session.log_lines import LogLines
from analyzers.session.looking import look
from analyzers.session.second_pass import CaptureAgain
from dpdlab import __version__
from dpdlab.present.whole import whole

if TYPE_CHECKING:
    from analyzers.whatif.windows import Packets, Window
    from dpdlab.tui.live_reading import LiveNow

_PROGRESS_EVERY_S: Final = 0.1
_VIEWS_EVERY_S: Final = 0.7
_FIRST_VIEWS_S: Final = 0.2
"""What matched by then is shown at once."""
# So many times what views cost goes into reading before they are made again.
_READING_SHARE: Final = 4


class Afterwards(Struct, frozen=True):
    """What can be asked of the engine once everything is read, from any thread."""

    packets_within: Callable[[Sequence[Window], Callable[[Progress], None]], Iterator[Packets]]
    """Packets of some flows and times, read once more. Raises SourceError."""
    vendor_at: Callable[[PeerView, str], str | None]
    """The family of the product at one end of a peer."""


class Outcome(Struct, frozen=True):
    """What the reader says: progress, results so far, the end, or why it cannot go on."""

    content: Content | None = None
    captures: tuple[CaptureAgain, ...] = ()
    """With the end: how to read packets again."""
    afterwards: Afterwards | None = None
    """With the end."""
    log: LogLines | None = None
    """After the end: the lines of the logs."""
    progress: Progress | None = None
    live: LiveNow | None = None
    """Of a session that goes on."""
    done: bool = False
    error: str = ""
    hint: str = ""
    crash: Exception | None = None
    """What is wrong with the tool itself."""


class _Stopped(Exception):
    """The user has left."""


class Reader:
    """One run of the engine over a set of inputs."""

    def __init__(
        self, inputs: Sequence[str], options: SessionOptions, tell: Callable[[Outcome], None]
    ) -> None:
        """`tell` is called in the reader's thread."""
        self._inputs = list(inputs)
        self._options = replace(
            options, keep_lines=True, missing_too=True, configurations_alone=True
        )
        self._tell = tell
        self._stop = Event()
        self._told_s = 0.0
        self._views_due_s = 0.0
        self._session: Session | None = None
        self._viewed: tuple[int, bool] | None = None
        """How much was read when the views were made, and whether the pipe paused."""
        self._looked: Content | None = None
        """What a look at a pipe that is kept on disk first has shown."""
        self._thread = Thread(target=self._run, name="dpdlab-reader", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether it still reads, or is at a last piece of work."""
        return self._thread.is_alive()

    def stop(self, timeout_s: float = 0.7) -> None:
        """End as soon as the batch at hand is done."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            session = self._session = Session(self._options)
            self._views_due_s = monotonic() + _FIRST_VIEWS_S
            session.run(self._inputs, self._progress)
            captures = tuple(session.captures())
            afterwards = Afterwards(session.packets_within, session.vendor_at)
            content = whole(session)
            self._tell(Outcome(content, captures, afterwards, done=True))
            self._look_up_lines(session, told_twice(content.peers, content.sources))
        except _Stopped:
            return
        except AnalyzerError as error:
            self._tell(Outcome(done=True, error=error.message, hint=error.hint))
        except Exception as error:  # noqa: BLE001 - the console stays usable, and says so
            self._tell(Outcome(done=True, error=f"internal error: {error!r}", crash=error))

    def _look_up_lines(self, session: Session, told: Sequence[Told] = ()) -> None:
        texts = session.log_texts()
        if not texts:
            return
        log = LogLines(texts, told)
        if log.index(lambda: not self._stop.is_set()):
            self._tell(Outcome(log=log))
        else:
            log.close()

    def _check(self, _: Progress) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _progress(self, progress: Progress) -> None:
        self._check(progress)
        now_s = monotonic()
        content = None
        session = self._session
        read = (progress.read_bytes, progress.waits)
        due = now_s >= self._views_due_s and read != self._viewed
        if session is not None and due and not progress.done:
            self._viewed = read
            found = look(session, self._check)
            content = content_so_far(found)
            if found is not session:
                self._looked = content
                self._look_up_lines(found)
            spent_s = monotonic() - now_s
            self._views_due_s = monotonic() + max(_VIEWS_EVERY_S, _READING_SHARE * spent_s)
        if self._looked is not None and progress.waits:
            sources = self._looked.sources
            progress = replace(
                progress,
                packets=sum(source.packets for source in sources),
                ike_messages=sum(source.ike_messages for source in sources),
            )
        if content is not None or now_s - self._told_s >= _PROGRESS_EVERY_S:
            self._told_s = now_s
            self._tell(Outcome(content, progress=progress))


def content_so_far(session: Session) -> Content:
    """What is known while reading goes on: no findings yet, they are about closed facts."""
    return Content(
        version=__version__, sources=tuple(session.sources), peers=session.peers_so_far()
    )
