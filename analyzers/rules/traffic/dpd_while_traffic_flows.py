"""dpd-while-traffic-flows: liveness is asked although the peer's traffic proves it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Exchange
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.model.time import NS_PER_MS, seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import confidence_of, first_refs, question, spoken
from analyzers.rules.timers.held import interval_of
from analyzers.rules.timers.questions import Asked, asked

_FEWEST: Final = 3
# Products that ask whatever the traffic, or may be set to (dpd-semantics, fact 9).
_ASK_ANYWAY: Final = frozenset({"cisco-ios", "racoon", "juniper-srx", "strongswan", "libreswan"})
# Stamps of one packet and of what it proves agree within this.
_SAME_NS: Final = NS_PER_MS


def _check(case: Case) -> Iterator[Found]:
    if not case.timed or not case.captured:
        return
    heard: dict[bool, list[int]] = {True: [], False: []}
    for message in case.peer.messages:
        heard[case.is_local(message.src)].append(message.at_ns)
    for own in asked(case):
        responder = own.exchanges[0].responder
        found = _found(case, own, heard[case.is_local(responder)])
        if found is not None:
            yield found


def _found(case: Case, own: Asked, ike_ns: list[int]) -> Found | None:
    expected = case.expected(own.prober, own.sa.ike_version)
    stated = expected is not None and expected.stated and own.sa.ike_version == case.ike_version
    if stated and expected is not None and expected.policy.mode is PolicyMode.PERIODIC:
        return None
    held = interval_of(case, own.prober, own.sa.ike_version)
    if held is None:
        return None
    busy = [
        x
        for x in own.exchanges
        if _is_busy(x, held.interval_s, ike_ns) and not _may_hear_nothing(case, x)
    ]
    if len(busy) < _FEWEST:
        return None
    share = len(busy) / len(own.exchanges)
    plain = own.sa.ike_version == 1 and share > case.thresholds.busy_share
    explained = not stated and case.vendor(own.prober) in _ASK_ANYWAY
    longest_s = max(seconds(x.since_proof_ns or 0) for x in busy)
    return Found(
        f"{own.prober} sent {len(busy)} of {len(own.exchanges)} questions ({question(busy[0])})"
        f" although ESP of {busy[0].responder} had come within the last {spoken(longest_s)}; its"
        f" interval is {spoken(held.interval_s)} ({held.said}).",
        first_refs(x.transmissions[0].ref for x in busy),
        severity=Severity.WARNING if plain and not explained else Severity.INFO,
        confidence=confidence_of(busy),
        at_ns=busy[0].first_ns,
        end=own.prober,
    )


def _may_hear_nothing(case: Case, exchange: Exchange) -> bool:
    """Whether what is sent to who asks may be in vain: then it asks because nothing comes."""
    return any(
        hole.receiver == exchange.prober and hole.begin_ns <= exchange.first_ns <= hole.stop_ns
        for hole in case.peer.black_holes
    )


def _is_busy(exchange: Exchange, interval_s: float, ike_ns: list[int]) -> bool:
    """Whether the last proof before a question was ESP, and younger than the interval."""
    if exchange.since_proof_ns is None or seconds(exchange.since_proof_ns) >= interval_s / 2:
        return False
    proof_ns = exchange.first_ns - exchange.since_proof_ns
    place = bisect_left(ike_ns, exchange.first_ns)
    return not place or ike_ns[place - 1] < proof_ns - _SAME_NS


RULE = PeerRule(
    id="dpd-while-traffic-flows",
    severity=Severity.WARNING,
    title="Liveness is asked although the peer's traffic proves it",
    rationale=(
        "What the peer sends through the tunnel proves that it lives. Questions beside it are work"
        " without use: at a hub with many peers they add up. They do no harm otherwise."
    ),
    remedy=(
        "Ask on demand, or when idle, where the product has it (Cisco IOS: on-demand; FortiOS: set"
        " dpd on-demand)."
    ),
    source="RFC 3706 section 5.4",
    needs=(Needs.CAPTURE,),
    traps=(
        "periodic questions, where they are configured, are meant",
        "products that ask whatever the traffic: Cisco periodic, racoon, strongSwan from 6.0.1 on"
        " without UDP encapsulation, Libreswan IKEv1 behind NAT, Juniper always-send",
        "in IKEv2 nothing speaks against it",
        "an IKE message of the peer, not its traffic, came last",
    ),
    check=_check,
)
