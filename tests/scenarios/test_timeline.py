"""The language of timelines itself: what it writes is what tshark-like readers expect."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from analyzers.model.exchange import DeleteProtocol, ExchangeKind
from analyzers.model.records import Basis, Confidence
from analyzers.session import SessionOptions
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at, capture, ike_spi_of, key_log, key_table, spi_of


def frames(data: bytes) -> list[tuple[int, bytes]]:
    """(time in ns, frame) of a little-endian microsecond pcap."""
    found = []
    place = 24
    while place < len(data):
        second, micro, length, _ = struct.unpack_from("<IIII", data, place)
        found.append((second * 10**9 + micro * 1000, data[place + 16 : place + 16 + length]))
        place += 16 + length
    return found


def test_a_stream_includes_its_start_and_not_its_end() -> None:
    written = frames(capture("1.0..2.0/0.25 a>b esp out"))
    assert [t for t, _ in written] == [at(1.0), at(1.25), at(1.5), at(1.75)]
    sequences = [struct.unpack_from(">I", frame, 14 + 20 + 4)[0] for _, frame in written]
    assert sequences == [1, 2, 3, 4]


def test_the_same_ikev2_line_is_the_same_bytes_and_another_id_is_not() -> None:
    text = "1 a>b liveness 3\n2 a>b liveness 3\n3 a>b liveness 4\n4 b>a liveness 3"
    bodies = [frame[14 + 20 + 8 :] for _, frame in frames(capture(text))]
    assert bodies[0] == bodies[1]
    assert len(set(bodies)) == 3


def test_every_ikev1_informational_has_a_message_id_of_its_own() -> None:
    written = frames(capture("1..6/1 a>b v1 info 108\n2.5 a>b v1 info 108"))
    ids = [struct.unpack_from(">I", frame, 14 + 20 + 8 + 20)[0] for _, frame in written]
    assert len(set(ids)) == 6


def test_frames_that_are_not_captured_still_count_in_the_sequence() -> None:
    text = "1..5/1 a>b esp out\nunseen a>b 2..3\ncapture 0..4"
    sequences = [struct.unpack_from(">I", f, 14 + 20 + 4)[0] for _, f in frames(capture(text))]
    assert sequences == [1, 3]


def test_ports_put_everything_into_udp() -> None:
    text = "1 n:61000>b:4500 liveness 3\n2 n:61000>b:4500 esp out\n3 n:61000>b:4500 keepalive"
    ike, esp, keepalive = (frame[14 + 20 + 8 :] for _, frame in frames(capture(text)))
    assert ike[:4] == bytes(4)
    assert ike[4:12].hex() == ike_spi_of("1")
    assert esp[:4].hex() == spi_of("out")
    assert keepalive == b"\xff"


def test_a_clock_that_steps_changes_times_and_not_the_order() -> None:
    times = [t for t, _ in frames(capture("1..5/1 a>b esp out\nclock -3600 from 3"))]
    assert times == [at(1), at(2), at(3 - 3600), at(4 - 3600)]


@pytest.mark.parametrize("line", ["", "1 a>b", "nonsense", "1..2 a>b esp out"])
def test_a_line_nobody_understands_is_refused(line: str) -> None:
    if not line:
        assert not frames(capture(line))
        return
    with pytest.raises(ValueError, match="not a line"):
        capture(line)


def test_handshakes_are_whole_and_readable(tell: Tell) -> None:
    told = tell("0 a>b v2 handshake\n5 a>b liveness 2\n5.02 b>a liveness 2 resp")
    assert not told.problems
    (sa,) = told.peer.ike_sas
    assert (sa.established_ns, sa.proposal) == (at(0.03), "AES-CBC-256 / SHA2-256 / MODP-2048")
    (exchange,) = told.peer.exchanges
    assert exchange.kind is ExchangeKind.LIVENESS
    assert (exchange.basis, exchange.confidence) == (Basis.HEADER, Confidence.CERTAIN)


def test_phase_1_is_whole_and_readable(tell: Tell) -> None:
    told = tell("0 a>b v1 main-mode\n0.1 a>b v1 quick\n1..3/0.5 a>b esp out")
    assert not told.problems
    (sa,) = told.peer.ike_sas
    assert (sa.established_ns, sa.lifetime_s) == (at(0.05), 86400)
    assert sa.proposal == "AES-CBC-128 / SHA2-256 / MODP-2048"
    assert sa.dpd_vendor_id == (True, True)
    assert sa.retransmissions == 0


SEALED = """
0 a>b v1 main-mode
0.1 a>b v1 quick
10 a>b v1 info says=ruthere seq=5
10.02 b>a v1 info says=ack seq=5
20..40/10 a>b v1 info says=ruthere seq=6+ order=notify-first
20.02..40/10 b>a v1 info says=ack seq=6+ order=notify-first
45 a>b v1 info says=esp-delete of=out
45.01 a>b v1 info says=delete
"""


def test_sealed_messages_open_with_their_keys(tell: Tell, tmp_path: Path) -> None:
    table, log = tmp_path / "table", tmp_path / "keys.log"
    table.write_text(key_table(SEALED))
    log.write_text(key_log(SEALED))
    for keys, verified in ((table, None), (log, True)):
        told = tell(SEALED, options=SessionOptions(keys=(str(keys),)))
        assert not told.problems
        later = [m for m in told.peer.messages if m.exchange_type == 5]
        assert [m.dpd_sequence for m in later] == [5, 5, 6, 6, 7, 7, None, None]
        assert {m.integrity_ok for m in later} == {verified}
        assert [m.first_payload for m in later] == [8, 8, 11, 11, 11, 11, 8, 8]
        esp, ike = told.peer.deletes
        assert (esp.spis, ike.protocol) == ((spi_of("out"),), DeleteProtocol.IKE)


def test_sealed_messages_open_without_their_phase_1_but_for_the_first_block(
    tell: Tell, tmp_path: Path
) -> None:
    table = tmp_path / "table"
    table.write_text(key_table(SEALED))
    told = tell(SEALED + "capture 5..20", options=SessionOptions(keys=(str(table),)))
    assert [m.dpd_sequence for m in told.peer.messages] == [5, 5]


@pytest.mark.parametrize(
    ("options", "notify"),
    [
        ("cookies=swapped", (1, 1, ike_spi_of("1", "r") + ike_spi_of("1"))),
        ("cookies=zero", (1, 1, "00" * 16)),
        ("cookies=none", (1, 1, "")),
        ("doi=0 protocol=3", (0, 3, ike_spi_of("1") + ike_spi_of("1", "r"))),
    ],
)
def test_a_sealed_message_may_be_wrong(
    tell: Tell, tmp_path: Path, options: str, notify: tuple[int, int, str]
) -> None:
    table = tmp_path / "table"
    text = f"0 a>b v1 main-mode\n10 a>b v1 info says=ruthere seq=5 {options}"
    table.write_text(key_table(text))
    told = tell(text, options=SessionOptions(keys=(str(table),)))
    (found,) = told.peer.messages[-1].notifies
    assert (found.doi, found.protocol, found.spi) == notify
    assert told.peer.messages[-1].dpd_sequence == 5


def test_a_wrong_hash_shows_where_the_keys_can_check_it(tell: Tell, tmp_path: Path) -> None:
    text = "0 a>b v1 main-mode\n10 a>b v1 info says=ruthere seq=5 hash=bad"
    log = tmp_path / "keys.log"
    log.write_text(key_log(text))
    told = tell(text, options=SessionOptions(keys=(str(log),)))
    assert told.peer.messages[-1].integrity_ok is False
