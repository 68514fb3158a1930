"""Keys that the user has: rows of Wireshark's two tables, and what a charon log tells.

Text in, `KeyRing` out; files are opened elsewhere. A broken row is told with its line and never
costs the others. Key bytes are in no message and in no `repr`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

from analyzers.wire.algorithms import (
    CipherMode,
    Encryption,
    Integrity,
    encryption_named,
    fitting_suites,
    integrity_named,
)

# A table has one row an SA; beyond this a file is not a key table.
MAX_ROWS: Final = 100_000
# After so many broken rows the file is something else, and nobody reads further messages.
MAX_PROBLEMS: Final = 50
# The longest row: two SPIs, two 64-byte keys, two 36-byte keys and two names, about 520 digits.
_MAX_LINE: Final = 4096

SPI_DIGITS: Final = 16
ZERO_SPI: Final = "0" * SPI_DIGITS

_IKEV1_COLUMNS: Final = 2
_IKEV2_COLUMNS: Final = 8
# 3DES and AES keys are 16 to 32 bytes; SKEYID_e itself can be as long as the longest digest.
_IKEV1_KEY_BYTES: Final = range(16, 65)


class Ikev1Key(Struct, frozen=True):
    """The encryption key Ka of one ISAKMP SA (RFC 2409 appendix B)."""

    initiator_spi: str
    """16 hex digits; empty where the source does not tell it: tried against every SA."""
    key: bytes
    origin: str
    line: int
    skeyid_a: bytes | None = None
    """The authentication key, which lets HASH(1) be verified; Wireshark's table has none."""

    def __repr__(self) -> str:
        """Without the keys: a representation ends up in tracebacks."""
        return f"Ikev1Key({self.initiator_spi!r}, {self.origin!r}, {self.line})"


class Ikev2Keys(Struct, frozen=True):
    """The keys of one IKE SA (RFC 7296 section 2.14); salts are part of SK_ei and SK_er."""

    initiator_spi: str
    """Empty where the source does not tell it."""
    responder_spi: str
    """Empty where the source does not tell it, or tells zero."""
    sk_ei: bytes
    sk_er: bytes
    sk_ai: bytes
    sk_ar: bytes
    origin: str
    line: int
    encryption: Encryption | None = None
    integrity: Integrity | None = None

    def __repr__(self) -> str:
        """Without the keys: a representation ends up in tracebacks."""
        return f"Ikev2Keys({self.initiator_spi!r}, {self.origin!r}, {self.line})"

    def suites(self) -> tuple[tuple[Encryption, Integrity], ...]:
        """The suites to try: the named one, else all whose key lengths fit."""
        if self.encryption is not None and self.integrity is not None:
            return ((self.encryption, self.integrity),)
        return fitting_suites(len(self.sk_ei), len(self.sk_ai))


AnyKey = Ikev1Key | Ikev2Keys


class _Index(Struct):
    """Keys by the initiator SPI that they name; the tuples of open ones are shared by all SAs."""

    keys: int
    ikev1: dict[str, list[Ikev1Key]] = field(default_factory=dict)
    ikev2: dict[str, list[Ikev2Keys]] = field(default_factory=dict)
    open_ikev1: tuple[Ikev1Key, ...] = ()
    open_ikev2: tuple[Ikev2Keys, ...] = ()

    @classmethod
    def of(cls, ikev1: list[Ikev1Key], ikev2: list[Ikev2Keys]) -> _Index:
        index = cls(len(ikev1) + len(ikev2))
        for one in ikev1:
            index.ikev1.setdefault(one.initiator_spi, []).append(one)
        for two in ikev2:
            index.ikev2.setdefault(two.initiator_spi, []).append(two)
        index.open_ikev1 = tuple(index.ikev1.pop("", ()))
        index.open_ikev2 = tuple(index.ikev2.pop("", ()))
        return index


