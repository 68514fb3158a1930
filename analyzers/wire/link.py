"""Link layers: where the IP header of a frame starts, or what the frame is instead.

Owns everything between the LINKTYPE of a capture and IP: Ethernet with VLAN tags and LLC/SNAP,
MPLS with pseudowires, PPP, PPPoE, Cisco HDLC, Linux cooked, NULL/LOOP and raw IP. Pure functions
on bytes; a result is (offset, "") for IP, or (-1, name) for all else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

NOT_IP: Final = -1
TRUNCATED: Final = "too short"
TOO_DEEP: Final = "nested too deep"

IPV4: Final = 0x0800
IPV6: Final = 0x86DD
# Transparent Ethernet bridging (RFC 1701): the payload is an Ethernet frame.
BRIDGED_ETHERNET: Final = 0x6558
MPLS: Final = (0x8847, 0x8848)
_VLAN: Final = (0x8100, 0x88A8, 0x9100)
_PPPOE_SESSION: Final = 0x8864
_LENGTH_MAX: Final = 1500  # an EtherType field up to this is an 802.3 length
_SLL_8022: Final = 0x0004  # Linux cooked "protocol" of a frame that starts with LLC
# Not EtherTypes: how the walk names layers that have none.
PPP: Final = 0x10000
_LLC: Final = 0x10001

# Tags, labels and encapsulations of one frame. Real stacks stay below this; hostile ones end here.
MAX_LAYERS: Final = 16
MAX_LABELS: Final = 16

_PPP_PROTOCOLS: Final = {0x0021: IPV4, 0x0057: IPV6, 0x0281: MPLS[0], 0x0283: MPLS[1]}
_ETHERTYPE_NAMES: Final = {
    0x0806: "arp",
    0x8035: "rarp",
    0x8809: "lacp",
    0x8863: "pppoe discovery",
    0x888E: "eapol",
    0x88CC: "lldp",
    0x88E5: "macsec",
    0x9000: "loopback",
    _PPPOE_SESSION: "pppoe",
}
_LLC_NAMES: Final = {b"\x42\x42": "stp", b"\xfe\xfe": "isis", b"\xe0\xe0": "ipx"}
_SNAP_NAMES: Final = {
    b"\x00\x00\x0c\x20\x00": "cdp",
    b"\x00\x00\x0c\x01\x0b": "stp",
    b"\x00\x00\x0c\x20\x04": "dtp",
    b"\x00\x00\x0c\x20\x03": "vtp",
}
# Address families of NULL/LOOP headers: AF_INET everywhere 2; AF_INET6 differs by system.
_FAMILIES: Final = frozenset({2, 10, 23, 24, 28, 30})


def network_layer(frame: bytes, linktype: int) -> tuple[int, str]:
    """Offset of the IP header and "", or NOT_IP and a name for what the frame is.

    `linktype` is a LINKTYPE number; see `is_supported`.
    """
    if linktype == 1:
        return by_ethertype(frame, BRIDGED_ETHERNET, 0)
    start = _STARTS.get(linktype)
    if start is None:
        return NOT_IP, f"link type {linktype}"
    return start(frame)


def is_supported(linktype: int) -> bool:
    """Whether frames of this LINKTYPE can be read at all."""
    return linktype == 1 or linktype in _STARTS


def by_ethertype(frame: bytes, ethertype: int, offset: int) -> tuple[int, str]:
    """As `network_layer`, for what follows an EtherType at `offset`."""
    for _ in range(MAX_LAYERS):
        if ethertype in (IPV4, IPV6):
            return (offset, "") if offset < len(frame) else (NOT_IP, TRUNCATED)
        step = _STEPS.get(ethertype)
        if step is None:
            if ethertype > _LENGTH_MAX:
                name = _ETHERTYPE_NAMES.get(ethertype)
                return NOT_IP, name or f"ethertype 0x{ethertype:04x}"
            if ethertype < 0:
                return NOT_IP, TRUNCATED
            step = _llc
        following = step(frame, offset)
        if isinstance(following, str):
            return NOT_IP, following
        ethertype, offset = following
    return NOT_IP, TOO_DEEP


def _u16(frame: bytes, offset: int) -> int:
    """A big-endian number, or -1 past the end."""
    if offset + 2 > len(frame):
        return -1
    return frame[offset] << 8 | frame[offset + 1]


def _ethernet(frame: bytes, offset: int) -> tuple[int, int] | str:
    return _u16(frame, offset + 12), offset + 14


def _vlan(frame: bytes, offset: int) -> tuple[int, int] | str:
    return _u16(frame, offset + 2), offset + 4


def _llc(frame: bytes, offset: int) -> tuple[int, int] | str:
    """IEEE 802.2 with SNAP (RFC 1042), or the name of what it carries."""
    head = frame[offset : offset + 8]
    if head[:6] == b"\xaa\xaa\x03\x00\x00\x00":
        return _u16(frame, offset + 6), offset + 8
    if head[:3] == b"\xaa\xaa\x03":
        return _SNAP_NAMES.get(head[3:8], "snap")
    return _LLC_NAMES.get(head[:2], "llc" if len(head) >= 3 else TRUNCATED)


def _pppoe(frame: bytes, offset: int) -> tuple[int, int] | str:
    """RFC 2516 section 4: version and type 1, code 0 for session data."""
    if offset + 6 > len(frame):
        return TRUNCATED
    if frame[offset] != 0x11 or frame[offset + 1]:
        return "pppoe"
    return PPP, offset + 6


def _ppp(frame: bytes, offset: int) -> tuple[int, int] | str:
    """RFC 1661 section 2 and RFC 1662 section 3.1, address and protocol compression allowed."""
    if frame[offset : offset + 2] == b"\xff\x03":
        offset += 2
    if offset >= len(frame):
        return TRUNCATED
    if frame[offset] & 1:
        protocol, offset = frame[offset], offset + 1
    else:
        protocol, offset = _u16(frame, offset), offset + 2
    ethertype = _PPP_PROTOCOLS.get(protocol)
    return "ppp" if ethertype is None else (ethertype, offset)


def _mpls(frame: bytes, offset: int) -> tuple[int, int] | str:
    """RFC 3032: the stack does not say what follows; IP by its first nibble, else a pseudowire.

    A pseudowire has a control word that starts with a zero nibble (RFC 4385 section 3), or none.
    """
    for _ in range(MAX_LABELS):
        if offset + 4 > len(frame):
            return TRUNCATED
        bottom = frame[offset + 2] & 1
        offset += 4
        if bottom:
            break
    else:
        return TOO_DEEP
    if offset >= len(frame):
        return TRUNCATED
    nibble = frame[offset] >> 4
    if nibble == 4 and frame[offset] & 0x0F >= 5:
        return IPV4, offset
    if nibble == 6 and _u16(frame, offset + 12) not in _INSIDE_PSEUDOWIRE:
        return IPV6, offset
    if nibble == 0 and _u16(frame, offset + 4 + 12) in _INSIDE_PSEUDOWIRE:
        return BRIDGED_ETHERNET, offset + 4
    if _u16(frame, offset + 12) in _INSIDE_PSEUDOWIRE:
        return BRIDGED_ETHERNET, offset
    return "mpls"


def _raw(frame: bytes) -> tuple[int, str]:
    if not frame:
        return NOT_IP, TRUNCATED
    if frame[0] >> 4 in (4, 6):
        return 0, ""
    if frame[:2] == b"\xff\x03":
        return by_ethertype(frame, PPP, 0)
    return NOT_IP, "not ip"


def _null(frame: bytes) -> tuple[int, str]:
    """An address family in the byte order of the machine that captured."""
    if len(frame) < 5:
        return NOT_IP, TRUNCATED
    family = int.from_bytes(frame[:4], "little")
    if family > 0xFFFF:
        family = int.from_bytes(frame[:4], "big")
    if family in _FAMILIES and frame[4] >> 4 in (4, 6):
        return 4, ""
    if frame[:2] == b"\xff\x03":
        return by_ethertype(frame, PPP, 0)
    if _LENGTH_MAX < int.from_bytes(frame[:4], "big") <= 0xFFFF:
        return by_ethertype(frame, _u16(frame, 2), 4)
    return NOT_IP, "not ip"


def _cisco_hdlc(frame: bytes) -> tuple[int, str]:
    if frame[:1] not in (b"\x0f", b"\x8f"):
        return NOT_IP, "hdlc" if frame else TRUNCATED
    ethertype = _u16(frame, 2)
    return (NOT_IP, "slarp") if ethertype == 0x8035 else by_ethertype(frame, ethertype, 4)


def _hdlc_or_ppp(frame: bytes) -> tuple[int, str]:
    """A serial line: Cisco HDLC by its address byte, else PPP (RFC 1662)."""
    if frame[:2] in (b"\x0f\x00", b"\x8f\x00"):
        return _cisco_hdlc(frame)
    return by_ethertype(frame, PPP, 0)


def _cooked(frame: bytes, protocol_at: int, size: int) -> tuple[int, str]:
    protocol = _u16(frame, protocol_at)
    if protocol == _SLL_8022:
        protocol = _LLC
    elif 0 <= protocol <= _LENGTH_MAX:
        return NOT_IP, "not ip"
    return by_ethertype(frame, protocol, size)


_STEPS: Final[dict[int, Callable[[bytes, int], tuple[int, int] | str]]] = {
    BRIDGED_ETHERNET: _ethernet,
    **dict.fromkeys(_VLAN, _vlan),
    **dict.fromkeys(MPLS, _mpls),
    _PPPOE_SESSION: _pppoe,
    PPP: _ppp,
    _LLC: _llc,
}
# EtherTypes that make it believable that an Ethernet frame starts 12 bytes before them.
_INSIDE_PSEUDOWIRE: Final = frozenset({IPV4, IPV6, *_VLAN, *MPLS, _PPPOE_SESSION, 0x0806})

_STARTS: Final[dict[int, Callable[[bytes], tuple[int, str]]]] = {
    0: _null,
    108: _null,
    9: _hdlc_or_ppp,
    50: _hdlc_or_ppp,
    51: lambda frame: by_ethertype(frame, _PPPOE_SESSION, 0),
    104: _cisco_hdlc,
    **dict.fromkeys((12, 14, 101, 228, 229), _raw),
    113: lambda frame: _cooked(frame, 14, 16),
    276: lambda frame: _cooked(frame, 0, 20),
}
