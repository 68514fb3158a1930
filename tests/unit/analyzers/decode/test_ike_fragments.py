from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzers.decode.ike_fragments import (
    MAX_AGE_NS,
    MAX_PIECES,
    MAX_SET_BYTES,
    MAX_SETS,
    MAX_TOTAL_BYTES,
    FragmentBuffers,
    Piece,
)
from analyzers.model.records import ProblemKind, Ref


def piece(text: str | bytes, frame: int = 1) -> Piece:
    return Piece(text.encode() if isinstance(text, str) else text, Ref("s1", frame))


def test_pieces_come_back_in_order_whatever_order_they_came_in():
    buffers = FragmentBuffers()
    assert buffers.add("k", 3, 3, piece("c"), 0) == (None, [])
    assert buffers.add("k", 1, 3, piece("a"), 1) == (None, [])
    whole, problems = buffers.add("k", 2, 3, piece("b"), 2)
    assert whole is not None
    assert [p.data for p in whole] == [b"a", b"b", b"c"]
    assert problems == []
    assert buffers.finish() == []


def test_a_total_that_only_the_last_piece_tells():
    buffers = FragmentBuffers()
    assert buffers.add("k", 1, None, piece("a"), 0)[0] is None
    assert buffers.add("k", 3, 3, piece("c"), 0)[0] is None
    whole, _ = buffers.add("k", 2, None, piece("b"), 0)
    assert whole is not None
    assert len(whole) == 3


def test_another_total_starts_anew():
    """RFC 7383 section 2.5.2: a sender may cut smaller when the first cut did not get through."""
    buffers = FragmentBuffers()
    buffers.add("k", 1, 2, piece("ab"), 0)
    assert buffers.add("k", 2, 3, piece("b"), 0)[0] is None
    assert buffers.add("k", 1, 3, piece("a"), 0)[0] is None
    whole, _ = buffers.add("k", 3, 3, piece("c"), 0)
    assert whole is not None
    assert [p.data for p in whole] == [b"a", b"b", b"c"]


def test_other_bytes_under_the_same_number_start_anew():
    buffers = FragmentBuffers()
    buffers.add("k", 1, 2, piece("old"), 0)
    buffers.add("k", 1, 2, piece("new"), 0)
    whole, _ = buffers.add("k", 2, 2, piece("end"), 0)
    assert whole is not None
    assert [p.data for p in whole] == [b"new", b"end"]


def test_incomplete_sets_are_told_when_they_get_old_and_at_the_end():
    buffers = FragmentBuffers()
    buffers.add("old", 1, 3, piece("a", 7), 0)
    assert buffers.add("new", 1, 2, piece("a", 8), MAX_AGE_NS)[1] == []
    _, (lost,) = buffers.add("newer", 1, 2, piece("a", 9), MAX_AGE_NS + 1)
    assert lost.kind is ProblemKind.FRAGMENT_LOST
    assert lost.detail.startswith("1 of 3 fragments")
    assert lost.ref == ("s1", 7)
    assert [p.ref for p in buffers.finish()] == [("s1", 8), ("s1", 9)]
    assert buffers.finish() == []


def test_time_that_runs_backwards_expires_nothing():
    buffers = FragmentBuffers()
    buffers.add("k", 1, 2, piece("a"), 10 * MAX_AGE_NS)
    whole, problems = buffers.add("k", 2, 2, piece("b"), 0)
    assert whole is not None
    assert problems == []


def test_number_of_sets_is_bounded():
    buffers = FragmentBuffers()
    told = []
    for number in range(MAX_SETS + 5):
        told += buffers.add(number, 1, 2, piece("a"), 0)[1]
    assert [p.kind for p in told] == [ProblemKind.FRAGMENT_LIMIT] * 5
    assert len(buffers.finish()) == MAX_SETS


def test_pieces_and_bytes_are_bounded():
    buffers = FragmentBuffers()
    _, (problem,) = buffers.add("k", MAX_PIECES + 1, None, piece("a"), 0)
    assert problem.kind is ProblemKind.FRAGMENT_LIMIT
    _, (problem,) = buffers.add("k", 1, 0xFFFF, piece("a"), 0)
    assert problem.kind is ProblemKind.FRAGMENT_LIMIT
    half = bytes(MAX_SET_BYTES // 2 + 1)
    assert buffers.add("k", 1, 3, piece(half), 0)[1] == []
    assert buffers.add("k", 2, 3, piece(half), 0)[1][0].kind is ProblemKind.FRAGMENT_LIMIT
    told = []
    for number in range(2 * MAX_TOTAL_BYTES // len(half) + 1):
        told += buffers.add(number, 1, 3, piece(half), 0)[1]
    assert {p.kind for p in told} == {ProblemKind.FRAGMENT_LIMIT}


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.integers(1, 4),
            st.none() | st.integers(1, 4),
            st.binary(max_size=2),
            st.integers(0, 3 * MAX_AGE_NS),
        )
    )
)
def test_any_sequence_keeps_count_of_its_bytes(pieces):
    buffers = FragmentBuffers()
    for key, number, total, data, at_ns in pieces:
        if total is not None and number > total:
            continue
        whole, _ = buffers.add(key, number, total, piece(data), at_ns)
        if whole is not None:
            assert 1 <= len(whole) <= 4
    held = sum(len(p.data) for s in buffers._sets.values() for p in s.pieces.values())
    assert held == buffers._bytes
