"""What the writers write: the values of one run, before any of them is put into words."""

from __future__ import annotations

from msgspec import Struct

from analyzers.model.alignment import Alignment
from analyzers.model.finding import Finding, Suppressed
from analyzers.model.peer import PeerView
from analyzers.model.records import SourceInfo


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
