"""Why it was silent, in words."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.causes import (
    hint_words,
    reason_in_short,
    reason_phrase,
    reasons,
    restart_in_short,
)
from analyzers.model.peer import Hint, HintKind
from analyzers.model.sa import IkeSa, SaEnd
from tests.model_builders import A, B, at, black_hole, ike_sa, peer, ref


def refusal(first_s: float, last_s: float, times: int = 3) -> Hint:
    said = "it could not send: Operation not permitted"
    return Hint(
        at(first_s),
        B,
        said,
        ref(9),
        kind=HintKind.NOT_SENT,
        reason="Operation not permitted",
        times=times,
        until_ns=at(last_s),
    )


FIRST = black_hole(id="b1", last_proof_ns=at(10), stop_ns=at(30), recovered_ns=at(31))
SECOND = black_hole(id="b2", last_proof_ns=at(200), stop_ns=at(230), recovered_ns=at(231))


def test_each_black_hole_has_its_own_spell():
    one, two = refusal(9.5, 30), refusal(201, 229)
    view = peer(black_holes=(FIRST, SECOND), hints=(one, two))
    assert reasons(view, FIRST) == [one]
    assert reasons(view, SECOND) == [two]
    assert reason_in_short([(view, FIRST), (view, SECOND)]) == "the other end could not send"


def test_a_spell_that_began_before_the_silence_is_a_reason_while_it_lasts():
    assert reasons(peer(hints=(refusal(1, 20),)), FIRST)
    assert not reasons(peer(hints=(refusal(1, 7),)), FIRST)


def test_of_several_reasons_the_one_that_says_more_is_told_in_short():
    start = Hint(at(11), B, "it started anew, as its log says", ref(8), kind=HintKind.STARTED)
    view = peer(hints=(start, refusal(12, 20)))
    assert reason_in_short([(view, FIRST)]) == "the other end could not send"
    assert reason_in_short([(peer(hints=(start,)), FIRST)]) == "the other end started anew"
    assert reason_in_short([(peer(hints=()), FIRST)]) == ""


def test_of_different_reasons_it_is_told_how_many_have_the_first():
    view = peer(hints=(refusal(9.5, 30),))
    assert reason_in_short([(view, FIRST), (view, SECOND)]) == (
        "the other end could not send in 1 of 2"
    )
    mine = peer(hints=(Hint(at(11), A, "it could not send", ref(8), kind=HintKind.NOT_SENT),))
    assert reason_in_short([(mine, FIRST)]) == "this end could not send"


def test_which_end_is_told_as_the_verdict_sees_it_whichever_way_the_packets_went():
    back = replace(FIRST, sender=B, receiver=A)
    start = Hint(at(11), A, "it started anew, as its log says", ref(8), kind=HintKind.STARTED)
    assert reason_in_short([(peer(hints=(start,)), back)]) == "this end started anew"


def restarted(start_s: float, *sas: IkeSa, sender: str = B) -> str:
    start = Hint(at(start_s), sender, "it started anew", ref(8), kind=HintKind.STARTED)
    return restart_in_short([peer(hints=(start,), ike_sas=sas)])


def test_a_start_is_told_where_it_cost_an_ike_sa():
    up = ike_sa(established_ns=at(0.1), end=None, ended_ns=None)
    assert restarted(30, up) == "the other end started anew"
    assert restarted(30, up, sender=A) == "this end started anew"
    assert restarted(30, replace(up, end=SaEnd.DELETE, ended_ns=at(31))) != ""
    assert restarted(30, replace(up, end=SaEnd.DEAD_PEER, ended_ns=at(20))) != ""
    assert restarted(30, replace(up, end=SaEnd.DELETE, ended_ns=at(20))) == ""
    assert restarted(-5, up) == ""
    assert restarted(30, replace(up, established_ns=None)) == ""


def test_of_several_peers_it_is_told_how_many_were_hit():
    up = ike_sa(established_ns=at(0.1), end=None, ended_ns=None)
    start = Hint(at(30), B, "it started anew", ref(8), kind=HintKind.STARTED)
    hit, other = peer(hints=(start,), ike_sas=(up,)), peer(id="p2", hints=(), ike_sas=(up,))
    assert restart_in_short([hit, other]) == "the other end started anew in 1 of 2"


def test_how_often_is_said_where_it_was_often():
    many, once = refusal(12, 20, times=101), refusal(12, 12, times=1)
    said = reason_phrase(many)
    assert said == f"{B} could not send, 101 times, as its log says (Operation not permitted)"
    assert reason_phrase(once) == f"{B} could not send, as its log says (Operation not permitted)"
    assert hint_words(many) == "it could not send, 101 times: Operation not permitted"
    assert hint_words(once) == once.text
