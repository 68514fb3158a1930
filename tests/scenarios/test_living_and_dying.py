"""Stories of peers that live, as bad captures show them, and of peers that die: never mixed up."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.sa import SaEnd
from tests.scenarios.conftest import Tell
from tests.scenarios.test_any_story import analyse
from tests.scenarios.timeline import at, capture

# How a stack repeats its question: the waits after each try, s.
STYLES = st.sampled_from(["constant", "growing", "interval"])
INTERVALS = st.sampled_from([5, 10, 20])
TRAFFIC = st.sampled_from(["none", "both", "out"])
# Who is not captured, from when on, and for how long.
LOST = st.lists(
    st.tuples(
        st.sampled_from(["b>a", "a>b", "both"]), st.integers(1, 120), st.sampled_from([5, 20, 200])
    ),
    max_size=2,
)
SLOW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def waits(style: str, interval: float) -> list[float]:
    if style == "growing":
        return [1.5 * 1.8**number for number in range(8)]
    return [2.05 if style == "constant" else interval] * 8


def asked(version: int, number: int) -> str:
    return f"liveness {number}" if version == 2 else "v1 info 108"


def answered(version: int, number: int) -> str:
    return f"liveness {number} resp" if version == 2 else "v1 info 108"


def setup(version: int, traffic: str, out_until: float, in_until: float) -> list[str]:
    lines = ["0 a>b v2 handshake"] if version == 2 else ["0 a>b v1 main-mode", "0.1 a>b v1 quick"]
    if traffic != "none":
        lines.append(f"0.1..{out_until:.2f}/0.4 a>b esp out")
    if traffic == "both":
        lines.append(f"0.15..{in_until:.2f}/0.4 b>a esp in")
    return lines


def tell(path: Path, lines: list[str]) -> PeerView:
    path.write_bytes(capture("\n".join(lines)))
    (peer,) = analyse(path, 1 << 22, 1 << 15)
    return peer


@SLOW
@given(
    version=st.sampled_from([1, 2]),
    style=STYLES,
    interval=INTERVALS,
    traffic=TRAFFIC,
    tries=st.lists(st.sampled_from([1, 1, 1, 1, 2, 3, 4]), min_size=1, max_size=12),
    lost=LOST,
    begin=st.sampled_from([0, 0, 7]),
    end=st.integers(10, 140),
)
@example(1, "interval", 10, "both", [1] * 12, [("b>a", 40, 200)], 0, 130)
@example(1, "constant", 20, "none", [1] * 6, [("a>b", 59, 200)], 0, 140)
@example(1, "constant", 5, "both", [1, 1, 1], [("b>a", 1, 20)], 0, 21)
@example(2, "growing", 10, "both", [4], [], 0, 20)
def test_a_peer_that_answers_is_never_dead(
    tmp_path: Path,
    version: int,
    style: str,
    interval: int,
    traffic: str,
    tries: list[int],
    lost: list[tuple[str, int, int]],
    begin: int,
    end: int,
) -> None:
    """Every question is answered in the end; the capture loses directions, and is cut.

    Where it loses an answer to the third try, or a later one, nothing tells it from a verdict.
    """
    if lost:
        # Who asks goes on asking.
        tries = [min(count, 2) for count in tries] + [1] * (140 // interval)
    lines = setup(version, traffic, 140, 140)
    at = interval + 0.3
    for number, count in enumerate(tries, 2):
        for wait in [0, *waits(style, interval)][:count]:
            at += wait
            lines.append(f"{at:.3f} a>b {asked(version, number)}")
        lines.append(f"{at + 0.02:.3f} b>a {answered(version, number)}")
        at += interval
    for who, start, length in lost:
        pairs = ["a>b", "b>a"] if who == "both" else [who]
        lines += [f"unseen {pair} {start}..{start + length}" for pair in pairs]
    path = tmp_path / "story.pcap"
    path.write_bytes(capture("\n".join([*lines, f"capture {begin}..{begin + end}.7"])))
    for peer in analyse(path, 1 << 22, 1 << 15):
        assert PeerState.DEAD not in {s.state for s in peer.states}
        assert not [x for x in peer.exchanges if x.verdict_ns is not None]
        assert not [h for h in peer.black_holes if h.dead_ns is not None]


@SLOW
@given(
    version=st.sampled_from([1, 2]),
    style=STYLES,
    interval=INTERVALS,
    traffic=st.sampled_from(["none", "both"]),
    rounds=st.integers(0, 5),
    tries=st.integers(3, 6),
    after=st.sampled_from(["nothing", "new", "delete"]),
)
def test_a_peer_that_dies_is_given_up(
    tmp_path: Path,
    version: int,
    style: str,
    interval: int,
    traffic: str,
    rounds: int,
    tries: int,
    after: str,
) -> None:
    """Answered for a while, and then never again: the last question is told, and its verdict."""
    if version == 2 and style == "interval":
        style = "constant"
    died = interval * (rounds + 1) - 1.0
    lines: list[str] = []
    for number in range(rounds):
        at = interval * (number + 1) + 0.3
        lines.append(f"{at:.3f} a>b {asked(version, number + 2)}")
        lines.append(f"{at + 0.02:.3f} b>a {answered(version, number + 2)}")
    at = interval * (rounds + 1) + 0.3
    for wait in [0, *waits(style, interval)][:tries]:
        at += wait
        lines.append(f"{at:.3f} a>b {asked(version, rounds + 2)}")
    verdict = at + waits(style, interval)[tries - 1]
    if after == "new":
        first = "v2 sa-init" if version == 2 else "v1 mm1"
        lines.append(f"{verdict + 0.02:.3f} a>b {first} sa=2")
    if after == "delete" and version == 2:
        lines.append(f"{verdict + 0.02:.3f} a>b delete {rounds + 3}")
    lines.append(f"{verdict + 60:.2f} c:4500>a:4500 keepalive")
    peer = tell(tmp_path / "story.pcap", setup(version, traffic, verdict, died) + lines)
    last = peer.exchanges[-1]
    assert last.outcome is Outcome.UNANSWERED
    assert last.verdict_ns is not None
    assert PeerState.DEAD in {s.state for s in peer.states}


def states(peer: PeerView) -> list[PeerState]:
    return [span.state for span in peer.states]


def test_esp_tells_that_a_peer_lives_whose_negotiation_was_not_captured(tell: Tell) -> None:
    """A capture begins when the tunnel is in use already, and nobody needs to ask."""
    peer = tell("0..30/0.4 a>b esp out\n0.65..30/0.4 b>a esp in").peer
    assert states(peer) == [PeerState.UNKNOWN, PeerState.ALIVE]
    assert peer.states[1].start_ns == at(0.65)


def test_what_only_goes_out_tells_nothing_of_the_peer(tell: Tell) -> None:
    assert states(tell("0..30/0.4 a>b esp out").peer) == [PeerState.UNKNOWN]


DELETED = "0 a>b v2 handshake\n9 a>b delete 2\n9.02 b>a liveness 2 resp\n"


def test_esp_on_a_new_sa_is_life_after_a_delete(tell: Tell) -> None:
    """The new SA was negotiated while nobody captured."""
    text = DELETED + "60..70/0.4 a>b esp out2\n60.02..70/0.4 b>a esp in2"
    assert states(tell(text).peer)[-2:] == [PeerState.DELETED, PeerState.ALIVE]


def test_what_was_under_way_when_the_sa_was_deleted_revives_nobody(tell: Tell) -> None:
    assert states(tell(DELETED + "9.03 b>a esp in").peer)[-1] is PeerState.DELETED


RENEWED = """
0 a>b v2 handshake
9.9 a>b create-child 2
9.91 b>a create-child 2 resp
{deleted} {by} delete {number}
{deleted}.01 {back} liveness {number} resp
"""
BOTH_WAYS = "0.5..40/0.5 a>b esp out\n0.51..40/0.5 b>a esp in\n"


@pytest.mark.parametrize("ways", [("a>b", "b>a", 3), ("b>a", "a>b", 0)])
@pytest.mark.parametrize(
    ("deleted", "traffic", "state"),
    [
        # The new IKE SA says nothing before it is asked.
        ("10", "", PeerState.ALIVE),
        ("10", BOTH_WAYS, PeerState.ALIVE),
        # Long after it: only what goes on tells a renewal from an end.
        ("20", BOTH_WAYS, PeerState.ALIVE),
        ("20", BOTH_WAYS.replace("40", "19.9"), PeerState.DELETED),
        ("20", "", PeerState.DELETED),
    ],
)
def test_an_ike_sa_that_was_renewed_is_deleted_and_its_peer_is_not(
    tell: Tell, ways: tuple[str, str, int], deleted: str, traffic: str, state: PeerState
) -> None:
    by, back, number = ways
    text = RENEWED.format(deleted=deleted, by=by, back=back, number=number)
    told = tell(text + traffic)
    assert told.peer.state is state
    assert (PeerState.DELETED in {s.state for s in told.peer.states}) is (
        state is PeerState.DELETED
    )
    renewed = state is PeerState.ALIVE
    assert told.peer.ike_sas[0].end is (SaEnd.REKEYED if renewed else SaEnd.DELETE)


def test_a_child_sa_that_was_renewed_says_nothing_of_the_ike_sa(tell: Tell) -> None:
    """Its request begins with the notify that names it."""
    text = RENEWED.format(deleted="10", by="a>b", back="b>a", number=3)
    assert tell(text.replace("create-child", "rekey-child")).peer.state is PeerState.DELETED
