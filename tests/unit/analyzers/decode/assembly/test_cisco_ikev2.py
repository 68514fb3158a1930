from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import clock, decoder, events_of, messages_of, story

HUB, SPOKE = "192.0.2.1", "198.51.100.9"
I_SPI, R_SPI = "0A1B2C3D4E5F6071", "8192A3B4C5D6E7F8"


def tag(time: str = "", ids: str = "5,SA ID = 1", level: str = "") -> str:
    stamp = f"*Jun  3 {time}: " if time else ""
    return f"{stamp}IKEv2{level}:(SESSION ID = {ids}):"


def packet(
    way: str,
    mid: int,
    kind: str,
    *payloads: str,
    exchange: str = "INFORMATIONAL",
    spis: tuple[str, str] = (I_SPI, R_SPI),
    time: str = "",
    peer: str = f"{SPOKE}:500",
    local: str = f"{HUB}:500",
    ids: str = "5,SA ID = 1",
) -> str:
    to, fro = ("To", "From") if way == "Sending" else ("From", "To")
    return (
        f"{tag(time, ids)}{way} Packet [{to} {peer}/{fro} {local}/VRF i0:f0] \n"
        f"Initiator SPI : {spis[0]} - Responder SPI : {spis[1]} Message id: {mid}\n"
        f"IKEv2 {exchange} Exchange {kind} \nPayload contents: \n {' '.join(payloads)} \n \n"
    )


def say(text: str, time: str = "", level: str = "", ids: str = "5,SA ID = 1") -> str:
    return f"{tag(time, ids, level)}{text}\n"


def build(*payloads: str, time: str = "") -> str:
    listed = f"Payload contents: \n {' '.join(payloads)}\n" if payloads else ""
    return say("Building packet for encryption.  ", time) + listed


PROBE = (
    say("Sending DPD/liveness query", "08:00:10.000")
    + build(time="08:00:10.000")
    + say("Checking if request will fit in peer window ", "08:00:10.000")
    + "\n"
    + packet("Sending", 4, "REQUEST", "ENCR", time="08:00:10.001")
)
ANSWER = packet("Received", 4, "RESPONSE", time="08:00:10.019") + say(
    "Processing ACK to informational exchange", "08:00:10.020"
)
RETRY = "".join(
    say("Retransmitting packet ", f"08:00:{at:02}.001")
    + packet("Sending", 4, "REQUEST", "ENCR", time=f"08:00:{at:02}.002")
    for at in (12, 14, 16)
)
DEAD = (
    PROBE
    + RETRY
    + say(": Maximum number of retransmissions reached", "08:00:18.002", "-ERROR")
    + say("Deleting SA", "08:00:18.003")
)


def test_a_probe_and_its_answer():
    sent, received = messages_of(PROBE + ANSWER)
    assert (sent.sent, sent.message, sent.response) == (True, MessageKind.LIVENESS, False)
    assert (received.sent, received.message, received.response) == (
        False,
        MessageKind.LIVENESS,
        True,
    )
    assert [clock(sent), clock(received)] == ["08:00:10.001", "08:00:10.019"]
    assert (sent.local, sent.remote, sent.local_port, sent.remote_port) == (HUB, SPOKE, 500, 500)
    assert (sent.initiator_spi, sent.responder_spi) == (I_SPI.lower(), R_SPI.lower())
    assert (sent.message_id, sent.handle, sent.version) == (4, "5/1", 2)
    assert not sent.retransmission
    assert sent.ref.record == 5


def test_a_peer_that_is_given_up():
    events = events_of(DEAD)
    again = ["sent liveness again"] * 3
    assert story(events) == ["sent liveness", *again, "peer-dead", "ike-sa-down"]
    dead = events[-2]
    assert (dead.remote, dead.initiator_spi, clock(dead)) == (
        SPOKE,
        I_SPI.lower(),
        "08:00:18.002",
    )
    assert {e.message_id for e in events[:4]} == {4}


