"""Sentences about a peer that a person can paste into a ticket: what is certain, what inferred.

Plain text; whoever puts them into a document escapes them for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from analyzers.export import words
from analyzers.export.exchanges import median_round_trip
from analyzers.export.hole_reasons import CEASED
from analyzers.export.instants import utc
from analyzers.export.unlisted import not_shown
from analyzers.model.black_hole import BlackHole, BlackHoleClass, PhaseName, StopBasis
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.records import Basis, Confidence

_MILLISECONDS: Final = 3

CLASS_MEANING: Final = {
    BlackHoleClass.IDLE: "nothing was sent into it",
    BlackHoleClass.DATA_PLANE: "IKE was answered while no ESP came back",
    BlackHoleClass.MISSING_DPD: "who sent did not ask whether the peer lives",
    BlackHoleClass.TRANSIENT: "the peer came back on the same SAs before a verdict",
    BlackHoleClass.SLOW_TEARDOWN: "the SA stayed in use after the verdict",
    BlackHoleClass.SLOW_DPD: "the verdict came later than the budget allows",
    BlackHoleClass.DETECTED: "the verdict came within the budget",
    BlackHoleClass.OPEN: "the input ended before it could be judged",
}

_STOP: Final = {
    StopBasis.DELETE: "the removal of the SA",
    StopBasis.REPLACEMENT: "the first packet on a replacement SA",
    StopBasis.PROOF: "proof of life on the same SAs",
    StopBasis.LAST_OUTBOUND: "the last packet that was sent",
    StopBasis.CAPTURE_END: "the end of the input: it may have gone on",
}

_BASIS: Final = {
    Basis.DECRYPTED: "decrypted with the given keys",
    Basis.HEADER: "read from clear header fields",
    Basis.LOG: "printed by a log",
    Basis.CORRELATED: "matched with a log by message ID",
    Basis.RHYTHM: "judged from length, direction and rhythm of encrypted messages",
}

_PHASE_ORDER: Final = tuple(PhaseName)


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 packet`, `2 packets`; `plural` where an s is not enough."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def outcome_counts(exchanges: Iterable[Exchange]) -> Counter[Outcome]:
    """How many exchanges had which outcome."""
    return Counter(exchange.outcome for exchange in exchanges)


def liveness(peer: PeerView) -> str:
    """How often one side asked, and what became of it."""
    if not peer.exchanges:
        hidden = not_shown(len(peer.whole.exchanges), "liveness exchange")
        return f"{hidden}." if hidden else "No liveness exchange was seen."
    outcomes = outcome_counts(peer.exchanges)
    parts = [f"{outcomes[outcome]} {outcome}" for outcome in Outcome if outcomes[outcome]]
    retries = sum(exchange.retries for exchange in peer.exchanges)
    sentence = f"{counted(len(peer.exchanges), 'liveness exchange')}: {', '.join(parts)}"
    sentence += f"; {counted(retries, 'retry', 'retries')}"
    if peer.rtt_ns is not None:
        sentence += f"; median round trip {median_round_trip(peer)}"
    return sentence + "."


def black_hole(hole: BlackHole) -> str:
    """What a black hole took, between which bounds, and what its time was spent on."""
    if hole.black_hole_class is BlackHoleClass.IDLE:
        return (
            f"{hole.sender} lost {hole.receiver} while nothing was being sent"
            f" ({counted(hole.probes, 'transmission')} unanswered). {_verdict(hole)}"
        )
    data_plane = hole.black_hole_class is BlackHoleClass.DATA_PLANE
    missing = "fresh proof that {} was there" if not data_plane else "any ESP from {}"
    packets = counted(hole.max_packets, "packet")
    if hole.bytes_known:
        packets += f" ({hole.max_bytes:,} bytes)"
    most = f"{hole.sender} sent at most {packets} in"
    if not hole.traffic_known:
        counted_by = words.packets_counted([hole])
        told = f"{counted_by[:1].upper()}{counted_by[1:]}"
        most = f"{told or f'What {hole.sender} sent is not in a log'}; at most"
    sentences = [
        f"{most} {hole.max_seconds:.3f} s without {missing.format(hole.receiver)}"
        f" ({class_named(hole)}: {_meaning(hole)})."
    ]
    if hole.spis:
        sentences.append(
            f"Only the Child SA with SPI {' and '.join(hole.spis)} fell silent; others went on."
        )
    if not hole.traffic_known:
        sentences.append(f"{counted(hole.probes, 'transmission')} unanswered.")
    elif hole.removed_ns is not None and hole.min_packets:
        lost = f"At least {counted(hole.min_packets, 'packet')} in {hole.min_seconds:.3f} s"
        removed = utc(hole.removed_ns, digits=_MILLISECONDS)
        sentences.append(f"{lost}: {hole.receiver} removed the SA at {removed}, as its log says.")
    elif hole.first_probe_ns is None:
        sentences.append("No unanswered probe narrows this down: the loss may have been shorter.")
    elif not hole.min_packets:
        asked = counted(hole.probes, "transmission")
        sentences.append(f"Nothing was sent after the first unanswered probe ({asked} unanswered).")
    else:
        sentences.append(
            f"At least {counted(hole.min_packets, 'packet')} in {hole.min_seconds:.3f} s: from"
            f" the first unanswered probe on ({counted(hole.probes, 'transmission')} unanswered)."
        )
    between = words.lost_between(hole, hole.receiver)
    if between:
        sentences.append(f"{between[:1].upper()}{between[1:]}.")
    spent = [
        f"{words.phase(hole, name)} {hole.phase_s(name):.3f} s"
        for name in _PHASE_ORDER
        if hole.phase_s(name) > 0
    ]
    if spent:
        sentences.append(f"Time by phase: {', '.join(spent)}.")
    sentences.append(_verdict(hole))
    back = data_plane and hole.stop_basis is StopBasis.PROOF
    sentences.append(f"It ended with {'ESP coming back' if back else _STOP[hole.stop_basis]}.")
    if hole.recovered_ns is None:
        sentences.append("No recovery was seen.")
    else:
        recovered = utc(hole.recovered_ns, digits=_MILLISECONDS)
        first = "ESP packet" if data_plane else "proof"
        sentences.append(f"The first {first} after it came at {recovered}.")
    return " ".join(sentences)


def class_named(hole: BlackHole) -> str:
    """The class of a black hole, and how sure it is where that is less than the hole itself."""
    if hole.class_confidence is hole.confidence:
        return hole.black_hole_class
    return f"{hole.black_hole_class}, {hole.class_confidence}"


def _meaning(hole: BlackHole) -> str:
    told = CLASS_MEANING[hole.black_hole_class]
    if hole.black_hole_class is BlackHoleClass.OPEN and words.is_over(hole):
        return "it was over before any verdict"
    if hole.ceased_ns is not None:
        return CEASED
    return f"perhaps {told}" if words.is_presumed(hole) else told


def _verdict(hole: BlackHole) -> str:
    if hole.dead_ns is None:
        return "No verdict was reached while it lasted."
    how = (
        f"as logged{words.clock_in_doubt(hole)}"
        if hole.dead_basis == "log"
        else "inferred, no packet shows it"
    )
    return f"Verdict at {utc(hole.dead_ns, digits=_MILLISECONDS)} ({how})."


def knowledge(peer: PeerView) -> Iterator[str]:
    """For each confidence: how many statements have it, and what they rest on."""
    statements: Sequence[tuple[str, Confidence, Basis]] = [
        *(("liveness exchange", e.confidence, e.basis) for e in peer.exchanges),
        *(("Delete", d.confidence, d.basis) for d in peer.deletes),
    ]
    for confidence in Confidence:
        groups = Counter((noun, basis) for noun, level, basis in statements if level is confidence)
        parts = [
            f"{counted(number, noun)} {_BASIS[basis]}" for (noun, basis), number in groups.items()
        ]
        holes = sum(1 for hole in peer.black_holes if hole.confidence is confidence)
        if holes:
            parts.append(f"the bounds of {counted(holes, 'black hole')}")
        if peer.confidence is confidence:
            parts.append(f"the state ({peer.state})")
        if parts:
            yield f"{confidence.capitalize()}: {'; '.join(parts)}."
    if peer.unknown_informationals:
        unknown = counted(peer.unknown_informationals, "encrypted IKEv1 message")
        yield f"Not told apart without keys: {unknown}."
    if peer.deletes or peer.exchanges or peer.black_holes:
        yield (
            "When the peer really failed is not visible from one capture: a black hole is a"
            " pair of bounds, never one number."
        )
