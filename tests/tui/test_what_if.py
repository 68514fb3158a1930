"""View 6 on real captures: the same numbers as `dpdlab simulate`, and what keys do."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from analyzers.configs.vendors import parse_policy
from dpdlab.cli import main
from dpdlab.present.draft import draft_of
from dpdlab.present.replays import SentPackets
from dpdlab.tui.views.what_if import WhatIfView
from dpdlab.tui.views.what_if_fields import FieldRows
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"
DEAD_LOG = SAMPLES / "ikev1-dead-peer" / "charon-a.log"
UNASKED = SAMPLES / "ikev2-no-dpd-blackhole" / "capture.pcap"
RESTART = SAMPLES / "ikev2-peer-restart" / "capture.pcap"
DATA_PLANE = SAMPLES / "ikev2-data-plane-dead" / "capture.pcap"
HEALTHY = SAMPLES / "ikev2-healthy" / "capture.pcap"


def _view(c: Console) -> WhatIfView:
    return c.app.query_one(WhatIfView)


async def _opened(c: Console) -> WhatIfView:
    """The view, with the packets of the silent windows, where there are any."""
    await c.press("6")
    view = _view(c)

    def is_ready() -> bool:
        if view.replays is None or view.sheet.planning:
            return True
        return view.replays.sent.done or not c.app.captures

    await c.until(is_ready)
    await c.settle()
    return view


async def _to_field(c: Console, name: str) -> None:
    view = _view(c)
    await c.press("g")
    names = [entry.id for entry in _fields(view)]
    await c.press(*["down"] * names.index(name))


def _fields(view: WhatIfView) -> list[Any]:
    source = view.fields.source
    assert isinstance(source, FieldRows)
    return source.fields


def _value(view: WhatIfView, name: str) -> str:
    return str(next(entry.value for entry in _fields(view) if entry.id == name))


async def _type(c: Console, name: str, text: str) -> None:
    await _to_field(c, name)
    await c.press("enter", *["backspace"] * 25, *text, "enter")


def _row(c: Console, label: str) -> str:
    found = (line for line in c.lines if line.lstrip(">+=* ").startswith(label))
    return next(line for line in found if line.lstrip(">+=* ")[len(label)] in " :")


def _simulated(tmp_path: Path, *argv: str) -> dict[str, Any]:
    """What `dpdlab simulate` writes."""
    out = tmp_path / "simulated.json"
    assert main(["simulate", *argv, "--format", "json", "-q", "-o", str(out)]) == 0
    return dict(json.loads(out.read_text()))


def _lefts(document: dict[str, Any]) -> list[dict[str, dict[str, Any]]]:
    """For each black hole the results by label, without what names the policies."""
    labels = {policy["id"]: policy["label"] for policy in document["policies"]}
    return [
        {
            labels[found["policy"]]: {k: v for k, v in found.items() if k != "policy"}
            for found in hole["results"]
        }
        for hole in document["black_holes"]
    ]


@pytest.mark.parametrize("capture", [DEAD, UNASKED, RESTART], ids=lambda p: p.parent.name)
async def test_the_numbers_are_those_of_simulate(console: Open, tmp_path: Path, capture: Path):
    usual = _lefts(_simulated(tmp_path, str(capture)))
    async with console(capture) as c:
        view = await _opened(c)
        (hole,) = _lefts(json.loads(view.copy_text()["JSON"]))
        edited = next(label for label in hole if label.startswith("to edit"))
        draft = view.sheet.draft
        assert {k: v for k, v in hole.items() if k != edited} == usual[view._hole]
    tried = _lefts(_simulated(tmp_path, str(capture), *shlex.split(draft.arguments)))
    assert hole[edited] == tried[view._hole][draft.candidate().label]


@pytest.mark.parametrize(
    ("product", "text"),
    [
        ("cisco-asa", "cisco-asa interval=30 retry=5"),
        ("strongswan-ikev1", "strongswan-ikev1 interval=12 timeout=40"),
        ("fortios-ikev1", "fortios-ikev1 interval=4"),
        ("iked", "iked interval=10"),
    ],
)
async def test_an_edited_policy_has_the_numbers_of_simulate(
    console: Open, tmp_path: Path, product: str, text: str
):
    wanted = _lefts(_simulated(tmp_path, str(UNASKED), "--policy", text))[0][text]
    async with console(UNASKED) as c:
        view = await _opened(c)
        view.sheet.type("product", product)
        for word in text.split()[1:]:
            await _type(c, *word.split("="))
        assert parse_policy(view.sheet.draft.text).waits_s == parse_policy(text).waits_s
        (hole,) = _lefts(json.loads(view.copy_text()["JSON"]))
        edited = next(label for label in hole if label.startswith("edited"))
        assert hole[edited] == wanted


async def test_routing_ends_every_window(console: Open, tmp_path: Path):
    wanted = _lefts(_simulated(tmp_path, str(DATA_PLANE), "--hold", "15"))
    async with console(DATA_PLANE) as c:
        view = await _opened(c)
        assert "no DPD policy" in c.text
        await _type(c, "hold", "15")
        (hole,) = _lefts(json.loads(view.copy_text()["JSON"]))
        for label, found in wanted[0].items():
            assert hole[label] == found


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
@pytest.mark.parametrize("capture", [DEAD, HEALTHY, DATA_PLANE, DEAD_LOG], ids=lambda p: p.name)
async def test_it_fits(console: Open, capture: Path, size: tuple[int, int]):
    async with console(capture, size=size) as c:
        await _opened(c)
        assert max(map(len, c.lines)) <= size[0]
        assert (">" in [line[1:2] for line in c.lines]) is (capture != DATA_PLANE)
        assert "begins with" in c.text


async def test_observed_and_policies_on_one_scale(console: Open):
    async with console(UNASKED) as c:
        await _opened(c)
        lengths = {}
        for label in ("observed", "to edit", "FTD on-idle 10 2", "FortiGate on-demand 20 s"):
            row = _row(c, label)
            lengths[label] = row.count("▓") + row.count("░")
        assert lengths["observed"] == lengths["FortiGate on-demand 20 s"]
        assert lengths["FTD on-idle 10 2"] < lengths["to edit"] < lengths["observed"]
        # What DESIGN asks for beside each bar.
        assert "17.8 s" in _row(c, "FTD on-idle 10 2")
        assert _row(c, "FTD on-idle 10 2").split()[-4:] == ["360", "<1e-9", "2e-7", "9e-5"]
        assert "36" in _row(c, "FTD on-idle 10 2")


async def test_a_change_redraws_at_once(console: Open):
    async with console(UNASKED) as c:
        view = await _opened(c)
        await _to_field(c, "interval")
        assert "19.8 s" in _row(c, "to edit")
        await c.press("right")
        assert _value(view, "interval") == "11 s"
        assert "20.8 s" in _row(c, "edited: 11 + 5 × 2")
        assert "crypto ikev2 dpd 11 2 periodic" in c.text
        await c.press("minus", "minus")
        assert _value(view, "interval") == "9 s"
        await c.press("plus", "left")
        assert _value(view, "interval") == "9 s"


async def test_values_are_typed_and_checked(console: Open):
    async with console(DEAD) as c:
        view = await _opened(c)
        view.sheet.type("product", "cisco-ios")
        view._rebuild()
        await _to_field(c, "interval")
        await c.press("enter", "x", "enter")
        assert "is no duration" in c.text
        assert _value(view, "interval") == "10 s"
        await c.press("escape")
        await _type(c, "interval", "2m")
        assert _value(view, "interval") == "2m"
        assert "120 + 5 × 2" in _row(c, "edited")
        await _type(c, "interval", "5")
        assert "IKEv1 takes 10 to 3600, not 5" in c.text
        await c.press("escape")
        assert _value(view, "interval") == "2m"
        await _type(c, "peers", "many")
        assert "is no number" in c.text
        await c.press("escape")
        await _type(c, "peers", "10,000")
        assert "2 × 10,000 / 120 = " in c.text


async def test_hostile_values_are_refused(console: Open):
    async with console(DEAD) as c:
        view = await _opened(c)
        for name, text in (
            ("interval", "9" * 60),
            ("interval", "10 retry=1"),
            ("interval", "\x1b[31m"),
            ("retries", "-1"),
            ("retries", "0.5"),
            ("mode", "sometimes"),
            ("peers", "0"),
            ("peers", "9" * 30),
            ("hold", "inf"),
            ("hold", "65536"),
            ("target", "2d"),
            ("retry", "99999"),
        ):
            before = view.sheet.draft, view.sheet.demand
            view._change(partial(view.sheet.type, name, text), name)
            assert (view.sheet.draft, view.sheet.demand) == before, (name, text)


async def test_products_have_their_own_fields(console: Open):
    async with console(UNASKED, size=(120, 40)) as c:
        view = await _opened(c)
        await c.press("g", "enter")
        assert "strongSwan, IKEv2" in c.text
        await c.press("escape")
        await c.press("left")
        assert view.sheet.draft.profile == "cisco-ios"
        view.sheet.type("product", "strongswan-ikev1")
        view._rebuild()
        names = [entry.id for entry in _fields(view)]
        assert "timeout" in names
        assert "retries" not in names
        await c.press("g", *["left"] * 60)
        assert c.app.is_running


async def test_without_a_product_the_numbers_are_the_users(console: Open, tmp_path: Path):
    argv = ("--interval", "8", "--retry", "1", "--retries", "4", "--mode", "on-idle")
    wanted = _lefts(_simulated(tmp_path, str(UNASKED), *argv))[0]["on-idle 8, 4 retries × 1"]
    async with console(UNASKED) as c:
        view = await _opened(c)
        view.sheet.type("product", "any product")
        await c.press("g")
        view._rebuild()
        for name, text in (("interval", "8"), ("retry", "1"), ("retries", "4")):
            await _type(c, name, text)
        await _to_field(c, "mode")
        await c.press("enter", "3")
        assert view.sheet.draft.arguments == ("--interval 8 --retry 1 --retries 4 --mode on-idle")
        (hole,) = _lefts(json.loads(view.copy_text()["JSON"]))
        assert hole["edited: 8 + 5 × 1"] == wanted
        assert "a product has to be chosen" in c.text


async def test_policies_are_walked_edited_and_pinned(console: Open):
    async with console(UNASKED) as c:
        view = await _opened(c)
        await c.press("space", "right")
        assert [p.label for p in view.pinned] == ["cisco-ios-ikev2 10 + 5 × 2 periodic"]
        assert "+ cisco-ios-ikev2 10" in c.text
        await c.press("left", "space")
        assert len(view.pinned) == 1
        assert "pinned already" in c.lines[-1]
        await c.press(*["down"] * len(_fields(view)))
        assert view.in_table
        await c.press("down")
        await c.press("space")
        assert view.pinned == []
        while not _current(view).startswith("FTD"):
            await c.press("down")
        assert "worst case interval + 4 × wait = 10 + 4 × 2 = 18 s" in c.text
        assert "isakmp keepalive threshold 10 retry 2" in c.text
        await c.press("enter")
        assert view.sheet.draft.text == "cisco-ftd"
        assert "17.8 s" in _row(c, "edited: 10 + 4 × 2")
        await c.press(*["up"] * 12)
        assert not view.in_table


def _current(view: WhatIfView) -> str:
    tried = view._tried()
    return "" if tried is None else tried.candidate.label


async def test_a_click_goes_to_a_field_or_a_policy(console: Open):
    async with console(UNASKED) as c:
        view = await _opened(c)
        place = next(n for n, line in enumerate(c.lines) if line.strip().startswith("retry"))
        await c.pilot.click(offset=(5, place))
        await c.press("right")
        assert _value(view, "retry") == "3 s"
        place = next(n for n, line in enumerate(c.lines) if "FortiGate on-demand 20 s" in line)
        await c.pilot.click(offset=(5, place))
        await c.settle()
        assert _current(view) == "FortiGate on-demand 20 s"
        assert "set dpd-retryinterval 20" in c.text


async def test_black_holes_one_after_the_other(console: Open):
    async with console(DEAD, UNASKED, RESTART, size=(80, 24)) as c:
        view = await _opened(c)
        holes = c.app.model.peer.black_holes if c.app.model.peer else ()
        assert len(holes) > 1
        await c.press(*["B"] * len(holes))
        assert len(holes) == len(_starts(view))
        for _ in range(len(holes) + 1):
            await c.press("b")
        assert view._hole == len(holes) - 1
        assert "no further black hole" in c.lines[-1]
        assert c.app.model.at_ns in (None, *(h.first_exposed_ns for h in holes))
        assert f"{len(holes)} of {len(holes)}" in c.text
        await c.press(*["B"] * len(holes))
        assert "no earlier black hole" in c.lines[-1]


def _starts(view: WhatIfView) -> list[int]:
    from dpdlab.tui.views.what_if_rows import HoleRows

    assert isinstance(view.rows, HoleRows)
    return view.rows._starts


async def test_a_filter_leaves_no_stale_black_hole(console: Open):
    async with console(DEAD, UNASKED) as c:
        view = await _opened(c)
        await c.press("b", "b", "b", "f")
        await c.press(*"kind:dpd", "enter")
        assert view.copy_text()["configuration"]
        await c.press("down", "right", "G", "b", "g")
        assert c.app.is_running


async def test_until_packets_come_there_are_seconds(console: Open):
    async with console(UNASKED) as c:
        view = await _opened(c)
        assert view.replays is not None
        whole = _row(c, "FTD on-idle 10 2")
        view.replays = view.replays.with_sent(SentPackets())
        view._rebuild()
        await c.settle()
        early = _row(c, "FTD on-idle 10 2")
        assert "17.8 s" in early
        assert early.split()[:3] == whole.split()[:3]
        assert "…" in early
        assert "…" in _row(c, "IOS on-demand 10 2")


async def test_packets_are_read_once(console: Open):
    async with console(UNASKED) as c:
        view = await _opened(c)
        sent = view.replays.sent if view.replays else None
        assert sent is not None
        assert sent.done
        assert len(sent.by_hole["b1"][0]) == 124
        await c.press("2", "6", "right", "1", "6")
        assert view.replays is not None
        assert view.replays.sent is sent


async def test_a_capture_that_went_away_leaves_the_seconds(console: Open, tmp_path: Path):
    path = tmp_path / "gone.pcap"
    path.write_bytes(UNASKED.read_bytes())
    async with console(path) as c:
        path.unlink()
        await _opened(c)
        assert "cannot be read again" in c.lines[-1]
        assert "17.8 s" in _row(c, "FTD on-idle 10 2")
        assert "–" in _row(c, "FTD on-idle 10 2")


async def test_planning_without_a_black_hole(console: Open, tmp_path: Path):
    out = _simulated(tmp_path, "--hold", "25", "--peers", "500")
    plans = {row["policy"]["label"]: row["result"] for row in out["policies"]}
    async with console(HEALTHY) as c:
        await _opened(c)
        assert "no black hole: what to expect of policies" in c.text
        await _type(c, "hold", "25")
        await _type(c, "peers", "500")
        versions = {
            "FortiGate on-demand 20×3": "FortiGate v1 on-demand 20×3",
            "FortiGate on-demand 20 s": "FortiGate v2 on-demand 20 s",
            "strongSwan on-idle 30/150": "strongSwan v1 on-idle 30/150",
            "strongSwan on-idle 30 s": "strongSwan v2 on-idle 30 s",
        }
        for label, found in plans.items():
            row = next(line for line in c.lines if versions.get(label, label) in line)
            assert f"{found['fleet']['mean_s']:.1f} s" in row
            assert f"{found['hub']['messages_per_s_at_most']:.3g}" in row
            assert ("met" in row) == found["meets_target"]
            assert ("DPD first" in row) == (not found["routing"]["backstop"])


async def test_ten_million_peers_do_not_stop_the_keys(console: Open):
    async with console(HEALTHY) as c:
        await _opened(c)
        await _type(c, "peers", "10000000")
        assert "2 × 10,000,000 / 4 = 5,000,000 messages/s" in c.text


async def test_what_is_recommended_is_no_worse_or_says_why(console: Open):
    async with console(DEAD, DEAD_LOG) as c:
        view = await _opened(c)
        assert "begins with what 192.0.2.1 was seen to do, as strongSwan" in c.text
        assert _value(view, "product") == "strongswan-ikev1"
        row = _row(c, "recommended")
        assert "its own" in row
        after = c.lines[c.lines.index(next(x for x in c.lines if "* recommended" in x)) + 1]
        assert ("-0.1 s" in row) is ("leaves 0.1 s more than was observed" in after)
        # The last row is a slow policy.
        await c.press("G")
        assert "its own policy is better by 129.9 s" in c.text


async def test_a_policy_that_the_user_changed_begins_with_nothing_any_more(console: Open):
    async with console(DEAD, DEAD_LOG) as c:
        await _opened(c)
        await _type(c, "interval", "6")
        assert "begins with" not in c.text


async def test_costs_on_a_page_of_their_own_where_there_is_no_room(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        await _opened(c)
        assert "v: costs" in c.text
        await c.press("v")
        assert "asks/h" in c.text
        assert "<1e-9   3e-9   9e-6" in _row(c, "IOS periodic 10 2")
        await c.press("G", "right")
        assert "packets" in c.text


def _bar(c: Console, label: str) -> int:
    return sum(_row(c, label).count(sign) for sign in "░▓→")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_bars_differ_where_windows_do(console: Open, size: tuple[int, int]):
    """One of hours, or of minutes beside seconds, does not take the room of all others."""
    async with console(UNASKED, size=size) as c:
        await _opened(c)
        assert 1 < _bar(c, "IOS periodic 10 2") <= _bar(c, "IOS on-demand 10 2")
        widest = max(sum(line.count(sign) for sign in "░▓→") for line in c.lines[14:])
        assert widest >= 12
        assert _bar(c, "to edit") > widest // 4


async def test_what_it_costs_is_seen_at_once_where_there_is_little_room(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        await _opened(c)
        await _type(c, "retries", "1")
        told = " ".join(" ".join(line[37:].strip() for line in c.lines[4:13]).split())
        assert re.search(r"at most \d+ asks/h, false deaths \S+ at 0\.1%, .* at 5% loss", told)


async def test_what_is_copied(console: Open):
    async with console(DEAD) as c:
        view = await _opened(c)
        assert "configuration" not in view.copy_text()
        view.sheet.type("product", "cisco-ios")
        view.sheet.type("mode", "periodic")
        view._rebuild()
        texts = view.copy_text()
        assert texts["configuration"] == "crypto isakmp keepalive 10 2 periodic"
        assert texts["options of dpdlab simulate"] == (
            "--policy 'cisco-ios interval=10 mode=periodic'"
        )
        assert "19.8 s" in texts["text"]
        await c.press("y", "1")
        assert "configuration is copied: crypto isakmp" in c.lines[-1]


async def test_a_log_alone_knows_neither_packets_nor_what_could_be_saved(console: Open):
    """34 s are the bound of a silence that a capture puts at 20 s: nothing is saved of it."""
    async with console(DEAD_LOG) as c:
        await _opened(c)
        assert "a log does not show what was sent into it" in c.text
        row = _row(c, "ASA on-idle 10 2")
        assert "18.0 s" in row
        assert row.partition("18.0 s")[2].split()[:3] == ["–"] * 3
        assert "unknown" in _row(c, "its own: interval")


async def test_ascii_is_ascii(console: Open):
    async with console(UNASKED, ascii_only=True) as c:
        await _opened(c)
        await c.press("space", "down", "right")
        assert c.text.isascii(), [x for x in c.text if not x.isascii()]
        assert "10 + 5 x 2" in c.text
        assert "###" in _row(c, "FTD on-idle 10 2")


async def test_an_empty_result_still_plans(console: Open, tmp_path: Path):
    path = tmp_path / "x.pcap"
    path.write_bytes(b"")
    async with console(path) as c:
        await _opened(c)
        assert "no peer: what to expect of policies" in c.text
        await c.press("b", "y", "escape", "enter", "escape", "down", "down", "right", "G", "space")
        assert c.app.is_running


def test_every_policy_text_survives_the_fields():
    for text in (
        "cisco-ios interval=10 retry=2 mode=periodic",
        "cisco-asa interval=300",
        "fortios-ikev2 interval=20",
        "strongswan-ikev1 interval=30 timeout=150",
        "strongswan-ikev2 interval=30 retry=2 retries=3",
        "libreswan-ikev1 interval=10 timeout=35",
        "libreswan-ikev2 interval=10 timeout=40",
        "juniper-srx interval=20 retries=3",
        "aws",
        "cisco-ios mode=disabled",
    ):
        policy = parse_policy(text)
        found = draft_of(policy)
        assert found is not None
        draft, exact = found
        assert exact, (text, draft.text)
        again = parse_policy(draft.text)
        assert (again.mode, again.interval_s, again.waits_s) == (
            policy.mode,
            policy.interval_s,
            policy.waits_s,
        )


async def test_a_filter_with_nothing_left_is_said_to_be_the_reason(console: Open):
    async with console(DEAD, DEAD_LOG) as c:
        await c.press("6", "f", *"state:alive", "enter")
        await c.settle()
        assert "begins with IOS periodic 10 2: no peer matches the filter" in " ".join(c.lines)
        assert "neither timers" not in c.text


async def test_a_black_hole_of_a_log_is_dated_by_its_start(console: Open):
    async with console(SAMPLES / "ios-dead-peer-terminal" / "console.txt") as c:
        view = await _opened(c)
        assert view.replays is not None
        (hole,) = view.replays.peer.black_holes
        heading = next(line for line in c.lines if "b1 detected" in line)
        assert view.model.times.at(hole.last_proof_ns or 0) in heading
        assert view.model.times.at(hole.stop_ns) not in heading


async def test_labels_tell_mode_and_version_and_the_recommended_one_its_reason(console: Open):
    async with console(UNASKED) as c:
        view = await _opened(c)
        told = [view.rows.row(n, 130, view.palette).plain for n in range(len(view.rows or ()))]  # type: ignore[union-attr]
        place = next(n for n, line in enumerate(told) if line.startswith("* IOS periodic 20 2"))
        assert " ".join(line.strip() for line in told[place + 1 : place + 3]) == (
            "saves nothing here; cheapest in time: 30 s <= 30 s, 180 asks/h,"
            " false deaths 9e-6 at 5% loss; FTD on-idle 10 2: 17.8 s, 360 asks/h"
        )
        assert "each time it begins to ask" in " ".join(told)


async def test_a_product_that_stands_twice_says_its_version(console: Open):
    async with console(HEALTHY) as c:
        await _opened(c)
        assert all(
            label in c.text
            for label in ("FortiGate v1 on-demand 20×3", "FortiGate v2 on-demand 20 s")
        )
        assert "strongSwan v2 on-idle 30 s" in c.text


@pytest.mark.parametrize("name", ["ikev1-dead-peer", "ikev2-healthy"])
async def test_what_no_row_has_is_told(console: Open, name: str):
    async with console(SAMPLES / name / "capture.pcap", size=(80, 24)) as c:
        await c.press("6", "slash", *"zzz", "enter", "n")
        assert "zzz" in c.lines[-1]


async def test_what_each_end_does_is_a_row_that_can_be_edited(console: Open):
    folder = SAMPLES / "ikev1-both-sides"
    inputs = [folder / name for name in ("capture.pcap", "swanctl-a.conf", "swanctl-b.conf")]
    async with console(*inputs, size=(80, 24)) as c:
        view = await _opened(c)
        own = [line for line in c.lines if line.startswith(" = ")]
        assert [line.split()[1] for line in own] == ["192.0.2.2:", "192.0.2.1:"]
        assert "= 192.0.2.1: 5 + " in own[1]
        assert _value(view, "interval") == "3 s"
        while not _current(view).startswith("192.0.2.1: 5"):
            await c.press("down")
        await c.press("enter")
        assert _value(view, "interval") == "5 s"


@pytest.mark.parametrize("case", ["ikev1-both-sides", "ikev2-clean-delete", "ikev2-peer-restart"])
async def test_the_recommended_policy_has_its_timers_on_a_small_screen(console: Open, case: str):
    folder = SAMPLES / case
    async with console(folder / "capture.pcap", folder / "charon-a.log", size=(80, 24)) as c:
        await c.press("6")
        row = next(line for line in c.lines if line.startswith(" * "))
        assert re.search(r"(on-\S+|periodic) \d+ [\d.]+  |its own  ", row), row


async def test_nothing_is_edited_before_anything_was(console: Open):
    async with console(UNASKED) as c:
        view = await _opened(c)
        assert "edited" not in c.text
        assert "> to edit: 10 + 5 × 2" in c.text
        await _to_field(c, "interval")
        await c.press("right")
        assert "> edited: 11 + 5 × 2" in c.text
        assert view.sheet.touched


async def test_where_nothing_would_have_been_quicker_that_is_said(console: Open):
    async with console(SAMPLES / "ikev2-dead-peer", size=(132, 43)) as c:
        await _opened(c)
        assert "nothing of these would have been quicker; " in c.text
    async with console(UNASKED, size=(132, 43)) as c:
        await _opened(c)
        assert "nothing of these" not in c.text
        assert "    saves nothing here; cheapest in time: 30 s <= 30 s" in c.text


async def test_help_tells_what_is_copied_here(console: Open):
    async with console(DEAD, size=(120, 60)) as c:
        await c.press("6", "question_mark")
        assert "Copy as configuration, options of dpdlab simulate, text or JSON." in c.text
        assert "BPF" not in c.text
