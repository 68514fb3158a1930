"""Why nothing was found, in sentences: an empty result explains itself."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.model.peer import PeerView
from analyzers.model.records import ProblemKind, SourceInfo


def diagnosis(sources: Sequence[SourceInfo], peers: Sequence[PeerView]) -> list[str]:
    """Sentences for people; empty when something was found."""
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
            " peer cannot be told from ESP alone. Capture UDP ports 500 and 4500 as well."
        )
    deaf = [p for p in peers if any(q.kind is ProblemKind.CAPTURE_INSUFFICIENT for q in p.problems)]
    if deaf and len(deaf) == len(peers):
        said.append(
            "Only one direction was captured: silence and missing answers say nothing then."
            " Capture both directions (a mirror port often sends one only)."
        )
    return said


def _silent_logs(logs: Sequence[SourceInfo]) -> list[str]:
    lines = sum(s.lines for s in logs)
    crypto = sum(s.log_lines for s in logs)
    return [
        f"{crypto} of {lines} log lines are of a known dialect, but none of them says anything of a"
        " peer: no liveness question, no answer, no Delete, no SA going up or down.",
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
    said.append(
        "IKE is looked for on UDP ports 500 and 4500 and in TCP port 4500;"
        " name further ports with --port."
    )
    keepalives = sum(s.nat_keepalives for s in sources)
    if keepalives:
        said.append(f"There are {keepalives} NAT keepalives: a tunnel exists, but says nothing.")
    return said
