"""View 4 on real captures: groups, evidence, explanations, copies."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.model.finding import Finding, Severity, Suppressed
from analyzers.model.records import Confidence, Ref
from analyzers.rules.catalogue import rules_by_id
from analyzers.session import SessionOptions
from dpdlab.present.findings import GroupBy, copies, grouped, rule_of
from dpdlab.tui.dialogs.explain import ExplainScreen
from dpdlab.tui.views.findings import FindingsView
from tests.scenarios.timeline import capture
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]
RESTART = SAMPLES / "ikev2-peer-restart"
DEAD = SAMPLES / "ikev1-dead-peer"


def view(c: Console) -> FindingsView:
    return c.app.query_one(FindingsView)


def number(c: Console, severity: Severity) -> int:
    return sum(finding.severity is severity for finding in c.app.model.content.findings)


def current(c: Console) -> str:
    shown = view(c)
    return shown.list.source.row(shown.list.cursor, 200, shown.palette).plain


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_the_worst_is_first_and_the_verdict_above(console: Open, size: tuple[int, int]):
    async with console(RESTART, size=size) as c:
        await c.press("4")
        assert f"2 errors · {number(c, Severity.WARNING)} warnings · " in c.text
        assert "11.9 to 15.9 s" in c.text
        assert current(c).startswith("✗ ")
        # The cause comes before what it explains.
        assert "The peer has lost its SAs" in current(c)
        assert "▾ errors (2)" in c.text
        assert "192.0.2.2 started anew" in c.text
        assert max(map(len, c.lines)) <= size[0]


async def test_groups_by_rule_and_by_peer(console: Open):
    async with console(RESTART) as c:
        await c.press("4", "S")
        assert "▾ ! dpd-timeout-ignored-ikev2 · " in c.text
        await c.press("c")
        whose = [finding.peer for finding in c.app.model.content.findings]
        assert f"▾ ✗ 192.0.2.1 → 192.0.2.2 ({len(whose) - whose.count(None)})" in c.text
        assert f"no single peer ({whose.count(None)})" in c.text
        await c.press("S")
        assert f"▾ ✗ in the order of time ({len(whose)})" in c.text
        await c.press("S")
        assert "errors (2)" in c.text


@pytest.mark.parametrize("by", [GroupBy.SEVERITY, GroupBy.RULE, GroupBy.PEER])
async def test_what_happened_comes_before_what_is_configured_as_in_the_report(
    console: Open, by: GroupBy
):
    async with console(SAMPLES / "ikev2-data-plane-dead") as c:
        content = c.app.model.content
        assert content.findings[0].rule == "dpd-alive-dataplane-dead"
        assert Counter(f.rule for f in content.findings)["dpd-timeout-ignored-ikev2"] == 2
        groups = grouped(content.findings, by)
        assert groups[0].findings[0] is content.findings[0]
        for group in groups:
            told = [content.findings.index(finding) for finding in group.findings]
            assert told == sorted(told)


async def test_findings_in_the_order_of_time_and_back(console: Open):
    async with console(RESTART) as c:
        await c.press("4", *["S"] * 3)
        findings = c.app.model.content.findings
        (group,) = grouped(findings, GroupBy.TIME)
        times = [finding.at_ns for finding in group.findings]
        timed = [at_ns for at_ns in times if at_ns is not None]
        assert None in times
        assert times == [*sorted(timed), *[None] * times.count(None)]
        assert group.severity is findings[0].severity
        assert "time ▴" in c.text
        await c.press("I")
        assert "the latest first" in c.lines[-1]
        assert "time ▾" in c.text
        (group,) = grouped(findings, GroupBy.TIME, back=True)
        times = [finding.at_ns for finding in group.findings]
        assert times == [*sorted(timed, reverse=True), *[None] * times.count(None)]


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_findings_say_which_end_asked_and_their_rule(console: Open, size: tuple[int, int]):
    async with console(SAMPLES / "ikev1-dead-peer", size=size) as c:
        finding = c.app.model.content.findings[0]
        assert (finding.rule, finding.end) == ("dpd-no-ack", "192.0.2.1")
        await c.press("4")
        row = next(line for line in c.lines if line.startswith(" ✗ "))
        assert row.startswith(" ✗ → 192.0.2.2  ")
        assert "no…" not in row
        assert ("dpd-no-ack" in row) is (size[0] == 200)
        assert "[dpd-no-ack]" in c.text


async def test_of_configurations_alone_no_time_is_shown(console: Open):
    async with console(SAMPLES / "configs", size=(200, 60)) as c:
        await c.press("4")
        assert "time" not in next(line for line in c.lines if line.startswith("   peer"))
        assert any(line.startswith(" ✗ spoke-console.txt  Backup peers") for line in c.lines)


async def test_a_sentence_that_is_cut_keeps_how_sure_it_is(console: Open):
    async with console(SAMPLES / "ikev2-data-plane-dead" / "capture.pcap", size=(80, 24)) as c:
        await c.press("4")
        row = next(line for line in c.lines if line.startswith(" ! "))
        assert re.search(r"The peer answers.*… \(inferred\)$", row)


async def test_enter_on_a_header_folds_its_group(console: Open):
    async with console(RESTART) as c:
        await c.press("4", "j", "j")
        many = number(c, Severity.WARNING)
        assert f"warnings ({many})" in current(c)
        await c.press("enter")
        assert f"▸ warnings ({many})" in c.text
        assert "dpd-timeout-ignored-ikev2" not in c.text
        await c.press("enter")
        assert f"▾ warnings ({many})" in c.text


async def test_enter_goes_to_the_evidence(console: Open):
    async with console(RESTART) as c:
        await c.press("4", "enter")
        assert c.app.view.title == "ladder"
        finding = c.app.model.content.findings[0]
        assert c.app.model.peer_id == finding.peer
        peer = c.app.model.peer
        assert peer is not None
        here = [e.ref for e in c.app.model.events(peer) if e.at_ns == c.app.model.at_ns]
        assert finding.refs[0] in here
        await c.press("q")
        assert c.app.view.title == "findings"


async def test_what_a_configuration_shows_has_no_ladder(console: Open):
    async with console(RESTART) as c:
        await c.press("4", "w", "enter")
        assert c.app.view.title == "findings"
        assert "swanctl-a.conf line 7" in c.lines[-1]


async def test_jumps_by_severity_and_by_peer(console: Open):
    async with console(RESTART) as c:
        await c.press("4", "w")
        assert current(c).startswith("! ")
        await c.press("E", "E")
        assert "The peer has lost its SAs" in current(c)
        await c.press("full_stop")
        assert "A liveness question was not answered" in current(c)
        await c.press("full_stop")
        assert "Retransmissions keep one distance" in current(c)
        await c.press("comma", "comma")
        assert current(c).startswith("✗ ")
        await c.press("e", "e")
        assert "no further error" in c.lines[-1]


async def test_x_explains_with_remedy_traps_and_source(console: Open):
    async with console(RESTART, size=(120, 60)) as c:
        await c.press("4", "j", "x")
        assert isinstance(c.app.screen, ExplainScreen)
        for said in (
            "Why it matters", "The answer is mandatory.", "What to do", "Look for a restart",
            "Not said where", "capture.pcap frame 109", "RFC 3706 section 5.2",
        ):  # fmt: skip
            assert said in c.text, said
        await c.press("x")
        assert not isinstance(c.app.screen, ExplainScreen)


async def test_x_in_the_ladder_explains_what_rests_on_the_message(console: Open):
    async with console(RESTART) as c:
        await c.press("4", "enter", "x")
        assert isinstance(c.app.screen, ExplainScreen)
        assert "peer-rebooted" in c.text
        await c.press("escape", "g", "x")
        assert "no finding rests on this" in c.lines[-1]


async def test_search_reads_what_findings_say(console: Open):
    async with console(RESTART) as c:
        await c.press("4", "slash", *"nowhere", "enter")
        assert "no match for" in c.lines[-1]
        await c.press("slash", *["backspace"] * 20, *"gives up by RETRANSMISSION", "enter")
        assert "dpd-timeout-ignored-ikev2" in current(c)


async def test_a_filter_leaves_findings(console: Open):
    async with console(RESTART) as c:
        await c.press("4", "f", *"rule:dpd-no-ack", "enter")
        assert "warnings" not in c.text
        assert "A liveness question" in c.text
        await c.press("f", *["backspace"] * 30, *"rule:nat-*", "enter")
        assert "no finding matches the filter" in c.text


async def test_forms_of_a_finding(console: Open):
    async with console(RESTART) as c:
        await c.press("4", "j")
        forms = view(c).copy_text()
        assert json.loads(forms["JSON"])["rule"] == "dpd-no-ack"
        assert "isakmp.messageid" in forms["Wireshark filter"]
        assert "src host 192.0.2.1" in forms["BPF"]
        assert "error: A liveness question was not answered [dpd-no-ack]" in forms["text"]
        await c.press("k", "k")
        assert view(c).copy_text() == {}


async def test_silenced_findings_stand_at_the_end_with_their_reason(console: Open):
    async with console(RESTART) as c:
        content = c.app.model.whole
        first, *rest = content.findings
        held = Suppressed(first, "known since \x1b[31mMay")
        c.app.model.take(replace(content, findings=tuple(rest), suppressed=(held,)), done=True)
        c.app.changed()
        await c.press("4", "G")
        assert "silenced (1)" in c.text
        assert "known since \\x1b[31mMay: The peer has lost its SAs" in current(c)
        assert "1 silenced" in c.text
        await c.press("k", "enter")
        assert "▸ silenced (1)" in c.text


async def test_hostile_text_is_shown_harmless(console: Open):
    async with console(RESTART, size=(80, 24)) as c:
        content = c.app.model.whole
        bad = replace(
            content.findings[0],
            title="[bold]x[/bold]\x1b]0;pwned\x07 \u202e" + "long " * 500,
            detail="\x1b[2J" * 300,
            remedy="one\ntwo \x9b",
        )
        c.app.model.take(replace(content, findings=(bad,)), done=True)
        c.app.changed()
        await c.press("4")
        assert "[bold]x[/bold]\\x1b]0;pwned\\x07" in c.text
        await c.press("x")
        assert "\x1b" not in c.text
        assert "\u202e" not in c.text


async def test_nothing_wrong_is_said(console: Open):
    async with console(SAMPLES / "ikev2-healthy" / "capture.pcap") as c:
        c.app.model.take(replace(c.app.model.whole, findings=()), done=True)
        c.app.changed()
        await c.press("4")
        assert "no rule has anything to say" in c.text
        await c.press("enter", "x", "e", "S", "y")
        assert c.app.is_running


async def test_ascii_is_ascii(console: Open):
    async with console(RESTART, ascii_only=True) as c:
        await c.press("4")
        for key in ("S", "c", "x"):
            await c.press(key)
            assert c.text.isascii(), [x for x in c.text if not x.isascii()]


async def test_ten_thousand_findings_cost_nothing_to_move_in(console: Open):
    async with console(RESTART, options=SessionOptions()) as c:
        content = c.app.model.whole
        many = tuple(
            replace(content.findings[0], id=f"f{n}", title=f"finding {n}") for n in range(10_000)
        )
        c.app.model.take(replace(content, findings=many), done=True)
        c.app.changed()
        await c.press("4", "G")
        assert "finding 9999" in current(c)
        await c.press("k", "k")
        assert "finding 9997" in current(c)


def test_every_rule_has_something_to_explain():
    for name, rules in rules_by_id().items():
        for rule in rules:
            finding = Finding(
                name, Severity.INFO, Confidence.CERTAIN, rule.title, "d", "r", rule.source, ()
            )
            found = rule_of(finding)
            assert found is not None
            assert (found.id, found.source) == (name, rule.source)


async def test_groups_are_complete(console: Open):
    async with console(DEAD) as c:
        content = c.app.model.content
        for by in GroupBy:
            groups = grouped(content.findings, by)
            members = [f for group in groups for f in group.findings]
            assert sorted(f.id for f in members) == sorted(f.id for f in content.findings)
        unknown = replace(content.findings[0], rule="none", refs=(Ref("s99", 1),), peer=None)
        assert copies(content, unknown)["text"]
        assert rule_of(unknown) is None


async def test_a_tunnel_that_never_came_up_is_not_called_sound(console: Open, tmp_path: Path):
    path = tmp_path / "silent.pcap"
    tries = "".join(f"{at_s} a>b v2 auth 1\n" for at_s in (0.1, 2, 6))
    path.write_bytes(capture(f"0 a>b v2 sa-init 0\n0.05 b>a v2 sa-init 0 resp\n{tries}"))
    async with console(path, size=(80, 24)) as c:
        await c.press("4")
        assert "IKE_AUTH is not answered" in c.text
        assert "nothing is wrong" not in c.text
        assert "IKE_AUTH message to 192.0.2.2 3 times" in " ".join(c.text.split())
