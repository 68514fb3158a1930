"""Several devices that have one address in a log: behind one NAT, or behind one mask."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.session import ClockOptions
from tests.scenarios.inputs import Together, together
from tests.scenarios.logs import star, syslog
from tests.scenarios.timeline import at

ADDRESS = "203.0.113.50"
IN_2023 = ClockOptions(year=2023)

Line = tuple[float, str]


def asks(second: float, conn: int, number: int, port: int, address: str) -> Iterable[Line]:
    """What an IOS device has of a question that it sends."""
    tag = f"ISAKMP: ({conn})"
    mid = conn * 1000 + number
    yield second, f"{tag}:Sending NOTIFY DPD/R_U_THERE protocol 1 spi 7, message ID = {mid}"
    yield second, f"{tag}: seq. no 0x{number:x}"
    ports = f"my_port 4500 peer_port {port}"
    yield second, f"{tag}: sending packet to {address} {ports} (I) QM_IDLE"
    yield second, f"{tag}:Input = IKE_MESG_FROM_TIMER, IKE_TIMER_PEERS_ALIVE"


def answered(second: float, conn: int, number: int, port: int, address: str) -> Iterable[Line]:
    yield from asks(second, conn, number, port, address)
    yield (
        second + 0.02,
        f"ISAKMP: ({conn}): DPD/R_U_THERE_ACK received from peer {address}, sequence 0x{number:x}",
    )


def one_of_two_dies(
    ports: tuple[int, int] = (4500, 4501), address: str = ADDRESS
) -> tuple[list[Line], list[Line]]:
    """1001 answers up to 20 s and is given up at 40 s; 1002 goes on, asked 3 s later."""
    dies = [x for n, s in enumerate((0, 10, 20)) for x in answered(s, 1001, n, ports[0], address)]
    for second in (30, 32, 34, 36, 38):
        dies += asks(second, 1001, 3, ports[0], address)
    dies.append((40, f"ISAKMP: (1001):peer {address} not responding!"))
    lives = [
        x
        for n, s in enumerate(range(3, 64, 10))
        for x in answered(s, 1002, 256 + n, ports[1], address)
    ]
    return dies, lives


def text(*parts: Iterable[Line]) -> str:
    lines = sorted((line for part in parts for line in part), key=lambda line: line[0])
    return "".join(f"{star(at(second))}{said}\n" for second, said in lines)


def check_one_died(told: Together) -> tuple[PeerView, PeerView]:
    (dead,) = (peer for peer in told.peers if peer.state is PeerState.DEAD)
    (alive,) = (peer for peer in told.peers if peer.state is PeerState.ALIVE)
    *_, last = dead.exchanges
    assert (last.outcome, last.verdict_ns) == (Outcome.UNANSWERED, at(40))
    (hole,) = dead.black_holes
    assert (hole.last_proof_ns, hole.recovered_ns) == (at(20.02), None)
    assert [x.outcome for x in alive.exchanges] == [Outcome.ANSWERED] * 7
    assert not alive.black_holes
    return dead, alive


def test_one_of_two_ports_dies(tmp_path: Path) -> None:
    told = together(tmp_path, text(*one_of_two_dies()), clocks=IN_2023)
    dead, alive = check_one_died(told)
    assert (dead.remote, alive.remote) == (ADDRESS, ADDRESS)


def test_the_other_order(tmp_path: Path) -> None:
    check_one_died(together(tmp_path, text(*one_of_two_dies((61002, 4500))), clocks=IN_2023))


def test_charons_sas_have_names(tmp_path: Path) -> None:
    def asked(second: float, sa: str, port: int, number: int) -> Iterable[Line]:
        ends = f"from 192.0.2.1[4500] to {ADDRESS}[{port}]"
        yield second, f"05[ENC] <{sa}> generating INFORMATIONAL request {number} [ ]"
        yield second, f"05[NET] <{sa}> sending packet: {ends} (80 bytes)"

    def heard(second: float, sa: str, port: int, number: int) -> Iterable[Line]:
        yield from asked(second, sa, port, number)
        ends = f"from {ADDRESS}[{port}] to 192.0.2.1[4500]"
        yield second, f"06[NET] <{sa}> received packet: {ends} (80 bytes)"
        yield second, f"06[ENC] <{sa}> parsed INFORMATIONAL response {number} [ ]"

    lines = [x for n in range(3) for x in heard(30 * n, "a|6", 4500, n)]
    lines += asked(90, "a|6", 4500, 3)
    lines.append((94, "07[IKE] <a|6> retransmit 1 of request with message ID 3"))
    lines.append((120, "07[IKE] <a|6> giving up after 1 retransmits"))
    lines += [x for n in range(8) for x in heard(5 + 30 * n, "b|7", 61002, 10 + n)]
    lines.sort(key=lambda line: line[0])
    log = "".join(f"{syslog(at(second))}{said}\n" for second, said in lines)
    dead, alive = sorted(together(tmp_path, log, clocks=IN_2023).peers, key=lambda p: p.state)[::-1]
    assert (dead.state, dead.last_proof_ns) == (PeerState.DEAD, at(60))
    assert (alive.state, alive.last_proof_ns) == (PeerState.ALIVE, at(215))


def test_a_nat_that_gives_another_port_makes_no_other_peer(tmp_path: Path) -> None:
    """Also of two SAs of one device, and of a device that comes back with a new one."""
    lines = [x for n in range(3) for x in answered(10 * n, 1001, n, 4501, ADDRESS)]
    lines += [x for n in range(3) for x in answered(3 + 10 * n, 1002, 50 + n, 4501, ADDRESS)]
    lines += [x for n in range(3, 6) for x in answered(10 * n, 1001, n, 4777, ADDRESS)]
    lines += [x for n in range(3, 6) for x in answered(3 + 10 * n, 1002, 50 + n, 4777, ADDRESS)]
    lines += [x for n in range(6, 9) for x in answered(10 * n, 1003, n, 4999, ADDRESS)]
    peer = together(tmp_path, text(lines), clocks=IN_2023).peer
    assert (peer.state, len(peer.exchanges)) == (PeerState.ALIVE, 15)


def test_two_sas_of_one_device(tmp_path: Path) -> None:
    """The peer answered on the other one while it was asked in vain: it was not away."""
    peer = together(tmp_path, text(*one_of_two_dies((4500, 4500))), clocks=IN_2023).peer
    assert PeerState.DEAD not in {span.state for span in peer.states}
    (hole,) = peer.black_holes
    assert (hole.last_proof_ns, hole.dead_ns) == (at(20.02), at(40))
    assert hole.recovered_ns is None


def test_behind_a_mask_the_sas_tell_the_devices_apart(tmp_path: Path) -> None:
    told = together(tmp_path, text(*one_of_two_dies((500, 500), "x.x.x.x")), clocks=IN_2023)
    dead, alive = check_one_died(told)
    assert (dead.remote, alive.remote) == ("x.x.x.x (SA 1001)", "x.x.x.x (SA 1002)")


def test_a_mask_on_a_renewed_sa_is_one_peer(tmp_path: Path) -> None:
    lines = [x for n in range(3) for x in answered(10 * n, 1001, n, 500, "203.0.113.x")]
    lines += [x for n in range(3, 6) for x in answered(10 * n, 1002, n, 500, "203.0.113.x")]
    assert together(tmp_path, text(lines), clocks=IN_2023).peer.remote == "203.0.113.x"
