"""What is read, narrowed and kept: the application without its looks and keys."""

from __future__ import annotations

import gc
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path, PurePath
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from textual.message import Message

from analyzers.export.content import Content
from analyzers.model.peer import PeerState
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import Progress, SessionOptions
from analyzers.session.log_lines import LogLines
from analyzers.session.second_pass import CaptureAgain
from analyzers.sources.names import SHOWN_STDIN, is_standard_input, kind_and_path, shown
from analyzers.sources.pipe import is_pipe
from dpdlab.present.digest import Digest, digest_of
from dpdlab.present.filter import Filter, FilterError
from dpdlab.present.times import TimeMode
from dpdlab.tui.model import Model, Shown, shown_of
from dpdlab.tui.reading import Afterwards, Outcome, Reader
from dpdlab.tui.state import State, clocks_here, load, resolved, save
from dpdlab.tui.terminal_app import TerminalApp
from dpdlab.tui.views.view import View

if TYPE_CHECKING:
    from dpdlab.tui.live_reading import LiveReader

PATIENCE_S: Final = 0.03
"""What a key may wait for; what takes longer goes on beside, with a remark."""
_QUICK_S: Final = 1.0
_FAREWELL_S: Final = 0.2


class Ready(Struct, frozen=True):
    """What the reader's thread has made of newer results, so that no key waits for it."""

    content: Content
    digest: Digest
    filter: Filter | None
    shown: Shown


_Result = TypeVar("_Result")


