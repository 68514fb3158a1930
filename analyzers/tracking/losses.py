"""Where questions and answers were lost, as far as an input at the device that was asked tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.exchange import Exchange, ExchangeKind, Lost, Transmission
from analyzers.model.peer import HintKind
from analyzers.model.records import Basis
from analyzers.tracking.logs import LogTracker
from analyzers.tracking.silence import Silence
from analyzers.tracking.tracks import ExchangeTrack
from analyzers.tracking.witnesses import Watched

# Transmissions that are less than so many of its units apart are one to a log.
_STAMPS_APART: Final = 2


def place_of_loss(
    logs: LogTracker, track: ExchangeTrack, sent: Sequence[Transmission], *, watched: bool
) -> Lost | None:
    """Where a question without an answer was lost; None where nothing tells.

    `watched`: a capture near the device that was asked shows all of its time.
    """
    if track.unread:
        return Lost.UNREAD
    if track.replies:
        return Lost.TOO_LATE if track.is_given_up(track.replies[0].at_ns) else Lost.ANSWER
    if not (watched or _would_show(logs, track, sent[0].at_ns, sent[-1].at_ns)):
        return None
    arrived = track.arrived or any(each.arrived for each in sent)
    return Lost.NEVER_ANSWERED if arrived else Lost.REQUEST


def is_watched(
    watched: Iterable[Watched], track: ExchangeTrack, sent: Sequence[Transmission]
) -> bool:
    """Whether a capture near the device that was asked shows all of the time of a question."""
    peer = track.sa.peer
    return any(
        w.first_ns <= sent[0].at_ns
        and sent[-1].at_ns <= w.last_ns
        and (w.src, w.dst) == (peer.address(track.side), peer.address(1 - track.side))
        for w in watched
    )


def is_logged(logs: LogTracker, track: ExchangeTrack, sent: Sequence[Transmission]) -> bool:
    """Whether the log of that device does."""
    responder = track.sa.peer.address(1 - track.side)
    return logs.covers(responder, sent[0].at_ns, sent[-1].at_ns)


def with_losses(
    logs: LogTracker, track: ExchangeTrack, sent: tuple[Transmission, ...]
) -> tuple[Transmission, ...]:
    """The transmissions of a question; those that did not arrive while another one did say so.

    A log that shows one of them shows every one that came: in IKEv1 each is a message of its own.
    In IKEv2 what comes after the first is that message again, of which a log may say nothing.
    """
    if not logs.reaches:
        return sent
    arrived = [number for number, each in enumerate(sent) if each.arrived]
    if not arrived or track.unpaired:
        return sent
    sure = len(sent) if track.kind is ExchangeKind.DPD else arrived[0]
    apart_ns = _STAMPS_APART * _resolution_ns(logs, track)

    def is_lost(number: int) -> bool:
        at_ns = sent[number].at_ns
        # A coarse stamp may be that of the one beside it.
        alone = all(abs(sent[other].at_ns - at_ns) >= apart_ns for other in arrived)
        return alone and number < sure and _would_show(logs, track, at_ns, at_ns)

    return tuple(
        replace(each, lost=True) if not each.arrived and is_lost(number) else each
        for number, each in enumerate(sent)
    )


def since_proof_ns(track: ExchangeTrack, silence: Silence) -> int | None:
    """How long the other end had been silent before a question, as far as that is known.

    Who asks on while a capture, which has none of it, has the other end's traffic, is cut off from
    where that was captured: when it heard the last of it nobody can tell. `silence`: that of the
    other end in the end.
    """
    since_ns = track.since_proof_ns
    if track.basis is not Basis.LOG or since_ns is None:
        return since_ns
    if track.heard_before:
        return None
    # A log that goes on behind a capture: ESP may have been the last that came.
    is_later = track.first_ns - since_ns < silence.last_proof_ns <= track.first_ns
    return track.first_ns - silence.last_proof_ns if is_later else since_ns


def without_lost_proofs(exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
    """The questions of a peer; what is known not to have arrived ends no silence before one."""
    lost_ns = {sent.at_ns for x in exchanges if x.lost is Lost.REQUEST for sent in x.transmissions}
    if not lost_ns:
        return tuple(exchanges)
    return tuple(
        replace(x, since_proof_ns=None)
        if x.since_proof_ns is not None and x.first_ns - x.since_proof_ns in lost_ns
        else x
        for x in exchanges
    )


def _resolution_ns(logs: LogTracker, track: ExchangeTrack) -> int:
    """Of the stamps of the device that was asked."""
    responder = track.sa.peer.address(1 - track.side)
    return max((r.resolution_ns for r in logs.reaches if r.address == responder), default=1)


def _would_show(logs: LogTracker, track: ExchangeTrack, first_ns: int, last_ns: int) -> bool:
    """Whether the log of the asked device shows a time, and the device knew the SA then."""
    peer = track.sa.peer
    responder = peer.address(1 - track.side)
    if not logs.covers(responder, first_ns, last_ns):
        return False
    # Devices say nothing of messages for SAs that they do not know.
    return not any(
        hint.sender == responder
        and hint.kind is HintKind.STARTED
        and track.sa.first_ns <= hint.at_ns <= last_ns
        for hint in peer.hints
    )
