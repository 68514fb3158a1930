"""Whose verdict a death is, where both ends gave up."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.export.given_up import gave_us_up
from analyzers.export.words import peer_phrase
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerState
from analyzers.model.records import Basis, Confidence
from analyzers.tracking import liveness
from tests.model_builders import A, B, at, peer, ref, sent, unanswered


def _vain(prober: str, first_s: float, verdict_s: float, *, logged: bool) -> Exchange:
    return unanswered(
        prober=prober,
        responder=B if prober == A else A,
        outcome=Outcome.UNANSWERED,
        transmissions=(sent(first_s, 7, 3),),
        verdict_ns=at(verdict_s),
        verdict_ref=ref(9, "s2") if logged else None,
        basis=Basis.LOG if logged else Basis.RHYTHM,
        confidence=Confidence.CERTAIN if logged else Confidence.INFERRED,
    )


@pytest.mark.parametrize("other_s", [18.0, 20.0, 22.0])
@pytest.mark.parametrize(("sure", "said"), [(A, "dead"), (B, "gave us up")])
def test_what_a_log_says_goes_before_what_was_inferred(other_s: float, sure: str, said: str):
    inferred = B if sure == A else A
    both = [
        _vain(sure, 10.0, 20.0, logged=True),
        _vain(inferred, 10.5, other_s, logged=False),
    ]
    states = liveness.spans(A, (), both, (), (), at(0))
    told = replace(peer(), exchanges=tuple(both), states=tuple(states), black_holes=())
    told = replace(told, state=states[-1].state, confidence=liveness.confidence(both, (), states))
    assert (states[-1].state, states[-1].start_ns) == (PeerState.DEAD, at(20.0))
    assert peer_phrase(told) == said


def test_one_that_was_inferred_before_the_log_began_to_ask_stays():
    both = [_vain(B, 1.0, 8.0, logged=False), _vain(A, 10.0, 20.0, logged=True)]
    states = liveness.spans(A, (), both, (), (), at(0))
    assert [s.start_ns for s in states if s.state is PeerState.DEAD] == [at(8.0)]
    assert liveness.confidence(both, (), states) is Confidence.CERTAIN


@pytest.mark.parametrize(("first", "by_remote"), [(A, False), (B, True)])
def test_a_stretch_of_death_is_of_the_verdict_that_it_begins_with(first: str, by_remote: bool):
    other = B if first == A else A
    both = [_vain(first, 10.0, 20.0, logged=True), _vain(other, 10.5, 22.0, logged=True)]
    told = replace(peer(), exchanges=tuple(both), black_holes=())
    assert gave_us_up(told, at(20.0)) is by_remote
    assert gave_us_up(told) is not by_remote
