"""Timelines for rules: told once, in one piece; how captures are cut is for tests/scenarios."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

import pytest

from analyzers.session import Session, SessionOptions
from tests.scenarios.conftest import Told
from tests.scenarios.timeline import capture, key_table

Keys: TypeAlias = Callable[[str], SessionOptions]


class Tell(Protocol):
    """Runs timelines, one capture each; further inputs as (file name, text)."""

    def __call__(
        self, *texts: str | tuple[str, str], options: SessionOptions | None = ...
    ) -> Told: ...


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    def run(*texts: str | tuple[str, str], options: SessionOptions | None = None) -> Told:
        paths = []
        for number, text in enumerate(texts):
            if isinstance(text, str):
                path = tmp_path / f"{number}.pcap"
                path.write_bytes(capture(text))
            else:
                path = tmp_path / text[0]
                path.write_text(text[1])
            paths.append(str(path))
        session = Session(options or SessionOptions())
        session.run(paths)
        return Told(session.peers(), tuple(session.sources), session.judgement().findings)

    return run


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Options with the keys of the sealed SAs of a timeline."""

    def of(text: str) -> SessionOptions:
        path = tmp_path / "ikev1_decryption_table"
        path.write_text(key_table(text))
        return SessionOptions(keys=(str(path),))

    return of
