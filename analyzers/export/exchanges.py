"""Exchanges in words, and which of them are worth a line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from analyzers.export import words
from analyzers.export.formatting import Glyphs, below, counted, duration, message_id, seconds_range
from analyzers.model.exchange import (
    NO_MESSAGE_ID,
    AnswerEvidence,
    Delete,
    Exchange,
    ExchangeKind,
    Lost,
    Outcome,
    Transmission,
)
from analyzers.model.peer import PeerView
from analyzers.model.records import Confidence
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS, seconds

REMARKABLE_SHOWN: Final = 12
"""Exchanges worth seeing without -v: the first ones and the last few."""
LATE_FACTOR: Final = 5
LATE_NS: Final = NS_PER_SECOND
"""An answer is late when it took a second and several times the usual round trip."""
SPIS_SHOWN: Final = 4
ASKED_AGAIN: Final = ", asked again after it"
"""Of an answer that does not seem to have arrived."""
DID_NOT_ARRIVE: Final = "did not arrive"
"""Of a message that its sender's log shows, and that never came."""

_ANSWER: Final = {
    ExchangeKind.DPD: "R-U-THERE-ACK",
    ExchangeKind.LIVENESS: "answer to liveness check",
    ExchangeKind.IOS_KEEPALIVE: "answer to IOS keepalive",
}


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


def half_hidden(peer: PeerView) -> list[Exchange]:
    """Exchanges that a filter hides while it leaves messages of theirs."""
    if peer.unfiltered is None or not peer.messages:
        return []
    kept = {id(exchange) for exchange in peer.exchanges}
    left = {message.ref for message in peer.messages}

    def has_messages(exchange: Exchange) -> bool:
        return any(sent.ref in left for sent in exchange.messages)

    return [x for x in peer.whole.exchanges if id(x) not in kept and has_messages(x)]


def is_remarkable(exchange: Exchange, usual_ns: int | None) -> bool:
    """Whether a question went wrong, was repeated, or met a late answer."""
    if exchange.outcome is not Outcome.ANSWERED or exchange.retries:
        return True
    rtt = exchange.rtt_ns
    return rtt is not None and rtt >= LATE_NS and rtt > LATE_FACTOR * (usual_ns or 0)


def rtt_range(answered: Sequence[Exchange]) -> str:
    """The shortest and the longest round trip: "15 to 28 ms", "up to 1 ms"; empty for none."""
    times = [x.rtt_ns for x in answered if x.rtt_ns is not None]
    if not times:
        return ""
    low, high = duration(min(times)), duration(max(times))
    if not max(times):
        return _below_stamps(answered)
    if not min(times):
        return f"up to {high}"
    if low == high:
        return high
    if low.rpartition(" ")[2] == high.rpartition(" ")[2]:
        low = low.rpartition(" ")[0]
    return f"{low} to {high}"


def became(exchange: Exchange, signs: Glyphs) -> str:
    """What goes behind the outcome: " in 16 ms", ", 3 × every 5.0 s", or as `late_words` has it."""
    if exchange.outcome is Outcome.ANSWERED:
        if exchange.answer is None:
            if exchange.answer_evidence is AnswerEvidence.NEXT_REQUEST:
                return " (the next request proves it)"
            return ""
        if exchange.first_ns < ORDER_LIMIT_NS:
            return ""
        late = late_words(exchange)
        return f" {late}" if late else f" in {round_trip(exchange)}"
    if not exchange.retries:
        return ", asked once"
    unseen = ", the question itself not seen" if exchange.first_missing else ""
    gaps = [later.at_ns - sooner.at_ns for sooner, later in pairwise(exchange.transmissions)]
    if not gaps:
        return f", asked again{unseen}"
    often = f"{len(exchange.transmissions)} {signs.times}"
    if exchange.first_missing:
        often = counted(exchange.retries, "retry", "retries")
    if exchange.first_ns < ORDER_LIMIT_NS or not max(gaps):
        return f", {often} asked{unseen}"
    spacing = seconds_range(seconds(min(gaps)), seconds(max(gaps)))
    return f", {often} every {spacing}{unseen}"


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


def identity_of(exchange: Exchange, message: Transmission) -> str:
    """What names one message of an exchange, as `identity` does the exchange."""
    if exchange.sequence is not None or exchange.kind is ExchangeKind.LIVENESS:
        return identity(exchange)
    # Every message of IKEv1 has a message ID of its own: retries and answers, too.
    number = message.message_id
    return "" if number >= NO_MESSAGE_ID else f"ID {message_id(number)}"


def sent_words(exchange: Exchange, index: int) -> str:
    """One transmission: "R-U-THERE seq 17, retry 2 of 4, unanswered [inferred]"."""
    number = identity_of(exchange, exchange.transmissions[index])
    parts = [f"{words.KIND[exchange.kind]} {number}".rstrip()]
    retry = index + (1 if exchange.first_missing else 0)
    if retry:
        parts.append(f"retry {retry} of {exchange.retries}")
    lost = exchange.transmissions[index].lost
    parts.append(DID_NOT_ARRIVE if lost else words.OUTCOME[exchange.outcome])
    return ", ".join(parts) + bracketed(exchange.confidence)


