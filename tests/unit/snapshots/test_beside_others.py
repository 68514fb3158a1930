"""What a terminal log shows is judged alike, whatever else is read with it."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from analyzers.model.peer import PeerView
from analyzers.session import Session

SAMPLES = Path(__file__).parents[3] / "sample_pcaps"
CONSOLE = SAMPLES / "ios-dead-peer-terminal" / "console.txt"


def peer(*inputs: Path) -> PeerView:
    session = Session()
    session.run([str(path) for path in inputs])
    (found,) = [p for p in session.peers() if p.remote == "198.51.100.9"]
    return found


def test_a_capture_of_another_year_and_of_other_peers_changes_nothing() -> None:
    alone = peer(CONSOLE)
    beside = peer(CONSOLE, SAMPLES / "ikev2-ipv6-healthy" / "capture.pcap")
    assert [replace(h, id="") for h in beside.black_holes] == [
        replace(h, id="") for h in alone.black_holes
    ]
    assert beside.states == alone.states
    assert [x.first_ns for x in beside.exchanges] == [x.first_ns for x in alone.exchanges]


def test_the_configuration_of_another_device_with_its_address_changes_nothing() -> None:
    other = SAMPLES / "ikev1-dead-peer"
    beside = peer(CONSOLE, other / "capture.pcap", *sorted(other.glob("swanctl*.conf")))
    assert beside.policies == peer(CONSOLE).policies
    assert len(beside.policies) == 2
