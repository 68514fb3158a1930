"""Two clocks: what brings them together, and what must not."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.alignment import Fit, fit
from analyzers.tracking.pairing import pairs
from analyzers.tracking.sightings import Relation, Sighting
from tests.unit.analyzers.tracking.sighted import (
    A,
    B,
    C,
    by_count,
    by_ends,
    by_id,
    by_spi,
    seen,
)

DAY = 86_400
YEAR = 366 * DAY


def ids(*times: float, shift: float = 0.0, outward: int = 0) -> list[Sighting]:
    """IKEv1 messages with IDs of their own."""
    return [
        seen(t + shift, by_id(1000 + n), record=n, outward=outward, informational=True)
        for n, t in enumerate(times)
    ]


def counted(
    *times: float,
    shift: float = 0.0,
    ends: tuple[str | None, str | None] = (A, B),
    outward: int = 0,
    addressed: bool = True,
    first: int = 2,
) -> list[Sighting]:
    """IKEv2 questions with message IDs that count up, without SPIs."""
    found = []
    for n, t in enumerate(times):
        keys = [by_count(first + n)]
        if addressed:
            keys.insert(0, by_ends(first + n, str(ends[0]), str(ends[1])))
        found.append(
            seen(
                t + shift,
                *keys,
                record=n,
                outward=outward,
                ends=ends,
                informational=True,
                version=2,
            )
        )
    return found


def offset_s(found: Fit | None) -> float:
    assert found is not None
    return found.offset_ns / NS_PER_SECOND


# --- unique facts ----------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 3607.0, -5.25, 20 * YEAR, -53.87 * YEAR])
def test_unique_ids_tell_any_offset(shift: float) -> None:
    found = fit(ids(0, 10, 20.5, shift=shift, outward=1), ids(0, 10, 20.5), 1)
    assert found is not None
    assert offset_s(found) == pytest.approx(shift, abs=1e-6)
    assert (found.matched, found.evidence, found.strong) == (3, "IKEv1 message IDs", True)


def test_one_unique_fact_is_enough() -> None:
    assert offset_s(fit(ids(5, shift=100), ids(5), 1)) == 100


def test_unique_facts_that_disagree_tell_nothing() -> None:
    assert fit(ids(100, 140), ids(0, 10), 1) is None


def test_of_equal_offsets_the_one_of_set_clocks() -> None:
    assert offset_s(fit(ids(0, 140), ids(0, 10), 1)) == 0


def test_offsets_of_years_are_exact_to_the_nanosecond() -> None:
    shift_ns = -1_700_000_000_510_000_001
    own = [s._replace(at_ns=s.at_ns + shift_ns) for s in ids(0.0, 10.0, 20.0, 30.0)]
    found = fit(own, ids(0.0, 10.0, 20.0, 30.0), 1)
    assert found is not None
    assert found.offset_ns == shift_ns
    assert found.to_other(own[3].at_ns) == 30 * NS_PER_SECOND


def test_both_ways_weigh_alike() -> None:
    """What the device sent is stamped before the wire, what it received after it."""
    own = [
        *(s for s in ids(0, 10, 20, 30, 40, shift=7 - 0.004, outward=1)),
        seen(15 + 7 + 0.02, by_id(1), outward=-1),
    ]
    found = fit(own, [*ids(0, 10, 20, 30, 40), seen(15, by_id(1))], 1)
    assert found is not None
    assert found.offset_ns == pytest.approx((7 + 0.008) * NS_PER_SECOND, abs=NS_PER_MS)


def test_of_two_captures_the_way_between_them_cancels_out() -> None:
    """Most messages go one way; both ways take 40 ms."""
    there = [seen(t, by_id(t), record=t) for t in (0, 10, 20, 30, 40)]
    back = [seen(t + 5, by_id(t + 5), record=t, ends=(B, A)) for t in (0, 10)]
    other = [
        *(s._replace(at_ns=s.at_ns + 40 * NS_PER_MS) for s in there),
        *(s._replace(at_ns=s.at_ns - 40 * NS_PER_MS) for s in back),
    ]
    found = fit(other, there + back, 1)
    assert found is not None
    assert (found.offset_ns, found.both_ways) == (0, True)
    one_way = fit(other[:5], there, 1)
    assert one_way is not None
    assert (one_way.offset_ns, one_way.both_ways) == (40 * NS_PER_MS, False)


def test_spread_is_the_median_deviation() -> None:
    own = ids(0.0, 10.010, 20.020, 30.030, 40.040)
    found = fit(own, ids(0, 10, 20, 30, 40), 1)
    assert found is not None
    assert (found.offset_ns, found.spread_ns) == (20 * NS_PER_MS, 10 * NS_PER_MS)


def test_a_lone_stray_does_not_move_the_offset() -> None:
    own = [*ids(0, 10, 20, 30, shift=5), seen(900, by_id(1999))]
    found = fit(own, [*ids(0, 10, 20, 30), seen(2, by_id(1999))], 1)
    assert offset_s(found) == 5
    assert found is not None
    assert found.matched == 4


def test_whole_seconds() -> None:
    times = [n * 7.37 for n in range(40)]
    own = [s._replace(at_ns=s.at_ns // NS_PER_SECOND * NS_PER_SECOND) for s in ids(*times)]
    found = fit(own, ids(*times), NS_PER_SECOND)
    assert found is not None
    # A stamp is half a second too early in the middle.
    assert found.offset_ns == pytest.approx(-0.5 * NS_PER_SECOND, abs=0.1 * NS_PER_SECOND)
    assert found.spread_ns < 0.3 * NS_PER_SECOND


def test_nothing_in_common() -> None:
    assert fit(ids(0, 10, 20), [], 1) is None
    assert fit([], ids(0, 10, 20), 1) is None
    assert fit(ids(0, 10, 20), [seen(t, by_id(77 + t)) for t in (0, 10, 20)], 1) is None


# --- drift -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ppm", [-900, -200, -20, 20, 200, 900])
@pytest.mark.parametrize("build", [ids, counted])
def test_drift_over_hours(ppm: float, build: Callable[..., list[Sighting]]) -> None:
    times = [n * 30.0 for n in range(480)]
    drifted = [t * (1 + ppm * 1e-6) + 5 for t in times]
    found = fit(build(*drifted, outward=1), build(*times), 1)
    assert found is not None
    assert found.matched == 480
    assert found.drift * 1e6 == pytest.approx(ppm, abs=1)
    worst = max(
        abs(found.to_other(round(d * NS_PER_SECOND)) - round(t * NS_PER_SECOND))
        for d, t in zip(drifted, times, strict=True)
    )
    assert worst < 5 * NS_PER_MS


def test_drift_with_jitter_and_whole_seconds() -> None:
    chance = random.Random(7)
    times = [n * 20.0 + chance.random() * 4 for n in range(700)]
    own = [
        s._replace(at_ns=s.at_ns // NS_PER_SECOND * NS_PER_SECOND)
        for s in ids(*(t * 1.0003 for t in times), outward=1)
    ]
    found = fit(own, ids(*times), NS_PER_SECOND)
    assert found is not None
    assert found.matched > 690
    assert found.drift * 1e6 == pytest.approx(300, abs=30)


def test_a_few_seconds_of_jitter_are_no_drift() -> None:
    chance = random.Random(3)
    times = [n * 10.0 for n in range(60)]
    own = ids(*(t + chance.random() * 0.03 for t in times))
    found = fit(own, ids(*times), 1)
    assert found is not None
    assert found.drift == 0.0


def test_a_clock_that_stepped_is_aligned_by_its_longer_part() -> None:
    times = [n * 10.0 for n in range(30)]
    own = ids(*(t if n < 8 else t + 3600 for n, t in enumerate(times)))
    found = fit(own, ids(*times), 1)
    assert offset_s(found) == 3600
    assert found is not None
    # The facts are unique: the shorter part is known too.
    assert len(pairs(own, ids(*times), found)) == 30


# --- facts that are not unique ----------------------------------------------------------------


def test_three_counted_messages_between_the_same_ends() -> None:
    assert offset_s(fit(counted(0, 10, 20, shift=60), counted(0, 10, 20), 1)) == 60
    assert fit(counted(0, 10, shift=60), counted(0, 10), 1) is None


def test_other_ends_are_another_tunnel() -> None:
    """Every IKEv2 tunnel counts from the same ID; with the same interval only the ends differ."""
    times = [n * 20.0 for n in range(30)]
    mine = counted(*times)
    assert fit(counted(*times, shift=500, ends=(A, C)), mine, 1) is None
    assert fit(counted(*times, shift=500, ends=(C, B)), mine, 1) is None


@pytest.mark.parametrize(
    "ends", [("10.0.0.5", B), (A, "192.168.7.9"), (None, B), (None, None), ("fd00::1", B)]
)
def test_ends_behind_a_nat_or_unknown(ends: tuple[str | None, str | None]) -> None:
    times = [0.0, 20.0, 47.0, 68.0, 121.0]
    own = counted(*times, shift=500, ends=ends, addressed=False)
    assert offset_s(fit(own, counted(*times), 1)) == 500


def test_masked_ends() -> None:
    times = [0.0, 20.0, 47.0, 68.0, 121.0]
    own = counted(*times, shift=500, ends=("local", "x.x.x.x"), addressed=False)
    assert offset_s(fit(own, counted(*times), 1)) == 500


def test_both_ends_differ() -> None:
    times = [0.0, 20.0, 47.0, 68.0, 121.0]
    own = counted(*times, ends=("10.0.0.5", "10.9.9.9"), addressed=False)
    assert fit(own, counted(*times), 1) is None


def test_other_spis_are_another_sa() -> None:
    """The same ends and IDs, and SPIs that say that it was another day's SA."""
    own = [
        seen(t, by_spi(n, "aa" * 8), by_ends(n), version=2) for n, t in enumerate((0, 10, 20, 30))
    ]
    other = [
        seen(t, by_spi(n, "bb" * 8), by_ends(n), version=2) for n, t in enumerate((0, 10, 20, 30))
    ]
    assert fit(own, other, 1) is None
    same = [s._replace(at_ns=s.at_ns + NS_PER_SECOND) for s in other]
    assert offset_s(fit(same, other, 1)) == 1


