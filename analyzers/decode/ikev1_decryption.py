"""IKEv1: from an encrypted message to its payloads (RFC 2409 section 5 and appendix B).

IKEv1 has no integrity value that the user's key alone could verify, so a plaintext is believed for
its structure: the IV that the chain of messages gives must produce payloads that fit to the byte.
When phase 1 was not captured the IV is unknown; CBC then loses the first block only, and what
follows the HASH payload is found by trying the digest sizes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec import Struct

from analyzers.decode.ikev1_state import (
    AES_KEYS,
    HASHES,
    PHASE_1,
    TRIPLE_DES_KEY,
    Cipher,
    Ikev1Sa,
)
from analyzers.model.records import Confidence, ProblemKind
from analyzers.wire import ikev1
from analyzers.wire.algorithms import CipherMode
from analyzers.wire.crypto import cbc_decrypt, prf
from analyzers.wire.ike import GENERIC, GENERIC_BYTES, HEADER_BYTES, Contents, Header
from analyzers.wire.keys import Ikev1Key, KeyRing

# SAs whose state is kept, some 15 kB each at most; beyond, the one not seen for longest is
# forgotten and then read like one whose phase 1 was not captured.
MAX_SAS: Final = 10_000
# Decryptions per SA that led to nothing, so that keys without a cookie cannot make the work grow.
MAX_TRIALS: Final = 4096

_BLOCKS: Final = {CipherMode.AES_CBC: 16, CipherMode.TRIPLE_DES_CBC: 8}
_ONE_WAY: Final = frozenset({ikev1.INFORMATIONAL, ikev1.TRANSACTION})
# DOI of a Notification or Delete: ISAKMP or IPsec (RFC 2408 section 3.14, RFC 2407).
_DOIS: Final = frozenset({0, 1})


class Opened(Struct):
    """What decryption gave: contents, or why there are none."""

    contents: Contents | None
    confidence: Confidence
    integrity_ok: bool | None = None
    problem: tuple[ProblemKind, str] | None = None
    notes: tuple[str, ...] = ()


class _Plain(NamedTuple):
    data: bytes
    contents: Contents
    hash_bytes: int
    iv: bytes | None
    """None: the IV is unknown, the first block is lost."""


class Ikev1Decryption:
    """Opens messages with the keys of a ring; follows phase 1 and the IV chains of each SA."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._sas: OrderedDict[tuple[bytes, bytes], Ikev1Sa] = OrderedDict()

    def _sa(self, header: Header) -> Ikev1Sa | None:
        ident = (header.initiator_spi, header.responder_spi)
        sa = self._sas.get(ident)
        if sa is not None:
            self._sas.move_to_end(ident)
            return sa
        keys = self._ring.ikev1_for(ident[0].hex())
        if not keys:
            return None
        for key in keys:
            if key.initiator_spi:
                self._ring.mark(key, decrypted=False)
        sa = Ikev1Sa(keys)
        # The first message of an initiator has no responder cookie yet.
        before = self._sas.get((ident[0], bytes(8)))
        if before is not None:
            sa.inherit(before)
        self._sas[ident] = sa
        if len(self._sas) > MAX_SAS:
            self._sas.popitem(last=False)
        return sa

    def note_clear(self, header: Header, src: str, contents: Contents) -> None:
        """Keep what a message in clear tells of phase 1: roles, KE values, the chosen suite."""
        if header.exchange_type not in PHASE_1:
            return
        sa = self._sa(header)
        if sa is not None:
            sa.note_clear(header, src, contents)

    def open(self, header: Header, message: bytes, fingerprint: bytes) -> Opened | None:
        """Decrypt a message whose bytes end where the header says; None without a key for it."""
        sa = self._sa(header)
        if sa is None:
            return None
        body = message[HEADER_BYTES:]
        result: Opened | None = None
        repeated = fingerprint in sa.seen
        if body and len(body) % 8 == 0:
            for key, cipher in _candidates(sa, len(body)):
                result = self._try(sa, header, body, fingerprint, (key, cipher))
                if result is not None:
                    break
            # A retransmission is read like the original and does not move the chain.
            if not repeated:
                sa.advance(header, body)
                sa.remember(fingerprint, sa.seen.get(fingerprint))
        return result if result is not None else _failure(sa, header)

    def _try(
        self,
        sa: Ikev1Sa,
        header: Header,
        body: bytes,
        fingerprint: bytes,
        with_: tuple[Ikev1Key, Cipher],
    ) -> Opened | None:
        key, (mode, key_bytes) = with_
        block = _BLOCKS[mode]
        raw = cbc_decrypt(mode, key.key[:key_bytes], bytes(block), body)
        plain = _with_known_iv(sa, header, raw, block, fingerprint)
        if plain is None:
            plain = _without_iv(sa, header, raw, block)
        if plain is None:
            if sa.proven != with_:
                sa.trials += 1
            return None
        opened = _judge(sa, header, plain, key, block)
        if not key.initiator_spi and opened.confidence is Confidence.SUSPECT:
            # Such a key may belong to any SA: only what is beyond doubt counts.
            sa.trials += 1
            return None
        self._ring.mark(key, decrypted=True)
        if opened.confidence is Confidence.CERTAIN:
            sa.proven = with_
            sa.hash_name = HASHES[plain.hash_bytes] if plain.hash_bytes else sa.hash_name
        if plain.iv is not None:
            sa.remember(fingerprint, plain.iv)
        return opened


