"""Clocks of inputs: what the user says of them, what they say of themselves, what they share."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analyzers.model.alignment import ClockBasis
from analyzers.model.peer import PeerState
from analyzers.model.records import ProblemKind, Ref
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS, ClockQuality
from analyzers.session import ClockOptions
from analyzers.session.clocks import value_of
from tests.builders import pcap_bytes
from tests.scenarios.inputs import Together, together
from tests.scenarios.logs import (
    Clock,
    charon,
    ios_zoned,
    isakmp,
    iso,
    iso_zoned,
    no_stamp,
    star,
    syslog,
    uptime,
)
from tests.scenarios.timeline import BASE_NS, at, capture

TEXT = """
0 a>b v1 main-mode
10..100/20 a>b v1 info 108 says=ruthere number=7
10.02..100/20 b>a v1 info 108 says=ack number=7
"""
OTHER = TEXT.replace("a>b", "a>c").replace("b>a", "c>a").replace("info 108", "info 108 sa=4")
# 02:30 in Berlin, the first time, in the night in which summer time ends.
OCTOBER = datetime(2024, 10, 27, 0, 30, tzinfo=UTC).timestamp()
V2 = """
0 a>b v2 handshake
10..100/20 a>b liveness 2+
10.02..100/20 b>a liveness 2+ resp
"""


def date(at_ns: int | None) -> str:
    assert at_ns is not None
    return f"{datetime.fromtimestamp(at_ns // NS_PER_SECOND, UTC):%Y-%m-%d %H:%M:%S}"


def first(told: Together, number: int = 0) -> str:
    return date(told.sources[number].first_ns)


# --- what the user calls an input ----------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["logs/console.txt", "console.txt", "ios:logs/console.txt"], ids=str
)
def test_an_input_is_named_by_its_path_or_by_its_last_part(key: str) -> None:
    assert value_of({key: 5}, "ios:logs/console.txt", None) == 5


def test_other_inputs_are_not_meant() -> None:
    assert value_of({"console.txt": 5}, "other.txt", 3) == 3
    assert value_of({"logs": 5}, "logs/console.txt", None) is None
    assert value_of({}, "-", 3) == 3


# --- what the stamps say, and nobody knows -------------------------------------------------------


def test_a_zone_without_a_known_offset_is_told(tmp_path: Path) -> None:
    log = isakmp(TEXT, "a", Clock(ios_zoned))
    for lines in (1, 2_000):
        lead = "Nov 14 2023 22:13:20.000 UTC: ISAKMP: set new node 7 to QM_IDLE\n" * lines
        told = together(tmp_path, lead + log.replace(" UTC: ", " IST: "))
        (problem,) = told.sources[0].problems
        assert problem.kind is ProblemKind.CLOCK_GUESSED
        assert problem.detail.startswith("IST is no zone with one known offset: taken as UTC")
        assert problem.ref == Ref("s1", lines + 1)
    assert not together(tmp_path, log).sources[0].problems
    zone = ClockOptions(zone=ZoneInfo("Asia/Kolkata"))
    assert not together(tmp_path, log.replace(" UTC: ", " IST: "), clocks=zone).sources[0].problems


def test_a_leap_day_of_a_year_that_has_none_is_told(tmp_path: Path) -> None:
    log = isakmp(TEXT, "a", Clock(star)).replace("*Nov 14", "*Feb 29")
    (problem,) = together(tmp_path, log, clocks=ClockOptions(year=2023)).sources[0].problems
    assert problem.kind is ProblemKind.CLOCK_CONTRADICTED
    assert problem.detail == "29 February is in the log, and not in 2023: taken as 1 March"
    assert problem.ref is not None
    assert log.splitlines()[problem.ref.record - 1].startswith("*Feb 29")
    assert not together(tmp_path, log, clocks=ClockOptions(year=2024)).sources[0].problems


def test_stamps_of_hours_are_an_order_and_no_times(tmp_path: Path) -> None:
    dead = [(110.0, "ISAKMP:(1001):peer 192.0.2.2 not responding!")]
    lost = TEXT + "".join(f"{n} a>b v1 info 108 says=ruthere number=9\n" for n in (102, 104, 106))
    told = together(tmp_path, isakmp(lost, "a", Clock(lambda _: "1d02h: "), said=dead))
    problem = told.problem(ProblemKind.NO_TIMES)
    assert problem.detail == "stamps that tell hours at best: only the order of the lines is known"
    assert told.peer.state is PeerState.DEAD
    assert not told.peer.black_holes
    assert max(x.last_ns for x in told.peer.exchanges) < ORDER_LIMIT_NS
    # The second day of an uptime begins within the log.
    stamps = Clock(lambda at_ns: uptime(at_ns) if at_ns < at(102) else "1d00h: ")
    told = together(tmp_path, isakmp(lost, "a", stamps, said=dead))
    assert told.problem(ProblemKind.NO_TIMES).detail == problem.detail
    assert told.peer.state is PeerState.DEAD
    assert not told.peer.black_holes
    fine = isakmp(lost, "a", Clock(uptime), said=dead)
    assert ProblemKind.NO_TIMES not in together(tmp_path, fine).kinds(0)


def test_the_stamps_of_a_relay_have_the_year_and_the_zone_of_the_device(tmp_path: Path) -> None:
    log = isakmp(TEXT, "a", Clock(lambda at_ns: f"2021-11-14T23:13:30+01:00 hub 7: {star(at_ns)}"))
    other = capture("0 b>c v2 handshake")
    for more in ((), (other,)):
        told = together(tmp_path, log.replace("*Nov 14 22:", "Nov 14 23:"), *more)
        assert first(told) == "2021-11-14 22:13:29"
        assert ProblemKind.CLOCK_GUESSED not in told.kinds(0)
    given = ClockOptions(year=2019, zone=ZoneInfo("UTC"))
    assert first(together(tmp_path, log, clocks=given)) == "2019-11-14 22:13:29"


# --- what the user says --------------------------------------------------------------------------


def test_the_year_of_one_input_and_of_all_others(tmp_path: Path) -> None:
    log = isakmp(TEXT, "a", Clock(star))
    other = isakmp(OTHER, "a", Clock(star))
    options = ClockOptions(align=False, year=2019, years={"1.txt": 2017})
    told = together(tmp_path, log, other, clocks=options)
    assert [first(told, n)[:4] for n in (0, 1)] == ["2019", "2017"]
    assert ProblemKind.CLOCK_GUESSED not in told.kinds(0) | told.kinds(1)


def test_a_guessed_year_is_told(tmp_path: Path) -> None:
    told = together(tmp_path, isakmp(TEXT, "a", Clock(star)))
    assert "time of the file" in told.problem(ProblemKind.CLOCK_GUESSED).detail


def test_the_zone_of_one_input(tmp_path: Path) -> None:
    zones: dict[str, tzinfo] = {"1.txt": ZoneInfo("America/New_York")}
    told = together(
        tmp_path,
        charon(V2, "a", Clock(iso)),
        charon(V2.replace("b", "c"), "a", Clock(iso)),
        clocks=ClockOptions(align=False, zone=ZoneInfo("Europe/Berlin"), zones=zones),
    )
    assert first(told, 0) == "2023-11-14 21:13:19"
    assert first(told, 1) == "2023-11-15 03:13:19"


def test_a_zone_in_the_stamps_wins(tmp_path: Path) -> None:
    log = charon(V2, "a", Clock(iso_zoned))
    told = together(tmp_path, log, clocks=ClockOptions(zone=ZoneInfo("Europe/Berlin")))
    assert first(told) == "2023-11-14 22:13:19"
    assert told.sources[0].clock is ClockQuality.ABSOLUTE


def test_the_end_of_summer_time_makes_no_gap_and_no_time_that_runs_backwards(
    tmp_path: Path,
) -> None:
    """The hour from two to three comes twice; questions go on every ten minutes."""
    berlin = ZoneInfo("Europe/Berlin")

    def wall(at_ns: int) -> str:
        moved_ns = at_ns + round((OCTOBER - BASE_NS / NS_PER_SECOND) * NS_PER_SECOND)
        at = datetime.fromtimestamp(moved_ns // NS_PER_SECOND, berlin)
        return f"{at:%b %e %H:%M:%S} gw charon: "

    text = "0..9000/600 a>b liveness 3+\n0.02..9000/600 b>a liveness 3+ resp"
    log = charon(text, "a", Clock(wall))
    told = together(tmp_path, log, clocks=ClockOptions(zone=berlin, year=2024))
    times = [x.first_ns for x in told.peer.exchanges]
    assert {round((b - a) / NS_PER_SECOND) for a, b in pairwise(times)} == {600}
    assert abs(times[0] / NS_PER_SECOND - OCTOBER) <= 1
    (problem,) = told.sources[0].problems
    assert problem.kind is ProblemKind.CLOCK_SET


@pytest.mark.parametrize("shift_s", [-7.5, 86_400.0])
def test_an_offset_by_hand_is_not_aligned_again(tmp_path: Path, shift_s: float) -> None:
    offsets = {"1.txt": round(shift_s * NS_PER_SECOND)}
    told = together(
        tmp_path,
        capture(TEXT),
        isakmp(TEXT, "a", Clock(ios_zoned)),
        clocks=ClockOptions(offsets_ns=offsets),
    )
    info = told.sources[1]
    assert told.alignments == ()
    assert (info.clock_basis, info.clock_offset_ns) == (
        ClockBasis.MANUAL,
        -round(shift_s * NS_PER_SECOND),
    )
    assert info.first_ns == at(10) - 1_000_000 + round(shift_s * NS_PER_SECOND)


def test_the_offset_of_a_capture(tmp_path: Path) -> None:
    told = together(
        tmp_path, capture(TEXT), clocks=ClockOptions(offsets_ns={"0.pcap": 5 * NS_PER_SECOND})
    )
    assert told.peer.exchanges[0].first_ns == at(15)
    assert told.sources[0].first_ns == at(5)
    assert told.sources[0].clock_basis is ClockBasis.MANUAL


# --- what inputs say of each other ---------------------------------------------------------------


def test_a_capture_is_the_reference_wherever_it_stands(tmp_path: Path) -> None:
    told = together(tmp_path, isakmp(TEXT, "a", Clock(star, 77)), capture(TEXT))
    assert [s.clock_basis for s in told.sources] == [ClockBasis.MATCHED, ClockBasis.REFERENCE]
    assert (told.alignment.source, told.alignment.against) == ("s1", "s2")


def test_the_best_clock_among_logs_is_the_reference(tmp_path: Path) -> None:
    told = together(
        tmp_path,
        charon(V2, "a", Clock(syslog, 100)),
        charon(V2, "b", Clock(iso_zoned)),
    )
    assert [s.clock_basis for s in told.sources] == [ClockBasis.MATCHED, ClockBasis.REFERENCE]
    assert [s.clock for s in told.sources] == [ClockQuality.NO_YEAR, ClockQuality.ABSOLUTE]


def test_a_log_takes_its_year_from_the_capture(tmp_path: Path) -> None:
    told = together(tmp_path, capture(V2), charon(V2, "a", Clock(syslog)))
    assert abs(told.alignment.offset_ns) <= NS_PER_SECOND
    assert ProblemKind.CLOCK_GUESSED not in told.kinds(1)


def test_a_capture_without_packets_tells_no_year(tmp_path: Path) -> None:
    told = together(tmp_path, pcap_bytes([]), charon(V2, "a", Clock(syslog)))
    assert first(told, 1)[:4] not in {"1969", "1970"}


def test_a_log_that_goes_on_for_days_after_the_capture(tmp_path: Path) -> None:
    late = f"{3 * 86_400} a>b liveness 30\n{3 * 86_400}.02 b>a liveness 30 resp\n"
    told = together(tmp_path, capture(V2), charon(V2 + late, "a", Clock(syslog, 2 * 3600)))
    assert abs(told.alignment.offset_ns - 7200 * NS_PER_SECOND) <= NS_PER_SECOND
    assert told.peer.exchanges[-1].first_ns // NS_PER_SECOND == at(3 * 86_400) // NS_PER_SECOND - 1


def test_the_stronger_facts_decide_against_what_a_clock_is_measured(tmp_path: Path) -> None:
    """The second log shares unique message IDs with the first, and nothing with the capture."""
    told = together(
        tmp_path,
        capture(V2.replace("a>b", "a>c").replace("b>a", "c>a")),
        isakmp(TEXT, "a", Clock(ios_zoned)),
        isakmp(TEXT, "b", Clock(star, 500)),
    )
    assert (told.alignment.source, told.alignment.against) == ("s3", "s2")
    assert ProblemKind.NOT_ALIGNED in told.kinds(1)


def test_alignment_can_be_forbidden(tmp_path: Path) -> None:
    told = together(
        tmp_path,
        capture(TEXT),
        isakmp(TEXT, "a", Clock(star, 77)),
        clocks=ClockOptions(align=False),
    )
    assert told.alignments == ()
    assert told.sources[1].clock_basis is ClockBasis.NONE


# --- outputs of show commands --------------------------------------------------------------------

SHOWN = """hub#show clock
22:13:29.011 CET Tue Nov 14 2023
hub#show crypto ipsec sa peer 192.0.2.2

