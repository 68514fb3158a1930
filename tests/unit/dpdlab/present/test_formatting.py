from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from analyzers.export.formatting import ASCII
from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState
from analyzers.model.records import SourceInfo
from analyzers.model.time import NS_PER_SECOND
from dpdlab.present import formatting as f
from tests.unit.dpdlab.present import stories as s


@pytest.mark.parametrize(
    ("value_ns", "text"),
    [
        (0, "0 s"),
        (1, "1 ns"),
        (1_000, "0.001 ms"),
        (320_000, "0.32 ms"),
        (16_400_000, "16 ms"),
        (999_400_000, "999 ms"),
        (999_600_000, "1.0 s"),
        (17_100_000_000, "17.1 s"),
        (119_940_000_000, "119.9 s"),
        (303_000_000_000, "5 min 03 s"),
        (2 * 3600 * NS_PER_SECOND, "2 h 00 min"),
        (76 * 3600 * NS_PER_SECOND, "3 d 04 h"),
        (-5_000_000_000, "-5.0 s"),
    ],
)
def test_a_duration_has_the_unit_that_fits(value_ns, text):
    assert f.duration(value_ns) == text


@given(st.integers(-(10**20), 10**20))
def test_any_duration_is_short(value_ns):
    text = f.duration(value_ns)
    assert text.isascii()
    assert len(text) < 32


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.25, "1.2 s"),
        (119, "119.0 s"),
        (300, "5 min"),
        (3600, "1 h"),
        (3 * 3600 + 12, "3 h 00 min 12 s"),
        (-(2 * 3600 + 0.4), "-2 h"),
        (365 * 86_400 + 3600, "365 d 01 h"),
        (86_400 + 1, "1 d 00 h 00 min 01 s"),
    ],
)
def test_how_far_a_clock_is_off_is_told_to_the_second(seconds, text):
    assert f.clock_distance(round(seconds * NS_PER_SECOND)) == text


def test_bounds_are_two_numbers_or_one():
    assert f.seconds_range(14.2, 17.1) == "14.2 to 17.1 s"
    assert f.seconds_range(0.0, 25.0) == "up to 25.0 s"
    assert f.seconds_range(17.1, 17.1) == "17.1 s"
    assert f.seconds_range(0.4, 17.1) == "400 ms to 17.1 s"
    assert f.seconds_range(90, 303) == "90.0 s to 5 min 03 s"
    assert f.count_range(71, 85, "packet") == "71 to 85 packets"
    assert f.count_range(0, 1, "packet") == "up to 1 packet"
    assert f.count_range(1, 1, "packet") == "1 packet"


def test_a_pair_of_bounds_of_nothing_is_nothing():
    assert f.count_range(0, 0, "packet") == "0 packets"
    assert f.seconds_range(0.0, 0.0) == "0 s"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (162, "162 B"), (1_000, "1.0 kB"), (10_960, "11 kB"), (999_700, "1.0 MB")],
)
def test_bytes_are_decimal(number, text):
    assert f.byte_count(number) == text


def test_timers_do_not_show_jitter():
    assert f.timer(5.004) == "5 s"
    assert f.timer(2.52) == "2.5 s"
    assert f.timer(0.05) == "50 ms"
    assert f.timer(3600.0) == "3,600 s"


def test_ids_are_written_as_in_the_contract():
    assert f.message_id(0x2A) == "0x0000002a"
    assert f.short_spi("f4fc6d16ed938a04", f.UNICODE) == "f4fc6d16…"
    assert f.short_spi("311b9b70", f.UNICODE) == "311b9b70"


def test_times_are_utc_and_the_date_is_said_when_it_changes():
    clock = f.Clock.starting(s.START_NS)
    assert clock.date == "2026-11-20"
    assert clock.at(s.START_NS) == "19:56:04.048"
    assert clock.at(s.START_NS, 6) == "19:56:04.048600"
    assert clock.at(s.START_NS + 86_400 * NS_PER_SECOND, 0) == "11-21 19:56:04"
    assert clock.at(NS_PER_SECOND, 0) == "1970-01-01 00:00:01"


@pytest.mark.parametrize(
    ("resolutions_ns", "said"),
    [
        ([NS_PER_SECOND], "19:56:04"),
        ([NS_PER_SECOND, 100_000_000], "19:56:04.0"),
        ([NS_PER_SECOND, 1_000_000], "19:56:04.048"),
        ([1], "19:56:04.048600"),
    ],
)
def test_times_have_no_more_decimals_than_the_finest_stamps(resolutions_ns: list[int], said: str):
    sources = [
        SourceInfo(f"s{number}", "a.log", "log", "x", first_ns=s.START_NS, resolution_ns=each)
        for number, each in enumerate(resolutions_ns)
    ]
    clock = f.Clock.starting(s.START_NS, [*sources, SourceInfo("s9", "a.cfg", "config", "x")])
    assert clock.at(s.START_NS, 6) == said


