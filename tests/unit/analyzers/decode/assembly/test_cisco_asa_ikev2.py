from __future__ import annotations

import textwrap

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import decoder, events_of, messages_of, story

LOCAL, PEER = "192.0.2.1", "198.51.100.9"
I_SPI, R_SPI = "0A1B2C3D4E5F6071", "8192A3B4C5D6E7F8"


def proto(text: str, conn: str = "11") -> str:
    return f"IKEv2-PROTO-2: ({conn}): {text}\n"


def plat(text: str) -> str:
    return f"IKEv2-PLAT-2: {text}\n"


def record(
    way: str,
    mid: int,
    kind: str,
    inner: str = "",
    exchange: str = "INFORMATIONAL",
    spis: tuple[str, str] = (I_SPI, R_SPI),
    conn: str = "11",
) -> str:
    """A packet as the protocol prints it, its header glued to it."""
    to, fro = ("To", "From") if way == "Sending" else ("From", "To")
    flags = "RESPONDER MSG-RESPONSE" if kind == "RESPONSE" else "INITIATOR"
    m = f"({conn}): "
    envelope = f"{m} ENCR({conn}):   Next payload: {inner}, reserved: 0x0, length: 52\n"
    return (
        f"IKEv2-PROTO-2: {m}{way} Packet [{to} {PEER}:500/{fro} {LOCAL}:500/VRF i0:f0] \n"
        f"{m}Initiator SPI : {spis[0]} - Responder SPI : {spis[1]} Message id: {mid}\n"
        f"{m}IKEv2 {exchange} Exchange {kind}IKEv2-PROTO-3: {m}Next payload: ENCR, version: 2.0"
        f" {m}Exchange type: {exchange}, flags: {flags} {m}Message id: {mid}, length: 80{m}\n"
        f"Payload contents: \n{envelope if inner else ''}{m}Encrypted data: 48 bytes\n{m}\n"
    )


def wire(way: str, mid: int, exchange: str = "INFORMATIONAL", spis=(I_SPI, R_SPI)) -> str:
    src, dst = (LOCAL, PEER) if way == "SENT" else (PEER, LOCAL)
    conn = "(11): " if way == "SENT" else ""
    return (
        f"IKEv2-PLAT-3: {conn}{way} PKT [{exchange}] [{src}]:500->[{dst}]:500"
        f" InitSPI=0x{spis[0].lower()} RespSPI=0x{spis[1].lower()} MID={mid:08x}\n"
    )


def decrypted(octets: int, first: str = "") -> str:
    listed = f" {first}  Next payload: NONE, reserved: 0x0, length: 8\n" if first else ""
    return f"IKEv2-PROTO-1: \n(11): REAL Decrypted packet:(11): Data: {octets} bytes\n{listed}"


PROBE = (
    proto("Sending DPD/liveness query")
    + proto("Building packet for encryption. ")
    + record("Sending", 4, "REQUEST", "NONE")
    + wire("SENT", 4)
)
ANSWER = (
    wire("RECV", 4)
    + "(11): \n"
    + record("Received", 4, "RESPONSE")
    + decrypted(0)
    + proto("Processing ACK to informational exchange")
)


def test_a_question_and_its_answer_with_all_debugging():
    probe, answer = messages_of(PROBE + ANSWER)
    assert (probe.sent, probe.response, probe.message) == (True, False, MessageKind.LIVENESS)
    assert (probe.message_id, probe.length, probe.version) == (4, 80, 2)
    assert (probe.local, probe.remote, probe.local_port, probe.remote_port) == (
        *(LOCAL, PEER, 500, 500),
    )
    assert (probe.initiator_spi, probe.responder_spi) == (I_SPI.lower(), R_SPI.lower())
    assert (probe.handle, probe.at_ns) == ("11", None)
    assert (answer.sent, answer.response, answer.message) == (False, True, MessageKind.LIVENESS)
    assert (answer.message_id, answer.handle) == (4, "11")


def test_protocol_debugging_alone():
    text = record("Sending", 4, "REQUEST", "NONE") + record("Received", 4, "RESPONSE")
    assert story(messages_of(text)) == ["sent liveness", "received liveness answer"]


