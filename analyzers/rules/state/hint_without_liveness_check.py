"""hint-without-liveness-check: an unprotected hint that led to no question."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.model.time import nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.state.hints import Unprotected, follows_delete, unprotected
from analyzers.rules.state.reactions import asked, starts_over
from analyzers.rules.wording import few, times


def _check(case: Case) -> Iterator[Found]:
    wait_ns = nanoseconds(case.thresholds.hint_s)
    first: dict[tuple[str, str], Unprotected] = {}
    all_of: dict[tuple[str, str], list[Unprotected]] = {}
    for hint in unprotected(case):
        if hint.sa.ike_version == 2 and not follows_delete(case, hint.at_ns):
            first.setdefault((hint.sa.id, hint.receiver), hint)
            all_of.setdefault((hint.sa.id, hint.receiver), []).append(hint)
    for key, hint in first.items():
        until_ns = hint.at_ns + wait_ns
        over = hint.sa.ended_ns is not None and hint.sa.ended_ns <= until_ns
        if over or until_ns > case.end_ns or not case.heard(hint.receiver):
            continue
        # A check is rate limited: one for the first of several hints is enough.
        if asked(case, hint, until_ns) or starts_over(case, hint, until_ns):
            continue
        yield Found(
            f"{hint.receiver} got an unprotected {hint.name} from {hint.sender}"
            f" {times(len(all_of[key]))} and asked nothing within {case.thresholds.hint_s:g} s,"
            " although the hint may be true.",
            few(h.ref for h in all_of[key]),
            confidence=Confidence.INFERRED,
            at_ns=hint.at_ns,
        )


RULE = PeerRule(
    id="hint-without-liveness-check",
    severity=Severity.WARNING,
    title="A hint that the peer has lost its SA led to no liveness check",
    rationale=(
        "Such a hint may be forged, so nothing may be deleted because of it; but when it is true,"
        " everything that is sent is lost until somebody asks. The standard wants a question at"
        " once."
    ),
    remedy=(
        "Shorten the interval of DPD on the end that got the hint; on Cisco IOS"
        " crypto isakmp invalid-spi-recovery makes it react at once."
    ),
    source="RFC 7296 section 2.21.4",
    needs=(Needs.CAPTURE,),
    traps=(
        "a question that was already open",
        "a check for the first of several hints: they are rate limited",
        "packets that were on their way when the SA was deleted",
        "the input ends before the check is due, or does not show the end that has to ask",
    ),
    check=_check,
)
