"""Exact times of ESP for the timeline: read in a thread when it is closer than what is counted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from textual.widget import Widget
from textual.worker import get_current_worker

from analyzers.export.content import Content
from analyzers.export.spans import Window
from analyzers.export.untrusted import safe
from analyzers.model.peer import PeerView
from analyzers.session.second_pass import CaptureAgain
from dpdlab.present.esp import EspTimes
from dpdlab.present.esp_again import (
    EspRead,
    TooMany,
    read_times,
    stretch_to_read,
    too_many,
    why_not_again,
)
from dpdlab.present.scale import Scale
from dpdlab.present.timeline import PeerTimes
from dpdlab.tui.reading import Afterwards

if TYPE_CHECKING:
    from dpdlab.tui.app import ConsoleApp

_KEPT: Final = 8
_READING: Final = "reading when it was"
_ON_THE_WAY: Final = "when it was can be read at the end"


class _Wanted(Struct, frozen=True):
    """What is read, or was."""

    peers: tuple[str, ...]
    stretch: Window


class _Stopped(Exception):
    """Something else is looked at by now."""


class EspReading:
    """Reads for one view, and keeps what it read last."""

    def __init__(self, view: Widget, came: Callable[[], None]) -> None:
        """`came` is called where keys are read, when there is something new to draw."""
        self._view = view
        self._came = came
        self._whole: Content | None = None
        self._kept: OrderedDict[_Wanted, EspRead] = OrderedDict()
        self._pending: _Wanted | None = None
        self.note = ""
        """Why exact times are wanted and not there; empty where they are, or not wanted."""
        self.revision = 0
        """Rises with everything that comes."""

    def times(
        self,
        shown: Sequence[PeerTimes],
        scale: Scale,
        whole: Content,
        captures: Sequence[CaptureAgain],
        afterwards: Afterwards | None,
    ) -> dict[str, EspTimes]:
        """What is known for a drawing, by peer; what is missing begins to be read."""
        if whole is not self._whole:
            self._whole, self._pending = whole, None
            self._kept.clear()
        self.note = ""
        try:
            stretch = stretch_to_read(shown, scale)
        except TooMany:
            self.note = too_many()
            return {}
        if stretch is None:
            return {}
        if afterwards is None:
            self.note = _ON_THE_WAY
            return {}
        if why_not := why_not_again(captures):
            self.note = safe(why_not)
            return {}
        peers = [times.peer for times in shown]
        ids = tuple(sorted(peer.id for peer in peers))
        drawn = Window(scale.start_ns, scale.end_ns)
        for wanted, read in reversed(self._kept.items()):
            if wanted.peers == ids and _holds(wanted.stretch, drawn):
                self._kept.move_to_end(wanted)
                self.note = read.why_not
                return read.times
        self.note = _READING
        pending = self._pending
        if pending is None or pending.peers != ids or not _holds(pending.stretch, drawn):
            self._begin(_Wanted(ids, stretch), [peer.whole for peer in peers], afterwards)
        return {}

    def _begin(self, wanted: _Wanted, peers: Sequence[PeerView], afterwards: Afterwards) -> None:
        """Read in a thread; what was being read is no longer wanted."""
        self._pending = wanted
        whole = self._whole
        app: ConsoleApp = self._view.app  # type: ignore[assignment]

        def work() -> None:
            worker = get_current_worker()

            def check() -> None:
                if worker.is_cancelled:
                    raise _Stopped

            try:
                read = read_times(peers, wanted.stretch, afterwards.packets_within, check)
            except _Stopped:
                return
            except Exception as error:  # noqa: BLE001 - exact times are never worth a crash
                read = EspRead({}, f"the capture cannot be read again: {error}")
            if not worker.is_cancelled:
                app.call_from_thread(self._take, whole, wanted, read)

        self._view.run_worker(work, thread=True, exclusive=True, group="esp", exit_on_error=False)

    def _take(self, whole: Content | None, wanted: _Wanted, read: EspRead) -> None:
        if whole is not self._whole:
            return
        self._kept[wanted] = read
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        if self._pending == wanted:
            self._pending = None
        self.revision += 1
        self._came()


def _holds(stretch: Window, drawn: Window) -> bool:
    return stretch.start_ns <= drawn.start_ns and drawn.end_ns <= stretch.end_ns
