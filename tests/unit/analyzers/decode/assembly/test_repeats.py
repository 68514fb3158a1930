from __future__ import annotations

from analyzers.decode.assembly.lines import Form, LogLine
from analyzers.decode.assembly.repeats import Repeats
from analyzers.dialects.cisco_trace import DIALECT
from analyzers.dialects.dialect import Outline


def seen(repeats: Repeats, *lines: tuple[int | None, str]) -> list[bool]:
    return [
        repeats.take(LogLine(at, 1, "s1", 1, Form(Outline(DIALECT, None, False, ())), text))
        for at, text in lines
    ]


def test_two_events_that_look_alike_are_two():
    assert seen(Repeats(), (5, "sent"), (5, "sent"), (6, "sent")) == [False] * 3


def test_a_second_printout_repeats_the_first():
    repeats = Repeats()
    first = [(5, "sent"), (5, "sent"), (6, "received")]
    assert seen(repeats, *first) == [False] * 3
    assert seen(repeats, *first, (6, "received"), (7, "sent")) == [True, True, True, False, False]
    assert seen(repeats, *first) == [True] * 3


def test_a_clock_that_is_set_back_repeats_nothing():
    assert seen(Repeats(), (5, "a"), (9, "b"), (3, "c"), (5, "d"), (9, "e")) == [False] * 5


def test_without_stamps_nothing_is_a_repeat():
    assert seen(Repeats(), (None, "a"), (None, "a")) == [False, False]
