"""Peers by hand, with the numbers of the sample captures: what the presentation is tried on."""

from __future__ import annotations

from typing import Final

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
from analyzers.model.peer import Activity, Hint, LocalBasis, PeerState, PeerView, StateSpan
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Basis, Confidence, Problem, ProblemKind, Ref, SourceInfo
from analyzers.model.sa import EspFlow, IkeSa, SaEnd
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, nanoseconds

A: Final = "192.0.2.1"
B: Final = "192.0.2.2"
LONG_A: Final = "2001:0db8:aaaa:bbbb:cccc:dddd:eeee:0001"
LONG_B: Final = "2001:0db8:ffff:eeee:dddd:cccc:bbbb:0002"
HOSTILE: Final = (
    "[bold red]x[/] \x1b[2J\x1b]0;owned\x07 \u202etxt.exe \N{PILE OF POO} é\r\n[link=file:///]"
)
START_NS: Final = 1_795_204_564_048_600_000
"""2026-11-20 19:56:04.048600 UTC"""


def at(after_s: float) -> int:
    """A time, in seconds after the first message."""
    return START_NS + nanoseconds(after_s)


def sent(after_s: float, message_id: int, frame: int) -> Transmission:
    return Transmission(at(after_s), message_id, Ref("s1", frame))


def source(**changes) -> SourceInfo:
    info = SourceInfo(
        id="s1",
        path="sample_pcaps/ikev2-dead-peer/capture.pcap",
        kind="capture",
        format="pcap",
        first_ns=at(0),
        last_ns=at(30.8),
        packets=237,
        ike_messages=14,
        esp_packets=223,
        size_bytes=46_000,
    )
    return replace(info, **changes)


def answered(number: int, after_s: float, *, rtt_s: float = 0.0004, frame: int = 100) -> Exchange:
    return Exchange(
        id=f"x{number}",
        ike_sa="i1",
        kind=ExchangeKind.LIVENESS,
        prober=A,
        responder=B,
        sequence=None,
        transmissions=(sent(after_s, number, frame),),
        answer=sent(after_s + rtt_s, number, frame + 1),
        outcome=Outcome.ANSWERED,
        basis=Basis.HEADER,
        confidence=Confidence.CERTAIN,
        answer_evidence=AnswerEvidence.MESSAGE,
    )


def given_up() -> Exchange:
    frames = (174, 184, 195, 206, 217, 228)
    times = (19.014, 21.0144, 23.0151, 25.0155, 27.0159, 29.0163)
    return Exchange(
        id="x1",
        ike_sa="i1",
        kind=ExchangeKind.LIVENESS,
        prober=A,
        responder=B,
        sequence=None,
        transmissions=tuple(sent(t, 3, f) for t, f in zip(times, frames, strict=True)),
        answer=None,
        outcome=Outcome.UNANSWERED,
        basis=Basis.HEADER,
        confidence=Confidence.CERTAIN,
        since_proof_ns=nanoseconds(5.117),
        verdict_ns=at(31.0167),
    )


def ike_sa(**changes) -> IkeSa:
    sa = IkeSa(
        id="i1",
        ike_version=2,
        initiator=A,
        responder=B,
        initiator_spi="f4fc6d16ed938a04",
        responder_spi="113b82dce9fb282b",
        first_ns=at(0),
        last_ns=at(29.0163),
        established_ns=at(0.0107),
        ended_ns=at(31.0167),
        end=SaEnd.DEAD_PEER,
        rekeyed_into=None,
        dpd_vendor_id=(None, None),
        vendor_ids=(),
        proposal="AES-CBC-128 / HMAC-SHA2-256-128 / PRF-HMAC-SHA2-256 / CURVE25519",
        lifetime_s=None,
        messages=14,
        retransmissions=5,
        refs=(Ref("s1", 1), Ref("s1", 228)),
    )
    return replace(sa, **changes)


