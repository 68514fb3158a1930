from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.content import Content
from analyzers.export.report import build_peer, build_peer_head
from analyzers.model.finding import Suppressed
from dpdlab.present.filter import Filter, narrowed
from tests.model_builders import healthy_peer, peer, source
from tests.unit.dpdlab.present.filter.test_facts import ACK, PROBE, finding

WELL = replace(healthy_peer(), id="p2", remote="198.51.100.2", addresses=("198.51.100.2",))
CONTENT = Content(
    version="1",
    sources=(source(),),
    peers=(peer(messages=(PROBE, ACK)), WELL),
    findings=(finding(id="f1"), finding(id="f2", rule="dpd-slow-answer", peer="p2")),
    suppressed=(Suppressed(finding(rule="dpd-idle"), "known"),),
)


def of(text: str) -> Content:
    return narrowed(CONTENT, Filter.of(text))


def test_the_empty_filter_changes_nothing():
    assert of(" ") is CONTENT


def test_what_is_true_of_a_peer_keeps_all_of_it():
    part = of("state:dead")
    assert part.peers == CONTENT.peers[:1]
    assert [f.id for f in part.findings] == ["f1"]
    assert part.sources == CONTENT.sources


def test_only_the_items_that_match_stay():
    part = of("outcome:unanswered")
    (view,) = part.peers
    assert [x.id for x in view.exchanges] == ["x2"]
    assert not view.deletes
    assert not view.black_holes
    assert not view.messages
    assert view.ike_sas == CONTENT.peers[0].ike_sas
    assert not part.findings
    assert not part.suppressed


def test_the_json_tells_how_much_of_each_list_is_not_shown():
    (whole, well), (part,) = CONTENT.peers, of("outcome:unanswered").peers
    hidden = build_peer(part).not_shown
    assert hidden is not None
    for name, number in hidden.items():
        assert number + len(getattr(part, name)) == len(getattr(whole, name)), name
    assert (hidden["black_holes"], hidden["messages"]) == (1, 2)
    assert build_peer_head(part).not_shown == hidden
    assert build_peer(well).not_shown is None


def test_a_finding_keeps_its_peer():
    part = of("rule:dpd-slow-answer")
    assert [p.id for p in part.peers] == ["p2"]
    assert part.peers[0].exchanges == ()
    assert [f.id for f in part.findings] == ["f2"]


def test_suppressed_findings_are_narrowed_too():
    assert of("rule:dpd-idle").suppressed == CONTENT.suppressed
    assert of("rule:dpd-slow-answer").suppressed == ()


def test_it_says_what_is_missing():
    (sentence,) = of("outcome:unanswered").diagnosis
    assert "outcome:unanswered" in sentence
    assert "1 of 2 peers" in sentence
    assert "0 of 2 findings" in sentence


def test_an_empty_result_says_so():
    part = of("state:probing rtt>1h")
    assert part.peers == ()
    (sentence,) = part.diagnosis
    assert sentence.startswith("The filter state:probing rtt>1h matches nothing of 2 peers, ")


def test_an_empty_report_stays_as_it_is():
    nothing = Content(version="1", diagnosis=("There is no IKE in it.",))
    assert narrowed(nothing, Filter.of("state:dead")) == nothing
