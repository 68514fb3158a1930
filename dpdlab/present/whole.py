"""All that a session found, as every writer and the console take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from analyzers.export.content import Content
from dpdlab import __version__

if TYPE_CHECKING:
    from analyzers.model.alignment import Alignment
    from analyzers.model.peer import PeerView
    from analyzers.model.records import SourceInfo
    from analyzers.rules.judge import Judgement


class Read(Protocol):
    """A session that has read what there is, from files or live."""

    sources: list[SourceInfo]
    alignments: tuple[Alignment, ...]

    def peers(self) -> tuple[PeerView, ...]:
        """All peers."""

    def judgement(self) -> Judgement:
        """What the rules say."""

    def diagnosis(self) -> Sequence[str]:
        """Why nothing was found, where nothing was."""


def whole(session: Read) -> Content:
    """Everything that was found."""
    judgement = session.judgement()
    return Content(
        version=__version__,
        sources=tuple(session.sources),
        peers=session.peers(),
        alignments=session.alignments,
        diagnosis=tuple(session.diagnosis()),
        findings=judgement.findings,
        suppressed=judgement.suppressed,
    )
