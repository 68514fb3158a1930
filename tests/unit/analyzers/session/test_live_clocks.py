"""Inputs whose clocks are apart, while they grow: each message is one, on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Basis
from analyzers.session.live import LiveSession
from tests.given_source import GivenSource
from tests.scenarios.logs import Clock, Lost, charon, iso
from tests.scenarios.test_heard_while_asking import ASKED_TWICE, TWICE, log_of_twice
from tests.scenarios.timeline import at, capture
from tests.unit.analyzers.session.test_live_named import _records

SECOND = 1_000_000_000
STEP_NS = SECOND // 20
SHIFTS = [0, -0.2, 0.2, -1.5, 5, -30, 30, -3580, 86_400]
COUNTED = """\
0 a>b v2 handshake
10..40/10 a>b liveness 2+
10.02..40/10 b>a liveness 2+ resp
50 a>b liveness 5
54 a>b liveness 5
61.2 a>b liveness 5
"""
NAMED = "0 a>b v1 main-mode\n" + "".join(
    f"{second} a>b v1 info 108 says=ruthere\n{second}.02 b>a v1 info 108 says=ack\n"
    for second in (10, 20, 30)
)

Stream = Sequence[tuple[int, bytes]]


def _lines(log: str, clock: Clock, late_s: float = 0) -> Stream:
    """Lines with when they come, which is so much later than they are written."""
    shift_ns = round((clock.shift_s - late_s) * SECOND)
    moments = [datetime.fromisoformat(f"{line[:23]}+00:00") for line in log.splitlines()]
    times = [round(moment.timestamp() * 1000) * 1_000_000 - shift_ns for moment in moments]
    return [
        (at_ns, f"{line}\n".encode()) for at_ns, line in zip(times, log.splitlines(), strict=True)
    ]


def _watched(*streams: tuple[GivenSource, Stream]) -> PeerView:
    session = LiveSession([source for source, _ in streams])
    session.start()
    now_ns = at(-0.5)
    while now_ns < at(66):
        before_ns, now_ns = now_ns, now_ns + STEP_NS
        for source, stream in streams:
            for at_ns, part in stream:
                if before_ns <= at_ns < now_ns:
                    source.feed.put(part)
        session.pump(now_ns)
    (peer,) = session.peers_so_far(now_ns)
    session.end(now_ns)
    return peer


def _both_logs(
    text: str, clock: Clock, *, late_s: tuple[float, float] = (0, 0), lost: Sequence[Lost] = ()
) -> PeerView:
    """`clock`: that of b; `late_s`: how late the lines of each come."""
    a = _lines(charon(text, "a", Clock(iso), lost=lost), Clock(iso), late_s[0])
    b = _lines(charon(text, "b", clock, lost=lost), clock, late_s[1])
    return _watched((GivenSource("log", "a.log"), a), (GivenSource("log", "b.log"), b))


def _said(peer: PeerView) -> list[tuple[float, Outcome, int, bool]]:
    """When each question was asked, what came of it, how often it was sent, and if it came."""
    return [
        ((x.first_ns - at(0)) / SECOND, x.outcome, len(x.transmissions), bool(x.lost_answers))
        for x in peer.exchanges
    ]


def _at_s(second: float) -> object:
    """A moment as the clock of either end tells it, less than half a second apart."""
    return pytest.approx(second, abs=0.5)


ANSWERED = [(_at_s(second), Outcome.ANSWERED, 1, False) for second in (10, 20, 30)]


@pytest.mark.parametrize("late_s", [(0, 0), (0.4, 0), (0, 0.4)])
@pytest.mark.parametrize("shift_s", SHIFTS)
@pytest.mark.parametrize("text", [COUNTED, NAMED], ids=["counted", "named"])
def test_the_logs_of_both_ends_tell_a_message_once(
    text: str, shift_s: float, late_s: tuple[float, float]
) -> None:
    peer = _both_logs(text, Clock(iso, shift_s), late_s=late_s)
    said = _said(peer)
    # The first one stands where the end says so that is read first.
    assert said[0][1:] == ANSWERED[0][1:]
    assert said[1:3] == ANSWERED[1:]
    assert said[3:] == ([(_at_s(50), Outcome.OPEN, 3, False)] if text == COUNTED else [])
    answered = [x.rtt_ns for x in peer.exchanges if x.outcome is Outcome.ANSWERED]
    assert all(rtt_ns is not None and 0 <= rtt_ns < SECOND // 10 for rtt_ns in answered)


@pytest.mark.parametrize("shift_s", SHIFTS)
def test_an_answer_that_only_the_end_that_sent_it_shows_was_lost(shift_s: float) -> None:
    text = f"{COUNTED}50.02 b>a liveness 5 resp\n54.02 b>a liveness 5 resp\n"
    peer = _both_logs(text, Clock(iso, shift_s), lost=[Lost("b", 45)])
    assert _said(peer) == [*ANSWERED, (_at_s(50), Outcome.OPEN, 3, True)]


def test_what_one_end_says_counts_where_the_log_of_the_other_is_silent() -> None:
    """A device whose syslog is lost with its tunnel asks all the same."""
    text = "0 a>b v2 handshake\n10..61/10 a>b liveness 2+\n10.02..61/10 b>a liveness 2+ resp\n"
    a = [line for line in _lines(charon(text, "a", Clock(iso)), Clock(iso)) if line[0] < at(25)]
    b = _lines(charon(text, "b", Clock(iso)), Clock(iso))
    peer = _watched((GivenSource("log", "a.log"), a), (GivenSource("log", "b.log"), b))
    assert peer.state is PeerState.ALIVE
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED] * 6


def test_what_the_log_names_is_one_question_whatever_its_spacing() -> None:
    """As in the report of it: the first one of three comes long after another in vain."""
    log, data = log_of_twice(), capture(ASKED_TWICE)
    moments = [(datetime.fromisoformat(line[:29]), line) for line in log.splitlines()]
    lines = [
        (round(moment.timestamp() * 1000) * 1_000_000, f"{line}\n".encode())
        for moment, line in moments
    ]
    packets = [(at(-0.4), data[:24]), *_records(data)]
    peer = _watched((GivenSource(), packets), (GivenSource("log", "a.log"), lines))
    assert [(x.first_ns, len(x.transmissions)) for x in peer.exchanges] == TWICE


@pytest.mark.parametrize("shift_s", SHIFTS)
@pytest.mark.parametrize("text", [COUNTED, NAMED], ids=["counted", "named"])
def test_a_log_beside_a_capture_tells_no_message_again(text: str, shift_s: float) -> None:
    clock, data = Clock(iso, shift_s), capture(text)
    packets = [(at(-0.4), data[:24]), *_records(data)]
    peer = _watched(
        (GivenSource(), packets),
        (GivenSource("log", "a.log"), _lines(charon(text, "a", clock), clock)),
    )
    assert _said(peer)[:3] == ANSWERED
    assert len(peer.exchanges) == (4 if text == COUNTED else 3)
    basis = Basis.HEADER if text == COUNTED else Basis.CORRELATED
    assert {x.basis for x in peer.exchanges} == {basis}
