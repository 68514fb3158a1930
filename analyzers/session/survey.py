"""Reads a capture once more, for what it has in common with other inputs."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np

from analyzers.decode.ike import IkeDecoder
from analyzers.model.observations import Datagram
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.session.joined import CaptureClock, Ends
from analyzers.session.opening import capture_reader, info_of
from analyzers.session.options import SessionOptions
from analyzers.sources.inputs import InputSpec, open_input
from analyzers.tracking.passed import FlowKey, PassedFold
from analyzers.tracking.sightings import Key, KeyFamily, Sighting, decrypted, of_datagram
from analyzers.wire.keys import KeyRing

# More messages than this are not held against other inputs.
_MAX_SIGHTINGS: Final = 300_000
_NEVER: Final = 1 << 62

Fact = tuple[KeyFamily, Key]


def unread(spec: InputSpec, number: int, info: SourceInfo) -> CaptureClock:
    """A capture that is the only input: a pipe cannot be read twice, and it need not be."""
    return CaptureClock(number, spec.name, info, [], frozenset(), frozenset(), {}, {}, {}, 0, 0)


def survey(
    spec: InputSpec,
    number: int,
    info: SourceInfo,
    options: SessionOptions,
    wanted: Set[Fact] | None,
    ring: KeyRing | None = None,
) -> CaptureClock:
    """The messages of a capture, who talks in it, its first and its last time.

    `wanted`: what other inputs know of messages; None: every message may be in another one.
    `ring`: keys, where another input knows what only who decrypts a message sees.
    """
    decoder = None if ring is None else IkeDecoder(ring)
    item = open_input(spec)
    sightings: list[Sighting] = []
    ends: set[Ends] = set()
    keys: list[FlowKey] = []
    esp: dict[str, Ends] = {}
    spis: list[str] = []
    first_esp = last_esp = np.empty(0, np.int64)
    heard: dict[Ends, int] = {}
    passed = PassedFold()
    more, cut = 0, False
    try:
        again = info_of(item, number, "capture")
        reader = capture_reader(item, spec, again, options)
        while (batch := reader.read()) is not None:
            keys += [flow[:3] for flow in batch.new_flows]
            for flow in batch.new_flows:
                spis.append(f"{flow.spi:08x}")
                esp.setdefault(spis[-1], (flow.src, flow.dst))
            first_esp = np.append(first_esp, np.full(len(batch.new_flows), _NEVER, np.int64))
            last_esp = np.append(last_esp, np.zeros(len(batch.new_flows), np.int64))
            np.minimum.at(first_esp, batch.esp.flow, batch.esp.at_ns)
            np.maximum.at(last_esp, batch.esp.flow, batch.esp.at_ns)
            if wanted is None:
                passed.add(batch.esp)
            for event in batch.events:
                sighting = of_datagram(event) if isinstance(event, Datagram) else None
                if sighting is None or not isinstance(event, Datagram):
                    continue
                if decoder is not None:
                    sighting = decrypted(sighting, decoder.decode(event)[0])
                cut = cut or event.missing_bytes > 0
                both = (sighting.src or "", sighting.dst or "")
                ends.add(both)
                heard[both] = max(heard.get(both, 0), sighting.at_ns)
                if wanted is not None and wanted.isdisjoint(sighting.keys):
                    continue
                if len(sightings) < _MAX_SIGHTINGS:
                    sightings.append(sighting)
                else:
                    more += 1
    finally:
        item.close()
    if more:
        text = "messages beyond the first are not held against other inputs: too many"
        info.note(Problem(ProblemKind.NOT_ALIGNED, text, None, more))
    flows = [key[:2] for key in keys]
    for both, at_ns in zip(flows, last_esp.tolist(), strict=True):
        heard[both] = max(heard.get(both, 0), at_ns)
    return CaptureClock(
        number,
        spec.name,
        info,
        sightings,
        frozenset(ends),
        frozenset(flows),
        esp,
        dict(zip(spis, zip(first_esp.tolist(), last_esp.tolist(), strict=True), strict=True)),
        heard,
        again.first_ns or 0,
        again.last_ns or 0,
        numbers=passed.by_flow(keys),
        incomplete=cut or more > 0,
    )
