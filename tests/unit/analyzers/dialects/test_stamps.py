"""Every form of stamp, what of it is known, and what is no stamp."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from analyzers.dialects.digits import sight
from analyzers.dialects.stamps import (
    NS_PER_DAY,
    STAMP_AT_START,
    STAMP_RELAYED,
    STAMP_TORN,
    STAMP_WITHIN,
    TIME_WITHIN,
    Stamp,
    StampKind,
    in_year,
    is_relay,
    read_stamp,
    year_of,
)
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_NS = 3600 * NS_PER_SECOND


def ns(year: int, *parts: int, more_ns: int = 0) -> int:
    since = datetime(year, *parts, tzinfo=UTC) - EPOCH  # type: ignore[misc,arg-type]
    return since // timedelta(seconds=1) * NS_PER_SECOND + more_ns


def stamp(line: str) -> tuple[Stamp | None, str]:
    match = STAMP_AT_START.match(line)
    return (None, line) if match is None else (read_stamp(match), line[match.end() :])


ABSOLUTE, NO_YEAR = StampKind.ABSOLUTE, StampKind.NO_YEAR
MARCH = ns(2000, 3, 25, 15, 47, 37)
FORMS = [
    # P2 to P6: Cisco debug, with and without a mark, fraction, zone and year
    ("*Mar 25 15:47:37.343: ISAKMP", NO_YEAR, MARCH + 343 * NS_PER_MS, NS_PER_MS, False, True),
    (".Mar 25 15:47:37.343: ISAKMP", NO_YEAR, MARCH + 343 * NS_PER_MS, NS_PER_MS, False, True),
    ("Mar 25 15:47:37.343: ISAKMP", NO_YEAR, MARCH + 343 * NS_PER_MS, NS_PER_MS, False, False),
    ("Mar 25 15:47:37: ISAKMP", NO_YEAR, MARCH, NS_PER_SECOND, False, False),
    ("Mar 25 15:47:37.343 UTC: ISAKMP", NO_YEAR, MARCH + 343 * NS_PER_MS, NS_PER_MS, True, False),
    ("Mar 25 15:47:37 CEST: ISAKMP", NO_YEAR, MARCH - 2 * HOUR_NS, NS_PER_SECOND, True, False),
    ("Mar 25 15:47:37 EST: ISAKMP", NO_YEAR, MARCH + 5 * HOUR_NS, NS_PER_SECOND, True, False),
    # A zone of the operator's own invention: wall time.
    ("Mar 25 15:47:37 MYT: ISAKMP", NO_YEAR, MARCH, NS_PER_SECOND, False, False),
    (
        "Nov 30 2024 11:16:54.881 UTC: IKEv2",
        ABSOLUTE,
        ns(2024, 11, 30, 11, 16, 54, more_ns=881 * NS_PER_MS),
        NS_PER_MS,
        True,
        False,
    ),
    # P7, P8: sequence numbers, a priority
    ("2328306: Jun 8 19:14:38: IKEv2", NO_YEAR, ns(2000, 6, 8, 19, 14, 38), NS_PER_SECOND, False,
     False),
    ("002328: Jun  8 19:14:38: IKEv2", NO_YEAR, ns(2000, 6, 8, 19, 14, 38), NS_PER_SECOND, False,
     False),
    ("<0>91: *Oct 07 03:10:04: gw %X", NO_YEAR, ns(2000, 10, 7, 3, 10, 4), NS_PER_SECOND, False,
     True),
    # P10, P11: ASA
    ("May 23 2010 13:15:26: %ASA-7", ABSOLUTE, ns(2010, 5, 23, 13, 15, 26), NS_PER_SECOND, False,
     False),
    ("Jun 10 17:36:13 [IKEv1]: IP", NO_YEAR, ns(2000, 6, 10, 17, 36, 13), NS_PER_SECOND, False,
     False),
    # P12, P13: syslog
    ("Jul  4 08:34:01 gw pluto[28]:", NO_YEAR, ns(2000, 7, 4, 8, 34, 1), NS_PER_SECOND, False,
     False),
    ("Jul 04 08:34:01   pluto[28]:", NO_YEAR, ns(2000, 7, 4, 8, 34, 1), NS_PER_SECOND, False,
     False),
    ("feb 22 08:11:42 gw charon:", NO_YEAR, ns(2000, 2, 22, 8, 11, 42), NS_PER_SECOND, False,
     False),
    ("<30>Jan 21 12:34:10 charon:", NO_YEAR, ns(2000, 1, 21, 12, 34, 10), NS_PER_SECOND, False,
     False),
    # P14: ISO 8601
    ("2022-01-31T13:56:27+00:00 12[IKE]", ABSOLUTE, ns(2022, 1, 31, 13, 56, 27), NS_PER_SECOND,
     True, False),
    ("2022-01-31T13:56:27+05:30 12[IKE]", ABSOLUTE, ns(2022, 1, 31, 8, 26, 27), NS_PER_SECOND,
     True, False),
    ("2022-01-31T13:56:27-0800 12[IKE]", ABSOLUTE, ns(2022, 1, 31, 21, 56, 27), NS_PER_SECOND,
     True, False),
    ("2022-01-31T13:56:27Z gw x", ABSOLUTE, ns(2022, 1, 31, 13, 56, 27), NS_PER_SECOND, True,
     False),
    ("2022-01-31 13:56:27,250 12[IKE]", ABSOLUTE,
     ns(2022, 1, 31, 13, 56, 27, more_ns=250 * NS_PER_MS), NS_PER_MS, False, False),
    ("2025-01-27T14:13:05.805232+00:00 gw", ABSOLUTE,
     ns(2025, 1, 27, 14, 13, 5, more_ns=805_232_000), 1_000, True, False),
    # P16: pluto
    ('Nov 14 14:45:33.972986: "v" #1:', NO_YEAR,
     ns(2000, 11, 14, 14, 45, 33, more_ns=972_986_000), 1_000, False, False),
    # P17: FortiClient
    ("[2023-01-05 12:34:56.1234567 UTC+03:00] [1:2]", ABSOLUTE,
     ns(2023, 1, 5, 9, 34, 56, more_ns=123_456_700), 100, True, False),
    # P19: RouterOS
    ("oct/27 22:40:29 ipsec,debug", NO_YEAR, ns(2000, 10, 27, 22, 40, 29), NS_PER_SECOND, False,
     False),
    ("jan/02/2024 22:40:29 ipsec", ABSOLUTE, ns(2024, 1, 2, 22, 40, 29), NS_PER_SECOND, False,
     False),
    ("22:40:29 ipsec,debug", StampKind.TIME_ONLY, 81_629 * NS_PER_SECOND, NS_PER_SECOND, False,
     False),
    # P20: uptime
    ("00:12:33: ISAKMP", StampKind.UPTIME, 753 * NS_PER_SECOND, NS_PER_SECOND, False, False),
    ("1d02h: ISAKMP", StampKind.UPTIME, 26 * HOUR_NS, HOUR_NS, False, False),
    ("3w4d: ISAKMP", StampKind.UPTIME, 25 * NS_PER_DAY, NS_PER_DAY, False, False),
    ("1y02w: ISAKMP", StampKind.UPTIME, 379 * NS_PER_DAY, 7 * NS_PER_DAY, False, False),
    # P21: the star was taken for a bullet
    ("- Mar 1 00:55:41.667: ISAKMP", NO_YEAR,
     ns(2000, 3, 1, 0, 55, 41, more_ns=667 * NS_PER_MS), NS_PER_MS, False, False),
]  # fmt: skip


@pytest.mark.parametrize(
    "months",
    [
        "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
        "janv. févr. mars avril mai juin juil. août sept. oct. nov. déc.",
        "janv fevr mars avr mai juin juil aout sept oct nov dec",
        "ene feb mar abr may jun jul ago sep oct nov dic",
        "gen feb mar apr mag giu lug ago set ott nov dic",
        "jan fev mar abr mai jun jul ago set out nov dez",
        "jan feb mrt apr mei jun jul aug sep okt nov dec",
        "janv. f\ufffdvr. m\ufffdr avril mai juin juil. ao\ufffdt sept. oct. nov. D\ufffdC.",
    ],
)
def test_months_of_other_languages(months: str) -> None:
    for number, name in enumerate(months.split(), 1):
        found, text = stamp(f"{name} {number} 08:11:42 gw charon[7]: 05[IKE] x")
        at_ns = ns(2000, number, number, 8, 11, 42)
        assert found == Stamp(NO_YEAR, at_ns, NS_PER_SECOND, False, False), name
        assert text.startswith("gw charon")


@pytest.mark.parametrize(("line", "kind", "at_ns", "resolution_ns", "zone", "mark"), FORMS)
def test_forms(
    line: str, kind: StampKind, at_ns: int, resolution_ns: int, zone: bool, mark: bool
) -> None:
    found, text = stamp(line)
    unknown = "MYT" if "MYT" in line else ""
    assert found == Stamp(kind, at_ns, resolution_ns, zone, mark, unknown)
    assert text
    assert line.endswith(text)
    assert not text[0].isspace()


@pytest.mark.parametrize(
    "before", ["R3#", "R3# ", "XE-R4(config-if)#", "asa-fw1/pri/act(config)# ", "> ", "vpn>", "\t"]
)
def test_prompts_and_quotes_before_a_stamp(before: str) -> None:
    found, text = stamp(before + "*Mar 25 15:47:37.343: ISAKMP")
    assert found is not None
    assert (found.ns, text) == (MARCH + 343 * NS_PER_MS, "ISAKMP")


def test_what_a_pager_cut_out_of_a_stamp() -> None:
    found, text = stamp("< truncated 5 characters > 4 00:10:53.239: IPSEC-EVENT:IPSEC-DELETE-SA")
    assert found == Stamp(StampKind.TIME_ONLY, 653_239 * NS_PER_MS, NS_PER_MS, False, False)
    assert text == "IPSEC-EVENT:IPSEC-DELETE-SA"


@pytest.mark.parametrize(
    "line",
    [
        "ISAKMP:(1001): processing HASH payload",
        "Mar 25: ISAKMP",
        "Marc 25 15:47:37: ISAKMP",
        "May 1 is a holiday",
        "2022-01-31",
        "12:34:56:78:9a:bc is a MAC address",
        "100:12:33: too many hours",
        "1d2h: no leading zero",
        "",
    ],
)
def test_what_is_no_stamp(line: str) -> None:
    assert STAMP_AT_START.match(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "Feb 30 15:47:37: x",
        "Mar 25 24:47:37: x",
        "Mar 25 15:60:37: x",
        "Mar 25 15:47:61: x",
        "Mar 0 15:47:37: x",
        "Mar 32 15:47:37: x",
        "Feb 29 2023 15:47:37: x",
        "2022-13-01 13:56:27 x",
        "Mar 25 0099 15:47:37: x",
        "25:00:00 x",
    ],
)
def test_impossible_times_begin_a_line_without_a_time(line: str) -> None:
    found, text = stamp(line)
    assert (found, text) == (None, "x")


def test_a_leap_second_and_a_leap_day() -> None:
    found, _ = stamp("Dec 31 2016 23:59:60 UTC: x")
    assert found is not None
    assert found.ns == ns(2017, 1, 1)
    found, _ = stamp("Feb 29 10:00:00: x")
    assert found is not None
    assert found.ns == ns(2000, 2, 29, 10)


def test_fortigate_says_the_real_time_further_on() -> None:
    wall = "date=2019-07-17 time=21:43:17"
    utc = ns(2019, 7, 18, 1, 43, 17)
    found, text = stamp(f'{wall} itime="2019-07-17 18:43:18" devid="F"')
    assert (found, text) == (
        Stamp(ABSOLUTE, ns(2019, 7, 17, 21, 43, 17), NS_PER_SECOND, False, False),
        'itime="2019-07-17 18:43:18" devid="F"',
    )
    found, _ = stamp(f'{wall} logid="0101" eventtime=1563414197 tz="-0400"')
    assert found == Stamp(ABSOLUTE, utc, NS_PER_SECOND, True, False)
    found, _ = stamp(f'{wall} eventtime=1563414197123456789 logid="0101"')
    assert found == Stamp(ABSOLUTE, utc + 123_456_789, 1, True, False)
    found, _ = stamp(f'{wall} logid="0101" tz="-0400"')
    assert found == Stamp(ABSOLUTE, utc, NS_PER_SECOND, True, False)


def test_words_after_a_time_that_are_no_zones() -> None:
    for word in ("IPSEC", "KMI", "gw", "pluto", "Tunnel", "IKEv2"):
        found, text = stamp(f"Mar 25 15:47:37 {word}: created")
        assert found is not None
        assert (found.zone, text) == (False, f"{word}: created")


@pytest.mark.parametrize(
    ("line", "host", "text"),
    [
        ("192.0.2.7 91: *Oct  7 03:10:04.123: %CRYPTO", "192.0.2.7", "%CRYPTO"),
        ("gw charon-systemd[499]: Oct  7 03:10:04 14[IKE] x", "gw", "14[IKE] x"),
        ("gw: 002: 000091: Oct  7 03:10:04.123 UTC: ISAKMP", "gw", "ISAKMP"),
        ("charon[499]: Oct  7 03:10:04 14[IKE] x", None, "14[IKE] x"),
        ("pve pluto[15]: 2024-10-07 03:10:04.5 x", "pve", "x"),
    ],
)
def test_a_relay_puts_its_stamp_before_the_devices(line: str, host: str | None, text: str) -> None:
    own = STAMP_RELAYED.match(line)
    assert own is not None
    assert (own["host"], line[own.end() :]) == (host, text)
    found = read_stamp(own)
    assert found is not None
    assert found.ns % NS_PER_DAY // NS_PER_SECOND == 3 * 3600 + 604


def test_whose_stamp_it_is() -> None:
    relays = ["Oct  7 03:10:05 gw x", "<189>Oct  7 03:10:05 gw x", "2024-10-07T03:10:05+00:00 gw x"]
    devices = ["*Oct  7 03:10:05: x", "oct/07 03:10:05 x", "00:12:33: x", "03:10:05 x"]
    for line, relayed in [*product(relays, [True]), *product(devices, [False])]:
        match = STAMP_AT_START.match(line)
        assert match is not None
        assert is_relay(match) is relayed, line


def test_stamps_in_mid_line() -> None:
    line = "ISAKMP: set new node 1 to QM_IDLE *Mar 25 15:47:37.351: ISAKMP:(1001):x"
    match = STAMP_WITHIN.search(line)
    assert match is not None
    assert (line[: match.start()], line[match.end() :]) == (
        "ISAKMP: set new node 1 to QM_IDLE ",
        "ISAKMP:(1001):x",
    )
    for other in ("fooMar 25 15:47:37 x", "/Mar 25 15:47:37 x", "Mar 25 x 15:47:37"):
        assert STAMP_WITHIN.search(other) is None
    # What is looked for first is in all of them.
    for stamped, *_ in FORMS:
        if STAMP_WITHIN.search(stamped):
            assert TIME_WITHIN.search(stamped)


TORN = "*Mar 25 15:47:37.343: ISAKMP"


@pytest.mark.parametrize("cut", range(2, len("*Mar 25 15:47:37.343") + 1))
def test_a_stamp_torn_at_every_place(cut: int) -> None:
    match = STAMP_TORN.search("ISAKMP: to QM_IDLE " + TORN[:cut])
    assert match is not None
    assert (match["torn"] + match["noise"]).strip() == TORN[:cut].strip()


@pytest.mark.parametrize("line", ["- M.!!!!", "*", "foo *Ma!!", "foo - Mar.", "x Dec 3.!!.!"])
def test_ping_output_in_a_stamp(line: str) -> None:
    match = STAMP_TORN.search(line)
    assert match is not None
    assert not set(match["torn"]) & set("!")


@pytest.mark.parametrize("line", ["QM_IDLE", "*Mar 25 15:47:37.343:", "M", "fooMar", "in 1 2"])
def test_what_is_not_torn(line: str) -> None:
    assert STAMP_TORN.search(line) is None


def test_no_pattern_knows_one_digit_from_another() -> None:
    for pattern in (STAMP_AT_START, STAMP_WITHIN, STAMP_RELAYED, STAMP_TORN, TIME_WITHIN):
        assert sight([pattern.pattern], pattern.flags).any_digit is None


def test_years() -> None:
    assert year_of(ns(2024, 12, 31, 23, 59, 59)) == 2024
    assert in_year(ns(2000, 2, 28, 1), 2023) == ns(2023, 2, 28, 1)
    assert in_year(ns(2000, 2, 29, 1), 2024) == ns(2024, 2, 29, 1)
    assert in_year(ns(2000, 2, 29, 1), 2023) == ns(2023, 3, 1, 1)


def test_a_long_line_costs_no_more_than_its_length() -> None:
    for filler in ("Mar 25 ", "1: ", "x" * 64 + " ", "<1>", "date=2019-07-17 ", "12:", "* ", "- "):
        line = filler * (40_000 // len(filler))
        STAMP_AT_START.match(line)
        STAMP_WITHIN.search(line[:4000])
        STAMP_RELAYED.match(line)
