"""All rules together: what is told, in which order, and what gives way to what."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.configs.charon import UNREAD
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyBasis
from analyzers.model.records import Confidence
from analyzers.model.time import NS_PER_SECOND
from analyzers.rules.catalogue import ABSENT, PEER_RULES, RUN_RULES, rules_by_id
from analyzers.rules.configuration.examples import swanctl
from analyzers.rules.options import RuleOptions, Suppression
from analyzers.rules.rule import Found
from analyzers.session import ClockOptions, Session, SessionOptions
from tests.rules.conftest import Tell

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
DEAD = SAMPLES / "ikev2-dead-peer"


def session(*names: str, rules: RuleOptions | None = None) -> Session:
    run = Session(SessionOptions(rules=rules or RuleOptions()))
    run.run([str(DEAD / name) for name in names])
    return run


def test_findings_are_numbered_the_worst_first_then_in_the_order_of_time():
    found = session("capture.pcap", "swanctl-a.conf").judgement().findings
    order = list(Severity)
    assert [f.id for f in found] == [f"f{n}" for n in range(1, len(found) + 1)]
    assert [order.index(f.severity) for f in found] == sorted(
        order.index(f.severity) for f in found
    )
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("log", "off_s"),
    [("charon-a.log", -8), ("charon-a.log", 5), ("charon-b.log", -8), ("charon-b.log", 5)],
)
def test_on_a_clock_by_hand_that_messages_contradict_nothing_is_certain(log: str, off_s: int):
    folder = SAMPLES / "ikev1-one-way-loss"
    clocks = ClockOptions(offsets_ns={log: off_s * NS_PER_SECOND})
    run = Session(SessionOptions(clocks=clocks))
    run.run([str(folder / name) for name in ("capture.pcap", "charon-a.log", "charon-b.log")])
    contradicted = "s2" if log == "charon-a.log" else "s3"
    found = run.judgement().findings
    # A log that begins with a start of its device cost it nothing, wherever the clocks are put.
    assert "peer-rebooted" not in {f.rule for f in found}
    # What an input does not reach to is so by whatever clock.
    moments = [f for f in found if f.rule not in {rule.id for rule in RUN_RULES}]
    rests = [f for f in moments if contradicted in {ref.source for ref in f.refs}]
    # Of the end that was captured every message is a packet: nothing rests on its log alone.
    assert rests or log == "charon-a.log"
    for finding in rests:
        assert finding.confidence is not Confidence.CERTAIN
        told = f"if the clock by hand is right: by messages {contradicted} is {abs(off_s)}.0 s off"
        assert told in finding.detail
        if finding.refs[0].source == contradicted:
            assert finding.severity is not Severity.ERROR
            assert finding.confidence is Confidence.SUSPECT
    others = [f for f in found if f not in rests]
    assert not any("clock by hand" in f.detail for f in others)
    assert "dpd-no-ack" in {f.rule for f in found}


def test_what_traffic_shows_is_not_guessed_from_a_configuration():
    guessed = session("capture.pcap", "swanctl-a.conf").judgement().findings
    assert "dpd-slower-than-budget" not in {f.rule for f in guessed}


@pytest.mark.parametrize("case", ["ikev2-dead-peer", "ikev2-brief-outage", "ikev2-peer-restart"])
def test_one_worst_case_is_told_of_one_end(case: str):
    """What was seen of the retries holds for the findings on the configuration, too."""
    run = Session(SessionOptions())
    run.run([str(SAMPLES / case / name) for name in ("capture.pcap", "swanctl-a.conf")])
    (peer,) = run.peers()
    (worst_s,) = [p.worst_case_s for p in peer.policies if p.basis is PolicyBasis.CONFIG]
    findings = run.judgement().findings
    (ignored,) = [f for f in findings if f.rule == "dpd-timeout-ignored-ikev2"]
    assert f"By the retries that were seen ({UNREAD}) the verdict comes" in ignored.detail
    assert f"after {worst_s:g} s at worst" in ignored.detail
    assert "dpd-slower-than-budget" not in {f.rule for f in findings}


def test_retries_that_were_seen_may_be_too_slow(tell: Tell):
    """4 s and growing by 1.8 is what charon does by itself; every 20 s is slower than wanted."""
    text = "0 a>b v2 handshake\n10 a>b liveness 2\n10.02 b>a liveness 2 resp\n"
    text += "".join(f"{at} a>b liveness 3\n" for at in (30, 50, 70, 90))
    config = swanctl("192.0.2.1", "192.0.2.2", "dpd_delay = 10s")
    (finding,) = tell(text + "90.02 b>a liveness 3 resp", ("a.conf", config)).of(
        "dpd-slower-than-budget"
    )
    assert "the retries are taken as they were seen" in finding.detail
    assert "a verdict after 130 s at worst" in finding.detail
    assert finding.confidence is Confidence.INFERRED


def test_without_traffic_that_shows_it_a_guess_is_inferred():
    healthy = Session(SessionOptions())
    folder = SAMPLES / "ikev2-healthy"
    healthy.run([str(folder / "capture.pcap"), str(folder / "swanctl-a.conf")])
    (finding,) = [f for f in healthy.judgement().findings if f.rule == "dpd-slower-than-budget"]
    assert finding.confidence is Confidence.INFERRED
    assert "strongswan.conf is not among the inputs" in finding.detail


def test_the_options_of_the_daemon_are_those_of_its_connections(tmp_path: Path):
    (tmp_path / "strongswan.conf").write_text(
        "charon {\n  retransmit_timeout = 2\n  retransmit_base = 1\n  retransmit_tries = 5\n}\n"
    )
    run = Session(SessionOptions())
    run.run(
        [
            str(DEAD / "capture.pcap"),
            str(DEAD / "swanctl-a.conf"),
            str(tmp_path / "strongswan.conf"),
        ]
    )
    (configured,) = [
        p for peer in run.peers() for p in peer.policies if p.basis == "config" and p.retry_s
    ]
    assert (configured.retry_s, configured.worst_case_s) == (2.0, 17.0)


def test_a_rule_that_is_off_says_nothing_and_another_severity_is_told():
    rules = RuleOptions(
        severities={"dpd-no-ack": Severity.INFO, "ikev2-retransmit-not-exponential": None}
    )
    found = session("capture.pcap", rules=rules).judgement().findings
    assert {(f.rule, f.severity) for f in found} == {("dpd-no-ack", Severity.INFO)}


@pytest.mark.parametrize("peer", ["*", "192.0.2.2", "192.0.2.*"])
def test_suppressed_findings_are_kept_apart_with_their_reason(peer: str):
    rules = RuleOptions(suppressions=(Suppression("known", rule="dpd-*", peer=peer),))
    judged = session("capture.pcap", rules=rules).judgement()
    assert "dpd-no-ack" not in {f.rule for f in judged.findings}
    assert [(s.finding.rule, s.reason) for s in judged.suppressed] == [("dpd-no-ack", "known")]


def test_suspect_evidence_is_never_an_error():
    rule = next(rule for rule in PEER_RULES if rule.id == "dpd-no-ack")
    found = rule.finding(Found("x", (), confidence=Confidence.SUSPECT))
    assert found.severity is Severity.WARNING


def test_every_rule_says_what_it_is():
    for rules in rules_by_id().values():
        for rule in rules:
            assert rule.title
            assert not rule.title.endswith(".")
            assert rule.rationale.endswith(".")
            assert rule.remedy.endswith(".") or "\n" in rule.remedy
            assert rule.source
            assert rule.needs
    for rule in (*PEER_RULES, *RUN_RULES):
        assert rule.traps, rule.id


def test_the_table_of_the_documentation_is_that_of_explain():
    from dpdlab.cli.explain_command import _markdown

    committed = Path(__file__).parents[2] / "analyzers" / "rules" / "README.md"
    assert committed.read_text() == "".join(_markdown(rules_by_id(), whole=True))


# dpd-semantics section 4, in its order.
CATALOGUE = [
    "dpd-not-negotiated",
    "dpd-one-sided-vid",
    "dpd-one-sided-initiator",
    "dpd-before-vid",
    "dpd-unencrypted",
    "dpd-keepalive-fallback",
    "dpd-payload-order-mismatch",
    "dpd-param-asymmetry",
    "dpd-no-ack",
    "dpd-late-ack",
    "dpd-wrong-ack",
    "dpd-unsolicited-ack",
    "dpd-duplicate-ack",
    "dpd-ack-from-other-address",
    "liveness-response-not-empty",
    "ikev2-unanswered-request-other",
    "dpd-first-seq-high-bit",
    "dpd-first-seq-predictable",
    "dpd-seq-not-plus-one",
    "dpd-seq-reuse-after-ack",
    "dpd-seq-reused-on-retry",
    "dpd-replay",
    "dpd-cookie-mismatch",
    "dpd-bad-doi-or-protocol",
    "dpd-hash-invalid",
    "ikev1-msgid-reuse",
    "dpd-interval-too-short",
    "dpd-interval-too-long",
    "dpd-interval-jitter",
    "dpd-interval-unconfigured-default",
    "dpd-timeout-ignored-ikev2",
    "dpd-timeout-shorter-than-delay",
    "dpd-retry-spacing-wrong",
    "ikev2-retransmit-not-exponential",
    "ikev2-retransmit-not-identical",
    "ikev2-new-id-instead-of-retransmit",
    "dpd-too-few-retries",
    "dpd-too-many-retries",
    "sa-not-deleted-after-dead",
    "sa-deleted-prematurely",
    "declared-dead-but-alive",
    "dpd-count-ambiguous-config",
    "dpd-while-traffic-flows",
    "liveness-not-probed-one-way-out",
    "no-liveness-mechanism",
    "dpd-alive-dataplane-dead",
    "liveness-inbound-only",
    "keepalive-misread",
    "nat-keepalive-too-slow",
    "dpd-vs-routing-hold-mismatch",
    "hub-dpd-load",
    "dpd-burst-synchronised",
    "asymmetric-routing",
    "nat-mapping-loss",
    "peer-dead-switch-failed",
    "ikev2-window-stall",
    "ikev2-msgid-jump",
    "ikev2-msgid-reset",
    "peer-rebooted",
    "hint-without-liveness-check",
    "hint-obeyed",
    "half-open-sa",
    "delete-lost",
    "delete-after-dead",
    "rekey-collision",
    "duplicate-sa",
    "sa-flapping",
    "dead-peer-unnoticed-until-lifetime",
    "clock-anomaly",
    "capture-insufficient",
]


def test_every_rule_of_the_catalogue_exists_or_its_absence_is_argued():
    known = {*rules_by_id(), *ABSENT}
    assert [rule for rule in CATALOGUE if rule not in known] == []


def test_nothing_is_said_of_nothing(tell: Tell):
    told = tell("0 a>b v2 handshake\n1 a>b esp out\n1.1 b>a esp in")
    assert [f for f in told.findings if f.severity is not Severity.INFO] == []
    assert replace(told).findings == told.findings
