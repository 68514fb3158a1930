"""Captures of both ends: what one has and the other lacks was lost on the way between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.causes import broken_where, where_lost
from analyzers.model.exchange import Lost, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import ProblemKind
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import Session
from tests.scenarios.inputs import Together, alone, asked, merged, shifted, together
from tests.scenarios.logs import Clock, charon, iso
from tests.scenarios.logs import Lost as LostOnes
from tests.scenarios.test_viewpoints import SETUP, at_far_end
from tests.scenarios.timeline import at, capture

A, B = "192.0.2.1", "192.0.2.2"
WAY_S = 0.005

TRAFFIC = (
    SETUP
    + """
2..60/0.2 a>b esp out
2.1..60/0.2 b>a esp in
10 a>b liveness 2
10.05 b>a liveness 2 resp
"""
)
ASKED_THERE = (
    TRAFFIC
    + """
23 a>b liveness 3
25 a>b liveness 3
29 a>b liveness 3
37 a>b liveness 3
41 a>b liveness 3
41.05 b>a liveness 3 resp
50 a>b liveness 4
50.05 b>a liveness 4 resp
"""
)
ANSWERED_IN_VAIN = TRAFFIC + "".join(
    f"{at_s} a>b liveness 3\n{at_s}.05 b>a liveness 3 resp\n" for at_s in (25, 27, 29, 31, 33)
)
NEVER_ANSWERED = ASKED_THERE.partition("41 a>b")[0]
NO_MORE_OF_A = "unseen a>b 45..\n"


def both_orders(folder: Path, near: str, far: str, ahead_s: int = 0) -> Together:
    """The report of both ends' captures, which is the same whichever is named first."""
    there = shifted(capture(at_far_end(far, WAY_S)), ahead_s * NS_PER_SECOND)
    told = together(folder, capture(near), there)
    turned = together(folder, there, capture(near))
    assert outline(turned.peer, ahead_s) == outline(told.peer, 0)
    assert sum(s.esp_packets for s in told.sources) - taken(told) == sum(
        flow.packets for flow in told.peer.esp_flows
    )
    return told


def taken(told: Together) -> int:
    """ESP packets that were told once."""
    counts = [p.count for s in told.sources for p in s.problems]
    messages = sum(s.ike_messages for s in told.sources) - len(told.peer.messages)
    return sum(counts) - messages


def outline(peer: PeerView, ahead_s: int) -> tuple[object, ...]:
    """What is told of a peer, without the places, on the clock of the near capture."""
    ahead_ns = ahead_s * NS_PER_SECOND

    def on_clock(at_ns: int | None) -> int | None:
        # Clocks that are put right are so to the half of a microsecond.
        return None if at_ns is None else round((at_ns - ahead_ns) / 1e6)

    return (
        [
            (
                x.prober,
                x.outcome,
                x.lost,
                x.by_capture,
                [(on_clock(t.at_ns), t.lost) for t in x.transmissions],
                [on_clock(t.at_ns) for t in x.answers],
                [on_clock(t.at_ns) for t in x.lost_answers],
                on_clock(x.verdict_ns),
            )
            for x in peer.exchanges
        ],
        [
            (
                h.sender,
                h.black_hole_class,
                on_clock(h.first_exposed_ns),
                on_clock(h.stop_ns),
                h.min_packets,
                h.max_packets,
                h.lost_there,
                h.lost_back,
                h.confidence,
            )
            for h in peer.black_holes
        ],
        [(span.state, on_clock(span.start_ns)) for span in peer.states],
        [(f.sender, f.packets, f.missing_sequences, f.lost) for f in peer.esp_flows],
    )


