from __future__ import annotations

from msgspec.structs import replace

from analyzers.model.exchange import Exchange
from analyzers.tracking.verdicts import Heard
from tests.model_builders import A, B, answered, at, ref, sent


def in_vain(**changes) -> Exchange:
    """Asked at 10 s, given up at 20 s, on the IKE SA i1."""
    return answered(
        transmissions=(sent(10, 1, 31),),
        answer=None,
        verdict_ns=at(20),
        verdict_ref=ref(32),
        **changes,
    )


def answer_at(seconds: float, **changes) -> Exchange:
    return answered(
        transmissions=(sent(seconds - 1, 2, 33),), answer=sent(seconds, 3, 34), **changes
    )


def test_an_answer_on_another_sa_while_it_asked_in_vain_is_one_beside():
    question = in_vain()
    assert Heard([question, answer_at(15, ike_sa="i2")]).answers_beside(question)
    # The one at the verdict itself was in time.
    assert Heard([question, answer_at(20, ike_sa="i2")]).answers_beside(question)


def test_no_answer_beside():
    question = in_vain()
    for other in (
        answer_at(15),  # on the same SA
        answer_at(10, ike_sa="i2"),  # when it asked
        answer_at(20.001, ike_sa="i2"),  # after the verdict
        answer_at(15, ike_sa="i2", prober=B, responder=A),
    ):
        assert not Heard([question, other]).answers_beside(question)
    inferred = replace(question, verdict_ref=None)
    assert not Heard([answer_at(15, ike_sa="i2")]).answers_beside(inferred)


def test_the_last_answer_before_a_question_is_that_on_its_sa():
    question = in_vain()
    known = [answer_at(5), answer_at(8), answer_at(9, ike_sa="i2"), answer_at(11)]
    assert Heard([*known, question]).last_answer_ns(question) == at(8)
    assert Heard([question]).last_answer_ns(question) is None


def test_the_last_question_of_the_peer_is_one_that_arrived_before_the_verdict():
    question = in_vain()

    def asked(seconds: float, *, arrived: bool = True) -> Exchange:
        own = replace(sent(seconds, 4, 35), arrived=arrived)
        return answered(prober=B, responder=A, transmissions=(own,), answer=None)

    heard = Heard([asked(9), question, asked(12), asked(14), asked(15, arrived=False), asked(21)])
    assert heard.last_question_ns(question, at(20)) == at(14)
    assert Heard([asked(9), question, asked(21)]).last_question_ns(question, at(20)) is None
