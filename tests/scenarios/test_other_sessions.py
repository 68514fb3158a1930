"""The log of another session of a tunnel: it begins with the same message IDs, and is another."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.finding import Finding, Severity
from analyzers.model.peer import PeerState
from analyzers.model.records import Confidence, ProblemKind, Ref
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.rules.contradicted import if_it_is_one_session
from analyzers.session import ClockOptions, Session, SessionOptions
from tests.scenarios.ikev1_messages import esp_spi
from tests.scenarios.inputs import alone, asked, together
from tests.scenarios.logs import Clock, charon, iso, iso_zoned, syslog
from tests.scenarios.timeline import at, capture

HEALTHY = """
0 a>b v2 handshake
4..26/4 a>b liveness 2+
4.01..26/4 b>a liveness 2+ resp
"""
DEAD = """
0 a>b v2 handshake
4 a>b liveness 2
4.01 b>a liveness 2 resp
19 a>b liveness 3
21 a>b liveness 3
23 a>b liveness 3
"""
UP = (0.04, "10[IKE] IKE_SA gw[1] established between 192.0.2.1[gw]...192.0.2.2[gw]")
GIVES_UP = [
    UP,
    (25.0, "09[IKE] giving up after 2 retransmits"),
    (25.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
]
TRAFFIC = """
0.2..60/0.2 a>b esp out
0.3..30/0.2 b>a esp in
"""


def child_up(into: str, out: str, at_s: float = 0.05) -> tuple[float, str]:
    """charon's word on a Child SA."""
    spis = f"{into}_i {out}_o"
    said = (
        f"10[IKE] CHILD_SA net{{1}} established with SPIs {spis} and TS 10.1.0.0/24 === 0.0.0.0/0"
    )
    return at_s, said


@pytest.mark.parametrize("align", [True, False], ids=["aligned", "as it is"])
@pytest.mark.parametrize("clock", [Clock(iso, 40), Clock(iso, -7215), Clock(syslog, 77)])
def test_the_death_of_one_session_is_none_of_another(
    tmp_path: Path, clock: Clock, align: bool
) -> None:
    log = charon(DEAD, "a", clock, said=GIVES_UP)
    told = together(tmp_path, capture(HEALTHY), log, clocks=ClockOptions(align=align))
    assert told.alignments == ()
    assert ProblemKind.CLOCK_CONTRADICTED not in told.kinds(1)
    of_capture = [x for x in told.peer.exchanges if x.transmissions[0].ref.source == "s1"]
    assert [x.outcome for x in of_capture] == [Outcome.ANSWERED] * 6
    assert len(told.peer.ike_sas) == 2
    (captured,) = [sa for sa in told.peer.ike_sas if sa.initiator_spi]
    assert captured.end is not SaEnd.DEAD_PEER


def test_nor_is_it_where_only_logs_tell(tmp_path: Path) -> None:
    dead = charon(DEAD, "a", Clock(iso, 40), said=GIVES_UP)
    theirs = (0.04, "10[IKE] IKE_SA gw[1] established between 192.0.2.2[gw]...192.0.2.1[gw]")
    told = together(tmp_path, charon(HEALTHY, "b", said=[theirs]), dead)
    assert told.alignments == ()
    assert [sa.end for sa in told.peer.ike_sas] == [None, SaEnd.DEAD_PEER]


@pytest.mark.parametrize(
    ("said", "aligned"),
    [
        ((), True),
        ([child_up(f"{esp_spi('in'):08x}", f"{esp_spi('out'):08x}")], True),
        ([child_up("2a8aca33", "311b9b70")], False),
        # Of a Child SA that came up later than all of the traffic the capture may have none.
        ([child_up("2a8aca33", "311b9b70", 58.0)], True),
    ],
    ids=["none", "its own", "others", "another one at the end"],
)
def test_the_spis_of_child_sas_tell_whose_log_it_is(
    tmp_path: Path, said: list[tuple[float, str]], aligned: bool
) -> None:
    """Every message is where the other session has one."""
    text = HEALTHY + TRAFFIC
    log = charon(text, "a", Clock(iso, 600), said=[UP, *said])
    told = together(tmp_path, capture(text), log)
    assert bool(told.alignments) is aligned
    if aligned:
        assert told.alignment.offset_ns == 600 * NS_PER_SECOND
        assert asked(told.peer) == asked(alone(tmp_path, text))
    else:
        assert told.peer.exchanges[-1].first_ns >= at(600)


