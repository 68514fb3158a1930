"""Whether the peer offered DPD in a phase 1 that `debug crypto isakmp` shows."""

from __future__ import annotations

import pytest

from analyzers.model.log_events import LogEventKind
from tests.log_text import events_of

PEER = "198.51.100.9"
STAMP = "*Mar  1 00:0{}:00.000: "
BEGUN = f"ISAKMP:(0): sending packet to {PEER} my_port 500 peer_port 500 (I) MM_NO_STATE"
ASKED = f"ISAKMP (0): received packet from {PEER} dport 500 sport 500 Global (N) NEW SA"
OTHER = "ISAKMP:(0): vendor ID seems Unity/DPD but major 69 mismatch"
UNITY = "ISAKMP:(1007): vendor ID is Unity"
DPD = "ISAKMP:(1007): vendor ID is DPD"
KEYS = f"ISAKMP (1007): received packet from {PEER} dport 500 sport 500 Global (I) MM_SA_SETUP"
UP = "ISAKMP:(1007):Old State = IKE_I_MM6  New State = IKE_P1_COMPLETE"
_OFFERS = (LogEventKind.DPD_VENDOR_ID, LogEventKind.NO_DPD_VENDOR_ID)


def offers(*lines: str) -> list[tuple[LogEventKind, bool | None, str | None, str | None]]:
    text = "\n".join(f"{STAMP.format(n % 10)}{line}" for n, line in enumerate(lines)) + "\n"
    told = [event for event in events_of(text) if event.kind in _OFFERS]
    return [(event.kind, event.sent, event.remote, event.handle) for event in told]


@pytest.mark.parametrize("begun", [BEGUN, ASKED], ids=["initiator", "responder"])
def test_vendor_ids_without_that_of_dpd(begun: str) -> None:
    expected = [(LogEventKind.NO_DPD_VENDOR_ID, False, PEER, "1007")]
    assert offers(begun, OTHER, KEYS, UNITY, UP) == expected
    assert offers(begun, OTHER, KEYS, UP) == expected


@pytest.mark.parametrize(
    "lines",
    [
        (BEGUN, OTHER, KEYS, DPD, UNITY, UP),
        (BEGUN, OTHER, BEGUN, KEYS, DPD, BEGUN, UNITY, UP),
    ],
    ids=["offered", "begun again"],
)
def test_the_vendor_id_of_dpd_is_among_them(lines: tuple[str, ...]) -> None:
    assert [kind for kind, *_ in offers(*lines)] == [LogEventKind.DPD_VENDOR_ID]


@pytest.mark.parametrize(
    "lines",
    [(OTHER, KEYS, UNITY, UP), (BEGUN, KEYS, UP), (BEGUN, OTHER, KEYS, UNITY)],
    ids=["its start is not there", "no vendor ID is shown", "not through"],
)
def test_nobody_knows(lines: tuple[str, ...]) -> None:
    assert offers(*lines) == []


def test_each_phase_1_is_one_of_its_own() -> None:
    again = UNITY.replace("1007", "1008"), UP.replace("1007", "1008")
    told = offers(BEGUN, OTHER, KEYS, DPD, UP, BEGUN, OTHER, KEYS.replace("1007", "1008"), *again)
    assert [(kind, handle) for kind, _, _, handle in told] == [
        (LogEventKind.DPD_VENDOR_ID, "1007"),
        (LogEventKind.NO_DPD_VENDOR_ID, "1008"),
    ]
