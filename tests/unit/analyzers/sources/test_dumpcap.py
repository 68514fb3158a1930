"""The child that captures, as far as any program can play it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzers.sources import dumpcap
from analyzers.sources.dumpcap import CaptureSource
from analyzers.sources.feed import SourceState
from tests.live_capture import eventually

# As tcpdump: who asks for its counters before it listens ends it.
SLOW = """#!/bin/sh
sleep 0.6
trap 'echo 3 packets dropped by kernel >&2' USR1
trap 'exit 0' TERM
printf header
echo "tcpdump: listening on lo" >&2
while true; do sleep 0.05; done
"""


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CaptureSource]:
    tool = tmp_path / "tcpdump"
    tool.write_text(SLOW)
    tool.chmod(0o755)
    monkeypatch.setattr(dumpcap, "_COUNT_EVERY_S", 0.2)
    source = CaptureSource("lo", "", str(tool))
    yield source
    source.close(2.0)


def test_a_tool_that_begins_slowly_is_asked_for_its_counters_once_it_listens(
    slow: CaptureSource,
) -> None:
    slow.start()
    over = (SourceState.OPEN, SourceState.FAILED)
    eventually(lambda: slow.feed.status.state in over, "the beginning")
    assert slow.feed.status.state is SourceState.OPEN, slow.feed.status
    eventually(lambda: slow.feed.status.dropped == 3, "its counters")
    time.sleep(0.5)
    assert slow.feed.status.state is SourceState.OPEN
    assert slow.feed.status.restarts == 0
