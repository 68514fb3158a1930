"""`show crypto ipsec sa`, with and without `detail`, of IOS, IOS XE and ASA.

Layouts: Cisco IOS Security Command Reference and ASA Series Command Reference, "show crypto ipsec
sa". ntc-templates has both, but attributes the counters of one flow to the next where a line is
lost, and knows neither several flows of one interface nor flows without SAs; hence this reader.

The counters belong to the flow (the pair of identities), not to one pair of SPIs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field

from analyzers.model.snapshot import ChildSnapshot, SaSnapshot, SnapshotFormat
from analyzers.snapshots.layout import MAX_NAME, Layout, Line
from analyzers.snapshots.spis import esp_spi

_INTERFACE: Final = re.compile(r"\s{0,4}interface: (\S{1,64})\s*$")
_PEER_HEADER: Final = re.compile(r"\s{0,4}peer address: (\S{1,64})\s*$")
_MAP: Final = re.compile(
    r"\s{0,8}Crypto map tag: (\S{1,64}?),(?: seq num: \d{1,6},)? local addr:? (\S{1,64})"
)
_LOCAL_IDENT: Final = re.compile(
    r"\s{0,8}local\s{1,4}[Ii]dent \([a-z/]{10,24}\):? \(([^)]{1,100})\)"
)
_REMOTE_IDENT: Final = re.compile(
    r"\s{0,8}remote\s{1,4}[Ii]dent\s{1,4}\([a-z/]{10,24}\):? \(([^)]{1,100})\)"
)
_PEER: Final = re.compile(r"\s{0,8}current[_-]peer:? ([^\s,]{1,64})(?: port (\d{1,5}))?")
_WITH_PORT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3})[:/](\d{1,5})$")
_ENCAPS: Final = re.compile(r"\s{0,8}#pkts encaps: (\d{1,20}),")
_DECAPS: Final = re.compile(r"\s{0,8}#pkts decaps: (\d{1,20}),")
_ERRORS: Final = re.compile(r"\s{0,8}#send errors:? (\d{1,20}), #recv errors:? (\d{1,20})")
_DETAIL_ERRORS: Final = re.compile(
    r"#pkts (no sa|encaps failed|internal err|invalid sa|decaps failed|invalid prot|verify failed|"
    r"invalid identity|invalid len|replay failed) ?(?:\((send|rcv|recv)\))?:? (\d{1,20})"
)
_ENDS: Final = re.compile(
    r"\s{0,8}local\s{1,4}crypto endpt\.: ([^\s,/]{1,64})(?:/(\d{1,5}))?,"
    r"\s{1,4}remote\s{1,4}crypto endpt\.: ([^\s,/]{1,64})(?:/(\d{1,5}))?"
)
_CURRENT_SPI: Final = re.compile(
    r"\s{0,8}current (in|out)bound spi ?: (?:0x)?([0-9A-Fa-f]{1,8})(?:\(|\s|$)"
)
_SECTION: Final = re.compile(r"\s{0,8}(in|out)bound (esp|ah|pcp) sas:")
_SPI: Final = re.compile(r"\s{0,12}spi: 0x([0-9A-Fa-f]{1,8}) ?\(")
_TRANSFORM: Final = re.compile(r"\s{0,12}transform: (\S{1,40}(?: \S{1,40}){0,3})")
_TIMING: Final = re.compile(
    r"\s{0,12}sa timing: ?remaining key lifetime \((?:k/|kB/)?sec\): "
    r"\(?(?:[^()/]{1,40}/)?(\d{1,10})(?:\)|\s*$)"
)
_STATUS: Final = re.compile(r"\s{0,12}(?:Status|SA State): (\w{1,20})")
_HEADER: Final = re.compile(
    r"\s{0,8}(?:interface: \S{1,64}\s*$|peer address: |Crypto map tag: \S{1,64}, |"
    r"local\s{1,4}ident \(|current_peer:? \S|#pkts encaps: \d)"
)

# A flow has two to four SAs; what is more is not an output of a device.
_MAX_SAS: Final = 64


class _Flow(Struct):
    """One pair of identities while its lines are read."""

    line: int
    interface: str = ""
    map_tag: str = ""
    local: str = ""
    peer: str = ""
    ports: tuple[int | None, int | None] = (None, None)
    local_ident: str = ""
    remote_ident: str = ""
    encaps: int | None = None
    decaps: int | None = None
    encap_errors: int | None = None
    decap_errors: int | None = None
    counter_line: int = 0
    current: dict[str, str] = field(default_factory=dict)
    """Direction ("in", "out") -> the SPI that the flow uses now."""
    spis: dict[str, list[str]] = field(default_factory=lambda: {"in": [], "out": []})
    remaining_s: dict[str, int] = field(default_factory=dict)
    transform: str = ""
    state: str = ""

    def child(self) -> ChildSnapshot:
        """The flow as the model has it."""
        inbound, outbound = self._pair()
        both = [self.local_ident, self.remote_ident]
        every = (*self.spis["in"], *self.spis["out"])
        remaining_s = self.remaining_s.get(outbound, self.remaining_s.get(inbound))
        return ChildSnapshot(
            line=self.counter_line or self.line,
            name=self.map_tag,
            flow=" === ".join(both) if any(both) else "",
            inbound_spi=inbound,
            outbound_spi=outbound,
            further_spis=tuple(dict.fromkeys(s for s in every if s not in {inbound, outbound})),
            state=self.state,
            encaps_packets=self.encaps,
            decaps_packets=self.decaps,
            encap_errors=self.encap_errors,
            decap_errors=self.decap_errors,
            remaining_s=remaining_s,
        )

    def _pair(self) -> tuple[str, str]:
        """The SPIs in use: the current ones, else the last outbound one and its counterpart."""
        into, out = self.spis["in"], self.spis["out"]
        outbound = self.current.get("out") or (out[-1] if out else "")
        inbound = self.current.get("in", "")
        if not inbound and into:
            place = out.index(outbound) if outbound in out else len(into) - 1
            inbound = into[min(place, len(into) - 1)]
        return inbound, outbound


class _Reader(Struct):
    peer: str
    interface: str = ""
    map_tag: str = ""
    local: str = ""
    section: tuple[str, str] = ("", "")
    spi: str = ""
    flow: _Flow | None = None
    flows: list[_Flow] = field(default_factory=list)

    def end_flow(self) -> None:
        """What follows belongs to another flow."""
        self.flow = None
        self.section, self.spi = ("", ""), ""

    def flow_for(self, line: int, taken: bool) -> _Flow:
        """The flow of a line; another one where the present flow has such a line already."""
        if self.flow is None or taken:
            self.end_flow()
            flow = _Flow(line, self.interface, self.map_tag, self.local, peer=self.peer)
            self.flows.append(flow)
            self.flow = flow
            return flow
        return self.flow

    def take(self, line: int, text: str) -> None:
        """Read one line."""
        stripped = text.lstrip()
        if stripped.startswith("#"):
            self._take_counters(line, text)
        elif found := _INTERFACE.match(text):
            self.end_flow()
            self.interface, self.map_tag, self.local = found[1], "", ""
        elif found := _PEER_HEADER.match(text):
            self.end_flow()
            self.interface, self.map_tag, self.local = "", "", ""
            self.peer = found[1].lower()
        elif found := _MAP.match(text):
            self.end_flow()
            self.map_tag, self.local = found[1], found[2].lower()
        elif stripped.startswith(("protected vrf", "Protected vrf")):
            if self.flow is not None and (self.flow.local_ident or self.flow.peer):
                self.end_flow()
        elif found := _LOCAL_IDENT.match(text):
            flow = self.flow_for(line, bool(self.flow and self.flow.local_ident))
            flow.local_ident = found[1]
        elif found := _REMOTE_IDENT.match(text):
            flow = self.flow_for(line, bool(self.flow and self.flow.remote_ident))
            flow.remote_ident = found[1]
        elif found := _PEER.match(text):
            self._take_peer(line, found)
        else:
            self._take_sa(line, text)

    def _take_peer(self, line: int, found: re.Match[str]) -> None:
        known = self.flow is not None and self.flow.peer not in {"", self.peer}
        flow = self.flow_for(line, known)
        address, port = found[1], found[2]
        if split := _WITH_PORT.match(address):
            address, port = split[1], split[2]
        flow.peer = address.lower()
        flow.ports = (flow.ports[0], int(port) if port else flow.ports[1])

    def _take_counters(self, line: int, text: str) -> None:
        if found := _ENCAPS.match(text):
            flow = self.flow_for(line, bool(self.flow and self.flow.encaps is not None))
            flow.encaps, flow.counter_line = int(found[1]), line
        elif found := _DECAPS.match(text):
            flow = self.flow_for(line, bool(self.flow and self.flow.decaps is not None))
            flow.decaps = int(found[1])
            flow.counter_line = flow.counter_line or line
        elif self.flow is None:
            return
        elif found := _ERRORS.match(text):
            self.flow.encap_errors, self.flow.decap_errors = int(found[1]), int(found[2])
        else:
            for kind, way, count in _DETAIL_ERRORS.findall(text):
                self._count_error(kind, way, int(count))

    def _count_error(self, kind: str, way: str, count: int) -> None:
        flow = self.flow
        if flow is None:
            return
        if way == "send" or kind in {"no sa", "encaps failed"}:
            flow.encap_errors = (flow.encap_errors or 0) + count
        else:
            flow.decap_errors = (flow.decap_errors or 0) + count

    def _take_sa(self, line: int, text: str) -> None:
        flow = self.flow
        if flow is None:
            return
        if found := _ENDS.match(text):
            flow.local = found[1].lower()
            if not flow.peer:
                flow.peer = found[3].lower()
            ports = (found[2], found[4])
            flow.ports = (
                int(ports[0]) if ports[0] and ports[0] != "0" else flow.ports[0],
                int(ports[1]) if ports[1] and ports[1] != "0" else flow.ports[1],
            )
        elif found := _CURRENT_SPI.match(text):
            flow.current[found[1]] = esp_spi(found[2])
        elif found := _SECTION.match(text):
            self.section, self.spi = (found[1], found[2]), ""
        elif self.section[1] in {"esp", "ah"}:
            self._take_spi(flow, text)

    def _take_spi(self, flow: _Flow, text: str) -> None:
        if found := _SPI.match(text):
            known = flow.spis[self.section[0]]
            self.spi = esp_spi(found[1])
            if self.spi and self.spi not in known and len(known) < _MAX_SAS:
                known.append(self.spi)
        elif found := _TRANSFORM.match(text):
            flow.transform = flow.transform or found[1].rstrip(" ,")
        elif self.spi and (found := _TIMING.match(text)):
            flow.remaining_s[self.spi] = int(found[1])
        elif found := _STATUS.match(text):
            flow.state = flow.state or found[1]


def _read(lines: Sequence[Line], peer: str) -> tuple[SaSnapshot, ...]:
    reader = _Reader(peer)
    for number, text in lines:
        reader.take(number, text)
    entries: dict[tuple[str, str, str], list[_Flow]] = {}
    for flow in reader.flows:
        entries.setdefault((flow.interface, flow.local, flow.peer), []).append(flow)
    return tuple(
        SaSnapshot(
            line=flows[0].line,
            name=interface,
            local=local,
            remote=remote,
            local_port=flows[0].ports[0],
            remote_port=flows[0].ports[1],
            encryption=flows[0].transform[:MAX_NAME],
            children=tuple(flow.child() for flow in flows),
        )
        for (interface, local, remote), flows in entries.items()
    )


LAYOUTS: Final = (
    Layout(
        SnapshotFormat.CISCO_IPSEC_SA,
        header=_HEADER,
        heads=("int", "pee", "Cry", "loc", "cur", "   "),
        entity=re.compile(r"\s{0,4}(?P<key>(?:interface|peer address): \S{1,64})"),
        knows=re.compile(
            r"\s{0,12}(?:interface: |peer address: |Crypto map tag: |[Pp]rotected vrf|"
            r"local\s{1,4}(?:[Ii]dent|crypto)|remote\s{1,4}[Ii]dent|current[_ -]|##?[a-zA-Z]|"
            r"(?:in|out)bound (?:esp|ah|pcp) sas:|spi: |transform: |sa timing: ?|Status: |"
            r"SA State: |in use settings|conn id: |slot: |IV size: |replay detection|"
            r"PFS \(Y/N\)|plaintext mtu|path mtu|PERMIT, |access-list )"
        ),
        read=_read,
    ),
)
