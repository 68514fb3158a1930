"""Questions that were answered after a retry: which arrived, by the log of the other end."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.causes import where_lost
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerView
from analyzers.model.records import ProblemKind
from dpdlab.present.events import EventKind, events_of
from tests.scenarios.inputs import alone, together
from tests.scenarios.logs import Clock, Lost, charon, syslog
from tests.scenarios.timeline import capture

V2 = """
0 a>b v2 handshake
10 a>b liveness 2
10.02 b>a liveness 2 resp
20 a>b liveness 3
22 a>b liveness 3
24 a>b liveness 3
24.02 b>a liveness 3 resp
40 a>b liveness 4
40.02 b>a liveness 4 resp
"""
V1 = """
0 a>b v1 main-mode
0.1 a>b v1 quick
20 a>b v1 info 108 says=ruthere number=8
22 a>b v1 info 108 says=ruthere number=8
24 a>b v1 info 108 says=ruthere number=8
24.02 b>a v1 info 108 says=ack number=8
40 a>b v1 info 108 says=ruthere number=9
40.02 b>a v1 info 108 says=ack number=9
"""
ON_THE_WAY = [Lost("a", 19, 23)]


def lost(peer: PeerView) -> list[list[bool]]:
    """Of each question its transmissions: whether they did not arrive."""
    return [[sent.lost for sent in x.transmissions] for x in peer.exchanges]


@pytest.mark.parametrize("text", [V1, V2], ids=["ikev1", "ikev2"])
@pytest.mark.parametrize("captured", [True, False])
def test_the_log_of_the_other_end_tells_which_arrived(
    tmp_path: Path, text: str, captured: bool
) -> None:
    first = capture(text) if captured else charon(text, "a")
    peer = together(tmp_path, first, charon(text, "b", lost=ON_THE_WAY)).peer
    assert lost(peer)[-2:] == [[True, True, False], [False]]
    asked = peer.exchanges[-2]
    assert (asked.outcome, asked.lost) == (Outcome.ANSWERED, None)
    assert where_lost(peer, asked).startswith("2 of 3 lost on the way there")
    told = [e for e in events_of(peer) if e.exchange == asked and e.kind is not EventKind.ANSWER]
    assert [event.is_lost for event in told] == [True, True, False]
    assert ["did not arrive" in event.label for event in told] == [True, True, False]


def test_what_comes_again_to_who_has_it_need_not_be_logged(tmp_path: Path) -> None:
    """IKEv2: the same message again is answered again, and a log may say nothing of that."""
    log = charon(V2, "b", lost=[Lost("a", 21, 25)])
    peer = together(tmp_path, capture(V2), log).peer
    assert lost(peer) == [[False], [False] * 3, [False]]


@pytest.mark.parametrize(("apart_s", "told"), [(1, False), (3, True)])
def test_whole_seconds_tell_only_what_is_far_enough_apart(
    tmp_path: Path, apart_s: int, told: bool
) -> None:
    text = f"""
    0 a>b v2 handshake
    10 a>b liveness 2
    10.02 b>a liveness 2 resp
    20 a>b liveness 3
    {20 + apart_s} a>b liveness 3
    {20 + apart_s}.02 b>a liveness 3 resp
    40 a>b liveness 4
    40.02 b>a liveness 4 resp
    """
    log = charon(text, "b", Clock(syslog), lost=[Lost("a", 19, 20.5)])
    peer = together(tmp_path, capture(text), log).peer
    assert lost(peer)[1] == [told, False]


def test_without_the_log_of_the_other_end_nothing_tells(tmp_path: Path) -> None:
    peer = together(tmp_path, capture(V2), charon(V2, "a")).peer
    assert lost(peer) == [[False], [False] * 3, [False]]
    assert where_lost(peer, peer.exchanges[1]) == ""


CUT = """
0 a>b v2 handshake
0.2..60/0.2 a>b esp out
0.2..20/0.2 b>a esp in
10 b>a liveness 0
10.02 a>b liveness 0 resp
30 a>b liveness 2
30.5 b>a liveness 1
32 a>b liveness 2
32.5 b>a liveness 1
"""
BOTH_CUT = [Lost("a", 20), Lost("b", 20)]


@pytest.mark.parametrize("captured", [True, False])
def test_what_did_not_arrive_ends_no_silence(tmp_path: Path, captured: bool) -> None:
    """Both ask at once behind a cut: neither question proves anything to the other end."""
    logs = [charon(CUT, end, lost=BOTH_CUT) for end in "ab"]
    wire = "".join(line for line in CUT.splitlines(True) if not line.startswith(("30.5", "32.5")))
    captures = [capture(wire)] if captured else []
    *_, asked = together(tmp_path, *captures, *logs).peer.exchanges
    assert (asked.prober, round(asked.first_ns / 1e9, 1) % 100) == ("192.0.2.2", 30.5)
    told = None if asked.since_proof_ns is None else round(asked.since_proof_ns / 1e9, 1)
    assert told == (None if captured else 20.5)


HEALED = """
0 a>b v2 handshake
0.2..60/0.2 a>b esp out
0.2..20/0.2 b>a esp in
35..60/0.2 b>a esp in
10 b>a liveness 0
10.02 a>b liveness 0 resp
30 b>a liveness 1
32 b>a liveness 1
34 b>a liveness 1
34.02 a>b liveness 1 resp
"""


@pytest.mark.parametrize("captured", [True, False])
def test_the_first_transmission_that_arrives_is_news(tmp_path: Path, captured: bool) -> None:
    """The log of who asks has those before it, which came by nowhere."""
    logs = [charon(HEALED, end, lost=[Lost("b", 29, 33)]) for end in "ab"]
    wire = "".join(line for line in HEALED.splitlines(True) if not line.startswith(("30", "32")))
    captures = [capture(wire)] if captured else []
    peer = together(tmp_path, *captures, *logs).peer
    asked = peer.exchanges[-1]
    assert [sent.lost for sent in asked.transmissions] == [True, True, False]
    assert ProblemKind.RETRANSMISSION_DIFFERS not in {p.kind for p in peer.problems}
    if captured:
        assert peer.last_proof_ns == alone(tmp_path, wire).last_proof_ns
        holes = [(hole.last_proof_ns, hole.stop_ns) for hole in alone(tmp_path, wire).black_holes]
        assert [(hole.last_proof_ns, hole.stop_ns) for hole in peer.black_holes] == holes
