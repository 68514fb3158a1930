"""Make a big debug log of a VPN hub: IOS, charon, or a syslog file that has a little charon in it.

    python -m tests.benchmarks.generate_log --kind ios --lines 1000000 --out hub.log

The same arguments give the same bytes. Beside the log a `.json` file tells how many events of each
kind its lines say.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final, Literal, get_args

from msgspec import Struct, field

from tests.benchmarks.generate import cache_folder

VERSION = 1
"""Part of the names of cached logs: raise it when the text changes."""

Kind = Literal["ios", "charon", "syslog"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

PEERS: Final = 50
INTERVAL_MS: Final = 10_000
RETRY_MS: Final = 2_000
RETRIES: Final = 4
# Of the questions, how many find a peer that has died, and how many come before a rekey.
DEATHS: Final = 1 / 400
REKEYS: Final = 1 / 150
CHARON_SHARE: Final = 0.01
TOGETHER_MS: Final = 3
_NOTHING: Final[Counter[str]] = Counter()
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SUBSYSTEMS: Final = ("sshd", "CRON", "kernel", "systemd", "dnsmasq", "nginx")


class LogPlan(Struct, frozen=True):
    """What to make."""

    kind: Kind
    lines: int = 1_000_000
    seed: int = 1

    @property
    def name(self) -> str:
        """A file name that tells plans apart."""
        return f"{self.kind}-{self.lines}-lines-seed-{self.seed}-v{VERSION}.log"


class Talk(Struct):
    """Lines with their times, in milliseconds since New Year of a leap year."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)


def month_day(at_ms: int) -> tuple[int, int, int]:
    """Month, day of the month, and milliseconds since midnight."""
    day, rest = divmod(at_ms, 86_400_000)
    for month, days in enumerate(_DAYS):
        if day < days:
            return month, day + 1, rest
        day -= days
    return 11, 31, rest


def clock(rest_ms: int) -> str:
    """HH:MM:SS of milliseconds since midnight."""
    seconds = rest_ms // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def ios_stamp(at_ms: int) -> str:
    """`*Mar  1 00:05:58.407: `, as `service timestamps debug datetime msec` writes."""
    month, day, rest = month_day(at_ms)
    return f"*{_MONTHS[month]} {day:2} {clock(rest)}.{rest % 1000:03}: "


def charon_stamp(at_ms: int) -> str:
    """`2024-03-01 00:05:58.407 `, as a filelog with `time_format` and milliseconds writes."""
    month, day, rest = month_day(at_ms)
    return f"2024-{month + 1:02}-{day:02} {clock(rest)}.{rest % 1000:03} "


def syslog_stamp(at_ms: int) -> str:
    """`Mar  1 00:05:58 `, of RFC 3164."""
    month, day, rest = month_day(at_ms)
    return f"{_MONTHS[month]} {day:2} {clock(rest)} "


# --- IOS ---------------------------------------------------------------------------------------


