"""One message of a capture again: its bytes, and what tshark makes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from analyzers.errors import SourceError
from analyzers.export.pcapng_writer import PcapngWriter
from analyzers.model.observations import IkeMessage
from analyzers.model.records import Ref, source_id
from analyzers.session.second_pass import CaptureAgain
from analyzers.sources.inputs import open_input
from analyzers.wire.raw_packets import RawPacket, raw_packets

# tshark decrypts with what came before on the same SA; more than this tells it nothing new.
_MOST_BEFORE: Final = 200


def packets_of(captures: Sequence[CaptureAgain], refs: Sequence[Ref]) -> list[RawPacket]:
    """Packets by their places, in the order of their captures. Raises SourceError."""
    found: list[RawPacket] = []
    for capture in captures:
        records = {r.record for r in refs if r.source == source_id(capture.number)}
        if not records:
            continue
        item = open_input(capture.spec)
        try:
            found += raw_packets(item.stream, item.head, records)
        finally:
            item.close()
    return found


def bytes_of(captures: Sequence[CaptureAgain], ref: Ref) -> bytes:
    """The bytes of one frame as it was captured. Raises SourceError."""
    found = packets_of(captures, [ref])
    if not found:
        raise SourceError("this place is no packet of a capture that can be read again")
    return found[0].data


def tshark_view(
    captures: Sequence[CaptureAgain],
    message: IkeMessage,
    earlier: Sequence[IkeMessage],
    keys: Sequence[str],
) -> list[str]:
    """tshark's dissection of a message, with the user's keys; for a thread of its own.

    `earlier` are messages of the same IKE SA, which decryption may need. Raises SourceError.
    """
    from analyzers.sources.tshark import dissected

    before = [m.ref for m in earlier if m.ref.source == message.ref.source][-_MOST_BEFORE:]
    packets = packets_of(captures, [*before, message.ref])
    wanted = [n for n, packet in enumerate(packets, 1) if packet.record == message.ref.record]
    if not wanted:
        raise SourceError("this message is no packet of a capture that can be read again")
    writer = PcapngWriter()
    with tempfile.TemporaryDirectory(prefix="dpdlab-") as folder:
        path = Path(folder) / "message.pcapng"
        data = writer.section("dpdlab", "") + b"".join(writer.packet(p, ()) for p in packets)
        path.write_bytes(data)
        return dissected(str(path), wanted[0], preferences(keys))


def preferences(keys: Sequence[str]) -> list[str]:
    """tshark's options for Wireshark's key tables; other key files are not for it."""
    found: list[str] = []
    for key in keys:
        path = Path(key)
        tables = [path / n for n in _TABLES] if path.is_dir() else [path]
        for table in tables:
            if table.name in _TABLES and table.is_file():
                rows = table.read_text(encoding="utf-8", errors="replace").splitlines()
                found += [f"uat:{table.name}:{row}" for row in rows if _is_row(row)]
    return found


_TABLES: Final = ("ikev1_decryption_table", "ikev2_decryption_table")


def _is_row(row: str) -> bool:
    return bool(row.strip()) and not row.lstrip().startswith("#")
