"""The top of the page: the verdict, the findings, the peers, the inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import htpy
from htpy import Element, Node

from analyzers.export import words
from analyzers.export.content import Content
from analyzers.export.exchanges import median_round_trip
from analyzers.export.formatting import (
    UNICODE,
    count,
    counted,
    duration,
    holes_seconds,
    peer_severity,
    state_glyph,
    utc_date,
    utc_time,
)
from analyzers.export.html.parts import (
    FINDING_SHADE,
    FINDING_SIGN,
    SHADE,
    badge,
    data,
    dotted,
    folded,
    more,
    state_badge,
)
from analyzers.export.html.scene import Scene, filters
from analyzers.export.html.tables import columns, stacked
from analyzers.export.inputs import clock_phrases, counts_of, span_of
from analyzers.export.inputs import folded as folded_problems
from analyzers.export.naming import Naming, address
from analyzers.export.problem_words import problem_rest, problem_word
from analyzers.export.story import packets_of
from analyzers.export.unlisted import NOT_SHOWN, hidden_holes
from analyzers.export.verdict import verdict_of
from analyzers.model.exchange import Outcome
from analyzers.model.finding import Finding
from analyzers.model.peer import PeerView
from analyzers.model.records import BENIGN_PROBLEMS, Problem, SourceInfo
from analyzers.model.time import ORDER_LIMIT_NS

FINDINGS_SHOWN: Final = 60
PEERS_SHOWN: Final = 200
INPUTS_SHOWN: Final = 60


def verdict(content: Content, peers: Sequence[PeerView]) -> Element:
    """The one line that answers the question, and what was read."""
    if not peers:
        what = "No peer found: there is nothing to report on." if content.sources else "No input."
        what = "Nothing matches the filter." if content.filter else what
        lead, then, shade, sign = what, [], "warn", UNICODE.questionable
    else:
        told = verdict_of(peers, partial=bool(content.filter))
        lead, then = told.parts[0].text, [part.text for part in told.parts[1:]]
        shade = SHADE[told.severity]
        sign = UNICODE.questionable if told.state is None else state_glyph(told.state, UNICODE)
    return htpy.header[
        htpy.h1["IPsec liveness report"],
        htpy.p(".verdict")[
            htpy.span(class_=f"lead {shade}")[
                htpy.span(".sign", aria_hidden="true")[f"{sign} "], _sentence(lead)
            ],
            htpy.span(".then")[_sentence("; ".join(part for part in then if part))],
        ],
        htpy.p(".facts")[dotted(_facts(content))],
        [htpy.p[sentence] for sentence in content.diagnosis],
    ]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _facts(content: Content) -> list[Node]:
    sources = content.sources
    starts = [s.first_ns for s in sources if s.first_ns is not None]
    ends = [s.last_ns for s in sources if s.last_ns is not None]
    facts: list[Node] = []
    if starts and max(ends) >= ORDER_LIMIT_NS:
        start_ns, end_ns = (
            min(at for at in starts if at >= ORDER_LIMIT_NS or len(starts) == 1),
            max(ends),
        )
        end = utc_time(end_ns, 0)
        if utc_date(end_ns) != utc_date(start_ns):
            end = f"{utc_date(end_ns)} {end}"
        facts.append(f"{utc_date(start_ns)} {utc_time(start_ns, 0)} to {end} UTC")
        facts.append(duration(end_ns - start_ns))
    facts.append(counted(len(sources), "input"))
    packets = sum(source.packets for source in sources)
    if packets:
        facts.append(counted(packets, "packet"))
    return facts


# --- findings -------------------------------------------------------------------------------


def findings(scene: Scene) -> Node:
    """What the rules say, as cards."""
    content = scene.content
    if not content.findings:
        return None
    told = content.findings[:FINDINGS_SHOWN]
    hidden = len(content.findings) - len(told)
    return htpy.section(aria_labelledby="findings")[
        htpy.h2("#findings")["Findings"],
        [finding_card(finding, scene) for finding in told],
        more(counted(hidden, "more finding") + ": see the JSON report") if hidden else None,
        _suppressed(content),
    ]


def finding_card(finding: Finding, scene: Scene) -> Element:
    """A finding with its evidence, its remedy and its source."""
    shade = FINDING_SHADE[finding.severity]
    where: list[Node] = []
    if finding.peer is not None:
        anchor = scene.anchors.get(finding.peer)
        where.append(htpy.a(href=f"#{anchor}")[finding.peer] if anchor else finding.peer)
    if finding.at_ns is not None and finding.at_ns >= ORDER_LIMIT_NS:
        where.append(f"{scene.naming.at(finding.at_ns)} UTC")
    where.append(words.CONFIDENCE[finding.confidence])
    where.append(data(finding.rule))
    return htpy.article(class_=f"card {shade}")[
        htpy.div(".head")[
            badge(finding.severity, shade, FINDING_SIGN[finding.severity]),
            htpy.h4[finding.title],
        ],
        htpy.p[finding.detail] if finding.detail else None,
        htpy.p[htpy.strong["Remedy: "], finding.remedy] if finding.remedy else None,
        htpy.p(".soft")[dotted([*where, *_evidence(finding, scene.naming)])],
        filters(scene.selector.of_finding(finding)),
    ]


def _evidence(finding: Finding, naming: Naming) -> list[Node]:
    parts: list[Node] = []
    if finding.refs:
        shown = [naming.place(ref) for ref in finding.refs[:4]]
        left = len(finding.refs) - len(shown)
        parts.append(", ".join(shown) + (f" and {left} more" if left else ""))
    if finding.reference:
        parts.append(finding.reference)
    return parts


def _suppressed(content: Content) -> Node:
    if not content.suppressed:
        return None
    entries = [
        htpy.li[f"{held.finding.title} (", data(held.finding.rule), f"): {held.reason}"]
        for held in content.suppressed[:FINDINGS_SHOWN]
    ]
    title = f"{counted(len(content.suppressed), 'finding')} suppressed"
    return folded(title, htpy.ul(".plain")[entries])


# --- peers ----------------------------------------------------------------------------------


def peer_table(peers: Sequence[PeerView], scene: Scene) -> Node:
    """All peers, worst first."""
    if not peers:
        return None
    shown = peers[:PEERS_SHOWN]
    head = columns(
        "Peer", "State", "Local → remote", "IKE", "Answered", "Retries", "RTT", "Deletes",
        "Black holes", numeric=("Answered", "Retries", "RTT", "Deletes"),
    )  # fmt: skip
    hidden = len(peers) - len(shown)
    return htpy.section(aria_labelledby="peers")[
        htpy.h2("#peers")["Peers, worst first" if len(peers) > 1 else "Peer"],
        stacked("Peers, worst first", head, [_peer_row(peer, scene.anchors) for peer in shown]),
        more(f"{counted(hidden, 'more peer')}: see the JSON report") if hidden else None,
    ]


def _peer_row(peer: PeerView, anchors: Mapping[str, str]) -> tuple[Node, ...]:
    versions = peer.ike_versions
    answered = sum(1 for x in peer.exchanges if x.outcome is Outcome.ANSWERED)
    asked = f"{count(answered)} of {count(len(peer.exchanges))}"
    hidden = peer.whole.exchanges and not peer.exchanges
    retries = sum(x.retries for x in peer.exchanges)
    no_delete = peer.whole.deletes and not peer.deletes
    anchor = anchors.get(peer.id)
    pair = f"{address(peer.local)} → {address(peer.remote)}"
    return (
        htpy.a(href=f"#{anchor}")[peer.id] if anchor else peer.id,
        state_badge(peer),
        pair,
        "+".join(f"v{version}" for version in versions) or UNICODE.none,
        asked if peer.exchanges else words.no_question(peer),
        NOT_SHOWN if hidden else count(retries),
        median_round_trip(peer) or UNICODE.none,
        NOT_SHOWN if no_delete else count(len(peer.deletes)),
        _holes(peer),
    )


def _holes(peer: PeerView) -> Node:
    holes = peer.black_holes
    if not holes:
        hidden = hidden_holes(peer)
        return f"{hidden} {NOT_SHOWN}" if hidden else UNICODE.none
    classes = dict.fromkeys(words.CLASS[hole.black_hole_class] for hole in holes)
    named = f"{counted(len(holes), 'black hole')} ({', '.join(classes)})"
    parts: list[Node] = [htpy.span(class_=SHADE[peer_severity(peer)])[named]]
    if any(hole.max_seconds > 0 for hole in holes):
        parts.append(holes_seconds(holes))
        packets = packets_of(peer)
        parts += [packets] if packets else []
    return dotted(parts)


# --- inputs ---------------------------------------------------------------------------------


def inputs(content: Content, naming: Naming) -> Node:
    """What was read, how its clock was put right, and what was wrong with it."""
    # Damaged inputs are the ones to see.
    ordered = sorted(content.sources, key=lambda s: not s.problems)
    few = len(ordered) <= INPUTS_SHOWN
    shown = content.sources if few else ordered[:INPUTS_SHOWN]
    hidden = len(content.sources) - len(shown)
    return htpy.section(aria_labelledby="inputs")[
        htpy.h2("#inputs")["Inputs" if len(content.sources) > 1 else "Input"],
        [_input(content, source, naming) for source in shown],
        more(f"{counted(hidden, 'more input')}: see the JSON report") if hidden else None,
    ]


def _input(content: Content, source: SourceInfo, naming: Naming) -> Element:
    label = f"{source.id} " if naming.several_sources else ""
    what = ["configuration"] if source.kind == "config" else span_of(source)
    clocks = clock_phrases(source, content.alignments)
    return htpy.div(".input")[
        htpy.div(".name")[htpy.span(".soft")[label], data(source.path)],
        htpy.div(".soft")[dotted([source.format, *what, *counts_of(source)])],
        [htpy.div(".soft")[phrase] for phrase in clocks],
        problems(source.problems, naming),
    ]


def problems(found: Sequence[Problem], naming: Naming) -> Node:
    """Problems, one entry a kind: how often, what, where first."""
    if not found:
        return None
    return htpy.ul(".plain")[
        [_problem(problem, number, naming) for problem, number in folded_problems(found)]
    ]


def _problem(problem: Problem, number: int, naming: Naming) -> Element:
    benign = problem.kind in BENIGN_PROBLEMS
    text = problem_word(problem.kind)
    if number > 1:
        text += f", {count(number)} ×"
    if problem.ref is not None:
        text += f", {'first ' if number > 1 else ''}{naming.place(problem.ref)}"
    shade, sign = ("mute", "i") if benign else ("warn", UNICODE.questionable)
    return htpy.li[
        badge(problem_word(problem.kind), shade, sign),
        text.removeprefix(problem_word(problem.kind)),
        problem_rest(problem.kind, problem.detail),
    ]
