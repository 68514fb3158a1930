"""capture-insufficient: what the input cannot show, and what is not said because of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from msgspec import Struct

from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.finding import Severity
from analyzers.model.records import ProblemKind, Ref
from analyzers.model.sa import IkeSa
from analyzers.rules.case import Case
from analyzers.rules.rule import Found, Needs
from analyzers.rules.run import Run, RunRule
from analyzers.rules.wording import few, sa_name

ABSENCE: Final = (
    "dpd-no-ack",
    "ikev2-unanswered-request-other",
    "liveness-not-probed-one-way-out",
    "no-liveness-mechanism",
    "dpd-alive-dataplane-dead",
    "dpd-interval-too-long",
    "sa-not-deleted-after-dead",
    "delete-lost",
)
"""Rules that rest on something not being there."""
BIRTH: Final = (
    "dpd-not-negotiated",
    "dpd-one-sided-vid",
    "dpd-before-vid",
    "dpd-first-seq-high-bit",
    "dpd-first-seq-predictable",
)
"""Rules that need phase 1 of IKEv1: IKEv2 has no DPD to negotiate (dpd-semantics 1.2)."""
UNSEEN: Final = ("dpd-no-ack", "dpd-late-ack")
"""Rules that need to see whether a question was answered."""
OPEN_END: Final = (
    "dpd-no-ack",
    "sa-not-deleted-after-dead",
    "dead-peer-unnoticed-until-lifetime",
    "liveness-not-probed-one-way-out",
)
"""Rules that need to see how it ends."""
CONTENT: Final = (
    "dpd-seq-not-plus-one",
    "dpd-cookie-mismatch",
    "dpd-hash-invalid",
    "ikev2-retransmit-not-identical",
    "dpd-replay",
)
"""Rules that need whole messages."""


class _Lack(Struct, frozen=True):
    text: str
    silences: tuple[str, ...]
    refs: tuple[Ref, ...] = ()


def _check(run: Run) -> Iterator[Found]:
    for source in run.sources:
        for problem in source.problems:
            if problem.kind is ProblemKind.SNAPLEN_SHORT:
                ref = problem.ref or Ref(source.id, 1)
                lack = _Lack(f"{PurePath(source.path).name}: {problem.detail}", CONTENT, (ref,))
                yield _found([lack], remedy="Capture whole packets (tcpdump -s 0).")
    for case in run.cases:
        lacks = list(_lacks(case)) if case.captured else []
        if lacks:
            yield _found(lacks, case)


def _lacks(case: Case) -> Iterator[_Lack]:
    whole = (case.peer.messages[0].ref,) if case.peer.messages else _first_esp(case)
    if not case.peer.ike_sas:
        ends = f"{case.peer.local} and {case.peer.remote}"
        yield _Lack(f"there is ESP but no IKE between {ends}", (*ABSENCE, *BIRTH), whole)
    for problem in case.peer.problems:
        if problem.kind is ProblemKind.CAPTURE_INSUFFICIENT:
            shown = whole if problem.ref is None else (problem.ref,)
            yield _Lack(problem.detail, ABSENCE, shown)
    late = [sa for sa in case.peer.ike_sas if sa.ike_version == 1 and _begins_late(case, sa)]
    if late:
        names = ", ".join(sa_name(sa) for sa in late[:5])
        yield _Lack(
            f"the first exchange of {names} is not in it",
            BIRTH,
            tuple(sa.refs[0] for sa in late[:5]),
        )
    yield from _open(case)


def _first_esp(case: Case) -> tuple[Ref, ...]:
    first = min(case.peer.esp_flows, key=lambda flow: flow.first_ns, default=None)
    return () if first is None or first.ref is None else (first.ref,)


def _begins_late(case: Case, sa: IkeSa) -> bool:
    """Whether an IKE SA is older than its first message here."""
    used = any(m.encrypted for m in case.messages.get(sa.id, ()))
    return used and not case.begins(sa)


def _open(case: Case) -> Iterator[_Lack]:
    left = [x for x in case.peer.exchanges if x.outcome is Outcome.OPEN]
    asked = [x for x in left if not _is_outlived(case, x)]
    if left and not asked:
        yield _Lack(
            f"a question of {left[-1].prober} has no answer in it, although"
            f" {left[-1].responder} is heard afterwards",
            UNSEEN,
            (left[-1].transmissions[-1].ref,),
        )
    if asked:
        yield _Lack(
            f"it ends before a question of {asked[-1].prober} could be answered",
            OPEN_END,
            (asked[-1].transmissions[-1].ref,),
        )
    holes = [
        h
        for h in case.peer.black_holes
        if h.ceased_ns is None
        and not _is_heard(case, h.receiver, h.stop_ns)
        and (
            h.black_hole_class is BlackHoleClass.OPEN
            or (h.stop_basis is StopBasis.CAPTURE_END and h.dead_ns is None)
        )
    ]
    if holes and not asked:
        yield _Lack(
            f"it ends while nothing comes from {holes[-1].receiver}", OPEN_END, holes[-1].refs
        )


def _is_outlived(case: Case, exchange: Exchange) -> bool:
    """Whether the input goes on after a question without an answer, and the peer lives in it."""
    return _is_heard(case, exchange.responder, exchange.last_ns)


def _is_heard(case: Case, sender: str, after_ns: int) -> bool:
    """Whether anything of a side is in the input after a time."""
    heard_ns = [f.last_ns for f in case.peer.esp_flows if f.sender == sender]
    heard_ns += [m.at_ns for m in case.peer.messages if m.src == sender]
    return max(heard_ns, default=after_ns) > after_ns


def _found(lacks: list[_Lack], case: Case | None = None, remedy: str = "") -> Found:
    rules = dict.fromkeys(rule for lack in lacks for rule in lack.silences)
    refs = few(ref for lack in lacks for ref in lack.refs)
    if not refs and case is not None:
        refs = tuple(ref for sa in case.peer.ike_sas for ref in sa.refs)[:1]
    return Found(
        f"{'; '.join(lack.text for lack in lacks)}. Not judged where it matters:"
        f" {', '.join(rules)}.",
        refs,
        remedy=remedy,
        peer=None if case is None else case.peer.id,
        at_ns=None if case is None else _time_of(case, refs),
    )


def _time_of(case: Case, refs: tuple[Ref, ...]) -> int:
    """When the place that is cited first was."""
    peer, first = case.peer, refs[:1]
    known = [(m.ref, m.at_ns) for m in peer.messages]
    known += [(t.ref, t.at_ns) for x in peer.exchanges for t in x.messages]
    known += [(f.ref, f.first_ns) for f in peer.esp_flows if f.ref is not None]
    known += [(sa.refs[0], sa.first_ns) for sa in peer.ike_sas if sa.refs]
    return next((at_ns for ref, at_ns in known if ref in first), peer.first_ns)


RULE = RunRule(
    id="capture-insufficient",
    severity=Severity.INFO,
    title="The input does not show everything",
    rationale=(
        "What is not in a capture may have been on the wire: rules that rest on something missing"
        " are silent then, and their silence says nothing."
    ),
    remedy=(
        "Capture both directions at the device itself, before the tunnel comes up and until some"
        " minutes after the fault, whole packets (-s 0), UDP 500 and 4500 and ESP."
    ),
    source="RFC 7296 section 2.4",
    needs=(Needs.CAPTURE,),
    traps=(
        "a rekeyed IKE SA begins without IKE_SA_INIT",
        "a log shows what its device says; it is not measured by this",
    ),
    check=_check,
)
