"""What the writers of a simulation write: black holes under policies, or a plan."""

from __future__ import annotations

from msgspec import Struct

from analyzers.whatif.plan import Demand, Plan
from analyzers.whatif.recommend import Recommendation
from analyzers.whatif.study import Candidate, Study

VALIDITY = (
    "Replayed over the packets that were observed: what else would have been sent, had the peer"
    " been given up sooner or later (transport retransmissions, failover), is not in it. The peer"
    " is taken to be gone since its last proof of life, the worst case."
)
"""What a replay is worth (dpd-semantics 5.5)."""


class Simulated(Struct, frozen=True):
    """The black holes of a run under other policies."""

    version: str
    """Version of the tool."""
    studies: tuple[Study, ...]
    target_s: float | None
    """Within which the recommended policy notices; None: chosen for each black hole."""
    hold_s: float | None = None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All policies that were tried, each once, in the order in which they came."""
        found = {
            (result.candidate.label, result.candidate.policy): result.candidate
            for study in self.studies
            for result in study.results
        }
        return tuple(found.values())


class Planned(Struct, frozen=True):
    """Policies under a demand."""

    version: str
    demand: Demand
    rows: tuple[tuple[Candidate, Plan | None], ...]
    """None: the interval or the waits of the policy are not known."""
    recommended: tuple[tuple[str, Recommendation], ...]
    """By profile."""
