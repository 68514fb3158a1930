"""`dpdlab check`: what its last line says where no rule has anything to say."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.model.finding import Finding, Severity
from analyzers.model.peer import PeerState
from analyzers.model.records import Confidence, ProblemKind
from analyzers.model.sa import SaEnd
from tests.model_builders import healthy_peer, ike_sa, problem
from tests.unit.dpdlab.cli.conftest import Cli, StubSession

SILENT = "IKE_SA_INIT of 192.0.2.1, message ID 0, was sent 7 times and never answered"


def test_a_healthy_peer_is_nothing_to_report(cli: Cli, session: StubSession):
    session.views = (healthy_peer(),)
    assert cli("check", "hub.pcap").err == "dpdlab: 1 peer: nothing to report\n"


def test_a_peer_that_never_answered_is_more_than_nothing(cli: Cli, session: StubSession):
    attempt = replace(ike_sa(), established_ns=None, end=SaEnd.FAILED)
    problems = (problem(ProblemKind.REQUEST_UNANSWERED, SILENT),)
    session.views = (healthy_peer(state=PeerState.UNKNOWN, ike_sas=(attempt,), problems=problems),)
    said = cli("check", "hub.pcap").err
    session.findings = (
        Finding("r", Severity.INFO, Confidence.CERTAIN, "t", "d", "", "", (), session.views[0].id),
    )
    assert SILENT not in cli("check", "hub.pcap").err  # the finding tells of the peer
    assert "nothing to report" not in said
    assert said.startswith("dpdlab: 1 peer: no finding; ")
    assert "no IKE SA was seen to come up" in said
    assert SILENT in said
