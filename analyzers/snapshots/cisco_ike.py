"""IKE SAs of IOS and ASA: `show crypto isakmp sa`, `ikev1 sa` and `ikev2 sa`, with `detail`.

Layouts: Cisco IOS Security Command Reference and ASA Series Command Reference, "show crypto
isakmp sa", "show crypto ikev2 sa". In the table of `show crypto isakmp sa`, `dst` is the
responder and `src` the initiator, whichever of them the router is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.policy import PolicyMode
from analyzers.model.snapshot import ChildSnapshot, DpdSetting, SaRole, SaSnapshot, SnapshotFormat
from analyzers.snapshots.durations import span_s
from analyzers.snapshots.layout import MAX_NAME, Layout, Line
from analyzers.snapshots.spis import esp_spi, ike_spi
from analyzers.snapshots.templates import rows

_ADDRESS: Final = r"([0-9A-Fa-f.:]{3,45})"

_TABLE_ROW: Final = re.compile(
    rf"\s{{0,4}}{_ADDRESS}\s+{_ADDRESS}\s+([A-Z][A-Z0-9_]{{2,30}})\s+(\d{{1,10}})"
    r"(?:\s+\d{1,4})?\s+([A-Z][\w ()-]{2,40})"
)
_V6_DST: Final = re.compile(rf"\s{{0,4}}dst: {_ADDRESS}\s*$")
_V6_SRC: Final = re.compile(rf"\s{{0,4}}src: {_ADDRESS}\s*$")
_V6_STATE: Final = re.compile(
    r"\s{0,4}state: ([A-Z0-9_]{3,30})\s+conn-id:\s+(\d{1,10})(?: slot: \d{1,4})?\s+status: (\w+)"
)
_DETAIL_ROW: Final = re.compile(
    rf"\s{{0,4}}(\d{{1,10}})\s+{_ADDRESS}\s+{_ADDRESS}\s+(?:(\S{{1,64}})\s+)?([A-Z][A-Z_-]{{3,20}})"
    r"\s+(\S{1,12}(?: \d{3})?)\s+(\S{1,12})\s+(\S{1,12})\s+(\d{1,3})\s+(\d{1,5}:\d\d:\d\d|\d{1,10})"
    r"(?:\s+([A-Z]{1,12}))?\s*$"
)


def _read_isakmp(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    entries: list[SaSnapshot] = []
    ends = {"dst": "", "src": ""}
    for number, text in lines:
        if found := _DETAIL_ROW.match(text):
            entries.append(_detail(number, found))
        elif found := _TABLE_ROW.match(text):
            entries.append(
                SaSnapshot(
                    line=number,
                    initiator=found[2].lower(),
                    responder=found[1].lower(),
                    ike_version=1,
                    conn_id=found[4],
                    state=f"{found[3]} {found[5].strip()}",
                )
            )
        elif found := _V6_DST.match(text):
            ends["dst"] = found[1].lower()
        elif found := _V6_SRC.match(text):
            ends["src"] = found[1].lower()
        elif found := _V6_STATE.match(text):
            state = f"{found[1]} {found[3]}"
            entries.append(
                SaSnapshot(
                    line=number,
                    initiator=ends["src"],
                    responder=ends["dst"],
                    ike_version=1,
                    conn_id=found[2],
                    state=state,
                )
            )
            ends = {"dst": "", "src": ""}
    return settle_local(entries, *_common_ends(entries))


def _detail(number: int, found: re.Match[str]) -> SaSnapshot:
    capabilities = found[11] or ""
    dpd = DpdSetting(
        active="D" in capabilities,
        ios_keepalives="K" in capabilities,
        evidence=f"Cap. {capabilities or '(none)'}",
        line=number,
    )
    return SaSnapshot(
        line=number,
        name=found[4] or "",
        local=found[2].lower(),
        remote=found[3].lower(),
        ike_version=1,
        conn_id=found[1],
        state=found[5],
        encryption=f"{found[6]} {found[7]} group {found[9]}",
        remaining_s=span_s(found[10]) if ":" in found[10] else int(found[10]),
        dpd=dpd,
    )


def _common_ends(entries: Sequence[SaSnapshot]) -> list[str]:
    """The one address of each family that is an end of every row of several: the router's own."""
    own: list[str] = []
    for v6 in (False, True):
        table = [e for e in entries if e.initiator and (":" in e.initiator) is v6]
        ends = Counter(end for e in table for end in {e.initiator, e.responder})
        common = [end for end, count in ends.items() if count == len(table)]
        if len(common) == 1:
            own.extend(common)
    return own


