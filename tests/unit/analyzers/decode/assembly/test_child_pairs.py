from __future__ import annotations

from analyzers.decode.assembly.child_pairs import ChildPairs

IN, OUT = "0a0b0c11", "0d0e0f22"


def test_a_child_sa_comes_up_once_and_goes_once():
    pairs = ChildPairs()
    assert pairs.up((IN, OUT))
    assert not pairs.up((OUT,))
    assert pairs.down((OUT,)) == (IN, OUT)
    assert pairs.down((IN,)) is None
    assert pairs.up((IN, OUT))


def test_what_nobody_has_seen_come_up_goes_all_the_same():
    pairs = ChildPairs()
    assert pairs.down((IN,)) == (IN,)
    assert pairs.down((IN,)) is None


def test_reserved_spis_are_no_child_sa():
    pairs = ChildPairs()
    pairs.reserve((IN,))
    assert pairs.down((IN,)) is None
    assert pairs.up((IN, OUT))


def test_child_sas_without_spis_are_all_news():
    pairs = ChildPairs()
    assert pairs.up(())
    assert pairs.up(())
    assert pairs.down(()) == ()


def test_old_ones_are_forgotten():
    pairs = ChildPairs()
    for number in range(5000):
        pairs.up((f"{number:08x}",))
    assert pairs.up((f"{0:08x}",))
