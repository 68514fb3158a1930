from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import ValidationError, convert
from msgspec.json import encode
from msgspec.structs import astuple

from analyzers.export.report import build_report
from analyzers.export.schema import Report
from analyzers.model.alignment import Alignment
from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.exchange import NO_MESSAGE_ID
from tests.model_builders import (
    A,
    B,
    answered,
    at,
    black_hole,
    peer,
    policy,
    problem,
    ref,
    sent,
    source,
)


def report(*peers, **changes) -> dict[str, Any]:
    built = build_report([source(**changes)], peers or (peer(),), version="9.9")
    written: dict[str, Any] = json.loads(encode(built))
    return written


def test_the_head_says_what_wrote_it():
    document = report()
    assert document["schema_version"] == 1
    assert document["tool"] == {"name": "dpdlab", "version": "9.9"}
    assert document["findings"] == []
    assert document["alignment"] == []


def test_the_keys_of_the_contract_are_there():
    """Every key that CONTRACT section 2 names, on every level."""
    document = report(peer(), problems=[problem()])
    assert set(document) >= {
        "schema_version", "tool", "sources", "peers", "findings", "alignment",
    }  # fmt: skip
    (one,) = document["sources"]
    assert set(one) >= {
        "id", "path", "kind", "format", "first_ns", "last_ns", "packets", "ike_messages",
        "esp_packets", "lines", "clock", "problems",
    }  # fmt: skip
    assert set(one["clock"]) == {"quality", "offset_ns", "spread_ns", "basis"}
    assert set(one["problems"][0]) == {"kind", "count", "detail", "ref"}
    (view,) = document["peers"]
    assert set(view) >= {
        "id", "local", "remote", "local_basis", "state", "ike_sas", "esp_flows", "exchanges",
        "deletes", "black_holes", "policies",
    }  # fmt: skip
    assert set(view["ike_sas"][0]) >= {
        "id", "ike_version", "initiator", "initiator_spi", "responder_spi", "first_ns",
        "established_ns", "ended_ns", "end", "dpd_vendor_id",
    }  # fmt: skip
    assert set(view["esp_flows"][0]) >= {
        "spi", "from", "to", "first_ns", "last_ns", "packets", "bytes", "missing_sequences",
    }  # fmt: skip
    assert set(view["exchanges"][0]) >= {
        "id", "ike_sa", "kind", "prober", "responder", "sequence", "transmissions", "answer",
        "rtt_ns", "outcome", "basis", "confidence",
    }  # fmt: skip
    assert set(view["deletes"][0]) >= {
        "at_ns", "sender", "protocol", "spis", "reason", "basis", "confidence", "ref",
    }  # fmt: skip
    assert set(view["black_holes"][0]) >= {
        "id", "from", "to", "class", "last_proof_ns", "first_exposed_ns", "questionable_ns",
        "first_probe_ns", "dead_ns", "dead_basis", "stop_ns", "stop_basis", "recovered_ns",
        "min_seconds", "max_seconds", "min_packets", "max_packets", "max_bytes", "phases",
        "confidence", "class_confidence", "refs",
    }  # fmt: skip
    assert set(view["policies"][0]) >= {
        "holder", "profile", "mode", "interval_s", "retry_s", "retries", "basis", "worst_case_s",
        "ref",
    }  # fmt: skip


def test_an_exchange_as_the_contract_writes_it():
    exchange = report()["peers"][0]["exchanges"][0]
    assert exchange["transmissions"] == [
        {
            "at_ns": at(5),
            "message_id": "0xf2c790da",
            "ref": {"source": "s1", "record": 21},
            "seen": [],
            "lost": False,
        }
    ]
    assert exchange["answer"]["message_id"] == "0xc0a12878"
    assert exchange["rtt_ns"] == 16_000_000
    assert exchange["retries"] == 0
    assert exchange["sequence"] == 1_732_275_036


def test_message_ids_are_eight_digits():
    exchange = answered(transmissions=(sent(5, 1, 21),), answer=None)
    (one,) = report(peer(exchanges=(exchange,)))["peers"][0]["exchanges"]
    assert one["transmissions"][0]["message_id"] == "0x00000001"
    assert one["rtt_ns"] is None


def test_a_message_id_that_no_log_says_is_null():
    exchange = answered(transmissions=(sent(5, NO_MESSAGE_ID, 21), sent(6, 0, 22)), answer=None)
    (one,) = report(peer(exchanges=(exchange,)))["peers"][0]["exchanges"]
    assert [t["message_id"] for t in one["transmissions"]] == [None, "0x00000000"]


def test_a_black_hole_says_from_to_and_class():
    hole = report()["peers"][0]["black_holes"][0]
    assert (hole["from"], hole["to"], hole["class"]) == (A, B, "detected")
    assert hole["phases"][0] == {"name": "unquestioned", "start_ns": at(12.2), "end_ns": at(13.2)}
    assert hole["refs"] == [{"source": "s1", "record": 301}, {"source": "s1", "record": 365}]


@pytest.mark.parametrize("kind", BlackHoleClass)
def test_every_class_can_be_reported(kind):
    (hole,) = report(peer(black_holes=(black_hole(black_hole_class=kind),)))["peers"][0][
        "black_holes"
    ]
    assert hole["class"] == kind


@pytest.mark.parametrize("basis", StopBasis)
def test_every_stop_can_be_reported(basis):
    (hole,) = report(peer(black_holes=(black_hole(stop_basis=basis),)))["peers"][0]["black_holes"]
    assert hole["stop_basis"] == basis


def test_the_first_capture_is_the_reference_clock():
    built = build_report([source(), source(id="s2")], (), version="0")
    first, second = (info.clock for info in built.sources)
    assert (first.basis, first.offset_ns, first.spread_ns) == ("reference", 0, 0)
    assert (second.basis, second.offset_ns, second.spread_ns) == ("none", 0, None)


def test_protocols_come_most_first():
    (one,) = report(protocols={"arp": 1, "tcp": 9, "udp:53": 9})["sources"]
    assert list(one["protocols"]) == ["tcp", "udp:53", "arp"]


def test_the_vendor_id_of_dpd_is_told_per_side():
    assert report()["peers"][0]["ike_sas"][0]["dpd_vendor_id"] == {
        "initiator": True,
        "responder": None,
    }


def test_unknown_is_null():
    view = report(
        peer(activity=None, policies=(policy(interval_s=None, ref=None),), last_proof_ns=None)
    )["peers"][0]
    assert view["activity"] is None
    assert view["last_proof_ns"] is None
    assert view["policies"][0]["interval_s"] is None
    assert view["policies"][0]["ref"] is None


def test_a_problem_may_have_no_place():
    (one,) = report(problems=[problem(ref=None)])["sources"]
    assert one["problems"][0]["ref"] is None
    (one,) = report(problems=[problem(ref=ref(7), count=3)])["sources"]
    assert one["problems"][0] == {
        "kind": "truncated-tail",
        "count": 3,
        "detail": "the last record is cut off",
        "ref": {"source": "s1", "record": 7},
    }


def test_alignment_is_passed_on():
    parts = ("s2", "s1", 12, 7, 3, 0.5, "IKEv1 message IDs")
    built = build_report((), (), version="0", alignments=[Alignment(*parts)]).alignment
    assert [astuple(line) for line in built] == [parts]


def test_a_field_that_nobody_declared_is_refused():
    document = report() | {"surprise": 1}
    with pytest.raises(ValidationError, match="surprise"):
        convert(document, Report)
