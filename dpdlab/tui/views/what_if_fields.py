"""The fields of the what-if view: a policy, and what is demanded of it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace
from rich.text import Text

from analyzers.configs.durations import duration_s
from analyzers.configs.vendors import PROFILES
from analyzers.errors import OptionError
from analyzers.export.formatting import count
from analyzers.whatif.plan import Demand
from analyzers.whatif.recommend import target_s
from dpdlab.present.draft import (
    MODES,
    NO_PRODUCT,
    Draft,
    next_duration_s,
    turned_to,
)
from dpdlab.tui.palette import Palette

_LABEL: Final = 10
_BUDGET_S: Final = 30.0
_MOST_PEERS: Final = 10_000_000
_FIRST_HOLD_S: Final = 15.0
_FIRST_PAUSE_S: Final = 1.0
_LEAST_S: Final = 0.001
_DAY_S: Final = 86_400.0
_MOST_HOLD_S: Final = 65_535.0
"""As BGP has it (RFC 4271 section 4.2), the longest of the routing protocols."""
_NO_VALUE: Final = ("", "-", "none", "always", "automatic")
_PAIRS: Final = ("1", "2", "5")


class Field(Struct, frozen=True):
    """One row."""

    id: str
    label: str
    value: str
    note: str = ""
    """Faint words after the value."""
    is_set: bool = True
    """It is not what it is without the user."""
    wrong: str = ""
    """What the product does not take."""
    choices: tuple[tuple[str, str], ...] = ()
    """What can be chosen, with a few words about it; () is a value to type."""
    hint: str = ""
    """What can be typed."""


class Sheet(Struct, dict=True):
    """The policy and the demand as they stand, and what was set on other products before."""

    draft: Draft = field(default_factory=lambda: Draft(None))
    demand: Demand = field(default_factory=Demand)
    planning: bool = False
    touched: bool = False
    """The user has changed the policy: it no longer follows the peer."""
    whence: str = ""
    """What the policy is until then."""
    defaults: frozenset[str] | None = None
    """Which values are the product's own until then; None: all that the draft does not give."""
    _before: dict[str | None, Draft] = field(default_factory=dict)

    budget_s: float = _BUDGET_S
    """Of the session."""

    @property
    def target_s(self) -> float:
        """Within which a peer that is gone is given up: as it was set, else by the budget."""
        return self.demand.target_s or target_s(self.budget_s, self.demand.hold_s)

    def fields(self) -> list[Field]:
        """All rows."""
        products = tuple((name, PROFILES[name].title) for name in PROFILES)
        found = [
            Field(
                "product",
                "product",
                self.draft.profile or NO_PRODUCT,
                choices=((NO_PRODUCT, "numbers alone"), *products),
            )
        ]
        for key in self.draft.keys:
            if key == "backoff" and self._is_constant():
                continue
            found.append(self._policy_field(key))
        return [*found, *self._demanded()]

    def _is_constant(self) -> bool:
        """Whether successive gaps are alike on this product, whatever is set."""
        draft = self.draft
        return (
            not draft.is_given("backoff")
            and draft.knob("backoff") is None
            and draft.value("backoff") in ("", "1")
        )

    def _policy_field(self, key: str) -> Field:
        draft = self.draft
        value = draft.value(key)
        shown = f"{value} s" if key in ("interval", "retry", "timeout") else value
        if value and not value.replace(".", "", 1).isdigit():
            shown = value
        own = self.touched or self.defaults is None or key in self.defaults
        note = "default" if own and draft.row is not None and not draft.is_given(key) else ""
        told = draft.own_count_told if key == "retries" else ""
        note = ", ".join(part for part in (note, told) if part)
        hint = draft.range_of(key)
        if key == "mode":
            choices = tuple((mode, _MODE_WORDS[mode]) for mode in MODES)
            wrong = "" if draft.is_mode_settable else "no setting"
            return Field(key, key, value, note, draft.is_given(key), wrong, choices=choices)
        return Field(
            key,
            key,
            shown if value else "not told",
            note if value else "",
            draft.is_given(key),
            f"takes {wrong}" if (wrong := draft.out_of_range(key)) else "",
            hint=f"{hint}; " * bool(hint) + _HINTS[key] + "; empty: as the product has it",
        )

    def _demanded(self) -> list[Field]:
        demand = self.demand
        found = [
            Field(
                "peers",
                "peers",
                count(demand.peers),
                is_set=demand.peers > 1,
                hint="of a hub, for its load",
            ),
            Field(
                "hold",
                "routing",
                _seconds(demand.hold_s, "no hold time", "hold "),
                is_set=demand.hold_s is not None,
                hint="hold time of the routing protocol over the tunnel, or none",
            ),
        ]
        if self.planning:
            found.append(
                Field(
                    "every",
                    "traffic",
                    _seconds(demand.every_s, "without a pause", "a packet every "),
                    is_set=demand.every_s is not None,
                    hint="one packet to send every so often, or always",
                )
            )
        return [
            *found,
            Field(
                "target",
                "target",
                _seconds(self.target_s, "", "within "),
                is_set=demand.target_s is not None,
                hint="a peer that is gone is given up within this; empty: the budget",
            ),
        ]

    # --- changing --------------------------------------------------------------------------

    def step(self, name: str, by: int) -> None:
        """The next value up or down. Raises OptionError where there is none."""
        demand = self.demand
        match name:
            case "product":
                names: list[str | None] = [None, *PROFILES]
                place = names.index(self.draft.profile)
                self._turn(names[(place + by) % len(names)])
            case "peers":
                self.demand = replace(demand, peers=_next_count(demand.peers, by))
            case "hold":
                self.demand = replace(demand, hold_s=_stepped(demand.hold_s, by, _FIRST_HOLD_S))
            case "every":
                self.demand = replace(demand, every_s=_stepped(demand.every_s, by, _FIRST_PAUSE_S))
            case "target":
                self.demand = replace(demand, target_s=_stepped(self.target_s, by, self.budget_s))
            case _:
                self._set(self.draft.stepped(name, by))

    def type(self, name: str, text: str) -> None:
        """A value as it was typed or chosen. Raises OptionError."""
        self._set_typed(name, text, keep=True)

    def check(self, name: str, text: str) -> None:
        """Raises OptionError for what `type` does not take."""
        self._set_typed(name, text, keep=False)

    def _set_typed(self, name: str, text: str, *, keep: bool) -> None:
        demand = self.demand
        match name:
            case "product":
                if keep:
                    self._turn(None if text == NO_PRODUCT else text)
                return
            case "peers":
                demand = replace(demand, peers=_count(text))
            case "hold":
                demand = replace(demand, hold_s=_duration("hold", text, _MOST_HOLD_S))
            case "every":
                demand = replace(demand, every_s=_duration("traffic", text))
            case "target":
                demand = replace(demand, target_s=_duration("target", text))
            case _:
                made = self.draft.typed(name, text)
                if keep:
                    self._set(made)
                return
        if keep:
            self.demand = demand

    def take(self, draft: Draft) -> None:
        """Another policy, because the user wants it."""
        self._before[self.draft.profile] = self.draft
        self._set(draft)

    def _turn(self, profile: str | None) -> None:
        self._before[self.draft.profile] = self.draft
        self._set(self._before.get(profile) or turned_to(self.draft, profile))

    def _set(self, draft: Draft) -> None:
        self.draft, self.touched = draft, True