SAME_DEATH = (
    HEALTHY
    + """
28 a>b liveness 8
30 a>b liveness 8
32 a>b liveness 8
"""
)
DIES = [
    (34.0, "09[IKE] giving up after 2 retransmits"),
    (34.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
]


@pytest.mark.parametrize(
    ("clock", "spis", "confidence"),
    [
        (Clock(iso, 600.0 + 7), False, Confidence.INFERRED),
        (Clock(iso, 600.0 + 7), True, Confidence.CERTAIN),
        # The stamps have no zone, and are off by what zones are.
        (Clock(iso, 7200), False, Confidence.CERTAIN),
        (Clock(iso_zoned, 7200), False, Confidence.INFERRED),
        (Clock(iso, 0.4), False, Confidence.CERTAIN),
    ],
    ids=["off by anything", "the SPIs of its Child SA", "a zone", "the zone is told", "not off"],
)
def test_message_ids_and_timers_alone_leave_it_unsure(
    tmp_path: Path, clock: Clock, spis: bool, confidence: Confidence
) -> None:
    """Any session that dies at the same question looks like this one."""
    text = SAME_DEATH + (TRAFFIC if spis else "")
    own = child_up(f"{esp_spi('in'):08x}", f"{esp_spi('out'):08x}")
    log = charon(text, "a", clock, said=[UP, *([own] if spis else []), *DIES])
    told = together(tmp_path, capture(text), log)
    assert (told.peer.state, told.peer.confidence) == (PeerState.DEAD, confidence)
    assert (ProblemKind.CLOCK_GUESSED in told.kinds(1)) is (confidence is Confidence.INFERRED)


def test_what_came_by_chance_is_of_one_session(tmp_path: Path) -> None:
    """No timer runs so: what asks waits for something, as for traffic to end."""
    begun = "0 a>b v2 handshake\n"
    for number, second in enumerate((4.0, 9.37, 13.61, 20.22, 26.0), 2):
        begun += f"{second} a>b liveness {number}\n{second + 0.01} b>a liveness {number} resp\n"
    text = begun + "28 a>b liveness 7\n30 a>b liveness 7\n32 a>b liveness 7\n"
    told = together(tmp_path, capture(text), charon(text, "a", Clock(iso, 607), said=[UP, *DIES]))
    assert told.alignment.offset_ns == 607 * NS_PER_SECOND
    assert told.peer.confidence is Confidence.CERTAIN


def test_findings_that_take_both_for_one_session_say_so(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(capture(SAME_DEATH))
    (tmp_path / "a.log").write_text(charon(SAME_DEATH, "a", Clock(iso, 607), said=[UP, *DIES]))
    session = Session(SessionOptions())
    session.run([str(tmp_path / "a.pcap"), str(tmp_path / "a.log")])
    (found,) = [f for f in session.judgement().findings if f.rule == "dpd-no-ack"]
    assert found.confidence is Confidence.INFERRED
    assert "as its log says, if that shows the same session" in found.detail


@pytest.mark.parametrize(
    ("places", "confidence"),
    [(("s1", "s2"), Confidence.INFERRED), (("s2", "s2"), Confidence.CERTAIN)],
)
def test_only_what_two_inputs_say_rests_on_that(
    places: tuple[str, str], confidence: Confidence
) -> None:
    refs = tuple(Ref(source, record) for record, source in enumerate(places, 1))
    finding = Finding(
        "duplicate-sa", Severity.WARNING, Confidence.CERTAIN, "Two", "So.", "", "", refs
    )
    told = if_it_is_one_session(finding, {"s2"})
    assert told.confidence is confidence
    assert ("if s2 shows the same session" in told.detail) is (confidence is Confidence.INFERRED)


@pytest.mark.parametrize("spis", [("c1", "c2"), ("c2", "c1")], ids=["others", "the same"])
def test_child_sas_tell_whether_two_logs_are_of_both_ends(
    tmp_path: Path, spis: tuple[str, str]
) -> None:
    ours = charon(HEALTHY, "a", said=[child_up("000000c1", "000000c2")])
    into, out = (f"000000{spi}" for spi in spis)
    same = spis[0] == "c2"
    theirs = charon(
        HEALTHY, "b", Clock(iso, 600), said=[child_up(into, out if same else "000000c9")]
    )
    if not same:
        theirs = theirs.replace("000000c1", "000000c8")
    assert bool(together(tmp_path, ours, theirs).alignments) is same


def test_a_clock_that_is_off_is_put_right_by_few_messages_where_it_cannot_be_right(
    tmp_path: Path,
) -> None:
    """As it stands, the log has a handshake at a time at which the capture shows none."""
    told = together(tmp_path, capture(HEALTHY), charon(DEAD, "a", Clock(iso, 12)))
    assert told.alignment.offset_ns == 12 * NS_PER_SECOND
