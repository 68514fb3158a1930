"""What happens to the sources of a live session, and to what it keeps, as lines on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.session.live import LiveSession
from analyzers.sources.feed import LiveSource, Loss, SourceState
from dpdlab.cli.diagnostics import Diagnostics
from dpdlab.present.live_lines import lost

_BROKEN: Final = (
    SourceState.WAITING, SourceState.MISSING, SourceState.DOWN, SourceState.FAILED,
)  # fmt: skip
# What goes on being lost is told again after so long.
_AGAIN_S: Final = 5.0


class SourceNews:
    """Tells each thing once, and what goes on being lost every few seconds."""

    def __init__(
        self, session: LiveSession, sources: Sequence[LiveSource], diagnostics: Diagnostics
    ) -> None:
        self._session = session
        self._sources = sources
        self._diagnostics = diagnostics
        self._states: dict[int, tuple[SourceState, str]] = {}
        self._lost: dict[tuple[int, str, str], tuple[int, float]] = {}
        """How many were told of each loss, and when."""
        self._stores: set[str] = set()

    def tell(self, now_s: float, *, last: bool = False) -> None:
        """What is new; `now_s` is of a monotonic clock, `last`: nothing is told later."""
        for number, source in enumerate(self._sources):
            status = source.feed.status
            told = (status.state, status.detail)
            before = self._states.get(number)
            if told != before:
                self._states[number] = told
                self._tell_state(source, before)
            for loss in status.losses:
                self._tell_loss(number, source.name, loss, now_s, last=last)
        for kept in (self._session.store, self._session.log_store):
            if kept is not None and kept.stopped and kept.stopped not in self._stores:
                self._stores.add(kept.stopped)
                self._diagnostics.warning(kept.stopped)

    def _tell_state(self, source: LiveSource, before: tuple[SourceState, str] | None) -> None:
        status = source.feed.status
        if status.state in _BROKEN:
            self._diagnostics.warning(f"{source.name}: {status.detail}")
        elif before and before[0] in _BROKEN and status.state is SourceState.OPEN:
            self._diagnostics.note(f"{source.name}: it goes on")
        elif status.state is SourceState.ENDED and not self._session.over:
            self._diagnostics.note(f"{source.name}: it has ended")

    def _tell_loss(self, number: int, name: str, loss: Loss, now_s: float, *, last: bool) -> None:
        key = number, loss.why, loss.sender
        times, told_s = self._lost.get(key, (0, now_s - _AGAIN_S))
        if loss.times == times or not (last or now_s - told_s >= _AGAIN_S):
            return
        self._lost[key] = (loss.times, now_s)
        self._diagnostics.warning(f"{name}: {lost(loss)}")