def black_hole(**changes) -> BlackHole:
    hole = BlackHole(
        id="b1",
        sender=A,
        receiver=B,
        black_hole_class=BlackHoleClass.DETECTED,
        last_proof_ns=at(13.8966),
        first_exposed_ns=at(14.0966),
        questionable_ns=at(14.9113),
        first_probe_ns=at(19.014),
        dead_ns=at(31.0167),
        dead_basis="inferred",
        stop_ns=at(30.8352),
        stop_basis=StopBasis.LAST_OUTBOUND,
        recovered_ns=None,
        min_seconds=11.8,
        max_seconds=16.7,
        min_packets=59,
        max_packets=83,
        max_bytes=9_960,
        phases=(
            Phase(PhaseName.UNQUESTIONED, at(14.0966), at(14.9113)),
            Phase(PhaseName.UNPROBED, at(14.9113), at(19.014)),
            Phase(PhaseName.PROBING, at(19.014), at(30.8352)),
        ),
        confidence=Confidence.INFERRED,
        refs=(Ref("s1", 174), Ref("s1", 228)),
        probes=6,
    )
    return replace(hole, **changes)


def flow(sender: str, receiver: str, spi: str, packets: int, last_s: float, **changes) -> EspFlow:
    value = EspFlow(
        spi=spi,
        sender=sender,
        receiver=receiver,
        first_ns=at(0.02),
        last_ns=at(last_s),
        packets=packets,
        bytes=packets * 120,
        missing_sequences=0,
        encapsulated=True,
    )
    return replace(value, **changes)


def dead_peer(**changes) -> PeerView:
    """sample_pcaps/ikev2-dead-peer: unreachable from 14 s on, given up after five retries."""
    peer = PeerView(
        id="p1",
        local=A,
        remote=B,
        local_basis=LocalBasis.INITIATOR,
        state=PeerState.DEAD,
        first_ns=at(0),
        last_ns=at(30.8352),
        ike_sas=(ike_sa(),),
        esp_flows=(flow(A, B, "311b9b70", 153, 30.8352), flow(B, A, "2a8aca33", 70, 13.8966)),
        exchanges=(given_up(),),
        deletes=(),
        black_holes=(black_hole(),),
        policies=(
            DpdPolicy(
                holder=A,
                profile=None,
                mode=PolicyMode.ON_IDLE,
                interval_s=5.1,
                retry_s=2.0,
                retries=5,
                basis=PolicyBasis.OBSERVED,
                worst_case_s=17.1,
                evidence="1 question 5.1 s after the last proof; 5 gaps of 2.0 s",
            ),
        ),
        states=(
            StateSpan(PeerState.ALIVE, at(0)),
            StateSpan(PeerState.QUESTIONABLE, at(14.9113)),
            StateSpan(PeerState.PROBING, at(19.014)),
            StateSpan(PeerState.DEAD, at(31.0167)),
        ),
        activity=Activity(
            start_ns=at(0),
            slice_ns=NS_PER_SECOND // 2,
            outbound=(3,) * 62,
            inbound=(3,) * 28 + (0,) * 34,
        ),
        hints=(),
        problems=(),
        last_proof_ns=at(13.8966),
        rtt_ns=None,
        ike_messages=14,
        retransmissions=5,
        unknown_informationals=0,
        addresses=(B,),
        confidence=Confidence.INFERRED,
    )
    return replace(peer, **changes)


