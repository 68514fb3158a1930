"""What a black hole says of itself."""

from __future__ import annotations

import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.records import Confidence
from tests.model_builders import black_hole


@pytest.mark.parametrize(
    ("exposed_ns", "proof_ns", "begin_ns"),
    [(7, 5, 7), (0, None, 0), (None, 0, 0), (None, None, 9)],
    ids=["exposed", "exposed at zero", "proof at zero", "neither"],
)
def test_it_begins_with_the_first_packet_into_it(
    exposed_ns: int | None, proof_ns: int | None, begin_ns: int
) -> None:
    """Zero is a time: some recorders count from when they were switched on."""
    hole = black_hole(first_exposed_ns=exposed_ns, last_proof_ns=proof_ns, stop_ns=9)
    assert hole.begin_ns == begin_ns


@pytest.mark.parametrize(
    ("named", "dead_basis", "unread", "confidence", "of_class"),
    [
        ("detected", "log", 0, "certain", "certain"),
        ("detected", "inferred", 0, "certain", "inferred"),
        ("slow-dpd", "inferred", 0, "suspect", "suspect"),
        ("slow-teardown", "inferred", 0, "certain", "inferred"),
        ("transient", None, 2, "certain", "certain"),
        ("missing-dpd", None, 0, "inferred", "inferred"),
        ("missing-dpd", None, 2, "inferred", "suspect"),
    ],
)
def test_its_class_is_no_surer_than_what_makes_it(
    named: str, dead_basis: str | None, unread: int, confidence: str, of_class: str
) -> None:
    hole = black_hole(
        black_hole_class=BlackHoleClass(named),
        dead_basis=dead_basis,
        unread=unread,
        confidence=Confidence(confidence),
    )
    assert hole.class_confidence == of_class