def test_a_tunnel_that_comes_and_goes_is_told_by_when_it_does() -> None:
    """The same IDs in every SA: only with the true offset all of them find theirs."""
    starts = (0, 61, 150, 203, 333)
    other = [s for t in starts for s in counted(0, 1, 2, shift=t)]
    own = [s for t in starts for s in counted(0, 1, 2, shift=t + 2000, outward=1)]
    found = fit(own, other, 1)
    assert offset_s(found) == 2000
    assert found is not None
    assert found.matched == 15


def test_one_message_many_times_is_one_fact() -> None:
    """Retries come in the same rhythm whatever they ask."""
    own = [seen(t + 500, by_ends(3), version=2) for t in (0, 2, 4, 6, 8)]
    assert fit(own, [seen(t, by_ends(3), version=2) for t in (0, 2, 4, 6, 8)], 1) is None


def test_what_repeats_at_every_period_tells_nothing() -> None:
    """The same IDs again and again, as in a tunnel that is set up every minute."""
    own = [s for n in range(5) for s in counted(0, 10, 20, shift=n * 60)]
    assert (
        fit(own, [s for n in range(5) for s in counted(0, 10, 20, shift=n * 60 + 2000)], 1) is None
    )


# --- what clocks can be believed ---------------------------------------------------------------


