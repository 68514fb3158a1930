"""The clock that a live session keeps beside a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.sources.inputs import expand
from analyzers.sources.kept_clock import (
    KeptClock,
    beside,
    read_clock,
    remove_lonely,
    write_clock,
)


def test_what_was_kept_is_read(tmp_path: Path) -> None:
    log, clock = tmp_path / "r1.log", KeptClock(1_795_000_000_000_000_000, -7_200_000_000_000)
    log.touch()
    write_clock([log], clock)
    assert read_clock(str(log)) == clock
    assert [spec.path for spec in expand([str(tmp_path)])] == [str(log)]
    remove_lonely(tmp_path)
    assert beside(log).exists()
    log.unlink()
    remove_lonely(tmp_path)
    assert not beside(log).exists()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"near_ns":1}',
        b'{"near_ns":"1","shift_ns":0}',
        b'{"near_ns":1,"shift_ns":99999999999999999999}',
        b'{"near_ns":1,"shift_ns":-9223372036854775807}',
        b'{"near_ns":1,"shift_ns":0,"more":' + b"1" * 1000 + b"}",
        b"\xff\xfe",
    ],
)
def test_what_somebody_else_put_there_tells_nothing(tmp_path: Path, text: bytes) -> None:
    log = tmp_path / "r1.log"
    beside(log).write_bytes(text)
    assert read_clock(str(log)) is None
    assert read_clock(str(tmp_path / "none.log")) is None
