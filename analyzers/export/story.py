"""Black holes as stories: the moments in their order, each with how it is known."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from analyzers.export import words
from analyzers.export.causes import broken_where, has_log, reason_phrase, reasons, silent_log
from analyzers.export.formatting import (
    byte_count,
    count_range,
    counted,
    duration,
    lasted,
    seconds_range,
)
from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Exchange, Lost, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.records import Basis
from analyzers.model.time import NS_PER_SECOND, seconds

GROWING: Final = 1.1
"""Retries that differ by more are told by their bounds, not by their mean."""


class Moment(NamedTuple):
    """Something that happened in a black hole, in words."""

    at_ns: int
    text: str


NOTHING_BACK: Final = "nothing came back"
"""Of packets that were sent: all that can be said where they arrived."""
SENT_FOR_NOTHING: Final = f"sent, {NOTHING_BACK}"
"""What stands behind the number of such packets."""
IN_VAIN: Final = "in vain"
"""Of packets that were sent: lost there, or answered by what was lost. One end cannot tell."""
POSSIBLY: Final = f"may be {IN_VAIN}"


def bounds_of(
    hole: BlackHole, arriving: Container[str] = (), *, ongoing: bool = False
) -> list[str]:
    """How long it lasted, what went into it, and whether it goes on.

    `arriving`: the ids of that name. `ongoing`: the input goes on, too.
    """
    if hole.max_seconds <= 0:
        return ["nothing was sent into it"]
    bounds = lasted([hole])
    if not hole.traffic_known:
        return [bounds, words.untold(hole)]
    packets = count_range(hole.min_packets, hole.max_packets, "packet")
    size = byte_count(hole.max_bytes)
    sized = size if hole.min_packets == hole.max_packets else f"up to {size}"
    if hole.id in arriving:
        packets += " sent"
    parts = [bounds, f"{packets} ({sized})" if hole.bytes_known else packets]
    if hole.id in arriving:
        parts.append(NOTHING_BACK)
    if words.is_censored(hole):
        parts.append(
            "going on" if ongoing else f"going on when the {words.end_of_input(hole)} ends"
        )
    return parts


def moments(
    peer: PeerView, hole: BlackHole, name: Callable[[str], str] = str, *, ongoing: bool = False
) -> Sequence[Moment]:
    """The story in time order; the order of telling breaks ties. `name` shows an address.

    `ongoing`: more is to come.
    """
    sender, receiver = name(hole.sender), name(hole.receiver)
    found: list[Moment] = []

    def tell(at_ns: int | None, text: str) -> None:
        if at_ns is not None:
            found.append(Moment(at_ns, text))

    by_esp = hole.black_hole_class is BlackHoleClass.DATA_PLANE or _asks_itself(peer, hole)
    esp = "ESP" if hole.counted_anew_ns is None else "fresh ESP"
    proof = f"{esp} packet" if by_esp else "proof"
    tell(hole.last_proof_ns, f"last {proof} from {receiver}")
    if hole.max_seconds > 0:
        loss = "nothing comes back" if hole.id in arriving(peer) else f"it {_possibly(hole)}"
        one = hole.traffic_known and hole.max_packets == 1
        sends = "sends one packet more;" if one else "keeps sending; from here on"
        tell(hole.first_exposed_ns, f"{sender} {sends} {loss}")
    if hole.black_hole_class is BlackHoleClass.DATA_PLANE:
        meanwhile = _answered_meanwhile(peer, hole)
        if meanwhile:
            kind = words.KIND[meanwhile[0].kind]
            back = hole.recovered_ns is not None
            silent = "while ESP stayed silent" if hole.counted_anew_ns is None else "meanwhile"
            until = "before ESP came back" if back else silent
            more = f", and {len(meanwhile) - 1} more {until}"
            first = meanwhile[0]
            late = first.answer if first.retries else None
            told_ns = first.first_ns if late is None else late.at_ns
            tell(told_ns, f"{kind} answered{more if len(meanwhile) > 1 else ''}")
    # Who answers, or asks, is in no doubt: what is missing is what goes through the tunnel.
    silent = f"no {esp}" if by_esp else "questionable: silent"
    tell(hole.questionable_ns, f"{silent} for longer than usual")
    anew = f"ESP of {receiver} counts from 1 again: dropped where replay is checked"
    tell(hole.counted_anew_ns, anew)
    # What had been going on is told where the story begins, not before it.
    begun_ns = hole.begin_ns if hole.last_proof_ns is None else hole.last_proof_ns
    for hint in reasons(peer, hole):
        earlier_ns = begun_ns - hint.at_ns
        since = f", since {duration(earlier_ns)} before" if earlier_ns > 0 else ""
        tell(max(hint.at_ns, begun_ns), reason_phrase(hint, name) + since)
    run = exchange_of(peer, hole)
    tell(hole.first_probe_ns, _probe_text(hole, run))
    tell(hole.removed_ns, f"{receiver} removed the SA, as its log says: what is sent is lost")
    tell(hole.dead_ns, words.verdict_phrase(hole, run))
    stopped = words.stop(hole, ongoing=ongoing)
    if stopped:
        tell(hole.stop_ns, stopped)
    if hole.recovered_ns != hole.stop_ns:
        tell(hole.recovered_ns, f"{receiver} reached again")
    return sorted(found, key=lambda moment: moment.at_ns)


def _possibly(hole: BlackHole) -> str:
    """What becomes of what is sent, from its first packet on."""
    surely = hole.removed_ns is not None and hole.removed_ns <= hole.begin_ns
    return "is in vain" if surely else POSSIBLY


def _asks_itself(peer: PeerView, hole: BlackHole) -> bool:
    """Whether the receiver asks by itself in a black hole: it lives, and gets nothing."""
    begun_ns = hole.last_proof_ns
    return begun_ns is not None and any(
        x.prober != hole.sender and begun_ns < x.first_ns < hole.stop_ns
        for x in peer.whole.exchanges
        if x.lost is not Lost.REQUEST and x.basis is not Basis.LOG
    )


def remarks(
    peer: PeerView,
    hole: BlackHole,
    at: Callable[[int], str],
    name: Callable[[str], str] = str,
    *,
    ongoing: bool = False,
) -> Sequence[str]:
    """What is to be said of a black hole beside its moments; `at` shows a time."""
    told = []
    if hole.recovered_ns is None and hole.traffic_known and not ongoing:
        data_plane = hole.black_hole_class is BlackHoleClass.DATA_PLANE
        by_esp = data_plane or _asks_itself(peer, hole)
        esp = "ESP" if hole.counted_anew_ns is None else "fresh ESP"
        what = f"{esp} from {name(hole.receiver)}" if by_esp else "proof of life"
        again_ns = None if data_plane else _heard_again_ns(peer, hole)
        if again_ns is None:
            told.append(f"no {what} after it in this input")
        else:
            told.append(f"{name(hole.receiver)} is heard again at {at(again_ns)}")
    if not hole.begin_known and not has_log(peer, hole.receiver):
        told.append("when the peer went, the log does not tell: some time before it was asked")
    if hole.begun_before and hole.traffic_known:
        told.append("it had begun before the input: how long ago, and what was lost, is not in it")
    if hole.is_counted and hole.last_proof_ns is None:
        told.append("nothing may have come before the first output either: it may be older")
    run = exchange_of(peer, hole)
    silent = silent_log(peer, hole, run, at, name)
    way = silent or broken_where(peer, hole, run, name)
    return [*told, way] if way else told


def _heard_again_ns(peer: PeerView, hole: BlackHole) -> int | None:
    """When the receiver of a black hole first proves after it that it lives, on whatever SA."""
    heard = [] if hole.heard_again_ns is None else [hole.heard_again_ns]
    heard += (
        message.at_ns
        for message in peer.whole.messages
        if message.src == hole.receiver and message.encrypted and message.at_ns > hole.stop_ns
    )
    return min(heard, default=None)


def _answered_meanwhile(peer: PeerView, hole: BlackHole) -> list[Exchange]:
    start_ns = hole.stop_ns - round(hole.max_seconds * NS_PER_SECOND)
    return [
        x
        for x in peer.whole.exchanges
        if x.outcome is Outcome.ANSWERED and start_ns <= x.first_ns <= hole.stop_ns
    ]


def exchange_of(peer: PeerView, hole: BlackHole) -> Exchange | None:
    """The exchange that ran out inside a black hole: the unanswered one nearest its verdict."""
    mine = [
        x
        for x in peer.whole.exchanges
        if x.prober == hole.sender
        and x.outcome is not Outcome.ANSWERED
        and hole.first_probe_ns is not None
        and x.last_ns >= hole.first_probe_ns
        and x.first_ns <= (hole.dead_ns if hole.dead_ns is not None else hole.stop_ns)
    ]
    return mine[-1] if mine else None


def arriving(peer: PeerView) -> frozenset[str]:
    """Ids of the black holes in which the other end got what was sent, or got and answered
    questions, as its log or a capture near it shows.

    Then what is lost is lost on the way back; of what was sent there nobody can say that.
    """
    came = {h.id for h in peer.black_holes if h.max_packets and h.lost_there == 0}
    if not peer.black_holes or not any(x.answered_in_vain for x in peer.whole.exchanges):
        return frozenset(came)
    runs = ((hole, exchange_of(peer, hole)) for hole in peer.black_holes)
    return frozenset(came | {hole.id for hole, run in runs if run and run.answered_in_vain})


def broken_way(hole: BlackHole, arriving: Container[str]) -> tuple[str, str]:
    """From whom to whom nothing comes: of what arrives, but is not answered, the way back."""
    if hole.id in arriving:
        return hole.receiver, hole.sender
    return hole.sender, hole.receiver


def fate_of(hole: BlackHole, arriving: Container[str]) -> str:
    """What is to be said behind the packets of one, with a blank before it; empty: no more."""
    return f" {SENT_FOR_NOTHING}" if hole.id in arriving else ""


def packets_of(peer: PeerView) -> str:
    """The packets of all black holes of a peer, with their fate where it is one; may be empty."""
    holes, there = peer.black_holes, arriving(peer)
    packets = words.packets_lost(holes)
    if not packets:
        return words.packets_counted(holes)
    known = (hole for hole in holes if hole.traffic_known)
    return f"{packets} {SENT_FOR_NOTHING}" if all(h.id in there for h in known) else packets


def certainly_in_vain_s(hole: BlackHole, arriving: Container[str]) -> float:
    """Seconds at the end of a black hole in which all that was sent was in vain."""
    return 0.0 if hole.id in arriving else hole.min_seconds


def _probe_text(hole: BlackHole, run: Exchange | None) -> str:
    if run is None or run.outcome is Outcome.ANSWERED:
        return "first probe"
    asked = words.KIND[run.kind]
    # The peer may have been heard while it was asked: the silence begins amid the question.
    times = [sent.at_ns for sent in run.transmissions]
    before = sum(at_ns < (hole.first_probe_ns or 0) for at_ns in times)
    again = run.first_missing or before
    text = f"{asked} again, no answer" if again else f"first {asked}, no answer"
    times = times[before:]
    retries = run.retries - before
    if retries:
        gaps = [seconds(later - sooner) for sooner, later in pairwise(times)]
        more = "more " * bool(before)
        text += f"; {counted(retries, f'{more}retry', f'{more}retries')}"
        if len(gaps) == 1:
            text += f" after {duration(times[-1] - times[0])}"
        elif gaps and max(gaps) > GROWING * min(gaps):
            text += f", {seconds_range(min(gaps), max(gaps))} apart"
        elif gaps:
            text += f" every {duration((times[-1] - times[0]) // len(gaps))}"
    if before:
        text += f"; first asked {duration(times[0] - run.first_ns)} before"
    return f"{text}; the question itself not seen" if run.first_missing else text


def class_named(hole: BlackHole) -> str:
    """The class of a black hole and how sure it is."""
    mark = words.confidence_mark(hole.class_confidence)
    return f"{words.CLASS[hole.black_hole_class]}{mark}"
