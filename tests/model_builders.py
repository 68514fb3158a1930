"""Hand-made values of the engine's model, with as little said as a test needs."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole, BlackHoleClass, Phase, PhaseName, StopBasis
from analyzers.model.exchange import (
    AnswerEvidence,
    Delete,
    DeleteProtocol,
    Exchange,
    ExchangeKind,
    Outcome,
    Transmission,
)
from analyzers.model.observations import Encapsulation, IkeMessage, MessageKind
from analyzers.model.peer import Activity, Hint, LocalBasis, PeerState, PeerView, StateSpan
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Basis, Confidence, Problem, ProblemKind, Ref, SourceInfo
from analyzers.model.sa import EspFlow, IkeSa, SaEnd
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, nanoseconds

START_NS = 1_732_138_310 * NS_PER_SECOND
"""2024-11-20T21:31:50Z"""
A = "192.0.2.1"
B = "192.0.2.2"
INITIATOR_SPI = "a41ac1a6925beba8"
RESPONDER_SPI = "0b6a2d51c2f8e713"


def at(seconds: float) -> int:
    """Nanoseconds of a moment, seconds after the start of the story."""
    return START_NS + nanoseconds(seconds)


def ref(record: int, source: str = "s1") -> Ref:
    return Ref(source, record)


def source(**changes) -> SourceInfo:
    """A capture of the story below."""
    info = SourceInfo(
        id="s1",
        path="captures/hub.pcapng",
        kind="capture",
        format="pcapng",
        first_ns=at(0),
        last_ns=at(60),
        packets=640,
        ike_messages=14,
        esp_packets=600,
        nat_keepalives=2,
        size_bytes=98_304,
        protocols={"tcp": 20, "udp:53": 4},
    )
    return replace(info, **changes)


def ike_message(seconds: float, record: int, **changes) -> IkeMessage:
    """A liveness request of A, in the clear."""
    message = IkeMessage(
        at_ns=at(seconds),
        ref=ref(record),
        src=A,
        dst=B,
        sport=500,
        dport=500,
        encapsulation=Encapsulation.UDP,
        version=2,
        initiator_spi=INITIATOR_SPI,
        responder_spi=RESPONDER_SPI,
        exchange_type=37,
        flags=0x08,
        message_id=7,
        length=76,
        first_payload=46,
        fingerprint=bytes(16),
        kind=MessageKind.LIVENESS,
    )
    return replace(message, **changes)


def problem(
    kind: ProblemKind = ProblemKind.TRUNCATED_TAIL,
    detail: str = "the last record is cut off",
    **changes,
) -> Problem:
    return replace(Problem(kind, detail, ref(640)), **changes)


def sent(seconds: float, message_id: int, record: int) -> Transmission:
    return Transmission(at(seconds), message_id, ref(record))


def answered(**changes) -> Exchange:
    """A question that was answered after 16 ms."""
    exchange = Exchange(
        id="x1",
        ike_sa="i1",
        kind=ExchangeKind.DPD,
        prober=A,
        responder=B,
        sequence=1_732_275_036,
        transmissions=(sent(5, 0xF2C790DA, 21),),
        answer=sent(5.016, 0xC0A12878, 22),
        outcome=Outcome.ANSWERED,
        basis=Basis.DECRYPTED,
        confidence=Confidence.CERTAIN,
        answer_evidence=AnswerEvidence.MESSAGE,
        since_proof_ns=4 * NS_PER_SECOND,
    )
    return replace(exchange, **changes)


def unanswered(**changes) -> Exchange:
    """A question that was repeated twice and given up."""
    exchange = Exchange(
        id="x2",
        ike_sa="i1",
        kind=ExchangeKind.DPD,
        prober=A,
        responder=B,
        sequence=1_732_275_037,
        transmissions=(sent(20, 1, 301), sent(22, 2, 322), sent(24, 3, 343)),
        answer=None,
        outcome=Outcome.UNANSWERED,
        basis=Basis.RHYTHM,
        confidence=Confidence.INFERRED,
        verdict_ns=at(26),
        since_proof_ns=8 * NS_PER_SECOND,
    )
    return replace(exchange, **changes)


def delete(**changes) -> Delete:
    value = Delete(
        at_ns=at(26.1),
        sender=A,
        ike_sa="i1",
        protocol=DeleteProtocol.ESP,
        spis=("c1a2b3d4",),
        reason="after the verdict",
        basis=Basis.DECRYPTED,
        confidence=Confidence.CERTAIN,
        ref=ref(365),
    )
    return replace(value, **changes)


def black_hole(**changes) -> BlackHole:
    value = BlackHole(
        id="b1",
        sender=A,
        receiver=B,
        black_hole_class=BlackHoleClass.DETECTED,
        last_proof_ns=at(12),
        first_exposed_ns=at(12.2),
        questionable_ns=at(13.2),
        first_probe_ns=at(20),
        dead_ns=at(26),
        dead_basis="inferred",
        stop_ns=at(26.1),
        stop_basis=StopBasis.DELETE,
        recovered_ns=None,
        min_seconds=6.1,
        max_seconds=13.9,
        min_packets=31,
        max_packets=70,
        max_bytes=9_520,
        phases=(
            Phase(PhaseName.UNQUESTIONED, at(12.2), at(13.2)),
            Phase(PhaseName.UNPROBED, at(13.2), at(20)),
            Phase(PhaseName.PROBING, at(20), at(26)),
            Phase(PhaseName.TEARDOWN, at(26), at(26.1)),
        ),
        confidence=Confidence.INFERRED,
        refs=(ref(301), ref(365)),
        probes=3,
    )
    return replace(value, **changes)


def ike_sa(**changes) -> IkeSa:
    value = IkeSa(
        id="i1",
        ike_version=1,
        initiator=A,
        responder=B,
        initiator_spi=INITIATOR_SPI,
        responder_spi=RESPONDER_SPI,
        first_ns=at(0),
        last_ns=at(26.1),
        established_ns=at(0.4),
        ended_ns=at(26),
        end=SaEnd.DEAD_PEER,
        rekeyed_into=None,
        dpd_vendor_id=(True, None),
        vendor_ids=((A, "DPD 1.0 (RFC 3706)"),),
        proposal="AES-CBC-256 / SHA2-256 / MODP-2048",
        lifetime_s=86_400,
        messages=14,
        retransmissions=0,
        refs=(ref(1), ref(343)),
    )
    return replace(value, **changes)


def esp_flow(**changes) -> EspFlow:
    value = EspFlow(
        spi="c1a2b3d4",
        sender=A,
        receiver=B,
        first_ns=at(0.5),
        last_ns=at(26.1),
        packets=330,
        bytes=44_880,
        missing_sequences=0,
        encapsulated=True,
    )
    return replace(value, **changes)


def policy(**changes) -> DpdPolicy:
    value = DpdPolicy(
        holder=A,
        profile=None,
        mode=PolicyMode.PERIODIC,
        interval_s=5.0,
        retry_s=2.0,
        retries=2,
        basis=PolicyBasis.OBSERVED,
        worst_case_s=11.0,
        evidence="median of 3 intervals, 4.999 to 5.001 s",
    )
    return replace(value, **changes)


def hint(**changes) -> Hint:
    said = "host unreachable, reported by 198.51.100.1"
    value = Hint(at(21), B, said, ref(310), unprotected=True)
    return replace(value, **changes)


def peer(**changes) -> PeerView:
    """A peer that answered once and died at 12 s."""
    view = PeerView(
        id="p1",
        local=A,
        remote=B,
        local_basis=LocalBasis.INITIATOR,
        state=PeerState.DEAD,
        first_ns=at(0),
        last_ns=at(26.1),
        ike_sas=(ike_sa(),),
        esp_flows=(esp_flow(), esp_flow(spi="d4c3b2a1", sender=B, receiver=A, last_ns=at(12))),
        exchanges=(answered(), unanswered()),
        deletes=(delete(),),
        black_holes=(black_hole(),),
        policies=(policy(),),
        states=(StateSpan(PeerState.ALIVE, at(0)), StateSpan(PeerState.DEAD, at(26))),
        activity=Activity(at(0), NS_PER_SECOND, (5, 5, 5), (5, 5, 0)),
        hints=(hint(),),
        problems=(),
        last_proof_ns=at(12),
        rtt_ns=16 * NS_PER_MS,
        ike_messages=14,
        retransmissions=0,
        unknown_informationals=2,
        addresses=(B,),
        confidence=Confidence.INFERRED,
    )
    return replace(view, **changes)


def healthy_peer(**changes) -> PeerView:
    """A peer of which there is nothing to tell."""
    view = peer(
        id="p2",
        remote="2001:db8::7",
        state=PeerState.ALIVE,
        exchanges=(),
        deletes=(),
        black_holes=(),
        policies=(),
        hints=(),
        ike_sas=(),
        esp_flows=(),
        states=(StateSpan(PeerState.ALIVE, at(0)),),
        activity=None,
        addresses=("2001:db8::7",),
        unknown_informationals=0,
        confidence=Confidence.CERTAIN,
    )
    return replace(view, **changes)
