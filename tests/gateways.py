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
    """IKEv2: for an answer, before it asks again; always as long."""
    tries: int = 3
    """IKEv2: how often it asks again."""


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
            f"add chain ip cut {hook} {{ type filter hook {hook} priority 0; policy accept; }}\n"
            + "".join(
                f'add rule ip cut {hook} {way} "{at.interface}" {each} drop\n' for each in what
            )
            for hook, way in (("input", "iifname"), ("output", "oifname"))
            if hook in ways
        )
        _nft(at, "add table ip cut\n" + rules)

    def repair(self, end: Gateway | None = None) -> None:
        """The link is as it was."""
        _nft(end or self.right, "delete table ip cut\n")


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
        pair = stack.enter_context(quiet_gateways(folder, ike_version, left, right))
        for end, code in ((pair.right, _ECHO), (pair.left, _TALK)):
            child(stack, [*end.inside, sys.executable, "-c", code])
        yield pair


@contextmanager
def quiet_gateways(
    folder: Path,
    ike_version: int,
    left: Timers,
    right: Timers,
    watch: Callable[[Pair, contextlib.ExitStack], None] | None = None,
) -> Iterator[Pair]:
    """A tunnel that is up; its files are in `folder`. `watch` is called before it comes up."""
    number = next(_numbers)
    stem = f"dpd{os.getpid() % 100_000}g{number}"
    with contextlib.ExitStack() as stack:
        ends = [
            Gateway(
                f"{stem}{side}", f"{stem}{side}", f"192.0.2.{last}",
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
            start_daemon(own, other, ike_version, timers, stack)
        if watch is not None:
            watch(pair, stack)
        eventually(
            lambda: "successfully" in pair.left.swanctl("--initiate", "--child", "net").stdout
        )
        yield pair


def _wire(pair: Pair, stack: contextlib.ExitStack) -> None:
    for number, end in enumerate((pair.left, pair.right), 1):
        _ip("netns", "add", end.namespace)
        stack.callback(_ip_quietly, "netns", "del", end.namespace)
        _ip("-n", end.namespace, "link", "set", "lo", "up")
        _ip("-n", end.namespace, "addr", "add", f"10.{number}.0.1/24", "dev", "lo")
    left, right = pair.left, pair.right
    _ip("link", "add", left.interface, "netns", left.namespace, "type", "veth",
        "peer", "name", right.interface, "netns", right.namespace)  # fmt: skip
    for end in (left, right):
        _ip("-n", end.namespace, "addr", "add", f"{end.address}/24", "dev", end.interface)
        _ip("-n", end.namespace, "link", "set", end.interface, "up")


def start_daemon(
    own: Gateway, other: Gateway, ike_version: int, timers: Timers, stack: contextlib.ExitStack
) -> None:
    """A daemon with its configuration loaded."""
    own.settings.write_text(_daemon(own, timers))
    own.connections.write_text(_connection(own, other, ike_version, timers))
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
  retransmit_timeout = {timers.wait_s}
  retransmit_base = 1
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
  }} }}
}}
"""


def _connection(own: Gateway, other: Gateway, ike_version: int, timers: Timers) -> str:
    number, others = own.address[-1], other.address[-1]
    return f"""
connections {{ gw {{
  version = {ike_version}
  local_addrs = {own.address}
  remote_addrs = {other.address}
  proposals = aes256-sha256-modp2048
  dpd_delay = {timers.delay_s}s
  dpd_timeout = {timers.timeout_s}s
  keyingtries = 0
  mobike = no
  encap = yes
  local {{ auth = psk
    id = {own.address} }}
  remote {{ auth = psk
    id = {other.address} }}
  children {{ net {{
    local_ts = 10.{number}.0.0/24
    remote_ts = 10.{others}.0.0/24
    esp_proposals = aes128-sha256
    dpd_action = {"restart" if number == "1" else "clear"} }} }} }} }}
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
