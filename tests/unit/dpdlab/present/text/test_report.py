from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from analyzers.export.content import Content
from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.exchange import AnswerEvidence, Lost, Outcome
from analyzers.model.peer import PeerState, ShownSa, StateSpan
from analyzers.model.records import Confidence, Problem, ProblemKind, Ref
from analyzers.model.time import ClockQuality
from analyzers.session import Session
from dpdlab.present.text.report import render
from tests.unit.dpdlab.present import stories as s

SAMPLES = sorted(Path(__file__).parents[5].glob("sample_pcaps/*/capture.pcap"))
MANY = [
    s.dead_peer(),
    *(s.healthy(remote=f"198.51.100.{number}") for number in range(38)),
    s.data_plane(),
]
SETS = {
    "dead": [s.dead_peer()],
    "healthy": [s.healthy()],
    "data plane": [s.data_plane()],
    "long": [s.long_history()],
    "unsure": [s.unsure()],
    "lost": [s.dead_peer(exchanges=(replace(s.given_up(), lost=Lost.REQUEST),))],
    "hostile": [s.hostile()],
    "behind a NAT": [s.dead_peer(), s.healthy(id="p2"), s.dead_peer(id="p3")],
    "IPv6": [s.dead_peer(local=s.LONG_A, remote=s.LONG_B), s.healthy(remote=s.LONG_B)],
    "many": MANY,
    "none": [],
}


def report(
    peers, *, width=80, verbose=0, ascii_only=False, sources=None, diagnosis=(), color=False
):
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=color, color_system="truecolor" if color else None
    )
    render(
        Content(
            version="0",
            sources=tuple([s.source()] if sources is None else sources),
            peers=tuple(peers),
            diagnosis=tuple(diagnosis),
        ),
        console=console,
        ascii_only=ascii_only,
        verbose=verbose,
    )
    return stream.getvalue()


def flat(text):
    """The report as one line, so that a sentence is found wherever it is wrapped."""
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("width", [80, 100, 132, 200])
@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("name", SETS)
def test_lines_fit_the_width(name, verbose, width):
    for line in report(SETS[name], width=width, verbose=verbose).splitlines():
        assert cell_len(line) <= width, line
        assert line == line.rstrip()