class IosPeer:
    """One spoke, and what the hub's `debug crypto isakmp` says of it."""

    def __init__(self, number: int, rng: Random) -> None:
        self.rng = rng
        self.address = f"192.0.2.{number + 1}"
        self.conn = 1001 + number
        self.sequence = rng.getrandbits(31)

    def question(self, at_ms: int) -> Talk:
        """One DPD exchange, or the death of the peer and its return."""
        talk = Talk()
        dice = self.rng.random()
        if dice < DEATHS:
            self._death(talk, at_ms)
            return talk
        if dice < DEATHS + REKEYS:
            self._quick_mode(talk, at_ms)
            at_ms += 40
        self._ask(talk, at_ms, "IKE_TIMER_IM_ALIVE")
        self._answer(talk, at_ms + self.rng.randint(8, 60))
        return talk

    def _node(self) -> int:
        return self.rng.randint(-(1 << 31), (1 << 31) - 1)

    def _say(self, talk: Talk, at_ms: int, text: str, tag: str = "ISAKMP:({conn}):") -> None:
        talk.lines.append((at_ms, tag.format(conn=self.conn) + text))

    def _state(
        self, talk: Talk, at_ms: int, old: str = "IKE_P1_COMPLETE", new: str = "IKE_P1_COMPLETE"
    ) -> None:
        self._say(talk, at_ms, f"Old State = {old}  New State = {new}\n")

    def _ask(self, talk: Talk, at_ms: int, timer: str) -> None:
        node = self._node()
        self.sequence = (self.sequence + 1) & 0xFFFFFFFF
        self._say(talk, at_ms, f" set new node {node} to QM_IDLE", "ISAKMP:")
        spi = self.rng.getrandbits(31)
        self._say(
            talk,
            at_ms,
            f"Sending NOTIFY DPD/R_U_THERE protocol 1\n        spi {spi}, message ID = {node}",
        )
        self._say(talk, at_ms + 1, f" seq. no 0x{self.sequence:X}")
        self._packet_sent(talk, at_ms + 1)
        self._say(talk, at_ms + 1, "Sending an IKE IPv4 Packet.")
        self._say(talk, at_ms + 2, f"purging node {node}")
        self._say(talk, at_ms + 2, f"Input = IKE_MESG_FROM_TIMER, {timer}")
        self._state(talk, at_ms + 2)
        talk.events["r-u-there sent"] += 1

    def _packet_sent(self, talk: Talk, at_ms: int, state: str = "QM_IDLE      ") -> None:
        text = f" sending packet to {self.address} my_port 500 peer_port 500 (R) {state}"
        self._say(talk, at_ms, text)

    def _packet_received(self, talk: Talk, at_ms: int, state: str = "QM_IDLE      ") -> None:
        text = f"received packet from {self.address} dport 500 sport 500 Global (R) {state}"
        self._say(talk, at_ms, text, "ISAKMP ({conn}): ")

    def _answer(self, talk: Talk, at_ms: int) -> None:
        node = self._node()
        self._packet_received(talk, at_ms)
        self._say(talk, at_ms, f" set new node {node} to QM_IDLE", "ISAKMP:")
        self._say(talk, at_ms + 1, f" processing HASH payload. message ID = {node}")
        pointer = 0x67000000 + self.conn * 64
        self._say(
            talk,
            at_ms + 1,
            " processing NOTIFY DPD/R_U_THERE_ACK protocol 1\n"
            f"        spi 0, message ID = {node}, sa = 0x{pointer:X}",
        )
        text = f" DPD/R_U_THERE_ACK received from peer {self.address}, sequence"
        self._say(talk, at_ms + 1, f"{text} 0x{self.sequence:X}")
        reason = 'error FALSE reason "Informational (in) state 1"'
        self._say(talk, at_ms + 2, f"deleting node {node} {reason}")
        self._say(talk, at_ms + 2, "Input = IKE_MESG_FROM_PEER, IKE_INFO_NOTIFY")
        self._state(talk, at_ms + 2)
        talk.events["r-u-there-ack received"] += 1

    def _death(self, talk: Talk, at_ms: int) -> None:
        self._ask(talk, at_ms, "IKE_TIMER_IM_ALIVE")
        for _ in range(RETRIES):
            at_ms += RETRY_MS
            self._say(talk, at_ms, "DPD incrementing error counter (1/5)")
            self._ask(talk, at_ms, "IKE_TIMER_PEERS_ALIVE")
        at_ms += RETRY_MS
        self._say(talk, at_ms, "DPD incrementing error counter (5/5)")
        self._say(talk, at_ms, f"peer {self.address} not responding!")
        self._say(talk, at_ms, "peer does not do paranoid keepalives.\n")
        ended = f'deleting SA reason "peers alive" state (R) QM_IDLE       (peer {self.address}) '
        self._say(talk, at_ms, ended)
        node = self._node()
        self._say(talk, at_ms + 1, f" set new node {node} to QM_IDLE", "ISAKMP:")
        self._packet_sent(talk, at_ms + 1)
        self._say(talk, at_ms + 1, f"purging node {node}")
        self._say(talk, at_ms + 1, "Input = IKE_MESG_FROM_TIMER, IKE_TIMER_PEERS_ALIVE")
        self._state(talk, at_ms + 2, new="IKE_DEST_SA")
        self._say(talk, at_ms + 3, ended)
        talk.events.update(("peer-dead", "ike-sa-down", "delete sent"))
        self._main_mode(talk, at_ms + 900)

    def _main_mode(self, talk: Talk, at_ms: int) -> None:
        self.conn += PEERS
        self._packet_received(talk, at_ms, "NEW SA")
        self._say(
            talk, at_ms, f" Created a peer struct for {self.address}, peer port 500", "ISAKMP:"
        )
        self._say(talk, at_ms + 1, " processing SA payload. message ID = 0")
        for major in (69, 245, 157, 123):
            self._say(talk, at_ms + 1, " processing vendor id payload")
            text = f" vendor ID seems Unity/DPD but major {major} mismatch"
            self._say(talk, at_ms + 1, text)
        self._say(talk, at_ms + 2, f"found peer pre-shared key matching {self.address}")
        for text in ("encryption AES-CBC", "keylength of 256", "hash SHA", "default group 14"):
            self._say(talk, at_ms + 2, f"      {text}", "ISAKMP:")
        self._say(talk, at_ms + 2, "atts are acceptable. Next payload is 0")
        for step in range(1, 6):
            self._say(talk, at_ms + 10 * step, "Input = IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE")
            self._state(talk, at_ms + 10 * step, f"IKE_R_MM{step}", f"IKE_R_MM{step + 1}")
        self._say(talk, at_ms + 60, f"SA has been authenticated with {self.address}")
        self._say(talk, at_ms + 61, " vendor ID is DPD")
        self._say(talk, at_ms + 62, "Input = IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE")
        self._state(talk, at_ms + 62, "IKE_R_MM5")
        talk.events.update(("ike-sa-up", "dpd-vendor-id"))

    def _quick_mode(self, talk: Talk, at_ms: int) -> None:
        node = self._node()
        self._packet_received(talk, at_ms)
        self._say(talk, at_ms, f" set new node {node} to QM_IDLE", "ISAKMP:")
        for payload in ("HASH", "SA", "NONCE", "KE", "ID", "ID"):
            self._say(talk, at_ms + 1, f" processing {payload} payload. message ID = {node}")
        self._say(talk, at_ms + 2, "Checking IPSec proposal 1")
        for text in ("attributes in transform:", "encaps is 1 (Tunnel)", "SA life type in seconds"):
            self._say(talk, at_ms + 2, f"      {text}", "ISAKMP:")
        inbound, outbound = self.rng.getrandbits(32), self.rng.getrandbits(31)
        text = f"      has spi 0x{inbound:X} and conn_id 0"
        self._say(talk, at_ms + 20, text, "ISAKMP:({conn}):")
        text = f"      has spi {outbound} and conn_id 0"
        self._say(talk, at_ms + 20, text, "ISAKMP:({conn}):")
        self._packet_sent(talk, at_ms + 21)
        self._say(talk, at_ms + 21, f"Node {node}, Input = IKE_MESG_FROM_PEER, IKE_QM_EXCH")
        self._state(talk, at_ms + 22, "IKE_QM_SPI_STARVE", "IKE_QM_R_QM2")
        talk.events["child-sa-up"] += 1


