"""`show vpn-sessiondb detail l2l` of ASA, also without `detail`, by the template of ntc-templates.

The template fills fields of a session down into the next one, so every session is read alone: a
lost line then leaves a gap rather than another session's value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from analyzers.model.snapshot import ChildSnapshot, SaSnapshot, SnapshotFormat
from analyzers.snapshots.durations import span_s
from analyzers.snapshots.layout import MAX_NAME, Layout, Line
from analyzers.snapshots.templates import rows

_TEMPLATE: Final = "cisco_asa_show_vpn-sessiondb_detail_l2l"
_SESSION: Final = re.compile(r"\s{0,4}Connection\s{0,8}:")
_TYPE: Final = re.compile(r"\s{0,4}Session Type\s{0,4}:")
_COUNTERS: Final = re.compile(r"\s{0,8}(?:Bytes|Pkts) Tx\s{0,8}:")
_HEAD: Final = Line(0, "Session Type: LAN-to-LAN Detailed")
_UNITS: Final = {"seconds": 1, "minutes": 60}


def _read(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    entries: list[SaSnapshot] = []
    for session in _sessions(lines):
        entries.extend(_entry(session))
    return tuple(entries)


def _sessions(lines: Sequence[Line]) -> Iterator[list[Line]]:
    session: list[Line] = []
    for line in lines:
        if _SESSION.match(line.text):
            if session:
                yield session
            session = [line]
        elif session and not _TYPE.match(line.text):
            session.append(line)
    if session:
        yield session


def _entry(session: list[Line]) -> Iterator[SaSnapshot]:
    records = rows(_TEMPLATE, [_HEAD, *session])
    if not records:
        return
    first = records[0][1]
    ike = next((row for _, row in records if row["CONNECTION_TYPE"].startswith("IKE")), None)
    children = [
        _child(line, session, row)
        for line, row in records
        if row["CONNECTION_TYPE"].startswith("IP") and row["SESSION_ID"]
    ]
    yield SaSnapshot(
        line=session[0].number,
        name=first["CONNECTION"][:MAX_NAME],
        remote=(first["IP_ADDRESS"] or first["CONNECTION"]).lower()[:MAX_NAME],
        ike_version=_version(ike, first),
        conn_id=first["INDEX"],
        encryption=f"{ike['ENCRYPTION_METHOD']} {ike['HASH_METHOD']}".strip() if ike else "",
        remaining_s=_remaining_s(ike) if ike else None,
        age_s=span_s(first["DURATION"]),
        children=tuple(children or _totals(session, first)),
    )


def _totals(session: Sequence[Line], first: Mapping[str, str]) -> list[ChildSnapshot]:
    """The counters of the whole session, which is all that the output without `detail` has."""
    sent, received = (
        _number(first[name]) for name in ("TOTAL_BYTES_TRANSMITTED", "TOTAL_BYTES_RECEIVED")
    )
    if sent is None or received is None or not first["INDEX"]:
        return []
    counters = [number for number, text in session if _COUNTERS.match(text)]
    return [
        ChildSnapshot(
            line=counters[0] if counters else session[0].number,
            unique_id=first["INDEX"],
            encaps_bytes=sent,
            decaps_bytes=received,
        )
    ]


def _child(last_line: int, session: Sequence[Line], row: Mapping[str, str]) -> ChildSnapshot:
    counters = [n for n, text in session if n <= last_line and _COUNTERS.match(text)]
    local = (row["LOCAL_ADDRESS_NETWORK"], row["LOCAL_ADDRESS_MASK"])
    remote = (row["REMOTE_ADDRESS_NETWORK"], row["REMOTE_ADDRESS_MASK"])
    flow = " === ".join("/".join(end) for end in (local, remote) if end[0])
    return ChildSnapshot(
        line=counters[-1] if counters else last_line,
        flow=flow,
        unique_id=f"{row['INDEX']}.{row['SESSION_ID']}",
        encaps_packets=_number(row["PACKETS_TRANSMITTED"]),
        encaps_bytes=_number(row["BYTES_TRANSMITTED"]),
        decaps_packets=_number(row["PACKETS_RECEIVED"]),
        decaps_bytes=_number(row["BYTES_RECEIVED"]),
        remaining_s=_remaining_s(row),
    )


def _version(ike: Mapping[str, str] | None, session: Mapping[str, str]) -> int | None:
    kind = (ike["CONNECTION_TYPE"] if ike else "") + session["PROTOCOL"]
    if "IKEv2" in kind:
        return 2
    return 1 if "IKE" in kind else None


def _remaining_s(row: Mapping[str, str]) -> int | None:
    number = _number(row["REKEY_TIME_LEFT"])
    unit = _UNITS.get(row["REKEY_TIME_LEFT_UNIT"].lower())
    return None if number is None or unit is None else number * unit


def _number(text: str) -> int | None:
    return int(text[:20]) if text.isdecimal() else None


LAYOUTS: Final = (
    Layout(
        SnapshotFormat.ASA_VPN_SESSIONDB,
        header=re.compile(r"\s{0,4}Session Type\s{0,4}: [A-Za-z0-9 ]{0,20}LAN-to-LAN"),
        heads=("Ses",),
        entity=re.compile(r"\s{0,4}(?P<key>Session Type\s{0,4}: )"),
        knows=re.compile(
            r"\s{0,4}(?:Session Type|[A-Z][A-Za-z0-9/ ]{1,20}(?:\([TD]\))? {0,8}:(?: |$)|"
            r"IKE(?:v[12])?(?: Tunnels)?: ?|IP[Ss]ec(?:OverNatT)?(?: Tunnels)?: ?)"
        ),
        read=_read,
    ),
)
