"""Text to events: what is counted, noted and kept apart; the order and the time of events."""

from __future__ import annotations

import pytest

from analyzers.decode import logs
from analyzers.decode.log_order import Order
from analyzers.decode.logs import LogDecoder
from analyzers.dialects.catalogue import DIALECTS
from analyzers.dialects.dialect import Dialect, Pattern, Says
from analyzers.dialects.stamps import NS_PER_DAY, StampKind
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.records import ProblemKind, SourceInfo
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from tests.log_text import clock

ACME = Dialect(
    "acme",
    "ACME",
    r"acme(?:\[(?P<conn>\d+)\])?: ",
    (
        Pattern(
            "probe",
            r"probe (?P<seq>\d{1,10})(?: to (?P<peer>[\w.:]+))?",
            ("acme: probe 7",),
            Says(LogEventKind.MESSAGE, MessageKind.R_U_THERE, sent=True, version=1),
        ),
        Pattern("dead", r"peer is dead", ("acme: peer is dead",), Says(LogEventKind.PEER_DEAD)),
        Pattern("known", r"state P1_\w+", ("acme: state P1_UP",)),
    ),
    ignored=(r"noise",),
)
# Both ways to read a line must lead to the same.
ways = pytest.mark.parametrize("alone", [0, 1 << 30], ids=["shapes", "alone"])


def decoded(
    text: str,
    alone: int = 0,
    order: Order = Order.UNKNOWN,
    dialects: tuple[Dialect, ...] = (ACME,),
    step: int = 1 << 20,
) -> tuple[LogDecoder, list[LogEvent]]:
    decoder = LogDecoder(SourceInfo("s7", "", "log", ""), dialects, order=order, alone=alone)
    events = [
        event
        for place in range(0, len(text), step)
        for event in decoder.feed(text[place : place + step])
    ]
    return decoder, events + decoder.finish()


def numbers(events: list[LogEvent]) -> list[tuple[int, int | None]]:
    return [(event.ref.record, event.sequence) for event in events]


@ways
def test_events_with_their_times_and_places(alone: int) -> None:
    text = "".join(
        f"Mar  1 2024 00:00:{n:02}.250 UTC: acme[12]: probe {n} to 192.0.2.9\n" for n in range(40)
    )
    decoder, events = decoded(text, alone)
    assert numbers(events) == [(n + 1, n) for n in range(40)]
    first, second = events[:2]
    assert (first.ref.source, first.dialect, first.handle) == ("s7", "acme", "12")
    assert (first.kind, first.message, first.sent) == (
        LogEventKind.MESSAGE,
        MessageKind.R_U_THERE,
        True,
    )
    assert (first.remote, first.version) == ("192.0.2.9", 1)
    assert first.at_ns is not None
    assert second.at_ns == first.at_ns + NS_PER_SECOND
    assert first.resolution_ns == NS_PER_MS
    assert clock(first) == "00:00:00.250"
    tally = decoder.tally
    assert (tally.dialects["acme"], tally.matched, tally.unparsed) == (40, 40, 0)
    assert (tally.stamps, tally.zoned) == ({StampKind.ABSOLUTE: 40}, 40)
    assert (tally.resolution_ns, tally.unsynchronised) == (NS_PER_MS, 0)
    assert decoder.info.lines == 40
    assert decoder.info.problems == []


@ways
def test_what_is_counted(alone: int) -> None:
    text = (
        "*Mar  1 00:00:01: acme: probe 1\n"
        "*Mar  1 00:00:02.5: acme: what is this?\n"
        "*Mar  1 00:00:02.5: acme: noise\n"
        "*Mar  1 00:00:02.5: acme: state P1_UP\n"
        "*Mar  1 00:00:02.5: other: probe 2\n"
        "acme: what else?\n"
        "\n"
        "acme: peer is dead\n"
    )
    decoder, events = decoded(text, alone)
    assert [event.kind.value for event in events] == ["message", "peer-dead"]
    tally = decoder.tally
    assert tally.dialects == {"acme": 6}
    assert (tally.matched, tally.unparsed) == (3, 2)
    assert tally.samples == [(2, "acme: what is this?"), (6, "acme: what else?")]
    # A line that says nothing has no time that matters.
    assert tally.stamps == {StampKind.NO_YEAR: 1, None: 1}
    assert (tally.unsynchronised, tally.resolution_ns) == (1, NS_PER_SECOND)
    assert clock(events[1]) == "00:00:01.000"


