"""The filter language: any text, any tree, any report."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzers.export.content import Content
from analyzers.export.untrusted import safe
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.session import Session, SessionOptions
from dpdlab.present.filter import Filter, FilterError, Item, Surroundings, narrowed
from dpdlab.present.filter.facts import refs_of
from dpdlab.present.filter.keys import KEYS, NAMES
from dpdlab.present.filter.parser import parse
from dpdlab.present.filter.tree import (
    Expression,
    Node,
    Not,
    Operator,
    Term,
    Value,
    Words,
    conjunction,
    disjunction,
    written,
)

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
CAPTURES = ("ikev1-one-way-loss", "ikev2-dead-peer", "ikev2-clean-delete", "ikev2-ipv6-healthy")

VALUES = {
    "state": ["alive", "dead", "d*", "UNKNOWN"],
    "mode": ["periodic", "on-*"],
    "ike": ["1", "2"],
    "kind": ["dpd", "delete", "message", "exchange", "peer", "sa-init", "black-hole"],
    "dir": ["in", "out"],
    "outcome": ["answered", "unanswered", "open"],
    "rtt": ["1ms", "0.5s", "200us"],
    "retries": ["0", "1", "2"],
    "gap": ["1s", "10s", "1m"],
    "seconds": ["0s", "10"],
    "packets": ["0", "100"],
    "class": ["detected", "*-dpd", "data-plane"],
    "sev": ["info", "warning", "error"],
    "basis": ["rhythm", "header", "decrypted"],
    "confidence": ["certain", "inferred", "suspect"],
    "spi": ["a*", "*0", "990b2fae"],
    "id": ["5779*", "0x00000002", "2"],
    "seq": ["0x10", "7"],
    "frame": ["1", "20", "100"],
}
ANY_TEXT = ["192.0.2.1", "192.0.2.*", "p1", "dpd-*", "capture.pcap", "a b", 'q"\\', "*"]
ORDERED = [Operator.OVER, Operator.AT_LEAST, Operator.UNDER, Operator.AT_MOST]


@st.composite
def terms(draw) -> Term:
    name = draw(st.sampled_from(sorted(KEYS)))
    choices = st.sampled_from(VALUES.get(name, ANY_TEXT))
    values = draw(st.lists(choices, min_size=1, max_size=3))
    operator = draw(st.sampled_from([Operator.IS, Operator.NOT, *ORDERED]))
    if operator in ORDERED:
        values = values[:1]
    plain = VALUES.get(name) is not None
    term = Term(
        name, operator, tuple(Value(v, quoted=not plain and (" " in v or '"' in v)) for v in values)
    )
    try:
        parse(written(term))
    except FilterError:
        # Most keys have no order.
        return Term(name, Operator.IS, term.values)
    return term


LEAVES = (
    terms()
    | st.text(min_size=1, max_size=8).map(Words)
    | st.sampled_from(["dead", "a+", "^p1$", r"\d{2}", "x|y", r"a\/b"]).flatmap(
        lambda source: st.builds(Expression, st.just(source), st.booleans())
    )
)
TREES: st.SearchStrategy[Node] = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=2, max_size=3).map(conjunction)
        | st.lists(inner, min_size=2, max_size=3).map(disjunction)
    ),
    max_leaves=8,
)

SIGNS = (":", "=", "!=", ">", ">=", "<", ",", "*", '"', "\\", "/", "(", ")", "-", "[", "+", "|")
WORDS = ("and", "or", "not", "dead", "192.0.2.1", "2001:db8::1", "30s", "1", " ", "\t", "\0", "é")
PIECES = st.sampled_from((*NAMES, *SIGNS, *WORDS))


@settings(max_examples=400)
@given(st.text(max_size=60) | st.lists(PIECES, max_size=15).map("".join))
@example('"\\')
@example("/\\")
@example("/[/")
@example("-" * 60 + "a")
def test_any_text_is_a_filter_or_has_a_mistake_at_a_place_in_it(text):
    try:
        tree = parse(text)
    except FilterError as caught:
        error = caught
    else:
        assert parse(written(tree)) == tree
        return
    assert 0 <= error.start < error.end <= len(text)
    shown, carets = error.caret()
    assert shown == safe(shown)
    assert "^" in carets
    assert carets.strip(" ").strip("^") == ""


@settings(max_examples=300)
@given(TREES)
def test_a_written_tree_is_read_as_the_same_tree(tree):
    assert parse(written(tree)) == tree


@cache
def content(name: str) -> Content:
    session = Session(SessionOptions())
    session.run([str(SAMPLES / name / "capture.pcap")])
    return Content(version="0", sources=tuple(session.sources), peers=session.peers())


def items(whole: Content) -> list[tuple[Surroundings, Item]]:
    found: list[tuple[Surroundings, Item]] = []
    for peer in whole.peers:
        around = Surroundings(peer, {source.id: source.path for source in whole.sources})
        parts: tuple[Item, ...] = (peer, *peer.exchanges, *peer.deletes, *peer.black_holes)
        found += [(around, item) for item in (*parts, *peer.messages, *peer.problems)]
    return found


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample captures are not here")
@settings(max_examples=150)
@given(st.sampled_from(CAPTURES), TREES)
def test_a_filter_and_its_negation_share_the_items(name, tree):
    wanted, unwanted = Filter.of(written(tree)), Filter.of(written(Not(tree)))
    for around, item in items(content(name)):
        assert wanted.matches(around, item) is not unwanted.matches(around, item)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample captures are not here")
@settings(max_examples=150)
@given(st.sampled_from(CAPTURES), TREES)
def test_what_is_left_is_what_matches(name, tree):
    whole, wanted = content(name), Filter.of(written(tree))
    part = narrowed(whole, wanted)
    left = {id(item) for _, item in items(part)}
    claims = [i for _, i in items(part) if not isinstance(i, PeerView | IkeMessage)]
    places = {ref for claim in claims for ref in refs_of(claim)}
    for around, item in items(whole):
        if isinstance(item, IkeMessage) and not places.isdisjoint(refs_of(item)):
            assert id(item) in left
        elif not isinstance(item, PeerView):
            assert (id(item) in left) is wanted.matches(around, item)
    ids = {peer.id for peer in part.peers}
    for peer in whole.peers:
        own = [(a, i) for a, i in items(whole) if a.peer is not None and a.peer.id == peer.id]
        assert (peer.id in ids) is any(wanted.matches(a, i) for a, i in own)
