"""Values whose every text tries to break out of the document it is written to."""

from __future__ import annotations

from enum import Enum
from typing import Any

from msgspec import Struct, structs

HOSTILE = (
    '</title></text></style></svg><script>alert("1")</script><img src=x onerror=alert(1)>'
    "]]><!--\"' onload='x' --> <a href=\"javascript:alert(2)\">&lt;&#x3c;b"
    "\u202etxt\u2066\x00\x1b[31m\ud800\u200b http://192.0.2.66/x.png"
)
"""Markup, ends of what it may stand in, quotes, entities, bidi controls, NUL, ESC, a surrogate."""

UNWANTED = ("\u202e", "\u2066", "\x00", "\x1b", "\ud800", "\u200b")


def poisoned(value: Any) -> Any:
    """The same value with every text replaced; enumerations, numbers and shapes stay."""
    if isinstance(value, Enum) or value is None:
        return value
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, Struct):
        changes = {name: poisoned(getattr(value, name)) for name in value.__struct_fields__}
        return structs.replace(value, **changes)
    if isinstance(value, tuple):
        parts = [poisoned(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return [poisoned(part) for part in value]
    if isinstance(value, dict):
        return {poisoned(key): poisoned(part) for key, part in value.items()}
    return value
