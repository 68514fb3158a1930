"""What a trial's fault swallowed, by its capture, and what dpdlab says of it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from math import inf
from pathlib import Path
from typing import Final, NamedTuple

import dpkt

from analyzers.session import Session, SessionOptions
from tests.trials.trial import Plan
from tests.trials.truth import logged

_ESP_PORT: Final = 4500
_NON_ESP_MARKER: Final = bytes(4)
# A cut takes a moment to act; what is under way then may be on either side of it.
_EDGE_PACKETS: Final = 3
_EDGE_S: Final = 1.0
_BEFORE_LIFE_S: Final = 3.0
# What is sent into a fault for less than this is no black hole.
_LEAST_S: Final = 4.0
_LEAST_PACKETS: Final = 6
_EVERYTHING: Final = frozenset({"everything", "renewed, then everything"})
# What swallows the packets of who is captured; behind the left end's capture nobody sees it.
_AT_THE_RIGHT: Final = _EVERYTHING | {"what comes", "esp", "esp that comes", "killed"}
# After these the SA is gone, whenever it is used again; this comes and goes.
_GOES_ON: Final = frozenset({"killed", "restarted", "terminated", "a third", "flapping"})


class Fault(NamedTuple):
    """When it was, s since the epoch."""

    began_s: float
    ended_s: float


def fault(folder: Path) -> Fault:
    """That of a trial."""
    began_s, ended_s = (folder / "fault.txt").read_text().split()
    return Fault(float(began_s), float(ended_s))


def _sent(folder: Path, sender: str, span: Fault) -> Iterator[tuple[float, bytes]]:
    """What a sender sent to port 4500 within a time, as it was captured: s since the epoch."""
    with (folder / "capture.pcap").open("rb") as file:
        for at_s, frame in dpkt.pcap.Reader(file):
            if not span.began_s <= at_s <= span.ended_s:
                continue
            packet = dpkt.ethernet.Ethernet(frame).data
            if not isinstance(packet, dpkt.ip.IP | dpkt.ip6.IP6):
                continue
            datagram = packet.data
            if not isinstance(datagram, dpkt.udp.UDP) or datagram.dport != _ESP_PORT:
                continue
            if packet.src == ip_address(sender).packed and len(datagram.data) > 1:
                yield at_s, bytes(datagram.data)


def sent_into(folder: Path, sender: str, span: Fault) -> list[float]:
    """When ESP of a sender was captured within a time, s since the epoch."""
    sent = _sent(folder, sender, span)
    return [at_s for at_s, data in sent if not data.startswith(_NON_ESP_MARKER)]


def fresh_ike(folder: Path, sender: str, span: Fault) -> list[float]:
    """When IKE of a sender that is no repetition was captured within a time: it lives."""
    first: dict[bytes, float] = {}
    for at_s, data in _sent(folder, sender, span):
        if data.startswith(_NON_ESP_MARKER):
            first.setdefault(data, at_s)
    return list(first.values())


def _surely_lost(lost: list[float], heard: list[float]) -> list[float]:
    """What was lost later than the least black hole after the last sign of life, if there was one.

    What lies less than that before a sign of life need not count.
    """
    signs = [*lost[:1], *heard]
    return [at_s for at_s in lost if at_s > max(s for s in signs if s <= at_s) + _BEFORE_LIFE_S]


def wrong_losses(chosen: Plan, folder: Path, addresses: tuple[str, str]) -> Iterator[str]:
    """What is wrong about the black holes of a trial, in sentences."""
    span = fault(folder)
    capture = folder / "capture.pcap"
    logs = [folder / f"charon-{side}.log" for side in "ab"]
    # The sender whose packets the capture shows and the fault swallows.
    sender = addresses[1] if chosen.at_left else addresses[0]
    # Of traffic one way nobody knows whether it arrives.
    both_ways = chosen.traffic != "one way"
    swallows = both_ways and chosen.fault in (_EVERYTHING if chosen.at_left else _AT_THE_RIGHT)
    lost = sent_into(folder, sender, span) if swallows else []
    other = addresses[0] if chosen.at_left else addresses[1]
    asked = fresh_ike(folder, other, span) if swallows else []
    surely = _surely_lost(lost, asked)
    # Who gave the sender up gets nothing of it any more, after the fault neither.
    gone = bool(logged(folder, "a" if chosen.at_left else "b", ""))
    in_vain = sent_into(folder, sender, Fault(span.began_s, inf)) if gone else lost
    for inputs in ((capture,), (capture, *logs)):
        name = "with its logs" if len(inputs) > 1 else "alone"
        session = Session(SessionOptions())
        session.run([str(path) for path in inputs])
        holes = [hole for peer in session.peers() for hole in peer.black_holes]
        own = [hole for hole in holes if hole.sender == sender]
        least, most = (sum(getattr(h, f"{m}_packets") for h in own) for m in ("min", "max"))
        about = f"the capture {name}: {len(own)} black holes of {sender}, {least}-{most} packets"
        if len(lost) >= _LEAST_PACKETS and lost[-1] - lost[0] >= _LEAST_S:
            if most < len(surely) - _EDGE_PACKETS:
                yield f"{about}; {len(lost)} were lost"
            # Each of the SAs that replace each other has its own.
            if len(own) > 1 and chosen.tunnel.renewed not in ("ike", "reauth"):
                yield f"{about}; it was one"
        if swallows and least > len(in_vain) + _EDGE_PACKETS:
            yield f"{about}; no more than {len(in_vain)} were in vain"
        given_up = any(logged(folder, side, "") for side in "ab")
        if given_up or chosen.fault in _GOES_ON:
            continue
        for hole in holes:
            begin_s, stop_s = hole.begin_ns / 1e9, hole.stop_ns / 1e9
            if stop_s < span.began_s - _EDGE_S or begin_s > span.ended_s + _EDGE_S:
                told = f"a black hole of {hole.sender} from {begin_s:.3f} to {stop_s:.3f}"
                yield f"the capture {name}: {told}, none was"
