"""When an open question makes the peer questionable, and how that reads."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerState, PeerView, StateSpan
from analyzers.session.expectations import Expectation, expectations
from dpdlab.present.live_lines import expected
from tests.model_builders import answered, at, peer, sent


def _open(*seconds: float) -> Exchange:
    asked = tuple(sent(when, 7, 30 + number) for number, when in enumerate(seconds))
    return replace(
        answered(), transmissions=asked, answer=None, answer_evidence=None, outcome=Outcome.OPEN
    )


def _peer(exchange: Exchange, states: tuple[StateSpan, ...], **changes: object) -> PeerView:
    return replace(peer(), exchanges=(answered(), exchange), policies=(), states=states, **changes)


def _of(exchange: Exchange, *states: StateSpan, **changes: object) -> Expectation:
    spans = (StateSpan(PeerState.ALIVE, at(0)), *states, StateSpan(PeerState.PROBING, at(20)))
    (found,) = expectations(_peer(exchange, spans, **changes))
    return found


def test_a_question_is_none_about_the_peer_while_the_answer_may_be_on_its_way():
    found = _of(_open(20.0), rtt_ns=16_000_000)
    assert found.questionable_ns == at(21)
    assert "questionable" not in expected(found, at(20.9))
    assert "questionable, probing 1" in expected(found, at(21))


def test_a_slow_peer_has_more_time():
    assert _of(_open(20.0), rtt_ns=1_500_000_000).questionable_ns == at(23)


def test_who_asks_again_had_no_answer():
    found = _of(_open(20.0, 20.5), rtt_ns=1_500_000_000)
    assert found.questionable_ns == at(20.5)
    assert "questionable, probing 2" in expected(found, at(20.5))


def test_silence_before_the_question_counts_and_that_of_long_ago_does_not():
    doubt = StateSpan(PeerState.QUESTIONABLE, at(18))
    assert _of(_open(20.0), doubt).questionable_ns == at(18)
    over = StateSpan(PeerState.QUESTIONABLE, at(8)), StateSpan(PeerState.ALIVE, at(9))
    assert _of(_open(20.0), *over, rtt_ns=None).questionable_ns == at(21)


def test_the_log_of_the_prober_tells_how_often_it_asks():
    found = _of(replace(_open(20.0, 22.0), tries=5))
    assert found.of == 5
    assert "questionable, probing 2 of 5, verdict expected in 6 s" in expected(found, at(24))
    assert found.next_ns == at(24)
    last = _of(replace(_open(20.0, 22.0, 24.0, 26.0, 28.0), tries=5))
    assert (last.next_ns, last.verdict_ns) == (None, at(30))
    more = _of(replace(_open(20.0, 22.0, 24.0, 26.0, 28.0, 30.0), tries=5))
    assert (more.next_ns, more.verdict_ns) == (None, None)


def test_tries_that_a_log_counts_from_the_second_on():
    found = _of(replace(_open(22.0, 24.0), tries=5, first_missing=True))
    assert found.verdict_ns == at(30)


def test_without_a_second_try_nobody_knows_the_pace():
    found = _of(replace(_open(20.0), tries=5))
    assert (found.of, found.next_ns, found.verdict_ns) == (5, None, None)
