"""The report as Markdown, fit for a ticket: what happened, per peer, worst first.

Long lists are folded with a count: a ticket is read, the JSON is searched.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final

from analyzers.export import sentences, words
from analyzers.export.causes import hint_words
from analyzers.export.content import Content
from analyzers.export.exchanges import delete_outcome
from analyzers.export.inputs import counts_of
from analyzers.export.instants import optional_utc
from analyzers.export.markdown_findings import findings
from analyzers.export.story import arriving, broken_way, fate_of
from analyzers.export.unlisted import NOT_SHOWN, hidden_holes
from analyzers.export.untrusted import markdown_text
from analyzers.export.verdict import verdict_of
from analyzers.model.black_hole import BlackHole, StopBasis
from analyzers.model.exchange import Delete, Exchange, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Problem, Ref, SourceInfo

# Rows of one table, and peers with a section of their own: about ten screens of a ticket.
MAX_ROWS: Final = 20
MAX_SECTIONS: Final = 20

_MILLISECONDS: Final = 3
_UNKNOWN: Final = "–"

_STATE_ORDER: Final = (
    PeerState.DEAD,
    PeerState.PROBING,
    PeerState.QUESTIONABLE,
    PeerState.DELETED,
    PeerState.UNKNOWN,
    PeerState.ALIVE,
)


def chunks(content: Content, *, ascii_only: bool = False) -> Iterator[str]:
    """The document, line by line; with `ascii_only` its own arrows and dashes are ASCII too."""
    for line in _document(content):
        yield (_ascii(line) if ascii_only else line) + "\n"


def _ascii(line: str) -> str:
    plain = line.replace("→", "->").replace("–", "-").replace("…", "...")
    return plain.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _document(content: Content) -> Iterator[str]:
    peers = sorted(content.peers, key=_severity)
    yield "# IPsec liveness report"
    yield ""
    yield f"**{_headline(peers, filtered=bool(content.filter))}**"
    for sentence in content.diagnosis:
        yield ""
        yield markdown_text(sentence)
    yield ""
    yield "## Input"
    yield ""
    yield from _table(
        ("input", "format", "content", "from (UTC)", "to (UTC)"),
        [_source_row(info) for info in content.sources],
    )
    yield from _problems(_problem(info, p) for info in content.sources for p in info.problems)
    if peers:
        yield ""
        yield "## Peers"
        yield ""
        yield from _table(
            ("peer", "local → remote", "IKE", "state", "exchanges", "unanswered", "retries",
             "Deletes", "black holes"),
            [_peer_row(peer) for peer in peers],
        )  # fmt: skip
    told_findings = list(findings(content))
    if told_findings:
        yield ""
        yield from told_findings
    told = [peer for peer in peers if _worth_a_section(peer)]
    for peer in told[:MAX_SECTIONS]:
        yield ""
        yield from _section(peer)
    if len(told) > MAX_SECTIONS:
        yield ""
        yield f"… and {len(told) - MAX_SECTIONS} more peers with events: see the JSON report."
    yield ""
    yield f"Written by dpdlab {markdown_text(content.version)}. Times are UTC."


def _severity(peer: PeerView) -> tuple[float, int, int, int]:
    """Worst first: what was lost, then the state, then what was not answered."""
    unanswered = sentences.outcome_counts(peer.exchanges)[Outcome.UNANSWERED]
    lost_s = sum(hole.max_seconds for hole in peer.black_holes)
    return (-lost_s, _STATE_ORDER.index(peer.state), -unanswered, peer.first_ns)


def _worth_a_section(peer: PeerView) -> bool:
    return bool(
        peer.black_holes
        or peer.deletes
        or peer.hints
        or peer.state is not PeerState.ALIVE
        or any(exchange.outcome is Outcome.UNANSWERED for exchange in peer.exchanges)
    )


def _headline(peers: Sequence[PeerView], *, filtered: bool) -> str:
    if not peers:
        return "Nothing matches the filter." if filtered else "No IPsec peer was found."
    said = "; ".join(part.text for part in verdict_of(peers, partial=filtered).parts)
    return markdown_text(f"{said[:1].upper()}{said[1:]}.")


def _source_row(info: SourceInfo) -> tuple[str, ...]:
    return (
        f"{info.id}: {info.path}",
        info.format,
        ", ".join(counts_of(info)) or _UNKNOWN,
        _moment(info.first_ns),
        _moment(info.last_ns),
    )


def _peer_row(peer: PeerView) -> tuple[str, ...]:
    versions = peer.ike_versions
    outcomes = sentences.outcome_counts(peer.exchanges)
    lost_s = sum(hole.max_seconds for hole in peer.black_holes)
    hidden = hidden_holes(peer)
    holes = f"{len(peer.black_holes)} (at most {lost_s:.1f} s)" if peer.black_holes else "0"
    if hidden and not peer.black_holes:
        holes = f"{hidden} {NOT_SHOWN}"
    asked_nothing = NOT_SHOWN if peer.whole.exchanges and not peer.exchanges else ""
    return (
        peer.id,
        f"{peer.local} → {peer.remote}",
        ", ".join(f"v{version}" for version in versions) or _UNKNOWN,
        f"{words.peer_word(peer)} ({peer.confidence})",
        asked_nothing or str(len(peer.exchanges)),
        asked_nothing or str(outcomes[Outcome.UNANSWERED]),
        asked_nothing or str(sum(exchange.retries for exchange in peer.exchanges)),
        str(len(peer.deletes)) if len(peer.deletes) or not peer.whole.deletes else NOT_SHOWN,
        holes,
    )


def _section(peer: PeerView) -> Iterator[str]:
    yield f"## {peer.id}: {markdown_text(f'{peer.local} → {peer.remote}')}"
    yield ""
    yield (
        f"{words.peer_word(peer).capitalize()} ({peer.confidence}), last proof of life"
        f" {_moment(peer.last_proof_ns)}. {sentences.liveness(peer)}"
    )
    if peer.black_holes:
        there = arriving(peer)
        yield ""
        yield "### Black holes"
        yield ""
        yield from _table(
            ("id", "broken way", "class", "seconds", "packets", "first exposed", "end",
             "recovered", "confidence"),
            [_black_hole_row(hole, there) for hole in peer.black_holes],
        )  # fmt: skip
        yield ""
        for hole in peer.black_holes[:MAX_ROWS]:
            yield f"- **{hole.id}**: {markdown_text(sentences.black_hole(hole))}"
    unanswered = [e for e in peer.exchanges if e.outcome is Outcome.UNANSWERED]
    if unanswered:
        yield ""
        yield "### Unanswered exchanges"
        yield ""
        yield from _table(
            ("id", "kind", "prober", "first sent", "last sent", "transmissions", "gave up",
             "known by", "place"),
            [_exchange_row(exchange) for exchange in unanswered],
        )  # fmt: skip
    if peer.deletes:
        yield ""
        yield "### Deletes"
        yield ""
        yield from _table(
            ("at", "sender", "removes", "SPIs", "reason", "outcome", "known by", "place"),
            [_delete_row(delete) for delete in peer.deletes],
        )
    yield from _evidence(peer)


def _evidence(peer: PeerView) -> Iterator[str]:
    yield ""
    yield "### What is certain, what is inferred"
    yield ""
    for sentence in sentences.knowledge(peer):
        yield f"- {markdown_text(sentence)}"
    for policy in peer.policies[:MAX_ROWS]:
        yield f"- {markdown_text(f'Policy of {policy.holder} ({policy.basis}): {policy.evidence}')}"
    for hint in peer.hints[:MAX_ROWS]:
        said = f"Hint, no proof, at {_moment(hint.at_ns)} from {hint.sender}: {hint_words(hint)}"
        yield f"- {markdown_text(said)}"
    if len(peer.hints) > MAX_ROWS:
        yield f"- … and {len(peer.hints) - MAX_ROWS} more hints"
    yield from _problems(_problem(None, problem) for problem in peer.problems)


# A log that tells of no Delete tells that the SA is gone.
_ENDED: Final = {StopBasis.DELETE: "SA removed"}


def _black_hole_row(hole: BlackHole, there: Container[str]) -> tuple[str, ...]:
    sender, receiver = broken_way(hole, there)
    return (
        hole.id,
        f"{sender} → {receiver}",
        sentences.class_named(hole),
        f"{hole.min_seconds:.3f} to {hole.max_seconds:.3f}",
        f"{hole.min_packets:,} to {hole.max_packets:,}{fate_of(hole, there)}"
        if hole.traffic_known
        else words.packets_counted([hole]) or "unknown",
        _moment(hole.first_exposed_ns),
        f"{_moment(hole.stop_ns)} ({_ENDED.get(hole.stop_basis, hole.stop_basis)})",
        _moment(hole.recovered_ns),
        hole.class_confidence,
    )


def _exchange_row(exchange: Exchange) -> tuple[str, ...]:
    return (
        exchange.id,
        exchange.kind,
        exchange.prober,
        _moment(exchange.first_ns),
        _moment(exchange.last_ns),
        str(len(exchange.transmissions)),
        _moment(exchange.verdict_ns),
        f"{exchange.basis} ({exchange.confidence})",
        _place(exchange.transmissions[0].ref),
    )


def _delete_row(delete: Delete) -> tuple[str, ...]:
    spis = ", ".join(delete.spis[:MAX_ROWS])
    more = f", … {len(delete.spis) - MAX_ROWS} more" if len(delete.spis) > MAX_ROWS else ""
    return (
        _moment(delete.at_ns),
        delete.sender,
        delete.protocol,
        spis + more or _UNKNOWN,
        delete.reason,
        delete_outcome(delete) or _UNKNOWN,
        f"{delete.basis} ({delete.confidence})",
        _place(delete.ref),
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows[:MAX_ROWS]:
        yield f"| {' | '.join(markdown_text(cell) for cell in row)} |"
    if len(rows) > MAX_ROWS:
        yield ""
        yield f"… and {len(rows) - MAX_ROWS} more rows: see the JSON report."


def _problems(lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield ""
        yield "Problems of the input:"
        yield ""
    for line in listed[:MAX_ROWS]:
        yield f"- {markdown_text(line)}"
    if len(listed) > MAX_ROWS:
        yield f"- … and {len(listed) - MAX_ROWS} more"


def _problem(info: SourceInfo | None, problem: Problem) -> str:
    place = _place(problem.ref) if problem.ref else ("" if info is None else info.id)
    times = f" ({problem.count:,} times)" if problem.count > 1 else ""
    return f"{place + ': ' if place else ''}{problem.kind}{times}: {problem.detail}"


def _place(ref: Ref) -> str:
    return f"{ref.source}:{ref.record}"


def _moment(at_ns: int | None) -> str:
    return optional_utc(at_ns, digits=_MILLISECONDS, missing=_UNKNOWN)