def healthy(number: int = 6, *, remote: str = B, **changes) -> PeerView:
    """Every question answered."""
    asked = tuple(answered(i, 4.0 * (i + 1), frame=10 + 20 * i) for i in range(number))
    end_s = 4.0 * (number + 1)
    peer = dead_peer(
        remote=remote,
        state=PeerState.ALIVE,
        last_ns=at(end_s),
        ike_sas=(ike_sa(ended_ns=None, end=None, retransmissions=0, responder=remote),),
        exchanges=tuple(replace(x, responder=remote) for x in asked),
        esp_flows=(),
        black_holes=(),
        policies=(
            DpdPolicy(
                holder=A,
                profile=None,
                mode=PolicyMode.ON_IDLE,
                interval_s=4.0,
                retry_s=None,
                retries=None,
                basis=PolicyBasis.OBSERVED,
                worst_case_s=None,
                evidence=f"median of {number} intervals, 3.999 to 4.001 s",
            ),
        ),
        states=(StateSpan(PeerState.ALIVE, at(0)),),
        activity=None,
        last_proof_ns=at(end_s),
        rtt_ns=400_000,
        retransmissions=0,
        addresses=(remote,),
        confidence=Confidence.CERTAIN,
    )
    return replace(peer, **changes)


def data_plane() -> PeerView:
    """sample_pcaps/ikev2-data-plane-dead: ESP gone from 8 s to 28 s, IKE answered throughout."""
    asked = tuple(answered(i, 12.0 + 4.0 * i, frame=60 + 25 * i) for i in range(4))
    hole = black_hole(
        black_hole_class=BlackHoleClass.DATA_PLANE,
        last_proof_ns=at(7.9),
        first_exposed_ns=at(8.1),
        questionable_ns=at(8.9),
        first_probe_ns=None,
        dead_ns=None,
        dead_basis=None,
        stop_ns=at(28.2),
        stop_basis=StopBasis.PROOF,
        recovered_ns=at(28.2),
        min_seconds=0.0,
        max_seconds=20.1,
        min_packets=0,
        max_packets=100,
        max_bytes=12_000,
        phases=(
            Phase(PhaseName.UNQUESTIONED, at(8.1), at(8.9)),
            Phase(PhaseName.UNPROBED, at(8.9), at(28.2)),
        ),
        confidence=Confidence.CERTAIN,
        probes=0,
    )
    return healthy(
        exchanges=asked,
        black_holes=(hole,),
        last_ns=at(38),
        esp_flows=(
            flow(A, B, "311b9b70", 190, 38, missing_sequences=0),
            flow(B, A, "2a8aca33", 90, 38),
        ),
        activity=Activity(
            start_ns=at(0),
            slice_ns=NS_PER_SECOND,
            outbound=(5,) * 38,
            inbound=(5,) * 8 + (0,) * 20 + (5,) * 10,
        ),
    )


