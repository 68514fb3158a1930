"""How long sending into a silence went on: an idle time is no black hole, whatever surrounds it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from analyzers.tracking.pauses import PAUSE_NS, Pause
from analyzers.tracking.silence import NEVER, Silence

# A pause so many times as long as all the sending before or after it stands out.
_TIMES_SENDING: Final = 3


def sent_on(silence: Silence, stop_ns: int) -> tuple[Silence, int]:
    """The part of a silence in which sending went on, and when that ended, `stop_ns` at the latest.

    What was sent for a moment only, far apart from all the rest, is no part of that: the last
    packets of a day, or the first of the next one.
    """
    if silence.first_out_ns == NEVER:
        return silence, stop_ns
    part = _longer_part(silence)
    last_ns = part.last_out_ns
    over = part is not silence and last_ns < silence.last_out_ns
    if over or _is_pause(stop_ns - last_ns, last_ns - part.first_out_ns):
        return part, min(last_ns, stop_ns)
    return part, stop_ns


def until_heard(silence: Silence, later: Silence) -> Silence:
    """A silence of ESP up to the proof by IKE that a later silence begins with."""
    heard_ns = later.last_proof_ns
    idle_ns = (p.start_ns for p in silence.pauses if p.end_ns > heard_ns)
    return replace(
        silence,
        last_out_ns=min((heard_ns, *idle_ns)),
        packets=later.packets_before - silence.packets_before,
        bytes=silence.bytes - later.bytes,
        total_packets=later.packets_before,
        total_bytes=later.total_bytes - later.bytes,
        pauses=tuple(p for p in silence.pauses if p.end_ns <= heard_ns),
    )


def _longer_part(silence: Silence) -> Silence:
    """The part between pauses that the others are nothing beside; all of it if there is none."""
    pauses = silence.pauses
    candidates = (pauses, *((p,) for p in sorted(pauses, key=attrgetter("length_ns"))[::-1]))
    return next((part for each in candidates if (part := _apart(silence, each))), silence)


def _apart(silence: Silence, pauses: Sequence[Pause]) -> Silence | None:
    """The longest of the parts that pauses make; None if they do not stand out of them."""
    begins = [silence.first_out_ns, *(p.end_ns for p in pauses)]
    ends = [*(p.start_ns for p in pauses), silence.last_out_ns]
    packets = [silence.packets_before, *(p.packets for p in pauses), silence.total_packets]
    parts = sorted(
        (ends[n] - begins[n], packets[n + 1] - packets[n], n) for n in range(len(begins))
    )
    (sending_ns, count, number), shorter = parts[-1], parts[:-1]
    least_ns = min((p.length_ns for p in pauses), default=0)
    if any(ns >= PAUSE_NS for ns, *_ in shorter) or not _is_pause(least_ns, sending_ns):
        return None
    sizes = [
        silence.total_bytes - silence.bytes,
        *(p.bytes for p in pauses),
        silence.total_bytes,
    ]
    doubt_ns = silence.questionable_ns if number == 0 else begins[number]
    return replace(
        silence,
        first_out_ns=begins[number],
        questionable_ns=doubt_ns if doubt_ns <= ends[number] else NEVER,
        last_out_ns=ends[number],
        packets=count,
        bytes=sizes[number + 1] - sizes[number],
        total_packets=packets[number + 1],
        total_bytes=sizes[number + 1],
        first_ref=silence.first_ref if number == 0 else pauses[number - 1].ref,
        pauses=(),
    )


def _is_pause(length_ns: int, sending_ns: int) -> bool:
    """Whether nothing was sent for so long that it stands out of a time of sending."""
    return length_ns >= PAUSE_NS and length_ns > _TIMES_SENDING * sending_ns
