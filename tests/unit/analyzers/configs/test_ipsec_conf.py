from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs.charon import with_retransmission
from analyzers.configs.ipsec_conf import READER, likeness, read
from analyzers.configs.lines import numbered
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    ConnectionKind,
    DpdSetting,
    IgnoredOption,
    LifetimeOf,
    RemotePeer,
    Retransmission,
)
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import Ref

STRONGSWAN = "config setup\n charondebug=ike\n"
LIBRESWAN = "config setup\n logfile=/var/log/pluto.log\n"
OPENSWAN = "config setup\n nat_traversal=yes\n oe=off\n"


def config(text: str) -> Configuration:
    return read(numbered(text.split("\n")), "s1")


def gateway(daemon: str, *options: str) -> Configuration:
    lines = ["conn gw", " left=192.0.2.1", " right=192.0.2.2", *(f" {o}" for o in options)]
    return config(daemon + "\n".join(lines))


def only(configuration: Configuration) -> DpdSetting:
    (setting,) = configuration.dpd
    return setting


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        (STRONGSWAN, "strongSwan (charondebug in line 2)"),
        (LIBRESWAN, "Libreswan (logfile in line 2)"),
        (OPENSWAN, "Openswan (nat-traversal in line 2)"),
        ("", "strongSwan (nothing in it says Libreswan or Openswan)"),
        ("ca x\n cacert=x\n", "strongSwan (it has a ca section)"),
        (
            "config setup\n virtual_private=%v4:10.0.0.0/8\n",
            "Libreswan (virtual-private in line 2)",
        ),
        (OPENSWAN + " protostack=netkey\n", "Openswan (nat-traversal in line 2)"),
        ("config setup\n charonstart=yes\n nat_traversal=yes\n", "strongSwan (charonstart"),
    ],
)
def test_whose_file_it_is_and_why(text, read_as):
    for setting in gateway(text, "dpdaction=clear", "dpddelay=9").dpd:
        assert setting.policy.evidence.startswith(f"read as {read_as}")


def test_strongswan_ikev2():
    setting = only(
        gateway(
            STRONGSWAN, "keyexchange=ikev2", "dpdaction=restart", "dpddelay=10s", "dpdtimeout=50s"
        )
    )
    policy = setting.policy
    assert (policy.profile, policy.mode) == ("strongswan-ikev2", PolicyMode.ON_IDLE)
    assert (policy.interval_s, policy.retry_s, policy.backoff, policy.retries) == (10, 4, 1.8, 5)
    assert policy.worst_case_s == pytest.approx(175.061)
    assert policy.basis is PolicyBasis.CONFIG
    assert (setting.ref.record, setting.action, setting.transmissions) == (8, "restart", 6)
    assert setting.ignored == (
        IgnoredOption("dpdtimeout=50s", "IKEv2 gives up by retransmission", Ref("s1", 9)),
    )


def test_strongswan_ikev1_with_its_defaults():
    setting = only(gateway(STRONGSWAN, "keyexchange=ikev1", "dpdaction=clear"))
    policy = setting.policy
    assert (policy.interval_s, policy.worst_case_s) == (30, 150)
    assert policy.evidence == (
        "read as strongSwan (charondebug in line 2): dpdaction=clear, dpddelay=30s by default,"
        " dpdtimeout=150s by default"
    )
    assert setting.ref == Ref("s1", 7)


def test_strongswan_asks_nothing_without_an_action():
    setting = only(gateway(STRONGSWAN, "keyexchange=ikev2", "dpddelay=10s"))
    assert setting.policy.mode is PolicyMode.DISABLED
    assert setting.explicit
    assert setting.ignored == (
        IgnoredOption(
            "dpddelay=10s",
            "with dpdaction=none by default nothing is asked",
            Ref("s1", 7),
            off=True,
        ),
    )
    assert not only(gateway(STRONGSWAN, "keyexchange=ikev2")).explicit
    off = only(gateway(STRONGSWAN, "keyexchange=ikev2", "dpdaction=none"))
    assert (off.policy.mode, off.explicit, off.ignored) == (PolicyMode.DISABLED, True, ())


