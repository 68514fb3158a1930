"""Exchanges in words."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.export.exchanges import (
    answer_words,
    became,
    late_words,
    median_round_trip,
    rtt_range,
)
from analyzers.export.formatting import UNICODE
from analyzers.model.exchange import Exchange, Outcome, Transmission
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from tests.model_builders import answered, peer, sent, unanswered


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (1, ", asked again, the question itself not seen"),
        (3, ", 3 retries every 2.0 s, the question itself not seen"),
    ],
)
def test_a_question_of_which_only_retries_were_seen_says_so(sent: int, said: str):
    whole = unanswered()
    seen = replace(whole, transmissions=whole.transmissions[:sent], first_missing=True)
    assert became(seen, UNICODE) == said


def answered_after(transmissions: int, **changes) -> Exchange:
    whole = unanswered()
    sent = whole.transmissions[:transmissions]
    answer = Transmission(sent[-1].at_ns + NS_PER_MS, 3, Ref("s1", 999))
    return replace(whole, transmissions=sent, answer=answer, outcome=Outcome.ANSWERED, **changes)


def test_an_answer_to_a_retry_is_late_however_fast_it_came():
    late = answered_after(3)
    assert became(late, UNICODE) == " 4.0 s after the first, 1 ms after retry 2"
    assert answer_words(late).endswith(", 4.0 s after the first, 1 ms after retry 2 [inferred]")


def test_an_answer_to_the_only_question_has_a_round_trip_and_no_more():
    prompt = answered_after(1)
    assert late_words(prompt) == ""
    assert became(prompt, UNICODE) == " in 1 ms"
    assert answer_words(prompt).endswith(", after 1 ms [inferred]")


def test_stamps_that_are_one_tell_only_how_little_it_took():
    prompt = answered_after(1)
    (sent,) = prompt.transmissions
    assert prompt.answer is not None
    answer = prompt.answer

    def took(at_ns: int) -> str:
        same = [replace(m, at_ns=at_ns) for m in (sent, answer)]
        return became(replace(prompt, transmissions=(same[0],), answer=same[1]), UNICODE)

    whole_ns = sent.at_ns // NS_PER_SECOND * NS_PER_SECOND
    assert took(whole_ns) == " in < 1 s"
    assert took(whole_ns + NS_PER_MS) == " in < 1 ms"


def test_without_times_no_duration_is_told():
    """Places in the order of the lines are no times, nor are stamps that are all the same."""
    whole = unanswered()

    def at(*places: int) -> Exchange:
        sent = whole.transmissions[: len(places)]
        placed = [replace(m, at_ns=n) for m, n in zip(sent, places, strict=True)]
        return replace(whole, transmissions=tuple(placed))

    assert became(at(3, 4, 5), UNICODE) == ", 3 × asked"
    assert became(at(*[26 * 3600 * NS_PER_SECOND] * 3), UNICODE) == ", 3 × asked"
    answer = Transmission(4, 3, Ref("s1", 999))
    answered_there = replace(at(3), answer=answer, outcome=Outcome.ANSWERED)
    assert became(answered_there, UNICODE) == ""
    assert answer_words(answered_there).startswith("R-U-THERE-ACK seq ")
    assert "after" not in answer_words(answered_there)


def test_how_late_an_answer_is_cannot_be_told_where_the_first_question_is_missing():
    assert late_words(answered_after(1, first_missing=True)) == (
        "1 ms after retry 1, the first one not seen"
    )
    assert late_words(answered_after(2, first_missing=True)) == (
        "2.0 s after the first one seen, 1 ms after retry 2"
    )


@pytest.mark.parametrize(
    ("rtts_ms", "said"),
    [((0, 0), "< 1 ms"), ((0, 1), "up to 1 ms"), ((2, 2), "2 ms"), ((1, 2), "1 to 2 ms"), ((), "")],
)
def test_round_trips_are_no_finer_than_their_stamps(rtts_ms: tuple[int, ...], said: str) -> None:
    asked = (sent(9.5, 1, 3),)
    replies = [sent(9.5 + rtt_ms / 1000, 2, 4) for rtt_ms in rtts_ms]
    assert rtt_range([answered(transmissions=asked, answer=reply) for reply in replies]) == said


@pytest.mark.parametrize(("at_s", "said"), [(9.5, "< 1 ms"), (9, "< 1 s")])
def test_a_median_of_nothing_is_less_than_the_stamps_tell(at_s: float, said: str) -> None:
    same = answered(transmissions=(sent(at_s, 1, 3),), answer=sent(at_s, 2, 4))
    assert median_round_trip(peer(exchanges=(same,), rtt_ns=0)) == said
    assert median_round_trip(peer(exchanges=(same,), rtt_ns=None)) == ""
