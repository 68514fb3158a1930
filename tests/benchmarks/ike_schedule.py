"""When the peers of a generated capture speak IKE: handshakes, liveness, silences and verdicts."""

from __future__ import annotations

import random

from msgspec import Struct

from tests.benchmarks.ike_messages import IkeSaV1, IkeSaV2
from tests.benchmarks.peers import US_PER_SECOND, Peers

OUT, IN = 0, 1
"""Directions: out of the hub, into the hub."""

IKE_PORT, NAT_PORT = 500, 4500

RETRY_US = 2 * US_PER_SECOND
RETRIES_V2 = 5
RETRY_V1_US = 5 * US_PER_SECOND
TRANSMISSIONS_V1 = 3

# Liveness questions come no closer and no rarer than this, as on real gateways.
MIN_INTERVAL_S, MAX_INTERVAL_S = 4.0, 30.0
HANDSHAKE_SHARE = 0.4
"""At most this share of the IKE messages is spent on handshakes."""
HANDSHAKE_MESSAGES = 5
"""On average: four of IKEv2, nine of IKEv1."""


class IkeEvent(Struct, frozen=True):
    """One IKE message to be put on the wire."""

    at_us: int
    peer: int
    direction: int
    port: int
    payload: bytes


def schedule(peers: Peers, budget: int, last_us: int, seed: int) -> list[IkeEvent]:
    """About `budget` messages in order of time; fills the times of `peers`.

    The first peers are seen from their handshake on and are asked for liveness; where the budget
    does not reach all of them, the others are tunnels that were up before.
    """
    handshakes = min(peers.count, max(1, int(budget * HANDSHAKE_SHARE / HANDSHAKE_MESSAGES)))
    pairs = max(1, (budget - handshakes * HANDSHAKE_MESSAGES) // 2)
    seconds = last_us / US_PER_SECOND
    interval_s = min(max(seconds * peers.count / pairs, MIN_INTERVAL_S), MAX_INTERVAL_S)
    asked = min(peers.count, max(1, round(pairs * interval_s / seconds)))
    events: list[IkeEvent] = []
    for peer in range(max(handshakes, asked)):
        story = _Story(peers, peer, last_us, seed)
        story.begin(handshake=peer < handshakes)
        if peer < asked:
            story.ask(round(interval_s * US_PER_SECOND))
        events += story.events
    events = [event for event in events if event.at_us < last_us]
    events.sort(key=lambda event: event.at_us)
    return events


class _Story:
    """What one peer does. One in ten dies and comes back; one in ten is away for some seconds."""

    def __init__(self, peers: Peers, peer: int, last_us: int, seed: int) -> None:
        self.peers = peers
        self.peer = peer
        self.last_us = last_us
        self.rng = random.Random(f"{seed}/{peer}")
        self.events: list[IkeEvent] = []
        self.v1 = bool(peers.ike_v1[peer])
        self.rtt_us = int(peers.rtt_us[peer])
        self.udp = bool(peers.udp[peer])
        self.dies = peer % 10 in (2, 6)
        self.is_away = peer % 10 in (3, 9)
        self.hub_asks = self.dies or self.is_away or peer % 3 != 2
        self.hub_initiates = self.rng.random() < 0.5
        self.sa: IkeSaV1 | IkeSaV2 = self._new_sa()

    def _new_sa(self) -> IkeSaV1 | IkeSaV2:
        return IkeSaV1(self.rng) if self.v1 else IkeSaV2(self.rng)

    def _send(self, at_us: int, direction: int, payload: bytes, *, floated: bool = True) -> None:
        port = NAT_PORT if floated and self.udp else IKE_PORT
        self.events.append(IkeEvent(at_us, self.peer, direction, port, payload))

    def begin(self, *, handshake: bool) -> None:
        """The tunnel comes up in the first fiftieth of the capture, or was up before."""
        peers, peer, rng = self.peers, self.peer, self.rng
        if handshake:
            start = rng.randrange(1, max(2, self.last_us // 50))
            peers.up_us[peer] = self._handshake(start)
        if self.dies:
            peers.fail_us[peer] = int(self.last_us * rng.uniform(0.3, 0.6))
        elif self.is_away:
            peers.fail_us[peer] = int(self.last_us * rng.uniform(0.3, 0.8))
            peers.back_us[peer] = peers.fail_us[peer] + rng.randrange(5, 9) * US_PER_SECOND

    def _handshake(self, start_us: int) -> int:
        """Send a handshake from `start_us` on; returns when the tunnel is up."""
        initiator = OUT if self.hub_initiates else IN
        half = self.rtt_us // 2 + 500
        if isinstance(self.sa, IkeSaV2):
            messages = [
                (self.sa.sa_init(response=False), False),
                (self.sa.sa_init(response=True), False),
                (self.sa.auth(response=False), True),
                (self.sa.auth(response=True), True),
            ]
        else:
            main, quick = self.sa.main_mode(), self.sa.quick_mode()
            messages = [(message, index >= 4) for index, message in enumerate(main + quick)]
        at_us = start_us
        for index, (payload, floated) in enumerate(messages):
            direction = 1 - initiator if index % 2 else initiator
            self._send(at_us, direction, payload, floated=floated)
            at_us += half
        return at_us

    def ask(self, interval_us: int) -> None:
        """Liveness questions until the end of the capture, and what becomes of them."""
        fail, back = int(self.peers.fail_us[self.peer]), int(self.peers.back_us[self.peer])
        at_us = int(self.peers.up_us[self.peer] + interval_us * self.rng.uniform(0.3, 1.0))
        while at_us < self.last_us:
            if self.dies and at_us >= fail:
                fail = 2 * self.last_us
                at_us = self._give_up(at_us)
            elif self.is_away and fail <= at_us < back:
                at_us = self._answered_at_last(at_us, back)
            else:
                self._exchange([at_us])
            at_us += int(interval_us * self.rng.uniform(0.97, 1.03))

    def _exchange(self, sent_us: list[int], *, answered: bool = True) -> None:
        """One question, all its transmissions, and the answer to the last of them."""
        ask_direction = OUT if self.hub_asks else IN
        if isinstance(self.sa, IkeSaV2):
            by_initiator = self.hub_asks == self.hub_initiates
            number = self.sa.next_request[by_initiator]
            self.sa.next_request[by_initiator] += 1
            request = self.sa.liveness(number, by_initiator=by_initiator, response=False)
            requests = [request] * len(sent_us)
            answer = self.sa.liveness(number, by_initiator=by_initiator, response=True)
        else:
            requests = [self.sa.dpd() for _ in sent_us]
            answer = self.sa.dpd()
        for at_us, payload in zip(sent_us, requests, strict=True):
            self._send(at_us, ask_direction, payload)
        if answered:
            self._send(sent_us[-1] + self.rtt_us, 1 - ask_direction, answer)

    def _give_up(self, at_us: int) -> int:
        """No answer at all: a verdict, a new tunnel; returns when that is up."""
        step = RETRY_V1_US if self.v1 else RETRY_US
        count = TRANSMISSIONS_V1 if self.v1 else RETRIES_V2 + 1
        self._exchange([at_us + step * n for n in range(count)], answered=False)
        stop = at_us + step * count
        self.sa = self._new_sa()
        self.hub_initiates = True
        up = self._handshake(stop + 20_000)
        self.peers.stop_us[self.peer] = stop
        self.peers.replaced_us[self.peer] = up
        return up

    def _answered_at_last(self, at_us: int, back_us: int) -> int:
        """Transmissions until the peer is back; returns the time of the last."""
        step = RETRY_V1_US if self.v1 else RETRY_US
        sent = [at_us]
        while sent[-1] < back_us:
            sent.append(sent[-1] + step)
        self._exchange(sent)
        return sent[-1]
