"""dpd-burst-synchronised: a node asks many of its peers at the same moment of each interval."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Final

from analyzers.configs.durations import spoken_s
from analyzers.model.finding import Severity
from analyzers.model.time import nanoseconds, seconds
from analyzers.rules.options import Thresholds
from analyzers.rules.rule import Found, Needs
from analyzers.rules.run import Run, RunRule
from analyzers.rules.topology.nodes import Asked, Node, nodes
from analyzers.rules.wording import few, spoken_ns, weakest

_FEWEST_PEERS: Final = 5
# So many bursts are a habit; once everything may come together.
_FEWEST_BURSTS: Final = 3
# Independent timers fall together by chance: a burst has to be less likely than this.
_CHANCE: Final = 0.01


def _check(run: Run) -> Iterator[Found]:
    for node in nodes(run, _FEWEST_PEERS):
        found = _judge(node, run.thresholds)
        if found is not None:
            yield found


def _judge(node: Node, thresholds: Thresholds) -> Found | None:
    asked = node.questions
    peers = {each.peer for each in asked}
    interval_s = _interval_s(asked)
    if len(peers) < _FEWEST_PEERS or interval_s is None:
        return None
    share = thresholds.burst_interval_share
    bursts = _bursts(asked, nanoseconds(share * interval_s), len(peers), thresholds.burst_share)
    bursts = [b for b in bursts if _by_chance(len(peers), _size(b), share) < _CHANCE]
    if len(bursts) < _FEWEST_BURSTS:
        return None
    sizes = [_size(burst) for burst in bursts]
    spread = max(burst[-1].at_ns - burst[0].at_ns for burst in bursts)
    return Found(
        f"{node.address} asked {round(median(sizes))} of its {len(peers)} peers within"
        f" {spoken_ns(spread)}, {len(bursts)} times; it asks each of them about every"
        f" {spoken_s(round(interval_s, 1))}.",
        few(each.exchange.transmissions[0].ref for burst in bursts for each in burst),
        confidence=weakest(each.exchange.confidence for burst in bursts for each in burst),
        at_ns=bursts[0][0].at_ns,
    )


def _interval_s(asked: list[Asked]) -> float | None:
    """How often a peer is asked, in the median over the peers."""
    times: dict[str, list[int]] = defaultdict(list)
    for each in asked:
        times[each.peer].append(each.at_ns)
    gaps = [
        median(seconds(after - before) for before, after in pairwise(own))
        for own in times.values()
        if len(own) > 1
    ]
    return median(gaps) if gaps else None


def _bursts(asked: list[Asked], width_ns: int, peers: int, least_share: float) -> list[list[Asked]]:
    """Spans of that width with questions to more than a share of the peers, one after another."""
    found: list[list[Asked]] = []
    start = end = 0
    while start < len(asked):
        while end < len(asked) and asked[end].at_ns - asked[start].at_ns <= width_ns:
            end += 1
        enough = end - start > least_share * peers
        if enough and _size(asked[start:end]) > least_share * peers:
            found.append(asked[start:end])
            start = end
        else:
            start += 1
    return found


def _size(burst: list[Asked]) -> int:
    return len({each.peer for each in burst})


def _by_chance(peers: int, together: int, share: float) -> float:
    """At most how likely so many of independent timers are within a share of the interval."""
    if together < 2 or share <= 0:
        return float(peers if together < 2 else 0)
    # Numbers of combinations of many peers are beyond a float, their logarithms are not.
    ways = math.lgamma(peers) - math.lgamma(together) - math.lgamma(peers - together + 1)
    return math.exp(min(0.0, math.log(peers) + ways + (together - 1) * math.log(share)))


RULE = RunRule(
    id="dpd-burst-synchronised",
    severity=Severity.INFO,
    title="Peers are all asked at the same moment",
    rationale=(
        "Timers that began together, after a restart say, stay together: the node sends its"
        " questions in bursts and gets the answers in bursts. Queues and policers drop from such"
        " bursts, and each drop starts retries."
    ),
    remedy="Give groups of peers different intervals, or ask on demand instead of periodically.",
    source="RFC 3706 section 4.2",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "a few peers fall together by chance",
        "a single burst is no habit",
        "stamps of whole seconds make bursts of what was spread",
    ),
    check=_check,
)
