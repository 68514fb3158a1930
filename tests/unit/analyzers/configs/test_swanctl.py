from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs.lines import numbered
from analyzers.configs.swanctl import READER, likeness, read
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    ConnectionKind,
    DpdSetting,
    IgnoredOption,
    LifetimeOf,
    RemotePeer,
)
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import Ref

SAMPLES = Path(__file__).parents[4] / "sample_pcaps"
A, B = "192.0.2.1", "192.0.2.2"


def config(text: str) -> Configuration:
    return read(numbered(text.split("\n")), "s1")


def connection(options: str, child: str = "") -> Configuration:
    return config(f"connections {{ gw {{\n{options}\nchildren {{ net {{\n{child}\n}} }} }} }}")


def only(configuration: Configuration) -> DpdSetting:
    (setting,) = configuration.dpd
    return setting


# The DPD settings of sample_pcaps/README.md: delay of A, delay of B, timeout of A where it counts.
RECORDED = {
    "ikev1-both-sides": (1, 5, 3, 20),
    "ikev1-clean-delete": (1, 4, None, 20),
    "ikev1-dead-peer": (1, 5, None, 20),
    "ikev1-healthy": (1, 5, None, 20),
    "ikev1-one-way-loss": (1, 5, None, 20),
    "ikev2-brief-outage": (2, 3, None, None),
    "ikev2-clean-delete": (2, 4, None, None),
    "ikev2-data-plane-dead": (2, 4, None, None),
    "ikev2-dead-peer": (2, 5, None, None),
    "ikev2-healthy": (2, 4, None, None),
    "ikev2-ipv6-healthy": (2, 4, None, None),
    "ikev2-no-dpd-blackhole": (2, None, None, None),
    "ikev2-peer-restart": (2, 4, None, None),
}


def test_every_recorded_pair_is_known():
    assert sorted(p.parent.name for p in SAMPLES.glob("*/swanctl-a.conf")) == sorted(RECORDED)


@pytest.mark.parametrize("case", RECORDED)
@pytest.mark.parametrize("side", ["a", "b"])
def test_our_gateways_have_the_policy_they_were_recorded_with(case, side):
    version, delay_a, delay_b, timeout_s = RECORDED[case]
    delay = delay_a if side == "a" else delay_b
    text = (SAMPLES / case / f"swanctl-{side}.conf").read_text()
    configuration = config(text)
    assert configuration.problems == ()
    assert likeness(numbered(text.split("\n"))) == 1
    ends = ("2001:db8::1", "2001:db8::2") if "ipv6" in case else (A, B)
    local, remote = ends if side == "a" else ends[::-1]
    assert configuration.addresses == (local,)
    setting = configuration.setting_for(local, remote, version)
    assert setting is only(configuration)
    assert setting.explicit
    policy = setting.policy
    assert policy.holder == local
    assert policy.basis is PolicyBasis.CONFIG
    assert policy.ref == setting.ref == Ref("s1", 6)
    if delay is None:
        assert policy.mode is PolicyMode.DISABLED
        assert policy.worst_case_s is None
        assert policy.evidence == "dpd_delay = 0s"
        return
    assert policy.mode is PolicyMode.ON_IDLE
    assert policy.interval_s == delay
    if version == 2:
        assert (policy.profile, policy.retries) == ("strongswan-ikev2", 5)
        assert policy.worst_case_s == pytest.approx(delay + 165.061, abs=0.001)
        assert setting.ignored == (
            IgnoredOption("dpd_timeout = 30s", "IKEv2 gives up by retransmission", Ref("s1", 7)),
        )
    elif timeout_s is not None and side == "a":
        assert (policy.profile, policy.worst_case_s) == ("strongswan-ikev1", timeout_s)
        assert policy.evidence == f"dpd_delay = {delay}s, dpd_timeout = {timeout_s}s"
        assert setting.ignored == ()
    expected_action = "restart" if (case, side) == ("ikev2-peer-restart", "a") else "clear"
    assert setting.action == expected_action


def test_the_dead_peer_was_asked_as_often_as_the_policy_says():
    text = (SAMPLES / "ikev1-dead-peer" / "swanctl-a.conf").read_text()
    setting = only(config(text))
    assert (setting.transmissions, setting.policy.retries, setting.policy.retry_s) == (3, 2, 5)


