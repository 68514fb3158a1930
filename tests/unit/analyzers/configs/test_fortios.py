from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs.fortios import READER, likeness, read
from analyzers.configs.lines import numbered
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


def config(text: str) -> Configuration:
    return read(numbered(text.split("\n")), "s1")


def tunnel(*settings: str, table: str = "phase1-interface") -> Configuration:
    lines = [f"config vpn ipsec {table}", '    edit "to-hub"']
    lines += [f"        set {s}" for s in settings]
    return config("\n".join([*lines, "    next", "end"]))


def only(configuration: Configuration) -> DpdSetting:
    (setting,) = configuration.dpd
    return setting


def test_ikev1_as_written():
    setting = only(
        tunnel(
            'interface "wan1"',
            "remote-gw 192.0.2.2",
            "dpd on-idle",
            "dpd-retrycount 4",
            "dpd-retryinterval 10",
        )
    )
    policy = setting.policy
    assert (policy.profile, policy.mode) == ("fortios-ikev1", PolicyMode.ON_IDLE)
    assert (policy.interval_s, policy.retry_s, policy.retries) == (10, 10, 4)
    assert policy.worst_case_s == 50
    assert policy.basis is PolicyBasis.CONFIG
    assert policy.evidence == "dpd on-idle, dpd-retrycount 4, dpd-retryinterval 10"
    assert (setting.ref, setting.transmissions) == (Ref("s1", 5), 4)
    assert setting.peers == ("192.0.2.2",)
    assert setting.explicit
    assert setting.mode_explicit
    assert setting.ignored == ()


def test_defaults_ask_on_demand_three_times():
    setting = only(tunnel("remote-gw 192.0.2.2"))
    policy = setting.policy
    assert (policy.mode, policy.interval_s, policy.retries) == (PolicyMode.ON_DEMAND, 20, 3)
    assert policy.worst_case_s == 80
    assert policy.basis is PolicyBasis.DEFAULT
    assert policy.evidence == (
        "dpd on-demand by default, dpd-retrycount 3 by default, dpd-retryinterval 20 s by default"
    )
    assert not setting.explicit
    assert not setting.mode_explicit
    assert setting.ref == Ref("s1", 2)


def test_a_written_interval_leaves_the_mode_a_default():
    setting = only(tunnel("dpd-retryinterval 5"))
    assert setting.explicit
    assert not setting.mode_explicit
    assert setting.policy.worst_case_s == 20


def test_ikev2_retransmits_as_it_likes():
    setting = only(
        tunnel("ike-version 2", "dpd on-idle", "dpd-retrycount 2", "dpd-retryinterval 5")
    )
    policy = setting.policy
    assert (policy.profile, policy.interval_s) == ("fortios-ikev2", 5)
    assert (policy.retry_s, policy.backoff, policy.retries) == (3, 2, 4)
    assert policy.worst_case_s == 5 + 93
    assert setting.transmissions == 5
    assert setting.ignored == (
        IgnoredOption(
            "dpd-retrycount 2",
            "IKEv2 retransmits after 3, 6, 12, 24 and 48 s, whatever is set",
            Ref("s1", 5),
        ),
    )


def test_disabled_still_answers():
    setting = only(tunnel("dpd disable", "ike-version 2", "dpd-retrycount 5"))
    assert setting.policy.mode is PolicyMode.DISABLED
    assert setting.policy.worst_case_s is None
    assert setting.answers
    assert setting.policy.evidence == "dpd disable: asks nothing, still answers"
    assert setting.ignored == ()


def test_an_old_release_with_its_milliseconds():
    setting = only(tunnel("dpd enable", "dpd-retryinterval 5 500"))
    assert setting.policy.mode is PolicyMode.UNKNOWN
    assert setting.policy.interval_s == 5.5


