"""Whether the phase 1 of who has asked in vain is its verdict, or renews the SA.

IKEv1 has the same messages for both (RFC 2409 section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.model.exchange import Transmission
from analyzers.model.sa import is_due
from analyzers.tracking.acts import ON_TIME_NS, Acts
from analyzers.tracking.foretold import Foretold
from analyzers.tracking.logs import LogTracker
from analyzers.tracking.tracks import ExchangeTrack, SaTrack

# No stack gives up after less (dpd-semantics section 3: FortiOS, AWS); where nothing else shows a
# verdict, fewer tries are none.
FEWEST_TRIES: Final = 3


class Renewals:
    """Tells them apart by what was asked, what came, and when."""

    def __init__(self, acts: Acts, foretold: Foretold, logs: LogTracker) -> None:
        self._acts = acts
        self._foretold = foretold
        self._logs = logs

    def is_one(
        self,
        track: ExchangeTrack,
        sent: Sequence[Transmission],
        at_ns: int,
        wait_ns: int | None,
    ) -> bool:
        """Whether what the prober did then need be no verdict: a new SA by itself is none.

        `wait_ns`: how long it waits after its last question.
        """
        begun = self._acts.phase1(track, at_ns)
        if begun is None or self._is_said(track, at_ns):
            return False
        heard_ns = self._acts.heard_ns(track)
        return (
            len(sent) < self._fewest(track)
            or (heard_ns is not None and heard_ns < at_ns)
            or (_is_due(track.sa, at_ns) and not _is_in_vain(begun, wait_ns or 0))
        )

    def is_denied(self, track: ExchangeTrack, sent: Sequence[Transmission], at_ns: int) -> bool:
        """Whether the prober's own log has no verdict where acts after few tries suggest one."""
        if len(sent) >= FEWEST_TRIES or track.sa.version != 1 or self._is_said(track, at_ns):
            return False
        prober = track.sa.peer.address(track.side)
        return self._logs.spans_over(prober, sent[-1].at_ns, at_ns)

    def _fewest(self, track: ExchangeTrack) -> int:
        """How often the prober asks at least before it gives up."""
        return self._foretold.tries(track) or FEWEST_TRIES

    def _is_said(self, track: ExchangeTrack, at_ns: int) -> bool:
        """Whether the prober's own log has a verdict then."""
        said = self._logs.gave_up_ns.get((track.sa.peer.index, track.side), ())
        return any(abs(ns - at_ns) <= ON_TIME_NS for ns in said)


def _is_due(sa: SaTrack, at_ns: int) -> bool:
    return is_due(sa.established_ns, sa.lifetime_s, at_ns)


def _is_in_vain(begun: SaTrack, wait_ns: int) -> bool:
    """Whether a phase 1 met no answer while the prober waited for the last one."""
    up_ns = begun.last_ns if begun.established_ns is None else begun.established_ns
    return up_ns - begun.first_ns > wait_ns
