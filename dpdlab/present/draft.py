"""A policy that is being edited: a product, or none, and what is set on it.

Every draft can be written as the text of `--policy`; what is wrong with a value is said by the
parser of that text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.configs.config_lines import mode_instead
from analyzers.configs.durations import duration_s
from analyzers.configs.profiles import Knob, VendorProfile, Verdict
from analyzers.configs.vendors import PROFILES, bounds_of, keys_of, own_count_said, parse_policy
from analyzers.errors import OptionError
from analyzers.model.policy import DpdPolicy, PolicyMode
from analyzers.whatif import candidates
from analyzers.whatif.study import Candidate
from analyzers.whatif.timing import timing_of

NO_PRODUCT: Final = "any product"
MODES: Final = tuple(str(mode) for mode in PolicyMode if mode is not PolicyMode.UNKNOWN)
_SHOWN: Final = ("mode", "interval", "retry", "retries", "backoff", "timeout")
_WRITTEN: Final = ("interval", "retry", "retries", "backoff", "timeout", "mode")
_PLAIN_KEYS: Final = ("mode", "interval", "retry", "retries")
# A profile whose numbers are all the user's: each question is waited for equally long.
_PLAIN_AS: Final = "cisco-ios"
_MOST_QUESTIONS: Final = 1000
# What an untold value begins with.
_BEGIN: Final = {"interval": 10.0, "retry": 2.0, "retries": 4.0, "backoff": 1.0}
_STEPS_S: Final = ((20.0, 1.0), (60.0, 5.0), (120.0, 10.0), (300.0, 30.0), (1800.0, 60.0))
_LONG_STEP_S: Final = 300.0
_SHORT_STEP_S: Final = 0.1
_LONGEST_S: Final = 86_400.0
# Beyond them nobody asks any more, or nobody waits; in seconds, counts, and ratios.
_RANGES: Final = {
    "interval": (_SHORT_STEP_S, _LONGEST_S),
    "retry": (_SHORT_STEP_S, 3_600.0),
    "retries": (0.0, 100.0),
    "backoff": (1.0, 10.0),
    "timeout": (1.0, _LONGEST_S),
}


class Draft(Struct, frozen=True):
    """What was chosen and typed; what was not comes from the profile."""

    profile: str | None
    """A name in `PROFILES`; None: no product, with a mode and numbers of its own."""
    given: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """As `--policy` takes it; of no product, its numbers."""
        if self.profile is None:
            return f"{NO_PRODUCT} {self._said(self._all)}"
        return f"{self.profile} {self._said(self.given)}".strip()

    @property
    def arguments(self) -> str:
        """As options of `dpdlab simulate`."""
        if self.profile is not None:
            return f"--policy '{self.text}'"
        return " ".join(f"--{key} {value}" for key, value in self._all)

    @property
    def _all(self) -> tuple[tuple[str, str], ...]:
        return _sorted(tuple((key, self.value(key)) for key in self.keys))

    @staticmethod
    def _said(values: tuple[tuple[str, str], ...]) -> str:
        return " ".join(f"{key}={value}" for key, value in values)

    @property
    def row(self) -> VendorProfile | None:
        """The row of its product."""
        return None if self.profile is None else PROFILES[self.profile]

    @property
    def keys(self) -> tuple[str, ...]:
        """What can be set on it, in the order in which it is shown."""
        if self.row is None:
            return _PLAIN_KEYS
        known = keys_of(self.row)
        return tuple(key for key in _SHOWN if key in known)

    def candidate(self, label: str = "") -> Candidate:
        """The policy to try. Raises OptionError."""
        if self.profile is not None:
            return Candidate(label or self.text, parse_policy(self.text))
        typed = parse_policy(f"{_PLAIN_AS} {self._said(self._all)}")
        questions = len(typed.waits_s)
        if not 0 < questions <= _MOST_QUESTIONS:
            raise OptionError(f"retries: up to {_MOST_QUESTIONS - 1:,}", "retries=4")
        interval_s, retry_s = typed.interval_s or 0.0, typed.retry_s or 0.0
        found = candidates.plain(typed.mode, interval_s, retry_s, questions)
        return replace(found, label=label or found.label)

    def value(self, key: str) -> str:
        """What is in force: typed, or the default of the product; "" where nobody tells."""
        typed = dict(self.given).get(key)
        if typed is not None:
            return typed
        if key == "mode":
            return str(self._mode())
        number = self._default(key)
        return "" if number is None else _written(number)

    def is_given(self, key: str) -> bool:
        """Whether it was typed or chosen."""
        return any(name == key for name, _ in self.given)

    def knob(self, key: str) -> Knob | None:
        """The option of the product that sets it."""
        return None if self.row is None else self.row.knob(key)

    @property
    def own_count_told(self) -> str:
        """The option that sets its retries, where the product counts otherwise: "dpd-… = 3"."""
        knob, number = self.knob("retries"), self._number("retries")
        if self.row is None or knob is None or number is None:
            return ""
        said = own_count_said(self.row, knob, number)
        return f"{knob.option}{said}" if said else ""

    def out_of_range(self, key: str) -> str:
        """Which values the product takes, where this is none of them: "10 to 3600"."""
        knob, number = self.knob(key), self._number(key)
        if knob is None or number is None or not self.is_given(key):
            return ""
        least, most = self._bounds(key)
        below = knob.least is not None and least is not None and number < least
        above = knob.most is not None and most is not None and number > most
        return self.range_of(key) if below or above else ""

    @property
    def is_mode_settable(self) -> bool:
        """Whether the product has a setting for the mode, as far as that is known."""
        if self.profile is None or not self.is_given("mode"):
            return True
        return mode_instead(self.candidate().policy, self.profile) is None

    def typed(self, key: str, text: str) -> Draft:
        """With another value; an empty one is the product's own again. Raises OptionError."""
        value = text.strip()
        kept = tuple((name, old) for name, old in self.given if name != key)
        if " " in value or "," in value:
            raise OptionError(f"{key}: one value", f"{key}=10")
        made = replace(self, given=_sorted((*kept, (key, value)) if value else kept))
        made.candidate()
        made._check_range(key)
        return made

    def range_of(self, key: str) -> str:
        """What can be typed: "10 to 3600", by its documents, else what makes sense."""
        least, most = self._bounds(key)
        return "" if most is None else f"{_written(least or 0.0)} to {_written(most)}"

    def _bounds(self, key: str) -> tuple[float | None, float | None]:
        """The least and the most of a value; those of the product, where it has any."""
        knob, (least, most) = self.knob(key), _RANGES.get(key, (None, None))
        if knob is None:
            return least, most
        lowest, highest = (least, most) if self.row is None else bounds_of(self.row, knob)
        return (
            least if knob.least is None else lowest,
            most if knob.most is None else highest,
        )

    def _check_range(self, key: str) -> None:
        number, (least, most) = self._number(key), self._bounds(key)
        if number is None or least is None or most is None or not self.is_given(key):
            return
        if not least <= number <= most:
            knob = self.knob(key)
            documented = knob is not None and (knob.least is not None or knob.most is not None)
            who = self.row.title if self.row is not None and documented else key
            raise OptionError(f"{who} takes {self.range_of(key)}, not {_written(number)}")

    def stepped(self, key: str, by: int) -> Draft:
        """With the next value up or down. Raises OptionError where it cannot be."""
        if key == "mode":
            place = MODES.index(self.value(key)) if self.value(key) in MODES else -by
            return self.typed(key, MODES[(place + by) % len(MODES)])
        number = self._number(key)
        if number is None:
            return self.typed(key, _written(_begin(self, key)))
        return self.typed(key, _written(self.bounded(key, _next(key, number, by))))

    def bounded(self, key: str, number: float) -> float:
        """As near as the product takes it."""
        least, most = self._bounds(key)
        number = number if least is None else max(number, least)
        return number if most is None else min(number, most)

    def _number(self, key: str) -> float | None:
        text = self.value(key)
        if not text:
            return None
        if key in ("retries", "backoff"):
            return float(text)
        return duration_s(text)

    def _default(self, key: str) -> float | None:
        if self.row is None:
            return _BEGIN.get(key)
        timers = self.row.defaults
        return {
            "interval": timers.interval_s,
            "retry": timers.retry_s,
            "retries": None if timers.retries is None else self.row.repetitions(timers.retries),
            "backoff": timers.backoff,
            "timeout": timers.timeout_s,
        }.get(key)

    def _mode(self) -> PolicyMode:
        if self.row is None:
            return PolicyMode.PERIODIC
        return PolicyMode.DISABLED if not self.value("interval") else self.row.mode


