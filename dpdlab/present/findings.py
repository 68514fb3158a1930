"""Findings for lists and pages: in groups, with all that their rules say, and to be copied."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from analyzers.export import words
from analyzers.export.content import Content
from analyzers.export.formatting import Glyphs, Severity, counted, utc_date, utc_time
from analyzers.export.selections import Selector
from analyzers.model.finding import Finding
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref, SourceInfo
from analyzers.model.time import ORDER_LIMIT_NS

if TYPE_CHECKING:
    from analyzers.rules.rule import Rule

SHADE: Final = {
    FindingSeverity.ERROR: Severity.BAD,
    FindingSeverity.WARNING: Severity.WARN,
    FindingSeverity.INFO: Severity.NOTE,
}
_RANK: Final = {severity: rank for rank, severity in enumerate(FindingSeverity)}
_PLURAL: Final = {
    FindingSeverity.ERROR: "errors",
    FindingSeverity.WARNING: "warnings",
    FindingSeverity.INFO: "infos",
}


class GroupBy(StrEnum):
    """What findings of one group have in common."""

    SEVERITY = "severity"
    RULE = "rule"
    PEER = "peer"
    TIME = "time"
    """All in one, whatever they are."""

    def next(self) -> GroupBy:
        """The one after this."""
        ways = list(GroupBy)
        return ways[(ways.index(self) + 1) % len(ways)]


class Group(Struct, frozen=True):
    """Findings that belong together, the worst first."""

    key: str
    by: GroupBy
    severity: FindingSeverity
    """The worst."""
    findings: tuple[Finding, ...]


def sign(severity: FindingSeverity, signs: Glyphs) -> str:
    """A severity in one cell."""
    return {
        FindingSeverity.ERROR: signs.dead,
        FindingSeverity.WARNING: signs.questionable,
        FindingSeverity.INFO: "i",
    }[severity]


def tally(findings: Sequence[Finding]) -> list[tuple[str, Severity]]:
    """How many there are of each severity: "2 errors"."""
    numbers = Counter(finding.severity for finding in findings)
    return [
        (counted(numbers[severity], severity.value, _PLURAL[severity]), SHADE[severity])
        for severity in FindingSeverity
        if numbers[severity]
    ]


def grouped(findings: Sequence[Finding], by: GroupBy, *, back: bool = False) -> list[Group]:
    """All findings in groups, in each of them in the order of the report: `rules.judge`.

    The group with the worst one comes first, then those of what happened, larger before smaller.
    `back`: of what is equally bad the latest comes first; what has no time stays last.
    """
    if back or by is GroupBy.TIME:
        findings = sorted(findings, key=lambda f: _in_time(f, by, back=back))
    groups = [
        Group(key, by, min((f.severity for f in alike), key=_RANK.__getitem__), tuple(alike))
        for key, alike in _alike(findings, _COMMON[by]).items()
    ]
    groups.sort(key=lambda g: (_RANK[g.severity], g.findings[0].at_ns is None, -len(g.findings)))
    return groups


def _in_time(finding: Finding, by: GroupBy, *, back: bool) -> tuple[int, bool, int]:
    rank = 0 if by is GroupBy.TIME else _RANK[finding.severity]
    at_ns = finding.at_ns or 0
    return rank, finding.at_ns is None, -at_ns if back else at_ns


_COMMON: Final[Mapping[GroupBy, Callable[[Finding], str]]] = {
    # The value, as text, is quicker to look up than the member.
    GroupBy.SEVERITY: attrgetter("severity._value_"),
    GroupBy.RULE: attrgetter("rule"),
    GroupBy.PEER: lambda finding: finding.peer or "",
    GroupBy.TIME: lambda _: "",
}


def _alike(
    findings: Sequence[Finding], common: Callable[[Finding], str]
) -> dict[str, list[Finding]]:
    """Findings by what they have in common, in the order of the first of each."""
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    for key, finding in zip(map(common, findings), findings, strict=True):
        found[key].append(finding)
    return found


def title_of(group: Group, peers: Mapping[str, PeerView], signs: Glyphs) -> str:
    """What a group has in common, in words; `peers` by their ids."""
    match group.by:
        case GroupBy.SEVERITY:
            return _PLURAL[group.severity]
        case GroupBy.RULE:
            return f"{group.key} {signs.dot} {group.findings[0].title}"
        case GroupBy.TIME:
            return "in the order of time"
        case GroupBy.PEER:
            peer = peers.get(group.key)
            return "no single peer" if peer is None else f"{peer.local} {signs.to} {peer.remote}"


def input_name(ref: Ref, sources: Mapping[str, SourceInfo]) -> str:
    """The name of the input that a place is in, without its directory."""
    info = sources.get(ref.source)
    return ref.source if info is None else info.path.rpartition("/")[2] or info.path


def place(ref: Ref, sources: dict[str, SourceInfo]) -> str:
    """A place of the inputs: "capture.pcap frame 21"."""
    info = sources.get(ref.source)
    if info is None:
        return f"{ref.source} {ref.record}"
    what = "frame" if info.kind == "capture" else "line"
    return f"{input_name(ref, sources)} {what} {ref.record}"


@cache
def _rules() -> dict[str, tuple[Rule, ...]]:
    from analyzers.rules.catalogue import rules_by_id

    return rules_by_id()


def rule_of(finding: Finding) -> Rule | None:
    """The rule that made a finding; one id may have two, of traffic and of configurations."""
    rules = _rules().get(finding.rule, ())

    from analyzers.rules.configuration.rule import ConfigurationRule

    def likeness(rule: Rule) -> tuple[bool, bool, bool]:
        of_configuration = isinstance(rule, ConfigurationRule) == (finding.peer is None)
        return rule.source == finding.reference, of_configuration, rule.title == finding.title

    return max(rules, key=likeness, default=None)


class Section(Struct, frozen=True):
    """A heading, and what is said under it."""

    title: str
    texts: tuple[str, ...]


def explained(finding: Finding, sources: dict[str, SourceInfo]) -> Iterator[Section]:
    """All that is known of a finding and of its rule."""
    doubt = words.confidence_mark(finding.confidence)
    yield Section("What is seen", (finding.detail + doubt,))
    rule = rule_of(finding)
    if rule is not None:
        yield Section("Why it matters", (rule.rationale,))
    # A remedy may end with lines for a configuration.
    yield Section("What to do", tuple(finding.remedy.split("\n")))
    if finding.refs:
        yield Section("It rests on", tuple(place(ref, sources) for ref in finding.refs))
    if rule is not None and rule.traps:
        yield Section("Not said where", rule.traps)
    if rule is not None:
        yield Section("Judged from", (", ".join(need.value for need in rule.needs),))
    yield Section("Source", (finding.reference,))


def copies(content: Content, finding: Finding) -> dict[str, str]:
    """The forms of a finding to be taken elsewhere, by name."""
    # The contract's models are heavy, and most sessions copy nothing.
    from analyzers.export.json_writer import line
    from analyzers.export.report import build_finding

    at_ns = finding.at_ns
    timed = at_ns is not None and at_ns >= ORDER_LIMIT_NS
    at = f"{utc_date(at_ns)} {utc_time(at_ns, 6)} UTC " if timed and at_ns is not None else ""
    doubt = words.confidence_mark(finding.confidence)
    text = (
        f"{at}{finding.severity.value}: {finding.title} [{finding.rule}]\n"
        f"{finding.detail}{doubt}\nRemedy: {finding.remedy}\nSource: {finding.reference}"
    )
    selection = Selector(content.sources, content.peers).of_finding(finding)
    forms = {
        "text": text,
        "JSON": line(build_finding(finding, selection)),
    }
    if selection.display_filter:
        forms["Wireshark filter"] = selection.display_filter
    if selection.bpf:
        forms["BPF"] = selection.bpf
    for source, frames in selection.frames.items():
        forms[f"Wireshark filter by frame ({source})"] = frames
    return forms
