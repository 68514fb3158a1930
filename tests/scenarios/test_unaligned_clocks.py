"""A log of whose messages nothing but the DPD sequence numbers can be in a capture, or nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzers.model.records import ProblemKind
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import SessionOptions
from tests.scenarios.inputs import Together, asked, together
from tests.scenarios.logs import Clock, isakmp, iso
from tests.scenarios.timeline import at, capture

HEALTHY = Path(__file__).parents[2] / "sample_pcaps" / "ikev1-healthy"
# Of the first question in the capture.
FIRST_S, NUMBER = 1_795_204_458, 0x674360EB
WITH_KEYS = SessionOptions(keys=(str(HEALTHY / "ikev1_decryption_table"),))
NOTHING = "no message of it is in another input; its own clock is used as it is"
STEADY = "its questions come every 5 s, which fits another input at several offsets"


def asa(shift_s: int, number: int = NUMBER) -> str:
    """The six questions of the capture, each with its answer, in the log of an ASA."""
    lines = []
    for turn in range(6):
        time = datetime.fromtimestamp(FIRST_S + shift_s + 5 * turn, UTC)
        head = f"{time:%b %d %Y %H:%M:%S}: %ASA-7-7"
        group = "Group = 192.0.2.2, IP = 192.0.2.2"
        seq = f"(seq number 0x{number + turn:x})"
        lines += [
            f"{head}15036: {group}, Sending keep-alive of type DPD R-U-THERE {seq}",
            f"{head}15075: {group}, Received keep-alive of type DPD R-U-THERE-ACK {seq}",
        ]
    return "\n".join(lines) + "\n"


def beside(folder: Path, log: str, options: SessionOptions | None = None) -> Together:
    return together(folder, (HEALTHY / "capture.pcap").read_bytes(), log, options=options)


DEAD = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.2..60/0.2 a>b esp out
0.3..40/0.2 b>a esp in
10..30/10 a>b v1 info 108 says=ruthere number=7
10.02..30/10 b>a v1 info 108 says=ack number=7
50 a>b v1 info 108 says=ruthere number=7
52 a>b v1 info 108 says=ruthere number=7
"""
SILENT = "ISAKMP:(1001):peer 192.0.2.2 not responding!"


@pytest.mark.parametrize("shift_s", [0, 2, 300, 3607])
def test_sequence_numbers_align_a_log_to_what_keys_decrypt(tmp_path: Path, shift_s: int) -> None:
    told = beside(tmp_path, asa(shift_s), WITH_KEYS)
    assert (told.alignment.matched, told.alignment.evidence) == (12, "DPD sequence numbers")
    assert abs(told.alignment.offset_ns / 1e9 - shift_s) < 1
    assert [x.sequence for x in told.peer.exchanges] == [NUMBER + turn for turn in range(6)]
    assert ProblemKind.NOT_ALIGNED not in told.kinds(1)


@pytest.mark.parametrize("lines", [12, 8, 4])
def test_a_steady_rhythm_is_told_as_the_reason(tmp_path: Path, lines: int) -> None:
    log = "".join(asa(3607).splitlines(keepends=True)[-lines:])
    told = beside(tmp_path, log)
    assert told.alignments == ()
    said = told.problem(ProblemKind.NOT_ALIGNED).detail
    assert said == f"{STEADY}; its own clock is used as it is"


def test_a_clock_that_is_right_is_not_said_to_have_nothing_in_common(tmp_path: Path) -> None:
    told = beside(tmp_path, asa(0))
    assert len(asked(told.peer)) == 6
    said = told.problem(ProblemKind.NOT_ALIGNED).detail
    assert said.endswith(
        "its own clock is used as it is, by which 12 messages of it are in another input"
    )


def test_other_sequence_numbers_fit_nowhere(tmp_path: Path) -> None:
    told = beside(tmp_path, asa(3607, NUMBER + 777), WITH_KEYS)
    assert told.alignments == ()
    assert told.problem(ProblemKind.NOT_ALIGNED).detail == NOTHING


def test_another_rhythm_is_no_reason(tmp_path: Path) -> None:
    lines = asa(3607).splitlines(keepends=True)
    told = beside(tmp_path, "".join(lines[:2] + lines[4:6] + lines[8:10]))
    assert told.problem(ProblemKind.NOT_ALIGNED).detail == NOTHING


# --- silences that a capture does not see the end of ---------------------------------------------


@pytest.mark.parametrize("said", [[], [(90.0, SILENT)]])
def test_a_clock_that_nothing_tells_ends_no_silence(
    tmp_path: Path, said: list[tuple[float, str]]
) -> None:
    (alone,) = together(tmp_path, capture(DEAD)).peer.black_holes
    later = "20..60/7 a>b v1 info 108 says=ruthere\n20.02..60/7 b>a v1 info 108 says=ack\n"
    log = re.sub(r"(ID = |node )-?\d+", r"\g<1>0", isakmp(later, "a", Clock(iso, 3600), said=said))
    told = together(tmp_path, capture(DEAD), log)
    assert told.alignments == ()
    (hole,) = told.peer.black_holes
    assert (hole.black_hole_class, hole.stop_ns) == (alone.black_hole_class, alone.stop_ns)
    assert (hole.min_seconds, hole.max_seconds) == (alone.min_seconds, alone.max_seconds)
    assert hole.dead_ns is None


def test_a_verdict_of_an_unknown_time_closes_no_question_of_a_capture(tmp_path: Path) -> None:
    log = f"{iso(at(3600))}{SILENT}\n"
    told = together(tmp_path, capture(DEAD), log)
    assert told.peer.exchanges[-1].verdict_ns is None


def test_what_is_lost_behind_a_capture_is_not_counted_as_seen(tmp_path: Path) -> None:
    """The log is on the capture's clock, and shows the peer again half an hour after its end."""
    back = "1800 a>b v1 info 108 says=ruthere\n1800.02 b>a v1 info 108 says=ack\n"
    told = together(tmp_path, capture(DEAD), isakmp(DEAD + back, "a", Clock(iso)))
    assert told.alignment.matched > 0
    (hole,) = told.peer.black_holes
    assert hole.stop_ns == pytest.approx(at(1800), abs=NS_PER_SECOND)
    assert hole.max_seconds == pytest.approx(1760, abs=1)
    assert hole.min_seconds == pytest.approx(10, abs=0.5)
