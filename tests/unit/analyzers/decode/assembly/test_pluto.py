from __future__ import annotations

import pytest

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import clock, decoder, events_of, messages_of, story

PEER = "198.51.100.9"
ESP = "{ESP=>0x0d0e0f22 <0x0a0b0c11 xfrm=AES_CBC_128-HMAC_SHA1_96 DPD=active}"
UP_V1 = f"""\
"gw" #1: ISAKMP SA established {{auth=RSA_SIG cipher=AES_CBC_256 group=MODP2048}}
"gw" #2: IPsec SA established tunnel mode {ESP}
"""
UP_V2 = f"""\
"gw"[1] {PEER} #1: initiating IKEv2 connection to {PEER} using UDP
"gw"[1] {PEER} #1: initiator established IKE SA; authenticated peer using authby=secret
"gw"[1] {PEER} #2: initiator established Child SA using #1; IPsec tunnel [10.1.0.0/24] {ESP}
"""


def debug(text: str, at: str = "10.000100") -> str:
    return f"Nov 14 14:45:{at}: | {text}\n"


PROBE = (
    debug(f"DPD: sending R_U_THERE 10777 to {PEER}:500 (state #1)")
    + debug("**emit ISAKMP Message:")
    + debug("   initiator SPI: 8b 6f 1a 00  00 00 00 01")
    + debug("   Message ID: 3446193991 (0xcd68bf47)")
    + debug("hmac PRF sha init symkey-key@0x55")
    + debug(f"sending 92 bytes for ISAKMP notify through eth1 from 192.0.2.1:500 to {PEER}:500"
            " using UDP (for #1)", "10.000900")
)  # fmt: skip
ACK = (
    debug(f"*received 92 bytes from {PEER}:500 on eth1 192.0.2.1:500 using UDP", "10.021000")
    + debug("**parse ISAKMP Message:", "10.021100")
    + debug("   Message ID: 16909060 (01 02 03 04)", "10.021200")
    + debug("processing informational R_U_THERE_ACK (36137)", "10.021300")
    + debug("DPD: R_U_THERE_ACK, seqno received: 10777 expected: 10777 (state=#1)", "10.021400")
)


def test_a_debugged_question_is_one_message_with_its_packet():
    (probe,) = messages_of(PROBE)
    assert (probe.sent, probe.message, probe.version) == (True, MessageKind.R_U_THERE, 1)
    assert (probe.sequence, probe.message_id, probe.length) == (10777, 0xCD68BF47, 92)
    assert (probe.local, probe.remote, probe.remote_port) == ("192.0.2.1", PEER, 500)
    assert (probe.handle, probe.ref.record) == ("#1", 1)
    assert probe.resolution_ns == 1000


def test_a_debugged_answer_arrived_when_its_packet_did():
    (ack,) = messages_of(ACK)
    assert (ack.sent, ack.message, ack.sequence) == (False, MessageKind.R_U_THERE_ACK, 10777)
    assert (ack.message_id, ack.length, ack.remote) == (0x01020304, 92, PEER)
    assert (clock(ack), ack.handle) == ("14:45:10.021", "#1")


def test_what_was_told_by_name_is_of_the_peer_whose_address_comes_later():
    enabled = '"gw" #1: Dead Peer Detection (RFC 3706): enabled\n'
    assert {e.remote for e in events_of(UP_V1 + enabled + PROBE)} == {PEER}
    assert {e.remote for e in events_of(UP_V1 + enabled)} == {"gw"}
    # A name that comes after the address does as well, and a state that takes its place.
    assert {e.remote for e in events_of(PROBE + enabled)} == {PEER}
    gives_up = "60 second timeout exceeded after 7 retransmits.  No response"
    again = '"gw" #3: initiating IKEv1 Main Mode connection to replace #1\n'
    lost = f'"gw" #3: STATE_MAIN_I1: {gives_up}\n'
    assert {e.remote for e in events_of(PROBE + again + lost)} == {PEER}
    # Another connection is another peer.
    other = lost.replace('"gw"', '"other"')
    assert {e.remote for e in events_of(PROBE + enabled + other)} == {PEER, "other"}


def test_answering_is_implied_by_the_number_of_the_question():
    asked = debug("processing informational R_U_THERE (36136)")
    number = debug('DPD: received R_U_THERE seq:24580 monotime:1234.5 (state=#1 name="gw")')
    question, answer = messages_of(asked + number)
    assert (question.sent, question.message, question.sequence) == (
        *(False, MessageKind.R_U_THERE, 24580),
    )
    assert (answer.sent, answer.message) == (True, MessageKind.R_U_THERE_ACK)
    # Without the number, nobody knows whether it was answered.
    assert story(messages_of(asked)) == ["received r-u-there"]
    failed = 'Nov 14 14:45:10.000200: "gw" #1: DPD: could not send R_U_THERE_ACK\n'
    assert story(messages_of(asked + number + failed)) == ["received r-u-there"]
    assert events_of(asked + number + failed)[-1].kind is LogEventKind.NOT_SENT


