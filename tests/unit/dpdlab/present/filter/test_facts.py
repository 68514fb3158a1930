from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from analyzers.model.finding import Finding, Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.peer import PeerView
from analyzers.model.records import Confidence, Problem, ProblemKind, Ref
from dpdlab.present.filter import Filter, Item, Surroundings
from tests.model_builders import (
    INITIATOR_SPI,
    A,
    B,
    answered,
    at,
    black_hole,
    delete,
    ike_message,
    peer,
    ref,
    unanswered,
)

SOURCES = {"s1": "captures/hub.pcapng", "s2": "console.txt"}


def message(seconds: float, record: int, **changes) -> IkeMessage:
    """An encrypted Informational from A to B."""
    told: dict[str, Any] = {
        "version": 1,
        "exchange_type": 5,
        "flags": 1,
        "message_id": 0xF2C790DA,
        "length": 92,
        "first_payload": 8,
        "kind": MessageKind.R_U_THERE,
        "encrypted": True,
    }
    return ike_message(seconds, record, **told | changes)


def finding(**changes) -> Finding:
    value = Finding(
        rule="dpd-no-ack",
        severity=Severity.ERROR,
        confidence=Confidence.CERTAIN,
        title="The peer did not answer",
        detail="3 questions",
        remedy="Look at the path",
        reference="RFC 3706 section 5.4",
        refs=(ref(301), ref(343)),
        peer="p1",
        at_ns=at(26),
    )
    return replace(value, **changes)


PROBE = message(5, 21, dpd_sequence=1_732_275_036)
ACK = message(5.016, 22, src=B, dst=A, message_id=0xC0A12878, kind=MessageKind.R_U_THERE_ACK)
LATE = message(40, 365, message_id=0x11, kind=MessageKind.DELETE)
PROBLEM = Problem(ProblemKind.MALFORMED_IKE, "length 3", ref(22))
VIEW = peer(messages=(PROBE, ACK, LATE), problems=(PROBLEM,), addresses=(B, "198.51.100.9"))
X1, X2 = VIEW.exchanges
(DELETE,) = VIEW.deletes
(HOLE,) = VIEW.black_holes
FINDING = finding()
ITEMS: dict[str, Item] = {
    "peer": VIEW,
    "x1": X1,
    "x2": X2,
    "delete": DELETE,
    "hole": HOLE,
    "finding": FINDING,
    "probe": PROBE,
    "ack": ACK,
    "late": LATE,
    "problem": PROBLEM,
}


def matched(text: str, view: PeerView = VIEW) -> set[str]:
    """The items of the story that match."""
    around = Surroundings(view, SOURCES)
    wanted = Filter.of(text)
    return {name for name, item in ITEMS.items() if wanted.matches(around, item)}


def test_builders_are_what_the_table_below_says():
    assert (answered(), unanswered(), delete(), black_hole()) == (X1, X2, DELETE, HOLE)