def turned_to(draft: Draft, profile: str | None) -> Draft:
    """The same for another product: its own values, and what it must be told from before.

    What no source tells of a product stays untold.
    """
    wanted = Draft(profile)
    if wanted.row is None:
        mode = draft.value("mode")
        return replace(wanted, given=(("mode", mode),)) if mode in MODES else wanted
    given = tuple(
        (key, draft.value(key) or _written(_begin(draft, key)))
        for key in wanted.keys
        if key != "mode" and not wanted.value(key) and _must_be_told(wanted.row, key)
    )
    made = replace(wanted, given=tuple((key, made_to_fit(wanted, key, v)) for key, v in given))
    return wanted if wrong_with(made.candidate) else replace(made, given=_sorted(made.given))


def with_values(profile: str | None, values: Mapping[str, str]) -> Draft:
    """A draft with these values, where they are not the product's own."""
    bare = Draft(profile)
    given = ((k, v) for k, v in values.items() if k in bare.keys and v != bare.value(k))
    return Draft(profile, _sorted(tuple(given)))


def made_to_fit(draft: Draft, key: str, value: str) -> str:
    """A duration as near as the product takes it."""
    number = duration_s(value)
    return value if number is None else _written(draft.bounded(key, number))


def _must_be_told(row: VendorProfile, key: str) -> bool:
    """Whether the user sets it on the product, and it has no value until then."""
    return row.knob(key) is not None or (key == "interval" and not row.interval_unknown)