# --- charon ------------------------------------------------------------------------------------


class CharonPeer:
    """One connection, and what charon says of it at level 2."""

    def __init__(self, number: int, rng: Random) -> None:
        self.rng = rng
        self.name = f"spoke{number}"
        self.unique = number + 1
        self.address = f"192.0.2.{number + 2}"
        self.asked = self.answered = 0

    def question(self, at_ms: int) -> Talk:
        """A liveness exchange, by charon or by its peer; seldom a peer that has died."""
        talk = Talk()
        dice = self.rng.random()
        if dice < DEATHS:
            self._death(talk, at_ms)
        elif dice < 0.6:
            self._ask(talk, at_ms)
        else:
            self._reply(talk, at_ms)
        return talk

    def _say(self, talk: Talk, at_ms: int, thread: int, subsystem: str, text: str) -> None:
        who = f"<{self.name}|{self.unique}> "
        talk.lines.append((at_ms, f"{thread:02}[{subsystem}] {who}{text}"))

    def _packet(self, talk: Talk, at_ms: int, thread: int, *, sent: bool) -> None:
        ends = "192.0.2.1[4500]", f"{self.address}[4500]"
        source, target = ends if sent else ends[::-1]
        way = "sending" if sent else "received"
        text = f"{way} packet: from {source} to {target} (80 bytes)"
        self._say(talk, at_ms, thread, "NET", text)

    def _question(self, talk: Talk, at_ms: int) -> None:
        thread = self.rng.randint(1, 16)
        self._say(talk, at_ms, thread, "IKE", "sending DPD request")
        self._say(talk, at_ms, thread, "IKE", "queueing IKE_DPD task")
        self._say(talk, at_ms, thread, "IKE", "activating new tasks")
        self._say(talk, at_ms, thread, "IKE", "  activating IKE_DPD task")
        text = f"generating INFORMATIONAL request {self.asked} [ ]"
        self._say(talk, at_ms, thread, "ENC", text)
        self._packet(talk, at_ms, thread, sent=True)
        talk.events["liveness sent"] += 1

    def _ask(self, talk: Talk, at_ms: int) -> None:
        self._question(talk, at_ms)
        at_ms += self.rng.randint(2, 60)
        thread = self.rng.randint(1, 16)
        self._packet(talk, at_ms, thread, sent=False)
        text = f"parsed INFORMATIONAL response {self.asked} [ ]"
        self._say(talk, at_ms, thread, "ENC", text)
        self._say(talk, at_ms, thread, "IKE", "activating new tasks")
        self._say(talk, at_ms, thread, "IKE", "nothing to initiate")
        self.asked += 1
        talk.events["liveness answer received"] += 1

    def _reply(self, talk: Talk, at_ms: int) -> None:
        thread = self.rng.randint(1, 16)
        self._packet(talk, at_ms, thread, sent=False)
        text = f"parsed INFORMATIONAL request {self.answered} [ ]"
        self._say(talk, at_ms, thread, "ENC", text)
        text = f"generating INFORMATIONAL response {self.answered} [ ]"
        self._say(talk, at_ms, thread, "ENC", text)
        self._packet(talk, at_ms, thread, sent=True)
        self.answered += 1
        talk.events.update(("liveness received", "liveness answer sent"))

    def _death(self, talk: Talk, at_ms: int) -> None:
        self._question(talk, at_ms)
        thread = self.rng.randint(1, 16)
        wait_ms = 4_000
        for retry in range(1, 6):
            at_ms += wait_ms
            wait_ms = wait_ms * 9 // 5
            text = f"retransmit {retry} of request with message ID {self.asked}"
            self._say(talk, at_ms, thread, "IKE", text)
            self._packet(talk, at_ms, thread, sent=True)
            talk.events["liveness sent again"] += 1
        at_ms += wait_ms
        self._say(talk, at_ms, thread, "IKE", "giving up after 5 retransmits")
        old = f"{self.name}[{self.unique}]"
        text = f"IKE_SA {old} state change: ESTABLISHED => DESTROYING"
        self._say(talk, at_ms, thread, "IKE", text)
        talk.events.update(("peer-dead", "ike-sa-down"))
        self.unique += PEERS
        self.asked = self.answered = 0
        text = f"IKE_SA {self.name}[{self.unique}] established between 192.0.2.1[hub.example]..."
        text += f"{self.address}[{self.name}.example]"
        self._say(talk, at_ms + 100, thread, "IKE", text)
        talk.events["ike-sa-up"] += 1


