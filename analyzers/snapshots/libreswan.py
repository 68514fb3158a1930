"""`ipsec status` (with `ipsec showstates`) and `ipsec trafficstatus` of Libreswan and Openswan.

Layouts: Libreswan programs/pluto/whack_showstates.c, whack_trafficstatus.c and
connection_status.c. `ipsec status` rounds its byte counters ("8KB").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.policy import PolicyMode
from analyzers.model.snapshot import ChildSnapshot, DpdSetting, SaSnapshot, SnapshotFormat
from analyzers.snapshots.layout import Layout, Line
from analyzers.snapshots.spis import esp_spi

_NAME: Final = r'"([^"]{1,100})"(?:\[\d{1,10}\])?'
_STATE: Final = re.compile(
    rf"\s{{0,4}}(?:\d{{3}} )?#(\d{{1,10}}): {_NAME}(?: ([0-9A-Fa-f.:]{{3,45}}?))?(?::(\d{{1,5}}))?"
    r" (STATE_\w{1,40})(.{0,300})"
)
_LEFT: Final = re.compile(r"(?:REKEY|REPLACE|EXPIRE|EVENT_\w{1,30}) in (\d{1,10})s")
_PARENT: Final = re.compile(r"(?:(?:IKE|ISAKMP) SA #|isakmp#)(\d{1,10})")
_TRAFFIC: Final = re.compile(
    rf"\s{{0,4}}(?:\d{{3}} )?#(\d{{1,10}}): {_NAME}(?: [0-9A-Fa-f.:]{{3,45}})?"
    r" (?:esp|ah)\.([0-9a-f]{1,8})@([0-9A-Fa-f.:]{3,45})"
    r" (?:esp|ah)\.([0-9a-f]{1,8})@([0-9A-Fa-f.:]{3,45})(.{0,300})"
)
_COUNTS: Final = re.compile(
    r"Traffic: (?:ESP|AH)in=(\d{1,20})([KMGTP]?B) (?:ESP|AH)out=(\d{1,20})([KMGTP]?B)"
)
_STEPS: Final = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40, "PB": 1 << 50}
_LIVENESS: Final = re.compile(
    rf"\s{{0,4}}\d{{3}} {_NAME}:   (liveness: (\w{{1,12}});.{{0,60}}dpddelay:(\d{{1,6}})s?\b"
    r".{0,60})"
)
_DPD: Final = re.compile(
    rf"\s{{0,4}}\d{{3}} {_NAME}:   (dpd: (?:(\w{{1,12}}); )?action:\w{{1,20}}; "
    r"delay:(\d{1,6})s?; timeout:(\d{1,6})s?)"
)
_ROUTE: Final = re.compile(rf"\s{{0,4}}\d{{3}} {_NAME}: (\S{{3,200}}); ")
_HOST: Final = re.compile(r"(?:^|===|\.\.\.)((?:[0-9A-Fa-f:]|\.(?!\.)){3,45})(?=<|\[|\.\.\.|===|$)")


def _read_status(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    entries: dict[str, SaSnapshot] = {}
    parents: dict[str, str] = {}
    children: dict[str, ChildSnapshot] = {}
    ends: dict[str, tuple[str, str]] = {}
    hosts: dict[str, tuple[str, str]] = {}
    settings: dict[str, DpdSetting] = {}
    for number, text in lines:
        if found := _STATE.match(text):
            _take_state(number, found, entries, parents, children)
        elif found := _TRAFFIC.match(text):
            child = children.get(found[1], ChildSnapshot(line=number, unique_id=f"#{found[1]}"))
            children[found[1]] = _with_traffic(child, number, found)
            ends[found[1]] = (found[6].lower(), found[4].lower())
            parents.setdefault(found[1], "")
            entries.setdefault(found[1], SaSnapshot(line=number, name=found[2]))
        elif found := _LIVENESS.match(text) or _DPD.match(text):
            settings.setdefault(found[1], _setting(number, found))
        elif found := _ROUTE.match(text):
            both = _HOST.findall(found[2])
            if len(both) == 2:
                hosts.setdefault(found[1], (both[0].lower(), both[1].lower()))
    return _assembled(entries, parents, children, ends, hosts, settings)


def _take_state(
    number: int,
    found: re.Match[str],
    entries: dict[str, SaSnapshot],
    parents: dict[str, str],
    children: dict[str, ChildSnapshot],
) -> None:
    serial, name, remote, port, state, rest = found.groups()
    left = _LEFT.search(rest)
    remaining_s = int(left[1]) if left else None
    parent = _PARENT.search(rest)
    entry = entries.get(serial, SaSnapshot(line=number, name=name))
    if parent or "CHILD" in state or "QUICK" in state:
        child = children.get(serial, ChildSnapshot(line=number, unique_id=f"#{serial}"))
        children[serial] = replace(child, name=name, state=state, remaining_s=remaining_s)
        parents[serial] = parent[1] if parent else ""
    else:
        entry = replace(
            entry,
            conn_id=f"#{serial}",
            state=state,
            remaining_s=remaining_s,
            ike_version=2 if "V2" in state or "PARENT" in state else 1,
        )
    entries[serial] = replace(
        entry,
        remote=(remote or entry.remote).lower(),
        remote_port=int(port) if port else entry.remote_port,
    )


def _with_traffic(child: ChildSnapshot, number: int, found: re.Match[str]) -> ChildSnapshot:
    child = replace(
        child,
        line=number,
        name=found[2],
        outbound_spi=esp_spi(found[3]),
        inbound_spi=esp_spi(found[5]),
    )
    counts = _COUNTS.search(found[7])
    if counts is None:
        return child
    step_in, step_out = _STEPS[counts[2]], _STEPS[counts[4]]
    return replace(
        child,
        decaps_bytes=int(counts[1]) * step_in,
        encaps_bytes=int(counts[3]) * step_out,
        decaps_step_bytes=step_in,
        encaps_step_bytes=step_out,
    )


def _setting(number: int, found: re.Match[str]) -> DpdSetting:
    delay_s, active = int(found[4]), found[3] != "passive"
    return DpdSetting(
        active=active and delay_s > 0,
        interval_s=float(delay_s) if delay_s else None,
        mode=PolicyMode.UNKNOWN if active and delay_s else PolicyMode.DISABLED,
        evidence=found[2].strip(),
        line=number,
    )


def _assembled(
    entries: dict[str, SaSnapshot],
    parents: dict[str, str],
    children: dict[str, ChildSnapshot],
    ends: dict[str, tuple[str, str]],
    hosts: dict[str, tuple[str, str]],
    settings: dict[str, DpdSetting],
) -> tuple[SaSnapshot, ...]:
    """Child SAs below the IKE SA that made them; a Child SA without one stands for its peer."""
    whole = {
        serial: entry
        for serial, entry in entries.items()
        if parents.get(serial, "") not in entries or serial == parents[serial]
    }
    for serial, child in children.items():
        above = parents.get(serial, "")
        owner = above if above in whole else serial
        if owner not in whole:
            continue
        entry = whole[owner]
        local, remote = ends.get(serial, ("", ""))
        whole[owner] = replace(
            entry,
            local=entry.local or local,
            remote=entry.remote or remote,
            children=(*entry.children, child),
        )
    return tuple(
        replace(
            entry,
            local=entry.local or hosts.get(entry.name, ("", ""))[0],
            remote=entry.remote or hosts.get(entry.name, ("", ""))[1],
            dpd=settings.get(entry.name),
        )
        for entry in whole.values()
    )


_TRAFFICSTATUS: Final = re.compile(
    rf"\s{{0,4}}(?:\d{{3}} )?#(\d{{1,10}}): {_NAME}(?: ([0-9A-Fa-f.:]{{3,45}}))?,"
    r"(?: username=[^,]{0,64},)? (?:type=\w{2,8}, )?add_time=(\d{1,12}), "
    r"inBytes=(\d{1,20}), outBytes=(\d{1,20})(,?)"
)


def _read_trafficstatus(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    entries = []
    matches = [(number, _TRAFFICSTATUS.match(text)) for number, text in lines]
    # Old releases end with the last counter; where other lines go on, it is cut.
    goes_on = any(found is not None and found[7] for _, found in matches)
    for number, found in matches:
        if found is None:
            continue
        serial, name, remote, since, count_in, count_out, comma = found.groups()
        child = ChildSnapshot(
            line=number,
            name=name,
            # Serials begin anew with the daemon, the time of the SA does not.
            unique_id=f"#{serial} add_time={since}",
            decaps_bytes=int(count_in),
            encaps_bytes=int(count_out) if comma or not goes_on else None,
        )
        entries.append(
            SaSnapshot(line=number, name=name, remote=(remote or "").lower(), children=(child,))
        )
    return tuple(entries)


LAYOUTS: Final = (
    Layout(
        SnapshotFormat.LIBRESWAN_STATUS,
        header=re.compile(
            rf"{_STATE.pattern}|{_TRAFFIC.pattern}"
            rf"|\s{{0,4}}000 (?:using kernel interface|{_NAME}: )"
        ),
        heads=("000",),
        entity=re.compile(
            rf"\s{{0,4}}(?:\d{{3}} )?(?P<key>#\d{{1,10}}: {_NAME}).{{0,60}} STATE_"
            r"|\s{0,4}000 (?P<start>using kernel interface)"
        ),
        knows=re.compile(r"\s{0,4}(?:000(?: |$)|(?:\d{3} )?#\d{1,10}: \")"),
        read=_read_status,
    ),
    Layout(
        SnapshotFormat.LIBRESWAN_TRAFFICSTATUS,
        header=_TRAFFICSTATUS,
        heads=("006",),
        entity=re.compile(rf"\s{{0,4}}(?:\d{{3}} )?(?P<key>#\d{{1,10}}: {_NAME})"),
        knows=re.compile(r"\s{0,4}(?:006 |(?:\d{3} )?#\d{1,10}: \")"),
        read=_read_trafficstatus,
    ),
)