EVERY = set(ITEMS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", EVERY),
        # of the peer: every item of it
        (f"peer:{A}", EVERY),
        (f"peer:{B}", EVERY),
        ("peer:p1", EVERY),
        ("peer:198.51.100.9", EVERY),
        ("peer:192.0.2.9", set()),
        (f"local:{A}", EVERY),
        (f"local:{B}", set()),
        ("remote:198.51.100.0/24", EVERY),
        ("state:dead", EVERY),
        ("state!=dead", set()),
        ("mode:periodic", EVERY),
        ("ike:1", EVERY),
        ("ike:2", set()),
        # of the item
        ("kind:peer", {"peer"}),
        ("kind:exchange", {"x1", "x2"}),
        ("kind:dpd", {"x1", "x2", "probe", "ack"}),
        ("kind:r-u-there", {"probe"}),
        ("kind:dpd,delete", {"x1", "x2", "probe", "ack", "delete", "late"}),
        ("kind:message", {"probe", "ack", "late"}),
        ("kind:black-hole", {"hole"}),
        ("kind:finding,problem", {"finding", "problem"}),
        (f"from:{A}", {"x1", "x2", "delete", "hole", "probe", "late"}),
        (f"from:{B}", {"ack"}),
        (f"to:{B}", {"x1", "x2", "delete", "hole", "probe", "late"}),
        ("dir:out", {"x1", "x2", "delete", "hole", "probe", "late"}),
        ("dir:in", {"ack"}),
        ("outcome:unanswered", {"x2"}),
        ("rtt:16ms", {"peer", "x1"}),
        ("rtt>16ms", set()),
        ("retries>=2", {"x2"}),
        ("retries:0", {"x1", "delete"}),
        ("gap>4s", {"x2", "hole", "late"}),
        ("gap:16ms", {"ack"}),
        ("seconds>10s", {"peer", "hole"}),
        ("seconds:6s", {"x2"}),
        ("packets:70", {"hole"}),
        ("packets>70", {"peer"}),
        ("class:detected", {"hole"}),
        ("sev>=warning", {"finding"}),
        ("rule:dpd-*", {"finding"}),
        ("basis:rhythm", {"x2"}),
        ("basis:header", {"probe", "ack", "late"}),
        (
            "confidence:inferred",
            {"x2", "hole", *(["peer"] if VIEW.confidence == "inferred" else [])},
        ),
        (f"spi:{INITIATOR_SPI}", EVERY - {"hole"}),
        ("spi:c1a2b3d4", {"peer", "delete", "hole", "finding"}),
        ("id:f2c790da", {"x1", "probe", "problem"}),
        ("id:c0a12878", {"x1", "ack", "problem"}),
        ("id:0x11", {"late", "delete"}),
        ("id:3", {"x2", "finding"}),
        ("seq:1732275037", {"x2", "finding"}),
        ("seq:1732275036", {"x1", "probe", "problem"}),
        ("source:s1", EVERY),
        ("source:hub.*", EVERY),
        ("source:captures/hub.pcapng", EVERY),
        ("source:s2", set()),
        ("frame:22", {"peer", "x1", "ack", "problem"}),
        ('"did not answer"', {"finding"}),
        ("text:Malformed", {"problem"}),
        ("/detected$/", {"hole"}),
        ("/^DETECTED$/i", {"hole"}),
        ("/^DETECTED$/", set()),
        # together
        ("kind:dpd outcome:unanswered", {"x2"}),
        ("kind:exchange -basis:rhythm", {"x1"}),
        ("retries>=2 or packets:70", {"x2", "hole"}),
        ("kind:exchange not (retries>=2 or rtt>1s)", {"x1"}),
        ("-rtt>1ms", EVERY - {"peer", "x1"}),
        ("rtt!=1ms", {"peer", "x1"}),
    ],
)
def test_what_matches(text, expected):
    assert matched(text) == expected


def test_a_peer_known_from_esp_alone_is_in_the_only_input():
    view = peer(exchanges=(), deletes=(), black_holes=(), ike_sas=())
    wanted = Filter.of("source:hub.pcapng")
    assert wanted.matches(Surroundings(view, {"s1": "hub.pcapng"}), view)
    assert not wanted.matches(Surroundings(view, {"s1": "hub.pcapng", "s2": "b.pcap"}), view)


def test_a_finding_of_a_configuration_has_the_peer_it_names():
    nobody = Surroundings(None, SOURCES)
    item = finding(peer="192.0.2.77")
    assert Filter.of("peer:192.0.2.0/24").matches(nobody, item)
    assert not Filter.of("state:dead").matches(nobody, item)
    assert not Filter.of("spi:a*").matches(nobody, item)


def test_places_in_a_log_without_times_have_no_duration():
    first, second = message(0, 1, at_ns=1), message(0, 2, at_ns=2)
    view = peer(messages=(first, second), first_ns=1, last_ns=2)
    around = Surroundings(view, SOURCES)
    assert not Filter.of("gap>=0s").matches(around, second)
    assert not Filter.of("seconds>=0s").matches(around, view)


def test_messages_at_one_time_are_told_apart():
    messages = tuple(message(s, i) for i, s in enumerate((1, 5, 5, 9)))
    around = Surroundings(peer(messages=messages), SOURCES)
    gaps = [around.since_message_before(m) for m in messages]
    assert gaps == [None, 4_000_000_000, 0, 4_000_000_000]


def test_an_exchange_is_shown_where_its_lost_answers_are():
    asked = unanswered()
    lost = replace(asked.transmissions[0], ref=Ref("s2", 83))
    around = Surroundings(peer(exchanges=(asked,)), SOURCES)
    for wanted in ("source:console.txt", "line:83"):
        assert not Filter.of(wanted).matches(around, asked)
        assert Filter.of(wanted).matches(around, replace(asked, lost_answers=(lost,)))
