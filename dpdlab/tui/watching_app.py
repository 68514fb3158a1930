"""What keys do while things happen, and about time: pause, follow, fit, marks, how it is told."""

from __future__ import annotations

from abc import abstractmethod

from msgspec.structs import replace

from dpdlab.present.times import TimeMode
from dpdlab.tui.bars import Overview
from dpdlab.tui.settled_app import SettledApp


class WatchingApp(SettledApp):
    """Most of it is of use in a live session alone."""

    @abstractmethod
    def go_to_moment(self, at_ns: int | None) -> None:
        """The moment that all views share."""

    def do_pause(self) -> None:
        """Stop painting, or paint what came meanwhile."""
        self.paused = self.model.paused = not self.paused
        if not self.paused:
            self.take_pending()
        going_on = "everything is read" if self.model.done else "reading goes on"
        self.say(f"paused: {going_on}" if self.paused else "painting again")

    def take_pending(self) -> None:
        """Paint what came while nothing was painted."""
        if self._pending is not None:
            self._take(self._pending)

    def do_bell(self) -> None:
        """A bell at each verdict, or none."""
        self.bell_wanted = not self.bell_wanted
        self.say("a bell at each verdict" if self.bell_wanted else "no bell")

    def do_clear(self) -> None:
        """Only what comes from now on; again: everything."""
        now_ns = self.model.now_ns
        if self.model.range_ns is not None or now_ns is None:
            self.model.choose_range(None)
            said = "everything is shown"
        else:
            self.model.choose_range((now_ns, now_ns), goes_on=True)
            said = "only what comes from now on (ctrl+l again: everything)"
        self.changed()
        self.say(said)

    def do_fit(self) -> None:
        """All of the time."""
        self.model.choose_range(None)
        self.changed()
        self.say("all of the time is shown")

    def on_overview_ranged(self, message: Overview.Ranged) -> None:
        """A stretch of time was chosen with the mouse."""
        self.model.choose_range(message.range_ns)
        self.go_to_moment(self.model.moment_in_range())
        self.changed()
        if message.range_ns is not None and self.model.silent_range:
            first, last = map(self.model.times.at, message.range_ns)
            fit = self.model.key("fit")
            self.say(f"nothing happened from {first} to {last}: {fit} or a click there shows all")

    def do_follow(self) -> None:
        """Stay at what comes in last, or no longer."""
        self.following = not self.following
        if self.following:
            self.go_to_moment(self.model.end_ns)
            self.changed()
        self.say("following what comes in" if self.following else "staying here")

    # --- time ------------------------------------------------------------------------------

    def do_time_format(self) -> None:
        """Times in the next format."""
        mode, more = self.model.times.mode.next(), ""
        if mode is TimeMode.MARK and self.model.times.mark_ns is None:
            mode = mode.next()
            more = f" ({self.model.key('mark')} marks a moment to count from)"
        self.model.times = replace(self.model.times, mode=mode)
        self.changed()
        self.say(f"times: {mode.value}{more}")

    def do_mark(self) -> None:
        """Mark the moment."""
        if self.model.at_ns is None:
            self.say("no moment is chosen here")
            return
        self.model.times = replace(self.model.times, mark_ns=self.model.at_ns)
        self.changed()
        self.say(f"marked {self.model.times.at(self.model.at_ns)}")

    def do_go_to_mark(self) -> None:
        """Go to the mark."""
        mark_ns = self.model.times.mark_ns
        if mark_ns is None:
            self.say(f"nothing is marked: {self.model.key('mark')} marks a moment")
            return
        self.go_to_moment(mark_ns)
        self.changed()
        self.say(f"at the mark, {self.model.times.at(mark_ns)}")

    def do_colour(self) -> None:
        """Colour by the next thing."""
        self.model.colour_by = self.model.colour_by.next()
        self.changed()
        self.say(f"colour by {self.model.colour_by.value}")