def _candidates(sa: Ikev1Sa, body_bytes: int) -> Iterator[tuple[Ikev1Key, Cipher]]:
    if sa.proven is not None:
        if body_bytes % _BLOCKS[sa.proven[1][0]] == 0:
            yield sa.proven
        return
    for key in sa.keys:
        for cipher in _ciphers(sa, key):
            if sa.trials >= MAX_TRIALS:
                return
            if body_bytes % _BLOCKS[cipher[0]] == 0:
                yield key, cipher


def _ciphers(sa: Ikev1Sa, key: Ikev1Key) -> Iterator[Cipher]:
    """The negotiated cipher, or those whose key has this length.

    A longer key is a SKEYID_e, whose leading bytes are the key (RFC 2409 appendix B).
    """
    size = len(key.key)
    if sa.cipher is not None:
        if sa.cipher[1] <= size and sa.cipher[1] in (*AES_KEYS, TRIPLE_DES_KEY):
            yield sa.cipher
        return
    sizes = (size,) if size in AES_KEYS else tuple(s for s in AES_KEYS if s < size)
    for key_bytes in sizes:
        yield CipherMode.AES_CBC, key_bytes
        if key_bytes == TRIPLE_DES_KEY:
            yield CipherMode.TRIPLE_DES_CBC, key_bytes


def _with_known_iv(
    sa: Ikev1Sa, header: Header, raw: bytes, block: int, fingerprint: bytes
) -> _Plain | None:
    """The plaintext under the IV that gives a well-formed one, if any of the chain does."""
    sizes = sa.hash_sizes()
    hash_bytes = sizes[0] if len(sizes) == 1 else None
    tried: set[bytes] = set()
    for iv in sa.ivs(header, block, fingerprint):
        if iv in tried or len(iv) != block:
            continue
        tried.add(iv)
        head = bytes(a ^ b for a, b in zip(raw[:block], iv, strict=True))
        _, reserved, length = GENERIC.unpack_from(head)
        if reserved or not GENERIC_BYTES < length <= len(raw):
            continue
        data = head + raw[block:]
        contents = ikev1.read(data, header.next_payload, 0, len(data))
        if not ikev1.well_formed(data, contents, hash_bytes):
            continue
        found = contents.find(ikev1.PAYLOAD_HASH)
        if found is None and header.exchange_type not in PHASE_1:
            continue
        size = found.end - found.start - GENERIC_BYTES if found else 0
        return _Plain(data, contents, size, iv)
    return None


# What can follow HASH(1), and can be told without the HASH header that names it.
_AFTER_HASH: Final = {
    ikev1.INFORMATIONAL: (ikev1.PAYLOAD_DELETE, ikev1.PAYLOAD_NOTIFY, ikev1.PAYLOAD_NONCE),
    ikev1.QUICK_MODE: (ikev1.PAYLOAD_SA,),
}


