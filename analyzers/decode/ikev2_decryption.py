"""IKEv2: from an SK payload, or all SKF payloads of a message, to the payloads inside.

RFC 7296 section 3.14, RFC 5282, RFC 7383 section 2.5. Only a checksum or tag that verifies makes a
plaintext certain.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from analyzers.model.observations import Proposal
from analyzers.model.records import Confidence, ProblemKind
from analyzers.wire import ikev2
from analyzers.wire.algorithms import (
    NO_INTEGRITY,
    Encryption,
    Integrity,
    encryption_by_id,
    integrity_by_id,
)
from analyzers.wire.crypto import checksum, decrypt, verify_tag
from analyzers.wire.ike import GENERIC_BYTES, Contents, Header
from analyzers.wire.ikev2 import Protected
from analyzers.wire.keys import ZERO_SPI, Ikev2Keys, KeyRing

# SAs whose state is kept, a few hundred bytes each; beyond, the one not seen for longest is
# forgotten, and its keys are found again.
MAX_SAS: Final = 50_000
# Failed attempts per SA, so that keys without an SPI cannot make the work grow without bound.
MAX_TRIALS: Final = 4096

Suite = tuple[Encryption, Integrity]


class Opened(Struct):
    """What decryption gave: contents, or why there are none."""

    contents: Contents | None
    confidence: Confidence
    integrity_ok: bool | None
    problem: tuple[ProblemKind, str] | None = None


class _Direction(Struct):
    """What one end sends on an IKE SA: each end has keys of its own."""

    keys: tuple[Ikev2Keys, ...]
    proven: tuple[Ikev2Keys, Suite] | None = None
    chosen: Suite | None = None
    """What the IKE_SA_INIT response chose."""
    trials: int = 0


class Ikev2Decryption:
    """Opens messages with the keys of a ring; remembers per SA which key and suite fit."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._sas: OrderedDict[tuple[bytes, bytes, bool], _Direction] = OrderedDict()

    def _sa(self, header: Header, *, by_initiator: bool) -> _Direction | None:
        ident = (header.initiator_spi, header.responder_spi, by_initiator)
        sa = self._sas.get(ident)
        if sa is not None:
            self._sas.move_to_end(ident)
            return sa
        keys = self._ring.ikev2_for(ident[0].hex(), ident[1].hex())
        if not keys:
            return None
        for key in keys:
            if key.initiator_spi:
                self._ring.mark(key, decrypted=False)
        sa = self._sas[ident] = _Direction(keys)
        if len(self._sas) > MAX_SAS:
            self._sas.popitem(last=False)
        return sa

    def note_chosen(self, header: Header, proposals: Sequence[Proposal]) -> None:
        """Keep the suite that an IKE_SA_INIT response chose, for keys that name none."""
        if len(proposals) != 1 or header.responder_spi.hex() == ZERO_SPI:
            return
        by_kind = {t.kind: t for t in reversed(proposals[0].transforms)}
        cipher = by_kind.get(ikev2.TRANSFORM_ENCR)
        mac = by_kind.get(ikev2.TRANSFORM_INTEG)
        encryption = encryption_by_id(cipher.id, cipher.key_bits) if cipher else None
        integrity = integrity_by_id(mac.id) if mac else NO_INTEGRITY
        if encryption is None or integrity is None:
            return
        for by_initiator in (True, False):
            sa = self._sa(header, by_initiator=by_initiator)
            if sa is not None:
                sa.chosen = (encryption, integrity)

    def open(self, header: Header, parts: Sequence[Protected], first: int) -> Opened | None:
        """Decrypt a message; None where no key is meant for its SA.

        `parts` are all fragments in order, or the one message; `first` is the type of the first
        inner payload.
        """
        sa = self._sa(header, by_initiator=bool(header.flags & ikev2.FLAG_INITIATOR))
        if sa is None:
            return None
        fallback: Opened | None = None
        for key, suite in self._candidates(sa):
            plain, verified = _open_parts(header, parts, key, suite)
            if sa.proven is None:
                sa.trials += 1
            if plain is None:
                continue
            contents = ikev2.read(plain, first, 0, len(plain))
            fits = contents.end == len(plain) and ikev2.well_formed(contents)
            # A checksum beside the cipher says nothing of the key that decrypts.
            opens = fits or suite[0].icv_bytes or (key, suite) == sa.proven
            if verified and opens:
                self._ring.mark(key, decrypted=True)
                sa.proven = (key, suite)
                return Opened(contents, Confidence.CERTAIN, integrity_ok=True)
            if fits and not verified and fallback is None and key.initiator_spi:
                fallback = self._unverified(sa, key, contents, verified)
        return fallback or _failure(sa)

    def _candidates(self, sa: _Direction) -> Iterator[tuple[Ikev2Keys, Suite]]:
        """The proven key first; the others too, since RFC 9370 changes keys within an SA."""
        if sa.proven is not None:
            yield sa.proven
        for key in sa.keys:
            suites = key.suites()
            if sa.chosen in suites:
                suites = (sa.chosen, *(s for s in suites if s != sa.chosen))
            for suite in suites:
                if (key, suite) == sa.proven:
                    continue
                if not key.initiator_spi and sa.trials >= MAX_TRIALS:
                    return
                yield key, suite

    def _unverified(
        self, sa: _Direction, key: Ikev2Keys, contents: Contents, verified: bool | None
    ) -> Opened | None:
        """A plaintext that nothing vouches for but its own structure."""
        if verified is False and sa.proven is None:
            # Rather the key is wrong than the message: what the header says in clear stays.
            detail = f"{_named(key)} decrypts the message, but its integrity checksum is wrong"
            return Opened(None, Confidence.CERTAIN, None, (ProblemKind.DECRYPTION_FAILED, detail))
        if verified is None and not contents.payloads:
            # Nothing inside, nothing checked: the header says all that is known.
            return Opened(None, Confidence.CERTAIN, None)
        self._ring.mark(key, decrypted=True)
        if verified is False:
            problem = (
                ProblemKind.INTEGRITY_FAILED,
                "the message decrypts, but its integrity checksum is wrong",
            )
            return Opened(contents, Confidence.SUSPECT, False, problem)
        return Opened(contents, Confidence.INFERRED, None)


