"""dpd-configured-not-in-force: the configuration has DPD, the SA that is up does not."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.addresses import same_address
from analyzers.model.configuration import Configuration, DpdSetting
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import Confidence
from analyzers.model.sa import IkeSa
from analyzers.rules.case import Case
from analyzers.rules.configuration.dpd_configured_not_in_force import (
    negotiate_anew,
    remedy_at,
    without_dpd,
)
from analyzers.rules.configuration.estate import device_name
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs


def _check(case: Case) -> Iterator[Found]:
    for configuration in case.configurations:
        for sa in case.peer.ike_sas:
            yield from _held_against(case, configuration, sa)
        yield from _shown_without(case, configuration)


def is_told(case: Case, sa: IkeSa) -> bool:
    """Whether this rule says what is wrong with an SA."""
    return any(found for c in case.configurations for found in _held_against(case, c, sa))


def _held_against(case: Case, configuration: Configuration, sa: IkeSa) -> Iterator[Found]:
    for own, other, offered in (
        (sa.initiator, sa.responder, sa.dpd_vendor_id),
        (sa.responder, sa.initiator, sa.dpd_vendor_id[::-1]),
    ):
        setting = _setting(case, configuration, own, other, 1) if sa.ike_version == 1 else None
        if setting is None or not setting.explicit or False not in offered:
            continue
        if setting.policy.mode is not PolicyMode.DISABLED:
            by_itself = offered[0] is False
            yield Found(
                _detail(device_name(configuration), own, other, by_itself),
                (setting.ref, *sa.refs[:1]),
                remedy=_remedy_for(configuration, offered[0]),
                confidence=case.confidence_in_offers([sa]),
                at_ns=sa.first_ns,
            )


def _shown_without(case: Case, configuration: Configuration) -> Iterator[Found]:
    """What the device shows of the SA: without DPD in force, whoever did not offer it."""
    own, other = case.ends
    told = [sa for sa in case.peer.shown if sa.ike_version and sa.dpd_active is not None]
    if not told or told[-1].dpd_active:
        return
    shown = told[-1]
    setting = _setting(case, configuration, own, other, shown.ike_version)
    if setting is None or not setting.explicit or setting.policy.mode is PolicyMode.DISABLED:
        return
    yield Found(
        without_dpd(configuration, other, shown.ike_version, shown.command, shown.dpd),
        (setting.ref, shown.ref),
        remedy=remedy_at(configuration, other, shown.ike_version),
        confidence=Confidence.INFERRED,
        at_ns=shown.at_ns,
        end=own,
    )


def _setting(
    case: Case, configuration: Configuration, own: str, other: str, ike_version: int | None
) -> DpdSetting | None:
    """The setting that one end is under; a log need not tell the address of its own device."""
    if any(same_address(own, address) for address in configuration.addresses):
        return configuration.setting_for(own, other, ike_version)
    held = [p.ref for p in case.peer.policies if p.holder == own and p.basis is PolicyBasis.CONFIG]
    setting = configuration.setting_for(None, other, ike_version)
    return setting if setting is not None and setting.policy.ref in held else None


def _detail(device: str, own: str, other: str, by_itself: bool) -> str:
    if by_itself:
        return (
            f"{device} has DPD configured for {other}, but {own} did not send the DPD vendor ID"
            " when this IKE SA was negotiated: the SA is older than the setting, and never asks."
        )
    return (
        f"{device} has DPD configured for {other}, but {other} did not send the DPD vendor ID when"
        " this IKE SA was negotiated: neither end may ask on it."
    )


def _remedy_for(configuration: Configuration, offered: bool | None) -> str:
    """What to do, by whether the configured device offered DPD itself; a log need not show that."""
    if offered is None:
        again = "If the peer still does not offer DPD, switch it on there."
        return f"{negotiate_anew(configuration)} {again}"
    return _AT_THE_PEER if offered else negotiate_anew(configuration)


_AT_THE_PEER = "Switch DPD on at the peer, then negotiate the SAs anew."

RULE = PeerRule(
    id="dpd-configured-not-in-force",
    severity=Severity.WARNING,
    title="DPD is configured, but this IKE SA was negotiated without it",
    rationale=(
        "DPD is agreed in phase 1, by a vendor ID of both ends (IKEv1), or set when an SA comes up"
        " (IKEv2). What is configured later does nothing until its SAs are negotiated anew."
    ),
    remedy="Clear the SAs, so that they are negotiated anew with DPD.",
    source="RFC 3706 section 5.1; M. Conran, Dead Peer Detection",
    needs=(Needs.CONFIGURATION,),
    traps=(
        "phase 1 was not seen whole: nobody knows what was agreed",
        "IKEv2 has no DPD vendor ID",
        "the setting is DPD's default, or switches it off",
    ),
    check=_check,
)
