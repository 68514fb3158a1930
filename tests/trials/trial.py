"""One trial: two gateways, what happens to them, and what they leave behind."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

from tests.gateways import (
    BOTH_WAYS,
    Gateway,
    Pair,
    Timers,
    Tunnel,
    child,
    child_names,
    initiated,
    named_log,
    quiet_gateways,
    start_daemon,
)

_ESP: Final = "udp dport 4500 @th,64,32 != 0"
_IKE: Final = ("udp dport 4500 @th,64,32 == 0", "udp dport 500")
_THIRD: Final = "numgen random mod 100 < 30"
# What is dropped at one end: directions, and what of it.
_DROPS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "everything": (BOTH_WAYS, ("",)),
    "what comes": (("input",), ("",)),
    "what leaves": (("output",), ("",)),
    "esp": (BOTH_WAYS, (_ESP,)),
    "esp that comes": (("input",), (_ESP,)),
    "ike": (BOTH_WAYS, _IKE),
    "a third": (BOTH_WAYS, (_THIRD,)),
}
FAULTS: Final = (
    *_DROPS,
    "nothing",
    "renewed, then everything",
    "killed",
    "restarted",
    "terminated",
    "frozen",
    "flapping",
)
_WEIGHTS: Final = (6, 2, 2, 2, 2, 2, 1, 1, 3, 2, 2, 1, 4, 3)
_FLAP_S: Final = (1.0, 8.0)
_SHORT_S: Final = (3.0, 6.0)
_LONG_S: Final = (15.0, 40.0)
_CALM_S: Final = (12.0, 25.0)
_AFTER_S: Final = (5.0, 20.0)
_RENEWAL_S: Final = 5.0
# Sends when its pattern has it: all the time, now and then, in bursts of a third of the time.
_TALK: Final = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((f"10.1.{sys.argv[3]}.1", 7007))
began, every, burst = time.monotonic(), float(sys.argv[1]), sys.argv[2] == "bursts"
while True:
    if not burst or (time.monotonic() - began) % 12 < 4:
        try: s.sendto(b"x" * 56, (f"10.2.{sys.argv[3]}.1", 7007))
        except OSError: pass
    time.sleep(every)
"""
_LISTEN: Final = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((f"10.2.{sys.argv[2]}.1", 7007))
while True:
    data, peer = s.recvfrom(2048)
    if sys.argv[1] == "both":
        try: s.sendto(data, peer)
        except OSError: pass