def test_without_a_delay_nothing_is_asked():
    setting = only(connection("version = 2"))
    assert setting.policy.mode is PolicyMode.DISABLED
    assert setting.policy.basis is PolicyBasis.DEFAULT
    assert setting.policy.evidence == "dpd_delay = 0s by default"
    assert not setting.explicit
    assert setting.ref == Ref("s1", 1)


def test_without_a_version_both_are_possible():
    configuration = connection("dpd_delay = 10s\ndpd_timeout = 1m\nremote_addrs = 192.0.2.2")
    two, one = configuration.dpd
    assert (two.ike_version, one.ike_version) == (2, 1)
    assert configuration.connections[0].ike_version is None
    policy = configuration.policy_for(None, "192.0.2.2", 1)
    assert policy is one.policy
    assert policy.worst_case_s == 60
    assert configuration.policy_for(None, "192.0.2.2", 2) is two.policy
    assert not one.ignored
    assert two.ignored


def test_an_ikev1_timeout_that_is_left_out_lasts_as_long_as_retransmission():
    setting = only(connection("version = 1\ndpd_delay = 30"))
    assert setting.policy.worst_case_s == pytest.approx(165.061)
    assert "given up 165.061 s after the last proof of life" in setting.policy.evidence


def test_an_ikev1_timeout_below_the_delay_is_said_to_be_useless():
    setting = only(connection("version = 1\ndpd_delay = 30s\ndpd_timeout = 10s"))
    assert setting.policy.worst_case_s is None
    assert setting.timeout_s == 10
    assert "the verdict never comes" in setting.policy.evidence


def test_a_timeout_without_a_delay_is_ignored():
    setting = only(connection("version = 1\ndpd_timeout = 10s"))
    assert setting.ignored == (
        IgnoredOption("dpd_timeout = 10s", "without a delay nothing is asked", Ref("s1", 3)),
    )


def test_defaults_come_from_the_section_that_a_connection_inherits_from():
    configuration = config(
        "base {\n dpd_delay = 20s\n version = 2\n}\n"
        "connections {\n one : base { remote_addrs = 192.0.2.2\n }\n"
        " two : base { dpd_delay = 5s\n remote_addrs = 198.51.100.2\n }\n}"
    )
    one, two = configuration.dpd
    assert (one.policy.interval_s, one.ref.record) == (20, 2)
    assert (two.policy.interval_s, two.ref.record) == (5, 8)


def test_ends_of_a_connection():
    configuration = connection(
        "version = 2\ndpd_delay = 9s\nlocal_addrs = 203.0.113.1\n"
        "remote_addrs = 198.51.100.0/24, gw.example.net, 192.0.2.8-192.0.2.11"
    )
    setting, only_connection = only(configuration), configuration.connections[0]
    assert setting.peers == ("198.51.100.0/24", "gw.example.net", "192.0.2.8/30")
    assert setting.local == only_connection.local == "203.0.113.1"
    assert only_connection.remotes == (RemotePeer("gw.example.net", Ref("s1", 5)),)
    assert configuration.setting_for("203.0.113.1", "198.51.100.77", 2) is setting
    assert configuration.setting_for("203.0.113.1", "192.0.2.9", 2) is setting
    assert configuration.setting_for("203.0.113.1", "192.0.2.12", 2) is None
    assert configuration.setting_for("203.0.113.9", "192.0.2.9", 2) is None
    assert configuration.setting_for("203.0.113.1", "192.0.2.9", 1) is None


@pytest.mark.parametrize("remote", ["", "remote_addrs = %any", "remote_addrs = 0.0.0.0/0, ::/0"])
def test_anyone_may_be_the_peer(remote):
    configuration = connection(f"version = 2\ndpd_delay = 9s\n{remote}")
    assert configuration.connections[0].remotes == ()
    assert configuration.setting_for(None, "192.0.2.77", 2) is only(configuration)
    assert configuration.setting_for(None, "2001:db8::77", 2) is only(configuration)
    assert configuration.setting_of(configuration.connections[0]) is only(configuration)


def test_the_connection_that_names_a_peer_comes_before_that_for_anyone():
    configuration = config(
        "connections { any { dpd_delay = 60s\n version = 2\n}\n"
        "gw { dpd_delay = 10s\n version = 2\n remote_addrs = 192.0.2.2\n} }"
    )
    named = configuration.policy_for(None, "192.0.2.2", 2)
    other = configuration.policy_for(None, "192.0.2.3", 2)
    assert named is not None
    assert other is not None
    assert (named.interval_s, other.interval_s) == (10, 60)


