"""Which regexes know one digit from another, and which digits of a line are those of names."""

from __future__ import annotations

import re

import pytest

from analyzers.dialects.digits import named_digits, sight, zeroed

BLIND = [
    r"node (?P<mid>-?\d{1,10})",
    r"[0-9A-Fa-f]{8}",
    r"\w+ \S* [^\s]+ . \D",
    r"(?:a|b\d)+?(?=\d)(?!\d)(?<=\w)x",
    r"[^0-9]\b\B^$",
    r"(?>\d+)x++",
    r"",
]
NAMES = [
    r"IKE_P1_COMPLETE",
    r"IKEv2:(?:\d)",
    r"(?:ASA|PIX)-\d-713\d{3}",
    r"0x[0-9A-Fa-f]{1,8}",
    r"PHASE(?:1|2)_DEL",
    r"Group(?:Q1)?",
    r"(?:IKE_(?:P1|DEST)_SA)",
]
SEEN = [
    r"protocol 1",
    r"[1-9]\d*",
    r"\b0\b",
    r"a[0-3]b",
    r"x?1",
    r"(?:IKEv)?2",
    r"DEAD1",
    r"1{2,3}",
    r"[^1]",
]
UNCLEAR = [
    r"(\d)\1",
    r"(?!1)\d",
    r"(?>1x|\d)x",
    r"(?:1x)++",
    r"[^12]",
]


@pytest.mark.parametrize("regex", BLIND)
def test_regexes_that_see_no_digit(regex: str) -> None:
    assert sight([regex]) == (None, None)


@pytest.mark.parametrize("regex", NAMES)
def test_regexes_that_know_digits_of_names(regex: str) -> None:
    seen = sight([regex])
    assert seen.any_digit is not None
    assert seen.unnamed_digit is None


@pytest.mark.parametrize("regex", SEEN)
def test_regexes_that_know_a_digit(regex: str) -> None:
    seen = sight([regex])
    assert seen.any_digit is not None
    assert seen.unnamed_digit is not None


@pytest.mark.parametrize("regex", UNCLEAR)
def test_regexes_of_which_nothing_can_be_said(regex: str) -> None:
    seen = sight([regex])
    assert seen.any_digit is not None
    # Whatever the text is, nothing is known of its likes.
    for text in ("", "x", "12"):
        assert seen.any_digit.match(text)


def test_the_wider_regex_matches_what_any_digits_would() -> None:
    seen = sight([r"protocol 1", r"(?P<mid>\d+) nodes", r"P1_(?:COMPLETE|DEST)"])
    assert seen.any_digit is not None
    for text, matches in (
        ("protocol 7", True),
        ("P9_COMPLETE", True),
        ("12 nodes", False),
        ("protocol x", False),
    ):
        assert bool(seen.any_digit.match(text)) is matches
    assert seen.unnamed_digit is not None
    assert not seen.unnamed_digit.match("P9_COMPLETE")


def test_ways_that_see_no_digit_are_left_out() -> None:
    seen = sight([r"(?:Sending an IKE|phase 1 done|[12]nd try) \w+"])
    assert seen.any_digit is not None
    assert seen.any_digit.match("phase 2 done now")
    assert seen.any_digit.match("7nd try now")
    assert not seen.any_digit.match("Sending an IKE packet")
    # Where two places see one, each of them may be the reason.
    seen = sight([r"(?:a|1)(?:b|2)"])
    assert seen.any_digit is not None
    assert seen.any_digit.match("a3")
    assert seen.any_digit.match("3b")


def test_flags_count() -> None:
    seen = sight([r"ike1"], re.IGNORECASE)
    assert seen.any_digit is not None
    assert seen.any_digit.match("IKE2")


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("Old State = IKE_P1_COMPLETE  New State = IKE_I_MM6", "16"),
        ("%ASA-7-713123: Group = 192.0.2.9", "7713123"),
        ("ISAKMP:(1001): seq. no 0x5E0C4F45", "0"),
        ("IKEv2:(SESSION ID = 31,SA ID = 1): spi a2b20052", "2"),
        ("node -1960707156 at 12:34:56", ""),
        ("sha256 modp2048 x509 e5", "2562048"),
        ("", ""),
    ],
)
def test_digits_of_names(text: str, digits: str) -> None:
    assert "".join(text[place] for place in named_digits(text)) == digits
    # They stand at the same places in all texts that are alike.
    likes = re.sub(r"[0-9]", "7", text)
    assert named_digits(likes) == named_digits(text)


def test_only_what_comes_after_the_start() -> None:
    assert named_digits("P1 x P2", 3) == (6,)


def test_zeros_for_digits() -> None:
    assert zeroed("a1b29 ") == b"a0b00 "
    assert zeroed("٣ä1") == "٣ä0".encode()
    assert zeroed("\udc80") == b"\xed\xb2\x80"
