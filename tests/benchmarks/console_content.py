"""A session by hand, big enough to make every slow thing in the console seen.

The same arguments give the same content. One peer has a fifth of all events, as the hub of a
lab does; the others share the rest.
"""

from __future__ import annotations

from random import Random

from msgspec import Struct

from analyzers.export.content import Content
from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.exchange import Exchange, ExchangeKind, Outcome, Transmission
from analyzers.model.finding import Finding, Severity
from analyzers.model.observations import Encapsulation, IkeMessage, MessageKind
from analyzers.model.peer import Activity, LocalBasis, PeerState, PeerView, StateSpan
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Basis, Confidence, Ref, SourceInfo
from analyzers.model.sa import EspFlow, IkeSa
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND

START_NS = 1_750_000_000 * NS_PER_SECOND
INTERVAL_NS = 10 * NS_PER_SECOND
BIGGEST_SHARE = 5
"""The biggest peer has this part of all events."""
SLICES = 240
HUB = "192.0.2.1"
DEAD_EVERY = 20
"""One peer of so many is dead, with a black hole and an error."""


class Size(Struct, frozen=True):
    """How much to make."""

    events: int = 1_000_000
    peers: int = 10_000


def content_of(size: Size) -> Content:
    """Peers, findings and one source, as the engine gives them."""
    random = Random(1)
    biggest = size.events // BIGGEST_SHARE // 2
    each = max((size.events // 2 - biggest) // max(size.peers - 1, 1), 1)
    last_ns = START_NS + biggest * INTERVAL_NS
    frames = iter(range(1, 4 * size.events))
    peers, findings = [], []
    for number in range(size.peers):
        exchanges = each if number else biggest
        peer = _peer(number, exchanges, last_ns, random, frames)
        peers.append(peer)
        findings += _findings(peer)
    source = SourceInfo(
        "s1", "hub.pcap", "capture", "pcap", START_NS, last_ns, size.events * 20, size.events
    )
    order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
    findings.sort(key=lambda f: order[f.severity])
    return Content("bench", (source,), tuple(peers), findings=tuple(findings))


def _peer(number: int, size: int, last_ns: int, random: Random, frames: object) -> PeerView:
    remote = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    dead = number % DEAD_EVERY == 1
    step_ns = (last_ns - START_NS) // size
    exchanges, messages = [], []
    for place in range(size):
        at_ns = START_NS + place * step_ns + random.randrange(NS_PER_SECOND)
        outcome = Outcome.UNANSWERED if dead and place == size - 1 else Outcome.ANSWERED
        sent = _message(at_ns, remote, place, False, frames)
        messages.append(sent)
        answer = None
        if outcome is Outcome.ANSWERED:
            back = _message(at_ns + 20 * NS_PER_MS, remote, place, True, frames)
            messages.append(back)
            answer = Transmission(back.at_ns, place, back.ref)
        exchanges.append(
            Exchange(
                f"x{number}.{place}", "i1", ExchangeKind.LIVENESS, HUB, remote, None,
                (Transmission(at_ns, place, sent.ref),), answer, outcome, Basis.HEADER,
                Confidence.CERTAIN, verdict_ns=at_ns + INTERVAL_NS if dead and not answer else None,
            )
        )  # fmt: skip
    asked_ns = exchanges[-1].first_ns
    holes = (_hole(number, remote, asked_ns),) if dead else ()
    state = PeerState.DEAD if dead else PeerState.ALIVE
    states = [StateSpan(PeerState.ALIVE, START_NS)]
    if dead:
        states += [StateSpan(PeerState.PROBING, asked_ns)]
        states += [StateSpan(PeerState.DEAD, asked_ns + INTERVAL_NS)]
    return PeerView(
        id=f"p{number + 1}", local=HUB, remote=remote, local_basis=LocalBasis.MOST_COMMON,
        state=state, first_ns=START_NS, last_ns=last_ns,
        ike_sas=(_sa(number, remote, last_ns, len(messages)),),
        esp_flows=_flows(number, remote, last_ns),
        exchanges=tuple(exchanges), deletes=(), black_holes=holes,
        policies=(DpdPolicy(HUB, None, PolicyMode.PERIODIC, 10.0, 2.0, 5, PolicyBasis.OBSERVED,
                            20.0, "median of the intervals"),),
        states=tuple(states), activity=_activity(last_ns, random), hints=(), problems=(),
        last_proof_ns=asked_ns, rtt_ns=20 * NS_PER_MS, ike_messages=len(messages),
        retransmissions=0, unknown_informationals=0, addresses=(remote,),
        confidence=Confidence.CERTAIN, until_ns=last_ns, messages=tuple(messages),
    )  # fmt: skip


def _message(at_ns: int, remote: str, number: int, back: bool, frames: object) -> IkeMessage:
    src, dst = (remote, HUB) if back else (HUB, remote)
    return IkeMessage(
        at_ns, Ref("s1", next(frames)), src, dst, 500, 500, Encapsulation.UDP, 2,  # type: ignore[call-overload]
        "0" * 15 + "1", "0" * 15 + "2", 37, 0x20 if back else 8, number, 76, 46,
        b"0123456789abcdef", MessageKind.LIVENESS, True, ike_sa="i1",
    )  # fmt: skip


def _sa(number: int, remote: str, last_ns: int, messages: int) -> IkeSa:
    return IkeSa(
        "i1", 2, HUB, remote, f"{number:016x}", f"{number + 1:016x}", START_NS, last_ns, START_NS,
        None, None, None, (None, None), (), "AES-CBC-256 / SHA2-256 / MODP-2048", None, messages, 0,
        (),
    )  # fmt: skip


def _flows(number: int, remote: str, last_ns: int) -> tuple[EspFlow, ...]:
    return tuple(
        EspFlow(f"{2 * number + way:08x}", *ends, START_NS, last_ns, 1000, 100_000, 0, False)
        for way, ends in enumerate(((HUB, remote), (remote, HUB)))
    )


def _activity(last_ns: int, random: Random) -> Activity:
    slices = tuple(random.randrange(40) for _ in range(SLICES))
    return Activity(START_NS, (last_ns - START_NS) // SLICES + 1, slices, slices[::-1])


def _hole(number: int, remote: str, asked_ns: int) -> BlackHole:
    stop_ns = asked_ns + 2 * INTERVAL_NS
    return BlackHole(
        f"b{number}", HUB, remote, BlackHoleClass.DETECTED, asked_ns - NS_PER_SECOND, asked_ns,
        asked_ns, asked_ns, stop_ns, "inferred", stop_ns, StopBasis.LAST_OUTBOUND, None, 18.0, 20.0,
        100, 120, 12_000, (), Confidence.CERTAIN, (),
    )  # fmt: skip


def _findings(peer: PeerView) -> list[Finding]:
    dead = peer.state is PeerState.DEAD
    last = peer.exchanges[-1]
    return [
        Finding(
            "dpd-no-ack" if dead else "dpd-interval-drift",
            Severity.ERROR if dead else Severity.INFO,
            Confidence.CERTAIN,
            f"{peer.remote} does not answer" if dead else f"{peer.remote} is asked unevenly",
            "The question was sent, and nothing came back.",
            "Look at the path, then at the peer.",
            "RFC 7296 section 2.4",
            (last.transmissions[0].ref,),
            peer.id,
            last.first_ns,
            f"f{peer.id[1:]}",
        )
    ]
