"""Pieces of IKE messages: SKF (RFC 7383) and Cisco's IKEv1 payload 132, collected until whole.

Bounded in sets, pieces, bytes and age in event time, since every piece comes from the wire.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.model.records import Problem, ProblemKind, Ref
from analyzers.model.time import NS_PER_SECOND

# A retransmission brings all pieces again; whoever waits longer mixes two of them.
MAX_AGE_NS: Final = 60 * NS_PER_SECOND
# Peers in phase 1 at the same time; a set is kept for a minute at most.
MAX_SETS: Final = 1024
# 64 KiB in pieces of the smallest IPv4 MTU (576 bytes) are some 130.
MAX_PIECES: Final = 256
# One message: IKE over UDP carries at most 64 KiB, protection and headers come on top.
MAX_SET_BYTES: Final = 128 * 1024
MAX_TOTAL_BYTES: Final = 8 * 1024 * 1024


class Piece(NamedTuple):
    """One piece: `data` is what the caller needs of it, whole message or payload body."""

    data: bytes
    ref: Ref


class _Set(Struct):
    first_ns: int
    total: int | None
    pieces: dict[int, Piece] = field(default_factory=dict)
    size: int = 0


class FragmentBuffers:
    """Sets of pieces that are not complete yet, oldest first."""

    def __init__(self) -> None:
        self._sets: OrderedDict[Hashable, _Set] = OrderedDict()
        self._bytes = 0

    def add(
        self, key: Hashable, number: int, total: int | None, piece: Piece, at_ns: int
    ) -> tuple[list[Piece] | None, list[Problem]]:
        """Take a piece (numbered from 1); all pieces in order once the set is complete.

        `total` is None where this piece does not tell it. A piece that contradicts its set, having
        another total or other bytes under the same number, starts a new set.
        """
        problems = self._expire(at_ns)
        if number > MAX_PIECES or (total is not None and total > MAX_PIECES):
            detail = f"an IKE message in more than {MAX_PIECES} fragments"
            return None, [*problems, Problem(ProblemKind.FRAGMENT_LIMIT, detail, piece.ref)]
        held = self._sets.get(key)
        if held is not None and _contradicts(held, number, total, piece):
            self._drop(key)
            held = None
        if held is None:
            held = self._sets[key] = _Set(at_ns, total)
        elif total is not None:
            held.total = total
        old = held.pieces.get(number)
        grown = len(piece.data) - (len(old.data) if old else 0)
        held.pieces[number] = piece
        held.size += grown
        self._bytes += grown
        if held.total is not None and len(held.pieces) >= held.total:
            self._drop(key)
            return [held.pieces[n] for n in sorted(held.pieces)], problems
        return None, problems + self._shrink(key, held, piece.ref)

    def finish(self) -> list[Problem]:
        """Forget all incomplete sets, and tell of each."""
        problems = [_lost(s) for s in self._sets.values()]
        self._sets.clear()
        self._bytes = 0
        return problems

    def _drop(self, key: Hashable) -> None:
        self._bytes -= self._sets.pop(key).size

    def _expire(self, now_ns: int) -> list[Problem]:
        problems = []
        while self._sets:
            key, oldest = next(iter(self._sets.items()))
            if now_ns - oldest.first_ns <= MAX_AGE_NS:
                break
            problems.append(_lost(oldest))
            self._drop(key)
        return problems

    def _shrink(self, key: Hashable, held: _Set, ref: Ref) -> list[Problem]:
        problems = []
        if held.size > MAX_SET_BYTES:
            self._drop(key)
            detail = f"an IKE message of more than {MAX_SET_BYTES} bytes in fragments"
            problems.append(Problem(ProblemKind.FRAGMENT_LIMIT, detail, ref))
        while len(self._sets) > MAX_SETS or self._bytes > MAX_TOTAL_BYTES:
            self._drop(next(iter(self._sets)))
            detail = "too many incomplete fragmented IKE messages at once"
            problems.append(Problem(ProblemKind.FRAGMENT_LIMIT, detail, ref))
        return problems


def _contradicts(held: _Set, number: int, total: int | None, piece: Piece) -> bool:
    if total is not None:
        if held.total not in (None, total) or any(n > total for n in held.pieces):
            return True
    elif held.total is not None and number > held.total:
        return True
    old = held.pieces.get(number)
    return old is not None and old.data != piece.data


def _lost(held: _Set) -> Problem:
    last = held.pieces[next(reversed(held.pieces))]
    total = "?" if held.total is None else str(held.total)
    detail = f"{len(held.pieces)} of {total} fragments of an IKE message were captured"
    return Problem(ProblemKind.FRAGMENT_LOST, detail, last.ref)
