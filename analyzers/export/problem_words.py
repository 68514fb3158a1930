"""Problems of inputs and peers in words."""

from __future__ import annotations

from typing import Final

from analyzers.model.records import ProblemKind

PROBLEM: Final = {
    ProblemKind.TRUNCATED_TAIL: "the file ends inside a record",
    ProblemKind.BAD_RECORD: "a record header makes no sense",
    ProblemKind.BAD_BLOCK: "a pcapng block makes no sense",
    ProblemKind.UNKNOWN_LINK_TYPE: "unknown link type",
    ProblemKind.SNAPLEN_SHORT: "packets cut by the snap length",
    ProblemKind.BAD_LENGTH: "a length field contradicts the packet",
    ProblemKind.BAD_CHECKSUM: "wrong checksum",
    ProblemKind.TIME_BACKWARDS: "time runs backwards",
    ProblemKind.BAD_TIMESTAMP: "impossible time stamp",
    ProblemKind.PACKETS_DROPPED: "packets dropped while capturing",
    ProblemKind.FRAGMENT_LOST: "fragments missing",
    ProblemKind.FRAGMENT_LIMIT: "too many fragments to hold",
    ProblemKind.FLOW_LIMIT: "too many SPIs to tell apart",
    ProblemKind.STREAM_GAP: "gap in a TCP stream",
    ProblemKind.MALFORMED_IKE: "malformed IKE message",
    ProblemKind.DECRYPTION_FAILED: "decryption failed",
    ProblemKind.INTEGRITY_FAILED: "integrity check failed",
    ProblemKind.CAPTURE_DUPLICATE: "duplicates, told once",
    ProblemKind.CAPTURE_INSUFFICIENT: "the capture cannot tell",
    ProblemKind.BAD_COMPRESSION: "damaged compression",
    ProblemKind.KEY_ROW: "unusable row in a key table",
    ProblemKind.KEYS_UNUSED: "keys that fit nothing",
    ProblemKind.NOTHING_FOUND: "nothing to analyse",
    ProblemKind.RETRANSMISSION_DIFFERS: "a retransmission differs from its first sending",
    ProblemKind.ADDRESS_CHANGED: "an address changed",
    ProblemKind.MESSAGE_ID_REUSED: "a message ID is used twice",
    ProblemKind.REQUEST_UNANSWERED: "a request without an answer",
    ProblemKind.LONG_LINE: "lines too long to read whole",
    ProblemKind.BAD_ENCODING: "text that is no UTF-8",
    ProblemKind.UNPARSED_LINES: "log lines that nothing understands",
    ProblemKind.NO_TIMES: "a log without times",
    ProblemKind.CLOCK_GUESSED: "the clock of a log is a guess",
    ProblemKind.CLOCK_CONTRADICTED: "clock by hand",
    ProblemKind.CLOCK_SET: "a clock that was set, put right",
    ProblemKind.SEVERAL_CLOCKS: "a clock of its own",
    ProblemKind.NOT_ALIGNED: "a clock that could not be aligned",
    ProblemKind.CAPTURE_EDGE: "log messages at the edge of a capture",
    ProblemKind.LINES_LOST: "lines that were lost",
    ProblemKind.NUL_BYTES: "NUL bytes in a text",
    ProblemKind.UNREADABLE: "not read",
    ProblemKind.CONFIG_LINE: "a line of a configuration cannot be used",
}


def problem_word(kind: ProblemKind) -> str:
    """A kind of problem in words; a kind without words of its own is its public name."""
    return PROBLEM.get(kind, kind.value)


def problem_said(kind: ProblemKind, detail: str, times: str = "") -> str:
    """A kind of problem with its detail."""
    return f"{problem_word(kind)}{problem_rest(kind, detail)}{times}"


def problem_rest(kind: ProblemKind, detail: str) -> str:
    """What follows `problem_word`: of a detail that begins with it the rest."""
    word = problem_word(kind)
    if detail.startswith(word):
        return detail.removeprefix(word)
    return f": {detail}" if detail else ""
