"""Charon's lines about messages of two peers, mixed line by line."""

from __future__ import annotations

import random

import pytest

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import events_of

ONE, TWO = "192.0.2.8", "192.0.2.9"
LOCAL = "192.0.2.1"


def net(way: str, peer: str) -> str:
    ends = (LOCAL, peer) if way == "sending" else (peer, LOCAL)
    return f"[NET] {way} packet: from {ends[0]}[4500] to {ends[1]}[4500] (80 bytes)"


def asks(peer: str, number: int) -> list[str]:
    sent = f"[ENC] generating INFORMATIONAL request {number} [ ]"
    return ["[IKE] sending DPD request", sent, net("sending", peer)]


def hears(peer: str, number: int) -> list[str]:
    return [net("received", peer), f"[ENC] parsed INFORMATIONAL response {number} [ ]"]


def is_asked(peer: str, number: int) -> list[str]:
    parsed = f"[ENC] parsed INFORMATIONAL request {number} [ ]"
    answered = f"[ENC] generating INFORMATIONAL response {number} [ ]"
    return [net("received", peer), parsed, answered, net("sending", peer)]


def gives_up(peer: str, number: int) -> list[str]:
    return [
        f"[IKE] retransmit 1 of request with message ID {number}",
        net("sending", peer),
        "[IKE] giving up after 1 retransmits",
        f"[IKE] IKE_SA gw{peer[-1]}[{peer[-1]}] state change: ESTABLISHED => DESTROYING",
    ]


STORIES = [
    [asks(ONE, 2), hears(ONE, 2), asks(ONE, 3), gives_up(ONE, 3)],
    [is_asked(TWO, 0), asks(TWO, 2), hears(TWO, 2), is_asked(TWO, 1)],
]


def up(peer: str) -> str:
    name = f"gw{peer[-1]}[{peer[-1]}]"
    return f"[IKE] IKE_SA {name} established between {LOCAL}[a]...{peer}[b]"


def log(lines: list[tuple[int, int, str]], form: str) -> str:
    """Second, thread and text of each line."""
    whole = [(0, 1, up(ONE)), (0, 1, up(TWO)), *lines]
    stamped = "Jan 31 13:56:{s:02} gw charon-systemd[2814]: {text}\n"
    return "".join(
        stamped.format(s=s, text=f"{t:02}{text}" if form == "threads" else text.split("] ", 1)[1])
        for s, t, text in whole
    )


def mixed(rng: random.Random) -> list[tuple[int, int, str]]:
    """What is said of both peers in the same second, in any order that a thread keeps to."""
    lines: list[tuple[int, int, str]] = []
    for step in range(len(STORIES[0])):
        waiting = [(5 + n, list(story[step])) for n, story in enumerate(STORIES)]
        while waiting:
            thread, said = rng.choice(waiting)
            lines.append((2 + 2 * step, thread, said.pop(0)))
            waiting = [each for each in waiting if each[1]]
    return lines


def told(events: list[LogEvent]) -> list[tuple[object, ...]]:
    """Who sent or said what, of which peer."""
    return sorted(
        (e.kind.value, e.remote or "", str(e.message), e.sent, e.message_id or 0, e.response)
        for e in events
    )


def test_threads_tell_the_messages_of_two_peers_apart():
    one_by_one = [
        (2 + 2 * step, 5 + n, text)
        for step in range(len(STORIES[0]))
        for n, story in enumerate(STORIES)
        for text in story[step]
    ]
    expected = told(events_of(log(one_by_one, "threads")))
    for seed in range(40):
        lines = mixed(random.Random(seed))
        assert told(events_of(log(lines, "threads"))) == expected, seed


@pytest.mark.parametrize("first", [ONE, TWO])
def test_without_threads_no_packet_is_given_to_another_peer(first: str):
    """Two packets came before either was read: a request may be in any of them."""
    second = ({ONE, TWO} - {first}).pop()
    lines = [
        net("received", first),
        net("received", second),
        "[ENC] parsed INFORMATIONAL request 0 [ ]",
        "[ENC] parsed INFORMATIONAL request 7 [ D ]",
    ]
    events = events_of(log([(2, 1, text) for text in lines], "journal"), LogEventKind.MESSAGE)
    assert [(e.message, e.remote) for e in events] == [
        (MessageKind.LIVENESS, None),
        (MessageKind.DELETE, None),
    ]


def test_without_threads_an_answer_is_of_who_was_asked():
    asked = [*asks(ONE, 4), *asks(TWO, 9)]
    came = [net("received", TWO), net("received", ONE)]
    read = [f"[ENC] parsed INFORMATIONAL response {n} [ ]" for n in (4, 9)]
    lines = [(2, 1, text) for text in asked] + [(4, 1, text) for text in came + read]
    events = events_of(log(lines, "journal"), LogEventKind.MESSAGE)
    answers = [(e.message_id, e.remote) for e in events if e.response]
    assert answers == [(4, ONE), (9, TWO)]


def test_without_threads_a_packet_that_leaves_is_of_no_message_in_particular():
    """The answer to one and a question to the other were built before either left."""
    lines = [
        "[ENC] generating INFORMATIONAL response 0 [ ]",
        "[ENC] generating INFORMATIONAL request 3 [ ]",
        net("sending", TWO),
        net("sending", ONE),
        *asks(ONE, 5),
    ]
    events = events_of(log([(2, 1, text) for text in lines], "journal"), LogEventKind.MESSAGE)
    assert [(e.message_id, e.remote) for e in events] == [(0, None), (3, None), (5, ONE)]
