"""Numbers, times and signs as people read them; no terminal library, shared by every front end.

Owns durations, UTC times, counts, byte counts, identifiers, ranges, the table of glyphs with its
ASCII twin, and the severities that decide order and colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from msgspec import Struct

from analyzers.model.addresses import AddressOrder, address_order
from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import NO_MESSAGE_ID, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import SourceInfo
from analyzers.model.time import LONG_S, NS_PER_MS, NS_PER_SECOND, ORDER_LIMIT_NS, long_duration
from analyzers.rules.reached import never_answered

NS_PER_US: Final = 1_000
SPI_SHOWN: Final = 8
"""Hex digits of a 16-digit IKE SPI that tell SAs of one capture apart."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NS: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * NS_PER_SECOND


class Severity(IntEnum):
    """How much something wants the reader's eye; the order is the order of lists."""

    MUTE = 0
    GOOD = 1
    NOTE = 2
    WARN = 3
    BAD = 4


class Glyphs(Struct, frozen=True):
    """The signs of the reports. Every field has an ASCII twin of its own meaning."""

    alive: str
    questionable: str
    probing: str
    dead: str
    deleted: str
    unknown: str
    line_alive: str
    line_questionable: str
    line_ike_only: str
    """IKE is alive, and no ESP comes back."""
    line_probing: str
    line_deleted: str
    line_unknown: str
    answered: str
    unanswered: str
    asked: str
    """A first transmission that only a retry of it was answered for."""
    retry: str
    open: str
    delete: str
    answer: str
    lost_to: str
    """What the local side sent, and did not arrive."""
    lost_back: str
    broken: str
    """The line of an arrow that does not arrive."""
    covered: str
    """Beside a sign that covers others."""
    possible: str
    certain: str
    density: str
    """Rising levels; the first one means more than nothing. The highest leaves a gap to the row
    above."""
    unplaced: str
    """Something that is known to be near, not where."""
    to: str
    back: str
    dash: str
    """Between the ends of a range."""
    none: str
    """Where there is no value."""
    more: str
    """Marks what is cut off or folded away."""
    dot: str
    """Between the parts of a line."""
    times: str
    tick: str
    rule: str
    phase_open: str
    phase_close: str
    plus_minus: str
    sum: str
    ghost: str
    """A question that a policy expects."""
    fold: str
    """Around what says how much is folded away."""


UNICODE: Final = Glyphs(
    alive="●",
    questionable="!",
    probing="↻",
    dead="✗",
    deleted="□",
    unknown="?",
    line_alive="━",
    line_questionable="┄",
    line_ike_only="╍",
    line_probing="═",
    line_deleted=" ",
    line_unknown="·",
    answered="●",
    unanswered="✗",
    asked="◇",
    retry="↻",
    open="?",
    delete="D",
    answer="○",
    lost_to="↛",
    lost_back="↚",
    broken="╌",
    covered="+",
    possible="░",
    certain="▓",
    density="▁▂▃▄▅",
    unplaced="┈",
    to="→",
    back="←",
    dash="–",
    none="–",
    more="…",
    dot="·",
    times="×",
    tick="│",
    rule="─",
    phase_open="└",
    phase_close="┘",
    plus_minus="±",
    sum="Σ",
    ghost="┆",
    fold="⋯",
)

ASCII: Final = Glyphs(
    alive="o",
    questionable="!",
    probing="r",
    dead="X",
    deleted="d",
    unknown="?",
    line_alive="=",
    line_questionable="-",
    line_ike_only="%",
    line_probing="^",
    line_deleted=" ",
    line_unknown=".",
    answered="o",
    unanswered="X",
    asked="q",
    retry="r",
    open="?",
    delete="D",
    answer="a",
    lost_to="/",
    lost_back="\\",
    broken=".",
    covered="+",
    possible=":",
    certain="#",
    density="_;&$@",
    unplaced=",",
    to="->",
    back="<-",
    dash="-",
    none="-",
    more="...",
    dot="|",
    times="x",
    tick="|",
    rule="-",
    phase_open="[",
    phase_close="]",
    plus_minus="+-",
    sum="sum",
    ghost="'",
    fold="~",
)


