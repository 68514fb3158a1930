"""The application: one model, six views, and what every key does wherever it is pressed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding
from textual.message import Message
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from analyzers.export.content import Content
from analyzers.export.formatting import glyphs
from analyzers.export.untrusted import safe
from analyzers.model.peer import PeerState
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.session import Progress, SessionOptions
from analyzers.session.log_lines import LogLines
from analyzers.session.second_pass import CaptureAgain
from dpdlab import __version__
from dpdlab.present.digest import Digest, digest_of
from dpdlab.present.filter import Filter, FilterError
from dpdlab.present.times import TimeMode
from dpdlab.tui import ending
from dpdlab.tui.actions import ACTIONS, BY_ID
from dpdlab.tui.bars import Line, Overview, footer_of, key_name, title_of
from dpdlab.tui.dialogs.choose import Choose
from dpdlab.tui.dialogs.explain import ExplainScreen, findings_at
from dpdlab.tui.dialogs.help import HelpScreen
from dpdlab.tui.dialogs.inputs import InputsScreen
from dpdlab.tui.dialogs.prompt import Prompt
from dpdlab.tui.exporting import EXPORTERS, Exporter, default_path, write, wrong_with
from dpdlab.tui.keymap import Keymap
from dpdlab.tui.model import Model, Shown, shown_of
from dpdlab.tui.palette import Palette, palette_of
from dpdlab.tui.reading import Afterwards, Outcome, Reader
from dpdlab.tui.rows import RowList
from dpdlab.tui.state import State, load, save
from dpdlab.tui.terminal_app import TerminalApp
from dpdlab.tui.themes import THEMES
from dpdlab.tui.views.findings import FindingsView
from dpdlab.tui.views.ladder import LadderView
from dpdlab.tui.views.log import LogView
from dpdlab.tui.views.peers import PeersView
from dpdlab.tui.views.timeline import TimelineView
from dpdlab.tui.views.view import View
from dpdlab.tui.views.what_if import WhatIfView

if TYPE_CHECKING:
    from dpdlab.tui.live_reading import LiveReader

_SAYING_S: Final = 4.0
_PATIENCE_S: Final = 0.03
"""What a key may wait for; what takes longer goes on beside, with a remark."""
_MOST_SECONDS: Final = 1e10
_FAREWELL_S: Final = 0.2
# Terminals lower than this have no room for the overview.
_OVERVIEW_FROM_ROWS: Final = 18
_LONG_NS: Final = 60 * NS_PER_SECOND
"""How far a stretch of time that begins now reaches at first."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What the reader's thread has made of newer results, so that no key waits for it."""

    content: Content
    digest: Digest
    filter: Filter | None
    shown: Shown


_Result = TypeVar("_Result")


