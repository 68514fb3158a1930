"""dpd-keepalive-fallback: Cisco's keepalives from before DPD are in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.rules.case import Case
from analyzers.rules.negotiation.offers import switched_on
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, times

# ASA syslog 715035.
_MONITOR: Final = re.compile(r"Starting IOS keepalive monitor: (?P<after>\d{1,6}) sec")
# Openswan's names are ISAKMP_N_IOS_KEEP_ALIVE_REQ and _ACK.
_KEEPALIVES: Final = {32768: "keepalive", 32769: "answer to a keepalive"}
_PROTOCOL_ISAKMP: Final = 1


def _check(case: Case) -> Iterator[Found]:
    monitors = [(h, m) for h in case.peer.hints if (m := _MONITOR.match(h.text))]
    seen = [
        m
        for m in case.peer.messages
        if m.version == 1
        and m.encrypted
        and any(n.type in _KEEPALIVES and n.protocol == _PROTOCOL_ISAKMP for n in m.notifies)
    ]
    if monitors:
        hint, found = monitors[0]
        yield Found(
            f"{hint.sender} watches {case.other(hint.sender)} with Cisco IOS keepalives: its log"
            f" starts their monitor of {found['after']} s {times(len(monitors))}.",
            few((*(h.ref for h, _ in monitors), *(m.ref for m in seen))),
            remedy=switched_on(case, case.other(hint.sender), 1),
            at_ns=hint.at_ns,
        )
    elif seen:
        yield Found(
            f"{seen[0].src} and {seen[0].dst} exchange Cisco IOS keepalives:"
            f" {len(seen):,} messages, the first from {seen[0].src}.",
            few(m.ref for m in seen),
            at_ns=seen[0].at_ns,
        )


RULE = PeerRule(
    id="dpd-keepalive-fallback",
    severity=Severity.INFO,
    title="Cisco IOS keepalives are in use instead of DPD",
    rationale=(
        "They are the fallback where a peer lacks DPD. They are sent all the time, know no"
        " on-demand mode, and other products do not answer them."
    ),
    remedy="Let both ends offer DPD, then negotiate the SAs anew.",
    source="Cisco, IPsec Dead Peer Detection Periodic Message Option; ASA syslog 715035",
    needs=(Needs.LOG, Needs.KEYS),
    traps=(
        '"peer does not do paranoid keepalives" is printed for every SA that is deleted',
        "NAT keepalives of one byte 0xFF are none of these",
    ),
    check=_check,
)
