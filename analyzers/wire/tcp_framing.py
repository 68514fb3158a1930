"""Where messages start and end in the byte stream of RFC 8229 section 3: framing, and its search.

Pure functions on bytes; which bytes those are is for `tcp_encap`.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from analyzers.wire.natt import ESP_HEADER_BYTES, MARKER, MARKER_BYTES, is_plausible_ike

STREAM_PREFIX: Final = b"IKETCP"
LENGTH_BYTES: Final = 2
KEEPALIVE: Final = b"\xff"

_IKE_HEADER_BYTES: Final = 28
# The marker and, 17 bytes into the IKE header, a version of 1.0 or 2.0.
_MARKED_IKE: Final = re.compile(rb"(?=\x00{4}.{17}[\x10\x20])", re.DOTALL)
# Length, marker and IKE header.
_NEEDED_BYTES: Final = LENGTH_BYTES + MARKER_BYTES + _IKE_HEADER_BYTES
# The marker and an IKE header fit in.
_PROBE_BYTES: Final = 64
# ESP packets are looked for in so many bytes at the end: several of any common MTU.
_COMPARE_WINDOW_BYTES: Final = 8192
# How far the sequence numbers of neighbours may be apart: several CPUs may send on one SA.
_MAX_SEQUENCE_STEP: Final = 16
_FIRST_SPI: Final = 256


def is_message(payload: bytes, length: int) -> bool:
    """Whether what was captured of a message of `length` bytes does not speak against one."""
    if length == len(KEEPALIVE):
        return payload in (KEEPALIVE, b"")
    if payload.startswith(MARKER):
        return _is_marked_ike(payload, length)
    return length >= ESP_HEADER_BYTES


def _is_marked_ike(payload: bytes, length: int) -> bool:
    if len(payload) < min(length, MARKER_BYTES + _IKE_HEADER_BYTES):
        return length >= MARKER_BYTES + _IKE_HEADER_BYTES
    return is_plausible_ike(payload[MARKER_BYTES:], length - MARKER_BYTES)


def reach(buffer: bytearray, position: int) -> int:
    """How far believable messages reach from `position` on; -1 if something speaks against them."""
    while position + LENGTH_BYTES <= len(buffer):
        start = position + LENGTH_BYTES
        length = (buffer[position] << 8 | buffer[position + 1]) - LENGTH_BYTES
        end = min(start + length, len(buffer), start + _PROBE_BYTES)
        if not is_message(bytes(buffer[start:end]), length):
            return -1
        if start + length > len(buffer):
            break
        position = start + length
    return position


def find_ike(buffer: bytearray, scanned: int) -> tuple[int, int]:
    """Start of the first message that is surely IKE or -1, and up to where that is settled.

    Sure is: the length of the framing agrees with the length in the IKE header.
    """
    for match in _MARKED_IKE.finditer(buffer, scanned):
        place = match.start() - LENGTH_BYTES
        if place >= 0 and place + _NEEDED_BYTES <= len(buffer):
            framed = buffer[place] << 8 | buffer[place + 1]
            claimed = int.from_bytes(buffer[place + 30 : place + 34], "big")
            if claimed >= _IKE_HEADER_BYTES and framed == claimed + LENGTH_BYTES + MARKER_BYTES:
                return place, scanned
    return -1, max(len(buffer) - _NEEDED_BYTES, 0)


def find_esp(buffer: bytearray) -> int:
    """Start of the first of two ESP packets in a row with one SPI and rising sequence, or -1.

    In the last bytes of `buffer` only. Encrypted bytes look like that once in 2**60 places.
    """
    begin = max(len(buffer) - _COMPARE_WINDOW_BYTES, 0)
    window = np.frombuffer(bytes(buffer[begin:]), dtype=np.uint8).astype(np.int64)
    count = len(window) - (LENGTH_BYTES + ESP_HEADER_BYTES) + 1
    if count <= 0:
        return -1
    pairs = window[:-1] << 8 | window[1:]
    words = pairs[:-2] << 16 | pairs[2:]
    place = np.arange(count)
    following = place + pairs[:count]
    possible = (pairs[:count] >= LENGTH_BYTES + ESP_HEADER_BYTES) & (following < count)
    place, following = place[possible], following[possible]
    spi, sequence = words[place + LENGTH_BYTES], words[place + LENGTH_BYTES + 4]
    step = words[following + LENGTH_BYTES + 4] - sequence
    found = place[
        (spi >= _FIRST_SPI)
        & (spi == words[following + LENGTH_BYTES])
        & (step > 0)
        & (step <= _MAX_SEQUENCE_STEP)
    ]
    return begin + int(found[0]) if len(found) else -1