def test_a_set_clock_is_not_a_day_off_because_of_ids_that_count() -> None:
    """The log of yesterday has the same IDs in the same rhythm as the capture of today."""
    times = [n * 30.0 for n in range(40)]
    log = counted(*times, shift=DAY, outward=1)
    limit = 15 * 3600 * NS_PER_SECOND
    assert fit(log, counted(*times), 1, believable_ns=limit) is None
    assert offset_s(fit(log, counted(*times), 1)) == DAY
    near = counted(*times, shift=7200, outward=1)
    assert offset_s(fit(near, counted(*times), 1, believable_ns=limit)) == 7200


def test_a_pattern_of_chance_is_believed() -> None:
    times = [0.0, 10.22, 20.22, 37.61, 47.61, 61.27]
    log = counted(*times, shift=400 * DAY, outward=1)
    limit = 15 * 3600 * NS_PER_SECOND
    assert offset_s(fit(log, counted(*times), 1, believable_ns=limit)) == 400 * DAY


def test_unique_facts_are_believed_whatever_the_clock() -> None:
    found = fit(ids(0, 10, shift=3 * YEAR), ids(0, 10), 1, believable_ns=NS_PER_SECOND)
    assert offset_s(found) == 3 * YEAR


# --- rhythm ------------------------------------------------------------------------------------


def asked(*times: float, shift: float = 0.0, version: int = 1) -> list[Sighting]:
    """Questions of which a log says no ID."""
    return [
        seen(t + shift, record=n, outward=1, informational=True, version=version)
        for n, t in enumerate(times)
    ]


PATTERN = (0.0, 10.0, 20.0, 22.0, 24.0, 50.0, 60.0, 75.0)


def test_a_rhythm_with_a_pattern() -> None:
    found = fit(asked(*PATTERN, shift=123.4), ids(*PATTERN), 1)
    assert offset_s(found) == pytest.approx(123.4)
    assert found is not None
    assert found.evidence == "rhythm of questions"
    assert not found.strong


@pytest.mark.parametrize("jitter", [0.0, 0.01, 0.4, 0.7])
@pytest.mark.parametrize("lead", [0, 1, 7])
def test_a_steady_rhythm_fits_everywhere_and_tells_nothing(jitter: float, lead: int) -> None:
    chance = random.Random(lead)
    times = [n * 10.0 + chance.random() * jitter for n in range(30)]
    capture = [n * 10.0 + chance.random() * jitter for n in range(lead, lead + 30)]
    assert fit(asked(*times, shift=5000), ids(*capture), 1) is None


def test_a_rhythm_of_the_other_ike_version() -> None:
    assert fit(asked(*PATTERN, version=2), ids(*PATTERN), 1) is None


def test_ids_that_are_known_and_differ_are_no_rhythm() -> None:
    """A log with IDs of which the capture has none is of another time, however alike they are."""
    own = [
        seen(t + 3600, by_id(5000 + n), outward=1, informational=True)
        for n, t in enumerate(PATTERN)
    ]
    assert fit(own, ids(*PATTERN), 1) is None


# --- logs with logs ------------------------------------------------------------------------------


def test_logs_of_both_ends() -> None:
    own = ids(0, 10, 20, shift=3, outward=1)
    other = ids(0, 10, 20, outward=-1)
    assert offset_s(fit(own, other, 1)) == 3
    assert fit(own, other, 1, relation=Relation.COPIES) is None


def test_logs_of_one_device() -> None:
    own = ids(0, 10, 20, shift=3, outward=1)
    other = ids(0, 10, 20, outward=1)
    assert fit(own, other, 1) is None
    assert offset_s(fit(own, other, 1, relation=Relation.COPIES)) == 3
