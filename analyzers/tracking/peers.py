"""Who is a peer: IKE SAs and ESP flows gathered under the two ends that keep them."""

from __future__ import annotations

from typing import Final

from analyzers.decode.flows import FlowIdentity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Problem, ProblemKind, Ref
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.flows import DUPLICATE_NS
from analyzers.tracking.tracks import PeerTrack, SaTrack, UnitTrack

_IKE_PORT: Final = 500
_IKE_PORTS: Final = frozenset({0, _IKE_PORT, 4500})
_PHASE1: Final = (MessageKind.MAIN_MODE, MessageKind.AGGRESSIVE)
_ZERO_SPI: Final = "0" * 16
# Another NAT port with the same addresses is another client behind the NAT, unless the one known
# before has been silent for this long: then it is the same client with a new mapping.
_NAT_SILENCE_NS: Final = 120 * NS_PER_SECOND
# A new IKEv2 SA without IKE_SA_INIT, this soon after a CREATE_CHILD_SA, is the rekeyed old one.
_REKEY_NS: Final = 60 * NS_PER_SECOND
# A negotiation that a log shows first is over within this.
_PHASE1_NS: Final = 60 * NS_PER_SECOND
_MAX_ADDRESSES: Final = 64
# Clients behind one NAT, or SAs of one peer, that are looked at one by one.
_RECENT: Final = 16


