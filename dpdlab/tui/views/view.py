"""What every view is: it paints the model, and does what keys ask for with `do_…` methods."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual import events
from textual.geometry import Size
from textual.widget import Widget

from analyzers.export.formatting import byte_count
from analyzers.export.spans import Window
from analyzers.export.untrusted import safe
from analyzers.sources.feed import SourceState
from dpdlab.tui.fixed import Fixed
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.title import without_peers

if TYPE_CHECKING:
    from dpdlab.tui.app import ConsoleApp


_STEP_S: Final = 0.02
"""Between two steps of what is looked up ahead."""


class View(Fixed):
    """One of the six; only the one in sight is painted.

    A method `do_X` handles the action X (with underscores for dashes); what a view has no method
    for, the application handles.
    """

    DEFAULT_CSS: ClassVar[str] = "View { height: 1fr; width: 1fr; }"

    title: ClassVar[str] = ""
    hints: ClassVar[tuple[str, ...]] = ()
    """Ids of the actions that the footer shows for it, the most useful first."""
    words: ClassVar[Mapping[str, str]] = {}
    """What the footer calls actions that are something of their own here, by their ids."""

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(id=f"view-{self.title}")
        self.model = model
        self.palette = palette
        self.painted_for = Size(0, 0)
        """The room that it was painted for last."""
        self._steps: Iterator[None] = iter(())

    @property
    def room(self) -> Size:
        """The size that it has, or will have when it comes into sight: all views have the same."""
        return self.parent.size if isinstance(self.parent, Widget) else self.size

    def on_resize(self, _: events.Resize) -> None:
        """Other room: the message comes after each opening, too."""
        if self.console_app.view is self and self.room != self.painted_for:
            self.console_app.refresh_view()

    @property
    def shown_window(self) -> Window | None:
        """The stretch of time that it shows; None is all of it."""
        return None

    @property
    def nothing_here(self) -> str:
        """Why keys of the view have nothing to work on; empty where they have."""
        return ""

    @property
    def console_app(self) -> ConsoleApp:
        """The application, with its own methods."""
        from dpdlab.tui.app import ConsoleApp

        return cast(ConsoleApp, self.app)

    @abstractmethod
    def show(self) -> None:
        """Paint the model as it is now: content, filter, peer, moment or time format changed."""

    def ahead(self) -> Iterator[None]:
        """Work out what keys will look up in a report, in small steps."""
        return iter(())

    def look_ahead(self) -> None:
        """Begin with that: a key that comes meanwhile waits for one step."""
        idle = next(self._steps, self) is self
        self._steps = self.ahead()
        if idle:
            self._step_ahead()

    def _step_ahead(self) -> None:
        if next(self._steps, self) is None:
            self.set_timer(_STEP_S, self._step_ahead)

    def tick(self) -> None:
        """Time goes on: paint what depends on it. Called twice a second in a live session."""

    def kept(self) -> dict[str, Any]:
        """What of the view itself is kept for the next session, fit for JSON."""
        return {}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """As `kept` had it; what is no such thing is left out. The view is not painted yet."""

    def step_back(self) -> bool:
        """Leave what was opened inside the view; False where nothing was."""
        return False

    def search(self, text: str, by: int) -> bool:
        """Go to the next (by 1) or previous (by -1) row with a text; whether there is one."""
        return False

    def why_no_peer(self) -> str:
        """Why there is no peer to show: the filter, the reading, or the inputs."""
        if self.model.filter is not None and self.model.whole.peers:
            return "nothing matches the filter (f changes it, an empty one shows all)"
        if self.model.now_ns is not None:
            live = self.model.live
            if live is not None and all(s.state is SourceState.STARTING for s in live.sources):
                return "starting: nothing is watched yet"
            return "watching: no IKE and no ESP so far"
        if not self.model.done:
            progress = self.console_app.progress
            read = 0 if progress is None else progress.packets
            if progress is not None and progress.waits and not read:
                came = byte_count(progress.read_bytes)
                return f"waiting for {safe(progress.path)}: {came} so far, nothing to tell yet"
            return f"no IKE and no ESP in {read:,} packets so far" if read else "reading"
        if self.model.failure:
            return "\n".join(safe(line) for line in self.model.failure.split("\n"))
        told = [safe(sentence) for sentence in self.model.content.diagnosis]
        found = without_peers(self.model)
        if found:
            told.insert(0, found)
        return "\n".join(told) or "no IPsec peer in these inputs"

    def copy_text(self) -> dict[str, str]:
        """What can be copied from the cursor, by name: text, JSON, Wireshark filter, BPF."""
        return {}
