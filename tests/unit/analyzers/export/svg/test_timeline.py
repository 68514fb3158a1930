from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.export.naming import Naming
from analyzers.export.spans import Window
from analyzers.export.svg.esp_lanes import levelled, loud
from analyzers.export.svg.sheet import PLOT_LEFT, PLOT_RIGHT
from analyzers.export.svg.timeline import timeline
from analyzers.model.exchange import Lost
from analyzers.model.peer import Activity, PeerState, PeerView, StateSpan
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import Session, SessionOptions
from tests.export_content import everything, sick_peer
from tests.model_builders import answered, at, black_hole, healthy_peer, sent

SAMPLES = Path(__file__).parents[5] / "sample_pcaps"
SVG = "{http://www.w3.org/2000/svg}"


def drawn(view: PeerView, window: Window | None = None) -> ET.Element:
    naming = Naming.of(everything())
    return ET.fromstring(str(timeline(view, naming, name="n", window=window).element))


def texts(root: ET.Element) -> list[str]:
    return [node.text or "" for node in root.iter(f"{SVG}text")]


def signs(root: ET.Element) -> list[str]:
    """Signs of the lanes, without those of the legend, which say nothing."""
    groups = [g for g in root.iter(f"{SVG}g") if g.attrib.get("class", "").startswith("sign ")]
    return [g.attrib["class"] for g in groups if g.find(f"{SVG}title") is not None]


def test_lanes_and_legend():
    found = texts(drawn(sick_peer()))
    for label in ("state", "probes →", "ESP →", "ESP ←", "black hole →", "logs"):
        assert label in found, label
    for meaning in ("answered", "unanswered", "retry", "Delete", "may be in vain", "in vain"):
        assert meaning in found, meaning
    assert "open" not in found


def test_what_did_not_arrive_has_lanes():
    peer = sick_peer()
    assert not [label for label in texts(drawn(peer)) if label.startswith("lost")]
    asked = replace(peer.exchanges[-1], lost=Lost.REQUEST)
    answer = replace(asked.transmissions[0], at_ns=asked.last_ns + 10**9)
    reached = replace(asked, lost=Lost.ANSWER, lost_answers=(answer,))
    for exchange, arrow, kind, number in (
        (asked, "→", "lost", len(asked.transmissions)),
        (reached, "←", "lost_back", 1),
    ):
        root = drawn(replace(peer, exchanges=(*peer.exchanges[:-1], exchange)))
        assert [label for label in texts(root) if label.startswith("lost")] == [f"lost {arrow}"]
        assert texts(root).count("sent, did not arrive") == 1
        assert signs(root).count(f"sign {kind}") == number
        titles = [node.text or "" for node in root.iter(f"{SVG}title")]
        assert sum("did not arrive, " in title for title in titles) == number


def test_every_sign_says_what_it_is():
    root = drawn(sick_peer())
    titles = [node.text or "" for node in root.iter(f"{SVG}title")]
    retry = (
        "21:32:12.000 R-U-THERE seq 1732275037, retry 1 of 2, unanswered [inferred], frame s1#322"
    )
    assert retry in titles
    assert any(title.endswith("declared dead, line s2#40") for title in titles)


def test_both_bounds_of_a_black_hole():
    root = drawn(sick_peer())
    bounds = {
        node.attrib["x1"] for node in root.iter(f"{SVG}line") if node.attrib["class"] == "bound"
    }
    assert len(bounds) == 3
    assert "unprobed 6.8 s" in texts(root)
    assert "probing 6.0 s" in texts(root)


def test_nothing_leaves_the_plot():
    root = drawn(sick_peer(), Window(at(15), at(22)))
    for node in root.iter(f"{SVG}rect"):
        if node.attrib.get("class") in ("veil", "veil certain", "certain", "full"):
            left = float(node.attrib["x"])
            assert left < 0 or left >= PLOT_LEFT
            assert left + float(node.attrib["width"]) <= PLOT_RIGHT + 0.2


