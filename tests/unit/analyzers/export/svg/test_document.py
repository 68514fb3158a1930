from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from analyzers.export.content import Content
from analyzers.export.svg.document import Drawing, chunks
from tests.export_content import everything
from tests.export_hostile import UNWANTED, poisoned
from tests.model_builders import source

SVG = "{http://www.w3.org/2000/svg}"
_TAGS = "svg style title desc defs pattern g rect line path circle text"
TAGS = frozenset(_TAGS.split())


def written(content: Content, **options) -> str:
    return "".join(chunks(content, **options))


def texts(document: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(document).iter(f"{SVG}text")]


@pytest.mark.parametrize("drawing", Drawing)
def test_it_is_svg(drawing):
    root = ET.fromstring(written(everything(), drawing=drawing))
    assert root.tag == f"{SVG}svg"
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= TAGS
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None


def test_the_worst_peer_is_on_top_and_one_can_be_chosen():
    both = texts(written(everything()))
    assert both[0] == "p1: 192.0.2.1 → 192.0.2.2, 2024-11-20"
    assert any(text.startswith("p2: ") for text in both)
    assert not any(text.startswith("p1: ") for text in texts(written(everything(), peers=["p2"])))


def test_a_peer_without_messages_says_so():
    assert "no IKE message of this peer is known" in texts(
        written(everything(), drawing=Drawing.LADDER, peers=["p2"])
    )


def test_nothing_says_so():
    assert "No peer was found." in texts(written(Content("0.1.0", (source(),))))


@pytest.mark.parametrize("drawing", Drawing)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_hostile_text_stays_text(drawing, ascii_only):
    document = written(poisoned(everything()), drawing=drawing, ascii_only=ascii_only)
    document.encode("ascii" if ascii_only else "utf-8")
    root = ET.fromstring(document)
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= TAGS
    assert not [name for node in root.iter() for name in node.attrib if name.startswith("on")]
    assert not any(character in document for character in UNWANTED)
    assert "href" not in {name for node in root.iter() for name in node.attrib}
