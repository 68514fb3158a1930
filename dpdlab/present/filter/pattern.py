"""Regular expressions that are searched in time proportional to the text, whatever they are.

Python's `re` backtracks: one line of a hostile log and an innocent `(a+)+$` stop a console for
ever. This is the construction of Thompson (CACM 11, 1968): all ways through the expression are
followed at once, and the sets of places that occur are kept, so that a known text costs one
look-up a character. The price is what needs memory of the text: back references and lookaround.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dpdlab.present.filter.pattern_syntax import (
    MATCH,
    Assertion,
    Consume,
    Look,
    Program,
    Split,
    compiled,
    is_word,
)

MAX_TEXT: Final = 2_000
"""Characters of a text that are looked at."""
_MAX_MOVES: Final = 20_000
"""Kept moves; beyond them everything kept is forgotten."""


class Pattern:
    """A compiled expression. `search` looks at every character of a text once."""

    def __init__(self, source: str, *, ignore_case: bool = False) -> None:
        """Compile `source`.

        Raises:
            PatternRefused: it is wrong, too long, or uses what is not supported.
        """
        self._program: Program = compiled(source, ignore_case=ignore_case)
        self._forget()

    def search(self, text: str) -> bool:
        """Whether the expression matches anywhere in the first MAX_TEXT characters."""
        state = self._start
        for character in text[:MAX_TEXT]:
            following = state.moves.get(character)
            if following is None:
                following = self._move(state, character)
            if following.matched:
                return True
            state = following
        if state.ends is None:
            state.ends = MATCH in self._closure(state, None)
        return state.ends

    def _forget(self) -> None:
        self._states: dict[tuple[frozenset[int], bool | None], _State] = {}
        self._moves = 0
        self._start = self._state(frozenset({0}), None)

    def _state(self, places: frozenset[int], after_word: bool | None) -> _State:
        known = self._states.get((places, after_word))
        if known is None:
            known = self._states[places, after_word] = _State(places, after_word)
        return known

    def _move(self, state: _State, character: str) -> _State:
        if self._moves >= _MAX_MOVES:
            self._forget()
        self._moves += 1
        word = is_word(character)
        reached = self._closure(state, word)
        if MATCH in reached:
            following = _MATCHED
        else:
            places = {0}
            for place in reached:
                step = self._program[place]
                if isinstance(step, Consume) and step.accepts(character):
                    places.add(place + 1)
            following = self._state(frozenset(places), word)
        state.moves[character] = following
        return following

    def _closure(self, state: _State, before_word: bool | None) -> set[int]:
        """All places reached without a character; `before_word` None: the text ends here."""
        reached: set[int] = set()
        waiting = list(state.places)
        while waiting:
            place = waiting.pop()
            if place in reached:
                continue
            reached.add(place)
            if place == MATCH:
                return reached
            waiting.extend(self._onward(place, state.after_word, before_word))
        return reached

    def _onward(
        self, place: int, after_word: bool | None, before_word: bool | None
    ) -> Iterable[int]:
        step = self._program[place]
        if isinstance(step, Split):
            return step.targets
        if isinstance(step, Assertion) and _holds(step.look, after_word, before_word):
            return (place + 1,)
        return ()


class _State:
    """A set of places between two characters, with the moves from there that are known."""

    __slots__ = ("after_word", "ends", "matched", "moves", "places")

    def __init__(
        self, places: frozenset[int], after_word: bool | None, *, matched: bool = False
    ) -> None:
        self.places = places
        self.after_word = after_word
        """Whether the character before is one of a word; None: there is none."""
        self.matched = matched
        self.moves: dict[str, _State] = {}
        self.ends: bool | None = None


_MATCHED: Final = _State(frozenset(), None, matched=True)


def _holds(look: Look, after_word: bool | None, before_word: bool | None) -> bool:
    match look:
        case Look.START:
            return after_word is None
        case Look.END:
            return before_word is None
        case Look.BOUNDARY:
            return bool(after_word) is not bool(before_word)
        case Look.NO_BOUNDARY:
            return bool(after_word) is bool(before_word)
