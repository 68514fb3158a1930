"""What is wrong with peers that no rule and no black hole tells: tunnels that do not come up."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.export.formatting import counted
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import ProblemKind
from analyzers.model.sa import SaEnd

_TOLD = 3
_ONCE_UP = (SaEnd.DEAD_PEER, SaEnd.REKEYED, SaEnd.REPLACED)


def open_requests(peer: PeerView) -> list[str]:
    """Requests that are no liveness questions and met no answer, each as a sentence."""
    return [p.detail for p in peer.whole.problems if p.kind is ProblemKind.REQUEST_UNANSWERED]


def is_asking_blocked(peer: PeerView) -> bool:
    """Whether a request without an answer kept everybody from asking anything else.

    One that begins an IKE SA does so only where none was established: others could be asked on.
    """
    established = any(sa.established_ns is not None for sa in peer.whole.ike_sas)
    return any(not (established and _begins_sa(said)) for said in open_requests(peer))


def _begins_sa(request: str) -> bool:
    return request.startswith(("IKE_SA_INIT ", "IKE_AUTH "))


def _came_up(peer: PeerView) -> bool:
    """Whether the input shows, or leaves room for, an IKE SA that was established."""
    if peer.esp_flows or peer.whole.exchanges or peer.shown:
        return True
    if peer.last_proof_ns is not None and peer.state is not PeerState.UNKNOWN:
        return True
    if not peer.ike_sas or any(
        sa.established_ns is not None or sa.end in _ONCE_UP for sa in peer.ike_sas
    ):
        return True
    # What was deleted may have been up before the input begins.
    return not open_requests(peer) and any(sa.end is SaEnd.DELETE for sa in peer.ike_sas)


def troubles(peers: Sequence[PeerView]) -> list[str]:
    """What of the peers hints at a tunnel that does not work, in sentences; the rest is counted."""
    said = [f"{peer.local} and {peer.remote}: {told}" for peer in peers if (told := _of(peer))]
    more = len(said) - _TOLD
    return said[:_TOLD] + ([counted(more, "more peer") + " like that"] if more > 0 else [])


def clause(peers: Sequence[PeerView]) -> tuple[str, str]:
    """The same as a clause of the verdict, and in fewer words; empty where nothing is."""
    dark = sum(1 for peer in peers if not _came_up(peer))
    if dark:
        whose = f" with {counted(dark, 'peer')}" if len(peers) > 1 else ""
        return f"no IKE SA was seen to come up{whose}", "no IKE SA seen up"
    number = sum(len(open_requests(peer)) for peer in peers)
    said = counted(number, "request") + " without an answer"
    return (said, said) if number else ("", "")


def _of(peer: PeerView) -> str:
    requests = open_requests(peer)
    failed = sum(1 for sa in peer.ike_sas if sa.end is SaEnd.FAILED)
    told = [] if _came_up(peer) else ["no IKE SA was seen to come up"]
    if failed:
        told.append(f"{counted(failed, 'attempt')} at an IKE SA failed")
    return "; ".join([*told, *requests])
