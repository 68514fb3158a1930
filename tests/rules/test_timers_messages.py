"""Timer rules over messages that no timeline can write: fragments, keys, TCP."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from analyzers.model.finding import Finding, Severity
from analyzers.model.observations import Encapsulation, IkeMessage, MessageKind, Notify
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Basis, Confidence
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.timers import (
    dpd_retry_spacing_wrong,
    ikev2_new_id_instead_of_retransmit,
    ikev2_retransmit_not_identical,
)
from tests.model_builders import A, B, ike_message, ike_sa, peer, ref, unanswered
from tests.rules.coverage import silent

_REQUEST, _RESPONSE = 0x08, 0x20
_WINDOW = Notify(type=16385, protocol=0, spi="", data=b"\x00\x00\x00\x05")


def message(second: float, record: int, message_id: int = 2, **changes) -> IkeMessage:
    """A liveness request of A."""
    told: dict[str, Any] = {"encrypted": True, "fingerprint": b"one", "ike_sa": "i1"}
    return ike_message(second, record, message_id=message_id, **told | changes)


def findings(rule: PeerRule, *messages: IkeMessage, **changes) -> list[Finding]:
    view = replace(
        peer(),
        messages=tuple(sorted(messages, key=lambda m: m.at_ns)),
        ike_sas=(ike_sa(ike_version=2),),
        **changes,
    )
    return [rule.finding(found) for found in rule.check(Case(view))]


def test_other_bytes():
    (finding,) = findings(
        ikev2_retransmit_not_identical.RULE,
        message(20, 5),
        message(22, 6, fingerprint=b"two"),
    )
    assert finding.severity is Severity.ERROR


@silent(
    "ikev2-retransmit-not-identical",
    "IKE fragments may be cut anew for a smaller path (RFC 7383 section 2.5.2)",
    "messages that are damaged, or fail their check, are not the sender's",
)
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": MessageKind.FRAGMENT},
        {"refs": (ref(6), ref(7))},
        {"integrity_ok": False},
        {"problems": ("cut off",)},
        {"basis": Basis.LOG},
    ],
    ids=["a fragment", "put together from fragments", "forged", "damaged", "of a log"],
)
def test_other_bytes_that_are_not_the_senders(changes: dict[str, Any]):
    rule = ikev2_retransmit_not_identical.RULE
    other = message(22, 6, fingerprint=b"two", **changes)
    assert findings(rule, message(20, 5), other) == []


@silent(
    "ikev2-retransmit-not-identical",
    "IKE_SA_INIT is sent anew with a cookie, or with another group",
)
@pytest.mark.parametrize(("kind", "count"), [(MessageKind.AUTH, 1), (MessageKind.SA_INIT, 0)])
def test_a_first_request_may_come_with_a_cookie(kind: MessageKind, count: int):
    begins = {"kind": kind, "exchange_type": 34 + count, "encrypted": bool(count)}
    both = message(0, 1, 0, **begins), message(0.2, 3, 0, fingerprint=b"two", **begins)
    assert len(findings(ikev2_retransmit_not_identical.RULE, *both)) == count


def opened(*notifies: Notify) -> IkeMessage:
    """The IKE_AUTH answer of B, opened by its keys."""
    return message(
        1,
        2,
        1,
        src=B,
        dst=A,
        exchange_type=35,
        flags=_RESPONSE,
        kind=MessageKind.AUTH,
        basis=Basis.DECRYPTED,
        notifies=notifies,
    )


def two_at_once() -> tuple[IkeMessage, ...]:
    """Request 3, no question about liveness, goes out while 2 is open."""
    other = {"kind": MessageKind.CREATE_CHILD, "exchange_type": 36, "fingerprint": b"three"}
    return message(20, 5), message(24, 6, 3, **other), message(26, 7)


def test_two_requests_beyond_a_window_that_keys_show():
    rule = ikev2_new_id_instead_of_retransmit.RULE
    (finding,) = findings(rule, opened(), *two_at_once())
    assert finding.confidence is Confidence.CERTAIN
    assert "with a window of 1" in finding.detail


@silent(
    "ikev2-new-id-instead-of-retransmit",
    "the other end may have offered a larger window, which only keys show: without "
    "them two questions about liveness at once are held against it, nothing else",
)
def test_two_requests_within_a_larger_window():
    rule = ikev2_new_id_instead_of_retransmit.RULE
    assert findings(rule, opened(_WINDOW), *two_at_once()) == []


@silent("dpd-retry-spacing-wrong", "in TCP, IKE need not repeat")
@pytest.mark.parametrize(
    ("encapsulation", "count"), [(Encapsulation.UDP, 1), (Encapsulation.TCP, 0)]
)
def test_distances_in_tcp_are_not_those_of_ike(encapsulation: Encapsulation, count: int):
    policy = DpdPolicy(
        holder=A,
        profile="strongswan-ikev2",
        mode=PolicyMode.ON_IDLE,
        interval_s=10,
        retry_s=4,
        retries=2,
        basis=PolicyBasis.GIVEN,
        worst_case_s=22,
        evidence="",
        waits_s=(4, 4, 4),
    )
    found = findings(
        dpd_retry_spacing_wrong.RULE,
        message(20, 5, encapsulation=encapsulation),
        exchanges=(unanswered(),),
        policies=(policy,),
    )
    assert len(found) == count