def test_many_signs_are_thinned_and_the_weightiest_stays():
    quick = tuple(
        answered(id=f"x{n}", transmissions=(sent(n / 100, n, n),), answer=sent(n / 100, n, n))
        for n in range(2_000)
    )
    bad = sick_peer().exchanges[1]
    found = signs(drawn(sick_peer(exchanges=(*quick, bad), deletes=())))
    assert len(found) < 200
    assert "sign unanswered" in found


def test_a_state_without_room_is_named_in_the_legend():
    states = (
        StateSpan(PeerState.ALIVE, at(0)),
        StateSpan(PeerState.QUESTIONABLE, at(13)),
        StateSpan(PeerState.PROBING, at(13.2)),
        StateSpan(PeerState.DEAD, at(26)),
    )
    view = sick_peer(states=states)
    legend = texts(drawn(view))
    assert legend.count("questionable") == 1
    assert legend.count("alive") == 1


def test_a_death_before_the_window_has_no_sign_in_it():
    root = drawn(sick_peer(), Window(at(40), at(50)))
    assert "given up" in texts(root)
    assert not [g for g in root.iter(f"{SVG}g") if g.attrib.get("class") == ""]


def test_one_instant_is_drawn():
    view = replace(healthy_peer(), first_ns=at(1), last_ns=at(1))
    assert "state" in texts(drawn(view))
    assert "state" in texts(drawn(sick_peer(black_holes=(black_hole(max_seconds=0.0),))))


def test_a_slice_is_drawn_where_its_packets_can_have_been():
    silent = [Window(10, 19), Window(30, 39)]
    assert loud(0, 10, silent) == [(0, 10)]
    assert loud(5, 15, silent) == [(5, 10)]
    assert loud(15, 45, silent) == [(20, 30), (40, 45)]
    # Late packets, and replayed ones, are somewhere.
    assert loud(12, 18, silent) == [(12, 18)]


def test_no_esp_is_drawn_between_the_last_proof_and_what_ended_the_silence():
    session = Session(SessionOptions())
    session.run([str(SAMPLES / "ikev2-data-plane-dead" / "capture.pcap")])
    (peer,) = session.peers()
    session.close()
    (hole,) = peer.black_holes
    assert hole.last_proof_ns is not None
    assert hole.recovered_ns is not None
    # So close that a slice is many cells.
    quarter_ns = NS_PER_SECOND // 4
    window = Window(hole.last_proof_ns - quarter_ns, hole.last_proof_ns + quarter_ns)
    root = drawn(peer, window)
    ways = [
        node.attrib["d"] for node in root.iter(f"{SVG}path") if node.attrib.get("class") == "esp"
    ]
    out, back = (max(map(float, re.findall(r"H([\d.]+)", way))) for way in ways)
    middle = (PLOT_LEFT + PLOT_RIGHT) / 2
    assert back == pytest.approx(middle, abs=1)
    assert out > middle + 1


def test_even_traffic_is_drawn_even():
    assert levelled([1, 2, 1, 1, 2, 1]) == [8 / 6] * 6
    assert levelled([1, 0, 1, 1, 0, 1]) == [4 / 6] * 6
    assert levelled([5, 5, 0, 0, 5]) == [5, 5, 0, 0, 5]
    assert levelled([100, 3, 3, 0]) == [100, 3, 3, 0]
    assert levelled([]) == []


def test_slices_finer_than_the_eye_are_taken_together():
    slices = Activity(at(0), NS_PER_SECOND // 100, tuple([1, 0] * 1_300), tuple([1, 0] * 600))
    root = drawn(sick_peer(activity=slices))
    paths = [n.attrib["d"] for n in root.iter(f"{SVG}path") if n.attrib["class"] == "esp"]
    assert len(paths) == 2
    assert all(len(path) < 5_000 for path in paths)