class KeyRing(Struct):
    """All keys, and which of them turned out to be of use."""

    ikev1: list[Ikev1Key] = field(default_factory=list)
    ikev2: list[Ikev2Keys] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    """Line and text of each row that could not be used; the text names the origin."""
    matched: set[tuple[str, int]] = field(default_factory=set)
    """Origin and line of the keys whose SA was seen."""
    used: set[tuple[str, int]] = field(default_factory=set)
    """Origin and line of the keys that decrypted something."""
    _index: _Index | None = None

    def __len__(self) -> int:
        """Number of keys."""
        return len(self.ikev1) + len(self.ikev2)

    def __bool__(self) -> bool:
        """Whether there is any key."""
        return bool(self.ikev1 or self.ikev2)

    def merged(self, other: KeyRing) -> KeyRing:
        """A new ring with the keys of both, this one's first."""
        return KeyRing(
            self.ikev1 + other.ikev1,
            self.ikev2 + other.ikev2,
            self.problems + other.problems,
            self.matched | other.matched,
            self.used | other.used,
        )

    def _indexed(self) -> _Index:
        index = self._index
        if index is None or index.keys != len(self):
            index = self._index = _Index.of(self.ikev1, self.ikev2)
        return index

    def ikev1_for(self, initiator_spi: str) -> tuple[Ikev1Key, ...]:
        """Keys for the SA of this initiator cookie, those that name it before those without."""
        index = self._indexed()
        exact = index.ikev1.get(initiator_spi)
        return index.open_ikev1 if exact is None else (*exact, *index.open_ikev1)

    def ikev2_for(self, initiator_spi: str, responder_spi: str) -> tuple[Ikev2Keys, ...]:
        """Keys for the SA of these SPIs, exact ones before those with an SPI left open."""
        index = self._indexed()
        rows = index.ikev2.get(initiator_spi, ())
        exact = tuple(k for k in rows if k.responder_spi == responder_spi)
        half = tuple(k for k in rows if not k.responder_spi)
        return (*exact, *half, *index.open_ikev2) if exact or half else index.open_ikev2

    def mark(self, key: AnyKey, decrypted: bool) -> None:
        """Note that the SA of a key was seen, or that the key decrypted a message."""
        place = (key.origin, key.line)
        self.matched.add(place)
        if decrypted:
            self.used.add(place)

    def unused(self) -> list[str]:
        """One line for every key that was of no use, and why."""
        lines: list[str] = []
        keys: list[AnyKey] = [*self.ikev1, *self.ikev2]
        for key in keys:
            place = (key.origin, key.line)
            if place in self.used:
                continue
            version = 1 if isinstance(key, Ikev1Key) else 2
            spi = f" {key.initiator_spi}" if key.initiator_spi else ""
            fate = "decrypted nothing" if place in self.matched else "fits no IKE SA in the input"
            lines.append(f"{key.origin} line {key.line}: the IKEv{version} key{spi} {fate}")
        return lines


def parse_keys(text: str, origin: str) -> KeyRing:
    """Keys of a Wireshark table or of a charon log with key dumps, told apart by content.

    `origin` names the text in messages. An unusable text gives a ring without keys and with
    `problems`.
    """
    from analyzers.wire.key_logs import looks_like_charon, parse_charon_log

    if looks_like_charon(text):
        return parse_charon_log(text, origin)
    ring = KeyRing()
    rows = 0
    for number, line in enumerate(text.splitlines(), 1):
        row = line.lstrip("\ufeff").strip()
        if not row or row.startswith("#"):
            continue
        rows += 1
        if rows > MAX_ROWS:
            ring.problems.append((number, f"{origin}: more than {MAX_ROWS} rows"))
            break
        problem = _parse_row(row, origin, number, ring)
        if problem:
            if len(ring.problems) >= MAX_PROBLEMS:
                ring.problems.append((number, f"{origin}: and further broken rows"))
                break
            ring.problems.append((number, f"{origin}: {problem}"))
    return ring