@ways
def test_the_tally_is_up_to_date_while_the_log_goes_on(alone: int) -> None:
    decoder = LogDecoder(
        SourceInfo("s1", "", "log", ""), (ACME,), order=Order.OLDEST_FIRST, alone=alone
    )
    tally = decoder.tally
    events = decoder.feed("Mar  1 00:00:01: acme: probe 1\nMar  1 00:00:02: acme: pro")
    assert (events, tally.matched) == ([], 0)
    # The line before is complete when the next one has begun.
    events = decoder.feed("be 2\n")
    assert (numbers(events), tally.matched) == ([(1, 1)], 1)
    assert (numbers(decoder.finish()), tally.matched) == ([(2, 2)], 2)
    assert decoder.tally is tally


@ways
def test_a_log_that_is_written_now_is_not_held_back(alone: int) -> None:
    line = "Mar  1 00:00:01: acme: probe 1\n"
    live = LogDecoder(
        SourceInfo("s1", "", "log", ""), (ACME,), order=Order.OLDEST_FIRST, alone=alone
    )
    assert len(live.feed(line * 3)) == 2
    unknown = LogDecoder(SourceInfo("s1", "", "log", ""), (ACME,), alone=alone)
    # The first lines wait until order and wrap are known.
    assert unknown.feed(line * 3 + "Mar  1 00:00:02: acme: probe 2\n") == []
    assert len(unknown.finish()) == 4


@ways
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_newest_first(alone: int, step: int) -> None:
    lines = [
        "Mar  1 00:00:09 gw acme: peer is dead",
        "Mar  1 00:00:06 gw acme: probe 2",
        "  to 192.0.2.9",
        "Mar  1 00:00:06 gw acme: probe 1",
        "Mar  1 00:00:01 gw acme: probe 0",
    ]
    decoder, events = decoded("\n".join(lines), alone, step=step)
    assert numbers(events) == [(5, 0), (4, 1), (2, 2), (1, None)]
    times = [event.at_ns for event in events if event.at_ns is not None]
    assert times == sorted(times)
    assert decoder.info.problems == []
    assert decoder.info.lines == 5


def test_newest_first_over_new_year() -> None:
    text = "Jan  1 00:00:01: acme: probe 2\nDec 31 23:59:59: acme: probe 1\n"
    _, (one, two) = decoded(text)
    assert one.at_ns is not None
    assert two.at_ns == one.at_ns + 2 * NS_PER_SECOND


def test_newest_first_and_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_MAX_TURNED_BYTES", 10_000)
    count = 40_000
    text = "".join(
        f"2024-03-01 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02} acme: probe {n * 7919 % 10_007}\n"
        for n in range(count, 0, -1)
    )
    decoder, events = decoded(text, step=100_000)
    assert len(events) == count
    assert [event.ref.record for event in events] == list(range(1, count + 1))
    problems = {problem.detail for problem in decoder.info.problems}
    assert "newest first, and too long to be turned round" in problems


@ways
def test_a_line_from_the_past_is_noted(alone: int) -> None:
    text = (
        "Mar  1 00:00:01: acme: probe 1\nMar  1 00:00:11: acme: probe 2\n"
        "Mar  1 00:00:10: acme: probe 3\nMar  1 00:00:05: acme: probe 4\n"
    )
    decoder, events = decoded(text, alone)
    (problem,) = decoder.info.problems
    # Lines may overtake each other a little.
    assert (problem.kind, problem.count) == (ProblemKind.TIME_BACKWARDS, 1)
    assert problem.ref is not None
    assert problem.ref.record == 4
    assert [clock(event)[-6:] for event in events] == ["01.000", "11.000", "10.000", "05.000"]


@ways
def test_long_lines_are_noted(alone: int) -> None:
    text = f"acme: probe 1 {'x' * 5_000}\nacme: probe 2\n"
    decoder, events = decoded(text, alone)
    assert numbers(events) == [(1, 1), (2, 2)]
    (problem,) = decoder.info.problems
    assert (problem.kind, problem.count) == (ProblemKind.LONG_LINE, 1)


