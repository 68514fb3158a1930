"""Why a black hole is of its class, in a sentence."""

from __future__ import annotations

from typing import Final

from analyzers.export.words import CLASS_WHY, end_of_input, is_over, is_presumed
from analyzers.model.black_hole import BlackHole, BlackHoleClass, PhaseName

CEASED: Final = "its questions stopped without an answer, and without a verdict"


def class_why(hole: BlackHole) -> str:
    """What a black hole is one for."""
    if hole.spis:
        return one_child(hole)
    if hole.black_hole_class is BlackHoleClass.OPEN and hole.removed_ns is not None:
        return f"the receiver had removed the SA; the {end_of_input(hole)} ends before that shows"
    if hole.black_hole_class is BlackHoleClass.OPEN and _is_perhaps_answered(hole):
        return "its questions may have been answered unseen: nobody can tell"
    if hole.ceased_ns is not None:
        return CEASED
    if hole.black_hole_class is BlackHoleClass.OPEN and is_over(hole):
        return "it was over before any verdict"
    if hole.black_hole_class is BlackHoleClass.DATA_PLANE and hole.counted_anew_ns is not None:
        return (
            "IKE kept answering, and ESP came with sequence numbers that were used before;"
            " liveness checks cannot see this fault"
        )
    if hole.black_hole_class is BlackHoleClass.DETECTED and is_presumed(hole):
        return "asked, and perhaps given up within the budget, as the capture ends"
    return CLASS_WHY[hole.black_hole_class]


def _is_perhaps_answered(hole: BlackHole) -> bool:
    """Whether it was asked in a black hole, and nobody knows whether that was in vain."""
    probing = any(phase.name is PhaseName.PROBING for phase in hole.phases)
    return hole.first_probe_ns is None and probing


def one_child(hole: BlackHole) -> str:
    """Why a black hole is one although the peer lives: a single Child SA fell silent."""
    spis = " and ".join(hole.spis)
    return f"only the Child SA with SPI {spis} fell silent; others of the same peer went on"
