"""What the gateways of a trial log of their verdicts, and what dpdlab says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from analyzers.model.peer import PeerState
from analyzers.session import Session, SessionOptions
from tests.trials.trial import Plan

# The clocks of both are the same; what a capture alone tells is when the last wait was over.
_EXACT_S: Final = 0.2
_INFERRED_S: Final = 1.5
_TIMED_OUT: Final = re.compile(r"DPD check timed out")
_DELETED: Final = re.compile(r"proper IKE_SA delete failed")
_GAVE_UP: Final = re.compile(r"giving up after \d+ retransmits")
_UP: Final = re.compile(r"IKE_SA gw\[(\d+)\] (?:established|rekeyed) between")
_OF: Final = re.compile(r" <gw\|(\d+)> ")
_STAMP: Final = len("2026-11-22 12:00:00.000")


class Verdict(NamedTuple):
    """A peer was given up by its holder's log, or by dpdlab."""

    holder: str
    at_s: float

    def is_near(self, other: Verdict, within_s: float) -> bool:
        return self.holder == other.holder and abs(self.at_s - other.at_s) <= within_s


def logged(folder: Path, side: str, holder: str) -> list[Verdict]:
    """The verdicts of an end on IKE SAs that were up; attempts that fail are none.

    `side` is a or b. The log that is read names the SA of each line, which those of the trial do
    not.
    """
    found: list[Verdict] = []
    for log in (folder / f"charon-{side}.named{end}" for end in (".before", "")):
        up: set[str] = set()
        for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
            if established := _UP.search(line):
                up.add(established[1])
            elif _DELETED.search(line):
                found[-1:] = []  # it was not to live any longer anyway
            elif _TIMED_OUT.search(line) or _GAVE_UP.search(line):
                of = _OF.search(line)
                if of is not None and of[1] in up:
                    stamp = datetime.fromisoformat(line[:_STAMP]).replace(tzinfo=UTC)
                    found.append(Verdict(holder, stamp.timestamp()))
                    up.discard(of[1])
    return found


class Told(NamedTuple):
    """What the report says."""

    verdicts: list[Verdict]
    """On questions."""
    states: list[tuple[float, bool]]
    """From when on the peer was dead or not: as far as one end could know, whichever it is."""

    def is_dead(self, at_s: float) -> bool:
        """Whether it was dead at a time."""
        return [dead for start_s, dead in self.states if start_s <= at_s][-1:] == [True]


def told(*inputs: Path) -> Told:
    """The report of a trial."""
    session = Session(SessionOptions())
    session.run([str(path) for path in inputs])
    exchanges = [x for peer in session.peers() for x in peer.exchanges]
    states = [state for peer in session.peers() for state in peer.states]
    return Told(
        [Verdict(x.prober, x.verdict_ns / 1e9) for x in exchanges if x.verdict_ns is not None],
        [(state.start_ns / 1e9, state.state is PeerState.DEAD) for state in states],
    )


def differences(chosen: Plan, folder: Path, addresses: tuple[str, str]) -> Iterator[str]:
    """What is wrong about a trial, in sentences."""
    logs = [folder / f"charon-{side}.log" for side in "ab"]
    restarted = any(folder.glob("*.before"))
    known = [v for n, end in enumerate(addresses) for v in logged(folder, "ab"[n], end)]
    capture = folder / "capture.pcap"
    # The timeout of IKEv1 runs out between two questions.
    v1 = chosen.tunnel.ike_version == 1
    waits_s = (chosen.left.delay_s, chosen.right.delay_s) if v1 else ()
    inferred_s = max((_INFERRED_S, *waits_s))
    for inputs, within_s in (((capture,), inferred_s), ((capture, *logs), _EXACT_S)):
        name = "with its logs" if len(inputs) > 1 else "alone"
        found = told(*inputs)
        for verdict in found.verdicts:
            if not any(verdict.is_near(true, within_s) for true in known):
                yield f"the capture {name}: {verdict.holder} gave nobody up at {verdict.at_s:.3f}"
        if len(inputs) == 1 or restarted:
            continue
        for true in known:
            seen = any(true.is_near(verdict, within_s) for verdict in found.verdicts)
            if not seen and not found.is_dead(true.at_s + within_s):
                yield f"the capture {name}: {true.holder} gave up at {true.at_s:.3f}, it says not"