@ways
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(alone: int, end: str) -> None:
    text = end.join(f"Mar  1 00:00:{n:02}: acme: probe {n}" for n in range(20)) + end
    assert numbers(decoded(text, alone)[1]) == [(n + 1, n) for n in range(20)]


@ways
def test_a_lone_cr_parts_lines_that_have_one_number(alone: int) -> None:
    text = "acme: probe 1\r--More--\r        \racme: probe 2\nacme: probe 3\n"
    assert numbers(decoded(text, alone)[1]) == [(1, 1), (1, 2), (2, 3)]


@ways
def test_the_devices_time_counts_behind_a_relays(alone: int) -> None:
    text = "".join(
        f"Mar  1 00:00:{n + 1:02} 192.0.2.7 {n}: *Mar  1 00:00:{n:02}.125: acme: probe {n}\n"
        for n in range(5)
    )
    decoder, events = decoded(text, alone)
    assert [clock(event) for event in events] == [f"00:00:{n:02}.125" for n in range(5)]
    assert decoder.tally.unsynchronised == 5


def devices(text: str, alone: int) -> list[tuple[str | None, str | None]]:
    return [(event.handle, event.remote) for event in decoded(text, alone)[1]]


@ways
@pytest.mark.parametrize(
    "header",
    ["Mar  1 00:00:{n:02} {host} ", "Mar  1 00:00:{n:02} {host} 7: *Mar  1 00:00:{n:02}.1: "],
)
def test_devices_in_one_syslog_are_kept_apart(alone: int, header: str) -> None:
    """Their names of SAs are their own: the second one never said who its peer 1 is."""
    lines = [
        header.format(n=1, host="gw1") + "acme[1]: probe 1 to 192.0.2.9",
        header.format(n=2, host="gw2") + "acme[1]: probe 1",
        header.format(n=3, host="gw1") + "acme[1]: probe 2",
    ]
    assert devices("\n".join(lines), alone) == [
        ("1", "192.0.2.9"),
        ("1", None),
        ("1", "192.0.2.9"),
    ]


@ways
def test_the_rest_of_a_stamp_is_no_host(alone: int) -> None:
    text = (
        "Mar  1 00:00:01 acme[1]: probe 1 to 192.0.2.9\nMar  1 00:00:02.12\n500: acme[1]: probe 2"
    )
    assert devices(text, alone) == [("1", "192.0.2.9"), ("1", "192.0.2.9")]


def test_no_more_than_some_hosts_are_kept_apart() -> None:
    text = "".join(
        f"Mar  1 00:{n // 60:02}:{n % 60:02} gw{n} acme[1]: probe 1\n" for n in range(1_000)
    )
    decoder, events = decoded(text)
    assert len(events) == 1_000
    assert len(decoder._assemblies) <= 257


@ways
def test_lines_that_nothing_can_use_are_counted_only(alone: int) -> None:
    text = "12[IKE] <gw|1> activating new tasks\n12[IKE] <gw|1> sending DPD request\n" * 5
    decoder, events = decoded(text, alone, dialects=DIALECTS)
    assert events == []
    assert (decoder.tally.matched, decoder.tally.unparsed) == (5, 0)


@ways
def test_impossible_times_are_no_times(alone: int) -> None:
    text = "".join(f"Mar  1 {hour}:00:01: acme: probe {hour}\n" for hour in (22, 23, 24, 25))
    decoder, events = decoded(text, alone)
    assert [clock(event) for event in events] == ["22:00:01.000"] + ["23:00:01.000"] * 3
    assert decoder.tally.stamps == {StampKind.NO_YEAR: 2, None: 2}


@ways
def test_a_log_without_stamps_has_no_times(alone: int) -> None:
    decoder, events = decoded("acme: probe 1\nacme: probe 2\n", alone)
    assert [event.at_ns for event in events] == [None, None]
    assert decoder.tally.stamps == {None: 2}


@ways
def test_years_are_counted(alone: int) -> None:
    text = "Dec 31 23:59:59: acme: probe 1\nJan  1 00:00:01: acme: probe 2\n"
    _, (one, two) = decoded(text, alone)
    assert one.at_ns is not None
    assert two.at_ns == one.at_ns + 2 * NS_PER_SECOND
    assert one.at_ns // NS_PER_DAY == 10_957 + 365


