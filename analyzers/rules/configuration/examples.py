"""Short configurations that the examples of several rules are made of."""

from __future__ import annotations


def site(local: str, *peers: str, dpd: str = "", after: str = "") -> str:
    """A Cisco IOS router with a crypto map for one peer, or for several in a list."""
    listed = "".join(f" set peer {peer}\n" for peer in peers)
    return (
        f"hostname R{local.rpartition('.')[2]}\n{dpd}\n"
        "crypto isakmp policy 10\n authentication pre-share\n"
        f"crypto map M 10 ipsec-isakmp\n{listed} match address 101\n"
        f"interface GigabitEthernet0/0\n ip address {local} 255.255.255.0\n crypto map M\n{after}\n"
    )


def tunnel(local: str, peer: str, *lines: str, dpd: str = "", after: str = "") -> str:
    """A Cisco IOS router with a protected tunnel interface, `lines` being added to that."""
    more = "".join(f" {line}\n" for line in lines)
    return (
        f"hostname R{local.rpartition('.')[2]}\n{dpd}\n"
        "crypto isakmp policy 10\n authentication pre-share\n"
        "crypto ipsec profile P\n set transform-set T\n"
        f"interface Tunnel1\n ip address 10.9.0.1 255.255.255.252\n{more}"
        f" tunnel source {local}\n tunnel destination {peer}\n"
        f" tunnel protection ipsec profile P\n{after}\n"
    )


def hub(dpd: str = "", *lines: str) -> str:
    """A DMVPN hub on Cisco IOS, `lines` being added to its tunnel interface."""
    more = "".join(f" {line}\n" for line in lines)
    return (
        f"hostname HUB\n{dpd}\ncrypto ipsec profile P\n set transform-set T\n"
        "interface Tunnel0\n ip address 10.0.0.1 255.255.255.0\n ip nhrp map multicast dynamic\n"
        f"{more} tunnel source 192.0.2.1\n tunnel mode gre multipoint\n"
        " tunnel protection ipsec profile P\n"
    )


def swanctl(local: str, peer: str, options: str, version: int = 2) -> str:
    """A strongSwan gateway with one connection; `options` belong to it."""
    return (
        f"connections {{\n gw {{\n  version = {version}\n  local_addrs = {local}\n"
        f"  remote_addrs = {peer}\n  {options}\n"
        "  children {\n   net {\n    remote_ts = 10.2.0.0/24\n   }\n  }\n }\n}\n"
    )