@pytest.mark.parametrize("ahead_s", [0, 7])
def test_questions_and_packets_that_are_lost_on_the_way_there(tmp_path: Path, ahead_s: int) -> None:
    """What b sends arrives all the time: b alone has nothing of a, and a is alive to nobody."""
    told = both_orders(tmp_path, ASKED_THERE, ASKED_THERE + "unseen a>b 20..40", ahead_s)
    late = told.peer.exchanges[1]
    assert [t.lost for t in late.transmissions] == [True, True, True, True, False]
    assert (late.outcome, late.lost, late.by_capture) == (Outcome.ANSWERED, None, True)
    assert {f.sender: (f.packets, f.lost) for f in told.peer.esp_flows} == {
        A: (290, 100),
        B: (290, 0),
    }
    (hole,) = told.peer.black_holes
    assert (hole.sender, hole.lost_there, hole.lost_back) == (B, 0, 100)


@pytest.mark.parametrize("ahead_s", [0, -7])
def test_answers_and_packets_that_are_lost_on_the_way_back(tmp_path: Path, ahead_s: int) -> None:
    """a gives b up, which answers all the time, and goes on sending to who has gone."""
    text = ANSWERED_IN_VAIN + NO_MORE_OF_A
    told = both_orders(tmp_path, text + "unseen b>a 20..", text, ahead_s)
    (_, vain) = told.peer.exchanges
    assert (vain.outcome, vain.lost, vain.by_capture) == (Outcome.UNANSWERED, Lost.ANSWER, True)
    assert len(vain.lost_answers) == 5
    assert told.peer.state is PeerState.DEAD
    holes = {hole.sender: hole for hole in told.peer.black_holes}
    assert holes[A].lost_there == 0
    assert (holes[A].lost_back or 0) > 100
    # When a's capture has ended, nobody can tell what of b's arrives.
    assert (holes[B].lost_there, holes[B].first_exposed_ns) == (None, at(44.895))


def test_it_is_told_by_the_captures_and_no_log(tmp_path: Path) -> None:
    there = both_orders(tmp_path, ASKED_THERE, ASKED_THERE + "unseen a>b 20..40").peer
    late = "4 of 5 lost on the way there: not in the capture near the other end"
    assert where_lost(there, there.exchanges[1]) == late
    (hole,) = there.black_holes
    assert broken_where(there, hole, None) == (
        f"all of them came by the capture near {A}; 100 packets of {A} were lost meanwhile on the"
        " way back"
    )
    text = ANSWERED_IN_VAIN + NO_MORE_OF_A
    back = both_orders(tmp_path, text + "unseen b>a 20..", text).peer
    vain = f"the answer was lost on its way to {A}: the capture near {B} has it"
    assert where_lost(back, back.exchanges[1]) == vain


@pytest.mark.parametrize(
    ("near", "far", "rule", "said"),
    [
        (ASKED_THERE, ASKED_THERE + "unseen a>b 20..40", "dpd-late-ack", f"capture near {B}"),
        (
            ANSWERED_IN_VAIN + NO_MORE_OF_A + "unseen b>a 20..",
            ANSWERED_IN_VAIN + NO_MORE_OF_A,
            "dpd-no-ack",
            "the answer is in the capture near the other end",
        ),
        (NEVER_ANSWERED, NEVER_ANSWERED, "dpd-no-ack", "near the other end the question arrived"),
    ],
)
def test_findings_name_the_captures(
    tmp_path: Path, near: str, far: str, rule: str, said: str
) -> None:
    paths = [tmp_path / "a.pcap", tmp_path / "b.pcap"]
    for path, text in zip(paths, (near, at_far_end(far, WAY_S)), strict=True):
        path.write_bytes(capture(text))
    session = Session()
    session.run([str(path) for path in paths])
    (finding,) = [f for f in session.judgement().findings if f.rule == rule]
    assert said in finding.detail
    assert "log" not in finding.detail
    # A capture is no proof that the process behind it got anything.
    assert ("a filter of its own" in finding.remedy) is (near is NEVER_ANSWERED)


@pytest.mark.parametrize("ends", ["a", "b", "ab"])
def test_logs_beside_the_captures_of_both_ends(tmp_path: Path, ends: str) -> None:
    """The log of who asked in vain says so, too: it was not its own system that dropped answers."""
    text = ANSWERED_IN_VAIN + NO_MORE_OF_A
    near, far = capture(text + "unseen b>a 20.."), capture(at_far_end(text, WAY_S))
    logs = [charon(text, end, Clock(iso), lost=[LostOnes("b", 20)]) for end in ends]
    (_, vain) = together(tmp_path, near, far, *logs).peer.exchanges
    assert (vain.outcome, vain.lost) == (Outcome.UNANSWERED, Lost.ANSWER)
    assert len(vain.transmissions) == len(vain.lost_answers) == 5


