"""Questions that stop after one or two tries, without an answer, while the input goes on.

No stack gives up after so few with the timers it ships with (dpd-semantics section 3), so they are
a verdict only where the traffic of the SA ends with them. Else the prober just asks no more: it
was answered unseen, or it gave the peer up, and kept the SA or had nothing to send; nobody can tell
which. And nothing is said of who is not seen any more either: it may be gone itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.exchange import ExchangeKind, Transmission
from analyzers.model.records import Basis
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.blind import BlindTimes
from analyzers.tracking.dropping import Dropping
from analyzers.tracking.foretold import Foretold
from analyzers.tracking.holes import pause_ns
from analyzers.tracking.pieces import Piece
from analyzers.tracking.renewals import FEWEST_TRIES
from analyzers.tracking.rhythm import Rhythms
from analyzers.tracking.schedule import longest_wait_ns, next_wait_ns
from analyzers.tracking.senders import Senders
from analyzers.tracking.silence import NEVER, Silence
from analyzers.tracking.tracks import ExchangeTrack

# The longest wait for a first retry is 60 s (dpd-semantics 3.1), and one may be lost.
_LEAST_NS: Final = 120 * NS_PER_SECOND
# So many of its own waits or intervals must be over.
_TIMES: Final = 3


class Ceased:
    """Tells them from questions whose retry may still come; reads the tracker only."""

    def __init__(
        self,
        senders: Senders,
        rhythms: Rhythms,
        foretold: Foretold,
        blind: BlindTimes,
        dropping: Dropping,
    ) -> None:
        self._senders = senders
        self._rhythms = rhythms
        self._foretold = foretold
        self._blind = blind
        self._dropping = dropping

    def told(self, track: ExchangeTrack, piece: Piece, horizon_ns: int, now: Silence) -> Piece:
        """An unanswered piece without a verdict, with what its stopping says.

        `horizon_ns`: when a question that was never repeated is overdue.
        """
        sent, wait_ns = piece.sent, longest_wait_ns(piece.sent, track.kind)
        if len(sent) >= FEWEST_TRIES or not self._has_stopped(track, sent, wait_ns or 0):
            return piece
        due_ns = next_wait_ns(sent, track.kind)
        torn = track.basis is not Basis.RHYTHM and torn_down(sent, track.kind, now)
        # What comes as seldom as a retry ends with one by chance.
        if torn and due_ns is not None and pause_ns(now) <= due_ns:
            return replace(piece, verdict_ns=sent[-1].at_ns + due_ns)
        overdue_ns = horizon_ns if wait_ns is None else wait_ns
        return replace(piece, ceased_ns=sent[-1].at_ns + overdue_ns)

    def _has_stopped(
        self, track: ExchangeTrack, sent: Sequence[Transmission], wait_ns: int
    ) -> bool:
        """Whether the prober was seen long after its last try, and would have asked again."""
        peer, last_ns = track.sa.peer, sent[-1].at_ns
        usual_ns = self._rhythms.interval_ns(track) or track.since_proof_ns or 0
        if track.kind is ExchangeKind.DPD and not (usual_ns or wait_ns):
            return False  # it may repeat at its interval, which nobody knows
        longest_ns = max(usual_ns, wait_ns, self._foretold.longest_ns(track))
        until_ns = last_ns + max(_LEAST_NS, _TIMES * longest_ns)
        gap = self._blind.after(peer, last_ns)
        if (gap is not None and gap[0] < until_ns) or self._dropping.is_told(peer):
            return False
        return self._senders.last_ns(peer, track.side) >= until_ns


def torn_down(sent: Sequence[Transmission], kind: ExchangeKind, now: Silence) -> bool:
    """Whether the prober's traffic ended with its questions: the SA was given up."""
    wait = longest_wait_ns(sent, kind)
    if wait is None or now.first_out_ns == NEVER:
        return False
    return sent[-2].at_ns < now.last_out_ns <= sent[-1].at_ns + wait
