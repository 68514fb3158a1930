"""Exchanges in words, and which of them are worth a line."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from analyzers.export.formatting import Glyphs, counted, duration, message_id, seconds_range
from analyzers.model.exchange import (
    NO_MESSAGE_ID,
    AnswerEvidence,
    Exchange,
    ExchangeKind,
    Outcome,
)
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_SECOND, seconds

REMARKABLE_SHOWN: Final = 12
"""Exchanges worth seeing without -v: the first ones and the last few."""
LATE_FACTOR: Final = 5
LATE_NS: Final = NS_PER_SECOND
"""An answer is late when it took a second and several times the usual round trip."""


def worth_showing(peer: PeerView) -> set[int]:
    """Indices of exchanges worth a line: trouble, and each side's first and last good one."""
    everything = peer.exchanges
    remarkable = [i for i, x in enumerate(everything) if is_remarkable(x, peer.rtt_ns)]
    if len(remarkable) > REMARKABLE_SHOWN:
        remarkable = remarkable[: REMARKABLE_SHOWN - 4] + remarkable[-4:]
    shown = set(remarkable)
    for prober in {x.prober for x in everything}:
        good = [
            i
            for i, x in enumerate(everything)
            if x.prober == prober and x.outcome is Outcome.ANSWERED
        ]
        if good:
            shown |= {good[0], good[-1]}
    # A fold line for a single exchange saves nothing.
    edges = sorted({-1, len(everything)} | shown)
    lone = {left + 1 for left, right in pairwise(edges) if right == left + 2}
    return shown | lone


def is_remarkable(exchange: Exchange, usual_ns: int | None) -> bool:
    """Whether a question went wrong, was repeated, or met a late answer."""
    if exchange.outcome is not Outcome.ANSWERED or exchange.retries:
        return True
    rtt = exchange.rtt_ns
    return rtt is not None and rtt >= LATE_NS and rtt > LATE_FACTOR * (usual_ns or 0)


def rtt_range(low_ns: int, high_ns: int) -> str:
    """A pair of round trips: "15 to 28 ms"."""
    low, high = duration(low_ns), duration(high_ns)
    if low == high:
        return high
    if low.rpartition(" ")[2] == high.rpartition(" ")[2]:
        low = low.rpartition(" ")[0]
    return f"{low} to {high}"


def became(exchange: Exchange, signs: Glyphs) -> str:
    """What goes behind the outcome: " in 16 ms", ", 3 × every 5.0 s"."""
    if exchange.outcome is Outcome.ANSWERED:
        if exchange.answer is None:
            if exchange.answer_evidence is AnswerEvidence.NEXT_REQUEST:
                return " (the next request proves it)"
            return ""
        text = f" in {duration(exchange.rtt_ns or 0)}"
        if exchange.retries:
            waited = duration(exchange.last_ns - exchange.first_ns)
            text += f" after {counted(exchange.retries, 'retry', 'retries')}, {waited}"
        return text
    if not exchange.retries:
        return ", asked once"
    gaps = [later.at_ns - sooner.at_ns for sooner, later in pairwise(exchange.transmissions)]
    spacing = seconds_range(seconds(min(gaps)), seconds(max(gaps)))
    return f", {len(exchange.transmissions)} {signs.times} every {spacing}"


def identity(exchange: Exchange) -> str:
    """What names an exchange: its sequence number, else the message ID of its first message."""
    if exchange.sequence is not None:
        return f"seq {exchange.sequence}"
    number = exchange.transmissions[0].message_id
    if number >= NO_MESSAGE_ID:
        return ""
    # IKEv2 counts its requests, IKEv1 draws message IDs at random.
    if exchange.kind is ExchangeKind.LIVENESS:
        return f"ID {number}"
    return f"ID {message_id(number)}"
