"""peer-never-answered: an end began to negotiate, and not a word came back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.sa import SaEnd
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.reached import never_answered
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, spoken_ns, times


def _check(case: Case) -> Iterator[Found]:
    peer = case.peer
    failed = sum(sa.end is SaEnd.FAILED for sa in peer.ike_sas)
    sent = [m for m in peer.messages if case.is_local(m.src)]
    if not failed or not sent or not never_answered(peer):
        return
    said = f"{peer.local} sent its first message to {peer.remote} {times(len(sent))}"
    if case.timed and len(sent) > 1:
        said += f" within {spoken_ns(sent[-1].at_ns - sent[0].at_ns)}"
    if failed > 1:
        said += f", in {failed:,} attempts"
    yield Found(
        f"{said}; nothing came back, and no IKE SA came up.",
        few(message.ref for message in sent),
        at_ns=sent[0].at_ns if case.timed else None,
        end=sent[0].src,
    )


RULE: Final = PeerRule(
    id="peer-never-answered",
    severity=Severity.WARNING,
    title="The peer never answered",
    rationale=(
        "Without an answer to its first message no IKE SA comes up, and there is no tunnel whose"
        " liveness anybody could ask for."
    ),
    remedy=(
        "See whether the peer runs, whether UDP 500 and 4500 get there and back (filters, NAT,"
        " routes, its address), and whether it is configured for this end: many devices do not"
        " answer who they do not know."
    ),
    source="RFC 7296 section 2.1; RFC 2408 section 5.1",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "nothing of the other end was captured: its answers may have taken another path",
        "the input ends before the attempt was given up",
        "the peer answered at any other time: it is there",
    ),
    check=_check,
)
