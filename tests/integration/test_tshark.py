"""tshark is the oracle: every IKE message of every capture, message by message."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from analyzers.decode.captures import CaptureReader
from analyzers.decode.ike import IkeDecoder
from analyzers.model.observations import Datagram, IkeMessage, MessageKind
from analyzers.model.records import SourceInfo
from analyzers.sources.inputs import expand, open_input
from analyzers.wire.keys import KeyRing, parse_keys

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_pcaps"
PUBLIC = Path(
    os.environ.get("DPDLAB_PUBLIC_CAPTURES", ROOT.parent / "shared" / "captures" / "public")
)
CASES = sorted(p.parent for p in SAMPLES.glob("*/capture.pcap"))
FOREIGN = sorted(p for p in PUBLIC.glob("*.pcap*")) if PUBLIC.is_dir() else []

FIELDS = (
    "frame.number",
    "isakmp.ispi",
    "isakmp.rspi",
    "isakmp.exchangetype",
    "isakmp.flags",
    "isakmp.messageid",
    "isakmp.length",
)

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
]

Row = tuple[int, str, str, int, int, int, int]


def ours(capture: Path, keys: KeyRing | None = None) -> list[IkeMessage]:
    """Every IKE message of a capture, in the order of frames."""
    (spec,) = expand([str(capture)])
    source = open_input(spec)
    reader = CaptureReader(source.stream, source.head, SourceInfo("s1", str(capture), "", ""))
    decoder = IkeDecoder(keys)
    messages = []
    while (batch := reader.read()) is not None:
        for event in batch.events:
            if isinstance(event, Datagram):
                message, _ = decoder.decode(event)
                if message is not None:
                    messages.append(message)
    source.close()
    return messages


def tshark(capture: Path, *options: str) -> list[list[str]]:
    """The fields of every frame with IKE, one list of columns each."""
    command = ["tshark", "-n", "-r", str(capture), "-Y", "isakmp", "-T", "fields", *options]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line.split("\t") for line in done.stdout.splitlines()]


def rows_of_tshark(capture: Path) -> list[Row]:
    rows: list[Row] = []
    for columns in tshark(capture):
        parts = [column.split(",") for column in columns]
        number = int(parts[0][0])
        for i in range(len(parts[1])):
            # tshark shows the header of what it then finds malformed: an IKE version 11, or a
            # first fragment cut inside the header. Neither is a message.
            if any(len(part) <= i or not part[i] for part in parts[1:]):
                continue
            rows.append(
                (
                    number,
                    parts[1][i],
                    parts[2][i],
                    int(parts[3][i]),
                    int(parts[4][i], 16),
                    int(parts[5][i], 16),
                    int(parts[6][i]),
                )
            )
    return rows


def row(message: IkeMessage) -> Row:
    return (
        message.ref.record,
        message.initiator_spi,
        message.responder_spi,
        message.exchange_type,
        message.flags,
        message.message_id,
        message.length,
    )


@pytest.mark.parametrize("folder", CASES, ids=lambda p: p.name)
def test_headers_of_our_captures(folder: Path) -> None:
    capture = folder / "capture.pcap"
    assert [row(m) for m in ours(capture)] == rows_of_tshark(capture)


@pytest.mark.skipif(not FOREIGN, reason="the captures of other projects are not at hand")
@pytest.mark.parametrize("capture", FOREIGN, ids=lambda p: p.name)
def test_headers_of_foreign_captures(capture: Path) -> None:
    expected = rows_of_tshark(capture)
    found = [row(m) for m in ours(capture) if m.kind is not MessageKind.FRAGMENT]
    assert found == expected


@pytest.mark.parametrize("folder", CASES, ids=lambda p: p.name)
def test_content_with_keys(folder: Path) -> None:
    (table,) = folder.glob("ikev*_decryption_table")
    keys = parse_keys(table.read_text(), table.name)
    header, *lines = (folder / "tshark-ike.tsv").read_text().splitlines()
    names = header.split("\t")
    expected = [dict(zip(names, line.split("\t"), strict=False)) for line in lines]
    found = ours(folder / "capture.pcap", keys)
    assert len(found) == len(expected)
    for message, fields in zip(found, expected, strict=True):
        place = f"frame {message.ref.record}"
        assert message.ref.record == int(fields["frame.number"])
        assert _numbers(fields.get("isakmp.typepayload")) == list(message.payload_types), place
        notifies = [n.type for n in message.notifies]
        assert _numbers(fields.get("isakmp.notify.msgtype")) == notifies, place
        asked = fields.get("isakmp.notify.data.dpd.are_you_there") or ""
        acked = fields.get("isakmp.notify.data.dpd.are_you_there_ack") or ""
        sequence = None if message.dpd_sequence is None else str(message.dpd_sequence)
        assert (asked or acked or None) == sequence, place
        assert (message.kind is MessageKind.R_U_THERE) == bool(asked), place
        assert (message.kind is MessageKind.R_U_THERE_ACK) == bool(acked), place
        protocols = [d.protocol for d in message.deletes]
        assert _numbers(fields.get("isakmp.delete.protoid")) == protocols, place


def _numbers(text: str | None) -> list[int]:
    return [int(n) for n in text.split(",")] if text else []
