from __future__ import annotations

import pytest

from analyzers.decode.log_order import Order
from analyzers.decode.logs import LogDecoder
from analyzers.dialects.catalogue import DIALECTS
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.records import SourceInfo
from tests.log_text import clock, decoder, events_of, messages_of, story

LOCAL, PEER = "192.0.2.1", "198.51.100.9"
I_SPI, R_SPI = "0102030405060708", "1112131415161718"
SPIS = f"{I_SPI}:{R_SPI}"


def line(text: str, level: str = "DEBUG", second: int = 0, peer: str = PEER) -> str:
    named = f"[{peer}] " if peer else ""
    return f"2026-03-11 12:00:{second:02}: {named}{level}: {text}\n"


UP = line(f"ISAKMP-SA established {LOCAL}[500]-{PEER}[500] spi:{SPIS}", "INFO", peer="")


def child(src: str, dst: str, spi: str) -> str:
    text = f"IPsec-SA established: ESP/Tunnel {src}[500]->{dst}[500] spi={spi}"
    return line(text, "INFO", peer="")


def test_a_sent_question_and_its_answer():
    text = (
        UP
        + line("DPD monitoring....", second=5)
        + line("sendto Information notify.", second=5, peer="")
        + line("DPD R-U-There sent (0)", second=5)
        + line("rescheduling send_r_u (5).", second=5)
        + line("DPD R-U-There-Ack received", second=6)
        + line("received an R-U-THERE-ACK", second=6)
    )
    probe, ack = messages_of(text)
    assert (probe.sent, probe.message, probe.version) == (True, MessageKind.R_U_THERE, 1)
    # The number behind it is a return code.
    assert probe.sequence is None
    assert (probe.local, probe.remote) == (LOCAL, PEER)
    assert (ack.sent, ack.message, clock(ack)) == (
        *(False, MessageKind.R_U_THERE_ACK, "12:00:06.000"),
    )


def test_a_question_that_could_not_be_sent_is_none():
    failed = line("DPD R-U-There sent (-1)")
    (refusal,) = events_of(failed)
    assert refusal.kind is LogEventKind.NOT_SENT
    assert refusal.reason == "sending an R-U-THERE returned -1"
    # Two lines may be of one packet: the first has the words of the system.
    found = events_of(UP + line("sendto (Operation not permitted)", "ERROR", peer="") + failed)
    (refusal,) = [e for e in found if e.kind is LogEventKind.NOT_SENT]
    assert (refusal.reason, refusal.remote) == ("Operation not permitted", PEER)


def test_a_received_question_and_its_answer():
    text = line("DPD R-U-There received") + line("received a valid R-U-THERE, ACK sent", peer="")
    assert story(messages_of(text)) == ["received r-u-there", "sent r-u-there-ack"]
    later = line("received a valid R-U-THERE, ACK sent", second=9)
    assert story(messages_of(text + later)) == [
        *("received r-u-there", "sent r-u-there-ack", "received r-u-there", "sent r-u-there-ack"),
    ]


def test_an_answer_that_is_not_accepted():
    text = line("DPD R-U-There-Ack received") + line(
        "Wrong DPD sequence number (17; last_ack=17, seq=18).", "ERROR"
    )
    assert story(events_of(text)) == ["received r-u-there-ack", "hint"]


