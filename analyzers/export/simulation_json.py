"""`simulate --format json`: black holes under policies, or a plan, as the report is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from analyzers.export.contract import (
    SCHEMA_VERSION,
    TOOL_NAME,
    Model,
    ReportTool,
    about,
)
from analyzers.export.json_writer import ascii_escapes, document, terminal_escapes
from analyzers.export.report import build_black_hole, build_policy
from analyzers.export.schema_peers import ReportBlackHole, ReportPolicy
from analyzers.export.untrusted import valid_unicode
from analyzers.model.policy import DpdPolicy
from analyzers.whatif.formula import worst_case_formula
from analyzers.whatif.plan import Plan
from analyzers.whatif.recommend import Recommendation
from analyzers.whatif.replay import Left
from analyzers.whatif.results import VALIDITY, Planned, Simulated
from analyzers.whatif.study import Candidate, Result, Study
from analyzers.whatif.timing import LOSS_RATES, Span, Timing, false_death


class SimulationSpan(Model, frozen=True):
    """A time that lies anywhere in between, each as likely; seconds after the last proof."""

    first_s: float
    last_s: float


class SimulationFalseDeath(Model, frozen=True):
    """The chance that a live peer is given up, once it is asked."""

    loss: Annotated[float, about("Packet loss each way.")]
    probability: float


class SimulationPolicy(Model, frozen=True):
    """A policy that was tried, and what it costs."""

    id: str
    label: str
    own: Annotated[bool, about("What the sender of the black hole does itself.")]
    recommended: bool
    policy: ReportPolicy
    worst_case: Annotated[str | None, about("The formula, with the numbers put in.")]
    probes_per_hour: Annotated[
        float | None,
        about("At most: where nothing that comes keeps the device from asking."),
    ]
    false_death: list[SimulationFalseDeath]
    why: list[str]
    config_lines: list[str]


class SimulationLeft(Model, frozen=True):
    """What a policy leaves of a black hole; null: it has no end, or nobody knows."""

    verdict: SimulationSpan | None
    seconds: float | None
    packets: int | None
    bytes: int | None
    soonest_seconds: float | None
    mean_seconds: float | None
    mean_packets: float | None
    at_least: Annotated[
        bool,
        about("The window ends after what was observed; packets and bytes count up to there."),
    ]


class SimulationResult(Model, frozen=True):
    """One policy in one black hole."""

    policy: str
    left: Annotated[
        SimulationLeft | None,
        about("With the peer gone at its last proof of life. Null: the timers are unknown."),
    ]
    left_if_gone_when_asked: Annotated[
        SimulationLeft | None,
        about("With the peer gone when it was first asked in vain."),
    ]
    saved_seconds: float | None
    saved_packets: int | None
    saved_bytes: int | None


class SimulationBlackHole(Model, frozen=True):
    """A black hole as it was, and under every policy."""

    peer: str
    observed: ReportBlackHole
    note: Annotated[str, about("Why no policy helps; results are those of routing then, or none.")]
    results: list[SimulationResult]


class SimulationReport(Model, frozen=True):
    """The document, with inputs."""

    schema_version: int
    tool: ReportTool
    target_s: Annotated[float | None, about("As it was asked for; null: the budget.")]
    routing_hold_s: float | None
    validity: str
    policies: list[SimulationPolicy]
    black_holes: list[SimulationBlackHole]


class PlanDemand(Model, frozen=True):
    """What was asked for."""

    packet_every_s: float | None
    peers: int
    both_ends_ask: bool
    target_s: float | None
    routing_hold_s: float | None


class PlanFleet(Model, frozen=True):
    """When each of many peers of a dead hub gives it up, s after it had gone."""

    first_s: float
    median_s: float
    mean_s: float
    late_s: Annotated[float, about("95 of 100 have noticed.")]
    last_s: float


class PlanHub(Model, frozen=True):
    """Messages a second at a node with all the peers: questions and answers."""

    messages_per_s_at_most: float
    messages_per_s_amid_traffic: float
    messages_in_one_second_if_started_together: int


class PlanRouting(Model, frozen=True):
    """The two published rules on DPD beside a routing protocol."""

    hold_s: float
    backstop: bool
    routing_first: bool


class PlanResult(Model, frozen=True):
    """What to expect of a policy."""

    verdict: SimulationSpan | None
    fleet: PlanFleet | None
    hub: PlanHub
    routing: PlanRouting | None
    meets_target: bool | None


class PlanRow(Model, frozen=True):
    """A policy under the demand; null: its timers are unknown."""

    policy: SimulationPolicy
    result: PlanResult | None


class PlanRecommendation(Model, frozen=True):
    """The cheapest policy of a product."""

    profile: str
    meets_demand: bool
    policy: SimulationPolicy
    result: PlanResult


class PlanReport(Model, frozen=True):
    """The document, without inputs."""

    schema_version: int
    tool: ReportTool
    demand: PlanDemand
    policies: list[PlanRow]
    recommended: list[PlanRecommendation]


def simulated_chunks(simulated: Simulated, *, ascii_only: bool = False) -> Iterator[str]:
    """The document with a line break after, harmless on a terminal."""
    yield _document(build_simulation(simulated), ascii_only)


def planned_chunks(planned: Planned, *, ascii_only: bool = False) -> Iterator[str]:
    """The document with a line break after, harmless on a terminal."""
    yield _document(build_plan(planned), ascii_only)


def _document(model: Model, ascii_only: bool) -> str:
    escape = ascii_escapes if ascii_only else terminal_escapes
    return escape(document(model)) + "\n"


def build_simulation(simulated: Simulated) -> SimulationReport:
    """Black holes under policies, as models."""
    tried = simulated.candidates
    ids = {(c.label, c.policy): f"q{number}" for number, c in enumerate(tried, start=1)}
    return SimulationReport(
        schema_version=SCHEMA_VERSION,
        tool=ReportTool(name=TOOL_NAME, version=simulated.version),
        target_s=simulated.target_s,
        routing_hold_s=simulated.hold_s,
        validity=VALIDITY,
        policies=[_policy(ids[c.label, c.policy], c) for c in tried],
        black_holes=[_black_hole(study, ids) for study in simulated.studies],
    )


def _black_hole(study: Study, ids: dict[tuple[str, DpdPolicy], str]) -> SimulationBlackHole:
    return SimulationBlackHole(
        peer=study.peer.id,
        observed=build_black_hole(study.hole),
        note=study.note,
        results=[
            _result(study, result, ids[result.candidate.label, result.candidate.policy])
            for result in study.results
        ],
    )


def _result(study: Study, result: Result, policy: str) -> SimulationResult:
    saved = result.saved(study.hole)
    return SimulationResult(
        policy=policy,
        left=_left(result.left),
        left_if_gone_when_asked=_left(result.least),
        saved_seconds=_rounded(saved.seconds),
        saved_packets=saved.packets,
        saved_bytes=saved.bytes,
    )


def _left(left: Left | None) -> SimulationLeft | None:
    if left is None:
        return None
    return SimulationLeft(
        verdict=_span(left.verdict),
        seconds=_rounded(left.worst.seconds),
        packets=left.worst.packets,
        bytes=left.worst.bytes,
        soonest_seconds=_rounded(left.soonest_seconds),
        mean_seconds=_rounded(left.mean_seconds),
        mean_packets=_rounded(left.mean_packets),
        at_least=left.at_least,
    )


def _policy(policy_id: str, candidate: Candidate) -> SimulationPolicy:
    timing = candidate.timing
    return SimulationPolicy(
        id=policy_id,
        label=valid_unicode(candidate.label),
        own=candidate.own,
        recommended=bool(candidate.why),
        policy=build_policy(candidate.policy),
        worst_case=None if timing is None else worst_case_formula(timing),
        probes_per_hour=None if timing is None else round(timing.questions_per_hour, 3),
        false_death=[] if timing is None else _false_deaths(timing),
        why=list(candidate.why),
        config_lines=list(candidate.lines),
    )


def _false_deaths(timing: Timing) -> list[SimulationFalseDeath]:
    questions = len(timing.waits_s)
    return [
        SimulationFalseDeath(loss=loss, probability=false_death(questions, loss))
        for loss in LOSS_RATES
    ]


def build_plan(planned: Planned) -> PlanReport:
    """A plan as models."""
    demand = planned.demand
    return PlanReport(
        schema_version=SCHEMA_VERSION,
        tool=ReportTool(name=TOOL_NAME, version=planned.version),
        demand=PlanDemand(
            packet_every_s=demand.every_s,
            peers=demand.peers,
            both_ends_ask=demand.both_ends_ask,
            target_s=demand.target_s,
            routing_hold_s=demand.hold_s,
        ),
        policies=[
            PlanRow(
                policy=_policy(f"q{number}", candidate),
                result=None if plan is None else _plan(plan),
            )
            for number, (candidate, plan) in enumerate(planned.rows, start=1)
        ],
        recommended=[
            _recommendation(profile, found, f"r{number}")
            for number, (profile, found) in enumerate(planned.recommended, start=1)
        ],
    )


def _recommendation(profile: str, found: Recommendation, policy_id: str) -> PlanRecommendation:
    candidate = Candidate(profile, found.policy, why=found.why, lines=found.lines, met=found.met)
    return PlanRecommendation(
        profile=profile,
        meets_demand=found.met,
        policy=_policy(policy_id, candidate),
        result=_plan(found.plan),
    )


def _plan(plan: Plan) -> PlanResult:
    fleet, routing, hub = plan.fleet, plan.routing, plan.hub
    return PlanResult(
        verdict=_span(plan.verdict),
        fleet=None
        if fleet is None
        else PlanFleet(
            first_s=round(fleet.first_s, 3),
            median_s=round(fleet.median_s, 3),
            mean_s=round(fleet.mean_s, 3),
            late_s=round(fleet.late_s, 3),
            last_s=round(fleet.last_s, 3),
        ),
        hub=PlanHub(
            messages_per_s_at_most=round(hub.at_most, 6),
            messages_per_s_amid_traffic=round(hub.amid_traffic, 6),
            messages_in_one_second_if_started_together=hub.together,
        ),
        routing=None
        if routing is None
        else PlanRouting(
            hold_s=routing.hold_s,
            backstop=routing.backstop,
            routing_first=routing.routing_first,
        ),
        meets_target=plan.meets_target,
    )


def _span(span: Span | None) -> SimulationSpan | None:
    if span is None:
        return None
    return SimulationSpan(first_s=round(span.first_s, 6), last_s=round(span.last_s, 6))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
