"""Rules about collisions, duplicates, flapping, and SAs that end too late."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.finding import Severity
from analyzers.model.observations import MessageKind, Notify
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.state import dead_peer_unnoticed_until_lifetime, rekey_collision
from tests.model_builders import A, B, at, black_hole, ike_sa, peer
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.messages import message
from tests.scenarios.logs import charon

CROSSING = """
0 a>b v2 handshake
50 a>b rekey-child 2
50.01 b>a rekey-child 0
50.05 a>b rekey-child 0 resp
50.06 b>a rekey-child 2 resp
"""


@fires("rekey-collision")
def test_rekey_collision(tell: Tell):
    (finding,) = tell(CROSSING).of("rekey-collision")
    assert finding.severity is Severity.INFO
    assert finding.confidence is Confidence.CERTAIN
    assert "192.0.2.1 and 192.0.2.2 both began a CREATE_CHILD_SA" in finding.detail
    assert len(finding.refs) == 2


def test_a_question_that_falls_into_a_rekey_collision(tell: Tell):
    text = """
    0 a>b v2 handshake
    50 a>b rekey-child 2
    50.01 b>a rekey-child 0
    50.5 b>a liveness 1
    52 b>a liveness 1
    56 b>a liveness 1
    99 c>b liveness 1 sa=9
    """
    (finding,) = tell(text).of("rekey-collision")
    assert finding.severity is Severity.WARNING
    assert "A question of 192.0.2.2 fell into it" in finding.detail


@silent(
    "rekey-collision",
    "one after the other: the second began when the first was answered",
    "a new Child SA beside a rekey",
    "a retransmission long after",
)
@pytest.mark.parametrize(
    "text",
    [
        CROSSING.replace("50.01 b>a", "51 b>a").replace("50.05 a>b", "51.1 a>b"),
        CROSSING.replace("a>b rekey-child 2\n", "a>b create-child 2\n"),
        CROSSING.replace("50.06 b>a rekey-child 2 resp", "")
        .replace("50.01 b>a", "58 b>a")
        .replace("50.05 a>b", "58.1 a>b"),
    ],
    ids=["one after the other", "a new Child SA beside a rekey", "long after"],
)
def test_no_rekey_collision(tell: Tell, text: str):
    assert tell(text).of("rekey-collision") == []


def test_quick_modes_that_cross(tell: Tell):
    text = """
    0 a>b v1 main-mode
    30 a>b v1 qm1
    30.01 b>a v1 qm1
    30.05 b>a v1 qm2 id=0x11111111
    """
    (finding,) = tell(text).of("rekey-collision")
    assert finding.confidence is Confidence.INFERRED
    assert "Quick Mode" in finding.detail


def refusals(until_s: float):
    refused = (Notify(43, 0, "", b""),)
    view = peer(
        ike_sas=(ike_sa(ike_version=2),),
        messages=tuple(
            message(s, B, A, MessageKind.CREATE_CHILD, response=True, notifies=refused)
            for s in (10, until_s)
        ),
    )
    return [rekey_collision.RULE.finding(f) for f in rekey_collision.RULE.check(Case(view))]


def test_a_temporary_failure_that_lasts():
    (finding,) = refusals(250)
    assert finding.severity is Severity.WARNING
    assert "TEMPORARY_FAILURE 2 times in 4 min 00 s" in finding.detail
    assert finding.at_ns == at(10)
    assert refusals(100) == []


def sa(name: str, begins: float, until: float) -> str:
    """An IKE SA whose questions are answered."""
    return f"""
    {begins} a>b v2 handshake sa={name}
    {begins + 5}..{until}/10 a>b liveness 2+ sa={name}
    {begins + 5.01}..{until}/10 b>a liveness 2+ resp sa={name}
    """


@fires("duplicate-sa")
def test_duplicate_sa(tell: Tell):
    text = sa("1", 0, 200) + sa("2", 10, 200) + sa("3", 20, 200)
    (finding,) = tell(text).of("duplicate-sa")
    assert finding.severity is Severity.WARNING
    assert "3 IKE SAs" in finding.detail
    assert len(finding.refs) == 3


@silent(
    "duplicate-sa",
    "old and new SA overlap while they are rekeyed",
    "several Child SAs of one IKE SA are several networks",
    "an SA that is not used any more may just be forgotten",
)
@pytest.mark.parametrize(
    "text",
    [
        sa("1", 0, 200) + sa("2", 10, 200),
        sa("1", 0, 60) + sa("2", 10, 60) + sa("3", 20, 200),
        "0 a>b v2 handshake sa=1\n1 a>b v2 handshake sa=2\n" + sa("3", 20, 200),
        sa("1", 0, 200) + "".join(f"0.{n}..200/0.7 a>b esp c{n}\n" for n in range(1, 6)),
    ],
    ids=["two", "for less than a minute", "forgotten ones", "Child SAs"],
)
def test_no_duplicate_sa(tell: Tell, text: str):
    assert tell(text).of("duplicate-sa") == []


@silent("duplicate-sa", "clients behind one NAT are peers of their own")
def test_clients_behind_one_nat_are_no_duplicates(tell: Tell):
    text = ""
    for port in (61001, 61002, 61003):
        lines = sa(str(port), 0, 200).replace("a>b", f"n:{port}>b:4500")
        text += lines.replace("b>a", f"b:4500>n:{port}")
    told = tell(text)
    assert len(told.peers) == 3
    assert told.of("duplicate-sa") == []


def dies(name: str, begins: float) -> str:
    """An IKE SA that is given up within 60 s."""
    return f"""
    {begins} a>b v2 handshake sa={name}
    {begins + 10} a>b liveness 2 sa={name}
    {begins + 12} a>b liveness 2 sa={name}
    {begins + 16} a>b liveness 2 sa={name}
    """


def deleted(name: str, begins: float) -> str:
    return f"""
    {begins} a>b v2 handshake sa={name}
    {begins + 30} a>b delete 2 sa={name}
    {begins + 30.02} b>a delete 2 resp next=0 sa={name}
    """


def rekeyed(name: int, at_s: float) -> str:
    """An IKE SA is rekeyed into the next one, and deleted."""
    number = 2 if name == 1 else 1
    return f"""
    {at_s} a>b create-child {number} sa={name}
    {at_s + 0.02} b>a create-child {number} resp sa={name}
    {at_s + 1} a>b delete {number + 1} sa={name}
    {at_s + 1.02} b>a delete {number + 1} resp next=0 sa={name}
    {at_s + 10} a>b liveness 0 sa={name + 1}
    {at_s + 10.02} b>a liveness 0 resp sa={name + 1}
    """


FLAPPING = dies("1", 0) + dies("2", 100) + dies("3", 200) + sa("4", 300, 400)


@fires("sa-flapping")
def test_sa_flapping(tell: Tell):
    (finding,) = tell(FLAPPING).of("sa-flapping")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert "went down 3 times" in finding.detail
    assert "given up for dead 3 times" in finding.detail
    assert len(finding.refs) == 6


@silent("sa-flapping", "Deletes alone are a warning: a tunnel on demand may be meant to")
def test_deletes_again_and_again_are_a_warning(tell: Tell):
    text = deleted("1", 0) + deleted("2", 100) + deleted("3", 200) + sa("4", 300, 400)
    (finding,) = tell(text).of("sa-flapping")
    assert finding.severity is Severity.WARNING
    assert "deleted 3 times" in finding.detail


@silent(
    "sa-flapping",
    "a rekeyed SA is replaced, not down",
    "reauthentication that makes the new SA before it breaks the old one",
    "negotiations that never came up",
    "an IKEv1 SA is renewed when its lifetime ends, whatever is open on it",
)
@pytest.mark.parametrize(
    "text",
    [
        dies("1", 0) + dies("2", 100) + sa("3", 200, 300),
        dies("1", 0) + dies("2", 600) + dies("3", 1200) + sa("4", 1800, 1900),
        "".join(f"{100 * n} a>b v2 sa-init sa={n}\n" for n in range(1, 6)),
        "0 a>b v2 handshake sa=1\n" + "".join(rekeyed(n, 100 * n) for n in range(1, 6)),
        "".join(
            f"{n}00 a>b v2 handshake sa={n}\n{n + 1}05 a>b delete 2 sa={n}\n"
            f"{n + 1}05.1 b>a delete 2 resp next=0 sa={n}\n"
            for n in range(1, 6)
        ),
        "".join(
            f"{18 * n} a>b v1 main-mode lifetime=23 sa={n}\n{18 * n + 15} a>b v1 info 108 sa={n}\n"
            for n in range(6)
        ),
    ],
    ids=["twice", "over half an hour", "never up", "rekeyed", "made before it is broken", "open"],
)
def test_no_flapping(tell: Tell, text: str):
    assert tell(text).of("sa-flapping") == []


def test_a_log_tells_of_flapping(tell: Tell):
    dead = [(160, "01[IKE] <gw|1> giving up after 5 retransmits")]
    log = charon(FLAPPING, "a", said=dead)
    assert len(tell(FLAPPING, ("charon-a.log", log)).of("sa-flapping")) == 1


UNNOTICED = """
0 a>b v2 handshake
0.2..400/0.5 a>b esp out
0.3..20/0.5 b>a esp in
300 a>b create-child 2
302 a>b create-child 2
306 a>b create-child 2
500 c>b liveness 1 sa=9
"""


@fires("dead-peer-unnoticed-until-lifetime")
def test_dead_peer_unnoticed_until_lifetime(tell: Tell):
    (finding,) = tell(UNNOTICED).of("dead-peer-unnoticed-until-lifetime")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.INFERRED
    assert "CREATE_CHILD_SA to rekey" in finding.detail
    assert "for 4 min 40 s" in finding.detail
    assert finding.refs


@silent("dead-peer-unnoticed-until-lifetime", "one direction is missing from the capture")
def test_a_lifetime_that_ended_a_black_hole():
    lost = black_hole(
        black_hole_class=BlackHoleClass.MISSING_DPD,
        first_exposed_ns=at(300),
        stop_ns=at(3590),
        first_probe_ns=None,
        refs=(),
    )
    view = peer(
        ike_sas=(ike_sa(established_ns=at(0.4), lifetime_s=3600),),
        black_holes=(lost,),
        exchanges=(),
        policies=(),
    )
    rule = dead_peer_unnoticed_until_lifetime.RULE
    assert list(rule.check(Case(replace(view, unheard=(B,))))) == []
    (finding,) = (rule.finding(found) for found in rule.check(Case(view)))
    assert "the lifetime of 3,600 s ended it" in finding.detail
    assert "for 54 min 50 s" in finding.detail
    assert finding.refs


UNNOTICED_V1 = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.2..400/0.5 a>b esp out
0.3..20/0.5 b>a esp in
5..16/10 a>b v1 info 108
5.02..16/10 b>a v1 info 108
300..306/3 a>b v1 qm1 id=0x11111111
500 c>b v1 mm1 sa=9
"""


