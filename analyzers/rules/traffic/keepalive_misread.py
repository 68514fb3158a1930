"""keepalive-misread: NAT keepalives, and not one liveness question."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.model.observations import Encapsulation
from analyzers.model.peer import PeerView
from analyzers.model.records import SourceInfo
from analyzers.model.time import seconds
from analyzers.rules.rule import Found, Needs
from analyzers.rules.run import Run, RunRule
from analyzers.rules.timers.evidence import spoken


def _check(run: Run) -> Iterator[Found]:
    for info in run.sources:
        if info.kind != "capture" or not info.nat_keepalives:
            continue
        peers = [p for p in run.peers if _is_in(p, info)]
        if peers and not any(p.exchanges or p.unknown_informationals for p in peers):
            yield from _found(run, info, peers)


def _is_in(peer: PeerView, info: SourceInfo) -> bool:
    return any(m.ref.source == info.id for m in peer.messages)


def _found(run: Run, info: SourceInfo, peers: list[PeerView]) -> Iterator[Found]:
    encapsulated = [
        p
        for p in peers
        if any(f.encapsulated for f in p.esp_flows)
        or any(m.encapsulation is Encapsulation.NON_ESP_MARKER for m in p.messages)
    ]
    if not encapsulated:
        return
    longest = max(encapsulated, key=lambda p: p.last_ns - p.first_ns)
    lasted_s = seconds(longest.last_ns - longest.first_ns)
    if lasted_s <= run.thresholds.one_way_s:
        return
    only = encapsulated[0] if len(encapsulated) == 1 else None
    between = (
        f"{only.local} and {only.remote}" if only else f"the ends of {len(encapsulated)} tunnels"
    )
    count = info.nat_keepalives
    said = "1 NAT keepalive" if count == 1 else f"{count} NAT keepalives"
    first = next(m.ref for m in longest.messages if m.ref.source == info.id)
    yield Found(
        f"{said} went between {between}, but within {spoken(lasted_s)} no liveness question:"
        " nothing answers a keepalive, so it proves nothing.",
        (first,),
        peer=only.id if only else None,
        at_ns=longest.first_ns,
    )


RULE = RunRule(
    id="keepalive-misread",
    severity=Severity.INFO,
    title="There are NAT keepalives, but no liveness checks",
    rationale=(
        "A NAT keepalive is one byte that keeps a mapping open. Nobody answers it, anybody may send"
        " it: it must not be taken for a sign of life, though it looks like one in a capture."
    ),
    remedy="Do not rely on keepalives; switch liveness checks on at the end that sends traffic.",
    source="RFC 3948 section 4; RFC 7296 section 2.4",
    needs=(Needs.CAPTURE,),
    traps=(
        "liveness questions are there as well, or Informationals that may be some",
        "a capture of a minute, in which no question was due",
    ),
    check=_check,
)
