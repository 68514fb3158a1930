"""What runs of questions come to: exchanges of the report, and what they support."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from msgspec import Struct

from analyzers.model.exchange import Outcome, Transmission
from analyzers.model.records import Confidence


class Support(Enum):
    """What a run of questions says of the silence it falls into."""

    LOST = auto()
    """What was asked got no answer: packets sent meanwhile were lost."""
    NONE = auto()
    """Nobody can tell whether it was answered."""
    UNHEARD = auto()
    """It was answered, as far as its rhythm tells: the capture lost the other side's packets."""
    SILENT = auto()
    """Its rhythm tells the same, but ESP of the other side ends with its answers: it went, or the
    capture lost all that it sends."""


class Piece(Struct, frozen=True):
    """One exchange of the report."""

    sent: tuple[Transmission, ...]
    outcome: Outcome
    verdict_ns: int | None
    confidence: Confidence
    heard: bool = False
    """It was not answered, but the peer was heard after it."""
    presumed_ns: int | None = None
    """No verdict, but the input ends as if there had been one then, see `breaks_off_in_time`."""
    ceased_ns: int | None = None
    """No verdict, and a retry was overdue then: the prober asks no more, see `ceased`."""


class Settled(Struct, frozen=True):
    """What a run of questions came to."""

    pieces: tuple[Piece, ...]
    delete: Transmission | None = None
    """The last message of the run is an ISAKMP Delete (dpd-semantics fact 12)."""
    unknown: int = 0
    """Informationals that nobody can tell apart."""
    support: Support = Support.LOST

    @property
    def verdict_ns(self) -> int | None:
        """When the prober gave up, if it did."""
        return self.pieces[-1].verdict_ns if self.pieces else None

    @property
    def ended_ns(self) -> int | None:
        """When the prober gave up, or seems to have given up as the input ends."""
        presumed_ns = self.pieces[-1].presumed_ns if self.pieces else None
        return self.verdict_ns if presumed_ns is None else presumed_ns


def of_pieces(
    replies: Sequence[Transmission], pieces: Sequence[Piece]
) -> list[tuple[Transmission, ...]]:
    """Lost answers by the piece with the question that is nearest in time."""
    found: list[list[Transmission]] = [[] for _ in pieces]
    for reply in replies if pieces else ():
        apart = [min(abs(sent.at_ns - reply.at_ns) for sent in p.sent) for p in pieces]
        found[apart.index(min(apart))].append(reply)
    return [tuple(of) for of in found]
