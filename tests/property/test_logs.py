"""Debug logs cut, joined, shuffled, spliced, made to be slow: same events, no invented deaths."""

from __future__ import annotations

import itertools
import random
import re
import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.decode.log_order import Order
from analyzers.decode.logs import LogDecoder, LogTally
from analyzers.dialects.catalogue import DIALECTS
from analyzers.dialects.stamps import STAMP_AT_START
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import SourceInfo
from tests.benchmarks.generate_log import KINDS, Kind, LogPlan, log_text

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
CHARON = sorted(SAMPLES.glob("*/charon-?.log"))

ALL_SAMPLES = [
    sample for dialect in DIALECTS for pattern in dialect.patterns for sample in pattern.samples
]
ROUTERS = ("cisco-isakmp", "cisco-ikev2", "cisco-ipsec", "cisco-trace", "cisco-syslog")
ROUTER_SAMPLES = [
    sample
    for dialect in DIALECTS
    if dialect.name in ROUTERS
    for pattern in dialect.patterns
    for sample in pattern.samples
]
STAMPS = [
    "",
    "",
    "*Mar  1 00:05:58.407: ",
    "*Mar  1 00:05:58.411: ",
    "Mar  1 00:05:59: ",
    "Mar  1 00:06:00 gw ",
    "000123: Mar  1 2024 00:06:01.5 UTC: ",
    "2024-03-01T00:06:01.250+01:00 gw ",
    "00:06:01: ",
    "1d02h: ",
    "Dec 31 23:59:59.999: ",
    "Jan  1 00:00:00.001: ",
    "Feb 30 00:00:00: ",
    "Mar  1 00:06:02 192.0.2.7 77: *Mar  1 00:06:01.999: ",
]
DAMAGE = ["--More--", "R2#", "!!!!!", "*Mar", "\r", "\x00", "<br>", "&gt;", " ", "ä", "4.\n", "*"]
"""What is found in pasted logs."""

CERTAIN_DEATH = re.compile(
    r"not\s+responding|peers\s+alive|giving up|check timed out|[Mm]aximum\s+number\s+of\s+retrans"
)
"""What a router or charon writes of a peer that it gives up."""


def decode(
    text: str, cuts: list[int] | None = None, alone: int = 0, order: Order = Order.UNKNOWN
) -> tuple[list[LogEvent], LogTally, SourceInfo]:
    info = SourceInfo("s1", "", "log", "")
    decoder = LogDecoder(info, DIALECTS, alone=alone, order=order)
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts or ()), len(text)]
    events: list[LogEvent] = []
    for start, end in itertools.pairwise(bounds):
        events += decoder.feed(text[start:end])
    return events + decoder.finish(), decoder.tally, info


def same(text: str, cuts: list[int], **options: int) -> None:
    """Cut anywhere, by shapes or line by line: the same events, counts and problems."""
    events, tally, info = decode(text, [], alone=1 << 30)
    for each in ([], cuts):
        assert decode(text, each) == (events, tally, info)


@st.composite
def pasted(draw: st.DrawFn, samples: list[str] = ALL_SAMPLES) -> str:
    """Lines of any dialect behind any stamp, some of them damaged; numbers differ from line to
    line, as they do in logs."""
    lines = draw(st.lists(st.sampled_from(samples), max_size=30))
    rng = random.Random(draw(st.integers(0, 1 << 32)))
    text = ""
    for line in lines * draw(st.integers(1, 3)):
        stamp = STAMP_AT_START.match(line)
        if stamp is not None and rng.random() < 0.5:
            line = line[stamp.end() :]
            stamp = None
        if stamp is None:
            line = rng.choice(STAMPS) + line
        if rng.random() < 0.3:
            line = re.sub(r"\d", lambda _: rng.choice("0123456789"), line)
        place = rng.randrange(len(line) + 1)
        match rng.randrange(12):
            case 0:
                line = line[:place]
            case 1:
                line = line[place:]
            case 2:
                line = line[:place] + rng.choice(DAMAGE) + line[place:]
            case 3:
                line = line[:place] + "\n" + line[place:]
            case _:
                pass
        text += line + rng.choice(("\n",) * 20 + ("\r\n", "\r", "", " ", "\n\n", "\r\r\n"))
    return text


@settings(max_examples=400)
@given(text=pasted(), cuts=st.lists(st.integers(0, 4000), max_size=6))
def test_any_cutting_gives_the_same_events_with_shapes_and_without(
    text: str, cuts: list[int]
) -> None:
    same(text, cuts)


@settings(max_examples=150)
@given(text=st.text(max_size=400), cuts=st.lists(st.integers(0, 400), max_size=4))
def test_any_text_is_read(text: str, cuts: list[int]) -> None:
    same(text, cuts)


