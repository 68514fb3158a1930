"""Cisco IOS and ASA: why a negotiation of IKEv2 ended, where that is a refusal."""

from __future__ import annotations

from typing import Final

CISCO_V2: Final = (
    "(?:Received no proposal chosen notify|Failed to find a matching policy"
    "|There was no IPSEC policy found for received TS|Failed to authenticate the IKE SA)"
)
"""The words of debug and syslog alike; what they mean is for `decode.assembly.refusals`."""
