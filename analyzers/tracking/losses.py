"""Where questions and answers were lost, as far as the log of the device that was asked tells."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from analyzers.model.exchange import ExchangeKind, Lost, Transmission
from analyzers.model.peer import HintKind
from analyzers.tracking.logs import LogTracker
from analyzers.tracking.tracks import ExchangeTrack


def place_of_loss(
    logs: LogTracker, track: ExchangeTrack, sent: Sequence[Transmission]
) -> Lost | None:
    """Where a question without an answer was lost; None where nothing tells."""
    if track.replies:
        return Lost.ANSWER
    if not _would_show(logs, track, sent[0].at_ns, sent[-1].at_ns):
        return None
    return Lost.NEVER_ANSWERED if track.arrived else Lost.REQUEST


def with_losses(
    logs: LogTracker, track: ExchangeTrack, sent: tuple[Transmission, ...]
) -> tuple[Transmission, ...]:
    """The transmissions of a question; those that did not arrive while another one did say so.

    A log that shows one of them shows every one that came: in IKEv1 each is a message of its own.
    In IKEv2 what comes after the first is that message again, of which a log may say nothing.
    """
    first = next((number for number, each in enumerate(sent) if each.arrived), None)
    if first is None or track.unpaired:
        return sent
    sure = len(sent) if track.kind is ExchangeKind.DPD else first
    return tuple(
        replace(each, lost=True)
        if number < sure and not each.arrived and _would_show(logs, track, each.at_ns, each.at_ns)
        else each
        for number, each in enumerate(sent)
    )


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