"""


class Plan(NamedTuple):
    """What a trial is about."""

    seed: int
    tunnel: Tunnel
    left: Timers
    right: Timers
    traffic: str
    fault: str
    at_left: bool
    """Where it happens; the capture is always that of the left end."""

    def __str__(self) -> str:
        side = "left" if self.at_left else "right"
        what = f"traffic {self.traffic}, {self.fault} at the {side} end"
        return f"{self.seed}: {self.tunnel}, {what}; {tuple(self.left)} and {tuple(self.right)}"


def plan(seed: int) -> Plan:
    """The trial of a seed."""
    draw = random.Random(seed)

    def timers() -> Timers:
        delay_s = draw.choice((0, 2, 3, 4, 5, 3, 4))
        waits = draw.choice((1, 1.5, 2)), draw.choice((2, 3, 4))
        return Timers(delay_s, draw.choice((10, 14, 20)), *waits, draw.choice((1, 1.4, 1.8)))

    version = draw.choice((1, 2, 2))
    tunnel = Tunnel(
        version,
        aggressive=version == 1 and draw.random() < 0.3,
        ip_version=draw.choice((4, 4, 6)),
        children=draw.choice((1, 1, 2)),
        renewed=draw.choice(("", "", "child", "ike", "reauth")),
        action=draw.choice(("restart", "restart", "clear", "trap")),
    )
    return Plan(
        seed,
        tunnel,
        timers(),
        timers(),
        draw.choice(("steady", "steady", "bursts", "slow", "none", "one way")),
        draw.choices(FAULTS, _WEIGHTS)[0],
        draw.random() < 0.5,
    )


def run(chosen: Plan, folder: Path) -> None:
    """Leaves `capture.pcap` of the left end, and the logs of both, in a folder of its own."""
    draw = random.Random(f"times of {chosen.seed}")
    calm_s, after_s = draw.uniform(*_CALM_S), draw.uniform(*_AFTER_S)
    lasts_s = draw.uniform(*(_SHORT_S if draw.random() < 0.2 else _LONG_S))

    def watch(pair: Pair, stack: contextlib.ExitStack) -> None:
        capture = ["tcpdump", "-q", "-U", "-i", pair.left.interface, "-w", folder / "capture.pcap"]
        child(stack, [*pair.left.inside, *map(str, capture), "udp or icmp or icmp6"])
        time.sleep(1)

    timers = chosen.left, chosen.right
    with (
        quiet_gateways(folder, chosen.tunnel, *timers, watch) as pair,
        contextlib.ExitStack() as stack,
    ):
        _talk(pair, chosen, stack)
        time.sleep(calm_s)
        ends = (pair.left, pair.right) if chosen.at_left else (pair.right, pair.left)
        own = timers[0 if chosen.at_left else 1]
        span = _fail(pair, ends, chosen, own, lasts_s, stack)
        (folder / "fault.txt").write_text(" ".join(f"{at_s:.3f}" for at_s in span))
        time.sleep(after_s)


def _talk(pair: Pair, chosen: Plan, stack: contextlib.ExitStack) -> None:
    if chosen.traffic == "none":
        return
    back = "none" if chosen.traffic == "one way" else "both"
    every_s = "3" if chosen.traffic == "slow" else "0.2"
    python = [sys.executable, "-c"]
    for net in map(str, range(chosen.tunnel.children)):
        child(stack, [*pair.right.inside, *python, _LISTEN, back, net])
        child(stack, [*pair.left.inside, *python, _TALK, every_s, chosen.traffic, net])


def _fail(
    pair: Pair,
    ends: tuple[Gateway, Gateway],
    chosen: Plan,
    timers: Timers,
    lasts_s: float,
    stack: contextlib.ExitStack,
) -> tuple[float, float]:
    """Let it happen, and be over; from and to, s since the epoch."""
    end, other = ends
    began_s = _now_s()
    match chosen.fault:
        case "nothing":
            time.sleep(lasts_s / 2)
        case "terminated":
            end.swanctl("--terminate", "--ike", "gw")
        case "killed" | "restarted":
            os.kill(_daemon(end), signal.SIGKILL)
            time.sleep(lasts_s / 3)
            if chosen.fault == "restarted":
                for log in (end.log, named_log(end)):
                    log.rename(log.with_name(f"{log.name}.before"))
                start_daemon(end, other, chosen.tunnel, timers, stack)
                if chosen.at_left:
                    for name in child_names(chosen.tunnel):
                        initiated(end, name)
            time.sleep(lasts_s / 2)
        case "frozen":
            daemon = _daemon(end)
            os.kill(daemon, signal.SIGSTOP)
            time.sleep(lasts_s * 0.7)
            os.kill(daemon, signal.SIGCONT)
        case "flapping":
            draw = random.Random(f"flaps of {chosen.seed}")
            for _ in range(4):
                pair.cut(end)
                time.sleep(draw.uniform(*_FLAP_S))
                pair.repair(end)
                time.sleep(draw.uniform(*_FLAP_S))
        case fault:
            if fault.startswith("renewed"):
                end.swanctl("--rekey", "--ike", "gw")
                time.sleep(_RENEWAL_S / 2)
                end.swanctl("--rekey", "--child", "net")
                time.sleep(_RENEWAL_S / 2)
            began_s = _now_s()
            pair.cut(end, *_DROPS.get(fault, _DROPS["everything"]))
            time.sleep(lasts_s)
            pair.repair(end)
    return began_s, _now_s()


def _now_s() -> float:
    return time.time()  # noqa: TID251 - as packets are stamped


def _daemon(end: Gateway) -> int:
    """The process of its charon."""
    found = subprocess.run(["pgrep", "-x", "charon"], capture_output=True, text=True, check=True)
    for process in map(int, found.stdout.split()):
        # Those of other trials come and go.
        with contextlib.suppress(OSError):
            variables = Path(f"/proc/{process}/environ").read_text(errors="replace").split("\0")
            if f"STRONGSWAN_CONF={end.settings}" in variables:
                return process
    raise AssertionError(f"no charon runs with {end.settings}")
