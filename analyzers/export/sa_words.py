"""What is said of IKE SAs: who offered DPD, and what stays unread without keys."""

from __future__ import annotations

from analyzers.model.sa import IkeSa


def dpd_vendor_id(sa: IkeSa) -> str:
    """Who offered DPD in phase 1."""
    said = {True: "yes", False: "no", None: "not seen"}
    initiator, responder = sa.dpd_vendor_id
    if initiator is responder:
        return {
            True: "both sent the DPD vendor ID",
            False: "neither sent the DPD vendor ID",
            None: "DPD vendor ID not seen",
        }[initiator]
    return f"DPD vendor ID: initiator {said[initiator]}, responder {said[responder]}"


def unknown_informationals(number: int) -> str:
    """Why some encrypted Informationals were not judged, and what would help."""
    if number == 1:
        return (
            "1 encrypted IKEv1 Informational could not be told apart without keys: "
            "give them with --keys."
        )
    return (
        f"{number:,} encrypted IKEv1 Informationals could not be told apart without keys: "
        "give them with --keys."
    )
