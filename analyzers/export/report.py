"""From the engine's values to the public report.

The engine's types are free to move because this is the only place where they meet the promised
shapes of `analyzers.export.schema` and `analyzers.export.schema_peers`. Nothing is computed here:
the report says what the views say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from analyzers.export.contract import (
    SCHEMA_VERSION,
    TOOL_NAME,
    ReportProblem,
    ReportRef,
    ReportTool,
)
from analyzers.export.formatting import told_message_id
from analyzers.export.report_shown import shown_sa
from analyzers.export.schema import (
    Report,
    ReportAlignment,
    ReportClock,
    ReportFinding,
    ReportHeader,
    ReportSource,
    ReportSuppressed,
    SourceKind,
)
from analyzers.export.schema_peers import (
    DeadBasis,
    ReportActivity,
    ReportBlackHole,
    ReportDelete,
    ReportDpdVendorId,
    ReportEspFlow,
    ReportExchange,
    ReportHint,
    ReportIkeMessage,
    ReportIkeSa,
    ReportMessage,
    ReportNotify,
    ReportPeer,
    ReportPeerHead,
    ReportPhase,
    ReportPolicy,
    ReportState,
    ReportUsedPorts,
    ReportVendorId,
)
from analyzers.export.selections import Selection, Selector
from analyzers.export.spans import is_ike_only, last_esp_back_ns
from analyzers.export.untrusted import valid_unicode
from analyzers.model.alignment import Alignment, ClockBasis
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Delete, Exchange, Transmission
from analyzers.model.finding import Finding, Suppressed
from analyzers.model.observations import IkeMessage, Notify, VendorId
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy
from analyzers.model.records import Problem, Ref, SourceInfo
from analyzers.model.sa import EspFlow, IkeSa

__all__ = ["Report", "build_header", "build_peer", "build_report"]

T = TypeVar("T")
R = TypeVar("R")


def build_report(
    sources: Sequence[SourceInfo],
    peers: Sequence[PeerView],
    *,
    version: str,
    alignments: Sequence[Alignment] = (),
    findings: Sequence[Finding] = (),
    suppressed: Sequence[Suppressed] = (),
) -> Report:
    """The whole report of a run; `version` is the tool's."""
    header = build_header(sources, version=version)
    selector = Selector(sources, peers)
    return Report(
        schema_version=header.schema_version,
        tool=header.tool,
        filter=header.filter,
        sources=header.sources,
        peers=[build_peer(peer) for peer in peers],
        findings=[build_finding(finding, selector.of_finding(finding)) for finding in findings],
        suppressed=[build_suppressed(one) for one in suppressed],
        alignment=build_alignment(alignments),
    )


def build_header(
    sources: Sequence[SourceInfo], *, version: str, narrowed_by: str = ""
) -> ReportHeader:
    """The part of the report before the peers."""
    first_capture = next((s.id for s in sources if s.kind == SourceKind.CAPTURE), None)
    if any(s.clock_basis is not ClockBasis.NONE for s in sources):
        first_capture = None
    return ReportHeader(
        schema_version=SCHEMA_VERSION,
        tool=ReportTool(name=TOOL_NAME, version=version),
        filter=valid_unicode(narrowed_by) if narrowed_by else None,
        sources=[build_source(s, reference=s.id == first_capture) for s in sources],
    )


def build_source(info: SourceInfo, *, reference: bool) -> ReportSource:
    """One source; `reference` says that the other clocks are measured against this one."""
    protocols = sorted(info.protocols.items(), key=lambda item: (-item[1], item[0]))
    return ReportSource(
        id=info.id,
        path=valid_unicode(info.path),
        kind=SourceKind(info.kind),
        format=info.format,
        first_ns=info.first_ns,
        last_ns=info.last_ns,
        packets=info.packets,
        ike_messages=info.ike_messages,
        esp_packets=info.esp_packets,
        lines=info.lines,
        log_lines=info.log_lines,
        unparsed_lines=info.unparsed_lines,
        dialects=dict(info.dialects),
        log_events=dict(info.log_events),
        nat_keepalives=info.nat_keepalives,
        size_bytes=info.size_bytes,
        protocols={valid_unicode(name): count for name, count in protocols},
        clock=ReportClock(
            quality=info.clock,
            offset_ns=info.clock_offset_ns or 0,
            spread_ns=0 if reference else info.clock_spread_ns,
            basis=ClockBasis.REFERENCE if reference else info.clock_basis,
        ),
        problems=[build_problem(problem) for problem in info.problems],
    )


