"""The registry of actions: one place for keys, footer hints, help and the command palette."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Action(Struct, frozen=True):
    """Something a key does. `id` is what the settings remap, and what views implement as `do_ID`
    with underscores."""

    id: str
    keys: tuple[str, ...]
    """In Textual's names; the first one is shown."""
    hint: str
    """One word for the footer."""
    help: str
    """One sentence; of a view that does something of its own, its method has another one."""
    group: str
    title: str = ""
    """In the command palette; empty: the help."""
    footer: bool = False
    """Shown in the footer of every view."""
    live: bool = False
    """Only of use in a session that goes on: not offered elsewhere."""


MOVE: Final = "Move"
VIEWS: Final = "Views"
FIND: Final = "Find"
TIME: Final = "Time"
LIVE: Final = "Live, in dpdlab live"
DO: Final = "Do"

ACTIONS: Final[tuple[Action, ...]] = (
    Action("up", ("up", "k"), "up", "One row up.", MOVE, "Up"),
    Action("down", ("down", "j"), "down", "One row down.", MOVE, "Down"),
    Action("left", ("left", "h"), "left", "To the left, or earlier.", MOVE, "Left"),
    Action("right", ("right", "l"), "right", "To the right, or later.", MOVE, "Right"),
    Action("page-up", ("ctrl+u", "pageup"), "page up", "One page up.", MOVE, "Page up"),
    Action("page-down", ("ctrl+d", "pagedown"), "page down", "One page down.", MOVE, "Page down"),
    Action("first", ("g", "home"), "first", "To the beginning.", MOVE, "First"),
    Action("last", ("G", "end"), "last", "To the end.", MOVE, "Last"),
    Action("into", ("enter",), "open", "Into what the cursor is on.", MOVE, "Open"),
    Action("back", ("escape", "q"), "back", "Back to where you came from.", MOVE, "Back"),
    Action("quit", ("ctrl+q",), "quit", "Leave dpdlab.", MOVE, "Quit"),
    Action("suspend", ("ctrl+z",), "shell", "To the shell, which comes back with fg.", MOVE,
           "Suspend"),
    Action("view-peers", ("1",), "peers", "All peers, the worst first.", VIEWS, "Peers"),
    Action("view-timeline", ("2",), "timeline", "The peer on a time axis.", VIEWS, "Timeline"),
    Action("view-ladder", ("3",), "ladder", "The peer message by message.", VIEWS, "Ladder"),
    Action("view-findings", ("4",), "findings", "What is wrong, and why.", VIEWS, "Findings"),
    Action("view-log", ("5",), "log", "The text of the logs.", VIEWS, "Log"),
    Action(
        "view-what-if", ("6",), "what-if", "What other timers would have left.", VIEWS, "What-if"
    ),
    Action("help", ("question_mark", "f1"), "help", "All keys.", DO, "Help", footer=True),
    Action("palette", ("ctrl+p",), "palette", "All commands by name.", DO, "Command palette"),
    Action("command", ("colon",), "command", "Type a command.", DO, "Type a command"),
    Action("search", ("slash", "f3"), "search", "The next row that has a text.", FIND, "Search"),
    Action("search-next", ("n",), "next hit", "To the next hit.", FIND, "Next hit"),
    Action("search-previous", ("N",), "hit before", "To the hit before.", FIND, "Previous hit"),
    Action(
        "filter", ("f", "f7"), "filter", "Show only what a filter matches.", FIND, footer=True,
        title="Filter",
    ),
    Action("next-error", ("e",), "error", "To the next error.", FIND, "Next error"),
    Action("previous-error", ("E",), "error before", "To the error before.", FIND,
           "Previous error"),
    Action("next-warning", ("w",), "warning", "To the next warning.", FIND, "Next warning"),
    Action("previous-warning", ("W",), "warning before", "To the warning before.", FIND,
           "Previous warning"),
    Action("next-hole", ("b",), "black hole", "To the next black hole.", FIND, "Next black hole"),
    Action("previous-hole", ("B",), "hole before", "To the black hole before.", FIND,
           "Previous black hole"),
    Action("previous-event", ("comma",), "event before", "To the peer's event before.", FIND,
           "Previous event"),
    Action("next-event", ("full_stop",), "event", "To the peer's next event.", FIND, "Next event"),
    Action("pair-before", ("left_square_bracket",), "pair", "To the message before that belongs to"
           " this one.", FIND, "Paired message before"),
    Action("pair-after", ("right_square_bracket",), "pair", "To the message after that belongs to"
           " this one.", FIND, "Paired message after"),
    Action("zoom-in", ("plus", "equals_sign"), "zoom",
           "Closer to the cursor.", TIME, "Zoom in"),
    Action("zoom-out", ("minus",), "zoom out", "Farther away.", TIME,
           "Zoom out"),
    Action("fit", ("F",), "fit", "All of the peer's time, then all of the time; all of the rows.",
           TIME, "Fit"),
    Action("compress", ("C",), "compress", "Time in which nothing changes takes no room, or again.",
           TIME, "Compress silence"),
    Action("time-format", ("T",), "times", "Times in UTC, local, since the start, since the event"
           " before, since the mark.", TIME, "Time format"),
    Action("mark", ("m",), "mark", "Remember this moment: to count from it, to come back.", TIME,
           "Mark this moment"),
    Action("go-to-mark", ("apostrophe",), "to mark", "Back to the moment that was marked.", TIME,
           "Go to the mark"),
    Action("pause", ("p",), "pause", "Stop painting; reading goes on.", TIME, "Pause"),
    Action("follow", ("A",), "follow", "Follow what comes in.", LIVE, "Follow", live=True),
    Action("clear", ("ctrl+l",), "clear", "Only what comes from now on, or everything again.", LIVE,
           "Clear", live=True),
    Action("bell", ("ctrl+g",), "bell", "A bell when a peer is given up, or none.", LIVE, "Bell",
           live=True),
    Action("export", ("s", "f2"), "export", "Write a report, a capture or a drawing.", DO,
           "Export"),
    Action("raw", ("r", "f6"), "raw", "The bytes of the message, or the line of the log.", DO,
           "Raw bytes"),
    Action("tshark", ("R",), "tshark", "The message as tshark dissects it.", DO, "tshark view"),
    Action("select", ("space",), "select", "Select this one; with two, d compares them.", DO,
           "Select"),
    Action("diff", ("d",), "compare", "The two that are selected, field by field.", DO,
           "Compare two"),
    Action("copy", ("y",), "copy", "Copy as text, JSON, Wireshark filter or BPF.", DO, "Copy"),
    Action("explain", ("x",), "explain", "Why this finding matters, and what to do.", DO,
           "Explain the finding"),
    Action("colour", ("c",), "colour", "Colours by state, by peer or by direction.", DO,
           "Colour by"),
    Action("sort", ("S",), "sort", "By another column, one after the other.", DO,
           "Sort by the next column"),
    Action("sort-back", ("I",), "other way", "The same column the other way round.", DO,
           "Sort the other way round"),
    Action("columns", ("v",), "columns", "Which columns the list has.", DO, "Choose columns"),
    Action("columns-right", ("greater_than_sign",), "columns", "The columns that have no room.", DO,
           "Further columns"),
    Action("columns-left", ("less_than_sign",), "columns", "Those to the left of them.", DO,
           "Columns before"),
    Action("inputs", ("i",), "inputs", "Inputs, their problems and their clocks.", DO, "Inputs"),
    Action("open", ("o",), "open file", "Read a further file.", DO, "Open a file"),
    Action("settings", ("f10",), "settings", "Theme, times, ASCII, bell, thresholds.", DO,
           "Settings"),
)  # fmt: skip

BY_ID: Final = {action.id: action for action in ACTIONS}


def method_of(action: Action) -> str:
    """The method of a view, or of the application, that does it."""
    return f"do_{action.id.replace('-', '_')}"