interface: GigabitEthernet0/0
    Crypto map tag: SPOKES, local addr 192.0.2.1

   protected vrf: (none)
   local  ident (addr/mask/prot/port): (10.1.0.0/255.255.0.0/0/0)
   remote ident (addr/mask/prot/port): (10.9.0.0/255.255.0.0/0/0)
   current_peer 192.0.2.2 port 500
    #pkts encaps: 1204, #pkts encrypt: 1204, #pkts digest: 1204
    #pkts decaps: 1198, #pkts decrypt: 1198, #pkts verify: 1198

     local crypto endpt.: 192.0.2.1, remote crypto endpt.: 192.0.2.2
     current outbound spi: 0x9A0B0C11(2584415249)
hub#
"""


@pytest.mark.parametrize(
    ("zone", "time"), [(None, "22:13:29"), ("Europe/Berlin", "21:13:29")], ids=str
)
def test_outputs_are_in_the_zone_of_the_log(tmp_path: Path, zone: str | None, time: str) -> None:
    clocks = ClockOptions(zone=None if zone is None else ZoneInfo(zone))
    told = together(tmp_path, SHOWN + isakmp(TEXT, "a", Clock(star)), clocks=clocks)
    (sa,) = told.peer.shown
    assert date(sa.at_ns) == f"2023-11-14 {time}"
    assert first(told)[11:13] == time[:2]


def test_outputs_move_with_the_log(tmp_path: Path) -> None:
    told = together(tmp_path, capture(TEXT), SHOWN + isakmp(TEXT, "a", Clock(star, 3600)))
    (sa,) = told.peer.shown
    assert date(sa.at_ns) == "2023-11-14 21:13:29"


def test_outputs_beside_stamps_of_another_clock(tmp_path: Path) -> None:
    """The debug counts from the start of the router, `show clock` tells the time."""
    log = SHOWN + isakmp(
        TEXT,
        "a",
        Clock(
            lambda ns: f"00:{ns // NS_PER_SECOND % 3600 // 60:02}:{ns // NS_PER_SECOND % 60:02}: "
        ),
    )
    told = together(tmp_path, capture(TEXT), log)
    (sa,) = told.peer.shown
    assert date(sa.at_ns) == "2023-11-14 22:13:29"
    assert told.sources[1].clock is ClockQuality.RELATIVE


# --- hardly any stamps ---------------------------------------------------------------------------

NO_STAMPS = isakmp(TEXT, "a", Clock(no_stamp))
OTHERS = isakmp(OTHER, "a", Clock(no_stamp))
FIRST, SECOND, THIRD = (
    f"*May  2 16:05:{s}.450: %CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is ON\n" for s in (37, 40, 38)
)


def test_the_few_stamps_of_a_log_bound_what_follows_them(tmp_path: Path) -> None:
    told = together(tmp_path, NO_STAMPS + FIRST + OTHERS + SECOND)
    source = told.sources[0]
    assert "only 2 of " in told.problem(ProblemKind.NO_TIMES).detail
    assert source.clock is ClockQuality.RELATIVE
    bounds = [None if ns is None else date(ns)[11:] for ns in source.not_before_ns]
    assert list(dict.fromkeys(bounds)) == [None, "16:05:37", "16:05:40"]
    assert bounds[-1] == "16:05:40"


def test_stamps_that_go_back_bound_nothing(tmp_path: Path) -> None:
    told = together(tmp_path, FIRST + NO_STAMPS + SECOND + OTHERS + THIRD)
    assert told.sources[0].not_before_ns == ()


def test_without_any_stamp_there_is_no_bound(tmp_path: Path) -> None:
    told = together(tmp_path, NO_STAMPS)
    assert told.sources[0].not_before_ns == ()
    assert told.problem(ProblemKind.NO_TIMES).detail.startswith("no line has a time")
