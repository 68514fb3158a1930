from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from analyzers.configs.profiles import Timers, Verdict
from analyzers.configs.vendors import PROFILES, keys_of, out_of_range, parse_policy, profile_named
from analyzers.errors import OptionError
from analyzers.model.policy import PolicyBasis, PolicyMode


def worst(name: str, **timers: Any) -> float | None:
    profile = profile_named(name)
    return profile.worst_case_s(replace(profile.defaults, **timers))


@pytest.mark.parametrize(
    ("name", "interval", "seconds"),
    [
        ("cisco-ios", 10, 20),
        ("cisco-asa", None, 18),
        ("strongswan-ikev1", 30, 165.061),
        ("strongswan-ikev2", 30, 195.061),
        ("libreswan-ikev2", 30, 95),
        ("libreswan-5.4-ikev2", 30, 63),
        ("fortios-ikev1", None, 80),
        ("fortios-ikev2", None, 113),
        ("iked", None, 246),
        ("vpnc", 10, 40),
        ("isakmpd", 10, 35),
        ("racoon", 10, 35),
        ("juniper-srx", None, 60),
        ("paloalto-ikev2", None, 440),
        ("paloalto-7.0-ikev2", None, 324),
        ("mikrotik", None, 32),
        ("mikrotik-6", None, 600),
        ("pfsense-ikev1", None, 60),
        ("pfsense-ikev2", None, 175.061),
        ("vyos-ikev1", None, 120),
        ("aws", None, 40),
        ("huawei", None, 75),
        ("comware", 30, 45),
        ("stormshield", None, 45),
    ],
)
def test_worst_cases_of_the_defaults(name, interval, seconds):
    given_interval = {} if interval is None else {"interval_s": interval}
    assert worst(name, **given_interval) == pytest.approx(seconds, abs=0.001)


@pytest.mark.parametrize(
    ("name", "timers", "least", "most"),
    [
        ("cisco-ios", {"interval_s": 10}, 20, 22),
        ("cisco-asa", {}, 16, 18),
        ("cisco-ftd", {}, 16, 18),
        ("cisco-easy-vpn", {"interval_s": 30, "retry_s": 20}, 110, 130),
        ("cisco-ike-keepalive", {"interval_s": 60, "retry_s": 30}, 150, 150),
        ("fortios-ikev1", {}, 80, 80),
        ("stormshield-low", {}, 650, 650),
        ("opnsense", {"interval_s": 10}, 175.061, 175.061),
    ],
)
def test_worst_cases_by_all_readings_of_the_documents(name, timers, least, most):
    profile = profile_named(name)
    found = profile.worst_cases_s(replace(profile.defaults, **timers))
    assert found == pytest.approx((least, most), abs=0.001)


@pytest.mark.parametrize(
    ("name", "sends", "verdict"),
    [
        ("strongswan-ikev2", (0, 4, 11.2, 24.16, 47.488, 89.478), 165.061),
        ("iked", (0, 2, 6, 14, 30, 62), 126),
        ("libreswan-ikev2", (0, 0.5, 1, 2, 4, 8, 16, 32), 64),
        ("libreswan-5.4-ikev2", (0, 0.5, 1, 2, 4, 8, 16), 32),
        ("fortios-ikev2", (0, 3, 9, 21, 45), 93),
        ("fortios-ikev1", (0, 20, 40), 60),
        ("paloalto-ikev2", (0, 5, 15, 35, 75, 135, 195, 255, 315, 375), 435),
        ("paloalto-7.0-ikev2", (0, 1, 3, 7, 15, 31, 63, 127, 191, 255), 319),
        ("cisco-ios", (0, 2, 4, 6, 8), 10),
        ("cisco-asa", (0, 2, 4, 6), 8),
        ("isakmpd", (0, 5, 10, 15, 20), 25),
        ("vpnc", (0, 5, 10, 15, 20, 25), 30),
        ("racoon", (0, 5, 10, 15, 20), 25),
        ("pfsense-ikev1", (0, 10, 20, 30, 40), 50),
        ("huawei", (0, 15, 30), 45),
        ("stormshield", (0, 5, 10), 15),
    ],
)
def test_when_questions_are_sent_and_when_the_verdict_comes(name, sends, verdict):
    profile = PROFILES[name]
    interval_s = profile.defaults.interval_s or 10.0
    waits = profile.waits_s(replace(profile.defaults, interval_s=interval_s))
    assert waits is not None
    assert [sum(waits[:k]) for k in range(len(waits))] == pytest.approx(list(sends), abs=0.001)
    assert sum(waits) == pytest.approx(verdict, abs=0.001)
    policy = parse_policy(f"{name} interval={interval_s:g}")
    assert policy.waits_s == waits
    assert policy.transmissions == len(sends)