@pytest.mark.parametrize(
    "words",
    [f"DPD: remote (ISAKMP-SA spi={SPIS}) seems to be dead.", "DPD: remote seems to be dead"],
)
def test_a_dead_peer_and_its_sas(words):
    text = (
        UP
        + child(PEER, LOCAL, "168496145(0xa0b0c11)")
        + child(LOCAL, PEER, "219025186(0xd0e0f22)")
        + line(words, "INFO", 30)
        + line(f"purging ISAKMP-SA spi={SPIS}.", "INFO", 30, "")
        + line("purged IPsec-SA spi=219025186.", "INFO", 30, "")
        + line("purged IPsec-SA spi=168496145.", "INFO", 30, "")
        + line(f"purged ISAKMP-SA spi={SPIS}.", "INFO", 30, "")
        + line(f"ISAKMP-SA deleted {LOCAL}[500]-{PEER}[500] spi:{SPIS}", "INFO", 31, "")
    )  # fmt: skip
    told = events_of(text)
    assert story(told) == [
        *("ike-sa-up", "child-sa-up", "peer-dead", "ike-sa-down", "child-sa-down"),
    ]
    up, pair, dead, down, gone = told
    assert (up.initiator_spi, up.responder_spi) == (I_SPI, R_SPI)
    assert (pair.spis, pair.local, pair.remote) == (("0a0b0c11", "0d0e0f22"), LOCAL, PEER)
    assert (dead.remote, dead.initiator_spi) == (PEER, I_SPI)
    assert (down.protocol, down.remote) == (DeleteProtocol.IKE, PEER)
    assert gone.spis == ("0a0b0c11", "0d0e0f22")


def test_half_a_child_sa_is_told_at_the_end():
    text = UP + child(PEER, LOCAL, "168496145(0xa0b0c11)")
    (up,) = events_of(text, LogEventKind.CHILD_SA_UP)
    assert (up.spis, up.remote) == (("0a0b0c11",), PEER)


def test_deletes_retransmissions_and_exhausted_ones():
    text = (
        line("delete payload for protocol ISAKMP")
        + line("delete payload for protocol ESP")
        + line("sendto Information delete.", peer="")
        + line(f"resend phase1 packet {SPIS}", peer="")
        + line(f"phase1 negotiation failed due to time up. {SPIS}", "ERROR", peer="")
        + line("received Vendor ID: DPD", "INFO", peer="")
    )
    told = events_of(text)
    assert story(told) == [
        *("received delete", "received delete", "sent delete", "sent main-mode again"),
        *("gave-up", "dpd-vendor-id"),
    ]
    assert [e.protocol for e in told[:2]] == [DeleteProtocol.IKE, DeleteProtocol.ESP]


def test_syslog_old_places_and_levels_of_other_programs():
    text = (
        "Jul  4 08:34:01 gw racoon: [198.51.100.9] INFO: DPD: remote (ISAKMP-SA"
        f" spi={SPIS}) seems to be dead.\n"
        "Jul  4 08:34:02 gw racoon[77]: DEBUG: isakmp_inf.c:1404:isakmp_info_recv_r_u(): DPD"
        " R-U-There received\n"
        "2026-03-11 12:00:00: ERROR: something failed\nINFO: done\n"
    )
    reader, events = decoder(text)
    assert story(events) == ["peer-dead", "received r-u-there"]
    assert reader.tally.dialects == {"racoon": 2}


def test_lines_that_name_no_peer_among_many():
    other = UP.replace(PEER, "203.0.113.7").replace(I_SPI, "2" * 16)
    text = UP + other + line("DPD R-U-There sent (0)", second=30, peer="")
    (probe,) = messages_of(text)
    assert probe.remote is None
    assert messages_of(text.replace("12:00:30", "12:00:00"))[0].remote == "203.0.113.7"


# --- FortiClient


def client(text: str, second: str, module: str = "FortiIKE  1531   debug") -> str:
    return f"[2026-03-27 11:00:{second}1601 UTC-04:00] [3872:28148] [{module}] {text}\n"


