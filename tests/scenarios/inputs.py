"""Runs captures, logs and configurations together: in one piece, and in the smallest ones."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from analyzers.model.alignment import Alignment
from analyzers.model.exchange import Exchange
from analyzers.model.peer import PeerView
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.session import ClockOptions, Session, SessionOptions
from tests import capture_files
from tests.scenarios.conftest import CUTTINGS
from tests.scenarios.timeline import capture


class Together(Struct, frozen=True, dict=True):
    """What the report says of several inputs."""

    peers: tuple[PeerView, ...]
    sources: tuple[SourceInfo, ...]
    alignments: tuple[Alignment, ...]

    @property
    def peer(self) -> PeerView:
        """The only peer."""
        (peer,) = self.peers
        return peer

    @property
    def alignment(self) -> Alignment:
        """The only one."""
        (alignment,) = self.alignments
        return alignment

    def problem(self, kind: ProblemKind) -> Problem:
        """The only problem of a kind in any input."""
        (found,) = [p for s in self.sources for p in s.problems if p.kind is kind]
        return found

    def kinds(self, number: int) -> set[ProblemKind]:
        """The kinds of problem of one input."""
        return {p.kind for p in self.sources[number].problems}


def together(
    folder: Path,
    *parts: str | bytes,
    options: SessionOptions | None = None,
    clocks: ClockOptions | None = None,
) -> Together:
    """The report of inputs: bytes are captures, text is a log or a configuration.

    They are called `0.pcap`, `1.txt` … in their order. However they are cut, it is the same.
    """
    paths = []
    for number, part in enumerate(parts):
        path = folder / f"{number}.{'txt' if isinstance(part, str) else 'pcap'}"
        if isinstance(part, str):
            path.write_text(part)
        else:
            path.write_bytes(part)
        paths.append(str(path))
    chosen = options or SessionOptions()
    if clocks is not None:
        chosen = replace(chosen, clocks=clocks)
    session = Session(chosen)
    session.run(paths)
    peers = session.peers()
    for chunk_bytes, batch_rows in CUTTINGS:
        again = Session(replace(chosen, chunk_bytes=chunk_bytes, batch_rows=batch_rows))
        again.run(paths)
        assert again.peers() == peers, f"cut into {chunk_bytes} bytes, {batch_rows} rows"
    return Together(peers, tuple(session.sources), session.alignments)


def alone(folder: Path, text: str) -> PeerView:
    """The only peer of a timeline that nothing but a capture shows."""
    return together(folder, capture(text)).peer


def asked(peer: PeerView) -> list[tuple[object, ...]]:
    """What the exchanges of a peer are, without where it was seen."""
    return [told(x) for x in peer.exchanges]


def told(x: Exchange) -> tuple[object, ...]:
    """What an exchange is, without where it was seen."""
    answer = None if x.answer is None else (x.answer.at_ns, x.answer.message_id)
    sent = tuple((t.at_ns, t.message_id) for t in x.transmissions)
    return (x.prober, x.outcome, sent, answer)


def merged(*captures: bytes) -> bytes:
    """The records of captures of `tests.builders` in one, in the order of time."""
    records = [record for data in captures for record in _records(data)]
    return captures[0][:24] + b"".join(sorted(records, key=lambda r: struct.unpack_from("<II", r)))


def interfaces(*captures: bytes) -> bytes:
    """The records of captures of `tests.builders` as those of one pcapng, each by its interface."""
    frames = []
    for number, data in enumerate(captures):
        for record in _records(data):
            second, part = struct.unpack_from("<II", record)
            frames.append((second * 1_000_000 + part, number, record[16:]))
    described = capture_files.section() + capture_files.interface() * len(captures)
    blocks = [capture_files.enhanced(at, data, number=n) for at, n, data in sorted(frames)]
    return described + b"".join(blocks)


def shifted(data: bytes, by_ns: int) -> bytes:
    """A capture of `tests.builders` with all its times moved."""
    parts = [data[:24]]
    for record in _records(data):
        second, part, size, length = struct.unpack_from("<IIII", record)
        at_ns = second * 1_000_000_000 + part * 1_000 + by_ns
        at_s, rest_ns = divmod(at_ns, 1_000_000_000)
        parts.append(struct.pack("<IIII", at_s, rest_ns // 1_000, size, length) + record[16:])
    return b"".join(parts)


def _records(data: bytes) -> Iterator[bytes]:
    place = 24
    while place < len(data):
        end = place + 16 + int(struct.unpack_from("<I", data, place + 8)[0])
        yield data[place:end]
        place = end
