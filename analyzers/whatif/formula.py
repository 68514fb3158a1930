"""The arithmetic of a detection time, written out with the numbers put in."""

from __future__ import annotations

from typing import Final

from analyzers.whatif.timing import Timing, Trigger, false_death

_ALIKE: Final = 1e-9
_LEAST_CHANCE: Final = 1e-9
_LISTED: Final = 12
"""Waits that are written out one by one."""


def worst_case_formula(timing: Timing, every_s: float | None = None) -> str:
    """ "interval + 5 × wait = 20 + 5 × 2 = 30 s", for traffic with a packet every `every_s`."""
    verdict = timing.verdict(every_s)
    if verdict is None:
        return "it never asks: no verdict"
    words, numbers = _lead(timing, every_s)
    waits = timing.waits_s
    if max(waits) - min(waits) < _ALIKE:
        more = f"{len(waits)} × {number(waits[0])}"
        words, numbers = f"{words} + {len(waits)} × wait", f"{numbers} + {more}"
    else:
        listed = " + ".join(map(number, waits))
        if len(waits) > _LISTED:
            first = " + ".join(map(number, waits[:3]))
            listed = f"{first} + … + {number(waits[-1])}, {len(waits):,} in all"
        words, numbers = f"{words} + waits", f"{numbers} + ({listed})"
    return f"{words} = {numbers} = {number(verdict.last_s)} s"


def _lead(timing: Timing, every_s: float | None) -> tuple[str, str]:
    """From the last proof of life to the first question, in words and in numbers."""
    interval = number(timing.interval_s)
    match timing.trigger:
        case Trigger.ON_DEMAND if every_s is not None:
            return "interval + pause of the traffic", f"{interval} + {number(every_s)}"
        case Trigger.EACH_INTERVAL if every_s is not None and every_s > timing.interval_s:
            ended = -int(-every_s // timing.interval_s)
            return f"{ended} × interval", f"{ended} × {interval}"
        case Trigger.FREE_RUNNING if every_s is not None and every_s > timing.interval_s:
            return "pause of the traffic + interval", f"{number(every_s)} + {interval}"
        case Trigger.FREE_RUNNING:
            return "2 × interval", f"2 × {interval}"
    if timing.slack_s:
        return "interval + fuzz", f"{interval} + {number(timing.slack_s)}"
    return "interval", interval


def false_death_formula(questions: int, loss: float) -> str:
    """ "(1 - (1 - 0.01)²)^5 = 3e-9"."""
    told = chance(false_death(questions, loss))
    return f"(1 - (1 - {loss:g})²)^{questions} {told if told[0] == '<' else f'= {told}'}"


def chance(value: float) -> str:
    """A probability: "9e-4"; packets are not lost so independently that less is known than 1e-9."""
    if 0 < value < _LEAST_CHANCE:
        return "<1e-9"
    return "0" if value == 0 else f"{value:.0e}".replace("e-0", "e-")


def asks(timing: Timing) -> str:
    """Questions an hour, to two digits: "360"."""
    return about(timing.questions_per_hour)


def about(value: float) -> str:
    """A number to two digits: "520", "0.39"."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def load_formula(peers: int, interval_s: float, *, both_ends: bool = False) -> str:
    """ "2 × 10,000 / 20 = 1,000 messages/s"."""
    factor, words = (4, "2 × 2") if both_ends else (2, "2")
    return f"{words} × {peers:,} / {number(interval_s)} = {rate(factor * peers / interval_s)}"


def rate(per_second: float) -> str:
    """ "400 messages/s", "0.105 messages/s"."""
    shown = f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.3g}"
    return f"{shown} messages/s"


def number(value: float) -> str:
    """A number of seconds with no more digits than it needs."""
    return f"{round(value, 2):,.10g}"
