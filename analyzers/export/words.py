"""What the engine's words mean, in sentences: the same ones in every front end.

ASCII only, so that they need no twin; a caller that has a nicer sign (a multiplication sign, an
arrow) passes it in. What is inferred says so in the sentence itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.export.formatting import count_range, counted, duration, timer
from analyzers.export.given_up import both_gave_up, gave_us_up
from analyzers.export.spans import ToldState, death_confidence, is_ike_only
from analyzers.export.troubles import is_asking_blocked
from analyzers.export.unlisted import NOT_SHOWN, hidden_questions, not_shown
from analyzers.model.black_hole import BlackHole, BlackHoleClass, PhaseName, StopBasis
from analyzers.model.exchange import DeleteProtocol, Exchange, ExchangeKind, Lost, Outcome
from analyzers.model.peer import LocalBasis, PeerState, PeerView
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.rules.reached import never_answered

CUT_SHORT: Final = 0.95
"""Share of the spacing of retries under which the last wait was cut short by something else."""

STATE: Final = {
    PeerState.ALIVE: "alive",
    PeerState.QUESTIONABLE: "questionable",
    PeerState.PROBING: "probing",
    PeerState.DEAD: "dead",
    PeerState.DELETED: "deleted",
    PeerState.UNKNOWN: "unknown",
}

STATE_MEANS: Final = {
    PeerState.ALIVE: "fresh proof of life came from the peer",
    PeerState.QUESTIONABLE: "packets go out and nothing fresh comes back; nobody asked yet",
    PeerState.PROBING: "the peer was asked and has not answered yet",
    PeerState.DEAD: "the peer was asked until the last retry and never answered",
    PeerState.DELETED: "the IKE SA was deleted",
    PeerState.UNKNOWN: "the input does not tell",
}

CEASED_MEANS: Final = {
    PeerState.QUESTIONABLE: ("packets went out, nothing fresh came back, and nobody asked again"),
    PeerState.UNKNOWN: "the peer was asked, did not answer, and was not asked again",
}
"""The same where questions stopped without an answer and without a verdict."""


IKE_ONLY: Final = "IKE alive, no ESP back"
"""A peer that answers while nothing else comes from it."""


def state_word(state: PeerState, confidence: Confidence, *, by_remote: bool = False) -> str:
    """A state in a word or two; a death that no log confirms is what the prober did: gave up.

    `by_remote`: it was the remote side that gave the local one up.
    """
    if state is PeerState.DEAD and by_remote:
        return "gave us up"
    if state is PeerState.DEAD and confidence is not Confidence.CERTAIN:
        return "given up"
    return STATE[state]


GIVEN_UP_BY_BOTH: Final = "given up by both"
"""A peer that gave up while it was given up."""
NEVER_ANSWERED: Final = "never answered"
"""A peer that was asked to negotiate again and again, and of which nothing came."""


def peer_word(peer: PeerView) -> str:
    """The state of a peer in a word or two, and whose verdict it is."""
    if is_ike_only(peer):
        return IKE_ONLY
    if never_answered(peer):
        return NEVER_ANSWERED
    # Only for a death it matters whose verdict it is, and that costs a look at all questions.
    if both_gave_up(peer):
        return GIVEN_UP_BY_BOTH
    by_remote = peer.state is PeerState.DEAD and gave_us_up(peer)
    return state_word(peer.state, peer.confidence, by_remote=by_remote)


def stretch_word(
    peer: PeerView, state: PeerState, confidence: Confidence, *, by_remote: bool = False
) -> str:
    """`state_word` of a stretch of a peer's time."""
    if state is PeerState.UNKNOWN and never_answered(peer):
        return NEVER_ANSWERED
    return state_word(state, confidence, by_remote=by_remote)


def told_word(peer: PeerView, span: ToldState) -> str:
    """`stretch_word` as lanes tell it: of a death whose verdict it is."""
    if span.ike_only:
        return IKE_ONLY
    by_remote = span.state is PeerState.DEAD and gave_us_up(peer, span.start_ns)
    return stretch_word(peer, span.state, death_confidence(peer), by_remote=by_remote)


