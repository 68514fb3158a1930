"""Which product is at an address, as far as vendor IDs, logs and configurations tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from analyzers.model.addresses import same_address
from analyzers.model.configuration import ConfigFormat, Configuration
from analyzers.model.peer import PeerView
from analyzers.model.records import SourceInfo

_BY_FORMAT: Final = {
    ConfigFormat.CISCO_IOS: "cisco-ios",
    ConfigFormat.CISCO_ASA: "cisco-asa",
    ConfigFormat.SWANCTL: "strongswan",
    ConfigFormat.STRONGSWAN_CONF: "strongswan",
    ConfigFormat.FORTIOS: "fortios",
}
# Starts of names of `wire.vendor_ids`, of values that only one product sends.
_BY_VENDOR_ID: Final = {
    "strongSwan": "strongswan",
    "Libreswan": "libreswan",
    "OpenIKED": "iked",
    "racoon": "racoon",
    "FortiGate": "fortios",
    "Check Point": "checkpoint",
    "Cisco Delete Reason": "cisco-ios",
    "Cisco FlexVPN": "cisco-ios",
    "Cisco GRE Mode": "cisco-ios",
    "Cisco Dynamic Route": "cisco-ios",
}
# Starts of the formats of logs; the first that fits counts.
_BY_DIALECT: Final = {
    "cisco-asa": "cisco-asa",
    "cisco-": "cisco-ios",
    "strongswan": "strongswan",
    "pluto": "libreswan",
    "libreswan": "libreswan",
    "fortigate": "fortios",
    "racoon": "racoon",
    "juniper": "juniper-srx",
    "routeros": "mikrotik",
}


def vendor_of(
    peer: PeerView,
    configurations: Sequence[Configuration],
    sources: Mapping[str, SourceInfo],
    address: str,
) -> str | None:
    """The family of the product at an address; None where nothing tells, or several disagree.

    Configurations come first, then what wrote a log there, then vendor IDs.
    """
    for configuration in configurations:
        if any(same_address(a, address) for a in configuration.addresses):
            return _BY_FORMAT.get(configuration.format) or _of_ipsec_conf(configuration)
    logged = _by_logs(peer, sources, address)
    for told in (logged, _by_vendor_ids(peer, address)):
        known = {family for family in told if family is not None}
        if known:
            return known.pop() if len(known) == 1 else None
    return None


def _of_ipsec_conf(configuration: Configuration) -> str | None:
    """Whose ipsec.conf it is: several products share the file, and its settings say which."""
    profiles = (setting.policy.profile or "" for setting in configuration.dpd)
    families = {profile.partition("-")[0] for profile in profiles if profile}
    return families.pop() if len(families) == 1 else None


def _by_logs(peer: PeerView, sources: Mapping[str, SourceInfo], address: str) -> set[str | None]:
    """Who wrote the logs of this end, by the messages that one log alone tells of.

    A message that several logs tell of does not say which of them is whose; where all of them are
    of one product, it is that of both ends.
    """
    logs = {name for name, source in sources.items() if source.kind == "log"}
    if not logs:
        return set()
    alone, together = set[str](), set[str]()
    for message in peer.messages:
        source, end = message.ref.source, message.dst if message.arrived else message.src
        if not message.seen and (end != address or source in alone):
            continue  # as nearly all are
        saw = {source, *(ref.source for ref in message.seen)} & logs
        if len(saw) == 1 and end == address:
            alone |= saw
        elif len(saw) > 1:
            together |= saw
        if alone == logs:
            break
    if alone:
        return {_family(sources[name].format, _BY_DIALECT) for name in alone}
    families = {_family(sources[name].format, _BY_DIALECT) for name in together}
    return families if len(families) == 1 else set()


def _by_vendor_ids(peer: PeerView, address: str) -> set[str | None]:
    return {
        _family(name, _BY_VENDOR_ID)
        for sa in peer.ike_sas
        for sender, name in sa.vendor_ids
        if sender == address
    }


def _family(name: str, table: Mapping[str, str]) -> str | None:
    return next((family for start, family in table.items() if name.startswith(start)), None)
