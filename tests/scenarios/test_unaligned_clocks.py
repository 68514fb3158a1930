"""A log of whose messages nothing but the DPD sequence numbers can be in a capture, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzers.model.records import ProblemKind
from analyzers.session import SessionOptions
from tests.scenarios.inputs import Together, asked, together

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
