"""One peer as its rules see it: its view, and what many rules ask about it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from statistics import median
from typing import Any, NamedTuple

from msgspec import Struct, field

from analyzers.model.alignment import ClockBasis
from analyzers.model.configuration import Configuration
from analyzers.model.exchange import Delete, Exchange
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.peer import PeerView
from analyzers.model.records import Basis, Confidence, ProblemKind, Ref, SourceInfo
from analyzers.model.sa import EspFlow, IkeSa, SaEnd
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS
from analyzers.rules.expected import Expected, expected_policy
from analyzers.rules.options import Thresholds
from analyzers.rules.requests import Request, requests_of
from analyzers.rules.vendor import vendor_of

PHASE1_KINDS = frozenset(
    {MessageKind.MAIN_MODE, MessageKind.AGGRESSIVE, MessageKind.SA_INIT, MessageKind.AUTH}
)


class Place(NamedTuple):
    """What a message was taken for; one of them is set."""

    exchange: Exchange | None = None
    transmission: int | None = None
    """Its number in the exchange, from 0; None for the answer."""
    delete: Delete | None = None


def _up_ns(sa: IkeSa) -> int:
    return sa.established_ns or 0


class Case(Struct, frozen=True, dict=True):
    """A peer with its inputs; what is derived is worked out when a rule first asks for it."""

    peer: PeerView
    sources: tuple[SourceInfo, ...] = ()
    configurations: tuple[Configuration, ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)

    # --- inputs ----------------------------------------------------------------------------

    @cached_property
    def source(self) -> dict[str, SourceInfo]:
        """Inputs by id."""
        return {info.id: info for info in self.sources}

    def is_log(self, ref: Ref) -> bool:
        """Whether a place is a line of a log."""
        info = self.source.get(ref.source)
        return info is not None and info.kind == "log"

    def confidence_in_offers(self, sas: Iterable[IkeSa]) -> Confidence:
        """How far it is known what was not offered: a log may lack the line that tells it."""
        logged = any(self.is_log(ref) for sa in sas for ref in sa.refs[:1])
        return Confidence.INFERRED if logged else Confidence.CERTAIN

    def is_placed(self, ref: Ref) -> bool:
        """Whether the time of a log's line is known against all other inputs."""
        info = self.source.get(ref.source)
        return len(self.sources) <= 1 or (
            info is not None and info.clock_basis is not ClockBasis.NONE
        )

    def is_unsure(self, ref: Ref, of: Ref) -> bool:
        """Whether a line may be of another session than what it seems to be about, elsewhere."""
        info = self.source.get(ref.source)
        return ref.source != of.source and info is not None and info.clock_unsure

    def have_an_order(self, one: Ref, other: Ref) -> bool:
        """Whether times of two places tell which was first: not by a clock that is contradicted."""
        infos = [self.source.get(ref.source) for ref in (one, other)]
        return one.source == other.source or not any(
            info is not None and info.clock_contradicted_ns for info in infos
        )

    @cached_property
    def captured(self) -> bool:
        """Packets of this peer were captured: what is absent was not sent, or not there."""
        return bool(self.peer.esp_flows) or any(
            m.basis is not Basis.LOG for m in self.peer.messages
        )

    @cached_property
    def timed(self) -> bool:
        """Times are times, not just an order (logs without stamps)."""
        return self.peer.first_ns >= ORDER_LIMIT_NS

    @cached_property
    def clock_was_set(self) -> bool:
        """Times of an input run backwards, or a capture's ahead: a distance across that is none
        that was kept."""
        return any(
            p.kind is ProblemKind.TIME_BACKWARDS
            or (p.kind is ProblemKind.CLOCK_SET and info.kind == "capture")
            for info in self.sources
            for p in info.problems
        )

    @cached_property
    def coarse_sources(self) -> frozenset[str]:
        """Inputs that stamp whole seconds: their intervals are off by up to 1 s either way."""
        known, fine = set[str](), set[str]()
        for message in self.peer.messages:
            source = message.ref.source
            if source not in fine:
                (fine if message.at_ns % NS_PER_SECOND else known).add(source)
                if fine == self.source.keys():
                    break
        return frozenset(known - fine)

    def heard(self, address: str) -> bool:
        """Whether anything this end sends can be seen at all."""
        return address not in self.peer.unheard

    @cached_property
    def one_direction(self) -> bool:
        """Nothing of one end was captured: absence proves nothing (dpd-semantics 5.6)."""
        return bool(self.peer.unheard)

    @cached_property
    def end_ns(self) -> int:
        """When the input ends."""
        return self.peer.last_ns if self.peer.until_ns is None else self.peer.until_ns

    # --- ends ------------------------------------------------------------------------------

    @cached_property
    def ends(self) -> tuple[str, str]:
        """Local and remote."""
        return self.peer.local, self.peer.remote

    def other(self, address: str) -> str:
        """The other end."""
        return self.peer.remote if self.is_local(address) else self.peer.local

    def is_local(self, address: str) -> bool:
        """Whether an address is one of the local end; the remote end may have had several."""
        return address == self.peer.local or (
            address != self.peer.remote and address not in self.peer.addresses
        )

    def vendor(self, address: str) -> str | None:
        """Family of the device at an address ("cisco-ios", "strongswan" …), see `vendor`."""
        known = self._vendors.get(address, "")
        if known == "":
            known = vendor_of(self.peer, self.configurations, self.source, address)
            self._vendors[address] = known
        return known

    @cached_property
    def _vendors(self) -> dict[str, str | None]:
        """Families that were asked for, by address."""
        return {}

    def expected(self, holder: str, ike_version: int | None = None) -> Expected | None:
        """What the timers of a holder are held against; None where nothing is known."""
        version = self.ike_version if ike_version is None else ike_version
        if (holder, version) not in self._expected:
            found = expected_policy(self.peer, holder, self.vendor(holder), version)
            self._expected[holder, version] = found
        return self._expected[holder, version]

    @cached_property
    def _expected(self) -> dict[tuple[str, int | None], Expected | None]:
        """Policies that were asked for, by holder and IKE version."""
        return {}

    @cached_property
    def ike_version(self) -> int | None:
        """The version of the latest IKE SA, where it is told."""
        last = self.peer.ike_sas[-1] if self.peer.ike_sas else None
        return last.ike_version if last is not None and last.version_told else None

    # --- SAs and messages ------------------------------------------------------------------

    @cached_property
    def sas(self) -> dict[str, IkeSa]:
        """IKE SAs by id."""
        return {sa.id: sa for sa in self.peer.ike_sas}

    @cached_property
    def flows_of(self) -> dict[str, list[EspFlow]]:
        """ESP flows by SPI; both directions may have the same one."""
        found: dict[str, list[EspFlow]] = defaultdict(list)
        for flow in self.peer.esp_flows:
            found[flow.spi].append(flow)
        return dict(found)

    @cached_property
    def messages(self) -> dict[str, list[IkeMessage]]:
        """Messages by id of the IKE SA, in the order of time."""
        found: dict[str, list[IkeMessage]] = defaultdict(list)
        for message in self.peer.messages:
            if message.ike_sa:
                found[message.ike_sa].append(message)
        return dict(found)

    @cached_property
    def packets(self) -> dict[str, list[IkeMessage]]:
        """The messages that a capture shows, by id of the IKE SA, in the order of time."""
        found: dict[str, list[IkeMessage]] = defaultdict(list)
        for message in self.peer.messages:
            if message.ike_sa and message.basis is not Basis.LOG:
                found[message.ike_sa].append(message)
        return dict(found)

    @cached_property
    def message_at(self) -> dict[Ref, IkeMessage]:
        """Messages by their place."""
        return {message.ref: message for message in self.peer.messages}

    @cached_property
    def requests(self) -> dict[str, list[Request]]:
        """Captured IKEv2 requests by id of the IKE SA, in the order of time."""
        return {
            sa.id: requests_of(self.packets.get(sa.id, ()))
            for sa in self.peer.ike_sas
            if sa.ike_version == 2
        }

    @cached_property
    def places(self) -> dict[Ref, Place]:
        """What each message of an exchange, and each Delete, was taken for."""
        found: dict[Ref, Place] = {}
        for exchange in self.peer.exchanges:
            for number, sent in enumerate(exchange.transmissions):
                found[sent.ref] = Place(exchange, number)
            for answer in exchange.answers:
                found[answer.ref] = Place(exchange)
        for delete in self.peer.deletes:
            found.setdefault(delete.ref, Place(delete=delete))
        return found

    def begins(self, sa: IkeSa) -> bool:
        """Whether the first exchange of an IKE SA was seen."""
        first = next(iter(self.messages.get(sa.id, ())), None)
        return first is not None and first.kind in PHASE1_KINDS and not first.encrypted

    def has_taken_over(self, exchange: Exchange) -> bool:
        """Whether another IKE SA took the place of the one that a question was asked on.

        Then that is deleted because it is used no more: no verdict on who did not answer.
        """
        sa = self.sas.get(exchange.ike_sa)
        if sa is None or sa.ended_ns is None:
            return False
        replaced = sa.end is SaEnd.REPLACED and sa.ended_ns <= exchange.first_ns
        return replaced or sa.end is SaEnd.REKEYED

    def newer_sa(self, exchange: Exchange) -> IkeSa | None:
        """By a log, the IKE SA that had taken the place of one before this was asked on it.

        It was set up since the last answer on the older one, and was there when that was given up.
        """
        verdict_ns = exchange.verdict_ns
        if exchange.verdict_ref is None or verdict_ns is None:
            return None
        answers = self._answers_ns.get(exchange.ike_sa, [])
        answered = bisect_right(answers, exchange.first_ns)
        if not answered:
            return None
        begin = bisect_right(self._set_up, answers[answered - 1], key=_up_ns)
        end = bisect_right(self._set_up, exchange.first_ns, key=_up_ns)
        for sa in self._set_up[begin:end]:
            if sa.id != exchange.ike_sa and (sa.ended_ns is None or sa.ended_ns > verdict_ns):
                return sa
        return None

    @cached_property
    def _answers_ns(self) -> dict[str, list[int]]:
        """When questions were answered, by id of the IKE SA, in order."""
        found: dict[str, list[int]] = defaultdict(list)
        for exchange in self.peer.exchanges:
            if exchange.answer is not None:
                found[exchange.ike_sa].append(exchange.answer.at_ns)
        return {ike_sa: sorted(times) for ike_sa, times in found.items()}

    @cached_property
    def _set_up(self) -> list[IkeSa]:
        """IKE SAs by the time at which they were up."""
        return sorted((sa for sa in self.peer.ike_sas if sa.established_ns is not None), key=_up_ns)

    # --- exchanges -------------------------------------------------------------------------

    @cached_property
    def exchanges_of(self) -> dict[str, list[Exchange]]:
        """Exchanges by IKE SA, in the order of time."""
        found: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in self.peer.exchanges:
            found[exchange.ike_sa].append(exchange)
        return dict(found)

    def asked_by(self, prober: str) -> list[Exchange]:
        """Exchanges of one prober, in the order of time."""
        return self._asked_by.get(prober, [])

    @cached_property
    def _asked_by(self) -> dict[str, list[Exchange]]:
        found: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in self.peer.exchanges:
            found[exchange.prober].append(exchange)
        return dict(found)

    @cached_property
    def _rtts_ns(self) -> dict[str, int]:
        times: dict[str, list[int]] = defaultdict(list)
        for exchange in self.peer.exchanges:
            rtt_ns = exchange.rtt_ns
            if rtt_ns is not None:
                times[exchange.ike_sa].append(rtt_ns)
        return {ike_sa: round(median(known)) for ike_sa, known in times.items()}

    def rtt_ns(self, ike_sa: str) -> int | None:
        """Median round trip of the answered exchanges of one IKE SA."""
        return self._rtts_ns.get(ike_sa, self.peer.rtt_ns)

    # --- what modules of rules derive ------------------------------------------------------

    @cached_property
    def derived(self) -> dict[object, Any]:
        """What functions with `once` have worked out."""
        return {}
