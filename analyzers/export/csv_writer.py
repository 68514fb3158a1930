"""The report as CSV: a header, then one row an exchange, peer by peer, in time order.

Columns (an empty cell is an unknown value; more may be added at the end):

    peer, local, remote          the peer
    ike_sa, ike_version          the IKE SA
    exchange, kind               id, and dpd | liveness | ios-keepalive
    prober, responder            who asked whom
    sequence                     R-U-THERE sequence number
    first_utc, first_ns          first transmission: ISO 8601 UTC, and nanoseconds since the epoch
    last_ns                      last transmission
    transmissions, retries       how often it was sent, and how often after the first time
    message_ids                  of the transmissions, separated by blanks; those that are told
    outcome                      answered | unanswered | open
    answer_ns, answer_evidence   when the answer came; message | next-request
    rtt_ms                       answer minus the last transmission before it, milliseconds
    verdict_ns                   when the prober gave up
    since_proof_ns               from the last inbound proof to the first transmission
    basis, confidence            how it is known
    source, record               where the first transmission is
    answer_source, answer_record where the answer is

Text cells that a spreadsheet would take for a formula start with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from analyzers.export.content import Content
from analyzers.export.formatting import told_message_id
from analyzers.export.instants import utc
from analyzers.export.untrusted import csv_cell
from analyzers.model.exchange import Exchange
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_MS

HEADER: Final = (
    "peer", "local", "remote", "ike_sa", "ike_version", "exchange", "kind", "prober",
    "responder", "sequence", "first_utc", "first_ns", "last_ns", "transmissions", "retries",
    "message_ids", "outcome", "answer_ns", "answer_evidence", "rtt_ms", "verdict_ns",
    "since_proof_ns", "basis", "confidence", "source", "record", "answer_source",
    "answer_record",
)  # fmt: skip

_Cell = str | int | float | None


def chunks(content: Content, *, ascii_only: bool = False) -> Iterator[str]:
    """The rows. CSV has no escapes of its own: with `ascii_only` the rest becomes `\\u…` text."""
    yield _row(HEADER, ascii_only=ascii_only)
    for peer in content.peers:
        versions = {sa.id: sa.ike_version for sa in peer.ike_sas if sa.version_told}
        for exchange in peer.exchanges:
            cells = _cells(peer, exchange, versions.get(exchange.ike_sa))
            yield _row(cells, ascii_only=ascii_only)


def _cells(peer: PeerView, exchange: Exchange, ike_version: int | None) -> tuple[_Cell, ...]:
    first = exchange.transmissions[0]
    answer = exchange.answer
    rtt_ns = exchange.rtt_ns
    return (
        peer.id,
        peer.local,
        peer.remote,
        exchange.ike_sa,
        ike_version,
        exchange.id,
        exchange.kind,
        exchange.prober,
        exchange.responder,
        exchange.sequence,
        utc(exchange.first_ns),
        exchange.first_ns,
        exchange.last_ns,
        len(exchange.transmissions),
        exchange.retries,
        " ".join(filter(None, (told_message_id(s.message_id) for s in exchange.transmissions))),
        exchange.outcome,
        None if answer is None else answer.at_ns,
        exchange.answer_evidence,
        None if rtt_ns is None else round(rtt_ns / NS_PER_MS, 3),
        exchange.verdict_ns,
        exchange.idle_ns,
        exchange.basis,
        exchange.confidence,
        first.ref.source,
        first.ref.record,
        None if answer is None else answer.ref.source,
        None if answer is None else answer.ref.record,
    )


def _row(cells: tuple[_Cell, ...], *, ascii_only: bool) -> str:
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow([csv_cell(cell) if isinstance(cell, str) else cell for cell in cells])
    row = line.getvalue()
    return row.encode("ascii", "backslashreplace").decode("ascii") if ascii_only else row