_MODE_WORDS: Final = {
    "periodic": "by a clock of its own",
    "on-demand": "with packets to send and none that come",
    "on-idle": "after silence",
    "disabled": "never",
}
_HINTS: Final = {
    "interval": "10, 10s or 2m",
    "retry": "2, 2s or 500ms",
    "retries": "transmissions after the first question",
    "backoff": "ratio of successive gaps, 1 is constant",
    "timeout": "150, 150s or 2m",
}


def _seconds(value: float | None, none: str, before: str) -> str:
    return none if value is None else f"{before}{round(value, 3):.10g} s"


def _stepped(value: float | None, by: int, first: float) -> float | None:
    """A duration that can be absent: below the least one."""
    if value is None:
        return first if by > 0 else None
    if by < 0 and value <= 1:
        return None
    return next_duration_s(value, by, 1.0)


def _next_count(number: int, by: int) -> int:
    """1, 2, 5, 10, 20, 50 …"""
    ladder = [int(lead) * 10**power for power in range(8) for lead in _PAIRS]
    ladder = [n for n in ladder if n <= _MOST_PEERS]
    if by > 0:
        return next((n for n in ladder if n > number), _MOST_PEERS)
    return next((n for n in reversed(ladder) if n < number), 1)


def _count(text: str) -> int:
    digits = text.strip().replace(",", "").replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise OptionError(f"peers={text[:40]} is no number", "peers=100")
    number = int(digits)
    if not 1 <= number <= _MOST_PEERS:
        raise OptionError(f"peers: 1 to {_MOST_PEERS:,}")
    return number


def _duration(name: str, text: str, most_s: float = _DAY_S) -> float | None:
    if text.strip().lower() in _NO_VALUE:
        return None
    seconds = duration_s(text.strip())
    if not seconds:
        raise OptionError(f"{name}={text[:40]} is no duration", "10, 10s or 2m")
    if not _LEAST_S <= seconds <= most_s:
        raise OptionError(f"{name} takes {_LEAST_S:g} to {most_s:g}, not {seconds:g}")
    return seconds


class FieldRows:
    """The fields as rows of a list."""

    def __init__(self, sheet: Sheet) -> None:
        self.fields = sheet.fields()

    def __len__(self) -> int:
        return len(self.fields)

    def header(self, width: int, palette: Palette) -> Text | None:
        """None: the rows have labels."""
        return None

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One field."""
        entry = self.fields[index]
        line = Text().append(f"{entry.label:<{_LABEL}}", palette.faint)
        line.append(entry.value, palette.strong if entry.is_set else palette.text)
        if entry.wrong:
            line.append(f"  ! {entry.wrong}", palette.warn)
        elif entry.note:
            line.append(f"  {entry.note}", palette.faint)
        return line