def _begin(draft: Draft, key: str) -> float:
    """Where a value that no source tells begins."""
    return _BEGIN.get(key) or 3 * (duration_s(draft.value("interval")) or _BEGIN["interval"])


def draft_of(policy: DpdPolicy) -> tuple[Draft, bool] | None:
    """A draft that does what a policy does, and whether it does so exactly.

    None where its timers are not known.
    """
    timing = timing_of(policy)
    if timing is None:
        return None
    profile = policy.profile if policy.profile in PROFILES else None
    draft = Draft(profile)
    if policy.mode is PolicyMode.DISABLED:
        return Draft(profile, (("mode", str(policy.mode)),)), True
    values = {
        "mode": str(policy.mode if policy.mode is not PolicyMode.UNKNOWN else PolicyMode.ON_IDLE),
        "interval": _written(policy.interval_s or 0.0),
        "retry": _written(policy.retry_s or policy.waits_s[0]),
        "retries": str(policy.repetitions),
        "backoff": _written(policy.backoff),
        "timeout": _written(_timeout_s(draft.row, policy)),
    }
    if draft.row is not None and policy.mode in (PolicyMode.UNKNOWN, draft.row.mode):
        del values["mode"]
    given = tuple(
        (key, values[key])
        for key in draft.keys
        if key in values and values[key] != draft.value(key)
    )
    try:
        made = Draft(profile, _sorted(given))
        return made, made.candidate().timing == timing
    except OptionError:
        return None


def how_near(exact: bool) -> str:
    """What is said after a draft that `draft_of` made."""
    return "" if exact else ", as near as the fields can tell"


def _timeout_s(row: VendorProfile | None, policy: DpdPolicy) -> float:
    total_s = sum(policy.waits_s)
    if row is not None and row.verdict is Verdict.SINCE_PROOF:
        total_s += policy.interval_s or 0.0
    return total_s


def wrong_with(edit: Callable[[], object]) -> str:
    """What an edit is refused for; empty if it is not."""
    try:
        edit()
    except OptionError as error:
        return f"{error.message} ({error.hint})" if error.hint else error.message
    return ""


def next_duration_s(seconds: float, by: int, least_s: float = _SHORT_STEP_S) -> float:
    """The next one that people would set: finer where it is short."""
    if by < 0:
        step_s = _step_s(seconds - 1e-9)
        return max(round((-(-seconds // step_s) - 1) * step_s, 3), least_s)
    step_s = _step_s(seconds)
    return min(round((seconds // step_s + 1) * step_s, 3), _LONGEST_S)


def _step_s(seconds: float) -> float:
    if seconds < 1:
        return _SHORT_STEP_S
    return next((step for below, step in _STEPS_S if seconds < below), _LONG_STEP_S)


def _next(key: str, number: float, by: int) -> float:
    if key == "retries":
        # Steps leave at least one, though some products take none.
        return max(number + by, 1.0)
    if key == "backoff":
        return round(number + by * 0.1, 1)
    return next_duration_s(number, by)


def _sorted(given: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(given, key=lambda pair: _WRITTEN.index(pair[0])))


def _written(number: float) -> str:
    """A number as people type it."""
    return f"{round(number, 3):.10g}"
