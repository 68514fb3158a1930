from __future__ import annotations

import pytest

from analyzers.export import sentences
from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.records import Basis, Confidence
from tests.model_builders import answered, at, black_hole, healthy_peer, peer, unanswered


def test_counted():
    assert sentences.counted(1, "packet") == "1 packet"
    assert sentences.counted(2, "retry", "retries") == "2 retries"
    assert sentences.counted(12_345, "packet") == "12,345 packets"


def test_liveness():
    assert sentences.liveness(peer()) == (
        "2 liveness exchanges: 1 answered, 1 unanswered; 2 retries; median round trip 16 ms."
    )
    assert sentences.liveness(healthy_peer()) == "No liveness exchange was seen."


def test_a_black_hole_is_told_with_both_bounds_and_its_phases():
    assert sentences.black_hole(black_hole()) == (
        "192.0.2.1 sent at most 70 packets (9,520 bytes) in 13.900 s without fresh proof that"
        " 192.0.2.2 was there (detected: the verdict came within the budget)."
        " At least 31 packets in 6.100 s: from the first unanswered probe on (3 transmissions"
        " unanswered)."
        " Time by phase: unquestioned 1.000 s, unprobed 6.800 s, probing 6.000 s, teardown 0.100 s."
        " Verdict at 2024-11-20T21:32:16.000Z (inferred, no packet shows it)."
        " It ended with the removal of the SA. No recovery was seen."
    )


def test_a_black_hole_without_a_probe_has_no_lower_bound():
    told = sentences.black_hole(
        black_hole(
            black_hole_class=BlackHoleClass.MISSING_DPD,
            first_probe_ns=None,
            dead_ns=None,
            dead_basis=None,
            stop_basis=StopBasis.PROOF,
            recovered_ns=at(33),
            probes=0,
        )
    )
    assert "the loss may have been shorter" in told
    assert "No verdict was reached while it lasted." in told
    assert "The first proof after it came at 2024-11-20T21:32:23.000Z." in told


@pytest.mark.parametrize("kind", BlackHoleClass)
@pytest.mark.parametrize("basis", StopBasis)
def test_every_class_and_stop_has_words(kind, basis):
    assert sentences.black_hole(black_hole(black_hole_class=kind, stop_basis=basis))


def test_a_logged_verdict_is_no_inference():
    assert "as logged" in sentences.black_hole(black_hole(dead_basis="log"))


def test_a_class_that_is_less_certain_than_the_silence_says_so() -> None:
    certain = black_hole(confidence=Confidence.CERTAIN)
    assert "(detected, inferred: the verdict" in sentences.black_hole(certain)


def test_what_is_known_is_told_by_confidence():
    told = list(sentences.knowledge(peer()))
    assert told[0] == (
        "Certain: 1 liveness exchange decrypted with the given keys;"
        " 1 Delete decrypted with the given keys."
    )
    assert told[1].startswith("Inferred: 1 liveness exchange judged from length")
    assert "the bounds of 1 black hole; the state (dead)" in told[1]
    assert told[2] == "Not told apart without keys: 2 encrypted IKEv1 messages."
    assert "pair of bounds" in told[3]


@pytest.mark.parametrize("basis", Basis)
def test_every_basis_has_words(basis):
    view = peer(exchanges=(answered(basis=basis), unanswered(basis=basis)))
    assert list(sentences.knowledge(view))


def test_an_idle_death_and_a_dead_data_plane():
    idle = sentences.black_hole(black_hole(black_hole_class=BlackHoleClass.IDLE))
    assert "while nothing was being sent" in idle
    assert "It ended with" not in idle
    hole = black_hole(
        black_hole_class=BlackHoleClass.DATA_PLANE,
        stop_basis=StopBasis.PROOF,
        recovered_ns=at(33),
    )
    told = sentences.black_hole(hole)
    assert "without any ESP from 192.0.2.2" in told
    assert "It ended with ESP coming back." in told


def test_nothing_is_not_told_as_a_lower_bound() -> None:
    told = sentences.black_hole(black_hole(min_packets=0, min_seconds=0.0))
    assert "Nothing was sent after the first unanswered probe (3 transmissions unanswered)." in told
    assert "0.000 s" not in told