def test_the_state_machine_says_it_too():
    trace = (
        f"SM Trace-> SA: I_SPI={I_SPI} R_SPI={R_SPI} (I) MsgID = 4 CurState: INFO_I_WAIT"
        " Event: EV_RE_XMT_EXCEED"
    )
    before_error = DEAD.replace(
        tag("08:00:18.002", level="-ERROR"),
        say(trace, "08:00:18.001", "-INTERNAL") + tag("08:00:18.002", level="-ERROR"),
    )
    dead = events_of(before_error, LogEventKind.PEER_DEAD, LogEventKind.GAVE_UP)
    assert [(e.kind, clock(e)) for e in dead] == [(LogEventKind.PEER_DEAD, "08:00:18.001")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PROBE + ANSWER + DEAD[-200:], id="answered"),
        pytest.param(PROBE + DEAD[-200:], id="never sent again"),
        pytest.param(DEAD.replace("Sending DPD/liveness query", ""), id="not said to be DPD"),
        pytest.param(
            build("DELETE") + packet("Sending", 4, "REQUEST", "ENCR") + RETRY + DEAD[-200:],
            id="a Delete",
        ),
        pytest.param(RETRY + DEAD[-200:], id="begins in the middle"),
        pytest.param(say("Maximum number of retransmissions reached", "", "-ERROR"), id="alone"),
    ],
)
def test_other_retransmissions_are_no_verdict_on_the_peer(text: str):
    cut = text.replace(DEAD[-200:], DEAD[DEAD.index(tag("08:00:18.002", level="-ERROR")) :])
    kinds = [e.kind for e in events_of(cut)]
    assert LogEventKind.PEER_DEAD not in kinds
    assert kinds.count(LogEventKind.GAVE_UP) == 1


def test_a_handshake_that_nobody_answers():
    init = packet(
        "Sending", 0, "REQUEST", "SA", "KE", "N", "VID", "NOTIFY(NAT_DETECTION_SOURCE_IP)",
        exchange="IKE_SA_INIT", spis=(I_SPI, "0" * 16),
    )  # fmt: skip
    text = init + (say("Retransmitting packet ") + "\n" + init) * 2
    text += say("Initial exchange failed: Initial exchange failed", level="-ERROR")
    events = events_of(text)
    assert story(events) == ["sent sa-init", "sent sa-init again", "sent sa-init again", "hint"]
    assert events[-1].reason == "Initial exchange failed"
    assert all(e.responder_spi is None for e in events[3:])


def test_a_second_handshake_packet_after_an_answer_is_a_new_one():
    init = packet("Sending", 0, "REQUEST", "SA", "KE", "N", exchange="IKE_SA_INIT")
    cookie = packet("Received", 0, "RESPONSE", "NOTIFY(COOKIE)", exchange="IKE_SA_INIT")
    words = ["sent sa-init", "received sa-init answer", "sent sa-init"]
    assert story(events_of(init + cookie + init)) == words


UP = (
    build("VID", "IDi", "AUTH", "SA", "TSi", "TSr", "NOTIFY(INITIAL_CONTACT)")
    + packet("Sending", 1, "REQUEST", "ENCR", exchange="IKE_AUTH")
    + packet("Received", 1, "RESPONSE", "VID", "IDr", "AUTH", "SA", "TSi", "TSr",
             exchange="IKE_AUTH")
    + say("IKEV2 SA created; inserting SA into database. SA lifetime timer (86400 sec) started")
    + say(f"Session with IKE ID PAIR ({SPOKE}, {HUB}) is UP")
)  # fmt: skip
GOODBYE = (
    say("Queuing IKE SA delete request reason: unknown")
    + say("Sending DELETE INFO message for IPsec SA [SPI: 0xA1B2C3D4]")
    + build("DELETE")
    + say("Checking if request will fit in peer window")
    + packet("Sending", 2, "REQUEST", "ENCR")
    + say("Check for existing IPSEC SA")
    + say("Delete all IKE SAs")
    + say(f"Sending DELETE INFO message for IKEv2 SA [ISPI: 0x{I_SPI} RSPI: 0x{R_SPI}]")
    + build("DELETE")
    + say("Checking if request will fit in peer window")
    + packet("Received", 2, "RESPONSE")
    + say("Processing ACK to informational exchange")
    + packet("Sending", 3, "REQUEST", "ENCR")
    + packet("Received", 3, "RESPONSE")
    + say("Processing ACK to informational exchange")
    + say("Deleting SA")
)


