"""What several rules ask of a peer, or of a run, is worked out when the first one does."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar


class Subject(Protocol):
    """What rules judge."""

    @property
    def derived(self) -> dict[object, Any]:
        """What was worked out, by the function that did."""
        ...


Judged = TypeVar("Judged", bound=Subject)
Derived = TypeVar("Derived")


def once(derive: Callable[[Judged], Derived]) -> Callable[[Judged], Derived]:
    """A function of a case or a run that remembers its answer there; nobody changes the answer."""

    @wraps(derive)
    def known(subject: Judged) -> Derived:
        derived = subject.derived
        if derive not in derived:
            derived[derive] = derive(subject)
        answer: Derived = derived[derive]
        return answer

    return known
