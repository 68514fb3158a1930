"""The application: one model, six views, and what every key does wherever it is pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec.structs import replace
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import ContentSwitcher

from analyzers.export.content import Content
from analyzers.export.formatting import glyphs
from analyzers.export.untrusted import safe
from analyzers.session import SessionOptions
from dpdlab import __version__
from dpdlab.present.filter import Filter
from dpdlab.present.times import TimeMode
from dpdlab.tui import ending
from dpdlab.tui.actions import ACTIONS, BY_ID, Action, method_of
from dpdlab.tui.bars import Line, Overview, footer_of
from dpdlab.tui.colourless import paint
from dpdlab.tui.dialogs.commands import Commands, commands_of
from dpdlab.tui.dialogs.confirm import Confirm
from dpdlab.tui.dialogs.explain import ExplainScreen, findings_at
from dpdlab.tui.dialogs.help import HelpScreen
from dpdlab.tui.job_control import can_be_resumed
from dpdlab.tui.keymap import Keymap, key_name
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette, palette_of
from dpdlab.tui.reading import Outcome
from dpdlab.tui.themes import THEMES
from dpdlab.tui.title import title_of
from dpdlab.tui.views.findings import FindingsView
from dpdlab.tui.views.ladder import LadderView
from dpdlab.tui.views.log import LogView
from dpdlab.tui.views.peers import PeersView
from dpdlab.tui.views.timeline import TimelineView
from dpdlab.tui.views.view import View
from dpdlab.tui.views.what_if import WhatIfView
from dpdlab.tui.watching_app import WatchingApp

if TYPE_CHECKING:
    from dpdlab.tui.live_reading import LiveReader

_SAYING_S: Final = 4.0
# Terminals lower than this have no room for the overview.
_OVERVIEW_FROM_ROWS: Final = 18
_ESCAPE: Final = "escape"
_PARTS: Final = (Line, Overview, ContentSwitcher, Line)
"""The lines around the views, and the views."""


class ConsoleApp(WatchingApp):
    """The console. `run` gives the exit code."""

    TITLE = "dpdlab"
    CSS_PATH = "styles.tcss"
    ENABLE_COMMAND_PALETTE = False
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
    BINDINGS.append(Binding("ctrl+c", "help_quit", show=False, priority=True))

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
        colour: bool = True,
        times: str = "",
        bell: bool = False,
        settings_file: Path | None = None,
    ) -> None:
        """As `ReadingApp`, with the looks and the keys.

        `times` is the format of inputs that are seen for the first time; `settings_file` is where
        changed settings go, by default the user's own file.
        """
        content = Content(version=__version__)
        model = Model(content, signs=glyphs(ascii_only), ascii_only=ascii_only)
        super().__init__(inputs, options, model, live=live, state=state, wanted=wanted)
        if times and not self._left.times:
            model.times = replace(model.times, mode=TimeMode.named(times))
        self.bell_wanted = bell
        self.settings_file = settings_file
        for own in THEMES:
            self.register_theme(own)
        self.theme = theme or THEMES[0].name
        paint(self, colour=colour)
        self.colours: Palette = palette_of(self.theme_variables, colour=colour)
        if keymap is not None:
            self.model.keymap = keymap
            self.set_keymap({name: ",".join(keys) for name, keys in keymap.items()})
        self._said: tuple[str, float] = ("", 0.0)
        self._before: list[str] = []
        self.last_key = ""
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
        self.apply_ascii()
        self.theme_changed_signal.subscribe(self, lambda _: self._recolour())
        self._recolour()
        self.set_interval(1.0 if self._live is None else 0.5, self._tick)
        self.call_after_refresh(self._read)

    def on_resize(self, event: events.Resize) -> None:
        """Low terminals keep their rows for the view."""
        self.query_one(Overview).display = event.size.height >= _OVERVIEW_FROM_ROWS
        # The lines have their new width only then.
        self.call_after_refresh(self.bars)

    def _recolour(self) -> None:
        self.colours = palette_of(self.theme_variables, colour=not self.no_color)
        self.query_one(Overview).set_palette(self.colours)
        for view in self.views:
            view.palette = self.colours
        self._moment += 1
        self.refresh_view()

    @property
    def views(self) -> list[View]:
        """All views."""
        children = self.query_one(ContentSwitcher).children
        return [each for each in children if isinstance(each, View)]

    @property
    def view(self) -> View:
        """The view in sight."""
        switcher = self.query_one(ContentSwitcher)
        view = switcher.get_child_by_id(switcher.current or "")
        assert isinstance(view, View)
        return view

    @property
    def _stands(self) -> bool:
        """Whether the screen is there: things come in while it is being taken down, too."""
        stack = self.screen_stack if self.is_running else []
        found = [child for child in (stack[0].children if stack else ()) if type(child) in _PARTS]
        return len(found) == len(_PARTS)

    # --- reading ---------------------------------------------------------------------------

    def _tick(self) -> None:
        """Countdowns go on between two looks."""
        if self._stands and self.model.now_ns is not None and not self.paused:
            self.take_pending()
            self.model.go_on()
            self.view.tick()
        self.bars()

    # --- painting --------------------------------------------------------------------------

    def refresh_view(self) -> None:
        """Paint the view in sight, if anything changed since it was painted last."""
        if not self._stands:
            return
        view = self.view
        self._shown_revision[view.title] = self._state
        view.painted_for = view.room
        view.show()
        self._mark_window()
        self.bars()

    def _mark_window(self) -> None:
        """The overview marks what the view in sight shows of the time."""
        self.model.window = self.view.shown_window
        self.query_one(Overview).show()

    @property
    def _state(self) -> int:
        return hash((self.model.revision, self._moment, self.size))

    def changed(self) -> None:
        """Something else than the content changed: the moment, a mark, the time format."""
        self._moment += 1
        self.refresh_view()

    def bars(self) -> None:
        """Paint title and footer."""
        if not self._stands:
            return
        width = self.size.width
        self.query_one("#title", Line).say(title_of(self.model, self.colours, width))
        text, until_s = self._said
        footer = self.query_one("#footer", Line)
        if text and monotonic() < until_s:
            footer.say(Text(f" {safe(text)}", self.colours.warn))
        else:
            words = self.view.words
            hints = {name: words.get(name, BY_ID[name].hint) for name in (*self.view.hints, "help")}
            footer.say(footer_of(self.model, self.colours, hints, self.progress, width))

    def say(self, text: str, *, keep: bool = False) -> None:
        """A short remark in the footer; it goes by itself, unless `keep` is given."""
        self._said = (text, monotonic() + (1e9 if keep else _SAYING_S))
        self.bars()

    def unsay(self) -> None:
        """Take the remark away; the footer is painted with what comes next."""
        self._said = ("", 0.0)

    # --- where the user is -----------------------------------------------------------------

    def choose_peer(self, peer_id: str, at_ns: int | None = None) -> None:
        """The peer that timeline and ladder show from now on, and the moment if that is known."""
        if peer_id != self.model.peer_id:
            self.model.peer_id = peer_id
            self.model.at_ns = at_ns
            self._moment += 1
            self.bars()

    def go_to_moment(self, at_ns: int | None) -> None:
        """The moment that all views share."""
        now_ns, end_ns = self.model.now_ns, self.model.end_ns
        if self.following and now_ns is not None and at_ns is not None and at_ns < end_ns:
            # Else the next packet would take the user away from there.
            self.following = False
            self.say(f"staying here: {self.model.key('follow')} follows again")
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
        if title == self.views[0].title:
            self._before.clear()
        elif keep:
            self._before.append(before.title)
        self.query_one(ContentSwitcher).current = f"view-{title}"
        self.unsay()
        if self._shown_revision.get(title) != self._state:
            self.refresh_view()
        else:
            self._mark_window()
        self.bars()

    # --- actions ---------------------------------------------------------------------------

    def action_act(self, name: str) -> None:
        """Do what a key of the registry stands for: the view first, then the application."""
        handler = self.handler(name)
        if handler is None:
            self.say(f"{BY_ID[name].hint} does nothing in this view")
            return
        if BY_ID[name].live and not self.is_live:
            self.say(f"{BY_ID[name].hint} is for live sessions: dpdlab live")
            return
        nothing = self.view.nothing_here
        if nothing and getattr(handler, "__self__", None) is self.view:
            self.say(f"{BY_ID[name].hint} does nothing here: {nothing}")
            return
        self.unsay()
        handler()
        self.bars()

    def handler(self, name: str) -> Callable[[], object] | None:
        """What does an action now; None if nothing does."""
        method = method_of(BY_ID[name])
        for owner in (self.view, self):
            found = getattr(owner, method, None)
            if callable(found):
                handler: Callable[[], object] = found
                return handler
        return None

    def meaning(self, action: Action) -> str:
        """What its key does in the view in sight; where nothing, what it does in others."""
        own = getattr(self.view, method_of(action), None)
        # As command lines are made of functions: what a method says of itself is its help.
        told = None if own is None else own.__doc__
        return told.partition("\n")[0] if told else action.help

    async def on_event(self, event: events.Event) -> None:
        """Remember the key: one that only closes things never leaves the console."""
        if isinstance(event, events.Key):
            self.last_key = event.key
        await super().on_event(event)

    def do_quit(self) -> None:
        """Leave."""
        self.exit(0)

    def action_help_quit(self) -> None:
        """What ctrl+c does: it ends a live session, as it does without a console."""
        if self.is_live:
            self.exit(0)
            return
        leaving = " or ".join(map(self._name_of, self.model.keymap["quit"]))
        back = next((key for key in self.model.keymap["back"] if key != _ESCAPE), _ESCAPE)
        self.say(f"{leaving} leaves dpdlab, {self._name_of(back)} goes back")

    def _name_of(self, key: str) -> str:
        return key_name(key, ascii_only=self.model.ascii_only)

    def do_suspend(self) -> None:
        """Back to the shell; its fg comes back here."""
        if can_be_resumed():
            self.action_suspend_process()
        else:
            self.say("no shell with job control started this: nobody could bring it back")

    def action_command_palette(self) -> None:
        """All commands by name."""

        def chosen(name: str | None) -> None:
            if name is not None:
                self.action_act(name)

        if not isinstance(self.screen, Commands):
            self.push_screen(
                Commands(commands_of(self), self.colours, ascii_only=self.model.ascii_only), chosen
            )

    def do_palette(self) -> None:
        """All commands by name."""
        self.action_command_palette()

    def do_command(self) -> None:
        """The same, as it is typed elsewhere."""
        self.action_command_palette()

    def do_back(self) -> None:
        """To the view before; in the first one what narrows it goes, then it leads out."""
        home = self.views[0].title
        if self.view.step_back():
            return
        if self.view.title != home:
            self.open_view(self._before.pop() if self._before else home, keep=False)
        elif not self._widened():
            self._ask_to_leave()

    def _widened(self) -> bool:
        """Let go what was chosen last of selection, range and filter; False where nothing is."""
        model = self.model
        if model.selected_peers:
            model.selected_peers = frozenset()
            said = "no peer is marked now"
        elif model.range_ns is not None:
            model.choose_range(None)
            said = "all of the time is shown"
        elif model.filter is not None:
            self._narrow(None)
            said = "the filter is gone: all peers are shown"
        else:
            return False
        self.changed()
        self.say(said)
        return True

    def _ask_to_leave(self) -> None:
        keys = [key for key in self.model.keymap["back"] if key != _ESCAPE]
        if self.last_key == _ESCAPE and keys:
            leaving = " or ".join(map(self._name_of, (*keys, *self.model.keymap["quit"])))
            self.say(f"{leaving} leaves dpdlab")
            return

        def answered(leave: bool | None) -> None:
            if leave:
                self.exit(0)

        question = Confirm("Leave dpdlab?", "leaves", "stays", key=",".join(keys))
        self.push_screen(question, answered)

    def do_help(self) -> None:
        """All keys."""
        self.push_screen(HelpScreen(self))

    def do_view_peers(self) -> None:
        """View 1."""
        self.open_view("peers")

    def do_view_timeline(self) -> None:
        """View 2; from the list of peers of those that are marked, if any are."""
        if self.view is self.views[0]:
            marked = self.model.marked_peers
            if marked and self.model.peer not in marked:
                # A mark moves the cursor on.
                self.choose_peer(marked[0].id)
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

    def do_explain(self) -> None:
        """The findings that rest on what is at the moment of the cursor."""
        found = findings_at(self.model)
        if found:
            self.push_screen(ExplainScreen(found, self.model, self.colours))
        else:
            every = self.model.key("view-findings")
            self.say(f"no finding rests on this ({every} shows them all)")


VIEWS: tuple[type[View], ...] = (
    PeersView,
    TimelineView,
    LadderView,
    FindingsView,
    LogView,
    WhatIfView,
)
"""The views in the order of their keys."""