def peer_phrase(peer: PeerView) -> str:
    """`peer_word` with how far it can be relied on."""
    return peer_word(peer) + doubt(peer)


def doubt(peer: PeerView) -> str:
    """What to append to the state of a peer: nothing where it is certain."""
    # That nothing came is seen; the state that it leaves open is what is in doubt.
    return "" if never_answered(peer) else confidence_mark(peer.confidence)


def state_means(peer: PeerView) -> str:
    """What the state of a peer says."""
    if never_answered(peer):
        return "it was asked to negotiate again and again, and nothing came back"
    if both_gave_up(peer):
        return "each end asked the other one until its last retry, and gave it up"
    ceased_ns = {x.ceased_ns for x in peer.whole.exchanges}
    ceased_ns |= {hole.ceased_ns for hole in peer.whole.black_holes}
    if any(span.start_ns in ceased_ns for span in peer.states[-1:]):
        return CEASED_MEANS[peer.state]
    return STATE_MEANS[peer.state]


# --- how it is known ------------------------------------------------------------------------

BASIS: Final = {
    Basis.DECRYPTED: "decrypted",
    Basis.HEADER: "header",
    Basis.LOG: "log",
    Basis.CORRELATED: "correlated",
    Basis.RHYTHM: "rhythm",
}

BASIS_MEANS: Final = {
    Basis.DECRYPTED: "read from the message itself, decrypted with the given keys",
    Basis.HEADER: "read from what the headers show without keys",
    Basis.LOG: "said by a device's log",
    Basis.CORRELATED: "a log names the message that the capture shows",
    Basis.RHYTHM: "told from lengths, directions and timing, without keys",
}

CONFIDENCE: Final = {
    Confidence.CERTAIN: "certain",
    Confidence.INFERRED: "inferred",
    Confidence.SUSPECT: "suspect",
}

CONFIDENCE_MEANS: Final = {
    Confidence.CERTAIN: "the input shows it",
    Confidence.INFERRED: "follows from what the input shows, by rules that can fail",
    Confidence.SUSPECT: "one reading of several: do not rely on it alone",
}


def confidence_mark(confidence: Confidence) -> str:
    """What to append to a statement: nothing when certain, else " (inferred)" or " (suspect)"."""
    return "" if confidence is Confidence.CERTAIN else f" ({CONFIDENCE[confidence]})"


def known_by(basis: Basis, confidence: Confidence) -> str:
    """Basis and confidence in two words: "header, certain"."""
    return f"{BASIS[basis]}, {CONFIDENCE[confidence]}"


LOCAL_BASIS: Final = {
    LocalBasis.GIVEN: "given with --local",
    LocalBasis.CONFIG: "named by a configuration",
    LocalBasis.INTERFACE: "the address of an interface that was captured on",
    LocalBasis.LOG: "named by a log",
    LocalBasis.MOST_COMMON: "the most common address of the input",
    LocalBasis.INITIATOR: "the initiator, as far as the input shows",
}

# --- exchanges ------------------------------------------------------------------------------

KIND: Final = {
    ExchangeKind.DPD: "R-U-THERE",
    ExchangeKind.LIVENESS: "liveness check",
    ExchangeKind.IOS_KEEPALIVE: "IOS keepalive",
}
KINDS: Final = {
    ExchangeKind.DPD: "R-U-THERE exchanges",
    ExchangeKind.LIVENESS: "liveness checks",
    ExchangeKind.IOS_KEEPALIVE: "IOS keepalives",
}
"""The plural of `KIND`."""

OUTCOME: Final = {
    Outcome.ANSWERED: "answered",
    Outcome.UNANSWERED: "unanswered",
    Outcome.OPEN: "open",
}

OUTCOME_MEANS: Final = {
    Outcome.ANSWERED: "the other side proved that it lives",
    Outcome.UNANSWERED: "no answer before the prober gave up",
    Outcome.OPEN: "the input shows neither an answer nor that the prober gave up",
}

