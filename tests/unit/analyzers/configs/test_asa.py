from __future__ import annotations

import pytest

from analyzers.configs.asa import READER
from analyzers.configs.lines import numbered
from analyzers.model.configuration import Configuration, ConnectionKind
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import ProblemKind, Ref

FIREWALL = """\
: Saved
ASA Version 9.8(4)
!
hostname fw1
interface GigabitEthernet0/0
 nameif outside
 security-level 0
 ip address 192.0.2.1 255.255.255.0 standby 192.0.2.2
!
crypto map OUT 10 match address SITE-A
crypto map OUT 10 set peer 198.51.100.7 198.51.100.8
crypto map OUT 10 set ikev1 transform-set AES
crypto map OUT 20 set peer 203.0.113.9
crypto map OUT 20 set ikev2 ipsec-proposal AES
crypto map OUT interface outside
crypto isakmp nat-traversal 20
crypto ikev1 policy 10
 authentication pre-share
 lifetime 28800
tunnel-group 198.51.100.7 type ipsec-l2l
tunnel-group 198.51.100.7 ipsec-attributes
 ikev1 pre-shared-key *****
 isakmp keepalive threshold 15 retry 3
tunnel-group CLIENTS type remote-access
tunnel-group CLIENTS ipsec-attributes
 ikev1 pre-shared-key *****
: end
"""


def read(text: str) -> Configuration:
    return READER.read(numbered(text.splitlines()), "s1")


def group(keepalive: str, kind: str = "ipsec-l2l") -> str:
    return (
        f"tunnel-group 198.51.100.7 type {kind}\n"
        f"tunnel-group 198.51.100.7 ipsec-attributes\n {keepalive}\n"
    )


def test_a_tunnel_group_of_its_own():
    found = read(FIREWALL).policy_for(None, "198.51.100.7", 1)
    assert found is not None
    assert found.mode is PolicyMode.ON_IDLE
    assert (found.interval_s, found.retry_s, found.retries) == (15, 3, 3)
    # a question and three retransmissions, each waited for
    assert found.worst_case_s == 15 + 4 * 3
    assert found.ref == Ref("s1", 23)


def test_the_other_count_is_kept():
    (setting,) = read(group("isakmp keepalive threshold 10 retry 2")).dpd
    assert setting.policy.worst_case_s == 18
    assert [other.worst_case_s for other in setting.alternatives] == [16]


def test_a_peer_without_a_group_has_the_default_of_the_device():
    found = read(FIREWALL).policy_for(None, "203.0.113.9", 2)
    assert found is not None
    assert (found.interval_s, found.basis) == (10, PolicyBasis.DEFAULT)


def test_remote_access_asks_late_by_default():
    config = read(FIREWALL)
    (clients,) = [c for c in config.connections if c.kind is ConnectionKind.REMOTE_ACCESS]
    setting = config.setting_of(clients)
    assert setting is not None
    assert (setting.policy.interval_s, setting.explicit) == (300, False)


def test_groups_inherit_from_the_default_group_of_their_kind():
    config = read(
        "tunnel-group DefaultL2LGroup ipsec-attributes\n isakmp keepalive threshold 60 retry 5\n"
        "tunnel-group 198.51.100.7 type ipsec-l2l\n"
    )
    found = config.policy_for(None, "198.51.100.7", 1)
    assert found is not None
    assert (found.interval_s, found.retry_s) == (60, 5)
    assert "of the default group" in found.evidence


def test_infinite_answers_but_never_asks():
    (setting,) = read(group("isakmp keepalive threshold infinite")).dpd
    assert setting.policy.mode is PolicyMode.DISABLED
    assert setting.answers


def test_disable_does_not_even_answer():
    (setting,) = read(group("isakmp keepalive disable")).dpd
    assert setting.policy.mode is PolicyMode.DISABLED
    assert not setting.answers


def test_pix_has_one_setting_for_all():
    found = read("PIX Version 6.3(5)\nisakmp keepalive 20 4\n").policy_for(None, "203.0.113.9", 1)
    assert found is not None
    assert (found.interval_s, found.retry_s) == (20, 4)


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (
            "isakmp keepalive threshold 5 retry 2",
            "a threshold of 5 s: the device takes 10 to 3600 s",
        ),
        ("isakmp keepalive threshold 10 retry 30", "a retry of 30 s: the device takes 2 to 10 s"),
    ],
)
def test_values_that_the_device_would_refuse_are_problems(line, detail):
    (problem,) = read(group(line)).problems
    assert (problem.kind, problem.detail) == (ProblemKind.CONFIG_LINE, detail)
    assert problem.ref == Ref("s1", 3)


def test_crypto_maps():
    first, second, _ = read(FIREWALL).connections
    assert [p.address for p in first.remotes] == ["198.51.100.7", "198.51.100.8"]
    assert (first.ike_version, second.ike_version) == (1, 2)
    assert (first.local, first.interface) == ("192.0.2.1", "outside")
    assert first.profile == "tunnel-group 198.51.100.7"


def test_tunnel_interfaces():
    (connection,) = read("""\
interface GigabitEthernet0/0
 nameif outside
 ip address 192.0.2.1 255.255.255.0
interface Tunnel1
 nameif vti
 ip address 10.9.0.1 255.255.255.252
 tunnel source interface outside
 tunnel destination 198.51.100.7
 tunnel mode ipsec ipv4
 tunnel protection ipsec profile P
""").connections
    assert (connection.kind, connection.local) == (ConnectionKind.ROUTE_BASED, "192.0.2.1")


def test_lifetime_and_nat_keepalive():
    config = read(FIREWALL)
    (lifetime,) = config.lifetimes
    assert (lifetime.seconds, lifetime.scope) == (28_800, "ikev1 policy 10")
    assert config.nat_keepalive is not None
    assert config.nat_keepalive.interval_s == 20


@pytest.mark.parametrize("strip", [False, True])
def test_lost_indentation_changes_nothing(strip):
    text = "\n".join(line.strip() for line in FIREWALL.splitlines()) if strip else FIREWALL
    plain, found = read(FIREWALL), read(text)
    assert (found.dpd, found.connections) == (plain.dpd, plain.connections)


@pytest.mark.parametrize(
    "text", ["", "tunnel-group", "tunnel-group X", "crypto map O 1 set peer", "isakmp keepalive"]
)
def test_cut_commands_raise_nothing(text):
    assert read(text).connections == ()
