"""What an IKEv2 message is by the payloads that a Cisco debug lists for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from analyzers.model.observations import MessageKind

LIVENESS_KINDS: Final = (MessageKind.LIVENESS, MessageKind.LIVENESS_MOBIKE)
_NAME: Final = re.compile(
    r"\s{0,20}(?P<name>SA|KE|N|VID|IDi|IDr|AUTH|CERT|CERTREQ|CFG|EAP|TSi|TSr|NOTIFY|DELETE|ENCR"
    r"|ENCR[_ ]FRAG|SKF|GSPM)(?:\((?P<inner>[A-Za-z0-9_ /\-]{0,80})\))?(?=\s|$)"
)
# What a terminal mixes in where an empty list should end: a prompt, the marks of a ping.
_SPLICED: Final = re.compile(r"(?:[!.]{1,200}\s*)?(?:[\w.\-/()@~:]{1,64}[#>][^\n]*)?(?:\n|$)")
_ESTABLISHING: Final = {"SA", "KE", "IDi", "IDr", "AUTH", "EAP", "TSi", "TSr"}
_NAT_DETECTION: Final = {"NAT_DETECTION_SOURCE_IP", "NAT_DETECTION_DESTINATION_IP"}


def payload_names(text: str | None) -> tuple[str, ...] | None:
    """The payloads listed in a record, notifies by their own names.

    None where the record has no list, or one that cannot be read; an empty list is an empty
    message.
    """
    if text is None:
        return None
    names: list[str] = []
    at = 0
    while (match := _NAME.match(text, at)) is not None:
        inner = match["inner"]
        name = match["name"].replace(" ", "_")
        names.append(name if inner is None else f"{name}({'_'.join(inner.split())})")
        at = match.end()
    if not names and _SPLICED.match(text.lstrip()) is None:
        return None
    return tuple(names)


def is_encrypted(names: Sequence[str]) -> bool:
    """Whether the list shows the envelope instead of its content."""
    return any(name.startswith(("ENCR", "SKF")) for name in names)


def content_of(names: Sequence[str]) -> MessageKind:
    """What an INFORMATIONAL with these payloads is; OTHER for what no INFORMATIONAL carries."""
    kinds = {name.partition("(")[0] for name in names}
    notifies = {name.partition("(")[2].rstrip(")") for name in names if name.startswith("NOTIFY(")}
    if not kinds:
        return MessageKind.LIVENESS
    if kinds & _ESTABLISHING:
        return MessageKind.OTHER
    if "DELETE" in kinds:
        return MessageKind.DELETE
    if notifies and kinds == {"NOTIFY"} and notifies <= _NAT_DETECTION:
        return MessageKind.LIVENESS_MOBIKE
    if "CFG" in kinds:
        return MessageKind.CONFIG
    return MessageKind.NOTIFY if "NOTIFY" in kinds else MessageKind.INFORMATIONAL


def answer_kind(asked: MessageKind | None, content: MessageKind | None) -> MessageKind:
    """What the answer to an INFORMATIONAL is; None where question or content is not known.

    An empty answer is about liveness only if the question was: Deletes are answered so, too.
    """
    if content not in (None, MessageKind.LIVENESS, MessageKind.INFORMATIONAL):
        return content
    return MessageKind.LIVENESS if asked in LIVENESS_KINDS else MessageKind.INFORMATIONAL