class PeerTable:
    """All peers, and the ways to find them."""

    def __init__(self) -> None:
        self.peers: list[PeerTrack] = []
        self.units: list[UnitTrack] = []
        self.sas: list[SaTrack] = []
        self._by_pair: dict[tuple[str, str], list[PeerTrack]] = {}
        self._by_port: dict[tuple[str, str, int], PeerTrack] = {}
        self._by_esp: dict[tuple[int, str], tuple[UnitTrack, int]] = {}
        self._by_sender: dict[tuple[int, str], tuple[UnitTrack, int]] = {}
        self._by_spi: dict[tuple[int, str], list[SaTrack]] = {}

    def sa_of(self, message: IkeMessage) -> tuple[SaTrack, int]:
        """The IKE SA of a message, new if need be, and the sender's side."""
        known = self.known_sa_of(message)
        if known is not None:
            return known
        sa, side = self._new_sa(message)
        self._by_spi.setdefault((message.version, message.initiator_spi), []).append(sa)
        return sa, side

    def known_sa_of(self, message: IkeMessage) -> tuple[SaTrack, int] | None:
        """The IKE SA that has the SPIs of a message, and the sender's side."""
        for sa in self._by_spi.get((message.version, message.initiator_spi), ()):
            if not _spis_agree(sa, message):
                continue
            side = self._side_in(sa, message)
            if side is not None:
                if sa.responder_spi == _ZERO_SPI:
                    sa.responder_spi = message.responder_spi
                sa.unit.nat_port = _nat_port(message.sport, message.dport)
                return sa, side
        for sa in self._by_spi.get((message.version, message.initiator_spi), ()):
            if _both_ends_moved(sa, message):
                side = sa.initiator if message.from_initiator else 1 - sa.initiator
                self._move(sa.peer, (message.src, message.dst), side, message.ref)
                sa.unit.nat_port = _nat_port(message.sport, message.dport)
                return sa, side
        return None

    def peer_of(self, message: IkeMessage) -> tuple[PeerTrack, int]:
        """Whom a message without an IKE SA concerns, and the sender's side."""
        port = _nat_port(message.sport, message.dport)
        ends = message.src, message.dst
        peer = self._find(*ends, port, message.at_ns, strict=False)
        peer = peer or self._new_peer(*ends, port, message.at_ns)
        return peer, peer.side_of(message.src) or 0

    def unit_of_flow(
        self, flow: FlowIdentity, at_ns: int, ref: Ref, *, midway: bool, moved: bool
    ) -> tuple[UnitTrack, int]:
        """The unit and the sending side of a new ESP flow.

        `midway`: its numbers do not begin; `moved`: they can be those of another with its SPI.
        """
        port = _nat_port(flow.sport, flow.dport)
        # The receiver chose the SPI: the sender may move before IKE says so.
        known = self._by_esp.get((flow.spi, flow.dst)) if moved else None
        peer = None if known else self._find(flow.src, flow.dst, port, at_ns, strict=False)
        if known is None and peer is None and moved and midway:
            # So may the receiver: the sender goes on counting on an SPI of its own, elsewhere.
            known = self._by_sender.get((flow.spi, flow.src))
        if known is not None:
            unit, side = known
            self._move(unit.peer, (flow.src, flow.dst), side, ref)
        else:
            if peer is None:
                peer = self._new_peer(flow.src, flow.dst, port, at_ns)
            unit = _unit_behind(peer, port) if flow.sport else peer.unit
            side = peer.side_of(flow.src) or 0
        self._by_esp[flow.spi, flow.dst] = self._by_sender[flow.spi, flow.src] = (unit, side)
        self._note_nat_port(unit.peer, port, _pair(flow.src, flow.dst))
        return unit, side

    def peer_of_pair(self, src: str, dst: str) -> PeerTrack | None:
        """The peer between two addresses, if there is exactly one."""
        peers = self._by_pair.get(_pair(src, dst), [])
        return peers[0] if len(peers) == 1 else None

    def peer_between(
        self, local: str, remote: str, at_ns: int, port: int | None = None
    ) -> tuple[PeerTrack, int]:
        """The peer a log names by its ends, new if need be, and the side of `local`.

        `port`: that of the other end, where it tells several behind one NAT apart.
        """
        if port is not None:
            behind = self._peer_behind(local, remote, port, at_ns)
            return behind, behind.side_of(local) or 0
        peer = self._find(local, remote, 0, at_ns, strict=False)
        if peer is None:
            known = self._by_pair.get(_pair(local, remote))
            peer = known[-1] if known else self._new_peer(local, remote, 0, at_ns)
        return peer, peer.side_of(local) or 0

    def new_logged_sa(
        self,
        peer: PeerTrack,
        *,
        version: int,
        version_told: bool,
        spis: tuple[str, str] = ("", ""),
        initiator: int,
        at_ns: int,
        ref: Ref,
        from_start: bool,
    ) -> SaTrack:
        """An IKE SA known from a log; its SPIs may be unknown (empty)."""
        sa = SaTrack(
            index=len(self.sas),
            peer=peer,
            unit=peer.unit,
            version=version,
            initiator_spi=spis[0],
            responder_spi=spis[1],
            initiator=initiator,
            first_ns=at_ns,
            last_ns=at_ns,
            first_ref=ref,
            from_start=from_start,
            initiator_told=False,
            version_told=version_told,
        )
        self.sas.append(sa)
        peer.sas.append(sa)
        if spis[0]:
            self._by_spi.setdefault((version, spis[0]), []).append(sa)
        return sa

    def separate(self, sa: SaTrack, at_ns: int) -> None:
        """Give an SA a unit of its own; Child SAs join it once it is adopted."""
        sa.unit = UnitTrack(len(self.units), sa.peer, first_ns=at_ns)
        self.units.append(sa.unit)

    @staticmethod
    def adopt(sa: SaTrack) -> None:
        """An SA is established: Child SAs that appear from now on belong to its unit."""
        if not sa.unit.adopted:
            sa.unit.adopted = True
            sa.peer.units.append(sa.unit)

    @staticmethod
    def renew(sa: SaTrack) -> None:
        """A log says that an SA takes the place of the one before it; who asked begins it."""
        for old in reversed(sa.peer.sas[-_RECENT:]):
            if old is sa or old.ended_ns is not None or old.is_half_open:
                continue
            _rekeyed(old, sa)
            asked = [r.side for r in old.requests.values() if r.kind is MessageKind.CREATE_CHILD]
            if asked:
                sa.initiator, sa.initiator_told = asked[-1], True
            return

    def _side_in(self, sa: SaTrack, message: IkeMessage) -> int | None:
        peer = sa.peer
        side = peer.side_of(message.src)
        other = peer.side_of(message.dst)
        if side is None and other is None:
            return None
        if side is None or other is None or side == other:
            # The SA's SPIs with one new address: NAT rebinding or MOBIKE (RFC 4555).
            if side is None:
                side = 1 - other if other is not None else 0
            self._move(peer, (message.src, message.dst), side, message.ref)
        elif message.version == 2 and message.kind is MessageKind.NOTIFY and message.encrypted:
            # UPDATE_SA_ADDRESSES, from where it was before (RFC 4555 section 3.5).
            peer.return_to(side, message.src)
        if message.sport != _IKE_PORT:
            # To port 500 of a client something may go that its NAT has given to another one.
            port = _nat_port(message.sport, message.dport)
            self._note_nat_port(peer, port, _pair(message.src, message.dst))
        return side

    def _move(self, peer: PeerTrack, ends: tuple[str, str], side: int, ref: Ref) -> None:
        """One end has another address now; the first of `ends` belongs to `side`."""
        for at, address in zip((side, 1 - side), ends, strict=True):
            known = peer.addresses[at]
            if address in known or address in peer.addresses[1 - at]:
                continue
            if len(known) >= _MAX_ADDRESSES:
                return
            peer.problems.append(
                Problem(
                    ProblemKind.ADDRESS_CHANGED,
                    f"{known[-1]} became {address}: the same SA (NAT rebinding or MOBIKE)",
                    ref,
                )
            )
            known.append(address)
        peers = self._by_pair.setdefault(_pair(*ends), [])
        if peer not in peers:
            peers.append(peer)

    def _new_sa(self, message: IkeMessage) -> tuple[SaTrack, int]:
        port = _nat_port(message.sport, message.dport)
        peer = self._find(message.src, message.dst, port, message.at_ns, strict=True)
        starts = message.responder_spi == _ZERO_SPI
        answers = _answers_proposals(message)
        # Nothing else in IKEv1 tells the initiator's messages from the responder's.
        initiates = message.from_initiator if message.version == 2 else not answers
        sent_by_initiator = starts or initiates
        if peer is None:
            if sent_by_initiator:
                peer = self._new_peer(message.src, message.dst, port, message.at_ns)
            else:
                peer = self._new_peer(message.dst, message.src, port, message.at_ns)
        known_initiator = starts or answers or message.version == 2
        if known_initiator and not peer.initiator_seen and len(peer.sas) == 0:
            peer.initiator_seen = True
        side = peer.side_of(message.src) or 0
        logged = _nameless(peer, message, starts)
        if logged is not None:
            logged.initiator_spi, logged.responder_spi = (
                message.initiator_spi,
                message.responder_spi,
            )
            logged.initiator = side if sent_by_initiator else 1 - side
            logged.initiator_told = logged.version_told = True
            logged.from_start = starts
            return logged, side
        sa = SaTrack(
            index=len(self.sas),
            peer=peer,
            unit=peer.unit,
            version=message.version,
            initiator_spi=message.initiator_spi,
            responder_spi=message.responder_spi,
            initiator=side if sent_by_initiator else 1 - side,
            first_ns=message.at_ns,
            last_ns=message.at_ns,
            first_ref=message.ref,
            from_start=starts,
            ends=(message.src, message.dst) if sent_by_initiator else (message.dst, message.src),
        )
        if message.version == 2 and not starts:
            _link_rekeyed(peer, sa, message)
        self.sas.append(sa)
        peer.sas.append(sa)
        return sa, side

    def _find(self, src: str, dst: str, port: int, at_ns: int, *, strict: bool) -> PeerTrack | None:
        peers = self._by_pair.get(_pair(src, dst))
        if not peers:
            return None
        found = self._by_port.get((*_pair(src, dst), port)) if port else peers[0]
        if found is None and not peers[0].nat_ports:
            found = peers[0]
        if found is None and strict:
            silent_ns = at_ns - _NAT_SILENCE_NS
            recent = peers[-_RECENT:]
            found = next((p for p in recent if max(p.last_heard_ns) < silent_ns), None)
        if found is None and not strict and len(peers) == 1:
            found = peers[0]
        if found is not None and port:
            self._note_nat_port(found, port, _pair(src, dst))
        return found

    def _peer_behind(self, local: str, remote: str, port: int, at_ns: int) -> PeerTrack:
        """One of several peers behind a NAT."""
        pair = _pair(local, remote)
        known = self._by_port.get((*pair, port)) or self._by_port.get((*pair, -port))
        if known is None and port in _IKE_PORTS:
            # The NAT left its ports as they are: a capture has none to tell it by.
            known = next((p for p in self._by_pair.get(pair, ()) if not p.nat_ports), None)
        if known is None:
            known = self._new_peer(local, remote, port, at_ns)
            self._note_nat_port(known, -port, pair)
        return known

    def _new_peer(self, side_a: str, side_b: str, port: int, at_ns: int) -> PeerTrack:
        peer = PeerTrack(len(self.peers), ([side_a], [side_b]), at_ns, at_ns)
        self._note_nat_port(peer, port, _pair(side_a, side_b))
        self.peers.append(peer)
        self._by_pair.setdefault(_pair(side_a, side_b), []).append(peer)
        unit = UnitTrack(len(self.units), peer, first_ns=at_ns, adopted=True)
        self.units.append(unit)
        peer.units.append(unit)
        return peer

    def _note_nat_port(self, peer: PeerTrack, port: int, pair: tuple[str, str]) -> None:
        if port and len(peer.nat_ports) < _MAX_ADDRESSES:
            peer.nat_ports.add(port)
            self._by_port.setdefault((*pair, port), peer)


