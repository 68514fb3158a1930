"""Black holes of a report under other policies: what is asked of the captures, and the results."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy
from analyzers.model.time import nanoseconds, seconds
from analyzers.whatif.replay import Left, Loss, Replay, Silence
from analyzers.whatif.timing import Timing, as_told, timing_of
from analyzers.whatif.windows import Flow, Packets, Window


class Candidate(Struct, frozen=True):
    """A policy that is tried, under the name it is shown by."""

    label: str
    policy: DpdPolicy
    own: bool = False
    """What the device itself does."""
    why: tuple[str, ...] = ()
    """Where it is recommended: the reason in one line, then formulas with the numbers put in."""
    lines: tuple[str, ...] = ()
    """Where it is recommended: the configuration of it."""
    met: bool = True
    """False where it is recommended, and comes only near to what was asked for."""

    @property
    def timing(self) -> Timing | None:
        """None where the interval or the waits are not known."""
        return timing_of(self.policy)

    @property
    def told(self) -> Timing | None:
        """The timing as it is told: see `as_told`."""
        return timing_of(as_told(self.policy))


class Result(Struct, frozen=True):
    """A candidate in one black hole."""

    candidate: Candidate
    left: Left | None
    """With the peer gone at the last proof of life. None: the timing is not known."""
    least: Left | None = None
    """With the peer gone when it was first asked in vain; None where it was not asked."""
    comparable: bool = True
    """False: the observed window is a mere bound, of which nothing can be saved."""

    def saved(self, hole: BlackHole) -> Loss:
        """What would not have been lost; negative where more would have been.

        Of a black hole that goes on when the input ends, a later end is no more and no less.
        """
        if self.left is None or not self.comparable:
            return Loss(None, None, None)
        worst = self.left.worst
        more = self.left.at_least and worst.packets is not None
        packets = None if worst.packets is None or more else hole.max_packets - worst.packets
        size = None if worst.bytes is None or more else hole.max_bytes - worst.bytes
        goes_on = hole.stop_basis is StopBasis.CAPTURE_END and hole.dead_ns is None
        goes_on = goes_on and self.left.at_least
        lasted = None if worst.seconds is None or goes_on else hole.max_seconds - worst.seconds
        if self.candidate.own and lasted is not None and self.left.at_least:
            lasted = max(lasted, 0.0)  # it lasted as long: nothing more was sent until its verdict
        return Loss(lasted, packets, size)


class Study(Struct, frozen=True):
    """One black hole under all candidates."""

    peer: PeerView
    hole: BlackHole
    results: tuple[Result, ...]
    """() where no policy changes anything."""
    note: str = ""
    """Why no policy helps, where none does."""


class _Running(Struct):
    peer: PeerView
    hole: BlackHole
    candidates: Sequence[Candidate]
    replays: list[tuple[Replay | None, Replay | None]]
    fed: int = 0
    """Packets so far."""


class Simulation:
    """Replays black holes; asks for `windows`, is fed their packets, has `studies` then."""

    def __init__(
        self,
        cases: Sequence[tuple[PeerView, BlackHole, Sequence[Candidate]]],
        hold_s: float | None = None,
    ) -> None:
        """`hold_s`: hold time of a routing protocol over the tunnel, which ends the loss too."""
        self._hold_s = hold_s
        self.windows: list[Window] = []
        self._running: list[_Running] = []
        self._of_window: list[_Running] = []
        for peer, hole, candidates in cases:
            self._add(peer, hole, candidates, hold_s)

    def _add(
        self,
        peer: PeerView,
        hole: BlackHole,
        candidates: Sequence[Candidate],
        hold_s: float | None,
    ) -> None:
        worst = silence_of(peer, hole, hold_s)
        late = None
        if hole.first_probe_ns is not None and hole.traffic_known:
            late = silence_of(peer, hole, hold_s, failed_ns=hole.first_probe_ns)
        replays: list[tuple[Replay | None, Replay | None]] = []
        for candidate in candidates:
            timing = candidate.timing
            replays.append(
                (
                    None if timing is None else Replay(worst, timing),
                    None if timing is None or late is None else Replay(late, timing),
                )
            )
        running = _Running(peer, hole, candidates, replays)
        window = window_of(peer, hole)
        if window is not None:
            self.windows.append(window)
            self._of_window.append(running)
        self._running.append(running)

    def feed(self, packets: Packets) -> None:
        """Some packets of a window."""
        running = self._of_window[packets.window]
        # At the very time of its end, what is sent before and after it look alike.
        missing = running.hole.max_packets - running.fed
        at_ns, sizes = packets.at_ns[:missing], packets.sizes[:missing]
        running.fed += len(at_ns)
        for pair in running.replays:
            for replay in pair:
                if replay is not None:
                    replay.feed(at_ns, sizes)

    def studies(self) -> tuple[Study, ...]:
        """The results, once every packet of every window was fed."""
        return tuple(self._study(running) for running in self._running)

    def _study(self, running: _Running) -> Study:
        hole = running.hole
        note = why_no_policy_helps(hole)
        if note and (self._hold_s is None or not hole.max_packets):
            return Study(running.peer, hole, (), note)
        untold = any(c.own and c.timing is None for c in running.candidates)
        comparable = hole.traffic_known or (hole.begin_known and not untold)
        results = []
        for candidate, (worst, late) in zip(running.candidates, running.replays, strict=True):
            left = None if worst is None else worst.left()
            if left is not None and not hole.traffic_known:
                left = _without_traffic(left, hole, candidate.timing)
            least = None if late is None else late.left()
            results.append(Result(candidate, left, least, comparable))
        return Study(running.peer, hole, tuple(results), note)


def silence_of(
    peer: PeerView, hole: BlackHole, hold_s: float | None = None, *, failed_ns: int | None = None
) -> Silence:
    """A black hole as a policy meets it; the peer is gone since the last proof of life."""
    if failed_ns is None:
        failed_ns = hole.last_proof_ns
    if failed_ns is None:
        # Nothing of the peer before it: the silence is as old as what was sent into it.
        start_ns = hole.stop_ns - nanoseconds(hole.max_seconds)
        failed_ns = (hole.first_exposed_ns or start_ns) - 1
    by_itself = _ended_by_itself(hole)
    teardown_ns = 0
    if hole.dead_ns is not None and not by_itself:
        teardown_ns = max(0, hole.stop_ns - hole.dead_ns)
    ends = [_lifetime_ns(peer, failed_ns)]
    if hold_s is not None:
        ends.append(failed_ns + nanoseconds(hold_s))
    return Silence(
        failed_ns=failed_ns,
        stop_ns=hole.stop_ns,
        ended_by_itself=by_itself,
        answered=hole.black_hole_class is BlackHoleClass.DATA_PLANE,
        teardown_ns=teardown_ns,
        limit_ns=min((end_ns for end_ns in ends if end_ns is not None), default=None),
    )


def _ended_by_itself(hole: BlackHole) -> bool:
    """Whether its end has nothing to do with a verdict of the sender."""
    if hole.stop_basis is StopBasis.PROOF:
        return True
    if hole.stop_basis in (StopBasis.REPLACEMENT, StopBasis.DELETE):
        return hole.dead_ns is None or hole.dead_ns > hole.stop_ns
    return False


def _lifetime_ns(peer: PeerView, at_ns: int) -> int | None:
    """When the IKE SA in use at a time expires, if its lifetime is known."""
    ends = [
        sa.established_ns + nanoseconds(sa.lifetime_s)
        for sa in peer.ike_sas
        if sa.established_ns is not None and sa.lifetime_s and sa.established_ns <= at_ns
    ]
    return max((end_ns for end_ns in ends if end_ns > at_ns), default=None)


def window_of(peer: PeerView, hole: BlackHole) -> Window | None:
    """What has to be read of the captures for a black hole; None: nothing was sent, or is known."""
    if not hole.traffic_known or not hole.max_packets or hole.first_exposed_ns is None:
        return None
    # A replacement begins with its first packet, which is not lost.
    end_ns = hole.stop_ns - (hole.stop_basis is StopBasis.REPLACEMENT)
    return Window(frozenset(_flows(peer, hole)), hole.first_exposed_ns, end_ns)


def _flows(peer: PeerView, hole: BlackHole) -> list[Flow]:
    """The flows that the sender of a black hole sent into it."""
    remote = {peer.remote, *peer.addresses}
    outbound = hole.sender not in remote
    return [
        (flow.sender, flow.receiver, int(flow.spi, 16))
        for flow in peer.esp_flows
        if ((flow.receiver if outbound else flow.sender) in remote)
        and ((flow.sender if outbound else flow.receiver) not in remote)
        and (not hole.spis or flow.spi in hole.spis)
    ]


def _without_traffic(left: Left, hole: BlackHole, timing: Timing | None) -> Left:
    """From a log alone: seconds as if something was always to be sent, packets unknown (5.4)."""
    verdict = None if timing is None else timing.verdict()
    if verdict is None:
        return Left(Loss(None, None, None), None, None, None, None, at_least=True)
    teardown_s = 0.0
    if hole.dead_ns is not None and not _ended_by_itself(hole):
        teardown_s = seconds(max(0, hole.stop_ns - hole.dead_ns))
    later = verdict.later(teardown_s)
    lost = Loss(later.last_s, None, None)
    return Left(lost, later.first_s, later.mean_s, None, verdict, at_least=False)


def why_no_policy_helps(hole: BlackHole) -> str:
    """A sentence; empty where policies differ."""
    if hole.black_hole_class is BlackHoleClass.DATA_PLANE:
        return (
            "the peer answers questions while ESP does not come back: no DPD policy notices it,"
            " a routing protocol or a test through the tunnel does"
        )
    if hole.traffic_known and not hole.max_packets:
        return "nothing was sent into it: no policy would have saved anything"
    return ""