@settings(max_examples=60)
@given(data=st.binary(max_size=600))
def test_any_bytes_are_read(data: bytes) -> None:
    for encoding in ("utf-8", "latin-1", "utf-16"):
        decode(data.decode(encoding, errors="replace"))
    decode(data.decode("utf-8", errors="surrogateescape"))


@cache
def generated(kind: Kind, lines: int) -> str:
    return log_text(LogPlan(kind, lines, seed=3))[0]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=4)
@given(cuts=st.lists(st.integers(0, 700_000), max_size=30))
def test_busy_logs_are_read_the_same_with_shapes_and_without(kind: Kind, cuts: list[int]) -> None:
    same(generated(kind, 8_000), cuts)


@pytest.mark.parametrize("path", CHARON, ids=lambda path: f"{path.parent.name}-{path.stem[-1]}")
def test_sample_logs_are_read_the_same_with_shapes_and_without(path: Path) -> None:
    text = path.read_text()
    same(text, list(range(0, len(text), 777)))


def dead(events: list[LogEvent]) -> int:
    return sum(event.kind is LogEventKind.PEER_DEAD for event in events)


@settings(max_examples=150)
@given(text=pasted(ROUTER_SAMPLES))
def test_routers_declare_no_death_that_no_line_says(text: str) -> None:
    # A gap of NULs is no part of what is said.
    assert dead(decode(text)[0]) <= len(CERTAIN_DEATH.findall(text.replace("\0", "")))


@st.composite
def spliced(draw: st.DrawFn) -> str:
    """A busy log with lines lost, doubled, cut, joined and moved, but for those of a death."""
    text = generated(draw(st.sampled_from(("ios", "charon"))), 8_000)
    lines = text.split("\n")
    begin = draw(st.integers(0, len(lines) - 300))
    rng = random.Random(draw(st.integers(0, 1 << 32)))
    kept: list[str] = []
    for line in lines[begin : begin + 300]:
        if CERTAIN_DEATH.search(line):
            continue
        match rng.randrange(20):
            case 0:
                continue
            case 1:
                kept += [line, line]
            case 2:
                kept.append(line[: rng.randrange(len(line) + 1)])
            case 3:
                kept.append(line[rng.randrange(len(line) + 1) :])
            case 4 if kept:
                kept[-1] += line
            case 5 if kept:
                kept.insert(rng.randrange(len(kept)), line)
            case _:
                kept.append(line)
    return "\n".join(kept)


@settings(max_examples=80)
@given(text=spliced())
def test_no_damage_kills_a_peer(text: str) -> None:
    """Retries in plenty, and errors counted: but nobody has said that the peer is dead."""
    assert dead(decode(text)[0]) == 0


@settings(max_examples=25)
@given(seed=st.integers(0, 1 << 32), count=st.integers(1, 120))
def test_newest_first_is_the_same_log(seed: int, count: int) -> None:
    """Only that its lines have other numbers."""
    lines = generated("charon", 8_000).split("\n")
    begin = random.Random(seed).randrange(len(lines) - count)
    wanted = lines[begin : begin + count]
    forward = decode("\n".join(wanted), order=Order.OLDEST_FIRST)[0]
    backward = decode("\n".join(reversed(wanted)))[0]
    times = {line[:23] for line in wanted}
    if len(times) == 1:
        return  # nothing tells the order
    for event in forward:
        event.ref = event.ref._replace(record=count + 1 - event.ref.record)
    assert backward == forward


SLOW = [
    "*Mar  1 00:05:58.407: ISAKMP:(1001):" + "processing " * 40_000,
    "*Mar  1 00:05:58.407: " * 20_000,
    "ISAKMP" * 80_000,
    "Mar" * 100_000,
    "*Mar " * 80_000,
    ":00:00" * 60_000,
    "<b " * 100_000,
    "-- " * 100_000,
    "&" * 400_000,
    "\x1b[" * 150_000,
    "\r" * 300_000,
    "a#" * 200_000,
    "1: " * 120_000,
    "date=2024-01-01 time=00:00:00 " * 12_000,
    "\ufeff" * 200_000,
    "{\\tt " * 60_000,
    "12[IKE] " * 50_000,
    " " * 500_000,
    "\n" * 200_000,
    "x\n" * 50_000,
    "- M.!!\n" * 20_000,
    "*Mar\n" * 20_000,
    "*Mar  1 00:05:58.407:\n" * 10_000,
]


@pytest.mark.parametrize("text", SLOW, ids=lambda text: repr(text[:12]))
def test_no_text_takes_longer_than_its_length_allows(text: str) -> None:
    """Twice the text takes about twice the time; a square of it would take four times."""
    half = text[: len(text) // 2]
    small = min(_seconds(half) for _ in range(3))
    large = min(_seconds(text) for _ in range(3))
    assert large < 3.2 * small + 0.1


def _seconds(text: str) -> float:
    start = time.process_time()
    decode(text)
    return time.process_time() - start
