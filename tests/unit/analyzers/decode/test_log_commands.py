"""Commands that were typed while the debug was running, amid its lines."""

from __future__ import annotations

import pytest

from analyzers.decode.log_commands import without_commands
from analyzers.dialects.catalogue import DIALECTS
from analyzers.dialects.dialect import Reader
from tests.log_text import clock, events_of

STAMP = "*Nov 20 10:00:00.000:"
LINE = " ISAKMP:(1001): sending packet to 198.51.100.3 my_port 500 peer_port 500 (I) QM_IDLE"
NODE = f"{STAMP} ISAKMP: set new node 1013818839 to QM_IDLE\n"
INPUT = f"{STAMP} ISAKMP:(1001):Input = IKE_MESG_FROM_TIMER, IKE_TIMER_IM_ALIVE\n"
SENT = f"{NODE}{STAMP}{LINE}\n{INPUT}"
TYPED = "\nHUB#sh ip int br\n"
READER = Reader(DIALECTS)


@pytest.mark.parametrize("place", range(len(LINE)))
def test_a_line_is_the_same_wherever_a_command_cuts_it(place: int) -> None:
    """In the middle of a word, of an address, and behind the stamp."""
    (event,) = events_of(SENT.replace(LINE, f"{LINE[:place]}{TYPED}{LINE[place:]}"))
    assert (event.remote, event.remote_port, event.sent) == ("198.51.100.3", 500, True)
    assert (event.message_id, clock(event)) == (1013818839, "10:00:00.000")


@pytest.mark.parametrize(
    "printed",
    ["crypto isakmp keepalive 10 2", "Interface  IP-Address\nGi0/0  192.0.2.1", "", "dead beef"],
)
def test_what_a_command_prints_is_no_part_of_the_line(printed: str) -> None:
    said = "ISAKMP:(1001): DPD/R_U_THERE_ACK received from peer 198.51.100.3, sequence 0x20"
    assert without_commands(f"{said}\nHUB(config)#do sh run\n{printed}", READER) == said
    cut = "ISAKMP:(1001): sending packet to"
    assert without_commands(f"{cut}{TYPED}{printed}", READER) == cut


def test_what_is_no_command_stays() -> None:
    text = "ISAKMP:(1001): processing NOTIFY R_U_THERE protocol 1\n    spi 0, message ID = 7"
    assert without_commands(text, READER) == text


def test_a_dump_that_goes_on_behind_a_prompt_stays() -> None:
    text = (
        "IKEv2-PROTO-5: (11): Next payload: DELETE\nfw1#     Security protocol id: IKE, spi size: 0"
    )
    assert without_commands(text, READER) == text
