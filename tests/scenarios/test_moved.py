"""An end behind a NAT whose address outside changes: the logs of both ends, and captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.causes import reason_in_short
from analyzers.export.story import moments
from tests.scenarios.ikev1_messages import esp_spi
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


def test_the_other_end_says_that_its_peer_comes_from_elsewhere(tmp_path: Path) -> None:
    """The NAT forgot its mapping: nothing came back until the end behind it asked."""
    text = """
        0 a>b v2 handshake
        1..20/0.5 a>b esp out
        1.01..20/0.5 b>a esp in
        20..30/0.5 a>b esp out
        28 a>b liveness 2
        28.01 b>a liveness 2 resp
        28.2..30/0.5 b>a esp in
        """
    moved = "13[IKE] remote endpoint changed from 192.0.2.1[45367] to 192.0.2.1[55516]"
    peer = together(tmp_path, capture(text), charon(text, "b", said=[(28.0, moved)])).peer
    (hole,) = peer.black_holes
    told = [moment.text for moment in moments(peer, hole)]
    assert (
        "192.0.2.2 sees its peer come from elsewhere, as its log says (192.0.2.1[45367] became"
        " 192.0.2.1[55516])" in told
    )
    # The local end is that of the log.
    assert reason_in_short([(peer, hole)]) == "this end saw its peer move"


def test_child_sas_tell_whose_log_it_is_behind_a_nat(tmp_path: Path) -> None:
    """IKEv2 without a question: message IDs are the same in every handshake, SPIs are not."""
    text = """
        0 a>b v2 handshake
        1..20/0.5 a>b esp out
        1.01..20/0.5 b>a esp in
        """

    def said(here: str, there: str, spis: tuple[int, int]) -> list[tuple[float, str]]:
        up = "15[IKE] CHILD_SA net{{1}} established with SPIs {:08x}_i {:08x}_o and TS 10.1.0.0/24"
        ike = f"15[IKE] IKE_SA gw[1] established between {here}[a]...{there}[b]"
        return [(0.1, ike), (0.1, up.format(*spis))]

    spis = esp_spi("in"), esp_spi("out")
    inside = charon(text, "a", names={A: INSIDE}, said=said(INSIDE, B, spis))
    outside = charon(text, "b", said=said(B, A, spis[::-1]))
    packets = capture(text)
    behind = packets.replace(bytes([192, 0, 2, 1]), bytes([10, 9, 0, 1]))
    for parts in ((packets, inside), (behind, outside), (behind, inside, outside)):
        told = together(tmp_path, *parts)
        assert told.peer.ike_messages == 4
        assert len(told.alignments) == len(parts) - 1
    assert together(tmp_path, inside, outside).peer.local == A
    # Another Child SA is another tunnel.
    other = charon(text, "b", said=said(B, A, (1, 2)))
    assert len(together(tmp_path, behind, other).peers) == 2