class ConsoleApp(TerminalApp[int]):
    """The console. `run` gives the exit code."""

    TITLE = "dpdlab"
    CSS_PATH = "styles.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar = [
        Binding(
            ",".join(action.keys),
            "command_palette" if action.id == "palette" else f"act('{action.id}')",
            action.hint,
            id=action.id,
            show=False,
            # Whatever stands over the views, this key leaves.
            priority=action.id in ("quit", "palette"),
        )
        for action in ACTIONS
    ]

    class Told(Message):
        """The reader has something to say."""

        def __init__(self, outcome: Outcome, ready: Ready | None = None) -> None:
            super().__init__()
            self.outcome = outcome
            self.ready = ready

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
        *,
        ascii_only: bool = False,
        view_types: Sequence[type[View]] | None = None,
        live: Callable[[Callable[[Outcome], None]], LiveReader] | None = None,
        theme: str = "",
        keymap: Keymap | None = None,
        state: Path | None = None,
        wanted: Filter | None = None,
    ) -> None:
        """`live` makes the reader of a session that goes on; `inputs` are only shown then.

        `state` is the file in which is kept where the user was; a filter that is `wanted` comes
        before the one that is kept.
        """
        super().__init__()
        for own in THEMES:
            self.register_theme(own)
        self.theme = theme or THEMES[0].name
        self.inputs = list(inputs)
        self.options = options
        self.model = Model(
            Content(version=__version__), signs=glyphs(ascii_only), ascii_only=ascii_only
        )
        self.colours: Palette = palette_of(self.theme_variables)
        self.progress: Progress | None = None
        self.captures: tuple[CaptureAgain, ...] = ()
        self.afterwards: Afterwards | None = None
        self.searched = ""
        self.paused = False
        self.following = live is not None
        self.bell_wanted = False
        self._dead: frozenset[str] = frozenset()
        self._live = live
        self._reader: Reader | LiveReader | None = None
        self._pending: ConsoleApp.Told | None = None
        self._said: tuple[str, float] = ("", 0.0)
        self._before: list[str] = []
        self._state_file = state
        self._left = State() if state is None else load(state)
        """Where the user was last time; emptied when the inputs are read, and it is restored."""
        self._restored = state is None
        self.model.filter = wanted or _filter_kept(self._left.filter)
        self.model.times = replace(
            self.model.times, mode=_mode_kept(self._left.times), mark_ns=self._left.mark_ns
        )
        if keymap is not None:
            self.model.keymap = keymap
            self.set_keymap({name: ",".join(keys) for name, keys in keymap.items()})
        self._narrowing = 0
        """Counts filters, so that one that is no longer wanted changes nothing."""
        self.model.later = self._later
        self._view_types = VIEWS if view_types is None else view_types
        self._shown_revision: dict[str, int] = {}
        self._moment = 0
        """Counts what changed besides the content: peer, time, marks, colours."""

    # --- the screen ------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Title, overview, the views, footer."""
        yield Line("title")
        yield Overview(self.model, self.colours)
        views = [view_type(self.model, self.colours) for view_type in self._view_types]
        for view in views:
            view.restore(self._left.views.get(view.title, {}))
        first = next((v for v in views if v.title == self._left.view), views[0])
        with ContentSwitcher(initial=f"view-{first.title}", id="views"):
            yield from views
        yield Line("footer")

    def on_mount(self) -> None:
        """Paint first, then read."""
        ending.listen(self.exit)
        self.set_class(self.model.ascii_only, "ascii")
        self.screen.set_class(self.model.ascii_only, "ascii")
        for line in self.query(Line):
            line.ascii_only = self.model.ascii_only
        for rows in self.query(RowList):
            rows.ascii_only = self.model.ascii_only
        self.theme_changed_signal.subscribe(self, lambda _: self._recolour())
        self._recolour()
        self.set_interval(1.0 if self._live is None else 0.5, self._tick)
        self.call_after_refresh(self._read)

    def on_resize(self, event: events.Resize) -> None:
        """Low terminals keep their rows for the view."""
        self.query_one(Overview).display = event.size.height >= _OVERVIEW_FROM_ROWS
        # The lines have their new width only then.
        self.call_after_refresh(self._bars)

    def _recolour(self) -> None:
        self.colours = palette_of(self.theme_variables)
        self.query_one(Overview).set_palette(self.colours)
        for view in self.views:
            view.palette = self.colours
        self._moment += 1
        self.refresh_view()

    @property
    def views(self) -> list[View]:
        """All views."""
        return list(self.query(View))

    @property
    def view(self) -> View:
        """The view in sight."""
        switcher = self.query_one(ContentSwitcher)
        return self.query_one(f"#{switcher.current}", View)

    # --- reading ---------------------------------------------------------------------------

    def _read(self) -> None:
        """Read the inputs, from the beginning."""
        if self._reader is not None:
            self._reader.stop()
            self._show_lines(None)
        self.model.done = False
        self.model.failure = ""
        if self._live is None:
            self._reader = Reader(self.inputs, self.options, self._told)
        else:
            self._reader = self._live(self._told)
        self._reader.start()
        self._bars()

    def _told(self, outcome: Outcome) -> None:
        """In the reader's thread."""
        content, ready = outcome.content, None
        if content is not None:
            wanted, digest = self.model.filter, digest_of(content)
            ready = Ready(content, digest, wanted, shown_of(content, wanted, digest))
            if self._live is None:
                # Nothing of it is garbage: looking through it again would only stop keys.
                gc.freeze()
        self.post_message(self.Told(outcome, ready))

    def read_also(self, path: str) -> None:
        """A further input; all are read again, since they may change each other's clocks."""
        self.inputs.append(path)
        self._read()

    def read_with(self, options: SessionOptions) -> None:
        """The same inputs with other options."""
        self.options = options
        self._read()

    def on_console_app_told(self, message: Told) -> None:
        """Newer results, how far the reading is, or why it ended."""
        outcome = message.outcome
        if outcome.log is not None:
            self._show_lines(outcome.log)
        if outcome.progress is not None:
            self.progress = outcome.progress
        if outcome.live is not None:
            self.model.live, self.model.live_since_s = outcome.live, monotonic()
        if outcome.error:
            hint = f"\n{outcome.hint}" if outcome.hint else ""
            self.model.failure = f"{outcome.error}{hint}"
            self.model.done = True
            self.changed()
        if self.paused and not outcome.done:
            if outcome.content is not None:
                self._pending = message
        elif outcome.content is not None:
            self._take(message)
        self._bars()

    def _show_lines(self, log: LogLines | None) -> None:
        """Other lines of logs; those before are let go."""
        if self.model.log is not None:
            self.model.log.close()
        self.model.log = log
        self.model.choose_range(self.model.range_ns)
        self.changed()

    def _take(self, message: ConsoleApp.Told) -> None:
        outcome, ready = message.outcome, message.ready
        content = outcome.content
        if content is None:
            return
        if ready is None:
            self.model.take(content, done=outcome.done)
        else:
            self.model.take(content, done=outcome.done, digest=ready.digest, shown=ready.shown)
            if ready.filter is not self.model.filter:
                self._narrow(self.model.filter)
        self._come_back(done=outcome.done)
        self.captures = outcome.captures or self.captures
        if self.following:
            self.model.at_ns = self.model.end_ns
        self._ring(content)
        self.afterwards = outcome.afterwards
        self.query_one(Overview).show()
        self.refresh_view()

    def _ring(self, content: Content) -> None:
        """A bell for each peer that was given up since the last time, if that is wished."""
        dead = frozenset(p.id for p in content.peers if p.state is PeerState.DEAD)
        if self.bell_wanted and dead - self._dead:
            self.bell()
        self._dead = dead

    def _tick(self) -> None:
        """Countdowns go on between two looks."""
        if self.model.now_ns is not None and not self.paused:
            self.view.tick()
        self._bars()

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

    def on_console_app_worked(self, message: Worked) -> None:
        """The result of a thread."""
        self._said = ("", 0.0)
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

        self.beside(lambda: shown_of(whole, wanted, digest), came, "filtering", _PATIENCE_S)

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
        )
        save(self._state_file, kept)

    def exit(self, *args: Any, **options: Any) -> None:
        """Leave, and keep where the user was."""
        if self.is_running:
            self._keep()
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

    # --- painting --------------------------------------------------------------------------

    def refresh_view(self) -> None:
        """Paint the view in sight, if anything changed since it was painted last."""
        view = self.view
        self._shown_revision[view.title] = self._state
        view.show()
        self._bars()

    @property
    def _state(self) -> int:
        return hash((self.model.revision, self._moment))

    def changed(self) -> None:
        """Something else than the content changed: the moment, a mark, the time format."""
        self._moment += 1
        self.query_one(Overview).show()
        self.refresh_view()

    def _bars(self) -> None:
        if not self.is_running:
            return
        width = self.size.width
        self.query_one("#title", Line).say(title_of(self.model, self.colours, width))
        text, until_s = self._said
        footer = self.query_one("#footer", Line)
        if text and monotonic() < until_s:
            footer.say(Text(f" {safe(text)}", self.colours.warn))
        else:
            hints = (*self.view.hints, "help")
            unique = tuple(dict.fromkeys(hints))
            footer.say(footer_of(self.model, self.colours, unique, self.progress, width))

    def say(self, text: str, *, keep: bool = False) -> None:
        """A short remark in the footer; it goes by itself, unless `keep` is given."""
        self._said = (text, monotonic() + (1e9 if keep else _SAYING_S))
        self._bars()

    # --- where the user is -----------------------------------------------------------------

    def choose_peer(self, peer_id: str) -> None:
        """The peer that timeline and ladder show from now on."""
        if peer_id != self.model.peer_id:
            self.model.peer_id = peer_id
            self.model.at_ns = None
            self._moment += 1
            self._bars()

    def go_to_moment(self, at_ns: int | None) -> None:
        """The moment that all views share."""
        self.model.at_ns = at_ns
        self.query_one(Overview).show()
        self._moment += 1

    def open_view(self, title: str, *, keep: bool = True) -> None:
        """Another view; `back` returns to this one."""
        known = {view.title for view in self.views}
        if title not in known:
            self.say(f"there is no {title} view")
            return
        before = self.view
        if before.title == title:
            return
        if keep:
            self._before.append(before.title)
        self.query_one(ContentSwitcher).current = f"view-{title}"
        self._said = ("", 0.0)
        if self._shown_revision.get(title) != self._state:
            self.refresh_view()
        self._bars()

    # --- actions ---------------------------------------------------------------------------

    def action_act(self, name: str) -> None:
        """Do what a key of the registry stands for: the view first, then the application."""
        handler = self.handler(name)
        if handler is None:
            self.say(f"{BY_ID[name].hint} does nothing in this view")
            return
        self._said = ("", 0.0)
        handler()
        self._bars()

    def handler(self, name: str) -> Callable[[], object] | None:
        """What does an action now; None if nothing does."""
        method = f"do_{name.replace('-', '_')}"
        for owner in (self.view, self):
            found = getattr(owner, method, None)
            if callable(found):
                handler: Callable[[], object] = found
                return handler
        return None

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of the registry, and the themes."""
        for action in ACTIONS:
            if action.id != "palette":
                yield SystemCommand(
                    action.title or action.help, action.help, self._palette_entry(action.id)
                )
        yield SystemCommand("Theme", "Choose the colours.", self.action_change_theme)

    def _palette_entry(self, name: str) -> Callable[[], None]:
        return lambda: self.action_act(name)

    def do_quit(self) -> None:
        """Leave."""
        self.exit(0)

    def do_suspend(self) -> None:
        """Back to the shell; its fg comes back here."""
        self.action_suspend_process()

    def do_palette(self) -> None:
        """All commands by name."""
        self.action_command_palette()

    def do_command(self) -> None:
        """The same, as it is typed elsewhere."""
        self.action_command_palette()

    def do_back(self) -> None:
        """To the view before; from the first one, out."""
        if self._before:
            self.open_view(self._before.pop(), keep=False)
        elif self.view.title != self.views[0].title:
            self.open_view(self.views[0].title, keep=False)
        else:
            self.say("ctrl+q leaves dpdlab")

    def do_help(self) -> None:
        """All keys."""
        self.push_screen(HelpScreen(self.view.title, self.view.hints, self.model.keymap))

    def do_view_peers(self) -> None:
        """View 1."""
        self.open_view("peers")

    def do_view_timeline(self) -> None:
        """View 2."""
        self.open_view("timeline")

    def do_view_ladder(self) -> None:
        """View 3."""
        self.open_view("ladder")

    def do_view_findings(self) -> None:
        """View 4."""
        self.open_view("findings")

    def do_view_log(self) -> None:
        """View 5."""
        self.open_view("log")

    def do_view_what_if(self) -> None:
        """View 6."""
        self.open_view("what-if")

    # --- finding ---------------------------------------------------------------------------

    def do_filter(self) -> None:
        """Ask for a filter."""
        now = "" if self.model.filter is None else self.model.filter.text
        self.push_screen(
            Prompt("filter", now, hint="peer:198.51.100.* state:dead", check=_filter_error),
            self._filtered,
        )

    def _filtered(self, text: str | None) -> None:
        if text is None:
            return
        self._narrow(Filter.of(text) if text.strip() else None)

    def do_search(self) -> None:
        """Ask for a text."""
        self.push_screen(Prompt("search", self.searched), self._search)

    def _search(self, text: str | None) -> None:
        if text:
            self.searched = text
            self.do_search_next()

    def do_search_next(self) -> None:
        """To the next hit."""
        self._hit(1)

    def do_search_previous(self) -> None:
        """To the hit before."""
        self._hit(-1)

    def _hit(self, by: int) -> None:
        if not self.searched:
            self.do_search()
        elif not self.view.search(self.searched, by):
            self.say(f"{self.searched!r} does not occur here")

    def do_explain(self) -> None:
        """The findings that rest on what is at the moment of the cursor."""
        found = findings_at(self.model)
        if found:
            self.push_screen(ExplainScreen(found, self.model, self.colours))
        else:
            self.say("no finding rests on this (4 shows them all)")

    # --- taking it elsewhere ---------------------------------------------------------------

    def do_copy(self) -> None:
        """To the clipboard of the terminal (OSC 52)."""
        texts = self.view.copy_text()
        names = list(texts)
        if not names:
            self.say("there is nothing to copy here")
            return

        def chosen(place: int | None) -> None:
            if place is not None:
                self.copy_to_clipboard(texts[names[place]])
                self.say(f"{names[place]} is copied: {texts[names[place]][:60]}")

        choices = [(name, texts[name].replace("\n", " ")[:60]) for name in names]
        self.push_screen(Choose("copy as", choices), chosen)

    def do_export(self) -> None:
        """Choose a format, then a file."""
        choices = [(exporter.name, exporter.told) for exporter in EXPORTERS]
        self.push_screen(Choose("export what is shown", choices), self._export_as)

    def _export_as(self, place: int | None) -> None:
        if place is None:
            return
        exporter = EXPORTERS[place]

        def named(path: str | None) -> None:
            if path is not None:
                self._export(exporter, path)

        self.push_screen(
            Prompt(
                f"write {exporter.name} to",
                default_path(exporter, self.inputs),
                hint="an existing file is replaced",
                check=lambda path: wrong_with(path, self.inputs),
            ),
            named,
        )

    @work(thread=True, group="export")
    def _export(self, exporter: Exporter, path: str) -> None:
        self.call_from_thread(self.say, f"writing {path}", keep=True)
        said = write(
            exporter, path, self.model.content, self.inputs, self.options, self.model.peer_id
        )
        self.call_from_thread(self.say, said)

    def do_settings(self) -> None:
        """The theme, and where settings come from."""
        self.action_change_theme()

    def do_open(self) -> None:
        """A further input."""
        prompt = Prompt("read also", hint="a capture, a log or a configuration", check=_no_file)
        self.push_screen(prompt, self._opened)

    def _opened(self, path: str | None) -> None:
        if path is not None:
            self.read_also(str(Path(path).expanduser()))

    def do_inputs(self) -> None:
        """Inputs, their problems and their clocks."""
        self.push_screen(InputsScreen(self.model, self.colours), self._shift)

    def _shift(self, source: str | None) -> None:
        """Move the clock of an input by hand."""
        if source is None:
            return
        path = self.model.path_of(source)

        def given(text: str | None) -> None:
            if text is None:
                return
            clocks = self.options.clocks
            offsets = {**clocks.offsets_ns, path: nanoseconds(float(text))}
            self.read_with(replace(self.options, clocks=replace(clocks, offsets_ns=offsets)))

        prompt = Prompt(
            f"add to the times of {safe(path)}",
            "0",
            hint="seconds, 7.25 or -3600",
            check=_no_seconds,
        )
        self.push_screen(prompt, given)

    # --- time ------------------------------------------------------------------------------

    def do_time_format(self) -> None:
        """Times in the next format."""
        mode = self.model.times.mode.next()
        self.model.times = replace(self.model.times, mode=mode)
        self.changed()
        self.say(f"times: {mode.value}")

    def do_mark(self) -> None:
        """Mark the moment."""
        if self.model.at_ns is None:
            self.say("no moment is chosen here")
            return
        self.model.times = replace(self.model.times, mark_ns=self.model.at_ns)
        self.changed()
        self.say(f"marked {self.model.times.at(self.model.at_ns)}")

    def do_go_to_mark(self) -> None:
        """Go to the mark."""
        mark_ns = self.model.times.mark_ns
        if mark_ns is None:
            self.say("nothing is marked: m marks a moment")
            return
        self.go_to_moment(mark_ns)
        self.changed()

    def do_fit(self) -> None:
        """All of the time."""
        self.model.choose_range(None)
        self.changed()

    def on_overview_ranged(self, message: Overview.Ranged) -> None:
        """A stretch of time was chosen with the mouse."""
        self.model.choose_range(message.range_ns)
        self.changed()
        if message.range_ns is not None and self.model.silent_range:
            first, last = map(self.model.times.at, message.range_ns)
            fit = key_name(self.model.keymap["fit"][0])
            self.say(f"nothing happened from {first} to {last}: {fit} or a click there shows all")

    def do_pause(self) -> None:
        """Stop painting, or paint what came meanwhile."""
        self.paused = not self.paused
        if not self.paused and self._pending is not None:
            pending, self._pending = self._pending, None
            self._take(pending)
        self.say("paused: reading goes on" if self.paused else "painting again")

    def do_bell(self) -> None:
        """A bell at each verdict, or none."""
        self.bell_wanted = not self.bell_wanted
        self.say("a bell at each verdict" if self.bell_wanted else "no bell")

    def do_clear(self) -> None:
        """Only what comes from now on; again: everything."""
        now_ns = self.model.now_ns
        if self.model.range_ns is not None or now_ns is None:
            self.model.choose_range(None)
            said = "everything is shown"
        else:
            self.model.choose_range((now_ns, now_ns + _LONG_NS))
            said = "only what comes from now on (ctrl+l again: everything)"
        self.changed()
        self.say(said)

    def do_follow(self) -> None:
        """Stay at what comes in last, or no longer."""
        self.following = not self.following
        if self.following:
            self.go_to_moment(self.model.end_ns)
            self.changed()
        self.say("following what comes in" if self.following else "staying here")

    def do_colour(self) -> None:
        """Colour by the next thing."""
        self.model.colour_by = self.model.colour_by.next()
        self.changed()
        self.say(f"colour by {self.model.colour_by.value}")


def _filter_kept(text: str) -> Filter | None:
    """The filter of the last session; none if it is not understood any more."""
    try:
        return Filter.of(text) if text.strip() else None
    except FilterError:
        return None


def _mode_kept(name: str) -> TimeMode:
    """The time format of the last session."""
    return TimeMode.__members__.get(name, TimeMode.UTC)


def _no_file(text: str) -> str:
    """What is wrong with the name of an input."""
    try:
        path = Path(text).expanduser()
        return "" if path.exists() else f"there is no {text}"
    except (OSError, ValueError, RuntimeError) as error:
        return str(error)


def _no_seconds(text: str) -> str:
    """What is wrong with a number of seconds."""
    try:
        return "" if abs(float(text)) < _MOST_SECONDS else "that is too far"
    except ValueError:
        return "a number of seconds is wanted"


def _filter_error(text: str) -> str:
    """What is wrong with a filter; empty if nothing is."""
    if not text.strip():
        return ""
    try:
        Filter.of(text)
    except FilterError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return "\n".join((*error.caret(), f"{error.message}{hint}"))
    return ""


VIEWS: tuple[type[View], ...] = (
    PeersView,
    TimelineView,
    LadderView,
    FindingsView,
    LogView,
    WhatIfView,
)
"""The views in the order of their keys."""