def _without_iv(sa: Ikev1Sa, header: Header, raw: bytes, block: int) -> _Plain | None:
    """What follows the HASH payload when the first block is lost; None if nothing fits."""
    if header.next_payload != ikev1.PAYLOAD_HASH:
        return None
    for size in sa.hash_sizes():
        at = GENERIC_BYTES + size
        if at < block or at >= len(raw):
            continue
        for kind in _AFTER_HASH.get(header.exchange_type, ()):
            contents = ikev1.read(raw, kind, at, len(raw))
            if _fits_exactly(raw, contents):
                contents.types.insert(0, ikev1.PAYLOAD_HASH)
                return _Plain(raw, contents, size, None)
    return None


def _fits_exactly(raw: bytes, contents: Contents) -> bool:
    """Whether payloads found at a guessed place are unmistakable by their own structure."""
    if not ikev1.well_formed(raw, contents, None):
        return False
    if not (contents.notifies or contents.deletes or contents.proposals):
        return False
    if any(n.doi not in _DOIS or n.protocol > 3 for n in contents.notifies):
        return False
    if any(not d.spis or not 1 <= d.protocol <= 3 for d in contents.deletes):
        return False
    dois = [
        int.from_bytes(raw[p.start + GENERIC_BYTES : p.start + 8], "big")
        for p in contents.payloads
        if p.type in (ikev1.PAYLOAD_DELETE, ikev1.PAYLOAD_SA)
    ]
    return all(d in _DOIS for d in dois)


def _judge(sa: Ikev1Sa, header: Header, plain: _Plain, key: Ikev1Key, block: int) -> Opened:
    contents = plain.contents
    if key.skeyid_a is not None and header.exchange_type in _ONE_WAY:
        right = _hash_verifies(header, plain, key.skeyid_a, block)
        if right is not None:
            problem = (ProblemKind.INTEGRITY_FAILED, "the HASH payload is wrong")
            return (
                Opened(contents, Confidence.CERTAIN, integrity_ok=True)
                if right
                else Opened(contents, Confidence.SUSPECT, False, problem)
            )
    if plain.iv is not None:
        return Opened(contents, Confidence.CERTAIN)
    notes = ("phase 1 was not captured: the first cipher block is unreadable",)
    cookies = (header.initiator_spi + header.responder_spi).hex()
    spis = [n.spi for n in contents.notifies] + [s for d in contents.deletes for s in d.spis]
    if cookies in spis:
        return Opened(contents, Confidence.CERTAIN, notes=notes)
    # The key is known to be right once another message of the SA named its cookies.
    likely = Confidence.INFERRED if sa.proven is not None else Confidence.SUSPECT
    return Opened(contents, likely, notes=notes)


def _hash_verifies(header: Header, plain: _Plain, skeyid_a: bytes, block: int) -> bool | None:
    """HASH(1) = prf(SKEYID_a, M-ID | payloads), as far as its bytes are there; None without it."""
    payloads = [p for p in plain.contents.payloads if p.type != ikev1.PAYLOAD_HASH]
    covered = b"".join(plain.data[p.start : p.end] for p in payloads)
    name = HASHES.get(plain.hash_bytes)
    if name is None:
        return None
    expected = prf(name, skeyid_a, header.message_id.to_bytes(4, "big") + covered)
    if plain.iv is None:
        lost = block - GENERIC_BYTES
        return expected[lost:] == plain.data[block : GENERIC_BYTES + plain.hash_bytes]
    found = plain.contents.find(ikev1.PAYLOAD_HASH)
    if found is None:
        return None
    return expected == plain.data[found.start + GENERIC_BYTES : found.end]


def _failure(sa: Ikev1Sa, header: Header) -> Opened | None:
    """Why nothing could be read; None where no key names this SA."""
    named = [k for k in sa.keys if k.initiator_spi]
    if not named:
        return None
    if not sa.blocks and len(sa.key_exchanges) < 2:
        if header.exchange_type != ikev1.INFORMATIONAL:
            note = "phase 1 was not captured: without its IV this message stays closed"
            return Opened(None, Confidence.CERTAIN, notes=(note,))
        detail = "phase 1 was not captured, and no Notification or Delete can be made out"
    elif sa.proven is not None:
        detail = "the key of this SA gives no payloads that fit"
    else:
        detail = f"the key of {named[0].origin} line {named[0].line} does not open this SA"
    problem = (ProblemKind.DECRYPTION_FAILED, detail)
    return Opened(None, Confidence.CERTAIN, problem=problem)
