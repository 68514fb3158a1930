"""The text of `dpdlab lint`: what each device does about each peer, then what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.export.lint_content import LintContent, LintDevice, LintRow
from analyzers.model.configuration import ConfigFormat
from analyzers.model.finding import Finding
from analyzers.model.policy import DpdPolicy, PolicyMode
from analyzers.model.records import Ref
from dpdlab.present.formatting import Severity as Shade
from dpdlab.present.formatting import counted, timer
from dpdlab.present.text import findings
from dpdlab.present.text.page import (
    FAINT,
    LABEL,
    SEVERITY_STYLE,
    Column,
    Page,
    assemble,
    fitted,
    row_line,
    widths,
)

ROWS_SHOWN: Final = 12
"""Peers of one device without -v."""
PROBLEMS_SHOWN: Final = 5

_PRODUCT: Final = {
    ConfigFormat.CISCO_IOS: "Cisco IOS",
    ConfigFormat.CISCO_ASA: "Cisco ASA",
    ConfigFormat.SWANCTL: "swanctl.conf",
    ConfigFormat.IPSEC_CONF: "ipsec.conf",
    ConfigFormat.STRONGSWAN_CONF: "strongswan.conf",
    ConfigFormat.FORTIOS: "FortiOS",
}
_COLUMNS: Final = (
    Column("peer", elastic=True),
    Column("ike"),
    Column("asks"),
    Column("every", align="right"),
    Column("retry", align="right"),
    Column("sent", align="right"),
    Column("worst", align="right"),
    Column("line", align="right"),
    Column("connection", elastic=True),
)


def render(page: Page, content: LintContent) -> None:
    """Write the page: devices with their settings, findings, and the count of both."""
    for device in content.devices:
        _device(page, device)
        page.gap()
    _findings(page, content)
    page.line(_summary(content))


def _device(page: Page, device: LintDevice) -> None:
    name = [(page.data(device.name), LABEL)] if device.name != device.path else []
    where = page.clip_middle(page.data(device.path), page.width // 2)
    page.line(page.dots([*name, where, _PRODUCT[device.format]]))
    if device.retransmission is not None:
        _retransmission(page, device)
    if device.rows:
        _table(page, device.rows)
    elif device.format is not ConfigFormat.STRONGSWAN_CONF:
        page.line(("  no IPsec connection and no DPD setting in it", FAINT))
    _problems(page, device)


def _retransmission(page: Page, device: LintDevice) -> None:
    used = device.retransmission
    if used is None:
        return
    tries = counted(used.tries, "retransmission")
    limit = "" if used.limit_s is None else f", at most {timer(used.limit_s)}"
    text = f"{tries} from {timer(used.timeout_s)}, each {used.base:g} {page.signs.times} the last"
    page.wrapped(f"IKEv2 gives up after {timer(used.total_s)}: {text}{limit}", "  ", indent=2)


def _table(page: Page, rows: Sequence[LintRow]) -> None:
    shown = rows if page.verbose else rows[:ROWS_SHOWN]
    cells = [_cells(page, row) for row in shown]
    sizes = fitted(page, _COLUMNS, widths(_COLUMNS, cells), page.width - 2)
    titles = [Text(column.title, FAINT) for column in _COLUMNS]
    for line in (titles, *cells):
        page.line(assemble("  ", row_line(page, _COLUMNS, sizes, line)))
    if len(rows) > len(shown):
        more = f"{counted(len(rows) - len(shown), 'more peer')} (-v tells all)"
        page.line((f"  {page.signs.more} {more}", FAINT))


def _cells(page: Page, row: LintRow) -> list[Text]:
    none = page.signs.none
    policy = row.policy
    version = none if row.ike_version is None else str(row.ike_version)
    texts = [_peer(page, row), version, _mode(policy), *_timers(policy, none)]
    sent = none if row.transmissions is None else str(row.transmissions)
    worst = none if policy is None or policy.worst_case_s is None else timer(policy.worst_case_s)
    line = str(row.ref.record) if row.explicit else none
    texts += [sent, worst, line, page.data(row.connection or row.scope)]
    style = SEVERITY_STYLE[Shade.WARN] if _is_silent(policy) else ""
    return [Text(text, style if column.title == "asks" else "") for text, column in
            zip(texts, _COLUMNS, strict=True)]  # fmt: skip


def _peer(page: Page, row: LintRow) -> str:
    """The first of the addresses that are tried, and how many more there are."""
    if not row.remotes:
        return "any"
    shown = row.remotes if page.verbose else row.remotes[:1]
    more = len(row.remotes) - len(shown)
    return ", ".join(map(page.address, shown)) + (f" +{more}" if more else "")


def _mode(policy: DpdPolicy | None) -> str:
    if policy is None:
        return "unknown"
    return "never" if policy.mode is PolicyMode.DISABLED else policy.mode.value


def _is_silent(policy: DpdPolicy | None) -> bool:
    return policy is not None and policy.mode is PolicyMode.DISABLED


def _timers(policy: DpdPolicy | None, none: str) -> list[str]:
    """Interval and retry."""
    if policy is None:
        return [none, none]
    growing = "+" if policy.backoff > 1.0 else ""
    return [
        none if policy.interval_s is None else timer(policy.interval_s),
        none if policy.retry_s is None else timer(policy.retry_s) + growing,
    ]


def _problems(page: Page, device: LintDevice) -> None:
    shown = device.problems if page.verbose else device.problems[:PROBLEMS_SHOWN]
    for problem in shown:
        line = "" if problem.ref is None else f"line {problem.ref.record}: "
        text = f"{line}{page.data(problem.detail)}"
        page.wrapped(text, ("  !", SEVERITY_STYLE[Shade.WARN]), indent=4)
    if len(device.problems) > len(shown):
        more = counted(len(device.problems) - len(shown), "more line")
        page.line((f"  {page.signs.more} {more} that cannot be used (-v tells all)", FAINT))


# --- findings ---


def _findings(page: Page, content: LintContent) -> None:
    def where(ref: Ref) -> str:
        return page.data(content.place(ref))

    def lead(finding: Finding) -> Text:
        return Text("".join(f"{where(ref)}: " for ref in finding.refs[:1]))

    findings.full(page, content.findings, lead, where)


def _summary(content: LintContent) -> Text:
    devices = counted(len(content.devices), "configuration")
    if not content.findings:
        return assemble(f"{devices}: ", ("nothing to report", SEVERITY_STYLE[Shade.GOOD]))
    return assemble(f"{devices}: ", findings.tally(content.findings))
