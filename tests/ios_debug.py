"""Writes what an IOS router's `debug crypto isakmp` would have printed of known exchanges."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from analyzers.model.exchange import Exchange
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND


def stamp(at_ns: int) -> str:
    """`*Nov 20 19:54:47.878: `, the clock not being set."""
    moment = datetime.fromtimestamp(at_ns // NS_PER_SECOND, UTC)
    millis = at_ns % NS_PER_SECOND // NS_PER_MS
    return f"*{moment:%b} {moment.day:2} {moment:%H:%M:%S}.{millis:03}: "


def signed(message_id: int) -> int:
    """A message ID as 12.x prints it."""
    return message_id - (1 << 32) if message_id >= 1 << 31 else message_id


def isakmp_log(holder: str, exchanges: Iterable[Exchange], shift_ns: int = 0) -> str:
    """The debug of `holder`, whose clock is ahead by `shift_ns`."""
    blocks: list[tuple[int, list[str]]] = []
    for exchange in exchanges:
        if exchange.prober == holder:
            blocks += [
                (t.at_ns, _sent(t.message_id, exchange.responder)) for t in exchange.transmissions
            ]
            if exchange.answer is not None:
                blocks.append(
                    (
                        exchange.answer.at_ns,
                        _received(exchange.answer.message_id, exchange.responder, "R_U_THERE_ACK"),
                    )
                )
        else:
            blocks += [
                (t.at_ns, _received(t.message_id, exchange.prober, "R_U_THERE"))
                for t in exchange.transmissions
            ]
            if exchange.answer is not None:
                blocks.append(
                    (exchange.answer.at_ns, _ack_sent(exchange.answer.message_id, exchange.prober))
                )
    lines = []
    for at_ns, texts in sorted(blocks, key=lambda block: block[0]):
        lines += [stamp(at_ns + shift_ns) + text for text in texts]
    return "\n".join(lines) + "\n"


def _sent(message_id: int, peer: str) -> list[str]:
    return [
        f"ISAKMP: set new node {signed(message_id)} to QM_IDLE",
        f"ISAKMP:(1001): sending packet to {peer} my_port 500 peer_port 500 (I) QM_IDLE",
        f"ISAKMP:(1001):purging node {signed(message_id)}",
        "ISAKMP:(1001):Input = IKE_MESG_FROM_TIMER, IKE_TIMER_IM_ALIVE",
        "ISAKMP:(1001):Old State = IKE_P1_COMPLETE  New State = IKE_P1_COMPLETE",
    ]


def _received(message_id: int, peer: str, notify: str) -> list[str]:
    return [
        f"ISAKMP (1001): received packet from {peer} dport 500 sport 500 Global (I) QM_IDLE",
        f"ISAKMP: set new node {signed(message_id)} to QM_IDLE",
        f"ISAKMP:(1001): processing HASH payload. message ID = {signed(message_id)}",
        f"ISAKMP:(1001): processing NOTIFY DPD/{notify} protocol 1\n"
        f"        spi 0, message ID = {signed(message_id)}, sa = 0x66E2A7C8",
        f"ISAKMP:(1001):deleting node {signed(message_id)} error FALSE reason"
        ' "Informational (in) state 1"',
        "ISAKMP:(1001):Input = IKE_MESG_FROM_PEER, IKE_INFO_NOTIFY",
    ]


def _ack_sent(message_id: int, peer: str) -> list[str]:
    return [
        f"ISAKMP: set new node {signed(message_id)} to QM_IDLE",
        "ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE_ACK protocol 1\n"
        f"        spi 1747218296, message ID = {signed(message_id)}",
        f"ISAKMP:(1001): sending packet to {peer} my_port 500 peer_port 500 (I) QM_IDLE",
        f"ISAKMP:(1001):purging node {signed(message_id)}",
    ]