def settle_local(entries: Sequence[SaSnapshot], *own: str) -> tuple[SaSnapshot, ...]:
    """Entries that tell only who began, with local and remote where one end is the device's."""
    return tuple(_settled(entry, own) for entry in entries)


def _settled(entry: SaSnapshot, own: Sequence[str]) -> SaSnapshot:
    if entry.local or not entry.initiator or not entry.responder:
        return entry
    began, answered = entry.initiator in own, entry.responder in own
    if began == answered:
        return entry
    if began:
        ends = (entry.initiator, entry.responder, SaRole.INITIATOR)
    else:
        ends = (entry.responder, entry.initiator, SaRole.RESPONDER)
    return replace(entry, local=ends[0], remote=ends[1], role=ends[2])


_V2_ROW: Final = re.compile(
    rf"\s{{0,8}}(\d{{1,12}})\s+{_ADDRESS}/(\d{{1,5}})\s+{_ADDRESS}/(\d{{1,5}})"
    r"(?:\s+(\S{1,40}/\S{1,40}))?\s+([A-Z][A-Z_-]{2,20})(?:\s+(INITIATOR|RESPONDER))?\s*$"
)
# IPv6 addresses stand below the row.
_V2_BARE_ROW: Final = re.compile(
    r"\s{0,8}(\d{1,12})\s+[A-Za-z]\S{0,39}/\S{1,40}\s+([A-Z][A-Z_-]{2,20})\s*$"
)
_V2_END: Final = re.compile(rf"\s{{0,8}}(Local|Remote)\s+{_ADDRESS}/(\d{{1,5}})\s*$")
_V2_ENCRYPTION: Final = re.compile(
    r"\s{0,12}Encr: ([\w-]{1,24})(?:, [Kk]eysize: (\d{1,4}))?(?:, PRF: (\w{1,16}))?"
    r"(?:, Hash: (\w{1,16}))?(?:, DH Grp: ?(\d{1,3}))?"
)
_V2_LIFE: Final = re.compile(r"\s{0,12}Life/Active Time: (\d{1,10})/(\d{1,10}) sec")
_V2_SPIS: Final = re.compile(
    r"\s{0,12}Local spi: ([0-9A-Fa-f]{1,16})\s+Remote spi: ([0-9A-Fa-f]{1,16})"
)
_V2_DPD: Final = re.compile(
    r"\s{0,12}DPD configured for (\d{1,6}) seconds(?:, (?:retry|entry) (\d{1,6}))?"
)
_V2_INITIATOR: Final = re.compile(r"\s{0,12}Initiator of SA ?: (Yes|No)")
_V2_CHILD: Final = re.compile(r"\s{0,8}Child sa: local selector\s+(\S{1,60}(?: - \S{1,60})?)")
_V2_SELECTOR: Final = re.compile(r"\s{1,16}remote selector\s+(\S{1,60}(?: - \S{1,60})?)")
_V2_ESP: Final = re.compile(
    r"\s{1,16}ESP [Ss][Pp][Ii] in/out: 0x([0-9A-Fa-f]{1,8})/0x([0-9A-Fa-f]{1,8})\b"
)


