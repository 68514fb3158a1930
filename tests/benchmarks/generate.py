"""Make a big capture of a VPN hub: mostly ESP, a little IKE, the rest TCP.

    python -m tests.benchmarks.generate --packets 1000000 --peers 50 --out hub.pcap

The same arguments give the same bytes. Beside the capture a `.json` file tells what is in it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, get_args

import numpy as np
from msgspec import Struct

from tests.benchmarks.frames import ESP, IKE, TCP, Columns, Format, RecordWriter, ike_frame
from tests.benchmarks.ike_schedule import IN, OUT, IkeEvent, schedule
from tests.benchmarks.peers import FOREVER_US, I64, US_PER_SECOND, Mask, Peers, make_peers

VERSION = 2
"""Part of the names of cached captures: raise it when the bytes change."""

ESP_SHARE = 0.70
IKE_SHARE = 0.002

MIN_SECONDS = 60
US_PER_PACKET = 120
"""120 s for a million packets: 39 Mbit/s, and a liveness question a peer every 7 s."""

TCP_CONNECTIONS = 5_000


SLICE_PACKETS = 32_768
"""Packets made at a time: about 20 MB of records."""


class Plan(Struct, frozen=True):
    """What to make."""

    packets: int = 1_000_000
    peers: int = 50
    capture_format: Format = "pcap"
    seed: int = 1

    @property
    def last_us(self) -> int:
        """Length of the capture."""
        return max(MIN_SECONDS * US_PER_SECOND, self.packets * US_PER_PACKET)

    @property
    def name(self) -> str:
        """A file name that tells plans apart."""
        stem = f"hub-{self.packets}-packets-{self.peers}-peers-seed-{self.seed}-v{VERSION}"
        return f"{stem}.{self.capture_format}"


def cache_folder() -> Path:
    """Where captures go by default: the user's cache, since /tmp may be in memory."""
    base = os.environ.get("XDG_CACHE_HOME")
    folder = Path(base) if base else Path.home() / ".cache"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir())
    return folder / "dpdlab-benchmarks"


