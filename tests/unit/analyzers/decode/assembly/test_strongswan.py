"""Charon's messages, retransmissions, verdicts and SAs, from lines that its threads write mixed."""

from __future__ import annotations

import re
import textwrap

import pytest

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import clock, decoder, events_of, messages_of, story

NET = "2026-01-31 13:56:{s} {t:02}[NET] {way} packet: from {a}[4500] to {b}[4500] ({n} bytes)\n"

CAME_AGAIN = "received retransmit of request with ID 5, retransmitting response"


def net(second: str, way: str, peer: str = "192.0.2.9", thread: int = 5, length: int = 80) -> str:
    ends = ("192.0.2.1", peer) if way == "sending" else (peer, "192.0.2.1")
    return NET.format(s=second, t=thread, way=way, a=ends[0], b=ends[1], n=length)


def say(second: str, subsystem: str, text: str, thread: int = 5) -> str:
    return f"2026-01-31 13:56:{second} {thread:02}[{subsystem}] {text}\n"


def asked(second: str, number: int, peer: str = "192.0.2.9", thread: int = 5) -> str:
    text = f"generating INFORMATIONAL request {number} [ ]"
    return say(second, "ENC", text, thread) + net(second, "sending", peer, thread)


def retry(second: str, time: int, number: int, peer: str = "192.0.2.9", thread: int = 5) -> str:
    text = f"retransmit {time} of request with message ID {number}"
    return say(second, "IKE", text, thread) + net(second, "sending", peer, thread)


def dead(events: list[LogEvent]) -> list[str | None]:
    return [e.remote for e in events if e.kind is LogEventKind.PEER_DEAD]


def test_a_liveness_question_and_its_answer() -> None:
    text = (
        say("27.100", "IKE", "sending DPD request")
        + asked("27.101", 4)
        + net("27.120", "received", thread=9)
        + say("27.121", "ENC", "parsed INFORMATIONAL response 4 [ ]", 9)
    )
    question, answer = messages_of(text)
    assert (question.message, question.sent, question.response) == (
        MessageKind.LIVENESS,
        True,
        False,
    )
    assert (question.local, question.remote) == ("192.0.2.1", "192.0.2.9")
    assert (question.local_port, question.remote_port, question.length) == (4500, 4500, 80)
    assert (question.message_id, clock(question)) == (4, "13:56:27.101")
    assert (answer.message, answer.sent, answer.response) == (MessageKind.LIVENESS, False, True)
    # It arrived when its packet did.
    assert (clock(answer), answer.ref.record) == ("13:56:27.120", 4)


def test_r_u_there_of_ikev1_and_the_verdict() -> None:
    text = (
        say("27.100", "ENC", "generating INFORMATIONAL_V1 request 1467000139 [ HASH N(DPD) ]")
        + net("27.101", "sending", length=108)
        + net("28.000", "received", thread=7)
        + say("28.001", "ENC", "parsed INFORMATIONAL_V1 request 3817000243 [ HASH N(DPD_ACK) ]", 7)
        + say("57.000", "JOB", "DPD check timed out, enforcing DPD action", 2)
    )
    sent, ack, verdict = events_of(text)
    assert (sent.message, sent.version, sent.response) == (MessageKind.R_U_THERE, 1, None)
    assert sent.message_id == 1467000139
    assert (ack.message, ack.sent) == (MessageKind.R_U_THERE_ACK, False)
    assert (verdict.kind, verdict.remote, verdict.version) == (
        LogEventKind.PEER_DEAD,
        "192.0.2.9",
        1,
    )


def test_a_delete_that_came_is_told_though_its_thread_says_no_more() -> None:
    text = (
        net("27.000", "received", thread=7)
        + say("27.001", "ENC", "parsed INFORMATIONAL_V1 request 7 [ HASH D ]", 7)
        + say("27.002", "IKE", "received DELETE for ESP CHILD_SA with SPI 990b00ae", 7)
        + net("27.500", "received", thread=9)
        + say("27.501", "ENC", "parsed INFORMATIONAL_V1 request 8 [ HASH N(DPD) ]", 9)
        + net("29.000", "received", thread=9)
        + say("29.001", "ENC", "parsed INFORMATIONAL_V1 request 9 [ HASH N(DPD) ]", 9)
    )
    assert [e.message_id for e in messages_of(text)] == [8, 7, 9]
    (_, deleted, _) = messages_of(text)
    assert (deleted.protocol, deleted.spis) == (DeleteProtocol.ESP, ("990b00ae",))


