"""Why it was silent, in words, as far as the logs of the ends tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from analyzers.export import words
from analyzers.export.exchanges import unheard
from analyzers.export.formatting import counted
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Exchange
from analyzers.model.peer import Hint, HintKind, PeerView
from analyzers.model.sa import EspFlow, IkeSa, SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.rules.causes import covers_all, ended_log, refusal_before, refusal_behind, refusals
from analyzers.rules.state.hints import AROUND_NS

# What silences an end comes with its last sign of life.
_BEFORE_NS: Final = 2 * NS_PER_SECOND
_IN_SHORT: Final = {
    HintKind.NOT_SENT: "could not send",
    HintKind.MOVED: "saw its peer move",
    HintKind.STARTED: "started anew",
}
"""In the order of what says most."""


def reasons(peer: PeerView, hole: BlackHole) -> list[Hint]:
    """What the log of an end says of itself that makes a black hole."""
    begun_ns = hole.first_exposed_ns if hole.last_proof_ns is None else hole.last_proof_ns
    until_ns = max(hole.stop_ns, hole.recovered_ns or 0)
    return [
        hint
        for hint in peer.hints
        if hint.kind in _IN_SHORT
        and hint.at_ns <= until_ns
        and (begun_ns or hole.stop_ns) - _BEFORE_NS <= hint.last_ns
    ]


def reason_phrase(hint: Hint, name: Callable[[str], str] = str) -> str:
    """Such a hint in words."""
    why = hint.reason and f" ({hint.reason})"
    if hint.kind is HintKind.STARTED:
        return f"{name(hint.sender)} started anew, as its log says"
    if hint.kind is HintKind.MOVED:
        return f"{name(hint.sender)} sees its peer come from elsewhere, as its log says{why}"
    often = f", {counted(hint.times, 'time')}" if hint.times > 1 else ""
    return f"{name(hint.sender)} could not send{often}, as its log says{why}"


def hint_words(hint: Hint) -> str:
    """What a hint says, and how often; the reason comes last."""
    if hint.times == 1:
        return hint.text
    reason = f": {hint.reason}" if hint.reason and hint.text.endswith(f": {hint.reason}") else ""
    return f"{hint.text.removesuffix(reason)}, {counted(hint.times, 'time')}{reason}"


def reason_in_short(peers: Sequence[tuple[PeerView, BlackHole]]) -> str:
    """The reason that all black holes have, or how many have one; empty where none has.

    One of each: that an end could not send says more than that one started.
    """
    told = []
    for peer, hole in peers:
        found = sorted(reasons(peer, hole), key=lambda hint: list(_IN_SHORT).index(hint.kind))
        if found:
            told.append(f"{_which_end(peer, found[0])} {_IN_SHORT[found[0].kind]}")
    if not told:
        return ""
    first = told[0]
    if len(told) == len(peers) and len(set(told)) == 1:
        return first
    return f"{first} in {told.count(first):,} of {len(peers):,}"


def restart_in_short(peers: Sequence[PeerView]) -> str:
    """Whose start cost an IKE SA, by its own log; empty where none did."""
    ends = [_which_end(peer, hint) for peer in peers if (hint := _restart(peer)) is not None]
    if not ends:
        return ""
    first = min(ends)
    often = "" if len(peers) == 1 else f" in {ends.count(first):,} of {len(peers):,}"
    return f"{first} started anew{often}"


def _restart(peer: PeerView) -> Hint | None:
    """The last start of an end that had an IKE SA then."""
    starts = (hint for hint in reversed(peer.hints) if hint.kind is HintKind.STARTED)
    return next((s for s in starts if any(_had(sa, s) for sa in peer.whole.ike_sas)), None)


def _had(sa: IkeSa, start: Hint) -> bool:
    """Whether an IKE SA was up when a device started, or its peer had just been given up."""
    if sa.established_ns is None or sa.established_ns >= start.at_ns:
        return False
    over_ns = start.at_ns if sa.ended_ns is None else sa.ended_ns
    slack_ns = AROUND_NS if sa.end is SaEnd.DEAD_PEER else 0
    return over_ns + slack_ns >= start.at_ns


def _which_end(peer: PeerView, hint: Hint) -> str:
    """Who says a hint, as a verdict on the other end calls it."""
    return "this end" if hint.sender == peer.local else "the other end"


def where_lost(peer: PeerView, exchange: Exchange, name: Callable[[str], str] = str) -> str:
    """Where a question or its answer was lost; empty where nothing tells, or nothing was.

    `name` shows an address.
    """
    spells = refusals(peer)
    if exchange.lost is None:
        return _lost_before(spells, exchange) or unheard(exchange)
    refused = refusal_behind(spells, exchange)
    if refused is None:
        ends = name(exchange.prober), name(exchange.responder)
        return words.lost(exchange.lost, *ends, by_capture=exchange.by_capture)
    if refused.sender == exchange.responder:
        return "the answer did not leave its end: its own system refused to send"
    left = "did not leave" if covers_all(refused, exchange) else "need not have left"
    return f"the question {left} its end: its own system refused to send"


def _lost_before(spells: Sequence[Hint], exchange: Exchange) -> str:
    """Of an answered question what went before the transmission that arrived."""
    lost = sum(sent.lost for sent in exchange.transmissions)
    if not lost:
        return ""
    whole = len(exchange.transmissions)
    if refusal_before(spells, exchange) is not None:
        return f"{lost} of {whole} did not leave their end: its own system refused to send"
    where = "capture near" if exchange.by_capture else "log of"
    return f"{lost} of {whole} lost on the way there: not in the {where} the other end"


def silent_log(
    peer: PeerView,
    hole: BlackHole,
    run: Exchange | None,
    at: Callable[[int], str],
    name: Callable[[str], str] = str,
) -> str:
    """That the log of the end that was asked says nothing then; empty where it does, or is not
    there. `run` is what was asked in the black hole; `at` shows a time."""
    if run is None or run.lost is not None:
        return ""
    log = ended_log(peer, hole.receiver, run.last_ns)
    if log is None:
        return ""
    nothing = f"the log of {name(hole.receiver)} shows nothing after {at(log.end_ns)}"
    return f"{nothing}: no question reached it, or the log was cut (inferred)"


def has_log(peer: PeerView, address: str) -> bool:
    """Whether a log of the device with this address is among the inputs."""
    return any(log.address == address for log in peer.logged)


def broken_where(
    peer: PeerView, hole: BlackHole, run: Exchange | None, name: Callable[[str], str] = str
) -> str:
    """Which way failed, as far as one end can tell; empty where a log tells more.

    `run` is what was asked in the black hole. Each ESP packet of an SA has a number (RFC 4303
    section 2.2): what the other end sent meanwhile is missing when it comes back.
    """
    if not hole.traffic_known or not hole.max_packets or reasons(peer, hole):
        return ""
    lost = words.lost_between(hole, name(hole.receiver))
    if lost:
        return lost
    if hole.counted_anew_ns is not None:
        return ""
    if run is not None and run.lost is not None:
        return ""
    end = name(hole.receiver)
    back = _flows_that_came_back(peer, hole)
    if back and not any(flow.missing_sequences for flow in back):
        return (
            f"{end} sent no ESP meanwhile, none of its numbers is missing: nothing reached it, or"
            " it did not answer (inferred)"
        )
    if has_log(peer, hole.receiver):
        return ""
    return "lost on the way there or back: one end alone cannot tell"


def _flows_that_came_back(peer: PeerView, hole: BlackHole) -> list[EspFlow]:
    """ESP of the silent end on SAs that it used before and after."""
    if hole.last_proof_ns is None or hole.recovered_ns is None:
        return []
    return [
        flow
        for flow in peer.whole.esp_flows
        if flow.sender == hole.receiver
        and (not hole.spis or flow.spi in hole.spis)
        and flow.first_ns <= hole.last_proof_ns
        and flow.last_ns >= hole.recovered_ns
    ]
