"""`diagnose vpn ike gateway list` and `diagnose vpn tunnel list` of FortiGate.

Layouts: FortiOS Administration Guide, "VPN IPsec troubleshooting". Both print keys; none is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.policy import PolicyMode
from analyzers.model.snapshot import ChildSnapshot, DpdSetting, SaRole, SaSnapshot, SnapshotFormat
from analyzers.snapshots.layout import MAX_NAME, Layout, Line
from analyzers.snapshots.spis import esp_spi, ike_spi

_MODES: Final = {
    "on-demand": PolicyMode.ON_DEMAND,
    "on-idle": PolicyMode.ON_IDLE,
    "off": PolicyMode.DISABLED,
}

_VD: Final = re.compile(r"\s{0,4}vd: \S{1,64}/\d{1,6}\s*$")
_NAME: Final = re.compile(r"\s{0,4}name: (\S{1,64})\s*$")
_VERSION: Final = re.compile(r"\s{0,4}version: ([12])\s*$")
_ADDRESSES: Final = re.compile(
    r"\s{0,4}addr: ([0-9A-Fa-f.:]{3,45}):(\d{1,5}) -> ([0-9A-Fa-f.:]{3,45}):(\d{1,5})"
)
_ID: Final = re.compile(r"\s{0,8}id/spi: (\d{1,10}) ([0-9a-f]{16})/([0-9a-f]{16})")
_DIRECTION: Final = re.compile(r"\s{0,8}direction: (initiator|responder)")
_STATUS: Final = re.compile(r"\s{0,8}status: (\w{1,20})(?: (\d{1,12})-\d{1,12}s ago)?")
_PROPOSAL: Final = re.compile(r"\s{0,8}proposal: (\S{1,64})")
_LIFETIME: Final = re.compile(r"\s{0,8}lifetime/rekey: \d{1,10}/(\d{1,10})")
_DPD_NUMBERS: Final = re.compile(r"\s{0,8}DPD sent/recv: ([0-9a-f]{1,8})/([0-9a-f]{1,8})")


def _read_gateways(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    entries: list[SaSnapshot] = []
    gateway = SaSnapshot(line=0)
    begun = False
    for number, text in lines:
        if _VD.match(text):
            gateway, begun = SaSnapshot(line=number), False
        elif found := _NAME.match(text):
            gateway, begun = SaSnapshot(line=number, name=found[1]), False
        elif found := _VERSION.match(text):
            gateway = replace(gateway, ike_version=int(found[1]))
        elif found := _ADDRESSES.match(text):
            gateway = replace(
                gateway,
                local=found[1].lower(),
                local_port=int(found[2]),
                remote=found[3].lower(),
                remote_port=int(found[4]),
            )
        elif found := _ID.match(text):
            entries.append(
                replace(
                    gateway,
                    line=number,
                    conn_id=found[1],
                    initiator_spi=ike_spi(found[2]),
                    responder_spi=ike_spi(found[3]),
                )
            )
            begun = True
        elif begun:
            entries[-1] = _gateway_with(entries[-1], text)
    return tuple(entries)


def _gateway_with(entry: SaSnapshot, text: str) -> SaSnapshot:
    if found := _DIRECTION.match(text):
        return replace(entry, role=SaRole(found[1]))
    if found := _STATUS.match(text):
        return replace(entry, state=found[1], age_s=int(found[2]) if found[2] else None)
    if found := _PROPOSAL.match(text):
        return replace(entry, encryption=found[1])
    if found := _LIFETIME.match(text):
        return replace(entry, remaining_s=int(found[1]))
    if found := _DPD_NUMBERS.match(text):
        return replace(entry, dpd_sent=int(found[1], 16), dpd_received=int(found[2], 16))
    return entry


_TUNNEL: Final = re.compile(r"\s{0,4}name=(\S{1,64}) ver=([12]) serial=[0-9a-f]{1,8}(.{0,200})")
_PAIR: Final = re.compile(
    r"\s{1,2}([0-9A-Fa-f.:]{3,45}):(\d{1,5})->([0-9A-Fa-f.:]{3,45}):(\d{1,5})"
)
_LAST: Final = re.compile(r"ilast=(\d{1,12}) olast=(\d{1,12})")
_DPD: Final = re.compile(
    r"\s{0,4}dpd: mode=([a-z-]{2,12}) on=([01]) idle=(\d{1,9})ms retry=(\d{1,4})"
)
_PROXY: Final = re.compile(r"\s{0,4}proxyid=(\S{1,64}) ")
_SELECTOR: Final = re.compile(r"\s{1,8}(src|dst): (\S{1,100})")
_SA: Final = re.compile(r"\s{1,8}SA:\s{1,4}ref=.{0,120}? expire=(\d{1,10})/")
_SPI: Final = re.compile(r"\s{1,8}(dec|enc): spi=([0-9a-f]{1,8}) esp=(\S{1,24})")
_COUNTS: Final = re.compile(
    r"\s{1,8}dec:pkts/bytes=(\d{1,20})/(\d{1,20}), enc:pkts/bytes=(\d{1,20})/(\d{1,20})"
)
_NPU: Final = re.compile(r"\s{1,8}npu_flag=([0-9a-f]{1,4})")
# Without a packet so far, ilast and olast count from the start of the device.
_NEVER_S: Final = 10_000_000


def _read_tunnels(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    entries: list[SaSnapshot] = []
    # Last packet in and out of each tunnel, in seconds.
    lasts: list[tuple[int | None, int | None]] = []
    proxy = ["", "", ""]
    for number, text in lines:
        if found := _TUNNEL.match(text):
            entries.append(_tunnel(number, found))
            lasts.append((None, None))
            proxy = ["", "", ""]
        elif not entries:
            continue
        elif found := _PROXY.match(text):
            proxy = [found[1], "", ""]
        elif found := _SELECTOR.match(text):
            proxy[1 if found[1] == "src" else 2] = found[2]
        elif found := _SA.match(text):
            child = _child(number, proxy, int(found[1]))
            entries[-1] = replace(entries[-1], children=(*entries[-1].children, child))
        elif found := _LAST.search(text):
            lasts[-1] = (_since(found[1]), _since(found[2]))
        else:
            entries[-1] = _tunnel_with(entries[-1], number, text)
    return tuple(map(_with_last, entries, lasts))


def _tunnel(number: int, found: re.Match[str]) -> SaSnapshot:
    entry = SaSnapshot(line=number, name=found[1], ike_version=int(found[2]))
    pair = _PAIR.match(found[3])
    if pair is None:
        return entry
    return replace(
        entry,
        local=pair[1].lower(),
        local_port=int(pair[2]) or None,
        remote=pair[3].lower(),
        remote_port=int(pair[4]) or None,
    )


def _child(number: int, proxy: Sequence[str], remaining_s: int) -> ChildSnapshot:
    flow = " === ".join(end for end in proxy[1:] if end)
    return ChildSnapshot(line=number, name=proxy[0], flow=flow[:MAX_NAME], remaining_s=remaining_s)


def _since(text: str) -> int | None:
    seconds = int(text)
    return seconds if seconds < _NEVER_S else None


def _tunnel_with(entry: SaSnapshot, number: int, text: str) -> SaSnapshot:
    if found := _DPD.match(text):
        return replace(entry, dpd=_dpd(entry, number, found))
    if not entry.children:
        return entry
    *others, child = entry.children
    if found := _SPI.match(text):
        if found[1] == "dec":
            child = replace(child, inbound_spi=esp_spi(found[2]))
        else:
            child = replace(child, outbound_spi=esp_spi(found[2]))
        return replace(entry, encryption=found[3], children=(*others, child))
    if found := _COUNTS.match(text):
        child = replace(
            child,
            line=number,
            decaps_packets=int(found[1]),
            decaps_bytes=int(found[2]),
            encaps_packets=int(found[3]),
            encaps_bytes=int(found[4]),
        )
    elif found := _NPU.match(text):
        child = replace(child, offloaded=int(found[1], 16) != 0)
    return replace(entry, children=(*others, child))


def _dpd(entry: SaSnapshot, number: int, found: re.Match[str]) -> DpdSetting:
    on = found[2] == "1" and found[1] != "off"
    interval_s = int(found[3]) / 1000
    return DpdSetting(
        active=on,
        interval_s=interval_s if on else None,
        # IKEv2 retransmits by a schedule of its own.
        retry_s=interval_s if on and entry.ike_version == 1 else None,
        retries=int(found[4]) if on and entry.ike_version == 1 else None,
        mode=_MODES.get(found[1], PolicyMode.UNKNOWN),
        evidence=found[0].strip(),
        line=number,
    )


def _with_last(entry: SaSnapshot, last: tuple[int | None, int | None]) -> SaSnapshot:
    """The tunnel's last packets are those of its SA where it has one."""
    if len(entry.children) != 1:
        return entry
    child = replace(entry.children[0], last_in_s=last[0], last_out_s=last[1])
    return replace(entry, children=(child,))


