"""Counters of peers where only a part is shown: a stretch of time, or what a filter leaves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.conftest import SAMPLES, Opened

Open = Callable[..., Opened]


@pytest.mark.parametrize("size", [(80, 24), (132, 43)])
async def test_all_counters_of_a_peer_are_of_the_chosen_stretch_or_called_whole(
    console: Open, size: tuple[int, int]
):
    """One question with five retries: it is of every stretch that has any of them."""
    async with console(SAMPLES / "ikev2-dead-peer" / "capture.pcap", size=size) as c:
        model = c.app.model
        (peer,) = model.peers
        assert (model.tally(peer).probes, model.tally(peer).retries) == (1, 5)
        (asked,) = peer.exchanges
        model.choose_range((asked.transmissions[2].at_ns, asked.transmissions[3].at_ns))
        c.app.changed()
        await c.settle()
        assert (model.tally(peer).probes, model.tally(peer).retries) == (1, 2)
        assert (model.tally(peer).unanswered, model.tally(peer).warnings) == (1, 1)
        assert "state (all)" in c.text
        assert "1, in part" in c.text
        assert "1 of 1 question)" in " ".join(c.text.split())
        model.choose_range((asked.first_ns - 10**9, asked.first_ns - 1))
        c.app.changed()
        await c.settle()
        assert (model.tally(peer).probes, model.tally(peer).retries) == (0, 0)
        assert (model.tally(peer).unanswered, model.tally(peer).warnings) == (0, 1)
        assert "0 of 1 question)" in " ".join(c.text.split())
        assert "0 of 1 question answered" not in c.text
        await c.press("F")
        assert "(all)" not in c.text
        assert "0 of 1 question answered" in c.text


async def test_beside_what_a_filter_leaves_the_whole_is_called_so(console: Open):
    folder = SAMPLES / "ikev1-clean-delete"
    async with console(folder / "capture.pcap", size=(80, 24)) as c:
        await c.press("f", *"kind:delete", "enter")
        assert "state (all)" in c.text
        assert "the filter leaves 0 of 1 question, 2 of 2 Deletes" in " ".join(c.text.split())
