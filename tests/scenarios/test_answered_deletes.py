"""An IKEv2 Delete and its answer are one exchange (RFC 7296 section 1.4.1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.exchanges import delete_outcome
from dpdlab.present.events import EventKind, events_of
from tests.scenarios.inputs import together
from tests.scenarios.logs import Lost, charon
from tests.scenarios.timeline import capture

TALK = """
0 a>b v2 handshake
10 a>b liveness 2
10.02 b>a liveness 2 resp
"""
DELETED = (
    TALK
    + """
12 a>b delete 3
12.02 b>a liveness 3 resp
"""
)


@pytest.mark.parametrize("captured", [True, False], ids=["capture", "log"])
def test_a_delete_has_its_answer(tmp_path: Path, captured: bool) -> None:
    peer = together(tmp_path, capture(DELETED) if captured else charon(DELETED, "a")).peer
    (delete,) = peer.deletes
    assert delete.answer is not None
    # A log has both ends of it a millisecond off the wire.
    took = "20 ms" if captured else "22 ms"
    assert delete_outcome(delete) == f"answered in {took}"
    asked, answer = events_of(peer)[-2:]
    assert (asked.kind, answer.kind) == (EventKind.DELETE, EventKind.ANSWER)
    assert (answer.sender, answer.label) == (peer.remote, f"answer to Delete, after {took}")
    assert asked.pairs_with == answer.pairs_with


def test_one_that_was_sent_again_does_not_tell_its_round_trip(tmp_path: Path) -> None:
    again = DELETED.replace("12.02 b", "11 a>b delete 3\n12.02 b")
    (delete,) = together(tmp_path, capture(again)).peer.deletes
    assert delete_outcome(delete) == "answered"


def test_the_log_tells_the_answer_that_came_after_the_capture(tmp_path: Path) -> None:
    own = charon(DELETED, "a")
    cut = own[: own.index("07[NET] received packet", own.index("request 3")) - 24]
    for log in (own, cut):
        (delete,) = together(tmp_path, capture(TALK), log, charon(DELETED, "b")).peer.deletes
        assert delete.answered


def test_an_answer_that_did_not_come_is_none(tmp_path: Path) -> None:
    lost = [Lost("b", 12)]
    goes_on = DELETED + "14 a>b notify 4\n"
    ends = [charon(goes_on, "a", lost=lost), charon(goes_on, "b", lost=lost)]
    peer = together(tmp_path, capture(TALK), *ends).peer
    (delete,) = peer.deletes
    assert (delete_outcome(delete), delete.answer) == ("no answer seen", None)