def long_history(number: int = 300) -> PeerView:
    """Hours of questions; one lost, one late, one repeated, and a short black hole."""
    asked = [answered(i, 30.0 * (i + 1), rtt_s=0.016, frame=10 * i + 1) for i in range(number)]
    lost = given_up()
    middle = 30.0 * 150
    shift = nanoseconds(middle) - nanoseconds(19.014)
    asked[149] = replace(
        lost,
        id="x149",
        transmissions=tuple(replace(t, at_ns=t.at_ns + shift) for t in lost.transmissions),
        verdict_ns=at(middle + 12),
    )
    late = asked[200]
    asked[200] = replace(late, answer=sent(30.0 * 201 + 4.2, 200, 2004))
    again = asked[250]
    first = again.transmissions[0]
    asked[250] = replace(
        again,
        transmissions=(replace(first, at_ns=first.at_ns - 2 * NS_PER_SECOND), first),
    )
    hole = black_hole(
        last_proof_ns=at(middle - 5.1),
        first_exposed_ns=at(middle - 4.9),
        questionable_ns=at(middle - 4.1),
        first_probe_ns=at(middle),
        dead_ns=at(middle + 12),
        stop_ns=at(middle + 11.9),
        recovered_ns=at(middle + 20),
        phases=(
            Phase(PhaseName.UNQUESTIONED, at(middle - 4.9), at(middle - 4.1)),
            Phase(PhaseName.UNPROBED, at(middle - 4.1), at(middle)),
            Phase(PhaseName.PROBING, at(middle), at(middle + 11.9)),
            Phase(PhaseName.RECOVERY, at(middle + 11.9), at(middle + 20)),
        ),
    )
    end_s = 30.0 * (number + 1)
    slices = 600
    busy = tuple(40 + (i * 37) % 23 for i in range(slices))
    hole_slice = int(middle * slices / end_s)
    return healthy(
        exchanges=tuple(asked),
        black_holes=(hole,),
        last_ns=at(end_s),
        states=(
            StateSpan(PeerState.ALIVE, at(0)),
            StateSpan(PeerState.QUESTIONABLE, at(middle - 4.1)),
            StateSpan(PeerState.PROBING, at(middle)),
            StateSpan(PeerState.DEAD, at(middle + 12)),
            StateSpan(PeerState.ALIVE, at(middle + 20)),
        ),
        activity=Activity(
            start_ns=at(0),
            slice_ns=nanoseconds(end_s / slices),
            outbound=busy,
            inbound=tuple(0 if i == hole_slice else n // 2 for i, n in enumerate(busy)),
        ),
        rtt_ns=16 * NS_PER_MS,
        last_proof_ns=at(end_s),
    )


def unsure() -> PeerView:
    """IKEv1 without keys: everything told from rhythm, some of it not told at all."""
    question = replace(
        given_up(),
        kind=ExchangeKind.DPD,
        basis=Basis.RHYTHM,
        confidence=Confidence.SUSPECT,
        sequence=None,
    )
    return dead_peer(
        ike_sas=(
            ike_sa(
                ike_version=1,
                dpd_vendor_id=(True, None),
                vendor_ids=((A, "DPD 1.0 (RFC 3706)"), (A, "XAUTH")),
                lifetime_s=86_400,
            ),
        ),
        exchanges=(
            replace(
                answered(0, 8.0),
                kind=ExchangeKind.DPD,
                basis=Basis.RHYTHM,
                confidence=Confidence.INFERRED,
            ),
            question,
        ),
        deletes=(
            Delete(
                at_ns=at(31.1),
                sender=A,
                ike_sa="i1",
                protocol=DeleteProtocol.UNKNOWN,
                spis=(),
                reason="the last Informational of the SA",
                basis=Basis.RHYTHM,
                confidence=Confidence.SUSPECT,
                ref=Ref("s1", 240),
            ),
        ),
        hints=(Hint(at(15), B, "port unreachable", Ref("s1", 160), unprotected=True),),
        unknown_informationals=9,
        addresses=(B, "198.51.100.9"),
        confidence=Confidence.SUSPECT,
    )


def hostile() -> PeerView:
    """Text of an enemy in every place that takes text."""
    peer = unsure()
    return replace(
        peer,
        local=HOSTILE,
        remote="x" * 300,
        ike_sas=tuple(
            replace(
                sa,
                initiator=HOSTILE,
                initiator_spi=HOSTILE,
                responder_spi=HOSTILE,
                proposal=HOSTILE * 5,
                vendor_ids=((HOSTILE, HOSTILE),),
            )
            for sa in peer.ike_sas
        ),
        esp_flows=tuple(replace(f, spi=HOSTILE, sender=HOSTILE) for f in peer.esp_flows),
        deletes=tuple(
            replace(d, sender=HOSTILE, reason=HOSTILE, spis=(HOSTILE,) * 20) for d in peer.deletes
        ),
        black_holes=tuple(replace(h, sender=HOSTILE, receiver=HOSTILE) for h in peer.black_holes),
        policies=tuple(
            replace(p, holder=HOSTILE, evidence=HOSTILE, profile=HOSTILE) for p in peer.policies
        ),
        hints=tuple(replace(h, sender=HOSTILE, text=HOSTILE) for h in peer.hints),
        problems=(Problem(ProblemKind.MALFORMED_IKE, HOSTILE, Ref(HOSTILE, 7), 3),),
        addresses=(HOSTILE,) * 9,
    )
