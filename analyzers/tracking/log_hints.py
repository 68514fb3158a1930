"""Hints: what a log says beside messages and verdicts, and ICMP errors; those in a row as one."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import EXCHANGE_NAMES, MessageKind
from analyzers.model.peer import Hint, HintKind
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.tracks import PeerTrack

_MAX_HINTS: Final = 200
_TEXTS: Final = {
    LogEventKind.STARTED: "it started anew, as its log says",
    LogEventKind.NOT_SENT: "it could not send",
    LogEventKind.MOVED: "its peer comes from elsewhere",
    LogEventKind.INVALID_SPI: "ESP for an SPI it does not have: the peer uses a removed SA",
    LogEventKind.GAVE_UP: "retransmissions exhausted, of no liveness question that the log shows",
    LogEventKind.PEER_DEAD: "its log says that it gave the peer up",
    LogEventKind.IKE_SA_DOWN: "IKE SA removed",
    LogEventKind.CHILD_SA_UP: "Child SA set up",
    LogEventKind.CHILD_SA_DOWN: "Child SA removed",
}
_NAMES: Final = {**EXCHANGE_NAMES, MessageKind.DELETE: "Delete"}
_IN_ITS_WORDS: Final = frozenset({LogEventKind.HINT, LogEventKind.UNKNOWN_IKE_SA})
_KINDS: Final = {
    LogEventKind.STARTED: HintKind.STARTED,
    LogEventKind.NOT_SENT: HintKind.NOT_SENT,
    LogEventKind.INVALID_SPI: HintKind.UNKNOWN_SPI,
    LogEventKind.UNKNOWN_IKE_SA: HintKind.UNKNOWN_IKE_SA,
    LogEventKind.PEER_DEAD: HintKind.PEER_DEAD,
    LogEventKind.GAVE_UP: HintKind.GAVE_UP,
    LogEventKind.MOVED: HintKind.MOVED,
}
_IN_A_ROW: Final = frozenset({HintKind.NOT_SENT, HintKind.ICMP, HintKind.REFUSED})
_PHASE_1: Final = frozenset({MessageKind.MAIN_MODE, MessageKind.AGGRESSIVE})
_IN_CLEAR: Final = _PHASE_1 | {MessageKind.SA_INIT}
"""What is refused before anything protects the refusal."""
_BY_NAME: Final = {"AUTHENTICATION_FAILED": "IKE_AUTH", "INVALID-ID-INFORMATION": "Quick Mode"}
# A device notices only when it sends. What it sends when nobody answers is 42 s apart at most
# (charon's last retransmission; DPD intervals are shorter as a rule): after a longer pause
# nothing tells that its system refused all the time, and it counts as another spell.
_SPELL_NS: Final = 60 * NS_PER_SECOND


def note_hint(peer: PeerTrack, event: LogEvent, sender: str) -> None:
    """Add what `sender` did or says by a log to a peer; what comes in a row is one hint."""
    hint = _hint_of(event, sender)
    if hint is not None:
        add_hint(peer, hint)


def add_hint(peer: PeerTrack, hint: Hint) -> None:
    """Add a hint to a peer; those that come again and again are one."""
    if hint.kind in _IN_A_ROW and _lengthens(peer.hints, hint):
        return
    if len(peer.hints) < _MAX_HINTS:
        peer.hints.append(hint)


def _hint_of(event: LogEvent, sender: str) -> Hint | None:
    if event.refusal or event.kind is LogEventKind.REFUSED:
        return _refusal_of(event, sender)
    text = event.reason if event.kind in _IN_ITS_WORDS else _TEXTS.get(event.kind)
    if event.kind is LogEventKind.GAVE_UP and event.message in _NAMES:
        text = f"retransmissions exhausted: {_NAMES[event.message]}"
    if text is None:
        return None
    spis = f" (SPI {', '.join(event.spis)})" if event.spis else ""
    reason = f": {event.reason}" if event.reason and event.reason not in text else ""
    kind = _KINDS.get(event.kind, HintKind.REMARK)
    said = f"{text}{spis}{reason}"
    return Hint(event.at_ns or 0, sender, said, event.ref, kind=kind, reason=event.reason)


def _refusal_of(event: LogEvent, sender: str) -> Hint:
    """That `sender` refused to set up an SA, by its own log or that of its peer."""
    refused, why = _refused(event), event.refusal or event.reason
    return Hint(
        event.at_ns or 0,
        sender,
        f"it refused {refused}: {why}",
        event.ref,
        unprotected=not event.sent and event.message in _IN_CLEAR,
        kind=HintKind.REFUSED,
        reason=why,
        refused=refused,
    )


def _refused(event: LogEvent) -> str:
    """What a refusal is of; in IKE_AUTH all but one are of the Child SA (RFC 7296 section 1.2)."""
    kind, name = event.message, event.refusal
    if name in _BY_NAME:
        return _BY_NAME[name]
    if kind in (MessageKind.AUTH, MessageKind.CREATE_CHILD) or name == "TS_UNACCEPTABLE":
        return "a Child SA"
    if kind in _PHASE_1:
        return "phase 1"
    return "an SA" if kind is None else EXCHANGE_NAMES.get(kind, "an SA")


def _lengthens(hints: list[Hint], hint: Hint) -> bool:
    """Whether it goes on with the spell of such hints that the same sender gave last."""
    said = hint.kind, hint.sender, hint.text, hint.ref.source
    for place in range(len(hints) - 1, -1, -1):
        known = hints[place]
        if (known.kind, known.sender, known.text, known.ref.source) != said:
            continue
        if hint.at_ns - known.last_ns > _SPELL_NS:
            return False
        until_ns = max(known.last_ns, hint.at_ns)
        hints[place] = replace(known, times=known.times + 1, until_ns=until_ns)
        return True
    return False
