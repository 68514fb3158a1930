"""Error notifies with which an SA is refused, by what products call them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_NO_PROPOSAL, _AUTHENTICATION = "NO_PROPOSAL_CHOSEN", "AUTHENTICATION_FAILED"
_SELECTORS, _IDENTITIES = "TS_UNACCEPTABLE", "INVALID_ID_INFORMATION"
_NAMES: Final = {
    **{name: name for name in (_NO_PROPOSAL, _AUTHENTICATION, _SELECTORS, _IDENTITIES)},
    # strongSwan
    "NO_PROP": _NO_PROPOSAL,
    "AUTH_FAILED": _AUTHENTICATION,
    "TS_UNACCEPT": _SELECTORS,
    "INVAL_ID": _IDENTITIES,
    # Cisco IOS, debug crypto isakmp
    "PROPOSAL_NOT_CHOSEN": _NO_PROPOSAL,
    # Cisco ASA, with the number of the notify
    "14": _NO_PROPOSAL,
    "18": _IDENTITIES,
    "24": _AUTHENTICATION,
}
"""Steps of a negotiation (another group, a cookie) and what only delays it are none of these."""
_CISCO_V2: Final = {
    "received no proposal chosen notify": (False, _NO_PROPOSAL),
    "failed to find a matching policy": (True, _NO_PROPOSAL),
    "there was no ipsec policy found for received ts": (True, _SELECTORS),
    "failed to authenticate the ike sa": (True, _AUTHENTICATION),
}


def refusal(word: str, version: int) -> str:
    """The name that RFCs have for an error notify that refuses an SA; empty for any other."""
    name = _NAMES.get(word.upper().replace("-", "_"), "")
    return name.replace("_", "-") if version == 1 else name


def refusal_among(notifies: Iterable[str], version: int) -> str:
    """The first refusal of a message's payloads, "N(NO_PROP)" or "NOTIFY(NO_PROPOSAL_CHOSEN)"."""
    words = (n.partition("(")[2].rstrip(")") for n in notifies if n.startswith("N"))
    return next((name for word in words if (name := refusal(word, version))), "")


def cisco_refusal(words: str) -> tuple[bool, str] | None:
    """Whether the device itself refused, and with what, by its words for IKEv2."""
    return _CISCO_V2.get(words.strip().rstrip(".").lower())
