"""counters-one-way: what a device sent into a Child SA grew, and nothing came out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.peer import Hint, HintKind
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs

_REMEDY_OF_ONE_WAY: Final = (
    "Follow ESP on the way that is broken, from the end that sends: filters that drop IP protocol"
    " 50 or UDP port 4500, NAT, routes."
)


def _check(case: Case) -> Iterator[Found]:
    for hint in case.peer.hints:
        if hint.kind is HintKind.COUNTERS and not _is_told(case, hint):
            hole = next((h for h in case.peer.black_holes if hint.ref in h.refs), None)
            known = hole is not None and hole.confidence is not Confidence.SUSPECT
            yield Found(
                f"{hint.text}.",
                (hint.ref,) if hole is None else hole.refs,
                remedy=_REMEDY_OF_ONE_WAY if known else "",
                confidence=Confidence.INFERRED if known else Confidence.SUSPECT,
                at_ns=hint.at_ns if case.timed else None,
                end=hint.sender,
            )


def _is_told(case: Case, hint: Hint) -> bool:
    """Whether packets or questions show the black hole that the counters are of."""
    return any(
        hint.ref not in hole.refs and hole.begin_ns <= hint.at_ns <= hole.stop_ns
        for hole in case.peer.black_holes
    )


RULE = PeerRule(
    id="counters-one-way",
    severity=Severity.WARNING,
    title="Packets went into a Child SA, and none came out of it",
    rationale=(
        "Between two outputs of the device the packets that it encapsulated grew and those that it"
        " decapsulated did not: a black hole looks like this while its SAs are still up."
    ),
    remedy=(
        "Show the counters of the other end (or give its outputs as a further input): if what it"
        " decapsulates grows, the way back is broken, else the way there. Traffic that is one-way"
        " by design looks alike: ping through the tunnel and show them again."
    ),
    source="Cisco IOS Security Command Reference, show crypto ipsec sa",
    needs=(Needs.LOG,),
    traps=(
        "packets came out of the Child SA, too, or another one took its place",
        "less time than that of the shortest black hole lies between the outputs",
        "packets or questions show the same black hole",
    ),
    check=_check,
)
