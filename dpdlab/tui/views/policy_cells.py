"""A policy in a cell and in full: what is seen, and whether it is what is expected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.style import Style
from rich.text import Text

from analyzers.export import policy_words
from analyzers.export.formatting import timer
from analyzers.export.untrusted import safe
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode, by_precedence
from analyzers.session.unfit import GIVEN
from dpdlab.present.findings import place
from dpdlab.present.policy_match import Agreement, Match, Part, foremost, match_of, sides
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette

_MODE: Final = {
    PolicyMode.PERIODIC: "every ",
    PolicyMode.ON_IDLE: "on idle ",
    PolicyMode.ON_DEMAND: "on demand ",
    PolicyMode.UNKNOWN: "after ",
}
_SIGN: Final = {
    Agreement.SAME: ("=", "="),
    Agreement.NEAR: ("≈", "~"),
    Agreement.OTHER: ("≠", "!="),
    Agreement.UNSEEN: ("?", "?"),
}
_NAME: Final = 10
LABEL: Final = 2 + _NAME
"""Cells before what is said of a part."""
_LEAST: Final = 14


def cell(peer: PeerView, model: Model, palette: Palette) -> Text:
    """What is seen, and in brackets how that goes with what is expected: "10 s + 4×2 s (=)".

    With an arrow where it is the other side that asks.
    """
    match = match_of(peer, foremost(peer))
    told = Text(_seen(match, model))
    if match.holder == peer.remote:
        told = Text(f"{model.signs.back} ").append_text(told)
    if match.wanted is None:
        return told
    expected, style = _held_against(match, match.wanted, model, palette)
    return told.append(f" ({expected})", style)


def expected(peer: PeerView, model: Model, palette: Palette) -> Text:
    """What is expected of the same side, and who says so."""
    wanted = match_of(peer, foremost(peer)).wanted
    if wanted is None:
        return Text(model.signs.none, palette.faint)
    told = Text(brief(wanted, model))
    return told.append(f" {policy_words.policy_basis(wanted)}", palette.faint)


def _seen(match: Match, model: Model) -> str:
    if match.seen is None:
        return "none seen"
    return brief(match.seen, model)


def _held_against(
    match: Match, wanted: DpdPolicy, model: Model, palette: Palette
) -> tuple[str, Style]:
    agreement = match.agreement
    sign = _sign(agreement, model)
    if wanted.mode is PolicyMode.DISABLED:
        return f"{sign} never", palette.warn if agreement is Agreement.OTHER else palette.faint
    match agreement:
        case Agreement.UNSEEN:
            return brief(wanted, model), palette.faint
        case Agreement.SAME:
            return sign, palette.faint
    parts = match.parts_that(agreement)
    told = " ".join(_short(part, wanted, model) for part in parts)
    if agreement is Agreement.NEAR:
        return f"{sign} {told}", palette.faint
    if all(part.basis is PolicyBasis.DEFAULT for part in parts):
        # Anybody may have set it otherwise, in a file that is not here.
        return f"{sign} {told} by default", palette.note
    return f"{sign} {told}", palette.warn


def _short(part: Part, wanted: DpdPolicy, model: Model) -> str:
    times = model.signs.times
    match part.name:
        case "asks":
            return f"{_MODE.get(wanted.mode, '')}{timer(wanted.interval_s or 0)}"
        case "retries":
            return f"retry {timer(wanted.retry_s or 0)}{_growth(wanted, model)}"
        case _:
            return f"{wanted.repetitions}{times}"


def _sign(agreement: Agreement, model: Model) -> str:
    return _SIGN[agreement][model.ascii_only]


def brief(policy: DpdPolicy, model: Model) -> str:
    """The timers of a policy in a few letters; a sign where an interval is only guessed."""
    if policy.mode is PolicyMode.DISABLED:
        return "never"
    every = "?" if policy.interval_s is None else timer(policy.interval_s)
    guessed = policy.mode is PolicyMode.UNKNOWN and policy.interval_s is None
    mode = "" if guessed else _MODE.get(policy.mode, "")
    if guessed and policy.about_s is not None:
        every = f"~{timer(round(policy.about_s, 1))}"
    if policy.retry_s is None:
        return mode + every
    times = "" if policy.repetitions is None else f"{policy.repetitions}{model.signs.times}"
    return f"{mode}{every} + {times}{timer(policy.retry_s)}{_growth(policy, model)}"


def _growth(policy: DpdPolicy, model: Model) -> str:
    return "" if policy.backoff == 1.0 else f" {model.signs.times}{policy.backoff:.2g}"


# --- in full --------------------------------------------------------------------------------


def lines(peer: PeerView, model: Model, palette: Palette) -> Iterator[Text]:
    """Both sides part by part, with what each expectation comes from."""
    for holder in sides(peer):
        match = match_of(peer, holder)
        yield Text(f"policy of {safe(holder)}", palette.strong)
        if match.wanted is None:
            yield from _only_seen(match, model, palette)
            continue
        width = max(_LEAST, *(len(part.seen) for part in match.parts), 0)
        for part in match.parts:
            yield _part_line(part, match.wanted, width, model, palette)
        yield _origin(match.wanted, model, palette)
        if match.seen is not None:
            yield _labelled("seen", match.seen.evidence, palette)


def _only_seen(match: Match, model: Model, palette: Palette) -> Iterator[Text]:
    if match.seen is not None:
        yield _labelled("asks", policy_words.policy_summary(match.seen, model.signs), palette)
        yield _labelled("seen", match.seen.evidence, palette)
    given = [said for said in model.whole.diagnosis if said.startswith(GIVEN)]
    nobody = "nobody says: neither a configuration nor --policy"
    yield _labelled("expected", " ".join(given) or nobody, palette)


def _part_line(part: Part, wanted: DpdPolicy, width: int, model: Model, palette: Palette) -> Text:
    line = _labelled(part.name, (part.seen or "not seen").ljust(width), palette)
    default = part.basis is PolicyBasis.DEFAULT and wanted.basis is not PolicyBasis.DEFAULT
    style = {
        Agreement.SAME: palette.good,
        Agreement.NEAR: palette.good,
        Agreement.OTHER: palette.note if default else palette.warn,
        Agreement.UNSEEN: palette.faint,
    }[part.agreement]
    line.append(f"  {_sign(part.agreement, model):<2} ", style)
    line.append(part.wanted, style)
    return line.append(" (by default)", palette.faint) if default else line


def _origin(wanted: DpdPolicy, model: Model, palette: Palette) -> Text:
    said = policy_words.policy_basis(wanted)
    if wanted.ref is not None:
        sources = {source.id: source for source in model.whole.sources}
        said += f" in {place(wanted.ref, sources)}"
    if wanted.evidence:
        said += f": {wanted.evidence}"
    if wanted.worst_case_s is not None:
        said += f"; worst case {timer(wanted.worst_case_s)}"
    return _labelled("expected", said, palette)


def _labelled(name: str, text: str, palette: Palette) -> Text:
    return Text().append(f"  {name:<{_NAME}}", palette.faint).append(safe(text))


def order(peer: PeerView, *, seen: bool) -> tuple[str | float, ...] | None:
    """What the peers are sorted by: like policies stand together."""
    known = by_precedence(peer.policies, foremost(peer))
    policy = next((p for p in known if (p.basis is PolicyBasis.OBSERVED) is seen), None)
    if policy is None:
        return None
    return policy.mode.value, policy.interval_s or policy.about_s or 0.0
