"""Debug logs of the devices that are not IOS: damaged, shuffled, run together, and made to be slow.

The lines are the samples of the dialects' own tables.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.dialects import (
    cisco_asa,
    cisco_asa_ikev2,
    fortigate,
    fortigate_events,
    juniper_kmd,
    pluto,
    racoon,
    routeros,
)
from analyzers.dialects.dialect import MAX_TEXT, Dialect, Reader
from analyzers.model.log_events import LogEvent, LogEventKind
from tests.log_text import decoder

DEATHS = {
    cisco_asa.DIALECT: r"lost\s+contact",
    cisco_asa_ikev2.DIALECT: r"aximum\s+number\s+of\s+retrans",
    fortigate.DIALECT: "link fail|DPD (?:fail|time)",
    fortigate_events.DIALECT: "dpd_failure|IPsec DPD failed",
    juniper_kmd.DIALECT: "DPD|dead|Dead",
    pluto.DIALECT: "action|No response|timeout exceeded|retransmi",
    racoon.DIALECT: "dead",
    routeros.DIALECT: "dead",
}
"""Words without which no line of a dialect can declare a peer dead."""

dialects = pytest.mark.parametrize("dialect", DEATHS, ids=lambda d: d.name)
SLOW_S = 0.04
ODD = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=4)
"""No controls: what a terminal does with them could make a word out of pieces."""
_SPI = re.compile(r"[0-9a-f]{8}|[0-9a-f]{16}")


def samples(dialect: Dialect) -> list[str]:
    return [sample for pattern in dialect.patterns for sample in pattern.samples]


@st.composite
def damaged(draw: st.DrawFn, dialect: Dialect) -> str:
    """Lines in any order, some cut, some without their line end, some with odd characters."""
    lines = draw(st.lists(st.sampled_from(samples(dialect)), max_size=40))
    text = ""
    for line in lines:
        match draw(st.sampled_from(["whole"] * 4 + ["cut", "joined", "odd", "headless"])):
            case "cut":
                text += line[: draw(st.integers(0, len(line)))] + "\n"
            case "headless":
                text += line[draw(st.integers(0, len(line))) :] + "\n"
            case "joined":
                text += line
            case "odd":
                place = draw(st.integers(0, len(line)))
                text += line[:place] + draw(ODD) + line[place:] + "\n"
            case _:
                text += line + "\n"
    return text


def sound(event: LogEvent, lines: int) -> bool:
    words = (event.local, event.remote, event.handle, event.reason)
    return (
        1 <= event.ref.record <= lines
        and all(len(word) <= MAX_TEXT for word in words if word is not None)
        and all(_SPI.fullmatch(value) for value in event.spis)
        and (event.message_id is None or 0 <= event.message_id < 2**32)
        and (event.sequence is None or 0 <= event.sequence < 2**32)
        and (
            event.kind is LogEventKind.REFUSED
            or (event.kind is LogEventKind.MESSAGE) == (event.message is not None)
        )
    )


@dialects
@settings(max_examples=60)
@given(data=st.data())
def test_damaged_lines_make_sound_events_and_no_deaths(dialect: Dialect, data: st.DataObject):
    text = data.draw(damaged(dialect))
    events = decoder(text)[1]
    lines = len(re.split(r"\r\n|\r|\n", text))
    assert [e for e in events if not sound(e, lines)] == []
    dead = sum(e.kind is LogEventKind.PEER_DEAD for e in events)
    assert dead <= len(re.findall(DEATHS[dialect], text))


@dialects
@settings(max_examples=30)
@given(data=st.data())
def test_batches_make_no_difference(dialect: Dialect, data: st.DataObject):
    text = data.draw(damaged(dialect))
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=5))
    assert decoder(text, cuts)[1] == decoder(text)[1]


def near_misses(sample: str) -> Iterator[str]:
    """The line with one place blown up to the length that is still looked at."""
    places = {0, len(sample)} | {m.start() for m in re.finditer(r"[^0-9A-Za-z]", sample)}
    for place in sorted(places):
        for filler in (" ", "0", "a ", "a=", "0.", ":", ", ", '"', "(", "f"):
            yield (sample[:place] + filler * MAX_TEXT)[:MAX_TEXT]
            room = max(MAX_TEXT - len(sample), 0)
            yield sample[:place] + (filler * room)[:room] + sample[place:-1] + "\0"


@dialects
def test_no_line_takes_long(dialect: Dialect) -> None:
    reader = Reader((dialect,))
    # Some 0.5 ms for the worst on an idle machine; a square of the length takes 100 ms.
    slow = [
        text[:100]
        for sample in samples(dialect)
        for text in near_misses(sample)
        if _seconds(reader, text) > SLOW_S and _seconds(reader, text) > SLOW_S
    ]
    assert slow == []


def _seconds(reader: Reader, text: str) -> float:
    start = time.process_time()
    reader.read(text)
    return time.process_time() - start
