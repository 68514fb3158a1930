from __future__ import annotations

import pytest

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import clock, decoder, events_of, messages_of, story

PEER = "Group = 198.51.100.9, IP = 198.51.100.9, "
NOTIFY = "HDR + HASH (8) + NOTIFY (11) + NONE (0) total length : 80"
DELETE = "HDR + HASH (8) + DELETE (12) + NONE (0) total length : 76"


def log(code: str, text: str, second: int = 0, who: str = PEER) -> str:
    return f"Sep 15 2025 03:14:{second:02}: %ASA-{code}: {who}{text}\n"


def packet(way: str, mid: str, payloads: str, second: int = 0) -> str:
    text = f"IKE_DECODE {way} Message (msgid={mid}) with payloads : {payloads}"
    return log("7-713236", text, second, "IP = 198.51.100.9, ")


def keepalive(way: str, kind: str, sequence: str, second: int = 0) -> str:
    code = "7-715036" if way == "Sending" else "7-715075"
    return log(code, f"{way} keep-alive of type DPD {kind} (seq number {sequence})", second)


PROBE = (
    keepalive("Sending", "R-U-THERE", "0x2227aa60")
    + log("7-715046", "constructing blank hash payload")
    + log("7-715046", "constructing qm hash payload")
    + packet("SENDING", "4c1a90e2", NOTIFY)
)
ANSWER = (
    packet("RECEIVED", "9b01f0aa", NOTIFY)
    + log("7-715047", "processing hash payload")
    + log("7-715047", "processing notify payload")
    + keepalive("Received", "R-U-THERE-ACK", "0x2227aa60")
)


def test_a_sent_notify_and_its_packet_are_one_message():
    (probe,) = messages_of(PROBE)
    assert (probe.sent, probe.message, probe.version) == (True, MessageKind.R_U_THERE, 1)
    assert (probe.sequence, probe.message_id, probe.length) == (0x2227AA60, 0x4C1A90E2, 80)
    assert (probe.remote, probe.retransmission) == ("198.51.100.9", False)
    assert clock(probe) == "03:14:00.000"
    assert probe.resolution_ns == 10**9


def test_a_received_packet_and_its_notify_are_one_message():
    (answer,) = messages_of(ANSWER)
    assert (answer.sent, answer.message) == (False, MessageKind.R_U_THERE_ACK)
    assert (answer.sequence, answer.message_id) == (0x2227AA60, 0x9B01F0AA)
    assert answer.ref.record == 1


def test_a_question_and_its_answer_come_in_the_order_of_the_log():
    assert story(messages_of(PROBE + ANSWER)) == ["sent r-u-there", "received r-u-there-ack"]


def test_without_packets_the_notifies_alone_are_the_messages():
    text = keepalive("Received", "R-U-THERE", "0x47e40a70") + keepalive(
        "Sending", "R-U-THERE-ACK", "0x47e40a70"
    )
    asked, answered = messages_of(text)
    assert (asked.sent, asked.message, asked.sequence) == (
        *(False, MessageKind.R_U_THERE, 0x47E40A70),
    )
    assert (answered.sent, answered.message) == (True, MessageKind.R_U_THERE_ACK)
    assert answered.message_id is None


def test_a_notify_whose_packet_never_comes_is_told_where_it_was_built():
    text = keepalive("Sending", "R-U-THERE", "0x10", 0) + log("5-713119", "PHASE 1 COMPLETED", 9)
    assert story(events_of(text)) == ["sent r-u-there", "ike-sa-up"]


def test_a_relay_without_time_and_a_console_say_the_same():
    relayed = (
        "192.0.2.254:514 : local7.debug %PIX-7-715036: " + PEER + "Sending keep-alive of type"
        " DPD R-U-THERE (seq number 0x11)\n"
    )
    console = (
        "fw1/pri/act# Sep 15 03:14:00 [IKEv1 DEBUG]" + PEER + "Received keep-alive of type DPD"
        " R-U-THERE-ACK (seq number 0x11)\n"
        "[IKEv1]: Group = 198.51.100.9, Username = 198.51.100.9, IP = 198.51.100.9, IKE lost"
        " contact with remote peer, deleting connection (keepalive type: DPD)\n"
    )
    told = events_of(relayed + console)
    assert story(told) == ["sent r-u-there", "received r-u-there-ack", "peer-dead", "ike-sa-down"]
    assert {e.remote for e in told} == {"198.51.100.9"}


def test_a_wrapped_line_is_read_whole():
    text = (
        "Sep 15 2025 03:14:00: %ASA-7-715036: Group = 198.51.100.9, IP = 198.51.100.9, Sending\n"
        "keep-alive of type DPD R-U-THERE (seq number\n0x2227aa60)\r\n"
    )
    (probe,) = messages_of(text)
    assert probe.sequence == 0x2227AA60