def test_what_the_system_did_not_take_is_told_of_the_peer():
    line = f'ERROR: "gw" #1: sendto on eth1 to {PEER}:500 failed in notify. Errno 1: '
    (refusal,) = events_of(f"Nov 14 14:45:10 gw pluto[8]: {line}Operation not permitted\n")
    assert (refusal.kind, refusal.remote) == (LogEventKind.NOT_SENT, PEER)
    assert refusal.reason == "Operation not permitted"


def test_old_dumps_have_message_ids_as_bytes():
    text = PROBE.replace("   Message ID: 3446193991 (0xcd68bf47)", "   message ID:  cd 68 bf 47")
    assert messages_of(text)[0].message_id == 0xCD68BF47


def test_questions_in_a_row_are_told_each():
    text = debug(f"DPD: sending R_U_THERE 1 to {PEER}:500 (state #1)") + debug(
        f"DPD: sending R_U_THERE 2 to {PEER}:500 (state #1)", "40.000000"
    )
    assert [(e.sequence, clock(e)) for e in messages_of(text)] == [
        *((1, "14:45:10.000"), (2, "14:45:40.000")),
    ]


@pytest.mark.parametrize(
    "verdict",
    [
        "DPD action - clearing connection kind CK_PERMANENT",
        "DPD action - restarting all connections that share this peer",
        "DPD: No response from peer - declaring peer dead",
    ],
)
def test_a_dead_peer_takes_all_its_sas_with_it(verdict):
    text = UP_V1 + f'"gw" #1: {verdict}\n"gw" #1: deleting state (STATE_MAIN_I4) aged 9.1s\n'
    told = events_of(text)
    assert story(told) == [
        *("ike-sa-up", "child-sa-up", "dpd-agreed", "peer-dead", "child-sa-down", "ike-sa-down"),
    ]
    dead, child, ike = told[3:]
    assert (dead.remote, dead.handle, dead.version) == ("gw", "#1", 1)
    assert child.spis == ("0a0b0c11", "0d0e0f22")
    assert (ike.reason, ike.protocol) == (verdict, DeleteProtocol.IKE)


def test_a_verdict_is_told_once_however_often_it_is_written():
    text = (
        UP_V2
        + f'"gw"[1] {PEER} #1: ESTABLISHED_IKE_SA: retransmission; will wait 0.5 seconds for'
        + " response\n"
        + f'"gw"[1] {PEER} #1: ESTABLISHED_IKE_SA: 60 second timeout exceeded after 7 retransmits.'
        + "  No response (or no acceptable response) to our IKEv2 message\n"
        + f'"gw"[1] {PEER} #1: liveness action - putting connection into hold\n'
    )
    told = events_of(text)[3:]
    assert story(told) == [
        *("sent liveness again", "peer-dead", "child-sa-down", "ike-sa-down"),
    ]
    assert (told[1].version, told[1].remote) == (2, PEER)
    assert told[1].reason == "60 second timeout exceeded after 7 retransmits"


def test_a_rekeying_that_times_out_is_no_dead_peer():
    text = (
        UP_V2
        + f'"gw"[1] {PEER} #3: sent CREATE_CHILD_SA request to rekey Child SA #2 using IKE SA #1\n'
        + f'"gw"[1] {PEER} #1: ESTABLISHED_IKE_SA: 60 second timeout exceeded after 7 retransmits'
    )
    assert story(events_of(text))[3:] == ["sent create-child", "gave-up"]
    done = text.replace(
        f'"gw"[1] {PEER} #1: EST',
        f'"gw"[1] {PEER} #3: initiator rekeyed Child SA #2 using #1; IPsec tunnel {ESP}\n'
        f'"gw"[1] {PEER} #1: EST',
    )
    assert "peer-dead" in story(events_of(done))


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("STATE_MAIN_I1", "main-mode"),
        ("STATE_QUICK_I1", "quick-mode"),
        ("STATE_AGGR_I1", "aggressive"),
        ("STATE_V2_PARENT_I1", "sa-init"),
        ("IKE_AUTH_I", "auth"),
    ],
)
def test_negotiations_that_time_out_are_no_dead_peers(state, kind):
    text = (
        f'"gw" #5: {state}: retransmission; will wait 0.5 seconds for response\n'
        f'"gw" #5: {state}: 60 second timeout exceeded after 7 retransmits.\n'
    )
    assert story(events_of(text)) == [f"sent {kind} again", "gave-up"]
    old = '"gw" #1: max number of retransmissions (2) reached STATE_MAIN_I1.  No response\n'
    assert story(events_of(old)) == ["gave-up"]