def ascii_formula(text: str) -> str:
    """The signs of formulas in ASCII."""
    return text.replace("×", "x").replace("²", "^2").replace("…", "...")


def glyphs(ascii_only: bool) -> Glyphs:
    """The table of signs to draw with."""
    return ASCII if ascii_only else UNICODE


def state_glyph(state: PeerState, signs: Glyphs) -> str:
    """The one-cell sign of a liveness state."""
    return {
        PeerState.ALIVE: signs.alive,
        PeerState.QUESTIONABLE: signs.questionable,
        PeerState.PROBING: signs.probing,
        PeerState.DEAD: signs.dead,
        PeerState.DELETED: signs.deleted,
        PeerState.UNKNOWN: signs.unknown,
    }[state]


def outcome_glyph(outcome: Outcome, signs: Glyphs) -> str:
    """The one-cell sign of what became of an exchange."""
    return {
        Outcome.ANSWERED: signs.answered,
        Outcome.UNANSWERED: signs.unanswered,
        Outcome.OPEN: signs.open,
    }[outcome]


# --- severities -----------------------------------------------------------------------------

_STATE_SEVERITY: Final = {
    PeerState.ALIVE: Severity.GOOD,
    PeerState.QUESTIONABLE: Severity.WARN,
    PeerState.PROBING: Severity.WARN,
    PeerState.DEAD: Severity.BAD,
    PeerState.DELETED: Severity.NOTE,
    PeerState.UNKNOWN: Severity.MUTE,
}
_CLASS_SEVERITY: Final = {
    BlackHoleClass.IDLE: Severity.NOTE,
    BlackHoleClass.DATA_PLANE: Severity.BAD,
    BlackHoleClass.MISSING_DPD: Severity.BAD,
    BlackHoleClass.TRANSIENT: Severity.WARN,
    BlackHoleClass.SLOW_TEARDOWN: Severity.BAD,
    BlackHoleClass.SLOW_DPD: Severity.BAD,
    BlackHoleClass.DETECTED: Severity.WARN,
    BlackHoleClass.OPEN: Severity.WARN,
}


def state_severity(state: PeerState) -> Severity:
    """How bad a liveness state is."""
    return _STATE_SEVERITY[state]


def class_severity(black_hole_class: BlackHoleClass) -> Severity:
    """How bad a class of black hole is."""
    return _CLASS_SEVERITY[black_hole_class]


def peer_severity(peer: PeerView) -> Severity:
    """The worst of a peer's state, its black holes and its unanswered exchanges."""
    worst, peer = state_severity(peer.state), peer.whole
    for hole in peer.black_holes:
        worst = max(worst, class_severity(hole.black_hole_class))
    if any(x.outcome is Outcome.UNANSWERED for x in peer.exchanges):
        worst = max(worst, Severity.WARN)
    return max(worst, Severity.WARN) if never_answered(peer) else worst


def worst_first(peer: PeerView) -> tuple[int, int, float, AddressOrder, AddressOrder]:
    """Sort key of peers: severity, state, seconds in black holes, then addresses."""
    lost = sum(hole.max_seconds for hole in peer.whole.black_holes)
    return (
        -peer_severity(peer),
        -state_severity(peer.state),
        -lost,
        address_order(peer.local),
        address_order(peer.remote),
    )


# --- durations ------------------------------------------------------------------------------


def trimmed(value: float, digits: int = 1) -> str:
    """A number without trailing zeros: 5.0 is "5", 2.504 is "2.5"."""
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(value_ns: int) -> str:
    """A duration in the unit that fits it: "0.32 ms", "16 ms", "17.1 s", "5 min 03 s" …"""
    sign, value_ns = ("-", -value_ns) if value_ns < 0 else ("", value_ns)
    if value_ns == 0:
        return "0 s"
    if value_ns < 1_000:
        return f"{sign}{value_ns} ns"
    if value_ns < 10 * NS_PER_MS:
        return f"{sign}{value_ns / NS_PER_MS:.2g} ms"
    if value_ns < 999_500_000:
        return f"{sign}{value_ns / NS_PER_MS:.0f} ms"
    if value_ns < 120 * NS_PER_SECOND:
        return f"{sign}{value_ns / NS_PER_SECOND:.1f} s"
    return sign + long_duration(round(value_ns / NS_PER_SECOND))


