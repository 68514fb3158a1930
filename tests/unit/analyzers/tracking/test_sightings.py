"""What a message is known by, in a capture and in a log."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import Datagram, Encapsulation, MessageKind
from analyzers.model.records import Ref
from analyzers.tracking.sightings import (
    KeyFamily,
    Relation,
    Sighting,
    may_be_one,
    of_datagram,
    of_event,
)
from tests.builders import ike_header
from tests.unit.analyzers.tracking.sighted import A, B, C, by_ends, by_id, by_spi, seen

AT = 1_700_000_000_000_000_000
SPI = "1122334455667788"


def datagram(payload: bytes) -> Datagram:
    return Datagram(AT, Ref("s1", 7), A, B, 500, 500, payload, Encapsulation.UDP)


def message(**parts: Any) -> LogEvent:
    known: dict[str, Any] = {"sent": True, "local": A, "remote": B, "version": 2}
    return LogEvent(LogEventKind.MESSAGE, AT, Ref("s2", 3), "strongswan", **(known | parts))


def families(sighting: Sighting | None) -> set[KeyFamily]:
    assert sighting is not None
    return {kind for kind, _ in sighting.keys}


def keys(sighting: Sighting | None, family: KeyFamily) -> list[object]:
    assert sighting is not None
    return [key for kind, key in sighting.keys if kind is family]


# --- packets -----------------------------------------------------------------------------------


def test_an_ikev1_informational() -> None:
    found = of_datagram(
        datagram(ike_header(bytes(64), version=1, exchange=5, message_id=0xF2C790DA))
    )
    assert found is not None
    assert families(found) == {KeyFamily.BYTES, KeyFamily.MESSAGE_ID, KeyFamily.KIND}
    assert keys(found, KeyFamily.MESSAGE_ID) == [(0xF2C790DA,)]
    assert (found.at_ns, found.ref, found.src, found.dst) == (AT, Ref("s1", 7), A, B)
    assert (found.outward, found.informational, found.version) == (0, True, 1)


def test_phase_1_has_no_message_id() -> None:
    found = of_datagram(datagram(ike_header(bytes(64), version=1, exchange=2, message_id=0)))
    assert families(found) == {KeyFamily.BYTES, KeyFamily.KIND}


@pytest.mark.parametrize(("flags", "asks"), [(0x08, True), (0x28, False)])
def test_an_ikev2_question_and_its_answer(flags: int, asks: bool) -> None:
    found = of_datagram(datagram(ike_header(bytes(36), message_id=5, flags=flags)))
    assert found is not None
    assert found.informational is asks
    assert keys(found, KeyFamily.SPIS) == [(SPI, 37, 5, not asks)]
    assert keys(found, KeyFamily.ADDRESSES) == [(A, B, 37, 5, not asks)]
    assert keys(found, KeyFamily.COUNTER) == [(37, 5, not asks)]


@pytest.mark.parametrize("exchange", [34, 35])
def test_a_handshake_counts_nothing(exchange: int) -> None:
    """Every IKE SA begins with the same message IDs."""
    found = of_datagram(datagram(ike_header(bytes(36), exchange=exchange, message_id=0)))
    assert KeyFamily.COUNTER not in families(found)


def test_equal_bytes_are_one_message_whoever_carries_it() -> None:
    one = datagram(ike_header(bytes(36), message_id=5))
    two = datagram(ike_header(bytes(36), message_id=5))
    two.src, two.sport = "198.51.100.1", 61000
    assert keys(of_datagram(one), KeyFamily.BYTES) == keys(of_datagram(two), KeyFamily.BYTES)
    other = datagram(ike_header(bytes(35) + b"\1", message_id=5))
    assert keys(of_datagram(one), KeyFamily.BYTES) != keys(of_datagram(other), KeyFamily.BYTES)


@pytest.mark.parametrize("size", [0, 1, 27])
def test_a_header_that_is_cut(size: int) -> None:
    assert of_datagram(datagram(ike_header()[:size])) is None


def test_a_version_nobody_knows() -> None:
    found = families(of_datagram(datagram(ike_header(version=7))))
    assert found == {KeyFamily.BYTES, KeyFamily.KIND}


# --- lines -------------------------------------------------------------------------------------


def test_a_logged_message_has_the_keys_of_its_packet() -> None:
    wire = of_datagram(datagram(ike_header(bytes(36), message_id=5)))
    line = of_event(
        message(message=MessageKind.LIVENESS, message_id=5, response=False, initiator_spi=SPI)
    )
    for family in (KeyFamily.SPIS, KeyFamily.ADDRESSES, KeyFamily.COUNTER):
        assert keys(line, family) == keys(wire, family)
    assert line is not None
    assert (line.outward, line.informational) == (1, True)


def test_a_received_message_came_from_the_other_end() -> None:
    found = of_event(message(message=MessageKind.LIVENESS, message_id=5, response=True, sent=False))
    assert found is not None
    assert (found.src, found.dst, found.outward, found.informational) == (B, A, -1, False)
    assert keys(found, KeyFamily.ADDRESSES) == [(B, A, 37, 5, True)]


def test_an_r_u_there() -> None:
    found = of_event(
        message(message=MessageKind.R_U_THERE, version=1, message_id=9, sequence=0x5E0C4F45)
    )
    assert keys(found, KeyFamily.MESSAGE_ID) == [(9,)]
    assert keys(found, KeyFamily.SEQUENCE) == [(0x5E0C4F45, MessageKind.R_U_THERE)]
    ack = of_event(
        message(message=MessageKind.R_U_THERE_ACK, version=1, message_id=10, sequence=0x5E0C4F45)
    )
    assert keys(ack, KeyFamily.SEQUENCE) != keys(found, KeyFamily.SEQUENCE)
    assert ack is not None
    assert not ack.informational


@pytest.mark.parametrize("own", ["2001:DB8:0:0:0:0:0:1", "2001:db8::1", "2001:0db8::0001"])
def test_an_address_is_itself_however_it_is_written(own: str) -> None:
    found = of_event(message(message=MessageKind.LIVENESS, message_id=5, local=own))
    assert keys(found, KeyFamily.ADDRESSES) == [("2001:db8::1", B, 37, 5, False)]


@pytest.mark.parametrize(
    "parts",
    [{"kind": LogEventKind.PEER_DEAD}, {"at_ns": None}, {"sent": None}],
    ids=["no message", "no time", "no direction"],
)
def test_what_is_no_sighting(parts: dict[str, Any]) -> None:
    event = message(message=MessageKind.LIVENESS, message_id=5)
    for name, value in parts.items():
        setattr(event, name, value)
    assert of_event(event) is None


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        ({"message": MessageKind.R_U_THERE, "version": 1}, (1, 5, False)),
        ({"message": MessageKind.R_U_THERE_ACK, "version": 1}, (1, 5, False)),
        ({"message": MessageKind.DELETE, "version": 1}, (1, 5, False)),
        ({"message": MessageKind.LIVENESS, "response": False}, (2, 37, False)),
        ({"message": MessageKind.LIVENESS, "response": True}, (2, 37, True)),
        ({"message": MessageKind.MAIN_MODE, "version": 1}, (1, 2, False)),
        ({"message": MessageKind.AGGRESSIVE, "version": 1}, (1, 4, False)),
    ],
)
def test_a_line_that_names_no_message_says_what_kind_it_is(
    parts: dict[str, Any], key: tuple[object, ...]
) -> None:
    line = of_event(message(**parts))
    assert families(line) == {KeyFamily.KIND}
    assert keys(line, KeyFamily.KIND) == [key]


@pytest.mark.parametrize(
    "parts",
    [
        {"message": MessageKind.LIVENESS},
        {"message": MessageKind.QUICK_MODE, "version": 1},
        {"message": None},
        {"message": MessageKind.R_U_THERE, "version": None},
    ],
)
def test_a_line_that_says_too_little_has_no_keys(parts: dict[str, Any]) -> None:
    assert families(of_event(message(**parts))) == set()


def test_the_kind_is_that_of_the_packet() -> None:
    wire = of_datagram(datagram(ike_header(bytes(36), message_id=5, flags=0x28)))
    line = of_event(message(message=MessageKind.LIVENESS, response=True))
    assert keys(line, KeyFamily.KIND) == keys(wire, KeyFamily.KIND)


def test_a_line_without_its_own_address() -> None:
    line = of_event(message(message=MessageKind.LIVENESS, local=None, message_id=5))
    assert families(line) == {KeyFamily.COUNTER}


# --- one message or two ------------------------------------------------------------------------

ENDS, COPIES = Relation.ENDS, Relation.COPIES


@pytest.mark.parametrize(
    ("one", "two", "relation", "may"),
    [
        (1, -1, ENDS, True),
        (1, 1, ENDS, False),
        (-1, -1, ENDS, False),
        (1, 0, ENDS, True),
        (0, 0, ENDS, True),
        (1, 1, COPIES, True),
        (1, -1, COPIES, False),
    ],
)
def test_directions(one: int, two: int, relation: Relation, may: bool) -> None:
    left, right = seen(0, by_id(1), outward=one), seen(0, by_id(1), outward=two)
    assert may_be_one(left, right, relation, KeyFamily.MESSAGE_ID) is may


@pytest.mark.parametrize(
    ("ends", "may"),
    [
        ((A, B), True),
        ((B, A), False),
        ((A, C), False),
        ((None, B), True),
        ((None, C), False),
        (("10.1.2.3", B), True),
        (("10.1.2.3", C), False),
        (("172.16.0.1", "192.168.0.1"), False),
        (("100.64.9.9", B), True),
        (("172.32.0.1", B), False),
        (("x.x.x.x", B), True),
        (("192.0.2.x", C), False),
        (("hub.example", "spoke.example"), True),
    ],
)
def test_ends(ends: tuple[str | None, str | None], may: bool) -> None:
    left = seen(0, by_ends(1), ends=ends, version=2)
    assert may_be_one(left, seen(0, by_ends(1), version=2), ENDS, KeyFamily.COUNTER) is may


@pytest.mark.parametrize(
    ("ends", "may"),
    [
        (("10.1.2.3", B), True),
        ((B, "10.1.2.3"), False),
        ((A, "10.1.2.3"), True),
        (("10.1.2.3", A), False),
        # Each log has the same mask for its peer.
        (("x.x.x.x", B), True),
    ],
)
def test_a_message_id_that_both_ends_use_goes_one_way(ends: tuple[str, str], may: bool) -> None:
    """Quick Mode is three messages with one ID, a NAT hides one end of them."""
    left = seen(0, by_id(1), ends=ends)
    assert may_be_one(left, seen(0, by_id(1)), ENDS, KeyFamily.MESSAGE_ID) is may


def test_one_mask_hides_both_ends() -> None:
    left, right = seen(0, by_id(1), ends=(A, "x.x.x.x")), seen(0, by_id(1), ends=("x.x.x.x", B))
    assert may_be_one(left, right, ENDS, KeyFamily.MESSAGE_ID)


def test_unique_facts_need_no_ends() -> None:
    left, right = seen(0, by_id(1), ends=(A, C)), seen(0, by_id(1))
    assert may_be_one(left, right, ENDS, KeyFamily.MESSAGE_ID)
    assert not may_be_one(left, right, ENDS, None)


def test_versions_differ() -> None:
    one, two = seen(0, by_ends(1), version=1), seen(0, by_ends(1), version=2)
    assert not may_be_one(one, two, ENDS, KeyFamily.ADDRESSES)
    assert may_be_one(one._replace(version=None), two, ENDS, KeyFamily.ADDRESSES)


def test_unique_facts_differ() -> None:
    one = seen(0, by_spi(1, "aa" * 8), by_ends(1), version=2)
    two = seen(0, by_spi(1, "bb" * 8), by_ends(1), version=2)
    assert not may_be_one(one, two, ENDS, KeyFamily.ADDRESSES)
    assert may_be_one(one, seen(0, by_ends(1), version=2), ENDS, KeyFamily.ADDRESSES)
