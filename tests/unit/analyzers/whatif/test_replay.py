"""The worked numbers of the counterfactual, and what holds of any silence."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs.vendors import parse_policy
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.whatif.replay import Left, Loss, Replay, Silence, replayed
from analyzers.whatif.timing import NEVER, Timing, Trigger, timing_of

START_NS = 1_732_138_310 * NS_PER_SECOND


def timing(text: str) -> Timing:
    found = timing_of(parse_policy(text))
    assert found is not None
    return found


def at(*seconds: float) -> np.ndarray:
    return np.array([START_NS + nanoseconds(s) for s in seconds], np.int64)


def every_second(until: int = 400) -> np.ndarray:
    """One packet a second from 0.5 s on."""
    return at(*(n + 0.5 for n in range(until)))


def silence(stop: float = 400.0, **changes) -> Silence:
    return Silence(START_NS, START_NS + nanoseconds(stop), **changes)


def replay(policy: str, times: np.ndarray | None = None, **changes) -> Left:
    times = every_second() if times is None else times
    return replayed(silence(**changes), timing(policy), times, np.full(len(times), 100))


def test_on_demand_10_2():
    left = replay("cisco-ios interval=10 retry=2 mode=on-demand")
    assert left.verdict is not None
    assert (left.verdict.first_s, left.verdict.last_s) == (20.5, 20.5)
    assert left.worst == Loss(20.0, 21, 2100)
    assert (left.mean_seconds, left.mean_packets) == (20.0, 21.0)
    assert not left.at_least


def test_on_demand_40_5():
    left = replay("cisco-ios interval=40 retry=5 mode=on-demand")
    assert left.verdict is not None
    assert left.verdict.last_s == 65.5
    assert left.worst.seconds == 65.0


@pytest.mark.parametrize(
    ("policy", "earliest", "latest"),
    [
        ("fortios-ikev1 interval=20 retries=2", 80, 80),
        ("strongswan-ikev2 interval=30", 195.061, 195.061),
        ("pfsense-ikev2", 175.061, 175.061),
        ("pfsense-ikev1", 60, 60),
        ("iked", 186, 246),
        ("aws", 40, 40),
        ("cisco-ios interval=10 mode=periodic", 10, 20),
        ("racoon interval=30", 25, 55),
        ("cisco-asa", 18, 18),
        ("libreswan interval=30", 95, 95),
        ("juniper", 60.5, 60.5),
    ],
)
def test_when_the_peer_is_given_up(policy, earliest, latest):
    """Seconds after the last proof, one packet a second from 0.5 s on."""
    left = replay(policy)
    assert left.verdict is not None
    found = (left.verdict.first_s, left.verdict.last_s)
    assert found == pytest.approx((earliest, latest), abs=0.001)
    assert left.worst.seconds == pytest.approx(latest - 0.5, abs=0.001)
    assert left.worst.packets == int(latest + 0.5)


def test_a_packet_every_5_minutes_is_all_that_on_demand_loses():
    left = replay("cisco-ios interval=10 retry=2 mode=on-demand", at(300, 600, 900), stop=1000)
    assert left.verdict is not None
    assert left.verdict.last_s == 310
    assert left.worst == Loss(10.0, 1, 100)


def test_on_idle_has_given_up_before_a_packet_every_5_minutes():
    assert replay("cisco-asa", at(300, 600, 900), stop=1000).worst == Loss(0.0, 0, 0)


def test_a_clock_of_its_own_asks_half_an_interval_after_the_peer_went_in_the_mean():
    left = replay("cisco-ios interval=10 retry=2 mode=periodic")
    assert left.worst == Loss(19.5, 20, 2000)
    assert left.mean_seconds == pytest.approx(14.5)
    # 10 packets for sure, and of the ten after them as many as the verdict leaves time for.
    assert left.mean_packets == pytest.approx(10 + sum(k + 0.5 for k in range(10)) / 10)


def test_nobody_asks():
    left = replayed(silence(), NEVER, every_second(), np.full(400, 100))
    assert left.worst == Loss(None, 400, 40_000)
    assert left.at_least
    assert left.verdict is None
    assert left.mean_seconds is None


@pytest.mark.parametrize("policy", ["cisco-ios interval=3600", "strongswan"])
def test_the_lifetime_or_the_hold_time_ends_what_no_verdict_ends(policy):
    left = replay(policy, limit_ns=START_NS + nanoseconds(60))
    assert left.worst == Loss(59.5, 60, 6000)
    assert left.mean_seconds == pytest.approx(59.5)
    assert not left.at_least


def test_a_silence_that_ends_by_itself_is_no_longer_under_a_slow_policy():
    left = replay("strongswan interval=30", every_second(25), stop=25, ended_by_itself=True)
    assert left.worst == Loss(24.5, 25, 2500)
    assert not left.at_least


def test_what_is_sent_after_the_observation_is_not_known():
    left = replay("strongswan interval=30", every_second(25), stop=25)
    assert left.worst.seconds == pytest.approx(194.561, abs=0.001)
    assert left.worst.packets == 25
    assert left.at_least


def test_no_policy_gives_up_a_peer_that_answers():
    left = replay("cisco-ios interval=10", answered=True, ended_by_itself=True, stop=100.0)
    assert left.verdict is None
    assert left.worst == Loss(99.5, 100, 10_000)


def test_the_device_goes_on_sending_until_it_has_torn_down():
    left = replay("cisco-asa", teardown_ns=nanoseconds(2))
    assert left.worst == Loss(19.5, 20, 2000)
    assert left.verdict is not None
    assert left.verdict.last_s == 18


def test_nothing_was_sent():
    assert replay("cisco-asa", at()).worst == Loss(0.0, 0, 0)
    assert replay("cisco-ios interval=10", at()).verdict is None


def test_a_failure_later_than_the_last_proof_counts_from_there():
    late = Silence(START_NS + nanoseconds(5), START_NS + nanoseconds(400))
    left = replayed(late, timing("cisco-asa"), every_second(), np.full(400, 100))
    assert left.worst == Loss(17.5, 18, 1800)


POLICIES = st.sampled_from(
    [
        "cisco-ios interval=10 mode=periodic",
        "cisco-ios interval=10",
        "cisco-asa",
        "fortios",
        "iked interval=7",
        "strongswan interval=2",
        "strongswan",
    ]
)
TIMES = st.lists(st.floats(0.001, 300), max_size=60).map(sorted)


@given(POLICIES, TIMES, st.lists(st.integers(0, 60), max_size=6), st.floats(1, 300), st.booleans())
def test_any_cutting_gives_the_same(policy, times, cuts, cap, capped):
    found = at(*times)
    sizes = np.arange(len(found), dtype=np.int64) + 60
    limit_ns = START_NS + nanoseconds(cap) if capped else None
    quiet = Silence(START_NS, START_NS + nanoseconds(300), limit_ns=limit_ns)
    whole = replayed(quiet, timing(policy), found, sizes)
    folded = Replay(quiet, timing(policy))
    bounds = [0, *sorted(min(c, len(found)) for c in cuts), len(found)]
    for begin, end in pairwise(bounds):
        folded.feed(found[begin:end], sizes[begin:end])
    again = folded.left()
    assert again.worst == whole.worst
    assert again.verdict == whole.verdict
    assert again.mean_packets == pytest.approx(whole.mean_packets)
    assert again.mean_seconds == whole.mean_seconds


@given(st.floats(0, 50), st.floats(0.1, 50), st.floats(0, 120), st.floats(0.1, 120))
def test_means_are_those_of_many_clocks(first, length, out, cap):
    """Against the sum over many places of the clock."""
    quiet = Silence(START_NS, START_NS + nanoseconds(500), limit_ns=START_NS + nanoseconds(cap))
    free = Timing(Trigger.PERIODIC, length, (first,))
    times = at(*(out + k for k in range(1, 5)))
    left = replayed(quiet, free, times, np.full(4, 1))
    begin = (int(times[0]) - START_NS) / NS_PER_SECOND
    ends = np.minimum(first + (np.arange(20_000) + 0.5) / 20_000 * length, cap)
    assert left.mean_seconds == pytest.approx(np.maximum(0, ends - begin).mean(), abs=0.01)
    sent = (times - START_NS) / NS_PER_SECOND
    counted = np.searchsorted(sent, ends, side="right").mean()
    assert left.mean_packets == pytest.approx(counted, abs=0.01)
    assert left.worst.seconds is not None
    assert left.mean_seconds is not None
    assert left.worst.seconds >= left.mean_seconds - 1e-6
