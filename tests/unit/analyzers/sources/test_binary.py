"""What is text and what is not, by its first bytes."""

from __future__ import annotations

import gzip
import struct
import sys
import zlib
from pathlib import Path
from random import Random

import pytest

from analyzers.sources.binary import is_binary

LINE = b"Nov 21 09:59:58 hub charon: 05[IKE] sending DPD request\n"
TEXTS = {
    "plain": LINE * 100,
    "nothing": b"",
    "one line with a NUL": b"*Mar 25 15:47:35.343: ISAKMP:(0):\0 purging\n",
    "a gap in the middle": LINE * 20 + bytes(8192) + LINE * 20,
    "a gap at the beginning": bytes(100_000) + LINE * 20,
    "a gap at the end": LINE + bytes(4096),
    "NULs at line ends": LINE.replace(b"\n", b"\r\0\n") * 100,
    "in an 8-bit alphabet": b"d\xe9connexion de l'h\xf4te\n" * 100,
    "of a terminal": b"\x1b[31mError\x1b[0m --More--\b\b\b\b\b\b\b\b        \r\x07\x11\x13\n" * 100,
}
NO_TEXTS = {
    "every byte": bytes(range(256)) * 40,
    "random": Random(1).randbytes(10_000),
    "compressed": zlib.compress(Random(2).randbytes(3000).hex().encode() * 4),
    "packed behind its header": gzip.compress(LINE * 9 + Random(3).randbytes(4000)),
    "NULs": bytes(10_000),
    "UTF-16 without a mark": (LINE * 100).decode().encode("utf-16-le"),
    "numbers": struct.pack("<1000I", *range(0, 100_000, 100)),
    "small numbers": struct.pack("<2000H", *([65, 66] * 1000)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(name: str) -> None:
    assert not is_binary(TEXTS[name])


@pytest.mark.parametrize("name", NO_TEXTS)
def test_no_text(name: str) -> None:
    assert is_binary(NO_TEXTS[name])


def test_a_program_is_no_text() -> None:
    with Path(sys.executable).open("rb") as file:
        assert is_binary(file.read(256 << 10))
