from __future__ import annotations

import pytest

from analyzers.configs.ios import READER
from analyzers.configs.lines import numbered
from analyzers.model.configuration import (
    Configuration,
    ConnectionKind,
    EasyVpnRole,
    RoutingProtocol,
)
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import ProblemKind, Ref

HUB = """\
version 15.7
hostname HUB
!
crypto isakmp policy 10
 encr aes 256
 authentication pre-share
 lifetime 28800
crypto isakmp policy 20
 authentication pre-share
crypto isakmp keepalive 10 3
crypto isakmp nat keepalive 20
crypto isakmp profile SITES
   match identity address 198.51.100.0 255.255.255.0
   keepalive 20 retry 5
!
crypto ipsec profile DMVPN
 set transform-set T
!
crypto map OUT 10 ipsec-isakmp
 set peer 203.0.113.1 default
 set peer 203.0.113.2
 set isakmp-profile SITES
 match address 101
crypto map OUT 20 ipsec-isakmp dynamic ROAM
!
interface Tunnel0
 ip address 10.0.0.1 255.255.255.0
 ip nhrp map multicast dynamic
 ip hello-interval eigrp 100 20
 ip hold-time eigrp 100 60
 tunnel source GigabitEthernet0/0
 tunnel mode gre multipoint
 tunnel protection ipsec profile DMVPN shared
!
interface GigabitEthernet0/0
 ip address 192.0.2.1 255.255.255.0
 standby 1 ip 192.0.2.9
 standby 1 name HA
 crypto map OUT redundancy HA stateful
!
router eigrp 100
 network 10.0.0.0
!
end
"""


def read(text: str) -> Configuration:
    return READER.read(numbered(text.splitlines()), "s1")


def policy(text: str, version: int = 1) -> DpdPolicy | None:
    return read(text).policy_for(None, "198.51.100.7", version)


@pytest.mark.parametrize(
    ("line", "mode", "interval_s", "retry_s", "worst_s"),
    [
        ("crypto isakmp keepalive 10", PolicyMode.ON_DEMAND, 10, 2, 20),
        ("crypto isakmp keepalive 10 periodic", PolicyMode.PERIODIC, 10, 2, 20),
        ("crypto isakmp keepalive 40 5", PolicyMode.ON_DEMAND, 40, 5, 65),
        ("crypto isakmp keepalive 30 20 periodic", PolicyMode.PERIODIC, 30, 20, 130),
        ("crypto isakmp keepalive 10 2 on-demand", PolicyMode.ON_DEMAND, 10, 2, 20),
    ],
)
def test_the_global_keepalive(line, mode, interval_s, retry_s, worst_s):
    found = policy(line)
    assert found is not None
    assert (found.mode, found.interval_s, found.retry_s) == (mode, interval_s, retry_s)
    # five transmissions, each waited for: 35.343 to 45.391 s in Cisco's own debug
    assert (found.retries, found.transmissions, found.worst_case_s) == (5, 5, worst_s)
    assert (found.profile, found.basis, found.ref) == (
        "cisco-ios",
        PolicyBasis.CONFIG,
        Ref("s1", 1),
    )


def test_both_readings_of_the_second_argument_are_known_and_the_used_one_is_said():
    (setting,) = read("crypto isakmp keepalive 10 3 periodic").dpd
    assert "second argument read as retry seconds" in setting.policy.evidence
    assert "'crypto isakmp keepalive 10 3 periodic'" in setting.policy.evidence
    assert setting.policy.worst_case_s == 25
    assert [other.worst_case_s for other in setting.alternatives] == [28, 16]
    assert "number of questions" in setting.alternatives[1].evidence


def test_the_word_retry_leaves_one_reading_of_the_second_argument():
    config = read("crypto isakmp profile P\n keepalive 20 retry 5\n")
    (setting,) = config.dpd
    assert setting.policy.worst_case_s == 45
    assert [other.worst_case_s for other in setting.alternatives] == [50]


