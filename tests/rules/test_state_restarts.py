"""peer-rebooted, where the log of a device says that it started."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.finding import Finding, Severity
from analyzers.model.peer import HintKind, PeerState
from analyzers.model.records import Confidence, Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import ClockOptions, Session, SessionOptions
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.outages import V1, V2
from tests.scenarios.logs import Clock, Lost, Stamp, charon, ios_zoned, isakmp, iso, syslog
from tests.scenarios.timeline import at

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
STARTING = "00[DMN] Starting IKE charon daemon (strongSwan 5.9.8, Linux 6.1.0, x86_64)"
DELETED = """
0 a>b v2 handshake
5 a>b liveness 2
5.02 b>a liveness 2 resp
21 b>a delete 0
21.02 a>b delete 0 resp
60 a>b v2 handshake sa=2
"""


def log_of_b(text: str, start_s: float = 25.0, clock: Clock | None = None) -> tuple[str, str]:
    """b was gone from 20 s on, and does not know the SA after its start."""
    gone = [Lost("a", 22, 59)]
    return "b.log", charon(text, "b", clock, lost=gone, said=[(start_s, STARTING)])


def restarts(told: object) -> list[Finding]:
    return [f for f in told.of("peer-rebooted") if "started anew" in f.detail]  # type: ignore[attr-defined]


@fires("peer-rebooted")
@pytest.mark.parametrize("text", [V2, V1], ids=["IKEv2", "IKEv1"])
@pytest.mark.parametrize("stamp", [iso, syslog])
def test_the_log_of_a_peer_says_that_it_started(tell: Tell, text: str, stamp: Stamp):
    told = tell(text, log_of_b(text, clock=Clock(stamp, 3600)))
    (finding,) = restarts(told)
    assert len(told.of("peer-rebooted")) == 1
    # It is told before the question that nobody answered for it.
    assert [f.rule for f in told.findings[:2]] == ["peer-rebooted", "dpd-no-ack"]
    assert finding.severity is Severity.ERROR
    assert "By its log 192.0.2.2 started anew" in told.findings[1].detail
    assert "Capture at both ends" not in told.findings[1].remedy
    assert finding.confidence is Confidence.CERTAIN
    assert "192.0.2.2 started anew (Starting IKE charon daemon), by its own log" in finding.detail
    assert "What 192.0.2.1 asked on it was not answered." in finding.detail
    assert finding.refs[0].source == "s2"
    log = log_of_b(text, clock=Clock(stamp, 3600))[1].splitlines()
    assert "Starting IKE charon" in log[finding.refs[0].record - 1]
    assert abs((finding.at_ns or 0) - at(25)) <= 1_100_000_000


@silent("peer-rebooted", "a start that cost no verdict: a warning")
def test_a_start_without_a_verdict(tell: Tell):
    text = V2.replace("30 a>b liveness 3\n32 a>b liveness 3\n36 a>b liveness 3\n", "")
    (finding,) = restarts(tell(text, log_of_b(text)))
    assert finding.severity is Severity.WARNING


def test_a_log_without_messages_tells_what_was_up(tell: Tell):
    """Syslog of a router shows sessions only."""
    session = "%CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP  .  Peer 192.0.2.2:500       Id: b"
    reload = "%SYS-5-RELOAD: Reload requested by console. Reload Reason: Reload Command."
    stamp = Clock(ios_zoned)
    up, start = (stamp.write(at(s)) + text + "\n" for s, text in ((0, session), (300, reload)))
    told = tell(("router.log", up + start))
    (finding,) = restarts(told)
    assert finding.title == "This end has lost its SAs"
    assert told.peer.state is PeerState.UNKNOWN


@pytest.mark.parametrize("names", ["capture.pcap charon-b.log", "charon-a.log charon-b.log"])
def test_real_gateways(names: str):
    session = Session()
    session.run([str(SAMPLES / "ikev2-peer-restart" / name) for name in names.split()])
    (finding,) = [f for f in session.judgement().findings if f.rule == "peer-rebooted"]
    assert finding.confidence is Confidence.CERTAIN
    assert finding.detail.startswith("192.0.2.2 started anew (Starting IKE charon daemon)")
    assert finding.refs[0] == Ref("s2", 1)


@pytest.mark.parametrize("name", [p.name for p in SAMPLES.glob("ikev[12]-*")])
def test_gateways_that_started_before_all_else(name: str):
    session = Session()
    session.run([str(p) for p in sorted((SAMPLES / name).glob("c*a*[.-]*"))])
    found = [f for f in session.judgement().findings if f.rule == "peer-rebooted"]
    assert len(found) == (name == "ikev2-peer-restart")


def test_only_the_log_of_the_device_that_started(tell: Tell):
    (finding,) = restarts(tell(log_of_b(V2)))
    assert finding.confidence is Confidence.CERTAIN
    assert "192.0.2.2 started anew" in finding.detail


def test_a_question_after_the_start_is_not_told_as_lost(tell: Tell):
    """charon says nothing of messages for SAs that it does not know."""
    (peer,) = tell(V2, log_of_b(V2)).peers
    (asked,) = [x for x in peer.exchanges if x.outcome is Outcome.UNANSWERED]
    assert asked.lost is None
    (peer,) = tell(V2, log_of_b(V2, start_s=59.0)).peers
    (asked,) = [x for x in peer.exchanges if x.outcome is Outcome.UNANSWERED]
    assert asked.lost is not None


@silent(
    "peer-rebooted",
    "a start of the daemon after its SA was deleted, or before there was one",
)
@pytest.mark.parametrize(
    ("text", "start_s"),
    [
        (V2, -5.0),
        (DELETED, 25.0),
        (V2 + "50 b>a liveness 0\n50.02 a>b liveness 0 resp", 25.0),
    ],
    ids=["before the SA", "after its Delete", "it still uses the SA"],
)
def test_a_start_that_costs_no_sa(tell: Tell, text: str, start_s: float):
    assert restarts(tell(text, log_of_b(text, start_s))) == []


def test_the_start_of_a_device_is_told_to_all_its_peers(tell: Tell):
    second = "0 c>b v2 handshake sa=5\n60 c>b v2 handshake sa=6"
    both = charon(V2 + second, "b", lost=[Lost("a", 22, 59)], said=[(25.0, STARTING)])
    told = tell(V2, second, ("b.log", both))
    assert {f.peer for f in restarts(told)} == {"p1", "p2"}


@pytest.mark.parametrize("captures", [[V2], []], ids=["with a capture", "without"])
def test_two_logs_of_one_device_tell_of_one_start(tell: Tell, captures: list[str]):
    """The daemon's own file, and what syslog has of it."""
    again = log_of_b(V2, clock=Clock(syslog))[1]
    told = tell(*captures, log_of_b(V2, clock=Clock(iso)), ("syslog", again))
    (peer,) = told.peers
    assert [hint.kind for hint in peer.hints] == [HintKind.STARTED]
    logs = [source for source in told.sources if source.kind == "log"]
    assert [log.log_events["started"] for log in logs] == [1, 1]


