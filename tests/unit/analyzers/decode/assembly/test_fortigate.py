from __future__ import annotations

import struct

import pytest

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import clock, decoder, events_of, messages_of, story
from tests.unit.analyzers.ike_messages import chain, message, notify_v1

LOCAL, PEER = "192.0.2.1", "198.51.100.9"
I_SPI, R_SPI = "0102030405060708", "1112131415161718"


def line(text: str, at: str = "46.588954", who: str = "0:hub:4:") -> str:
    return f"2026-03-23 22:21:{at} ike {who} {text}\n"


def notify_message(kind: int, number: int, mid: int) -> bytes:
    """A decrypted IKEv1 DPD message as it is dumped: header of the wire, payloads in clear."""
    notify = notify_v1(kind, struct.pack(">I", number))
    first, body = chain([(8, bytes(range(20))), (11, notify)])
    return message(first, body + bytes(8), version=1, exchange=5, flags=1, message_id=mid)


def sealed(inner: int, mid: int, response: bool = False) -> bytes:
    """An IKEv2 INFORMATIONAL on the wire: of its content only the first payload type shows."""
    sk = struct.pack(">BBH", inner, 0, 52) + bytes(48)
    return message(46, sk, exchange=37, flags=0x28 if response else 0x08, message_id=mid)


def sent(label: str, mid: int, at: str = "46.589100", who: str = "0:hub:4:") -> str:
    return line(
        f"sent IKE msg ({label}): {LOCAL}:500->{PEER}:500, len=92, vrf=0, id={I_SPI}/{R_SPI}:"
        f"{mid:08x}",
        at,
        who,
    )


def comes(exchange: str, mid: int, at: str = "46.612000", version: int = 1) -> str:
    return (
        line(f"comes {PEER}:500->{LOCAL}:500,ifindex=6,vrf=0,len=92....", at, "0:")
        + line(f"IKEv{version} exchange={exchange} id={I_SPI}/{R_SPI}:{mid:08x} len=92", at, "0:")
    )  # fmt: skip


PROBE = (
    line(f"link is idle 6 {LOCAL}->{PEER}:0 dpd=1 seqno=1 rr=0", who="0:hub:")
    + line("send IKEv1 DPD probe, seqno 1")
    + line(f"enc {notify_message(36136, 1, 0x7E11A9D0).hex().upper()}")
    + line(f"out {bytes(range(92)).hex().upper()}")
    + sent("R-U-THERE", 0x7E11A9D0)
)
ACK = (
    comes("Informational", 0x9C6A1E02)
    + line("in " + bytes(range(92)).hex().upper(), "46.612100", "0:")
    + line(f"dec {notify_message(36137, 1, 0x9C6A1E02).hex().upper()}", "46.612200")
    + line("notify msg received: R-U-THERE-ACK", "46.612300")
)


def test_a_sent_probe_is_one_message_with_all_that_is_said_of_it():
    (probe,) = messages_of(PROBE)
    assert (probe.sent, probe.message, probe.version) == (True, MessageKind.R_U_THERE, 1)
    assert (probe.sequence, probe.message_id, probe.length) == (1, 0x7E11A9D0, 92)
    assert (probe.local, probe.remote, probe.remote_port) == (LOCAL, PEER, 500)
    assert (probe.initiator_spi, probe.responder_spi) == (I_SPI, R_SPI)
    assert probe.payload == notify_message(36136, 1, 0x7E11A9D0)
    assert (probe.handle, clock(probe)) == ("hub", "22:21:46.589")
    assert probe.retransmission is False


@pytest.mark.parametrize("label", ["informational", "P2", "unknown"])
def test_a_message_without_a_name_is_what_its_bytes_say(label: str):
    clear = line(f"enc {notify_message(36136, 1, 0x7E11A9D0).hex()}")
    (probe,) = messages_of(clear + sent(label, 0x7E11A9D0))
    assert (probe.sent, probe.message, probe.sequence) == (True, MessageKind.R_U_THERE, 1)
    assert messages_of(sent(label, 0x7E11A9D0)) == []