def test_retransmissions_are_the_same_request() -> None:
    text = asked("27.000", 4) + retry("31.000", 1, 4) + retry("38.200", 2, 4)
    text += say("51.000", "IKE", "giving up after 2 retransmits", 12)
    *messages, verdict = events_of(text)
    assert [e.retransmission for e in messages] == [False, True, True]
    assert {(e.message, e.message_id, e.remote) for e in messages} == {
        (MessageKind.LIVENESS, 4, "192.0.2.9")
    }
    assert verdict.kind is LogEventKind.PEER_DEAD
    assert (verdict.remote, verdict.version) == ("192.0.2.9", 2)


def test_who_gives_up_is_not_the_one_who_spoke_last() -> None:
    """A negotiation in vain beside a healthy peer, and then a question in vain."""
    healthy, silent = "192.0.2.9", "192.0.2.77"
    text = (
        say("01.000", "ENC", "generating IKE_SA_INIT request 0 [ SA KE No ]", 3)
        + net("01.000", "sending", silent, 3)
        + retry("05.000", 1, 0, silent, 3)
        + asked("06.000", 7, healthy)
        + net("06.010", "received", healthy, 8)
        + say("06.011", "ENC", "parsed INFORMATIONAL response 7 [ ]", 8)
        + asked("09.000", 8, healthy)
        + say("12.000", "IKE", "giving up after 1 retransmits", 3)
    )
    events = events_of(text)
    assert dead(events) == []
    (verdict,) = (e for e in events if e.kind is LogEventKind.GAVE_UP)
    assert (verdict.remote, verdict.message) == (silent, MessageKind.SA_INIT)
    text += retry("13.000", 1, 8, healthy) + say("20.000", "IKE", "giving up after 1 retransmits")
    assert dead(events_of(text)) == [healthy]


HUB = "".join(
    say(f"00.{n}00", "IKE", f"IKE_SA gw{n}[{n}] established between 192.0.2.1[a]...192.0.2.{n}[b]")
    for n in (7, 9)
)
TIMED_OUT = say("40.000", "JOB", "DPD check timed out, enforcing DPD action", 2)
DESTROYED = say("40.001", "IKE", "IKE_SA gw7[7] state change: ESTABLISHED => DESTROYING", 2)


def r_u_there(second: str, number: int, peer: str) -> str:
    text = f"generating INFORMATIONAL_V1 request {number} [ HASH N(DPD) ]"
    return say(second, "ENC", text) + net(second, "sending", peer)


def ack(second: str, number: int, peer: str) -> str:
    text = f"parsed INFORMATIONAL_V1 request {number} [ HASH N(DPD_ACK) ]"
    return net(second, "received", peer, 8) + say(second, "ENC", text, 8)


def test_of_two_that_are_asked_in_vain_the_removed_sa_tells_who_is_given_up() -> None:
    """Both are silent; the timer says no name, its thread removes the SA next."""
    text = HUB + r_u_there("20.000", 11, "192.0.2.9") + r_u_there("21.000", 12, "192.0.2.7")
    assert dead(events_of(text + TIMED_OUT + DESTROYED)) == ["192.0.2.7"]
    beside = net("40.000", "received", "192.0.2.9", 8)
    assert dead(events_of(text + TIMED_OUT + beside + DESTROYED)) == ["192.0.2.7"]
    # Whose it is nobody can tell, then.
    assert dead(events_of(text + TIMED_OUT)) == [None]
    assert dead(events_of(text + TIMED_OUT + r_u_there("45.000", 13, "192.0.2.9"))) == [None]


def test_who_acknowledges_is_not_the_one_who_is_given_up() -> None:
    text = HUB + r_u_there("20.000", 11, "192.0.2.9") + r_u_there("21.000", 12, "192.0.2.7")
    text += ack("21.001", 99, "192.0.2.7") + TIMED_OUT
    assert dead(events_of(text)) == ["192.0.2.9"]