def test_of_a_log_of_several_devices_nobody_knows_whose_start_it_is(tell: Tell):
    lines = charon(V2, "b", Clock(iso)).splitlines()
    start = charon("0 a>c v2 handshake", "c", said=[(25.0, STARTING)]).splitlines()
    relayed = [line.replace(" 0", " b charon: 0", 1) for line in lines]
    relayed += [line.replace(" 0", " c charon: 0", 1) for line in start]
    assert restarts(tell(V2, ("relay.log", "\n".join(sorted(relayed)) + "\n"))) == []


def test_a_start_by_a_clock_that_messages_contradict_is_no_cause(tell: Tell):
    """Where it stands among the messages of another input nobody knows."""
    clocks = ClockOptions(offsets_ns={"b.log": 4 * NS_PER_SECOND})
    told = tell(V2, log_of_b(V2), options=SessionOptions(clocks=clocks))
    assert told.sources[1].clock_contradicted_ns
    assert restarts(told) == []
    (silence,) = told.of("dpd-no-ack")
    assert "started anew" not in silence.detail
    as_it_is = SessionOptions(clocks=ClockOptions(offsets_ns={"b.log": NS_PER_SECOND // 100}))
    assert restarts(tell(V2, log_of_b(V2), options=as_it_is))


def test_an_own_start_is_none_of_the_peer(tell: Tell):
    """The log is that of the end that started: nothing is to be looked for at the peer."""
    text = "0 a>b v1 info 108 says=ruthere\n0.02 b>a v1 info 108 says=ack\n"
    up = "ISAKMP:(1001):Old State = IKE_I_MM6  New State = IKE_P1_COMPLETE"
    said = [(20.0, "%SYS-5-RESTART: System restarted --"), (30.0, up)]
    (finding,) = restarts(tell(("ios.log", isakmp(text, said=said))))
    assert finding.title == "This end has lost its SAs"
    assert finding.remedy.startswith("Look for the reason of the start at this end")
