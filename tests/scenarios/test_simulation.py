"""Black holes of timelines under other policies: every packet of them, once, on the same clock."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.peer import PeerView
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import ClockOptions, Session, SessionOptions
from analyzers.whatif import candidates
from analyzers.whatif.candidates import own
from analyzers.whatif.recommend import RIDE_OUT_S, why_fragile
from analyzers.whatif.replay import Loss
from analyzers.whatif.study import Candidate, Result, Simulation, Study
from tests.scenarios.inputs import shifted
from tests.scenarios.timeline import capture

SETUP = "0 a>b v2 handshake\n"
DEAD = (
    SETUP
    + """
1..80/0.5 a>b esp out
1.2..30/0.5 b>a esp in
40 a>b liveness 2
42 a>b liveness 2
44 a>b liveness 2
46 a>b liveness 2
"""
)
COMES_BACK = (
    SETUP
    + """
1..80/0.5 a>b esp out
1.2..30/0.5 b>a esp in
60..80/0.5 b>a esp in
"""
)


def studied(
    folder: Path,
    *parts: bytes,
    options: SessionOptions | None = None,
    policies: tuple[str, ...] = (),
    hold_s: float | None = None,
) -> tuple[Study, ...]:
    """The studies of captures; the same however these are cut."""
    paths = []
    for number, part in enumerate(parts):
        path = folder / f"{number}.pcap"
        path.write_bytes(part)
        paths.append(str(path))
    chosen = options or SessionOptions()
    found = run(paths, chosen, policies, hold_s)
    again = run(paths, replace(chosen, chunk_bytes=700, batch_rows=3), policies, hold_s)
    for one, other in zip(again, found, strict=True):
        assert one.hole == other.hole
        assert [left(r) for r in one.results] == [left(r) for r in other.results]
    return found


def run(
    paths: list[str], options: SessionOptions, policies: tuple[str, ...], hold_s: float | None
) -> tuple[Study, ...]:
    session = Session(options)
    session.run(paths)
    cases = [
        (peer, hole, [candidates.own(peer, hole), *map(candidates.given, policies)])
        for peer in session.peers()
        for hole in peer.black_holes
    ]
    simulation = Simulation(cases, hold_s)
    for packets in session.packets_within(simulation.windows):
        simulation.feed(packets)
    session.close()
    return simulation.studies()


def only(studies: tuple[Study, ...]) -> tuple[BlackHole, list[Result]]:
    (study,) = studies
    return study.hole, list(study.results)


def left(result: Result) -> Loss:
    assert result.left is not None
    return result.left.worst


def observed(hole: BlackHole) -> Loss:
    return Loss(hole.max_seconds, hole.max_packets, hole.max_bytes)


def test_the_own_policy_gives_what_was_observed(tmp_path: Path) -> None:
    hole, (own,) = only(studied(tmp_path, capture(DEAD)))
    assert own.candidate.own
    assert left(own).seconds is not None
    assert left(own).packets == hole.max_packets == 100
    assert left(own).bytes == hole.max_bytes


def test_the_own_policy_saves_nothing_and_costs_nothing(tmp_path: Path) -> None:
    """Its verdict came after the last packet that was sent."""
    text = (
        DEAD.replace("1..80/0.5 a>b esp out", "1..47/0.5 a>b esp out") + "90 c>b liveness 1 sa=9\n"
    )
    hole, (own,) = only(studied(tmp_path, capture(text)))
    assert hole.stop_basis is StopBasis.LAST_OUTBOUND
    assert (left(own).seconds or 0) > hole.max_seconds
    assert own.saved(hole).seconds == 0


def test_what_a_sooner_verdict_saves(tmp_path: Path) -> None:
    text = "cisco-asa interval=10 retry=2"
    hole, (_, asa) = only(studied(tmp_path, capture(COMES_BACK), policies=(text,)))
    assert hole.black_hole_class is BlackHoleClass.MISSING_DPD
    # The last packet of b comes at 29.7 s, so a gives up at 47.7 s; it sends from 30 s on.
    assert left(asa).seconds == pytest.approx(17.7)
    assert left(asa).packets == 36
    assert left(asa).bytes == 36 * hole.max_bytes // hole.max_packets
    saved = asa.saved(hole)
    assert saved.seconds == pytest.approx(hole.max_seconds - 17.7)
    assert saved.packets == hole.max_packets - 36
    assert asa.least is None, "nobody asked"


def test_a_silence_that_ends_by_itself_is_not_longer_under_any_policy(tmp_path: Path) -> None:
    policies = ("strongswan interval=30", "strongswan")
    hole, (own, slow, never) = only(studied(tmp_path, capture(COMES_BACK), policies=policies))
    for result in (own, slow, never):
        assert left(result) == observed(hole)
        assert result.left is not None
        assert not result.left.at_least
    assert own.candidate.label == "its own: never asked"


def test_routing_ends_it_whatever_the_policy(tmp_path: Path) -> None:
    _, (own,) = only(studied(tmp_path, capture(COMES_BACK), hold_s=5.0))
    assert left(own).seconds == pytest.approx(4.7)
    assert left(own).packets == 10


def test_a_peer_gone_only_when_it_was_asked(tmp_path: Path) -> None:
    text = "cisco-asa interval=10 retry=2"
    hole, (_, asa) = only(studied(tmp_path, capture(DEAD), policies=(text,)))
    assert asa.least is not None
    assert asa.least.verdict is not None
    assert asa.least.verdict.last_s == 18
    # First asked at 40 s, where the next packet leaves at 40.5 s. It goes on sending for long.
    assert hole.dead_ns is not None
    teardown_s = (hole.stop_ns - hole.dead_ns) / NS_PER_SECOND
    assert teardown_s > 20
    assert asa.least.worst.seconds == pytest.approx(17.5 + teardown_s)


def test_a_packet_that_was_recorded_twice_counts_once(tmp_path: Path) -> None:
    hole, (own,) = only(studied(tmp_path, capture(COMES_BACK + "twice 0.0005\n")))
    assert left(own) == observed(hole)
    assert hole.max_packets == 61


def test_two_captures_on_one_clock(tmp_path: Path) -> None:
    """The second one, whose clock is an hour late, goes on where the first one ends."""
    first, second = capture(DEAD + "capture 0..35\n"), capture(DEAD + "capture 35..90\n")
    options = SessionOptions(clocks=ClockOptions(offsets_ns={"1.pcap": 3600 * NS_PER_SECOND}))
    found = studied(tmp_path, first, shifted(second, -3600 * NS_PER_SECOND), options=options)
    hole, (own,) = only(found)
    assert left(own).packets == hole.max_packets == 100
    assert left(own).bytes == hole.max_bytes


def test_both_ends_captured_count_each_packet_once(tmp_path: Path) -> None:
    hole, (own,) = only(studied(tmp_path, capture(DEAD), capture(DEAD)))
    assert left(own).packets == hole.max_packets == 100


def test_a_dead_data_plane_is_beyond_any_policy(tmp_path: Path) -> None:
    answered = "".join(
        f"{t} a>b liveness {n}\n{t}.01 b>a liveness {n} resp\n"
        for n, t in enumerate(range(35, 80, 10), 2)
    )
    data = capture(COMES_BACK + answered)
    (study,) = studied(tmp_path, data, policies=("cisco-asa",))
    assert study.hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert "no DPD policy notices it" in study.note
    assert study.results == ()
    _, (own, asa) = only(studied(tmp_path, data, policies=("cisco-asa",), hold_s=9.0))
    assert own.candidate.label == "its own: answered"
    assert left(own).packets == left(asa).packets == 18


def test_the_stated_policy_goes_before_the_observed_one(tmp_path: Path) -> None:
    path = tmp_path / "0.pcap"
    path.write_bytes(capture(DEAD))
    given = candidates.given("cisco-ios-ikev2 interval=10 retry=2").policy
    session = Session()
    session.run([str(path)])
    (peer,) = session.peers()
    (hole,) = peer.black_holes
    stated = replace(given, holder=hole.sender, basis=PolicyBasis.CONFIG)
    own = candidates.own(replace(peer, policies=(*peer.policies, stated)), hole)
    assert (own.label, own.policy) == ("its own, as configured", stated)
    foreign = replace(given, holder=hole.receiver)
    own = candidates.own(replace(peer, policies=(foreign, *peer.policies)), hole)
    assert own.policy.basis is PolicyBasis.OBSERVED


def test_a_recommendation_has_its_reasons(tmp_path: Path) -> None:
    path = tmp_path / "0.pcap"
    path.write_bytes(capture(COMES_BACK))
    session = Session()
    session.run([str(path)])
    ((peer, hole),) = [(p, h) for p in session.peers() for h in p.black_holes]
    found = _recommended(peer, hole, None)
    # The console has room for the first one only.
    assert found.why[0].startswith("cheapest in time: 30 s <= 30 s, ")
    assert found.why[1].startswith("the product of the sender is not known")
    assert found.why[2].startswith("target 30 s: the budget (--budget)")
    assert "= 30 s <= 30 s" in found.why[3]
    assert found.lines == ("crypto ikev2 dpd 20 2 periodic",)
    assert found.met
    slower = _recommended(peer, hole, "fortios-ikev2")
    assert not slower.met
    assert slower.why[0].startswith("the nearest it comes: ")
    assert slower.policy.mode is PolicyMode.ON_IDLE


def _recommended(peer: PeerView, hole: BlackHole, vendor: str | None) -> Candidate:
    return candidates.recommended(hole, vendor, 2, target_s=None, budget_s=30.0)


@pytest.mark.parametrize("interval", [1, 5, 9, 10, 12, 20, 60])
@pytest.mark.parametrize("retry", [1, 2, 3, 5, 12])
@pytest.mark.parametrize("questions", [1, 2, 4, 5, 8])
def test_nothing_worse_than_its_own_is_recommended_without_saying_why(
    recorded: tuple[PeerView, BlackHole], interval: int, retry: int, questions: int
) -> None:
    _, hole = recorded
    has = candidates.plain(PolicyMode.ON_IDLE, interval, retry, questions)
    found = candidates.recommended(
        hole, None, 2, target_s=None, budget_s=30.0, in_force=replace(has, own=True)
    )
    assert has.timing is not None
    assert found.timing is not None
    own, advised = has.timing.verdict(0.2), found.timing.verdict(0.2)
    assert own is not None
    assert advised is not None
    if found.policy == has.policy:
        assert not why_fragile(has.timing, RIDE_OUT_S)
        return
    if advised.last_s > own.last_s:
        assert "its own policy gives up" in found.why[0]
        assert why_fragile(has.timing, RIDE_OUT_S) in found.why[0]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[PeerView, BlackHole]:
    path = tmp_path_factory.mktemp("recorded") / "0.pcap"
    path.write_bytes(capture(COMES_BACK))
    session = Session()
    session.run([str(path)])
    ((peer, hole),) = [(p, h) for p in session.peers() for h in p.black_holes]
    return peer, hole


@pytest.mark.skipif(os.name != "posix", reason="replaces stdin by a pipe")
def test_a_pipe_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "0.pcap"
    path.write_bytes(capture(DEAD))
    with path.open("rb") as piped:
        monkeypatch.setattr(sys, "stdin", piped)
        found = run(["-"], SessionOptions(read_again=True), (), None)
    hole, (own,) = only(found)
    assert left(own).packets == hole.max_packets == 100


def test_who_asked_is_not_said_to_have_never_asked(tmp_path: Path) -> None:
    """Its questions met an answer before it gave up: how often it asks nobody can tell."""
    asked = "40 a>b liveness 2\n42 a>b liveness 2\n60.2 a>b liveness 2\n60.22 b>a liveness 2 resp\n"
    path = tmp_path / "0.pcap"
    path.write_bytes(capture(COMES_BACK + asked))
    hole, (own,) = only(run([str(path)], SessionOptions(), (), None))
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert own.candidate.label == "its own: interval unknown"
    assert own.left is None


def test_of_what_goes_on_a_later_end_saves_nothing_and_costs_nothing(tmp_path: Path) -> None:
    text = SETUP + "1..80/0.5 a>b esp out\n1.2..30/0.5 b>a esp in\n"
    policies = ("cisco-asa interval=10 retry=2", "fortios-ikev2 interval=20")
    hole, (_, sooner, later) = only(studied(tmp_path, capture(text), policies=policies))
    assert hole.stop_basis is StopBasis.CAPTURE_END
    assert (sooner.saved(hole).seconds or 0) > 0
    assert later.saved(hole) == Loss(None, None, None)


def test_a_renewal_in_vain_is_no_policy_of_questions(tmp_path: Path) -> None:
    """Who never asked for liveness finds out by a request of another purpose."""
    text = """
        0 a>b v2 handshake
        0.1..45/0.2 a>b esp out
        0.15..20/0.2 b>a esp in
        10 b>a liveness 0
        10.01 a>b liveness 0 resp
        30 a>b create-child 2
        31 a>b create-child 2
        32.4 a>b create-child 2
        34.36 a>b create-child 2
        45 a>b v2 handshake sa=2
        """
    path = tmp_path / "capture.pcap"
    path.write_bytes(capture(text))
    session = Session()
    session.run([str(path)])
    (peer,) = session.peers()
    (hole,) = peer.black_holes
    assert hole.first_probe_ns is not None
    assert own(peer, hole).label == "its own: never asked"
