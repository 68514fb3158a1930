"""Times in which a peer sent nothing: its ESP stopped, and went on with the next number.

A capture that had lost its packets would lack their sequence numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.model.exchange import Transmission
from analyzers.tracking.engine import Tracker
from analyzers.tracking.rhythm import LEAST_RHYTHM
from analyzers.tracking.tracks import ExchangeTrack


def stayed_away(
    tracker: Tracker,
    track: ExchangeTrack,
    before: Sequence[ExchangeTrack],
    sent: Sequence[Transmission],
) -> bool:
    """Whether ESP of who was asked stopped before the first of these, and none of it was lost.

    `before`: the answered exchanges before this one. ESP has to have come after the last of them.
    """
    answer = before[-1].answer if before else None
    if len(sent) < LEAST_RHYTHM or sent[0] != track.transmissions[0] or answer is None:
        return False
    if track.since_proof_ns is None or sent[0].at_ns - track.since_proof_ns <= answer.at_ns:
        return False
    return _sent_nothing(tracker, track, sent[0].at_ns, sent[-1].at_ns)


def _sent_nothing(tracker: Tracker, track: ExchangeTrack, since_ns: int, until_ns: int) -> bool:
    flows = tracker.flows
    spanning = {
        flow
        for flow in track.sa.peer.flows
        if tracker.owner_of_flow(flow)[1] != track.side
        and tracker.unit_of_flow(flow) is track.sa.unit
        and flows.first_ns[flow] < since_ns
        and flows.last_ns[flow] > until_ns
    }
    lost = (cut.flow for cut in flows.cuts if cut.start_ns < until_ns and cut.end_ns > since_ns)
    return bool(spanning) and spanning.isdisjoint(lost)