def _read_ikev2(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    entries: list[SaSnapshot] = []
    for number, text in lines:
        entry = _v2_begin(number, text)
        if entry is not None:
            entries.append(entry)
        elif entries:
            entries[-1] = _v2_with(entries[-1], number, text)
    return tuple(_v2_roles(entry) for entry in entries)


def _v2_begin(number: int, text: str) -> SaSnapshot | None:
    if found := _V2_ROW.match(text):
        role = found[8]
        return SaSnapshot(
            line=number,
            local=found[2].lower(),
            remote=found[4].lower(),
            local_port=int(found[3]),
            remote_port=int(found[5]),
            ike_version=2,
            conn_id=found[1],
            role=SaRole(role.lower()) if role else None,
            state=found[7],
        )
    if found := _V2_BARE_ROW.match(text):
        return SaSnapshot(line=number, ike_version=2, conn_id=found[1], state=found[2])
    return None


def _v2_with(entry: SaSnapshot, number: int, text: str) -> SaSnapshot:
    if found := _V2_END.match(text):
        if found[1] == "Local":
            return replace(entry, local=found[2].lower(), local_port=int(found[3]))
        return replace(entry, remote=found[2].lower(), remote_port=int(found[3]))
    if found := _V2_ENCRYPTION.match(text):
        size = f"-{found[2]}" if found[2] else ""
        # With an AEAD the output has "Hash: None".
        integrity = found[3] if found[4] in {None, "None"} else found[4]
        parts = [f"{found[1]}{size}", integrity, found[5] and f"group {found[5]}"]
        return replace(entry, encryption=" ".join(p for p in parts if p)[:MAX_NAME])
    if found := _V2_LIFE.match(text):
        life_s, age_s = int(found[1]), int(found[2])
        return replace(entry, age_s=age_s, remaining_s=max(0, life_s - age_s))
    if found := _V2_SPIS.match(text):
        # Local before remote; put into the order of the model once the role is known.
        return replace(entry, initiator_spi=ike_spi(found[1]), responder_spi=ike_spi(found[2]))
    if found := _V2_DPD.match(text):
        return replace(entry, dpd=_v2_dpd(number, found))
    if found := _V2_INITIATOR.match(text):
        role = SaRole.INITIATOR if found[1] == "Yes" else SaRole.RESPONDER
        return replace(entry, role=role)
    if found := _V2_CHILD.match(text):
        child = ChildSnapshot(line=number, flow=found[1])
        return replace(entry, children=(*entry.children, child))
    if entry.children and (found := _V2_SELECTOR.match(text)):
        child = entry.children[-1]
        child = replace(child, flow=f"{child.flow} === {found[1]}")
        return replace(entry, children=(*entry.children[:-1], child))
    if entry.children and (found := _V2_ESP.match(text)):
        child = replace(
            entry.children[-1], inbound_spi=esp_spi(found[1]), outbound_spi=esp_spi(found[2])
        )
        return replace(entry, children=(*entry.children[:-1], child))
    return entry


def _v2_dpd(number: int, found: re.Match[str]) -> DpdSetting:
    interval_s, retry_s = int(found[1]), int(found[2] or 0)
    return DpdSetting(
        active=interval_s > 0,
        interval_s=float(interval_s) if interval_s else None,
        retry_s=float(retry_s) if interval_s and retry_s else None,
        mode=PolicyMode.UNKNOWN if interval_s else PolicyMode.DISABLED,
        evidence=found[0].strip(),
        line=number,
    )


def _v2_roles(entry: SaSnapshot) -> SaSnapshot:
    if entry.role is SaRole.RESPONDER:
        return replace(entry, initiator_spi=entry.responder_spi, responder_spi=entry.initiator_spi)
    if entry.role is None:
        # Which of the two SPIs is the initiator's cannot be told.
        return replace(entry, initiator_spi="", responder_spi="")
    return entry


_V1_PEER: Final = re.compile(r"\s{0,4}(\d{1,6})\s+IKE Peer: (\S{1,64})\s*$")
_V1_PAIRS: Final = re.compile(r"([A-Z][a-z]{3,8}(?: Remaining)?)\s{0,6}: ([\w-]{1,32})")
_V1_OLD_HEADER: Final = re.compile(r"\s{0,4}IKE Peer\s+Type\s+Dir\s+Rky\s+State\s+Encrypt")
_V1_OLD_ROW: Final = re.compile(
    r"\s{0,4}\d{1,6}\s+\S{3,45}\s+(?:L2L|User|user)\s+\w{1,10}\s+(?:Yes|No)\s+\S"
)


def _read_asa_ikev1(lines: Sequence[Line], _peer: str) -> tuple[SaSnapshot, ...]:
    entries: list[SaSnapshot] = []
    for number, text in lines:
        if found := _V1_PEER.match(text):
            entries.append(
                SaSnapshot(line=number, remote=found[2].lower(), ike_version=1, conn_id=found[1])
            )
        elif _V1_OLD_ROW.match(text):
            entries.extend(_old_rows(number, text))
        elif entries:
            for key, value in _V1_PAIRS.findall(text):
                entries[-1] = _v1_with(entries[-1], key, value)
    return tuple(entries)


def _v1_with(entry: SaSnapshot, key: str, value: str) -> SaSnapshot:
    match key:
        case "Role" if value.lower() in {"initiator", "responder"}:
            return replace(entry, role=SaRole(value.lower()))
        case "State":
            return replace(entry, state=value)
        case "Encrypt":
            return replace(entry, encryption=value)
        case "Hash":
            return replace(entry, encryption=f"{entry.encryption} {value}".strip())
        case "Lifetime Remaining" if value.isdigit():
            return replace(entry, remaining_s=int(value[:10]))
        case _:
            return entry


def _old_rows(number: int, text: str) -> list[SaSnapshot]:
    """The one-line layout of ASA 7 and PIX."""
    header = "IKE Peer  Type  Dir  Rky  State  Encrypt  Hash  Auth  Lifetime"
    found = rows(
        "cisco_asa_show_crypto_ikev1_sa_detail", [Line(0, header), Line(number, text.strip())]
    )
    roles = {"init": SaRole.INITIATOR, "resp": SaRole.RESPONDER}
    return [
        SaSnapshot(
            line=number,
            remote=row["PEER"],
            ike_version=1,
            conn_id=row["SEQUENCE"],
            role=roles.get(row["DIR"].lower()[:4]),
            state=row["STATE"],
            encryption=f"{row['ENCRYPTION']} {row['HASH']}",
        )
        for _, row in found
    ]


_ISAKMP_HEADER: Final = (
    r"\s{0,8}(?:(?P<key>IPv[46] Crypto ISAKMP SA|dst\s+src\s+state\s+conn-id)|C-id\s+Local\s)"
)
_V2_HEADER: Final = r"\s{0,8}(?:IPv[46] Crypto IKEv2\s+(?:SA|Session)|Tunnel-id\s+Local\s.*fvrf/)"
_ANY_V2: Final = (
    r"Tunnel-id\s|Encr: |Life/Active Time: |Local spi: |DPD configured for |Initiator of SA|"
    r"Child sa: |remote selector\s|ESP [Ss][Pp][Ii] in/out|Session-id:|CE id: |"
    r"Local \s*[0-9A-Fa-f.:]{3,45}/\d|Remote \s*[0-9A-Fa-f.:]{3,45}/\d|"
    r"\d{1,12}\s+[0-9A-Fa-f.:]{3,45}/\d|\d{1,12}\s+[A-Za-z]\S{0,39}/\S{1,40}\s+[A-Z]|"
    r"Local (?:id|req|next|window)|Remote id|NAT-T is|Status Description"
)

LAYOUTS: Final = (
    Layout(
        SnapshotFormat.IOS_ISAKMP_SA,
        header=re.compile(_ISAKMP_HEADER),
        heads=("IPv", "dst", "C-i"),
        entity=re.compile(_ISAKMP_HEADER),
        knows=re.compile(
            _ISAKMP_HEADER + rf"|{_TABLE_ROW.pattern}|{_DETAIL_ROW.pattern}"
            r"|\s{0,4}(?:dst|src|state): |\s{1,16}Engine-id:Conn-id|Codes: |\s{4,12}[A-Za-z]+ - "
        ),
        read=_read_isakmp,
    ),
    Layout(
        SnapshotFormat.IOS_IKEV2_SA,
        header=re.compile(_V2_HEADER),
        heads=("IPv", " IP", "Tun"),
        entity=re.compile(
            r"\s{0,8}(?P<key>IPv[46] Crypto IKEv2\s+(?:SA|Session)|"
            r"\d{1,12}\s+[0-9A-Fa-f.:]{3,45}/\d{1,5}\s+[0-9A-Fa-f.:]{3,45}/\d{1,5})"
        ),
        knows=re.compile(rf"\s{{0,16}}(?:IPv[46] Crypto IKEv2\s|{_ANY_V2})"),
        read=_read_ikev2,
    ),
    Layout(
        SnapshotFormat.ASA_IKEV1_SA,
        header=re.compile(
            rf"\s{{0,8}}(?:IKEv1 SAs:|\d{{1,6}}\s+IKE Peer: )|{_V1_OLD_HEADER.pattern}"
        ),
        heads=("IKE", "1  "),
        entity=re.compile(
            r"\s{0,4}(?P<key>IKEv1 SAs:|IKE Peer\s+Type\s+Dir|\d{1,6}\s+IKE Peer: \S{1,64})"
        ),
        knows=re.compile(
            r"\s{0,8}(?:IKEv1 SAs:|Active SA: |Rekey SA: |Total IKE SA: |\d{1,6}\s+IKE Peer: |"
            r"(?:Type|Rekey|Encrypt|Auth|Lifetime Remaining)\s{0,8}: |IKE Peer\s+Type\s|"
            rf"There are no IKEv1 SAs)|{_V1_OLD_ROW.pattern}"
        ),
        read=_read_asa_ikev1,
    ),
    Layout(
        SnapshotFormat.ASA_IKEV2_SA,
        header=re.compile(r"\s{0,8}(?:IKEv2 SAs:|Tunnel-id\s+Local\s.*Role\s*$)"),
        heads=("IKE", "Tun"),
        entity=re.compile(
            r"\s{0,8}(?P<key>IKEv2 SAs:|"
            r"\d{1,12}\s+[0-9A-Fa-f.:]{3,45}/\d{1,5}\s+[0-9A-Fa-f.:]{3,45}/\d{1,5})"
        ),
        knows=re.compile(rf"\s{{0,16}}(?:IKEv2 SAs:|There are no IKEv2 SAs|{_ANY_V2})"),
        read=_read_ikev2,
    ),
)
