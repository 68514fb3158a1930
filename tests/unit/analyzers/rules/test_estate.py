from __future__ import annotations

from analyzers.configs.catalogue import read_configuration
from analyzers.model.configuration import RoutingProtocol
from analyzers.rules.configuration.estate import Estate, device_name
from analyzers.rules.configuration.examples import hub, site, swanctl, tunnel

GRE = (
    "interface Tunnel1\n ip ospf 1 area 0\n keepalive 10 3\n tunnel source 192.0.2.1\n"
    " tunnel destination 198.51.100.7"
)


def estate(*texts: str) -> Estate:
    return Estate([read_configuration(text, f"s{n}") for n, text in enumerate(texts, start=1)])


def ends(of: Estate) -> set[tuple[str, str]]:
    return {(link.left.device, link.right.device) for link in of.links}


def test_two_ends_that_name_each_other_are_a_link():
    of = estate(site("192.0.2.1", "198.51.100.7"), site("198.51.100.7", "192.0.2.1"))
    assert ends(of) == {("R1", "R7")}
    first, second = of.usages
    assert of.others(first) == [second]
    assert of.others(second) == [first]


def test_one_end_that_names_a_third_is_no_link():
    of = estate(site("192.0.2.1", "198.51.100.7"), site("198.51.100.7", "203.0.113.1"))
    assert not of.links


def test_addresses_are_the_same_however_they_are_written():
    left = swanctl("2001:db8::1", "2001:DB8:0::2", "dpd_delay = 10s")
    right = swanctl("2001:db8::2", "2001:db8:0:0::1", "dpd_delay = 10s")
    assert len(estate(left, right).links) == 1


def test_ike_versions_must_fit():
    left = swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s", version=1)
    right = swanctl("198.51.100.7", "192.0.2.1", "dpd_delay = 10s", version=2)
    assert not estate(left, right).links


def test_a_hub_for_anyone_meets_every_spoke():
    spoke = (
        "hostname S{n}\ninterface Tunnel0\n ip nhrp nhs 10.0.0.1 nbma 192.0.2.1\n"
        " tunnel source 198.51.100.{n}\n tunnel mode gre multipoint\n"
        " tunnel protection ipsec profile P\n"
    )
    of = estate(hub(), spoke.format(n=7), spoke.format(n=8))
    assert ends(of) == {("HUB", "S7"), ("HUB", "S8")}


def test_a_multipoint_hub_meets_tunnels_only():
    assert not estate(hub(), site("198.51.100.7", "192.0.2.1")).links
    assert len(estate(hub(), tunnel("198.51.100.7", "192.0.2.1")).links) == 1


def test_a_spoke_with_two_hubs_meets_both():
    of = estate(
        site("198.51.100.7", "192.0.2.1", "192.0.2.2"),
        site("192.0.2.1", "198.51.100.7"),
        site("192.0.2.2", "198.51.100.7"),
    )
    assert ends(of) == {("R7", "R1"), ("R7", "R2")}


def test_a_connection_of_either_version_is_judged_for_each():
    of = estate(swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s", version=0))
    assert [usage.connection.ike_version for usage in of.usages] == [1, 2]
    first, second = of.usages
    assert first.setting is not second.setting


def test_routing_over_gre_inside_a_crypto_map_belongs_to_that_peer():
    inside, other = (
        estate(site("192.0.2.1", peer, after=GRE)).usages[0]
        for peer in ("198.51.100.7", "198.51.100.8")
    )
    assert [timer.protocol for timer in inside.routing] == [
        RoutingProtocol.GRE_KEEPALIVE,
        RoutingProtocol.OSPF,
    ]
    assert other.routing == ()


def test_the_fastest_protocol_comes_first_and_idle_keepalives_do_not_count():
    lines = ("ip ospf 1 area 0", "bfd interval 500 min_rx 500 multiplier 3", "keepalive 10 3")
    (usage,) = estate(tunnel("192.0.2.1", "198.51.100.7", *lines)).usages
    assert [timer.protocol for timer in usage.routing] == [
        RoutingProtocol.BFD,
        RoutingProtocol.OSPF,
    ]


def test_the_bound_of_a_black_hole_is_the_longest_lifetime_of_the_version():
    (usage,) = estate(
        "crypto isakmp policy 10\n lifetime 3600\ncrypto isakmp policy 20\n lifetime 7200\n"
        + site("192.0.2.1", "198.51.100.7").replace("crypto isakmp policy 10\n", "")
    ).usages
    assert usage.ike_lifetime is not None
    assert usage.ike_lifetime.seconds == 7200


def test_a_device_is_called_by_its_name_else_its_address():
    named = read_configuration(site("192.0.2.1", "198.51.100.7"), "s1")
    unnamed = read_configuration(swanctl("192.0.2.1", "198.51.100.7", ""), "s1")
    bare = read_configuration("crypto isakmp keepalive 10", "s1")
    assert [device_name(c) for c in (named, unnamed, bare)] == ["R1", "192.0.2.1", "the device"]
