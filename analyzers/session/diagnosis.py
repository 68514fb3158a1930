"""Why nothing was found, in sentences: an empty result explains itself."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.export.instants import utc
from analyzers.model.peer import PeerView
from analyzers.model.records import ProblemKind, SourceInfo

# From and to, ns; None where it is open.
Window = tuple[int | None, int | None]


def diagnosis(
    sources: Sequence[SourceInfo], peers: Sequence[PeerView], window: Window = (None, None)
) -> list[str]:
    """Sentences for people; empty when something was found in the whole of the input."""
    if window == (None, None):
        return _found(sources, peers)
    said = [_judged(window)]
    if peers or not any(s.packets or s.lines for s in sources):
        return said + (_one_way(peers, "in this window") if peers else [])
    first = min((s.first_ns for s in sources if s.first_ns is not None), default=0)
    last = max((s.last_ns for s in sources if s.last_ns is not None), default=0)
    return [
        *said,
        "Nothing of a peer lies in it: the input as far as it was read reaches from"
        f" {utc(first, digits=0)} to {utc(last, digits=0)}.",
    ]


def _judged(window: Window) -> str:
    """What a time window means for the report."""
    since, until = (None if at_ns is None else utc(at_ns, digits=3) for at_ns in window)
    begins = "from its beginning" if since is None else f"from {since}"
    ends = "to its end" if until is None else f"to {until}"
    return (
        f"Only a part of the input is judged (--since, --until), as if there were no more of it:"
        f" {begins} {ends}."
    )


def _found(sources: Sequence[SourceInfo], peers: Sequence[PeerView]) -> list[str]:
    captures = [s for s in sources if s.kind == "capture"]
    logs = [s for s in sources if s.kind == "log"]
    if not peers and logs:
        return _silent_logs(logs) + (_nothing_found(captures) if captures else [])
    if not captures:
        return []
    packets = sum(s.packets for s in captures)
    ike = sum(s.ike_messages for s in captures)
    esp = sum(s.esp_packets for s in captures)
    if ike == 0 and esp == 0:
        return _nothing_found(captures)
    said = []
    if ike == 0:
        said.append(
            f"There is ESP ({esp} packets) but no IKE in {packets} packets: the liveness of a"
            f" peer cannot be told from ESP alone. {_more_ike(captures)}"
        )
    return said + _one_way(peers, "")


def _more_ike(captures: Sequence[SourceInfo]) -> str:
    """What to capture so that IKE can be read."""
    if any(p.kind is ProblemKind.SNAPLEN_SHORT for s in captures for p in s.problems):
        return "Packets were cut by the snap length: capture them whole (-s 0)."
    return "A capture of UDP ports 500 and 4500 shows IKE, once something is asked or set up."


def _one_way(peers: Sequence[PeerView], where: str) -> list[str]:
    if not peers or not all(peer.unheard for peer in peers):
        return []
    if where:
        return [f"Only one direction was captured {where}: silence says nothing then."]
    return [
        "Only one direction was captured: silence and missing answers say nothing then."
        " Capture both directions (a mirror port often sends one only)."
    ]


def _silent_logs(logs: Sequence[SourceInfo]) -> list[str]:
    lines = sum(s.lines for s in logs)
    crypto = sum(s.log_lines for s in logs)
    if not crypto:
        return [
            f"None of {lines} log lines is of a known dialect.",
            "On Cisco IOS turn on `debug crypto isakmp` (IKEv1) or `debug crypto ikev2`;"
            " --dialect takes the table of another dialect.",
        ]
    known = "is of a known dialect, but it says nothing of a"
    if crypto > 1:
        known = "are of a known dialect, but none of them says anything of a"
    return [
        f"{crypto} of {lines} log lines {known} peer: no liveness question, no answer, no Delete,"
        " no SA going up or down.",
        "On Cisco IOS turn on `debug crypto isakmp` (IKEv1) or `debug crypto ikev2`; --unparsed"
        " lists the lines that nothing here understands.",
    ]


def _nothing_found(sources: Sequence[SourceInfo]) -> list[str]:
    packets = sum(s.packets for s in sources)
    if not packets:
        return ["There are no packets in the input."]
    seen: dict[str, int] = {}
    for source in sources:
        for name, count in source.protocols.items():
            seen[name] = seen.get(name, 0) + count
    common = sorted(seen.items(), key=lambda item: -item[1])[:6]
    said = [f"0 of {packets} packets are IKE, and none is ESP."]
    if common:
        listed = ", ".join(f"{name} ({count})" for name, count in common)
        said.append(f"What was seen instead: {listed}.")
    on_ports = sum(seen.get(f"udp:{port}", 0) for port in (500, 4500))
    if on_ports:
        said.append(
            f"{on_ports} of them went to or from an IKE port, but hold no IKE message: no version"
            " 1 or 2 in the header, or a length that is not theirs."
        )
    said.append(
        "IKE is looked for on UDP ports 500 and 4500 and in TCP port 4500;"
        " name further ports, of UDP or TCP (RFC 8229), with --port."
    )
    keepalives = sum(s.nat_keepalives for s in sources)
    if keepalives:
        said.append(f"There are {keepalives} NAT keepalives: a tunnel exists, but says nothing.")
    return said
