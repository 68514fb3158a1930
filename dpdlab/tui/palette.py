"""Styles of the console, from the theme: what a colour means is decided here, once.

Colour is never the only signal: with `NO_COLOR` all of these are attributes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from rich.color import Color, ColorParseError
from rich.style import Style

from analyzers.export.formatting import Severity
from dpdlab.present.cells import Role

_BRIGHT: Final = 140
"""Of 255: how bright a colour is that black is read on."""


class Palette(Struct, frozen=True):
    """Rich styles by meaning."""

    text: Style
    faint: Style
    strong: Style
    cursor: Style
    cursor_away: Style
    """The cursor of a list that does not have the keys."""
    header: Style
    match: Style
    selected: Style
    good: Style
    note: Style
    deleted: Style
    warn: Style
    bad: Style
    esp: Style
    possible: Style
    certain: Style
    ghost: Style
    fold: Style
    """Under what is folded."""
    series: tuple[Style, ...]
    """Colours that tell peers apart."""

    def severity(self, severity: Severity) -> Style:
        """The style of a severity."""
        return {
            Severity.MUTE: self.faint,
            Severity.GOOD: self.good,
            Severity.NOTE: self.note,
            Severity.WARN: self.warn,
            Severity.BAD: self.bad,
        }[severity]

    def role(self, role: Role) -> Style:
        """The style of a cell of a lane."""
        style: Style = getattr(self, _ROLES.get(role, "text"))
        return style


_ROLES: Final = {
    Role.ALIVE: "good",
    Role.QUESTIONABLE: "warn",
    Role.IKE_ONLY: "warn",
    Role.PROBING: "warn",
    Role.DEAD: "bad",
    Role.DELETED: "note",
    Role.UNKNOWN: "faint",
    Role.ANSWERED: "good",
    Role.UNANSWERED: "bad",
    Role.ASKED: "warn",
    Role.RETRY: "warn",
    Role.OPEN: "warn",
    Role.DELETE: "deleted",
    Role.MORE: "faint",
    Role.ANSWER: "good",
    Role.LOST: "bad",
    Role.ESP: "esp",
    Role.UNPLACED: "faint",
    Role.POSSIBLE: "possible",
    Role.CERTAIN: "certain",
    Role.PHASE: "text",
    Role.AXIS: "faint",
    Role.GHOST: "ghost",
    Role.SA: "deleted",
    Role.FOLD: "faint",
}
"""The fields of a palette by what a cell means."""


def palette_of(variables: Mapping[str, str], *, colour: bool = True) -> Palette:
    """The styles for the variables of a Textual theme; without colour their attributes."""
    if not colour:
        return _colourless()

    def ink(name: str, *, bold: bool | None = None, underline: bool | None = None) -> Style:
        return Style(color=_color(variables.get(name, "")), bold=bold, underline=underline)

    def paper(name: str, *, bold: bool | None = None, underline: bool | None = None) -> Style:
        return Style(bgcolor=_color(variables.get(name, "")), bold=bold, underline=underline)

    return Palette(
        text=Style(),
        faint=ink("foreground") + Style(dim=True),
        strong=Style(bold=True),
        cursor=paper("block-cursor-background")
        + _readable_on(variables.get("block-cursor-background", ""))
        + ink("block-cursor-foreground", bold=True),
        cursor_away=paper("surface-lighten-1", underline=True),
        header=Style(dim=True, underline=True),
        match=paper("warning-muted", bold=True, underline=True),
        selected=paper("primary-muted"),
        good=ink("success"),
        note=ink("accent"),
        deleted=ink("accent", bold=True),
        warn=ink("warning"),
        bad=ink("error", bold=True),
        esp=ink("primary"),
        possible=ink("warning"),
        certain=ink("error", bold=True),
        ghost=ink("foreground") + Style(dim=True),
        fold=paper("panel"),
        series=tuple(
            ink(name) for name in ("primary", "success", "warning", "accent", "secondary", "error")
        ),
    )


def _colourless() -> Palette:
    none, bold, dim = Style(), Style(bold=True), Style(dim=True)
    return Palette(
        text=none,
        faint=dim,
        strong=bold,
        cursor=Style(bold=True, reverse=True),
        cursor_away=Style(underline=True),
        header=Style(dim=True, underline=True),
        match=Style(bold=True, underline=True),
        selected=Style(reverse=True),
        good=none,
        note=none,
        deleted=bold,
        warn=none,
        bad=bold,
        esp=none,
        possible=none,
        certain=bold,
        ghost=dim,
        fold=dim,
        series=(none, bold, dim),
    )


def _readable_on(paper: str) -> Style:
    """Black or white, whichever can be read on a colour: rows have colours of their own."""
    color = _color(paper)
    if color is None or color.triplet is None:
        return Style()
    red, green, blue = color.triplet
    bright = (299 * red + 587 * green + 114 * blue) / 1000
    return Style(color="black" if bright > _BRIGHT else "white")


def _color(text: str) -> Color | None:
    """A colour of a theme; what is none (`auto 87%`) leaves that of the terminal."""
    try:
        return Color.parse(text.split()[0][:7]) if text.startswith("#") else None
    except (ColorParseError, IndexError):
        return None
