"""What can be set of the rules: tolerances and limits, severities, and what is not to be heard."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from analyzers.model.finding import Severity


class Thresholds(Struct, frozen=True):
    """Numbers that dpd-semantics section 4 proposes. Durations in seconds, shares from 0 to 1."""

    interval_tolerance_s: float = 1.5
    interval_tolerance_share: float = 0.1
    """An interval may differ by the larger of both (strongSwan counts whole seconds)."""
    retry_tolerance_s: float = 0.5
    retry_tolerance_share: float = 0.2
    late_answer_s: float = 1.0
    late_answer_rtts: float = 5.0
    """An answer is late after the larger of both."""
    jitter_share: float = 0.2
    """Coefficient of variation of intervals that is still steady."""
    jitter_intervals: int = 5
    """Fewer intervals tell nothing of jitter."""
    replay_s: float = 1.0
    """The same bytes later than this are no duplicate of the network."""
    one_way_s: float = 60.0
    """Outbound traffic without proof or question, where no interval is known."""
    data_plane_s: float = 30.0
    data_plane_gaps: float = 10.0
    """ESP is missing for the larger of a time and a multiple of its usual gap."""
    hint_s: float = 5.0
    """Within which an unprotected hint leads to a liveness check."""
    flapping_cycles: int = 3
    flapping_s: float = 900.0
    duplicate_sa_pairs: int = 2
    duplicate_sa_s: float = 60.0
    hub_messages_per_s: float = 500.0
    burst_share: float = 0.3
    burst_interval_share: float = 0.1
    nat_keepalive_s: float = 20.0
    nat_mapping_s: float = 120.0
    window_stall_s: float = 10.0
    in_flight_s: float = 2.0
    """Packets may still be on their way after a Delete for this, or for two round trips."""
    collision_s: float = 180.0
    """TEMPORARY_FAILURE for longer than this is no collision that resolves itself."""
    switch_s: float = 10.0
    """Within which the next peer is tried."""
    clock_step_s: float = 1.0
    budget_s: float = 30.0
    """What a black hole may last where no policy says it; the session's `--budget`."""
    busy_share: float = 0.5
    """Share of questions asked beside traffic that is worth a warning (IKEv1)."""

    def interval_tolerance(self, interval_s: float) -> float:
        """How far an interval may be off, s."""
        return max(self.interval_tolerance_s, self.interval_tolerance_share * interval_s)

    def retry_tolerance(self, retry_s: float) -> float:
        """How far a retry gap may be off, s."""
        return max(self.retry_tolerance_s, self.retry_tolerance_share * retry_s)


class Suppression(Struct, frozen=True):
    """Findings that are known and accepted, with the reason that reports show."""

    reason: str
    rule: str = "*"
    """Glob over rule ids."""
    peer: str = "*"
    """Glob over the addresses of a peer, or a network."""


class RuleOptions(Struct, frozen=True):
    """What the user set of the rules."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    """By rule id; None switches a rule off."""
    suppressions: tuple[Suppression, ...] = ()
