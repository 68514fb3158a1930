"""All built-in dialects."""

from __future__ import annotations

from typing import Final

from analyzers.dialects import (
    cisco_asa,
    cisco_asa_ikev2,
    cisco_ikev2,
    cisco_ipsec,
    cisco_isakmp,
    cisco_syslog,
    cisco_trace,
    fortigate,
    fortigate_events,
    juniper_kmd,
    pluto,
    racoon,
    routeros,
    strongswan,
)
from analyzers.dialects.dialect import Dialect

DIALECTS: Final[tuple[Dialect, ...]] = (
    cisco_isakmp.DIALECT,
    cisco_ikev2.DIALECT,
    cisco_ipsec.DIALECT,
    cisco_trace.DIALECT,
    cisco_syslog.DIALECT,
    strongswan.DIALECT,
    cisco_asa.DIALECT,
    cisco_asa_ikev2.DIALECT,
    pluto.DIALECT,
    fortigate.DIALECT,
    fortigate_events.DIALECT,
    racoon.DIALECT,
    routeros.DIALECT,
    juniper_kmd.DIALECT,
)


def families() -> tuple[str, ...]:
    """What `KIND:PATH` may call a log, in the order of the catalogue."""
    return tuple(dict.fromkeys(d.family or d.name for d in DIALECTS))
