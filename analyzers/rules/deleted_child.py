"""Which Delete of a Child SA a silence of ESP began with."""

from __future__ import annotations

from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Delete, DeleteProtocol
from analyzers.model.sa import EspFlow
from analyzers.rules.case import Case


def silencing_delete(case: Case, hole: BlackHole) -> Delete | None:
    """The Delete of a Child SA by the end that is silent, before its ESP had been unusually so.

    Without keys it does not say which Child SA it is about: then there must be one alone.
    """
    if hole.last_proof_ns is None or hole.questionable_ns is None:
        return None
    usual_ns = hole.questionable_ns - hole.last_proof_ns
    back = [f for f in case.peer.esp_flows if f.sender == hole.receiver]
    came_ns = max((f.last_ns for f in back if f.first_ns < hole.begin_ns), default=0)
    for delete in case.peer.deletes:
        if (
            delete.protocol is DeleteProtocol.ESP
            and delete.sender == hole.receiver
            and abs(delete.at_ns - came_ns) < usual_ns
            and deleted_flows(case, delete, hole)
        ):
            return delete
    return None


def deleted_flows(case: Case, delete: Delete, hole: BlackHole) -> list[EspFlow]:
    """The flows into a silence that its Delete takes away."""
    found = [
        flow
        for flow in case.peer.esp_flows
        if flow.sender == hole.sender
        and flow.first_ns < delete.at_ns < flow.last_ns
        and (not delete.spis or flow.spi in delete.spis)
        and (not hole.spis or flow.spi in hole.spis)
    ]
    return found if len(found) == 1 or delete.spis else []
