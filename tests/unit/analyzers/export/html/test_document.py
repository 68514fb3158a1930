from __future__ import annotations

import re
from collections import Counter

import html5lib
import pytest
from msgspec.structs import replace

from analyzers.export.content import Content
from analyzers.export.html.document import HEALTHY_SECTIONS, SECTIONS, chunks
from analyzers.export.redact import redacted
from analyzers.model.peer import PeerView
from tests.export_content import everything, finding, sick_peer
from tests.export_hostile import HOSTILE, UNWANTED, poisoned
from tests.model_builders import A, B, answered, black_hole, healthy_peer, source

_TAGS = """
html head meta title style body header main section footer h1 h2 h3 h4 p div span a strong br
article table caption thead tbody tr th td dl dt dd ol ul li details summary figure figcaption
code svg desc defs pattern g rect line path circle text
"""
_ATTRIBUTES = """
lang charset http-equiv content name class id aria-labelledby aria-hidden aria-label role href
tabindex scope data-label open xmlns viewBox width height x y x1 x2 y1 y2 rx r d fill
transform patternUnits patternTransform
"""
TAGS = frozenset(_TAGS.split())
ATTRIBUTES = frozenset(_ATTRIBUTES.split())


def written(content: Content, **options) -> str:
    return "".join(chunks(content, **options))


def parsed(page: str):
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    tree = parser.parse(page)
    return tree, [code for _, code, _ in parser.errors]


def elements(tree) -> list[tuple[str, dict[str, str]]]:
    """Tag and attributes of every element, without namespaces."""
    return [
        (
            re.sub(r"^\{.*\}", "", node.tag),
            {re.sub(r"^\{.*\}", "", name): value for name, value in node.attrib.items()},
        )
        for node in tree.iter()
        if isinstance(node.tag, str)
    ]


def visible(tree) -> str:
    return " ".join("".join(tree.find("body").itertext()).split())


def test_the_page_is_html_without_an_error():
    tree, errors = parsed(written(everything()))
    assert errors == []
    found = elements(tree)
    assert {tag for tag, _ in found} <= TAGS
    assert {name for _, attributes in found for name in attributes} <= ATTRIBUTES


def test_nothing_is_fetched_or_run():
    page = written(everything())
    tree, _ = parsed(page)
    policy = [a for tag, a in elements(tree) if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0]["content"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & {
        tag for tag, _ in elements(tree)
    }
    assert not re.search(r"@import|url\((?!#)", page)
    links = [a["href"] for tag, a in elements(tree) if tag == "a"]
    assert links
    assert all(link.startswith("#") for link in links)


def test_links_and_labels_have_targets_and_ids_are_unique():
    tree, _ = parsed(written(everything()))
    ids = Counter(a["id"] for _, a in elements(tree) if "id" in a)
    assert set(ids.values()) == {1}
    for _, attributes in elements(tree):
        for wanted in attributes.get("aria-labelledby", "").split():
            assert wanted in ids
        if attributes.get("href", "#peer-1") != "#peer-1":
            assert attributes["href"].removeprefix("#") in ids


def test_what_a_reader_looks_for():
    tree, _ = parsed(written(everything()))
    text = visible(tree)
    assert "1 peer given up (inferred), 1 alive" in text
    assert "1 black hole, 6.1 to 13.9 s (31 to 70 packets in vain)" in text
    assert "A liveness question was not answered" in text
    assert "Remedy: Capture at both ends." in text
    assert "RFC 3706 section 5.4" in text
    assert "show crypto ipsec sa" in text
    assert "the file ends inside a record" in text
    assert "1 finding suppressed" in text
    assert "Timeline" in text
    assert "Ladder" in text
    assert text.endswith("Written by dpdlab 0.1.0. Times are UTC.")


def test_every_row_has_the_cells_of_its_header():
    tree, _ = parsed(written(everything()))
    tables = list(tree.iter("table"))
    assert len(tables) >= 8
    for table in tables:
        heads = [head.text for head in table.iter("th")]
        rows = list(table.find("tbody").iter("tr"))
        assert rows
        for row in rows:
            assert [cell.attrib["data-label"] for cell in row.iter("td")] == heads


@pytest.mark.parametrize("ascii_only", [False, True])
def test_hostile_text_stays_text(ascii_only):
    page = written(poisoned(everything()), ascii_only=ascii_only)
    page.encode("ascii" if ascii_only else "utf-8")
    tree, errors = parsed(page)
    assert errors == []
    found = elements(tree)
    assert {tag for tag, _ in found} <= TAGS
    assert {name for _, attributes in found for name in attributes} <= ATTRIBUTES
    everywhere = page + "".join(tree.itertext()) + "".join(v for _, a in found for v in a.values())
    assert not any(character in everywhere for character in UNWANTED)
    assert 'alert("1")' in "".join(tree.itertext())
    assert r"\u202e" in everywhere
    assert r"\x00" in everywhere


def test_hostile_text_is_told_in_every_part():
    """Each text is still there, so none was dropped instead of being made harmless."""
    tree, _ = parsed(written(poisoned(everything())))
    beginning = HOSTILE[:20]
    sections = list(tree.iter("section"))
    assert len(sections) >= 4
    assert all(beginning[:12] in "".join(section.itertext()) for section in sections)


def test_redacted_content_has_no_address():
    content = everything()
    page = written(redacted(content, paths=["r1.log"]))
    # Addresses of the rules' texts are replaced as those of the peers are.
    for secret in (A, B, "198.51.100.9", "r1.log", "hub.pcapng", "c1a2b3d4"):
        assert secret not in page, secret


def test_ascii_is_ascii_and_says_the_same():
    assert visible(parsed(written(everything()))[0]) == visible(
        parsed(written(everything(), ascii_only=True))[0]
    )


def test_nothing_explains_itself():
    text = visible(parsed(written(Content("0.1.0", (source(),), (), ("No IKE here.",))))[0])
    assert "No peer found: there is nothing to report on." in text
    assert "No IKE here." in text


def test_the_worst_peer_comes_first_and_many_are_bounded():
    sick = [sick_peer(id=f"p{n}", remote=f"192.0.2.{n}") for n in range(SECTIONS + 5)]
    healthy = [healthy_peer(id=f"h{n}") for n in range(HEALTHY_SECTIONS + 4)]
    worst = sick_peer(id="worst", black_holes=(black_hole(max_seconds=900.0),))
    text = written(Content("0.1.0", (source(),), (*healthy, *sick, worst)))
    tree, _ = parsed(text)
    names = [h2[0].text.partition(":")[0] for h2 in tree.iter("h2") if len(h2)]
    assert names[0] == "worst"
    assert len(names) == SECTIONS + HEALTHY_SECTIONS
    assert "10 peers only in the table above" in visible(tree)


def test_long_lists_are_bounded():
    many = tuple(answered(id=f"x{n}") for n in range(1_500))
    content = everything(
        peers=(sick_peer(), replace(healthy_peer(), exchanges=many)),
        findings=tuple(finding(id=f"f{n}", peer=None) for n in range(200)),
    )
    text = visible(parsed(written(content))[0])
    assert "500 more: see the JSON report" in text
    assert "140 more findings: see the JSON report" in text


def test_a_log_without_times_has_no_timeline():
    view: PeerView = sick_peer(first_ns=0, last_ns=40, states=(), black_holes=())
    tree, errors = parsed(written(everything(peers=(view,))))
    assert errors == []
    assert "the lines of this log have no times" in visible(tree)