def test_strongswan_takes_both_versions_by_default():
    configuration = gateway(STRONGSWAN, "dpdaction=hold", "dpddelay=10s")
    assert [s.ike_version for s in configuration.dpd] == [2, 1]
    policy = configuration.policy_for("192.0.2.1", "192.0.2.2", 1)
    assert policy is not None
    assert policy.worst_case_s == 150


def test_the_retransmission_of_strongswan_conf_is_taken():
    before = gateway(STRONGSWAN, "keyexchange=ikev2", "dpdaction=clear", "dpddelay=5s")
    setting = only(with_retransmission(before, Retransmission(2, 1, 5)))
    assert setting.policy.worst_case_s == 17
    assert setting.policy.evidence.startswith("read as strongSwan (charondebug in line 2): dpda")
    libreswan = gateway(LIBRESWAN, "dpddelay=5s")
    assert with_retransmission(libreswan, Retransmission(2, 1, 5)).dpd == libreswan.dpd


def test_libreswan_ikev2_up_to_5_3_and_later():
    setting = only(gateway(LIBRESWAN, "dpddelay=30", "dpdtimeout=120", "dpdaction=restart"))
    policy = setting.policy
    assert (policy.profile, policy.interval_s) == ("libreswan-ikev2", 30)
    assert (policy.retry_s, policy.backoff, policy.retries) == (0.5, 2, 7)
    assert policy.worst_case_s == 30 + 1 + 64
    assert "retransmit-timeout 60 s by default in Libreswan up to 5.3" in policy.evidence
    (later,) = setting.alternatives
    assert (later.profile, later.worst_case_s) == ("libreswan-5.4-ikev2", 30 + 1 + 32)
    assert setting.transmissions == 8
    assert [(i.option, i.ref.record) for i in setting.ignored] == [
        ("dpdtimeout=120", 7),
        ("dpdaction=restart", 8),
    ]


def test_libreswan_retransmission_as_written():
    setting = only(
        gateway(LIBRESWAN, "dpddelay=10", "retransmit-timeout=5m", "retransmit_interval=1000")
    )
    assert setting.policy.worst_case_s == 10 + 1 + 512
    assert setting.policy.retry_s == 1
    assert setting.alternatives == ()
    assert "retransmit-interval=1000, retransmit-timeout=5m" in setting.policy.evidence


def test_libreswan_ikev1_needs_both():
    for exchange in ("ikev2=no", "ikev2=permit", "keyexchange=ikev1"):
        setting = only(gateway(LIBRESWAN, exchange, "dpddelay=30", "dpdtimeout=2m"))
        assert setting.policy.profile == "libreswan-ikev1"
        assert (setting.policy.worst_case_s, setting.transmissions) == (150, 4)
        assert setting.ignored == ()
    lone = only(gateway(LIBRESWAN, "ikev2=no", "dpddelay=30"))
    assert lone.policy.mode is PolicyMode.DISABLED
    assert lone.ignored == (
        IgnoredOption("dpddelay=30", "IKEv1 needs dpdtimeout too", Ref("s1", 7)),
    )
    lone = only(gateway(LIBRESWAN, "ikev2=no", "dpdtimeout=30"))
    assert [i.why for i in lone.ignored] == ["IKEv1 needs dpddelay too"]


def test_libreswan_is_off_by_default():
    setting = only(gateway(LIBRESWAN, "ikev2=yes"))
    assert (setting.policy.mode, setting.explicit) == (PolicyMode.DISABLED, False)
    assert setting.policy.basis is PolicyBasis.DEFAULT
    assert setting.ref == Ref("s1", 3)


def test_openswan_takes_one_of_the_two():
    one = only(gateway(OPENSWAN, "dpddelay=10"))
    assert (one.policy.profile, one.policy.interval_s) == ("openswan", 10)
    assert one.policy.worst_case_s == 130
    assert "dpddelay=10, dpdtimeout 120 s by default" in one.policy.evidence
    assert only(gateway(OPENSWAN, "dpdtimeout=60")).policy.worst_case_s == 90
    assert only(gateway(OPENSWAN)).policy.mode is PolicyMode.DISABLED