def test_deletes_wait_for_the_window():
    events = events_of(UP + GOODBYE)
    assert story(events) == [
        "sent auth",
        "received auth answer",
        "ike-sa-up",
        "child-sa-down",
        "sent delete",
        "received informational answer",
        "sent delete",
        "received informational answer",
        "ike-sa-down",
    ]
    child, first, second, down = events[3], events[4], events[6], events[8]
    assert (child.spis, child.protocol) == (("a1b2c3d4",), DeleteProtocol.ESP)
    assert (first.spis, first.protocol, first.message_id) == (
        ("a1b2c3d4",),
        DeleteProtocol.ESP,
        2,
    )
    assert (second.spis, second.protocol, second.message_id) == ((), DeleteProtocol.IKE, 3)
    assert (down.remote, down.initiator_spi, down.reason) == (SPOKE, I_SPI.lower(), "unknown")


def test_an_empty_answer_to_a_delete_is_not_about_liveness():
    answers = [e for e in messages_of(UP + GOODBYE) if e.response and e.message_id in (2, 3)]
    assert [e.message for e in answers] == [MessageKind.INFORMATIONAL] * 2


def test_ids_of_the_device_name_one_sa_after_another():
    second = ("1111111111111111", "2222222222222222")
    later = (UP + GOODBYE).replace(I_SPI, second[0]).replace(R_SPI, second[1])
    text = say("Deleting SA") + UP + GOODBYE + later
    events = events_of(text)
    assert story(events).count("ike-sa-down") == 3
    assert story(events).count("ike-sa-up") == 2
    assert [e.handle for e in events if e.kind is LogEventKind.IKE_SA_DOWN] == [
        "5/1",
        "5/1#2",
        "5/1#3",
    ]
    assert {e.initiator_spi for e in events if e.handle == "5/1#3"} == {second[0]}


def test_deletes_of_the_peer():
    text = (
        packet("Received", 7, "REQUEST", "DELETE")
        + build("DELETE")
        + packet("Sending", 7, "RESPONSE", "ENCR")
        + say("Processing DELETE INFO message for IPsec SA [SPI: 0x0A0B0C11]")
        + packet("Received", 8, "REQUEST", "NOTIFY", "DELETE")
        + build()
        + packet("Sending", 8, "RESPONSE", "ENCR")
        + say(f"Processing DELETE INFO message for IKEv2 SA [ISPI: 0x{I_SPI} RSPI: 0x{R_SPI}]")
        + say("Deleting SA")
    )
    events = events_of(text)
    assert story(events) == [
        "received delete",
        "sent delete answer",
        "child-sa-down",
        "received delete",
        "sent informational answer",
        "ike-sa-down",
    ]
    assert (events[0].spis, events[0].protocol) == (("0a0b0c11",), DeleteProtocol.ESP)
    assert events[3].protocol is DeleteProtocol.IKE
    assert events[5].reason == "deleted by the peer"


@pytest.mark.parametrize(
    ("payloads", "words"),
    [((), ""), (("ENCR",), say("Received DPD/liveness query"))],
    ids=["decrypted", "said in words"],
)
def test_a_question_of_the_peer(payloads: tuple[str, ...], words: str):
    text = (
        packet("Received", 3, "REQUEST", *payloads)
        + words
        + build()
        + say("Sending ACK to informational exchange")
        + packet("Sending", 3, "RESPONSE", "ENCR")
    )
    assert story(messages_of(text)) == ["received liveness", "sent liveness answer"]


def test_nat_detection_alone_is_a_mobike_question():
    listed = ("NOTIFY(NAT_DETECTION_SOURCE_IP)", "NOTIFY(NAT_DETECTION_DESTINATION_IP)")
    text = packet("Received", 3, "REQUEST", *listed)
    assert [e.message for e in messages_of(text)] == [MessageKind.LIVENESS_MOBIKE]


