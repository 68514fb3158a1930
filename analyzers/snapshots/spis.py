"""SPIs as devices write them, in the one form that the model has."""

from __future__ import annotations

ESP_DIGITS = 8
IKE_DIGITS = 16


def esp_spi(digits: str) -> str:
    """8 lower-case hex digits of an SPI written in hex, with or without `0x`; empty for 0."""
    return _padded(digits, ESP_DIGITS)


def ike_spi(digits: str) -> str:
    """16 lower-case hex digits of an IKE SPI or cookie; empty for 0 (not yet known)."""
    return _padded(digits, IKE_DIGITS)


def _padded(digits: str, width: int) -> str:
    plain = digits.lower().removeprefix("0x").lstrip("0")
    return plain.rjust(width, "0") if plain and len(plain) <= width else ""
