from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode

from analyzers.export.content import Content
from analyzers.export.json_writer import ascii_escapes, chunks, document, terminal_escapes
from analyzers.export.report import build_report
from analyzers.export.schema import Report
from tests.model_builders import healthy_peer, hint, peer, problem, source

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "golden" / "report.schema.json").read_text(encoding="utf-8")
)
CONTENT = Content("0.1.0", (source(problems=[problem()]),), (peer(), healthy_peer()))
HOSTILE = '\x1b[31m\u202e\x9b\x7f\udcff\u200b\U000e0041 "quoted" \\ 漢字'


@pytest.mark.parametrize(
    "content",
    [
        CONTENT,
        Content("0.1.0"),
        Content("0.1.0", (source(first_ns=None, last_ns=None, size_bytes=None),)),
        Content("0.1.0", (source(path=HOSTILE),), (peer(hints=(hint(text=HOSTILE),)),)),
    ],
    ids=["story", "nothing", "no-packets", "hostile"],
)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_document_follows_the_committed_schema(content, ascii_only):
    written = json.loads("".join(chunks(content, ascii_only=ascii_only)))
    jsonschema.Draft202012Validator(SCHEMA).validate(written)


@pytest.mark.parametrize("peers", [(), (peer(),), (peer(), healthy_peer())])
def test_writing_peer_by_peer_is_the_same_as_the_whole_report(peers):
    whole = build_report(CONTENT.sources, peers, version="0.1.0")
    written = "".join(chunks(Content("0.1.0", CONTENT.sources, peers)))
    assert written == document(whole) + "\n"


def test_the_document_reads_back_as_the_report():
    whole = build_report(CONTENT.sources, CONTENT.peers, version="0.1.0")
    assert decode("".join(chunks(CONTENT)), type=Report) == whole


def test_strings_cannot_disturb_a_terminal_and_read_back_unchanged():
    hostile = HOSTILE.replace("\udcff", "")
    content = Content("0.1.0", (source(path=hostile),))
    written = "".join(chunks(content))
    assert not set(written) & set("\x1b\u202e\x9b\x7f\u200b\U000e0041")
    assert "漢字" in written
    assert json.loads(written)["sources"][0]["path"] == hostile


def test_an_undecodable_file_name_is_written_as_its_escape():
    written = "".join(chunks(Content("0.1.0", (source(path="caf\udce9.pcap"),))))
    assert json.loads(written)["sources"][0]["path"] == r"caf\udce9.pcap"


def test_ascii_only_is_ascii():
    written = "".join(chunks(Content("0", (source(path="漢字😀"),)), ascii_only=True))
    assert written.isascii()
    assert json.loads(written)["sources"][0]["path"] == "漢字😀"


@given(st.text())
def test_escaping_changes_no_value(text):
    document = json.dumps([text], ensure_ascii=False, indent=2)
    assert json.loads(terminal_escapes(document)) == [text]
    assert json.loads(ascii_escapes(document)) == [text]
    assert ascii_escapes(document).isascii()
