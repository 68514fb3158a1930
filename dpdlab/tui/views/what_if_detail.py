"""One policy in words: its worst case, its load, what it takes to set it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.configs.config_lines import config_lines
from analyzers.configs.vendors import PROFILES, out_of_range
from analyzers.export.untrusted import safe
from analyzers.whatif.formula import asks, chance, load_formula, number, rate, worst_case_formula
from analyzers.whatif.plan import Demand
from analyzers.whatif.study import Candidate
from analyzers.whatif.timing import LOSS_RATES, Timing, Trigger, false_death
from dpdlab.present.formatting import ascii_formula
from dpdlab.present.policies import loss_title, mode_note
from dpdlab.tui.palette import Palette
from dpdlab.tui.text_pane import TextRows
from dpdlab.tui.views.what_if_plan import planned
from dpdlab.tui.views.what_if_rows import Role, Tried

INDENT: Final = 2
"""Where a long line goes on."""
_LOAD: Final = "load at most"


def lines_of(candidate: Candidate, product: str | None = None) -> tuple[str, ...]:
    """The configuration of a policy; of one without a product on `product`, a profile.

    What its product rejects stands before it, as a comment.
    """
    if candidate.lines:
        return candidate.lines
    vendor = candidate.policy.profile or product
    lines = () if vendor is None else config_lines(candidate.policy, vendor)
    sign = "!" if vendor is not None and vendor.startswith("cisco-") else "#"
    refused = out_of_range(candidate.policy) if lines else ()
    return (*(f"{sign} rejected: {said}" for said in refused), *lines)


def detail(
    tried: Tried,
    demand: Demand,
    product: str | None,
    palette: Palette,
    *,
    remarks: Sequence[str] = (),
    ascii_only: bool,
) -> list[Text]:
    """What to say of a policy, what matters most first; `remarks` come after its name."""
    candidate, timing = tried.candidate, tried.candidate.told
    head = Text(safe(candidate.label), palette.strong)
    if not candidate.met:
        head.append(" (the nearest it comes)", palette.warn)
    note = mode_note(candidate.policy, product or "")
    told = [head, *([Text(note, palette.warn)] if note else [])]
    if timing is not None and timing.trigger is not Trigger.NEVER:
        told.append(_in_short(timing))
    told += [Text(remark, palette.warn) for remark in remarks]
    first = len(told)
    if timing is None:
        told.append(Text("how long it takes is not told: set what is missing", palette.warn))
    else:
        told.append(Text(f"worst case {worst_case_formula(timing)}"))
        if timing.trigger is not Trigger.NEVER:
            told.append(_load(timing, demand))
    told += _setting(candidate, product, palette)
    told += [] if timing is None else _costs(timing, demand)
    if tried.role is Role.RECOMMENDED:
        # Its load is that of one peer; the load of all is told above.
        why = [Text(r, palette.faint) for r in candidate.why if not r.startswith(_LOAD)]
        # The first reason says how it stands to what is in force.
        told[first:first] = why[:1]
        told += why[1:]
    return [_in_ascii(line) for line in told] if ascii_only else told


def _in_ascii(line: Text) -> Text:
    if line.plain.isascii():
        return line
    return Text(ascii_formula(line.plain), line.spans[0].style if line.spans else line.style)


def _in_short(timing: Timing) -> Text:
    """What it costs, and how easily a live peer is given up: seen at once when a field changes."""
    losses = ", ".join(
        f"{chance(false_death(len(timing.waits_s), loss))} at {loss_title(loss)}"
        for loss in LOSS_RATES
    )
    return Text(f"at most {asks(timing)} asks/h, false deaths {losses} loss")


def _load(timing: Timing, demand: Demand) -> Text:
    formula = load_formula(demand.peers, timing.interval_s, both_ends=demand.both_ends_ask)
    return Text(f"{_LOAD} {formula}")


def _setting(candidate: Candidate, product: str | None, palette: Palette) -> list[Text]:
    lines = lines_of(candidate, product)
    if lines:
        return [Text(line, palette.note) for line in lines]
    profile = PROFILES.get(candidate.policy.profile or "")
    if profile is None:
        return [Text("a product has to be chosen for its configuration lines", palette.faint)]
    options = [knob.option for knob in profile.knobs if knob.sets]
    if not options:
        return [Text(f"what to type on {profile.title} is not known", palette.faint)]
    return [Text(f"on {profile.title}: {'; '.join(options)}", palette.faint)]


def _costs(timing: Timing, demand: Demand) -> list[Text]:
    if timing.trigger is Trigger.NEVER:
        return []
    made = planned(timing, demand)
    hub = made.hub
    told = [
        Text(
            f"with traffic {rate(hub.amid_traffic)}, {hub.together:,} in one second where all"
            " clocks were started together"
        )
    ]
    if made.routing is not None and made.verdict is not None:
        hold_s = number(made.routing.hold_s)
        yes = {True: "yes", False: "no"}
        told.append(
            Text(
                f"backstop of routing ({number(made.verdict.last_s)} s > {hold_s} s):"
                f" {yes[made.routing.backstop]}; routing first"
                f" ({number(made.verdict.first_s)} s >= {hold_s} s):"
                f" {yes[made.routing.routing_first]}"
            )
        )
    return told


def fitted(lines: Sequence[Text], width: int, height: int, palette: Palette) -> TextRows:
    """The words in so many rows; what does not fit is said."""
    rows = TextRows(lines, indent=INDENT)
    rows.set_width(width)
    missing = len(rows) - height + 1
    if missing <= 1:
        return rows
    shown = [rows.row(place, width, palette) for place in range(max(height - 1, 0))]
    more = Text(f"… {missing} more lines (y copies)", palette.faint)
    return TextRows([*shown, more])
