"""Text from the wire, from logs and from file names, made fit for the place it is written to.

`safe` is for terminals, `csv_cell` for spreadsheets, `markdown_text` for tickets and wikis. All
three are total: any `str`, lone surrogates included, gives printable text, and none of them ever
hides that something was there: what cannot be shown is shown as its escape.
"""

from __future__ import annotations

import re
from typing import Final

# Everything that moves a cursor, changes the direction or the look of text, or takes no room:
# C0 and C1 controls with DEL, soft hyphen, the Arabic letter mark, Hangul fillers, Mongolian
# separators, zero-width characters, bidirectional marks, embeddings and isolates, line and
# paragraph separators, invisible operators, surrogates (undecodable bytes of file names),
# variation selectors, the byte order mark, interlinear annotation, and Unicode tags.
UNPRINTABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff]"
)

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

_MARKDOWN_ENTITIES: Final = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        # An entity is text to every Markdown parser, also where a backslash would not help
        # (a backtick inside a table cell); `@` and `#` would notify people and link issues.
        "`": "&#96;",
        "|": "&#124;",
        "\\": "&#92;",
        "*": "&#42;",
        "~": "&#126;",
        "[": "&#91;",
        "]": "&#93;",
        "@": "&#64;",
        "#": "&#35;",
        "$": "&#36;",
    }
)


# An underscore inside a word is no markup, and file names are full of them.
_MARKDOWN_UNDERSCORE: Final = re.compile(r"(?<![^\W_])_|_(?![^\W_])")


def escape(character: str) -> str:
    r"""One character as its escape: `\x1b`, `\u202e` or `\U000e0041`."""
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def safe(text: str) -> str:
    """Text that can go to a terminal: control, bidi and invisible characters become escapes.

    A line break is a control character too: the result is always one line.
    """
    if text.isascii() and text.isprintable():
        return text
    return UNPRINTABLE.sub(lambda found: escape(found[0]), text)


def printable(document: str) -> str:
    """A document of our own layout: as `safe`, but a line break stays one."""
    return UNPRINTABLE.sub(lambda found: "\n" if found[0] == "\n" else escape(found[0]), document)


def valid_unicode(text: str) -> str:
    r"""Text without lone surrogates (a file name's stray byte becomes `\udcff`), else unchanged."""
    if text.isascii():
        return text  # nearly always, and a report asks of millions
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def csv_cell(text: str) -> str:
    """Text that a spreadsheet takes for text: never a formula, never more than one line.

    A leading apostrophe is the convention that Excel, LibreOffice and Google Sheets share.
    """
    guarded = text.startswith(_FORMULA_STARTS)
    return f"'{safe(text)}" if guarded else safe(text)


def markdown_text(text: str) -> str:
    """Text that renders as itself in Markdown, in a table cell too: no markup, link or HTML."""
    text = safe(text).translate(_MARKDOWN_ENTITIES).replace("://", "&#58;//")
    return _MARKDOWN_UNDERSCORE.sub("&#95;", text)
