"""Devices that are logged in to, against a server that plays them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import asyncssh
import pytest

from analyzers.errors import SourceError
from analyzers.session.live import LiveSession
from analyzers.sources.device import DeviceSource, _Shell
from analyzers.sources.device_commands import PLATFORMS, platform_of
from analyzers.sources.feed import SourceState
from analyzers.sources.ssh_login import MOST_ATTEMPTS, Device
from tests.live_capture import eventually, now_ns, open_descriptors
from tests.ssh_device import ASA, ENABLE, PASSWORD, Played, Server

BOTH = {"crypto isakmp", "crypto ikev2"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


class Asked:
    """Stands for the user: answers in turn, and keeps the questions."""

    def __init__(self, *answers: str | None) -> None:
        self.questions: list[str] = []
        self._answers = list(answers)

    def __call__(self, question: str) -> str | None:
        self.questions.append(question)
        return self._answers.pop(0)


@contextmanager
def opened(ask: Callable[[str], str | None]) -> Iterator[DeviceSource]:
    source = DeviceSource(Device("hub"))
    source.open(ask)
    try:
        source.start()
        yield source
    finally:
        source.close(1)


def _shown(source: DeviceSource, wanted: bytes) -> bytes:
    got = b""

    def came() -> bool:
        nonlocal got
        got += b"".join(piece for piece in source.feed.take() if isinstance(piece, bytes))
        return wanted in got

    eventually(came, source.feed.status)
    return got


def _is_open(source: DeviceSource) -> bool:
    return source.feed.status.state is SourceState.OPEN


def test_the_debug_is_on_while_it_is_read_and_off_afterwards(home: Path) -> None:
    asked = Asked(PASSWORD)
    with Server(home) as server:
        source = DeviceSource(Device("hub"))
        source.open(asked)
        assert asked.questions == ["Password for hub: "]
        assert source.platform is not None
        assert source.platform.name == "Cisco IOS"
        assert server.played.debugs == set()
        source.start()
        eventually(lambda: _is_open(source), source.feed.status)
        assert server.played.debugs == BOTH
        server.say("*Nov 20 19:54:47.878: ISAKMP:(1001): a line\n")
        assert b"ISAKMP:(1001): a line\r\n" in _shown(source, b"a line")
        source.close(1)
        assert server.played.debugs == set()
    assert "terminal no monitor" in server.played.typed
    assert "undebug all" not in server.played.typed
    assert PASSWORD not in " ".join(server.played.typed)


def test_what_somebody_else_debugs_stays_on(home: Path) -> None:
    played = Played(debugs={"crypto isakmp"})
    with Server(home, played), opened(Asked(PASSWORD)) as source:
        eventually(lambda: _is_open(source), source.feed.status)
        assert played.debugs == BOTH
    assert played.debugs == {"crypto isakmp"}
    assert "debug crypto isakmp" not in played.typed


def test_a_device_without_ikev2_shows_the_rest(home: Path) -> None:
    played = Played(refuses=("debug crypto ikev2",))
    with Server(home, played), opened(Asked(PASSWORD)) as source:
        eventually(lambda: _is_open(source), source.feed.status)
        assert played.debugs == {"crypto isakmp"}
    assert played.debugs == set()
    assert "no debug crypto ikev2" not in played.typed


def test_a_device_that_takes_no_debug_fails(home: Path) -> None:
    played = Played(refuses=("debug crypto ikev2", "debug crypto isakmp"))
    with Server(home, played), opened(Asked(PASSWORD)) as source:
        eventually(lambda: source.feed.status.state is SourceState.FAILED, source.feed.status)
        assert "takes no command" in source.feed.status.detail


def test_debug_amid_the_answers_does_not_confuse_it(home: Path) -> None:
    played = Played(chatter=True)
    with Server(home, played), opened(Asked(PASSWORD)) as source:
        eventually(lambda: _is_open(source), source.feed.status)
        assert played.debugs == BOTH
    assert played.debugs == set()


def test_an_asa(home: Path) -> None:
    played = Played(version=ASA, host="asa/act", needs_enable=True)
    asked = Asked(PASSWORD, ENABLE)
    with Server(home, played), opened(asked) as source:
        eventually(lambda: _is_open(source), source.feed.status)
        assert played.debugs == {"crypto ikev1", "crypto ikev2 protocol"}
    assert asked.questions == ["Password for hub: ", "Enable password for hub: "]
    assert played.debugs == set()
    assert "terminal pager 0" in played.typed


def test_a_wrong_enable_password_is_asked_for_again(home: Path) -> None:
    asked = Asked(PASSWORD, "wrong", ENABLE)
    played = Played(needs_enable=True)
    with Server(home, played), opened(asked) as source:
        eventually(lambda: _is_open(source), source.feed.status)
    assert played.debugs == set()


def test_keyboard_interactive_and_a_wrong_password(home: Path) -> None:
    asked = Asked("wrong", PASSWORD)
    played = Played(keyboard_interactive=True)
    with Server(home, played), opened(asked) as source:
        eventually(lambda: _is_open(source), source.feed.status)
    assert asked.questions == ["Password for hub: "] * 2


def test_it_gives_up_after_a_few_wrong_passwords(home: Path) -> None:
    asked = Asked(*["wrong"] * 9)
    with Server(home) as server, pytest.raises(SourceError, match="hub refuses the login"):
        DeviceSource(Device("hub")).open(asked)
    assert server.played.refused <= MOST_ATTEMPTS
    assert len(asked.questions) <= MOST_ATTEMPTS


def test_without_anybody_to_ask_it_is_refused(home: Path) -> None:
    with Server(home) as server, pytest.raises(SourceError, match="refuses"):
        DeviceSource(Device("hub")).open(Asked(None, None, None))
    assert server.played.logins == 0


@pytest.mark.parametrize("known", [False, True])
def test_an_unknown_or_changed_host_key_is_refused(home: Path, known: bool) -> None:
    asked = Asked(PASSWORD)
    with Server(home) as server:
        server.trust(asyncssh.generate_private_key("ssh-ed25519") if known else None)
        with pytest.raises(SourceError, match="host key") as refused:
            DeviceSource(Device("hub")).open(asked)
    assert refused.value.hint.endswith("ssh hub")
    assert asked.questions == []


def test_a_configuration_that_trusts_everybody_is_refused(home: Path) -> None:
    asked = Asked(PASSWORD)
    with Server(home):
        config = home / ".ssh" / "config"
        config.write_text(config.read_text() + "  UserKnownHostsFile none\n")
        with pytest.raises(SourceError, match="not verified"):
            DeviceSource(Device("hub")).open(asked)
    assert asked.questions == []


def test_keys_of_the_agent_or_of_files_are_enough(home: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(home / ".ssh-key")
    (home / ".ssh-key").chmod(0o600)
    with Server(home, Played(authorized=key)) as server:
        config = home / ".ssh" / "config"
        config.write_text(config.read_text() + f"  IdentityFile {home / '.ssh-key'}\n")
        asked = Asked()
        with opened(asked) as source:
            eventually(lambda: _is_open(source), source.feed.status)
        assert server.played.debugs == set()
    assert asked.questions == []


def test_a_device_that_is_not_there(home: Path) -> None:
    with pytest.raises(SourceError, match=r"127\.0\.0\.1"):
        DeviceSource(Device("127.0.0.1", "admin", 1)).open(Asked())


def test_a_user_who_gives_up_leaves_nothing(home: Path) -> None:
    def interrupted(_question: str) -> str | None:
        raise KeyboardInterrupt

    with Server(home) as server:
        before = threading.active_count()
        with pytest.raises(KeyboardInterrupt):
            DeviceSource(Device("hub")).open(interrupted)
        assert threading.active_count() == before
    assert server.played.typed == []


def test_a_lost_connection_is_taken_up_again_without_asking(home: Path) -> None:
    asked = Asked(PASSWORD)
    with Server(home) as server, opened(asked) as source:
        eventually(lambda: _is_open(source), source.feed.status)
        server.hang_up()
        eventually(lambda: source.feed.status.state is SourceState.WAITING, source.feed.status)
        eventually(lambda: _is_open(source), source.feed.status)
        server.say("again\n")
        _shown(source, b"again")
        assert source.feed.status.restarts == 1
        # Our own debug is still on there: it is ours to switch off.
        assert server.played.typed.count("debug crypto isakmp") == 1
        source.close(1)
        assert server.played.debugs == set()
    assert len(asked.questions) == 1


def test_a_debug_that_may_still_be_on_is_told(home: Path) -> None:
    with Server(home) as server, opened(Asked(PASSWORD)) as source:
        eventually(lambda: _is_open(source), source.feed.status)
        server.hang_up()
        source.close(1)
        assert source.feed.status.state is SourceState.FAILED
        assert "may still be on" in source.feed.status.detail
        assert "no debug crypto isakmp; no debug crypto ikev2" in source.feed.status.detail


def test_a_device_that_hangs_does_not_hang_us(home: Path) -> None:
    with Server(home) as server, opened(Asked(PASSWORD)) as source:
        eventually(lambda: _is_open(source), source.feed.status)
        server.played.deaf = True
        source.close(1)
        assert "may still be on" in source.feed.status.detail


def test_to_be_ended_is_not_forgotten_where_data_comes_at_that_moment() -> None:
    class Line:
        """Shows something whenever it is told to."""

        def __init__(self) -> None:
            self.came = asyncio.Event()
            self.first = True
            self.stdin = self.stdout = self

        def write(self, data: bytes) -> None:
            """Take what is typed."""

        async def read(self, _size: int) -> bytes:
            await self.came.wait()
            self.came.clear()
            first, self.first = self.first, False
            return b"\r\nR1#" if first else b"debug\r\n"

    async def run() -> bool:
        line = Line()
        shell = _Shell(cast(Any, line))
        line.came.set()
        await shell.begin()
        task = asyncio.create_task(shell.run("show debugging"))
        await asyncio.sleep(0.05)
        line.came.set()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=1)
        return task.cancelled()

    assert asyncio.run(run())


def test_nothing_is_left_behind(home: Path) -> None:
    with Server(home) as server:
        before = after = (0, 0)
        for round_number in range(3):
            with opened(Asked(PASSWORD)) as source:
                if round_number != 1:
                    eventually(lambda each=source: _is_open(each), source.feed.status)  # type: ignore[misc]
            server.hang_up()
            after = open_descriptors(), threading.active_count()
            before = before if round_number else after
        assert after == before
        assert server.played.debugs == set()


def test_its_debug_becomes_facts_of_a_peer(home: Path) -> None:
    said = (
        "*Nov 20 19:54:47.878: ISAKMP:(1001):DPD/R_U_THERE received from peer 192.0.2.2,"
        " sequence 0x6B8C2E01\n"
    )
    with Server(home) as server:
        source = DeviceSource(Device("hub"))
        source.open(Asked(PASSWORD))
        session = LiveSession([source])
        session.start()
        eventually(lambda: _is_open(source), source.feed.status)
        server.say(said)

        def came() -> bool:
            session.pump(now_ns())
            return bool(session.peers_so_far(now_ns()))

        eventually(came, session.sources)
        session.end(now_ns())
        assert server.played.debugs == set()
    assert [peer.remote for peer in session.peers()] == ["192.0.2.2"]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Cisco IOS XE Software, Version 17.09.04a", "Cisco IOS XE"),
        (
            "Cisco IOS Software, 1841 Software (C1841-ADVSECURITYK9-M), Version 12.4(24)T",
            "Cisco IOS",
        ),
        ("Cisco Internetwork Operating System Software", "Cisco IOS"),
        (ASA, "Cisco ASA"),
    ],
)
def test_platforms_are_told_apart(said: str, name: str) -> None:
    found = platform_of(said)
    assert found is not None
    assert found.name == name


def test_other_devices_are_none() -> None:
    assert platform_of("Junos: 21.4R3\nsoftware") is None


def test_every_debug_has_its_own_undo() -> None:
    for platform in PLATFORMS:
        for debug in platform.debugs:
            assert debug.on.startswith(debug.off.removeprefix("no "))
            assert "all" not in debug.off.split()