def test_the_packets_of_a_negotiation():
    text = (
        packet("SENDING", "0", "HDR + SA (1) + VENDOR (13) + NONE (0) total length : 172")
        + packet("RESENDING", "0", "HDR + KE (4) + NONCE (10) + NONE (0) total length : 256")
        + packet("RECEIVED", "0", "HDR + SA (1) + KE (4) + NONCE (10) + ID (5) total length : 300")
        + packet("SENDING", "6abd3600", "HDR + HASH (8) + SA (1) + NOTIFY (11) total length :200")
        + packet("SENDING", "6abd3600", "HDR + HASH (8) + NONE (0) total length : 76")
        + packet("SENDING", "11", "HDR + HASH (8) + ATTR (14) + NONE (0) total length : 76")
        + packet("RECEIVED", "0", "HDR + NOTIFY (11) + NONE (0) total length :68")
    )
    assert story(messages_of(text)) == [
        "sent main-mode",
        "sent main-mode again",
        "received aggressive",
        "sent quick-mode",
        "sent quick-mode",
        "sent transaction",
        "received notify",
    ]


@pytest.mark.parametrize(
    ("what", "protocol"), [("IKE", DeleteProtocol.IKE), ("IPSec", DeleteProtocol.ESP)]
)
def test_a_sent_delete_says_what_it_deletes_before_its_packet(what, protocol):
    text = log("7-715046", f"constructing {what} delete payload") + packet(
        "SENDING", "5e5e0001", DELETE
    )
    (delete,) = messages_of(text)
    assert (delete.sent, delete.message, delete.protocol) == (True, MessageKind.DELETE, protocol)
    assert delete.message_id == 0x5E5E0001


def test_a_dead_peer_is_one_verdict_and_one_end_of_the_session():
    reason = "Session is being torn down. Reason: Lost Service"
    text = (
        log("3-713123", "IKE lost contact with remote peer, deleting connection (keepalive type:"
            " DPD)", 10)
        + log("7-713906", "IKE SA MM:c6b81e02 terminating:  flags 0x01000002, refcnt 0", 10)
        + log("5-713259", reason, 10)
        + log("4-113019", "Session disconnected. Session Type: LAN-to-LAN, Duration: 0h:04m:12s,"
              " Bytes xmt: 9310, Bytes rcv: 0, Reason: Lost Service", 10)
    )  # fmt: skip
    dead, down = events_of(text)
    assert (dead.kind, dead.remote) == (LogEventKind.PEER_DEAD, "198.51.100.9")
    assert (down.kind, down.protocol) == (LogEventKind.IKE_SA_DOWN, DeleteProtocol.IKE)
    # The next session ends with the same words.
    assert story(events_of(text + text)) == ["peer-dead", "ike-sa-down"] * 2


def test_a_session_that_ends_for_another_reason_is_no_dead_peer():
    text = (
        log("5-713259", "Session is being torn down. Reason: User Requested")
        + log("5-713119", "PHASE 1 COMPLETED", 5)
        + log("4-113019", "Session disconnected. Session Type: LAN-to-LAN, Duration: 0h:00m:09s,"
              " Bytes xmt: 1, Bytes rcv: 2, Reason: Peer Terminate", 9)
        + log("4-113019", "Session disconnected. Session Type: SSL, Duration: 0h:00m:09s, Bytes"
              " xmt: 1, Bytes rcv: 2, Reason: Idle Timeout", 30)
    )  # fmt: skip
    down, up, again = events_of(text)
    assert (down.kind, down.reason) == (LogEventKind.IKE_SA_DOWN, "User Requested")
    assert up.kind is LogEventKind.IKE_SA_UP
    assert (again.kind, again.reason) == (LogEventKind.IKE_SA_DOWN, "Peer Terminate")


def child(direction: str, spi: str, what: str, second: int = 0) -> str:
    code = "6-602303" if what == "created" else "6-602304"
    text = (
        f"IPSEC: An {direction}bound LAN-to-LAN SA (SPI= {spi}) between 192.0.2.1 and 198.51.100.9"
        f" (user= 198.51.100.9) has been {what}."
    )
    return log(code, text, second, "")


CHILD = (
    log("5-713049", "Security negotiation complete for LAN-to-LAN Group (198.51.100.9)  Initiator,"
        " Inbound SPI = 0x850a7900, Outbound SPI = 0x2cc71500")
    + child("out", "0x2CC71500", "created")
    + child("in", "0x850A7900", "created")
)  # fmt: skip


def test_the_two_directions_of_a_child_sa_are_one():
    (up,) = events_of(CHILD)
    assert (up.kind, up.spis) == (LogEventKind.CHILD_SA_UP, ("850a7900", "2cc71500"))
    assert (up.remote, up.protocol) == ("198.51.100.9", DeleteProtocol.ESP)
    gone = child("in", "0x850A7900", "deleted", 9) + child("out", "0x2CC71500", "deleted", 9)
    up, down = events_of(CHILD + gone)
    assert (down.kind, down.local, down.remote) == (
        *(LogEventKind.CHILD_SA_DOWN, "192.0.2.1", "198.51.100.9"),
    )
    assert down.spis == ("850a7900", "2cc71500")