def build_alignment(alignments: Sequence[Alignment]) -> list[ReportAlignment]:
    """How the clocks of the inputs were put together."""
    return [
        ReportAlignment(
            source=a.source,
            against=a.against,
            matched=a.matched,
            offset_ns=a.offset_ns,
            spread_ns=a.spread_ns,
            drift_ppm=a.drift_ppm,
            evidence=a.evidence,
        )
        for a in alignments
    ]


def build_peer(peer: PeerView) -> ReportPeer:
    """One peer with all its events."""
    return ReportPeer(
        **_peer_head(peer),
        exchanges=[build_exchange(exchange) for exchange in peer.exchanges],
        deletes=[build_delete(delete) for delete in peer.deletes],
        black_holes=[build_black_hole(hole) for hole in peer.black_holes],
        messages=[build_message(message) for message in peer.messages],
        problems=[build_problem(problem) for problem in peer.problems],
    )


def build_peer_head(peer: PeerView) -> ReportPeerHead:
    """One peer without its exchanges, Deletes, black holes and problems."""
    return ReportPeerHead(**_peer_head(peer))


def _peer_head(peer: PeerView) -> dict[str, Any]:
    return {
        "id": peer.id,
        "local": valid_unicode(peer.local),
        "remote": valid_unicode(peer.remote),
        "local_basis": peer.local_basis,
        "state": peer.state,
        "confidence": peer.confidence,
        "unwatched": valid_unicode(peer.unwatched) or None,
        "first_ns": peer.first_ns,
        "last_ns": peer.last_ns,
        "last_proof_ns": peer.last_proof_ns,
        "last_esp_ns": last_esp_back_ns(peer),
        "ike_only": is_ike_only(peer),
        "rtt_ns": peer.rtt_ns,
        "addresses": [valid_unicode(address) for address in peer.addresses],
        "ike_messages": peer.ike_messages,
        "retransmissions": peer.retransmissions,
        "unknown_informationals": peer.unknown_informationals,
        "ike_sas": [_ike_sa(sa) for sa in peer.ike_sas],
        "esp_flows": [_esp_flow(flow) for flow in peer.esp_flows],
        "policies": [build_policy(policy) for policy in peer.policies],
        "states": [ReportState(state=s.state, start_ns=s.start_ns) for s in peer.states],
        "activity": None
        if peer.activity is None
        else ReportActivity(
            start_ns=peer.activity.start_ns,
            slice_ns=peer.activity.slice_ns,
            outbound=list(peer.activity.outbound),
            inbound=list(peer.activity.inbound),
        ),
        "hints": [
            ReportHint(
                at_ns=hint.at_ns,
                sender=valid_unicode(hint.sender),
                text=valid_unicode(hint.text),
                ref=_ref(hint.ref),
                kind=hint.kind,
                unprotected=hint.unprotected,
                times=hint.times,
                last_ns=hint.last_ns,
            )
            for hint in peer.hints
        ],
        "shown": [shown_sa(sa) for sa in peer.shown],
        "not_shown": _not_shown(peer),
    }


def _not_shown(peer: PeerView) -> dict[str, int] | None:
    """What a filter hides, by the names of the lists."""
    if peer.unfiltered is None:
        return None
    names = ("exchanges", "deletes", "black_holes", "messages", "problems")
    return {name: len(getattr(peer.whole, name)) - len(getattr(peer, name)) for name in names}


def _ike_sa(sa: IkeSa) -> ReportIkeSa:
    by_initiator, by_responder = sa.dpd_vendor_id
    return ReportIkeSa(
        id=sa.id,
        ike_version=sa.ike_version,
        initiator=valid_unicode(sa.initiator),
        responder=valid_unicode(sa.responder),
        ike_version_told=sa.version_told,
        initiator_told=sa.initiator_told,
        initiator_spi=sa.initiator_spi or None,
        responder_spi=sa.responder_spi or None,
        first_ns=sa.first_ns,
        last_ns=sa.last_ns,
        established_ns=sa.established_ns,
        ended_ns=sa.ended_ns,
        end=sa.end,
        rekeyed_into=sa.rekeyed_into,
        dpd_vendor_id=ReportDpdVendorId(initiator=by_initiator, responder=by_responder),
        vendor_ids=[
            ReportVendorId(sender=valid_unicode(sender), value=valid_unicode(value))
            for sender, value in sa.vendor_ids
        ],
        proposal=None if sa.proposal is None else valid_unicode(sa.proposal),
        lifetime_s=sa.lifetime_s,
        messages=sa.messages,
        retransmissions=sa.retransmissions,
        refs=[_ref(ref) for ref in sa.refs],
    )


