from __future__ import annotations

import pytest

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import clock, events_of, messages_of, story

UP = "Session with IKE ID PAIR(198.51.100.9 , 192.0.2.1) is UP"
SPIS = "ISPI: 0x0A1B2C3D4E5F6071 RSPI: 0x8192A3B4C5D6E7F8"


def line(time: str, text: str, session: int = 4, sa: int = 2, peer: str = "198.51.100.9") -> str:
    return (
        f"*Jun  3 08:{time}: SA ID:{sa} SESSION ID:{session} Remote: {peer}/500"
        f" Local: 192.0.2.1/500  {text}\n"
    )


def info(time: str, role: str, way: str, kind: str, *payloads: str, **ids: int) -> str:
    sent = line(time, f"({role}) {way} IKEv2 INFORMATIONAL Exchange {kind}", **ids)  # type: ignore[arg-type]
    return sent + "".join(
        line(time, f"({role}) IKEv2 INFORMATIONAL Exchange Contains: {p}", **ids)  # type: ignore[arg-type]
        for p in payloads
    )


def removal(time: str, way: str, what: str) -> str:
    name = "IKEv2" if "ISPI" in what else "IPsec"
    return line(time, f"{way} DELETE INFO message for {name} SA [{what}]")


SENT = (
    removal("16:59.484", "Sending", "SPI: 0xA1B2C3D4")
    + info("16:59.484", "I", "Sending", "REQUEST", "DELETE")
    + removal("16:59.484", "Sending", SPIS)
    + info("16:59.484", "I", "Sending", "REQUEST", "DELETE")
    + info("16:59.490", "I", "Received", "RESPONSE", "DELETE")
)
RECEIVED = (
    info("17:00.596", "R", "Received", "REQUEST", "DELETE")
    + info("17:00.596", "R", "Sending", "RESPONSE", "DELETE")
    + removal("17:00.600", "Processing", "SPI: 0x0B0C0D0E")
    + info("17:00.600", "R", "Received", "REQUEST", "NOTIFY", "DELETE")
    + info("17:00.600", "R", "Sending", "RESPONSE")
    + removal("17:00.601", "Processing", SPIS)
)


def test_deletes_that_are_sent():
    events = events_of(SENT)
    assert story(events) == [
        "child-sa-down",
        "sent delete",
        "sent delete",
        "ike-sa-down",
        "received delete answer",
    ]
    child, first, second, down, _ = events
    assert (child.spis, child.protocol) == (("a1b2c3d4",), DeleteProtocol.ESP)
    assert (first.spis, first.protocol) == (("a1b2c3d4",), DeleteProtocol.ESP)
    assert (second.spis, second.protocol) == ((), DeleteProtocol.IKE)
    assert (second.initiator_spi, second.responder_spi) == (
        "0a1b2c3d4e5f6071",
        "8192a3b4c5d6e7f8",
    )
    assert (down.handle, down.initiator_spi, down.reason) == ("4/2", "0a1b2c3d4e5f6071", "")
    assert (first.local, first.remote, first.remote_port) == ("192.0.2.1", "198.51.100.9", 500)
    assert (first.version, first.message_id, clock(first)) == (2, None, "08:16:59.484")


def test_deletes_that_are_received():
    events = events_of(RECEIVED)
    assert story(events) == [
        "received delete",
        "sent delete answer",
        "child-sa-down",
        "received delete",
        "sent informational answer",
        "ike-sa-down",
    ]
    assert (events[0].spis, events[0].protocol) == (("0b0c0d0e",), DeleteProtocol.ESP)
    assert events[3].protocol is DeleteProtocol.IKE
    assert events[5].reason == "deleted by the peer"


def test_a_request_without_content_is_a_liveness_question():
    text = info("18:00.000", "I", "Sending", "REQUEST") + info(
        "18:00.020", "I", "Received", "RESPONSE"
    )
    text += info("18:30.000", "R", "Received", "REQUEST") + info(
        "18:30.000", "R", "Sending", "RESPONSE"
    )
    assert story(messages_of(text + line("18:31.000", UP))) == [
        "sent liveness",
        "received liveness answer",
        "received liveness",
        "sent liveness answer",
    ]


def test_the_answer_at_the_very_end_may_be_cut():
    text = info("18:30.000", "R", "Received", "REQUEST")
    assert [e.message for e in messages_of(text)] == [MessageKind.INFORMATIONAL]


