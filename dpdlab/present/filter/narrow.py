"""A report reduced to what a filter keeps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from analyzers.export.content import Content
from analyzers.export.sentences import counted
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Delete, Exchange
from analyzers.model.finding import Finding
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.records import Problem
from dpdlab.present.filter.facts import Item, Surroundings, refs_of
from dpdlab.present.filter.predicate import Filter

_Part = TypeVar("_Part", Exchange, Delete, BlackHole, IkeMessage, Problem)


def narrowed(content: Content, wanted: Filter) -> Content:
    """The content with what matches, and a sentence in its diagnosis that says so.

    A peer stays if it matches itself or anything of it does, and keeps those of its exchanges,
    Deletes, black holes, messages, problems and findings that match. Messages that these rest on
    stay with them. Its state, SAs, flows, policies and counters are those of the whole peer, which
    it keeps for what is judged; sources are left as they are.
    """
    if wanted.takes_all:
        return content
    paths = {source.id: source.path for source in content.sources}
    around = {peer.id: Surroundings(peer, paths) for peer in content.peers}
    nobody = Surroundings(None, paths)

    def kept(finding: Finding) -> bool:
        return wanted.matches(around.get(finding.peer or "", nobody), finding)

    findings = tuple(finding for finding in content.findings if kept(finding))
    of_peer: defaultdict[str | None, list[Finding]] = defaultdict(list)
    for finding in findings:
        of_peer[finding.peer].append(finding)
    peers = [
        part
        for peer in content.peers
        if (part := _peer(around[peer.id], peer, wanted, of_peer[peer.id])) is not None
    ]
    reduced = replace(
        content,
        peers=tuple(peers),
        findings=findings,
        suppressed=tuple(one for one in content.suppressed if kept(one.finding)),
    )
    if not (content.peers or content.findings):
        return reduced
    sentence = _sentence(content, reduced, wanted)
    return replace(reduced, diagnosis=(*content.diagnosis, sentence), filter=wanted.text)


def _peer(
    around: Surroundings, peer: PeerView, wanted: Filter, findings: Sequence[Finding]
) -> PeerView | None:
    def of(parts: Iterable[_Part]) -> tuple[_Part, ...]:
        return tuple(part for part in parts if wanted.matches(around, part))

    part = replace(
        peer,
        exchanges=of(peer.exchanges),
        deletes=of(peer.deletes),
        lost_deletes=of(peer.lost_deletes),
        black_holes=of(peer.black_holes),
        problems=of(peer.problems),
    )
    kept: tuple[Item, ...] = (
        *part.exchanges,
        *part.deletes,
        *part.black_holes,
        *part.problems,
        *findings,
    )
    evidence = {ref for item in kept for ref in refs_of(item)}
    messages = tuple(
        message
        for message in peer.messages
        if not evidence.isdisjoint(refs_of(message)) or wanted.matches(around, message)
    )
    if not (kept or messages or wanted.matches(around, peer)):
        return None
    part = replace(part, messages=messages)
    return part if part == peer else replace(part, unfiltered=peer.whole)


def _sentence(whole: Content, part: Content, wanted: Filter) -> str:
    """What the filter left of what."""
    if not part.peers and not part.findings:
        seen = ", ".join(counted(size, name) for name, size in _sizes(whole) if size)
        return f"The filter {wanted.text} matches nothing of {seen}."
    left = ", ".join(
        f"{of_part:,} of {counted(of_whole, name)}"
        for (name, of_part), (_, of_whole) in zip(_sizes(part), _sizes(whole), strict=True)
        if of_whole
    )
    return f"Only what the filter {wanted.text} matches is told: {left}."


def _sizes(content: Content) -> Sequence[tuple[str, int]]:
    peers = content.peers
    return (
        ("peer", len(peers)),
        ("exchange", sum(len(peer.exchanges) for peer in peers)),
        ("Delete", sum(len(peer.deletes) for peer in peers)),
        ("black hole", sum(len(peer.black_holes) for peer in peers)),
        ("finding", len(content.findings)),
    )
