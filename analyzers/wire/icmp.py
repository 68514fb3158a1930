"""ICMP and ICMPv6 errors about IKE, ESP and AH packets: what the reporter complains about.

They are unprotected: a hint, never a proof (RFC 7296 section 2.4, RFC 3706 section 3).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from analyzers.wire.ip import AH, ESP, ICMP, TCP, UDP, IpPacket, parse_ip

_UNREACHABLE: Final = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    5: "source route failed",
    6: "network unknown",
    7: "host unknown",
    8: "source host isolated",
    9: "network administratively prohibited",
    10: "host administratively prohibited",
    11: "network unreachable for this type of service",
    12: "host unreachable for this type of service",
    13: "administratively prohibited",
    14: "host precedence violation",
    15: "precedence cutoff",
}
_UNREACHABLE_V6: Final = {
    0: "no route to destination",
    1: "administratively prohibited",
    2: "beyond scope of source address",
    3: "address unreachable",
    4: "port unreachable",
    5: "source address failed policy",
    6: "reject route to destination",
}
_TIME_EXCEEDED: Final = {0: "time to live exceeded", 1: "fragment reassembly time exceeded"}
_FRAGMENTATION_NEEDED: Final = 4
_HEADER_BYTES: Final = 8


class IcmpError(Struct):
    """An error and the addresses of the packet it is about."""

    src: bytes
    dst: bytes
    detail: str


def read_error(
    data: bytes, start: int, end: int, protocol: int, ports: frozenset[int]
) -> IcmpError | None:
    """The ICMP error at `start` if it is about IKE on one of `ports`, ESP or AH; else None.

    `protocol` is 1 or 58 (RFC 792, RFC 4443 section 3); `end` is where it ends on the wire.
    """
    if start + _HEADER_BYTES > len(data):
        return None
    what = (_complaint if protocol == ICMP else _complaint_v6)(data, start)
    if not what:
        return None
    about = parse_ip(data, start + _HEADER_BYTES, end)
    if isinstance(about, str):
        return None
    packet = _subject(data, about, ports)
    return IcmpError(about.src, about.dst, f"{what}, about {packet}") if packet else None


def _complaint(data: bytes, start: int) -> str:
    kind, code = data[start], data[start + 1]
    if kind == 3:
        if code == _FRAGMENTATION_NEEDED:
            mtu = int.from_bytes(data[start + 6 : start + 8], "big")  # RFC 1191 section 4
            return f"fragmentation needed (MTU {mtu})" if mtu else "fragmentation needed"
        return _UNREACHABLE.get(code, f"unreachable (code {code})")
    if kind == 11:
        return _TIME_EXCEEDED.get(code, f"time exceeded (code {code})")
    if kind == 12:
        return "parameter problem"
    return "source quench" if kind == 4 else ""


def _complaint_v6(data: bytes, start: int) -> str:
    kind, code = data[start], data[start + 1]
    if kind == 1:
        return _UNREACHABLE_V6.get(code, f"unreachable (code {code})")
    if kind == 2:
        return f"packet too big (MTU {int.from_bytes(data[start + 4 : start + 8], 'big')})"
    if kind == 3:
        return _TIME_EXCEEDED.get(code, f"time exceeded (code {code})")
    return "parameter problem" if kind == 4 else ""


def _subject(data: bytes, about: IpPacket, ports: frozenset[int]) -> str:
    """What the error is about, or "" if that is not ours. Often only 8 bytes of it are there."""
    if about.fragment is not None and about.fragment.offset:
        # Without a header only the protocol number speaks.
        return {ESP: "a fragment of ESP", AH: "a fragment of AH"}.get(about.protocol, "")
    head = data[about.start : about.start + _HEADER_BYTES]
    if about.protocol in (ESP, AH):
        name, at = ("ESP", 0) if about.protocol == ESP else ("AH", 4)
        spi = head[at : at + 4]
        return f"{name} SPI 0x{spi.hex()}" if len(spi) == 4 else name
    if about.protocol not in (UDP, TCP) or len(head) < 4:
        return ""
    sport, dport = head[0] << 8 | head[1], head[2] << 8 | head[3]
    if sport not in ports and dport not in ports:
        return ""
    return f"{'UDP' if about.protocol == UDP else 'TCP'} {sport} to {dport}"
