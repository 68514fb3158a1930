"""Planning: fleets, the load of a hub, the rules of routing, the cheapest policy."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs.vendors import PROFILES, parse_policy
from analyzers.model.policy import PolicyMode
from analyzers.whatif.plan import Demand, Plan, plan
from analyzers.whatif.recommend import recommend, recommendable
from analyzers.whatif.timing import timing_of


def planned(policy: str, **demand) -> Plan:
    timing = timing_of(parse_policy(policy))
    assert timing is not None
    return plan(timing, Demand(**demand))


def test_half_of_the_spokes_notice_within_half_an_interval() -> None:
    found = planned("cisco-ios interval=20 retry=2 mode=periodic", peers=10_000).fleet
    assert found is not None
    assert found.first_s == pytest.approx(10, abs=0.01)
    assert found.median_s == pytest.approx(20, abs=0.01)
    assert found.mean_s == pytest.approx(20, abs=0.01)
    assert found.late_s == pytest.approx(29, abs=0.01)
    assert found.last_s == pytest.approx(30, abs=0.01)


def test_a_packet_every_10_s_delays_on_demand_by_5_s_in_the_mean() -> None:
    found = planned("cisco-ios interval=20 retry=2", every_s=10.0).fleet
    assert found is not None
    assert found.mean_s == pytest.approx(35, abs=0.05)
    assert found.last_s == pytest.approx(40, abs=0.1)


def test_10_000_spokes_in_under_a_second() -> None:
    begun = time.perf_counter()
    found = planned("iked", peers=10_000, every_s=17.0, hold_s=40.0, target_s=300.0)
    assert time.perf_counter() - begun < 1
    assert found.hub.at_most == pytest.approx(2 * 10_000 / 60)


def test_the_example_of_rfc_3706() -> None:
    """50,000 peers, one hello each every 10 s: 5,000 a second, and as many answers."""
    hub = planned("cisco-ios interval=10 mode=periodic", peers=50_000, every_s=1.0).hub
    assert (hub.at_most, hub.amid_traffic, hub.together) == (10_000, 10_000, 100_000)
    both = planned("cisco-ios interval=10 mode=periodic", peers=50_000, both_ends_ask=True).hub
    assert both.at_most == 20_000


def test_on_demand_asks_nothing_where_traffic_is_answered() -> None:
    hub = planned("cisco-ios interval=10", peers=1000, every_s=1.0).hub
    assert (hub.at_most, hub.amid_traffic) == (200, 0)
    assert planned("strongswan", peers=1000).hub.at_most == 0


@pytest.mark.parametrize(
    ("policy", "hold", "backstop", "first"),
    [
        # 2 × 20 + 5 × 5 = 65 s, the published example of the backstop
        ("cisco-ios interval=40 retry=5", 60.0, True, True),
        ("cisco-ios interval=40 retry=5 mode=periodic", 60.0, True, False),
        ("cisco-ios interval=10 mode=periodic", 40.0, False, False),
        ("cisco-ios interval=50 mode=periodic", 15.0, True, False),
        ("strongswan", 40.0, False, False),
    ],
)
def test_the_two_rules_of_routing(policy, hold, backstop, first) -> None:
    found = planned(policy, hold_s=hold).routing
    assert found is not None
    assert (found.hold_s, found.backstop, found.routing_first) == (hold, backstop, first)
    assert planned(policy).routing is None


def test_false_verdicts_of_a_plan() -> None:
    found = dict(planned("cisco-asa").false_deaths)
    assert found[0.05] == pytest.approx(0.0975**4)
    assert list(found) == [0.001, 0.01, 0.05]


@pytest.mark.parametrize("vendor", recommendable())
@pytest.mark.parametrize("target", [120, 200, 600])
@pytest.mark.parametrize("every", [None, 1.0, 30.0])
def test_the_recommended_policy_meets_the_target_and_no_longer_interval_does(
    vendor, target, every
) -> None:
    found = recommend(vendor, Demand(target_s=target, every_s=every))
    assert found.met
    verdict = found.plan.verdict
    assert verdict is not None
    assert verdict.last_s <= target
    if found.policy.mode is not PolicyMode.PERIODIC and vendor.startswith("cisco"):
        assert verdict.last_s > target - 1
    assert found.lines
    assert any(f"{target} s" in why for why in found.why)


def test_cisco_s_numbers() -> None:
    found = recommend("cisco-ios", Demand(target_s=30.0))
    assert (found.policy.interval_s, found.policy.retry_s) == (20, 2)
    assert found.why[0] == "worst case interval + 5 × wait = 20 + 5 × 2 = 30 s <= 30 s"
    assert found.lines == ("crypto isakmp keepalive 20 2 periodic",)
    assert not any("rekey" in why for why in found.why)
    asked = recommend("cisco-ios", Demand(target_s=30.0), PolicyMode.ON_DEMAND)
    assert asked.lines == ("crypto isakmp keepalive 20 2 on-demand",)
    assert "noticed at rekey" in asked.why[-1]


def test_a_mode_that_is_asked_for() -> None:
    found = recommend("cisco-ios", Demand(target_s=30.0), PolicyMode.PERIODIC)
    assert found.policy.mode is PolicyMode.PERIODIC
    assert found.policy.interval_s == 20


@pytest.mark.parametrize(("vendor", "target"), [("cisco-ios", 15.0), ("fortios-ikev2", 60.0)])
def test_a_target_out_of_reach_gets_the_nearest_and_says_so(vendor, target) -> None:
    found = recommend(vendor, Demand(target_s=target))
    assert not found.met
    assert found.plan.meets_target is False
    assert f"> {target:g} s" in found.why[0]
    assert found.policy.interval_s in (10, 5)


def test_a_longer_outage_to_survive_makes_the_retries_longer() -> None:
    found = recommend("cisco-ios", Demand(target_s=60.0), ride_out_s=25.0)
    assert (found.policy.interval_s, found.policy.retry_s) == (35, 5)


def test_the_hold_time_of_routing_is_said() -> None:
    found = recommend("cisco-ios", Demand(target_s=90.0, hold_s=40.0))
    assert found.plan.routing is not None
    assert found.plan.routing.backstop
    assert found.plan.routing.routing_first
    assert "backstop of routing: 90 s > hold time 40 s" in found.why


def test_what_cannot_be_recommended() -> None:
    with pytest.raises(ValueError, match="known product"):
        recommend("iked", Demand(target_s=30.0))
    with pytest.raises(ValueError, match="target"):
        recommend("cisco-ios", Demand())


@given(
    st.sampled_from(recommendable()),
    st.floats(1, 5000),
    st.one_of(st.none(), st.floats(0.1, 5000)),
    st.one_of(st.none(), st.floats(1, 500)),
)
def test_anything_can_be_asked_for(vendor, target, every, hold) -> None:
    found = recommend(vendor, Demand(target_s=target, every_s=every, hold_s=hold))
    knob = PROFILES[vendor].knob("interval")
    assert found.policy.interval_s
    if knob is not None and knob.least is not None and knob.most is not None:
        assert knob.least <= found.policy.interval_s <= knob.most
    assert found.plan.verdict is not None
    assert found.met == (found.plan.verdict.last_s <= target + 1e-6 and found.met)
