"""DPD policies: how one side asks, how often, and when it gives up."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from analyzers.model.records import Ref


class PolicyMode(StrEnum):
    """What makes a holder ask."""

    PERIODIC = "periodic"
    ON_DEMAND = "on-demand"
    ON_IDLE = "on-idle"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


class PolicyBasis(StrEnum):
    """Where a policy is known from."""

    CONFIG = "config"
    OBSERVED = "observed"
    GIVEN = "given"
    DEFAULT = "default"


class DpdPolicy(Struct, frozen=True):
    """The timers of one holder; unknown parts are None. Durations in seconds."""

    holder: str
    profile: str | None
    mode: PolicyMode
    interval_s: float | None
    retry_s: float | None
    retries: int | None
    """As the product counts them (Cisco IOS: 5 messages in all; ASA: 3 after the first), where a
    configuration, the user or a profile tells. OBSERVED, and without a profile: transmissions
    after the first, up to the verdict. `waits_s` means the same everywhere."""
    basis: PolicyBasis
    worst_case_s: float | None
    evidence: str
    """For people: what the numbers were read from ("median of 5 intervals, 3.999 to 4.001 s")."""
    ref: Ref | None = None
    backoff: float = 1.0
    """Ratio of successive retry gaps; 1.0 is constant."""
    about_s: float | None = None
    """Silence before its questions, of which there are too few to call it an interval."""
    waits_s: tuple[float, ...] = ()
    """The wait after each transmission, the last one ending in the verdict; () is unknown."""
    retry_basis: PolicyBasis | None = None
    """Where the retries are known from, if not from where the interval is."""
    settled: bool = False
    """Questions up to a verdict show which of several readings of its line is right, if any is."""

    @property
    def transmissions(self) -> int | None:
        """Questions sent before the verdict, the first included."""
        return len(self.waits_s) or None

    @property
    def repetitions(self) -> int | None:
        """Of them those after the first: what everybody calls retries, however a product counts."""
        return len(self.waits_s) - 1 if self.waits_s else self.retries


# What somebody says or wrote goes before what its product does, and that before its own rhythm.
_PRECEDENCE: Final = (
    PolicyBasis.GIVEN,
    PolicyBasis.CONFIG,
    PolicyBasis.DEFAULT,
    PolicyBasis.OBSERVED,
)


def by_precedence(policies: Iterable[DpdPolicy], holder: str) -> list[DpdPolicy]:
    """The policies of a holder, the one that goes before the others first."""
    own = (policy for policy in policies if policy.holder == holder)
    return sorted(own, key=lambda policy: _PRECEDENCE.index(policy.basis))


class GivenPolicy(Struct, frozen=True):
    """A policy that the user says is in force, and where."""

    policy: DpdPolicy
    holder: str | None = None
    """An address; None: every end."""
    ike_version: int | None = None
    """None: both."""
