"""What each role of a unit has asked, and what became of it: the evidence a silence is judged by.

Everything here is as it was at a place in the order of arrival; exchanges may be ahead of it.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from msgspec import Struct, field

from analyzers.model.exchange import Transmission
from analyzers.model.records import Basis, Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.deafness import Deafness
from analyzers.tracking.holes import MISSING_DPD_NS, Run
from analyzers.tracking.judgement import Removed, SentSince, Window
from analyzers.tracking.sending import sent_on
from analyzers.tracking.silence import NEVER, Silence, SilenceClock
from analyzers.tracking.silence_rows import SilenceRows
from analyzers.tracking.tracks import ExchangeTrack, Mark, MarkKind, UnitTrack

# A question this old without an answer counts as lost, even if it was not repeated yet.
_LOST_NS: Final = 2 * NS_PER_SECOND
# Who was heard less than this ago is in use.
_HEARD_NS: Final = NS_PER_SECOND
_RECENT_MESSAGES: Final = 64
# Who speaks so far apart is missed after so many times as long.
_TIMES_APART: Final = 1.5
# What came in so long ago on another SA is still to be expected on this one.
_LATELY_NS: Final = 300 * NS_PER_SECOND
# Fewer than so many packets may be anything.
_LEAST_CAME: Final = 4
_RECENT_UNITS: Final = 16


class RoleState(Struct):
    """What is known of one unit and role beyond its clocks."""

    unit: UnitTrack
    role: int
    run: ExchangeTrack | None = None
    """The exchange that is unanswered now."""
    sent: list[Transmission] = field(default_factory=list)
    """What was sent of it so far; the exchange itself may be ahead of the moment judged."""
    since_probe: SentSince = field(default_factory=SentSince)
    """From the first question since the last proof on."""
    aside: tuple[ExchangeTrack | None, list[Transmission], SentSince] | None = None
    """The same of the exchange before: on an SA and its renewed one it is asked in turn."""
    last_probe_ns: int = NEVER
    asks_anyway: bool = False
    """It asks while it is heard and hears: its questions say nothing of its traffic."""
    implied_ns: int = NEVER
    """When the last answer that was not captured was proven, by the question that followed."""
    answered_since_ns: int = NEVER
    """Last inbound ESP before the silence of ESP that `answered_ns` belongs to."""
    answered_ns: int | None = None
    """First answer in that silence to a question asked in it."""
    answered_asked_ns: int | None = None
    answered_ref: Ref | None = None
    own_answers_ns: tuple[int, int] = (NEVER, NEVER)
    """When the last two answers came to what it asked itself."""
    in_vain_ns: int = NEVER
    """First question of its own since the last one that was answered."""
    removed: Removed | None = None
    delete_ns: int = NEVER
    delete_ref: Ref | None = None
    deferred: list[Window] = field(default_factory=list)
    """Silences that IKE ended while ESP stayed silent: judged when ESP's own silence ends."""
    stopped_ns: int | None = None
    """When another SA took over."""

    @property
    def own_answer_ns(self) -> int:
        """When the last answer came to what it asked itself."""
        return self.own_answers_ns[1]

    def note_own_answer(self, at_ns: int) -> None:
        """What it asked itself was answered."""
        self.in_vain_ns = NEVER
        self.own_answers_ns = (self.own_answer_ns, at_ns)

    def take_up(self, exchange: ExchangeTrack) -> None:
        """Go on with another exchange than the last one, with what is known of it so far."""
        last = self.run, self.sent, self.since_probe
        if self.aside is not None and self.aside[0] is exchange:
            self.run, self.sent, self.since_probe = self.aside
        else:
            of_exchange = {t.ref for t in exchange.transmissions}
            self.run = exchange
            self.sent = [t for t in self.sent if t.ref in of_exchange]
        self.aside = last

    def removed_in(self, silence: Silence, stop_ns: int) -> Removed | None:
        """What is known of the other side's SA in a silence: none that ended it."""
        found = self.removed
        within = found is not None and silence.last_proof_ns <= found.at_ns <= stop_ns
        return found if within else None

    def is_after(self, sent: Transmission, silence: Silence) -> bool:
        """Whether a question is not settled by the last proof, be it by the proof it is itself."""
        proof_ns = silence.last_proof_ns
        return sent.at_ns > proof_ns or sent.at_ns == proof_ns == self.implied_ns