@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("name", SETS)
def test_ascii_is_ascii(name, verbose):
    source = s.source(
        path="é/" + s.HOSTILE,
        protocols={"é": 3},
        problems=[Problem(ProblemKind.BAD_RECORD, "é", Ref("s1", 3))],
    )
    text = report(SETS[name], verbose=verbose, ascii_only=True, sources=[source], diagnosis=["é …"])
    assert text.isascii()
    assert all(cell_len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_text_of_an_enemy_stays_text(verbose, ascii_only):
    hostile = s.source(path=s.HOSTILE, problems=[Problem(ProblemKind.BAD_RECORD, s.HOSTILE)])
    text = report(
        [s.hostile()],
        verbose=verbose,
        ascii_only=ascii_only,
        sources=[hostile, hostile],
        diagnosis=[s.HOSTILE],
        width=200,
    )
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "[bold red]x[/]" in text
    assert "\\x1b[2J" in text


def test_colour_carries_nothing_that_the_text_does_not():
    plain = report([s.dead_peer()])
    coloured = report([s.dead_peer()], color=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_the_verdict_comes_first():
    text = flat(report([s.dead_peer()]))
    assert text.startswith(
        "✗ 1 peer given up (inferred) 1 black hole, 11.8 to 16.7 s (59 to 83 packets in vain) "
        "noticed 17.1 s after the last proof of life"
    )


def test_a_dead_peer_fits_a_page():
    assert len(report([s.dead_peer()]).splitlines()) <= 60


def test_an_inferred_death_is_never_called_dead():
    text = report([s.dead_peer()])
    assert not re.search(r"\bdead\b", text.replace("ikev2-dead-peer", ""))
    assert "given up (inferred: last retry + 2 s)" in text
    logged = s.dead_peer(
        confidence=Confidence.CERTAIN, black_holes=(s.black_hole(dead_basis="log"),)
    )
    assert "1 peer dead" in report([logged])
    assert "said by the log" in report([logged])


def test_the_story_of_a_black_hole_is_in_time_order():
    text = report([s.dead_peer()])
    story = text[text.index("black hole →  11.8") :].splitlines()
    stamps = [line[:12] for line in story if re.match(r"\d\d:\d\d:\d\d", line)][:6]
    assert stamps == sorted(stamps)
    assert "unquestioned 815 ms · unprobed 4.1 s · probing 11.8 s" in text


def test_an_open_end_says_at_least():
    hole = s.black_hole(
        black_hole_class=BlackHoleClass.OPEN,
        dead_ns=None,
        dead_basis=None,
        stop_basis=StopBasis.CAPTURE_END,
    )
    text = flat(report([s.dead_peer(state=PeerState.PROBING, black_holes=(hole,))]))
    assert "59 to 83 packets in vain so far" in text
    assert "11.8 to 16.7 s · 59 to 83 packets (up to 10 kB) going on when the capture ends" in text
    assert "the capture ends here, still sending" in text
    assert "no verdict" in text


def test_a_missing_probe_is_named_in_the_verdict():
    hole = s.black_hole(
        black_hole_class=BlackHoleClass.MISSING_DPD,
        first_probe_ns=None,
        dead_ns=None,
        dead_basis=None,
        min_seconds=0.0,
        min_packets=0,
    )
    peer = s.dead_peer(state=PeerState.ALIVE, black_holes=(hole,), exchanges=(), policies=())
    text = flat(report([peer]))
    assert "1 black hole, up to 16.7 s (up to 83 packets in vain)" in text
    assert "never noticed: nobody asked" in text


def test_an_idle_death_lost_nothing():
    hole = s.black_hole(
        black_hole_class=BlackHoleClass.IDLE,
        first_exposed_ns=None,
        questionable_ns=None,
        min_seconds=0.0,
        max_seconds=0.0,
        min_packets=0,
        max_packets=0,
        max_bytes=0,
        phases=(),
    )
    text = flat(report([s.dead_peer(black_holes=(hole,))]))
    assert "1 black hole, nothing was sent into it" in text.split("input")[0]
    assert "nothing was sent into it" in text


def test_long_lists_are_folded_with_a_count():
    text = report([s.long_history()])
    assert "… 148 answered exchanges not shown, RTT 16 ms" in text
    assert "(-v shows all)" in text
    assert len(text.splitlines()) < 75
    whole = report([s.long_history()], verbose=1)
    assert "not shown" not in whole
    assert len(re.findall(r"● answered (?:in|\d)", whole)) == 299


def test_forty_peers_fit_two_screens_and_the_sick_come_first():
    text = report(MANY)
    assert "Peers (40), worst first" in text
    assert "… 28 healthy peers not shown (-v shows all)" in text
    rows = [line for line in text.splitlines() if line.startswith(("✗ given up  ", "● alive  "))]
    assert rows[0].startswith("✗ given up")
    assert len(rows) == 12
    assert len(report(MANY, verbose=1).splitlines()) > 400


def test_thousands_of_peers_are_no_longer_a_report_than_forty():
    crowd = [s.healthy(number=2, remote=f"10.{n >> 8}.{n & 255}.1") for n in range(2000)]
    assert len(report(crowd).splitlines()) < 40


def test_long_addresses_are_whole():
    text = report([s.dead_peer(local=s.LONG_A, remote=s.LONG_B)])
    assert text.count(s.LONG_A) >= 2
    assert text.count(s.LONG_B) >= 2


def test_a_wide_terminal_gets_one_row_a_peer():
    text = report(MANY, width=200)
    row = next(line for line in text.splitlines() if line.startswith("✗ given up"))
    assert "1 black hole (detected)" in row
    assert "on idle 5.1 s" in row


def test_what_is_not_certain_says_so():
    text = flat(report([s.unsure()]))
    assert "1 peer given up (suspect)" in text
    assert "rhythm, suspect" in text
    assert "rhythm, inferred" in text
    assert "9 encrypted IKEv1 Informationals could not be told apart without keys" in text
    assert "unprotected: a hint, no proof" in text
    assert "DPD vendor ID: initiator yes, responder not seen" in text


def test_an_answer_that_was_not_captured_is_explained():
    proven = replace(s.answered(0, 4.0), answer=None, answer_evidence=AnswerEvidence.NEXT_REQUEST)
    assert "(the next request proves it)" in report([s.healthy(exchanges=(proven,))])


def test_verbose_shows_every_transmission():
    text = report([s.dead_peer()], verbose=1)
    for frame in (174, 184, 195, 206, 217, 228):
        assert f"frame {frame}" in text
    assert "19:56:23.062600" in text
    assert "f4fc6d16ed938a04" in text


def test_problems_are_folded_with_their_first_place():
    source = s.source(
        problems=[
            Problem(ProblemKind.BAD_LENGTH, "claims 9000 bytes", Ref("s1", 17), 3),
            Problem(ProblemKind.BAD_LENGTH, "another", Ref("s1", 90), 1),
            Problem(ProblemKind.CAPTURE_INSUFFICIENT, "one direction only"),
        ],
        clock=ClockQuality.NO_YEAR,
    )
    text = flat(report([s.healthy()], sources=[source]))
    assert "a length field contradicts the packet, 4 ×, first frame 17: claims 9000 bytes" in text
    assert "the capture cannot tell: one direction only" in text
    assert "times without a year" in text


def test_frames_name_their_source_where_there_are_several():
    text = report([s.dead_peer()], sources=[s.source(), s.source(id="s2", path="b.pcap")])
    assert "frames s1#174–228" in text
    crowd = [s.source(id=f"s{n}", path=f"{n}.pcap") for n in range(30)]
    assert "… 24 more inputs not shown" in report([s.healthy()], sources=crowd)


def test_nothing_found_explains_itself():
    source = s.source(ike_messages=0, esp_packets=0, protocols={"tcp:443": 900, "arp": 3})
    text = report([], sources=[source], diagnosis=["0 of 903 packets are IKE."])
    lines = text.splitlines()
    assert lines[0] == "! No peer found: there is nothing to report on."
    assert "0 of 903 packets are IKE." in lines[2]
    assert "STATE" not in text
    assert re.search(r"tcp:443 +900 +100 %", text)
    assert report([], sources=[]).startswith("! No input")


def test_days_are_named_when_the_capture_crosses_midnight():
    peer = s.healthy(number=2000)
    long = s.source(last_ns=peer.last_ns)
    text = report([peer], sources=[long])
    assert "2026-11-20 19:56:04 to 2026-11-20 22:09:28" not in text
    later = s.healthy(number=6000)
    text = report([later], sources=[s.source(last_ns=later.last_ns)])
    assert "11-21 02:" in text


def test_a_narrow_terminal_still_gets_a_report():
    text = report([s.dead_peer()], width=40)
    assert "given up (inferred)" in flat(text)


def test_our_own_signs_are_no_escapes_in_ascii():
    """Only what has no sign in ASCII is escaped."""
    (policy,) = s.dead_peer().policies
    evidence = "retries every 1.5 s, growing ×1.8, on IKE SA 463409c0… é"
    peer = s.dead_peer(policies=(replace(policy, evidence=evidence),))
    text = flat(report([peer], ascii_only=True))
    assert r"growing x1.8, on IKE SA 463409c0... \xe9" in text


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_a_sample_capture_fits_a_page_of_80_columns(path):
    session = Session()
    session.run([str(path)])
    for ascii_only in (False, True):
        text = report(session.peers(), sources=session.sources, ascii_only=ascii_only)
        assert len(text.splitlines()) <= 60
        assert all(cell_len(line) <= 80 for line in text.splitlines())
        assert not ascii_only or text.isascii()


def test_who_gave_up_whom():
    asked = replace(s.given_up(), prober=s.B, responder=s.A)
    hole = s.black_hole(sender=s.B, receiver=s.A)
    text = report([s.dead_peer(exchanges=(asked,), black_holes=(hole,))])
    assert text.startswith("✗ 1 peer gave us up (inferred)")
    assert "✗ gave us up" in text
    assert "given up  192" not in text


def test_an_idle_death_does_not_go_on_sending():
    hole = s.black_hole(
        black_hole_class=BlackHoleClass.IDLE,
        stop_basis=StopBasis.LAST_OUTBOUND,
        max_seconds=0.0,
        min_seconds=0.0,
        phases=(),
    )
    text = flat(report([s.dead_peer(black_holes=(hole,))]))
    assert "1 black hole, nothing was sent into it" in text
    assert "still sending" not in text
    assert "last packet sent" not in text


def test_black_holes_are_as_many_in_the_verdict_as_in_the_row():
    idle = s.black_hole(
        black_hole_class=BlackHoleClass.IDLE, max_seconds=0.0, min_seconds=0.0, phases=()
    )
    text = flat(report([s.dead_peer(black_holes=(idle, s.black_hole()))]))
    assert "2 black holes (1 idle), 11.8 to 16.7 s" in text
    assert "2 black holes (idle, " in text


def test_a_dead_data_plane_ends_with_esp_and_nothing_else():
    text = flat(report([s.data_plane()]))
    assert "ended: ESP came back" in text
    assert "more before ESP came back" in text
    gone = replace(
        s.data_plane().black_holes[0], stop_basis=StopBasis.CAPTURE_END, recovered_ns=None
    )
    text = flat(report([replace(s.data_plane(), black_holes=(gone,))]))
    assert "more while ESP stayed silent" in text
    assert f"no ESP from {s.B} after it in this input" in text


def test_growing_retries_are_told_by_their_bounds():
    times = (19.014, 23.014, 30.214)
    grown = replace(
        s.given_up(), transmissions=tuple(s.sent(t, 3, 174 + i) for i, t in enumerate(times))
    )
    text = flat(report([s.dead_peer(exchanges=(grown,))]))
    assert "2 retries, 4.0 to 7.2 s apart" in text


def test_flows_of_a_side_that_moved():
    """The local side was at another address when the first flow began: it went out all the same."""
    flows = (s.flow("198.51.100.9", s.B, "311b9b70", 9, 5), s.flow(s.B, s.A, "2a8aca33", 9, 5))
    text = report([s.healthy(esp_flows=flows)])
    assert re.search(r"ESP → +SPI 311b9b70", text)
    assert re.search(r"ESP ← +SPI 2a8aca33", text)


def test_where_ike_was_not_captured_nobody_knows_who_asked():
    text = report([s.healthy(exchanges=(), ike_sas=(), policies=(), ike_messages=0)])
    assert "none seen: the input shows no IKE message" in text


def test_a_silence_at_the_end_of_the_input_is_drawn():
    open_ = replace(s.answered(1, 4.0), outcome=Outcome.OPEN, answer=None, answer_evidence=None)
    states = (StateSpan(PeerState.ALIVE, s.at(0)), StateSpan(PeerState.PROBING, s.at(4)))
    peer = s.healthy(
        exchanges=(open_,),
        states=states,
        state=PeerState.PROBING,
        last_ns=s.at(4),
        until_ns=s.at(34),
    )
    assert "━ alive ━" not in report([peer])
    assert "═ probing ═" in report([peer])


def test_a_problem_is_told_once():
    """Its detail may begin with the words of its kind."""
    said = "the file ends inside a record"
    kind = ProblemKind.TRUNCATED_TAIL
    for detail, told in (
        (said, f"problem {said}, frame 7 "),
        (f"{said} (7 bytes left over)", f"problem {said}, frame 7 (7 bytes left over) "),
        ("12 bytes are missing", f"problem {said}, frame 7: 12 bytes are missing "),
    ):
        problem = Problem(kind, detail, Ref("s1", 7))
        text = flat(report([s.healthy()], sources=[s.source(problems=[problem])]))
        assert told in text
        assert text.count(said) == 1


def test_of_what_arrived_the_way_back_is_the_broken_one():
    """One way and one fate of the packets, in the row of the peer and in the story."""
    reply = replace(s.sent(19.02, 3, 83), ref=Ref("s1", 83))
    asked = replace(s.given_up(), lost=Lost.ANSWER, lost_answers=(reply,))
    said = report([s.dead_peer(exchanges=(asked,))], width=132)
    assert "black hole →" not in said
    assert len(re.findall("^black hole ←", said, re.MULTILINE)) >= 2  # lane and story
    assert said.count("sent, nothing came back") == 2  # verdict and row of the peer
    assert "packets sent (up to" in said
    assert "did not arrive" in said  # what the sign of the lane means
    assert "1 answer in its log: frame 83" in said


def test_clients_behind_one_nat_are_told_apart():
    other = s.healthy(remote="198.51.100.9")
    peers = [s.healthy(id="p1"), s.healthy(id="p2"), replace(other, id="p3")]
    told = report(peers, verbose=1)
    ends = f"{s.healthy().local} → {s.healthy().remote}"
    assert flat(told).count(f"{ends} (p1)") == 2  # in the table, and over what is told of it
    assert flat(told).count(f"{ends} (p2)") == 2
    assert "198.51.100.9 (p3)" not in told


def test_peers_of_which_only_outputs_tell_are_told_apart():
    """What a device shows proves no life: the state stays unknown, its words stand beside it."""

    def output(command: str, state: str) -> ShownSa:
        return ShownSa(
            at_ns=None, ref=Ref("s1", 7), command=command, ike_version=1, state=state,
            uptime_s=None, remaining_s=None, dpd_active=None, dpd="", interval_s=None,
            retry_s=None, spis=(), encaps_packets=None, decaps_packets=None,
        )  # fmt: skip

    shown = (
        output("show crypto session", "UP-ACTIVE"),
        output("show crypto isakmp sa", "MM_NO_STATE"),
        output("show crypto isakmp sa", "QM_IDLE"),
    )
    peer = s.healthy(state=PeerState.UNKNOWN, exchanges=(), shown=shown)
    assert "shown: UP-ACTIVE · QM_IDLE" in report([peer])
    assert "shown: UP-ACTIVE" not in report([s.healthy(shown=shown)]).partition("──")[0]