@ways
def test_unparsed_lines_are_kept_up_to_a_number(alone: int) -> None:
    decoder, _ = decoded("acme: what?\n" * 3_000, alone)
    assert decoder.tally.unparsed == 3_000
    assert len(decoder.tally.samples) == 1_000


@ways
def test_lines_that_begin_alike_may_have_their_time_further_on(alone: int) -> None:
    """FortiGate's key "eventtime" counts nanoseconds, and knows the zone."""
    lines = (
        f"date=2026-07-17 time=21:43:{second} acme: probe {second}{more}\n"
        for second in range(10, 14)
        for more in ("", f" eventtime=17843389{second}000000001")
    )
    decoder, events = decoded("".join(lines), alone)
    assert [event.resolution_ns for event in events] == [NS_PER_SECOND, 1] * 4
    assert decoder.tally.zoned == 4


def test_shapes_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzers.decode.log_shapes._MAX_SHAPES", 8)
    monkeypatch.setattr("analyzers.decode.log_shapes._MAX_VARIANTS", 2)
    monkeypatch.setattr("analyzers.decode.log_shapes._MAX_BEGUN", 4)
    words = [f"{'x' * n} P{n % 5}" for n in range(40)]
    text = "".join(
        f"Mar  1 00:{n // 60:02}:{n % 60:02}: acme: probe {n} {word}\n more {word}\n"
        for n, word in enumerate(words * 3)
    )
    shaped, alone = decoded(text), decoded(text, 1 << 30)
    assert shaped[1] == alone[1]
    assert shaped[0].tally == alone[0].tally
    shapes = shaped[0]._shapes
    assert len(shapes._lines.zeroed) <= 8
    assert len(shapes._outlines) <= 8
    assert max(len(shapes._begun.minutes), len(shapes._begun.seconds)) <= 4
    assert max(len(shape.counts) for shape in shapes._outlines.values()) <= 2


def test_texts_that_differ_in_hexadecimal_letters_have_one_shape() -> None:
    text = "".join(
        f"Mar  1 2024 00:00:{n % 60:02} UTC: acme: probe 7 to fe80::{n * 0x1111:06x}\n"
        for n in range(200)
    )
    decoder, events = decoded(text)
    assert decoder.tally == decoded(text, 1 << 30)[0].tally
    assert events == decoded(text, 1 << 30)[1]
    assert len(decoder._shapes._lines.zeroed) > 50
    assert len(decoder._shapes._outlines) == 1


@ways
@pytest.mark.parametrize("step", [1, 17, 1 << 20])
def test_headers_of_rfc_5424_are_those_of_any_relay(alone: int, step: int) -> None:
    lines = [f"acme[12]: probe {n} to 192.0.2.9" for n in range(3)]
    text = "".join(
        f"<30>1 2024-03-01T00:00:0{n}.250Z gw1 - - - {data} {line}\n"
        for n, (line, data) in enumerate(zip(lines, ("-", '[a@1 k="v]"]', "[b][c]"), strict=True))
    )
    decoder, events = decoded(text + "    more of it\n", alone, step=step)
    assert numbers(events) == [(1, 0), (2, 1), (3, 2)]
    assert [clock(event) for event in events] == ["00:00:00.250", "00:00:01.250", "00:00:02.250"]
    assert {event.handle for event in events} == {"12"}
    assert decoder.tally.zoned == 3
    named = "<30>1 2024-03-01T00:00:00.250Z gw1 acme 12 - - probe 7 to 192.0.2.9\n"
    (event,) = decoded(named, alone, step=step)[1]
    assert (event.handle, event.sequence) == ("12", 7)


@ways
def test_a_start_of_the_device_is_told_with_its_clock(alone: int) -> None:
    stamps = ("Nov 20 10:00:00", "Mar  1 00:00:40", "Mar  1 00:00:41", "Nov 20 10:04:00")
    decoder, _ = decoded("".join(f"*{stamp}: acme: probe 1\n" for stamp in stamps), alone)
    (problem,) = decoder.info.problems
    assert problem.kind is ProblemKind.CLOCK_SET
    assert problem.ref is not None
    assert problem.ref.record == 2
    assert problem.detail.startswith("the device started anew")
