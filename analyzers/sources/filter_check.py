"""Whether a capture filter is one: the tools that would capture compile it, and capture nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from analyzers.sources.dumpcap import complaint, find_tool
from analyzers.sources.interfaces import ANY

_PATIENCE_S: Final = 5.0
# Of the kernel's types of interfaces: Ethernet, loopback, and tunnels without a link layer.
_LINK_TYPES: Final = {"1": "EN10MB", "772": "EN10MB", "65534": "RAW"}
_REFUSED: Final = ("parse", "syntax", "Invalid capture filter", "filter expression", "unknown")


def refusal(capture_filter: str, interface: str) -> str:
    """Why a filter is refused on an interface; empty where it is taken, or nobody can tell."""
    if not capture_filter:
        return ""
    tcpdump, link_type = find_tool(["tcpdump"]), _link_type(interface)
    if tcpdump is not None and link_type is not None:
        # Without an interface: compiling needs no right.
        command = [tcpdump, "-d", "-y", link_type, "--", capture_filter]
    else:
        dumpcap = find_tool(["dumpcap"])
        if dumpcap is None:
            return ""
        command = [dumpcap, "-d", "-i", interface, "-f", capture_filter]
    try:
        made = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    said = complaint(made.stderr)
    if made.stdout or not any(word in said for word in _REFUSED):
        return ""
    return said.removeprefix("tcpdump: ").removeprefix("dumpcap: ")


def _link_type(interface: str) -> str | None:
    """As tcpdump names it; None where only the interface itself can tell."""
    if interface == ANY:
        return "LINUX_SLL"
    try:
        kind = Path("/sys/class/net", interface, "type").read_text(encoding="ascii")
    except (OSError, ValueError):
        # There is no such interface: that is for others to say.
        return "EN10MB"
    return _LINK_TYPES.get(kind.strip())
