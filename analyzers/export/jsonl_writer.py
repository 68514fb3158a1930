"""The report as JSON Lines: one object a line, each with its `type`, in time order.

Every line starts with `type`, `at_ns` (when its object begins; null for a problem, which has no
moment) and `peer` (null where it belongs to a source), and goes on with the fields that the
object has in the JSON report. A `peer` line holds what is known of the peer but its events:
those are lines of their own. A problem follows its source or its peer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Final, Literal

from msgspec import to_builtins
from msgspec.json import encode

from analyzers.export.content import Content
from analyzers.export.contract import SCHEMA_VERSION, Model
from analyzers.export.json_writer import ascii_escapes, terminal_escapes
from analyzers.export.report import (
    build_black_hole,
    build_delete,
    build_exchange,
    build_finding,
    build_header,
    build_message,
    build_peer_head,
    build_problem,
    build_suppressed,
)
from analyzers.export.schema import ReportSource
from analyzers.export.selections import Selector
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Delete, Exchange
from analyzers.model.finding import Finding, Suppressed
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.records import Problem, SourceInfo

LineType = Literal[
    "source",
    "peer",
    "exchange",
    "delete",
    "black_hole",
    "message",
    "finding",
    "question",
    "suppressed",
    "problem",
]

# Order of lines of the same moment: what others refer to comes first.
_SOURCE_RANK: Final = 0
_PEER_RANK: Final = 1
_BLACK_HOLE_RANK: Final = 2
_EXCHANGE_RANK: Final = 3
_DELETE_RANK: Final = 4
_FINDING_RANK: Final = 5
_MESSAGE_RANK: Final = 6

# When an object begins, its rank, and what writes its lines. Lines are made when their turn
# comes, so that sorting takes the memory of these tuples only.
_About = dict[str, int | bool | str]
_Entry = tuple[int, int, Callable[[], Iterator[str]]]

# A source without a packet comes before everything that has a time.
_BEFORE_ALL: Final = -(1 << 63)
_AFTER_ALL: Final = 1 << 63


def chunks(content: Content, *, ascii_only: bool = False) -> Iterator[str]:
    """The lines, escaped as in the JSON document."""
    escape = ascii_escapes if ascii_only else terminal_escapes
    entries: list[_Entry] = []
    for source in build_header(content.sources, version=content.version).sources:
        begin_ns = _BEFORE_ALL if source.first_ns is None else source.first_ns
        entries.append((begin_ns, _SOURCE_RANK, partial(_source_lines, source)))
    for peer in content.peers:
        entries.extend(_peer_entries(peer))
    selector = Selector(content.sources, content.peers)
    entries += [
        (_moment(finding), _FINDING_RANK, partial(_finding_lines, finding, selector))
        for finding in content.findings
    ]
    entries += [
        (_moment(one.finding), _FINDING_RANK, partial(_suppressed_lines, one))
        for one in content.suppressed
    ]
    # The sort is stable: equal moments keep the order of the report.
    entries.sort(key=itemgetter(0, 1))
    for _, _, lines in entries:
        yield from map(escape, lines())


def live_lines(
    item: PeerView | Exchange | Delete | BlackHole | IkeMessage | Finding,
    peer: PeerView | None,
    revision: int,
    selector: Selector,
    *,
    retracted: bool = False,
    became: str = "",
    last: bool = False,
    ascii_only: bool = False,
) -> Iterator[str]:
    """The line of something that has just become final, as the report would have it.

    `revision` counts how often it was told before; `retracted`: there was no such thing after all,
    or it is part of the one whose id is `became`.
    `last`: nothing follows, and a peer stands where the report has it. Of a finding `selector` has
    its packets.
    """
    escape = ascii_escapes if ascii_only else terminal_escapes
    owner = None if peer is None else peer.id
    about: _About = {"revision": revision}
    if retracted:
        about["retracted"] = True
    if became:
        about["became"] = became
    if isinstance(item, PeerView):
        # Its state is what is new: the line stands where that began.
        began_ns = item.states[-1].start_ns if revision and not last else item.first_ns
        yield escape(_line("peer", began_ns, item.id, build_peer_head(item), **about))
    else:
        yield escape(_live_line(item, owner, about, selector))


def question_line(
    *,
    peer: str,
    prober: str,
    responder: str,
    first_ns: int,
    sent: int,
    of: int | None,
    next_ns: int | None,
    verdict_ns: int | None,
    basis: str | None,
    spacing_basis: str | None,
    questionable_ns: int,
) -> str:
    """The line of a question that is open while it is told: asked `sent` times out of `of`.

    When it is asked again, and when the prober gives the peer up, by the policy known from
    `basis`; None where nobody can tell. `spacing_basis`: where the waits are known from, if the
    questions so far contradict those of the policy. `questionable_ns`: from when on the peer is in
    question.
    """
    head = {"type": "question", "at_ns": first_ns, "peer": peer}
    ends = {"prober": prober, "responder": responder}
    due = {"sent": sent, "of": of, "next_ns": next_ns, "verdict_ns": verdict_ns}
    known = {"basis": basis, "spacing_basis": spacing_basis}
    return _json({**head, **ends, **due, **known, "questionable_ns": questionable_ns})


def until_line(wanted: str, *, has_come: bool) -> str:
    """The last line of a session that waited for something: whether it has come."""
    return _json({"type": "until", "at_ns": None, "peer": None, "filter": wanted, "come": has_come})


def unwritten_line(lines: int) -> str:
    """In the place of lines that were not written, because nobody read them."""
    return _json({"type": "unwritten", "at_ns": None, "peer": None, "lines": lines})


def _live_line(
    item: Exchange | Delete | BlackHole | IkeMessage | Finding,
    owner: str | None,
    about: _About,
    selector: Selector,
) -> str:
    match item:
        case Exchange():
            model: Model = build_exchange(item)
            return _line("exchange", item.first_ns, owner, model, **about)
        case Delete():
            return _line("delete", item.at_ns, owner, build_delete(item), **about)
        case BlackHole():
            return _line("black_hole", item.begin_ns, owner, build_black_hole(item), **about)
        case IkeMessage():
            return _line("message", item.at_ns, owner, build_message(item), **about)
        case Finding():
            model = build_finding(item, selector.of_finding(item))
            return _line("finding", item.at_ns, owner, model, **about)


def source_lines(
    sources: Sequence[SourceInfo], version: str, *, ascii_only: bool = False
) -> Iterator[str]:
    """The lines of all sources, without their problems."""
    escape = ascii_escapes if ascii_only else terminal_escapes
    for source in build_header(sources, version=version).sources:
        yield escape(_source_line(source))


def problem_line(
    problem: Problem,
    *,
    source: str | None,
    peer: str | None,
    revision: int,
    retracted: bool = False,
    ascii_only: bool = False,
) -> str:
    """The line of a problem that became known, or of which there is more, see `live_lines`."""
    about: _About = {"revision": revision}
    if retracted:
        about["retracted"] = True
    escape = ascii_escapes if ascii_only else terminal_escapes
    return escape(_line("problem", None, peer, build_problem(problem), source=source, **about))


def _moment(finding: Finding) -> int:
    """What has no time is about all of it, and stands at the end."""
    return _AFTER_ALL if finding.at_ns is None else finding.at_ns


def _peer_entries(peer: PeerView) -> Iterator[_Entry]:
    yield peer.first_ns, _PEER_RANK, partial(_peer_lines, peer)
    for hole in peer.black_holes:
        yield hole.begin_ns, _BLACK_HOLE_RANK, partial(_black_hole_lines, peer.id, hole)
    for message in peer.messages:
        yield message.at_ns, _MESSAGE_RANK, partial(_message_lines, peer.id, message)
    for exchange in peer.exchanges:
        yield exchange.first_ns, _EXCHANGE_RANK, partial(_exchange_lines, peer.id, exchange)
    for delete in peer.deletes:
        yield delete.at_ns, _DELETE_RANK, partial(_delete_lines, peer.id, delete)


def _source_lines(source: ReportSource) -> Iterator[str]:
    yield _source_line(source)
    for problem in source.problems:
        yield _line("problem", None, None, problem, source=source.id)


def _source_line(source: ReportSource) -> str:
    return _line("source", source.first_ns, None, source, schema_version=SCHEMA_VERSION)


def _peer_lines(peer: PeerView) -> Iterator[str]:
    yield _line("peer", peer.first_ns, peer.id, build_peer_head(peer))
    for problem in peer.problems:
        yield _line("problem", None, peer.id, build_problem(problem), source=None)


def _black_hole_lines(peer: str, hole: BlackHole) -> Iterator[str]:
    yield _line("black_hole", hole.begin_ns, peer, build_black_hole(hole))


def _message_lines(peer: str, message: IkeMessage) -> Iterator[str]:
    yield _line("message", message.at_ns, peer, build_message(message))


def _exchange_lines(peer: str, exchange: Exchange) -> Iterator[str]:
    yield _line("exchange", exchange.first_ns, peer, build_exchange(exchange))


def _delete_lines(peer: str, delete: Delete) -> Iterator[str]:
    yield _line("delete", delete.at_ns, peer, build_delete(delete))


def _finding_lines(finding: Finding, selector: Selector) -> Iterator[str]:
    model = build_finding(finding, selector.of_finding(finding))
    yield _line("finding", finding.at_ns, finding.peer, model)


def _suppressed_lines(one: Suppressed) -> Iterator[str]:
    yield _line("suppressed", one.finding.at_ns, one.finding.peer, build_suppressed(one))


def _line(
    line_type: LineType, at_ns: int | None, peer: str | None, model: Model, **extra: object
) -> str:
    fields = to_builtins(model)
    if line_type == "source":
        # They are lines of their own.
        del fields["problems"]
    head = {"type": line_type, "at_ns": at_ns, "peer": peer, **extra}
    return _json(head | fields)


def _json(fields: dict[str, object]) -> str:
    return encode(fields).decode() + "\n"
