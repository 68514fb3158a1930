"""A verdict on an IKE SA in whose place the peer had set up another one before it was asked on."""

from __future__ import annotations

from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.finding import Severity
from analyzers.model.peer import PeerState
from tests.rules.conftest import Tell, tell
from tests.scenarios.logs import charon
from tests.scenarios.timeline import at

__all__ = ["tell"]


def _log(*, asked_anew: bool, begun_by_peer: bool) -> str:
    """The peer answers until 20 s, has a new SA from 25.6 s on, and leaves the old one at that."""
    old, new = "<gw|1>", "<gw|2>"
    packet = "[NET] {} sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (80 bytes)"
    came = "[NET] {} received packet: from 192.0.2.2[500] to 192.0.2.1[500] (80 bytes)"
    said = []

    def ask(at_s: float, handle: str, number: int, *, answered: bool) -> None:
        said.append((at_s, f"05[ENC] {handle} generating INFORMATIONAL request {number} [ ]"))
        said.append((at_s, f"05{packet.format(handle)}"))
        if answered:
            said.append((at_s + 0.02, f"06{came.format(handle)}"))
            text = f"parsed INFORMATIONAL response {number} [ ]"
            said.append((at_s + 0.02, f"06[ENC] {handle} {text}"))

    def set_up(at_s: float, number: int) -> None:
        name = f"IKE_SA gw[{number}] established between 192.0.2.1[a]...192.0.2.2[b]"
        said.append((at_s, f"07[IKE] <gw|{number}> {name}"))

    set_up(0, 1)
    ask(10, old, 2, answered=True)
    ask(20, old, 3, answered=True)
    if begun_by_peer:
        said.append((25.5, f"07{came.format(new)}"))
        said.append((25.5, f"07[ENC] {new} parsed IKE_SA_INIT request 0 [ SA KE No ]"))
    set_up(25.6, 2)
    ask(30.5, old, 4, answered=False)
    for number, at_s in enumerate((32.5, 36.5), 1):
        text = f"retransmit {number} of request with message ID 4"
        said.append((at_s, f"08[IKE] {old} {text}"))
        said.append((at_s, f"08{packet.format(old)}"))
    if asked_anew:
        ask(35.6, new, 2, answered=True)
    said.append((40.5, f"08[IKE] {old} giving up after 2 retransmits"))
    return charon("", said=said)


def test_a_black_hole_ends_with_the_replacement(tell: Tell) -> None:
    for asked_anew in (True, False):
        told = tell(("a.log", _log(asked_anew=asked_anew, begun_by_peer=True)))
        assert told.peer.state is PeerState.ALIVE
        assert PeerState.DEAD not in [span.state for span in told.peer.states]
        (hole,) = told.peer.black_holes
        assert (hole.stop_ns, hole.stop_basis) == (at(25.6), StopBasis.REPLACEMENT)
        assert (hole.black_hole_class, hole.recovered_ns) == (BlackHoleClass.TRANSIENT, at(25.6))
        assert 5 < hole.max_seconds < 5.6
        (finding,) = told.of("dpd-no-ack")
        assert finding.severity is Severity.INFO
        assert "had been replaced before" in finding.detail


def test_who_began_the_new_one_has_forgotten_the_old_one(tell: Tell) -> None:
    (finding,) = tell(("a.log", _log(asked_anew=True, begun_by_peer=True))).of("peer-rebooted")
    assert finding.detail.startswith("192.0.2.2 began a new IKE SA, and what 192.0.2.1 asked on")
    assert tell(("a.log", _log(asked_anew=True, begun_by_peer=False))).of("peer-rebooted") == []