def _nameless(peer: PeerTrack, message: IkeMessage, starts: bool) -> SaTrack | None:
    """The SA of a log that does not tell its SPIs, if this message can be of it."""
    sender = peer.side_of(message.src)
    for sa in reversed(peer.sas[-_RECENT:]):
        if starts and sa.is_half_open and sa.initiator != sender:
            continue  # both ends have begun one
        if not sa.initiator_spi and sa.version == message.version and sa.ended_ns is None:
            begun = starts and (
                sa.established_ns is not None or message.at_ns - sa.first_ns > _PHASE1_NS
            )
            return None if begun else sa
    return None


def _answers_proposals(message: IkeMessage) -> bool:
    """IKEv1: the second message of phase 1, an SA payload beside a responder's cookie."""
    return (
        message.version == 1
        and message.kind in _PHASE1
        and bool(message.proposals)
        and message.responder_spi != _ZERO_SPI
    )


def _spis_agree(sa: SaTrack, message: IkeMessage) -> bool:
    if _ZERO_SPI in (sa.responder_spi, message.responder_spi):
        return True
    return sa.responder_spi == message.responder_spi or message.message_id == 0


def _both_ends_moved(sa: SaTrack, message: IkeMessage) -> bool:
    """Whether it is of an SA, whose SPIs it has, between two other addresses (RFC 4555).

    What comes at once is the same message, on the other side of something that translates both.
    """
    return (
        message.version == 2
        and message.encrypted
        and sa.responder_spi == message.responder_spi
        and not sa.is_half_open
        and sa.ended_ns is None
        and message.at_ns - sa.last_ns > DUPLICATE_NS
    )


