from __future__ import annotations

import json
from collections import Counter
from typing import Any

from msgspec.json import encode

from analyzers.export.content import Content
from analyzers.export.jsonl_writer import chunks
from analyzers.export.report import build_report
from tests.model_builders import at, black_hole, healthy_peer, hint, peer, problem, source

CONTENT = Content(
    "0.1.0",
    (
        source(problems=[problem(), problem(count=3)]),
        source(id="s2", first_ns=at(30)),
        source(id="s3", first_ns=None, last_ns=None),
    ),
    (peer(problems=(problem(),)), healthy_peer(first_ns=at(22))),
)


def lines(content: Content = CONTENT, **options) -> list[dict[str, Any]]:
    written = "".join(chunks(content, **options))
    assert written.endswith("\n")
    return [json.loads(line) for line in written.splitlines()]


def test_one_object_a_line_with_its_type():
    assert Counter(line["type"] for line in lines()) == {
        "source": 3, "problem": 3, "peer": 2, "exchange": 2, "delete": 1, "black_hole": 1,
    }  # fmt: skip


def test_lines_are_in_time_order():
    times = [line["at_ns"] for line in lines() if line["at_ns"] is not None]
    assert times == sorted(times)
    assert [line["id"] for line in lines() if line["type"] == "source"] == ["s3", "s1", "s2"]


def test_what_is_referred_to_comes_first():
    order = [(line["type"], line["peer"]) for line in lines()]
    assert order.index(("peer", "p1")) < order.index(("exchange", "p1"))
    assert order[0] == ("source", None)


def test_every_line_carries_its_peer():
    assert {line["peer"] for line in lines() if line["type"] in ("exchange", "delete")} == {"p1"}
    assert [line["peer"] for line in lines() if line["type"] == "peer"] == ["p1", "p2"]


def test_problems_say_what_they_belong_to():
    problems = [line for line in lines() if line["type"] == "problem"]
    assert [(p["source"], p["peer"]) for p in problems] == [
        ("s1", None), ("s1", None), (None, "p1"),
    ]  # fmt: skip


def test_the_fields_are_those_of_the_report():
    report = build_report(CONTENT.sources, CONTENT.peers, version="0.1.0")
    whole = json.loads(encode(report))
    written = {line["id"]: line for line in lines() if "id" in line}
    for event in (*whole["peers"][0]["exchanges"], *whole["peers"][0]["black_holes"]):
        assert event.items() <= written[event["id"]].items()
    events = {"exchanges", "deletes", "black_holes", "messages", "problems"}
    for view in whole["peers"]:
        assert {k: v for k, v in view.items() if k not in events}.items() <= (
            written[view["id"]].items()
        )
        assert not events & written[view["id"]].keys()


def test_a_black_hole_without_a_beginning_stands_at_its_end():
    hole = black_hole(first_exposed_ns=None, last_proof_ns=None)
    (line,) = (
        line
        for line in lines(Content("0", (), (peer(black_holes=(hole,)),)))
        if line["type"] == "black_hole"
    )
    assert line["at_ns"] == hole.stop_ns


def test_a_line_break_in_a_string_breaks_no_line():
    content = Content("0", (), (peer(hints=(hint(text="a\nb\u2028c\x85d\x1b"),)),))
    written = "".join(chunks(content))
    assert len(written.splitlines()) == written.count("\n") == 5
    assert "\x1b" not in written


def test_nothing_is_no_line():
    assert list(chunks(Content("0.1.0"))) == []


def test_ascii_only_is_ascii():
    content = Content("0", (source(path="漢字"),))
    written = "".join(chunks(content, ascii_only=True))
    assert written.isascii()
    assert json.loads(written)["path"] == "漢字"
