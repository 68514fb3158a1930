"""dpd-bad-doi-or-protocol: a DPD message is not marked as one of the IPsec DOI and of ISAKMP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.sequence.opened import dpd_name, opened_dpd
from analyzers.rules.wording import few, times, weakest

_IPSEC_DOI: Final = 1
_ISAKMP: Final = 1


def _check(case: Case) -> Iterator[Found]:
    found: dict[tuple[str, int | None, int], list[IkeMessage]] = defaultdict(list)
    for message in opened_dpd(case):
        notify = message.notifies[0]
        if (notify.doi, notify.protocol) != (_IPSEC_DOI, _ISAKMP):
            found[message.src, notify.doi, notify.protocol].append(message)
    for (sender, doi, protocol), messages in found.items():
        wrong = []
        if doi != _IPSEC_DOI:
            wrong.append(f"DOI {doi} (it should be {_IPSEC_DOI})")
        if protocol != _ISAKMP:
            wrong.append(f"protocol {protocol} (it must be {_ISAKMP})")
        yield Found(
            f"{sender} sent {' and '.join(wrong)} {times(len(messages))}, first in an"
            f" {dpd_name(messages[0])}.",
            few(m.ref for m in messages),
            severity=Severity.INFO if protocol == _ISAKMP else None,
            confidence=weakest(m.confidence for m in messages),
            at_ns=messages[0].at_ns,
            end=sender,
        )


RULE = PeerRule(
    id="dpd-bad-doi-or-protocol",
    severity=Severity.WARNING,
    title="A DPD message has the wrong DOI or protocol",
    rationale=(
        "The Notification is that of the IPsec DOI and of protocol ISAKMP; a peer that checks"
        " these fields does not recognise the message as DPD, and does not answer."
    ),
    remedy="Update the sending end; until then let the other one ask.",
    source="RFC 3706 section 5.3",
    needs=(Needs.KEYS,),
    traps=("another DOI alone breaks a SHOULD only",),
    check=_check,
)
