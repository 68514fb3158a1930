"""Bytes as people read them: offset, hex, characters."""

from __future__ import annotations

from collections.abc import Iterator


def hexdump(data: bytes, width: int = 16) -> Iterator[str]:
    """One line each `width` bytes: `0010  5a 1b …  Z.`"""
    for offset in range(0, len(data), width):
        row = data[offset : offset + width]
        shown = " ".join(f"{byte:02x}" for byte in row)
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{offset:04x}  {shown:<{width * 3 - 1}}  {letters}"