def test_counts_of_questions_tell_the_unanswered_ones():
    text = (
        client("DPD monitoring....dpd_fails=1", "19.207")
        + client("DPD monitoring....dpd_fails=1", "34.272")
        + client("DPD monitoring....dpd_fails=1", "44.516")
        + client("DPD monitoring....dpd_fails=2", "49.527")
        + client("DPD monitoring....dpd_fails=3", "54.539")
        + client("DPD: remote seems to be dead", "54.540")
    )
    told = events_of(text)
    # Of the first ones only so much is known that they were answered.
    assert story(told) == ["sent r-u-there", "sent r-u-there again", "peer-dead"]
    assert [e.at_ns % 60_000_000_000 // 1_000_000 for e in told if e.at_ns] == [44516, 49527, 54540]
    # The only peer of a log that names none has a name nevertheless.
    assert {e.remote for e in told} == {"remote"}
    assert {e.remote for e in events_of(text + UP)} == {None, PEER}


def test_a_healthy_count_is_no_sign_of_anything():
    text = "".join(client("DPD monitoring....dpd_fails=1", f"{s}.207") for s in (10, 20, 30))
    assert events_of(text) == []


def test_ikev2_of_the_client():
    iked = "iked  446    info"
    text = (
        client("config_getstatic: dpd_enabled 1", "02.393", iked)
        + client("config_getstatic: dpd_check_interval 5", "02.393", iked)
        + client(f"Informational(1) spi=0x{I_SPI}:  send INFORMATIONAL req 9 peer {PEER}:4500 local"
                 f" {LOCAL}:50412, 80 bytes , NAT-T", "40.148", iked)
        + client("ikev2_init_recv: Receive message with id: 9", "40.148", iked)
        + client("<== INFORMATIONAL reply", "40.148", iked)
        + client(f"spi=0x{I_SPI}: retransmit limit reached for req 9", "59.148", iked)
    )  # fmt: skip
    told = events_of(text)
    assert story(told) == [
        *("dpd-agreed", "sent liveness", "received liveness answer", "gave-up"),
    ]
    agreed, sent, answer, _ = told
    assert (agreed.interval_s, agreed.remote) == (5.0, PEER)
    assert (sent.message_id, sent.local_port, sent.length) == (9, 50412, 80)
    assert (sent.initiator_spi, sent.version) == (I_SPI, 2)
    assert (answer.message_id, answer.remote) == (9, PEER)


def test_without_dpd_nobody_knows_what_the_client_says():
    text = client(f"spi=0x{I_SPI}: send INFORMATIONAL req 3 peer {PEER}:4500 local {LOCAL}:500, 80"
                  " bytes", "40.148", "iked  446    info")  # fmt: skip
    assert story(messages_of(text)) == ["sent informational"]


def asked(mid: int, second: str, exchange: str = "INFORMATIONAL") -> str:
    words = f"spi=0x{I_SPI}: send {exchange} req {mid} peer {PEER}:4500 local {LOCAL}:500, 80 bytes"
    return client(words, second, "iked  446    info")


def answered(mid: int, second: str, exchange: str = "INFORMATIONAL") -> str:
    received = client(f"ikev2_init_recv: Receive message with id: {mid}", second, "iked  1 info")
    return received + client(f"<== {exchange} reply", second, "iked  1 info")


def test_an_sa_of_the_client_that_asks_on_was_not_deleted():
    text = asked(9, "10.1") + answered(9, "10.2") + asked(10, "20.1") + answered(10, "20.2")
    words = ["sent liveness", "received liveness answer"] * 2
    assert story(messages_of(text + asked(11, "30.1"))) == [*words, "sent informational"]
    # A log that is being written shows each as soon as it is known.
    reader = LogDecoder(SourceInfo("s1", "f", "log", ""), DIALECTS, order=Order.OLDEST_FIRST)
    now = reader.feed(text + asked(11, "30.1") + "\n") + reader.pause()
    assert story(now) == words


def test_what_follows_a_rekeying_of_the_client_deletes_the_old_sa():
    text = asked(8, "09.1", "CREATE_CHILD_SA") + answered(8, "09.2", "CREATE_CHILD_SA")
    text += asked(9, "10.1") + answered(9, "10.2") + asked(10, "20.1")
    assert story(messages_of(text))[2:4] == ["sent informational", "received informational answer"]
