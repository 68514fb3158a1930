from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from analyzers.export.spans import Window, whole, zooms
from analyzers.model.exchange import Lost, Outcome
from analyzers.model.peer import Activity, PeerState, StateSpan
from analyzers.model.time import NS_PER_SECOND
from dpdlab.present import axis, lane
from dpdlab.present.cells import Role, RowKind
from dpdlab.present.esp import EspTimes
from dpdlab.present.formatting import ASCII, UNICODE
from dpdlab.present.scale import linear
from tests.unit.dpdlab.present import stories as s

WIDTH = 66


def drawn(peer, width=WIDTH, signs=UNICODE):
    return lane.build(peer, linear(whole(peer), width), signs)


def row(built, kind):
    return next(r for r in built.rows if r.kind is kind)


def text(built, kind):
    return "".join(cell.glyph for cell in row(built, kind).cells)


def test_a_dead_peer_is_told_from_left_to_right():
    built = drawn(s.dead_peer())
    state = text(built, RowKind.STATE)
    assert state.startswith("━")
    assert " alive " in state
    assert " probing " in state
    assert state.rstrip().endswith("✗")
    assert text(built, RowKind.PROBES_OUT).split() == ["✗", "↻", "↻", "↻", "↻", "↻"]
    assert text(built, RowKind.ESP_OUT).strip() == "▅" * WIDTH
    assert len(text(built, RowKind.ESP_IN).rstrip()) == 30
    hole = text(built, RowKind.HOLE_OUT)
    assert hole.strip("░▓ ") == ""
    assert hole.index("░") < hole.index("▓")
    assert "probing 11.8 s" in text(built, RowKind.PHASES_OUT)
    assert "│19:56:10" in text(built, RowKind.AXIS)


def test_certain_loss_begins_with_the_first_probe():
    built = drawn(s.dead_peer())
    first_probe = text(built, RowKind.PROBES_OUT).index("✗")
    assert abs(text(built, RowKind.HOLE_OUT).index("▓") - first_probe) <= 1


def test_an_upper_bound_alone_is_never_certain():
    assert "▓" not in text(drawn(s.data_plane()), RowKind.HOLE_OUT)


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_a_lane_tells_a_life_of_ike_alone(signs):
    built = drawn(s.data_plane(), signs=signs)
    state = text(built, RowKind.STATE)
    assert " IKE alive, no ESP back " in state
    assert state.startswith(signs.line_alive)
    assert state.endswith(signs.line_alive)
    assert signs.line_ike_only in state
    assert Role.IKE_ONLY in built.roles


def test_one_lost_question_among_hundreds_is_seen():
    probes = text(drawn(s.long_history()), RowKind.PROBES_OUT)
    assert probes.count("✗") == 1
    assert probes.count("◇") == 1
    assert "●●●●" in probes


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_questions_that_were_lost_on_the_way_have_a_lane(signs):
    run = s.given_up()
    there = drawn(s.dead_peer(exchanges=(run,)), signs=signs)
    assert not [row for row in there.rows if row.kind is RowKind.LOST_OUT]
    lost = drawn(s.dead_peer(exchanges=(replace(run, lost=Lost.REQUEST),)), signs=signs)
    assert text(lost, RowKind.LOST_OUT).split() == [signs.lost_to] * len(run.transmissions)
    asked = text(lost, RowKind.PROBES_OUT)
    assert [at for at, c in enumerate(asked) if c != " "] == [
        at for at, c in enumerate(text(lost, RowKind.LOST_OUT)) if c != " "
    ]


def test_a_late_answer_has_a_place_of_its_own():
    late = replace(s.answered(0, 4.0, rtt_s=12.0), outcome=Outcome.ANSWERED)
    assert text(drawn(s.healthy(exchanges=(late,))), RowKind.PROBES_OUT).split() == ["●", "○"]


def test_the_transmission_that_was_answered_carries_the_dot():
    run = s.given_up()
    back = replace(run, outcome=Outcome.ANSWERED, answer=s.sent(29.1, 3, 230))
    built = drawn(s.dead_peer(exchanges=(back,)))
    assert text(built, RowKind.PROBES_OUT).split() == ["◇", "↻", "↻", "↻", "↻", "●"]


def test_a_question_that_a_retry_was_answered_for_is_not_called_unanswered():
    back = replace(s.given_up(), outcome=Outcome.ANSWERED, answer=s.sent(29.1, 3, 230))
    for signs in (ASCII, UNICODE):
        marks = text(drawn(s.dead_peer(exchanges=(back,)), signs=signs), RowKind.PROBES_OUT)
        assert marks.split()[0] == signs.asked
        assert signs.unanswered not in marks