def test_the_ends_of_a_tunnel():
    interface = (
        'config system interface\nedit "wan1"\nset ip 203.0.113.1 255.255.255.0\nnext\nend\n'
    )
    body = (
        'config vpn ipsec phase1-interface\nedit "b"\nset interface "wan1"\n'
        "set remote-gw 192.0.2.2\nset dpd on-idle\nnext\n"
        'edit "c"\nset local-gw 198.51.100.1\nset interface "wan1"\nset type ddns\n'
        'set remotegw-ddns "gw.example.net"\nnext\nend\n'
    )
    configuration = config("config system global\nset hostname FGT\nend\n" + interface + body)
    b, c = configuration.connections
    assert (b.local, b.remotes) == ("203.0.113.1", (RemotePeer("192.0.2.2", Ref("s1", 12)),))
    assert (c.local, c.remotes[0].address) == ("198.51.100.1", "gw.example.net")
    assert (b.interface, b.kind) == ("b", ConnectionKind.ROUTE_BASED)
    assert configuration.addresses == ("203.0.113.1", "198.51.100.1")
    assert configuration.hostname == "FGT"
    setting = configuration.setting_for("203.0.113.1", "192.0.2.2", 1)
    assert setting is configuration.dpd[0]
    assert setting.policy.holder == "203.0.113.1"
    assert configuration.setting_for("203.0.113.1", "192.0.2.2", 2) is None


def test_dial_up_peers_may_come_from_anywhere():
    configuration = tunnel("type dynamic", 'interface "wan1"', "peertype any", "dpd on-idle")
    (connection,) = configuration.connections
    assert (connection.kind, connection.remotes) == (ConnectionKind.REMOTE_ACCESS, ())
    assert configuration.setting_for(None, "192.0.2.77", 1) is only(configuration)
    hub = tunnel("type dynamic", "auto-discovery-sender enable").connections[0]
    assert hub.kind is ConnectionKind.MULTIPOINT


def test_policy_based_tunnels():
    configuration = tunnel('interface "wan2"', "remote-gw 192.0.2.2", table="phase1")
    (connection,) = configuration.connections
    assert (connection.kind, connection.interface) == (ConnectionKind.POLICY_BASED, "wan2")


def test_lifetimes_and_nat_keepalive():
    configuration = config(
        'config vpn ipsec phase1-interface\nedit "a"\n'
        "set keylife 28800\nset keepalive 30\nnext\nend\n"
        'config vpn ipsec phase2-interface\nedit "p"\nset phase1name "a"\nnext\n'
        'edit "q"\nset keylifeseconds 3600\nnext\nend'
    )
    found = [(lt.of, lt.scope, lt.seconds, lt.explicit) for lt in configuration.lifetimes]
    assert found == [
        (LifetimeOf.IKE, "phase1 a", 28_800, True),
        (LifetimeOf.CHILD, "phase2 p", 43_200, False),
        (LifetimeOf.CHILD, "phase2 q", 3_600, True),
    ]
    assert configuration.nat_keepalive is not None
    assert configuration.nat_keepalive.interval_s == 30


def test_secrets_are_kept_nowhere():
    text = 'config vpn ipsec phase1-interface\nedit "a"\nset psksecret ENC hush\nnext\nend'
    assert "hush" not in repr(config(text))


@pytest.mark.parametrize(
    ("setting", "detail"),
    [
        ("dpd sometimes", "dpd is disable, on-idle or on-demand"),
        ("dpd-retrycount many", "dpd-retrycount takes a number"),
        ("dpd-retryinterval -1", "dpd-retryinterval takes a number"),
        ("keylife 1d", "keylife takes a number"),
    ],
)
def test_values_that_cannot_be_meant_are_told(setting, detail):
    (problem,) = tunnel(setting).problems
    assert problem.ref == Ref("s1", 3)
    assert detail in problem.detail


def test_more_tunnels_than_any_device_has_are_told():
    text = "config vpn ipsec phase1-interface\n" + "".join(f"edit t{i}\n" for i in range(20_002))
    (problem,) = config(text).problems
    assert problem.detail == "more than 20,000 entries; no more are read"


def test_likeness():
    whole = [
        "#config-version=FGT60F-7.0.13",
        "config vpn ipsec phase1-interface",
        '    edit "a"',
        '        set comments "one',
        "two three",
        'four"',
        "    next",
        "end",
    ]
    assert likeness(numbered(whole)) == 1
    assert likeness(numbered(["config setup", "conn x", " left=192.0.2.1"])) == 0
    assert likeness(numbered(["ike 0:to-hub: link is idle 5 192.0.2.1->192.0.2.2:0 dpd=1"])) == 0
    assert READER.format is ConfigFormat.FORTIOS


@given(st.text(max_size=200), st.text(alphabet='0123456789 .-/:abc"', max_size=30))
def test_any_text_is_read(text, value):
    config(text)
    for key in ("dpd", "dpd-retrycount", "dpd-retryinterval", "remote-gw", "local-gw", "keylife"):
        assert len(tunnel(f"{key} {value}").connections) <= 1
