from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.wire.tcp_framing import find_esp, find_ike, is_message, reach
from tests.builders import NON_ESP_MARKER, esp, ike_header, ike_of, tcp_message

IKE = NON_ESP_MARKER + ike_of(200)


@pytest.mark.parametrize("payload", [IKE, esp(), esp(size=8), b"\xff"])
def test_messages(payload: bytes) -> None:
    assert is_message(payload, len(payload))
    assert is_message(b"", len(payload))  # nothing captured speaks against nothing


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xfe", b"1234567", bytes(40), NON_ESP_MARKER + ike_header(version=3), IKE[:40]],
)
def test_no_messages(payload: bytes) -> None:
    assert not is_message(payload, len(payload))


def test_reach() -> None:
    stream = tcp_message(IKE) + tcp_message(esp()) + tcp_message(b"\xff")
    assert reach(bytearray(stream), 0) == len(stream)
    assert reach(bytearray(stream[:-2]), 0) == len(stream) - 3
    assert reach(bytearray(stream[:250]), 0) == len(tcp_message(IKE))
    assert reach(bytearray(stream + b"\0\0"), 0) == -1
    assert reach(bytearray(b"\0\1" + stream), 0) == -1


@pytest.mark.parametrize("before", [0, 1, 2, 37, 1000])
def test_find_ike(before: int) -> None:
    buffer = bytearray(bytes(before) + tcp_message(IKE))
    assert find_ike(buffer, 0)[0] == before
    assert find_ike(buffer[: before + 34], 0)[0] == before
    place, scanned = find_ike(buffer[: before + 33], 0)
    assert place == -1
    assert find_ike(buffer, scanned)[0] == before


@pytest.mark.parametrize("before", [0, 1, 700, 20000])
def test_find_esp(before: int) -> None:
    noise = bytes((i * 37 + 11) % 251 for i in range(before))
    stream = tcp_message(esp(sequence=8, size=1000)) + tcp_message(esp(sequence=9, size=500))
    buffer = bytearray(noise + stream)
    assert find_esp(buffer) == before
    assert find_esp(buffer[: before + 1002 + 9]) == -1
    assert find_esp(buffer[: before + 1002 + 10]) == before


def test_find_esp_wants_one_sa_with_rising_sequence() -> None:
    for second in (esp(sequence=1), esp(sequence=99), esp(spi=0xBADBAD, sequence=2)):
        assert find_esp(bytearray(tcp_message(esp()) + tcp_message(second))) == -1
    assert find_esp(bytearray(200)) == -1
    assert find_esp(bytearray(b"\xff" * 200)) == -1


@given(st.binary(max_size=300), st.integers(0, 320))
def test_any_bytes(data: bytes, scanned: int) -> None:
    buffer = bytearray(data)
    place, settled = find_ike(buffer, scanned)
    assert -1 <= place < max(len(data), 1)
    assert settled <= max(len(data), scanned)
    assert -1 <= find_esp(buffer) < max(len(data), 1)
    assert -1 <= reach(buffer, 0) <= len(data)