def test_liveness_of_ikev2_in_debugging():
    text = (
        debug(f"liveness: #2 queueing liveness probe for {PEER}:4500 using #1")
        + debug("**emit ISAKMP Message:")
        + debug("   Message ID: 4 (00 00 00 04)")
        + debug(f"sending 57 bytes for liveness probe through eth1 from 192.0.2.1:4500 to {PEER}:"
                "4500 using UDP (for #1)")
        + debug(f"*received 57 bytes from {PEER}:4500 on eth1 192.0.2.1:4500 using UDP", "10.01")
        + debug("**parse ISAKMP Message:", "10.01")
        + debug("   Message ID: 4 (00 00 00 04)", "10.01")
        + debug("received an INFORMATIONAL liveness check response", "10.01")
        + debug(f"*received 57 bytes from {PEER}:4500 on eth1 192.0.2.1:4500 using UDP", "20.01")
        + debug("**parse ISAKMP Message:", "20.01")
        + debug("   Message ID: 0 (00 00 00 00)", "20.01")
        + debug("received an INFORMATIONAL liveness check request", "20.01")
        + debug("**emit ISAKMP Message:", "20.01")
        + debug("   Message ID: 0 (00 00 00 00)", "20.01")
    )  # fmt: skip
    told = messages_of(text)
    assert story(told) == [
        *("sent liveness", "received liveness answer", "received liveness", "sent liveness answer"),
    ]
    assert [e.message_id for e in told] == [4, 4, 0, 0]
    assert {e.remote for e in told[:3]} == {PEER}
    assert told[0].handle == "#1"


def test_a_child_sa_that_only_liveness_mentions_goes_with_its_peer():
    text = (
        f"| liveness: #2 scheduling next check for {PEER}:EPHEM in 9.1 seconds (recent IPsec"
        " traffic was 0.9 seconds ago)\n"
        f'"gw"[1] {PEER} #1: ESTABLISHED_IKE_SA: 10 second timeout exceeded after 0 retransmits.\n'
    )
    assert story(events_of(text)) == ["peer-dead", "child-sa-down", "ike-sa-down"]


def test_received_deletes():
    text = (
        UP_V1
        + '"gw" #1: received Delete SA(0x0d0e0f22) payload: deleting IPSEC State #2\n'
        + '"gw" #1: received Delete SA payload: self-deleting ISAKMP State #1\n'
    )
    child, gone, ike, down = events_of(text)[3:]
    assert (child.sent, child.message, child.protocol) == (
        *(False, MessageKind.DELETE, DeleteProtocol.ESP),
    )
    assert child.spis == ("0d0e0f22",)
    assert (gone.kind, gone.spis) == (LogEventKind.CHILD_SA_DOWN, ("0a0b0c11", "0d0e0f22"))
    assert (ike.protocol, ike.handle) == (DeleteProtocol.IKE, "#1")
    assert down.kind is LogEventKind.IKE_SA_DOWN


def test_newer_words_for_a_received_delete():
    text = (
        UP_V1
        + '"gw" #2: received Delete SA payload via #1\n'
        + '"gw" #2: deleting IPsec SA (QUICK_R2) aged 9.999015s and NOT sending notification\n'
    )
    told = events_of(text)[3:]
    assert story(told) == ["received delete", "child-sa-down"]
    assert told[0].spis == ("0d0e0f22",)


def test_sent_deletes():
    text = (
        UP_V1
        + '"gw" #2: deleting state (STATE_QUICK_I2) aged 9.1s and sending notification\n'
        + '"gw" #1: deleting state (STATE_MAIN_I4) aged 9.2s and sending notification\n'
        + '"gw" #1: deleting other state #2 (STATE_QUICK_I2) aged 9s and NOT sending notification\n'
    )
    told = events_of(text)[3:]
    assert story(told) == ["sent delete", "child-sa-down", "sent delete", "ike-sa-down"]
    assert (told[0].spis, told[0].protocol) == (("0a0b0c11",), DeleteProtocol.ESP)
    v2 = UP_V2 + f'"gw"[1] {PEER} #1: sent INFORMATIONAL request to delete IKE SA\n'
    (sent,) = messages_of(v2)
    assert (sent.response, sent.protocol, sent.version) == (False, DeleteProtocol.IKE, 2)