def test_a_question_of_which_nothing_arrives(tmp_path: Path) -> None:
    text = ASKED_THERE.partition("41 a>b")[0]
    told = both_orders(tmp_path, text, text + "unseen a>b 20..")
    vain = told.peer.exchanges[-1]
    assert (vain.outcome, vain.lost, vain.by_capture) == (Outcome.UNANSWERED, Lost.REQUEST, True)
    # b's packets arrived until the end: who does not answer is no silent peer.
    assert {hole.sender for hole in told.peer.black_holes} == {B}


def test_a_question_that_arrives_and_is_not_answered(tmp_path: Path) -> None:
    text = ASKED_THERE.partition("41 a>b")[0]
    told = both_orders(tmp_path, text, text)
    vain = told.peer.exchanges[-1]
    assert (vain.lost, vain.by_capture) == (Lost.NEVER_ANSWERED, True)
    assert not any(t.lost for t in vain.transmissions)


def test_what_comes_as_far_as_the_capture_and_not_to_the_device(tmp_path: Path) -> None:
    """Its own firewall drops what the capture before it still shows: its log tells."""
    text = ASKED_THERE.partition("41 a>b")[0] + "50 b>a liveness 0\n50.05 a>b liveness 0 resp\n"
    log = charon(text, "b", Clock(iso), lost=[LostOnes("a", 20, 45)])
    peer = together(tmp_path, capture(text), capture(at_far_end(text, WAY_S)), log).peer
    vain = next(x for x in peer.exchanges if x.outcome is not Outcome.ANSWERED)
    assert (vain.lost, vain.by_capture) == (Lost.REQUEST, False)
    assert "whose log has none" in where_lost(peer, vain)


def test_questions_of_ikev1_that_nobody_can_read(tmp_path: Path) -> None:
    text = (
        "1 a>b v1 main-mode\n2 a>b v1 quick\n3..80/0.2 a>b esp out\n3.1..80/0.2 b>a esp in\n"
        + "".join(
            f"{at_s} a>b v1 info 108\n{at_s}.05 b>a v1 info 108\n" for at_s in (10, 20, 30, 70)
        )
        + "40 a>b v1 info 108\n42 a>b v1 info 108\n44 a>b v1 info 108\n46 a>b v1 info 108\n"
        + "46.05 b>a v1 info 108\n"
    )
    told = both_orders(tmp_path, text, text + "unseen a>b 35..45")
    assert {x.outcome for x in told.peer.exchanges} == {Outcome.ANSWERED}
    repeated = told.peer.exchanges[3]
    lost = [t.at_ns for t in repeated.transmissions if t.lost]
    assert (len(repeated.transmissions), lost) == (4, [at(40), at(42), at(44)])


def test_a_capture_that_dropped_packets_tells_no_loss(tmp_path: Path) -> None:
    """What b itself sent is missing at b's end, too: then it is no way that lost it."""
    dropped = ASKED_THERE + "unseen a>b 20..40\nunseen b>a 24..26\n"
    told = both_orders(tmp_path, ASKED_THERE, dropped)
    assert asked(told.peer) == asked(alone(tmp_path, ASKED_THERE))
    assert not any(t.lost for x in told.peer.exchanges for t in x.transmissions)
    assert {f.lost for f in told.peer.esp_flows} == {None}
    assert not told.peer.black_holes


def test_a_capture_that_missed_what_is_answered_tells_no_loss(tmp_path: Path) -> None:
    """The answer at b's end says that the question came there, by a way that is not captured."""
    told = both_orders(tmp_path, ASKED_THERE, ASKED_THERE + "unseen a>b 40..60")
    assert not any(t.lost for x in told.peer.exchanges for t in x.transmissions)
    assert {f.lost for f in told.peer.esp_flows} == {None}


