"""`dpdlab explain`: what a rule finds, why it matters, where it comes from, what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from rich.text import Text

from analyzers.model.finding import Severity
from analyzers.rules.catalogue import ABSENT, rules_by_id
from analyzers.rules.rule import Rule
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import PROGRAM, Diagnostics, ExitCode, UsageError
from dpdlab.cli.output import Output
from dpdlab.present.filter.keys import KEYS, help_text, markdown_table
from dpdlab.present.formatting import Clock
from dpdlab.present.text.findings import SHADE
from dpdlab.present.text.page import FAINT, LABEL, SEVERITY_STYLE, Page, assemble

FILTER: Final = "filter"
_INDENT: Final = 9
_WORST_FIRST: Final = tuple(Severity)


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Tell one rule, several, or the table of all; or the language of filters.

    Raises:
        UsageError: there is no such rule.
    """
    options = invocation.options
    output = Output(options.output, color=options.color, ascii_only=options.ascii)
    if invocation.words == (FILTER,):
        output.write_text(_filter_language(options.format))
        return ExitCode.OK
    chosen = _chosen(invocation.words)
    if options.format == "json":
        output.write_text(json.dumps(_document(chosen), indent=2, ensure_ascii=True) + "\n")
    elif options.format == "markdown":
        output.write(_markdown(chosen, whole=not invocation.words))
    else:
        output.write_page(
            lambda console: _text(
                Page(
                    console,
                    ascii_only=output.ascii_only,
                    verbose=options.verbose,
                    clock=Clock.starting(0),
                ),
                chosen,
                table=not invocation.words and not options.verbose,
            )
        )
    return ExitCode.OK


def _filter_language(text_format: str) -> str:
    if text_format == "json":
        return json.dumps([key.document() for key in KEYS.values()], indent=2) + "\n"
    return markdown_table() if text_format == "markdown" else help_text()


def _chosen(names: Sequence[str]) -> dict[str, tuple[Rule, ...]]:
    known = rules_by_id()
    if not names:
        return known
    for name in names:
        if name in ABSENT:
            raise UsageError(f"{name} is no rule of dpdlab: {ABSENT[name]}")
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"{PROGRAM} explain lists all rules"
            raise UsageError(f"there is no rule {name[:60]!r}", hint)
    return {name: known[name] for name in names}


def severity_of(rules: Sequence[Rule]) -> Severity:
    """The worst that the rules of one id report."""
    return min((rule.severity for rule in rules), key=_WORST_FIRST.index)


def _text(page: Page, chosen: dict[str, tuple[Rule, ...]], *, table: bool) -> None:
    if table:
        width = max(map(len, chosen))
        for name, rules in chosen.items():
            severity = severity_of(rules)
            style = SEVERITY_STYLE[SHADE[severity]]
            title = Text(rules[0].title)
            page.wrapped(title, assemble((f"{severity:<8}", style), f"{name:<{width}}"), width + 10)
        page.gap()
        page.line((f"{len(chosen)} rules; {PROGRAM} explain RULE says more of one", FAINT))
        return
    for rules in chosen.values():
        for rule in rules:
            _rule(page, rule)
            page.gap()


def _rule(page: Page, rule: Rule) -> None:
    style = SEVERITY_STYLE[SHADE[rule.severity]]
    page.wrapped(assemble((rule.title, LABEL), (f" [{rule.id}]", FAINT)),
                 (rule.severity.value, style), _INDENT)  # fmt: skip
    page.wrapped(rule.rationale, ("  why", FAINT), _INDENT)
    page.wrapped(rule.remedy, ("  remedy", FAINT), _INDENT)
    page.wrapped(", ".join(rule.needs), ("  from", FAINT), _INDENT)
    for number, trap in enumerate(rule.traps):
        page.wrapped(f"{trap}", ("  not if" if number == 0 else "", FAINT), _INDENT)
    page.wrapped(rule.source, ("  source", FAINT), _INDENT)


def _document(chosen: dict[str, tuple[Rule, ...]]) -> list[dict[str, object]]:
    return [
        {
            "id": rule.id,
            "severity": rule.severity.value,
            "title": rule.title,
            "rationale": rule.rationale,
            "remedy": rule.remedy,
            "source": rule.source,
            "needs": [need.value for need in rule.needs],
            "silent_where": list(rule.traps),
        }
        for rules in chosen.values()
        for rule in rules
    ]


def _markdown(chosen: dict[str, tuple[Rule, ...]], *, whole: bool) -> Iterator[str]:
    if whole:
        yield "# Rules\n\n"
        yield f"Written by `{PROGRAM} explain --format markdown`.\n\n"
        yield "| rule | severity | finds |\n| --- | --- | --- |\n"
        for name, rules in chosen.items():
            yield f"| [{name}](#{name}) | {severity_of(rules)} | {_cell(rules[0].title)} |\n"
        for name, why in sorted(ABSENT.items()):
            yield f"| {name} | none | {_cell(why)} |\n"
    for name, rules in chosen.items():
        yield f"\n## {name}\n"
        for rule in rules:
            yield f"\n**{rule.title}** ({rule.severity}; from {', '.join(rule.needs)})\n\n"
            yield f"{rule.rationale}\n\nRemedy: {rule.remedy}\n\n"
            if rule.traps:
                yield "Silent where:\n\n" + "".join(f"- {trap}\n" for trap in rule.traps) + "\n"
            yield f"Source: {rule.source}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
