"""delete-lost: a Delete that its receiver never got."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from analyzers.model.exchange import Delete, DeleteProtocol, Outcome
from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.model.sa import SaEnd
from analyzers.model.time import nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.state.hints import in_flight_ns, starts
from analyzers.rules.wording import few, times, weakest

# By IKE SA and sender: whether any message is logged to have arrived, and which other inputs
# show some of them.
_Elsewhere = dict[tuple[str, str], tuple[bool, frozenset[str]]]


# What a Delete may be of that ends an IKE SA; keys may be needed to tell.
_OF_IKE = (DeleteProtocol.IKE, DeleteProtocol.UNKNOWN)


class _Loss(Struct, frozen=True):
    said: str
    confidence: Confidence
    refs: tuple[Ref, ...] = ()
    title: str = ""


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    told: set[tuple[str, str]] = set()
    elsewhere = _elsewhere(case)
    for delete in sorted([*case.peer.deletes, *case.peer.lost_deletes], key=lambda d: d.at_ns):
        key = (delete.ike_sa, delete.sender)
        if key in told or delete.basis is Basis.RHYTHM or delete.answered:
            continue
        loss = _at_the_other_end(case, delete, elsewhere) or _unanswered(case, delete)
        if loss is None:
            continue
        told.add(key)
        yield Found(
            f"{delete.sender} sent a Delete to {case.other(delete.sender)}"
            f" {times(delete.transmissions)}; {loss.said}.",
            few((delete.ref, *loss.refs)),
            title=loss.title,
            confidence=weakest([delete.confidence, loss.confidence]),
            at_ns=delete.at_ns,
            end=delete.sender,
        )


def _unanswered(case: Case, delete: Delete) -> _Loss | None:
    """IKEv2: a Delete is a request, and has an answer."""
    receiver = case.other(delete.sender)
    if delete.answered is not False or not case.heard(receiver) or _was_dead(case, delete):
        return None
    if any(d.sender == receiver and d.ike_sa == delete.ike_sa for d in case.peer.deletes):
        return None  # Deletes that cross
    sa = case.sas.get(delete.ike_sa)
    if sa is not None and sa.rekeyed_into is not None and delete.protocol in _OF_IKE:
        return None
    repeated = delete.transmissions > 1
    wait_ns = max(in_flight_ns(case, delete.ike_sa), nanoseconds(case.thresholds.window_stall_s))
    waited = case.end_ns - delete.at_ns >= wait_ns
    if not waited or (not repeated and delete.basis is Basis.LOG):
        return None
    confidence = Confidence.CERTAIN if repeated else Confidence.INFERRED
    said = "no answer came"
    if not any(m.at_ns > delete.at_ns and m.src == receiver for m in case.peer.messages):
        said += ": whether it arrived, and whether the peer lived then, is not known"
    return _Loss(said, confidence, title="A Delete was not answered")


def _was_dead(case: Case, delete: Delete) -> bool:
    """Whether its sender had given the peer up before."""
    sa = case.sas.get(delete.ike_sa)
    over = sa is not None and sa.end is SaEnd.DEAD_PEER
    if over and sa is not None and sa.ended_ns is not None and sa.ended_ns <= delete.at_ns:
        return True
    return any(
        x.prober == delete.sender
        and x.first_ns <= delete.at_ns
        and x.outcome is not Outcome.ANSWERED
        for x in case.exchanges_of.get(delete.ike_sa, ())
    )


def _at_the_other_end(case: Case, delete: Delete, elsewhere: _Elsewhere) -> _Loss | None:
    """What the receiver's own log, or a capture nearer to it, shows of the Delete."""
    receiver = case.other(delete.sender)
    if delete in case.peer.lost_deletes:
        if not _captured_at(case, delete):
            return None
        said = f"by its log; it is not in the capture, so {receiver} did not get it"
        return _Loss(said, Confidence.INFERRED)
    sent = case.message_at.get(delete.ref)
    if sent is None:
        return None
    arrived, sources = elsewhere.get((delete.ike_sa, sent.src), (False, frozenset()))
    after_ns = delete.at_ns + in_flight_ns(case, delete.ike_sa)
    if any(h.sender == receiver and h.at_ns <= after_ns for h in starts(case)):
        return None  # it does not know the SA, and says nothing of what comes for it
    if any(_cross(delete, other, after_ns) for other in case.peer.deletes):
        return None
    covered = any(
        log.address == receiver and log.first_ns <= delete.at_ns and after_ns <= log.last_ns
        for log in case.peer.logged
    )
    if covered and not sent.arrived and arrived:
        return _Loss(
            f"{receiver}'s own log does not have it, though it has others", Confidence.INFERRED
        )
    return _between_captures(case, sent, sources, after_ns)


def _cross(delete: Delete, other: Delete, after_ns: int) -> bool:
    """Whether the receiver removed the IKE SA by itself meanwhile: no log need tell of both."""
    return (
        other.sender != delete.sender
        and other.ike_sa == delete.ike_sa
        and delete.protocol is other.protocol is DeleteProtocol.IKE
        and abs(other.at_ns - delete.at_ns) <= after_ns - delete.at_ns
    )


def _elsewhere(case: Case) -> _Elsewhere:
    if len(case.sources) < 2:
        return {}
    arrived: set[tuple[str, str]] = set()
    sources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for message in case.peer.messages:
        key = (message.ike_sa, message.src)
        if message.arrived:
            arrived.add(key)
        sources[key].update(ref.source for ref in message.seen)
    return {key: (key in arrived, frozenset(seen)) for key, seen in sources.items()}


def _captured_at(case: Case, delete: Delete) -> bool:
    """Whether a capture runs then; the last moments of one may be lost with its buffers."""
    after_ns = delete.at_ns + in_flight_ns(case, delete.ike_sa)
    return any(
        info.kind == "capture"
        and info.first_ns is not None
        and info.last_ns is not None
        and info.first_ns <= delete.at_ns
        and after_ns <= info.last_ns
        for info in case.sources
    )


def _between_captures(
    case: Case, sent: IkeMessage, sources: frozenset[str], after_ns: int
) -> _Loss | None:
    for other in sorted(sources - {ref.source for ref in sent.seen}):
        info = case.source.get(other)
        if info is None or info.kind != "capture" or info.first_ns is None or info.last_ns is None:
            continue
        if info.first_ns <= sent.at_ns and after_ns <= info.last_ns:
            return _Loss("a second capture on the way does not have it", Confidence.INFERRED)
    return None


RULE = PeerRule(
    id="delete-lost",
    severity=Severity.WARNING,
    title="A Delete did not reach the peer",
    rationale=(
        "The peer still believes in the SA and sends into it, until its own DPD or the lifetime"
        " ends that."
    ),
    remedy=(
        "Enable DPD on the end that did not get it. If Deletes are lost again and again, look for"
        " a link or rule that goes down before the tunnel does (interface shut, address released)."
    ),
    source="RFC 7296 section 1.4.1; RFC 2408 section 3.15",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "an IKEv1 Delete has no answer: only the other end tells",
        "a Delete to a peer that was given up for dead is not expected to arrive",
        "the input ends before the answer is due",
        "nothing of the receiver was captured",
        "Deletes of both ends that cross",
        "both ends delete the IKE SA at once: a log need not tell of both Deletes",
        "an IKE SA that was renewed: who has it no more does not answer",
    ),
    check=_check,
)
