"""What the payload of a UDP datagram on an IKE port is: IKE, ESP, a NAT keepalive, or neither.

On the well-known ports the answer is Wireshark's, so that frame lists agree; on further ports,
which say nothing about the non-ESP marker, plausibility decides.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

IKE_PORT: Final = 500
NAT_T_PORT: Final = 4500
MARKER: Final = bytes(4)
"""The non-ESP marker of RFC 3948 section 2.2."""
MARKER_BYTES: Final = 4
IKE_HEADER_BYTES: Final = 28
ESP_HEADER_BYTES: Final = 8
# SPIs 1 to 255 are reserved (RFC 4303 section 2.1).
_FIRST_SPI: Final = 256


class Carried(StrEnum):
    """What a payload is."""

    IKE = "ike"
    MARKED_IKE = "marked-ike"
    """IKE behind the non-ESP marker."""
    ESP = "esp"
    KEEPALIVE = "keepalive"
    CUT = "cut"
    """The capture ends before it can be told, or before the header that is needed."""
    NOTHING = "nothing"


def classify(payload: bytes, length: int, sport: int, dport: int) -> Carried:
    """Tell what a payload is; `length` counts its bytes on the wire, `payload` what is there.

    One of the two ports is known to carry IKE. RFC 7296 section 2.23, RFC 3948 section 2.
    """
    if length == 1:
        if not payload:
            return Carried.CUT
        plain = IKE_PORT in (sport, dport) and NAT_T_PORT not in (sport, dport)
        return Carried.KEEPALIVE if payload[0] == 0xFF and not plain else Carried.NOTHING
    if IKE_PORT in (sport, dport):
        if NAT_T_PORT not in (sport, dport):
            return _ike(payload, length, Carried.IKE)
        # A NAT that kept one of the ports: IKE, with or without marker.
        return _by_plausibility(payload, length, _ike(payload, length, Carried.IKE))
    if NAT_T_PORT in (sport, dport):
        return _nat_t(payload, length)
    return _by_plausibility(payload, length, Carried.NOTHING)


def _nat_t(payload: bytes, length: int) -> Carried:
    if length < MARKER_BYTES:
        return Carried.NOTHING
    if len(payload) < MARKER_BYTES:
        return Carried.CUT
    if payload.startswith(MARKER):
        return _ike(payload[MARKER_BYTES:], length - MARKER_BYTES, Carried.MARKED_IKE)
    return _esp(payload, length)


def _esp(payload: bytes, length: int) -> Carried:
    if length < ESP_HEADER_BYTES:
        return Carried.NOTHING
    return Carried.ESP if len(payload) >= ESP_HEADER_BYTES else Carried.CUT


def _ike(payload: bytes, length: int, found: Carried) -> Carried:
    if length < IKE_HEADER_BYTES:
        return Carried.NOTHING
    if len(payload) < IKE_HEADER_BYTES:
        return Carried.CUT
    claimed = int.from_bytes(payload[24:28], "big")
    return found if claimed >= IKE_HEADER_BYTES else Carried.NOTHING


def is_plausible_ike(payload: bytes, length: int) -> bool:
    """Whether bytes that may be anything start with an IKE header (RFC 7296 section 3.1)."""
    return (
        len(payload) >= IKE_HEADER_BYTES
        and payload[17] >> 4 in (1, 2)
        and any(payload[:8])
        and IKE_HEADER_BYTES <= int.from_bytes(payload[24:28], "big") <= length
    )


def _by_plausibility(payload: bytes, length: int, otherwise: Carried) -> Carried:
    if length < ESP_HEADER_BYTES:
        return Carried.NOTHING
    if len(payload) < ESP_HEADER_BYTES:
        return Carried.CUT
    if payload.startswith(MARKER):
        marked = payload[MARKER_BYTES:]
        if is_plausible_ike(marked, length - MARKER_BYTES):
            return Carried.MARKED_IKE
        return otherwise
    if is_plausible_ike(payload, length):
        return Carried.IKE
    if int.from_bytes(payload[:4], "big") >= _FIRST_SPI:
        return Carried.ESP
    return otherwise
