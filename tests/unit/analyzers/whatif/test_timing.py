"""When policies ask and give up, what it costs, and the formula of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from analyzers.configs.vendors import parse_policy
from analyzers.model.policy import PolicyBasis
from analyzers.whatif.formula import (
    about,
    chance,
    false_death_formula,
    load_formula,
    worst_case_formula,
)
from analyzers.whatif.plan import Demand, fleet
from analyzers.whatif.timing import NEVER, Span, Timing, Trigger, as_told, false_death, timing_of


def timing(text: str) -> Timing:
    found = timing_of(parse_policy(text))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("policy", "trigger"),
    [
        ("cisco-ios interval=10", Trigger.ON_DEMAND),
        ("cisco-ios interval=10 mode=periodic", Trigger.PERIODIC),
        ("cisco-asa", Trigger.IDLE),
        ("fortios", Trigger.EACH_INTERVAL),
        ("fortios mode=on-idle", Trigger.IDLE),
        ("iked", Trigger.FREE_RUNNING),
        ("mikrotik", Trigger.IDLE),
        ("strongswan", Trigger.NEVER),
    ],
)
def test_what_makes_a_product_ask(policy: str, trigger: Trigger) -> None:
    assert timing(policy).trigger is trigger


def test_a_policy_without_its_waits_has_no_timing() -> None:
    assert timing_of(parse_policy("checkpoint")) is None
    assert timing_of(parse_policy("google-cloud")) is None


@pytest.mark.parametrize(
    ("policy", "every", "first", "last"),
    [
        ("cisco-ios interval=10", None, 20, 20),
        ("cisco-ios interval=10", 5, 20, 25),
        ("cisco-ios interval=10", 300, 20, 320),
        ("cisco-ios interval=10 mode=periodic", 300, 10, 20),
        ("cisco-asa", 300, 18, 18),
        ("fortios", None, 80, 80),
        ("fortios", 50, 80, 120),
        ("iked", None, 186, 246),
        ("iked", 300, 186, 486),
        ("libreswan interval=30", None, 95, 95),
    ],
)
def test_the_verdict_with_a_packet_every_so_often(policy, every, first, last) -> None:
    assert timing(policy).verdict(every) == Span(first, last)


@pytest.mark.parametrize("policy", ["cisco-ios interval=10", "fortios", "iked interval=7",
                                    "racoon interval=9", "libreswan interval=5"])  # fmt: skip
@given(every=st.one_of(st.none(), st.floats(0.1, 400)))
def test_no_clock_of_a_fleet_is_outside_the_span(policy, every) -> None:
    found = fleet(timing(policy), Demand(every_s=every, peers=2000))
    span = timing(policy).verdict(every)
    assert found is not None
    assert span is not None
    assert span.first_s - 1e-6 <= found.first_s <= found.median_s <= found.late_s
    assert found.late_s <= found.last_s <= span.last_s + 1e-6
    assert found.first_s <= found.mean_s <= found.last_s


@pytest.mark.parametrize(
    ("policy", "every", "per_hour"),
    [
        ("cisco-ios interval=10 mode=periodic", 1, 360),
        ("cisco-ios interval=10", 1, 0),
        ("cisco-ios interval=10", 300, 12),
        ("cisco-asa", 1, 0),
        ("cisco-asa", 300, 360),
        ("cisco-asa", 25, 288),
        ("fortios", 30, 120),
        ("strongswan", 1, 0),
    ],
)
def test_questions_amid_two_way_traffic(policy, every, per_hour) -> None:
    assert timing(policy).questions_per_hour_amid(every) == pytest.approx(per_hour)


def test_questions_per_hour_at_most() -> None:
    assert timing("cisco-ios interval=10").questions_per_hour == 360
    assert NEVER.questions_per_hour == 0


@pytest.mark.parametrize(
    ("questions", "loss", "chance"),
    [(5, 0.05, 8.81e-6), (5, 0.01, 3.12e-9), (3, 0.05, 9.27e-4), (1, 0.001, 1.999e-3), (0, 0.5, 0)],
)
def test_the_chance_of_a_false_verdict(questions, loss, chance) -> None:
    assert false_death(questions, loss) == pytest.approx(chance, rel=0.001)


@pytest.mark.parametrize(
    ("policy", "every", "formula"),
    [
        ("cisco-ios interval=20 retry=2", None, "interval + 5 × wait = 20 + 5 × 2 = 30 s"),
        ("cisco-ios interval=15", 5,
         "interval + pause of the traffic + 5 × wait = 15 + 5 + 5 × 2 = 30 s"),
        ("strongswan interval=30", None,
         "interval + waits = 30 + (4 + 7.2 + 12.96 + 23.33 + 41.99 + 75.58) = 195.06 s"),
        ("fortios", None, "interval + 3 × wait = 20 + 3 × 20 = 80 s"),
        ("fortios", 50, "3 × interval + 3 × wait = 3 × 20 + 3 × 20 = 120 s"),
        ("iked", None, "2 × interval + waits = 2 × 60 + (2 + 4 + 8 + 16 + 32 + 64) = 246 s"),
        ("iked", 300, "pause of the traffic + interval + waits = 300 + 60 + (2 + 4 + 8 + 16 + 32"
         " + 64) = 486 s"),
        ("libreswan interval=30", None, "interval + fuzz + waits = 30 + 1 + (0.5 + 0.5 + 1 + 2 + 4"
         " + 8 + 16 + 32) = 95 s"),
        ("strongswan", None, "it never asks: no verdict"),
        ("aws interval=1 timeout=40.5", None,
         "interval + waits = 1 + (1 + 1 + 1 + … + 0.5, 40 in all) = 40.5 s"),
    ],
)  # fmt: skip
def test_the_worst_case_with_the_numbers_put_in(policy, every, formula) -> None:
    assert worst_case_formula(timing(policy), every) == formula


@pytest.mark.parametrize(
    ("value", "told"),
    [(703.5, "700"), (12_345, "12,000"), (36, "36"), (4.04, "4"), (0.391, "0.39")],
)
def test_what_is_about_known_has_two_digits(value: float, told: str) -> None:
    assert about(value) == told


def test_timers_that_were_seen_are_told_to_a_tenth() -> None:
    seen = replace(
        parse_policy("cisco-ios interval=10 retry=2"),
        basis=PolicyBasis.OBSERVED, interval_s=5.1173, retry_s=0.2512, waits_s=(0.2512, 2.0071),
    )  # fmt: skip
    told = as_told(seen)
    assert (told.interval_s, told.retry_s, told.waits_s) == (5.1, 0.25, (0.25, 2.0))
    set_by_hand = replace(seen, basis=PolicyBasis.GIVEN)
    assert as_told(set_by_hand) == set_by_hand


def test_other_formulas() -> None:
    assert false_death_formula(5, 0.01) == "(1 - (1 - 0.01)²)^5 = 3e-9"
    assert false_death_formula(6, 0.01) == "(1 - (1 - 0.01)²)^6 <1e-9"
    assert chance(0.0) == "0"
    assert load_formula(50_000, 10) == "2 × 50,000 / 10 = 10,000 messages/s"
    assert load_formula(10, 20, both_ends=True) == "2 × 2 × 10 / 20 = 2 messages/s"