@pytest.mark.parametrize(
    "name", ["google-cloud", "azure", "windows", "oracle-oci", "oracle-sbc", "forticlient"]
)
def test_a_product_whose_interval_nobody_tells_is_not_said_to_be_silent(name):
    policy = parse_policy(name)
    assert policy.mode is PolicyMode.UNKNOWN
    assert (policy.interval_s, policy.worst_case_s, policy.waits_s) == (None, None, ())
    assert "no source tells how often" in policy.evidence
    with pytest.raises(OptionError, match="no source tells"):
        parse_policy(f"{name} mode=periodic")


def test_a_number_that_no_source_tells_stays_unknown():
    assert worst("checkpoint") is None
    assert worst("cisco-ios-ikev2", interval_s=40) is None
    assert worst("cisco-ios-ikev2", interval_s=40, retry_s=5) == 65


@pytest.mark.parametrize(
    ("timeout", "waits"),
    [
        (30, (0.5, 0.5, 1, 2, 4, 8, 16)),
        (60, (0.5, 0.5, 1, 2, 4, 8, 16, 32)),
        (300, (0.5, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256)),
    ],
)
def test_pluto_doubles_until_the_timeout_is_reached(timeout, waits):
    profile = PROFILES["libreswan-ikev2"]
    assert profile.waits_s(Timers(interval_s=10, retry_s=0.5, timeout_s=timeout)) == waits


def test_charon_asks_at_its_delay_until_the_timeout_since_the_last_proof():
    profile = PROFILES["strongswan-ikev1"]
    assert profile.waits_s(Timers(interval_s=5, timeout_s=20)) == (5, 5, 5)
    assert profile.waits_s(Timers(interval_s=5, timeout_s=18)) == (5, 5, 3)
    assert profile.waits_s(Timers(interval_s=5, timeout_s=5)) == (0,)
    assert worst("strongswan-ikev1", interval_s=5, timeout_s=18) == 18


def test_a_charon_timeout_below_the_delay_never_comes():
    assert worst("strongswan-ikev1", interval_s=30, timeout_s=10) is None


def test_plutos_ikev1_timeout_runs_from_the_first_question():
    assert worst("libreswan-ikev1", interval_s=30, timeout_s=120) == 150


def test_growing_gaps_stop_at_the_limit():
    waits = PROFILES["paloalto-ikev2"].waits_s(PROFILES["paloalto-ikev2"].defaults)
    assert waits == (5, 10, 20, 40, 60, 60, 60, 60, 60, 60)


@pytest.mark.parametrize("name", PROFILES)
def test_every_row_is_whole(name):
    profile = PROFILES[name]
    assert profile.name == name == name.lower()
    assert profile.source
    assert profile.title
    assert profile.mode is not PolicyMode.DISABLED
    assert not any(word in profile.source for word in ("http", "/work"))
    for knob in profile.knobs:
        assert knob.least is None or knob.most is None or knob.least < knob.most
        if knob.least is not None and knob.default is not None:
            assert knob.least <= knob.default
    timer = profile.knob("interval")
    if timer is not None and profile.defaults.interval_s:
        assert timer.default == profile.defaults.interval_s
    if profile.verdict is Verdict.RETRIES:
        assert profile.defaults.timeout_s is None
    if profile.defaults.interval_s:
        policy = parse_policy(name)
        assert (policy.profile, policy.mode) == (name, profile.mode)
        waits = profile.waits_s(profile.defaults)
        if waits is not None and profile.defaults.retries is not None:
            assert policy.retries == profile.defaults.retries


def test_a_policy_by_hand_over_its_profile():
    policy = parse_policy("cisco-ios interval=10 retry=2 mode=periodic")
    assert policy.profile == "cisco-ios"
    assert policy.basis is PolicyBasis.GIVEN
    assert policy.mode is PolicyMode.PERIODIC
    assert (policy.interval_s, policy.retry_s, policy.retries) == (10, 2, 5)
    assert policy.worst_case_s == 20
    assert policy.evidence == ("cisco-ios interval=10 retry=2 mode=periodic; by default retries 4")


def test_the_mode_that_is_not_written_is_the_products_own():
    assert parse_policy("cisco-ios interval=10").mode is PolicyMode.ON_DEMAND
    assert parse_policy("strongswan interval=10").mode is PolicyMode.ON_IDLE


def test_short_names_units_and_commas():
    policy = parse_policy("StrongSwan  interval=2m,retry=500ms, retries=2, backoff=2")
    assert policy.profile == "strongswan-ikev2"
    assert (policy.interval_s, policy.retry_s, policy.retries) == (120, 0.5, 2)
    assert policy.worst_case_s == pytest.approx(120 + 0.5 + 1 + 2)


