"""`show crypto session`, with and without `detail`, of IOS and IOS XE.

Layout: Cisco IOS Security Command Reference, "show crypto session". The template of ntc-templates
leaves out the counters, hence this reader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.snapshot import ChildSnapshot, DpdSetting, SaSnapshot, SnapshotFormat
from analyzers.snapshots.durations import span_s
from analyzers.snapshots.layout import MAX_NAME, Layout, Line

_INTERFACE: Final = re.compile(r"\s{0,4}Interface: (\S{1,64}(?: \S{1,64}){0,3})")
_UPTIME: Final = re.compile(r"\s{0,4}Uptime: (\S{1,20})")
_STATUS: Final = re.compile(r"\s{0,4}Session status: (\S{1,40})")
_PEER: Final = re.compile(r"\s{0,4}Peer: (\S{1,64}) port (\d{1,5})")
_IKE: Final = re.compile(
    r"\s{1,8}IKE(?:v([12]))? SA: local ([^\s/]{1,64})/(\d{1,5}) remote ([^\s/]{1,64})/(\d{1,5})"
    r" (\w{1,20})"
)
_CAPABILITIES: Final = re.compile(
    r"\s{1,16}Capabilities:(\(none\)|[A-Za-z]{1,12}) connid:(\d{1,10})"
    r"(?: lifetime:(\d{1,5}:\d\d:\d\d|\d{1,10}))?"
)
_FLOW: Final = re.compile(r"\s{1,8}IPSEC FLOW: +(\S.{0,159})")
_ACTIVE: Final = re.compile(r"\s{1,16}Active SAs: (\d{1,6}), origin: (\S.{0,40})")
_COUNTS: Final = re.compile(
    r"\s{1,16}(In|Out)bound: {1,4}#pkts (?:dec|enc)'ed (\d{1,20}) drop (\d{1,20})"
    r"(?: life \(KB/Sec\) [^/]{1,30}/(\d{1,10}))?"
)


def _read(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    entries: list[SaSnapshot] = []
    head = SaSnapshot(line=0)
    # The IKE SA that capabilities belong to; flows belong to the first one of their peer.
    peer_at = ike_at = -1
    for number, text in lines:
        if found := _INTERFACE.match(text):
            head, peer_at, ike_at = SaSnapshot(line=number, name=found[1]), -1, -1
        elif found := _UPTIME.match(text):
            head = replace(head, age_s=span_s(found[1]))
        elif found := _STATUS.match(text):
            head = replace(head, state=found[1])
        elif found := _PEER.match(text):
            entry = replace(head, line=number, remote=found[1].lower(), remote_port=int(found[2]))
            entries.append(entry)
            peer_at, ike_at = len(entries) - 1, -1
        elif peer_at < 0:
            continue
        elif found := _IKE.match(text):
            entry = _with_ike(entries[peer_at], number, found)
            if ike_at < 0:
                entries[peer_at], ike_at = entry, peer_at
            else:
                entries.append(replace(entry, dpd=None, conn_id="", children=()))
                ike_at = len(entries) - 1
        elif ike_at >= 0 and (found := _CAPABILITIES.match(text)):
            entries[ike_at] = _with_capabilities(entries[ike_at], number, found)
        else:
            entries[peer_at] = _with_flow(entries[peer_at], number, text)
    return tuple(entries)


def _with_ike(entry: SaSnapshot, number: int, found: re.Match[str]) -> SaSnapshot:
    version, local, local_port, remote, remote_port, state = found.groups()
    return replace(
        entry,
        line=number,
        ike_version=int(version) if version else 1,
        local=local.lower(),
        local_port=int(local_port),
        remote=remote.lower(),
        remote_port=int(remote_port),
        state=f"{entry.state.partition(',')[0]}, IKE {state}".removeprefix(", "),
    )


def _with_capabilities(entry: SaSnapshot, number: int, found: re.Match[str]) -> SaSnapshot:
    letters = "" if found[1].startswith("(") else found[1]
    lifetime = found[3]
    return replace(
        entry,
        conn_id=found[2],
        remaining_s=span_s(lifetime) if lifetime and ":" in lifetime else entry.remaining_s,
        dpd=DpdSetting(
            active="D" in letters,
            ios_keepalives="K" in letters,
            evidence=f"Capabilities:{found[1]}",
            line=number,
        ),
    )


def _with_flow(entry: SaSnapshot, number: int, text: str) -> SaSnapshot:
    if found := _FLOW.match(text):
        child = ChildSnapshot(line=number, flow=found[1].strip()[:MAX_NAME])
        return replace(entry, children=(*entry.children, child))
    if not entry.children:
        return entry
    *others, child = entry.children
    if found := _ACTIVE.match(text):
        child = replace(child, state=f"{found[1]} active SAs")
    elif found := _COUNTS.match(text):
        count, drops = int(found[2]), int(found[3])
        if found[1] == "In":
            child = replace(child, line=number, decaps_packets=count, decap_errors=drops)
        else:
            child = replace(child, encaps_packets=count, encap_errors=drops)
        if found[4]:
            child = replace(child, remaining_s=int(found[4]))
    return replace(entry, children=(*others, child))


LAYOUTS: Final = (
    Layout(
        SnapshotFormat.IOS_CRYPTO_SESSION,
        header=re.compile(r"\s{0,4}Crypto session current status"),
        heads=("Cry",),
        entity=re.compile(r"\s{0,4}(?P<key>Crypto session current status)"),
        knows=re.compile(
            r"\s{0,16}(?:Crypto session current|Code: |[A-Z] - |Interface: |Profile: |Uptime: |"
            r"Session status: |Peer: |Phase1_id: |Desc: |Session ID: |IKE(?:v[12])? SA: |"
            r"Capabilities:|IPSEC FLOW: |Active SAs: |(?:In|Out)bound: )"
        ),
        read=_read,
    ),
)
