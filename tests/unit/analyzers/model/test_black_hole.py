"""What a black hole says of itself."""

from __future__ import annotations

import pytest

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
