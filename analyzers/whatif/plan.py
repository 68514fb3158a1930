"""Planning without a capture: detection times, the load of a hub, and the hold time of routing.

The peers of a fleet have clocks and packets spread evenly, so its figures are the same every time.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analyzers.whatif.timing import LOSS_RATES, Span, Timing, Trigger, false_death

# Clocks that stand for all places that one can have.
_CLOCKS: Final = 1000
_MOST_PEERS: Final = 10_000_000
# Multiples of it, without their whole part, fill an interval evenly in any number.
_GOLDEN: Final = 0.6180339887498949


class Demand(Struct, frozen=True):
    """What a policy has to do. Durations in seconds."""

    every_s: float | None = None
    """One packet to send every so often; None: traffic without a pause."""
    peers: int = 1
    target_s: float | None = None
    """A peer that is gone must be given up within this."""
    hold_s: float | None = None
    """Hold time of a routing protocol over the tunnel; None: static routes."""
    both_ends_ask: bool = False


class Fleet(Struct, frozen=True):
    """When each of many peers of a dead hub gives it up, in seconds after it had gone."""

    first_s: float
    median_s: float
    mean_s: float
    late_s: float
    """95 of 100 have noticed."""
    last_s: float


class HubLoad(Struct, frozen=True):
    """Messages a second at a node with many peers: questions and answers."""

    at_most: float
    """Where no traffic keeps anyone from asking."""
    amid_traffic: float
    """With the traffic of the demand on every tunnel, both ways."""
    together: int
    """In one second, where all clocks were started together."""


class RoutingRules(Struct, frozen=True):
    """The two published rules on DPD beside a routing protocol over the same tunnel."""

    hold_s: float
    backstop: bool
    """DPD is the backstop: its worst case is longer than the hold time."""
    routing_first: bool
    """Routing has converged before IKE gives the peer up, even where that comes soonest."""


class Plan(Struct, frozen=True):
    """What to expect of a policy under a demand."""

    timing: Timing
    verdict: Span | None
    """Seconds after the peer has gone: the earliest and the latest; None: never."""
    fleet: Fleet | None
    hub: HubLoad
    routing: RoutingRules | None
    meets_target: bool | None
    """None without a target."""
    false_deaths: tuple[tuple[float, float], ...]
    """Packet loss each way, and the chance that a live peer is given up with one question."""


def plan(timing: Timing, demand: Demand, *, with_fleet: bool = True) -> Plan:
    """What a policy does under a demand; `with_fleet`: peer by peer too."""
    verdict = timing.verdict(demand.every_s)
    routing = None
    if demand.hold_s is not None:
        routing = RoutingRules(
            hold_s=demand.hold_s,
            backstop=verdict is not None and verdict.last_s > demand.hold_s,
            routing_first=verdict is not None and verdict.first_s >= demand.hold_s,
        )
    meets: bool | None = None
    if demand.target_s is not None:
        meets = verdict is not None and verdict.last_s <= demand.target_s + 1e-9
    questions = len(timing.waits_s)
    return Plan(
        timing=timing,
        verdict=verdict,
        fleet=fleet(timing, demand) if with_fleet else None,
        hub=_hub(timing, demand),
        routing=routing,
        meets_target=meets,
        false_deaths=tuple((loss, false_death(questions, loss)) for loss in LOSS_RATES),
    )


def fleet(timing: Timing, demand: Demand) -> Fleet | None:
    """When the peers of a hub notice that it is gone; None: never."""
    if timing.trigger is Trigger.NEVER:
        return None
    count = min(max(demand.peers, _CLOCKS), _MOST_PEERS)
    place = (np.arange(count) + 0.5) / count
    own_clock = place * timing.interval_s
    packet = np.zeros(count)
    if demand.every_s is not None:
        packet = np.modf((np.arange(count) + 0.5) * _GOLDEN)[0] * demand.every_s
    asked = _asked(timing, own_clock, packet, demand.every_s)
    times = np.sort(asked) + timing.probing_s
    return Fleet(
        first_s=float(times[0]),
        median_s=float(np.median(times)),
        mean_s=float(times.mean()),
        late_s=float(times[min(count - 1, int(0.95 * count))]),
        last_s=float(times[-1]),
    )


def _asked(
    timing: Timing,
    own_clock: NDArray[np.float64],
    packet: NDArray[np.float64],
    every_s: float | None,
) -> NDArray[np.float64]:
    """(n,) when each peer first asks; `own_clock`: its first tick, `packet`: its first packet."""
    interval_s = timing.interval_s
    match timing.trigger:
        case Trigger.PERIODIC:
            return own_clock
        case Trigger.ON_DEMAND if every_s is not None:
            pauses = np.ceil(np.maximum(0.0, interval_s - packet) / every_s)
            return np.asarray(packet + every_s * pauses)
        case Trigger.EACH_INTERVAL:
            return np.asarray(np.maximum(1.0, np.ceil(packet / interval_s)) * interval_s)
        case Trigger.FREE_RUNNING:
            ticks = np.maximum(1.0, np.ceil((packet - own_clock) / interval_s))
            return np.asarray(own_clock + interval_s * ticks)
    return np.full(len(own_clock), interval_s + timing.slack_s)


def _hub(timing: Timing, demand: Demand) -> HubLoad:
    if timing.trigger is Trigger.NEVER:
        return HubLoad(0.0, 0.0, 0)
    ends = 2 if demand.both_ends_ask else 1
    messages = 2 * ends * demand.peers
    amid = 0.0 if timing.trigger is not Trigger.PERIODIC else timing.questions_per_hour
    if demand.every_s is not None:
        amid = timing.questions_per_hour_amid(demand.every_s)
    return HubLoad(
        at_most=messages * timing.questions_per_hour / 3600,
        amid_traffic=messages * amid / 3600,
        together=messages,
    )