def _parse_row(row: str, origin: str, number: int, into: KeyRing) -> str:
    """Add the key of one row; the problem in words where there is one."""
    if len(row) > _MAX_LINE:
        return f"the row has {len(row)} characters"
    columns = [c.strip().strip('"').strip() for c in row.split(",")]
    if len(columns) == _IKEV1_COLUMNS:
        return _parse_ikev1(columns, origin, number, into)
    if len(columns) == _IKEV2_COLUMNS:
        return _parse_ikev2(columns, origin, number, into)
    return f"{len(columns)} columns instead of {_IKEV1_COLUMNS} (IKEv1) or {_IKEV2_COLUMNS} (IKEv2)"


def _hex(text: str) -> bytes | None:
    plain = text.lower().removeprefix("0x").replace(":", "")
    try:
        return bytes.fromhex(plain)
    except ValueError:
        return None


def _spi(text: str) -> str | None:
    value = _hex(text)
    return value.hex() if value is not None and len(value) * 2 == SPI_DIGITS else None


def _parse_ikev1(columns: list[str], origin: str, number: int, into: KeyRing) -> str:
    cookie = _spi(columns[0])
    key = _hex(columns[1])
    if cookie is None:
        return f"the initiator cookie is not {SPI_DIGITS} hex digits"
    if key is None:
        return "the key is not hex, or has an odd number of digits"
    if len(key) not in _IKEV1_KEY_BYTES:
        return f"a key of {len(key)} bytes is neither 3DES nor AES"
    into.ikev1.append(Ikev1Key(cookie, key, origin, number))
    return ""


_FIELDS: Final = ("SK_ei", "SK_er", "SK_ai", "SK_ar")


def _parse_ikev2(columns: list[str], origin: str, number: int, into: KeyRing) -> str:
    spi_i, spi_r = _spi(columns[0]), _spi(columns[1])
    if spi_i is None or spi_r is None:
        return f"an SPI is not {SPI_DIGITS} hex digits"
    keys = [_hex(columns[i]) for i in (2, 3, 5, 6)]
    for name, value in zip(_FIELDS, keys, strict=True):
        if value is None:
            return f"{name} is not hex, or has an odd number of digits"
    sk_ei, sk_er, sk_ai, sk_ar = (k or b"" for k in keys)
    encryption = encryption_named(columns[4])
    if encryption is None:
        return "the encryption algorithm is unknown"
    integrity = integrity_named(columns[7])
    if integrity is None:
        return "the integrity algorithm is unknown"
    problem = check_lengths((sk_ei, sk_er), (sk_ai, sk_ar), encryption, integrity)
    if problem:
        return problem
    responder = "" if spi_r == ZERO_SPI else spi_r
    into.ikev2.append(
        Ikev2Keys(
            spi_i, responder, sk_ei, sk_er, sk_ai, sk_ar, origin, number, encryption, integrity
        )
    )
    return ""


def check_lengths(
    encryption_keys: Iterable[bytes],
    integrity_keys: Iterable[bytes],
    encryption: Encryption,
    integrity: Integrity,
) -> str:
    """What is wrong with the lengths of the keys of a suite; empty where they fit."""
    for key in encryption_keys:
        if len(key) != encryption.field_bytes:
            salt = f" with {encryption.salt_bytes} of salt" if encryption.salt_bytes else ""
            return (
                f"{encryption.name} takes a key of {encryption.field_bytes} bytes{salt}, "
                f"here are {len(key)}"
            )
    if encryption.icv_bytes:
        return ""
    if integrity.mac == "none" and encryption.mode is not CipherMode.NULL:
        # Wireshark takes such rows; the message ends with the ciphertext then.
        return ""
    for key in integrity_keys:
        if integrity.key_bytes is not None and len(key) != integrity.key_bytes:
            return (
                f"{integrity.name} takes a key of {integrity.key_bytes} bytes, here are {len(key)}"
            )
    return ""
