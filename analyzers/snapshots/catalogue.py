"""All layouts, and how a line without a command before it is told to begin one."""

from __future__ import annotations

from typing import Final

from analyzers.model.snapshot import SnapshotFormat
from analyzers.snapshots import (
    asa_session,
    cisco_ike,
    cisco_ipsec,
    fortigate,
    ios_session,
    libreswan,
    strongswan,
)
from analyzers.snapshots.layout import Layout
from analyzers.snapshots.terminal import MAX_LINE

LAYOUTS: Final[dict[SnapshotFormat, Layout]] = {
    layout.format: layout
    for module in (
        cisco_ike,
        cisco_ipsec,
        ios_session,
        asa_session,
        strongswan,
        libreswan,
        fortigate,
    )
    for layout in module.LAYOUTS
}

_BY_HEAD: Final[dict[str, tuple[Layout, ...]]] = {
    head: tuple(layout for layout in LAYOUTS.values() if head in layout.heads)
    for layout in LAYOUTS.values()
    for head in layout.heads
}

# What stands before an output tells its time: the header of `terminal exec prompt timestamp`.
# Days of the week: what `date` prints.
TIME_HEADS: Final = frozenset({"Tim", "Sys", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"})

HEADS: Final = TIME_HEADS | _BY_HEAD.keys()
"""First three characters of lines that are worth a second look."""

_INDENTED: Final = frozenset({"   ", " IP"})
# "IKEv2:(SESSION ID", "IKEv2-PROTO-4"
_OF_DEBUGS: Final = frozenset(":-")


def may_begin(text: str) -> bool:
    """Whether a line with one of HEADS or the mark of a prompt is worth reading."""
    head = text[:3]
    if head in _INDENTED:
        head = text.lstrip()[:3]
    if head in HEADS:
        if head == "IKE" and text[5:6] in _OF_DEBUGS:
            return False
        return head in TIME_HEADS or layout_of(text[:MAX_LINE]) is not None
    at = text.find("#")
    if at >= 0:
        # pluto names a state "#3:" in every line.
        return not text[at + 1 : at + 2].isdigit() or at == 0 or ", IKEv" in text
    return ">sh" in text or "$ " in text


def layout_of(text: str) -> Layout | None:
    """The layout that a line begins, told by the line alone."""
    bare = text.lstrip()
    for layout in _BY_HEAD.get(bare[:3], ()):
        if layout.header.match(text):
            return layout
    if bare.startswith("#pkts encaps: "):
        return LAYOUTS[SnapshotFormat.CISCO_IPSEC_SA]
    if ", IKEv" in text:
        layout = LAYOUTS[SnapshotFormat.SWANCTL_LIST_SAS]
        return layout if layout.header.match(text) else None
    if bare.startswith("#"):
        for each in (SnapshotFormat.LIBRESWAN_TRAFFICSTATUS, SnapshotFormat.LIBRESWAN_STATUS):
            if LAYOUTS[each].header.match(text):
                return LAYOUTS[each]
    return None
