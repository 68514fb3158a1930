"""Contents for the tests of written reports: one with everything in it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from analyzers.export.content import Content
from analyzers.model.alignment import Alignment
from analyzers.model.finding import Finding, Severity, Suppressed
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.peer import PeerView, ShownSa
from analyzers.model.records import Confidence, Ref
from analyzers.model.time import NS_PER_MS
from tests.model_builders import (
    A,
    B,
    at,
    healthy_peer,
    ike_message,
    peer,
    problem,
    ref,
    source,
    unanswered,
)


def finding(**changes) -> Finding:
    value = Finding(
        rule="dpd-no-ack",
        severity=Severity.ERROR,
        confidence=Confidence.INFERRED,
        title="A liveness question was not answered",
        detail=f"{A} asked {B} three times.",
        remedy="Capture at both ends.",
        reference="RFC 3706 section 5.4",
        refs=(ref(301), ref(322), ref(343)),
        peer="p1",
        at_ns=at(20),
        end=A,
        id="f1",
    )
    return replace(value, **changes)


def message(seconds: float, record: int, **changes) -> IkeMessage:
    """The first of main mode, in the clear."""
    told: dict[str, Any] = {
        "version": 1,
        "exchange_type": 2,
        "flags": 0,
        "message_id": 0,
        "length": 200,
        "first_payload": 1,
        "kind": MessageKind.MAIN_MODE,
    }
    return ike_message(seconds, record, **told | changes)


def shown() -> ShownSa:
    return ShownSa(
        at_ns=at(30),
        ref=Ref("s2", 12),
        command="show crypto ipsec sa",
        ike_version=1,
        state="QM_IDLE",
        uptime_s=300,
        remaining_s=2_700,
        dpd_active=True,
        dpd="DPD on, 10 s",
        interval_s=10.0,
        retry_s=2.0,
        spis=("c1a2b3d4",),
        encaps_packets=330,
        decaps_packets=60,
    )


def sick_peer(**changes) -> PeerView:
    """The peer of the story with everything a peer can have."""
    value = peer(
        messages=(message(0, 1), message(0.1, 2, src=B, dst=A)),
        problems=(problem(),),
        shown=(shown(),),
        addresses=(B, "198.51.100.9"),
        until_ns=at(60),
    )
    logged = unanswered(verdict_ref=Ref("s2", 40))
    value = replace(value, exchanges=(value.exchanges[0], logged))
    return replace(value, **changes)


def everything(**changes) -> Content:
    """A capture and a log, a sick peer and a healthy one, findings of all severities."""
    value = Content(
        version="0.1.0",
        sources=(
            source(problems=[problem()]),
            source(
                id="s2", path="r1.log", kind="log", format="cisco-ios", log_events={"message": 3}
            ),
        ),
        peers=(healthy_peer(), sick_peer()),
        diagnosis=("Only a part of it can be told.",),
        alignments=(Alignment("s2", "s1", 6, 7 * NS_PER_MS, NS_PER_MS, 0.5, "message IDs"),),
        findings=(
            finding(),
            finding(rule="w", severity=Severity.WARNING, id="f2", peer=None, at_ns=None),
            finding(rule="i", severity=Severity.INFO, id="f3", peer="p2", refs=()),
        ),
        suppressed=(Suppressed(finding(id="f4"), "known"),),
    )
    return replace(value, **changes)
