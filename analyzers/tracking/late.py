"""Lines of a log that name a captured message which has been tracked already.

While a session goes on, a packet is there before the line about it. What the line says is put into
the run of questions that rhythm alone has told so far (dpd-semantics 2.7), and into the Deletes
that the headers alone have told.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.tracking.ikev1 import Ikev1Tracker
from analyzers.tracking.ikev1_inference import take_back_question
from analyzers.tracking.tracks import ExchangeTrack, PeerTrack
from analyzers.tracking.witnesses import tell

# How many questions of a peer are looked at, the latest first.
_RECENT: Final = 32
_RECENT_MESSAGES: Final = 2 * _RECENT
_RECENT_SAS: Final = 4
_IN_NO_EXCHANGE: Final = (MessageKind.DELETE, MessageKind.NOTIFY)
_NO_PART: Final = (MessageKind.DELETE, MessageKind.NOTIFY)
"""What is part of no exchange."""


class NamedPacket(NamedTuple):
    """A captured message that a log names."""

    ref: Ref
    src: str
    dst: str


def testify(peer: PeerTrack, ref: Ref, event: LogEvent, ikev1: Ikev1Tracker) -> None:
    """`event` names the encrypted message that was captured at `ref`."""
    message = _name_message(peer, ref, event)
    run = _run_of(peer, ref)
    if run is not None and not run.dissolved:
        peer.named += 1
        _name_part(run, ref, event, message, ikev1)
    if event.message is not MessageKind.DELETE or _name_delete(peer, ref, event):
        return
    if message is not None and message.version == 1:
        sa = next(sa for sa in peer.sas if sa.id == message.ike_sa)
        ikev1.delete(sa, message, 0 if message.src in peer.addresses[0] else 1)


def _name_part(
    run: ExchangeTrack,
    ref: Ref,
    event: LogEvent,
    message: IkeMessage | None,
    ikev1: Ikev1Tracker,
) -> None:
    """It was taken for a question, a retry or an answer."""
    is_answer = run.answer is not None and run.answer.ref == ref
    if is_answer and message is not None and event.message in _IN_NO_EXCHANGE:
        ikev1.take_back_answer(run, message)
    elif run.answered:
        _name_answered(run, event)
    elif event.message is MessageKind.R_U_THERE:
        run.candidate = False
        run.basis, run.confidence = Basis.CORRELATED, Confidence.CERTAIN
        run.arrived = run.arrived or event.sent is False
        if event.sequence is not None:
            run.note_sequence(event.sequence)
    elif len(run.transmissions) > 1:
        # It has the length of a question, and came when one was due.
        run.transmissions = [sent for sent in run.transmissions if sent.ref != ref]
        if event.message is MessageKind.DELETE:
            run.closed_ns = run.closed_ns or event.at_ns
    elif event.message in _IN_NO_EXCHANGE:
        take_back_question(run)


def _name_answered(run: ExchangeTrack, event: LogEvent) -> None:
    """It is certain once both the question and its answer are named."""
    if event.message is MessageKind.R_U_THERE:
        run.basis = Basis.CORRELATED
        if event.sequence is not None:
            run.note_sequence(event.sequence)
    elif event.message is MessageKind.R_U_THERE_ACK and run.basis is Basis.CORRELATED:
        known = not run.sequences or event.sequence is None
        if known or event.sequence in run.sequences:
            run.confidence = Confidence.CERTAIN


def _name_message(peer: PeerTrack, ref: Ref, event: LogEvent) -> IkeMessage | None:
    """The message, which views may hold, is put in its place as it is known now."""
    first = max(0, len(peer.messages) - _RECENT_MESSAGES)
    for place in range(len(peer.messages) - 1, first - 1, -1):
        if peer.messages[place].ref == ref:
            known = replace(peer.messages[place])
            known.seen = (*known.seen, event.ref)
            known.arrived = known.arrived or event.sent is False
            tell(known, event)
            peer.messages[place] = known
            for sa in peer.sas[-_RECENT_SAS:]:
                # Of a teardown the rest may still come.
                sa.informationals = [known if m.ref == ref else m for m in sa.informationals]
            peer.named += 1
            return known
    return None


def _name_delete(peer: PeerTrack, ref: Ref, event: LogEvent) -> bool:
    """A Delete that the headers have told is one for certain; False if they have not."""
    for delete in peer.deletes[-_RECENT:]:
        if delete.ref != ref:
            continue
        if delete.basis in (Basis.RHYTHM, Basis.HEADER):
            delete.basis, delete.confidence = Basis.CORRELATED, Confidence.CERTAIN
            if event.protocol is not DeleteProtocol.UNKNOWN:
                delete.protocol = event.protocol
            delete.spis = event.spis or delete.spis
        return True
    return False


def _run_of(peer: PeerTrack, ref: Ref) -> ExchangeTrack | None:
    for run in reversed(peer.exchanges[-_RECENT:]):
        if run.basis not in (Basis.RHYTHM, Basis.CORRELATED):
            continue
        if any(sent.ref == ref for sent in run.transmissions):
            return run
        if run.answer is not None and run.answer.ref == ref:
            return run
    return None
