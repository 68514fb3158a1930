"""Lines of a log that name a captured message which has been tracked already.

While a session goes on, a packet is there before the line about it. What the line says is put into
the run of questions that rhythm alone has told so far (dpd-semantics 2.7).
"""

from __future__ import annotations

from typing import Final

from analyzers.model.log_events import LogEvent
from analyzers.model.observations import MessageKind
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.tracking.tracks import ExchangeTrack, PeerTrack

# How many questions of a peer are looked at, the latest first.
_RECENT: Final = 32


def testify(peer: PeerTrack, ref: Ref, event: LogEvent) -> None:
    """`event` names the encrypted IKEv1 message that was captured at `ref`."""
    run = _run_of(peer, ref)
    if run is None or run.dissolved or run.answered:
        return  # what was answered was told, and stays as it was told
    peer.named += 1
    if event.message is MessageKind.R_U_THERE:
        run.candidate = False
        run.basis, run.confidence = Basis.CORRELATED, Confidence.CERTAIN
        run.arrived = run.arrived or event.sent is False
        if event.sequence is not None:
            run.note_sequence(event.sequence)
    elif run.basis is Basis.CORRELATED and len(run.transmissions) > 1:
        # It has the length of a question, and came when one was due.
        run.transmissions = [sent for sent in run.transmissions if sent.ref != ref]
        if event.message is MessageKind.DELETE:
            run.closed_ns = run.closed_ns or event.at_ns


def _run_of(peer: PeerTrack, ref: Ref) -> ExchangeTrack | None:
    for run in reversed(peer.exchanges[-_RECENT:]):
        if run.basis in (Basis.RHYTHM, Basis.CORRELATED) and any(
            sent.ref == ref for sent in run.transmissions
        ):
            return run
    return None
