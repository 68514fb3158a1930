from __future__ import annotations

import struct

from analyzers.model.log_events import LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import clock, decoder, events_of, messages_of, story
from tests.unit.analyzers.ike_messages import SPI_I, SPI_R, chain, notify_v1

LOCAL, PEER = "192.0.2.1", "198.51.100.9"
SPIS = f"{SPI_I.hex()}:{SPI_R.hex()}"


def line(text: str, topics: str = "ipsec,debug", at: str = "22:40:29") -> str:
    return f"oct/27 {at} {topics} {text}\n"


def dump(data: bytes, at: str = "22:40:29") -> str:
    """Bytes as they are dumped: 32 a line, 4 a group."""
    groups = [data[i : i + 4].hex() for i in range(0, len(data), 4)]
    lines = [" ".join(groups[i : i + 8]) for i in range(0, len(groups), 8)]
    return "".join(line(text, "ipsec,debug,packet", at) for text in lines)


def notify(kind: int, number: int) -> bytes:
    return chain([(11, notify_v1(kind, struct.pack(">I", number)))])[1]


UP = line(f"ISAKMP-SA established {LOCAL}[500]-{PEER}[500] spi:{SPIS}", "ipsec,info")


def test_a_received_question_has_the_number_of_its_dump():
    text = (
        UP
        + line("HASH with:", "ipsec,debug,packet")
        + dump(bytes.fromhex("9c6a1e02") + notify(36136, 0x3E5F8000))
        + line("hash validated.", "ipsec,debug,packet")
        + line("DPD R-U-There received")
        + line("received a valid R-U-THERE, ACK sent")
    )
    asked, answered = messages_of(text)
    assert (asked.sent, asked.message, asked.sequence) == (
        *(False, MessageKind.R_U_THERE, 0x3E5F8000),
    )
    assert (asked.message_id, asked.remote) == (0x9C6A1E02, PEER)
    assert asked.payload == bytes.fromhex("9c6a1e02") + notify(36136, 0x3E5F8000)
    assert (answered.sent, answered.sequence) == (True, None)


def test_a_dump_of_one_line_without_the_message_id():
    text = UP + dump(notify(36136, 7)) + line("DPD R-U-There sent (0)")
    (probe,) = messages_of(text)
    assert (probe.sent, probe.sequence, probe.message_id) == (True, 7, None)
    assert (probe.local, probe.remote) == (LOCAL, PEER)


def test_a_dump_of_another_message_or_of_long_ago_is_not_taken():
    other = UP + dump(notify(36137, 7)) + line("DPD R-U-There sent (0)")
    assert messages_of(other)[0].sequence is None
    old = UP + dump(notify(36136, 7)) + line("DPD R-U-There sent (0)", at="22:40:59")
    assert messages_of(old)[0].payload is None


def test_dumps_alone_are_no_messages():
    assert events_of(dump(notify(36136, 7)) + dump(bytes(200))) == []


def test_packets_and_words_name_the_peer():
    question = bytes.fromhex("11111111") + notify(36136, 0x3E5F80D9)
    text = (
        line(f"===== received 92 bytes from {PEER}[500] to {LOCAL}[500]")
        + dump(bytes(range(32)))
        + line("decrypted.", "ipsec,debug,packet")
        + dump(question)
        + line(f"{PEER} DPD R-U-There received")
        + line(f"92 bytes from {LOCAL}[500] to {PEER}[500]")
        + line("received a valid R-U-THERE, ACK sent")
    )
    asked, answered = messages_of(text)
    assert (asked.sent, asked.message, asked.sequence) == (
        *(False, MessageKind.R_U_THERE, 0x3E5F80D9),
    )
    assert (asked.local, asked.remote) == (answered.local, answered.remote) == (LOCAL, PEER)


def test_a_dead_peer_in_racoons_words():
    text = UP + line("DPD: remote seems to be dead", "ipsec,info", "22:41:29")
    text += line(f"purging ISAKMP-SA spi={SPIS}.", "ipsec,info", "22:41:29")
    dead, down = events_of(text)[1:]
    assert (dead.kind, dead.remote, dead.dialect) == (LogEventKind.PEER_DEAD, PEER, "routeros")
    assert (down.kind, clock(down)) == (LogEventKind.IKE_SA_DOWN, "22:41:29.000")


def packet(way: str, kind: str, mid: int, at: str = "22:40:29") -> str:
    text = f"{way} ike2 {kind}, exchange: INFORMATIONAL:{mid} {PEER}[4500] {SPIS}"
    return line(text, "ipsec", at)


def test_liveness_of_ikev2():
    text = (
        line("sending dpd packet", "ipsec")
        + packet("<-", "request", 5)
        + packet("<-", "retransmit request", 5, "22:40:34")
        + packet("->", "reply", 5, "22:40:35")
        + packet("->", "request", 0, "22:40:36")
        + line("=> plain payload (trimmed) (size 0x0)", at="22:40:36")
        + packet("<-", "reply", 0, "22:40:36")
    )
    told = messages_of(text)
    assert story(told) == [
        *("sent liveness", "sent liveness again", "received liveness answer"),
        *("received liveness", "sent liveness answer"),
    ]
    assert [e.message_id for e in told] == [5, 5, 5, 0, 0]
    assert {e.remote for e in told} == {PEER}


def test_deletes_of_ikev2_and_the_end_of_its_sas():
    text = (
        line(f"peer authorized: hub {LOCAL}[4500]-{PEER}[4500] spi:{SPIS}", "ipsec,info,account")
        + line(f"IPsec-SA established: {PEER}[4500]->{LOCAL}[4500] spi=0xa0b0c11", "ipsec")
        + line(f"IPsec-SA established: {LOCAL}[4500]->{PEER}[4500] spi=0xd0e0f22", "ipsec")
        + packet("->", "request", 1)
        + line("payload seen: ENC (52 bytes)", "ipsec")
        + line("payload seen: DELETE (8 bytes)", "ipsec")
        + packet("<-", "reply", 1)
        + line(f"IPsec-SA killing: {PEER}[4500]->{LOCAL}[4500] spi=0xa0b0c11", "ipsec")
        + line(f"IPsec-SA killing: {LOCAL}[4500]->{PEER}[4500] spi=0xd0e0f22", "ipsec")
        + line(f"killing ike2 SA: hub {LOCAL}[4500]-{PEER}[4500] spi:{SPIS}", "ipsec,info")
    )
    told = events_of(text)
    assert story(told) == [
        *("ike-sa-up", "child-sa-up", "received delete", "sent informational answer"),
        *("child-sa-down", "ike-sa-down"),
    ]
    assert told[1].spis == ("0a0b0c11", "0d0e0f22")
    assert (told[0].local, told[0].remote, told[5].remote) == (LOCAL, PEER, PEER)


def test_commands_and_other_topics_are_not_ipsec():
    text = "west #\n ipsec start\n ipsec auto --up gw\noct/27 22:40:29 system,info logged in\n"
    reader, events = decoder(text)
    assert (events, reader.tally.dialects) == ([], {})


def test_a_syslog_server_names_the_device():
    text = (
        f"<30>Oct 27 22:40:29 mt1 ipsec,info killing ike2 SA: {LOCAL}[500]-{PEER}[500] spi:{SPIS}"
    )
    (down,) = events_of(text)
    assert (down.kind, down.remote) == (LogEventKind.IKE_SA_DOWN, PEER)
