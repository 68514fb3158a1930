"""Child SAs of two logs: what their SPIs say of the clocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import ProblemKind, Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import ClockOptions
from analyzers.session.child_sas import apart_ns, child_sas
from analyzers.session.one_session import Shown
from tests.scenarios.inputs import together

UP = "10[IKE] CHILD_SA net{1} established with SPIs %s_i %s_o and TS 10.1.0.0/24 === 10.2.0.0/24"
BETWEEN = "10[IKE] IKE_SA gw[1] established between %s[%s]...%s[%s]"


def up(at_s: float | None, *spis: str) -> LogEvent:
    at_ns = None if at_s is None else round(at_s * NS_PER_SECOND)
    return LogEvent(LogEventKind.CHILD_SA_UP, at_ns, Ref("s1", 1), "strongswan", spis=spis)


def test_the_first_time_of_each_spi_counts():
    found = child_sas([up(1, "aa", "bb"), up(9, "aa", "cc"), up(None, "dd")])
    assert {spi: at_ns // NS_PER_SECOND for spi, at_ns in found.items()} == {
        "aa": 1,
        "bb": 1,
        "cc": 9,
    }


def test_every_other_input_asks_what_was_read_once():
    shown = Shown([], [up(1, "aa", "bb")])
    assert shown.children == {"aa": NS_PER_SECOND, "bb": NS_PER_SECOND}
    assert shown.children is shown.children


def test_what_only_one_log_has_tells_nothing():
    assert apart_ns({"aa": 5, "bb": 7}, {"aa": 2, "cc": 1}) == 3
    assert apart_ns({"aa": 5}, {"cc": 1}) is None


def log(local: str, remote: str, second: int, spis: tuple[str, str]) -> str:
    stamp = f"2026-11-20 19:59:{second:02}.549 "
    ends = (local, local, remote, remote)
    return f"{stamp}{BETWEEN % ends}\n{stamp}{UP % spis}\n"


@pytest.mark.parametrize(("later_s", "contradicted"), [(0, False), (4, False), (9, True)])
def test_a_handshake_lies_between_the_ends(tmp_path: Path, later_s: int, contradicted: bool):
    """An answer that was lost comes again some seconds later: until then one end waits."""
    a = log("192.0.2.1", "192.0.2.2", 20 + later_s, ("a02f927f", "cf693d19"))
    b = log("192.0.2.2", "192.0.2.1", 20, ("cf693d19", "a02f927f"))
    clocks = ClockOptions(offsets_ns={"1.txt": 0})
    told = together(tmp_path, a, b, clocks=clocks)
    assert (ProblemKind.CLOCK_CONTRADICTED in told.kinds(1)) is contradicted
