"""Any bytes whatever: a report or one clear error; never a traceback, never a hang."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from analyzers.errors import AnalyzerError
from analyzers.model.peer import PeerView
from analyzers.model.records import ProblemKind, SourceInfo
from analyzers.session import Session, SessionOptions
from tests.capture_files import enhanced, interface, section

SAMPLE = Path(__file__).parents[2] / "sample_pcaps" / "ikev2-clean-delete"
MAGICS = [
    bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"),
    bytes.fromhex("a1b23c4d00020004000000000000000000 00ffff00000001".replace(" ", "")),
    section() + interface(),
    section(">") + interface(order=">"),
    b"\x1f\x8b\x08\x00",
    b"\x28\xb5\x2f\xfd",
    b"",
]
QUICK = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def analyse(path: Path, *, keys: bool = False) -> tuple[tuple[PeerView, ...], SourceInfo]:
    session = Session(SessionOptions(keys=(str(SAMPLE),) if keys else ()))
    session.run([str(path)])
    return session.peers(), session.sources[0]


def attempt(path: Path, *, keys: bool = False) -> tuple[PeerView, ...] | str:
    """The peers, or the message of the one error that may be raised."""
    try:
        return analyse(path, keys=keys)[0]
    except AnalyzerError as error:
        return error.message


@cache
def whole() -> bytes:
    return (SAMPLE / "capture.pcap").read_bytes()


@cache
def as_pcapng() -> bytes:
    data, parts, place = whole(), [section(), interface()], 24
    while place < len(data):
        second, micro, size, _ = (
            int.from_bytes(data[place + i : place + i + 4], "little") for i in (0, 4, 8, 12)
        )
        parts.append(enhanced(second * 1_000_000 + micro, data[place + 16 : place + 16 + size]))
        place += 16 + size
    return b"".join(parts)


def prefix_of(part: PeerView, complete: PeerView) -> bool:
    """Whether every message of the shorter reading is one of the whole's."""
    sent = {t.ref for x in complete.exchanges for t in x.transmissions}
    return (
        {t.ref for x in part.exchanges for t in x.transmissions} <= sent
        and part.ike_messages <= complete.ike_messages
        and {d.ref for d in part.deletes} <= {d.ref for d in complete.deletes}
    )


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_a_capture_cut_at_every_byte(tmp_path: Path, kind: str) -> None:
    data = whole() if kind == "pcap" else as_pcapng()
    path = tmp_path / "cut"
    path.write_bytes(data)
    ((complete,), _) = analyse(path)
    # Every byte of the first records and of the last, and a sample of what is in between.
    places = {*range(1, 700), *range(700, len(data), 37), *range(len(data) - 400, len(data))}
    for length in sorted(places):
        path.write_bytes(data[:length])
        try:
            peers, source = analyse(path)
        except AnalyzerError:
            assert length < 28
            continue
        assert {p.kind for p in source.problems} <= {ProblemKind.TRUNCATED_TAIL}
        assert sum(p.count for p in source.problems) <= 1
        assert all(prefix_of(peer, complete) for peer in peers)
        assert not any(peer.black_holes for peer in peers)


def test_pcapng_tells_the_same_as_pcap(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(whole())
    second.write_bytes(as_pcapng())
    assert analyse(first)[0] == analyse(second)[0]


@QUICK
@given(magic=st.sampled_from(MAGICS), rest=st.binary(max_size=2000), keys=st.booleans())
def test_any_bytes(tmp_path: Path, magic: bytes, rest: bytes, keys: bool) -> None:
    path = tmp_path / "any"
    path.write_bytes(magic + rest)
    told = attempt(path, keys=keys)
    assert isinstance(told, tuple) or (told and "\n" not in told)


@QUICK
@given(data=st.data(), keys=st.booleans(), pcapng=st.booleans())
def test_damaged_captures(tmp_path: Path, data: st.DataObject, keys: bool, pcapng: bool) -> None:
    content = bytearray(as_pcapng() if pcapng else whole())
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["flip", "insert", "delete"])):
            case "flip":
                content[place] ^= data.draw(st.integers(1, 255))
            case "insert":
                content[place:place] = data.draw(st.binary(min_size=1, max_size=9))
            case _:
                del content[place : place + data.draw(st.integers(1, 9))]
    path = tmp_path / "damaged"
    path.write_bytes(bytes(content))
    told = attempt(path, keys=keys)
    if isinstance(told, str):
        assert told
        assert "\n" not in told
    else:
        assert all(peer.states for peer in told)


@QUICK
@given(cut=st.integers(0, 3000), flip=st.integers(0, 3000))
@example(cut=0, flip=0)
def test_damaged_compression(tmp_path: Path, cut: int, flip: int) -> None:
    packed = bytearray(gzip.compress(whole()))
    place = flip % len(packed)
    # Time, extra flags and system in the header are told nowhere and protected by nothing.
    assume(cut or place not in range(4, 10))
    packed[place] ^= 0x55
    path = tmp_path / "packed.gz"
    path.write_bytes(bytes(packed[: max(1, len(packed) - cut)]))
    if not isinstance(attempt(path), str):
        assert analyse(path)[1].problems, "damage is told"


def test_compressed_zeros_stay_small(tmp_path: Path) -> None:
    """A small file that unpacks to a lot is read in constant memory, and is no capture."""
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(bytes(64 << 20)))
    with pytest.raises(AnalyzerError, match="neither capture"):
        analyse(path)
    header = MAGICS[0]
    path.write_bytes(gzip.compress(header + bytes(32 << 20)))
    _, source = analyse(path)
    assert source.packets == (32 << 20) // 16