@pytest.mark.parametrize("named", [True, False])
def test_of_two_requests_with_one_message_id_the_packet_tells_whose_is_sent_again(
    named: bool,
) -> None:
    text = HUB + asked("20.000", 3, "192.0.2.7") + asked("20.500", 3, "192.0.2.9")
    text += retry("21.000", 1, 3, "192.0.2.7") + retry("22.000", 2, 3, "192.0.2.7")
    if named:
        # Another one is at its second retry, too.
        text += retry("22.100", 1, 3, "192.0.2.9") + retry("22.200", 2, 3, "192.0.2.9")
    gave_up = say("40.000", "IKE", "giving up after 2 retransmits", 2)
    assert dead(events_of(text + gave_up + DESTROYED)) == ["192.0.2.7"]
    other = DESTROYED.replace("gw7[7]", "gw9[9]")
    if named:
        assert dead(events_of(text + gave_up + other)) == ["192.0.2.9"]


def test_an_answered_request_is_not_given_up() -> None:
    text = asked("01.000", 4) + retry("05.000", 1, 4) + net("05.100", "received", thread=9)
    text += say("05.101", "ENC", "parsed INFORMATIONAL response 4 [ ]", 9)
    text += say("12.000", "IKE", "giving up after 1 retransmits", 3)
    assert dead(events_of(text)) == []


def test_names_tell_sas_with_the_same_message_ids_apart() -> None:
    lines = []
    for second, name, peer in (("01", "a|1", "192.0.2.9"), ("02", "b|2", "192.0.2.77")):
        text = f"<{name}> generating INFORMATIONAL request 4 [ ]"
        lines.append(say(f"{second}.000", "ENC", text))
        lines.append(net(f"{second}.000", "sending", peer))
    lines.append(say("05.000", "IKE", "<a|1> retransmit 1 of request with message ID 4"))
    lines.append(net("05.000", "sending", "192.0.2.9"))
    lines.append(say("09.000", "IKE", "<a|1> giving up after 1 retransmits"))
    events = events_of("".join(lines))
    assert story(events) == ["sent liveness", "sent liveness", "sent liveness again", "peer-dead"]
    assert [e.handle for e in events] == ["a[1]", "b[2]", "a[1]", "a[1]"]
    assert events[-1].remote == "192.0.2.9"


def test_deletes_say_what_they_delete() -> None:
    text = (
        say("01.000", "IKE", "sending DELETE for ESP CHILD_SA with SPI a2b20052")
        + say("01.001", "ENC", "generating INFORMATIONAL request 5 [ D ]")
        + net("01.002", "sending")
        + say("02.000", "IKE", "sending DELETE for IKE_SA gw[1]")
        + say("02.001", "ENC", "generating INFORMATIONAL request 6 [ D ]")
        + net("02.002", "sending")
        + net("03.000", "received", thread=7)
        + say("03.001", "ENC", "parsed INFORMATIONAL request 0 [ D ]", 7)
        + say("03.002", "IKE", "received DELETE for ESP CHILD_SA with SPI 990b00ae", 7)
        + say("03.003", "ENC", "generating INFORMATIONAL response 0 [ D ]", 7)
        + net("03.004", "sending", thread=7)
    )
    child, ike, received, answer = messages_of(text)
    assert (child.protocol, child.spis) == (DeleteProtocol.ESP, ("a2b20052",))
    assert (ike.protocol, ike.spis) == (DeleteProtocol.IKE, ())
    assert (received.protocol, received.spis) == (DeleteProtocol.ESP, ("990b00ae",))
    assert (answer.message, answer.response, answer.sent) == (MessageKind.DELETE, True, True)


@pytest.mark.parametrize("parsed", [False, True])
def test_a_request_that_came_again_has_the_same_answer(parsed: bool) -> None:
    """What it is stands only where it came first."""
    text = (
        net("01.000", "received", thread=7)
        + say("01.001", "ENC", "parsed INFORMATIONAL request 5 [ ]", 7)
        + say("01.002", "ENC", "generating INFORMATIONAL response 5 [ ]", 7)
        + net("01.003", "sending", thread=7)
        + net("05.000", "received", thread=8)
        + say("05.000", "ENC", "parsed INFORMATIONAL request 5 [ ]", 8) * parsed
        + say("05.001", "IKE", CAME_AGAIN, 8)
        + net("05.002", "sending", thread=8)
    )
    found = messages_of(text)
    assert [(e.message, e.sent, e.response, e.message_id) for e in found] == [
        (MessageKind.LIVENESS, False, False, 5),
        (MessageKind.LIVENESS, True, True, 5),
    ] * 2
    assert [clock(e) for e in found[2:]] == ["13:56:05.000", "13:56:05.002"]
    assert found[3].retransmission


