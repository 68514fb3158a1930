"""The user's keys, from all the files they are in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from analyzers.errors import KeyFileError, SourceError
from analyzers.sources.inputs import read_text

if TYPE_CHECKING:
    from analyzers.wire.keys import KeyRing

# A key table has a line an SA; a charon log with key dumps may be long.
_MAX_KEY_FILE_BYTES: Final = 256 << 20
KEY_TABLES: Final = ("ikev1_decryption_table", "ikev2_decryption_table")


def load_keys(paths: tuple[str, ...]) -> KeyRing | None:
    """The keys of all files; a directory gives Wireshark's two tables. Raises KeyFileError."""
    if not paths:
        return None
    from analyzers.wire.keys import KeyRing, parse_keys

    ring = KeyRing()
    for path in paths:
        files = [path]
        if Path(path).is_dir():
            files = [str(Path(path) / name) for name in KEY_TABLES]
            files = [name for name in files if Path(name).is_file()]
            if not files:
                raise KeyFileError(
                    f"{path} holds no key table",
                    f"expected {' or '.join(KEY_TABLES)}, as Wireshark writes them",
                )
        for name in files:
            try:
                text = read_text(name, _MAX_KEY_FILE_BYTES)
            except SourceError as error:
                raise KeyFileError(error.message, error.hint) from error
            found = parse_keys(text, name)
            if not found:
                raise KeyFileError(
                    f"{name} holds no usable key",
                    found.problems[0][1] if found.problems else "it has no row",
                )
            ring = ring.merged(found)
    return ring
