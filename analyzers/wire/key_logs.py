"""Keys out of a charon log that was written with `ike = 4`.

charon dumps a secret as a line `NAME => LENGTH bytes @ ADDRESS` and lines of 16 bytes in hex. Each
line belongs to the thread that its prefix names (`13[IKE]`), so interleaved threads stay apart. The
SPIs come from the NAT detection chunk that the same thread hashes (both SPIs, then address and
port: RFC 7296 section 2.23, RFC 3947 section 3.2) or from the SA it looked up for a first message;
without either the SPI stays empty and the key is tried by verification. So it is with an IKEv2 SA
that replaces another: the thread works on a message of the old SA then.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct, field

from analyzers.wire.algorithms import NO_INTEGRITY, encryption_named, integrity_named
from analyzers.wire.keys import SPI_DIGITS, ZERO_SPI, Ikev1Key, Ikev2Keys, KeyRing, check_lengths

# "13[IKE] ", with the level ("13[IKE2] ") or the SA ("13[IKE] <gw|1> ") where so configured.
_THREAD: Final = re.compile(r"(\d{1,4})\[[A-Z]{3}\d?\] ?(?:<[^>]{1,80}> )?")
_DUMP: Final = re.compile(
    r"(Sk_ei secret|Sk_er secret|Sk_ai secret|Sk_ar secret|encryption key Ka|SKEYID_a|natd_chunk)"
    r" => (\d{1,3}) bytes"
)
_HEX_LINE: Final = re.compile(r"\s*(\d{1,4}): ((?:[0-9A-Fa-f]{2}(?: |$)){1,16})")
_SPIS: Final = re.compile(r"SPIs:? ([0-9a-f]{16})_i\*? ([0-9a-f]{16})_r")
_PROPOSAL: Final = re.compile(r"selected proposal: IKE:(\S{1,200})")

# Lines are looked at up to here: a dump line has some 110 characters with its prefix.
_MAX_LINE: Final = 1000
_ROW_BYTES: Final = 16
# Threads of one charon: 16 by default; a hostile log cannot make more states than this.
_MAX_THREADS: Final = 1024
# SKEYID_a is at most a SHA2-512 digest; a NAT detection chunk has 22 or 34 bytes.
_MAX_DUMP: Final = 128
_NATD_BYTES: Final = frozenset({22, 34})

_V2_NAMES: Final = ("Sk_ei secret", "Sk_er secret", "Sk_ai secret", "Sk_ar secret")


def looks_like_charon(text: str) -> bool:
    """Whether a text is a charon log rather than a key table."""
    head = text[:200_000]
    return _DUMP.search(text) is not None or "[IKE]" in head or "[DMN]" in head


class _Thread(Struct):
    """What one thread of charon has told since it took up its current message."""

    name: str = ""
    missing: int = 0
    """Bytes of the current dump that are still to come."""
    line: int = 0
    collected: bytearray = field(default_factory=bytearray)
    dumps: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    spis: tuple[str, str] = ("", "")
    first_message: bool = False
    """The thread works on an IKE_SA_INIT: its SPIs are those of the SA that keys are made for."""
    proposal: str = ""


def parse_charon_log(text: str, origin: str) -> KeyRing:
    """All keys that a charon log dumps; problems for dumps that are not whole."""
    ring = KeyRing()
    threads: dict[str, _Thread] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line[:_MAX_LINE]
        found = _THREAD.search(line)
        if found is None:
            ident, rest = "", line
        else:
            ident, rest = found[1], line[found.end() :]
        thread = threads.get(ident)
        if thread is None:
            if len(threads) >= _MAX_THREADS:
                continue
            thread = threads[ident] = _Thread()
        _take_line(thread, rest, number, origin, ring)
    for thread in threads.values():
        _finish(thread, origin, ring)
    if not ring and not ring.problems:
        ring.problems.append((0, f"{origin}: a charon log without key dumps (they need ike = 4)"))
    return ring


def _take_line(thread: _Thread, line: str, number: int, origin: str, ring: KeyRing) -> None:
    if thread.missing:
        hexes = _HEX_LINE.match(line)
        if hexes is not None:
            _take_bytes(thread, hexes[2], origin, ring)
            return
        ring.problems.append((thread.line, f"{origin}: the dump of {thread.name} is cut off"))
        thread.missing = 0
    if found := _DUMP.search(line):
        size = int(found[2])
        if not 0 < size <= _MAX_DUMP:
            return
        if found[1] in thread.dumps:
            _finish(thread, origin, ring)
        thread.name, thread.missing, thread.line = found[1], size, number
        thread.collected = bytearray()
    elif found := _SPIS.search(line):
        # The SA that this thread looks up is the one of the message it works on next.
        _finish(thread, origin, ring)
        thread.spis = (found[1], found[2])
        thread.first_message = False
    elif found := _PROPOSAL.search(line):
        thread.proposal = found[1]
    elif "received packet" in line:
        _finish(thread, origin, ring)
        thread.proposal = ""
    elif "IKE_SA_INIT" in line:
        thread.first_message = True


def _take_bytes(thread: _Thread, hexes: str, origin: str, ring: KeyRing) -> None:
    # The printable column can look like hex; only as many bytes as the dump still lacks count.
    wanted = min(thread.missing, _ROW_BYTES)
    thread.collected += bytes.fromhex(hexes)[:wanted]
    thread.missing -= min(wanted, len(hexes.split()))
    if thread.missing:
        return
    value = bytes(thread.collected)
    if thread.name != "natd_chunk":
        thread.dumps[thread.name] = (thread.line, value)
    elif len(value) in _NATD_BYTES:
        spis = (value[:8].hex(), value[8:16].hex())
        if spis[1] != ZERO_SPI:
            thread.spis, thread.first_message = spis, True
            _finish(thread, origin, ring)
            thread.spis, thread.first_message = ("", ""), False


def _finish(thread: _Thread, origin: str, ring: KeyRing) -> None:
    """Make keys of what a thread has dumped, and forget it."""
    dumps = thread.dumps
    if not dumps:
        return
    initiator = thread.spis[0]
    if ka := dumps.get("encryption key Ka"):
        skeyid_a = dumps.get("SKEYID_a")
        ring.ikev1.append(
            Ikev1Key(initiator, ka[1], origin, ka[0], skeyid_a[1] if skeyid_a else None)
        )
    if "Sk_ei secret" in dumps and "Sk_er secret" in dumps:
        ring.ikev2.append(_ikev2_keys(thread, origin))
    thread.dumps = {}


def _ikev2_keys(thread: _Thread, origin: str) -> Ikev2Keys:
    initiator, responder = thread.spis if thread.first_message else ("", "")
    sk_ei, sk_er, sk_ai, sk_ar = (thread.dumps.get(n, (0, b""))[1] for n in _V2_NAMES)
    encryption = integrity = None
    names = thread.proposal.split("/")
    if names[0]:
        encryption = encryption_named(names[0])
        integrity = integrity_named(names[1]) if len(names) > 1 else None
        if encryption is not None and encryption.icv_bytes:
            integrity = NO_INTEGRITY
    if (
        encryption is None
        or integrity is None
        or check_lengths((sk_ei, sk_er), (sk_ai, sk_ar), encryption, integrity)
    ):
        encryption = integrity = None
    line = thread.dumps["Sk_ei secret"][0]
    if responder == ZERO_SPI or len(responder) != SPI_DIGITS:
        responder = ""
    return Ikev2Keys(
        initiator, responder, sk_ei, sk_er, sk_ai, sk_ar, origin, line, encryption, integrity
    )