def duration_s(value_s: float) -> str:
    """`duration` of a number of seconds."""
    return duration(round(value_s * NS_PER_SECOND))


def clock_distance(value_ns: int) -> str:
    """How far a clock is off, to the second however far: "9.5 ms", "3 h 00 min 12 s", "1 h"."""
    if abs(value_ns) < LONG_S * NS_PER_SECOND:
        return duration(value_ns)
    rest = round(abs(value_ns) / NS_PER_SECOND)
    parts: list[str] = []
    for unit, length_s in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, rest = divmod(rest, length_s)
        if number or (parts and rest):
            parts.append(f"{number:02d} {unit}" if parts else f"{number:,} {unit}")
    return ("-" if value_ns < 0 else "") + " ".join(parts)


def below(resolution_ns: int) -> str:
    """What stamps cannot tell any more: "< 1 ms", "< 1 s"."""
    return f"< {timer(max(resolution_ns, NS_PER_MS) / NS_PER_SECOND)}"


def timer(value_s: float) -> str:
    """A configured-looking timer: no digits that only jitter put there ("5 s", "2.5 s")."""
    if value_s >= 120 and value_s == round(value_s):
        return f"{trimmed(value_s, 0)} s"
    return f"{trimmed(value_s)} s" if value_s >= 0.1 else duration_s(value_s)


def seconds_range(low_s: float, high_s: float) -> str:
    """A pair of bounds: "14.2 to 17.1 s", "up to 17.1 s", "17.1 s" when both are one."""
    if high_s <= 0:
        return "0 s"
    if high_s < 120 and duration_s(low_s).endswith(" s"):
        low, high = f"{low_s:.1f}", f"{high_s:.1f}"
        unit = " s"
    else:
        low, high, unit = duration_s(low_s), duration_s(high_s), ""
    if low == high:
        return high + unit
    return f"up to {high}{unit}" if low_s <= 0 else f"{low} to {high}{unit}"


# --- counts ---------------------------------------------------------------------------------


def count(number: int) -> str:
    """A whole number with separators."""
    return f"{number:,}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun: "1 peer", "2 peers"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def count_range(low: int, high: int, one: str, many: str | None = None) -> str:
    """A pair of bounds of a count: "71 to 85 packets", "up to 85 packets"."""
    if low == high:
        return counted(high, one, many)
    noun = one if high == 1 else many or one + "s"
    return f"up to {high:,} {noun}" if low <= 0 else f"{low:,} to {high:,} {noun}"