def test_a_request_that_came_again_and_is_not_told_is_none() -> None:
    text = (
        net("05.000", "received", thread=8)
        + say("05.001", "IKE", CAME_AGAIN, 8)
        + net("05.002", "sending", thread=8)
    )
    assert not messages_of(text)


def test_sas_come_and_go() -> None:
    text = (
        say("01.000", "IKE", "initiating IKE_SA gw[1] to 192.0.2.9")
        + say(
            "01.100",
            "IKE",
            "IKE_SA gw[1] established between 192.0.2.1[a.example]...192.0.2.9[b.example]",
        )
        + say("01.101", "IKE", "IKE_SA gw[1] state change: CONNECTING => ESTABLISHED")
        + say(
            "01.102",
            "IKE",
            "CHILD_SA net{1} established with SPIs a2b20052_i 990b00ae_o and TS 10.1.0.0/24 ==="
            " 10.2.0.0/24",
        )
        + say("09.000", "IKE", "IKE_SA gw[1] state change: ESTABLISHED => DESTROYING")
    )
    up, child, down = events_of(text)
    assert (up.kind, up.handle, up.local, up.remote) == (
        LogEventKind.IKE_SA_UP,
        "gw[1]",
        "192.0.2.1",
        "192.0.2.9",
    )
    assert (child.kind, child.spis) == (LogEventKind.CHILD_SA_UP, ("a2b20052", "990b00ae"))
    assert (down.kind, down.remote) == (LogEventKind.IKE_SA_DOWN, "192.0.2.9")


def test_threads_that_write_mixed() -> None:
    text = (
        net("01.000", "received", "192.0.2.9", 4)
        + net("01.000", "received", "192.0.2.77", 5)
        + say("01.001", "ENC", "parsed INFORMATIONAL request 3 [ ]", 5)
        + say("01.001", "ENC", "parsed INFORMATIONAL request 9 [ ]", 4)
    )
    assert {(e.remote, e.message_id) for e in messages_of(text)} == {
        ("192.0.2.77", 3),
        ("192.0.2.9", 9),
    }


def test_every_prefix_that_syslog_and_the_daemon_put_before_it() -> None:
    lines = """\
    05[ENC] generating INFORMATIONAL request 5 [ ]
    Jul  4 08:34:01 gw charon[2814]: 05[ENC] generating INFORMATIONAL request 5 [ ]
    feb 22 08:11:42 SLOWPC charon-systemd[297897]: 05[ENC] generating INFORMATIONAL request 5 [ ]
    <30>Jan 21 12:34:10 charon: 05[ENC] <gw|1> generating INFORMATIONAL request 5 [ ]
    Apr 02 14:15:55 gw charon[4]: Apr  2 14:15:55 05[ENC] generating INFORMATIONAL request 5 [ ]
    2022-01-31T13:56:27+00:00 05[ENC] <gw|1> generating INFORMATIONAL request 5 [ ]
    2025-01-27T14:13:05.805232+00:00 pve ipsec[150]: 05[ENC] generating INFORMATIONAL request 5 [ ]
    feb 22 08:11:42 SLOWPC charon-systemd[297897]: generating INFORMATIONAL request 5 [ ]
    """
    for line in textwrap.dedent(lines).splitlines():
        (found,) = messages_of(line)
        assert (found.message, found.message_id) == (MessageKind.LIVENESS, 5), line


def test_what_the_journal_has_of_an_outage() -> None:
    lines = asked("01.000", 3) + retry("05.000", 1, 3) + net("05.500", "received", "192.0.2.77")
    lines += say("05.501", "ENC", "parsed INFORMATIONAL request 8 [ ]")
    lines += say("12.000", "IKE", "giving up after 1 retransmits")
    text = re.sub(r"05\[[A-Z]{3}\]", "gw charon-systemd[812]:", lines)
    events = events_of(text)
    assert story(events) == [
        "sent liveness",
        "sent liveness again",
        "received liveness",
        "peer-dead",
    ]
    assert [e.remote for e in events] == ["192.0.2.9", "192.0.2.9", "192.0.2.77", "192.0.2.9"]


