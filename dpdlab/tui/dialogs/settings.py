"""The settings: what the file says, to be changed and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from msgspec import Struct
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from analyzers.configs.durations import duration_s
from analyzers.errors import OptionError
from analyzers.export.untrusted import safe
from dpdlab.present.draft import wrong_with
from dpdlab.settings.edit import Changes, Key, changed, value_of
from dpdlab.settings.model import Settings
from dpdlab.tui.dialogs.dialog import Dialog
from dpdlab.tui.dialogs.options import Options
from dpdlab.tui.dialogs.prompt import Prompt
from dpdlab.tui.dialogs.titles import room_of_title
from dpdlab.tui.rows import end_of

_LABEL: Final = 14
_VALUE: Final = 24
_YES_NO: Final = ((False, "no"), (True, "yes"))


class Entry(Struct, frozen=True):
    """One setting. `choices`: values and how they are called; () is a value to type."""

    key: Key
    label: str
    told: str
    choices: Sequence[tuple[object, str]] = ()
    read: Callable[[str], object] = str
    """What was typed as a value. Raises OptionError."""
    hint: str = ""


def _seconds(text: str) -> float:
    found = duration_s(text.strip())
    if found is None:
        raise OptionError(f"{text.strip()[:40] or 'nothing'} is no duration", "30, 30s or 2m")
    return found


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _ports(text: str) -> tuple[int, ...]:
    words = _addresses(text)
    if not all(word.isascii() and word.isdigit() and len(word) <= 5 for word in words):
        raise OptionError("ports are numbers", "1500 1501")
    return tuple(int(word) for word in words)


ENTRIES: Final = (
    Entry(
        ("console", "theme"),
        "theme",
        "at once",
        (("", "dark"), ("dpdlab-light", "light"), ("dpdlab-contrast", "contrast")),
    ),
    Entry(
        ("console", "times"),
        "times",
        "T changes them, too",
        (
            ("utc", "UTC"),
            ("local", "local time"),
            ("relative", "since the start"),
            ("delta", "since the event before"),
            ("mark", "since the mark"),
        ),
    ),
    Entry(("console", "ascii"), "only ASCII", "as --ascii", _YES_NO),
    Entry(("console", "bell"), "bell", "live: a peer is given up", _YES_NO),
    Entry(
        ("report", "budget_s"),
        "budget",
        "a later verdict is slow",
        read=_seconds,
        hint="30, 30s or 2m",
    ),
    Entry(
        ("report", "black_hole_min_s"),
        "black hole",
        "shorter silence is none",
        read=_seconds,
        hint="3, 3s or 500ms",
    ),
    Entry(
        ("report", "local"),
        "our side",
        "addresses, as --local",
        read=_addresses,
        hint="addresses with blanks between them, or nothing",
    ),
    Entry(
        ("report", "ports"),
        "IKE ports",
        "besides 500 and 4500",
        read=_ports,
        hint="UDP ports with blanks between them, or nothing",
    ),
)
_SECTIONS: Final = {"console": "Console", "report": "Reading"}


class SettingsScreen(Dialog[Changes | None]):
    """Gives what is to be kept, or None where everything stays as it was."""

    BINDINGS: ClassVar = [
        ("escape,q", "leave", "leave"),
        ("s,f2,f10", "keep", "keep"),
        ("left,h,minus", "step(-1)", "value before"),
        ("right,l,plus,space", "step(1)", "next value"),
    ]

    def __init__(
        self,
        settings: Settings,
        path: str,
        in_force: Mapping[Key, object],
        preview: Callable[[Key, object], None],
    ) -> None:
        """`in_force`: values where options say otherwise; `preview` shows one at once."""
        super().__init__()
        self._settings = settings
        self._path = path
        self._in_force = in_force
        self._preview = preview
        self._changes: dict[Key, object] = {}

    # --- painting --------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The settings, what is only in the file, and how to leave."""
        with Vertical(classes="dialog", id="settings") as box:
            box.border_title = "settings"
            box.border_subtitle = Text(end_of(safe(self._path), room_of_title(self.app.size.width)))
            yield Options(*self._options(), markup=False)
            yield Static(self._leaving(), markup=False)

    def _options(self) -> list[Option]:
        options: list[Option] = []
        section = ""
        for place, entry in enumerate(ENTRIES):
            if entry.key[0] != section:
                section = entry.key[0]
                options.append(Option(Text(_SECTIONS[section], "bold"), disabled=True))
            options.append(Option(self._line(entry), id=str(place)))
        options.append(Option(Text("Only in the file", "bold"), disabled=True))
        told = f"  {self._rest()}"
        return [*options, Option(Text(told), disabled=True)]

    def _line(self, entry: Entry) -> Text:
        value = self._shown(entry)
        line = Text(f"  {entry.label:<{_LABEL}}")
        line.append(f"{value:<{_VALUE}}", "bold" if entry.key in self._changes else "")
        now = self._in_force.get(entry.key, self._value(entry))
        if entry.key not in self._changes and now != self._value(entry):
            return line.append(f" now {_called(entry, now)}, by an option", "dim")
        return line.append(f" {entry.told}", "dim")

    def _value(self, entry: Entry) -> object:
        return self._changes.get(entry.key, self._in_file(entry))

    def _in_file(self, entry: Entry) -> object:
        value = value_of(self._settings, entry.key)
        # The theme that needs no name has one.
        return "" if value == "dpdlab-dark" else value

    def _shown(self, entry: Entry) -> str:
        return _called(entry, self._value(entry))

    def _rest(self) -> str:
        rules = self._settings.rules
        counts = (
            (len(self._settings.keys), "own keys"),
            (len(rules.severity), "severities"),
            (len(rules.thresholds), "thresholds"),
            (len(rules.suppress), "suppressions"),
        )
        return ", ".join(f"{number} {what}" for number, what in counts)

    def _leaving(self) -> Text:
        told = Text()
        for key, does, action in (("s", "keeps", "keep"), ("esc", "leaves all as it was", "leave")):
            part = Text.assemble((key, "bold"), f" {does}")
            part.stylize(Style.from_meta({"@click": f"screen.{action}"}))
            told.append_text(part).append("   ")
        return told.append("enter, left, right change", "dim")

    def on_mount(self) -> None:
        """Keys go to the list."""
        options = self.query_one(OptionList)
        options.focus()
        options.highlighted = 1

    # --- keys ------------------------------------------------------------------------------

    @property
    def _current(self) -> tuple[int, Entry] | None:
        options = self.query_one(OptionList)
        if options.highlighted is None:
            return None
        name = options.get_option_at_index(options.highlighted).id
        return None if name is None else (options.highlighted, ENTRIES[int(name)])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The next value, or one to type."""
        current = self._current
        if current is None:
            return
        entry = current[1]
        if entry.choices:
            self.action_step(1)
            return

        def typed(text: str | None) -> None:
            if text is not None:
                self._set(entry, entry.read(text))

        def check(text: str) -> str:
            return wrong_with(lambda: changed(self._settings, {entry.key: entry.read(text)}))

        self.app.push_screen(
            Prompt(entry.label, _typable(self._value(entry)), hint=entry.hint, check=check), typed
        )

    def action_step(self, by: int) -> None:
        """Another one of the values that can be chosen."""
        current = self._current
        if current is None or not current[1].choices:
            return
        entry = current[1]
        values = [value for value, _ in entry.choices]
        now = self._value(entry)
        place = values.index(now) if now in values else -by
        self._set(entry, values[(place + by) % len(values)])

    def _set(self, entry: Entry, value: object) -> None:
        self._changes.pop(entry.key, None)
        if value != self._in_file(entry):
            self._changes[entry.key] = value
        self._preview(entry.key, value)
        current = self._current
        if current is not None:
            self.query_one(OptionList).replace_option_prompt_at_index(current[0], self._line(entry))

    def action_keep(self) -> None:
        """What was changed goes into the file."""
        self.dismiss(dict(self._changes))

    def action_leave(self) -> None:
        """Nothing is changed; who asked takes back what was tried."""
        self.dismiss(None)


def _called(entry: Entry, value: object) -> str:
    for choice, name in entry.choices:
        if choice == value:
            return name
    if isinstance(value, float):
        return f"{value:g} s"
    return _typable(value) or "none"


def _typable(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
