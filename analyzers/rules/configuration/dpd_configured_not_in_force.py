"""dpd-configured-not-in-force: the device itself shows an SA that is up without its setting."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.addresses import same_address
from analyzers.model.configuration import ConfigFormat, Configuration, DpdSetting
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.model.records import Confidence, Ref
from analyzers.model.snapshot import SaSnapshot, Snapshot
from analyzers.rules.configuration.estate import Estate, Usage, device_name
from analyzers.rules.configuration.examples import site, tunnel
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for usage in estate.usages:
        setting = usage.setting
        if setting is None or not setting.explicit or setting.policy.mode is PolicyMode.DISABLED:
            continue
        for peer in usage.connection.remotes:
            last = _shown_last(estate, usage, setting, peer.address)
            if last is None:
                continue
            snapshot, entry = last
            dpd = entry.dpd
            if dpd is None or dpd.active is not False:
                continue
            command = snapshot.command or snapshot.format.value
            about = usage.configuration, peer.address, entry.ike_version
            yield Found(
                without_dpd(*about, command, dpd.evidence),
                (setting.ref, Ref(snapshot.source, dpd.line or entry.line)),
                remedy=remedy_at(*about),
                confidence=Confidence.INFERRED,
            )


def _shown_last(
    estate: Estate, usage: Usage, setting: DpdSetting, remote: str
) -> tuple[Snapshot, SaSnapshot] | None:
    """What the device of a connection showed last of DPD with a peer."""
    versions = {usage.connection.ike_version, setting.ike_version} - {None}
    found = [
        (snapshot, entry)
        for snapshot in estate.shown
        if _is_of(snapshot, usage.configuration)
        for entry in snapshot.entries
        if entry.ike_version is not None
        and versions <= {entry.ike_version}
        and same_address(entry.remote, remote)
        and entry.dpd is not None
        and entry.dpd.active is not None
    ]
    return found[-1] if found else None


def _is_of(snapshot: Snapshot, configuration: Configuration) -> bool:
    """Whether the device of a configuration showed it: by its name, else in the same file."""
    if snapshot.hostname and configuration.hostname:
        return snapshot.hostname == configuration.hostname
    return snapshot.source == configuration.source


def without_dpd(
    configuration: Configuration,
    other: str,
    ike_version: int | None,
    command: str,
    evidence: str | None,
) -> str:
    """What an output shows, held against a configuration with DPD."""
    # Nothing is agreed in IKEv2: each end asks as it is set when the SA comes up.
    unless = "" if ike_version == 2 else f", or {other} does not offer DPD"
    return (
        f"{device_name(configuration)} has DPD configured for {other}, but {command} shows its IKE"
        f" SA without DPD in force ({evidence}): the SA is older than the setting{unless}."
    )


def remedy_at(configuration: Configuration, other: str, ike_version: int | None) -> str:
    """What to do, in IKEv1 at both ends."""
    if ike_version == 2:
        return negotiate_anew(configuration)
    return f"{negotiate_anew(configuration)} If it still is without DPD, switch that on at {other}."


def negotiate_anew(configuration: Configuration) -> str:
    """How the SAs come to be negotiated anew."""
    if configuration.format is ConfigFormat.CISCO_IOS:
        return "clear crypto session, so that the SAs are negotiated anew with DPD."
    return "Bring the tunnel down and up, so that its SAs are negotiated anew with DPD."


_SITE = site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3 periodic")


_V2 = tunnel("192.0.2.1", "198.51.100.7", dpd="crypto ikev2 dpd 10 2 periodic").replace(
    "set transform-set T", "set ikev2-profile F"
)


def _detail_v2(interval_s: int) -> str:
    """The output of a router that is up with one peer in IKEv2."""
    return (
        f"R1#show running-config\n{_V2}end\n\nR1#show crypto ikev2 sa detail\n"
        " IPv4 Crypto IKEv2  SA \n\n"
        "Tunnel-id Local                 Remote                fvrf/ivrf            Status \n"
        "1         192.0.2.1/500         198.51.100.7/500      none/none            READY  \n"
        "      Life/Active Time: 86400/3912 sec\n"
        f"      DPD configured for {interval_s} seconds, retry {min(interval_s, 2)}\n\nR1#\n"
    )


def _detail(capability: str) -> str:
    """The output of a router that is up with one peer."""
    return (
        f"R1#show running-config\n{_SITE}end\n\nR1#show crypto isakmp sa detail\n"
        "Codes: C - IKE configuration mode, D - Dead Peer Detection\n"
        "IPv4 Crypto ISAKMP SA\n\n"
        "C-id  Local           Remote          I-VRF  Status Encr Hash   Auth DH Lifetime Cap.\n\n"
        "1001  192.0.2.1       198.51.100.7           ACTIVE aes  sha256 psk  14 23:10:00"
        f" {capability}\n       Engine-id:Conn-id =  SW:1\n\nR1#\n"
    )


RULE = ConfigurationRule(
    id="dpd-configured-not-in-force",
    severity=Severity.WARNING,
    title="DPD is configured, but an IKE SA that is up was negotiated without it",
    rationale=(
        "DPD is agreed in phase 1, by a vendor ID of both ends (IKEv1), or set when an SA comes up"
        " (IKEv2). What is configured later does nothing until its SAs are negotiated anew."
    ),
    remedy="Clear the SAs, so that they are negotiated anew with DPD.",
    source="RFC 3706 section 5.1; M. Conran, Dead Peer Detection",
    check=_check,
    fires=((_detail(""),), (_detail_v2(0),)),
    silent=((_detail("D"),), (_SITE,), (_detail_v2(10),)),
)