def test_what_has_no_use_is_counted() -> None:
    reader, events = decoder(say("01.000", "IKE", "activating new tasks") * 3)
    assert events == []
    assert (reader.tally.dialects["strongswan"], reader.tally.unparsed) == (3, 0)


def test_a_message_before_a_start_is_told_before_it() -> None:
    """What a message is stands in later lines: none follow once the process is gone."""
    text = (
        net("27.120", "received", thread=9)
        + say("27.121", "ENC", "parsed INFORMATIONAL request 5 [ D ]", 9)
        + say("30.000", "DMN", "Starting IKE charon daemon (strongSwan 5.9.8)", 0)
    )
    deleted, started = events_of(text)
    assert (deleted.kind, deleted.message) == (LogEventKind.MESSAGE, MessageKind.DELETE)
    assert (deleted.ref.record, started.kind) == (1, LogEventKind.STARTED)


def test_packets_that_the_system_refused_are_told_of_the_only_peer() -> None:
    refused = say("28.000", "NET", "error writing to socket: Operation not permitted", 16)
    up = "IKE_SA gw[1] established between 192.0.2.1[a.example]...192.0.2.9[b.example]"
    found = events_of(say("27.100", "IKE", up) + refused)
    (refusal,) = [e for e in found if e.kind is LogEventKind.NOT_SENT]
    assert (refusal.local, refusal.remote) == ("192.0.2.1", "192.0.2.9")
    assert refusal.reason == "Operation not permitted"


def test_of_several_peers_nobody_knows_to_whom_packets_were_refused() -> None:
    refused = say("28.000", "NET", "error writing to socket: Operation not permitted", 16)
    talked = "".join(
        say("27.000", "IKE", f"IKE_SA gw[{n}] established between 192.0.2.1[a]...192.0.2.{n}[b]")
        for n in (8, 9)
    )
    assert not [e for e in events_of(talked + refused) if e.kind is LogEventKind.NOT_SENT]


def test_who_had_an_sa_closed_is_told_by_the_name_of_its_connection() -> None:
    up = "".join(
        say("27.000", "IKE", f"IKE_SA gw{n}[{n}] established between 192.0.2.1[a]...192.0.2.{n}[b]")
        for n in (8, 9)
    )
    told = say("28.000", "CFG", "vici terminate IKE_SA 'gw9'")
    (order,) = [e for e in events_of(up + told) if e.kind is LogEventKind.HINT]
    assert order.remote == "192.0.2.9"
    assert order.reason == "it was told to close: vici terminate IKE_SA 'gw9'"
    told = say("28.000", "CFG", "vici terminate CHILD_SA #3")
    assert not [e for e in events_of(up + told) if e.kind is LogEventKind.HINT]


def test_a_delete_that_nobody_answers_is_no_verdict_on_a_question_of_its_number() -> None:
    """Of two IKE SAs the one that was superfluous is deleted; the other one is asked."""
    ends = "192.0.2.1[192.0.2.1]...192.0.2.9[192.0.2.9]"
    text = (
        say("10.000", "IKE", f"IKE_SA gw[1] established between {ends}")
        + say("11.000", "IKE", "sending DELETE for IKE_SA gw[2]")
        + say("11.000", "ENC", "generating INFORMATIONAL request 0 [ D ]")
        + net("11.000", "sending")
        + say("11.010", "IKE", f"IKE_SA gw[3] rekeyed between {ends}")
        + asked("13.000", 0, thread=7)
        + retry("13.500", 1, 0)
        + say("15.000", "IKE", "giving up after 1 retransmits")
        + say("15.000", "IKE", "proper IKE_SA delete failed, peer not responding")
        + say("15.000", "IKE", "IKE_SA gw[2] state change: DELETING => DESTROYING")
        + retry("16.000", 1, 0, thread=7)
    )
    events = events_of(text)
    assert not dead(events)
    gave_up = [e for e in events if e.kind is LogEventKind.GAVE_UP]
    assert [(e.message, e.protocol) for e in gave_up] == [(MessageKind.DELETE, DeleteProtocol.IKE)]
