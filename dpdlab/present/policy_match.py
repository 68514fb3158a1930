"""What a side was seen to do of the policy that is expected of it, part by part.

Tolerances are those of the rules (dpd-semantics section 4): clocks of whole seconds, jitter and
the time a message takes make an interval differ by 1.5 s or a tenth, a retry gap by 0.5 s or a
fifth, and a log that stamps whole seconds by one more. What was not seen is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import islice, pairwise
from typing import Final

from msgspec import Struct

from analyzers.configs.vendors import PROFILES
from analyzers.export import policy_words
from analyzers.export.formatting import counted, timer
from analyzers.model.exchange import Exchange
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Confidence
from analyzers.model.time import NS_PER_SECOND, seconds
from analyzers.rules.options import Thresholds
from analyzers.rules.schedules import fits, readings_of

_EXPECTED: Final = (PolicyBasis.GIVEN, PolicyBasis.CONFIG, PolicyBasis.DEFAULT)
# Of a peer with many more questions the last ones tell what it does now.
_MOST_EXCHANGES: Final = 2_000
# No stack asks after less of silence (see `analyzers.tracking.policy`).
_IDLE_S: Final = 1.0
# One question may have another reason: a route that changed, a rekey.
_FEWEST: Final = 2
_STAMP_S: Final = 1.0
# What is no nearer than this is another number: the time a message takes, and rounding.
_ALIKE_S: Final = 0.25
_ALIKE_SHARE: Final = 0.05
# The file that sets them was not read: what is seen of them is held against nothing.
_UNREAD: Final = "no strongswan.conf"


class Agreement(StrEnum):
    """How what was seen goes with what is expected."""

    SAME = "same"
    NEAR = "near"
    """Another number, but within what clocks and jitter do."""
    OTHER = "other"
    UNSEEN = "unseen"
    """Nothing happened that would show it, or nothing says what it should be."""


class Part(Struct, frozen=True):
    """One part of a policy."""

    name: str
    """"asks", "retries", "gives up"."""
    seen: str
    """Empty if nothing was."""
    wanted: str
    agreement: Agreement
    basis: PolicyBasis
    """Where the expectation comes from."""


class Match(Struct, frozen=True):
    """One side: what was seen of it, and what is expected."""

    holder: str
    seen: DpdPolicy | None
    """None: it was not seen to ask."""
    wanted: DpdPolicy | None
    """None: nobody says what it should do."""
    parts: tuple[Part, ...]

    @property
    def agreement(self) -> Agreement:
        """The worst of what was seen; UNSEEN if nothing was that can be held against it."""
        found = {part.agreement for part in self.parts}
        for agreement in (Agreement.OTHER, Agreement.NEAR, Agreement.SAME):
            if agreement in found:
                return agreement
        return Agreement.UNSEEN

    def parts_that(self, agreement: Agreement) -> tuple[Part, ...]:
        """The parts that agree so far."""
        return tuple(part for part in self.parts if part.agreement is agreement)


def match_of(peer: PeerView, holder: str, thresholds: Thresholds | None = None) -> Match:
    """What a side was seen to do, held against what is expected of it."""
    own = {p.basis: p for p in reversed(peer.policies) if p.holder == holder}
    seen = own.get(PolicyBasis.OBSERVED)
    wanted = next((own[basis] for basis in _EXPECTED if basis in own), None)
    recent = peer.whole.exchanges[-_MOST_EXCHANGES:]
    asked = [
        x for x in recent if x.prober == holder and x.confidence is not Confidence.SUSPECT
    ]  # fmt: skip
    parts: tuple[Part, ...] = ()
    if wanted is not None:
        parts = tuple(_parts(seen, wanted, asked, thresholds or Thresholds()))
    return Match(holder, seen, wanted, parts)


def foremost(peer: PeerView) -> str:
    """The side whose policy is told first: who was seen to ask, the local one before the other."""
    asking = {p.holder for p in peer.policies if p.basis is PolicyBasis.OBSERVED}
    if not asking or peer.local in asking:
        return peer.local
    return peer.remote if peer.remote in asking else peer.local


def sides(peer: PeerView) -> tuple[str, ...]:
    """The sides of which a policy is known, the foremost first."""
    holders = {p.holder for p in peer.policies}
    first = foremost(peer)
    return tuple(h for h in (first, *sorted({peer.local, peer.remote} - {first})) if h in holders)


def _silences(asked: Sequence[Exchange]) -> Iterator[float]:
    return (seconds(x.since_proof_ns) for x in asked if x.since_proof_ns is not None)


def _parts(
    seen: DpdPolicy | None,
    wanted: DpdPolicy,
    asked: Sequence[Exchange],
    thresholds: Thresholds,
) -> Iterator[Part]:
    if wanted.mode is PolicyMode.DISABLED:
        never = Agreement.SAME if seen is None else Agreement.OTHER
        yield Part("asks", "never" if seen is None else _every(seen), "never", never, wanted.basis)
        return
    if wanted.interval_s:
        yield _interval(seen, wanted, asked, thresholds)
    if wanted.waits_s:
        retried = [x for x in asked if x.retries and not x.first_missing]
        yield _retries(seen, wanted, retried, thresholds)
        yield _verdict(seen, wanted)


def _interval(
    seen: DpdPolicy | None,
    wanted: DpdPolicy,
    asked: Sequence[Exchange],
    thresholds: Thresholds,
) -> Part:
    expected_s = wanted.interval_s or 0.0
    told, agreement = "", Agreement.UNSEEN
    if seen is not None and seen.interval_s is not None:
        told, agreement = _every(seen), Agreement.OTHER
        if _keeps(seen.interval_s, wanted, _slack_s(asked), thresholds):
            agreement = _nearness(seen.interval_s, wanted)
    elif seen is not None and seen.about_s is not None:
        about_s = seen.about_s
        few = sum(s >= _IDLE_S for s in islice(_silences(asked), _FEWEST))
        told = policy_words.asking_about(seen)
        if _keeps(about_s, wanted, _slack_s(asked), thresholds):
            # Of a clock that runs by itself a silence shows nothing.
            periodic = wanted.mode is PolicyMode.PERIODIC
            agreement = Agreement.UNSEEN if periodic else _nearness(about_s, wanted)
        elif few >= _FEWEST and wanted.mode is PolicyMode.ON_IDLE:
            agreement = Agreement.OTHER
    return Part("asks", told, _every(wanted, expected_s), agreement, wanted.basis)


def _nearness(found_s: float, wanted: DpdPolicy) -> Agreement:
    if wanted.mode is PolicyMode.ON_DEMAND or _alike(found_s, wanted.interval_s or 0.0):
        return Agreement.SAME
    return Agreement.NEAR


def _alike(found_s: float, expected_s: float) -> bool:
    return abs(found_s - expected_s) <= max(_ALIKE_S, _ALIKE_SHARE * expected_s)


def _keeps(found_s: float, wanted: DpdPolicy, slack_s: float, thresholds: Thresholds) -> bool:
    """Whether a time between questions, or before one, is that of a policy."""
    expected_s = wanted.interval_s or 0.0
    tolerance_s = thresholds.interval_tolerance(expected_s) + slack_s
    if found_s < expected_s - tolerance_s:
        return False
    if wanted.mode is PolicyMode.ON_DEMAND:
        # The question waits for something to send.
        return True
    profile = PROFILES.get(wanted.profile or "")
    latest_s = expected_s if profile is None else profile.lead_s(expected_s)
    return found_s <= latest_s + tolerance_s


def _retries(
    seen: DpdPolicy | None, wanted: DpdPolicy, retried: Sequence[Exchange], thresholds: Thresholds
) -> Part:
    basis = wanted.retry_basis or wanted.basis
    if seen is not None and basis is PolicyBasis.OBSERVED:
        return Part("retries", _spacing(seen), _UNREAD, Agreement.UNSEEN, basis)
    spaced = _spacing(wanted)
    if not retried or seen is None or seen.retry_s is None:
        return Part("retries", "", spaced, Agreement.UNSEEN, basis)
    fitting = all(
        fits(wanted.waits_s, _gaps_s(x), thresholds, _slack_s((x,))) for x in retried
    )  # fmt: skip
    agreement = Agreement.OTHER
    if fitting:
        alike = _alike(seen.retry_s, wanted.waits_s[0])
        agreement = Agreement.SAME if alike else Agreement.NEAR
    return Part("retries", _spacing(seen), spaced, agreement, basis)


def _verdict(seen: DpdPolicy | None, wanted: DpdPolicy) -> Part:
    basis = wanted.retry_basis or wanted.basis
    expected = len(wanted.waits_s)
    told = f"after {counted(expected, 'question')}"
    if seen is None or seen.transmissions is None:
        by_default = PolicyBasis.DEFAULT if basis is PolicyBasis.OBSERVED else basis
        return Part("gives up", "", told, Agreement.UNSEEN, by_default)
    if basis is PolicyBasis.OBSERVED:
        sent = f"after {counted(seen.transmissions, 'question')}"
        return Part("gives up", sent, _UNREAD, Agreement.UNSEEN, basis)
    profile = PROFILES.get(wanted.profile or "")
    readings = (wanted.waits_s,) if profile is None else readings_of(wanted, profile)
    same = seen.transmissions in {len(reading) for reading in readings}
    agreement = Agreement.SAME if same else Agreement.OTHER
    sent = f"after {counted(seen.transmissions, 'question')}"
    return Part("gives up", sent, told, agreement, basis)


def _gaps_s(exchange: Exchange) -> list[float]:
    sent = [t.at_ns for t in exchange.transmissions]
    return [seconds(later - sooner) for sooner, later in pairwise(sent)]


def _slack_s(asked: Sequence[Exchange]) -> float:
    """How far a distance may be off because times are whole seconds."""
    times = [t.at_ns for x in asked[:_FEWEST] for t in x.transmissions]
    coarse = bool(times) and all(at_ns % NS_PER_SECOND == 0 for at_ns in times)
    return _STAMP_S if coarse else 0.0


_ASKS: Final = {
    PolicyMode.PERIODIC: "every {}",
    PolicyMode.ON_IDLE: "on idle {}",
    PolicyMode.ON_DEMAND: "on demand {}",
    PolicyMode.UNKNOWN: "after {}",
}


def _every(policy: DpdPolicy, interval_s: float | None = None) -> str:
    every_s = policy.interval_s if interval_s is None else interval_s
    if every_s is None:
        return policy_words.asking_about(policy)
    return _ASKS.get(policy.mode, "after {}").format(timer(every_s))


def _spacing(policy: DpdPolicy) -> str:
    first = timer(policy.retry_s or 0.0)
    if abs(policy.backoff - 1.0) <= _ALIKE_SHARE:
        return f"every {first}"
    return f"after {first}, growing by {policy.backoff:.2g}"
