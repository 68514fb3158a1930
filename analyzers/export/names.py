"""Names that configurations give to devices and connections, and what stands for them.

A name is told as what it is of, with a number in order of appearance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from analyzers.configs.sections import is_address
from analyzers.model.configuration import Configuration

_NAME: Final = re.compile(r"[\w.-]{2,}")
# Scopes that are words of ours, not names.
_NO_NAMES: Final = frozenset({"global", "default"})


class Names:
    """The pseudonyms of the names of one run."""

    def __init__(self, devices: Iterable[str] = (), connections: Iterable[str] = ()) -> None:
        # An address in the place of a name gets the pseudonym that it has everywhere.
        self._names = dict(_numbered("device", (d for d in devices if not is_address(d))))
        words = (word for word in connections if word not in _NO_NAMES)
        self._names.update(_numbered("connection", words))
        longest = sorted(self._names, key=len, reverse=True)
        names = "|".join(re.escape(name) for name in longest if _NAME.search(name))
        self._pattern = re.compile(rf"(?<!\w)(?:{names})(?!\w)") if names else None

    def get(self, name: str) -> str | None:
        """What stands for a name; None for what is not known as one."""
        return self._names.get(name)

    def text(self, text: str) -> str:
        """Free text without the names."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._names[found[0]], text)


def names_of(configurations: Iterable[Configuration]) -> Names:
    """The names in configurations: of the devices, their connections, and what these are under."""
    known = tuple(configurations)
    return Names(
        (c.hostname for c in known if c.hostname),
        (
            word
            for c in known
            for word in (*(each.name for each in c.connections), *(each.scope for each in c.dpd))
        ),
    )


def _numbered(kind: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    unique = dict.fromkeys(name for name in names if name)
    return ((name, f"{kind}-{number}") for number, name in enumerate(unique, start=1))