DELETE_OF: Final = {
    DeleteProtocol.IKE: "IKE SA",
    DeleteProtocol.ESP: "ESP SA",
    DeleteProtocol.AH: "AH SA",
    DeleteProtocol.UNKNOWN: "an SA (which one cannot be told)",
}

SA_END: Final = {
    SaEnd.DELETE: "deleted",
    SaEnd.DEAD_PEER: "ended: peer given up",
    SaEnd.REKEYED: "rekeyed",
    SaEnd.REPLACED: "replaced",
    SaEnd.FAILED: "an attempt that failed",
    SaEnd.LOST: "lost, as its device started anew",
}

# --- black holes ----------------------------------------------------------------------------

CLASS: Final = {
    BlackHoleClass.IDLE: "idle",
    BlackHoleClass.DATA_PLANE: "data plane",
    BlackHoleClass.MISSING_DPD: "missing DPD",
    BlackHoleClass.TRANSIENT: "transient",
    BlackHoleClass.SLOW_TEARDOWN: "slow teardown",
    BlackHoleClass.SLOW_DPD: "slow DPD",
    BlackHoleClass.DETECTED: "detected",
    BlackHoleClass.OPEN: "open",
}

CLASS_WHY: Final = {
    BlackHoleClass.IDLE: "the peer went away, but nothing was being sent to it",
    BlackHoleClass.DATA_PLANE: (
        "IKE kept answering while ESP stayed silent; liveness checks cannot see this fault"
    ),
    BlackHoleClass.MISSING_DPD: (
        "who sent did not ask whether the peer lives, and packets went nowhere"
    ),
    BlackHoleClass.TRANSIENT: "the peer came back before a verdict",
    BlackHoleClass.SLOW_TEARDOWN: "the SA stayed in use for more than 2 s after the verdict",
    BlackHoleClass.SLOW_DPD: "asked, but the verdict came later than the budget",
    BlackHoleClass.DETECTED: "asked, and given up within the budget",
    BlackHoleClass.OPEN: "the input ends before this silence can be judged",
}

PHASE: Final = {
    PhaseName.UNQUESTIONED: "unquestioned",
    PhaseName.UNPROBED: "unprobed",
    PhaseName.PROBING: "probing",
    PhaseName.TEARDOWN: "teardown",
    PhaseName.RECOVERY: "recovery",
}

PHASE_MEANS: Final = {
    PhaseName.UNQUESTIONED: "silence too short to doubt the peer",
    PhaseName.UNPROBED: "doubt, but no probe: interval and mode decide this",
    PhaseName.PROBING: "asking until the verdict: the retry policy decides this",
    PhaseName.TEARDOWN: "the SA was still used after the verdict",
    PhaseName.RECOVERY: "until the peer was reached again",
}

STOP: Final = {
    StopBasis.DELETE: "stopped: the SA was removed",
    StopBasis.REPLACEMENT: "stopped: traffic moved to a replacement",
    StopBasis.PROOF: "ended: the peer proved that it lives",
    StopBasis.LAST_OUTBOUND: "stopped: last packet sent into it",
    StopBasis.CAPTURE_END: "the capture ends here, still sending",
}


def lost(where: Lost, prober: str, responder: str, *, by_capture: bool = False) -> str:
    """Where a question without an answer was lost, by the names of its ends.

    `by_capture`: a second capture tells it, and no log.
    """
    by = f"the capture near {responder}" if by_capture else f"the log of {responder}"
    match where:
        case Lost.REQUEST if by_capture:
            return f"the question was lost on its way: {by} does not have it"
        case Lost.REQUEST:
            return f"the question was lost on its way to {responder}, whose log has none"
        case Lost.ANSWER:
            return f"the answer was lost on its way to {prober}: {by} has it"
        case Lost.UNREAD:
            return f"the answer was captured on its way to {prober}, whose log has none"
        case Lost.NEVER_ANSWERED:
            return f"the question arrived: {by} has it, and no answer"
        case Lost.TOO_LATE:
            return f"{responder} answered when {prober} had given it up, as the log of that says"