@pytest.mark.parametrize(
    ("payloads", "kind"),
    [
        (("NOTIFY(ADDITIONAL_IP4_ADDRESS)",), MessageKind.NOTIFY),
        (("CFG",), MessageKind.CONFIG),
        (("GSPM",), MessageKind.INFORMATIONAL),
        (("SOMETHING",), MessageKind.INFORMATIONAL),
        (("ENCR",), MessageKind.INFORMATIONAL),
    ],
)
def test_what_is_no_question(payloads: tuple[str, ...], kind: MessageKind):
    text = packet("Received", 3, "REQUEST", *payloads)
    assert [e.message for e in messages_of(text)] == [kind]


def test_a_request_of_the_peer_that_comes_twice():
    text = packet("Received", 3, "REQUEST") * 2
    assert story(messages_of(text)) == ["received liveness", "received liveness again"]


@pytest.mark.parametrize(
    ("peer", "local", "remote", "own", "port"),
    [
        ("2001:DB8::9:500", "2001:DB8::1:500", "2001:db8::9", "2001:db8::1", 500),
        ("x.x.x.x:4500", "192.0.2.1:4500", "x.x.x.x", "192.0.2.1", 4500),
        ("<spoke>:4501", "<hub>:4500", "spoke", "hub", 4501),
        ("203.0.113.XXX:500", "192.0.2.1:500", "203.0.113.XXX", "192.0.2.1", 500),
    ],
)
def test_addresses(peer: str, local: str, remote: str, own: str, port: int):
    text = packet("Sending", 4, "REQUEST", "ENCR", peer=peer, local=local)
    (sent,) = messages_of(text)
    assert (sent.remote, sent.local, sent.remote_port) == (remote, own, port)


def test_the_older_tags():
    text = packet("Sending", 4, "REQUEST", "ENCR").replace("SESSION ID = 5,", "")
    (sent,) = messages_of(text)
    assert sent.handle == "1"
    text = packet("Received", 4, "REQUEST").replace("(SESSION ID = 5,SA ID = 1):", "")
    (received,) = messages_of(text)
    assert (received.handle, received.message) == (None, MessageKind.LIVENESS)


def test_a_stamp_of_its_own_line_and_sequence_numbers():
    text = (
        "2000304: Jun  8 2026 19:14:38.051 GMT: IKEv2:(SESSION ID = 146,SA ID = 68):\n"
        "Sending DPD/liveness query\n"
        "2000305: Jun 8 2026 19:14:38.052 GMT: IKEv2:(SESSION ID = 146,SA ID = 68):\n"
        + packet("Sending", 4, "REQUEST", "ENCR").partition("1):")[2]
    )
    (sent,) = messages_of(text)
    assert (sent.message, sent.handle, clock(sent)) == (
        MessageKind.LIVENESS,
        "146/68",
        "19:14:38.052",
    )


def test_wrapped_lines_prompts_and_carriage_returns():
    wrapped = DEAD.replace("(SESSION ID = 5,SA ID = 1):Sending Packet", "(SESSION ID = 5,SA\n"
                           "ID = 1):Sending\nPacket")  # fmt: skip
    wrapped = wrapped.replace("Exchange REQUEST \n", "Exchange\nREQUEST \nHUB#\n")
    wrapped = "\ufeff" + wrapped.replace("\n", "\r\n")
    assert story(events_of(wrapped)) == story(events_of(DEAD))


def test_an_empty_list_ends_where_the_terminal_mixes_something_in():
    text = packet("Received", 3, "REQUEST") + "HUB#clear crypto ikev2 sa\n"
    assert [e.message for e in messages_of(text)] == [MessageKind.LIVENESS]
    text = packet("Received", 3, "REQUEST") + "Configuring from terminal\n"
    assert [e.message for e in messages_of(text)] == [MessageKind.INFORMATIONAL]


