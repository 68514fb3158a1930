"""What decryption has to remember of an IKEv1 SA: roles, KE values, suite, and the IV chains.

RFC 2409 appendix B: phase 1 starts from hash(g^xi | g^xr) and each message goes on from the last
block before it; an exchange after phase 1 starts from hash(last phase 1 block | message ID) and
then has a chain of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from analyzers.wire import ikev1
from analyzers.wire.algorithms import CipherMode
from analyzers.wire.crypto import digest
from analyzers.wire.ike import Contents, Header
from analyzers.wire.keys import Ikev1Key

# Exchanges of one SA whose chain is kept. Each DPD message is one too, so the oldest go.
MAX_CHAINS: Final = 32
# Messages whose IV is kept, to read a retransmission like the original; those come within seconds.
MAX_SEEN: Final = 32
# Last ciphertext blocks to try: a lost or foreign message may have come between.
MAX_BLOCKS: Final = 4

HASHES: Final = {16: "md5", 20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}
"""hashlib names by digest size, bytes."""
HASH_SIZES: Final = {name: size for size, name in HASHES.items()}
_HASH_NUMBERS: Final = {1: "md5", 2: "sha1", 4: "sha256", 5: "sha384", 6: "sha512"}

_TRIPLE_DES: Final = 5
_AES: Final = 7
_DEFAULT_AES_BITS: Final = 128
AES_KEYS: Final = (32, 24, 16)
TRIPLE_DES_KEY: Final = 24
_LONGEST_BLOCK: Final = 16

PHASE_1: Final = frozenset({ikev1.MAIN_MODE, ikev1.AGGRESSIVE})

Cipher = tuple[CipherMode, int]
"""Mode and key bytes."""


class Ikev1Sa(Struct):
    """State of one pair of cookies."""

    keys: tuple[Ikev1Key, ...]
    initiator: str = ""
    """Address that sent the first message, when that was captured."""
    key_exchanges: dict[str, bytes] = field(default_factory=dict)
    """Latest KE value by sender."""
    cipher: Cipher | None = None
    """As negotiated; None when that was not captured."""
    hash_name: str | None = None
    blocks: tuple[bytes, ...] = ()
    """Last ciphertext blocks of phase 1 messages, newest first (16 bytes, cut to the block)."""
    chains: dict[int, tuple[bytes, ...]] = field(default_factory=dict)
    """The same by message ID, for the exchanges after phase 1."""
    seen: dict[bytes, bytes | None] = field(default_factory=dict)
    """IV of each message by fingerprint; None for one that could not be read."""
    proven: tuple[Ikev1Key, Cipher] | None = None
    """Key and cipher that gave something certain."""
    trials: int = 0

    def inherit(self, before: Ikev1Sa) -> None:
        """Take over what the first message told, which had no responder cookie yet."""
        self.initiator = before.initiator
        self.key_exchanges = dict(before.key_exchanges)

    def note_clear(self, header: Header, src: str, contents: Contents) -> None:
        """Keep what a phase 1 message in clear tells: roles, KE values, the chosen suite."""
        answered = any(header.responder_spi)
        if not answered:
            self.initiator = src
        if contents.key_exchange:
            self.key_exchanges.pop(src, None)
            self.key_exchanges[src] = contents.key_exchange
            if len(self.key_exchanges) > 2:
                self.key_exchanges.pop(next(iter(self.key_exchanges)))
        chosen = ikev1.chosen_algorithms(contents.proposals)
        if chosen is None or not answered or src == self.initiator:
            return
        encryption, bits, hash_number = chosen
        self.hash_name = _HASH_NUMBERS.get(hash_number)
        if encryption == _TRIPLE_DES:
            self.cipher = (CipherMode.TRIPLE_DES_CBC, TRIPLE_DES_KEY)
        elif encryption == _AES:
            self.cipher = (CipherMode.AES_CBC, (bits or _DEFAULT_AES_BITS) // 8)

    def hash_sizes(self) -> tuple[int, ...]:
        """Digest sizes that a HASH payload can have: the negotiated one, else all."""
        return ikev1.HASH_SIZES if self.hash_name is None else (HASH_SIZES[self.hash_name],)

    def ivs(self, header: Header, block: int, fingerprint: bytes) -> Iterator[bytes]:
        """IVs that a message may have, likeliest first."""
        known = self.seen.get(fingerprint)
        if known is not None:
            yield known
        if header.exchange_type in PHASE_1:
            yield from (b[-block:] for b in self.blocks)
            yield from self._phase_1_ivs(block)
            return
        yield from (b[-block:] for b in self.chains.get(header.message_id, ()))
        message_id = header.message_id.to_bytes(4, "big")
        # Phase 1 ends with its last ciphertext block, or, when none of it was encrypted
        # (Aggressive Mode with its third message in clear), with its first IV.
        for last in (*(b[-block:] for b in self.blocks), *self._phase_1_ivs(block)):
            for name in self._hash_names():
                yield digest(name, last + message_id)[:block]

    def _hash_names(self) -> tuple[str, ...]:
        return tuple(HASHES.values()) if self.hash_name is None else (self.hash_name,)

    def _phase_1_ivs(self, block: int) -> Iterator[bytes]:
        """hash(g^xi | g^xr); in both orders where it is not known who is the initiator."""
        if len(self.key_exchanges) != 2:
            return
        (one, first), (_, second) = self.key_exchanges.items()
        orders = [(first, second), (second, first)]
        if self.initiator:
            orders = orders[:1] if one == self.initiator else orders[1:]
        for ours, theirs in orders:
            for name in self._hash_names():
                yield digest(name, ours + theirs)[:block]

    def remember(self, fingerprint: bytes, iv: bytes | None) -> None:
        """Keep the IV of a message for its retransmissions."""
        self.seen[fingerprint] = iv
        if len(self.seen) > MAX_SEEN:
            del self.seen[next(iter(self.seen))]

    def advance(self, header: Header, body: bytes) -> None:
        """Chain on from the last block of a message that was not seen before.

        A message that could not be read moves the chain too: the next one builds on its block.
        """
        last = body[-_LONGEST_BLOCK:]
        if header.exchange_type in PHASE_1:
            self.blocks = (last, *self.blocks[: MAX_BLOCKS - 1])
            return
        before = self.chains.pop(header.message_id, ())
        self.chains[header.message_id] = (last, *before[: MAX_BLOCKS - 1])
        if len(self.chains) > MAX_CHAINS:
            del self.chains[next(iter(self.chains))]
