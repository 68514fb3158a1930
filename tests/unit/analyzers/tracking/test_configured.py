"""Which configuration a peer is under, and who is local by it."""

from __future__ import annotations

import textwrap

import pytest

from analyzers.configs.catalogue import read_configurations
from analyzers.configs.vendors import parse_given
from analyzers.model.configuration import Configuration
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.tracking.configured import Configured

HUB, SPOKE, OTHER = "192.0.2.1", "198.51.100.9", "198.51.100.10"

IOS_HUB = f"""
    hostname hub
    crypto isakmp policy 10
     encryption aes 256
    crypto isakmp key example address 0.0.0.0
    crypto isakmp keepalive 10 2 periodic
    crypto map SPOKES 10 ipsec-isakmp
     set peer {SPOKE}
     match address S9
    interface GigabitEthernet0/0
     ip address {HUB} 255.255.255.0
     crypto map SPOKES
    """
IOS_SPOKE = f"""
    hostname spoke
    crypto isakmp policy 10
     encryption aes 256
    crypto isakmp keepalive 30 5
    crypto map HUB 10 ipsec-isakmp
     set peer {HUB}
     match address H
    interface GigabitEthernet0/0
     ip address %s
     crypto map HUB
    """


def read(text: str, source: str = "s1") -> Configuration:
    (found,) = read_configurations(textwrap.dedent(text).lstrip("\n"), source)
    return found


def spoke(address: str = f"{SPOKE} 255.255.255.0", hostname: str = "spoke") -> Configuration:
    return read((IOS_SPOKE % address).replace("hostname spoke", f"hostname {hostname}"))


def test_the_policy_of_the_device_that_has_the_address() -> None:
    configured = Configured([read(IOS_HUB), spoke()])
    hub = configured.policy(HUB, SPOKE, 1)
    assert hub is not None
    assert (hub.holder, hub.mode, hub.interval_s, hub.retry_s) == (
        HUB,
        PolicyMode.PERIODIC,
        10,
        2,
    )
    assert hub.basis is PolicyBasis.CONFIG
    assert hub.ref is not None
    assert hub.ref.record == 5
    end = configured.policy(SPOKE, HUB, 1)
    assert end is not None
    assert (end.holder, end.mode, end.interval_s) == (SPOKE, PolicyMode.ON_DEMAND, 30)


def test_nothing_is_known_of_other_devices() -> None:
    configured = Configured([read(IOS_HUB)])
    assert configured.policy(SPOKE, HUB, 1) is None
    assert configured.policy(OTHER, SPOKE, 1) is None, "the hub is not that device"
    assert not Configured([])
    assert Configured([]).policy(HUB, SPOKE, 1) is None


def test_a_spoke_is_not_under_the_configuration_of_its_neighbour() -> None:
    """Both name the same hub."""
    configured = Configured([spoke()])
    assert configured.policy(OTHER, HUB, 1) is None
    assert configured.policy(SPOKE, HUB, 1) is not None


@pytest.mark.parametrize("own", ["dhcp", "10.0.0.5 255.255.255.0"])
def test_a_device_whose_address_outside_is_not_in_its_configuration(own: str) -> None:
    """By DHCP, or behind a NAT: the peer it names tells whose configuration it is."""
    configured = Configured([spoke(own)])
    found = configured.policy(SPOKE, HUB, 1)
    assert found is not None
    assert (found.holder, found.interval_s) == (SPOKE, 30)
    assert configured.local((HUB, SPOKE)) == 1


def test_a_log_that_nowhere_says_its_own_address() -> None:
    configured = Configured([read(IOS_HUB)])
    found = configured.policy("local", SPOKE, 1)
    assert found is not None
    assert found.interval_s == 10
    assert configured.local(("local", SPOKE)) == 0


def test_two_devices_that_name_the_same_peer_leave_it_open() -> None:
    configured = Configured([spoke("dhcp", "one"), spoke("dhcp", "two")])
    assert configured.policy(SPOKE, HUB, 1) is None


def test_one_device_twice() -> None:
    """As a file, and as a terminal log shows it."""
    configured = Configured([spoke("dhcp"), spoke("dhcp")])
    assert configured.policy(SPOKE, HUB, 1) is not None
    assert Configured([read(IOS_HUB), read(IOS_HUB)]).local((HUB, SPOKE)) == 0


@pytest.mark.parametrize(
    ("configurations", "local"),
    [([IOS_HUB], 0), ([IOS_SPOKE % f"{SPOKE} 255.255.255.0"], 1), ([], None)],
)
def test_the_local_end_is_the_one_that_is_configured_here(
    configurations: list[str], local: int | None
) -> None:
    configured = Configured([read(text) for text in configurations])
    assert configured.local((HUB, SPOKE)) == local
    assert configured.local((SPOKE, HUB)) == (None if local is None else 1 - local)


def test_with_both_ends_configured_none_is_the_local_one() -> None:
    assert Configured([read(IOS_HUB), spoke()]).local((HUB, SPOKE)) is None


def test_ipv6_is_the_same_however_it_is_written() -> None:
    text = IOS_HUB.replace(SPOKE, "2001:DB8:0::9").replace(
        f"ip address {HUB} 255.255.255.0", "ipv6 address 2001:DB8::1/64"
    )
    configured = Configured([read(text)])
    assert configured.local(("2001:db8::1", "2001:db8::9")) == 0


def test_what_the_user_says_goes_before_the_configuration() -> None:
    given = parse_given("cisco-ios interval=20 retry=5 mode=periodic")
    configured = Configured([read(IOS_HUB)], [given])
    expected = configured.expected(HUB, SPOKE, 1)
    assert expected is not None
    assert (expected.holder, expected.basis) == (HUB, PolicyBasis.GIVEN)
    assert (expected.interval_s, expected.worst_case_s) == (20, 45)
    kept = configured.policy(HUB, SPOKE, 1)
    assert kept is not None
    assert kept.interval_s == 10
    assert configured.given(OTHER, 1) is not None, "of no end in particular"
    assert configured.given(HUB, 2) is None, "that profile is of IKEv1"
    assert Configured([], [given])


def test_a_policy_of_one_end_goes_before_that_of_all() -> None:
    both = parse_given("fortios interval=30")
    one = parse_given("192.0.2.1 cisco-asa")
    configured = Configured([], [both, one])
    hub, end = configured.given(HUB, 1), configured.given(SPOKE, 1)
    assert hub is not None
    assert end is not None
    assert (hub.profile, end.profile) == ("cisco-asa", "fortios-ikev1")
    assert parse_given("2001:DB8:0::1 aws").holder == "2001:db8::1"
    assert configured.local((HUB, SPOKE)) is None