def generate(plan: Plan, out: BinaryIO) -> dict[str, object]:
    """Write the capture, slice by slice; returns what was written."""
    rng = np.random.default_rng(plan.seed)
    peers = make_peers(plan.peers, rng)
    budget = max(round(plan.packets * IKE_SHARE), 1)
    # Small captures with many peers: never more IKE than there are packets for.
    events = schedule(peers, budget, plan.last_us, plan.seed)[: plan.packets // 2]
    writer = RecordWriter(peers, plan.capture_format, rng)
    counts = np.zeros(3, dtype=np.int64)
    size = out.write(writer.file_header())
    for columns, messages in _slices(plan, peers, events, rng):
        size += out.write(writer.records(columns, messages).data)
        counts += np.bincount(columns.kind, minlength=3)
    dead = np.flatnonzero(peers.stop_us < plan.last_us)
    return {
        "packets": int(counts.sum()),
        "bytes": size,
        "esp": int(counts[ESP]),
        "ike": int(counts[IKE]),
        "tcp": int(counts[TCP]),
        "seconds": plan.last_us / US_PER_SECOND,
        "peers": plan.peers,
        "peers_that_die": [
            {
                "peer": int(peer),
                "silent_from_s": int(peers.fail_us[peer]) / US_PER_SECOND,
                "given_up_s": int(peers.stop_us[peer]) / US_PER_SECOND,
            }
            for peer in dead
        ],
    }


def _slices(
    plan: Plan, peers: Peers, events: list[IkeEvent], rng: np.random.Generator
) -> Iterator[tuple[Columns, list[bytes]]]:
    """The packets in order of time, some ten thousand at once, with the frames of IKE."""
    bulk = plan.packets - len(events)
    slices = -(-bulk // SLICE_PACKETS)
    edges = np.linspace(0, plan.last_us, slices + 1).astype(np.int64)
    made = np.linspace(0, bulk, slices + 1).astype(np.int64)
    traffic = _Traffic(peers, rng, plan.last_us)
    event_times = np.array([event.at_us for event in events], dtype=np.int64)
    for index in range(slices):
        begin, end = int(edges[index]), int(edges[index + 1])
        last = index == slices - 1
        rows = traffic.rows(int(made[index + 1] - made[index]), begin, end, last=last)
        low, high = np.searchsorted(event_times, (begin, end if not last else FOREVER_US))
        chosen = events[low:high]
        yield traffic.columns(rows, chosen), [ike_frame(peers, event) for event in chosen]


class _Traffic:
    """ESP and TCP packets, slice after slice; keeps sequence numbers and what overhangs."""

    def __init__(self, peers: Peers, rng: np.random.Generator, last_us: int) -> None:
        self._peers = peers
        self._esp_share = min(ESP_SHARE / (1 - IKE_SHARE) / (1 - peers.away_share(last_us)), 1.0)
        self._rng = rng
        self._cumulative = np.cumsum(peers.weight)
        self._sequences = np.zeros(peers.count * 4, dtype=np.int64)
        self._streamed = np.zeros((TCP_CONNECTIONS, 2), dtype=np.int64)
        self._overhang = np.zeros((5, 0), dtype=np.int64)

    def rows(self, count: int, begin_us: int, end_us: int, *, last: bool) -> I64:
        """Rows (time, kind, peer, direction, size): what falls into this slice, unsorted.

        ESP comes as request and response; a response may overhang into the next slice.
        """
        rng, peers = self._rng, self._peers
        asked = round(count * self._esp_share / 2)
        at = rng.integers(begin_us, end_us, size=asked)
        peer = np.searchsorted(self._cumulative, rng.random(asked)).clip(max=peers.count - 1)
        # Four of five conversations are begun behind the hub.
        direction = np.where(rng.random(asked) < 0.8, OUT, IN)
        wait = (peers.rtt_us[peer] * rng.uniform(1.0, 1.3, size=asked)).astype(np.int64)
        kind = np.full(asked, ESP, dtype=np.int64)
        request = np.stack([at, kind, peer, direction, _esp_sizes(rng, asked, large=0.0)])
        answer = np.stack(
            [at + wait, kind, peer, 1 - direction, _esp_sizes(rng, asked, large=0.42)]
        )
        rest = count - 2 * asked
        other = np.stack(
            [
                rng.integers(begin_us, end_us, size=rest),
                np.full(rest, TCP, dtype=np.int64),
                rng.integers(0, TCP_CONNECTIONS, size=rest),
                rng.integers(0, 2, size=rest),
                _tcp_sizes(rng, rest),
            ]
        )
        rows = np.concatenate([self._overhang, request, answer, other], axis=1)
        now = np.ones(rows.shape[1], dtype=bool) if last else rows[0] < end_us
        self._overhang = rows[:, ~now]
        return rows[:, now]

    def columns(self, rows: I64, events: list[IkeEvent]) -> Columns:
        """Rows and IKE messages in order of time; ESP gets its SPIs and sequence numbers."""
        ike = np.array(
            [
                (event.at_us, IKE, event.peer, event.direction, index)
                for index, event in enumerate(events)
            ],
            dtype=np.int64,
        ).reshape(-1, 5)
        rows = np.concatenate([rows, ike.T], axis=1)
        at, kind, peer, direction, size = rows[:, np.argsort(rows[0], kind="stable")]
        esp = np.flatnonzero(kind == ESP)
        silent, lost = self._silences(at[esp], peer[esp], direction[esp])
        kind[esp[silent]] = TCP
        esp, lost = esp[~silent], lost[~silent]
        epoch = (at[esp] >= self._peers.replaced_us[peer[esp]]).astype(np.int64)
        spi, sequence = np.zeros((2, len(at)), dtype=np.int64)
        spi[esp] = self._peers.spi[peer[esp], direction[esp], epoch]
        sequence[esp] = self._next_sequences((peer[esp] * 2 + direction[esp]) * 2 + epoch)
        # A lost packet has used up its sequence number, which leaves a gap.
        kind[esp[lost]] = TCP
        tcp = np.flatnonzero(kind == TCP)
        peer[tcp] %= TCP_CONNECTIONS
        spi[tcp], sequence[tcp] = self._next_bytes(peer[tcp], direction[tcp], size[tcp])
        return Columns(at, kind, peer, direction, size, spi, sequence)

    def _silences(self, at: I64, peer: I64, direction: I64) -> tuple[Mask, Mask]:
        """Which ESP packets are never sent, and which are lost on the way to the hub."""
        peers = self._peers
        inbound = direction == IN
        survives = peers.back_us[peer] < FOREVER_US
        away = (at >= peers.fail_us[peer]) & inbound
        lost = away & survives & (at < peers.back_us[peer])
        gone = away & ~survives & (at < peers.replaced_us[peer])
        stopped = ~inbound & (at >= peers.stop_us[peer]) & (at < peers.replaced_us[peer])
        return gone | stopped | (at < peers.up_us[peer]), lost

    def _next_sequences(self, flow: I64) -> I64:
        """The next sequence number of each packet's flow, in the order given."""
        order = np.argsort(flow, kind="stable")
        ordered = flow[order]
        position = np.arange(len(flow))
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        rank = position - np.repeat(starts, np.diff(starts, append=len(flow)))
        result = np.empty(len(flow), dtype=np.int64)
        result[order] = self._sequences[ordered] + rank + 1
        self._sequences += np.bincount(flow, minlength=len(self._sequences))
        return result

    def _next_bytes(self, connection: I64, direction: I64, size: I64) -> tuple[I64, I64]:
        """TCP sequence and acknowledgement numbers: every byte before it arrived."""
        order = np.argsort(connection, kind="stable")
        ordered, toward = connection[order], direction[order]
        mine = size[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        lengths = np.diff(starts, append=len(ordered))
        both = np.empty((len(order), 2), dtype=np.int64)
        for way in (OUT, IN):
            sent = np.cumsum(np.where(toward == way, mine, 0))
            before = np.repeat(sent[starts] - np.where(toward == way, mine, 0)[starts], lengths)
            both[:, way] = sent - before + self._streamed[ordered, way]
        rows = np.arange(len(order))
        sequence, acknowledged = np.empty((2, len(order)), dtype=np.int64)
        sequence[order] = (both[rows, toward] - mine) & 0xFFFFFFFF
        acknowledged[order] = both[rows, 1 - toward] & 0xFFFFFFFF
        ends = starts + lengths - 1
        self._streamed[ordered[ends]] = both[ends]
        return sequence, acknowledged


def _esp_sizes(rng: np.random.Generator, count: int, *, large: float) -> I64:
    """Bytes from the SPI on: small packets, some of middle size, and a share of full ones."""
    small = rng.integers(70, 160, size=count)
    middle = rng.integers(200, 900, size=count)
    full = rng.integers(1_240, 1_400, size=count)
    dice = rng.random(count)
    sizes = np.where(dice < large, full, np.where(dice < large + 0.35, middle, small))
    return sizes.astype(np.int64) & ~3


def _tcp_sizes(rng: np.random.Generator, count: int) -> I64:
    """Bytes of payload: bare acknowledgements, some of middle size, full segments."""
    dice = rng.random(count)
    middle = rng.integers(100, 1_000, size=count)
    return np.where(dice < 0.45, 0, np.where(dice < 0.75, middle, 1_448)).astype(np.int64)


def make_file(plan: Plan, path: Path) -> dict[str, object]:
    """The capture at `path`, made unless it is there already, and its description."""
    description = path.with_name(path.name + ".json")
    if path.is_file() and description.is_file():
        known: dict[str, object] = json.loads(description.read_text(encoding="utf-8"))
        return known
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as out:
            facts = generate(plan, out)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    description.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make a big capture of a VPN hub.")
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--peers", type=int, default=50)
    parser.add_argument("--format", choices=get_args(Format), default="pcap")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", help="a file, or - for standard output (default: a cache folder)")
    options = parser.parse_args()
    if options.packets < 1_000:
        parser.error("at least 1000 packets")
    plan = Plan(options.packets, options.peers, options.format, options.seed)
    if options.out == "-":
        generate(plan, sys.stdout.buffer)
        return 0
    path = Path(options.out) if options.out else cache_folder() / plan.name
    if options.out:
        path.unlink(missing_ok=True)
    facts = make_file(plan, path)
    print(path)
    shares = {key: facts[key] for key in ("packets", "bytes", "esp", "ike", "tcp", "seconds")}
    print(json.dumps(shares), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
