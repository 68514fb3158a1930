"""Cells and times belong to each other in both directions, folded or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.export.spans import Window
from analyzers.model.time import NS_PER_SECOND
from dpdlab.present.folding import fold, fold_label, to_scale
from dpdlab.present.formatting import ASCII, UNICODE
from dpdlab.present.scale import Scale, Stretch, in_order, linear
from dpdlab.present.zoom import closer_to, farther_from

START_NS = 1_795_204_564_000_000_000
WIDTHS = st.integers(1, 240)


def s(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_SECOND)


def moments(*seconds: float) -> np.ndarray:
    return np.array(sorted(s(second) for second in seconds), np.int64)


def folded(width: int, until: float, *seconds: float) -> Scale:
    return fold([moments(*seconds)], Window(s(0), s(until)), width).scale


DPD = [at + late for at in range(1, 60, 10) for late in (0, 0.016)]


@st.composite
def scales(draw) -> Scale:
    length = draw(st.integers(1, 10**13))
    window = Window(START_NS, START_NS + length)
    times = draw(st.lists(st.integers(0, length), max_size=40))
    width = draw(WIDTHS)
    if draw(st.booleans()):
        return linear(window, width)
    return fold([np.array(sorted({START_NS + t for t in times}), np.int64)], window, width).scale


@given(scales(), st.data())
def test_an_instant_is_in_the_span_of_its_cell_and_in_no_other(scale: Scale, data):
    at_ns = data.draw(st.integers(scale.start_ns, scale.end_ns))
    cell = scale.at(at_ns)
    span = scale.span_of(cell)
    assert 0 <= cell < scale.width
    assert span.start_ns <= at_ns <= span.end_ns
    others = [n for n in (cell - 1, cell + 1) if 0 <= n < scale.width]
    for other in others:
        near = scale.span_of(other)
        # Where cells are shorter than a nanosecond several stand for the same one.
        assert not near.start_ns <= at_ns <= near.end_ns or near.start_ns == near.end_ns


@given(scales())
def test_stretches_cover_the_window_and_the_cells(scale: Scale):
    assert in_order(scale.stretches)
    assert scale.stretches[0].first == 0
    assert len(scale.edges()) == scale.width + 1
    assert scale.edges() == sorted(scale.edges())


@given(scales(), st.data())
def test_later_is_never_farther_left(scale: Scale, data):
    times = sorted(
        data.draw(st.lists(st.integers(scale.start_ns, scale.end_ns), min_size=2, max_size=9))
    )
    cells = [scale.at(at_ns) for at_ns in times]
    assert cells == sorted(cells)


def test_outside_there_are_no_cells():
    scale = linear(Window(s(0), s(10)), 10)
    assert scale.at(s(-1)) == -1
    assert scale.at(s(11)) == 10
    assert scale.cells(s(-5), s(-1)) == range(0)
    assert scale.cells(s(-5), s(0.5)) == range(1)
    assert scale.at(s(10)) == 9


@pytest.mark.parametrize("width", [64, 116, 184])
def test_questions_of_a_quiet_peer_come_together_at_every_zoom(width: int):
    for until in (12, 22, 42):
        scale = folded(width, until, *DPD)
        assert scale.folds, until
        assert scale.cell_ns < linear(Window(s(0), s(until)), width).cell_ns / 2
        for part in scale.folds:
            # Nothing that happened is in a fold.
            assert not [at for at in DPD if part.start_ns <= s(at) <= part.end_ns]


def test_a_silence_that_stands_out_is_folded_and_the_rhythm_stays():
    scale = folded(64, 34, 0, 0.01, 0.02, 14, 15, 19, 24, 29, 34)
    (part,) = scale.folds
    assert s(0.02) < part.start_ns < s(1)
    assert s(13) < part.end_ns < s(14)
    # Outside folds time is to scale.
    steps = [scale.at(s(at)) for at in (19, 24, 29)]
    assert abs((steps[1] - steps[0]) - (steps[2] - steps[1])) <= 1


def test_where_folds_bring_nothing_apart_there_are_none():
    found = fold([moments(10, 20, 30)], Window(s(0), s(40)), 64)
    assert not found.scale.folds
    assert found.even


def test_where_no_silence_takes_room_there_is_nothing_to_fold():
    times = [n / 4 for n in range(160)]
    found = fold([moments(*times)], Window(s(0), s(40)), 64)
    assert not found.scale.folds
    assert not found.even
    assert found.longest_ns == pytest.approx(0.25 * NS_PER_SECOND)


def test_what_one_of_several_does_is_not_folded():
    quiet, loud = moments(1, 1.01, 59, 59.01), moments(*(n / 2 for n in range(120)))
    window = Window(s(0), s(60))
    assert fold([quiet], window, 64).scale.folds
    assert not fold([quiet, loud], window, 64).scale.folds


def test_a_step_goes_into_a_fold_and_out_of_it():
    scale = folded(64, 34, 0, 0.01, 0.02, 14, 15, 19, 24, 29, 34)
    (part,) = scale.folds
    middle = scale.step(part.first - 1, 1)
    assert part.first <= middle < part.first + part.width
    assert scale.step(middle, 1) == part.first + part.width
    assert scale.step(middle, -1) == part.first - 1


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
@pytest.mark.parametrize("seconds", [0.3, 9.98, 14.1, 305, 86_400 * 400])
def test_a_fold_says_how_long_it_is_on_its_cells(signs, seconds: float):
    for width in (8, 10, 12):
        told = fold_label(Stretch(s(0), s(seconds), 0, width, True), signs)
        assert len(told) == width
        assert told.strip()
    assert fold_label(Stretch(0, s(YEARS) - s(0), 0, 8, True), UNICODE) == "18,250d "
    ten = fold_label(Stretch(s(0), s(9.98), 0, 11, True), UNICODE)
    assert ten.strip() == "⋯ 10.0 s ⋯"


YEARS = 86_400.0 * 365 * 50


def unseen(*bounds: float) -> list[Window]:
    both = zip(bounds[::2], bounds[1::2], strict=True)
    return [Window(s(first), s(last)) for first, last in both]


@pytest.mark.parametrize("width", [64, 104, 184])
def test_years_in_no_input_leave_the_room_to_the_inputs(width: int):
    window = Window(s(0), s(YEARS + 30))
    assert linear(window, width).at(s(30)) == 0
    scale = to_scale(window, width, unseen(30, YEARS))
    assert in_order(scale.stretches)
    assert len(scale.folds) == 1
    before, after = scale.at(s(30)), width - scale.at(s(YEARS))
    assert before == pytest.approx(after, abs=2)
    assert before + after > 0.8 * width


def test_inputs_that_follow_each_other_are_drawn_to_scale():
    window = Window(s(0), s(100))
    assert to_scale(window, 104, unseen(40, 60)) == linear(window, 104)
    # As many of them as there are weeks in a year: what would be folded is everywhere.
    weeks = [day * 86_400.0 for week in range(52) for day in (7 * week + 1, 7 * week + 7)]
    window = Window(s(0), s(86_400 * 364))
    assert to_scale(window, 104, unseen(*weeks)) == linear(window, 104)


def test_silence_is_folded_beside_years_in_no_input():
    times = moments(0, 1, 2, 50, 51, YEARS, YEARS + 1, YEARS + 40, YEARS + 41)
    window = Window(s(0), s(YEARS + 41))
    gap = unseen(51, YEARS)
    scale = fold([times], window, 104, gap).scale
    assert len(scale.folds) == 3
    assert scale.cell_ns < to_scale(window, 104, gap).cell_ns
    assert fold([moments(0, 51, YEARS)], window, 104, gap).longest_ns == 51 * NS_PER_SECOND


def test_closer_is_half_of_the_columns_where_years_are_folded():
    window, gap = Window(s(0), s(YEARS + 30)), unseen(30, YEARS)
    scale = to_scale(window, 104, gap)
    closer = closer_to(s(1), scale)
    assert closer.start_ns == pytest.approx(s(0), abs=NS_PER_SECOND)
    assert s(25) < closer.end_ns
    again = closer_to(s(1), to_scale(closer, 104, gap))
    assert s(10) < again.end_ns < s(20)


def test_farther_reaches_over_to_the_next_input_and_no_farther():
    span, gap = Window(s(0), s(YEARS + 30)), unseen(30, YEARS)
    wider = farther_from(s(10), linear(Window(s(0), s(22)), 104), span, gap)
    assert wider.end_ns == pytest.approx(s(YEARS), abs=10 * NS_PER_SECOND)
    assert farther_from(s(10), to_scale(wider, 104, gap), span, gap) == span
    near = farther_from(s(5), linear(Window(s(4), s(6)), 104), span, gap)
    assert near == Window(s(3), s(7))


@given(scales(), st.integers(-(10**14), 10**14))
def test_what_is_outside_is_nearest_to_the_end_it_is_beyond(scale: Scale, after_ns: int):
    at_ns = scale.start_ns + after_ns
    if scale.holds(at_ns):
        assert scale.nearest(at_ns) == scale.at(at_ns)
    else:
        assert scale.nearest(at_ns) == (0 if after_ns < 0 else scale.width - 1)
