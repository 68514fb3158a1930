"""Outputs of one device in files of their own, which are held against each other."""

from __future__ import annotations

import os
from itertools import permutations
from pathlib import Path

import pytest

from analyzers.model.peer import HintKind, PeerView
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import Session
from tests.unit.snapshots import samples

IOS, ASA = "hub#show crypto ipsec sa\n", "asa# show vpn-sessiondb detail l2l\n"
FILES = {
    "ios": (
        IOS + samples.ios_ipsec_sa(100, 50),
        IOS + samples.ios_ipsec_sa(160, 50, life_s=3003),
        IOS + samples.ios_ipsec_sa(220, 50, life_s=2973),
    ),
    "asa": (
        ASA + samples.asa_sessiondb(100, 50, 2701),
        ASA + samples.asa_sessiondb(160, 50, 2671, "5h:00m:29s"),
        ASA + samples.asa_sessiondb(220, 50, 2641, "5h:00m:59s"),
    ),
    "swanctl": (
        samples.swanctl_sas(50, 100),
        samples.swanctl_sas(50, 160).replace("1842s", "1872s").replace("1384s", "1354s"),
        samples.swanctl_sas(50, 220).replace("1842s", "1902s").replace("1384s", "1324s"),
    ),
}


def peers(folder: Path, *texts: str) -> tuple[PeerView, ...]:
    paths = []
    for number, text in enumerate(texts, 1):
        path = folder / f"{number}.txt"
        path.write_text(text, encoding="utf-8")
        # Whoever copies files changes their times: the counters go before them.
        os.utime(path, (1_700_000_000 - number, 1_700_000_000 - number))
        paths.append(str(path))
    session = Session()
    session.run(paths)
    return session.peers()


def counted(peer: PeerView) -> list[str]:
    return [hint.text for hint in peer.hints if hint.kind is HintKind.COUNTERS]


@pytest.mark.parametrize("name", FILES)
def test_counters_that_grow_one_way_from_file_to_file(tmp_path: Path, name: str) -> None:
    for order in permutations(range(3)):
        told = peers(tmp_path, *(FILES[name][place] for place in order))
        (said,) = filter(None, map(counted, told))
        assert ["60 packets sent, 0 packets received" in each for each in said] == [True] * 2


def test_files_with_a_clock_are_in_its_order(tmp_path: Path) -> None:
    one, two = (
        f"hub#show clock\n10:0{minute}:00.000 UTC Fri Nov 20 2026\n{text}"
        for minute, text in enumerate(FILES["ios"][:2])
    )
    (peer,) = peers(tmp_path, two, one)
    (hole,) = peer.black_holes
    assert hole.max_seconds == 60
    assert hole.max_packets == 60
    assert {ref.source for ref in hole.refs} == {"s1", "s2"}
    assert hole.refs[0] == Ref("s2", hole.refs[1].record)
    assert "lines s2#" in counted(peer)[0]


def test_without_a_clock_the_sa_bounds_it(tmp_path: Path) -> None:
    (peer,) = peers(tmp_path, *FILES["ios"][:2])
    (hole,) = peer.black_holes
    assert hole.max_seconds == 30
    assert peer.first_ns == hole.stop_ns - 30 * NS_PER_SECOND


def test_another_device_of_the_same_words_is_not_held_against_it(tmp_path: Path) -> None:
    other = FILES["ios"][1].replace("hub#", "spoke#")
    (peer,) = peers(tmp_path, FILES["ios"][0], other)
    assert not peer.black_holes
    assert not counted(peer)


def test_without_a_name_only_the_spis_tell_the_device(tmp_path: Path) -> None:
    one, two = FILES["swanctl"][0], samples.swanctl_sas(50, 160, spi_in="c3a7e892")
    for peer in peers(tmp_path, one, two):
        assert not peer.black_holes
        assert not counted(peer)