def test_without_a_mode_it_is_on_demand_and_the_evidence_says_so():
    found = policy("crypto isakmp keepalive 10")
    assert found is not None
    assert "no mode written, so on-demand" in found.evidence


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("crypto isakmp keepalive 5", "an interval of 5 s: the device takes 10 to 3600 s"),
        ("crypto isakmp keepalive 10 90", "a retry of 90 s: the device takes 2 to 60 s"),
        ("crypto isakmp keepalive periodic", "a DPD command without an interval"),
        ("crypto isakmp keepalive 99999999999999999999", "a DPD command without an interval"),
    ],
)
def test_values_that_the_device_would_refuse_are_problems(line, detail):
    (problem,) = read(f"hostname R1\n{line}").problems
    assert (problem.kind, problem.detail) == (ProblemKind.CONFIG_LINE, detail)
    assert problem.ref == Ref("s1", 2)


def test_ikev2_has_its_own_command():
    text = "crypto ikev2 dpd 30 5 on-demand\n"
    assert policy(text, 1) is None
    found = policy(text, 2)
    assert found is not None
    assert (found.interval_s, found.retry_s, found.worst_case_s) == (30, 5, 55)
    assert found.profile == "cisco-ios-ikev2"


def test_an_ikev2_interval_of_zero_is_off():
    found = policy("crypto ikev2 dpd 0 0 periodic", 2)
    assert found is not None
    assert found.mode is PolicyMode.DISABLED
    assert found.worst_case_s is None


def test_an_ikev2_profile_overrides_the_global_setting_for_those_it_matches():
    text = """\
crypto ikev2 dpd 30 5 on-demand
crypto ikev2 profile SITES
 match identity remote address 198.51.100.0 255.255.255.0
 dpd 10 2 periodic
"""
    near, far = policy(text, 2), read(text).policy_for(None, "203.0.113.1", 2)
    assert near is not None
    assert far is not None
    assert (near.interval_s, far.interval_s) == (10, 30)


def test_without_a_command_the_device_never_asks():
    text = "crypto map M 10 ipsec-isakmp\n set peer 198.51.100.7\n"
    found = policy(text)
    assert found is not None
    assert (found.mode, found.basis) == (PolicyMode.DISABLED, PolicyBasis.DEFAULT)
    assert found.ref == Ref("s1", 1)
    # and nothing is said of a version that is not used
    assert policy(text, 2) is None


def test_crypto_maps_list_their_peers_in_order():
    crypto_map, dynamic, tunnel = read(HUB).connections
    assert [(p.address, p.is_default) for p in crypto_map.remotes] == [
        ("203.0.113.1", True),
        ("203.0.113.2", False),
    ]
    assert crypto_map.kind is ConnectionKind.POLICY_BASED
    assert crypto_map.profile == "isakmp profile SITES"
    assert crypto_map.interface == "GigabitEthernet0/0"
    assert dynamic.remotes == ()
    assert (tunnel.name, tunnel.kind, tunnel.local) == (
        "Tunnel0",
        ConnectionKind.MULTIPOINT,
        "192.0.2.1",
    )


def test_a_redundant_crypto_map_speaks_from_the_virtual_address():
    config = read(HUB)
    assert config.connections[0].local == "192.0.2.9"
    assert config.addresses[0] == "192.0.2.9"
    (standby,) = config.standby
    assert (standby.group, standby.virtual, standby.name) == (1, "192.0.2.9", "HA")
    (redundancy,) = config.redundancy
    assert (redundancy.group, redundancy.stateful) == ("HA", True)


def test_the_profile_of_a_crypto_map_decides():
    config = read(HUB)
    for remote, interval_s in (("203.0.113.1", 20), ("198.51.100.9", 20), ("203.0.113.99", 10)):
        found = config.policy_for(None, remote, 1)
        assert found is not None
        assert found.interval_s == interval_s, remote