# --- other daemons -----------------------------------------------------------------------------


def other_line(rng: Random) -> str:
    """A line of a server's syslog that has nothing to do with IPsec."""
    program = rng.choice(_SUBSYSTEMS)
    pid, port = rng.randint(300, 40_000), rng.randint(1_024, 65_535)
    address = f"198.51.100.{rng.randint(1, 254)}"
    match program:
        case "sshd":
            return f"sshd[{pid}]: Failed password for root from {address} port {port} ssh2"
        case "CRON":
            return f"CRON[{pid}]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)"
        case "kernel":
            return (
                f"kernel: [{port}.{pid:06}] [UFW BLOCK] IN=eth0 OUT= SRC={address} DST=192.0.2.1"
                f" LEN=40 TOS=0x00 TTL=244 ID={pid} PROTO=TCP SPT={port} DPT=23 SYN"
            )
        case "systemd":
            return f"systemd[1]: session-{pid}.scope: Deactivated successfully."
        case "dnsmasq":
            return f"dnsmasq[812]: query[A] host{pid}.example.net from {address}"
        case _:
            return f'nginx: {address} - - "GET /{pid} HTTP/1.1" 200 {port} "-" "probe: 1.0"'


# --- the file ----------------------------------------------------------------------------------


def talks(
    peers: list[IosPeer] | list[CharonPeer], interval_ms: int, rng: Random
) -> Iterator[tuple[int, str, Counter[str]]]:
    """What all peers say, in order of time: time, text and the events that end with it."""
    waiting: list[tuple[int, int, Talk]] = []
    serial = 0
    busy_ms = [0] * len(peers)
    due = sorted((rng.randrange(interval_ms), number) for number in range(len(peers)))
    begin_ms = 59 * 86_400_000
    while True:
        for offset, number in due:
            at_ms = begin_ms + offset + rng.randint(0, 200)
            if at_ms < busy_ms[number]:
                continue
            talk = peers[number].question(at_ms)
            busy_ms[number] = talk.lines[-1][0] + 1_000
            for block in blocks(talk):
                waiting.append((block.lines[0][0], serial, block))
                serial += 1
        begin_ms += interval_ms
        waiting.sort()
        while waiting and waiting[0][0] < begin_ms:
            block = waiting.pop(0)[2]
            for line_ms, text in block.lines[:-1]:
                yield line_ms, text, _NOTHING
            yield *block.lines[-1], block.events


