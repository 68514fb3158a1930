from __future__ import annotations

import csv
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.export.untrusted import csv_cell, markdown_text, safe, valid_unicode

any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain text, ümläut, 漢字", "plain text, ümläut, 漢字"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("two\nlines\r\n\tand a tab", r"two\x0alines\x0d\x0a\x09and a tab"),
        ("\x9b31m c1", r"\x9b31m c1"),
        ("evil\u202egnp.exe", r"evil\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("file\udcff", r"file\udcff"),
        ("line\u2028separator", r"line\u2028separator"),
        ("\x7f", r"\x7f"),
    ],
)
def test_safe_shows_what_cannot_be_shown_as_its_escape(hostile, shown):
    assert safe(hostile) == shown


@given(any_text)
def test_safe_text_has_no_control_or_format_character_and_is_stable(text):
    result = safe(text)
    categories = {unicodedata.category(c) for c in result}
    assert not categories & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(c) for c in result} & {
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    }  # fmt: skip
    assert safe(result) == result
    result.encode("utf-8")


@given(any_text)
def test_valid_unicode_can_always_be_encoded(text):
    valid_unicode(text).encode("utf-8")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "＠"])
def test_csv_cells_never_start_a_formula(start):
    assert csv_cell(f'{start}HYPERLINK("http://x")').startswith("'")


@given(any_text)
def test_a_csv_cell_is_one_line_and_no_formula(text):
    cell = csv_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert next(csv.reader([",".join(['"' + cell.replace('"', '""') + '"'])])) == [cell]


def test_markdown_text_is_neither_markup_nor_html_nor_a_new_cell():
    hostile = "a|b `code` <img src=x onerror=alert(1)> [l](http://x) *b* _i_ @all #1\n| x"
    text = markdown_text(hostile)
    assert not set(text) & set("|`<>[]*@\n")
    assert "_i_" not in text
    assert "http://" not in text


def test_markdown_leaves_file_names_readable():
    assert markdown_text("hub_site_1.pcapng") == "hub_site_1.pcapng"


@given(any_text)
def test_markdown_text_is_total(text):
    assert not set(markdown_text(text)) & set("|`<>[]*@\n\r")