def test_the_default_section_and_also_are_heeded():
    configuration = config(
        STRONGSWAN + "conn %default\n keyexchange=ikev2\n dpdaction=clear\n dpddelay=20s\n"
        "conn base\n left=192.0.2.1\n dpddelay=5s\n"
        "conn a\n also=base\n right=192.0.2.2\n"
        "conn b\n left=192.0.2.1\n right=192.0.2.3\n"
    )
    found = {s.scope: (s.policy.interval_s, s.ref.record) for s in configuration.dpd}
    assert found == {"connection a": (5, 9), "connection b": (20, 6)}


def test_ends():
    configuration = config(
        LIBRESWAN + "conn a\n left=198.51.100.2\n right=%defaultroute\n dpddelay=5\n"
        "conn b\n left=%defaultroute\n right=%any\n dpddelay=6\n"
        " rightaddresspool=10.0.0.1-10.0.0.9\n"
        "conn nothing\n dpddelay=7\n"
        "conn shunt\n left=192.0.2.1\n right=192.0.2.2\n type=passthrough\n"
    )
    a, b = configuration.connections
    assert (a.remotes, a.local) == ((RemotePeer("198.51.100.2", Ref("s1", 4)),), None)
    assert (b.remotes, b.kind) == ((), ConnectionKind.REMOTE_ACCESS)
    named = configuration.policy_for("192.0.2.1", "198.51.100.2", 2)
    other = configuration.policy_for("192.0.2.1", "203.0.113.9", 2)
    assert named is not None
    assert other is not None
    assert (named.interval_s, other.interval_s) == (5, 6)


def test_kinds():
    assert gateway(LIBRESWAN).connections[0].kind is ConnectionKind.POLICY_BASED
    routed = gateway(LIBRESWAN, "vti-interface=vti7", "mark=7/0xffffffff").connections[0]
    assert (routed.kind, routed.interface) == (ConnectionKind.ROUTE_BASED, "vti7")


@pytest.mark.parametrize(
    ("daemon", "options", "ike_s", "child_s"),
    [
        (STRONGSWAN, (), 10_800, 3_600),
        (STRONGSWAN, ("ikelifetime=1d", "keylife=8h"), 86_400, 28_800),
        (LIBRESWAN, (), 28_800, 28_800),
        (LIBRESWAN, ("ikelifetime=24h", "salifetime=1h"), 86_400, 3_600),
        (OPENSWAN, (), 3_600, 28_800),
    ],
)
def test_lifetimes(daemon, options, ike_s, child_s):
    found = {lifetime.of: lifetime for lifetime in gateway(daemon, *options).lifetimes}
    assert (found[LifetimeOf.IKE].seconds, found[LifetimeOf.CHILD].seconds) == (ike_s, child_s)
    assert found[LifetimeOf.IKE].explicit is bool(options)


def test_a_time_that_is_none_is_told_once():
    configuration = config(
        LIBRESWAN + "conn %default\n dpddelay=often\n"
        "conn a\n left=192.0.2.1\n right=192.0.2.2\nconn b\n left=192.0.2.1\n right=192.0.2.3\n"
    )
    (problem,) = configuration.problems
    assert (problem.ref, problem.detail) == (
        Ref("s1", 4),
        "dpddelay takes a time such as 30s, 5m or 1h",
    )


def test_likeness():
    assert likeness(numbered((STRONGSWAN + "conn gw\n left=192.0.2.1\n").split("\n"))) == 1
    assert likeness(numbered(["dpddelay=30", "left=192.0.2.1"])) == 0
    assert likeness(numbered(["connections {", " gw { version = 2", "} }"])) == 0
    assert READER.format is ConfigFormat.IPSEC_CONF


@given(st.text(max_size=200), st.text(alphabet="0123456789smhd .-%,/:abcf", max_size=30))
def test_any_text_is_read(text, value):
    config(text)
    for daemon in (STRONGSWAN, LIBRESWAN, OPENSWAN):
        for key in ("dpddelay", "dpdtimeout", "left", "retransmit-timeout", "retransmit-interval"):
            assert gateway(daemon, "dpddelay=5", f"{key}={value}").connections
