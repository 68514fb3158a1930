"""A log whose stamps do not tell when it was written: the same report live and of what was kept."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.test_live_command import environment, live
from tests.live_capture import DPDLAB, PATIENCE_S, SAMPLES

__all__ = ["environment"]

_SAMPLE = SAMPLES / "ikev2-peer-restart" / "charon-a.log"
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+)\S* ")
Writer = Callable[[datetime], str]


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " "


def bsd(at: datetime) -> str:
    return at.strftime("%b %e %H:%M:%S gw charon: ")


def _log(writes: Writer, off: timedelta) -> str:
    """The log of the sample as it would have been written until now, on a clock that is so off."""
    lines = _SAMPLE.read_text().splitlines()
    times = [datetime.fromisoformat(found[1]) for found in map(_STAMP.match, lines) if found]
    later = datetime.now(UTC).replace(tzinfo=None) - times[-1] + off  # noqa: TID251 - live time
    made = []
    for line in lines:
        found = _STAMP.match(line)
        stamp = writes(datetime.fromisoformat(found[1]) + later) if found else ""
        made.append(stamp + line[found.end() if found else 0 :])
    return "\n".join(made) + "\n"


@pytest.mark.parametrize("writes", [iso, bsd])
@pytest.mark.parametrize("hours", [0, 2, -5.5])
def test_a_later_report_of_what_was_kept_says_the_same(
    environment: dict[str, str], writes: Writer, hours: float
) -> None:
    text = _log(writes, timedelta(hours=hours))
    with live(environment, "--log", "-", "--format", "text", stdin=subprocess.PIPE) as process:
        out, err = process.communicate(text.encode(), timeout=PATIENCE_S)
    assert process.returncode == 0, err
    told, _, report = out.decode().partition("\n\n")
    assert told
    (kept,) = Path(environment["XDG_CACHE_HOME"]).glob("dpdlab/live/*.log")
    later = subprocess.run(
        [*DPDLAB, "report", str(kept)], capture_output=True, check=True, env=environment
    )
    assert _without_names(report) == _without_names(later.stdout.decode())
    assert ("put to when its lines" in " ".join(report.split())) is bool(hours)


def _without_names(report: str) -> list[str]:
    return [line for line in report.splitlines() if not line.startswith("input  ")]
