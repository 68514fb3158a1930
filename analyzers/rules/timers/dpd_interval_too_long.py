"""dpd-interval-too-long: a prober asks later than its interval says, though it hears nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from analyzers.model.exchange import Exchange
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.model.time import seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import confidence_of, first_refs, spoken, weakest
from analyzers.rules.timers.held import Interval, interval_of
from analyzers.rules.timers.presence import Presence, shows_esp
from analyzers.rules.timers.questions import Asked, asked, stamp_s

# A host that slept is late once; what is late twice is set otherwise.
_FEWEST: Final = 2
_BY_ITSELF: Final = frozenset({PolicyMode.PERIODIC, PolicyMode.ON_IDLE})


class _Late(NamedTuple):
    seconds: float
    """Since anything was heard."""
    exchange: Exchange
    awake: bool
    """The prober sent traffic meanwhile."""


def _check(case: Case) -> Iterator[Found]:
    if not case.timed or case.one_direction:
        return
    presence: dict[bool, Presence] = {}
    for own in asked(case):
        held = interval_of(case, own.prober, own.sa.ike_version)
        if held is None or held.mode not in _BY_ITSELF or False in own.sa.dpd_vendor_id:
            continue
        if held.mode is PolicyMode.ON_IDLE and not (case.captured and shows_esp(case)):
            continue
        for end in (own.prober, own.exchanges[0].responder):
            local = case.is_local(end)
            if local not in presence:
                presence[local] = Presence(case, end)
        late = _late(case, own, held, presence)
        if len(late) >= _FEWEST or any(each.awake for each in late):
            yield _found(own, held, late)


def _late(case: Case, own: Asked, held: Interval, presence: dict[bool, Presence]) -> list[_Late]:
    """Questions that came too late after whatever was heard, or asked, before."""
    tolerance_s = case.thresholds.interval_tolerance(held.interval_s)
    messages = case.messages.get(own.sa.id, [])
    exposed = {
        hole.first_probe_ns
        for hole in case.peer.black_holes
        if hole.sender == own.prober and hole.first_exposed_ns is not None
    }
    found = []
    sent = iter(messages)
    before_ns: int | None = None
    message = next(sent, None)
    for exchange in own.exchanges:
        while message is not None and message.at_ns < exchange.first_ns:
            before_ns, message = message.at_ns, next(sent, None)
        if before_ns is None or exchange.first_missing:
            continue
        heard = [before_ns]
        if exchange.since_proof_ns is not None:
            heard.append(exchange.first_ns - exchange.since_proof_ns)
        other_ns = presence[case.is_local(exchange.responder)].last_before(exchange.first_ns)
        if other_ns is not None:
            heard.append(other_ns)
        waited_s = seconds(exchange.first_ns - max(heard))
        if waited_s > held.latest_s + tolerance_s + stamp_s(case, exchange):
            found.append(_Late(waited_s, exchange, exchange.first_ns in exposed))
    return found


def _found(own: Asked, held: Interval, late: list[_Late]) -> Found:
    longest = max(late, key=lambda each: each.seconds)
    asked_when = "asks at fixed times" if held.mode is PolicyMode.PERIODIC else "asks when idle"
    often = "" if len(late) == 1 else f", the longest of {len(late)} such silences"
    return Found(
        f"{own.prober} asked {longest.exchange.responder} only after {spoken(longest.seconds)} of"
        f" silence{often}. It {asked_when}, every {spoken(held.interval_s)} ({held.said}), and has"
        f" to ask after {spoken(held.latest_s)} at the latest.",
        first_refs([*held.refs, *(each.exchange.transmissions[0].ref for each in late)]),
        confidence=weakest(held.confidence, confidence_of(each.exchange for each in late)),
        at_ns=late[0].exchange.first_ns,
        end=own.prober,
    )


RULE = PeerRule(
    id="dpd-interval-too-long",
    severity=Severity.WARNING,
    title="Liveness is asked later than it is set",
    rationale=(
        "The interval is the first part of every black hole: who asks late loses more than was"
        " planned. Something other than the setting decides when this end asks."
    ),
    remedy=(
        "Compare the setting that is in force with the one that is written; SAs that are up keep"
        " the timers they began with. A host that sleeps does not ask."
    ),
    source="RFC 3706 section 5.5; Cisco, IPsec Dead Peer Detection Periodic Message Option",
    needs=(Needs.CAPTURE, Needs.LOG, Needs.CONFIGURATION),
    traps=(
        "on demand a question waits for traffic to send: nothing is late there",
        "ESP, a question of the peer, or any exchange takes the place of a question",
        "a host that slept asks late once",
        "ESP that a capture or a log would not show may have taken its place",
    ),
    check=_check,
)
