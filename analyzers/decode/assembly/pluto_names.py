"""What the names of pluto's states say: which SA they are, and what they wait for."""

from __future__ import annotations

from typing import Final

from analyzers.model.observations import MessageKind

_IKE_NAMES: Final = (
    *("MAIN_", "AGGR_", "XAUTH_", "MODE_CFG_", "PARENT_", "V2_PARENT_", "IKE_SA", "V2_IKE_"),
    *("ESTABLISHED_IKE_SA", "V2_ESTABLISHED_IKE_SA", "ISAKMP"),
)
_ESTABLISHED: Final = (
    *("MAIN_I4", "MAIN_R3", "AGGR_I2", "AGGR_R2", "PARENT_I3", "PARENT_R2", "QUICK_I2", "QUICK_R2"),
    *("V2_IPSEC_I", "V2_IPSEC_R", "V2_ESTABLISHED_CHILD_SA", "ESTABLISHED_CHILD_SA"),
    *("ESTABLISHED_IKE_SA", "V2_ESTABLISHED_IKE_SA", "XAUTH_R1", "XAUTH_I1", "MODE_CFG_R1"),
    *("MODE_CFG_I1", "QUICK_R1"),
)
# What is retransmitted in a state whose name begins so.
_ASKED: Final = (
    ("MAIN", 1, MessageKind.MAIN_MODE),
    ("AGGR", 1, MessageKind.AGGRESSIVE),
    ("QUICK", 1, MessageKind.QUICK_MODE),
    ("XAUTH", 1, MessageKind.TRANSACTION),
    ("PARENT_I1", 2, MessageKind.SA_INIT),
    ("V2_PARENT_I1", 2, MessageKind.SA_INIT),
    ("IKE_SA_INIT", 2, MessageKind.SA_INIT),
    ("PARENT_I2", 2, MessageKind.AUTH),
    ("V2_PARENT_I2", 2, MessageKind.AUTH),
    ("IKE_AUTH", 2, MessageKind.AUTH),
)
# States whose silent requests are liveness questions.
_LIVE: Final = frozenset({"ESTABLISHED_IKE_SA", "V2_ESTABLISHED_IKE_SA", "PARENT_I3", "PARENT_R2"})


def is_ike_name(state_name: str) -> bool:
    """Whether a state of this name is an IKE SA."""
    return state_name.removeprefix("STATE_").startswith(_IKE_NAMES)


def is_established_name(state_name: str) -> bool:
    """Whether an SA in a state of this name is or was in use."""
    return state_name.removeprefix("STATE_") in _ESTABLISHED


def asked_in(state_name: str, busy: bool) -> tuple[int, MessageKind | None]:
    """IKE version, and the request whose answer is awaited in a state of this name.

    An established IKE SA asks silently whether its peer lives; when it is `busy`, another request
    may be what is waited for, and nothing is certain.
    """
    name = state_name.removeprefix("STATE_")
    if name in _LIVE:
        return 2, None if busy else MessageKind.LIVENESS
    for prefix, version, kind in _ASKED:
        if name.startswith(prefix):
            return version, kind
    return 2, None