def test_bytes_of_another_message_are_not_taken():
    (ack,) = messages_of(
        line(f"enc {notify_message(36136, 1, 0x11).hex()}") + sent("R-U-THERE-ACK", 0x22)
    )
    assert (ack.message, ack.sequence, ack.payload) == (MessageKind.R_U_THERE_ACK, None, None)


def test_a_received_answer_has_the_number_of_its_decrypted_bytes():
    (ack,) = messages_of(ACK)
    assert (ack.sent, ack.message, ack.sequence) == (False, MessageKind.R_U_THERE_ACK, 1)
    assert (ack.message_id, ack.remote, ack.local) == (0x9C6A1E02, PEER, LOCAL)
    assert ack.payload == notify_message(36137, 1, 0x9C6A1E02)
    assert (ack.handle, ack.ref.record, clock(ack)) == ("hub", 1, "22:21:46.612")


def test_an_answered_probe_and_the_next_one():
    told = messages_of(PROBE + ACK + PROBE.replace("seqno 1", "seqno 2").replace("46.", "56."))
    assert story(told)[:2] == ["sent r-u-there", "received r-u-there-ack"]
    assert not told[2].retransmission


@pytest.mark.parametrize("who", ["0:hub:4:", "V=root:0:hub:4:"])
def test_a_log_of_probes_alone(who):
    text = "".join(line("send IKEv1 DPD probe, seqno 1", f"{s}.6", who) for s in ("16", "26", "36"))
    told = messages_of(text)
    assert [(e.sequence, e.retransmission) for e in told] == [(1, False), (1, True), (1, True)]
    # No line names an address: the name of the phase 1 has to do.
    assert {e.remote for e in told} == {"hub"}
    answered = line("recv IKEv1 DPD ack, seqno 1", "17.0", who)
    told = messages_of(text[: len(text) // 3] + answered + text[len(text) // 3 :])
    assert story(told) == [
        *("sent r-u-there", "received r-u-there-ack", "sent r-u-there", "sent r-u-there again"),
    ]


def test_the_peers_questions_are_answered_with_their_numbers():
    text = (
        comes("Informational", 0x11)
        + line(f"dec {notify_message(36136, 77, 0x11).hex()}", "46.613")
        + line("notify msg received: R-U-THERE", "46.614")
        + line("enc 00", "46.615")
        + sent("R-U-THERE-ACK", 0x22, "46.616")
    )
    asked, answered = messages_of(text)
    assert (asked.sent, asked.message, asked.sequence) == (False, MessageKind.R_U_THERE, 77)
    assert (answered.sent, answered.message, answered.sequence) == (
        *(True, MessageKind.R_U_THERE_ACK, 77),
    )


def test_a_dead_peer_and_what_goes_with_it():
    text = (
        line(f"established IKE SA {I_SPI}/{R_SPI}", "01.0")
        + line("added IPsec SA: SPIs=0a0b0c11/0d0e0f22", "01.1", "0:hub:4:net:7:")
        + PROBE
        + line(f"link fail 6 {LOCAL}->{PEER}:0 dpd=1", "56.7", "0:hub:")
        + line(f"link down 6 {LOCAL}->{PEER}:500", "56.7", "0:hub:")
        + line("deleting", "56.7", "0:hub:")
        + line("flushing", "56.7", "0:hub:")
        + line("deleting IPsec SA with SPI 0d0e0f22", "56.7", "0:hub:")
        + line("IPsec SA with SPI 0d0e0f22 deletion successful", "56.7", "0:hub:net:")
        + line("sending SNMP tunnel DOWN trap", "56.7", "0:hub:net:")
        + line("deleted", "56.8", "0:hub:")
    )
    told = events_of(text)
    assert story(told) == [
        *("ike-sa-up", "child-sa-up", "sent r-u-there"),
        *("peer-dead", "ike-sa-down", "child-sa-down"),
    ]
    dead, ike, child = told[3:]
    assert (dead.remote, dead.version, dead.reason) == (PEER, 1, "link fail")
    assert (ike.initiator_spi, ike.protocol) == (I_SPI, DeleteProtocol.IKE)
    assert child.spis == ("0a0b0c11", "0d0e0f22")
    assert decoder(text)[0].tally.unparsed == 0


def test_a_link_that_fails_unasked_or_answered_is_no_dead_peer():
    failed = line(f"link fail 6 {LOCAL}->{PEER}:0 dpd=1", "56.7", "0:hub:")
    (alone,) = events_of(failed)
    assert (alone.kind, alone.reason, alone.remote) == (LogEventKind.HINT, "link fail", PEER)
    answered = PROBE + line("recv IKEv1 DPD ack, seqno 1", "48.0") + failed
    assert story(events_of(answered)) == ["sent r-u-there", "received r-u-there-ack", "hint"]


def test_a_link_that_fails_while_any_request_is_sent_again_is_one_to_a_dead_peer():
    """IKEv2: each request asks whether the peer lives, also where no line says that it was DPD."""
    failed = line(f"link fail 6 {LOCAL}->{PEER}:0 dpd=1", "56.7", "0:hub:")
    asked, again = sent("INFORMATIONAL", 6, "20.0"), sent("RETRANSMIT_INFORMATIONAL", 6, "23.0")
    assert story(events_of(asked + again + failed))[-1] == "peer-dead"
    assert story(events_of(asked + failed))[-1] == "hint"
    begun = sent("SA_INIT", 0, "20.0") + sent("RETRANSMIT_SA_INIT", 0, "23.0")
    assert story(events_of(begun + failed))[-1] == "hint"


def test_an_idle_link_is_no_dead_one():
    text = PROBE + line(f"link fail 6 {LOCAL}->{PEER}:0 dpd=0", "56.7", "0:hub:")
    assert story(events_of(text)) == ["sent r-u-there"]


def test_a_negotiation_that_times_out_is_no_dead_peer():
    text = (
        sent("ident_i1send", 0, "01.0")
        + sent("P1_RETRANSMIT", 0, "04.0")
        + line("negotiation timeout, deleting", "31.0")
        + line("connection expiring due to phase1 down", "31.0", "0:hub:")
        + line("deleting", "31.0", "0:hub:")
    )
    assert story(events_of(text)) == ["sent main-mode", "sent main-mode again", "gave-up"]


def test_liveness_of_ikev2_shows_in_the_envelope():
    text = (
        line(f"out {sealed(0, 2).hex()}", "01.0")
        + sent("INFORMATIONAL", 2, "01.0")
        + comes("INFORMATIONAL_RESPONSE", 2, "01.1", 2)
        + line(f"in {sealed(0, 2, True).hex()}", "01.1", "0:")
        + line(f"out {sealed(42, 3).hex()}", "02.0")
        + sent("INFORMATIONAL", 3, "02.0")
        + comes("INFORMATIONAL_RESPONSE", 3, "02.1", 2)
        + line(f"in {sealed(0, 3, True).hex()}", "02.1", "0:")
        + comes("INFORMATIONAL", 0, "03.0", 2)
        + line(f"in {sealed(0, 0).hex()}", "03.0", "0:")
        + sent("INFORMATIONAL_RESPONSE", 0, "03.1")
    )
    told = messages_of(text)
    assert story(told) == [
        *("sent liveness", "received liveness answer"),
        *("sent delete", "received informational answer"),
        *("received liveness", "sent liveness answer"),
    ]
    assert {e.version for e in told} == {2}
    assert {e.handle for e in told} == {"hub"}


def test_an_idle_link_explains_the_next_request_of_ikev2():
    idle = line(f"link is idle 6 {LOCAL}->{PEER}:0 dpd=1 seqno=1 rr=0", "01.0", "0:hub:")
    text = idle + sent("INFORMATIONAL", 5, "01.0") + sent("RETRANSMIT_INFORMATIONAL", 5, "04.0")
    text += comes("INFORMATIONAL_RESPONSE", 5, "04.1", 2) + sent("INFORMATIONAL", 6, "09.0")
    assert story(messages_of(text)) == [
        *("sent liveness", "sent liveness again", "received liveness answer"),
        "sent informational",
    ]


def test_deletes_say_what_they_delete():
    text = (
        line("send IPsec SA delete, spi 0a0b0c11", "01.0")
        + sent("IPsec SA_DELETE-NOTIFY", 0x31, "01.0")
        + line(f"send IKE SA delete {I_SPI}/{R_SPI}", "01.1")
        + sent("ISAKMP SA DELETE-NOTIFY", 0x32, "01.1")
        + comes("Informational", 0x41, "02.0")
        + line("recv IPsec SA delete, spi count 1", "02.0")
        + comes("Informational", 0x42, "02.1")
        + line(f"recv ISAKMP SA delete {I_SPI}/{R_SPI}", "02.1")
    )
    told = messages_of(text)
    assert story(told) == ["sent delete", "sent delete", "received delete", "received delete"]
    esp, ike = DeleteProtocol.ESP, DeleteProtocol.IKE
    assert [e.protocol for e in told] == [esp, ike, esp, ike]
    assert told[0].spis == ("0a0b0c11",)


def test_a_rekeyed_ike_sa_ends_without_its_connection():
    later = "2122232425262728"
    text = (
        line(f"established IKE SA {I_SPI}/{R_SPI}", "01.0")
        + line(f"established IKE SA {later}/{R_SPI}", "02.0")
        + line(f"schedule delete of IKE SA {I_SPI}/{R_SPI}", "03.0")
        + line(f"scheduled delete of IKE SA {I_SPI}/{R_SPI}", "03.0")
        + line("deleting", "09.0", "0:hub:")
    )
    told = events_of(text)
    assert story(told) == ["ike-sa-up", "ike-sa-up", "ike-sa-down", "ike-sa-down"]
    assert [e.initiator_spi for e in told[2:]] == [I_SPI, later]


def test_what_is_agreed_on_and_signs_of_lost_sas():
    text = (
        line("VID DPD AFCAD71368A1F1C96B8696FC77570100")
        + line("DPD negotiated")
        + line(f"unknown SPI 0a0b0c11 6 {PEER}:0->{LOCAL}:0", who="0:")
        + line("received notify type INITIAL_CONTACT")
    )
    offered, agreed, invalid, hint = events_of(text)
    assert (offered.kind, offered.sent) == (LogEventKind.DPD_VENDOR_ID, False)
    assert agreed.kind is LogEventKind.DPD_AGREED
    assert (invalid.kind, invalid.spis) == (LogEventKind.INVALID_SPI, ("0a0b0c11",))
    assert (invalid.remote, invalid.local) == (PEER, LOCAL)
    assert (hint.kind, hint.remote) == (LogEventKind.HINT, "hub")


def test_without_stamps_and_with_nat_keepalives_and_wrapped_bytes():
    dump = notify_message(36137, 9, 0x9C6A1E02).hex().upper()
    text = (
        f"ike 0:hub: NAT keep-alive 3 {LOCAL}->{PEER}:4500.\nike 0:hub:4: out FF\n"
        f"ike 0:hub:4: sent IKE msg (keepalive): {LOCAL}:4500->{PEER}:4500, len=1,"
        " id=ff00000000000000/0000000000000000\n"
        f"ike 0: comes {PEER}:500->{LOCAL}:500,ifindex=6....\n"
        f"ike 0: IKEv1 exchange=Informational id={I_SPI}/{R_SPI}:9c6a1e02 len=92\n"
        f"ike 0:hub:4: dec {dump[:60]}\r\n{dump[60:]}\r\n"
        "ike 0:hub:4: notify msg received: R-U-THERE-ACK\n"
    )
    (ack,) = messages_of(text)
    assert (ack.message, ack.sequence, ack.at_ns) == (MessageKind.R_U_THERE_ACK, 9, None)


def test_any_cut_of_the_text_gives_the_same_events():
    text = PROBE + ACK
    whole = decoder(text)[1]
    assert story(whole) == ["sent r-u-there", "received r-u-there-ack"]
    for cut in range(0, len(text), 89):
        assert decoder(text, (cut,))[1] == whole
