"""What is going on with a peer now: which question is open, and when a verdict is due."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from analyzers.configs.profiles import Verdict
from analyzers.configs.vendors import PROFILES
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode, by_precedence
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.model.time import NS_PER_SECOND, nanoseconds, seconds
from analyzers.tracking.schedule import next_wait_ns

# An open question is among the last exchanges of a peer.
_RECENT: Final = 4
# Questions come so exactly, or within a fifth (charon's jitter, devices that round to seconds).
_TOLERANCE_NS: Final = NS_PER_SECOND
_TOLERANCE_SHARE: Final = 5
# An answer is missing after so many round trips, and no sooner than this (dpd-semantics 5.2, t_q).
_ROUND_TRIPS: Final = 2
_LEAST_PATIENCE_NS: Final = NS_PER_SECOND


class Expectation(Struct, frozen=True):
    """An open question of one side, and what its policy says of it. Times in ns."""

    peer: str
    prober: str
    responder: str
    first_ns: int
    sent: int
    """Transmissions so far."""
    of: int | None
    """Transmissions before the verdict; None: the policy does not tell."""
    next_ns: int | None
    """When it is asked again; None if it is not, or nobody knows."""
    verdict_ns: int | None
    """When the prober gives the peer up; None: the policy does not tell."""
    basis: PolicyBasis | None
    """Where the policy is known from; None: the times are those of the rhythm so far."""
    spacing_basis: PolicyBasis | None
    """The same of the waits alone; OBSERVED: the policy has others, and the rest of it stands."""
    spacing_ns: int | None
    """The last wait so far."""
    questionable_ns: int
    """From when on the peer is in question: its silence, an answer that is missing, or a question
    that is asked again."""
    patience_ns: int = 0
    """The round trips that an answer may take."""
    logged: bool = False
    """Known from a log alone: the answer may stand in its next line."""
    ref: Ref | None = None
    """Where it was seen first: in a log of whole seconds another one may have the same time."""


def expectations(peer: PeerView) -> tuple[Expectation, ...]:
    """The open questions of a peer, one a side at most."""
    found: dict[str, Expectation] = {}
    for exchange in reversed(peer.whole.exchanges[-_RECENT:]):
        if exchange.outcome is Outcome.OPEN and exchange.confidence is not Confidence.SUSPECT:
            found.setdefault(exchange.prober, _of(peer, exchange))
    return tuple(found.values())


def detection_ns(peer: PeerView, holder: str) -> int | None:
    """How long a holder takes at most to give a silent peer up; None: its policy does not tell."""
    for policy in _policies(peer, holder):
        if policy.worst_case_s is not None:
            return nanoseconds(policy.worst_case_s)
    return None


class _Due(Struct, frozen=True):
    """When an open question is repeated, how often, and when that ends."""

    of: int | None
    next_ns: int | None
    verdict_ns: int | None
    basis: PolicyBasis | None = None
    spacing_basis: PolicyBasis | None = None


def _of(peer: PeerView, exchange: Exchange) -> Expectation:
    sent = exchange.transmissions
    due = _due(peer, exchange)
    return Expectation(
        peer=peer.id,
        prober=exchange.prober,
        responder=exchange.responder,
        first_ns=exchange.first_ns,
        sent=len(sent),
        of=due.of,
        next_ns=due.next_ns,
        verdict_ns=due.verdict_ns,
        basis=due.basis,
        spacing_basis=due.spacing_basis,
        spacing_ns=exchange.last_ns - sent[-2].at_ns if len(sent) > 1 else None,
        questionable_ns=_questionable_ns(peer, exchange),
        patience_ns=_ROUND_TRIPS * (peer.rtt_ns or 0),
        logged=exchange.basis is Basis.LOG,
        ref=sent[0].ref,
    )


def _due(peer: PeerView, exchange: Exchange) -> _Due:
    """By the first policy that the question keeps, else by what of one is not contradicted."""
    # The log of a device may not show the first one.
    number = len(exchange.transmissions) + exchange.missing
    known = [p for p in _policies(peer, exchange.prober) if p.waits_s]
    kept = next((p for p in known if _is_kept(p, exchange)), None)
    if kept is not None and number <= len(kept.waits_s):
        waits_s = kept.waits_s[number - 1 :]
        return _after(exchange, len(kept.waits_s), waits_s, kept.basis, kept.basis)
    if kept is None and exchange.tries is None and len(exchange.transmissions) > 1:
        for policy in known:
            due = _by_what_stands(policy, exchange, number)
            if due is not None:
                return due
    of, next_ns, verdict_ns = exchange.tries, None, None
    wait_ns = next_wait_ns(exchange.transmissions, exchange.kind)
    if wait_ns is not None and (of is None or number < of):
        next_ns = exchange.last_ns + wait_ns
    if wait_ns is not None and of is not None and number <= of:
        # A prober that counts its tries (IOS) leaves the same time for each.
        verdict_ns = exchange.last_ns + (of - number + 1) * wait_ns
    return _Due(of, next_ns, verdict_ns)


def _after(
    exchange: Exchange,
    of: int,
    waits_s: Sequence[float],
    basis: PolicyBasis,
    spacing_basis: PolicyBasis,
) -> _Due:
    """What follows a transmission after which these waits are left."""
    next_ns = exchange.last_ns + nanoseconds(waits_s[0]) if len(waits_s) > 1 else None
    verdict_ns = exchange.last_ns + nanoseconds(sum(waits_s))
    return _Due(of, next_ns, verdict_ns, basis, spacing_basis)


def _by_what_stands(policy: DpdPolicy, exchange: Exchange, number: int) -> _Due | None:
    """A policy whose spacing is another one than that of the questions so far: its number of tries
    stands, with their growth, or its timeout. None where that is contradicted, too."""
    before, last = (sent.at_ns for sent in exchange.transmissions[-2:])
    profile = PROFILES.get(policy.profile or "")
    if profile is None or profile.verdict is Verdict.RETRIES:
        if number > len(policy.waits_s):
            return None
        waits_s = _scaled_s(policy.waits_s, exchange, number)
        return _after(exchange, len(policy.waits_s), waits_s, policy.basis, PolicyBasis.OBSERVED)
    since_ns, lasts_s = exchange.first_ns, sum(policy.waits_s)
    if profile.verdict is Verdict.SINCE_PROOF:
        if exchange.idle_ns is None or policy.worst_case_s is None:
            return None
        since_ns, lasts_s = exchange.first_ns - exchange.idle_ns, policy.worst_case_s
    verdict_ns = since_ns + nanoseconds(lasts_s)
    next_ns = last + (last - before)
    if verdict_ns <= last:
        return None
    later_ns = next_ns if next_ns < verdict_ns else None
    return _Due(None, later_ns, verdict_ns, policy.basis, PolicyBasis.OBSERVED)


def _scaled_s(waits_s: Sequence[float], exchange: Exchange, number: int) -> list[float]:
    """The waits that are left of a policy, as long as those so far are; with its growth, unless
    they grow otherwise."""
    gaps_s = [seconds(b.at_ns - a.at_ns) for a, b in pairwise(exchange.transmissions)]
    left = len(waits_s) - number + 1
    if len(gaps_s) > 1 and gaps_s[-2] > 0:
        grown, growth = gaps_s[-1] / gaps_s[-2], waits_s[number - 2] / waits_s[number - 3]
        if abs(grown - growth) * _TOLERANCE_SHARE > growth:
            next_s = seconds(next_wait_ns(exchange.transmissions, exchange.kind) or 0)
            growth = next_s / gaps_s[-1] if gaps_s[-1] > 0 else 1.0
            return [next_s * growth**k for k in range(left)]
    return [gaps_s[-1] / waits_s[number - 2] * wait_s for wait_s in waits_s[number - 1 :]]


def _questionable_ns(peer: PeerView, exchange: Exchange) -> int:
    """Who asks again has had no answer; before that, the answers so far say when one is late."""
    patience_ns = max(_LEAST_PATIENCE_NS, _ROUND_TRIPS * (peer.rtt_ns or 0))
    known = [exchange.first_ns + (0 if exchange.first_missing else patience_ns)]
    known += [sent.at_ns for sent in exchange.transmissions[1:2]]
    before = [span for span in peer.states if span.start_ns <= exchange.first_ns][-2:]
    known += [span.start_ns for span in before if span.state is PeerState.QUESTIONABLE]
    return min(known)


def _is_kept(policy: DpdPolicy, exchange: Exchange) -> bool:
    """Whether the questions so far came when the policy has them: else it is not in force."""
    waits_s = policy.waits_s[exchange.missing :]
    times_ns = [each.at_ns for each in exchange.transmissions]
    for wait_s, (before_ns, after_ns) in zip(waits_s, pairwise(times_ns), strict=False):
        due_ns, came_ns = nanoseconds(wait_s), after_ns - before_ns
        if abs(came_ns - due_ns) > max(_TOLERANCE_NS, due_ns // _TOLERANCE_SHARE):
            return False
    return True


def _policies(peer: PeerView, holder: str) -> list[DpdPolicy]:
    """Those of a holder that ask at all, the one that goes before the others first."""
    known = by_precedence(peer.policies, holder)
    return [policy for policy in known if policy.mode is not PolicyMode.DISABLED]
