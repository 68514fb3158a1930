"""One event in full: what it is, where it stands, what was read of it, and how that is known."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from analyzers.export import words
from analyzers.export.causes import where_lost
from analyzers.export.exchanges import DID_NOT_ARRIVE, delete_outcome, late_words, round_trip
from analyzers.export.formatting import (
    Severity,
    black_hole_bounds,
    duration,
    message_id,
)
from analyzers.export.messages import message_word
from analyzers.export.story import SENT_FOR_NOTHING
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import NO_MESSAGE_ID, Exchange
from analyzers.model.finding import Finding
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.observations import IkeMessage, Notify
from analyzers.model.peer import PeerView
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.wire import ikev1, ikev2
from dpdlab.present.events import Event
from dpdlab.present.times import TimeFormat


class Detail(NamedTuple):
    """One line: a label, what is said, and how it should be seen."""

    label: str
    text: str
    severity: Severity = Severity.MUTE


def details(
    peer: PeerView,
    event: Event,
    findings: Sequence[Finding],
    paths: dict[str, str],
    times: TimeFormat,
    beside: Container[Ref] = (),
) -> list[Detail]:
    """Everything that is known of one event of a peer; `beside`: places whose text is told, too."""
    told = [Detail("", event.label, event.severity)]
    if event.ref is not None:
        told.append(Detail("at", _place(event.ref, paths)))
    told += _how(event)
    if event.exchange is not None:
        told += _exchange(event.exchange, times)
        told += _lost(peer, event.exchange, paths)
    if event.delete is not None:
        deleted = event.delete
        spis = ", ".join(deleted.spis)
        told.append(Detail("removes", f"{words.DELETE_OF[deleted.protocol]} {spis}"))
        if deleted.answered is not None:
            told.append(Detail("outcome", delete_outcome(deleted)))
    if event.hole is not None:
        told += _hole(event.hole, times, f" {SENT_FOR_NOTHING}" if event.way_back else "")
    if event.message is not None:
        told += _message(event.message, paths, beside)
    for finding in findings:
        bad = Severity.BAD if finding.severity is FindingSeverity.ERROR else Severity.WARN
        told.append(Detail("finding", f"{finding.title} [{finding.rule}]", bad))
    return told


def _place(ref: Ref, paths: dict[str, str]) -> str:
    return f"{paths.get(ref.source, ref.source)}:{ref.record}"


def _how(event: Event) -> Iterator[Detail]:
    if event.basis is not None:
        yield Detail("known by", words.known_by(event.basis, event.confidence))
    elif event.confidence is not Confidence.CERTAIN:
        yield Detail("known by", words.CONFIDENCE[event.confidence])


def _exchange(exchange: Exchange, times: TimeFormat) -> Iterator[Detail]:
    outcome = f"{words.OUTCOME[exchange.outcome]}, {len(exchange.transmissions)} sent"
    yield Detail("exchange", f"{exchange.id} on {exchange.ike_sa}: {outcome}")
    if exchange.rtt_ns is not None:
        late = late_words(exchange)
        yield Detail("answered", late) if late else Detail("round trip", round_trip(exchange))
    if exchange.since_proof_ns is not None:
        yield Detail("asked after", f"{duration(exchange.since_proof_ns)} of silence")
    if exchange.verdict_ns is not None:
        after = duration(exchange.verdict_ns - exchange.first_ns)
        yield Detail("given up", f"{times.at(exchange.verdict_ns)}, {after} after the first")


def _lost(peer: PeerView, exchange: Exchange, paths: dict[str, str]) -> Iterator[Detail]:
    """Where it was lost, and the answers that never came."""
    where = where_lost(peer, exchange)
    if where:
        yield Detail("lost", where, Severity.WARN)
    for lost in exchange.lost_answers:
        yield Detail("answer", f"{_place(lost.ref, paths)}, {DID_NOT_ARRIVE}", Severity.WARN)


def _hole(hole: BlackHole, times: TimeFormat, fate: str) -> Iterator[Detail]:
    bounds = black_hole_bounds(hole, fate)
    yield Detail("class", f"{words.CLASS[hole.black_hole_class]}: {bounds}")
    for label, at_ns in (
        ("last proof", hole.last_proof_ns),
        ("exposed", hole.first_exposed_ns),
        ("questionable", hole.questionable_ns),
        ("first probe", hole.first_probe_ns),
        ("asked no more", hole.ceased_ns),
        ("given up", hole.dead_ns),
        ("SA removed", hole.removed_ns),
        ("stop", hole.stop_ns),
        ("recovered", hole.recovered_ns),
    ):
        if at_ns is not None:
            yield Detail(label, times.at(at_ns))
    for phase in hole.phases:
        name = words.phase(hole, phase.name)
        yield Detail("phase", f"{name} {duration(phase.end_ns - phase.start_ns)}")


def _message(
    message: IkeMessage, paths: dict[str, str], beside: Container[Ref]
) -> Iterator[Detail]:
    yield Detail("message", f"IKEv{message.version} {message_word(message)}")
    yield Detail("from", f"{message.src} port {message.sport or '?'}")
    yield Detail("to", f"{message.dst} port {message.dport or '?'}")
    if message.initiator_spi:
        yield Detail("SPIs", f"{message.initiator_spi} {message.responder_spi}")
    if message.message_id < NO_MESSAGE_ID:
        yield Detail("message ID", _message_id(message))
    if message.dpd_sequence is not None:
        yield Detail("sequence", str(message.dpd_sequence))
    if message.length:
        sealed = ", encrypted" if message.encrypted else ""
        yield Detail("length", f"{message.length} bytes{sealed}")
    if message.payload_types:
        names = ikev2 if message.version == 2 else ikev1
        named = " ".join(names.payload_name(kind) for kind in message.payload_types)
        yield Detail("payloads", named)
    for notify in message.notifies:
        yield Detail("notify", _notify(message, notify))
    for deleted in message.deletes:
        yield Detail("delete", f"protocol {deleted.protocol}: {' '.join(deleted.spis)}")
    for vendor in message.vendor_ids:
        yield Detail("vendor ID", vendor.name or vendor.value)
    if message.proposals:
        yield Detail("proposal", ikev1.describe_proposal(message.version, message.proposals) or "")
    if message.integrity_ok is not None:
        good = message.integrity_ok
        said = "verified with your keys" if good else "wrong"
        yield Detail("integrity", said, Severity.GOOD if good else Severity.BAD)
    elif message.basis is Basis.DECRYPTED:
        yield Detail("integrity", "not checked")
    for ref in message.seen:
        if ref not in beside:
            yield Detail("also at", _place(ref, paths))
    for ref in message.refs:
        yield Detail("fragment", _place(ref, paths))
    for problem in message.problems:
        yield Detail("problem", problem, Severity.WARN)


def _message_id(message: IkeMessage) -> str:
    number = message.message_id
    if message.version == 2:
        return str(number)
    signed = number - (1 << 32) if number >= 1 << 31 else number
    return f"{message_id(number)} (in a Cisco log {signed})"


def _notify(message: IkeMessage, notify: Notify) -> str:
    name = (ikev2 if message.version == 2 else ikev1).notify_name(notify.type)
    spi = f", SPI {notify.spi}" if notify.spi else ""
    size = f", {len(notify.data)} bytes" if notify.data else ""
    return f"{name}, protocol {notify.protocol}{spi}{size}"