def test_a_place_in_a_log_has_no_time_but_may_have_a_bound():
    placed = SourceInfo("s1", "show.txt", "log", "x", not_before_ns=(None, s.START_NS))
    clock = f.Clock.starting(s.START_NS, [placed])
    assert [clock.at(place) for place in (0, 1, 2, 3)] == [
        "no time",
        "no time",
        ">= 19:56:04",
        "no time",
    ]


@given(st.integers(-(2**70), 2**70))
def test_no_time_is_an_error(at_ns):
    assert f.Clock.starting(at_ns).at(at_ns)


def test_every_glyph_has_an_ascii_twin_and_marks_are_one_cell():
    for field in fields(f.Glyphs):
        assert getattr(f.ASCII, field.name).isascii(), field.name
        assert getattr(f.UNICODE, field.name), field.name
    for signs in (f.ASCII, f.UNICODE):
        for state in PeerState:
            assert len(f.state_glyph(state, signs)) == 1
        for outcome in Outcome:
            assert len(f.outcome_glyph(outcome, signs)) == 1
        one_cell = (signs.retry, signs.delete, signs.answer, signs.possible, signs.certain)
        assert all(len(sign) == 1 for sign in (*one_cell, signs.tick, signs.phase_open))
    assert len(set(f.ASCII.density)) == len(f.ASCII.density) == len(f.UNICODE.density)


def test_every_state_and_class_has_a_severity():
    for state in PeerState:
        assert f.state_severity(state) in f.Severity
    for black_hole_class in BlackHoleClass:
        assert f.class_severity(black_hole_class) in f.Severity


def test_a_peer_is_as_bad_as_the_worst_thing_about_it():
    assert f.peer_severity(s.healthy()) is f.Severity.GOOD
    assert f.peer_severity(s.dead_peer()) is f.Severity.BAD
    assert f.peer_severity(s.data_plane()) is f.Severity.BAD
    quiet = replace(s.data_plane(), black_holes=(), exchanges=(s.given_up(),))
    assert f.peer_severity(quiet) is f.Severity.WARN


def test_the_worst_peer_comes_first():
    peers = [s.healthy(), s.data_plane(), s.dead_peer(), s.healthy(state=PeerState.UNKNOWN)]
    ordered = sorted(peers, key=f.worst_first)
    assert [p.state for p in ordered] == [
        PeerState.DEAD,
        PeerState.ALIVE,
        PeerState.ALIVE,
        PeerState.UNKNOWN,
    ]
    assert ordered[1].black_holes


def test_a_pseudonym_of_an_spi_is_told_by_its_end():
    assert f.short_spi("0000000000000007", f.UNICODE) == "…00000007"


def test_no_sign_of_a_line_in_ascii_is_one_of_traffic_or_a_cut():
    # In ASCII a tilde marks what is cut, and is what a fold is drawn with.
    lines = {ASCII.line_alive, ASCII.line_questionable, ASCII.line_ike_only, ASCII.line_probing}
    assert lines.isdisjoint({*ASCII.density, ASCII.possible, ASCII.certain, ASCII.fold, "~"})
    assert {ASCII.possible, ASCII.certain}.isdisjoint(ASCII.density)


@pytest.mark.parametrize("signs", [f.UNICODE, ASCII], ids=["unicode", "ascii"])
def test_no_sign_of_a_lane_means_two_things(signs: f.Glyphs):
    """What is answered is alive, what is not is dead, what is asked again is probed: the same."""
    lines = (signs.line_alive, signs.line_questionable, signs.line_ike_only, signs.line_probing)
    marks = (signs.answered, signs.unanswered, signs.asked, signs.retry, signs.open, signs.delete)
    others = (signs.answer, signs.lost_to, signs.lost_back, signs.covered, signs.ghost, signs.fold)
    traffic = (*signs.density, signs.unplaced, signs.possible, signs.certain)
    edges = (signs.phase_open, signs.phase_close, signs.tick, signs.line_unknown)
    drawn = [*lines, *marks, *others, *traffic, *edges, signs.deleted, signs.questionable]
    assert [sign for sign in set(drawn) if drawn.count(sign) > 1] == []