def lost_between(hole: BlackHole, receiver: str) -> str:
    """What two captures tell of the packets of a black hole; empty where they do not."""
    told = []
    if hole.lost_there is not None:
        of = f"all of them came by the capture near {receiver}"
        if hole.lost_there:
            lost = f"{hole.lost_there:,} of {counted(hole.max_packets, 'packet')}"
            of = f"{lost} did not come by the capture near {receiver}"
        told.append(of)
    if hole.lost_back:
        back = counted(hole.lost_back, "packet")
        told.append(f"{back} of {receiver} were lost meanwhile on the way back")
    return "; ".join(told)


def phase(hole: BlackHole, name: PhaseName) -> str:
    """A phase in a word: questions that were answered are no probing."""
    if name is PhaseName.PROBING and hole.black_hole_class is BlackHoleClass.DATA_PLANE:
        return "answered"
    if name is PhaseName.UNPROBED and hole.spis:
        return "unnoticed"
    if name is PhaseName.UNPROBED and hole.unread:
        return "unprobed or probing"
    return PHASE[name]


def phase_means(hole: BlackHole, name: PhaseName) -> str:
    """What a phase is, for people who ask."""
    if name is PhaseName.PROBING and hole.black_hole_class is BlackHoleClass.DATA_PLANE:
        return "liveness was asked and answered: it cannot see this fault"
    if name is PhaseName.UNPROBED and hole.spis:
        return "nothing asks after one Child SA among others"
    if name is PhaseName.UNPROBED and hole.unread:
        sent = counted(hole.unread, "encrypted Informational")
        return f"doubt, and {sent} as long as a question: without keys nobody can tell"
    return PHASE_MEANS[name]


def stop(hole: BlackHole, *, ongoing: bool = False) -> str:
    """What ended a black hole; empty where there was nothing to end.

    `ongoing`: what ends with it is what is known so far, and not the input.
    """
    data_plane = hole.black_hole_class is BlackHoleClass.DATA_PLANE
    if data_plane and hole.stop_basis is StopBasis.PROOF:
        return "ended: ESP came back"
    if hole.black_hole_class is BlackHoleClass.IDLE and hole.stop_basis in _NOTHING_SENT:
        return ""
    given_up = hole.dead_ns is not None and hole.dead_ns >= hole.stop_ns
    if ongoing and hole.stop_basis is StopBasis.CAPTURE_END:
        return "last packet sent into it so far" if given_up else "still sending"
    if hole.stop_basis is not StopBasis.CAPTURE_END:
        return STOP[hole.stop_basis]
    ends = f"the {end_of_input(hole)} ends here"
    if given_up:
        return f"last packet sent into it; {ends}, too"
    return STOP[hole.stop_basis] if hole.traffic_known else ends


def end_of_input(hole: BlackHole) -> str:
    """What ends where a black hole is cut off: logs may go on behind the last packet."""
    return "capture" if hole.traffic_known else "input"


_NOTHING_SENT: Final = (StopBasis.LAST_OUTBOUND, StopBasis.CAPTURE_END)


def is_censored(hole: BlackHole) -> bool:
    """Whether a black hole was cut off by the end of the input: its bounds are then "at least"."""
    return hole.stop_basis is StopBasis.CAPTURE_END and hole.max_seconds > 0


def is_over(hole: BlackHole) -> bool:
    """Whether the SA was gone, another in its place, or the peer back, before the input ended."""
    gone = hole.stop_basis in (StopBasis.DELETE, StopBasis.REPLACEMENT)
    return gone or hole.recovered_ns is not None


def is_presumed(hole: BlackHole) -> bool:
    """Whether nothing but the end of the input tells of the verdict: no retry is missing yet."""
    suspect = hole.dead_basis == "inferred" and hole.confidence is Confidence.SUSPECT
    return suspect and hole.dead_ns == hole.stop_ns and is_censored(hole)


