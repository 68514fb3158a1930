"""Settings while the console runs: shown, tried, kept in their file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from analyzers.errors import OptionError
from analyzers.export.formatting import glyphs
from dpdlab import settings
from dpdlab.present.times import TimeMode
from dpdlab.present.whole_file import write_whole
from dpdlab.tui.asking_app import AskingApp
from dpdlab.tui.bars import Line, Overview
from dpdlab.tui.drawing import on_stdout
from dpdlab.tui.rows import RowList
from dpdlab.tui.themes import THEMES

if TYPE_CHECKING:
    from textual.driver import Driver

    from dpdlab.settings.edit import Changes, Key


class SettledApp(AskingApp):
    """Does what the settings say, at once where that is possible."""

    settings_file: Path | None = None
    """The file in force, or where the user's own one would be; None: nothing can be kept."""

    def get_driver_class(self) -> type[Driver]:
        """Drawn on standard output."""
        return on_stdout(super().get_driver_class())

    @property
    def is_live(self) -> bool:
        """Whether it is a session that goes on."""
        return self._live is not None

    def do_settings(self) -> None:
        """All settings, to be changed and kept."""
        # What reads them is heavy, and seldom wanted.
        from dpdlab.settings.model import Settings, load
        from dpdlab.tui.dialogs.settings import SettingsScreen

        path = self.settings_file or settings.users_file()
        try:
            known = load(path) if settings.is_there(path) else Settings()
        except OptionError as error:
            self.say(error.message)
            return
        named = "nowhere to keep them: no home" if path is None else str(path)
        theme, times, options = self.theme, self.model.times, self.options
        ascii_only = self.model.ascii_only
        screen = SettingsScreen(known, named, self._in_force(), self._preview)

        def answered(changes: Changes | None) -> None:
            if changes is None:
                # What was tried goes, what an option or a key had set comes back.
                self.theme = theme
                self.model.times = times
                if self.model.ascii_only is not ascii_only:
                    self.set_ascii(ascii_only)
                self.changed()
                if self.options != options:
                    self.read_with(options)
            elif changes:
                kept = self._keep_settings(path, changes)
                # What was wanted counts from now on, kept or not.
                self._settle(changes, kept=kept)

        self.push_screen(screen, answered)

    def _in_force(self) -> dict[Key, object]:
        """What the settings come to here, with the options of the command line."""
        options = self.options
        return {
            ("console", "ascii"): self.model.ascii_only,
            ("report", "budget_s"): options.budget_s,
            ("report", "black_hole_min_s"): options.black_hole_min_s,
            ("report", "local"): options.local,
            ("report", "ports"): options.ports,
        }

    def _preview(self, key: Key, value: object) -> None:
        """Show what can be shown at once."""
        match key:
            case "console", "theme":
                self.theme = str(value) or THEMES[0].name
            case "console", "times":
                self.model.times = replace(self.model.times, mode=TimeMode.named(str(value)))
                self.changed()
            case "console", "ascii":
                self.set_ascii(bool(value))
            case "report", name if self.reads_quickly:
                self.read_with(replace(self.options, **{name: value}))

    def _keep_settings(self, path: Path | None, changes: Changes) -> bool:
        """Write them into their file, or say why that cannot be."""
        from dpdlab.settings.edit import edited
        from dpdlab.settings.model import text_of

        if path is None:
            self.say("nothing is kept: no home")
            return False
        try:
            text = text_of(path) if settings.is_there(path) else ""
            made = edited(text, changes, str(path))
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, [made.encode()])
        except OptionError as error:
            self.say(f"nothing is kept: {error.message}")
        except OSError as error:
            self.say(f"nothing is kept: {path}: {error.strerror or error}")
        else:
            self.say(f"kept in {path}")
            return True
        return False

    def _settle(self, changes: Changes, *, kept: bool) -> None:
        if ("console", "ascii") in changes:
            self.set_ascii(bool(changes["console", "ascii"]))
        if ("console", "bell") in changes:
            self.bell_wanted = bool(changes["console", "bell"])
        reading = {key: value for (section, key), value in changes.items() if section == "report"}
        if not reading:
            return
        options = replace(self.options, **reading)
        if self.read_once:
            if kept:
                self.say("kept: what concerns the reading counts from the next start on")
        elif options != self.options:
            self.read_with(options)

    def set_ascii(self, ascii_only: bool) -> None:
        """Only signs of ASCII from now on, or all of them."""
        self.model.ascii_only, self.model.signs = ascii_only, glyphs(ascii_only)
        # What is drawn knows its revision.
        self.model.revision += 1
        self.apply_ascii()
        self.changed()

    def apply_ascii(self) -> None:
        """Tell all widgets whether they may use more than ASCII."""
        ascii_only = self.model.ascii_only
        self.set_class(ascii_only, "ascii")
        for screen in self.screen_stack:
            screen.set_class(ascii_only, "ascii")
        main = self.screen_stack[0]
        for line in main.query(Line):
            line.ascii_only = ascii_only
            line.repaint()
        for overview in main.query(Overview):
            overview.show()
        for rows in main.query(RowList):
            rows.ascii_only = ascii_only
            rows.refresh_rows()