def _esp_flow(flow: EspFlow) -> ReportEspFlow:
    return ReportEspFlow(
        spi=flow.spi,
        sender=valid_unicode(flow.sender),
        receiver=valid_unicode(flow.receiver),
        first_ns=flow.first_ns,
        last_ns=flow.last_ns,
        packets=flow.packets,
        bytes=flow.bytes,
        missing_sequences=flow.missing_sequences,
        lost_packets=flow.lost,
        encapsulated=flow.encapsulated,
        ports=[
            ReportUsedPorts(since_ns=used.since_ns, sender=used.sender, receiver=used.receiver)
            for used in flow.ports
        ],
    )


def build_policy(policy: DpdPolicy) -> ReportPolicy:
    """One policy of one holder."""
    return ReportPolicy(
        holder=valid_unicode(policy.holder),
        profile=policy.profile,
        mode=policy.mode,
        interval_s=policy.interval_s,
        retry_s=policy.retry_s,
        retries=policy.retries,
        transmissions=policy.transmissions,
        backoff=policy.backoff,
        basis=policy.basis,
        retry_basis=policy.retry_basis,
        worst_case_s=policy.worst_case_s,
        evidence=valid_unicode(policy.evidence),
        ref=_optional_ref(policy.ref),
    )


def build_exchange(exchange: Exchange) -> ReportExchange:
    """One exchange with its transmissions and its answer."""
    return ReportExchange(
        id=exchange.id,
        ike_sa=exchange.ike_sa,
        kind=exchange.kind,
        prober=valid_unicode(exchange.prober),
        responder=valid_unicode(exchange.responder),
        sequence=exchange.sequence,
        transmissions=tuple(map(_message, exchange.transmissions)),
        retries=exchange.retries,
        answer=None if exchange.answer is None else _message(exchange.answer),
        answer_evidence=exchange.answer_evidence,
        rtt_ns=exchange.rtt_ns,
        since_proof_ns=exchange.idle_ns,
        verdict_ns=exchange.verdict_ns,
        verdict_ref=_optional_ref(exchange.verdict_ref),
        lost=exchange.lost,
        lost_answers=_all(_message, exchange.lost_answers),
        unheard_answers=_all(_message, exchange.unheard_answers),
        outcome=exchange.outcome,
        basis=exchange.basis,
        confidence=exchange.confidence,
    )


def build_delete(delete: Delete) -> ReportDelete:
    """One Delete."""
    return ReportDelete(
        at_ns=delete.at_ns,
        sender=valid_unicode(delete.sender),
        ike_sa=delete.ike_sa,
        protocol=delete.protocol,
        spis=list(delete.spis),
        reason=valid_unicode(delete.reason),
        transmissions=delete.transmissions,
        answered=delete.answered,
        answer=None if delete.answer is None else _message(delete.answer),
        basis=delete.basis,
        confidence=delete.confidence,
        ref=_ref(delete.ref),
    )