def clock_in_doubt(hole: BlackHole) -> str:
    """What is to be said of the time of a verdict whose clock is contradicted; empty otherwise."""
    off_ns = hole.verdict_clock_off_ns
    if off_ns is None:
        return ""
    return f"; its clock was set by hand, and by messages it is {duration(off_ns)} off"


DECLARED_DEAD: Final = "declared dead"


def verdict_phrase(hole: BlackHole, exchange: Exchange | None) -> str:
    """How the verdict of a black hole is known; `exchange` is the one that ran out, if known."""
    if hole.dead_ns is None:
        return "no verdict"
    if hole.dead_basis == "log":
        return f"{DECLARED_DEAD} (said by the log{clock_in_doubt(hole)})"
    if exchange is None or hole.dead_ns <= exchange.last_ns:
        return "given up (inferred)"
    waited_ns = hole.dead_ns - exchange.last_ns
    last = "last retry" if exchange.retries else "only probe"
    if exchange.retries:
        gap_ns = exchange.last_ns - exchange.transmissions[-2].at_ns
        if is_presumed(hole):
            ends = f"the capture ends {duration(waited_ns)} after the {last}"
            return f"perhaps given up (suspect: {ends}; retries came every {duration(gap_ns)})"
        if waited_ns < gap_ns * CUT_SHORT:
            # Something that happened, the end of the input too, came before the full wait.
            return f"given up about here (inferred: {last} + {duration(waited_ns)})"
    return f"given up (inferred: {last} + {timer(waited_ns / NS_PER_SECOND)})"


# --- questions that nobody saw ----------------------------------------------------------------


def why_no_question(peer: PeerView) -> str:
    """Why no liveness exchange is listed: what the input can tell, or that a filter hides them."""
    hidden = hidden_questions(peer)
    if hidden:
        return not_shown(hidden, "question")
    if is_asking_blocked(peer):
        return "none could be asked: another request was sent again and again without an answer"
    if any(sa.end is SaEnd.DEAD_PEER for sa in peer.ike_sas):
        return "the log shows the verdict, not the questions"
    if not peer.ike_messages:
        return "the input shows no IKE message"
    if peer.unknown_informationals:
        return "whether anybody asked cannot be told without keys"
    if is_of_logs(peer):
        return "a log need not show them"
    if peer.unheard:
        return "only one direction was captured, in which nobody asked"
    return "nobody asked whether the other side lives"


def no_question(peer: PeerView) -> str:
    """The same in two words, for a table."""
    if peer.whole.exchanges:
        return NOT_SHOWN
    if peer.unknown_informationals:
        return "unknown"
    if is_of_logs(peer):
        return "not logged"
    return "unknown" if peer.unheard else "none asked"


def is_of_logs(peer: PeerView) -> bool:
    """Whether nothing of a peer was captured: of what logs leave out nobody can tell."""
    whole = peer.whole
    return not whole.esp_flows and all(m.basis is Basis.LOG for m in whole.messages)


def packets_lost(holes: Sequence[BlackHole]) -> str:
    """The packets of all black holes whose traffic is known; empty if none is."""
    known = [hole for hole in holes if hole.traffic_known]
    if not known:
        return ""
    low, high = sum(h.min_packets for h in known), sum(h.max_packets for h in known)
    return count_range(low, high, "packet")


def packets_counted(holes: Sequence[BlackHole]) -> str:
    """What counters say of black holes that no capture shows; empty if they say nothing."""
    counted = [h for h in holes if h.counted_least is not None or h.counted_most is not None]
    if not counted:
        return ""
    low = sum(hole.counted_least or 0 for hole in counted)
    most = [hole.counted_most for hole in holes]
    known = [number for number in most if number is not None]
    into = "it" if len(holes) == 1 else "them"
    if len(known) < len(most):
        if not low:
            return ""
        return f"{count_range(low, low, 'packet')} or more sent into {into}, by counters"
    return f"{count_range(low, max(low, sum(known)), 'packet')} sent into {into}, by counters"


def untold(hole: BlackHole) -> str:
    """What went into a black hole that no capture shows."""
    return packets_counted([hole]) or "a log does not show what was sent into it"