@silent("dead-peer-unnoticed-until-lifetime", "a question was asked: then DPD found it out")
def test_a_question_before_the_rekey_found_it_out(tell: Tell):
    rule = "dead-peer-unnoticed-until-lifetime"
    assert len(tell(UNNOTICED_V1).of(rule)) == 1
    assert tell(UNNOTICED_V1 + "250..260/2 a>b v1 info 108\n").of(rule) == []


@silent(
    "dead-peer-unnoticed-until-lifetime",
    "a question was asked: then DPD found it out",
    "an outage that ended by itself on the same SAs",
    "one direction is missing from the capture",
    "nothing was sent: nothing was lost",
)
@pytest.mark.parametrize(
    "text",
    [
        UNNOTICED.replace("create-child", "liveness"),
        UNNOTICED + "350 b>a esp in",
        UNNOTICED + "unseen b>a ..",
        UNNOTICED.replace("300 a>b", "40 a>b").replace("302 a>b", "42 a>b"),
        UNNOTICED.replace("0.2..400/0.5", "0.2..20/0.5"),
    ],
    ids=["a question", "an outage", "one direction", "soon", "nothing was sent"],
)
def test_not_unnoticed(tell: Tell, text: str):
    assert tell(text).of("dead-peer-unnoticed-until-lifetime") == []
