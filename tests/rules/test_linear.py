"""A peer that goes and comes back all the time costs no more for each time than one that stays."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from analyzers.rules.judge import judge
from analyzers.rules.run import Run
from analyzers.session import Session, SessionOptions

_DAY_S = 86_400
_LIFE_S = 120


def _life(number: int) -> list[tuple[int, str]]:
    """The lines of one IKE SA, with the second of each: up, asked and answered, given up."""
    who = f"<spoke|{number + 1}>"
    sa, name = f"spoke[{number + 1}]", f"01[IKE] {who}"
    question = f"01[ENC] {who} generating INFORMATIONAL request 0 [ ]"
    answer = f"01[ENC] {who} parsed INFORMATIONAL response 0 [ ]"
    sent = f"01[NET] {who} sending packet: from 192.0.2.1[4500] to 192.0.2.2[4500] (80 bytes)"
    came = f"01[NET] {who} received packet: from 192.0.2.2[4500] to 192.0.2.1[4500] (80 bytes)"
    again = f"{name} retransmit {{}} of request with message ID 1"
    return [
        (0, f"{name} IKE_SA {sa} established between 192.0.2.1[hub]...192.0.2.2[spoke]"),
        (10, question),
        (10, sent),
        (11, came),
        (11, answer),
        (20, question.replace("request 0", "request 1")),
        (20, sent),
        (24, again.format(1)),
        (24, sent),
        (31, again.format(2)),
        (31, sent),
        (44, f"{name} giving up after 2 retransmits"),
        (44, f"{name} IKE_SA {sa} state change: ESTABLISHED => DESTROYING"),
    ]


def _run(folder: Path, lives: int) -> Run:
    lines = []
    for number in range(lives):
        for after_s, text in _life(number):
            at_s = number * _LIFE_S + after_s
            day, rest = divmod(at_s, _DAY_S)
            clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
            lines.append(f"2024-03-{day + 1:02} {clock}.500 {text}\n")
    path = folder / f"{lives}.log"
    path.write_text("".join(lines), encoding="ascii")
    session = Session(SessionOptions())
    session.open([str(path)])
    session.read()
    return Run(session.peers(), tuple(session.sources))


def _lines_executed(run: Run) -> int:
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        judge(run)
    finally:
        sys.settrace(before)
    return count


def test_judging_verdicts_takes_steps_in_proportion_to_their_number(tmp_path: Path) -> None:
    few, many = _run(tmp_path, 50), _run(tmp_path, 200)
    (peer,) = many.peers
    assert sum(x.verdict_ns is not None for x in peer.exchanges) == 200
    judge(few)
    fresh = Run(few.peers, few.sources)
    assert _lines_executed(many) < 4.5 * _lines_executed(fresh)
