"""Who died when, when that was noticed, what was lost and why: from the first screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.conftest import SAMPLES, Opened

Open = Callable[..., Opened]


async def test_an_outage_that_was_ridden_out_is_told(console: Open):
    async with console(SAMPLES / "ikev2-brief-outage" / "capture.pcap", size=(80, 24)) as c:
        assert "5 of 5 questions answered, 4 retries" in c.text
        assert "19:57:46.212  liveness check ID 5 by 192.0.2.1 answered" in c.text
        late = "8.0 s after the first, 0.69 ms after retry 4"
        assert late in " ".join(c.text.split())
        await c.press("2", "G")
        assert "answer to ID 5, 8.0 s after" in c.text
        await c.press("3", "slash", *"ID 5, 8", "enter")
        assert " answer 8.0 s after the first " in c.text
    async with console(SAMPLES / "ikev2-brief-outage" / "capture.pcap", size=(132, 43)) as c:
        await c.press("3", "slash", *"ID 5, 8", "enter")
        assert " answer 8.0 s after the first " in c.text
        assert "answered      8.0 s after the first, 0.69 ms" in c.text


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("ikev1-clean-delete", "20:00:45.811  Delete of IKE SA [inferred] by 192.0.2.1"),
        ("ikev2-clean-delete", "20:00:31.741  Delete of IKE SA [inferred] by 192.0.2.1"),
    ],
)
async def test_who_closed_the_tunnel_is_told(console: Open, folder: str, told: str):
    async with console(SAMPLES / folder / "capture.pcap", size=(80, 24)) as c:
        assert told in c.text


async def test_where_a_question_was_lost_is_told(console: Open):
    async with console(SAMPLES / "ikev1-one-way-loss", size=(160, 43)) as c:
        assert "the answer did not leave its end: its own system refused to send" in c.text
        assert "192.0.2.2 could not send, 101 times, as its log says" in c.text


async def test_where_the_log_of_the_other_end_stops_is_told(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(160, 43)) as c:
        assert "the log of 192.0.2.2 shows nothing after 19:54:48.303: no question" in c.text
        assert "Capture at both ends" not in c.text


async def test_the_way_that_works_loses_nothing(console: Open):
    """The questions arrive: of what is sent that way nobody says that it is lost."""
    async with console(SAMPLES / "ikev1-one-way-loss", size=(160, 43)) as c:
        assert "the other end could not send" in c.lines[0]
        assert "packets in vain" not in c.text
        assert "may be in vain" not in c.text
        assert "from here on nothing comes back" in c.text
        assert "▓" not in c.text
        assert "1, 14.7–19.8 s, 73–98 sent" in c.text
        assert "black hole 192.0.2.2 → 192.0.2.1  14.7 to 19.8 s, 73 to 98 packets sent" in c.text
        assert any(line.startswith(" black hole ←") for line in c.lines)
        await c.press("2")
        assert "black hole 192.0.2.2 to 192.0.2.1 goes on" in c.text
        assert "▓" not in c.text
        await c.press("3")
        assert "black hole 192.0.2.2 to 192.0.2.1 begins" in c.text
        assert "sent, nothing came back" in c.text
        await c.press("6")
        (head,) = [line for line in c.lines if line.startswith(" b1 ")]
        assert "73 to 98 packets sent, nothing came back" in head
        assert "192.0.2.2 → 192.0.2.1" in head
        (bar,) = [line for line in c.lines if line.startswith("   observed")]
        assert "▓" not in bar
    async with console(SAMPLES / "ikev1-one-way-loss" / "capture.pcap", size=(160, 43)) as c:
        assert "73 to 98 packets in vain" in c.lines[0]
        assert "▓" in c.text


async def test_nobody_asked_is_told(console: Open):
    async with console(SAMPLES / "ikev2-no-dpd-blackhole" / "capture.pcap", size=(80, 24)) as c:
        assert "nobody asked whether the other side lives" in c.text


async def test_who_asks_and_how_often_is_told_of_both_ends(console: Open):
    async with console(SAMPLES / "ikev1-both-sides") as c:
        for told in (
            "policy of 192.0.2.2",
            "asks      after 3 s       =  on idle 3 s",
            "policy of 192.0.2.1",
            "asks      not seen        ?  on idle 5 s",
            "configured in swanctl-a.conf line 6:",
        ):
            assert told in c.text


async def test_a_peer_is_copied_with_the_words_of_the_screen(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer" / "capture.pcap") as c:
        await c.press("y", "1")
        assert c.app.clipboard.startswith(
            "192.0.2.1 to 192.0.2.2: probing (inferred); 1 black hole, 14.7 to 19.8 s (73 to 98"
        )


async def test_the_findings_of_a_peer_are_explained_from_the_peers(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer" / "capture.pcap") as c:
        await c.press("x")
        assert "dpd-no-ack" in c.text
        assert "Capture at both ends" in c.text


@pytest.mark.parametrize("view", "123")
async def test_every_view_says_why_it_is_empty(console: Open, tmp_path, view: str):
    nothing = tmp_path / "nothing.txt"
    nothing.write_text("hello world\n" * 20)
    async with console(nothing, size=(80, 24)) as c:
        await c.press(view)
        assert "neither capture" in c.text
    async with console(SAMPLES / "ikev1-dead-peer" / "capture.pcap") as c:
        await c.press("f", *"state:alive", "enter", view)
        assert "nothing matches the filter" in c.text


async def test_the_story_of_a_peer_that_nobody_asked_about_is_in_its_messages(console: Open):
    async with console(SAMPLES / "ikev2-no-dpd-blackhole" / "capture.pcap", size=(132, 43)) as c:
        assert "IKE 8 messages" in c.text
        assert "← IKE_AUTH response" in c.text


async def test_messages_that_are_left_out_are_counted(console: Open):
    async with console(SAMPLES / "ikev2-no-dpd-blackhole" / "capture.pcap", size=(132, 43)) as c:
        assert "IKE 8 messages (the last 5 of 8)" in c.text


async def test_an_sa_without_an_spi_and_a_time_has_a_sign_for_it(console: Open, tmp_path: Path):
    path = tmp_path / "ios.log"
    path.write_text(
        "ISAKMP (0): received packet from 192.0.2.2 dport 500 sport 500 Global (I) MM_NO_STATE\n"
        "ISAKMP:(1001):Old State = IKE_I_MM5  New State = IKE_I_MM6\n"
        "ISAKMP (1001): received packet from 192.0.2.2 dport 500 sport 500 Global (I) QM_IDLE\n"
        'ISAKMP:(1001):deleting SA reason "No reason" state (I) QM_IDLE (peer 192.0.2.2)\n'
    )
    async with console(path, size=(132, 43)) as c:
        assert "IKEv1 –" in c.text
        assert "deleted, no time" in c.text


async def test_when_a_peer_asks_is_told_in_one_way_on_all_of_the_screen(console: Open):
    folder = SAMPLES / "ikev1-dead-peer"
    async with console(folder / "capture.pcap", folder / "charon-a.log", size=(132, 43)) as c:
        assert "~5.1 s + 2×5 s" in c.text
        assert "asks      after about 5.1 s, 2 retries × 5 s" in c.text
        assert "unknown interval" not in c.text
