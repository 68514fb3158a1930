"""The drawings of the timeline: made once for what is shown, and kept while the cursor moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from analyzers.export.spans import Window
from analyzers.model.peer import PeerView
from dpdlab.present.esp import EspTimes
from dpdlab.present.folding import Folding, fold
from dpdlab.present.timeline import Timeline, draw
from dpdlab.tui.views.esp_reading import EspReading

if TYPE_CHECKING:
    from dpdlab.tui.views.timeline import TimelineView


class Drawings:
    """Drawings of the peers in sight, on one scale."""

    def __init__(self, view: TimelineView) -> None:
        self._view = view
        self._esp = EspReading(view, lambda: view.console_app.refresh_view())
        self._kept: tuple[object, list[Timeline]] | None = None
        self.folding: Folding | None = None
        """What became of the silence; None: nobody wants it folded."""
        self.exact: Mapping[str, EspTimes] = {}
        """When ESP was, by peer, where that is known more exactly than in slices."""

    @property
    def esp_note(self) -> str:
        """Why that is wanted, and not known; empty where it is, or not wanted."""
        return self._esp.note

    def of(
        self, peers: Sequence[PeerView], window: Window, cells: int, *, compress: bool
    ) -> list[Timeline]:
        """One of each peer that is listed."""
        model, app = self._view.model, self._view.console_app
        listed = {p.id: found for p in peers if (found := model.listed(p)) is not None}
        key = (model.revision, self._esp.revision, list(listed), window, cells, compress)
        if self._kept is not None and self._kept[0] == key:
            return self._kept[1]
        all_times = [one.times for one in listed.values()]
        self.folding = None
        scale = model.scale(window, cells)
        if compress:
            self.folding = fold(
                [times.moments for times in all_times], window, cells, model.whole_digest.unseen
            )
            scale = self.folding.scale
        self.exact = self._esp.times(all_times, scale, model.whole, app.captures, app.afterwards)
        drawn = [
            draw(times, scale, model.signs, self.exact.get(times.peer.id)) for times in all_times
        ]
        self._kept = (key, drawn)
        return drawn