def test_kinds_of_connections():
    kinds = [
        ("", "", ConnectionKind.POLICY_BASED),
        ("", "if_id_in = 7", ConnectionKind.ROUTE_BASED),
        ("if_id_out = %unique", "", ConnectionKind.ROUTE_BASED),
        ("", "mark_in = 42", ConnectionKind.ROUTE_BASED),
        ("pools = clients", "", ConnectionKind.REMOTE_ACCESS),
    ]
    for options, child, kind in kinds:
        assert connection(options, child).connections[0].kind is kind


def test_policies_that_only_pass_or_drop_are_no_connections():
    assert connection("", "mode = pass").connections == ()
    assert connection("", "mode = transport").connections != ()


@pytest.mark.parametrize(
    ("options", "child", "ike_s", "child_s"),
    [
        ("", "", 15_840, 3_960),
        ("rekey_time = 24h", "life_time = 8h", 95_040, 28_800),
        ("rekey_time = 1h\nover_time = 5m", "rekey_time = 30m", 3_900, 1_980),
        ("reauth_time = 3h", "", 11_880, 3_960),
        ("rekey_time = 0", "rekey_time = 0s", None, None),
    ],
)
def test_lifetimes(options, child, ike_s, child_s):
    found = {lifetime.of: lifetime for lifetime in connection(options, child).lifetimes}
    for of, seconds, written in (
        (LifetimeOf.IKE, ike_s, options),
        (LifetimeOf.CHILD, child_s, child),
    ):
        if seconds is None:
            assert of not in found
        else:
            assert found[of].seconds == pytest.approx(seconds)
            assert found[of].explicit is bool(written)


def test_actions_of_several_children():
    text = (
        "connections { gw { children { a { dpd_action = trap\n}\n b { dpd_action = restart\n}\n"
        "c { dpd_action = trap\n} } } }"
    )
    assert config(text).dpd[0].action == "trap, restart"


def test_options_of_charon_in_the_same_text_are_heeded():
    configuration = config(
        "charon { retransmit_timeout = 2.0\n retransmit_base = 1\n retransmit_tries = 5\n}\n"
        "connections { gw { version = 2\n dpd_delay = 5s\n} }"
    )
    policy = only(configuration).policy
    assert (policy.retry_s, policy.backoff, policy.retries) == (2, 1, 5)
    assert policy.worst_case_s == 17
    assert configuration.retransmission is not None


@pytest.mark.parametrize(
    ("options", "line", "detail"),
    [
        ("dpd_delay = soon", 2, "dpd_delay takes a time"),
        ("dpd_delay = -1s", 2, "dpd_delay takes a time"),
        ("dpd_delay = 1s\ndpd_timeout = 3 weeks", 3, "dpd_timeout takes a time"),
        ("version = 3", 2, "a version is 0, 1 or 2"),
    ],
)
def test_values_that_cannot_be_meant_are_told(options, line, detail):
    (problem,) = connection(options).problems
    assert problem.ref == Ref("s1", line)
    assert detail in problem.detail


def test_more_connections_than_any_gateway_has_are_told():
    text = "connections {\n" + "".join(f"c{i} {{ version = 2\n}}\n" for i in range(5_002)) + "}"
    configuration = config(text)
    assert len(configuration.connections) == 5_000
    assert [p.detail for p in configuration.problems] == ["more than 5,000 connections"]


def test_a_text_of_another_kind_is_not_alike():
    assert likeness(numbered(["charon {", " retransmit_tries = 3", "}"])) == 0
    assert likeness(numbered(["conn gw", " right=192.0.2.2"])) == 0
    assert likeness(numbered(["hostname R1", "crypto isakmp keepalive 10"])) == 0
    assert READER.format is ConfigFormat.SWANCTL


@given(st.text(max_size=200), st.text(alphabet="0123456789smhd .-%,/:abcf", max_size=30))
def test_any_text_is_read(text, value):
    read(numbered(text.split("\n")), "s1")
    for key in ("dpd_delay", "dpd_timeout", "remote_addrs", "local_addrs", "rekey_time"):
        configuration = connection(f"{key} = {value}")
        assert len(configuration.connections) == 1