def byte_count(number: int) -> str:
    """A number of bytes in decimal units: "162 B", "11 kB", "2.4 MB"."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            digits = 0 if unit == "B" or value >= 9.95 else 1
            return f"{value:,.{digits}f} {unit}"
        value /= 1000
    raise AssertionError("the last unit takes every value")


# --- identifiers ----------------------------------------------------------------------------


def message_id(value: int) -> str:
    """A message ID as the contract writes it; a report asks of millions, and `:08x` is slower."""
    return f"0x{(value & 0xFFFFFFFF).to_bytes(4).hex()}"


def told_message_id(value: int) -> str | None:
    """The same; None where a log does not say it."""
    return message_id(value) if value < NO_MESSAGE_ID else None


def short_spi(spi: str, signs: Glyphs) -> str:
    """An SPI short enough for a line; what is cut is marked. A pseudonym tells by its end."""
    if len(spi) <= SPI_SHOWN:
        return spi
    if not spi[:SPI_SHOWN].strip("0"):
        return signs.more + spi[-SPI_SHOWN:]
    return spi[:SPI_SHOWN] + signs.more


# --- times ----------------------------------------------------------------------------------

TIME_DIGITS: Final = 3
"""Decimals of a time, where the inputs have them."""
_NS_DIGITS: Final = 9


def moment(at_ns: int) -> datetime:
    """A time as a UTC datetime; out-of-range input is clamped, never an error."""
    return _EPOCH + timedelta(microseconds=max(0, min(at_ns, _LAST_NS)) // NS_PER_US)


def utc_date(at_ns: int) -> str:
    """The date alone: "2026-11-20"."""
    return moment(at_ns).strftime("%Y-%m-%d")


def utc_time(at_ns: int, digits: int = TIME_DIGITS) -> str:
    """The time of day with `digits` (0 to 9) decimals, cut rather than rounded."""
    text = moment(at_ns).strftime("%H:%M:%S")
    if digits == 0:
        return text
    fraction = f"{at_ns % NS_PER_SECOND:09d}"[:digits]
    return f"{text}.{fraction}"


def without_time(place: int, not_before_ns: Sequence[int | None]) -> str:
    """In place of a time, for what has only a place in a log: ">= 16:05:40", or "no time".

    `not_before_ns`: for each place the last stamp up to there.
    """
    known_ns = not_before_ns[place - 1] if 1 <= place <= len(not_before_ns) else None
    return "no time" if known_ns is None else f">= {utc_time(known_ns, 0)}"


def not_before(sources: Sequence[SourceInfo]) -> tuple[int | None, ...]:
    """What `without_time` takes: of the one log that has places instead of times."""
    placed = [s for s in sources if s.kind == "log" and (s.last_ns or 0) < ORDER_LIMIT_NS]
    return placed[0].not_before_ns if len(placed) == 1 else ()


def stamp_digits(sources: Sequence[SourceInfo]) -> int:
    """Decimals that times can have: those of the finest stamps of any input."""
    timed = (s for s in sources if s.kind != "config" and s.first_ns is not None)
    finest_ns = min((s.resolution_ns for s in timed), default=1)
    return max(_NS_DIGITS - (len(str(finest_ns)) - 1), 0)


class Clock(Struct, frozen=True):
    """Times of one report: the date is said once, and again only where it differs."""

    date: str
    """The day the report starts on, as `utc_date` writes it."""
    not_before_ns: Sequence[int | None] = ()
    """What `without_time` takes."""
    most_digits: int = _NS_DIGITS
    """What `stamp_digits` gives."""

    @classmethod
    def starting(cls, at_ns: int, sources: Sequence[SourceInfo] = ()) -> Clock:
        """A clock whose first day is that of `at_ns`."""
        return cls(utc_date(at_ns), not_before(sources), stamp_digits(sources))

    def at(self, at_ns: int, digits: int = TIME_DIGITS) -> str:
        """Time of day, with month and day before it when the day is another one.

        `digits`: decimals of a second, no more than the inputs have.
        """
        if 0 <= at_ns < ORDER_LIMIT_NS:
            return without_time(at_ns, self.not_before_ns)
        date = utc_date(at_ns)
        time = utc_time(at_ns, min(digits, self.most_digits))
        if date == self.date:
            return time
        return f"{date[5:] if date[:4] == self.date[:4] else date} {time}"


def lasted(holes: Sequence[BlackHole]) -> str:
    """How long black holes were together: "12.0 to 17.1 s", "at least 60.0 s", "4.0 s or more".

    Of what lies before the first output of a device, and behind the last, counters say nothing."""
    least_s, most_s = sum(h.min_seconds for h in holes), sum(h.max_seconds for h in holes)
    if most_s > 0 and all(hole.is_counted and hole.recovered_ns is None for hole in holes):
        return f"at least {duration_s(most_s)}"
    if any(hole.begun_before for hole in holes):
        told_s = least_s if any(hole.traffic_known for hole in holes) else least_s or most_s
        return f"{seconds_range(told_s, most_s)} or more"
    return seconds_range(least_s, most_s)


def black_hole_bounds(hole: BlackHole, fate: str = "") -> str:
    """Seconds and packets of a black hole: "12.0 to 17.1 s, 60 to 85 packets".

    Packets only where an input shows them; `fate`: what became of them.
    """
    seconds = lasted([hole])
    if not hole.traffic_known:
        return seconds
    return f"{seconds}, {count_range(hole.min_packets, hole.max_packets, 'packet')}{fate}"
