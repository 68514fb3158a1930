"""dead-peer-unnoticed-until-lifetime: only the end of an SA ended a black hole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Confidence, Ref
from analyzers.model.sa import IkeSa
from analyzers.model.time import nanoseconds, seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, spoken_ns, weakest

_NOT_MEANT: Final = frozenset(
    {
        BlackHoleClass.IDLE,
        BlackHoleClass.DATA_PLANE,
        BlackHoleClass.TRANSIENT,
        BlackHoleClass.OPEN,
    }
)
_REKEYS: Final = {
    MessageKind.CREATE_CHILD: "CREATE_CHILD_SA",
    MessageKind.QUICK_MODE: "Quick Mode",
    MessageKind.MAIN_MODE: "Main Mode",
    MessageKind.AGGRESSIVE: "Aggressive Mode",
}
# Devices rekey or end an SA from this part of its lifetime on.
_LIFETIME_SHARE: Final = (0.8, 1.05)


def _check(case: Case) -> Iterator[Found]:
    for hole in case.peer.black_holes:
        start_ns = hole.first_exposed_ns
        if start_ns is None or hole.black_hole_class in _NOT_MEANT or not hole.traffic_known:
            continue
        if hole.spis or case.one_direction or _asked(case, hole, start_ns):
            continue
        expected = case.expected(hole.sender)
        worst_s = None if expected is None else expected.policy.worst_case_s
        allowed_s = max(worst_s or 0.0, case.thresholds.one_way_s)
        ended = _rekey(case, hole, start_ns)
        until_ns = hole.stop_ns if ended is None else min(ended.at_ns, hole.stop_ns)
        if until_ns - start_ns <= nanoseconds(allowed_s):
            continue
        if ended is not None:
            said = f"its {_REKEYS[ended.kind]} to rekey, which nobody answered, found it out"
            yield _found(hole, until_ns - start_ns, said, allowed_s, (ended.ref,))
        else:
            sa = _expired(case, hole)
            if sa is not None:
                said = f"the lifetime of {sa.lifetime_s:,} s ended it"
                yield _found(hole, until_ns - start_ns, said, allowed_s, sa.refs)


def _asked(case: Case, hole: BlackHole, start_ns: int) -> bool:
    """Whether its sender asked whether the peer lives."""
    return any(
        start_ns <= sent.at_ns <= hole.stop_ns
        for exchange in case.asked_by(hole.sender)
        for sent in exchange.transmissions
    )


def _rekey(case: Case, hole: BlackHole, start_ns: int) -> IkeMessage | None:
    """The first message of an attempt to rekey, by the sender, without any answer."""
    return next(
        (
            m
            for m in case.peer.messages
            if m.kind in _REKEYS
            and m.src == hole.sender
            and not m.is_response
            and start_ns < m.at_ns <= hole.stop_ns
        ),
        None,
    )


def _expired(case: Case, hole: BlackHole) -> IkeSa | None:
    """The IKE SA whose agreed lifetime ended with the black hole."""
    low, high = _LIFETIME_SHARE
    for sa in case.peer.ike_sas:
        if sa.lifetime_s is None or sa.established_ns is None:
            continue
        age_s = seconds(hole.stop_ns - sa.established_ns)
        if low * sa.lifetime_s <= age_s <= high * sa.lifetime_s:
            return sa
    return None


def _found(
    hole: BlackHole, length_ns: int, said: str, allowed_s: float, shown: tuple[Ref, ...]
) -> Found:
    return Found(
        f"{hole.sender} sent {hole.max_packets:,} packets to {hole.receiver} for"
        f" {spoken_ns(length_ns)} without anything coming back and asked nothing; {said}."
        f" {allowed_s:g} s were allowed.",
        few((*shown, *hole.refs)),
        confidence=weakest([hole.confidence, Confidence.INFERRED]),
        at_ns=hole.first_exposed_ns,
        end=hole.sender,
    )


RULE = PeerRule(
    id="dead-peer-unnoticed-until-lifetime",
    severity=Severity.ERROR,
    title="A dead peer was noticed only when the SA came to its end",
    rationale=(
        "Nobody asked whether the peer lives, so that everything was lost until the SA had to be"
        " rekeyed: with usual lifetimes that takes hours, up to 86,400 s on Cisco IOS."
    ),
    remedy=(
        "Enable DPD on the end that sends: crypto isakmp keepalive 10 3 periodic on Cisco IOS,"
        " dpd_delay = 10s in swanctl.conf, set dpd on-idle on FortiGate."
    ),
    source="RFC 3706 section 3; Cisco IOS IPsec Dead Peer Detection guide",
    needs=(Needs.CAPTURE,),
    traps=(
        "a question was asked: then DPD found it out",
        "an outage that ended by itself on the same SAs",
        "one direction is missing from the capture",
        "nothing was sent: nothing was lost",
    ),
    check=_check,
)
