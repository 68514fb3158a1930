"""`dpdlab interfaces`: what can be captured on here, and why not."""

from __future__ import annotations

import json
from typing import Final

from msgspec.structs import asdict

from analyzers.sources.dumpcap import find_tool
from analyzers.sources.interfaces import Interface, interfaces
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import Diagnostics, ExitCode, UsageError
from dpdlab.cli.environment import Privilege, capture_privilege, installed
from dpdlab.cli.output import Output

_ADDRESSES_SHOWN: Final = 2


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """List them; MISSING where nothing can be captured, with what grants the right."""
    options = invocation.options
    if invocation.words:
        raise UsageError(f"interfaces takes no input, got {invocation.words[0]!r}")
    output = Output(None, color=options.color, ascii_only=options.ascii)
    privilege = may_capture()
    rows = [(each, _why_not(each, privilege)) for each in interfaces()]
    if options.format == "json":
        listed = [asdict(each) | {"can": not why, "why_not": why} for each, why in rows]
        document = {"interfaces": listed, "capture": privilege._asdict()}
        output.write([json.dumps(document, indent=2) + "\n"])
    else:
        output.write_text("".join(_line(each, why) for each, why in rows))
    if privilege.allowed is False:
        diagnostics.error(f"nothing can be captured: {privilege.reason}", privilege.remedy)
        return ExitCode.MISSING
    return ExitCode.OK


def may_capture() -> Privilege:
    """Whether this user may capture with what is installed."""
    if find_tool() is None and installed("dumpcap") is None:
        return Privilege(
            False,
            "neither dumpcap nor tcpdump is installed",
            "sudo apt install wireshark-common",
        )
    return capture_privilege()


def _why_not(interface: Interface, privilege: Privilege) -> str:
    if privilege.allowed is False:
        return privilege.reason
    if interface.up is False:
        return f"it is down: sudo ip link set {interface.name} up"
    return ""


def _line(interface: Interface, why: str) -> str:
    shown = interface.addresses[:_ADDRESSES_SHOWN]
    more = ", ..." if len(interface.addresses) > len(shown) else ""
    addresses = ", ".join(shown) + more
    return f"{interface.name:<16}{'no: ' + why if why else 'yes':<5}  {addresses}".rstrip() + "\n"
