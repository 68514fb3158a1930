"""Logs of charons that write less than by default: no packets, no messages, no names of peers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_SECOND
from tests.scenarios.inputs import together

UP: Final = (0, "IKE", "IKE_SA gw[1] established between 192.0.2.1[a]...192.0.2.9[b]")
ASKED: Final = [
    (60, "IKE", "sending DPD request"),
    (60, "ENC", "generating INFORMATIONAL request 7 [ ]"),
    (60, "NET", "sending packet: from 192.0.2.1[4500] to 192.0.2.9[4500] (80 bytes)"),
]
AGAIN: Final = [
    (64, "IKE", "retransmit 1 of request with message ID 7"),
    (71, "IKE", "retransmit 2 of request with message ID 7"),
]
OVER: Final = (84, "IKE", "giving up after 2 retransmits")
RENEWS: Final = [
    (60, "IKE", "establishing CHILD_SA net{2} reqid 1"),
    (60, "ENC", "generating CREATE_CHILD_SA request 7 [ N(REKEY_SA) SA No TSi TSr ]"),
    (60, "NET", "sending packet: from 192.0.2.1[4500] to 192.0.2.9[4500] (272 bytes)"),
]

Line = tuple[int, str, str]


def written(lines: Sequence[Line], who: str = "<gw|1> ", kept: str = "IKE ENC NET") -> str:
    """A log of the subsystems that are kept."""
    return "".join(
        f"2024-03-01 10:{at_s // 60:02}:{at_s % 60:02} 1{at_s % 7}[{subsystem}] {who}{text}\n"
        for at_s, subsystem, text in lines
        if subsystem in kept
    )


def peer_of(folder: Path, text: str) -> PeerView:
    return together(folder, text).peer


def spans_s(peer: PeerView) -> list[list[int]]:
    """When questions were sent, seconds."""
    return [
        [t.at_ns // NS_PER_SECOND % 3600 for t in x.transmissions]
        for x in peer.exchanges
        if x.outcome is Outcome.UNANSWERED
    ]


@pytest.mark.parametrize("who", ["<gw|1> ", ""])
@pytest.mark.parametrize("kept", ["IKE", "IKE ENC", "IKE ENC NET"])
def test_retries_without_a_line_of_their_packet(tmp_path: Path, kept: str, who: str) -> None:
    peer = peer_of(tmp_path, written([UP, *ASKED, *AGAIN, OVER], who, kept))
    assert spans_s(peer) == [[60, 64, 71]]
    assert (peer.state, [sa.ike_version for sa in peer.ike_sas]) == (PeerState.DEAD, [2])


def test_a_log_that_has_no_address_has_the_name_of_the_sa(tmp_path: Path) -> None:
    peer = peer_of(tmp_path, written([*ASKED, *AGAIN, OVER], kept="IKE"))
    assert (peer.remote, peer.state) == ("SA gw[1]", PeerState.DEAD)
    assert spans_s(peer) == [[60, 64, 71]]


def test_questions_that_were_not_repeated_met_an_answer_for_all_that_is_known(
    tmp_path: Path,
) -> None:
    asked = [(at_s, "IKE", "sending DPD request") for at_s in range(60, 600, 30)]
    peer = peer_of(tmp_path, written([UP, *asked]))
    assert (peer.exchanges, peer.state) == ((), PeerState.ALIVE)


@pytest.mark.parametrize("who", ["<gw|1> ", ""])
def test_who_asks_anew_has_had_an_answer(tmp_path: Path, who: str) -> None:
    asked = [(at_s, "IKE", "sending DPD request") for at_s in range(90, 600, 30)]
    peer = peer_of(tmp_path, written([UP, *ASKED, *AGAIN, *asked], who, "IKE"))
    assert (peer.exchanges, peer.state) == ((), PeerState.ALIVE)


def test_a_question_that_is_being_repeated_at_the_end_is_open(tmp_path: Path) -> None:
    peer = peer_of(tmp_path, written([UP, *ASKED, *AGAIN], kept="IKE"))
    assert [x.outcome for x in peer.exchanges] == [Outcome.OPEN]
    assert peer.state is PeerState.PROBING


@pytest.mark.parametrize("who", ["<gw|1> ", ""])
def test_an_sa_that_is_set_up_in_place_of_one_that_was_given_up_is_none(
    tmp_path: Path, who: str
) -> None:
    """Its first request has the number that the last one of the old SA had."""
    old = [UP, *ASKED, *AGAIN, OVER]
    new = [
        (84, "IKE", "initiating IKE_SA gw[2] to 192.0.2.9"),
        (88, "IKE", "retransmit 1 of request with message ID 7"),
        (90, "IKE", "IKE_SA gw[2] established between 192.0.2.1[a]...192.0.2.9[b]"),
        (95, "IKE", "IKE_SA gw[2] state change: DELETING => DESTROYING"),
    ]
    text = written(old, who, "IKE") + written(new, who and "<gw|2> ")
    peer = peer_of(tmp_path, text)
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.DEAD_PEER, SaEnd.DELETE]
    assert spans_s(peer) == [[60, 64, 71]]


def test_who_is_asked_is_not_who_is_to_be_reached_at_the_same_time(tmp_path: Path) -> None:
    """Both begin at 0 to count."""
    lines = [
        UP,
        (50, "IKE", "initiating IKE_SA west[2] to 198.51.100.7"),
        *ASKED,
        *AGAIN,
        OVER,
    ]
    peers = together(tmp_path, written(lines, "", "IKE")).peers
    assert {p.remote: p.state for p in peers}["192.0.2.9"] is PeerState.ALIVE


@pytest.mark.parametrize("who", ["<gw|1> ", ""])
def test_another_request_in_vain_is_no_question(tmp_path: Path, who: str) -> None:
    """And a verdict all the same; the question before it was answered."""
    asked = (50, "IKE", "sending DPD request")
    peer = peer_of(tmp_path, written([UP, asked, *RENEWS, *AGAIN, OVER], who, "IKE"))
    assert peer.exchanges == ()
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.DEAD_PEER]


@pytest.mark.parametrize("who", ["<gw|2> ", ""])
def test_an_attempt_in_vain_says_nothing_of_an_sa_that_is_up(tmp_path: Path, who: str) -> None:
    attempt = [
        (60, "IKE", "initiating IKE_SA gw[2] to 192.0.2.9"),
        (61, "IKE", "establishing CHILD_SA net{2} reqid 1"),
        (64, "IKE", "retransmit 1 of request with message ID 1"),
        (71, "IKE", "retransmit 2 of request with message ID 1"),
        OVER,
    ]
    up = written([UP], who and "<gw|1> ")
    peer = peer_of(tmp_path, up + written(attempt, who))
    assert [(sa.end, sa.established_ns is not None) for sa in peer.ike_sas] == [(None, True)]


def test_of_two_peers_without_names_nobody_is_given_up(tmp_path: Path) -> None:
    other = (1, "IKE", "IKE_SA west[2] established between 192.0.2.1[a]...198.51.100.7[c]")
    text = written([UP, other, *ASKED, *AGAIN, OVER], "", "IKE")
    assert {p.state for p in together(tmp_path, text).peers} == {PeerState.ALIVE}


def test_retries_of_one_number_to_two_peers_are_of_neither(tmp_path: Path) -> None:
    """Their packets are not told, and the lines have no names."""
    to_other = [
        (at_s, kind, text.replace("192.0.2.9", "198.51.100.7")) for at_s, kind, text in ASKED
    ]
    peers = together(tmp_path, written([*ASKED, *to_other, *AGAIN], "")).peers
    assert [len(x.transmissions) for p in peers for x in p.exchanges] == [1, 1]


def test_a_renewal_in_vain_on_an_sa_that_was_up_before_the_log_is_a_verdict(
    tmp_path: Path,
) -> None:
    peer = peer_of(tmp_path, written([*RENEWS, *AGAIN, OVER]))
    assert (peer.state, [sa.end for sa in peer.ike_sas]) == (PeerState.DEAD, [SaEnd.DEAD_PEER])


def test_a_set_up_in_vain_of_which_the_log_has_not_the_first_message_is_none(
    tmp_path: Path,
) -> None:
    text = written([*RENEWS, *AGAIN, OVER]).replace("CREATE_CHILD_SA", "IKE_AUTH")
    assert peer_of(tmp_path, text).state is not PeerState.DEAD


REFUSED: Final = [
    (0, "IKE", "initiating Aggressive Mode IKE_SA gw[{}] to 192.0.2.9"),
    (0, "ENC", "generating AGGRESSIVE request 0 [ SA KE No ID V V V ]"),
    (0, "NET", "sending packet: from 192.0.2.1[500] to 192.0.2.9[500] (500 bytes)"),
    (0, "NET", "received packet: from 192.0.2.9[500] to 192.0.2.1[500] (56 bytes)"),
    (0, "ENC", "parsed INFORMATIONAL_V1 request 519430745 [ N(AUTH_FAILED) ]"),
]


@pytest.mark.parametrize(("kept", "sas"), [("IKE ENC NET", 2), ("ENC NET", 1)])
def test_attempts_that_were_refused_set_nothing_up(tmp_path: Path, kept: str, sas: int) -> None:
    lines = [
        (60 * n, kind, text.replace("{}", str(n))) for n in (1, 2) for _, kind, text in REFUSED
    ]
    peer = peer_of(tmp_path, re.sub(r"1\d\[", "11[", written(lines, "", kept)))
    assert [sa.established_ns for sa in peer.ike_sas] == [None] * sas
    assert peer.state is PeerState.UNKNOWN


BEGUN_ANEW: Final = [
    (84, "IKE", "restarting CHILD_SA net"),
    (84, "IKE", "initiating IKE_SA gw[2] to 192.0.2.9"),
    (84, "ENC", "generating IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) ]"),
    (84, "NET", "sending packet: from 192.0.2.1[500] to 192.0.2.9[500] (464 bytes)"),
]
IN_VAIN: Final = [
    (88, "IKE", "retransmit 1 of request with message ID 0"),
    (88, "NET", "sending packet: from 192.0.2.1[500] to 192.0.2.9[500] (464 bytes)"),
    (95, "IKE", "retransmit 2 of request with message ID 0"),
    (95, "NET", "sending packet: from 192.0.2.1[500] to 192.0.2.9[500] (464 bytes)"),
    (108, "IKE", "giving up after 2 retransmits"),
]


@pytest.mark.parametrize("kept", ["IKE", "IKE ENC NET"])
def test_who_begins_anew_does_so_under_the_name_of_the_sa_that_it_gave_up(
    tmp_path: Path, kept: str
) -> None:
    """And goes on under that of the new one."""
    old = written([UP, *ASKED, *AGAIN, OVER, *BEGUN_ANEW], kept=kept)
    peer = peer_of(tmp_path, old + written(IN_VAIN, "<gw|2> ", kept))
    assert [sa.end for sa in peer.ike_sas][:1] == [SaEnd.DEAD_PEER]
    assert [h.text for h in peer.hints] == ["retransmissions exhausted: IKE_SA_INIT"]
    begun = [m.at_ns // NS_PER_SECOND % 3600 for m in peer.messages if m.exchange_type == 34]
    assert begun == ([84, 88, 95] if "NET" in kept else [])
    assert sum(sa.end is SaEnd.FAILED for sa in peer.ike_sas) == ("NET" in kept)
