"""Names of known Vendor ID payloads.

Many vendors send the MD5 digest of a string (RFC 2408 section 3.16 suggests it); those rows can be
recomputed from their name. Others have a fixed value, or a fixed start followed by a version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

# RFC 3706 section 5.1: 14 bytes, then major and minor version.
DPD_PREFIX: Final = bytes.fromhex("afcad71368a1f1c96b8696fc7757")

# A Vendor ID that no row knows is shown as hex; the longest that a row can match is 32 bytes.
_EXACT: Final = {
    # NAT traversal: MD5 of the document's name
    "4a131c81070358455c5728f20e95452f": "NAT-T RFC 3947",
    "4485152d18b6bbcd0be8a8469579ddcc": "NAT-T draft-00",
    "16f6ca16e4a4066d83821a0f0aeaa862": "NAT-T draft-01",
    "cd60464335df21f87cfdb2fc68b6a448": "NAT-T draft-02",
    "90cb80913ebb696e086381b5ec427b1f": "NAT-T draft-02 (newline)",
    "7d9419a65310ca6f2c179d9215529d56": "NAT-T draft-03",
    "9909b64eed937c6573de52ace952fa6b": "NAT-T draft-04",
    "80d0bb3def54565ee84645d4c85ce3ee": "NAT-T draft-05",
    "4d1e0e136deafa34c4f3ea9f02ec7285": "NAT-T draft-06",
    "439b59f8ba676c4c7737ae22eab8f582": "NAT-T draft-07",
    "8f8d83826d246b6fc7a8a6a428c11de8": "NAT-T draft-08",
    "4df37928e9fc4fd1b3262170d515c662": "NAT-T draft",
    "27bab5dc01ea0760ea4e3190ac27c0d0": "NAT-T stenberg-01",
    "6105c422e76847e43f9684801292aecd": "NAT-T stenberg-02",
    "50760f624c63e5c53eea386c685ca083": "ESPThruNAT",
    # extensions
    "09002689dfd6b712": "XAUTH",
    "621b04bb09882ac1e15935fefa24aeee": "GSSAPI",
    "ba290499c24e84e53a1d83a05e5f00c9": "Challenge/Response for Authenticated Cryptographic Keys",
    # implementations: MD5 of their name
    "882fe56d6fd20dbc2251613b2ebe5beb": "strongSwan",
    "7003cbc1097dbe9c2600ba6983bc8b35": "racoon (KAME/ipsec-tools)",
    "4c53427b6d465d1b337bb755a37a7fef": "FortiClient connect license",
    "b4f01ca951e9da8d0bafbbd34ad3044e": "Fortinet Endpoint Control",
    "1d6e178f6c2c0be284985465450fe9d4": "FortiGate",
    # Microsoft
    "26244d38eddb61b3172a36e3d0cfb819": "Microsoft Vid-Initial-Contact",
    "214ca4faffa7f32d6748e5303395ae83": "Microsoft MS-MamieExists",
    "fb1de3cdf341b7ea16b7e5be0855f120": "Microsoft Negotiation Discovery Capable",
    "e3a5966a76379fe707228231e5ce8652": "Microsoft IKE CGA version 1",
}

_CISCO_TEXT: Final = {
    b"CISCO-DELETE-REASON": "Cisco Delete Reason",
    b"CISCO-DYNAMIC-ROUTE": "Cisco Dynamic Route",
    b"FLEXVPN-SUPPORTED": "Cisco FlexVPN",
    b"CISCO-GRE-MODE": "Cisco GRE Mode",
    b"CISCOVPN-REV-02": "Cisco VPN revision 2",
}


def _unity(tail: bytes) -> str:
    return f"Cisco Unity {tail[0]}.{tail[1]}" if len(tail) == 2 else "Cisco Unity"


def _cisco_fragmentation(tail: bytes) -> str:
    return "Cisco Fragmentation"


def _microsoft(tail: bytes) -> str:
    version = f" {int.from_bytes(tail, 'big')}" if len(tail) == 4 else ""
    return f"Microsoft NT5 ISAKMPOAKLEY{version}"


def _dpd(tail: bytes) -> str:
    return f"DPD {tail[0]}.{tail[1]}" if len(tail) >= 2 else "DPD"


def _heartbeat(tail: bytes) -> str:
    return "HeartBeat Notify"


def _libreswan(tail: bytes) -> str:
    return _with_version("Libreswan", tail)


def _openiked(tail: bytes) -> str:
    return _with_version("OpenIKED", tail)


def _with_version(name: str, tail: bytes) -> str:
    version = tail[1:].decode("ascii", "replace") if tail[:1] == b"-" else ""
    plain = version.isprintable() and version.isascii() and len(version) <= 40
    return f"{name} {version}" if version and plain else name


def _check_point(tail: bytes) -> str:
    return "Check Point"


def _cisco_copyright(tail: bytes) -> str:
    return "Cisco Copyright"


_PREFIXES: Final[tuple[tuple[bytes, Callable[[bytes], str]], ...]] = (
    (DPD_PREFIX, _dpd),
    (bytes.fromhex("12f5f28c457168a9702d9fe274cc"), _unity),
    (bytes.fromhex("4048b7d56ebce88525e7de7f00d6c2d3"), _cisco_fragmentation),
    (bytes.fromhex("1e2b516905991c7d7c96fcbfb587e461"), _microsoft),
    (bytes.fromhex("f4ed19e0c114eb516faaac0ee37daf2807b4381f"), _check_point),
    (b"HeartBeat_Notify", _heartbeat),
    (b"OE-Libreswan", _libreswan),
    (b"OpenIKED", _openiked),
    (b"CISCO(COPYRIGHT)", _cisco_copyright),
)

_BY_VALUE: Final = {bytes.fromhex(k): v for k, v in _EXACT.items()} | _CISCO_TEXT


def vendor_name(value: bytes) -> str | None:
    """The name of a Vendor ID, with its version where the value holds one; None if unknown."""
    name = _BY_VALUE.get(value)
    if name is not None:
        return name
    for prefix, describe in _PREFIXES:
        if value.startswith(prefix):
            return describe(value[len(prefix) :])
    return None


def dpd_version(value_hex: str) -> tuple[int, int] | None:
    """Major and minor version of a DPD Vendor ID given in hex; None for any other Vendor ID."""
    prefix = DPD_PREFIX.hex()
    if not value_hex.startswith(prefix) or len(value_hex) < len(prefix) + 4:
        return None
    tail = value_hex[len(prefix) :]
    return int(tail[0:2], 16), int(tail[2:4], 16)
