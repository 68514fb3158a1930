"""`swanctl --list-sas` and `ipsec statusall` of strongSwan.

Layouts: strongSwan src/swanctl/commands/list_sas.c and src/libcharon/plugins/stroke/stroke_list.c.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.snapshot import ChildSnapshot, DpdSetting, SaRole, SaSnapshot, SnapshotFormat
from analyzers.snapshots.durations import span_s
from analyzers.snapshots.layout import MAX_NAME, Layout, Line
from analyzers.snapshots.spis import esp_spi, ike_spi

_IKE: Final = re.compile(
    r"\s{0,2}([^\s:]{1,100}): #(\d{1,10}), ([A-Z_]{1,24}), IKEv([12]), "
    r"([0-9a-f]{16})_i(\*?) ([0-9a-f]{16})_r(\*?)"
)
_END: Final = re.compile(r"\s{1,4}(local|remote)\s{1,3}'.{0,200}?' @ ([^\s\[]{1,64})\[(\d{1,5})\]")
_AGE: Final = re.compile(r"\s{1,4}established (\d{1,10})s ago(.{0,120})")
_LEFT: Final = re.compile(r"(?:rekeying|reauth|expires) in (\d{1,10})s")
_PROPOSAL: Final = re.compile(
    r"\s{1,4}([A-Z0-9]{2,16}(?:_[A-Z0-9]{1,16}){0,4}(?:-\d{1,4})?/\S{1,160})$"
)
_CHILD: Final = re.compile(
    r"\s{1,4}([^\s:]{1,100}): #(\d{1,10}),(?: reqid \d{1,10},)? ([A-Z]{1,24}),"
)
_INSTALLED: Final = re.compile(r"\s{1,8}installed \d{1,10}s ago(.{0,120})")
_WAY: Final = re.compile(
    r"\s{1,8}(in|out)\s{1,3}([0-9a-f]{1,8})(?:/[0-9a-f]{1,4})?(?: \([^)]{1,40}\))?,\s{1,24}"
    r"(\d{1,20}) bytes,\s{1,24}(\d{1,20}) packets(?:,\s{1,12}(\d{1,10})s ago)?"
)
_SELECTOR: Final = re.compile(r"\s{1,8}(local|remote) {1,3}([0-9A-Fa-f.:/\[\]%a-z ,-]{3,200})$")


def _read_swanctl(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    entries: list[SaSnapshot] = []
    for number, text in lines:
        if found := _IKE.match(text):
            entries.append(_ike(number, found))
        elif entries:
            entries[-1] = _swanctl_with(entries[-1], number, text)
    return tuple(entries)


def _ike(number: int, found: re.Match[str]) -> SaSnapshot:
    name, unique, state, version, initiator, begun, responder, answered = found.groups()
    return SaSnapshot(
        line=number,
        name=name,
        ike_version=int(version),
        conn_id=unique,
        initiator_spi=ike_spi(initiator),
        responder_spi=ike_spi(responder),
        role=_role(begun, answered),
        state=state,
    )


def _role(begun: str, answered: str) -> SaRole | None:
    if begun:
        return SaRole.INITIATOR
    return SaRole.RESPONDER if answered else None


def _swanctl_with(entry: SaSnapshot, number: int, text: str) -> SaSnapshot:
    if found := _CHILD.match(text):
        child = ChildSnapshot(line=number, name=found[1], unique_id=found[2], state=found[3])
        return replace(entry, children=(*entry.children, child))
    if found := _END.match(text):
        if found[1] == "local":
            return replace(entry, local=found[2].lower(), local_port=int(found[3]))
        return replace(entry, remote=found[2].lower(), remote_port=int(found[3]))
    if found := _AGE.match(text):
        left = _LEFT.search(found[2])
        remaining_s = int(left[1]) if left else None
        return replace(entry, age_s=int(found[1]), remaining_s=remaining_s)
    if entry.children:
        *others, child = entry.children
        return replace(entry, children=(*others, _swanctl_child(child, number, text)))
    if found := _PROPOSAL.match(text):
        return replace(entry, encryption=found[1][:MAX_NAME])
    return entry


def _swanctl_child(child: ChildSnapshot, number: int, text: str) -> ChildSnapshot:
    if found := _WAY.match(text):
        way, spi, count_bytes, packets, used = found.groups()
        last_s = int(used) if used else None
        if way == "in":
            return replace(
                child,
                line=number,
                inbound_spi=esp_spi(spi),
                decaps_bytes=int(count_bytes),
                decaps_packets=int(packets),
                last_in_s=last_s,
            )
        return replace(
            child,
            outbound_spi=esp_spi(spi),
            encaps_bytes=int(count_bytes),
            encaps_packets=int(packets),
            last_out_s=last_s,
        )
    if found := _INSTALLED.match(text):
        left = _LEFT.search(found[1])
        return replace(child, remaining_s=int(left[1]) if left else None)
    if found := _SELECTOR.match(text):
        flow = found[2].strip()
        if found[1] == "remote" and child.flow:
            flow = f"{child.flow} === {flow}"
        return replace(child, flow=flow[:MAX_NAME])
    return child


_CONFIG: Final = re.compile(
    r"\s{0,16}([^\s:{\[]{1,100}):  \S{1,120}  IKEv\S{1,20}(?: Aggressive)?, (dpddelay=(\d{1,6})s)"
)
_SAS: Final = re.compile(r"\s{0,4}Security Associations \(\d")
_STATE: Final = re.compile(
    r"\s{0,16}([^\s\[]{1,100})\[(\d{1,10})\]: ([A-Z]{3,20})(?: ([\w ]{1,30}) ago)?, "
    r"([0-9A-Za-z.:%]{1,64})\[[^\]]{0,150}\]\.\.\.([0-9A-Za-z.:%]{1,64})\["
)
_SPIS: Final = re.compile(
    r"\s{0,16}[^\s\[]{1,100}\[(\d{1,10})\]: IKEv([12]) SPIs: "
    r"([0-9a-f]{16})_i(\*?) ([0-9a-f]{16})_r(\*?)(.{0,120})"
)
_COARSE_LEFT: Final = re.compile(r"(?:rekeying|reauthentication) in ([\w ]{1,30})")
_SUITE: Final = re.compile(r"\s{0,16}[^\s\[]{1,100}\[(\d{1,10})\]: IKE proposal: (\S{1,120})")
_CHILD_STATE: Final = re.compile(
    r"\s{0,16}([^\s{]{1,100})\{(\d{1,10})\}:  ([A-Z]{3,20}), [A-Z_]{3,20}(.{0,160})"
)
_CHILD_SPIS: Final = re.compile(r"SPIs: ([0-9a-f]{1,8})_i ([0-9a-f]{1,8})_o")
_CHILD_COUNTS: Final = re.compile(
    r"\s{0,16}[^\s{]{1,100}\{(\d{1,10})\}:  [^\s,]{0,80}, "
    r"(\d{1,20}) bytes_i(?: \((\d{1,20}) pkts?, (\d{1,12})s ago\))?, "
    r"(\d{1,20}) bytes_o(?: \((\d{1,20}) pkts?, (\d{1,12})s ago\))?(?=,|$)(.{0,60})"
)
_CHILD_FLOW: Final = re.compile(
    r"\s{0,16}[^\s{]{1,100}\{(\d{1,10})\}:   (\S.{0,200}? === \S.{0,200})$"
)


def _read_statusall(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    settings: dict[str, DpdSetting] = {}
    entries: list[SaSnapshot] = []
    for number, text in lines:
        if found := _STATE.match(text):
            name, unique, state, age, local, remote = found.groups()
            entries.append(
                SaSnapshot(
                    line=number,
                    name=name,
                    local=local.lower(),
                    remote=remote.lower(),
                    conn_id=unique,
                    state=state,
                    age_s=span_s(age) if age else None,
                    dpd=settings.get(name),
                )
            )
        elif found := _CONFIG.match(text):
            settings[found[1]] = DpdSetting(
                active=True, interval_s=float(found[3]), evidence=found[2], line=number
            )
        elif _SAS.match(text):
            # Children above are routed policies, not SAs.
            entries.clear()
        elif entries:
            entries[-1] = _statusall_with(entries[-1], number, text)
    return tuple(entries)


def _statusall_with(entry: SaSnapshot, number: int, text: str) -> SaSnapshot:
    if (found := _SPIS.match(text)) and found[1] == entry.conn_id:
        left = _COARSE_LEFT.search(found[7])
        return replace(
            entry,
            ike_version=int(found[2]),
            initiator_spi=ike_spi(found[3]),
            responder_spi=ike_spi(found[5]),
            role=_role(found[4], found[6]),
            remaining_s=span_s(left[1]) if left else None,
        )
    if (found := _SUITE.match(text)) and found[1] == entry.conn_id:
        return replace(entry, encryption=found[2])
    if found := _CHILD_STATE.match(text):
        spis = _CHILD_SPIS.search(found[4])
        child = ChildSnapshot(
            line=number,
            name=found[1],
            unique_id=found[2],
            state=found[3],
            inbound_spi=esp_spi(spis[1]) if spis else "",
            outbound_spi=esp_spi(spis[2]) if spis else "",
        )
        return replace(entry, children=(*entry.children, child))
    if not entry.children:
        return entry
    *others, child = entry.children
    if (found := _CHILD_COUNTS.match(text)) and found[1] == child.unique_id:
        child = _statusall_counts(child, number, found)
    elif (found := _CHILD_FLOW.match(text)) and found[1] == child.unique_id:
        child = replace(child, flow=found[2][:MAX_NAME])
    return replace(entry, children=(*others, child))


def _statusall_counts(child: ChildSnapshot, number: int, found: re.Match[str]) -> ChildSnapshot:
    into, packets_in, used_in, out, packets_out, used_out, rest = found.groups()[1:]
    left = _COARSE_LEFT.search(rest)
    return replace(
        child,
        line=number,
        decaps_bytes=int(into),
        encaps_bytes=int(out),
        # Packets are left out until the first one.
        decaps_packets=int(packets_in) if packets_in else (0 if into == "0" else None),
        encaps_packets=int(packets_out) if packets_out else (0 if out == "0" else None),
        last_in_s=int(used_in) if used_in else None,
        last_out_s=int(used_out) if used_out else None,
        remaining_s=span_s(left[1]) if left else None,
    )


LAYOUTS: Final = (
    Layout(
        SnapshotFormat.SWANCTL_LIST_SAS,
        header=_IKE,
        heads=(),
        entity=re.compile(r"\s{0,2}(?P<key>[^\s:]{1,100}: #\d{1,10}, [A-Z_]{1,24}), IKEv[12], "),
        knows=re.compile(
            rf"{_IKE.pattern}|\s{{1,8}}(?:local |remote |established |installed |in  |out "
            r"|queued: |active: |passive: |[A-Z0-9]{2,16}(?:_[A-Z0-9]{1,16}){0,4}(?:-\d{1,4})?/"
            r"|[^\s:]{1,100}: #\d{1,10},)"
        ),
        read=_read_swanctl,
    ),
    Layout(
        SnapshotFormat.STRONGSWAN_STATUSALL,
        header=re.compile(r"\s{0,4}(?:Status of IKE charon daemon|Security Associations \(\d)"),
        heads=("Sta", "Sec"),
        entity=re.compile(r"\s{0,4}(?P<key>Status of IKE charon|Security Associations)"),
        knows=re.compile(
            r"\s{0,4}(?:Status of IKE charon|Security Associations \(|uptime: |worker threads: |"
            r"Listening IP|Connections:|Routed Connections:|Shunted Connections:|loaded plugins: |"
            r"malloc: |Virtual IP pools)|\s{0,16}[^\s:{\[]{1,100}"
            r"(?::   ?\S|\[\d{1,10}\]: [A-Z]|\{\d{1,10}\}:  )|\s{1,4}[0-9A-Fa-f.:%]{2,64}$"
        ),
        read=_read_statusall,
    ),
)
