"""IKE SAs of one peer that a log shows one after another, without their SPIs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_SECOND
from tests.scenarios.inputs import together
from tests.scenarios.logs import isakmp

PEER = "192.0.2.2"
_STAMP = "2024-03-01 10:{0:02}:{1:02}.000 "


def at(after_s: int) -> int:
    """Nanoseconds of a stamp."""
    return int(datetime(2024, 3, 1, 10, tzinfo=UTC).timestamp() + after_s) * NS_PER_SECOND


def _stamped(lines: list[tuple[int, str]]) -> str:
    return "".join(f"{_STAMP.format(*divmod(at_s, 60))}{text}\n" for at_s, text in lines)


def _peer(folder: Path, lines: list[tuple[int, str]]) -> PeerView:
    return together(folder, _stamped(lines)).peer


def _outcomes(peer: PeerView) -> list[Outcome]:
    return [exchange.outcome for exchange in peer.exchanges]


def _asked(at_s: int, message_id: int, who: str, *, answered: bool = True) -> list[tuple[int, str]]:
    to = "from 192.0.2.1[4500] to 192.0.2.9[4500] (80 bytes)"
    back = "from 192.0.2.9[4500] to 192.0.2.1[4500] (80 bytes)"
    lines = [
        (at_s, f"05[ENC] {who}generating INFORMATIONAL request {message_id} [ ]"),
        (at_s, f"05[NET] {who}sending packet: {to}"),
    ]
    if answered:
        lines += [
            (at_s, f"06[NET] {who}received packet: {back}"),
            (at_s, f"06[ENC] {who}parsed INFORMATIONAL response {message_id} [ ]"),
        ]
    return lines


def _established(at_s: int, unique: int, who: str = "") -> tuple[int, str]:
    ends = "192.0.2.1[a.example]...192.0.2.9[b.example]"
    return at_s, f"05[IKE] {who}IKE_SA gw[{unique}] established between {ends}"


def _given_up(at_s: int, unique: int, who: str = "") -> list[tuple[int, str]]:
    return [
        (at_s, f"05[IKE] {who}giving up after 5 retransmits"),
        (at_s, f"05[IKE] {who}IKE_SA gw[{unique}] state change: ESTABLISHED => DESTROYING"),
    ]


def _dead(at_s: int, message_id: int, who: str) -> list[tuple[int, str]]:
    lines = _asked(at_s, message_id, who, answered=False)
    for retry in range(1, 6):
        at_s += 4
        again = f"retransmit {retry} of request with message ID {message_id}"
        packet = "sending packet: from 192.0.2.1[4500] to 192.0.2.9[4500] (80 bytes)"
        lines += [(at_s, f"05[IKE] {who}{again}"), (at_s, f"05[NET] {who}{packet}")]
    return lines


_TO = "from 192.0.2.1[500] to 192.0.2.9[500] (240 bytes)"
_BACK = "from 192.0.2.9[500] to 192.0.2.1[500] (248 bytes)"


def _attempt(at_s: int, exchange: str) -> list[tuple[int, str]]:
    """One that met no answer; charon calls the next one by the same name."""
    lines = [
        (at_s, "05[IKE] initiating IKE_SA gw[2] to 192.0.2.9"),
        (at_s, f"05[ENC] generating {exchange} request 0 [ SA ]"),
        (at_s, f"05[NET] sending packet: {_TO}"),
    ]
    for retry in (1, 2):
        again = f"retransmit {retry} of request with message ID 0"
        sent = at_s + 2 * retry
        lines += [(sent, f"05[IKE] {again}"), (sent, f"05[NET] sending packet: {_TO}")]
    over = at_s + 6
    return [
        *lines,
        (over, "05[IKE] giving up after 2 retransmits"),
        (over, "05[IKE] IKE_SA gw[2] state change: CONNECTING => CREATED"),
    ]


@pytest.mark.parametrize("exchange", ["IKE_SA_INIT", "ID_PROT"])
def test_each_attempt_is_an_sa_of_its_own(tmp_path: Path, exchange: str) -> None:
    lines = [
        *_attempt(10, exchange),
        *_attempt(16, exchange),
        (22, "05[IKE] initiating IKE_SA gw[2] to 192.0.2.9"),
        (22, f"05[ENC] generating {exchange} request 0 [ SA ]"),
        (22, f"05[NET] sending packet: {_TO}"),
        (22, f"06[NET] received packet: {_BACK}"),
        (22, f"06[ENC] parsed {exchange} response 0 [ SA ]"),
        _established(23, 2),
    ]
    peer = _peer(tmp_path, lines)
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.FAILED, SaEnd.FAILED, None]
    last = peer.ike_sas[-1]
    assert (last.first_ns, last.established_ns) == (at(22), at(23))
    if exchange == "IKE_SA_INIT":
        assert [p.detail.partition("was ")[2] for p in peer.problems] == [
            "sent 3 times and never answered"
        ] * 2


def test_a_verdict_is_about_no_sa_that_is_only_attempted(tmp_path: Path) -> None:
    """The other end gives the old SA up while this one tries to set up a new one."""
    ours = [
        _established(0, 1),
        *_dead(20, 2, ""),
        *_given_up(44, 1),
        *_attempt(44, "IKE_SA_INIT"),
    ]
    swap = {"192.0.2.1": "192.0.2.9", "192.0.2.9": "192.0.2.1"}
    theirs = [
        (at_s, re.sub("192.0.2.[19]", lambda found: swap[found[0]], text))
        for at_s, text in [_established(0, 1), *_dead(23, 0, ""), *_given_up(47, 1)]
    ]
    peer = together(tmp_path, _stamped(ours), _stamped(theirs)).peer
    old, attempt = peer.ike_sas
    assert old.end is SaEnd.DEAD_PEER
    assert attempt.end is SaEnd.FAILED


@pytest.mark.parametrize("goes_on", [True, False])
def test_who_comes_back_on_a_new_sa_lives_whatever_becomes_of_the_old_one(
    tmp_path: Path, *, goes_on: bool
) -> None:
    """The peer was started anew: the questions on the SA that it has no more stay unanswered."""
    lines = [_established(0, 1, "<gw|1> "), *_dead(20, 2, "<gw|1> "), *_given_up(60, 1, "<gw|1> ")]
    lines += [_established(29, 2, "<gw|2> ")]
    if not goes_on:
        lines += [(50, f"05[IKE] <gw|2> IKE_SA gw[2] state change: {state}") for state in _REMOVED]
    peer = _peer(tmp_path, sorted(lines, key=lambda line: line[0]))
    (exchange,) = peer.exchanges
    assert (len(exchange.transmissions), exchange.verdict_ns) == (6, at(60))
    (hole,) = peer.black_holes
    if goes_on:
        assert peer.state is PeerState.ALIVE
        assert (hole.black_hole_class, hole.stop_ns) == (BlackHoleClass.TRANSIENT, at(29))
        assert (hole.stop_basis, hole.dead_ns) == (StopBasis.REPLACEMENT, None)
        assert sum(p.end_ns - p.start_ns for p in hole.phases) == at(29) - at(20)
    else:
        assert peer.state is PeerState.DEAD
        assert (hole.black_hole_class, hole.stop_ns) == (BlackHoleClass.SLOW_DPD, at(60))


_REMOVED = ("ESTABLISHED => DELETING", "DELETING => DESTROYING")
CONSOLE = """
10 a>b v1 info 108 says=ruthere number=7
10.02 b>a v1 info 108 says=ack number=7
40..50/2 a>b v1 info 108 says=ruthere number=8
"""


def test_a_device_that_goes_on_asking_under_an_old_name_means_the_old_sa(tmp_path: Path) -> None:
    """Another SA came up in the middle of the burst (IOS keeps the one that is being asked)."""
    up = "ISAKMP:(1002):Old State = IKE_R_MM5  New State = IKE_P1_COMPLETE"
    said = [
        (45.0, f"ISAKMP:(1002):SA has been authenticated with {PEER}"),
        (45.1, up),
        (52.0, f"ISAKMP:(1001):peer {PEER} not responding!"),
        (52.1, f'ISAKMP:(1001):deleting SA reason "peers alive" state (I) QM_IDLE (peer {PEER})'),
    ]
    peer = together(tmp_path, isakmp(CONSOLE, said=said)).peer
    assert [len(x.transmissions) for x in peer.exchanges] == [1, 5]
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.DEAD_PEER, None]
    assert peer.state is PeerState.ALIVE


def test_a_log_that_begins_where_a_new_sa_takes_the_place_of_an_old_one(tmp_path: Path) -> None:
    child = "CHILD_SA net{2} established with SPIs a2b20052_i 990b00ae_o"
    lines = [
        (0, "05[IKE] giving up after 5 retransmits"),
        (0, "05[IKE] initiating IKE_SA gw[2] to 192.0.2.9"),
        (0, "05[ENC] generating IKE_SA_INIT request 0 [ SA ]"),
        (0, f"05[NET] sending packet: {_TO}"),
        (0, "05[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
        _established(1, 2),
        (1, f"05[IKE] {child}"),
    ]
    peer = _peer(tmp_path, lines)
    assert [(sa.end, sa.established_ns) for sa in peer.ike_sas] == [
        (None, at(1)),
        (SaEnd.DEAD_PEER, None),
    ]
    assert peer.state is PeerState.ALIVE


@pytest.mark.parametrize("named", [True, False])
def test_the_sa_after_a_dead_peer_is_of_the_same_version(tmp_path: Path, named: bool) -> None:
    first, second = ("<gw|1> ", "<gw|2> ") if named else ("", "")
    lines = [
        _established(0, 1, first),
        *_asked(10, 2, first),
        *_asked(20, 3, first),
        *_dead(30, 4, first),
        *_given_up(60, 1, first),
        _established(70, 2, second),
        *[line for n in range(5) for line in _asked(80 + 10 * n, n, second)],
    ]
    peer = _peer(tmp_path, lines)
    assert [sa.ike_version for sa in peer.ike_sas] == [2, 2]
    assert _outcomes(peer) == [
        *[Outcome.ANSWERED] * 2,
        Outcome.UNANSWERED,
        *[Outcome.ANSWERED] * 5,
    ]


def test_an_sa_that_is_established_beside_the_old_one(tmp_path: Path) -> None:
    """Reauthentication, make before break: message IDs of the new SA begin anew."""
    old, new = "<gw|1> ", "<gw|2> "
    lines = [
        _established(0, 1, old),
        *[line for n in range(5) for line in _asked(10 + 10 * n, n, old)],
        _established(61, 2, new),
        (62, "07[IKE] <gw|1> IKE_SA gw[1] state change: DELETING => DESTROYING"),
        *[line for n in range(5) for line in _asked(70 + 10 * n, n, new)],
    ]
    peer = _peer(tmp_path, lines)
    assert len(peer.ike_sas) == 2
    assert _outcomes(peer) == [Outcome.ANSWERED] * 10
    assert peer.ike_sas[1].ended_ns is None


def test_only_messages_tell_that_there_is_another_sa(tmp_path: Path) -> None:
    lines = [line for n in range(3) for line in _asked(10 + 10 * n, n, "<gw|1> ")]
    lines += [line for n in range(3) for line in _asked(70 + 10 * n, n, "<gw|2> ")]
    peer = _peer(tmp_path, lines)
    assert len(peer.ike_sas) == 2
    assert _outcomes(peer) == [Outcome.ANSWERED] * 6


def test_of_an_ikev1_sa_the_version_is_told_by_its_messages(tmp_path: Path) -> None:
    def asked(at_s: int, message_id: int, number: int) -> list[tuple[int, str]]:
        to = "from 192.0.2.1[500] to 192.0.2.9[500] (92 bytes)"
        back = "from 192.0.2.9[500] to 192.0.2.1[500] (92 bytes)"
        v1 = "INFORMATIONAL_V1 request"
        return [
            (at_s, f"05[ENC] <gw|{number}> generating {v1} {message_id} [ HASH N(DPD) ]"),
            (at_s, f"05[NET] <gw|{number}> sending packet: {to}"),
            (at_s, f"06[NET] <gw|{number}> received packet: {back}"),
            (at_s, f"06[ENC] <gw|{number}> parsed {v1} {message_id + 7} [ HASH N(DPD_ACK) ]"),
        ]

    lines = [
        _established(0, 1, "<gw|1> "),
        *asked(10, 1108000347, 1),
        _established(20, 2, "<gw|2> "),
        *asked(30, 3108000347, 2),
    ]
    peer = _peer(tmp_path, lines)
    assert [sa.ike_version for sa in peer.ike_sas] == [1, 1]
    assert _outcomes(peer) == [Outcome.ANSWERED] * 2


def test_states_of_pluto_have_numbers(tmp_path: Path) -> None:
    def sa(at_s: int, serial: int) -> list[tuple[int, str]]:
        lines = [
            (
                at_s,
                f'"gw"[1] 192.0.2.9 #{serial}: STATE_MAIN_I4: ISAKMP SA established {{auth=PSK}}',
            )
        ]
        for number in (10777, 10778):
            at_s += 10
            to = f"192.0.2.9:500 (state #{serial})"
            got = f"{number} expected: {number} (state=#{serial})"
            lines += [
                (at_s, f"| DPD: sending R_U_THERE {number} to {to}"),
                (at_s, f"| DPD: R_U_THERE_ACK, seqno received: {got}"),
            ]
        return lines

    peer = _peer(tmp_path, [*sa(0, 1), *sa(30, 3)])
    assert len(peer.ike_sas) == 2
    assert _outcomes(peer) == [Outcome.ANSWERED] * 4


def test_conn_ids_of_ios_are_sas(tmp_path: Path) -> None:
    text = "".join(
        f"{at}..{at + 20}/10 a>b v1 info 108 says=ruthere number=7 sa={sa}\n"
        f"{at}.02..{at + 20}.02/10 b>a v1 info 108 says=ack number=7 sa={sa}\n"
        for sa, at in ((1, 10), (2, 50), (1, 90))
    )
    peer = together(tmp_path, isakmp(text)).peer
    assert len(peer.ike_sas) == 2  # which of them a question is about, its conn id tells
    assert [len(x.transmissions) for x in peer.exchanges] == [1] * 6
    assert _outcomes(peer) == [Outcome.ANSWERED] * 6


@pytest.mark.parametrize("version", ["", "v2 "])
def test_an_sa_that_comes_up_after_a_start_of_its_device_is_another(
    tmp_path: Path, version: str
) -> None:
    name = "IKEV2_SESSION_STATUS" if version else "SESSION_STATUS"
    tunnel = f"%CRYPTO-5-{name}: Crypto tunnel {version}is "
    peer = _peer(
        tmp_path,
        [
            (0, f"{tunnel}UP .  Peer 192.0.2.9:500 Id: b"),
            (100, "%SYS-5-RESTART: System restarted --"),
            (130, f"{tunnel}UP .  Peer 192.0.2.9:500 Id: b"),
            (200, f"{tunnel}DOWN.  Peer 192.0.2.9:500 Id: b"),
        ],
    )
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.LOST, SaEnd.DELETE]
    assert peer.ike_sas[0].rekeyed_into is None, "a device that starts renews nothing"


_ENDS = {"a": ("192.0.2.1", "192.0.2.9"), "b": ("192.0.2.9", "192.0.2.1")}


def _renewed(end: str) -> str:
    """The log of an end of an SA that "b" renews, without the names of SAs before its messages."""
    (here, there), asks = _ENDS[end], end == "b"

    def message(what: str, *, sent: bool) -> list[str]:
        ways = (
            ("generating", "sending", here, there) if sent else ("parsed", "received", there, here)
        )
        said, way, src, dst = ways
        lines = [
            f"05[ENC] {said} {what}",
            f"05[NET] {way} packet: from {src}[4500] to {dst}[4500] (80 bytes)",
        ]
        return lines if sent else lines[::-1]

    def up(how: str, number: int) -> str:
        return f"05[IKE] IKE_SA gw[{number}] {how} between {here}[x]...{there}[y]"

    question, delete = "INFORMATIONAL request {0} [ ]", "INFORMATIONAL request 3 [ D ]"
    answer = question.replace("request", "response")
    asked, answered = (
        message("CREATE_CHILD_SA request 2 [ SA No KE ]", sent=asks),
        message("CREATE_CHILD_SA response 2 [ SA No KE ]", sent=not asks),
    )
    told = f"05[IKE] {'sending' if asks else 'received'} DELETE for IKE_SA gw[1]"
    deleted = message(delete, sent=asks)
    renewed = up("rekeyed", 2)
    blocks = [
        (0, [up("established", 1)]),
        (9, [*message(question.format(1), sent=asks), *message(answer.format(1), sent=not asks)]),
        (20, asked),
        (21, [*answered, renewed] if asks else [renewed, *answered]),
        (22, [told, *deleted] if asks else [*deleted, told]),
        (22, message(answer.format(3), sent=not asks)),
        (22, ["05[IKE] IKE_SA gw[1] state change: DELETING => DESTROYING"]),
        (29, [*message(question.format(0), sent=asks), *message(answer.format(0), sent=not asks)]),
    ]
    return _stamped([(at_s, line) for at_s, lines in blocks for line in lines])


@pytest.mark.parametrize("ends", ["a", "b", "ab"])
def test_an_sa_that_is_renewed_does_not_go_down(tmp_path: Path, ends: str) -> None:
    peer = together(tmp_path, *(_renewed(end) for end in ends)).peer
    old, new = peer.ike_sas
    assert (old.end, old.rekeyed_into) == (SaEnd.REKEYED, new.id)
    assert (new.end, new.initiator) == (None, "192.0.2.9"), "who asks for an SA begins it"
    assert _outcomes(peer) == [Outcome.ANSWERED] * 2
    assert [(d.ike_sa, d.answered) for d in peer.deletes] == [(old.id, True)]
    assert peer.state is PeerState.ALIVE


# An hour in the life of a router: one answer, then none.
_HOUR = """\
*Nov 30 {hour}:00:00.000: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1
\tspi 1701636992, message ID = {node}1
*Nov 30 {hour}:00:00.000: ISAKMP:(1001): sending packet to 192.0.2.9 my_port 500 peer_port 500 (I)
*Nov 30 {hour}:00:00.020: ISAKMP (1001): received packet from 192.0.2.9 dport 500 sport 500 Global
*Nov 30 {hour}:00:00.021: ISAKMP:(1001): processing NOTIFY DPD/R_U_THERE_ACK protocol 1
\tspi 0, message ID = {node}2, sa = 0x67F5A6E8
*Nov 30 {hour}:00:10.000: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1
\tspi 1701636992, message ID = {node}3
*Nov 30 {hour}:00:10.000: ISAKMP:(1001): sending packet to 192.0.2.9 my_port 500 peer_port 500 (I)
*Nov 30 {hour}:00:12.000: ISAKMP:(1001):DPD incrementing error counter (1/2)
*Nov 30 {hour}:00:12.000: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1
\tspi 1701636992, message ID = {node}4
*Nov 30 {hour}:00:12.000: ISAKMP:(1001): sending packet to 192.0.2.9 my_port 500 peer_port 500 (I)
*Nov 30 {hour}:00:14.000: ISAKMP:(1001):peer 192.0.2.9 not responding!
*Nov 30 {hour}:00:14.001: ISAKMP:(1001):deleting SA reason "peers alive" state (I) QM_IDLE
*Nov 30 {hour}:00:14.002: ISAKMP:(1001):deleting SA reason "peers alive" state (I) QM_IDLE
*Nov 30 {hour}:00:14.003: ISAKMP: set new node {node}5 to QM_IDLE
*Nov 30 {hour}:00:14.004: ISAKMP:(1001): sending packet to 192.0.2.9 my_port 500 peer_port 500 (I)
*Nov 30 {hour}:00:14.005: ISAKMP:(1001):Input = IKE_MESG_FROM_TIMER, IKE_TIMER_PEERS_ALIVE
"""


def test_a_conn_id_that_is_used_again_has_a_death_of_its_own(tmp_path: Path) -> None:
    """What set up the second SA under it is not in the log."""
    text = _HOUR.format(hour=11, node=100) + _HOUR.format(hour=12, node=200)
    peer = together(tmp_path, text).peer
    once = [Outcome.ANSWERED, Outcome.UNANSWERED]
    assert _outcomes(peer) == once + once
    assert [len(x.transmissions) for x in peer.exchanges] == [1, 2, 1, 2]
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.DEAD_PEER] * 2
    assert [delete.transmissions for delete in peer.deletes] == [1, 1]
    assert peer.state is PeerState.DEAD
    assert len(peer.black_holes) == 2


def test_an_outage_that_was_pasted_twice_is_one(tmp_path: Path) -> None:
    once, twice = _HOUR.format(hour=11, node=100), _HOUR.format(hour=11, node=100) * 2
    (tmp_path / "once").mkdir()
    peer = together(tmp_path, twice).peer
    assert _outcomes(peer) == _outcomes(together(tmp_path / "once", once).peer)
    assert len(peer.deletes) == 1
