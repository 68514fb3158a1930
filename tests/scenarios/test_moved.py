"""An end behind a NAT whose address outside changes: the logs of both ends, and captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.inputs import together
from tests.scenarios.logs import charon
from tests.scenarios.timeline import capture

A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"
INSIDE = "10.9.0.1"
# The same messages, as the end behind the NAT knows them, and as they are outside.
STORY = """
0 a>b v1 main-mode
0.1 a>b v1 quick
10 a>b v1 info 108 says=ruthere number=8
10.02 b>a v1 info 108 says=ack number=8
20 {c}>b v1 info 108 says=ruthere number=9
20.02 b>{c} v1 info 108 says=ack number=9
25 b>{c} v1 quick
30 {c}>b v1 info 108 says=ruthere number=10
30.02 b>{c} v1 info 108 says=ack number=10
{last}
"""
# After the capture: only the logs have it.
END = "40 {c}>b v1 info 124 says=delete"


def story(c: str, *, whole: bool) -> str:
    last = END.replace("{c}", c) if whole else ""
    return STORY.replace("{c}", c).replace("{last}", last)


def logs() -> tuple[str, str]:
    """Of the end behind the NAT, and of the other one."""
    said = [
        (-1.0, "00[DMN] Starting IKE charon daemon (strongSwan 5.9.8, Linux 6.1, x86_64)"),
        (0.0, "09[IKE] received DPD vendor ID"),
    ]
    inside = charon(story("a", whole=True), "a", names={A: INSIDE}, said=said)
    return inside, charon(story("c", whole=True), "b")


@pytest.mark.parametrize("outside", [True, False])
def test_both_logs_beside_a_capture_are_of_one_peer(tmp_path: Path, outside: bool) -> None:
    text = story("c" if outside else "a", whole=False)
    packets = capture(text)
    if not outside:
        packets = packets.replace(bytes([192, 0, 2, 1]), bytes([10, 9, 0, 1]))
    told = together(tmp_path, packets, *logs())
    # The one that is seen most.
    assert {told.peer.local, told.peer.remote} == {C if outside else INSIDE, B}
    assert [len(x.transmissions) for x in told.peer.exchanges] == [1, 1, 1]
    assert len(told.peer.deletes) == 1


def test_a_name_that_hides_several_stands_for_none(tmp_path: Path) -> None:
    """A mask that all peers of a hub have in its log is no NAT that moves."""
    between = "".join(
        f"{t} {peer}>b v1 info 108 says=ruthere number={t} sa={sa}\n"
        f"{t}.02 b>{peer} v1 info 108 says=ack number={t} sa={sa}\n"
        for t, peer, sa in ((10, "a", 1), (12, "c", 2), (20, "a", 1), (22, "c", 2))
    )
    begun = "0 a>b v1 main-mode\n1 c>b v1 main-mode sa=2\n"
    log = charon(begun + between, "b", names={A: "x.x.x.x", C: "x.x.x.x"})
    told = together(tmp_path, capture(begun + between), log)
    alone = together(tmp_path, capture(begun + between))
    assert [(p.local, p.remote) for p in told.peers] == [(p.local, p.remote) for p in alone.peers]
    assert [len(p.exchanges) for p in told.peers] == [len(p.exchanges) for p in alone.peers]
