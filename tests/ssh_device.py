"""A small SSH server on loopback that plays a Cisco device: prompts, echo, debug."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncssh
from msgspec import Struct, field

USER, PASSWORD, ENABLE = "admin", "correct horse", "battery staple"
IOS = "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 15.7(3)M8"
ASA = "Cisco Adaptive Security Appliance Software Version 9.16(4)"
INVALID = "              ^\r\n% Invalid input detected at '^' marker.\r\n"


class Played(Struct, dict=True):
    """The device: what is on, and what was typed."""

    version: str = IOS
    host: str = "R1"
    needs_enable: bool = False
    keyboard_interactive: bool = False
    authorized: asyncssh.SSHKey | None = None
    """The one key that lets in."""
    debugs: set[str] = field(default_factory=set)
    refuses: tuple[str, ...] = ()
    deaf: bool = False
    """Takes commands and answers none."""
    chatter: bool = False
    """Shows debug all the time, also amid answers."""
    typed: list[str] = field(default_factory=list)
    logins: int = 0
    refused: int = 0
    lines: list[asyncssh.SSHServerProcess[bytes]] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)


class Server:
    """Runs the device in a thread of its own."""

    def __init__(self, home: Path, played: Played | None = None) -> None:
        self.played = played or Played()
        self.port = 0
        self._home = home
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Server:
        self._thread.start()
        self._call(self._begin())
        folder = self._home / ".ssh"
        folder.mkdir(exist_ok=True)
        self.trust(self._key)
        (folder / "config").write_text(
            f"Host hub\n  HostName 127.0.0.1\n  Port {self.port}\n  User {USER}\n"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None
    ) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def trust(self, key: asyncssh.SSHKey | None) -> None:
        """What the user's known hosts say of it; None: nothing."""
        path = self._home / ".ssh" / "known_hosts"
        if key is None:
            path.unlink()
            return
        public = key.export_public_key().decode()
        path.write_text(f"[127.0.0.1]:{self.port} {public}")

    def say(self, text: str) -> None:
        """Show lines of debug, where it is on."""
        self._call(self._say(text))

    def hang_up(self) -> None:
        """Break all connections off."""
        self._call(self._hang_up())

    def _call(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _begin(self) -> None:
        self._acceptor = await asyncssh.create_server(
            lambda: _Login(self.played),
            "127.0.0.1",
            0,
            server_host_keys=[self._key],
            process_factory=self._session,
            line_editor=False,
            encoding=None,
        )
        self.port = self._acceptor.get_port()

    async def _end(self) -> None:
        assert self._acceptor is not None
        await self._hang_up()
        self._acceptor.close()
        await self._acceptor.wait_closed()

    async def _hang_up(self) -> None:
        for connection in self.played.connections:
            connection.abort()
        self.played.connections.clear()
        self.played.lines.clear()
        await asyncio.sleep(0.05)

    async def _say(self, text: str) -> None:
        if self.played.debugs:
            for line in self.played.lines:
                line.stdout.write(text.replace("\n", "\r\n").encode())
                await line.stdout.drain()

    async def _session(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        played = self.played
        played.lines.append(process)
        privileged = not played.needs_enable
        process.stdout.write(b"\r\nBanner: no trespassing #\r\n\r\n")
        typed = b""
        try:
            while True:
                prompt = f"{played.host}{'#' if privileged else '>'}"
                if not played.deaf or not typed:
                    process.stdout.write(f"\r\n{prompt}".encode())
                while b"\r" not in typed:
                    data = await process.stdin.read(1024)
                    if not data:
                        return
                    typed += data
                    if not played.deaf:
                        process.stdout.write(data.replace(b"\r", b"\r\n"))
                line, _, typed = typed.partition(b"\r")
                command = line.decode()
                played.typed.append(command)
                if command == "exit":
                    return
                if command == "enable" and not privileged:
                    process.stdout.write(b"Password: ")
                    secret = b""
                    while b"\r" not in secret:
                        secret += await process.stdin.read(1024)
                    privileged = secret == ENABLE.encode() + b"\r"
                    if not privileged:
                        process.stdout.write(b"\r\n% Access denied\r\n")
                    continue
                if played.chatter and played.debugs:
                    process.stdout.write(b"\r\n*Nov 20 19:54:47.878: ISAKMP:(1001):chatter\r\n")
                if not played.deaf:
                    process.stdout.write(self._answer(command).encode())
        except (asyncssh.Error, OSError):
            pass
        finally:
            process.exit(0)

    def _answer(self, command: str) -> str:
        played = self.played
        if command in played.refuses:
            return INVALID
        asa = played.version == ASA
        if command.startswith("show version"):
            return f"{played.version}\r\n"
        if command in ("show debugging", "show debug"):
            if asa:
                return "".join(f"debug {each} enabled at level 127\r\n" for each in played.debugs)
            names = {"crypto isakmp": "Crypto ISAKMP", "crypto ikev2": "IKEv2 default"}
            said = "".join(f"  {names[each]} debugging is on\r\n" for each in played.debugs)
            return f"\r\nCryptographic Subsystem:\r\n{said}" if said else ""
        if command.startswith("debug "):
            played.debugs.add(command.removeprefix("debug ").removesuffix(" 127"))
            return ""
        if command.startswith("no debug "):
            played.debugs.discard(command.removeprefix("no debug "))
            return ""
        return "" if command.startswith("terminal ") or not command else INVALID


class _Login(asyncssh.SSHServer):
    def __init__(self, played: Played) -> None:
        self._played = played

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._played.connections.append(conn)

    def public_key_auth_supported(self) -> bool:
        return self._played.authorized is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        wanted = self._played.authorized
        return wanted is not None and key.public_data == wanted.public_data

    def password_auth_supported(self) -> bool:
        return not self._played.keyboard_interactive

    def validate_password(self, username: str, password: str) -> bool:
        return self._let_in(username, password)

    def kbdint_auth_supported(self) -> bool:
        return self._played.keyboard_interactive

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        return self._let_in(username, responses[0])

    def _let_in(self, user: str, password: str) -> bool:
        right = (user, password) == (USER, PASSWORD)
        self._played.logins += right
        self._played.refused += not right
        return right
