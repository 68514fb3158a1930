"""dpd-not-negotiated: phase 1 went by without an offer of DPD, so neither end may ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.sa import IkeSa
from analyzers.rules.case import Case
from analyzers.rules.negotiation.offers import (
    by_lacking,
    clear_phase1,
    counted,
    switched_on,
)
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, times

# ASA syslog 713122.
_UNSUPPORTED: Final = re.compile(r"Keep-alives configured on but peer \S{1,64} does not support")


def _check(case: Case) -> Iterator[Found]:
    for ends, sas in by_lacking(case, one_sided=False).items():
        yield Found(
            _detail(ends, sas),
            clear_phase1(case, sas),
            confidence=case.confidence_in_offers(sas),
            remedy=" ".join(switched_on(case, end, 1) for end in ends),
            at_ns=sas[0].first_ns,
        )
    yield from _logged(case)


def _detail(ends: tuple[str, ...], sas: list[IkeSa]) -> str:
    who = f"Neither {ends[0]} nor {ends[1]}" if len(ends) > 1 else f"{ends[0]} never"
    lifetime = sas[0].lifetime_s
    bound = "a lifetime ends" if lifetime is None else f"the IKE SA ends, after {lifetime:,} s"
    return (
        f"{who} sent the DPD vendor ID {counted(sas)}. A peer that dies may go unnoticed until"
        f" {bound}, unless routing or BFD over the tunnel notices."
    )


def _logged(case: Case) -> Iterator[Found]:
    said = [h for h in case.peer.hints if _UNSUPPORTED.match(h.text)]
    for device in dict.fromkeys(h.sender for h in said):
        own = [h for h in said if h.sender == device]
        yield Found(
            f"{device} has keepalives configured, but its log says {times(len(own))} that"
            f" {case.other(device)} does not support them.",
            few(h.ref for h in own),
            remedy=switched_on(case, case.other(device), 1),
            at_ns=own[0].at_ns,
        )


RULE = PeerRule(
    id="dpd-not-negotiated",
    severity=Severity.WARNING,
    title="DPD was not negotiated",
    rationale=(
        "In IKEv1 both ends must send the DPD vendor ID in phase 1 before either may ask. Without"
        " it nobody looks, and traffic goes into a dead SA until a lifetime ends."
    ),
    remedy="Switch DPD on at both ends, then negotiate the SAs anew.",
    source="RFC 3706 section 5.1",
    needs=(Needs.CAPTURE, Needs.LOG, Needs.CONFIGURATION),
    traps=(
        "the vendor ID may come in messages 3 and 4 of Main Mode",
        "a message of phase 1 was not captured, or not whole: nobody knows what it offered",
        "a log that shows phase 1 without vendor IDs need not print them",
        "IKEv2 has no DPD vendor ID",
        "with the configuration at hand, dpd-configured-not-in-force tells it",
    ),
    check=_check,
)
