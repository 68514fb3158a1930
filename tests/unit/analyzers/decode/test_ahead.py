"""Reading ahead in a second process: the same batches, and nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzers.decode import ahead
from analyzers.decode.ahead import ReaderAhead, can_read_ahead
from analyzers.decode.captures import CaptureReader
from analyzers.errors import SourceError
from analyzers.model.records import SourceInfo
from analyzers.session import Session, SessionOptions
from analyzers.sources.inputs import Input, InputSpec, open_input

SAMPLE = Path(__file__).parents[4] / "sample_pcaps" / "ikev2-dead-peer" / "capture.pcap"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def reader(source: Input, chunk_bytes: int = 4096) -> CaptureReader:
    info = SourceInfo("s1", source.path, "capture", "")
    return CaptureReader(source.stream, source.head, info, chunk_bytes=chunk_bytes)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_the_same_session_as_in_one_process(monkeypatch) -> None:
    options = SessionOptions(chunk_bytes=4096, batch_rows=10)
    alone = Session(options)
    alone.run([str(SAMPLE)])
    monkeypatch.setattr(ahead, "WORTHWHILE_BYTES", 0)
    monkeypatch.setattr("threading.active_count", lambda: 1)
    assert can_read_ahead(1)
    before = descriptors()
    helped = Session(options)
    helped.open([str(SAMPLE)])
    assert any(isinstance(r, ReaderAhead) for r in helped._readers)
    helped.read()
    assert helped.peers() == alone.peers()
    assert helped.sources == alone.sources
    assert descriptors() == before


def test_closing_early_ends_the_child() -> None:
    source = open_input(InputSpec(str(SAMPLE), required=True))
    before = descriptors()
    child = ReaderAhead(reader(source, chunk_bytes=256))
    assert child.read() is not None
    number = child._child
    child.close()
    assert descriptors() == before
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    source.close()


def test_an_error_of_reading_crosses_over() -> None:
    source = open_input(InputSpec(str(SAMPLE), required=True))
    inner = reader(source)

    def fail() -> None:
        raise SourceError("the disk is gone")

    inner.read = fail  # type: ignore[method-assign]
    child = ReaderAhead(inner)
    with pytest.raises(SourceError, match="the disk is gone"):
        child.read()
    assert child.read() is None
    child.close()
    source.close()


def test_a_child_that_dies_is_an_error() -> None:
    source = open_input(InputSpec(str(SAMPLE), required=True))
    inner = reader(source)

    def die() -> None:
        os._exit(9)

    inner.read = die  # type: ignore[method-assign]
    child = ReaderAhead(inner)
    with pytest.raises(SourceError, match="ended early"):
        child.read()
    child.close()
    source.close()
