"""Every format of configuration, how one is told from other text, and where one is in a log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from analyzers.configs import asa, fortios, ios, ipsec_conf, strongswan_conf, swanctl
from analyzers.configs.formats import Reader
from analyzers.configs.lines import MAX_LINES, Line, clean, numbered, split_lines
from analyzers.errors import SourceError
from analyzers.model.configuration import ConfigFormat, Configuration

READERS: Final[tuple[Reader, ...]] = (
    ios.READER,
    asa.READER,
    swanctl.READER,
    ipsec_conf.READER,
    fortios.READER,
    strongswan_conf.READER,
)

LIKE_ENOUGH: Final = 0.6
"""Share of lines that must fit a format."""

_SAMPLE: Final = 300
"""Lines looked at from the beginning, the middle and the end."""
_SAMPLE_CHARACTERS: Final = 64_000
_MOST_STAMPED: Final = 0.05

# What only logs have: a time of day near the beginning, a syslog mnemonic, the name of a debug.
_STAMPED: Final = re.compile(
    r".{0,40}\b[0-2]?\d:[0-5]\d:[0-5]\d\b|.{0,60}%[A-Z][A-Z0-9_]*-[0-7]-|"
    r"(?:ISAKMP|IKEv[12]|IPSEC|CRYPTO_SS|DPD|charon|pluto|ike \d)\b ?[-:(\[]"
)
_COMMENT: Final = re.compile(r"\s*[!#:;]")

_PROMPT: Final = re.compile(r"([\w.@~/:()-]{1,80}) ?[#>$%] ?(.{0,200})")
_SHOWS: Final = re.compile(
    r"(?:do )?sh(?:ow?)? (?:run|start|conf|full|vpn|system)|show$|more (?:system|nvram|flash)"
    r"|(?:sudo )?(?:cat|less|more) \S{1,150}$"
)
_BEGINS: Final = re.compile(
    r"Building configuration|Current configuration ?:|: Saved$|#config-version="
    r"|-{4,} ?show (?:running|startup)-config ?-{4,}$"
)
_ENDS: Final = re.compile(r"end$|: end$|Cryptochecksum:|-{4,} ?show \S")


def detect(text: str) -> ConfigFormat | None:
    """The format of a text that is a configuration as a whole; None for logs and all else."""
    lines = _sample(text)
    if _share_stamped(lines) > _MOST_STAMPED:
        return None
    return _format_of(lines)


def read_configuration(
    text: str, source: str, format: ConfigFormat | str | None = None
) -> Configuration:
    """The one configuration in a text.

    Raises:
        SourceError: no format is given and none is recognised.
    """
    found = read_configurations(text, source, format)
    if not found:
        raise SourceError(f"{source}: no configuration is recognised", _formats_hint())
    return found[0]


def read_configurations(
    text: str, source: str, format: ConfigFormat | str | None = None
) -> tuple[Configuration, ...]:
    """The configurations in a text: itself, or those that a terminal log shows; () for none."""
    texts = split_lines(text)
    known = detect(text) if format is None else ConfigFormat(format)
    blocks = merged(find_configurations(texts)) if format is None else []
    # A log of nothing but configurations of several devices looks like one.
    if known is not None and len(blocks) < 2:
        blocks = [Block(known, None, tuple(numbered(texts)))]
    return tuple(read_block(block, source) for block in blocks)


class Block(Struct, frozen=True):
    """Lines of a configuration, with their numbers in the input."""

    format: ConfigFormat
    device: str | None
    """The name in the prompt before it, if there is one."""
    lines: tuple[Line, ...]


def read_block(block: Block, source: str) -> Configuration:
    """What a block says."""
    reader = next(reader for reader in READERS if reader.format is block.format)
    return reader.read(block.lines, source)


def merged(blocks: Iterable[Block]) -> list[Block]:
    """Blocks of one device taken together: people show a configuration part by part."""
    found: dict[object, Block] = {}
    for number, block in enumerate(blocks):
        name = block.device or _hostname(block.lines)
        key = (block.format, name) if name else number
        earlier = found.get(key)
        lines = block.lines if earlier is None else (*earlier.lines, *block.lines)
        found[key] = Block(block.format, name, lines)
    return list(found.values())


def find_configurations(texts: Iterable[str], first: int = 1) -> Iterator[Block]:
    """Configurations that a terminal log shows among other things.

    One begins after the command that shows it, or with the words a device puts before it; it ends
    at the next prompt, or where the device says so. Lines of debugs in between are left out.
    """
    collected: list[Line] | None = None
    device: str | None = None
    ends_itself = False
    for number, raw in enumerate(texts, start=first):
        begins = "onfig" in raw and _BEGINS.match(raw.strip()) is not None
        prompt = None if begins else _prompt(raw)
        inside = collected is not None and device is not None
        if prompt is not None and inside and prompt.device != device and not prompt.shows:
            prompt = None  # a line that happens to look like one
        if prompt is not None:
            if collected:
                yield from _block(collected, device)
            device = prompt.device
            collected, ends_itself = ([] if prompt.shows else None), False
        elif begins or (": Saved" in raw and _BEGINS.match(raw.strip())):
            if collected and ends_itself:
                yield from _block(collected, device)
            collected, ends_itself = [], True
        elif collected is not None and len(collected) < MAX_LINES:
            text = clean(raw)
            if ends_itself and _ENDS.match(text):
                yield from _block(collected, device)
                collected = None
            elif not _STAMPED.match(text):
                collected.append(Line(number, text))
    if collected:
        yield from _block(collected, device)


class _Prompt(NamedTuple):
    """A prompt, and whether its command shows a configuration."""

    device: str
    shows: bool


def _prompt(raw: str) -> _Prompt | None:
    if "#" not in raw and ">" not in raw and "$" not in raw:
        return None
    found = _PROMPT.match(clean(raw))
    if found is None:
        return None
    device = re.split(r"[(:]", found[1], maxsplit=1)[0]
    return _Prompt(device, _SHOWS.match(found[2].strip()) is not None)


def _block(lines: Sequence[Line], device: str | None) -> Iterator[Block]:
    known = _format_of([line for line in lines if line.text][: 3 * _SAMPLE])
    if known is not None:
        yield Block(known, device, tuple(lines))


def _hostname(lines: Sequence[Line]) -> str | None:
    for line in lines:
        if line.text.startswith("hostname "):
            return " ".join(line.words[1:2])
    return None


def _format_of(lines: Sequence[Line]) -> ConfigFormat | None:
    scores = [(reader.likeness(lines), reader.format) for reader in READERS]
    best, known = max(scores, key=lambda score: score[0])
    return known if best >= LIKE_ENOUGH else None


def _sample(text: str) -> list[Line]:
    """Lines with text from the beginning, the middle and the end; all of a short one."""
    size = _SAMPLE_CHARACTERS
    if len(text) <= 3 * size:
        parts = [text]
    else:
        middle = len(text) // 2
        parts = [text[:size], text[middle : middle + size], text[-size:]]
    lines = [line for part in parts for line in numbered(split_lines(part)) if line.text]
    if len(lines) <= 3 * _SAMPLE:
        return lines
    middle = len(lines) // 2
    return lines[:_SAMPLE] + lines[middle : middle + _SAMPLE] + lines[-_SAMPLE:]


def _share_stamped(lines: Sequence[Line]) -> float:
    told = [line for line in lines if not _COMMENT.match(line.text)]
    return sum(bool(_STAMPED.match(line.text)) for line in told) / len(told) if told else 0.0


def _formats_hint() -> str:
    return f"formats are {', '.join(reader.format.value for reader in READERS)}"
