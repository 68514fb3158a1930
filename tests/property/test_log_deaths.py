"""An outage and its damaged log: the whole way to the report, no death more than was logged.

Lines are cut, parted, joined, lost, exchanged and told twice. No verdict is told twice or comes
before its questions, and no question after it: another verdict could be right then.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.errors import SourceError
from analyzers.model.peer import PeerState
from analyzers.model.sa import SaEnd
from analyzers.session import Session
from tests.scenarios.logs import Clock, charon, isakmp, iso, star
from tests.unit.analyzers.decode.assembly.test_cisco_isakmp import DYING, HEALTHY, plain

PEER, OWN = "198.51.100.9", "192.0.2.1"
VERDICT = re.compile(
    r"not\s+responding|alive\"|giving|timed|aximum|dead|lost|fail|action|exceeded|limit|down|DOWN"
)
"""Words of a verdict."""
TALK = """
0 a>b v1 main-mode
10..30/10 a>b v1 info 108 says=ruthere number=7
10.02..30/10 b>a v1 info 108 says=ack number=7
40..48/2 a>b v1 info 108 says=ruthere number=8
"""
GIVEN_UP = "ISAKMP:(1001):peer 192.0.2.2 not responding!"
TIMED_OUT = "05[IKE] DPD check timed out, enforcing DPD action"
SPIS = "0a1b2c3d4e5f6071:8192a3b4c5d6e7f8"
IKEV2 = "IKEv2:(SESSION ID = 1,SA ID = 1):"


def stamped(text: str, form: str) -> str:
    """Lines that begin with their second, each behind a stamp of the form."""
    found = []
    for line in text.strip().splitlines():
        second, _, words = line.partition(" ")
        found.append(form.format(f"00:{int(second) // 60:02}:{int(second) % 60:02}") + words)
    return "\n".join(found) + "\n"


def ikev2_packet(second: int, way: str, kind: str, mid: int) -> str:
    ends = (PEER, OWN) if way == "Sending" else (OWN, PEER)
    to, sender = ("To", "From") if way == "Sending" else ("From", "To")
    first, then = ends if way == "Sending" else ends[::-1]
    return (
        f"{second} {IKEV2}{way} Packet [{to} {first}:500/{sender} {then}:500/VRF i0:f0] Initiator"
        f" SPI : 0A1B2C3D4E5F6071 - Responder SPI : 8192A3B4C5D6E7F8 Message id: {mid} IKEv2"
        f" INFORMATIONAL Exchange {kind} Payload contents: ENCR"
    )


OUTAGES = {
    "IOS 12.x": plain(HEALTHY + DYING),
    "IOS": isakmp(TALK, "a", Clock(star), said=[(50.0, GIVEN_UP)]),
    "charon": charon(TALK, "a", Clock(iso), said=[(50.0, TIMED_OUT)]),
    "IOS IKEv2": stamped(
        "\n".join(
            [
                f"0 {IKEV2}Sending DPD/liveness query",
                ikev2_packet(0, "Sending", "REQUEST", 3),
                ikev2_packet(0, "Received", "RESPONSE", 3),
                f"0 {IKEV2}Processing ACK to informational exchange",
                f"10 {IKEV2}Sending DPD/liveness query",
                ikev2_packet(10, "Sending", "REQUEST", 4),
                f"12 {IKEV2}Retransmitting packet",
                ikev2_packet(12, "Sending", "REQUEST", 4),
                f"14 {IKEV2}: Maximum number of retransmissions reached",
                f"14 {IKEV2}Deleting SA",
            ]
        ),
        "*Mar  1 {}.100: ",
    ),
    "ASA": stamped(
        f"""
0 %ASA-7-715036: Group = {PEER}, IP = {PEER}, Sending keep-alive of type DPD R-U-THERE (seq number 0x7d01)
0 %ASA-7-715075: Group = {PEER}, IP = {PEER}, Received keep-alive of type DPD R-U-THERE-ACK (seq number 0x7d01)
10 %ASA-7-715036: Group = {PEER}, IP = {PEER}, Sending keep-alive of type DPD R-U-THERE (seq number 0x7d02)
12 %ASA-7-715036: Group = {PEER}, IP = {PEER}, Sending keep-alive of type DPD R-U-THERE (seq number 0x7d03)
14 %ASA-3-713123: Group = {PEER}, IP = {PEER}, IKE lost contact with remote peer, deleting connection (keepalive type: DPD)
14 %ASA-5-713259: Group = {PEER}, IP = {PEER}, Session is being torn down. Reason: Lost Service
""",  # noqa: E501
        "Mar 01 2026 {}: ",
    ),
    "pluto": stamped(
        f"""