class ReadingApp(TerminalApp[int]):
    """Reads the inputs into the model, and takes up where the user was."""

    class Told(Message):
        """The reader has something to say."""

        def __init__(self, outcome: Outcome, ready: Ready | None = None) -> None:
            super().__init__()
            self.outcome = outcome
            self.ready = ready

        def can_replace(self, message: Message) -> bool:
            """A look of a live session that waits is left out where a later one waits behind it."""
            return (
                self.outcome.live is not None
                and not self.outcome.error
                and isinstance(message, ReadingApp.Told)
                and message.outcome.content is not None
            )

    class Worked(Message):
        """What a thread was asked for is there."""

        def __init__(self, came: Callable[[Any], None], work: Future[Any]) -> None:
            super().__init__()
            self.came = came
            self.work = work

    def __init__(
        self,
        inputs: Sequence[str],
        options: SessionOptions,
        model: Model,
        *,
        live: Callable[[Callable[[Outcome], None]], LiveReader] | None = None,
        state: Path | None = None,
        wanted: Filter | None = None,
    ) -> None:
        """`live` makes the reader of a session that goes on; `inputs` are only shown then.

        `state` is the file in which is kept where the user was; a filter that is `wanted` comes
        before the one that is kept.
        """
        super().__init__()
        self.inputs = list(inputs)
        self.options = options
        self.model = model
        self.progress: Progress | None = None
        self.captures: tuple[CaptureAgain, ...] = ()
        self.afterwards: Afterwards | None = None
        self.paused = False
        self.following = live is not None
        self.bell_wanted = False
        self._dead: frozenset[str] = frozenset()
        self._begun_s = self._took_s = 0.0
        """When the reading began, on the clock of `monotonic`, and how long the last one took."""
        self._kept = False
        """Something was read to its end before."""
        self._live = live
        self._reader: Reader | LiveReader | None = None
        self._pending: ReadingApp.Told | None = None
        self._state_file = state
        self._left = State() if state is None else load(state)
        """Where the user was last time; emptied when the inputs are read, and it is restored."""
        self._restored = state is None
        self.clocks_by_hand: dict[str, int] = {}
        """What was added to the times of inputs in the console, in ns, by path."""
        self._set_kept_clocks()
        self.model.filter = wanted or _filter_kept(self._left.filter)
        self.model.times = replace(
            self.model.times, mode=TimeMode.named(self._left.times), mark_ns=self._left.mark_ns
        )
        self._narrowing = 0
        """Counts filters, so that one that is no longer wanted changes nothing."""
        self.model.later = self._later

    # --- what the screen does --------------------------------------------------------------

    @property
    @abstractmethod
    def views(self) -> list[View]:
        """All views."""

    @property
    @abstractmethod
    def view(self) -> View:
        """The view in sight."""

    @abstractmethod
    def changed(self) -> None:
        """Paint what the model has become."""

    @abstractmethod
    def say(self, text: str, *, keep: bool = False) -> None:
        """A short remark; it goes by itself, unless `keep` is given."""

    @abstractmethod
    def unsay(self) -> None:
        """Take the remark away."""

    @abstractmethod
    def bars(self) -> None:
        """Paint the lines around the view."""

    # --- reading ---------------------------------------------------------------------------

    def _read(self) -> None:
        """Read the inputs, from the beginning."""
        if self._reader is not None:
            self._reader.stop()
            self._show_lines(None)
        self.model.done = False
        self.model.failure, self.model.crash = "", None
        self.model.opening = tuple(
            SHOWN_STDIN if is_standard_input(name) else name for name in self.inputs
        )
        self._begun_s = monotonic()
        if self._live is None:
            self._reader = Reader(self.inputs, self.options, self._told)
        else:
            self._reader = self._live(self._told)
        self._reader.start()
        if not self._kept:
            self._tell_kept_clocks(keep=True)
        self.bars()

    def _told(self, outcome: Outcome) -> None:
        """In the reader's thread."""
        content, ready = outcome.content, None
        if content is not None:
            ongoing = outcome.live is not None and not outcome.done
            wanted, digest = self.model.filter, digest_of(content, ongoing=ongoing)
            shown = shown_of(content, wanted, digest, ongoing=ongoing)
            ready = Ready(content, digest, wanted, shown)
        self.post_message(self.Told(outcome, ready))

    def read_also(self, path: str) -> None:
        """A further input; all are read again, since they may change each other's clocks."""
        self.inputs.append(path)
        self._read()

    def read_with(self, options: SessionOptions) -> None:
        """The same inputs with other options."""
        self.options = options
        self._read()

    def on_reading_app_told(self, message: Told) -> None:
        """Newer results, how far the reading is, or why it ended."""
        outcome = message.outcome
        if outcome.log is not None and outcome.live is None:
            self._show_lines(outcome.log)
        if outcome.progress is not None:
            self.progress = outcome.progress
        if outcome.live is not None:
            self.model.live, self.model.live_since_s = outcome.live, monotonic()
            if outcome.log is not None and not self.paused:
                # Painted with the content that came with them.
                self.model.log = outcome.log
        if outcome.error:
            hint = f"\n{outcome.hint}" if outcome.hint else ""
            self.model.failure, self.model.crash = f"{outcome.error}{hint}", outcome.crash
            self.model.done = True
            self.changed()
        # What only grows is painted with the next tick: all of it tells of one moment then.
        grows = outcome.live is not None and not outcome.live.news
        if (self.paused or grows) and not outcome.done:
            if outcome.content is not None:
                self._pending = message
        elif outcome.content is not None:
            self._take(message)
        self.bars()

    def _show_lines(self, log: LogLines | None) -> None:
        """Other lines of logs; those before are let go."""
        if self.model.log is not None:
            self.model.log.close()
        self.model.log = log
        self.model.renew_range()
        self.changed()

    def _take(self, message: ReadingApp.Told) -> None:
        outcome, ready = message.outcome, message.ready
        content = outcome.content
        if content is None:
            return
        self._pending = None
        self.model.go_on()
        if ready is None:
            self.model.take(content, done=outcome.done)
        else:
            self.model.take(content, done=outcome.done, digest=ready.digest, shown=ready.shown)
            if ready.filter is not self.model.filter:
                self._narrow(self.model.filter)
        self._come_back(done=outcome.done)
        if outcome.done:
            self._took_s = monotonic() - self._begun_s
        if outcome.done and not self._kept:
            self._tell_kept_filter()
            self._tell_kept_clocks(keep=False)
        if outcome.done and self.model.clock_doubts:
            key = self.model.key("inputs")
            self.say(f"clock by hand, {self.model.clock_doubts[0]} ({key} changes it)")
        self.captures = outcome.captures or self.captures
        if self.following:
            self.model.at_ns = self.model.end_ns
        self._ring(content)
        self.afterwards = outcome.afterwards
        self.changed()
        if self._live is None and outcome.done:
            self.call_after_refresh(self._keep_for_good)
            self.call_after_refresh(self._look_ahead)

    def _look_ahead(self) -> None:
        for view in self.views:
            view.look_ahead()

    def _keep_for_good(self) -> None:
        """Looking through it again for garbage would only stop keys: there is none in it."""
        if self._kept:
            # What was read before is garbage now.
            gc.unfreeze()
            gc.collect()
        self._kept = True
        gc.freeze()

    def _ring(self, content: Content) -> None:
        """A bell for each peer that was given up since the last time, if that is wished."""
        dead = frozenset(p.id for p in content.peers if p.state is PeerState.DEAD)
        if self.bell_wanted and dead - self._dead:
            self.bell()
        self._dead = dead

    @property
    def reads_quickly(self) -> bool:
        """Whether to read all again costs next to nothing, and can be done."""
        return self._kept and not self.read_once and self._took_s < _QUICK_S

    @property
    def read_once(self) -> str:
        """Why nothing can be read again; empty where all can."""
        if self._live is not None:
            return "a live session cannot be read again"
        paths = (kind_and_path(name)[1] for name in self.inputs)
        piped = next((path for path in paths if is_pipe(path)), None)
        return "" if piped is None else f"{shown(PurePath(piped).name)} cannot be read again"

    # --- what takes long -------------------------------------------------------------------

    def beside(
        self,
        work: Callable[[], _Result],
        came: Callable[[_Result], None],
        told: str = "",
        patience_s: float = 0.0,
    ) -> None:
        """Work in a thread of its own, then `came` with its result, where keys are read.

        Within `patience_s` that is at once; after it `told` stands in the footer until then.
        """
        done: Future[_Result] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except Exception as error:  # noqa: BLE001 - it is raised where the result is taken
                done.set_exception(error)

        Thread(target=run, name="dpdlab-beside", daemon=True).start()
        try:
            found = done.result(patience_s) if patience_s else None
        except FutureTimeout:
            found = None
        if found is not None:
            came(found)
            return
        if told:
            self.say(told, keep=True)
        done.add_done_callback(lambda work: self.post_message(self.Worked(came, work)))

    def on_reading_app_worked(self, message: Worked) -> None:
        """The result of a thread."""
        self.unsay()
        message.came(message.work.result())

    def _later(self, work: Callable[[], object], came: Callable[[object], None]) -> None:
        def arrived(found: object) -> None:
            came(found)
            self.changed()

        self.beside(work, arrived, "listing what the peer did")

    def _narrow(self, wanted: Filter | None) -> None:
        """Show what a filter leaves; of several the last one counts."""
        self._narrowing += 1
        number, whole, digest = self._narrowing, self.model.whole, self.model.whole_digest

        def came(shown: Shown) -> None:
            if number != self._narrowing:
                return
            if self.model.whole is not whole:
                self._narrow(wanted)
                return
            self.model.set_filter(wanted, shown)
            self.changed()
            if self.model.now_ns is None and self.model.done:
                self._look_ahead()

        ongoing = self.model.now_ns is not None

        def made() -> Shown:
            return shown_of(whole, wanted, digest, ongoing=ongoing)

        self.beside(made, came, "filtering", PATIENCE_S)

    # --- where the user was ----------------------------------------------------------------

    @property
    def reads_on(self) -> bool:
        """Whether the reader was left in the middle of something."""
        return isinstance(self._reader, Reader) and self._reader.is_busy

    def _come_back(self, *, done: bool) -> None:
        """To the peer, the moment and the range of the last session, as soon as they are there."""
        if self._restored:
            return
        self._restored = done
        model, left = self.model, self._left
        for peer in model.peers:
            if (peer.local, peer.remote) == left.peer:
                model.peer_id, model.at_ns = peer.id, left.at_ns
                self._restored = True
                break
        first, last = left.range_ns or (0, 0)
        if model.start_ns <= first and last <= model.end_ns and first < last:
            model.choose_range(left.range_ns)

    def _set_kept_clocks(self) -> None:
        """Clocks that the user has set in an earlier session; those of the command line win."""
        if not self._left.clocks:
            return
        given = self.options.clocks.offsets_ns
        kept = clocks_here(self._left.clocks, self.inputs)
        self.clocks_by_hand = {
            path: shift_ns for path, shift_ns in kept.items() if not given.keys() & names_of(path)
        }
        if self.clocks_by_hand:
            clocks = replace(self.options.clocks, offsets_ns={**given, **self.clocks_by_hand})
            self.options = replace(self.options, clocks=clocks)

    def _tell_kept_filter(self) -> None:
        """It hides something: who opens the inputs again should know."""
        wanted = self.model.filter
        if wanted is not None and wanted.text == self._left.filter:
            key = self.model.key("filter")
            self.say(f"filter as you left it: {wanted.text} ({key} changes it)")

    def _tell_kept_clocks(self, *, keep: bool) -> None:
        """Times are other ones than those of the inputs: who opens them again should know."""
        clocks = clocks_here(self._left.clocks, self.inputs).items() & self.clocks_by_hand.items()
        told = [f"{clock_shift(ns)} {PurePath(path).name}" for path, ns in sorted(clocks)]
        if told:
            more = f", and {len(told) - 1} more" if len(told) > 1 else ""
            key = self.model.key("inputs")
            said = f"clock by hand as you left it: {told[0]}{more} ({key} changes it)"
            self.say(said, keep=keep)

    def _keep(self) -> None:
        """Where the user is, for the next session of these inputs."""
        model, peer = self.model, self.model.peer
        if self._state_file is None or not (model.done and self._restored):
            return
        kept = State(
            view=self.view.title,
            filter="" if model.filter is None else model.filter.text,
            times=model.times.mode.name,
            mark_ns=model.times.mark_ns,
            at_ns=model.at_ns,
            range_ns=model.range_ns,
            peer=None if peer is None else (peer.local, peer.remote),
            views={view.title: view.kept() for view in self.views},
            clocks={resolved(path): ns for path, ns in self.clocks_by_hand.items()},
        )
        save(self._state_file, kept)

    def exit(self, *args: Any, **options: Any) -> None:
        """Leave, and keep where the user was."""
        if self.is_running:
            self._keep()
        if isinstance(self._reader, Reader):
            # What it goes on with would only keep the screen from being taken down.
            self._reader.stop(0)
        super().exit(*args, **options)

    def on_unmount(self) -> None:
        """The reader does not outlive the console."""
        if isinstance(self._reader, Reader):
            # It owns nothing that outlives the process: nobody waits for what it is at.
            self._reader.stop(_FAREWELL_S)
        elif self._reader is not None:
            self._reader.stop()
        if self.model.log is not None:
            self.model.log.close()


def names_of(path: str) -> set[str]:
    """What an option may call an input: its path, with a kind before it or without, its name."""
    return {path, path.partition(":")[2], PurePath(path).name}


def clock_shift(shift_ns: int) -> str:
    """What was added to the times of an input."""
    sign = "+" if shift_ns >= 0 else "-"
    return f"{sign}{abs(shift_ns) / NS_PER_SECOND:.12g} s"


def _filter_kept(text: str) -> Filter | None:
    """The filter of the last session; none if it is not understood any more."""
    try:
        return Filter.of(text) if text.strip() else None
    except FilterError:
        return None
