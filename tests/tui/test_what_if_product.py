"""What a product cannot be told is called so in view 6."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzers.configs.vendors import parse_given
from analyzers.session import SessionOptions
from dpdlab.tui.views.what_if import WhatIfView
from dpdlab.tui.views.what_if_rows import HoleRows
from tests.tui.conftest import SAMPLES, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"


async def test_words_have_the_room_that_no_policy_needs(console: Open):
    async with console(SAMPLES / "ikev2-dead-peer", size=(200, 60)) as c:
        await c.press("6")
        assert "more lines (y copies)" not in c.text
        assert "retransmit_tries = 5" in c.text
        assert "The peer is taken to" in c.text
        await c.pilot.resize_terminal(120, 36)
        await c.settle()
        assert "more lines (y copies)" in c.text


@pytest.mark.parametrize("size", [(80, 24), (132, 43)])
async def test_a_mode_that_the_product_has_no_setting_for_is_called_so(
    console: Open, size: tuple[int, int]
):
    async with console(SAMPLES / "ikev2-dead-peer", size=size) as c:
        await c.press("6")
        view = c.app.query_one(WhatIfView)
        assert view.sheet.draft.profile == "strongswan-ikev2"
        for mode, settable in (("periodic", False), ("on-idle", True), ("on-demand", False)):
            view.sheet.type("mode", mode)
            c.app.changed()
            await c.settle()
            told = "\n".join(line[37:].rstrip() for line in c.lines)
            said = f"nothing on strongSwan, IKEv2 sets mode {mode}: there it is on-idle"
            assert (said in " ".join(told.split())) is not settable
            assert (f"{mode}  ! no setting" in c.text) is not settable


async def test_what_was_seen_is_called_no_default(console: Open):
    async with console(DEAD, DEAD.with_name("charon-a.log")) as c:
        await c.press("6")
        await c.until(lambda: "was seen to do" in c.text)
        assert "default" not in c.text
        await c.press("down", "down", "right")
        assert "default" in next(line for line in c.lines if line.startswith(" mode"))


async def test_what_the_product_rejects_is_not_recommended_and_copied_as_rejected(console: Open):
    given = parse_given("cisco-ios interval=3 retry=2 mode=periodic")
    options = SessionOptions(policies=(given,))
    async with console(DEAD, DEAD.with_name("charon-a.log"), options=options) as c:
        await c.press("6")
        view = c.app.query_one(WhatIfView)
        assert "3 s  ! takes 10 to 3600" in c.text
        row = next(line for line in c.lines if line.startswith(" * "))
        assert "IOS periodic" in row
        assert "its own cannot be set: interval 3: Cisco IOS and IOS XE, IKEv1 takes" in " ".join(
            c.text.split()
        )
        assert view.copy_text()["configuration"].splitlines() == [
            "! rejected: interval 3: Cisco IOS and IOS XE, IKEv1 takes 10 to 3600"
            " (crypto isakmp keepalive SECONDS)",
            "crypto isakmp keepalive 3 2 periodic",
        ]


async def test_why_a_policy_is_recommended_is_told_in_full_and_once(console: Open):
    given = parse_given("strongswan-ikev1 interval=5 timeout=10")
    options = SessionOptions(policies=(given,))
    for size in ((80, 24), (120, 36), (200, 60)):
        async with console(DEAD, options=options, size=size) as c:
            await c.press("6")
            rows = c.app.query_one(WhatIfView).rows
            assert isinstance(rows, HoleRows)
            told = [rows.row(n, size[0] - 2, c.app.colours).plain for n in range(len(rows))]
            text = " ".join(" ".join(told).split())
            assert "outlasts its 5 s of retries" in text
            assert text.count("its own policy") == 1
            assert text.count("saves nothing") <= 1
            assert "outlasts its 5 s of retries" in rows.as_text(0, c.app.colours)
