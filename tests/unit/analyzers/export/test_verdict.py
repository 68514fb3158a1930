"""The line that answers the question: packets that arrived are not said to be in vain."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from analyzers.export.story import arriving, certainly_in_vain_s
from analyzers.export.verdict import verdict_of
from analyzers.export.words import state_means
from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.exchange import Lost
from analyzers.model.peer import Hint, HintKind, PeerState, PeerView, StateSpan
from analyzers.model.records import Confidence, Ref
from analyzers.model.sa import SaEnd
from analyzers.model.time import nanoseconds
from analyzers.session import Session
from tests.model_builders import B, at, ike_sa
from tests.unit.dpdlab.present.stories import dead_peer, given_up

OUTAGE = Path(__file__).parents[4] / "sample_pcaps" / "ikev2-brief-outage" / "capture.pcap"


def told(*peers: PeerView) -> str:
    return " · ".join(part.text for part in verdict_of(peers).parts)


def with_lost(where: Lost | None) -> PeerView:
    return dead_peer(exchanges=(replace(given_up(), lost=where),))


def test_packets_that_went_the_way_that_works_are_not_in_vain() -> None:
    peer = with_lost(Lost.ANSWER)
    assert "packets sent, nothing came back)" in told(peer)
    assert "in vain" not in told(peer)
    (hole,) = peer.black_holes
    assert certainly_in_vain_s(hole, arriving(peer)) == 0


def test_which_way_is_broken_depends_on_who_answered_in_vain() -> None:
    assert told(with_lost(Lost.ANSWER)).endswith("the other end answered: the way back is broken")
    asked = given_up()
    theirs = replace(asked, prober=asked.responder, responder=asked.prober, lost=Lost.UNREAD)
    peer = dead_peer(exchanges=(asked, theirs))
    assert told(peer).endswith("this end answered: the way there is broken")


def test_a_verdict_of_the_other_end_is_told_as_that() -> None:
    mine = dead_peer()
    (hole,) = mine.black_holes
    away = replace(hole, sender=hole.receiver, receiver=hole.sender)
    assert " · noticed by the other end " in told(replace(mine, black_holes=(away,)))
    assert " · noticed " in told(mine)
    assert "by the other end" not in told(mine)
    asked = given_up()
    theirs = replace(asked, prober=asked.responder, responder=asked.prober)
    still = replace(hole, dead_ns=None, black_hole_class=BlackHoleClass.OPEN)
    assert "this end gave no verdict; given up by the other end " in told(
        replace(mine, black_holes=(still,), exchanges=(theirs,))
    )
    assert " · no verdict" in told(replace(mine, black_holes=(still,), exchanges=()))
    passed = replace(still, black_hole_class=BlackHoleClass.TRANSIENT)
    peer = replace(mine, black_holes=(passed,), exchanges=())
    assert told(peer).endswith("passed before a verdict")
    # It was given up all the same, for what it did not answer then.
    assert told(replace(peer, exchanges=(asked,))).endswith("passed before the verdict")
    ended, lives = ike_sa(), ike_sa(id="i2", end=None, ended_ns=None)
    back = replace(mine, state=PeerState.ALIVE, ike_sas=(ended, lives), black_holes=())
    again = replace(back, exchanges=(theirs,))
    assert " · given up once before by the other end · " in told(again)
    assert " · given up once before · " in told(back)


def test_where_both_ends_gave_up_both_are_told_in_order() -> None:
    mine = given_up()
    verdict_ns = mine.verdict_ns or 0
    theirs = replace(
        mine, id="x2", prober=B, responder=mine.prober, transmissions=mine.transmissions[2:],
        since_proof_ns=nanoseconds(7.0), verdict_ns=verdict_ns + nanoseconds(4.0),
    )  # fmt: skip
    both = dead_peer(exchanges=(mine, theirs), black_holes=())
    assert told(both).startswith(
        "1 peer given up by both (inferred)"
        " · this end after 17.1 s without proof of life, the other end 4.0 s later · "
    )
    first_ns = verdict_ns - nanoseconds(0.5)
    first = replace(theirs, verdict_ns=first_ns)
    states = (StateSpan(PeerState.DEAD, first_ns),)
    assert " · the other end after 14.5 s without proof of life, this end within 1 s of it · " in (
        told(replace(both, exchanges=(mine, first), states=states))
    )
    assert state_means(both) != state_means(dead_peer())
    with_hole = replace(dead_peer(), exchanges=(mine, theirs))
    assert told(with_hole).count("17.1 s") == told(dead_peer()).count("17.1 s")
    assert "noticed" not in told(with_hole)
    other = replace(both, id="p2")
    assert told(both, other).endswith(" · both gave up: this end first, the other end 4.0 s later")
    swapped = replace(other, local=B, remote=mine.prober)
    assert told(both, swapped).endswith(
        " · both gave up: this end first with 1 of 2, the other end first with 1"
    )
    near = replace(other, exchanges=(mine, first), states=states)
    assert told(near, replace(near, id="p3")).endswith(" · both gave up: within 1 s of each other")
    assert " this end first with 1 of 2, within 1 s of each other with 1" in told(both, near)
    alive = replace(
        both, id="p4", state=PeerState.ALIVE, confidence=Confidence.CERTAIN, exchanges=(),
        ike_sas=(),
    )  # fmt: skip
    assert told(both, alive) == (
        "1 peer given up by both (inferred), 1 alive · no black hole · 0 of 2 exchanges answered,"
        " 8 retries · both gave up: this end after 17.1 s without proof of life, the other end"
        " 4.0 s later"
    )
    assert "noticed" not in told(with_hole, alive)
    assert "noticed" in told(with_hole, replace(dead_peer(), id="p4"))
    # A verdict on an IKE SA that was replaced is another one.
    assert "by both" not in told(replace(both, exchanges=(mine, replace(theirs, ike_sa="i0"))))
    logged = replace(theirs, verdict_ref=Ref("s2", 1))
    assert "by both" not in told(replace(both, exchanges=(mine, logged)))
    sure = replace(both, confidence=Confidence.CERTAIN)
    mine = replace(mine, verdict_ref=Ref("s3", 1))
    assert "given up by both · " in told(replace(sure, exchanges=(mine, logged)))


def test_a_restart_is_told_without_a_black_hole_too() -> None:
    start = Hint(at(10), B, "it started anew", Ref("s2", 1), kind=HintKind.STARTED)
    up = ike_sa(end=None, ended_ns=None)
    peer = replace(dead_peer(), black_holes=(), ike_sas=(up,), hints=(start,))
    assert told(peer).endswith("the other end started anew")


def test_without_the_other_end_and_on_the_way_there_they_are_in_vain() -> None:
    for where in (None, Lost.REQUEST, Lost.NEVER_ANSWERED):
        peer = with_lost(where)
        assert "packets in vain)" in told(peer)
        (hole,) = peer.black_holes
        assert certainly_in_vain_s(hole, arriving(peer)) == hole.min_seconds


def test_of_both_together_neither_is_said() -> None:
    one, other = with_lost(Lost.ANSWER), replace(with_lost(None), id="p2", remote="203.0.113.9")
    assert "packets in vain or without an answer)" in told(one, other)


def test_without_times_it_is_not_said_that_there_was_no_black_hole() -> None:
    peer = replace(dead_peer(), black_holes=(), exchanges=(), first_ns=1, last_ns=9)
    assert "· without times no black hole can be told ·" in told(peer)
    timed = replace(dead_peer(), black_holes=(), exchanges=())
    assert "· no black hole ·" in told(timed)


def test_a_peer_that_is_there_again_had_been_given_up() -> None:
    """The log shows the verdict, no question and no times: no black hole tells of it."""
    ended, lives = ike_sa(), ike_sa(id="i2", end=None, ended_ns=None)
    silent = {"black_holes": (), "exchanges": (), "first_ns": 1, "last_ns": 9}
    back = replace(dead_peer(), state=PeerState.ALIVE, ike_sas=(ended, lives), **silent)
    assert " · given up once before · without times no black hole" in told(back)
    gone = replace(dead_peer(), ike_sas=(ended,), **silent)
    assert "before" not in told(gone)
    assert "before" not in told(replace(back, ike_sas=(lives,)))


def test_what_a_black_hole_tells_of_a_verdict_is_not_told_twice() -> None:
    peer = replace(dead_peer(), state=PeerState.ALIVE)
    assert peer.black_holes[0].dead_ns is not None
    assert "before" not in told(peer)


def test_sums_are_never_told_as_bounds_of_each() -> None:
    peer = dead_peer()
    (hole,) = peer.black_holes
    part = verdict_of([replace(peer, black_holes=(hole, replace(hole, id="b2")))]).parts[1]
    both = f"2 black holes, together {2 * hole.min_seconds:.1f} to {2 * hole.max_seconds:.1f} s"
    assert part.text.startswith(both)
    assert part.shorter == (both, "2 black holes")


def test_while_things_happen_what_is_open_is_told_from_what_is_past() -> None:
    peer = dead_peer()
    (hole,) = peer.black_holes
    now = replace(hole, id="b2", stop_basis=StopBasis.CAPTURE_END)
    past = replace(hole, stop_basis=StopBasis.PROOF)

    def number(*holes: BlackHole) -> str:
        """The shortest form, which is what a narrow terminal has room for."""
        found = verdict_of([replace(peer, black_holes=holes)], ongoing=True)
        return found.parts[1].shorter[-1]

    assert number(now) == "1 open black hole"
    assert number(past) == "1 past black hole"
    assert number(past, now) == "2 black holes, 1 open"
    assert verdict_of([peer]).parts[1].shorter[-1] == "1 black hole"


def test_while_things_happen_a_narrow_line_has_room_for_the_verdict() -> None:
    """How sure the state is stands beside the countdown."""
    peer = replace(dead_peer(), confidence=Confidence.INFERRED)
    said = verdict_of([peer], ongoing=True).parts[0]
    assert (said.text, said.shorter) == ("1 peer given up (inferred)", ("1 peer given up",))
    assert verdict_of([peer]).parts[0].shorter == ()


def test_in_few_words_a_peer_that_is_dead_for_sure_and_one_by_inference_are_two() -> None:
    sure = dead_peer(confidence=Confidence.CERTAIN)
    inferred = replace(dead_peer(confidence=Confidence.INFERRED), id="p2", remote="203.0.113.9")
    lives = replace(dead_peer(), id="p3", state=PeerState.ALIVE, remote="203.0.113.8")
    (states, *_) = verdict_of([sure, inferred, lives]).parts
    assert states.shorter[0] == "2 peers dead or given up, 1 other"
    assert verdict_of([sure, inferred]).parts[0].shorter[0] == "2 peers dead or given up"


def test_an_outage_that_ended_before_a_verdict_is_told() -> None:
    session = Session()
    session.run([str(OUTAGE)])
    assert "5 exchanges, all answered, 4 retries, one only after 8.0 s" in told(*session.peers())
    (peer,) = session.peers()
    one = replace(peer, exchanges=tuple(x for x in peer.exchanges if x.retries))
    assert "1 exchange, answered only after 8.0 s, 4 retries" in told(one)


def test_a_renewal_that_met_no_answer_is_how_silence_was_noticed() -> None:
    (hole,) = dead_peer().black_holes
    silent = replace(hole, dead_ns=None, black_hole_class=BlackHoleClass.MISSING_DPD)
    quiet = dead_peer(black_holes=(silent,), exchanges=())
    assert " · never noticed: nobody asked" in told(quiet)
    last_ns = hole.last_proof_ns
    assert last_ns is not None
    vain = ike_sa(
        initiator=hole.sender, first_ns=last_ns + 4_000_000_000, established_ns=None,
        end=SaEnd.FAILED,
    )  # fmt: skip
    renewed = replace(quiet, ike_sas=(*quiet.ike_sas, vain))
    said = "noticed only as a new IKE SA got no answer, 4.0 s after the last proof of life"
    assert f" · {said}" in told(renewed)
    theirs = replace(vain, initiator=hole.receiver)
    assert "never noticed" in told(replace(quiet, ike_sas=(theirs,)))


def test_a_verdict_of_a_log_that_shows_no_question_has_no_bound() -> None:
    """Who was given up was gone before: for how long nothing tells."""
    given_up = ike_sa(end=SaEnd.DEAD_PEER)
    peer = replace(dead_peer(), black_holes=(), exchanges=(), esp_flows=(), messages=())
    peer = replace(peer, ike_sas=(given_up,))
    why = "no black hole can be told: since when the peer was gone is not in the log"
    other = replace(peer, id="p2", remote="203.0.113.9", ike_sas=(), state=PeerState.ALIVE)
    assert f" · {why} · " in told(peer)
    assert f" · {why} · " in told(peer, other)
    back = replace(peer, state=PeerState.ALIVE)
    assert f" · given up once before · {why} · " in told(back)
    captured = replace(peer, esp_flows=dead_peer().esp_flows)
    assert captured.esp_flows
    assert " · no black hole · " in told(captured)


def test_where_silence_says_nothing_no_black_hole_is_denied() -> None:
    peer = dead_peer(state=PeerState.UNKNOWN, black_holes=(), exchanges=())
    assert "no black hole can be told" in told(peer)
    silent = replace(peer, esp_flows=(), ike_sas=())
    for known in (replace(peer, state=PeerState.ALIVE), silent):
        assert "no black hole" in told(known, peer)
        assert "can be told" not in told(known, peer)
