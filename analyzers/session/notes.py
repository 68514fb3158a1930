"""What a session says of its inputs once they are read: duplicates, keys that fit nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from analyzers.model.records import Problem, ProblemKind, SourceInfo

if TYPE_CHECKING:
    from analyzers.session.viewpoints import Leaver
    from analyzers.tracking.engine import Tracker
    from analyzers.wire.keys import KeyRing


def number_of(problem: Problem) -> int:
    """The number of the source that a problem is about."""
    return 0 if problem.ref is None else int(problem.ref.source[1:]) - 1


def note_duplicates(
    sources: Sequence[SourceInfo], tracker: Tracker, leavers: Mapping[int, Leaver]
) -> None:
    """Count the messages of each source, and those that were recorded twice."""
    translated = tracker.translations.in_words()
    where = f"on both sides of a NAT, which knows {translated}" if translated else "twice"
    for number, source in enumerate(sources):
        source.ike_messages = tracker.messages_by_source[source.id]
        count = tracker.duplicate_messages[source.id]
        leaver = leavers.get(number)
        if leaver is not None:
            source.ike_messages += leaver.messages
            source.note(leaver.problem())
        if count:
            source.note(
                Problem(
                    ProblemKind.CAPTURE_DUPLICATE,
                    f"IKE messages were recorded {where}; they are no retransmissions",
                    None,
                    count,
                )
            )
    if tracker.flows.duplicates:
        sources[0].note(
            Problem(
                ProblemKind.CAPTURE_DUPLICATE,
                f"ESP packets were recorded {where}; they are counted once",
                None,
                tracker.flows.duplicates,
            )
        )


def note_keys(sources: Sequence[SourceInfo], keys: KeyRing | None) -> None:
    """Say which keys could not be read, and which decrypted nothing."""
    if keys is None or not sources:
        return
    problems = sources[0].problems
    for line, text in keys.problems:
        problems.append(Problem(ProblemKind.KEY_ROW, f"line {line}: {text}"))
    unused = keys.unused()
    if unused:
        shown = "; ".join(unused[:3]) + ("; …" if len(unused) > 3 else "")
        problems.append(Problem(ProblemKind.KEYS_UNUSED, shown, None, len(unused)))
