"""A line that nearly matches costs no more than its length, in every dialect and with all tags."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from analyzers.dialects.catalogue import DIALECTS
from analyzers.dialects.dialect import MAX_TEXT, Dialect, Reader
from analyzers.dialects.effort import effort
from analyzers.dialects.logical_lines import LineJoiner
from analyzers.dialects.stamps import STAMP_AT_START

READER = Reader(DIALECTS)
FILLERS = ("0", "a ", "x.", ":", ", ", "(", "A_", "-")
# A line of 2000 characters is read in some 0.1 ms; a square of the length takes 100 ms.
SLOW_S = 0.05


def texts(dialect: Dialect) -> list[str]:
    found = []
    for pattern in dialect.patterns:
        for sample in pattern.samples:
            stamp = STAMP_AT_START.match(sample)
            found.append(sample if stamp is None else sample[stamp.end() :])
    return found


def near_misses(text: str) -> Iterator[str]:
    """The text with a place blown up until nothing behind it is looked at, or everything is."""
    places = {0, len(text)} | {m.end() for m in re.finditer(r"[^0-9A-Za-z]+", text)}
    for place in sorted(places):
        for filler in FILLERS:
            yield text[:place] + filler * (MAX_TEXT // len(filler))
            room = max(MAX_TEXT - len(text), 0)
            yield text[:place] + (filler * room)[:room] + text[place:-1] + "\0"


def seconds(text: str) -> float:
    start = time.process_time()
    READER.read(text)
    return time.process_time() - start


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_no_near_miss_takes_long(dialect: Dialect) -> None:
    slow = [
        miss[:120]
        for text in texts(dialect)
        for miss in near_misses(text)
        # Twice, since the machine may have been busy with something else.
        if seconds(miss) > SLOW_S and min(seconds(miss), seconds(miss)) > SLOW_S
    ]
    assert slow == []


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_tags_go_one_way(dialect: Dialect) -> None:
    """They are matched against every line of every log."""
    assert effort(dialect.tag) < 5


@pytest.mark.parametrize(
    "filler", ["ab ", "1.2.3.4 ", "a:b ", "x[1]: ", "%ASA-6-", "12 [IKE", "<1>"]
)
def test_lines_of_other_programs_are_passed_over_quickly(filler: str) -> None:
    joiner = LineJoiner(READER.tag)
    line = "Mar  1 00:05:58 gw " + filler * (3_000 // len(filler))
    start = time.process_time()
    for _ in range(20):
        joiner.look(line)
        READER.read(line)
    assert time.process_time() - start < 20 * 0.01
