"""Which two sightings are of one message."""

from __future__ import annotations

from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.alignment import Fit, fit
from analyzers.tracking.pairing import pairs
from analyzers.tracking.sightings import KeyFamily
from tests.unit.analyzers.tracking.sighted import A, B, C, by_count, by_ends, by_id, by_spi, seen

SAME = Fit(0, 0, 0, "")


def test_retries_with_one_id_pair_in_order() -> None:
    wire = [seen(t, by_spi(3), record=n) for n, t in enumerate((0, 2, 4, 6), 1)]
    log = [seen(t + 0.01, by_spi(3), record=n, outward=1) for n, t in enumerate((0, 2, 4, 6), 1)]
    found = pairs(log, wire, SAME)
    assert sorted((a.ref.record, b.ref.record) for a, b in found) == [(n, n) for n in range(1, 5)]


def test_each_is_used_once() -> None:
    wire = [seen(0, by_spi(3), record=1)]
    log = [seen(t, by_spi(3), record=n) for n, t in enumerate((0.0, 0.01, 0.02), 1)]
    ((mine, theirs),) = pairs(log, wire, SAME)
    assert (mine.ref.record, theirs.ref.record) == (1, 1)


def test_what_is_too_far_is_another_message() -> None:
    assert pairs([seen(1, by_ends(3))], [seen(0, by_ends(3))], SAME) == []
    assert len(pairs([seen(0.05, by_ends(3))], [seen(0, by_ends(3))], SAME)) == 1
    coarse = Fit(0, 0, 0, "", resolution_ns=NS_PER_SECOND)
    assert len(pairs([seen(1, by_ends(3))], [seen(0, by_ends(3))], coarse)) == 1


def test_a_message_that_a_loaded_machine_sends_late_is_the_same() -> None:
    wire = [seen(t, by_ends(5), record=n) for n, t in enumerate((0.105, 1.1, 2.1, 3.1), 1)]
    log = [seen(t, by_ends(5), record=n) for n, t in enumerate((0.0, 1.1, 2.1, 3.1), 1)]
    found = pairs(log, wire, SAME)
    assert sorted((a.ref.record, b.ref.record) for a, b in found) == [(n, n) for n in range(1, 5)]


def test_a_message_that_is_as_late_as_its_retry_is_the_retry() -> None:
    """The first one never left: nothing but the retry was captured."""
    log = [seen(t, by_ends(5), record=n) for n, t in enumerate((0.0, 0.2), 1)]
    ((mine, _),) = pairs(log, [seen(0.2, by_ends(5))], SAME)
    assert mine.ref.record == 2


def test_neighbours_of_two_tunnels_are_not_paired() -> None:
    """Two tunnels ask in the same second with the same message ID."""
    log = [seen(0, by_ends(3, A, C), by_count(3), ends=(A, C), version=2)]
    wire = [seen(0.01, by_ends(3), by_count(3), version=2)]
    assert pairs(log, wire, SAME) == []


def test_a_message_that_went_the_other_way_is_another() -> None:
    assert pairs([seen(0, by_id(3))], [seen(0, by_id(3), ends=(B, A))], SAME) == []


def test_what_names_nothing_pairs_by_time_alone() -> None:
    kind = (KeyFamily.KIND, (1, 5, False))
    wire = [seen(t, by_id(70 + t), kind, record=t) for t in (0, 10, 20)]
    log = [seen(t + 0.02, kind, record=t, outward=1) for t in (0, 10, 20)]
    found = pairs(log, wire, SAME)
    assert [(a.ref.record, b.ref.record) for a, b in found] == [(0, 0), (10, 10), (20, 20)]
    assert pairs(log, [s._replace(src=B, dst=A) for s in wire], SAME) == []
    assert fit(log, wire, 1) is None, "it tells no clock"


def test_messages_of_phase_1_pair_by_time() -> None:
    """They have no message ID; what the log says between them is of the SA that they make."""
    kind = (KeyFamily.KIND, (1, 2, False))
    times = (0.0, 0.015, 0.063)
    wire = [seen(t, kind, record=n) for n, t in enumerate(times, 1)]
    wire += [seen(t + 0.001, kind, record=n + 10, ends=(B, A)) for n, t in enumerate(times, 1)]
    log = [seen(t - 0.002, kind, record=n, outward=1) for n, t in enumerate(times, 1)]
    log += [seen(t, kind, record=n + 10, outward=-1, ends=(B, A)) for n, t in enumerate(times, 1)]
    found = pairs(log, wire, SAME)
    assert sorted((a.ref.record, b.ref.record) for a, b in found) == [
        (n, n) for n in (1, 2, 3, 11, 12, 13)
    ]


def test_the_stronger_fact_decides() -> None:
    log = [seen(0, by_id(1), by_ends(1)), seen(0, by_ends(1))]
    wire = [seen(0.001, by_ends(1), record=7), seen(0.05, by_id(1), by_ends(1), record=8)]
    found = pairs(log, wire, SAME)
    assert {(a.keys[0][0].name, b.ref.record) for a, b in found} == {
        ("MESSAGE_ID", 8),
        ("ADDRESSES", 7),
    }


def test_many_repeats_of_one_fact_take_linear_time() -> None:
    count = 20_000
    wire = [seen(n * 1.0, by_count(n % 4), record=n) for n in range(count)]
    log = [seen(n * 1.0 + 0.001, by_count(n % 4), record=n) for n in range(count)]
    assert len(pairs(log, wire, SAME)) == count
