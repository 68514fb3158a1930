"""Who offered DPD in phase 1, and what to configure where nobody did (RFC 3706 section 5.1)."""

from __future__ import annotations

from itertools import chain
from typing import Final

from analyzers.model.records import Ref
from analyzers.model.sa import IkeSa
from analyzers.rules.case import PHASE1_KINDS, Case
from analyzers.rules.negotiation import dpd_configured_not_in_force
from analyzers.rules.wording import few, sa_name

# By family and IKE version: what makes it ask (and offer, in IKEv1).
_LINES: Final = {
    ("cisco-ios", 1): "crypto isakmp keepalive 10 3 periodic",
    ("cisco-ios", 2): "dpd 10 3 periodic, in the IKEv2 profile",
    ("cisco-asa", 1): "isakmp keepalive threshold 10 retry 2, in the tunnel group",
    ("cisco-asa", 2): "isakmp keepalive threshold 10 retry 2, in the tunnel group",
    ("strongswan", 1): "dpd_delay = 10s, in the connection",
    ("strongswan", 2): "dpd_delay = 10s, in the connection",
    ("libreswan", 1): "dpddelay=10 and dpdtimeout=30, in the conn",
    ("libreswan", 2): "dpddelay=10, in the conn",
    ("fortios", 1): "set dpd on-idle, in the phase 1",
    ("fortios", 2): "set dpd on-idle, in the phase 1",
    ("racoon", 1): "dpd on and dpd_delay 10, in the remote section",
    ("checkpoint", 1): "DPD as the tunnel's keepalive, on the gateway object",
}


def switched_on(case: Case, address: str, ike_version: int) -> str:
    """What to configure at an address, in the words of its product where that is known."""
    line = _LINES.get((case.vendor(address) or "", ike_version))
    return f"Switch DPD on at {address}" + (f": {line}." if line else ".")


def lacking(sa: IkeSa) -> tuple[str, ...]:
    """The ends that are known not to have offered DPD on an SA that came up."""
    if sa.ike_version != 1 or sa.established_ns is None:
        return ()
    ends = zip((sa.initiator, sa.responder), sa.dpd_vendor_id, strict=True)
    return tuple(end for end, offered in ends if offered is False)


def by_lacking(case: Case, *, one_sided: bool) -> dict[tuple[str, ...], list[IkeSa]]:
    """SAs by the ends that did not offer DPD; `one_sided`: those where the other end did.

    What a configuration shows to be wrong with an SA is told against that.
    """
    found: dict[tuple[str, ...], list[IkeSa]] = {}
    for sa in case.peer.ike_sas:
        ends = lacking(sa)
        if not ends or (True in sa.dpd_vendor_id) is not one_sided:
            continue
        if not dpd_configured_not_in_force.is_told(case, sa):
            found.setdefault(ends, []).append(sa)
    return found


def clear_phase1(case: Case, sas: list[IkeSa]) -> tuple[Ref, ...]:
    """The messages of phase 1 that could have carried the vendor ID."""
    messages = chain.from_iterable(case.messages.get(sa.id, ()) for sa in sas)
    return few(m.ref for m in messages if m.kind in PHASE1_KINDS and not m.encrypted)


def counted(sas: list[IkeSa]) -> str:
    """When: "when IKE SA a41ac1a6… was negotiated"; of several the first."""
    more = len(sas) - 1
    others = f", nor for {more:,} later {'one' if more == 1 else 'ones'}" if more else ""
    return f"when {sa_name(sas[0])} was negotiated{others}"
