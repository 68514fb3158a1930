"""The lane of the logs, and what the readout counts under the cursor."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.export.spans import Window, whole
from analyzers.model.exchange import Exchange
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.peer import Hint, HintKind, PeerView
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import Basis, Ref
from dpdlab.present import readout, timeline
from dpdlab.present.cells import RowKind
from dpdlab.present.events import events_of
from dpdlab.present.formatting import ASCII, UNICODE, Glyphs
from dpdlab.present.lane import rows_of
from dpdlab.present.scale import Scale, Stretch, linear
from tests.model_builders import ike_message
from tests.unit.dpdlab.present import stories as s

WIDTH = 66


HOLE = ", 1 black hole begins, 1 black hole ends"


def logged(exchange: Exchange) -> tuple[IkeMessage, ...]:
    """The lines of a log that say what was sent."""
    return tuple(
        replace(ike_message(0, 1), at_ns=sent.at_ns, ref=sent.ref, basis=Basis.LOG)
        for sent in exchange.transmissions
    )


def dead() -> PeerView:
    run = replace(s.given_up(), basis=Basis.LOG, verdict_ref=Ref("s1", 300))
    return s.dead_peer(exchanges=(run,), messages=logged(run))


def log_lane(peer: PeerView, signs: Glyphs = UNICODE, width: int = WIDTH) -> str:
    times = timeline.PeerTimes(peer)
    drawn = timeline.draw(times, linear(whole(peer), width), signs)
    (row,) = (r for r in drawn.rows if r.kind is RowKind.LOG)
    return "".join(cell.glyph for cell in row.cells)


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_the_lane_of_the_log_tells_retries_and_the_verdict(signs: Glyphs):
    told = log_lane(dead(), signs).split()
    assert told == [signs.tick, *[signs.retry] * 5, signs.dead]


def test_a_verdict_that_no_log_tells_is_none_there():
    run = replace(dead().exchanges[0], verdict_ref=None)
    assert log_lane(s.dead_peer(exchanges=(run,), messages=logged(run))).split()[-1] == "↻"


def test_of_what_shares_a_cell_the_verdict_shows():
    assert log_lane(dead(), width=1).split() == ["✗"]


def test_a_column_is_told_by_what_is_in_it():
    peer = dead()
    assert readout.told(events_of(peer)) == f"1 question, 5 retries, 1 peer given up{HOLE}"
    # Half of it is in a log.
    wire = replace(peer.exchanges[0], basis=Basis.HEADER)
    both = replace(peer, exchanges=(wire,), messages=())
    assert (
        readout.told(events_of(both)) == f"1 question, 5 retries, 1 peer given up{HOLE} (1 logged)"
    )
    assert readout.told([]) == "no event"


def test_a_logged_retry_of_another_request_is_marked():
    first = ike_message(1, 1, kind=MessageKind.AUTH, basis=Basis.LOG)
    again = replace(ike_message(9, 2, kind=MessageKind.AUTH, basis=Basis.LOG), again=True)
    peer = s.dead_peer(exchanges=(), messages=(first, again), black_holes=())
    base = s.at(0) - first.at_ns + 1_000_000_000
    moved = tuple(replace(m, at_ns=m.at_ns + base) for m in (first, again))
    assert log_lane(replace(peer, messages=moved)).split() == ["│", "↻"]


def test_the_lane_of_the_log_has_starts_and_refusals():
    started = Hint(s.at(2), s.B, "it started anew", Ref("s2", 1), kind=HintKind.STARTED)
    refused = replace(started, at_ns=s.at(4), until_ns=s.at(6), kind=HintKind.NOT_SENT, times=9)
    assert log_lane(replace(dead(), hints=(started, refused))).split()[:3] == ["S", "!", "!"]


def test_a_fold_says_in_every_lane_how_long_it_is_and_that_traffic_went_on():
    peer = s.dead_peer()
    start = linear(Window(s.at(0), s.at(31)), 70)
    scale = Scale(
        (
            Stretch(s.at(0), s.at(4), 0, 10),
            Stretch(s.at(4), s.at(12), 10, 10, folded=True),
            Stretch(s.at(12), s.at(31), 20, 50),
        )
    )
    rows = {r.kind: "".join(c.glyph for c in r.cells) for r in rows_of(peer, scale, UNICODE)}
    for kind in (RowKind.ESP_OUT, RowKind.ESP_IN):
        assert rows[kind][10:20] == "⋯ steady ⋯"
        assert set(rows[kind][:10]) == {"▅"}
    for kind in (RowKind.STATE, RowKind.PROBES_OUT, RowKind.HOLE_OUT):
        assert "⋯ 8.0 s ⋯" in rows[kind][10:20]
    assert " alive " not in rows[RowKind.STATE][5:25]
    assert " probing " in rows[RowKind.STATE]
    assert "⋯" not in "".join(c.glyph for r in rows_of(peer, start, UNICODE) for c in r.cells)


def test_a_fold_says_so_in_the_lanes_of_the_log_and_of_what_is_due_too():
    (policy,) = s.dead_peer().policies
    due = replace(policy, mode=PolicyMode.PERIODIC, interval_s=4.0)
    peer = replace(dead(), policies=(due,))
    scale = Scale(
        (
            Stretch(s.at(0), s.at(2), 0, 10),
            Stretch(s.at(2), s.at(18), 10, 11, folded=True),
            Stretch(s.at(18), s.at(31), 21, 49),
        )
    )
    drawn = timeline.draw(timeline.PeerTimes(peer), scale, UNICODE)
    rows = {r.kind: "".join(c.glyph for c in r.cells)[10:21] for r in drawn.rows}
    assert "⋯ 16.0 s ⋯" in rows[RowKind.LOG]
    # Marks are in its middle: beside them is room for the sign.
    assert rows[RowKind.EXPECTED].count(UNICODE.ghost) == 4
    assert rows[RowKind.EXPECTED].count("⋯") == 1


def test_who_never_asked_has_a_lane_of_what_was_expected():
    (policy,) = s.dead_peer().policies
    given = replace(policy, interval_s=5.0, basis=PolicyBasis.GIVEN)
    hole = s.black_hole(first_probe_ns=None)
    peer = s.dead_peer(exchanges=(), black_holes=(hole,), policies=(given,))
    scale = linear(whole(peer), WIDTH)
    rows = timeline.draw(timeline.PeerTimes(peer), scale, UNICODE).rows
    assert [row.label for row in rows[:3]] == ["state", "expected →", "ESP →"]
    due = [cell.glyph == UNICODE.ghost for cell in rows[1].cells]
    assert due.index(True) == scale.at((hole.last_proof_ns or 0) + 5_000_000_000)
    assert due.count(True) == 1
