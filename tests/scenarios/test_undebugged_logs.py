"""Logs that tell of negotiations, retries and verdicts, and of no question in between: pluto's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from analyzers.model.exchange import Lost, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.sa import SaEnd
from analyzers.session import Session, SessionOptions
from tests.scenarios.inputs import together
from tests.scenarios.logs import Clock, iso
from tests.scenarios.timeline import at, capture

A, B = "192.0.2.1", "192.0.2.2"
# B answers all of it; nothing of it comes back to A.
DEAF2 = """
0 a>b v2 handshake
4..20/4 a>b liveness 2+
4.001..20/4 b>a liveness 2+ resp
24 a>b liveness 6
24.001 b>a liveness 6 resp
24.5 a>b liveness 6
24.501 b>a liveness 6 resp
25.5 a>b liveness 6
25.501 b>a liveness 6 resp
27.5 a>b liveness 6
27.501 b>a liveness 6 resp
31.6 a>b v2 handshake sa=2
32..60/4 b>a liveness 0+ sa=2
32.001..60/4 a>b liveness 0+ resp sa=2
"""
NEGOTIATED_BY_A = [
    (0.0, '"gw" #1: sent IKE_SA_INIT request to 192.0.2.2:500'),
    (0.01, '"gw" #1: initiator established IKE SA; authenticated peer using authby=secret'),
]
GIVEN_UP_BY_A = [
    (24.5, '"gw" #1: STATE_V2_ESTABLISHED_IKE_SA: retransmission; will wait 0.5 seconds for resp'),
    (25.5, '"gw" #1: STATE_V2_ESTABLISHED_IKE_SA: retransmission; will wait 1 seconds for resp'),
    (27.5, '"gw" #1: STATE_V2_ESTABLISHED_IKE_SA: retransmission; will wait 2 seconds for resp'),
    (31.5, '"gw" #1: STATE_V2_ESTABLISHED_IKE_SA: 7 second timeout exceeded after 3 retransmits.'),
    (31.5, '"gw" #1: liveness action - putting connection into hold'),
]
NEGOTIATED_BY_B = [
    (0.005, '"gw" #1: processing IKE_SA_INIT request from 192.0.2.1:500 containing SA,KE,Ni'),
    (0.01, '"gw" #1: sent IKE_SA_INIT reply to 192.0.2.1:500'),
    (0.02, '"gw" #1: responder established IKE SA; authenticated peer using authby=secret'),
    (60.0, '"gw" #3: responder established IKE SA; authenticated peer using authby=secret'),
]


def pluto(lines: Sequence[tuple[float, str]], clock: Clock | None = None) -> str:
    """The log of a pluto that debugs nothing."""
    stamped = clock or Clock(iso)
    return "".join(f"{stamped.write(at(at_s))}{text}\n" for at_s, text in lines)


def test_a_log_without_debugging_does_not_tell_what_did_not_come(tmp_path: Path):
    log_a, log_b = pluto([*NEGOTIATED_BY_A, *GIVEN_UP_BY_A]), pluto(NEGOTIATED_BY_B)
    peer = together(tmp_path, capture(DEAF2), log_a, log_b).peer
    *before, last = [x for x in peer.exchanges if x.prober == A]
    assert [x.outcome for x in before] == [Outcome.ANSWERED] * 4
    # What A did not get was answered, and captured: B's log, which has no question, is no witness.
    assert last.outcome is Outcome.UNANSWERED
    assert last.lost is not Lost.REQUEST
    assert [len(last.transmissions), len(last.unheard_answers)] == [4, 4]


def test_what_a_silent_log_has_not_is_no_cause(tmp_path: Path):
    log_a, log_b = pluto([*NEGOTIATED_BY_A, *GIVEN_UP_BY_A]), pluto(NEGOTIATED_BY_B)
    together(tmp_path, capture(DEAF2), log_a, log_b)
    session = Session(SessionOptions())
    session.run([str(path) for path in sorted(tmp_path.iterdir())])
    (finding,) = [f for f in session.judgement().findings if f.rule == "dpd-no-ack"]
    assert "given up after 7.5 s, as its log says" in finding.detail
    assert "lost" not in finding.detail


ESTABLISHED_V1 = '"gw" #1: IKE SA established {auth=PRESHARED_KEY cipher=AES_CBC_256}'


def test_an_ikev1_sa_of_a_newer_pluto_comes_up(tmp_path: Path):
    lines = [
        (0.0, '"gw" #1: sent Main Mode request'),
        (0.2, ESTABLISHED_V1),
        (34.0, '"gw" #1: DPD action - putting connection into hold'),
        (50.0, '"gw" #3: sent Main Mode request'),
        (50.2, ESTABLISHED_V1.replace("#1", "#3")),
    ]
    first, second = together(tmp_path, pluto(lines)).peer.ike_sas
    assert (first.established_ns, first.end) == (at(0.2), SaEnd.DEAD_PEER)
    assert (second.established_ns, second.end) == (at(50.2), None)


DEBUGGED = """\
| DPD: processing for state #2 ("gw")
| DPD: sending R_U_THERE {number} to 192.0.2.2:500 (state #1)
"""
COMES = """\
| processing informational R_U_THERE (36136)
| DPD: received R_U_THERE seq:{number} monotime:1.5 (state=#1 name="gw")
"""


def _debugged(tmp_path: Path, story: list[tuple[float, str]]) -> PeerView:
    lines = [(at_s, line) for at_s, text in story for line in text.splitlines()]
    return together(tmp_path, pluto(lines)).peer


def test_who_hears_the_peer_asks_anew(tmp_path: Path):
    """pluto counts every message (dpd-semantics section 1.5), and starts over when it is asked."""
    peer = _debugged(
        tmp_path,
        [
            (0.0, f'"gw"[1] {B} {ESTABLISHED_V1[5:]}'),
            (4.0, DEBUGGED.format(number=100)),
            (6.0, COMES.format(number=700)),
            (16.0, DEBUGGED.format(number=101)),
            (20.0, DEBUGGED.format(number=102)),
        ],
    )
    own = [x for x in peer.exchanges if x.responder == B]
    assert [(x.sequence, len(x.transmissions)) for x in own] == [(100, 1), (101, 2)]


@pytest.mark.parametrize("serial", ["1", "2"])
def test_the_verdict_on_a_child_is_that_on_its_peer(tmp_path: Path, serial: str):
    """Of the Child SA pluto names the connection only, of its IKE SA the address only."""
    peer = _debugged(
        tmp_path,
        [
            (4.0, DEBUGGED.format(number=100)),
            (8.0, DEBUGGED.format(number=101)),
            (18.0, f'"gw" #{serial}: DPD action - restarting all connections that share this peer'),
        ],
    )
    (exchange,) = peer.exchanges
    assert (peer.remote, peer.state) == (B, PeerState.DEAD)
    assert (exchange.outcome, exchange.verdict_ns) == (Outcome.UNANSWERED, at(18.0))


CHILD = '"gw" #2: {0} established Child SA using #1; IPsec tunnel [10.1.0.0] {{ESP=>0x{1} <0x{2}}}'
SPIS = ("0a0b0c11", "0d0e0f22")
NAMELESS_B = [
    (0.02, '"gw" #1: responder established IKE SA; authenticated peer using authby=secret'),
    (0.02, CHILD.format("responder", *SPIS[::-1])),
    (55.0, '"gw" #3: responder established IKE SA; authenticated peer using authby=secret'),
]


def test_a_log_that_names_nobody_is_known_by_its_child_sas(tmp_path: Path):
    """As responder pluto names the connection only; the other end's log has the same SPIs."""
    log_a = [*NEGOTIATED_BY_A, (0.02, CHILD.format("initiator", *SPIS)), *GIVEN_UP_BY_A]
    peer = together(tmp_path, capture(DEAF2), pluto(log_a), pluto(NAMELESS_B)).peer
    assert {peer.local, peer.remote} == {A, B}
    assert {log.address for log in peer.logged} == {A, B}


@pytest.mark.parametrize("address", [" to 192.0.2.2:500", ""])
def test_two_logs_with_one_child_sa_are_of_one_tunnel(tmp_path: Path, address: str):
    first = (0.0, f'"gw" #1: sent IKE_SA_INIT request{address}')
    child = (0.02, CHILD.format("initiator", *SPIS))
    log_a = [first, NEGOTIATED_BY_A[1], child, *GIVEN_UP_BY_A]
    peer = together(tmp_path, pluto(log_a), pluto(NAMELESS_B)).peer
    assert (B in (peer.local, peer.remote)) is bool(address)
    assert {log.address for log in peer.logged} == {peer.local, peer.remote}


def test_two_logs_without_an_address_have_two_ends(tmp_path: Path):
    begun = [(0.0, '"gw" #1: sent Main Mode request'), (0.2, ESTABLISHED_V1)]
    spis = [f"{{ESP=>0x{one} <0x{other} DPD=active}}" for one, other in (SPIS, SPIS[::-1])]
    gone = '"gw" #1: deleting state (STATE_MAIN_I4) aged 9s and sending notification'
    child = '"gw" #2: deleting state (STATE_QUICK_I2) aged 9s and sending notification'
    came = f'"gw" #1: received Delete SA(0x{SPIS[1]}) payload: deleting IPsec State #2'
    ends = [[(40.0, child), (40.1, gone)], [(40.001, came), (40.001, child), (40.101, gone)]]
    logs = [
        pluto([*begun, (0.3, f'"gw" #2: IPsec SA established tunnel mode {esp}'), *end])
        for esp, end in zip(spis, ends, strict=True)
    ]
    peer = together(tmp_path, *logs).peer
    assert peer.local != peer.remote
