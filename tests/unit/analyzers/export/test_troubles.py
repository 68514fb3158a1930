"""Tunnels that do not come up are told, though no rule has anything to say."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.problem_words import problem_said
from analyzers.export.troubles import troubles
from analyzers.export.verdict import verdict_of
from analyzers.export.words import no_question, why_no_question
from analyzers.model.observations import MessageKind
from analyzers.model.peer import PeerState
from analyzers.model.records import Basis, ProblemKind
from analyzers.model.sa import SaEnd
from tests.model_builders import healthy_peer, ike_message, ike_sa, problem

SILENT = "IKE_SA_INIT of 192.0.2.1, message ID 0, was sent 7 times and never answered"
NOT_UP = replace(ike_sa(), established_ns=None, end=SaEnd.FAILED)


def never_up(**changes):
    return healthy_peer(
        state=PeerState.UNKNOWN,
        ike_sas=(NOT_UP,),
        problems=(problem(ProblemKind.REQUEST_UNANSWERED, SILENT),),
        **changes,
    )


def clauses(*peers) -> list[str]:
    return [part.text for part in verdict_of(peers).parts]


def test_a_tunnel_that_never_came_up_is_told():
    assert troubles([never_up()]) == [
        "192.0.2.1 and 2001:db8::7: no IKE SA was seen to come up;"
        f" 1 attempt at an IKE SA failed; {SILENT}"
    ]
    assert "no IKE SA was seen to come up" in clauses(never_up())


def test_of_many_the_rest_is_counted():
    assert troubles([never_up()] * 5)[3:] == ["2 more peers like that"]


def test_an_established_sa_with_an_open_request_is_no_tunnel_that_never_came_up():
    peer = replace(never_up(), ike_sas=(ike_sa(),))
    assert troubles([peer]) == [f"192.0.2.1 and 2001:db8::7: {SILENT}"]
    assert "1 request without an answer" in clauses(peer)


def test_nothing_is_told_of_a_healthy_peer_nor_of_one_that_was_given_up():
    given_up = replace(NOT_UP, end=SaEnd.DEAD_PEER)
    assert troubles([healthy_peer(), healthy_peer(ike_sas=(given_up,))]) == []


def test_where_no_question_is_seen_nobody_says_that_none_was_asked():
    given_up = healthy_peer(ike_sas=(replace(NOT_UP, end=SaEnd.DEAD_PEER),))
    forms = [form for part in verdict_of([given_up]).parts for form in (part.text, *part.shorter)]
    assert "no liveness exchange seen" in forms
    assert not any("nobody asked" in form for form in forms)


def test_of_what_a_log_leaves_out_nobody_says_that_it_was_not_asked():
    logged = ike_message(1, 1, basis=Basis.LOG, kind=MessageKind.AUTH)
    peer = healthy_peer(exchanges=(), esp_flows=(), messages=(logged,))
    assert (why_no_question(peer), no_question(peer)) == ("a log need not show them", "not logged")
    captured = replace(peer, messages=(logged, ike_message(2, 2, kind=MessageKind.AUTH)))
    assert no_question(captured) == "none asked"


def test_a_request_that_met_no_answer_is_the_plain_reason_for_no_question():
    assert "another request was sent again and again" in why_no_question(never_up())


def test_what_begins_another_sa_keeps_nobody_from_asking_on_one_that_is_up():
    peer = replace(
        never_up(),
        ike_sas=(ike_sa(end=None), NOT_UP),
        exchanges=(),
        messages=(ike_message(1, 1, kind=MessageKind.AUTH),),
    )
    assert why_no_question(peer) == "nobody asked whether the other side lives"


def test_another_request_on_an_sa_that_is_up_does():
    rekey = SILENT.replace("IKE_SA_INIT", "CREATE_CHILD_SA")
    open_ = (problem(ProblemKind.REQUEST_UNANSWERED, rekey),)
    peer = replace(never_up(), ike_sas=(ike_sa(),), exchanges=(), problems=open_)
    assert "another request was sent again and again" in why_no_question(peer)


def test_a_detail_that_begins_with_the_words_of_its_kind_is_not_told_twice():
    word = "the file ends inside a record"
    kind = ProblemKind.TRUNCATED_TAIL
    assert problem_said(kind, f"{word} (7 bytes left over)") == f"{word} (7 bytes left over)"
    assert problem_said(kind, word, " (2 times)") == f"{word} (2 times)"
    assert problem_said(kind, "in frame 3") == f"{word}: in frame 3"
    assert problem_said(kind, "") == word
