"""Whether anything happened in a stretch of time."""

from __future__ import annotations

from bisect import bisect_left

from analyzers.export.content import Content
from analyzers.model.peer import Activity, PeerView
from analyzers.session.log_lines import LogLines
from dpdlab.present.digest import Digest


def is_silent(
    content: Content, digest: Digest, log: LogLines | None, first_ns: int, last_ns: int
) -> bool:
    """Whether no message, ESP, verdict, black hole and line of a log is of a stretch of time.

    Where ESP is counted in pieces longer than that, a piece with packets counts as something.
    """
    if any(first_ns <= at_ns <= last_ns for at_ns in digest.given_up_ns):
        return False
    if any(s.begin_ns <= last_ns and first_ns <= s.stop_ns for s in digest.silences):
        return False
    if log is not None and _says_something(log, first_ns, last_ns):
        return False
    return not any(_did_something(peer, first_ns, last_ns) for peer in content.peers)


def _says_something(log: LogLines, first_ns: int, last_ns: int) -> bool:
    if not len(log):
        return False
    row = log.row_at(first_ns)
    # The row before, where none is of just that moment.
    times = (log.at_ns(place) for place in (row, row + 1) if place < len(log))
    return any(at_ns is not None and first_ns <= at_ns <= last_ns for at_ns in times)


def _did_something(peer: PeerView, first_ns: int, last_ns: int) -> bool:
    if peer.last_ns < first_ns or peer.first_ns > last_ns:
        return False
    messages = peer.messages
    place = bisect_left(messages, first_ns, key=lambda m: m.at_ns)
    if place < len(messages) and messages[place].at_ns <= last_ns:
        return True
    return peer.activity is not None and _has_packets(peer.activity, first_ns, last_ns)


def _has_packets(activity: Activity, first_ns: int, last_ns: int) -> bool:
    begin = max((first_ns - activity.start_ns) // activity.slice_ns, 0)
    end = max((last_ns - activity.start_ns) // activity.slice_ns + 1, 0)
    return any(activity.outbound[begin:end]) or any(activity.inbound[begin:end])