def _named(key: Ikev2Keys) -> str:
    return f"the key of {key.origin} line {key.line}"


def _failure(sa: _Direction) -> Opened | None:
    if sa.proven is not None:
        detail = "the integrity checksum is wrong, and nothing can be read inside"
        problem = (ProblemKind.INTEGRITY_FAILED, detail)
        return Opened(None, Confidence.SUSPECT, False, problem)
    named = [k for k in sa.keys if k.initiator_spi]
    if not named:
        return None
    detail = f"{_named(named[0])} does not open this IKE SA"
    return Opened(None, Confidence.CERTAIN, None, (ProblemKind.DECRYPTION_FAILED, detail))


def _open_parts(
    header: Header, parts: Sequence[Protected], key: Ikev2Keys, suite: Suite
) -> tuple[bytes | None, bool | None]:
    """The joined plaintext without padding, and whether all of it verified.

    A key that names no SPI is believed only when it verifies, so nothing else is decrypted then.
    """
    by_initiator = bool(header.flags & ikev2.FLAG_INITIATOR)
    keys = (key.sk_ei, key.sk_ai) if by_initiator else (key.sk_er, key.sk_ar)
    joined = bytearray()
    verified: bool | None = True
    for part in parts:
        plain, right = _open_part(part, keys, suite, believed=bool(key.initiator_spi))
        if plain is None:
            return None, False
        joined += plain
        if right is False or verified is False:
            verified = False
        elif right is None:
            verified = None
    return bytes(joined), verified


def _open_part(
    part: Protected, keys: tuple[bytes, bytes], suite: Suite, believed: bool
) -> tuple[bytes | None, bool | None]:
    message, payload = part
    encryption, integrity = suite
    start = payload.start + GENERIC_BYTES
    if payload.type == ikev2.PAYLOAD_SKF:
        start += ikev2.SKF_HEADER_BYTES
    icv_bytes = encryption.icv_bytes or integrity.icv_bytes
    sealed = start + encryption.iv_bytes
    end = payload.end - icv_bytes
    if end <= sealed:
        return None, False
    iv, data, icv = message[start:sealed], message[sealed:end], message[end : payload.end]
    right: bool | None
    if encryption.icv_bytes:
        right = verify_tag(encryption, keys[0], iv, (data, icv), message[:start])
    else:
        expected = checksum(integrity, keys[1], message[:end])
        right = None if expected is None else expected == icv
    if right is not True and not believed:
        return None, False
    plain = decrypt(encryption, keys[0], iv, data)
    if plain is None:
        return None, False
    padding = plain[-1] + 1
    if padding > len(plain):
        return None, False
    return plain[:-padding], right
