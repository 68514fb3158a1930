from __future__ import annotations

import re

from analyzers.export.content import Content
from analyzers.export.markdown_writer import MAX_ROWS, MAX_SECTIONS, chunks
from analyzers.model.records import ProblemKind
from tests.model_builders import black_hole, delete, healthy_peer, hint, peer, problem, source

STORY = """\
# IPsec liveness report

**1 peer given up (inferred); 1 black hole, 6.1 to 13.9 s (31 to 70 packets in vain); noticed \
14.0 s after the last proof of life.**

## Input

| input | format | content | from (UTC) | to (UTC) |
|---|---|---|---|---|
| s1: captures/hub.pcapng | pcapng | 640 packets, 14 IKE, 600 ESP, 2 NAT keepalives | \
2024-11-20T21:31:50.000Z | 2024-11-20T21:32:50.000Z |

## Peers

| peer | local → remote | IKE | state | exchanges | unanswered | retries | Deletes | black holes |
|---|---|---|---|---|---|---|---|---|
| p1 | 192.0.2.1 → 192.0.2.2 | v1 | given up (inferred) | 2 | 1 | 2 | 1 | 1 (at most 13.9 s) |

## p1: 192.0.2.1 → 192.0.2.2

Given up (inferred), last proof of life 2024-11-20T21:32:02.000Z. 2 liveness exchanges: \
1 answered, 1 unanswered; 2 retries; median round trip 16 ms.

### Black holes

| id | broken way | class | seconds | packets | first exposed | end | recovered | confidence |
|---|---|---|---|---|---|---|---|---|
| b1 | 192.0.2.1 → 192.0.2.2 | detected | 6.100 to 13.900 | 31 to 70 | 2024-11-20T21:32:02.200Z \
| 2024-11-20T21:32:16.100Z (SA removed) | – | inferred |
"""


def written(*peers, sources=(), **options) -> str:
    return "".join(chunks(Content("0.1.0", sources or (source(),), peers), **options))


def test_the_story_of_a_dead_peer():
    text = written(peer())
    assert text.startswith(STORY)
    assert "\n### Unanswered exchanges\n" in text
    assert "| x2 | dpd | 192.0.2.1 |" in text
    assert "\n### Deletes\n" in text
    assert "\n### What is certain, what is inferred\n" in text
    assert text.endswith("Written by dpdlab 0.1.0. Times are UTC.\n")


def test_every_table_row_has_the_cells_of_its_header():
    cells = 0
    for line in written(peer(), healthy_peer()).splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        cells = cells or line.count("|")
        assert line.count("|") == cells, line


def test_a_healthy_peer_is_one_row():
    text = written(healthy_peer())
    assert "**1 peer alive; no black hole; no liveness exchange seen.**" in text
    assert "| p2 | 192.0.2.1 → 2001:db8::7 |" in text
    assert "## p2" not in text


def test_the_worst_peer_comes_first():
    small = peer(id="p1", black_holes=(black_hole(max_seconds=3.5),))
    large = peer(id="p2", black_holes=(black_hole(max_seconds=90.0),))
    text = written(small, large)
    assert text.index("## p2") < text.index("## p1")


def test_nothing_explains_itself():
    content = Content("0", (source(),), (), ("0 of 24 packets are IKE.",))
    text = "".join(chunks(content))
    assert "No IPsec peer was found." in text
    assert "0 of 24 packets are IKE." in text


def test_problems_are_listed_with_their_place():
    text = written(
        sources=(
            source(
                problems=[
                    problem(),
                    problem(ProblemKind.BAD_CHECKSUM, "wrong", ref=None, count=1_200),
                ]
            ),
        )
    )
    assert "- s1:640: truncated-tail: the last record is cut off" in text
    assert "- s1: bad-checksum (1,200 times): wrong" in text


def test_long_lists_are_folded_with_a_count():
    deletes = tuple(delete(spis=(f"{n:08x}",)) for n in range(MAX_ROWS + 7))
    text = written(peer(deletes=deletes))
    assert "… and 7 more rows" in text
    many = [peer(id=f"p{n}") for n in range(MAX_SECTIONS + 3)]
    text = written(*many)
    assert "… and 3 more peers with events" in text
    assert len(re.findall(r"^## p\d+", text, re.MULTILINE)) == MAX_SECTIONS


def test_many_spis_of_one_delete_are_folded():
    text = written(peer(deletes=(delete(spis=tuple(f"{n:08x}" for n in range(30))),)))
    assert "… 10 more" in text


def test_text_from_outside_is_no_markup():
    hostile = "x|y <script>alert(1)</script> `z` [a](http://b) @all\n# heading"
    text = written(
        peer(hints=(hint(text=hostile),), remote=hostile),
        sources=(source(path=hostile),),
    )
    assert "<script" not in text
    assert "[a](" not in text
    assert "`" not in text
    assert "@all" not in text
    assert "\n# heading" not in text
    assert "x|y" not in text


def test_ascii_only_is_ascii():
    text = written(peer(), sources=(source(path="漢字"),), ascii_only=True)
    assert text.isascii()
    assert "192.0.2.1 -> 192.0.2.2" in text
    assert "&#28450;" in text


def test_a_log_is_told_by_what_it_holds() -> None:
    log = source(kind="log", format="strongswan", lines=335, log_events={"message": 48})
    told = "".join(chunks(Content(version="0", sources=(log,), peers=())))
    assert "335 lines, 48 IKE messages" in told
    assert "0 packets" not in told