def test_platform_debugging_alone_pairs_message_ids():
    text = wire("SENT", 0, "IKE_SA_INIT", (I_SPI, "0" * 16)) + wire("RECV", 0, "IKE_SA_INIT")
    text += wire("SENT", 2) + wire("RECV", 2) + wire("RECV", 0) + wire("SENT", 0)
    told = messages_of(text)
    assert story(told) == [
        "sent sa-init",
        "received sa-init answer",
        "sent informational",
        "received informational answer",
        "received informational",
        "sent informational answer",
    ]
    assert told[0].responder_spi is None


def test_words_alone():
    text = (
        proto("Sending DPD/liveness query")
        + proto("Retransmitting packet")
        + proto("Received response to DPD/liveness query")
        + proto("Received DPD/liveness query")
    )
    assert story(messages_of(text)) == [
        "sent liveness",
        "sent liveness again",
        "received liveness answer",
        "received liveness",
    ]


def test_a_peer_that_answers_no_question_is_dead():
    text = PROBE
    for _ in range(3):
        text += proto("Retransmitting packet") + record("Sending", 4, "REQUEST", "NONE")
        text += wire("SENT", 4)
    text += proto("Maximum number of retransmissions reached") + proto("Deleting SA")
    told = events_of(text)
    assert story(told) == [
        "sent liveness",
        *["sent liveness again"] * 3,
        "peer-dead",
        "ike-sa-down",
    ]
    assert (told[4].remote, told[4].handle) == (PEER, "11")


def test_other_exhausted_retransmissions_are_no_dead_peers():
    fresh = (I_SPI, "0" * 16)
    text = record("Sending", 0, "REQUEST", exchange="IKE_SA_INIT", spis=fresh)
    text += proto("Retransmitting packet")
    text += record("Sending", 0, "REQUEST", exchange="IKE_SA_INIT", spis=fresh)
    text += proto("Maximum number of retransmissions reached")
    text += proto("Maximum number of retransmissions reached")
    assert story(events_of(text)) == ["sent sa-init", "sent sa-init again", "gave-up"]
    answered = PROBE + ANSWER + proto("Maximum number of retransmissions reached")
    assert story(events_of(answered))[-1] == "gave-up"


def test_an_established_sa_its_dpd_and_its_child():
    text = (
        record("Sending", 1, "REQUEST", "VID", exchange="IKE_AUTH")
        + record("Received", 1, "RESPONSE", exchange="IKE_AUTH")
        + plat("Received PFKEY SPI callback for SPI 0x0A0B0C11, error FALSE")
        + proto("IKEV2 SA created; inserting SA into database. SA lifetime timer (86400 sec)")
        + f"IKEv2-PLAT-2: \nCONNECTION STATUS: UP... peer: {PEER}:500, phase1_id: {PEER}\n"
        + proto("Initializing DPD, configured for 10 seconds")
        + plat("DPD Max Time will be: 10")
        + proto("Load IPSEC key material")
        + plat("Received PFKEY add SA for SPI 0x0D0E0F22, error FALSE")
        + plat("Received PFKEY update SA for SPI 0x0A0B0C11, error FALSE")
    )
    sent, answer, up, dpd, child = events_of(text)
    assert story([sent, answer]) == ["sent auth", "received auth answer"]
    assert (up.kind, up.remote, up.handle) == (LogEventKind.IKE_SA_UP, PEER, "11")
    assert (dpd.kind, dpd.interval_s, dpd.remote) == (LogEventKind.DPD_AGREED, 10.0, PEER)
    assert (child.kind, child.spis) == (LogEventKind.CHILD_SA_UP, ("0a0b0c11", "0d0e0f22"))
    gone = plat("Received PFKEY delete SA for SPI 0x0A0B0C11 error FALSE") * 2
    assert story(events_of(text + gone))[5:] == ["child-sa-down"]


def test_a_child_sa_whose_spis_are_not_debugged():
    text = record("Sending", 1, "REQUEST", exchange="IKE_AUTH") + proto("Load IPSEC key material")
    (child,) = events_of(text, LogEventKind.CHILD_SA_UP)
    assert (child.spis, child.remote) == ((), PEER)


def test_a_reserved_spi_that_is_given_back_is_no_child_sa():
    text = plat("Received PFKEY SPI callback for SPI 0x0A0B0C11, error FALSE") + plat(
        "Received PFKEY delete SA for SPI 0x0A0B0C11 error FALSE"
    )
    assert events_of(text) == []


