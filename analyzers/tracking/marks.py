"""Collects the moments of a batch that the silence clocks are asked about."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.model.observations import IkeMessage
from analyzers.tracking.tracks import DeleteTrack, ExchangeTrack, Mark, MarkKind, SaTrack


class Marks:
    """The marks of one batch, in the order of arrival."""

    def __init__(self, *, wanted: bool = True) -> None:
        """`wanted` False: nothing is noted, since there are no silences to judge."""
        self._wanted = wanted
        self.place = 0
        """Place of the event being handled; set by the engine."""
        self.muted = False
        """True for what a log tells whose times nothing ties to the captures: no silence of theirs
        is asked about it."""
        self.proving = True
        """False for a message that did not reach the other side: it proves nothing to it."""
        self._marks: list[Mark] = []

    def add(
        self,
        kind: MarkKind,
        sa: SaTrack,
        role: int,
        message: IkeMessage,
        *,
        exchange: ExchangeTrack | None = None,
        delete: DeleteTrack | None = None,
    ) -> None:
        """Note what `message` means for a role of the SA's unit."""
        if not self._wanted:
            return
        self.append(
            Mark(
                kind, sa.unit.index, role, message.at_ns, self.place, message.ref, exchange, delete
            )
        )

    def implied(
        self,
        sa: SaTrack,
        role: int,
        message: IkeMessage,
        exchange: ExchangeTrack | None,
        asked_ns: int,
    ) -> None:
        """Note that `message` proves the answer to what was asked last at `asked_ns`."""
        kind, unit = MarkKind.IMPLIED, sa.unit.index
        mark = Mark(kind, unit, role, message.at_ns, self.place, message.ref, exchange)
        self.append(replace(mark, asked_ns=asked_ns))

    def append(self, mark: Mark) -> None:
        """Note a mark that is about no message."""
        if not self._wanted or self.muted:
            return
        if self.proving or mark.kind is not MarkKind.PROOF:
            self._marks.append(mark)

    def take(self) -> list[Mark]:
        """The marks since the last call."""
        marks, self._marks = self._marks, []
        return marks