@pytest.mark.parametrize("twice", ["near", "far", "both"])
def test_what_one_capture_recorded_twice_is_not_lost(tmp_path: Path, twice: str) -> None:
    near = ASKED_THERE + ("twice 0.0004\n" if twice != "far" else "")
    far = ASKED_THERE + "unseen a>b 20..40\n" + ("twice 0.0004\n" if twice != "near" else "")
    told = together(tmp_path, capture(near), capture(at_far_end(far, WAY_S)))
    late = told.peer.exchanges[1]
    assert [t.lost for t in late.transmissions] == [True, True, True, True, False]
    assert {f.sender: (f.packets, f.lost) for f in told.peer.esp_flows} == {
        A: (290, 100),
        B: (290, 0),
    }


@pytest.mark.parametrize("second", ["", "capture 30..100\n", "capture 0..30\n"])
def test_one_place_twice_loses_nothing(tmp_path: Path, second: str) -> None:
    """Once more as a whole, and a part of it."""
    told = together(tmp_path, capture(ASKED_THERE), capture(ASKED_THERE + second))
    turned = together(tmp_path, capture(ASKED_THERE + second), capture(ASKED_THERE))
    whole = alone(tmp_path, ASKED_THERE)
    assert outline(told.peer, 0) == outline(turned.peer, 0) == outline(whole, 0)


def test_a_third_place_between_them(tmp_path: Path) -> None:
    """Half of what is lost is lost before it, half behind it."""
    near = capture(ASKED_THERE)
    middle = capture(at_far_end(ASKED_THERE, 0.002) + "unseen a>b 20..30")
    far = capture(at_far_end(ASKED_THERE, WAY_S) + "unseen a>b 20..40")
    orders = [(near, middle, far), (far, middle, near), (middle, far, near)]
    told = [outline(together(tmp_path, *order).peer, 0) for order in orders]
    assert told[0] == told[1] == told[2]
    peer = together(tmp_path, *orders[0]).peer
    assert [t.lost for t in peer.exchanges[1].transmissions] == [True] * 4 + [False]
    assert {f.sender: (f.packets, f.lost) for f in peer.esp_flows} == {A: (290, 100), B: (290, 0)}


def test_what_was_told_once_is_counted_once(tmp_path: Path) -> None:
    far = at_far_end(ASKED_THERE, WAY_S) + "unseen a>b 20..40"
    told = together(tmp_path, capture(ASKED_THERE), capture(far))
    # All of b's packets, and what of a's came.
    assert told.problem(ProblemKind.CAPTURE_DUPLICATE).count == 290 + 190 + 10


def test_two_captures_that_were_merged_with_their_clocks_apart(tmp_path: Path) -> None:
    """Nobody can tell it from retransmissions, but for ESP, which never repeats a number."""
    both = capture(ASKED_THERE + "twice 3.7\n")
    problem = together(tmp_path, both).problem(ProblemKind.NOT_ALIGNED)
    assert "3.7 s later" in problem.detail
    assert problem.count == 10
    assert problem.ref is not None


@pytest.mark.parametrize("apart_s", [0.3, 4])
@pytest.mark.parametrize("since", ["", "capture 6..\n"], ids=["whole", "begun late"])
def test_esp_that_a_merged_file_has_twice_is_counted_once(
    tmp_path: Path, apart_s: float, since: str
) -> None:
    """No sequence number is sent twice: more packets than numbers came again."""
    text = ASKED_THERE + since
    alone_packets = [(f.spi, f.packets, f.bytes) for f in alone(tmp_path, text).esp_flows]
    both = together(tmp_path, capture(f"{text}twice {apart_s}\n"))
    assert [(f.spi, f.packets, f.bytes) for f in both.peer.esp_flows] == alone_packets
    assert {f.missing_sequences for f in both.peer.esp_flows} == {0}


GONE = ANSWERED_IN_VAIN + "unseen b>a 20..\n"