def _link_rekeyed(peer: PeerTrack, sa: SaTrack, message: IkeMessage) -> None:
    """A new IKEv2 SA without IKE_SA_INIT comes out of a CREATE_CHILD_SA exchange of an old one.

    The Delete of the old one may come before the first message of the new, which counts from 0
    (RFC 7296 section 2.2), however late it comes.
    """
    for old in reversed(peer.sas[-_RECENT:]):
        created = old.last_create_child_ns
        if old.version != 2 or created is None or old.rekeyed_into is not None:
            continue
        since_ns = message.at_ns - created
        soon = since_ns <= _REKEY_NS and (old.ended_ns is None or old.ended_ns >= created)
        first = old.end is SaEnd.REKEYED and message.message_id == 0
        if since_ns >= 0 and (soon or first):
            _rekeyed(old, sa)
        return


def _rekeyed(old: SaTrack, sa: SaTrack) -> None:
    old.rekeyed_into = sa
    sa.unit = old.unit
    if old.end is SaEnd.DELETE:
        old.end = SaEnd.REKEYED


def _unit_behind(peer: PeerTrack, port: int) -> UnitTrack:
    """The unit that a new flow belongs to: the newest, or the one whose IKE has its NAT port.

    Clients behind one NAT may set up their SAs side by side.
    """
    several = len({unit.nat_port for unit in peer.units[-_RECENT:]}) > 1
    behind = [unit for unit in peer.units[-_RECENT:] if unit.nat_port == port]
    return behind[-1] if several and behind else peer.unit


def _pair(src: str, dst: str) -> tuple[str, str]:
    return (src, dst) if src < dst else (dst, src)


def _nat_port(sport: int, dport: int) -> int:
    """The port a NAT chose, 0 if both are the protocol's own; negative for one of port 500.

    Ports 500 and 4500 have a mapping each, and a NAT that tells its mappings apart by where they
    lead may give one number to two clients.
    """
    chosen, own = (dport, sport) if sport in _IKE_PORTS else (sport, dport)
    if chosen in _IKE_PORTS:
        return 0
    return -chosen if own == _IKE_PORT else chosen
