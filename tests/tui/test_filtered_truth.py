"""A filter hides: of what it leaves the console says nothing else than without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.session import SessionOptions
from dpdlab.tui.views.peer_rows import _holes
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]
SMALL = (80, 24)
UNTIMED = """\
ISAKMP (0): received packet from 192.0.2.2 dport 500 sport 500 Global (I) MM_NO_STATE
ISAKMP:(1001):Old State = IKE_I_MM5  New State = IKE_I_MM6
ISAKMP (1001): received packet from 192.0.2.2 dport 500 sport 500 Global (I) QM_IDLE
"""


def opened(console: Open, case: str) -> Opened:
    """A console of both ends of a case."""
    folder = SAMPLES / case
    inputs = [folder / "capture.pcap", folder / "charon-a.log", folder / "charon-b.log"]
    return console(*inputs, size=SMALL, options=SessionOptions(keys=(str(folder),)))


def joined(c: Console) -> str:
    return " ".join(c.text.split())


@pytest.mark.parametrize("view", ["1", "2", "3", "6"])
async def test_what_arrived_is_not_lost_because_the_questions_are_hidden(console: Open, view: str):
    async with opened(console, "ikev1-one-way-loss") as c:
        await c.press(view, "f", *"class:detected", "enter")
        assert "packets in vain" not in c.text
        assert "it may be in vain" not in c.text
        assert "hole 192.0.2.1 → 192.0.2.2" not in c.text
        assert "hole 192.0.2.1 to 192.0.2.2" not in c.text
        if view == "1":
            assert "nothing came back" in joined(c)
        if view == "6":
            assert "98 packets sent" in joined(c)


async def test_that_the_questions_are_hidden_is_told_and_no_other_reason(console: Open):
    async with opened(console, "ikev2-dead-peer") as c:
        await c.press("f", *"kind:delete or kind:peer", "enter")
        assert "the filter leaves 0 of 1 question" in joined(c)
        await c.press("enter")
        assert "not the questions" not in c.text
        assert "nobody asked" not in c.text


async def test_what_a_black_hole_rests_on_is_in_the_list_the_lane_and_the_counts(console: Open):
    async with opened(console, "ikev2-dead-peer") as c:
        (whole,) = c.app.model.peers
        (asked,) = whole.exchanges
        texts = [e.label for e in c.app.model.events(whole) if e.exchange is asked]
        await c.press("f", *"kind:black-hole", "enter")
        assert "the filter leaves 1 of 1 question" in joined(c)
        (part,) = c.app.model.peers
        tally = c.app.model.tally(part)
        assert (tally.probes, tally.unanswered, tally.retries) == (1, 1, 5)
        assert [e.label for e in c.app.model.events(part) if e.exchange is asked] == texts
        assert any("up" in text for text in texts), "the verdict is one of them"
        await c.press("2")
        lane = next(line for line in c.lines if line.startswith(" probes →"))
        assert lane.split()[2:] == ["✗", "↻", "↻", "↻", "↻", "↻"]


async def test_a_question_of_which_the_filter_leaves_no_message_is_hidden_everywhere(
    console: Open,
):
    async with opened(console, "ikev2-dead-peer") as c:
        await c.press("f", *"from:192.0.2.2", "enter")
        (part,) = c.app.model.peers
        assert not part.exchanges
        assert not any(e.exchange is not None for e in c.app.model.events(part))


async def test_trouble_that_a_filter_hides_is_not_none(console: Open):
    async with opened(console, "ikev2-brief-outage") as c:
        await c.press("f", *"kind:peer", "enter")
        assert "trouble shown not shown by the filter" in joined(c)
        assert "nobody given up" not in c.text


@pytest.mark.parametrize("view", ["1", "2", "3", "6"])
async def test_black_holes_that_a_filter_hides_are_not_none(console: Open, view: str):
    async with opened(console, "ikev2-dead-peer") as c:
        await c.press("f", *"outcome:unanswered", "enter", view)
        if view in "23":
            await c.press("b")
        assert "not shown" in joined(c)
        assert "no black hole" not in c.text


@pytest.mark.parametrize("view", ["1", "6"])
async def test_without_times_black_holes_are_not_known(console: Open, view: str, tmp_path: Path):
    log = tmp_path / "asa.log"
    log.write_text(UNTIMED)
    async with console(log, size=(132, 43)) as c:
        (peer,) = c.app.model.peers
        assert not peer.black_holes
        await c.press(view)
        if view == "6":
            assert "– black holes not known: what to expect" in joined(c)
        else:
            assert _holes(peer, c.app.model, c.app.colours).plain == "–"