def blocks(talk: Talk) -> Iterator[Talk]:
    """What a device writes without pause: lines of others do not come between."""
    lines = talk.lines
    begin = 0
    for place in range(1, len(lines) + 1):
        if place == len(lines):
            yield Talk(lines[begin:], talk.events)
        elif lines[place][0] - lines[place - 1][0] > TOGETHER_MS:
            yield Talk(lines[begin:place])
            begin = place


def ios_lines(rng: Random) -> Iterator[tuple[str, Counter[str]]]:
    """The console of a hub."""
    peers = [IosPeer(number, rng) for number in range(PEERS)]
    for at_ms, text, events in talks(peers, INTERVAL_MS, rng):
        yield ios_stamp(at_ms) + text, events


def charon_lines(rng: Random) -> Iterator[tuple[str, Counter[str]]]:
    """A file of charon's own."""
    peers = [CharonPeer(number, rng) for number in range(PEERS)]
    for at_ms, text, events in talks(peers, INTERVAL_MS, rng):
        yield charon_stamp(at_ms) + text, events


def syslog_lines(rng: Random) -> Iterator[tuple[str, Counter[str]]]:
    """A server's syslog in which one line of a hundred is charon's."""
    peers = [CharonPeer(number, rng) for number in range(PEERS)]
    for at_ms, text, events in talks(peers, INTERVAL_MS * 30, rng):
        yield f"{syslog_stamp(at_ms)}hub charon: {text}", events
        for _ in range(round(1 / CHARON_SHARE) - 1):
            yield f"{syslog_stamp(at_ms)}hub {other_line(rng)}", _NOTHING


_LINES: Final[dict[Kind, Callable[[Random], Iterator[tuple[str, Counter[str]]]]]] = {
    "ios": ios_lines,
    "charon": charon_lines,
    "syslog": syslog_lines,
}


def pieces(plan: LogPlan, events: Counter[str]) -> Iterator[str]:
    """The text, a talk's lines at a time; `events` counts what is whole in it."""
    lines = 0
    for text, said in _LINES[plan.kind](Random(plan.seed)):
        physical = text.count("\n") + 1
        lines += physical
        if lines > plan.lines:
            yield "\n" * (plan.lines - lines + physical)
            return
        events.update(said)
        yield text + "\n"


def log_text(plan: LogPlan) -> tuple[str, Counter[str]]:
    """All of the text, and how many events of each kind it says."""
    events: Counter[str] = Counter()
    return "".join(pieces(plan, events)), events


def make_log(plan: LogPlan, path: Path) -> dict[str, object]:
    """The log at `path`, made unless it is there already, and its description."""
    description = path.with_name(path.name + ".json")
    if path.is_file() and description.is_file():
        known: dict[str, object] = json.loads(description.read_text(encoding="utf-8"))
        return known
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    events: Counter[str] = Counter()
    try:
        with part.open("w", encoding="ascii", newline="") as out:
            out.writelines(pieces(plan, events))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    facts: dict[str, object] = {
        "lines": plan.lines,
        "bytes": path.stat().st_size,
        "events": dict(sorted(events.items())),
    }
    description.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make a big debug log of a VPN hub.")
    parser.add_argument("--kind", choices=KINDS, default="ios")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", help="a file (default: a cache folder)")
    options = parser.parse_args()
    if options.lines < 1_000:
        parser.error("at least 1000 lines")
    plan = LogPlan(options.kind, options.lines, options.seed)
    path = Path(options.out) if options.out else cache_folder() / plan.name
    if options.out:
        path.unlink(missing_ok=True)
    facts = make_log(plan, path)
    print(path)
    print(json.dumps(facts), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
