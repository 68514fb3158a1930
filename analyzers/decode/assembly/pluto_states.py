"""The states of a pluto: IKE and Child SAs by serial number, and their connections."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from msgspec import Struct

from analyzers.model.log_events import LogEvent

_MAX_STATES: Final = 4096


class State(Struct):
    """What is known of one state, which is an IKE SA or a Child SA."""

    serial: str
    name: str = ""
    """Of the connection, with the address of an instance."""
    peer: str | None = None
    local: str | None = None
    version: int | None = None
    is_child: bool = False
    parent: str | None = None
    """Serial number of the IKE SA of a Child SA."""
    spis: tuple[str, ...] = ()
    up: bool = False
    down: bool = False
    dead: bool = False
    agreed: bool = False
    """DPD is on, and has been told so."""
    busy: bool = False
    """A request that is no liveness question waits for its answer."""


class States:
    """All states of a log; the oldest are forgotten when there are too many."""

    def __init__(self) -> None:
        self._by_serial: OrderedDict[str, State] = OrderedDict()
        self._newest: OrderedDict[str, str] = OrderedDict()
        """The newest IKE SA of each connection."""
        self._peers: OrderedDict[str, str] = OrderedDict()
        self._named: OrderedDict[str, list[LogEvent]] = OrderedDict()
        """Events whose peer has no address so far, by the name of its connection."""

    def of(self, serial: str, name: str = "", instance: str | None = None) -> State:
        """The state with this serial number."""
        state = self._by_serial.get(serial)
        if state is None:
            state = self._by_serial[serial] = State(serial)
            if len(self._by_serial) > _MAX_STATES:
                self._by_serial.popitem(last=False)
        if name:
            state.name = name if instance is None else f"{name} {instance}"
        state.peer = instance or state.peer or self._peers.get(state.name)
        if state.name in self._named and state.peer is not None:
            self.learn_peer(state, state.peer)
        return state

    def told_by_name(self, state: State, made: LogEvent) -> None:
        """An event is about a peer that has no address so far: it gets it when one is told."""
        known = self._named.setdefault(state.name, [])
        if len(known) < _MAX_STATES:
            known.append(made)
        if len(self._named) > _MAX_STATES:
            self._named.popitem(last=False)

    def replaces(self, state: State, serial: str) -> None:
        """A state takes the place of another one of its connection."""
        old = self.of(serial)
        old.name = old.name or state.name
        if state.peer is None and old.peer is not None:
            self.learn_peer(state, old.peer)

    def learn_peer(self, state: State, peer: str) -> None:
        """The address of a connection's peer, also for what was told of it by its name."""
        state.peer = peer
        if state.name:
            for made in self._named.pop(state.name, ()):
                if made.remote == state.name:
                    made.remote = peer
            self._peers[state.name] = peer
            if len(self._peers) > _MAX_STATES:
                self._peers.popitem(last=False)

    def renewed(self, state: State) -> State:
        """A new state under the serial number of one that is gone: pluto was started again."""
        new = State(state.serial, state.name, state.peer, state.local)
        self._by_serial[state.serial] = new
        return new

    def is_ike(self, state: State) -> None:
        """A state turns out to be an IKE SA."""
        state.is_child = False
        self._newest[state.name] = state.serial
        if len(self._newest) > _MAX_STATES:
            self._newest.popitem(last=False)

    def newest_ike(self, state: State) -> State:
        """The newest IKE SA of a state's connection; the state itself where none is known."""
        serial = self._newest.get(state.name)
        return state if serial is None else self.of(serial)

    def is_child(self, state: State, parent: str | None) -> None:
        """A state turns out to be a Child SA, of `parent` or of its connection's newest IKE SA."""
        state.is_child = True
        state.parent = parent or state.parent or self._newest.get(state.name)

    def belongs(self, child: str, ike: State) -> None:
        """The Child SA with a serial number turns out to be one of an IKE SA, and of its peer."""
        if not child or child == ike.serial:
            return
        state = self.of(child)
        self.is_child(state, ike.serial)
        ike.name = ike.name or state.name
        if ike.peer is not None:
            self.learn_peer(state, ike.peer)

    def ike_of(self, state: State) -> State:
        """The IKE SA of a state, which may be itself."""
        if not state.is_child or state.parent is None:
            return state
        return self.of(state.parent)

    def children_of(self, ike: State) -> list[State]:
        """The Child SAs that go with an IKE SA."""
        return [
            state
            for state in self._by_serial.values()
            if state.is_child and not state.down and _goes_with(state, ike)
        ]


def _goes_with(child: State, ike: State) -> bool:
    if child.parent is not None:
        return child.parent == ike.serial
    if child.name:
        return child.name == ike.name
    return child.peer is not None and child.peer == ike.peer
