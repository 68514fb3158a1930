"""hint-obeyed: an SA that was deleted because of something unprotected."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.exchange import Delete, DeleteProtocol
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.model.time import nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.state.hints import Unprotected, follows_delete, icmp, unprotected
from analyzers.rules.state.reactions import asked
from analyzers.rules.wording import sa_name, spoken_ns, weakest


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    told: set[str] = set()
    first_ns: dict[tuple[str, ...], int] = {}
    for hint in sorted([*unprotected(case), *icmp(case)], key=lambda h: h.at_ns):
        said = hint.name, hint.sender, hint.receiver, hint.sa.id
        if first_ns.setdefault(said, hint.at_ns) < hint.at_ns - nanoseconds(case.thresholds.hint_s):
            continue  # it was not obeyed before
        delete = _delete_after(case, hint)
        if delete is None or hint.sa.id in told or hint.token:
            continue
        if follows_delete(case, hint.at_ns) or asked(case, hint, delete.at_ns):
            continue
        told.add(hint.sa.id)
        yield Found(
            f"{hint.receiver} deleted {sa_name(hint.sa)} with {case.other(hint.receiver)}"
            f" {spoken_ns(delete.at_ns - hint.at_ns)} after an unprotected {hint.name} from"
            f" {hint.sender}, without asking the peer first.",
            (hint.ref, delete.ref),
            confidence=weakest([delete.confidence, Confidence.INFERRED]),
            at_ns=delete.at_ns,
        )


def _delete_after(case: Case, hint: Unprotected) -> Delete | None:
    wait_ns = nanoseconds(case.thresholds.hint_s)
    return next(
        (
            delete
            for delete in case.peer.deletes
            if delete.ike_sa == hint.sa.id
            and delete.sender == hint.receiver
            and delete.protocol is DeleteProtocol.IKE
            and 0 <= delete.at_ns - hint.at_ns <= wait_ns
        ),
        None,
    )


RULE = PeerRule(
    id="hint-obeyed",
    severity=Severity.ERROR,
    title="An SA was deleted on unprotected evidence",
    rationale=(
        "ICMP errors and clear notifies can be forged by anybody who can send a packet: an end that"
        " obeys them can be cut off at will. The standard forbids it; only an unanswered question"
        " counts."
    ),
    remedy=(
        "Update or configure the end that deleted its SA; until then filter ICMP errors and clear"
        " IKE notifies from elsewhere. If somebody cleared the SA by hand at that moment, nothing"
        " is wrong."
    ),
    source="RFC 7296 section 2.4",
    needs=(Needs.CAPTURE,),
    traps=(
        "a question in between, or one that was open before",
        "a token of quick crash detection is proof (RFC 6290)",
        "the hint is about an SA that was deleted before",
        "hints of the kind had been coming for long, and were not obeyed",
    ),
    check=_check,
)
