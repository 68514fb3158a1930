"""IKEv1 phase 1 that was begun and did not get through: it renews nothing, and ends no SA."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import PeerView
from analyzers.model.sa import SaEnd
from analyzers.session import SessionOptions
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at, key_table

UP_ONCE = """
0 a>b v1 main-mode
0.1 a>b v1 quick
10 a>b v1 info 108 says=ruthere number=7
10.02 b>a v1 info 108 says=ack number=7
"""
ATTEMPT = """
40 a>b v1 mm1 sa=2
44 a>b v1 mm1 sa=2
51 a>b v1 mm1 sa=2
64 a>b v1 mm1 sa=2
"""
UP_AGAIN = "140 a>b v1 main-mode sa=3\n140.1 a>b v1 quick sa=3\n"


def later(at_s: float) -> str:
    """A frame that is nobody's: the capture goes on until then."""
    return f"{at_s} c:4500>a:4500 keepalive\n"


def ends(peer: PeerView) -> list[tuple[SaEnd | None, str | None]]:
    return [(sa.end, sa.rekeyed_into) for sa in peer.ike_sas]


def test_an_attempt_that_nobody_answered_is_no_sa_that_was_renewed(tell: Tell) -> None:
    peer = tell(UP_ONCE + ATTEMPT + UP_AGAIN).peer
    assert ends(peer) == [(SaEnd.REKEYED, "i3"), (SaEnd.FAILED, None), (None, None)]
    assert peer.ike_sas[1].ended_ns == at(64)
    assert peer.ike_sas[1].established_ns is None


def test_an_attempt_after_which_nothing_came(tell: Tell) -> None:
    peer = tell(UP_ONCE + ATTEMPT + later(96)).peer
    assert ends(peer) == [(None, None), (SaEnd.FAILED, None)]
    assert peer.ike_sas[1].ended_ns == at(64)


def test_an_attempt_that_may_go_on_has_not_failed(tell: Tell) -> None:
    assert ends(tell(UP_ONCE + ATTEMPT + later(90)).peer) == [(None, None)] * 2


def test_an_attempt_of_which_an_answer_would_not_be_seen(tell: Tell) -> None:
    assert ends(tell(ATTEMPT + later(200)).peer) == [(None, None)]


def test_the_slower_one_of_two_attempts_gets_through_too(tell: Tell) -> None:
    slow = """
    40 b>a v1 mm1 sa=2
    40.1 a>b v1 main-mode sa=3
    41 a>b v1 mm2 sa=2
    41.1 b>a v1 mm3 sa=2
    41.2 a>b v1 mm4 sa=2
    41.3 b>a v1 mm5 sa=2
    41.4 a>b v1 mm6 sa=2
    """
    peer = tell(UP_ONCE + slow).peer
    assert peer.ike_sas[1].established_ns == at(41.4)
    assert peer.ike_sas[1].end is not SaEnd.FAILED


def test_the_slower_one_of_two_attempts_ends_by_its_delete(tell: Tell, tmp_path: Path) -> None:
    """How it got through is not captured: what is encrypted on it says that it did."""
    slow = """
    40 b>a v1 mm1 sa=2
    40.1 a>b v1 main-mode sa=3
    unseen a>b 41..42
    unseen b>a 41..42
    41 a>b v1 mm2 sa=2
    41.1 b>a v1 mm3 sa=2
    41.2 a>b v1 mm4 sa=2
    41.3 b>a v1 mm5 sa=2
    41.4 a>b v1 mm6 sa=2
    50 b>a v1 info says=ruthere seq=5 sa=2
    50.02 a>b v1 info says=ack seq=5 sa=2
    60 b>a v1 info says=delete sa=2
    """
    table = tmp_path / "table"
    table.write_text(key_table(UP_ONCE + slow))
    peer = tell(UP_ONCE + slow, options=SessionOptions(keys=(str(table),))).peer
    slower = peer.ike_sas[1]
    assert (slower.end, slower.ended_ns) == (SaEnd.DELETE, at(60))


def test_attempts_in_vain_do_not_keep_a_peer_alive(tell: Tell) -> None:
    """The SA after a death is another one, whatever was tried in between."""
    traffic = "0.2..30/0.2 a>b esp out\n0.3..12/0.2 b>a esp in\n"
    dead = UP_ONCE + traffic + "".join(
        f"{n} a>b v1 info 108 says=ruthere number=8\n" for n in (20, 22, 24, 26, 28)
    ) + "30.02 a>b v1 info 108 says=delete\n"  # fmt: skip
    renewed = UP_AGAIN + "140.3..150/0.2 a>b esp out2\n140.4..150/0.2 b>a esp in2\n"
    tried = tell(dead + ATTEMPT + renewed).peer
    without = tell(dead + renewed).peer
    assert [sa.end for sa in tried.ike_sas if sa.end is not SaEnd.FAILED] == [
        sa.end for sa in without.ike_sas
    ]
    assert [s.state for s in tried.states] == [s.state for s in without.states]
    assert [(h.stop_ns, h.recovered_ns) for h in tried.black_holes] == [
        (h.stop_ns, h.recovered_ns) for h in without.black_holes
    ]


V2_UP = """
0 a>b v2 handshake
10 a>b liveness 2
10.02 b>a liveness 2 resp
"""
V2_ATTEMPT = """
40 a>b v2 sa-init sa=2
42 a>b v2 sa-init sa=2
44 a>b v2 sa-init sa=2
"""
V2_HALF = """
40 a>b v2 sa-init sa=2
40.01 b>a v2 sa-init resp sa=2
40.1 a>b v2 auth 1 sa=2
42 a>b v2 auth 1 sa=2
44 a>b v2 auth 1 sa=2
"""
NEXT = "50 a>b v2 handshake sa=3\n"


@pytest.mark.parametrize("attempt", [V2_ATTEMPT, V2_HALF], ids=["IKE_SA_INIT", "IKE_AUTH"])
@pytest.mark.parametrize("after", [NEXT, later(96)], ids=["another follows", "nothing more"])
def test_an_ikev2_attempt_that_met_no_answer_failed(tell: Tell, attempt: str, after: str) -> None:
    peer = tell(V2_UP + attempt + after).peer
    assert ends(peer)[1] == (SaEnd.FAILED, None)
    assert peer.ike_sas[1].ended_ns == at(44)


@pytest.mark.parametrize(
    "text",
    [
        V2_UP + V2_HALF + later(70),
        V2_UP + V2_HALF + "47 b>a v2 auth 1 resp sa=2\n" + later(96),
        V2_UP + V2_HALF + "60 a>b liveness 2 sa=2\n" + later(120),
        V2_HALF.replace("40.01 b>a v2 sa-init resp sa=2\n", "") + "unseen b>a\n" + later(96),
    ],
    ids=["may go on", "answered late", "asks on it: the answer was not captured", "one direction"],
)
def test_an_ikev2_sa_that_need_not_have_failed(tell: Tell, text: str) -> None:
    assert SaEnd.FAILED not in {sa.end for sa in tell(text).peer.ike_sas}