def test_states_that_never_came_up_do_not_go_down():
    text = '"gw" #1: deleting state (STATE_V2_PARENT_I1) aged 26.9s and NOT sending notification\n'
    assert events_of(text) == []


def test_the_messages_of_a_negotiation():
    text = f"""\
        "gw" #1: sent Main Mode request
        "gw" #1: sent Main Mode I2
        "gw" #2: sent Quick Mode request
        "hub" #3: sent IKE_SA_INIT request to {PEER}:UDP/500
        "hub" #3: processed IKE_SA_INIT response from {PEER}:UDP/500 {{cipher=AES}}, initiating
        "hub" #3: sent IKE_AUTH request to {PEER}:UDP/500; Child SA #4 {{ESP <0x0a0b0c11}}
        "hub" #5: processing IKE_SA_INIT request from {PEER}:UDP/500 containing SA,KE,Ni
        "hub" #5: sent IKE_SA_INIT response to {PEER}:UDP/500 {{cipher=AES_GCM_16_256}}
        """
    told = messages_of(text)
    assert story(told) == [
        *("sent main-mode", "sent main-mode", "sent quick-mode"),
        *("sent sa-init", "received sa-init answer", "sent auth"),
        *("received sa-init", "sent sa-init answer"),
    ]
    assert {e.remote for e in told[3:]} == {PEER}
    # Nothing names the peer of the other connection: its name has to do.
    assert {e.remote for e in told[:3]} == {"gw"}


def test_one_line_for_both_sas_of_old_releases():
    text = (
        f'"gw"[1] {PEER} #2: STATE_PARENT_R2: received v2I2, PARENT SA established tunnel mode'
        f' {ESP}\n"old"[1] {PEER} #3: STATE_MAIN_R3: sent MR3, ISAKMP SA established\n'
    )
    told = events_of(text)
    assert story(told) == ["ike-sa-up", "child-sa-up", "dpd-agreed", "ike-sa-up"]
    assert [e.version for e in told] == [2, 2, 2, 1]


def test_what_is_agreed_on():
    text = (
        f"packet from {PEER}:500: received Vendor ID payload [Dead Peer Detection]\n"
        '"gw" #8: Dead Peer Detection (RFC 3706): enabled\n'
        '"gw" #8: DPD: received old or duplicate R_U_THERE\n'
        '"gw" #8: DPD: unexpected R_U_THERE_ACK packet with sequence number 49217\n'
    )
    told = events_of(text)
    assert story(told) == ["dpd-vendor-id", "dpd-agreed", "hint", "hint"]
    assert (told[0].sent, told[0].remote, told[0].handle) == (False, PEER, None)


def test_a_pluto_that_is_started_again_counts_from_one():
    text = UP_V1 + '"gw" #1: DPD action - clearing connection kind CK_PERMANENT\n'
    assert story(events_of(text * 2)) == story(events_of(text)) * 2


def test_syslog_and_console_with_prompts():
    syslog = (
        'Jul  4 08:34:01   pluto[2814]: "gw" #1: STATE_MAIN_I4: ISAKMP SA established\n'
        '2025-01-27T14:13:05.805232+00:00 pve pluto[15070]: "gw" #1: DPD action - clearing'
        " connection kind CK_PERMANENT\n"
    )
    assert story(events_of(syslog)) == ["ike-sa-up", "peer-dead", "ike-sa-down"]
    console = (
        'west #\n ipsec auto --up gw\n002 "gw" #1: ISAKMP SA established {auth=PRESHARED_KEY}\n'
        "west #\n ../../guestbin/wait-for-pluto.sh '^\".*#1: DPD action - clearing connection'\n"
        '"gw" #1: DPD action - clearing connection kind CK_PERMANENT\r\nwest #\n'
        '#2: "gw", type=ESP, add_time=1234567890, inBytes=84, outBytes=84\n'
    )
    assert story(events_of(console)) == ["ike-sa-up", "peer-dead", "ike-sa-down"]


def test_json_and_other_quoted_text_is_not_pluto():
    reader, events = decoder('{\n "name": "gw",\n "gw" : "#1: nothing"\n}\n"east" [E=a@example]\n')
    assert (events, reader.tally.dialects) == ([], {})


def test_any_cut_of_the_text_gives_the_same_events():
    text = PROBE + ACK + UP_V1
    whole = decoder(text)[1]
    for cut in range(0, len(text), 53):
        assert decoder(text, (cut,))[1] == whole