def test_lifetimes_have_the_default_of_a_day():
    first, second = read(HUB).lifetimes
    assert (first.seconds, first.explicit) == (28_800, True)
    assert (second.seconds, second.explicit) == (86_400, False)


def test_hostname_and_nat_keepalive():
    config = read(HUB)
    assert config.hostname == "HUB"
    assert config.nat_keepalive is not None
    assert config.nat_keepalive.interval_s == 20


@pytest.mark.parametrize("strip", [False, True])
def test_lost_indentation_changes_nothing(strip):
    text = "\n".join(line.strip() for line in HUB.splitlines()) if strip else HUB
    plain, found = read(HUB), read(text)
    assert found.dpd == plain.dpd
    assert found.connections == plain.connections
    assert found.routing == plain.routing
    assert found.standby == plain.standby


def test_blank_lines_between_all_lines_change_only_the_numbers():
    spaced = read("\n\n".join(HUB.splitlines()))
    assert [c.name for c in spaced.connections] == [c.name for c in read(HUB).connections]
    assert spaced.dpd[0].ref.record == 2 * read(HUB).dpd[0].ref.record - 1


# --- routing -----------------------------------------------------------------------------------


def tunnel(*lines: str, router: str = "") -> str:
    body = "".join(f" {line}\n" for line in lines)
    return f"interface Tunnel1\n ip address 10.9.0.1 255.255.255.252\n{body}!\n{router}"


@pytest.mark.parametrize(
    ("text", "protocol", "hello_s", "hold_s", "explicit"),
    [
        (tunnel(router="router eigrp 1\n network 10.0.0.0\n"), "EIGRP", 5, 15, False),
        (tunnel("ip hold-time eigrp 1 35"), "EIGRP", 5, 35, True),
        (tunnel("ip ospf 1 area 0"), "OSPF", 10, 40, False),
        (tunnel("ip ospf 1 area 0", "ip ospf hello-interval 5"), "OSPF", 5, 20, True),
        (
            tunnel("ip ospf 1 area 0", "ip ospf network point-to-multipoint"),
            "OSPF",
            30,
            120,
            False,
        ),
        (
            tunnel("ip ospf 1 area 0", "ip ospf dead-interval minimal hello-multiplier 4"),
            "OSPF",
            10,
            1,
            True,
        ),
        (
            tunnel(router="router ospf 1\n network 10.9.0.0 0.0.0.3 area 0\n"),
            "OSPF",
            10,
            40,
            False,
        ),
        (
            tunnel(router="router bgp 65001\n neighbor 10.9.0.2 remote-as 65002\n"),
            "BGP",
            60,
            180,
            False,
        ),
        (
            tunnel(
                router="router bgp 65001\n timers bgp 10 30\n neighbor 10.9.0.2 remote-as 65002\n"
            ),
            "BGP",
            10,
            30,
            True,
        ),
        (
            tunnel(
                router="router bgp 65001\n neighbor SPOKES peer-group\n"
                " neighbor SPOKES timers 20 60\n neighbor 10.9.0.2 peer-group SPOKES\n"
            ),
            "BGP",
            20,
            60,
            True,
        ),
        (tunnel("keepalive 10 3"), "GRE keepalive", 10, 30, True),
        (tunnel("bfd interval 500 min_rx 500 multiplier 3"), "BFD", 0.5, 1.5, True),
    ],
)
def test_routing_timers_over_a_tunnel(text, protocol, hello_s, hold_s, explicit):
    (timer,) = read(text).routing
    assert timer.protocol is RoutingProtocol(protocol)
    assert (timer.hello_s, timer.hold_s) == (hello_s, hold_s)
    assert (timer.interface, timer.explicit) == ("Tunnel1", explicit)