def test_a_delete_by_the_administrator():
    text = (
        proto(f"Sending DELETE INFO message for IKEv2 SA [ISPI: 0x{I_SPI} RSPI: 0x{R_SPI}]")
        + "IKEv2-PROTO-5: Construct Notify Payload: DELETE_REASONIKEv2-PROTO-5: Sending Delete"
        " Reason Notify with error code : IKEV2_DELETE_BY_USER_COMMAND severity: INFORMATIONAL\n"
        + record("Sending", 2, "REQUEST", "DELETE")
        + wire("SENT", 2)
        + wire("RECV", 2)
        + record("Received", 2, "RESPONSE")
        + decrypted(8, "DELETE")
        + "\nfw1#     Security protocol id: IKE, spi size: 0, num of spi: 0\n\n"
        + proto("Deleting SA")
        + f"IKEv2-PLAT-2: \nCONNECTION STATUS: DOWN... peer: {PEER}:500, phase1_id: {PEER}\n"
        + plat("(11): session manager killed ikev2 tunnel. Reason: Administrator Reset")
    )
    told = events_of(text)
    assert story(told) == ["sent delete", "received delete answer", "ike-sa-down", "hint"]
    sent, answer, _, hint = told
    assert (sent.protocol, sent.reason) == (DeleteProtocol.IKE, "IKEV2_DELETE_BY_USER_COMMAND")
    assert answer.protocol is DeleteProtocol.IKE
    assert hint.reason.endswith("Administrator Reset")


def test_deletes_from_the_peer():
    text = (
        wire("RECV", 0)
        + record("Received", 0, "REQUEST")
        + proto("Processing DELETE INFO message for IPsec SA [SPI: 0x0D0E0F22]")
        + record("Sending", 0, "RESPONSE", "DELETE")
        + record("Received", 1, "REQUEST")
        + decrypted(8, "DELETE")
        + "     Security protocol id: IKE, spi size: 0, num of spi: 0\n"
        + record("Sending", 1, "RESPONSE", "NONE")
    )
    child, answer, ike, empty = messages_of(text)
    assert (child.message, child.protocol, child.spis) == (
        *(MessageKind.DELETE, DeleteProtocol.ESP, ("0d0e0f22",)),
    )
    assert story([answer]) == ["sent delete answer"]
    assert (ike.message, ike.protocol) == (MessageKind.DELETE, DeleteProtocol.IKE)
    # An empty answer to a Delete is no liveness.
    assert story([empty]) == ["sent informational answer"]


def test_a_number_that_is_given_again_is_another_sa():
    later = ("1111111111111111", "2222222222222222")
    text = (
        PROBE + ANSWER + proto("Deleting SA") + record("Sending", 4, "REQUEST", "NONE", spis=later)
    )
    told = events_of(text)
    assert story(told) == [
        *("sent liveness", "received liveness answer", "ike-sa-down", "sent liveness"),
    ]
    assert told[3].initiator_spi == later[0]
    assert not told[3].retransmission


def test_a_prompt_before_a_record_and_a_syslog_around_it():
    text = textwrap.dedent(f"""\
        fw1# clear crypto ikev2 sa
        fw1# IKEv2-PLAT-3: (11): SENT PKT [INFORMATIONAL] [{LOCAL}]:500->[{PEER}]:500 \
InitSPI=0x{I_SPI} RespSPI=0x{R_SPI} MID=00000002
        Sep 15 2025 03:14:00: %ASA-7-711001: IKEv2-PLAT-3: RECV PKT [INFORMATIONAL] [{PEER}]:500->\
[{LOCAL}]:500 InitSPI=0x{I_SPI} RespSPI=0x{R_SPI} MID=00000002
        """)
    sent, received = messages_of(text)
    assert (sent.at_ns, received.at_ns is None) == (None, False)
    assert received.response is True


def test_a_packet_that_the_end_of_the_log_cuts_off():
    text = record("Sending", 4, "REQUEST", "NONE")
    cut = text[: text.index("Exchange REQUEST")]
    assert messages_of(cut) == []
    reader, events = decoder(text[: text.index("IKEv2-PROTO-3")])
    assert story(events) == ["sent informational"]
    assert reader.tally.unparsed == 0


def test_any_cut_of_the_text_gives_the_same_events():
    text = PROBE + ANSWER + proto("Deleting SA")
    whole = decoder(text)[1]
    for cut in range(0, len(text), 41):
        assert decoder(text, (cut,))[1] == whole
