from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.lost import Reach
from analyzers.export.naming import Naming
from analyzers.export.svg.shapes import Sign
from analyzers.export.svg.steps import (
    MESSAGES_IN_A_ROW,
    MOST_STEPS,
    Arrow,
    Fold,
    Manner,
    Note,
    Step,
    steps,
)
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerView
from tests.export_content import everything, message, sick_peer
from tests.model_builders import A, B, answered, at, black_hole, delete, sent, unanswered


def ladder(view: PeerView) -> list[Step]:
    return list(steps(view, Naming.of(everything())))


def alone(**changes) -> PeerView:
    """A peer with what a test gives it and nothing else."""
    nothing = {"exchanges": (), "deletes": (), "black_holes": (), "messages": ()}
    return sick_peer(**{**nothing, **changes})


def test_a_question_and_its_answer():
    question, answer = ladder(alone(exchanges=(answered(),)))
    assert isinstance(question, Arrow)
    assert isinstance(answer, Arrow)
    assert (question.from_local, question.label) == (True, "R-U-THERE seq 1732275036")
    assert (answer.from_local, answer.label) == (False, "R-U-THERE-ACK seq 1732275036")
    assert question.place == "frame s1#21"
    assert question.manner is answer.manner is Manner.GOOD
    assert (question.reach, question.sign) == (Reach.THERE, None)


def test_retries_are_marked_and_the_verdict_follows_them():
    *asked, verdict = ladder(alone(exchanges=(unanswered(),)))
    assert [(a.label, a.again, a.reach) for a in asked if isinstance(a, Arrow)] == [
        ("R-U-THERE seq 1732275037 [inferred]", False, Reach.UNKNOWN),
        ("retry 1 of 2 [inferred]", True, Reach.UNKNOWN),
        ("retry 2 of 2 [inferred]", True, Reach.UNKNOWN),
    ]
    assert {a.sign for a in asked if isinstance(a, Arrow)} == {Sign.UNANSWERED}
    assert isinstance(verdict, Note)
    assert (verdict.at_ns, verdict.label) == (at(26), f"✗ {A} gives {B} up (inferred)")


def test_a_retry_that_was_answered_is_still_a_retry():
    late = answered(transmissions=(sent(5, 1, 21), sent(7, 2, 22)), answer=sent(7.1, 3, 23))
    first, again, _ = ladder(alone(exchanges=(late,)))
    assert isinstance(first, Arrow)
    assert isinstance(again, Arrow)
    assert (first.manner, first.reach, first.sign) == (Manner.OPEN, Reach.THERE, None)
    assert (again.manner, again.again, again.reach) == (Manner.GOOD, True, Reach.THERE)


def test_an_open_question_is_not_said_to_be_lost():
    (asked, *_) = ladder(alone(exchanges=(unanswered(outcome=Outcome.OPEN, verdict_ns=None),)))
    assert isinstance(asked, Arrow)
    assert (asked.manner, asked.reach, asked.sign) == (Manner.OPEN, Reach.THERE, Sign.OPEN)


def test_healthy_exchanges_are_folded():
    good = tuple(
        answered(id=f"x{n}", transmissions=(sent(n, n, n),), answer=sent(n + 0.016, n, n))
        for n in range(1, 41)
    )
    first, _, fold, last, _ = ladder(alone(exchanges=good))
    assert isinstance(fold, Fold)
    assert fold.label == "38 answered exchanges, RTT 16 ms"
    assert (fold.at_ns, fold.end_ns) == (at(2), at(39))
    assert (first.at_ns, last.at_ns) == (at(1), at(40))


def test_messages_of_an_exchange_are_drawn_once():
    seen = message(20, 301, src=A, dst=B)
    other = message(1, 5, src=B, dst=A)
    drawn = ladder(alone(exchanges=(unanswered(),), messages=(other, seen)))
    labels = [step.label for step in drawn if isinstance(step, Arrow)]
    assert labels[0] == "Main Mode"
    assert labels.count("Main Mode") == 1


def test_long_rows_of_messages_lose_their_middle():
    many = tuple(message(n * 0.1, n + 1) for n in range(50))
    drawn = ladder(alone(messages=many))
    assert len(drawn) == MESSAGES_IN_A_ROW + 1
    (fold,) = [step for step in drawn if isinstance(step, Fold)]
    assert fold.label == f"{50 - MESSAGES_IN_A_ROW} more messages"


def test_deletes_and_black_holes_are_told():
    drawn = ladder(alone(deletes=(delete(),), black_holes=(black_hole(),)))
    begin, removed, end = drawn
    assert isinstance(begin, Note)
    assert begin.label == "black hole →: from here on packets may be in vain"
    assert isinstance(removed, Arrow)
    assert (removed.label, removed.manner) == ("Delete of ESP SA", Manner.DELETE)
    assert (removed.reach, removed.sign) == (Reach.THERE, Sign.DELETE)
    assert isinstance(end, Note)
    assert end.label == "black hole → stopped: the SA was removed"


def test_a_ladder_is_bounded():
    sent_often = tuple(sent(20 + n, n, n) for n in range(5_000))
    drawn = ladder(alone(exchanges=(unanswered(transmissions=sent_often),)))
    assert len(drawn) <= MOST_STEPS + 1
    assert sum(isinstance(step, Fold) for step in drawn) == 1


def test_times_rise():
    view = sick_peer()
    view = replace(view, messages=(*view.messages, message(23, 340)))
    times = [step.at_ns for step in ladder(view)]
    assert times == sorted(times)