def test_named_eigrp():
    router = """\
router eigrp NET
 address-family ipv4 unicast autonomous-system 1
  af-interface Tunnel1
   hello-interval 20
   hold-time 60
  exit-af-interface
  network 10.0.0.0
"""
    (timer,) = read(tunnel(router=router)).routing
    assert (timer.hello_s, timer.hold_s) == (20, 60)


@pytest.mark.parametrize(
    "router",
    [
        "router eigrp 1\n network 10.0.0.0\n passive-interface Tunnel1\n",
        "router eigrp 1\n network 10.0.0.0\n passive-interface default\n",
        "router eigrp 1\n network 172.16.0.0\n",
        "router bgp 65001\n neighbor 203.0.113.5 remote-as 65002\n",
    ],
)
def test_what_does_not_speak_over_the_tunnel_is_no_timer(router):
    assert read(tunnel(router=router)).routing == ()


def test_passive_by_default_with_an_exception():
    router = (
        "router eigrp 1\n network 10.0.0.0\n passive-interface default\n"
        " no passive-interface Tunnel1\n"
    )
    assert len(read(tunnel(router=router)).routing) == 1


# --- clients -----------------------------------------------------------------------------------


def test_easy_vpn_remote():
    config = read("""\
crypto ipsec client ezvpn BRANCH
 connect auto
 peer 192.0.2.1 default
 peer 192.0.2.2
interface FastEthernet0
 ip address 198.51.100.7 255.255.255.0
 crypto ipsec client ezvpn BRANCH
""")
    (client,) = config.easy_vpn
    assert client.role is EasyVpnRole.REMOTE
    (connection,) = config.connections
    assert connection.kind is ConnectionKind.REMOTE_ACCESS
    assert connection.local == "198.51.100.7"
    assert [p.address for p in connection.remotes] == ["192.0.2.1", "192.0.2.2"]


def test_flexvpn_client_and_server():
    client, server = read("""\
crypto ikev2 profile HUBS
 dpd 30 3 periodic
crypto ipsec profile P
 set ikev2-profile HUBS
crypto ikev2 client flexvpn F
 peer 1 192.0.2.1
 peer 2 192.0.2.2
 client connect Tunnel1
interface Tunnel1
 tunnel source GigabitEthernet1
 tunnel destination dynamic
 tunnel protection ipsec profile P
crypto ikev2 profile CLIENTS
 match identity remote fqdn domain example.net
 virtual-template 1
""").connections
    assert client.kind is ConnectionKind.ROUTE_BASED
    assert client.profile == "ikev2 profile HUBS"
    assert [p.address for p in client.remotes] == ["192.0.2.1", "192.0.2.2"]
    assert (server.kind, server.remotes) == (ConnectionKind.REMOTE_ACCESS, ())


def test_a_dmvpn_spoke_names_each_of_its_servers():
    first, second = read("""\
interface Tunnel0
 ip nhrp map 10.0.0.1 192.0.2.1
 ip nhrp map multicast 192.0.2.1
 ip nhrp nhs 10.0.0.1
 ip nhrp nhs 10.0.0.2 nbma 192.0.2.2 multicast
 tunnel source 198.51.100.7
 tunnel mode gre multipoint
 tunnel protection ipsec profile P
""").connections
    assert (first.remotes[0].address, second.remotes[0].address) == ("192.0.2.1", "192.0.2.2")
    assert first.local == "198.51.100.7"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "crypto",
        "crypto map",
        "crypto map OUT",
        "crypto isakmp profile",
        "interface",
        "interface Tunnel1\n tunnel\n ip\n standby\n keepalive\n tunnel protection ipsec profile",
        "router bgp\n neighbor",
        "crypto ikev2 dpd",
        "crypto ipsec client ezvpn\n peer",
        "router eigrp 1\n network\n network x.x.x.x y\n passive-interface",
    ],
)
def test_cut_commands_raise_nothing(text):
    config = read(text)
    assert config.connections == () or config.connections[0].name