def test_a_profile_alone_takes_its_defaults():
    policy = parse_policy("fortios")
    assert (policy.mode, policy.interval_s, policy.retries) == (PolicyMode.ON_DEMAND, 20, 3)
    assert policy.worst_case_s == 80
    assert "by default interval 20 s, retries 2" in policy.evidence


def test_a_product_that_is_off_by_default_is_off():
    policy = parse_policy("strongswan")
    assert policy.mode is PolicyMode.DISABLED
    assert policy.worst_case_s is None
    assert policy.interval_s is None
    assert "asks nothing until it has an interval" in policy.evidence


def test_a_timeout_where_the_product_has_one():
    assert parse_policy("strongswan-ikev1 interval=5 timeout=20s").worst_case_s == 20
    assert parse_policy("libreswan interval=10 timeout=5m").worst_case_s == 10 + 1 + 512


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "PROFILE", "interval"),
        ("   ", "PROFILE", "interval"),
        ("x" * 500, "PROFILE", "interval"),
        ("cisco", "'cisco'", "cisco-ios, cisco-ios-ikev2"),
        ("cisco-ios every=10", "'every=10'", "retries"),
        ("cisco-ios interval", "'interval'", "retries"),
        ("cisco-ios interval=10 interval=20", "twice", ""),
        ("cisco-ios interval=soon", "interval=soon", "interval=2m"),
        ("cisco-ios interval=0", "interval=0", "interval=2m"),
        ("cisco-ios interval=-5", "interval=-5", "interval=2m"),
        ("cisco-ios interval=9999999999", "interval=9999999999", "interval=2m"),
        ("cisco-ios interval=10 retries=many", "retries=many", "retries=5"),
        ("cisco-ios interval=10 retries=²", "retries=²", "retries=5"),
        ("cisco-ios interval=10 mode=often", "'often'", "periodic, on-demand, on-idle, disabled"),
        ("cisco-ios interval=10 mode=unknown", "'unknown'", "on-idle"),
        ("cisco-ios interval=10 backoff=0.5", "backoff=0.5", "constant"),
        ("cisco-ios interval=10 backoff=nan", "backoff=nan", "constant"),
        ("cisco-ios interval=10 timeout=30", "has no timeout", "retries"),
        ("strongswan-ikev1 interval=10 retries=3", "has no retries", "timeout"),
        ("fortios retry=3", "has no retry", "interval"),
        ("cisco-ios retry=5", "asks nothing until", "interval="),
        ("cisco-ios mode=periodic", "asks nothing until", "interval="),
    ],
)
def test_what_cannot_be_a_policy_says_what_can(text, message, hint):
    with pytest.raises(OptionError) as caught:
        parse_policy(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert len(caught.value.message) < 120


@given(st.text(max_size=80))
def test_any_text_is_a_policy_or_an_option_error(text):
    for candidate in (text, f"cisco-ios {text}", f"libreswan interval={text}"):
        try:
            policy = parse_policy(candidate)
        except OptionError:
            continue
        assert policy.profile in PROFILES


@given(
    st.sampled_from(sorted(PROFILES)),
    st.floats(0.001, 1e6),
    st.floats(0.001, 1e6),
    st.integers(0, 9999),
)
def test_waits_are_bounded_and_sum_up(name, interval, other, retries):
    profile = PROFILES[name]
    timers = replace(
        profile.defaults, interval_s=interval, retry_s=other, timeout_s=other, retries=retries
    )
    waits = profile.waits_s(timers)
    if waits is not None:
        assert 0 < len(waits) <= 86_400
        assert all(wait >= 0 for wait in waits)
    worst_s = profile.worst_case_s(timers)
    assert worst_s is None or worst_s >= interval * 0.999
    assert "interval" in keys_of(profile)


@pytest.mark.parametrize("more", ["retry=5", "retries=2", "backoff=1.5"])
def test_what_nothing_configures_cannot_be_given(more: str):
    """FortiOS retransmits in IKEv2 for 93 s, whatever its count and interval say."""
    with pytest.raises(OptionError, match="fortios-ikev2 has no"):
        parse_policy(f"fortios-ikev2 interval=20 {more}")
    assert parse_policy("fortios-ikev2 interval=20").worst_case_s == 113.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cisco-ios interval=5 retry=90", ["interval 5: ", "retry 90: "]),
        ("cisco-ios interval=10 retry=60", []),
        ("cisco-asa interval=10 retry=11", ["retry 11: "]),
        ("fortios interval=20", []),
        ("racoon", []),
    ],
)
def test_what_a_product_does_not_take_is_told(text: str, said: list[str]):
    found = out_of_range(parse_policy(text))
    assert len(found) == len(said)
    for sentence, start in zip(found, said, strict=True):
        assert sentence.startswith(start)
