"""Questions that come when the policy in force has them: told apart without keys by that alone.

Without keys a question of which nothing was ever answered looks like any other Informational. Where
somebody says which timers are set, one that keeps them is a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from analyzers.configs.profiles import Looks
from analyzers.configs.vendors import PROFILES
from analyzers.model.exchange import Transmission
from analyzers.model.policy import DpdPolicy, PolicyMode
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.tracking.configured import Configured
from analyzers.tracking.tracks import ExchangeTrack

# Timers are judged with this tolerance (dpd-semantics section 4: tolI and tolR).
_TOLERANCE_NS: Final = NS_PER_SECOND // 2
_TOLERANCE_SHARE: Final = 0.1
# One message alone keeps no wait.
_FEWEST: Final = 2


class Foretold:
    """What configurations and the user say of when each side asks."""

    def __init__(self, configured: Configured) -> None:
        self._configured = configured

    def is_due(self, track: ExchangeTrack, sent: Sequence[Transmission]) -> bool:
        """Whether these came as the policy of their sender has a question and its retries.

        The first of them as long after the last proof of life as it asks, each further one a wait
        later. Who asks whatever is heard is known by the waits alone.
        """
        policy = self._of(track)
        if policy is None:
            return False
        return self._begins(policy, track, sent) and keeps_waits(policy.waits_s, sent)

    def last_wait_ns(self, track: ExchangeTrack, sent: Sequence[Transmission]) -> int | None:
        """How long the prober waits after its last try before it gives up; None: not known.

        Nor where there are tries to come, or these did not come as the policy has them.
        """
        policy = self._of(track)
        if policy is None or len(sent) < _FEWEST or len(sent) != len(policy.waits_s):
            return None
        return nanoseconds(policy.waits_s[-1]) if keeps_waits(policy.waits_s, sent) else None

    def longest_ns(self, track: ExchangeTrack) -> int:
        """The longest that the policy of the prober has between two messages, ns; 0: not known."""
        policy = self._of(track)
        if policy is None:
            return 0
        return nanoseconds(max(policy.interval_s or 0.0, *policy.waits_s, 0.0))

    def tries(self, track: ExchangeTrack) -> int | None:
        """How often the prober asks before it gives up; None: not known."""
        policy = self._of(track)
        return None if policy is None else policy.transmissions

    def _of(self, track: ExchangeTrack) -> DpdPolicy | None:
        if not self._configured:
            return None
        peer = track.sa.peer
        holder, other = peer.address(track.side), peer.address(1 - track.side)
        policy = self._configured.expected(holder, other, track.sa.version)
        if policy is None or policy.mode is PolicyMode.DISABLED or not policy.interval_s:
            return None
        return policy

    @staticmethod
    def _begins(policy: DpdPolicy, track: ExchangeTrack, sent: Sequence[Transmission]) -> bool:
        if policy.mode is PolicyMode.PERIODIC:
            return len(sent) > 1
        idle_ns, interval_ns = track.since_proof_ns, nanoseconds(policy.interval_s or 0)
        if idle_ns is None or sent[0] != track.transmissions[0]:
            return False
        tolerance_ns = max(_TOLERANCE_NS, round(_TOLERANCE_SHARE * interval_ns))
        if idle_ns < interval_ns - tolerance_ns:
            return False
        profile = PROFILES.get(policy.profile or "")
        late_ns = 0
        if profile is not None and profile.looks is not Looks.AT_ONCE:
            late_ns = interval_ns
        demanded = policy.mode is PolicyMode.ON_DEMAND and len(sent) > 1
        return demanded or idle_ns <= interval_ns + late_ns + tolerance_ns


def keeps_waits(waits_s: Sequence[float], sent: Sequence[Transmission]) -> bool:
    """Whether a question was repeated when a policy has its retries."""
    if len(sent) > max(len(waits_s), 1):
        return False
    for wait_s, (sooner, later) in zip(waits_s, pairwise(sent), strict=False):
        due_ns, came_ns = nanoseconds(wait_s), later.at_ns - sooner.at_ns
        if abs(came_ns - due_ns) > max(_TOLERANCE_NS, round(_TOLERANCE_SHARE * due_ns)):
            return False
    return True
