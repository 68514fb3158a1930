from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.content import Content
from analyzers.export.markdown_writer import chunks
from analyzers.model.finding import Finding, Severity, Suppressed
from analyzers.model.records import Confidence
from tests.model_builders import at, peer, ref, source

FINDING = Finding(
    rule="dpd-no-ack",
    severity=Severity.ERROR,
    confidence=Confidence.INFERRED,
    title="A question was not answered",
    detail="192.0.2.1 asked | three times",
    remedy="Capture at both ends.",
    reference="RFC 3706 section 5.2",
    refs=(ref(301), ref(322)),
    peer="p1",
    at_ns=at(20),
    id="f1",
)


def document(content: Content) -> str:
    return "".join(chunks(content))


def test_a_finding_says_what_where_and_what_to_do():
    text = document(Content("0", (source(),), (peer(),), findings=(FINDING,)))
    assert "**error, inferred: A question was not answered** (dpd-no-ack; p1, " in text
    assert "s1:301, s1:322" in text
    assert "asked &#124; three times" in text
    assert "Remedy: Capture at both ends." in text
    assert "Source: RFC 3706 section 5.2" in text


def test_what_is_silenced_keeps_its_reason():
    held_back = Suppressed(FINDING, "known since *March*")
    text = document(Content("0", (source(),), (peer(),), suppressed=(held_back,)))
    assert "silenced: A question was not answered (dpd-no-ack), because known since" in text
    assert "*March*" not in text


def test_many_findings_are_folded_with_a_count():
    many = tuple(replace(FINDING, id=f"f{n}") for n in range(100))
    text = document(Content("0", (source(),), (peer(),), findings=many))
    assert "… and 70 more: see the JSON report." in text


def test_without_findings_there_is_no_section():
    assert "## Findings" not in document(Content("0", (source(),), (peer(),)))
