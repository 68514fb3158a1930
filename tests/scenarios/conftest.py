"""Runs timelines through the real session: in one piece, and in the smallest ones."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest
from msgspec import Struct
from msgspec.structs import replace

from analyzers.model.finding import Finding
from analyzers.model.peer import PeerView
from analyzers.model.records import ProblemKind, SourceInfo
from analyzers.session import Session, SessionOptions
from tests.scenarios.timeline import capture

# However a capture is cut into chunks and batches, the report is the same.
CUTTINGS = ((64, 0), (700, 3), (5_000, 40))


class Told(Struct, frozen=True, dict=True):
    """What the report says of a timeline."""

    peers: tuple[PeerView, ...]
    sources: tuple[SourceInfo, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def peer(self) -> PeerView:
        """The only peer."""
        (peer,) = self.peers
        return peer

    def of(self, rule: str) -> list[Finding]:
        """The findings of one rule."""
        return [finding for finding in self.findings if finding.rule == rule]

    @property
    def problems(self) -> set[ProblemKind]:
        """The kinds of problem anywhere in it."""
        found = {p.kind for source in self.sources for p in source.problems}
        return found | {p.kind for peer in self.peers for p in peer.problems}


class Tell(Protocol):
    """Runs timelines, one capture each."""

    def __call__(self, *texts: str, options: SessionOptions = ...) -> Told: ...


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    def run(*texts: str, options: SessionOptions | None = None) -> Told:
        chosen = SessionOptions() if options is None else options
        paths = []
        for number, text in enumerate(texts):
            path = tmp_path / f"{number}.pcap"
            path.write_bytes(capture(text))
            paths.append(str(path))
        session = Session(chosen)
        session.run(paths)
        peers = session.peers()
        for chunk_bytes, batch_rows in CUTTINGS:
            again = Session(replace(chosen, chunk_bytes=chunk_bytes, batch_rows=batch_rows))
            again.run(paths)
            assert again.peers() == peers, f"cut into {chunk_bytes} bytes, {batch_rows} rows"
        return Told(peers, tuple(session.sources), session.judgement().findings)

    return run
