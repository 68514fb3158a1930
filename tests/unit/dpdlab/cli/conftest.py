from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from msgspec import Struct, field

from analyzers.model.alignment import Alignment
from analyzers.model.configuration import Configuration
from analyzers.model.finding import Finding, Suppressed
from analyzers.model.peer import PeerView
from analyzers.model.records import SourceInfo
from analyzers.rules.judge import Judgement
from analyzers.session.options import UnparsedLine
from analyzers.session.second_pass import CaptureAgain
from analyzers.whatif.windows import Packets, Window
from dpdlab.cli import analysis, main
from tests.model_builders import peer, source


class Result(Struct, dict=True):
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that an error is."""
        (line,) = self.err.splitlines()
        return line


class StubSession(Struct, dict=True):
    """Stands where the engine stands: its answers are given, its questions are kept."""

    sources: list[SourceInfo] = field(default_factory=lambda: [source()])
    views: tuple[PeerView, ...] = field(default_factory=lambda: (peer(),))
    sentences: list[str] = field(default_factory=list)
    failure: BaseException | None = None
    inputs: Sequence[str] = ()
    options: argparse.Namespace | None = None
    alignments: tuple[Alignment, ...] = ()
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()

    def open(self, inputs: Sequence[str]) -> None:
        self.inputs = inputs

    def read(self, progress: Callable[[Any], None] | None = None) -> None:
        if self.failure is not None:
            raise self.failure

    def peers(self) -> tuple[PeerView, ...]:
        return self.views

    def judgement(self) -> Judgement:
        return Judgement(self.findings, self.suppressed)

    def diagnosis(self) -> list[str]:
        return self.sentences

    def unparsed(self) -> list[UnparsedLine]:
        return []

    def captures(self) -> list[CaptureAgain]:
        return []

    def packets_within(self, windows: Sequence[Window]) -> Iterator[Packets]:
        return iter(())

    def configurations(self) -> tuple[Configuration, ...]:
        return ()


Cli = Callable[..., Result]


@pytest.fixture
def session(monkeypatch) -> StubSession:
    """The engine of this test; every command line of the test runs against it."""
    stub = StubSession()

    def open_session(options: argparse.Namespace) -> StubSession:
        stub.options = options
        return stub

    monkeypatch.setattr(analysis, "open_session", open_session)
    return stub


@pytest.fixture
def cli(capfdbinary, monkeypatch) -> Cli:
    """Run a command line in this process."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def run(*argv: str) -> Result:
        code = main(list(argv))
        captured = capfdbinary.readouterr()
        return Result(code, captured.out.decode(), captured.err.decode())

    return run
