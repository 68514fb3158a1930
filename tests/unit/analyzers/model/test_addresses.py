"""Addresses as texts, and which of many settings name one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzers.model.addresses import Named, address_key, address_order, closeness, same_address

_ADDRESSES = st.sampled_from(
    ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:DB8:0:0::1", "hub.example", "HUB.example"]
)
_NETWORKS = st.sampled_from(["192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "192.0.2.1/32", "x/9"])


def test_an_address_is_the_same_in_all_its_spellings() -> None:
    assert same_address("2001:DB8:0:0::1", "2001:db8::1")
    assert same_address("Hub.Example", "hub.example")
    assert not same_address("192.0.2.1", "192.0.2.10")
    assert address_key("2001:DB8::0001") == "2001:db8::1"


def test_an_address_of_its_own_is_closer_than_a_network_and_that_than_everyone() -> None:
    ways = [["192.0.2.1"], ["192.0.2.0/24"], ["192.0.0.0/16"], []]
    found = [closeness(named, "192.0.2.1") for named in ways]
    assert found == sorted(found, key=lambda depth: -(depth or 0))
    assert len(set(found)) == 4
    assert closeness(["198.51.100.0/24"], "192.0.2.1") is None
    assert closeness(["192.0.2.1"], None) is None


@given(
    st.lists(st.lists(st.one_of(_ADDRESSES, _NETWORKS), max_size=3), max_size=8),
    st.one_of(st.none(), _ADDRESSES),
)
def test_no_setting_that_names_an_address_is_passed_over(
    names: list[list[str]], address: str | None
) -> None:
    """The index gives, in order, at least all that looking at every one of them would find."""
    found = list(Named(names).of(address))
    assert found == sorted(set(found))
    naming = [n for n, named in enumerate(names) if closeness(named, address) is not None]
    assert set(naming) <= set(found)


def test_other_peers_of_a_hub_are_not_looked_at() -> None:
    hub = Named([f"198.51.100.{n}"] for n in range(250))
    assert list(hub.of("198.51.100.7")) == [7]
    assert list(hub.of("203.0.113.1")) == []


def test_addresses_are_ordered_as_numbers():
    ordered = ["192.0.2.2", "192.0.2.10", "198.51.100.1", "2001:db8::2", "2001:db8::10", "hub"]
    assert sorted({*ordered}, key=address_order) == ordered