def answer_words(exchange: Exchange) -> str:
    """The answer: "R-U-THERE-ACK seq 17, after 16 ms"; to a retry as `late_words` has it."""
    number = "" if exchange.answer is None else identity_of(exchange, exchange.answer)
    what = f"{_ANSWER[exchange.kind]} {number}".rstrip()
    late, rtt_ns = late_words(exchange), exchange.rtt_ns
    after = "" if rtt_ns is None else f", {late}" if late else f", after {round_trip(exchange)}"
    return what + after + bracketed(exchange.confidence)


def late_words(exchange: Exchange) -> str:
    """How late the answer to a question came that was repeated; empty for any other.

    A short round trip of the last retry is not all: "8.0 s after the first, 0.69 ms after retry 4".
    """
    answer, rtt_ns = exchange.answer, exchange.rtt_ns
    if answer is None or rtt_ns is None:
        return ""
    asked = sum(sent.at_ns <= answer.at_ns for sent in exchange.transmissions)
    retry = asked - (0 if exchange.first_missing else 1)
    if not retry:
        return ""
    after = f"{round_trip(exchange)} after retry {retry}"
    if asked == 1:
        return f"{after}, the first one not seen"
    first = "the first one seen" if exchange.first_missing else "the first"
    return f"{duration(answer.at_ns - exchange.first_ns)} after {first}, {after}"


def unheard_answer_words(exchange: Exchange, unheard: Transmission) -> str:
    """An answer after which the question came again: "answer to liveness check ID 3, asked again
    after it"."""
    return f"{_ANSWER[exchange.kind]} {identity_of(exchange, unheard)}".rstrip() + ASKED_AGAIN


def unheard(exchange: Exchange) -> str:
    """That answers do not seem to arrive; empty where nothing tells so."""
    often = len(exchange.unheard_answers)
    if not often:
        return ""
    do = "does" if often == 1 else "do"
    return f"{counted(often, 'answer')} {do} not seem to have arrived: it was asked again"


def lost_answer_words(exchange: Exchange, lost: Transmission) -> str:
    """An answer that its sender logged: "R-U-THERE-ACK seq 17, did not arrive"."""
    what = f"{_ANSWER[exchange.kind]} {identity_of(exchange, lost)}".rstrip()
    return f"{what}, {DID_NOT_ARRIVE}"


def lost_delete_words(delete: Delete) -> str:
    """A Delete that its sender logged: "Delete of the IKE SA, did not arrive"."""
    return f"{delete_words(delete)}, {DID_NOT_ARRIVE}"


def answers_sent(exchange: Exchange) -> str:
    """How many answers did not arrive: "3 answers in its log"."""
    known = "captured near it" if exchange.by_capture else "in its log"
    if exchange.lost is Lost.UNREAD:
        known = "captured, not read"
    if exchange.answer is not None:
        known = "that did not arrive"
    return f"{counted(len(exchange.lost_answers), 'answer')} {known}"


def delete_words(delete: Delete) -> str:
    """A Delete: "Delete of ESP SA c1a2b3d4, after the verdict [inferred]"."""
    spis = ", ".join(delete.spis[:SPIS_SHOWN])
    more = f" and {len(delete.spis) - SPIS_SHOWN} more" if len(delete.spis) > SPIS_SHOWN else ""
    what = f"Delete of {words.DELETE_OF[delete.protocol]} {spis}{more}".rstrip()
    return f"{what}{', ' if delete.reason else ''}{delete.reason}{bracketed(delete.confidence)}"


def delete_answer_words(delete: Delete) -> str:
    """Its answer: "answer to Delete, after 0.4 ms"."""
    took = delete_round_trip(delete)
    return f"answer to Delete{f', after {took}' if took else ''}"


def delete_outcome(delete: Delete) -> str:
    """What became of a Delete: "answered in 0.4 ms"; empty where none is to come."""
    if delete.answered is None:
        return ""
    took = delete_round_trip(delete)
    return f"answered{f' in {took}' if took else ''}" if delete.answered else "no answer seen"


def delete_round_trip(delete: Delete) -> str:
    """How long its answer took; empty where that is not known."""
    if delete.rtt_ns is None or delete.answer is None:
        return ""
    whole = not (delete.at_ns % NS_PER_SECOND or delete.answer.at_ns % NS_PER_SECOND)
    return duration(delete.rtt_ns) if delete.rtt_ns else below(NS_PER_SECOND if whole else 1)


def bracketed(confidence: Confidence) -> str:
    """What to append to a brief statement: nothing when certain, else " [inferred]"."""
    return "" if confidence is Confidence.CERTAIN else f" [{words.CONFIDENCE[confidence]}]"


def round_trip(exchange: Exchange) -> str:
    """How long the answer took; of one whose stamp is that of its question: below their unit."""
    return duration(exchange.rtt_ns) if exchange.rtt_ns else _below_stamps([exchange])


def median_round_trip(peer: PeerView) -> str:
    """The median of all round trips; empty where none is known."""
    if peer.rtt_ns is None:
        return ""
    return duration(peer.rtt_ns) if peer.rtt_ns else _below_stamps(peer.whole.exchanges)


def _below_stamps(exchanges: Sequence[Exchange]) -> str:
    """Less than the stamps of their messages can tell."""
    whole = all(m.at_ns % NS_PER_SECOND == 0 for x in exchanges for m in x.messages)
    return below(NS_PER_SECOND if whole else 1)
