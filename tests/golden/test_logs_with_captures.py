"""Logs beside captures: one clock, one exchange in the report, and what the logs add to it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from analyzers.model.alignment import ClockBasis
from analyzers.model.exchange import DeleteProtocol, Exchange, Lost, Outcome
from analyzers.model.peer import LocalBasis, PeerState
from analyzers.model.records import Basis, Confidence, ProblemKind, Ref
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.session import ClockOptions, Session, SessionOptions
from tests.ios_debug import isakmp_log

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
CASES = sorted(p.name for p in SAMPLES.iterdir() if (p / "charon-a.log").is_file())
IKEV1 = [case for case in CASES if case.startswith("ikev1")]
A, B = "192.0.2.1", "192.0.2.2"


@cache
def run(*inputs: str, keys: str = "", align: bool = True) -> Session:
    options = SessionOptions(keys=(keys,) if keys else (), clocks=ClockOptions(align=align))
    session = Session(options)
    session.run(list(inputs))
    return session


def parts(case: str) -> tuple[str, str, str]:
    folder = SAMPLES / case
    return str(folder / "capture.pcap"), str(folder / "charon-a.log"), str(folder / "charon-b.log")


def told(session: Session) -> list[tuple[object, ...]]:
    return [
        (
            x.kind,
            x.prober,
            x.outcome,
            [(t.at_ns, t.message_id, t.ref) for t in x.transmissions],
            None if x.answer is None else (x.answer.at_ns, x.answer.message_id, x.answer.ref),
        )
        for peer in session.peers()
        for x in peer.exchanges
    ]


def exchanges(session: Session) -> tuple[Exchange, ...]:
    (peer,) = session.peers()
    return peer.exchanges


@pytest.mark.parametrize("case", CASES)
def test_logs_of_both_ends_change_no_exchange(case: str) -> None:
    assert told(run(*parts(case))) == told(run(parts(case)[0]))


@pytest.mark.parametrize("case", CASES)
def test_clocks_agree_within_5_ms(case: str) -> None:
    session = run(*parts(case))
    first, *logs = session.sources
    assert first.clock_basis is ClockBasis.REFERENCE
    for log in logs:
        assert log.clock_basis is ClockBasis.MATCHED
        assert log.clock_offset_ns is not None
        assert abs(log.clock_offset_ns) < 5 * NS_PER_MS
    assert [a.source for a in session.alignments] == ["s2", "s3"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("log", [1, 2], ids=["its log", "the other log"])
def test_the_log_of_one_end_changes_no_exchange(case: str, log: int) -> None:
    assert told(run(parts(case)[0], parts(case)[log])) == told(run(parts(case)[0]))


def test_the_device_itself_says_when_it_gave_up() -> None:
    (peer,) = run(*parts("ikev1-dead-peer")).peers()
    (hole,) = peer.black_holes
    (asked,) = peer.exchanges
    assert hole.dead_basis == "log"
    assert asked.verdict_ref == Ref("s2", 96)
    assert peer.state is PeerState.DEAD


def test_the_other_end_tells_where_it_was_lost() -> None:
    (asked,) = exchanges(run(*parts("ikev1-one-way-loss")))
    assert asked.outcome is Outcome.UNANSWERED
    assert asked.lost is Lost.ANSWER
    # Each question stands in the capture and in the logs of both ends.
    assert [{ref.source for ref in t.seen} for t in asked.transmissions] == [{"s2", "s3"}] * 3
    # So do its answers, in the log of the end that sent them in vain.
    assert [a.ref for a in asked.lost_answers] == [Ref("s3", n) for n in (83, 117, 151)]
    assert [a.message_id for a in asked.lost_answers[:2]] == [2649415373, 2954312012]
    pairs = zip(asked.lost_answers, asked.transmissions, strict=True)
    assert all(answer.at_ns > question.at_ns for answer, question in pairs)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("case", ["ikev1-clean-delete", "ikev2-clean-delete"])
def test_what_a_delete_removed_goes_after_it(case: str, first: int) -> None:
    """The clock of the other end is known to some 0.4 ms, the order of its lines for sure.

    With a capture, and with the logs of both ends alone.
    """
    (peer,) = run(*parts(case)[first:]).peers()
    removed = [h for h in peer.hints if h.sender == B and "removed" in h.text]
    came: dict[str, list[int]] = {"Child": [], "IKE": []}
    for delete in peer.deletes:
        came["IKE" if delete.protocol is DeleteProtocol.IKE else "Child"].append(delete.at_ns)
    assert removed
    for hint in removed:
        of = came[hint.text.partition(" ")[0]] or came["IKE"]
        assert hint.at_ns > max(of), hint


def test_nothing_tells_where_it_was_lost_without_the_other_end() -> None:
    (asked,) = exchanges(run(*parts("ikev1-one-way-loss")[:2]))
    assert asked.lost is None


@pytest.mark.parametrize("case", IKEV1)
def test_a_log_decides_what_encryption_hides(case: str) -> None:
    found = exchanges(run(*parts(case)))
    assert {(x.basis, x.confidence) for x in found} == {(Basis.CORRELATED, Confidence.CERTAIN)}
    assert {x.basis for x in exchanges(run(parts(case)[0]))} == {Basis.RHYTHM}


@pytest.mark.parametrize("case", ["ikev1-healthy", "ikev1-dead-peer", "ikev1-both-sides"])
@pytest.mark.parametrize("holder", [A, B])
def test_an_ios_log_an_hour_and_seven_seconds_ahead(case: str, holder: str, tmp_path: Path) -> None:
    capture = parts(case)[0]
    truth = exchanges(run(capture, keys=str(SAMPLES / case)))
    shift_ns = 3_607 * NS_PER_SECOND
    log = tmp_path / "console.txt"
    log.write_text(isakmp_log(holder, truth, shift_ns))
    session = Session(SessionOptions())
    session.run([capture, str(log)])
    (alignment,) = session.alignments
    year_ns = (alignment.offset_ns - shift_ns) // (366 * 86_400 * NS_PER_SECOND)
    assert year_ns in (-1, 0)
    assert abs(alignment.offset_ns - shift_ns) < 50 * NS_PER_MS
    (peer,) = session.peers()
    assert [(x.outcome, len(x.transmissions)) for x in peer.exchanges] == [
        (x.outcome, len(x.transmissions)) for x in truth
    ]
    assert {(x.basis, x.confidence) for x in peer.exchanges} == {
        (Basis.CORRELATED, Confidence.CERTAIN)
    }
    assert (peer.local, peer.local_basis) == (holder, LocalBasis.LOG)


def test_without_alignment_clocks_are_left_as_they_are(tmp_path: Path) -> None:
    capture = parts("ikev1-healthy")[0]
    truth = exchanges(run(capture, keys=str(SAMPLES / "ikev1-healthy")))
    log = tmp_path / "console.txt"
    log.write_text(isakmp_log(A, truth, 3_607 * NS_PER_SECOND))
    session = Session(SessionOptions(clocks=ClockOptions(align=False)))
    session.run([capture, str(log)])
    assert session.alignments == ()
    captured, logged = session.sources
    assert captured.first_ns is not None
    assert logged.first_ns is not None
    assert logged.first_ns - captured.first_ns > 3_600 * NS_PER_SECOND
    # That they contradict each other is told, and what both show is one message all the same.
    assert [p.kind for p in logged.problems] == [ProblemKind.CLOCK_CONTRADICTED]
    assert {x.basis for p in session.peers() for x in p.exchanges} == {Basis.CORRELATED}


def test_an_offset_by_hand(tmp_path: Path) -> None:
    capture = parts("ikev1-healthy")[0]
    truth = exchanges(run(capture, keys=str(SAMPLES / "ikev1-healthy")))
    log = tmp_path / "console.txt"
    log.write_text(isakmp_log(A, truth, 3_607 * NS_PER_SECOND))
    clocks = ClockOptions(align=False, offsets_ns={"console.txt": -3_607 * NS_PER_SECOND})
    session = Session(SessionOptions(clocks=clocks))
    session.run([capture, str(log)])
    assert {x.basis for x in session.peers()[0].exchanges} == {Basis.CORRELATED}
    assert session.sources[1].clock_basis is ClockBasis.MANUAL


@pytest.mark.parametrize(("shift_s", "contradicted"), [(2.5, True), (-40.0, True), (0.01, False)])
@pytest.mark.parametrize("case", ["ikev1-clean-delete", "ikev2-clean-delete"])
def test_a_clock_by_hand_is_held_against_the_messages(
    case: str, shift_s: float, contradicted: bool
) -> None:
    offsets = {"charon-a.log": round(shift_s * NS_PER_SECOND)}
    session = Session(SessionOptions(clocks=ClockOptions(offsets_ns=offsets)))
    session.run(list(parts(case)))
    log = session.sources[1]
    assert log.clock_basis is ClockBasis.MANUAL
    said = [p.detail for p in log.problems if p.kind is ProblemKind.CLOCK_CONTRADICTED]
    assert bool(said) is contradicted
    if contradicted:
        assert re.fullmatch(
            rf"contradicts \d+ .*message IDs of s1 by {abs(shift_s):.1f} s", said[0]
        )


@pytest.mark.parametrize("shift_s", [-9, -6, -5])
def test_a_clock_by_hand_between_two_that_fit_as_well_is_contradicted_by_the_nearer(
    shift_s: int,
) -> None:
    """After a restart the IDs come again: which SA is meant is open, that it is none is not."""
    offsets = {"charon-b.log": shift_s * NS_PER_SECOND}
    session = Session(SessionOptions(clocks=ClockOptions(offsets_ns=offsets)))
    session.run(list(parts("ikev2-peer-restart")))
    (said,) = [
        p.detail for p in session.sources[2].problems if p.kind is ProblemKind.CLOCK_CONTRADICTED
    ]
    assert said == f"contradicts the messages of s1 by at least {-shift_s}.0 s"


@pytest.mark.parametrize("first", [0, 1], ids=["with the capture", "logs alone"])
@pytest.mark.parametrize("shift_s", [-3600, -24, 10, 24, 86_400])
def test_a_clock_by_hand_that_no_message_contradicts_is_by_the_child_sas(
    shift_s: int, first: int
) -> None:
    """Where it puts the log beside all messages, or on those of another SA."""
    offsets = {"charon-b.log": shift_s * NS_PER_SECOND}
    session = Session(SessionOptions(clocks=ClockOptions(offsets_ns=offsets)))
    session.run(list(parts("ikev2-peer-restart")[first:]))
    (said,) = [
        p.detail for p in session.sources[-1].problems if p.kind is ProblemKind.CLOCK_CONTRADICTED
    ]
    assert said.startswith("contradicts ")
    assert session.sources[-1].clock_contradicted_ns == pytest.approx(
        abs(shift_s) * NS_PER_SECOND, abs=NS_PER_SECOND
    )


def test_a_clock_by_hand_that_is_right_is_not_contradicted_by_another_sa() -> None:
    offsets = {"charon-b.log": 0}
    session = Session(SessionOptions(clocks=ClockOptions(offsets_ns=offsets)))
    session.run(list(parts("ikev2-peer-restart")))
    kinds = {p.kind for p in session.sources[2].problems}
    assert ProblemKind.CLOCK_CONTRADICTED not in kinds


def test_a_clock_by_hand_that_nothing_contradicts_is_not_doubted() -> None:
    offsets = {"charon-a.log": 3 * NS_PER_SECOND}
    session = Session(SessionOptions(clocks=ClockOptions(offsets_ns=offsets)))
    session.run([parts("ikev1-clean-delete")[1]])
    assert not session.sources[0].problems


@pytest.mark.parametrize("case", CASES)
def test_two_logs_without_a_capture_are_one_story(case: str) -> None:
    """What both ends logged is told once; the prober's own log is the measure."""
    _, ours, theirs = parts(case)
    both = exchanges(run(ours, theirs))
    own = [x for x in exchanges(run(ours)) if x.prober.endswith("1")]
    asked = [x for x in both if x.prober.endswith("1")]
    assert [(x.outcome, len(x.transmissions)) for x in asked] == [
        (x.outcome, len(x.transmissions)) for x in own
    ]
    captured = exchanges(run(parts(case)[0]))
    assert len(both) - len(captured) in (0, 1)  # the logs go on a little after the capture