def test_a_record_that_is_cut_is_no_message():
    text = packet("Sending", 4, "REQUEST", "ENCR")
    assert messages_of(text[: text.index("IKEv2 INFORMATIONAL")]) == []


def test_without_packet_debugging_the_words_are_all_there_is():
    text = (
        say(f"Session with IKE ID PAIR ({SPOKE}, {HUB}) is UP", "08:00:00.000")
        + say("Sending DPD/liveness query", "08:00:10.000")
        + say("Received response to DPD/liveness query", "08:00:10.020")
        + say("Received DPD/liveness query", "08:00:15.000")
        + say("Sending ACK to informational exchange", "08:00:15.001")
        + say("Sending DPD/liveness query", "08:00:20.000")
        + say("Retransmitting packet", "08:00:22.000")
        + say("Retransmitting packet", "08:00:24.000")
        + say("Maximum number of retransmissions reached", "08:00:26.000", "-ERROR")
        + say("Deleting SA", "08:00:26.001")
    )
    events = events_of(text)
    assert story(events) == [
        "ike-sa-up",
        "sent liveness",
        "received liveness answer",
        "received liveness",
        "sent liveness answer",
        "sent liveness",
        "sent liveness again",
        "sent liveness again",
        "peer-dead",
        "ike-sa-down",
    ]
    assert clock(events[1]) == "08:00:10.000"
    assert {e.remote for e in events} == {SPOKE}


def test_without_packet_debugging_another_request_may_be_meant():
    text = (
        say("Sending DPD/liveness query")
        + build()
        + build("SA", "N", "KE", "TSi", "TSr")
        + say("Retransmitting packet")
        + say("Maximum number of retransmissions reached", level="-ERROR")
    )
    assert story(events_of(text))[-1] == "gave-up"


def test_dpd_is_configured():
    (agreed,) = events_of(say("Initializing DPD, configured for 10 seconds", level="-INTERNAL"))
    assert (agreed.kind, agreed.interval_s) == (LogEventKind.DPD_AGREED, 10.0)
    assert events_of(say("Initializing DPD, configured for 0 seconds", level="-INTERNAL")) == []


def test_two_sas_at_once():
    other = {"spis": ("3" * 16, "4" * 16), "peer": "203.0.113.7:500", "ids": "6,SA ID = 2"}
    text = (
        say("Sending DPD/liveness query")
        + say("Sending DPD/liveness query", ids="6,SA ID = 2")
        + packet("Sending", 9, "REQUEST", "ENCR", **other)  # type: ignore[arg-type]
        + packet("Sending", 4, "REQUEST", "ENCR")
        + packet("Received", 9, "RESPONSE", **other)  # type: ignore[arg-type]
        + packet("Received", 4, "RESPONSE")
    )
    found = messages_of(text)
    assert [(e.remote, e.message_id) for e in found] == [
        ("203.0.113.7", 9),
        (SPOKE, 4),
        ("203.0.113.7", 9),
        (SPOKE, 4),
    ]
    assert all(e.message is MessageKind.LIVENESS for e in found)


WHOLE = UP + PROBE + ANSWER + DEAD.replace("Message id: 4", "Message id: 5")


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_any_cutting_of_the_text_gives_the_same(cuts: list[int]):
    assert decoder(WHOLE, cuts)[1] == decoder(WHOLE)[1]


HEALTHY = (UP + PROBE + ANSWER + GOODBYE).splitlines(keepends=True)
NEVER_DEAD = [
    *HEALTHY,
    *(RETRY.replace("08:00:", "08:01:")).replace("Message id: 4", "Message id: 2").splitlines(True),
    say("Maximum number of retransmissions reached", "08:01:18.002", "-ERROR"),
]


@settings(max_examples=200)
@given(st.sets(st.integers(0, len(NEVER_DEAD) - 1), max_size=25))
def test_lost_lines_never_kill_a_peer(lost: set[int]):
    kept = "".join(line for number, line in enumerate(NEVER_DEAD) if number not in lost)
    assert LogEventKind.PEER_DEAD not in [e.kind for e in decoder(kept)[1]]