class Questions:
    """The questions of every unit and role."""

    def __init__(
        self,
        units: list[UnitTrack],
        any_clock: SilenceClock,
        esp_clock: SilenceClock,
        report_ns: int,
    ) -> None:
        self._units = units
        self._any = any_clock
        self._esp = esp_clock
        self._report_ns = report_ns
        self._states: dict[tuple[int, int], RoleState] = {}
        self._waiting: dict[tuple[int, int, MarkKind], SentSince] = {}
        self._answered_units: set[int] = set()
        self.deafness = Deafness()
        self.midway: set[tuple[int, int, int]] = set()
        """Units, roles and places where a flow came in that had begun before the capture."""

    def of(self, unit: int, role: int) -> RoleState:
        """What is known of a unit and role."""
        state = self._states.get((unit, role))
        if state is None:
            state = RoleState(self._units[unit], role)
            self._states[unit, role] = state
        return state

    def stopped_ns(self, unit: int, role: int) -> int | None:
        """When another SA took over, if one did."""
        state = self._states.get((unit, role))
        return None if state is None else state.stopped_ns

    def open(self) -> set[tuple[int, int]]:
        """Units and roles with an unanswered question."""
        return {key for key, state in self._states.items() if state.run is not None}

    def begin_batch(self, rows: SilenceRows) -> None:
        """The rows of a new batch: some may be the first to follow an open question."""
        for key in list(self._waiting):
            self._find_first_out(rows, key)

    def is_answered(self, unit: int) -> bool:
        """Whether a question on this unit was ever answered."""
        return unit in self._answered_units

    def probe(self, rows: SilenceRows, state: RoleState, mark: Mark) -> None:
        """A question was sent, or sent again."""
        exchange = mark.exchange
        state.last_probe_ns = mark.at_ns
        if state.in_vain_ns == NEVER:
            state.in_vain_ns = mark.at_ns
        if exchange is None:
            return
        silence = self._any.at(mark.unit, mark.role, mark.place)
        if not state.asks_anyway and mark.at_ns - silence.last_proof_ns < _HEARD_NS:
            other = self._esp.at(mark.unit, 1 - mark.role, mark.place)
            state.asks_anyway = mark.at_ns - other.last_proof_ns < _HEARD_NS
        heard = state.unit.peer.heard[1 - mark.role]
        if (
            heard
            and exchange.since_proof_ns is None
            and NEVER < silence.last_proof_ns != state.implied_ns
        ):
            exchange.since_proof_ns = max(0, mark.at_ns - silence.last_proof_ns)
        earlier = next((t for t in reversed(exchange.transmissions) if t.at_ns < mark.at_ns), None)
        if earlier is not None and not state.is_after(earlier, silence):
            exchange.note_heard_before(mark.at_ns)
        older = bool(state.sent) and state.is_after(state.sent[-1], silence)
        if state.run is not exchange:
            if older and len(state.sent) > 1 and not (state.run and state.run.dissolved):
                return  # an older question is still open: the silence counts from there
            state.take_up(exchange)
            older = bool(state.sent) and state.is_after(state.sent[-1], silence)
        state.sent.append(Transmission(mark.at_ns, 0, mark.ref))
        if not older:
            # The first question since the last proof: what leaves from here on is lost for sure.
            state.since_probe = self._sent_since(rows, mark, silence)

    def removed(self, rows: SilenceRows, state: RoleState, mark: Mark) -> None:
        """The other side has the SA no more, and had none before if it said so before."""
        silence = self._any.at(mark.unit, mark.role, mark.place)
        if state.removed is not None and state.removed.at_ns > silence.last_proof_ns:
            return
        state.removed = Removed(mark.at_ns, mark.ref, self._sent_since(rows, mark, silence))

    @staticmethod
    def deleted(state: RoleState, mark: Mark) -> None:
        """An SA is deleted; one beside the SA that is asked on is no verdict on that."""
        if state.run is None or mark.delete is None or mark.delete.sa is state.run.sa:
            state.delete_ns, state.delete_ref = mark.at_ns, mark.ref

    def answered(self, state: RoleState, mark: Mark) -> None:
        """An answer came in."""
        exchange = mark.exchange
        if exchange is None or exchange.listed:
            self._answered_units.add(mark.unit)
        state.note_own_answer(mark.at_ns)
        if exchange is not None and exchange.listed:
            self._note_answer(state, mark, exchange)
        if exchange is not None and exchange is state.run:
            self._end_run(state)

    @staticmethod
    def retracted(state: RoleState, mark: Mark) -> None:
        """The message of the mark was no answer."""
        if state.answered_ref == mark.ref:
            state.answered_ns = state.answered_ref = None
        if state.role == mark.role and mark.exchange is not None:
            state.in_vain_ns = mark.exchange.first_ns
            state.own_answers_ns = (NEVER, state.own_answers_ns[0])

    def answered_other(self, state: RoleState, mark: Mark) -> None:
        """What the other side asked was answered: its IKE lives as much as if it were asked.

        It asks because it hears nothing any more, or nothing would come of it anyway.
        """
        exchange = mark.exchange
        if exchange is not None and exchange.listed:
            self._note_answer(state, mark, exchange)

    def _note_answer(self, state: RoleState, mark: Mark, exchange: ExchangeTrack) -> None:
        """Note the first answer within a silence of ESP: IKE lives, the data plane may not."""
        if exchange.is_unheard(mark.at_ns):
            return
        esp = self._esp.at(mark.unit, state.role, mark.place)
        esp, _ = sent_on(esp, mark.at_ns)
        if state.answered_since_ns != esp.last_proof_ns or not self.is_answered_in(state, esp):
            state.answered_since_ns, state.answered_ns = esp.last_proof_ns, None
        if state.answered_ns is None and NEVER < esp.first_out_ns <= exchange.first_ns:
            state.answered_ns, state.answered_ref = mark.at_ns, mark.ref
            state.answered_asked_ns = exchange.first_ns

    def unheard(self, state: RoleState, exchange: ExchangeTrack) -> None:
        """What was answered is asked again: nothing shows that IKE gets through."""
        if state.answered_asked_ns == exchange.first_ns:
            state.answered_ns = None

    def implied(self, state: RoleState, mark: Mark) -> None:
        """An answer that was not captured: the peer lives, and the capture may be deaf."""
        if mark.exchange is not None and mark.exchange.listed:
            self._answered_units.add(mark.unit)
        esp = self._esp.at(mark.unit, mark.role, mark.place)
        stretch = self.deafness.implied(
            state.unit, mark.role, mark.asked_ns, mark.at_ns, mark.ref, esp.last_proof_ns
        )
        state.implied_ns = mark.at_ns
        state.note_own_answer(mark.at_ns)
        stopped = stretch is not None and esp.last_proof_ns + self._report_ns >= stretch.since_ns
        if stretch is not None and stopped:
            stretch.hides |= NEVER < esp.first_out_ns <= mark.at_ns - self._report_ns
        if mark.exchange is state.run:
            self._end_run(state)

    def is_unheard(self, state: RoleState, run: Run | None, place: int | None) -> bool:
        """Whether a silence is the capture's: it is deaf, and no retry says otherwise."""
        if run is not None and len(run.sent) > 1:
            return False
        esp_ns = self.look(state.unit, state.role, place).last_proof_ns
        return self.deafness.is_deaf(state.unit.index, state.role, esp_ns)

    def answered_within(
        self, state: RoleState, silence: Silence, end_ns: int, place: int = NEVER
    ) -> bool:
        """Whether a question asked within a silence of ESP was answered, and ESP stayed silent.

        Where the capture begins with the silence, only a flow that is older than it, or the SA
        before it, tells that there was anything to come, and a pause that long is needed to make
        it a silence. What was asked in vain for longer than ESP stayed away after the answer, is
        what kept ESP away, too.
        """
        if silence.last_proof_ns == NEVER:
            key = (state.unit.index, state.role, place)
            if end_ns - silence.first_out_ns < MISSING_DPD_NS:
                return False
            if key not in self.midway and not self._came_before(state, silence, place):
                return False
        if not self.is_answered_in(state, silence):
            return False
        answered_ns = state.answered_ns or 0
        in_vain_ns = answered_ns - (state.answered_asked_ns or 0)
        return end_ns - answered_ns >= max(
            self._report_ns, in_vain_ns
        ) and not self.deafness.explains(
            state.unit.index, state.role, silence.last_proof_ns, end_ns
        )

    def _came_before(self, state: RoleState, silence: Silence, place: int) -> bool:
        """Whether ESP came in on another SA of the peer, not long before a silence."""
        at_place = None if place == NEVER else place
        for unit in state.unit.peer.units[-_RECENT_UNITS:]:
            since_ns = silence.first_out_ns - self.look(unit, state.role, at_place).last_proof_ns
            came = self.look(unit, 1 - state.role, at_place).total_packets
            if unit is not state.unit and 0 <= since_ns <= _LATELY_NS and came >= _LEAST_CAME:
                return True
        return False

    @staticmethod
    def is_answered_in(state: RoleState, silence: Silence) -> bool:
        """Whether IKE was asked and answered in a silence of ESP, however long ago."""
        return (
            state.answered_since_ns == silence.last_proof_ns
            and state.answered_ns is not None
            and (state.answered_asked_ns or 0) >= silence.first_out_ns
        )

    @staticmethod
    def asks_in_vain(state: RoleState, silence: Silence, end_ns: int) -> bool:
        """Whether none of the questions that it asks itself in a silence of ESP is answered.

        Then nothing of it arrives, or nothing comes back, whatever the other side asks.
        """
        since_ns = state.in_vain_ns
        return since_ns > silence.last_proof_ns and end_ns - since_ns >= _LOST_NS

    def _end_run(self, state: RoleState) -> None:
        state.run, state.sent = None, []
        self._waiting.pop((state.unit.index, state.role, MarkKind.PROBE), None)

    def _sent_since(self, rows: SilenceRows, mark: Mark, silence: Silence) -> SentSince:
        """What a role sends from a mark on."""
        key = (mark.unit, mark.role, mark.kind)
        if key in self._waiting:
            return self._waiting[key]  # nothing was sent since the mark before
        since = self._waiting[key] = SentSince()
        same_time = self._find_first_out(rows, key, mark.at_ns, mark.place)
        since.total_before = silence.total_packets - same_time
        return since

    def _find_first_out(
        self,
        rows: SilenceRows,
        key: tuple[int, int, MarkKind],
        since_ns: int = NEVER,
        place: int = NEVER,
    ) -> int:
        """Look for the first packet out at or after a mark.

        Returns how many packets of the same time come before `place` in the order of arrival.
        """
        unit, role, _ = key
        if unit not in rows.segments:
            return 0
        _, start, end = rows.segments[unit]
        out = rows.sent(role).out
        first = bisect_left(out, bisect_left(rows.places, place, start, end))
        same_time = 0
        while first - same_time > 0:
            earlier = out[first - same_time - 1]
            if earlier < start or rows.times[earlier] < since_ns or place == NEVER:
                break
            same_time += 1
        found = first - same_time
        if found < len(out) and out[found] < end:
            self._waiting.pop(key).first_out_ns = rows.times[out[found]]
        return same_time

    def look(self, unit: UnitTrack, role: int, place: int | None) -> Silence:
        """ESP's own clock at a place of this batch, or after all batches."""
        if place is None:
            return self._esp.now(unit.index, role)
        return self._esp.at(unit.index, role, place)

    def since_esp(self, state: RoleState, silence: Silence, place: int | None) -> Silence:
        """A silence from the last ESP on, where only the other side has asked shortly after that.

        What it asks says that it lives, and not that it gets anything.
        """
        esp = self.look(state.unit, state.role, place)
        before_ns = silence.last_proof_ns - esp.last_proof_ns
        own = state.own_answer_ns > esp.last_proof_ns
        if own or NEVER in (esp.last_proof_ns, esp.questionable_ns):
            return silence
        if not 0 < before_ns < self._report_ns:
            return silence
        return silence.since(esp)

    def speaks(self, state: RoleState, now_ns: int) -> bool:
        """Whether the other side goes on with IKE as it did since its ESP stays away.

        That it stays away is in question already.
        """
        peer, since_ns = (
            state.unit.peer,
            self._esp.now(state.unit.index, state.role).questionable_ns,
        )
        heard_ns = [
            message.at_ns
            for message in peer.messages[-_RECENT_MESSAGES:]
            if message.encrypted
            and message.at_ns > since_ns
            and peer.side_of(message.src) != state.role
        ]
        if since_ns == NEVER or not heard_ns:
            return False
        sooner_ns, later_ns = [since_ns, *heard_ns][-2:]
        return now_ns - later_ns < _TIMES_APART * (later_ns - sooner_ns)

    def heard_on_another_sa(self, state: RoleState, silence: Silence, place: int | None) -> bool:
        """Whether the other side still sends on the SA that this one replaces.

        While a new IKE SA takes over, one side may use its Child SAs before the other does.
        """
        if len(state.unit.peer.units) < 2 or state.run is not None:
            return False
        if self.look(state.unit, state.role, place).last_proof_ns != NEVER:
            return False
        return any(
            self.look(unit, state.role, place).last_proof_ns >= silence.first_out_ns
            for unit in state.unit.peer.units[-_RECENT_UNITS:]
            if unit is not state.unit
        )

    def one_way_by_design(self, state: RoleState, place: int | None) -> bool:
        """No ESP ever came in although liveness is answered: only IKE is proof then."""
        return (
            state.unit.index in self._answered_units
            and self.look(state.unit, state.role, place).last_proof_ns == NEVER
        )

    def lost(self, state: RoleState, silence: Silence, at_ns: int) -> Run | None:
        """The open exchange, if something of it was lost for sure by now.

        What was sent before the last proof is settled by it, answered or not.
        """
        if state.run is None:
            return None
        sent = tuple(t for t in state.sent if state.is_after(t, silence))
        if not sent:
            return None
        alone = len(sent) == 1
        if alone and (state.run.basis is Basis.RHYTHM or at_ns - sent[0].at_ns < _LOST_NS):
            return None
        return Run(state.run, sent)
