"""A clock that was set amid a log, which alone tells it: the retries of one question lie apart.

A device that numbers its questions and counts their retries (IOS) asks again within a minute. What
is before the jump is put to the clock of what is behind it: that was set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from analyzers.export.formatting import duration
from analyzers.model.log_events import LogEvent
from analyzers.model.observations import MessageKind
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.model.time import NS_PER_SECOND

# The longest time between retries that IOS can be told, and some more.
_LONGEST_RETRY_NS: Final = 90 * NS_PER_SECOND
_USUAL_RETRY_NS: Final = 2 * NS_PER_SECOND


def put_right(events: Sequence[LogEvent], info: SourceInfo) -> None:
    """Move what a log has before its clock was set, and say so; `events` are in its order."""
    for question in [*_questions(events)]:
        sent = [(place, at_ns) for place in question if (at_ns := events[place].at_ns) is not None]
        gaps = [(two - one, first, last) for (first, one), (last, two) in pairwise(sent)]
        usual = [gap for gap, *_ in gaps if 0 < gap <= _LONGEST_RETRY_NS]
        for gap, first, last in gaps:
            if not 0 <= gap <= _LONGEST_RETRY_NS:
                step_ns = gap - round(median(usual or [_USUAL_RETRY_NS]))
                turn = _turn(events, first, last)
                for event in events[:turn]:
                    event.at_ns = None if event.at_ns is None else event.at_ns + step_ns
                way = "ahead" if step_ns > 0 else "back"
                said = f"it was set {way} by {duration(abs(step_ns))} here, amid the retries of a"
                problem = f"{said} question; what is before is put to it"
                info.note(Problem(ProblemKind.CLOCK_SET, problem, events[turn].ref))


def _questions(events: Sequence[LogEvent]) -> Iterator[list[int]]:
    """The places of the transmissions of each question that was asked again, in their order."""
    asked: dict[tuple[str | None, str | None], list[int]] = {}
    for place, event in enumerate(events):
        key = event.handle, event.remote
        if event.message is MessageKind.R_U_THERE_ACK and not event.sent:
            asked.pop(key, None)
        if event.message is not MessageKind.R_U_THERE or not event.sent:
            continue
        question = asked.get(key)
        if question is not None and _is_next(events[question[-1]], event):
            question.append(place)
            if len(question) == 2:
                yield question
        else:
            asked[key] = [place]


def _is_next(before: LogEvent, event: LogEvent) -> bool:
    """Whether a transmission is the retry of another one, by its number and by what is counted."""
    same = event.sequence is not None and event.sequence == before.sequence
    return same and event.retry == (before.retry or 0) + 1


def _turn(events: Sequence[LogEvent], first: int, last: int) -> int:
    """The place of the first event after the clock was set: where its stamps jump most."""
    timed = [
        (place, at_ns)
        for place in range(first, last + 1)
        if (at_ns := events[place].at_ns) is not None
    ]
    return max((abs(two - one), place) for (_, one), (place, two) in pairwise(timed))[1]
