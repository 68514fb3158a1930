"""Logs of both ends: charon has no line of what a repeated request is, and answers it again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from analyzers.model.exchange import Lost, Outcome
from analyzers.session import Session
from tests.scenarios.inputs import together

ASKER: Final = """\
2025-11-20 10:00:00.000 05[ENC] <a|1> generating INFORMATIONAL request 2 [ ]
2025-11-20 10:00:00.000 05[NET] <a|1> sending packet: from 192.0.2.1[4500] to 198.51.100.2[4500] (80 bytes)
2025-11-20 10:00:00.020 08[NET] <a|1> received packet: from 198.51.100.2[4500] to 192.0.2.1[4500] (80 bytes)
2025-11-20 10:00:00.020 08[ENC] <a|1> parsed INFORMATIONAL response 2 [ ]
2025-11-20 10:00:30.000 05[ENC] <a|1> generating INFORMATIONAL request 3 [ ]
2025-11-20 10:00:30.000 05[NET] <a|1> sending packet: from 192.0.2.1[4500] to 198.51.100.2[4500] (80 bytes)
2025-11-20 10:00:34.000 06[IKE] <a|1> retransmit 1 of request with message ID 3
2025-11-20 10:00:34.000 06[NET] <a|1> sending packet: from 192.0.2.1[4500] to 198.51.100.2[4500] (80 bytes)
2025-11-20 10:00:41.200 06[IKE] <a|1> retransmit 2 of request with message ID 3
2025-11-20 10:00:41.200 06[NET] <a|1> sending packet: from 192.0.2.1[4500] to 198.51.100.2[4500] (80 bytes)
"""  # noqa: E501
GIVEN_UP: Final = "2025-11-20 10:00:54.000 09[IKE] <a|1> giving up after 2 retransmits\n"
AT_LAST: Final = """\
2025-11-20 10:00:41.220 08[NET] <a|1> received packet: from 198.51.100.2[4500] to 192.0.2.1[4500] (80 bytes)
2025-11-20 10:00:41.220 08[ENC] <a|1> parsed INFORMATIONAL response 3 [ ]
2025-11-20 10:01:11.000 05[ENC] <a|1> generating INFORMATIONAL request 4 [ ]
2025-11-20 10:01:11.000 05[NET] <a|1> sending packet: from 192.0.2.1[4500] to 198.51.100.2[4500] (80 bytes)
2025-11-20 10:01:11.020 08[NET] <a|1> received packet: from 198.51.100.2[4500] to 192.0.2.1[4500] (80 bytes)
2025-11-20 10:01:11.020 08[ENC] <a|1> parsed INFORMATIONAL response 4 [ ]
"""  # noqa: E501
CAME: Final = "received packet: from 192.0.2.1[4500] to 198.51.100.2[4500] (80 bytes)"
SENT: Final = "sending packet: from 198.51.100.2[4500] to 192.0.2.1[4500] (80 bytes)"


def _answerer(*asked: tuple[str, int]) -> str:
    lines, known = [], set[int]()
    for at, number in asked:
        again = number in known
        known.add(number)
        said = [f"[ENC] <b|1> parsed INFORMATIONAL request {number} [ ]",
                f"[ENC] <b|1> generating INFORMATIONAL response {number} [ ]"]  # fmt: skip
        if again:
            said = [f"[IKE] <b|1> received retransmit of request with ID {number},"
                    " retransmitting response"]  # fmt: skip
        whole = (f"[NET] <b|1> {CAME}", *said, f"[NET] <b|1> {SENT}")
        lines += [f"2025-11-20 10:{at} 07{text}\n" for text in whole]
    return "".join(lines)


ANSWERER: Final = _answerer(
    ("00:00.010", 2), ("00:30.010", 3), ("00:34.010", 3), ("00:41.210", 3), ("01:11.010", 4)
)


def test_every_answer_that_was_sent_is_told(tmp_path: Path) -> None:
    answered_until = ANSWERER.partition("2025-11-20 10:01:11")[0]
    peer = together(tmp_path, ASKER + GIVEN_UP, answered_until).peer
    last = peer.exchanges[-1]
    assert (last.outcome, last.lost) == (Outcome.UNANSWERED, Lost.ANSWER)
    assert len(last.lost_answers) == 3


def test_an_answer_that_arrives_at_last_is_none_of_those_that_did_not(tmp_path: Path) -> None:
    peer = together(tmp_path, ASKER + AT_LAST, ANSWERER).peer
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED] * 3
    assert len(peer.exchanges[1].lost_answers) == 2
    session = Session()
    session.run([str(path) for path in sorted(tmp_path.iterdir())])
    (finding,) = [f for f in session.judgement().findings if f.rule == "dpd-late-ack"]
    assert "by the log of 192.0.2.1 no answer arrived but the last one" in finding.detail


def test_the_log_of_who_answers_alone_has_every_answer(tmp_path: Path) -> None:
    peer = together(tmp_path, ANSWERER).peer
    asked = peer.exchanges[1]
    assert (asked.outcome, len(asked.transmissions)) == (Outcome.ANSWERED, 3)
    assert len(asked.unheard_answers) == 2