@pytest.mark.parametrize("apart_s", [0.15, 0.3, 1.7, 4])
@pytest.mark.parametrize("text", [GONE, GONE + "capture 6..\n"], ids=["whole", "begun late"])
def test_what_a_merged_file_has_twice_is_counted_once_in_a_black_hole(
    tmp_path: Path, apart_s: float, text: str
) -> None:
    (once,) = alone(tmp_path, text).black_holes
    (hole,) = together(tmp_path, capture(f"{text}twice {apart_s}\n")).peer.black_holes
    assert (hole.max_packets, hole.max_bytes) == (once.max_packets, once.max_bytes)
    assert (hole.min_packets, hole.first_exposed_ns) == (once.min_packets, once.first_exposed_ns)
    assert hole.stop_ns == once.stop_ns


def test_captures_of_both_ends_that_were_merged(tmp_path: Path) -> None:
    """What got lost on the way stands in the file once, what arrived twice."""
    lost = at_far_end(GONE + "unseen a>b 30..40", WAY_S)
    near, far = capture(GONE), shifted(capture(lost), 2 * NS_PER_SECOND)
    (once,) = alone(tmp_path, GONE).black_holes
    (hole,) = together(tmp_path, merged(near, far)).peer.black_holes
    assert (hole.min_packets, hole.max_packets) == (once.min_packets, once.max_packets)


def test_what_changes_places_is_no_copy(tmp_path: Path) -> None:
    late = "".join(f"{n}.95 a>b esp out seq={5 * (n - 2) + 4}\n" for n in range(21, 60))
    text = GONE.replace("2..60/0.2 a>b esp out\n", "".join(
        f"{n + step / 10:.1f} a>b esp out seq={5 * (n - 2) + step // 2 + 1}\n"
        for n in range(2, 60) for step in (0, 2, 4, 6, 8) if step != 6 or n < 21
    ))  # fmt: skip
    (once,) = alone(tmp_path, GONE).black_holes
    (hole,) = alone(tmp_path, text + late).black_holes
    assert hole.max_packets == once.max_packets


def test_a_cluster_member_that_counts_from_before_sends_all_the_same(tmp_path: Path) -> None:
    """The peer takes none of it: that is a black hole, and no copy."""
    (once,) = alone(tmp_path, GONE).black_holes
    text = GONE.replace("2..60/0.2 a>b esp out\n", "2..60/0.2 a>b esp out seq=1000+\n")
    stale = text.replace("2..60", "2..20") + "20..60/0.2 a>b esp out seq=1010+\n"
    (hole,) = alone(tmp_path, stale).black_holes
    assert hole.max_packets == once.max_packets


@pytest.mark.parametrize(
    "text",
    [ASKED_THERE, ANSWERED_IN_VAIN, SETUP + "".join(
        f"{n}0 a>b liveness {n}\n{n}0.1 b>a liveness {n} resp\n"
        f"{n}2 a>b liveness {n}\n{n}2.1 b>a liveness {n} resp\n" for n in range(2, 9)
    )],
    ids=["questions in vain", "answers in vain", "each first answer in vain"],
)  # fmt: skip
def test_retransmissions_are_no_merged_captures(tmp_path: Path, text: str) -> None:
    told = together(tmp_path, capture(text))
    assert ProblemKind.NOT_ALIGNED not in told.kinds(0)


def test_what_both_ends_ask_into_a_cut_is_shown_whole(tmp_path: Path) -> None:
    """Each question is in the capture of its own end, and so are all of its retries."""
    own = "".join(f"{t} a>b liveness 3\n" for t in (23, 25, 29, 37))
    theirs = "".join(f"{t} b>a liveness 0\n" for t in (24, 26, 30, 38))
    cut = "unseen b>a 20..60\n"
    peer = both_orders(
        tmp_path, TRAFFIC + own + theirs + cut, TRAFFIC + own + theirs + "unseen a>b 20..60\n"
    ).peer
    policies = {p.holder: p for p in peer.policies}
    assert {p.evidence.count("may not be shown whole") for p in policies.values()} == {0}
    assert {(p.retry_s, p.backoff) for p in policies.values()} == {(2.0, 2.0)}