def test_lines_of_several_sas_mixed():
    other = {"session": 7, "sa": 3}
    text = (
        info("18:00.000", "I", "Sending", "REQUEST")
        + info("18:00.000", "I", "Sending", "REQUEST", **other)
        + line("18:00.000", "(I) IKEv2 INFORMATIONAL Exchange Contains: DELETE")
        + line("18:02.000", UP, session=9)
    )
    found = {e.handle: e.message for e in messages_of(text)}
    assert found == {"4/2": MessageKind.DELETE, "7/3": MessageKind.LIVENESS}


def test_a_handshake():
    text = (
        line("17:00.424", "(I) Sending IKEv2 IKE_SA_INIT Exchange REQUEST")
        + line("17:00.432", "(I) Received IKEv2 IKE_SA_INIT Exchange RESPONSE")
        + line("17:00.436", "Completed SA init exchange")
        + line("17:00.436", "(I) Sending IKEv2 IKE_AUTH Exchange REQUEST")
        + line("17:00.440", "(I) Received IKEv2 IKE_AUTH Exchange RESPONSE")
        + line("17:00.441", "Session with IKE ID PAIR(198.51.100.9 , 192.0.2.1) is UP")
    )
    assert story(events_of(text)) == [
        "sent sa-init",
        "received sa-init answer",
        "sent auth",
        "received auth answer",
        "ike-sa-up",
    ]


def test_a_buffer_that_is_printed_twice():
    once = story(events_of(SENT + RECEIVED))
    assert story(events_of(SENT + RECEIVED + "R1#show monitor\n" + SENT + RECEIVED)) == once
    later = removal("19:00.000", "Sending", "SPI: 0x11111111")
    assert story(events_of(SENT + RECEIVED + SENT + RECEIVED + later)) == [
        *once,
        "child-sa-down",
    ]


def test_ipv6_peers_and_retransmissions_that_end():
    text = line("18:00.000", ": Maximum number of retransmissions reached", peer="2001:DB8::9")
    (made,) = events_of(text)
    assert (made.kind, made.remote) == (LogEventKind.GAVE_UP, "2001:db8::9")


def child(time: str, what: str, dest: str, spi: str, session: str = "", equals: str = " = ") -> str:
    head = f"*Jun  3 08:{time}: IPSEC-EVENT:IPSEC-{what.upper()}-SA:  {session}sa {what} : (sa)"
    attributes = (
        f" sa_dest{equals}{dest}, sa_proto{equals}50, sa_spi{equals}0x{spi}({int(spi, 16)}),"
        f" sa_trans{equals}esp-aes esp-sha-hmac , sa_conn_id{equals}2021\n"
    )
    ends = ",  loc: 192.0.2.1, rem: 198.51.100.9, l_proxy: 0.0.0.0/0/256\n"
    return head + attributes + head + ends


@pytest.mark.parametrize("equals", [" = ", "= "])
def test_child_sas(equals: str):
    text = (
        child("10:51.826", "create", "192.0.2.1", "B820B40F", equals=equals)
        + child("10:51.826", "create", "198.51.100.9", "70E037", equals=equals)
        + child("10:52.826", "delete", "192.0.2.1", "B820B40F", equals=equals)
        + child("10:52.827", "delete", "192.0.2.1", "B820B40F", "SESSION ID:4, ", equals)
        + child("10:52.827", "delete", "198.51.100.9", "70E037", "SESSION ID:4, ", equals)
    )
    events = events_of(text)
    assert [(e.kind, e.spis) for e in events] == [
        (LogEventKind.CHILD_SA_UP, ("b820b40f",)),
        (LogEventKind.CHILD_SA_UP, ("0070e037",)),
        (LogEventKind.CHILD_SA_DOWN, ("b820b40f",)),
        (LogEventKind.CHILD_SA_DOWN, ("0070e037",)),
    ]
    assert {(e.local, e.remote, e.protocol, e.version) for e in events} == {
        ("192.0.2.1", "198.51.100.9", DeleteProtocol.ESP, None)
    }


def test_a_truncated_line_and_the_messages_of_the_key_engine():
    text = (
        "R1#show monitor event-trace crypto ipsec event latest\n"
        + child("10:51.826", "delete", "192.0.2.1", "B820B40F")
        + "< truncated 5 characters > 3 08:10:51.827: IPSEC-EVENT:IPSEC-SEND-KMI:  SESSION ID:0,"
        " KMI Sent: IPSEC key engine->Crypto IKMP:KEY_ENG_NOTIFY_INCR_COUNT\n"
        + "*Jun  3 08:10:52.171: IPSEC-EVENT:IPSEC-RECV-KMI:  SESSION ID:0, KMI Received: Crypto"
        " IKMP->IPSEC key engine:KEY_MGR_SESSION_CLOSED, loc: 192.0.2.1, rem: 198.51.100.9\n"
    )
    assert story(events_of(text)) == ["child-sa-down"]