0 | DPD: sending R_U_THERE 7001 to {PEER}:500 (state #1)
0 | DPD: R_U_THERE_ACK, seqno received: 7001 expected: 7001 (state=#1)
10 | DPD: sending R_U_THERE 7002 to {PEER}:500 (state #1)
20 | DPD: sending R_U_THERE 7003 to {PEER}:500 (state #1)
30 "hub" #1: DPD: No response from peer - declaring peer dead
30 "hub" #1: DPD action - putting connection into hold
""",
        "Mar 01 {}.500000: ",
    ),
    "FortiGate": stamped(
        f"""
0 ike 0:hub: link is idle 6 {OWN}->{PEER}:0 dpd=1 seqno=1 rr=0
0 ike 0:hub:4: send IKEv1 DPD probe, seqno 1
0 ike 0:hub:4: recv IKEv1 DPD ack, seqno 1
10 ike 0:hub:4: send IKEv1 DPD probe, seqno 2
15 ike 0:hub:4: send IKEv1 DPD probe, seqno 2
20 ike 0:hub: link fail 6 {OWN}->{PEER}:0 dpd=1
20 ike 0:hub: deleting
20 ike 0:hub: deleted
""",
        "2026-03-01 {}.500000 ",
    ),
    "racoon": stamped(
        f"""
0 INFO: ISAKMP-SA established {OWN}[500]-{PEER}[500] spi:{SPIS}
10 [{PEER}] DEBUG: DPD R-U-There sent (0)
10 [{PEER}] DEBUG: DPD R-U-There-Ack received
10 [{PEER}] DEBUG: received an R-U-THERE-ACK
20 [{PEER}] DEBUG: DPD R-U-There sent (0)
25 [{PEER}] DEBUG: DPD R-U-There sent (0)
30 [{PEER}] INFO: DPD: remote (ISAKMP-SA spi={SPIS}) seems to be dead.
30 INFO: purging ISAKMP-SA spi={SPIS}.
30 INFO: purged ISAKMP-SA spi={SPIS}.
""",
        "Mar  1 {} gw racoon: ",
    ),
    "FortiClient": stamped(
        """
0 DPD monitoring....dpd_fails=1
10 DPD monitoring....dpd_fails=1
20 DPD monitoring....dpd_fails=1
25 DPD monitoring....dpd_fails=2
30 DPD monitoring....dpd_fails=3
30 DPD: remote seems to be dead
""",
        "[2026-03-01 {}.1234567 UTC+01:00] [12:34] [FortiIKE  1531   debug] ",
    ),
    "RouterOS": stamped(
        f"""
0 ipsec,info ISAKMP-SA established {OWN}[500]-{PEER}[500] spi:{SPIS}
10 ipsec,debug DPD R-U-There sent (0)
10 ipsec,debug DPD R-U-There-Ack received
20 ipsec,debug DPD R-U-There sent (0)
25 ipsec,debug DPD R-U-There sent (0)
30 ipsec,info DPD: remote seems to be dead
30 ipsec,info purging ISAKMP-SA spi={SPIS}.
""",
        "mar/01 {} ",
    ),
}  # fmt: skip


def deaths(text: str, path: Path) -> int | None:
    """How often the report has a peer given up; None where the text is no log any more."""
    path.write_text(text, newline="")
    session = Session()
    try:
        session.run([str(path)])
    except SourceError:
        return None
    found = 0
    for peer in session.peers():
        ended = sum(sa.end is SaEnd.DEAD_PEER for sa in peer.ike_sas)
        found += ended or peer.state is PeerState.DEAD
    return found


def damaged(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(rng.randint(1, 12)):
        if len(lines) < 4:
            break
        here, there = rng.randrange(len(lines) - 2), rng.randrange(len(lines) - 2)
        line = lines[here]
        verdict = next((n for n, each in enumerate(lines) if VERDICT.search(each)), len(lines))
        place = rng.randint(0, len(line))
        match rng.randrange(6):
            case 0:
                lines[here] = line[:place]
            case 1:
                lines[here : here + 2] = [line + lines[here + 1]]
            case 2:
                if max(here, there) < verdict:
                    lines[here], lines[there] = lines[there], line
            case 3:
                del lines[here : here + rng.randint(1, 8)]
            case 4:
                lines[here : here + 1] = [line[:place], line[place:]]
            case _:
                again = lines[there : there + rng.randint(1, 6)]
                if here <= verdict:
                    lines[here:here] = [each for each in again if not VERDICT.search(each)]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs") / "console.txt"


outages = pytest.mark.parametrize("outage", OUTAGES)


@outages
def test_an_outage_is_one_death(outage: str, path: Path) -> None:
    assert deaths(OUTAGES[outage], path) == 1


@outages
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32))
def test_no_damage_makes_another_one(outage: str, path: Path, seed: int) -> None:
    text = damaged(OUTAGES[outage], random.Random(seed))
    assert (deaths(text, path) or 0) <= 1, text


@outages
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32))
def test_nobody_dies_whom_no_line_gives_up(outage: str, path: Path, seed: int) -> None:
    lines = OUTAGES[outage].split("\n")
    asked = "\n".join(line for line in lines if not VERDICT.search(line)) * 2
    assert not deaths(damaged(asked, random.Random(seed)), path)