def test_a_delete_hides_no_question_that_was_not_answered():
    peer = replace(s.dead_peer(), deletes=s.unsure().deletes)
    asked = replace(peer.exchanges[-1], transmissions=peer.exchanges[-1].transmissions[:1])
    at_ns = asked.transmissions[0].at_ns
    delete = replace(s.unsure().deletes[0], at_ns=at_ns, sender=s.A)
    built = drawn(replace(peer, exchanges=(asked,), deletes=(delete,)))
    assert text(built, RowKind.PROBES_OUT).split() == ["✗+"]
    alone = drawn(replace(peer, exchanges=(asked,), deletes=()))
    assert text(alone, RowKind.PROBES_OUT).split() == ["✗"]


def test_a_question_in_a_narrow_drawing_does_not_hide_that_it_was_repeated():
    """A minute a cell: the question and its retries share one."""
    peer = s.dead_peer()
    window = Window(peer.first_ns - 600 * NS_PER_SECOND, peer.last_ns + 600 * NS_PER_SECOND)
    for signs in (UNICODE, ASCII):
        built = lane.build(peer, linear(window, 20), signs)
        marks = text(built, RowKind.PROBES_OUT).split()
        assert marks == [signs.unanswered + signs.covered]
        assert Role.MORE in built.roles


def test_questions_that_were_answered_at_once_are_no_more_than_their_dots():
    built = lane.build(s.long_history(), linear(whole(s.healthy()), 10), UNICODE)
    assert Role.MORE not in built.roles


def test_an_open_question_is_not_called_unanswered():
    run = replace(s.given_up(), outcome=Outcome.OPEN, verdict_ns=None)
    marks = text(drawn(s.dead_peer(exchanges=(run,))), RowKind.PROBES_OUT).split()
    assert marks[0] == "?"
    assert "✗" not in marks


def test_a_side_that_only_deletes_has_a_row():
    peer = s.unsure()
    silent = replace(peer, exchanges=())
    built = drawn(silent)
    assert row(built, RowKind.PROBES_OUT).label == "Delete →"
    assert text(built, RowKind.PROBES_OUT).strip() == "D"


def test_an_instant_of_death_is_never_swallowed():
    peer = s.healthy(
        number=300,
        states=(
            StateSpan(PeerState.ALIVE, s.at(0)),
            StateSpan(PeerState.DEAD, s.at(500)),
            StateSpan(PeerState.ALIVE, s.at(500.001)),
        ),
    )
    assert text(drawn(peer), RowKind.STATE).count("✗") == 1


def test_nobody_sending_leaves_no_esp_rows():
    kinds = {r.kind for r in drawn(s.healthy()).rows}
    assert RowKind.ESP_OUT not in kinds


def test_packets_are_kept_when_slices_become_cells():
    activity = Activity(s.at(0), NS_PER_SECOND, (5,) * 31, (0,) * 10 + (60,) + (0,) * 20)
    built = drawn(s.dead_peer(activity=activity), width=31)
    assert text(built, RowKind.ESP_IN).strip()[0] in UNICODE.density
    assert text(built, RowKind.ESP_OUT)[0] == UNICODE.density[0]


def test_a_short_hole_in_a_long_capture_is_drawn_closer():
    peer = s.long_history()
    (window,) = zooms(peer, WIDTH, 1)
    hole = peer.black_holes[0]
    assert hole.first_exposed_ns is not None
    assert window.start_ns < hole.first_exposed_ns < hole.stop_ns < window.end_ns
    closer = lane.build(peer, linear(window, WIDTH), UNICODE)
    assert sum(c.role in (Role.POSSIBLE, Role.CERTAIN) for r in closer.rows for c in r.cells) > 30
    assert zooms(s.dead_peer(), WIDTH, 1) == ()


@pytest.mark.parametrize("signs", [ASCII, UNICODE])
@pytest.mark.parametrize("width", [1, 2, 7, 66, 140])
@pytest.mark.parametrize(
    "make", [s.dead_peer, s.healthy, s.data_plane, s.long_history, s.unsure, s.hostile]
)
def test_rows_have_the_width_asked_for(make, width, signs):
    built = drawn(make(), width, signs)
    for each in built.rows:
        assert len(each.cells) == width
        assert all(len(cell.glyph) == 1 for cell in each.cells)
        if signs is ASCII:
            assert all(cell.glyph.isascii() for cell in each.cells)
            assert each.label.isascii()


@settings(max_examples=60)
@given(
    start=st.integers(-(10**9), 2 * 10**18),
    span=st.integers(1, 4 * 10**18),
    width=st.integers(1, 200),
)
def test_axes_of_any_span_are_exactly_as_wide(start, span, width):
    assert len(axis.axis_text(start, start + span, width, UNICODE)) == width
    assert span // axis.step_ns(start, start + span, width) <= max(width, 1000)


