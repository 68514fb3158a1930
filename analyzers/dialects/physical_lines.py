"""Text cut into physical lines, wherever the pieces in which it comes are cut."""

from __future__ import annotations

from typing import Final

# Of a line so much is kept: a page that lost its line ends is one line.
_MAX_LINE: Final = 1 << 18
DECIDING: Final = 1 << 16
"""So many characters at the start of a text tell by what its lines end."""


def ends_with_cr(first: str) -> bool:
    """Whether lines end with CR alone; `first` is the start of the text, or all of a short one."""
    if "\n" in first[:DECIDING]:
        return False
    return "\r" in (first[:DECIDING] if len(first) >= DECIDING else first.rstrip("\r"))


class LineCutter:
    """Takes text in pieces; gives lines without their ends.

    Lines end with LF or CR LF. A lone CR is no line end but for a file that has nothing else: it
    stays in the line, since consoles write it for its own sake.
    """

    def __init__(self) -> None:
        self._rest = ""
        self._decided = False
        self._only_cr = False
        self._cut_short = False
        """Whether the line that has not ended is longer than what is kept of it."""
        self.long_lines = 0
        """Lines of which the end was not kept."""

    def feed(self, text: str) -> list[str]:
        """The lines that end in `text`."""
        if self._cut_short and "\n" not in text and "\r" not in text:
            return []
        data = self._rest + text if self._rest else text
        if not self._decided:
            if len(data) < DECIDING and "\n" not in data:
                self._rest = data
                return []
            self._decided = True
            self._only_cr = ends_with_cr(data)
        return self._cut(data)

    def finish(self) -> list[str]:
        """The last line, if it has no end."""
        data, self._rest = self._rest, ""
        if not data:
            return []
        if not self._decided:
            self._only_cr = ends_with_cr(data)
        lines = self._cut(data)
        rest, self._rest = self._rest, ""
        return [*lines, rest[:_MAX_LINE].rstrip("\r")] if rest else lines

    def _cut(self, data: str) -> list[str]:
        if "\r" in data:
            data = data.replace("\r", "\n") if self._only_cr else data.replace("\r\n", "\n")
        lines = data.split("\n")
        rest = lines.pop()
        if self._cut_short or max(map(len, lines), default=0) > _MAX_LINE or len(rest) > _MAX_LINE:
            found = [len(line) > _MAX_LINE for line in (*lines, rest)]
            self.long_lines += sum(found[self._cut_short :])
            self._cut_short = found[-1] or (self._cut_short and not lines)
            lines = [line[:_MAX_LINE] for line in lines]
        if len(rest) > _MAX_LINE:
            # A CR at the end may be half of a line end.
            rest = rest[:_MAX_LINE] + "\r" * rest.endswith("\r")
        self._rest = rest
        return lines
