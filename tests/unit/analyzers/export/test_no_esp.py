from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.no_esp import without_esp
from analyzers.export.spans import Window
from tests.unit.dpdlab.present import stories as s


def test_nothing_came_back_between_the_last_proof_and_the_end_of_the_silence():
    peer = s.dead_peer(esp_flows=(s.flow(s.A, s.B, "aa", 155, 31), s.flow(s.B, s.A, "bb", 70, 13)))
    (hole,) = peer.black_holes
    (_, back) = without_esp(peer, s.B)
    assert hole.last_proof_ns is not None
    assert back.start_ns <= hole.last_proof_ns + 1
    assert back.end_ns >= hole.stop_ns - 1
    out = without_esp(peer, s.A)
    assert not any(w.start_ns <= hole.stop_ns - 1 <= w.end_ns for w in out)


def test_before_between_and_after_the_flows_of_a_side_there_is_none():
    flows = [(1, 3), (2, 4), (8, 9)]
    peer = s.healthy(
        black_holes=(),
        esp_flows=tuple(
            replace(s.flow(s.A, s.B, f"{n}", 5, 1), first_ns=s.at(first), last_ns=s.at(last))
            for n, (first, last) in enumerate(flows)
        ),
    )
    before, between, after = without_esp(peer, s.A)
    assert before.end_ns == s.at(1) - 1
    assert between == Window(s.at(4) + 1, s.at(8) - 1)
    assert after.start_ns == s.at(9) + 1
    assert without_esp(peer, s.B) == []
