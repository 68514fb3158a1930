"""What charon's lines about messages say: few such words, which come all the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

from analyzers.decode.assembly.lines import LogLine, address, message_id, number, port
from analyzers.decode.assembly.refusals import refusal_among
from analyzers.model.observations import MessageKind

_KINDS: Final = {
    "ID_PROT": (1, MessageKind.MAIN_MODE),
    "AGGRESSIVE": (1, MessageKind.AGGRESSIVE),
    "QUICK_MODE": (1, MessageKind.QUICK_MODE),
    "TRANSACTION": (1, MessageKind.TRANSACTION),
    "INFORMATIONAL_V1": (1, MessageKind.INFORMATIONAL),
    "IKE_SA_INIT": (2, MessageKind.SA_INIT),
    "IKE_AUTH": (2, MessageKind.AUTH),
    "CREATE_CHILD_SA": (2, MessageKind.CREATE_CHILD),
    "INFORMATIONAL": (2, MessageKind.INFORMATIONAL),
}
# NAT detection notifies alone make a MOBIKE liveness question (dpd-semantics 2.4).
_NAT_DETECTION: Final = {"N(NATD_S_IP)", "N(NATD_D_IP)", "N(NO_NATS)"}
_MAX_WORDS: Final = 4096

Read = TypeVar("Read")


class Words(Generic[Read]):
    """What lines say but for who says it: there are few such words, and they come all the time."""

    def __init__(self, read: Callable[[LogLine], Read]) -> None:
        """`read` takes what it needs from the group `way` on."""
        self._read = read
        self._known: dict[str, Read] = {}

    def of(self, line: LogLine) -> Read:
        """What a line says."""
        words = line.text[line.form.spans["way"].start :]
        try:
            return self._known[words]
        except KeyError:
            if len(self._known) >= _MAX_WORDS:
                self._known.clear()
            found = self._known[words] = self._read(line)
            return found


class Said(NamedTuple):
    """What a message is."""

    sent: bool
    version: int
    response: bool | None
    message: MessageKind
    message_id: int | None
    refusal: str


def said_of(line: LogLine) -> Said | None:
    """What the ENC line of a message says; None for kinds of exchanges that nobody knows."""
    fields = line.fields
    if fields["exchange"] not in _KINDS:
        return None
    version, kind = _KINDS[fields["exchange"]]
    return Said(
        fields["way"] == "generating",
        version,
        fields["kind"] == "response" if version == 2 else None,
        _content(version, kind, fields["payloads"]),
        message_id(fields["mid"]),
        refusal_among(fields["payloads"].split(), version),
    )


class Carried(NamedTuple):
    """How a message travelled."""

    local: str
    local_port: int | None
    remote: str
    remote_port: int | None
    length: int | None


def carried_by(line: LogLine) -> Carried:
    """What the NET line of a packet says."""
    fields = line.fields
    ends = [
        (address(fields["src"]), port(fields["src_port"])),
        (address(fields["dst"]), port(fields["dst_port"])),
    ]
    local, remote = ends if fields["way"] == "sending" else ends[::-1]
    return Carried(*local, *remote, number(fields["length"], 1 << 20))


def _content(version: int, kind: MessageKind, payloads: str) -> MessageKind:
    """What an Informational is by its list of payloads."""
    if kind is not MessageKind.INFORMATIONAL:
        return kind
    listed = payloads.split()
    if version == 1:
        if "N(DPD)" in listed:
            return MessageKind.R_U_THERE
        if "N(DPD_ACK)" in listed:
            return MessageKind.R_U_THERE_ACK
        if "D" in listed:
            return MessageKind.DELETE
        return MessageKind.NOTIFY if "N" in payloads else kind
    if not listed:
        return MessageKind.LIVENESS
    if "D" in listed:
        return MessageKind.DELETE
    if set(listed) <= _NAT_DETECTION:
        return MessageKind.LIVENESS_MOBIKE
    return MessageKind.NOTIFY
