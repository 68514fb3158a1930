"""What the writers write: the values of one run, before any of them is put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from analyzers.model.alignment import Alignment
from analyzers.model.finding import Finding, Suppressed
from analyzers.model.peer import PeerView
from analyzers.model.records import SourceInfo

if TYPE_CHECKING:
    # numpy is slow to begin with, and not every command needs it.
    from analyzers.export.esp_times import EspTimes


class Content(Struct, frozen=True):
    """One run: its sources, its peers, and why nothing was found where nothing was."""

    version: str
    """Version of the tool."""
    sources: tuple[SourceInfo, ...] = ()
    peers: tuple[PeerView, ...] = ()
    diagnosis: tuple[str, ...] = ()
    """Sentences; empty when something was found."""
    alignments: tuple[Alignment, ...] = ()
    """How the clocks of the inputs were put together."""
    findings: tuple[Finding, ...] = ()
    """The worst first."""
    suppressed: tuple[Suppressed, ...] = ()
    """Findings that the user does not want to hear, with the reason."""
    filter: str = ""
    """What it was narrowed by, where there was something to narrow."""
    esp: Mapping[str, Sequence[EspTimes]] = field(default_factory=dict)
    """Exact times of ESP for drawings that are finer than its slices, by the id of the peer."""
