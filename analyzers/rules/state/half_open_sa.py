"""half-open-sa: one end has deleted an SA, the other goes on using it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Delete, DeleteProtocol, Exchange, Outcome
from analyzers.model.finding import Severity
from analyzers.model.peer import Hint, HintKind
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import EspFlow, SaEnd
from analyzers.model.time import nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.deleted_child import deleted_flows, silencing_delete
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.state.hints import in_flight_ns
from analyzers.rules.wording import few, spoken_ns, times, weakest

_OF_ACKNOWLEDGED: Final = (
    "The end that still sends has acknowledged the Delete: find out why its data path keeps the SA"
    " (compare its IKE SAs with its IPsec SAs), clear it there, and look at its software for a"
    " known fault. Find out why the other end deleted it."
)
_OF_IKE_SA: Final = (DeleteProtocol.IKE, DeleteProtocol.UNKNOWN)


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    told: set[tuple[str, str]] = set()
    deletes = sorted([*case.peer.deletes, *case.peer.lost_deletes], key=lambda d: d.at_ns)
    for delete in deletes:
        user = case.other(delete.sender)
        if (delete.ike_sa, user) in told or delete.basis is Basis.RHYTHM:
            continue
        late_ns = delete.at_ns + in_flight_ns(case, delete.ike_sa)
        flows = [f for f in _named(case, delete) if f.last_ns > late_ns and _dies(case, delete, f)]
        asked = _asked(case, delete, user, late_ns)
        if flows or asked:
            told.add((delete.ike_sa, user))
            yield _found(case, delete, user, flows, asked)
    yield from _unknown_spis(case)


def _unknown_spis(case: Case) -> Iterator[Found]:
    """ESP that its receiver logs as of no SA, for longer than packets are on their way."""
    lines: dict[tuple[str, str], list[Hint]] = defaultdict(list)
    for hint in case.peer.hints:
        if hint.kind is HintKind.UNKNOWN_SPI:
            lines[hint.sender, hint.text].append(hint)
    for (device, text), hints in lines.items():
        length_ns = hints[-1].at_ns - hints[0].at_ns
        if length_ns > nanoseconds(case.thresholds.in_flight_s):
            yield Found(
                f"{device} logs {len(hints)} times in {spoken_ns(length_ns)} {text}:"
                f" {case.other(device)} sends into an SA that {device} has not.",
                few(h.ref for h in hints),
                confidence=Confidence.INFERRED,
                at_ns=hints[0].at_ns,
            )


def _named(case: Case, delete: Delete) -> list[EspFlow]:
    """The flows that a Delete may take away."""
    if delete.protocol is DeleteProtocol.ESP:
        if delete.spis:
            return [flow for spi in delete.spis for flow in case.flows_of.get(spi, ())]
        holes = [h for h in case.peer.black_holes if silencing_delete(case, h) is delete]
        return [flow for hole in holes for flow in deleted_flows(case, delete, hole)]
    return list(case.peer.esp_flows) if delete.protocol is DeleteProtocol.IKE else []


def _dies(case: Case, delete: Delete, flow: EspFlow) -> bool:
    """Whether a Delete takes away the SA on which a flow comes in."""
    if case.is_local(flow.receiver) is not case.is_local(delete.sender):
        return False
    if flow.first_ns >= delete.at_ns:
        return False
    if delete.protocol is DeleteProtocol.ESP:
        return True
    sa = case.sas.get(delete.ike_sa)
    # IKEv1 Child SAs outlive their IKE SA; rekeying an IKEv2 SA hands them on.
    if sa is None or sa.ike_version != 2 or delete.protocol is not DeleteProtocol.IKE:
        return False
    if sa.end is SaEnd.REKEYED:
        return False
    others = [s for s in case.peer.ike_sas if s.id != sa.id and s.established_ns is not None]
    return not any(
        s.first_ns <= delete.at_ns and (s.ended_ns is None or s.ended_ns > delete.at_ns)
        for s in others
    )


def _asked(case: Case, delete: Delete, user: str, late_ns: int) -> list[Exchange]:
    """What the other end still asked on an IKE SA that was deleted.

    A Delete that does not say what it is about is one of the IKE SA if nothing is answered since.
    """
    if delete.protocol not in _OF_IKE_SA or delete.answered:
        return []
    later = [x for x in case.exchanges_of.get(delete.ike_sa, ()) if x.first_ns > late_ns]
    if any(x.outcome is Outcome.ANSWERED or x.answers for x in later):
        return []
    unanswered = [x for x in later if x.outcome is Outcome.UNANSWERED]
    return [x for x in unanswered if x.prober == user]


def _found(
    case: Case, delete: Delete, user: str, flows: list[EspFlow], asked: list[Exchange]
) -> Found:
    known = delete.protocol is not DeleteProtocol.UNKNOWN
    what = "a Child SA" if delete.protocol is DeleteProtocol.ESP else "its IKE SA"
    lost = " (no answer came)" if delete.answered is False else ""
    said = []
    if flows:
        last_ns = max(f.last_ns for f in flows)
        spis = ", ".join(f.spi for f in flows[:4])
        said.append(
            f"{user} sent ESP on SPI {spis} for {spoken_ns(last_ns - delete.at_ns)} more, all of it"
            " lost"
        )
    if asked:
        count = sum(len(x.transmissions) for x in asked)
        said.append(
            f"{user} asked on it {times(count)}, first"
            f" {spoken_ns(asked[0].first_ns - delete.at_ns)} later"
        )
    shown = [t.ref for x in asked for t in x.transmissions]
    confidences = [delete.confidence, *(x.confidence for x in asked)]
    if not known:
        confidences.append(Confidence.INFERRED)
    return Found(
        f"{delete.sender} deleted {what} with {user}{lost}; {' and '.join(said)}.",
        few((delete.ref, *shown)),
        severity=Severity.ERROR if known else Severity.WARNING,
        remedy=_OF_ACKNOWLEDGED if delete.answered else "",
        confidence=weakest(confidences),
        at_ns=delete.at_ns,
    )


RULE = PeerRule(
    id="half-open-sa",
    severity=Severity.ERROR,
    title="One end has deleted an SA that the other still uses",
    rationale=(
        "A Delete is advice that may get lost (IKEv1 does not even acknowledge it). The end that"
        " does not know goes on sending into an SA that nobody has; only its own DPD ends that."
    ),
    remedy=(
        "Enable DPD on the end that still sends; on Cisco IOS also crypto isakmp"
        " invalid-spi-recovery. Find out why the Delete did not arrive: a path that is down, or a"
        " device that removes SAs without a word (`ignoring request to send delete notify`)."
    ),
    source="RFC 2408 section 3.15; RFC 7296 section 1.4.1",
    needs=(Needs.CAPTURE, Needs.KEYS, Needs.LOG),
    traps=(
        "packets that were on their way; a log that has one line of them only",
        "the old SA of a rekey: its Child SAs go on with the new IKE SA",
        "an IKEv1 IKE SA: its Child SAs outlive it",
        "a second IKE SA between the same ends, to which the traffic may belong",
        "without keys a Delete may be none, or does not say which SPI it is about",
    ),
    check=_check,
)
