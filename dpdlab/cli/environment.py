"""What this machine offers: libraries, capture tools, privileges. Read only, nothing imported.

Everything is asked with a time limit, and what cannot be found out is said to be unknown.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

# Distribution and import package of everything that dpdlab cannot run without.
LIBRARIES: Final = (
    ("numpy", "numpy"),
    ("msgspec", "msgspec"),
    ("dpkt", "dpkt"),
    ("rich", "rich"),
    ("pydantic", "pydantic"),
    ("tomlkit", "tomlkit"),
    ("cryptography", "cryptography"),
    ("zstandard", "zstandard"),
    ("htpy", "htpy"),
    ("textual", "textual"),
    ("ntc_templates", "ntc_templates"),
    ("textfsm", "textfsm"),
    ("pyshark", "pyshark"),
    ("prometheus-client", "prometheus_client"),
    ("asyncssh", "asyncssh"),
)

# Not needed for files; what each of them adds.
TOOLS: Final = (
    ("tshark", "second opinion on a packet, live --engine pyshark"),
    ("dumpcap", "live capture"),
    ("tcpdump", "live capture that holds no packet back, where it may capture"),
)

# A version is printed at once, or the tool hangs.
_VERSION_TIMEOUT_S: Final = 5.0
_GROUP: Final = "wireshark"
"""Of those who may capture, as Debian has it."""
_CAP_NET_RAW: Final = 13


class Library(NamedTuple):
    """A library that dpdlab needs; `version` is None when it is missing."""

    name: str
    version: str | None


class Tool(NamedTuple):
    """A program; `path` is None when it is not found, `version` when it does not say."""

    name: str
    purpose: str
    path: str | None
    version: str | None


class Privilege(NamedTuple):
    """Whether this user may capture; None where that cannot be told."""

    allowed: bool | None
    reason: str
    remedy: str


def libraries() -> list[Library]:
    """Every library, found or not."""
    return [Library(name, _library_version(name, package)) for name, package in LIBRARIES]


def tools() -> list[Tool]:
    """Every tool, found or not."""
    return [_tool(name, purpose) for name, purpose in TOOLS]


def capture_privilege() -> Privilege:
    """Whether packets can be captured: by this process, or through dumpcap's own rights."""
    dumpcap = installed("dumpcap")
    if not sys.platform.startswith("linux"):
        return Privilege(None, "known on Linux only", "")
    if _process_may_capture():
        return Privilege(True, "this process has CAP_NET_RAW", "")
    tcpdump = _found("tcpdump")
    if tcpdump is not None and _lends_rights(tcpdump):
        return Privilege(True, f"{tcpdump} has the right to capture", "")
    if dumpcap is None:
        return Privilege(False, "dumpcap is not installed", "install wireshark-common or tshark")
    if not os.access(dumpcap, os.X_OK):
        return Privilege(
            False,
            f"this user may not run {dumpcap}",
            f"{_joins(_group_of(dumpcap))} adds the user to its group, from the next login on",
        )
    if _has_own_rights(dumpcap):
        return Privilege(True, f"{dumpcap} has the right to capture", "")
    return Privilege(
        False,
        f"{dumpcap} has no right to capture",
        f"sudo setcap cap_net_raw,cap_net_admin+eip {dumpcap}{_or_for_a_group(dumpcap)}",
    )


def _or_for_a_group(dumpcap: str) -> str:
    """How only some users get the right: Debian asks for it, elsewhere a group may be there."""
    if _found("dpkg-reconfigure") is not None:
        made = "sudo dpkg-reconfigure wireshark-common"
        return f"; or for a group only: {made}, then {_joins(_GROUP)}"
    group = _group_of(dumpcap)
    return "" if group == "root" else f"; and who is to run it: {_joins(group)}"


def _joins(group: str) -> str:
    return f"sudo usermod -aG {group} $USER"


def may_run_tcpdump() -> bool:
    """Whether tcpdump is here and can capture: with the rights of this process, or with its own."""
    tcpdump = _found("tcpdump")
    if tcpdump is None:
        return False
    if _lends_rights(tcpdump):
        return True
    # Rights of a process that is not root's end with it.
    return os.access(tcpdump, os.X_OK) and os.geteuid() == 0 and _process_may_capture()


def _lends_rights(path: str) -> bool:
    return os.access(path, os.X_OK) and _has_own_rights(path)


def installed(name: str) -> str | None:
    """The path of a tool, also of one that this user may not run."""
    return _found(name) or shutil.which(name, mode=os.F_OK) or _beside_path(name, os.F_OK)


def _found(name: str) -> str | None:
    return shutil.which(name) or _beside_path(name)


def _library_version(name: str, package: str) -> str | None:
    if find_spec(package) is None:
        return None
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"


def _tool(name: str, purpose: str) -> Tool:
    path = _found(name)
    return Tool(name, purpose, path, None if path is None else _tool_version(path))


def _beside_path(name: str, mode: int = os.F_OK | os.X_OK) -> str | None:
    """Where distributions put tools that only root finds in PATH."""
    path = os.pathsep.join(("/usr/sbin", "/sbin", "/usr/local/sbin"))
    return shutil.which(name, mode=mode, path=path)


def _tool_version(path: str) -> str | None:
    try:
        answer = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # tcpdump says it on stderr when it is old.
    printed = (answer.stdout or answer.stderr).decode("utf-8", "replace")
    return next((line.strip() for line in printed.splitlines() if line.strip()), None)


def _process_may_capture() -> bool:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return bool(int(value.strip(), 16) >> _CAP_NET_RAW & 1)
    return False


def _has_own_rights(path: str) -> bool:
    real = Path(path).resolve()
    try:
        if real.stat().st_mode & 0o4000:
            return True
        return bool(os.getxattr(real, "security.capability"))
    except OSError:
        return False


def _group_of(path: str) -> str:
    try:
        return Path(path).group()
    except (OSError, KeyError):
        return _GROUP
