"""A pcapng of several interfaces, each with the clock of its own recorder."""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

import pytest

from analyzers.model.peer import PeerState
from analyzers.model.records import ProblemKind
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import Session, SessionOptions
from tests.scenarios.inputs import Together, interfaces, shifted, together
from tests.scenarios.test_addresses_and_order import HEALTHY
from tests.scenarios.test_clocks_set_back import DIES
from tests.scenarios.test_two_places import ASKED_THERE, outline
from tests.scenarios.test_viewpoints import at_far_end
from tests.scenarios.timeline import at, capture

LOST = "unseen a>b 20..40"


def told_as_files(folder: Path, near: bytes, there: bytes) -> Together:
    """The report, which is that of a file for each interface."""
    of_files = together(folder, near, there)
    told = together(folder, interfaces(near, there))
    assert outline(told.peer, 0) == outline(of_files.peer, 0)
    assert told.alignment.offset_ns == of_files.alignment.offset_ns
    return told


@pytest.mark.parametrize(
    ("text", "lost", "way_s", "ahead_s"),
    [
        (HEALTHY, "", 0, 120),
        (HEALTHY, "", 0.02, -0.3),
        (DIES, "", 0, 0.3),
        (DIES, "", 0, 3_600),
        (DIES, "", 0.02, -120),
        (ASKED_THERE, LOST, 0.02, -3_600),
    ],
)
def test_clocks_of_interfaces_that_differ(
    tmp_path: Path, text: str, lost: str, way_s: float, ahead_s: float
) -> None:
    far = capture(at_far_end(text + lost, way_s))
    told = told_as_files(tmp_path, capture(text), shifted(far, round(ahead_s * NS_PER_SECOND)))
    said = told.problem(ProblemKind.SEVERAL_CLOCKS).detail
    assert ("ahead" in said) is (ahead_s > 0)
    assert told.sources[1].path.endswith("0.pcap (interface 1)")


def test_interfaces_of_one_recorder_stay_together(tmp_path: Path) -> None:
    """Two of a first one, and two of a second one."""
    inside, outside = capture(DIES), capture(at_far_end(DIES, 0.001))
    later = [shifted(data, 120 * NS_PER_SECOND) for data in (inside, outside)]
    told = together(tmp_path, interfaces(inside, outside, *later))
    assert [s.path.rpartition(" (")[2] for s in told.sources] == [
        "interfaces 0, 1)",
        "interfaces 2, 3)",
    ]
    assert told.peer.state is PeerState.DEAD


@pytest.mark.parametrize("way_s", [0, 0.02, 0.3])
def test_one_clock(tmp_path: Path, way_s: float) -> None:
    """However long the way is: what goes the other way is first seen at the other end."""
    told = together(tmp_path, interfaces(capture(HEALTHY), capture(at_far_end(HEALTHY, way_s))))
    assert len(told.sources) == 1
    assert ProblemKind.SEVERAL_CLOCKS not in told.kinds(0)


def test_a_question_that_is_sent_on_two_ways(tmp_path: Path) -> None:
    """First on the one, then on the other, where it is answered (RFC 4555 section 3.10)."""
    asked = "".join(f"{n}0 a>b liveness {n}\n" for n in range(2, 9))
    other = "".join(f"{n}4 a>b liveness {n}\n{n}4.02 b>a liveness {n} resp\n" for n in range(2, 9))
    setup = "0 a>b v2 handshake\n"
    told = together(tmp_path, interfaces(capture(setup + asked), capture(setup + other)))
    assert len(told.sources) == 1


def test_frames_are_those_of_the_file(tmp_path: Path) -> None:
    near, there = capture(HEALTHY), shifted(capture(HEALTHY), 12 * NS_PER_SECOND)
    data = interfaces(near, there)
    frames, place = [], 0
    while place < len(data):
        kind, length, number, high, low = struct.unpack_from("<IIIII", data, place)
        if kind == 6:
            frames.append((number, (high << 32 | low) * 1_000))
        place += length
    told = together(tmp_path, data)
    assert sum(source.packets for source in told.sources) == len(frames)
    for exchange in told.peer.exchanges:
        for sent in exchange.transmissions:
            assert frames[sent.ref.record - 1] == (0, sent.at_ns)


def test_a_part_of_the_time_is_judged(tmp_path: Path) -> None:
    near, there = capture(DIES), shifted(capture(DIES), 2 * NS_PER_SECOND)
    options = SessionOptions(until_ns=at(22))
    told = together(tmp_path, interfaces(near, there), options=options)
    assert [s.id for s in told.sources] == ["s1", "s2"]
    assert not told.peer.black_holes


def test_a_pipe_is_gone_when_it_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "both.pcapng"
    path.write_bytes(interfaces(capture(DIES), shifted(capture(DIES), -120 * NS_PER_SECOND)))
    with path.open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        session = Session()
        session.run(["-"])
    (info,) = session.sources
    (problem,) = [p for p in info.problems if p.kind is ProblemKind.SEVERAL_CLOCKS]
    assert problem.detail.startswith("that of interface 1 is 2 min behind that of interface 0: ")