@given(st.lists(st.tuples(st.sampled_from(PeerState), st.integers(0, 10**12)), max_size=20))
def test_any_order_of_states_is_drawn(spans):
    states = tuple(
        StateSpan(state, s.START_NS + after)
        for state, after in sorted(spans, key=lambda item: item[1])
    )
    assert len(text(drawn(s.healthy(states=states)), RowKind.STATE)) == WIDTH


def test_the_axis_names_only_what_changed():
    line = axis.axis_text(s.at(0), s.at(40), 80, UNICODE)
    assert line.split() == ["│19:56:10", "│:20", "│:30", "│:40"]
    hours = axis.axis_text(s.at(0), s.at(7200), 66, UNICODE)
    assert hours.split() == ["│20:00", "│20:30", "│21:00", "│21:30"]
    across = axis.axis_text(s.at(0), s.at(86_400), 66, UNICODE)
    assert "│11-21 00:00" in across


def seconds_of(built, kind, window):
    """Where there is something in a row: seconds of the story, of the first and the last cell."""
    cells = row(built, kind).cells
    scale = linear(window, len(cells))
    used = [n for n, cell in enumerate(cells) if cell.glyph != " "]
    return [(scale.span_of(n).start_ns - s.at(0)) / NS_PER_SECOND for n in (used[0], used[-1])]


def coarse_dead_peer():
    """ESP in slices of 4 s: the one in which the peer fell silent has packets."""
    activity = Activity(s.at(0), 4 * NS_PER_SECOND, (20,) * 8, (20,) * 3 + (10,) + (0,) * 4)
    return s.dead_peer(activity=activity)


def test_no_esp_stands_where_the_last_proof_of_life_was_before():
    peer = coarse_dead_peer()
    last_proof = (peer.black_holes[0].last_proof_ns - s.at(0)) / NS_PER_SECOND
    window = Window(s.at(12), s.at(16))
    first, last = seconds_of(lane.build(peer, linear(window, 80), UNICODE), RowKind.ESP_IN, window)
    assert first == pytest.approx(12, abs=0.06)
    assert last == pytest.approx(last_proof, abs=0.06)


def test_cells_finer_than_their_slice_show_no_density():
    peer = coarse_dead_peer()
    closer = lane.build(peer, linear(Window(s.at(12), s.at(16)), 80), UNICODE)
    for kind in (RowKind.ESP_OUT, RowKind.ESP_IN):
        assert set(text(closer, kind)) <= {" ", UNICODE.unplaced}
    whole_of_it = drawn(peer, width=14)
    assert UNICODE.unplaced not in text(whole_of_it, RowKind.ESP_OUT)


def test_exact_times_stand_each_in_its_cell():
    peer = coarse_dead_peer()
    window = Window(s.at(12), s.at(16))
    times = EspTimes(
        window,
        np.array([s.at(12.0), s.at(13.01), s.at(13.02), s.at(16)], np.int64),
        np.array([s.at(12.5)], np.int64),
    )
    scale = linear(window, 80)
    rows = {r.kind: r.cells for r in lane.rows_of(peer, scale, UNICODE, times)}
    used = {kind: [n for n, c in enumerate(rows[kind]) if c.role is Role.ESP] for kind in rows}
    assert used[RowKind.ESP_OUT] == [0, 20, 79]
    assert used[RowKind.ESP_IN] == [10]
    beyond = linear(Window(s.at(12), s.at(17)), 80)
    cells = {r.kind: r.cells for r in lane.rows_of(peer, beyond, UNICODE, times)}
    assert not any(c.role is Role.ESP for c in cells[RowKind.ESP_OUT])


def test_a_life_is_drawn_to_the_end_of_the_input_and_no_farther():
    peer = s.data_plane()
    alive = StateSpan(PeerState.ALIVE, peer.first_ns)
    peer = replace(peer, states=(alive,), black_holes=(), until_ns=peer.last_ns)
    longer = Window(peer.first_ns, 2 * peer.last_ns - peer.first_ns)
    state = text(lane.build(peer, linear(longer, WIDTH), UNICODE), RowKind.STATE)
    assert len(state.rstrip()) == WIDTH // 2 + 1


def test_a_black_hole_of_which_nothing_is_drawn_has_no_lane():
    peer = s.data_plane()
    (hole,) = peer.black_holes
    idle = replace(hole, min_seconds=0.0, max_seconds=0.0, phases=())
    built = drawn(replace(peer, black_holes=(idle,)))
    assert RowKind.HOLE_OUT in {r.kind for r in drawn(peer).rows}
    assert not {RowKind.HOLE_OUT, RowKind.HOLE_IN} & {r.kind for r in built.rows}