LAYOUTS: Final = (
    Layout(
        SnapshotFormat.FORTIGATE_IKE_GATEWAY,
        header=_VD,
        heads=("vd:",),
        entity=re.compile(r"\s{0,4}(?P<key>name: \S{1,64})\s*$"),
        knows=re.compile(
            r"\s{0,8}(?:vd: |name: |version: |interface: |addr: |tun_id: |remote_location: |"
            r"network-id: |transport: |virtual-interface-addr: |created: |peer-|auto-discovery: |"
            r"nat: |pending-queue: |PPK: |QKD: |IKE SA: |IPsec SA: |id/spi: |direction: |status: |"
            r"proposal: |child: |key: |SK_|message-id |lifetime/rekey: |DPD sent/recv: |eap-user: |"
            r"assigned )"
        ),
        read=_read_gateways,
    ),
    Layout(
        SnapshotFormat.FORTIGATE_VPN_TUNNEL,
        header=re.compile(r"\s{0,4}(?:list (?:all )?ipsec tunnel|name=\S{1,64} ver=[12] serial=)"),
        heads=("lis", "nam"),
        entity=re.compile(r"\s{0,4}(?P<key>name=\S{1,64} ver=[12] serial=)"),
        knows=re.compile(
            r"\s{0,8}(?:list (?:all )?ipsec|-{20}|name=|bound_if=|parent=|proxyid_num=|stat: |"
            r"dpd: |natt: |fec: |proxyid=|src: |dst: |SA: |seqno=|life: |dec: |enc: |ah=|dec:pkts|"
            r"npu_flag=|run_tally=|tun_id=|accept_traffic=|options)"
        ),
        read=_read_tunnels,
    ),
)