def test_directions_that_nothing_joins_are_told_each():
    text = child("out", "0x2CC71500", "created") + child("in", "0x850A7900", "deleted", 5)
    up, down = events_of(text)
    assert (up.kind, up.spis) == (LogEventKind.CHILD_SA_UP, ("2cc71500",))
    assert (down.kind, down.spis) == (LogEventKind.CHILD_SA_DOWN, ("850a7900",))


def test_the_peer_is_the_end_that_names_the_connection():
    text = log(
        "6-602303",
        "IPSEC: An inbound LAN-to-LAN SA (SPI= 0x850A7900) between 198.51.100.9 and 192.0.2.1"
        " (user= 198.51.100.9) has been created.",
        who="",
    )
    (up,) = events_of(text)
    assert (up.local, up.remote) == ("192.0.2.1", "198.51.100.9")


def test_what_phase_1_agrees_on():
    text = (
        log("7-715049", "Received DPD VID", who="IP = 198.51.100.9, ")
        + log("7-715046", "constructing dpd vid payload")
        + log("7-713121", "Keep-alive type for this connection: DPD", who="IP = 198.51.100.9, ")
        + log("7-713121", "Keep-alive type for this connection: None", who="IP = 198.51.100.9, ")
    )
    offered, offering, agreed = events_of(text)
    assert (offered.kind, offered.sent) == (LogEventKind.DPD_VENDOR_ID, False)
    assert (offering.kind, offering.sent) == (LogEventKind.DPD_VENDOR_ID, True)
    assert (agreed.kind, agreed.interval_s) == (LogEventKind.DPD_AGREED, None)


def test_exhausted_negotiations_are_no_dead_peers():
    history = "IKE MM Initiator FSM error history (struct 0xcd8f0000)  <state>, <event>:  MM_DONE"
    text = log("7-715065", history + ", EV_ERROR-->MM_WAIT_MSG2, EV_RETRY-->MM_WAIT_MSG2,"
               " EV_TIMEOUT-->MM_WAIT_MSG2, NullEvent") + log(
        "7-715065", history + ", EV_ERROR-->MM_BLD_MSG3, EV_FAIL"
    )  # fmt: skip
    (gave_up,) = events_of(text)
    assert (gave_up.kind, gave_up.remote) == (LogEventKind.GAVE_UP, "198.51.100.9")


def test_signs_of_a_peer_that_lost_its_sas():
    text = (
        log("5-713904", "Received an un-encrypted INVALID_COOKIE notify message, dropping",
            who="IP = 198.51.100.9, ")
        + log("4-402114", "IPSEC: Received an ESP packet (SPI= 0x0A0B0C11, sequence number="
              " 0x0000001c) from 198.51.100.9 to 192.0.2.1 with an invalid SPI.", who="")
    )  # fmt: skip
    hint, invalid = events_of(text)
    assert hint.kind is LogEventKind.HINT
    assert "INVALID_COOKIE" in hint.reason
    assert (invalid.kind, invalid.spis) == (LogEventKind.INVALID_SPI, ("0a0b0c11",))
    assert (invalid.local, invalid.remote) == ("192.0.2.1", "198.51.100.9")


def test_the_syslog_of_ikev2_sessions():
    ends = "Local:192.0.2.1:500 Remote:198.51.100.9:4500 Username:198.51.100.9 IKEv2 "
    text = (
        log("5-750006", ends + "SA UP. Reason: New Connection Established", 1, "")
        + log("5-750007", ends + "SA DOWN. Reason: peer lost", 40, "")
        + log("4-750003", ends + "Negotiation aborted due to ERROR: Maximum number of"
              " retransmissions reached", 50, "")
    )  # fmt: skip
    up, down, failed = events_of(text)
    assert (up.kind, up.version, up.remote_port) == (LogEventKind.IKE_SA_UP, 2, 4500)
    assert (down.kind, down.reason) == (LogEventKind.IKE_SA_DOWN, "peer lost")
    assert failed.kind is LogEventKind.GAVE_UP


def test_lines_about_anything_else_are_no_crypto_lines():
    text = "Sep 15 2025 03:14:00: %ASA-6-302013: Built outbound TCP connection 7 for x:1.2.3.4/80\n"
    reader, events = decoder(text + PROBE)
    assert story(events) == ["sent r-u-there"]
    assert reader.tally.dialects == {"cisco-asa": 4}
    assert reader.tally.unparsed == 0


def test_any_cut_of_the_text_gives_the_same_events():
    text = PROBE + ANSWER + CHILD
    whole = decoder(text)[1]
    for cut in range(0, len(text), 37):
        assert decoder(text, (cut,))[1] == whole


def test_the_address_of_its_own_that_a_line_about_a_known_child_sa_names_is_not_lost():
    up = log(
        "5-713049",
        "Security negotiation complete for LAN-to-LAN Group (198.51.100.9)  Initiator,"
        " Inbound SPI = 0x850a7900, Outbound SPI = 0x2cc71500",
    )
    child = log(
        "6-602303",
        "IPSEC: An outbound LAN-to-LAN SA (SPI= 0x2CC71500) between 192.0.2.1 and 198.51.100.9"
        " (user= 198.51.100.9) has been created.",
        who="",
    )
    assert {event.local for event in events_of(up + child)} == {"192.0.2.1"}
