"""IKE SAs and DPD settings of peers that nothing but outputs of devices tells of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec.structs import replace

from analyzers.configs.profiles import Timers
from analyzers.configs.vendors import PROFILES
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis
from analyzers.model.records import Ref
from analyzers.model.sa import IkeSa
from analyzers.model.snapshot import DpdSetting, SaRole, SaSnapshot, Snapshot, SnapshotFormat
from analyzers.model.time import ORDER_LIMIT_NS, nanoseconds

_UP: Final = re.compile(
    r"(?!.*(?:deleted|NO_STATE)).*\b(?:ESTABLISHED|READY|ACTIVE|QM_IDLE|[AM]M_ACTIVE)\b"
)
_PROFILES: Final = {SnapshotFormat.IOS_IKEV2_SA: "cisco-ios-ikev2"}
"""Where the output tells all that the product needs for its schedule."""


class Told(NamedTuple):
    """One IKE SA in one output."""

    source: str
    snapshot: Snapshot
    entry: SaSnapshot


def with_shown_sas(peer: PeerView, told: Iterable[Told]) -> PeerView:
    """A peer with the IKE SAs that are up and tell who began, and the DPD that was shown last."""
    sas: dict[tuple[int, str], IkeSa] = {}
    policies = peer.policies
    for one in told:
        entry = one.entry
        if entry.dpd is not None and entry.dpd.interval_s:
            policies = (_policy(peer, one, entry.dpd),)
        if entry.ike_version is None or entry.role is None or not _UP.match(entry.state):
            continue
        key = entry.ike_version, entry.initiator_spi or entry.conn_id
        known = sas.get(key)
        last_ns = one.snapshot.at_ns or 0
        if known is None:
            sas[key] = _ike_sa(peer, one, f"{peer.id}-shown{len(sas) + 1}", entry.ike_version)
        else:
            sas[key] = replace(known, last_ns=max(known.last_ns, last_ns))
    return replace(peer, ike_sas=tuple(sas.values()), policies=policies)


def _ike_sa(peer: PeerView, told: Told, name: str, version: int) -> IkeSa:
    entry, at_ns = told.entry, told.snapshot.at_ns or 0
    ends = peer.local, peer.remote
    initiator, responder = ends if entry.role is SaRole.INITIATOR else ends[::-1]
    began_ns = at_ns - nanoseconds(entry.age_s or 0)
    known = entry.age_s is not None and began_ns >= ORDER_LIMIT_NS
    return IkeSa(
        id=name,
        ike_version=version,
        initiator=initiator,
        responder=responder,
        initiator_spi=entry.initiator_spi,
        responder_spi=entry.responder_spi,
        first_ns=began_ns if known else at_ns,
        last_ns=at_ns,
        established_ns=began_ns if known else None,
        ended_ns=None,
        end=None,
        rekeyed_into=None,
        dpd_vendor_id=(None, None),
        vendor_ids=(),
        proposal=entry.encryption or None,
        lifetime_s=None,
        messages=0,
        retransmissions=0,
        refs=(Ref(told.source, entry.line),),
    )


def _policy(peer: PeerView, told: Told, dpd: DpdSetting) -> DpdPolicy:
    """What the device says is in force at its end."""
    ref = Ref(told.source, dpd.line or told.entry.line)
    evidence = f"'{dpd.evidence}' in {told.snapshot.command or told.snapshot.format.value}"
    profile = PROFILES.get(_PROFILES.get(told.snapshot.format, ""))
    if profile is not None:
        timers = Timers(dpd.interval_s, dpd.retry_s, profile.defaults.retries)
        return profile.policy(
            timers, evidence, basis=PolicyBasis.CONFIG, mode=dpd.mode, holder=peer.local, ref=ref
        )
    return DpdPolicy(
        holder=peer.local,
        profile=None,
        mode=dpd.mode,
        interval_s=dpd.interval_s,
        retry_s=dpd.retry_s,
        retries=dpd.retries,
        basis=PolicyBasis.CONFIG,
        worst_case_s=None,
        evidence=evidence,
        ref=ref,
    )
