"""When an open question makes the peer questionable, and how that reads."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.configs.vendors import parse_given
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerState, PeerView, StateSpan
from analyzers.model.policy import PolicyBasis
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


def _given(text: str, exchange: Exchange, **changes: object) -> Expectation:
    policy = replace(parse_given(text).policy, holder=exchange.prober)
    spans = (StateSpan(PeerState.ALIVE, at(0)), StateSpan(PeerState.PROBING, at(20)))
    (found,) = expectations(replace(_peer(exchange, spans, **changes), policies=(policy,)))
    return found


def test_a_policy_that_is_kept_tells_everything():
    found = _given("cisco-ios interval=10 retry=2", _open(20.0, 22.0))
    assert (found.of, found.next_ns, found.verdict_ns) == (5, at(24), at(30))
    assert (found.basis, found.spacing_basis) == (PolicyBasis.GIVEN, PolicyBasis.GIVEN)
    assert expected(found, at(24)).endswith("probing 2 of 5, verdict expected in 6 s")


def test_of_retries_that_are_spaced_otherwise_the_number_stands():
    found = _given("cisco-ios interval=10 retry=2", _open(20.0, 25.0))
    assert (found.of, found.next_ns, found.verdict_ns) == (5, at(30), at(45))
    assert (found.basis, found.spacing_basis) == (PolicyBasis.GIVEN, PolicyBasis.OBSERVED)
    assert expected(found, at(25)).endswith(
        "probing 2 of 5, verdict expected in 20 s (5 tries: given; every 5.0 s: observed)"
    )


def test_a_growth_that_nothing_contradicts_stands():
    found = _given("strongswan-ikev2 interval=10 retry=2 retries=3", _open(20.0, 25.0))
    kept = _given("strongswan-ikev2 interval=10 retry=5 retries=3", _open(20.0, 25.0))
    assert found.of == kept.of == 4
    assert found.verdict_ns is not None
    assert abs(found.verdict_ns - (kept.verdict_ns or 0)) < 10_000_000


def test_of_a_timeout_the_time_stands():
    exchange = replace(_open(15.0, 18.0), since_proof_ns=3_000_000_000)
    found = _given("strongswan-ikev1 interval=10 timeout=40", exchange)
    assert (found.of, found.next_ns, found.verdict_ns) == (None, at(21), at(12 + 40))
    assert expected(found, at(18)).endswith(
        "probing 2, verdict expected in 34 s (the timeout: given; every 3.0 s: observed)"
    )


def test_more_tries_than_were_given_contradict_their_number():
    found = _given("cisco-ios interval=10 retry=2", _open(*range(20, 34, 2)))
    assert (found.of, found.verdict_ns) == (None, None)
    assert found.next_ns == at(34)
