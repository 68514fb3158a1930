"""Two real strongSwan gateways in network namespaces, with a tunnel, traffic, and a link that can
be cut. ESP is done by the daemons (kernel-libipsec): the kernel need not know it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from msgspec import Struct

from tests.live_capture import PATIENCE_S, eventually

CHARON: Final = Path("/usr/lib/ipsec/charon")
_LIBIPSEC: Final = CHARON.with_name("plugins") / "libstrongswan-kernel-libipsec.so"
_PLUGINS: Final = (
    "random nonce aes sha1 sha2 hmac kdf gmp kernel-libipsec kernel-netlink socket-default"
    " vici updown"
)
# A datagram every fifth of a second from behind the left gateway; the right side returns each.
_TALK: Final = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.1.0.1", 7007))
while True:
    try: s.sendto(b"x" * 56, ("10.2.0.1", 7007))
    except OSError: pass
    time.sleep(0.2)
"""
_ECHO: Final = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.2.0.1", 7007))
while True:
    data, peer = s.recvfrom(2048)
    try: s.sendto(data, peer)
    except OSError: pass
"""
BOTH_WAYS: Final = ("input", "output")
_numbers = count()


class Timers(NamedTuple):
    """How a gateway looks after its peer."""

    delay_s: float
    """Of silence before it asks."""
    timeout_s: float = 30
    """IKEv1: since the last proof of life."""
    wait_s: float = 1
    """IKEv2: for an answer, before it asks again."""
    tries: int = 3
    """IKEv2: how often it asks again."""
    factor: float = 1
    """Each further wait is longer by it."""


class Tunnel(NamedTuple):
    """What the gateways agree on."""

    ike_version: int
    aggressive: bool = False
    """IKEv1: phase 1 in three messages."""
    ip_version: int = 4
    children: int = 1
    """Child SAs; the networks behind the second one are 10.1.1.0/24 and 10.2.1.0/24."""
    renewed: str = ""
    """What is renewed all the time, by both: child, ike or reauth."""
    action: str = "restart"
    """What the left gateway does about a peer that is dead; the right one lets go."""


class Gateway(Struct, frozen=True, dict=True):
    """One of the two."""

    namespace: str
    interface: str
    address: str
    log: Path
    socket: Path
    settings: Path
    """strongswan.conf: its timers."""
    connections: Path
    """swanctl.conf."""

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run something where the gateway is."""
        return subprocess.run(
            [*self.inside, *words], capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )

    @property
    def inside(self) -> list[str]:
        """What makes a command run where the gateway is."""
        return ["ip", "netns", "exec", self.namespace]

    def swanctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Tell its daemon something."""
        command, *options = words
        return self.run("swanctl", command, "--uri", f"unix://{self.socket}", *options)


class Pair:
    """Both gateways; the left one is watched, what is cut is cut off at the right one."""

    def __init__(self, left: Gateway, right: Gateway) -> None:
        self.left = left
        self.right = right

    def cut(
        self,
        end: Gateway | None = None,
        ways: Sequence[str] = BOTH_WAYS,
        what: Sequence[str] = ("",),
    ) -> None:
        """Nothing reaches a gateway any more, and nothing leaves it: the right one by default.

        `ways`: or only one of these; `what`: or only what one of these expressions of nft matches.
        """
        at = end or self.right
        rules = "".join(
            f"add chain inet cut {hook} {{ type filter hook {hook} priority 0; policy accept; }}\n"
            + "".join(
                f'add rule inet cut {hook} {way} "{at.interface}" {each} drop\n' for each in what
            )
            for hook, way in (("input", "iifname"), ("output", "oifname"))
            if hook in ways
        )
        _nft(at, "add table inet cut\n" + rules)

    def repair(self, end: Gateway | None = None) -> None:
        """The link is as it was."""
        _nft(end or self.right, "delete table inet cut\n")


def _nft(at: Gateway, rules: str) -> None:
    command = [*at.inside, "nft", "-f", "-"]
    subprocess.run(command, input=rules, text=True, capture_output=True, check=True)


def _why_not() -> str:
    """Why no gateways can be had here; empty where they can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root may make network namespaces"
    for tool in ("ip", "nft", "swanctl", "unshare", "dumpcap"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    for path in (CHARON, _LIBIPSEC):
        if not path.exists():
            return f"strongSwan is not installed: there is no {path}"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"no TUN device can be made here: {error.strerror}"
    name = f"dpdwhy{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if made.returncode:
        return "no network namespace can be made here"
    rules = [*["nft", "add", "table", "ip", "probe"]]
    try:
        refused = subprocess.run(
            ["ip", "netns", "exec", name, *rules], capture_output=True, check=False
        )
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return "nft has no say in this kernel" if refused.returncode else ""


_REASON = _why_not()
needs_gateways = pytest.mark.skipif(bool(_REASON), reason=_REASON or "never")


@contextmanager
def gateways(ike_version: int, left: Timers, right: Timers) -> Iterator[Pair]:
    """A tunnel that is up, with traffic in it."""
    with contextlib.ExitStack() as stack:
        # A path of a socket is short.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dpdlab-")))
        pair = stack.enter_context(quiet_gateways(folder, Tunnel(ike_version), left, right))
        for end, code in ((pair.right, _ECHO), (pair.left, _TALK)):
            child(stack, [*end.inside, sys.executable, "-c", code])
        yield pair


@contextmanager
def quiet_gateways(
    folder: Path,
    tunnel: Tunnel,
    left: Timers,
    right: Timers,
    watch: Callable[[Pair, contextlib.ExitStack], None] | None = None,
) -> Iterator[Pair]:
    """A tunnel that is up; its files are in `folder`. `watch` is called before it comes up."""
    number = next(_numbers)
    stem = f"dpd{os.getpid() % 100_000}g{number}"
    net = "192.0.2." if tunnel.ip_version == 4 else "2001:db8::"
    with contextlib.ExitStack() as stack:
        ends = [
            Gateway(
                f"{stem}{side}", f"{stem}{side}", f"{net}{last}",
                folder / f"charon-{side}.log", folder / f"{side}.vici",
                folder / f"strongswan-{side}.conf", folder / f"swanctl-{side}.conf",
            )
            for side, last in (("a", 1), ("b", 2))
        ]  # fmt: skip
        pair = Pair(*ends)
        _wire(pair, stack)
        for own, other, timers in (
            (pair.left, pair.right, left),
            (pair.right, pair.left, right),
        ):
            start_daemon(own, other, tunnel, timers, stack)
        if watch is not None:
            watch(pair, stack)
        for name in child_names(tunnel):
            eventually(lambda: initiated(pair.left, name))  # noqa: B023 - called at once
        yield pair


def child_names(tunnel: Tunnel) -> list[str]:
    """Of its Child SAs."""
    return ["net", "other"][: tunnel.children]


def initiated(end: Gateway, name: str) -> bool:
    """Whether a Child SA could be set up."""
    return "successfully" in end.swanctl("--initiate", "--child", name).stdout


def _wire(pair: Pair, stack: contextlib.ExitStack) -> None:
    for number, end in enumerate((pair.left, pair.right), 1):
        _ip("netns", "add", end.namespace)
        stack.callback(_ip_quietly, "netns", "del", end.namespace)
        _ip("-n", end.namespace, "link", "set", "lo", "up")
        for net in range(2):
            _ip("-n", end.namespace, "addr", "add", f"10.{number}.{net}.1/24", "dev", "lo")
    left, right = pair.left, pair.right
    _ip("link", "add", left.interface, "netns", left.namespace, "type", "veth",
        "peer", "name", right.interface, "netns", right.namespace)  # fmt: skip
    for end in (left, right):
        prefix = ["64", "nodad"] if ":" in end.address else ["24"]
        words = [f"{end.address}/{prefix[0]}", "dev", end.interface, *prefix[1:]]
        _ip("-n", end.namespace, "addr", "add", *words)
        _ip("-n", end.namespace, "link", "set", end.interface, "up")


def start_daemon(
    own: Gateway, other: Gateway, tunnel: Tunnel, timers: Timers, stack: contextlib.ExitStack
) -> None:
    """A daemon with its configuration loaded."""
    own.settings.write_text(_daemon(own, timers))
    own.connections.write_text(_connection(own, other, tunnel, timers))
    # Each has a PID file of its own, in a /run of its own.
    script = 'mount -t tmpfs tmpfs /run && exec env TZ=UTC STRONGSWAN_CONF="$1" "$0"'
    words = ["unshare", "-m", "--propagation", "private", "sh", "-c", script]
    said = own.log.with_suffix(".out")
    daemon = child(stack, [*own.inside, *words, str(CHARON), str(own.settings)], said)

    def is_loaded() -> bool:
        assert daemon.poll() is None, f"charon ended: {said.read_text()[-2000:]}"
        return own.swanctl("--load-all", "--file", str(own.connections)).returncode == 0

    eventually(is_loaded, own.log)


def _daemon(own: Gateway, timers: Timers) -> str:
    return f"""
charon {{
  load = {_PLUGINS}
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  retransmit_timeout = {timers.wait_s}
  retransmit_base = {timers.factor}
  retransmit_tries = {timers.tries}
  plugins {{
    vici {{ socket = unix://{own.socket} }}
    kernel-libipsec {{ allow_peer_ts = yes }}
  }}
  filelog {{ file {{
    path = {own.log}
    time_format = %Y-%m-%d %H:%M:%S
    time_add_ms = yes
    flush_line = yes
    default = 1
    ike = 2
  }} named {{
    path = {named_log(own)}
    time_format = %Y-%m-%d %H:%M:%S
    time_add_ms = yes
    flush_line = yes
    ike_name = yes
    default = 1
    ike = 2
  }} }}
}}
"""


def named_log(end: Gateway) -> Path:
    """A log that names the IKE SA of each line."""
    return end.log.with_suffix(".named")


# Shorter than any trial, longer than most questions.
_RENEWALS: Final = {
    "": "",
    "ike": "rekey_time = 21s\n  over_time = 4s\n  rand_time = 2s",
    "reauth": "reauth_time = 19s\n  over_time = 4s\n  rand_time = 2s",
    "child": "",
}


def _connection(own: Gateway, other: Gateway, tunnel: Tunnel, timers: Timers) -> str:
    number, others = own.address[-1], other.address[-1]
    action = tunnel.action if number == "1" else "clear"
    renewal = "rekey_time = 12s\n    life_time = 16s\n    rand_time = 2s"
    children = "\n".join(
        f"""  {name} {{
    local_ts = 10.{number}.{net}.0/24
    remote_ts = 10.{others}.{net}.0/24
    esp_proposals = aes128-sha256
    {renewal if tunnel.renewed == "child" else ""}
    dpd_action = {action} }}"""
        for net, name in enumerate(child_names(tunnel))
    )
    return f"""
connections {{ gw {{
  version = {tunnel.ike_version}
  aggressive = {"yes" if tunnel.aggressive else "no"}
  local_addrs = {own.address}
  remote_addrs = {other.address}
  proposals = aes256-sha256-modp2048
  dpd_delay = {timers.delay_s}s
  dpd_timeout = {timers.timeout_s}s
  {_RENEWALS[tunnel.renewed]}
  keyingtries = 0
  mobike = no
  encap = yes
  local {{ auth = psk
    id = {own.address} }}
  remote {{ auth = psk
    id = {other.address} }}
  children {{
{children} }} }} }}
secrets {{ ike-1 {{ secret = "dpdlab-test-psk" }} }}
"""


def child(
    stack: contextlib.ExitStack, command: list[str], said: Path | None = None
) -> subprocess.Popen[bytes]:
    """A process that ends with the pair; what it says goes into a file."""
    with (said or Path(os.devnull)).open("wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _ip_quietly(*words: str) -> None:
    subprocess.run(["ip", *words], check=False, capture_output=True)