def build_black_hole(hole: BlackHole) -> ReportBlackHole:
    """One black hole with its moments, phases and bounds."""
    return ReportBlackHole(
        id=hole.id,
        sender=valid_unicode(hole.sender),
        receiver=valid_unicode(hole.receiver),
        black_hole_class=hole.black_hole_class,
        last_proof_ns=hole.last_proof_ns,
        first_exposed_ns=hole.first_exposed_ns,
        questionable_ns=hole.questionable_ns,
        first_probe_ns=hole.first_probe_ns,
        dead_ns=hole.dead_ns,
        dead_basis=None if hole.dead_basis is None else DeadBasis(hole.dead_basis),
        stop_ns=hole.stop_ns,
        stop_basis=hole.stop_basis,
        removed_ns=hole.removed_ns,
        ceased_ns=hole.ceased_ns,
        recovered_ns=hole.recovered_ns,
        min_seconds=hole.min_seconds,
        max_seconds=hole.max_seconds,
        begun_before=hole.begun_before,
        min_packets=hole.min_packets if hole.traffic_known else None,
        max_packets=hole.max_packets if hole.traffic_known else None,
        max_bytes=hole.max_bytes if hole.bytes_known else None,
        lost_packets=hole.lost_there,
        lost_back_packets=hole.lost_back,
        counted_least_packets=hole.counted_least,
        counted_most_packets=hole.counted_most,
        probes=hole.probes,
        spis=list(hole.spis),
        phases=[
            ReportPhase(name=phase.name, start_ns=phase.start_ns, end_ns=phase.end_ns)
            for phase in hole.phases
        ],
        confidence=hole.confidence,
        class_confidence=hole.class_confidence,
        refs=[_ref(ref) for ref in hole.refs],
    )


def build_finding(finding: Finding, selection: Selection) -> ReportFinding:
    """One finding with its evidence, its remedy, and what selects its packets."""
    return ReportFinding(
        id=finding.id,
        rule=finding.rule,
        severity=finding.severity,
        confidence=finding.confidence,
        peer=finding.peer,
        end=finding.end,
        at_ns=finding.at_ns,
        title=valid_unicode(finding.title),
        detail=valid_unicode(finding.detail),
        remedy=valid_unicode(finding.remedy),
        reference=finding.reference,
        refs=[_ref(ref) for ref in finding.refs],
        frame_filters=dict(selection.frames),
        display_filter=selection.display_filter,
        bpf=selection.bpf,
    )


def build_suppressed(suppressed: Suppressed) -> ReportSuppressed:
    """One finding that is held back, with the reason of the user."""
    finding = suppressed.finding
    return ReportSuppressed(
        rule=finding.rule,
        severity=finding.severity,
        peer=finding.peer,
        at_ns=finding.at_ns,
        title=valid_unicode(finding.title),
        reason=valid_unicode(suppressed.reason),
    )


def build_message(message: IkeMessage) -> ReportIkeMessage:
    """One IKE message as it was seen."""
    return ReportIkeMessage(
        at_ns=message.at_ns,
        sender=valid_unicode(message.src),
        receiver=valid_unicode(message.dst),
        source_port=message.sport or None,
        destination_port=message.dport or None,
        ike_sa=message.ike_sa or None,
        ike_version=message.version,
        kind=message.kind,
        response=message.is_response,
        message_id=told_message_id(message.message_id),
        length=message.length,
        encrypted=message.encrypted,
        sequence=message.dpd_sequence,
        payloads=message.payload_types,
        notifies=_all(_notify, message.notifies),
        vendor_ids=_all(_vendor_id, message.vendor_ids),
        integrity_ok=message.integrity_ok,
        basis=message.basis,
        confidence=message.confidence,
        ref=_ref(message.ref),
        seen=_all(_ref, message.seen),
    )


def _notify(notify: Notify) -> ReportNotify:
    return ReportNotify(type=notify.type, protocol=notify.protocol, spi=notify.spi)


def _vendor_id(vendor_id: VendorId) -> str:
    return valid_unicode(vendor_id.name or vendor_id.value)


def build_problem(problem: Problem) -> ReportProblem:
    """One problem of a source or a peer."""
    return ReportProblem(
        kind=problem.kind,
        count=problem.count,
        detail=valid_unicode(problem.detail),
        ref=_optional_ref(problem.ref),
    )


def _message(sent: Transmission) -> ReportMessage:
    return ReportMessage(
        at_ns=sent.at_ns,
        message_id=told_message_id(sent.message_id),
        ref=_ref(sent.ref),
        seen=_all(_ref, sent.seen),
        lost=sent.lost,
    )


def _all(build: Callable[[T], R], values: tuple[T, ...]) -> tuple[R, ...]:
    """What is built of each; of nearly every message there are none."""
    return tuple(map(build, values)) if values else ()


def _ref(ref: Ref) -> ReportRef:
    return ReportRef(ref.source, ref.record)


def _optional_ref(ref: Ref | None) -> ReportRef | None:
    return None if ref is None else _ref(ref)
