"""nat-keepalive-too-slow, as it happened: an end behind a NAT sent nothing for too long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.time import nanoseconds, seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import spoken
from analyzers.rules.timers.presence import Presence, shows_esp

_IKE_PORTS: Final = frozenset({500, 4500})
_REMEDY: Final = {
    "cisco-ios": "crypto isakmp nat keepalive 20",
    "strongswan": "charon.keep_alive = 20s in strongswan.conf",
    "fortios": "set nattraversal enable and set keepalive 20, in the phase 1",
    "libreswan": "nat-keepalive=yes, and keep-alive=20 in config setup",
}


def _check(case: Case) -> Iterator[Found]:
    if not (case.timed and case.captured and shows_esp(case)) or _has_keepalives(case):
        return
    for holder in case.ends:
        port = _translated_port(case, holder)
        if port is None or not case.heard(holder):
            continue
        least_ns = nanoseconds(case.thresholds.nat_mapping_s)
        pauses = [p for p in Presence(case, holder).pauses(least_ns) if _is_one_sa(case, p)]
        if not pauses:
            continue
        longest = max(pauses, key=lambda pause: pause.end_ns - pause.start_ns)
        silent_s = seconds(longest.end_ns - longest.start_ns)
        family = case.vendor(holder) or ""
        set_it = f"Set {_REMEDY[family]}." if family in _REMEDY else ""
        first = next(m.ref for m in case.peer.messages if m.at_ns >= longest.end_ns)
        yield Found(
            f"{holder} is behind a NAT (its port is {port}) and sent nothing for"
            f" {spoken(silent_s)}, not even a keepalive. A NAT may forget a mapping after"
            f" {spoken(case.thresholds.nat_mapping_s)}; a keepalive is due every"
            f" {spoken(case.thresholds.nat_keepalive_s)}.",
            (first,),
            remedy=set_it,
            at_ns=longest.start_ns,
            end=holder,
        )


def _has_keepalives(case: Case) -> bool:
    """Whether a capture of this peer has keepalives, which are counted but not kept apart."""
    seen = {m.ref.source for m in case.peer.messages}
    return any(info.nat_keepalives for info in case.sources if info.id in seen)


def _translated_port(case: Case, holder: str) -> int | None:
    """The port a NAT gave an end; None where it has the protocol's own."""
    for message in case.peer.messages:
        sent = case.is_local(message.src) == case.is_local(holder)
        port = message.sport if sent else message.dport
        if port and port not in _IKE_PORTS:
            return port
    return None


def _is_one_sa(case: Case, pause: tuple[int, int]) -> bool:
    """Whether an IKE SA was there before and after: else the tunnel was down meanwhile."""
    before, after = pause
    known = (case.messages[sa] for sa in case.messages)
    return any(
        of_sa[0].at_ns <= before and of_sa[-1].at_ns >= after and of_sa[-1].encrypted
        for of_sa in known
    )


RULE = PeerRule(
    id="nat-keepalive-too-slow",
    severity=Severity.WARNING,
    title="NAT keepalives are rarer than a NAT remembers",
    rationale=(
        "Behind a NAT the peer reaches this end through a mapping only. When it is forgotten,"
        " questions of the peer get lost and it declares a living device dead."
    ),
    remedy="Set the NAT keepalive to 20 s.",
    source="RFC 3948 section 4; RFC 4787 REQ-5",
    needs=(Needs.CAPTURE,),
    traps=(
        "any packet keeps the mapping, not only a keepalive",
        "the capture has keepalives, and does not tell whose they are",
        "the tunnel was down meanwhile",
        "shorter pauses: real NATs differ, and 120 s are the least that is allowed",
    ),
    check=_check,
)
