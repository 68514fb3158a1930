"""Lines of several logs in the order of cause, where their clocks leave it open.

Two logs that are aligned to one capture agree to a fraction of a millisecond: within it the line of
who received a message may have the earlier time. It is put behind the line of who sent it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref, SourceInfo
from analyzers.session.line_times import NO_TIME, Int64s, rising

_ROUNDS: Final = 32
"""A line that is put later delays those behind it in its log; a chain of more is left as it is."""


class Told(NamedTuple):
    """A message that several logs tell of."""

    refs: tuple[Ref, ...]
    apart_ns: int
    """How well their clocks agree."""


def told_twice(peers: Iterable[PeerView], sources: Sequence[SourceInfo]) -> list[Told]:
    """The messages that more than one log has."""
    logs = {source.id: source for source in sources if source.kind == "log"}
    if len(logs) < 2:
        return []
    found: list[Told] = []
    for peer in peers:
        for message in peer.messages:
            refs = tuple(ref for ref in _places(message) if ref.source in logs)
            of = {ref.source for ref in refs}
            if len(of) > 1:
                found.append(Told(refs, sum(_unsure_ns(logs[source]) for source in of)))
    return found


def _places(message: IkeMessage) -> tuple[Ref, ...]:
    return (message.ref, *message.seen)


def _unsure_ns(source: SourceInfo) -> int:
    return max(source.clock_spread_ns or 0, source.resolution_ns)


def causes_first(
    keys: Int64s, pairs: Sequence[tuple[int, int, int]], logs: Sequence[slice]
) -> Int64s:
    """Keys by which what was received comes behind what was sent; `logs`: the lines of each log.

    Pairs are the places of the line of who sent, of that of who received, and how well their
    clocks agree. The lines of a log keep their order; no pair moves that is farther apart.
    """
    columns = np.array(pairs, np.int64).reshape(-1, 3)
    sent, received, apart_ns = columns.T
    near = (np.abs(keys[sent] - keys[received]) <= apart_ns) & (keys[received] != NO_TIME)
    sent, received = sent[near], received[near]
    latest = keys[received] + apart_ns[near] + 1
    ordered = keys.copy()
    for _ in range(_ROUNDS):
        wanted = np.minimum(ordered[sent] + 1, latest)
        if not (wanted > ordered[received]).any():
            break
        np.maximum.at(ordered, received, wanted)
        for log in logs:
            ordered[log] = rising(ordered[log])
    return ordered
