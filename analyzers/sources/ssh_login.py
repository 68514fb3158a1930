"""Logs in to a device over SSH, as the user's own ssh would: its configuration, agent, known hosts.

Secrets are asked of whoever runs this, kept in memory for a login again, and written nowhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from analyzers.errors import SourceError

if TYPE_CHECKING:
    import asyncssh

Ask = Callable[[str], Awaitable[str | None]]
"""A question to the user, and the answer; None where there is nobody to ask."""

MOST_ATTEMPTS: Final = 3
_CONNECT_S: Final = 15.0
_KEEPALIVE_S: Final = 10.0
_KEEPALIVES: Final = 3


class Device(NamedTuple):
    """Where a device is; what is None is for the user's ssh_config to say."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        return self.host


class Secrets:
    """What the user answered, by question."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: dict[str, str] = {}

    async def get(self, question: str, *, again: bool = False) -> str | None:
        """The answer of before, or a new one; `again`: the one of before was wrong."""
        if again:
            self._known.pop(question, None)
        if question not in self._known:
            answer = await self._ask(question)
            if answer is None:
                return None
            self._known[question] = answer
        return self._known[question]


class LoginError(SourceError):
    """Nothing to try again by itself: the device refuses, or is another one."""


async def connected(device: Device, secrets: Secrets) -> asyncssh.SSHClientConnection:
    """A connection whose host key was verified.

    Raises LoginError where trying again is no use, and SourceError.
    """
    import asyncssh

    given: dict[str, object] = {"host": device.host}
    if device.user is not None:
        given["username"] = device.user
    if device.port is not None:
        given["port"] = device.port
    try:
        options = asyncssh.SSHClientConnectionOptions(
            config=(),  # the user's own
            client_factory=lambda: _client(device, secrets),
            connect_timeout=_CONNECT_S,
            keepalive_interval=_KEEPALIVE_S,
            keepalive_count_max=_KEEPALIVES,
            ignore_encrypted=True,
            agent_forwarding=False,
            x11_forwarding=False,
            **given,
        )
        if options.known_hosts is None:
            raise LoginError(
                f"{device}: ssh_config has it that host keys are not verified",
                "dpdlab does verify them: name a UserKnownHostsFile",
            )
        where = {name: value for name, value in given.items() if name == "port"}
        return await asyncssh.connect(device.host, options=options, **where)
    except asyncssh.HostKeyNotVerifiable as error:
        raise LoginError(
            f"{device}: its host key is not among the known ones, or has changed",
            f"compare it and log in once with: ssh {device}",
        ) from error
    except asyncssh.PermissionDenied as error:
        raise LoginError(f"{device} refuses the login", f"try: ssh {device}") from error
    except asyncssh.KeyExchangeFailed as error:
        raise LoginError(
            f"{device}: no common algorithms ({error.reason})",
            "old devices need KexAlgorithms, HostKeyAlgorithms and Ciphers in ssh_config",
        ) from error
    except (asyncssh.Error, asyncssh.ConfigParseError, asyncssh.KeyImportError) as error:
        raise SourceError(f"{device}: {error}") from error
    except TimeoutError as error:
        raise SourceError(f"{device} does not answer") from error
    except (OSError, ValueError) as error:
        raise SourceError(f"{device}: {getattr(error, 'strerror', None) or error}") from error


def _client(device: Device, secrets: Secrets) -> asyncssh.SSHClient:
    import asyncssh

    class Client(asyncssh.SSHClient):
        def __init__(self) -> None:
            self._attempts: dict[str, int] = {}

        async def password_auth_requested(self) -> str | None:
            return await self._secret(f"Password for {device}: ")

        def kbdint_auth_requested(self) -> str | None:
            return ""

        async def kbdint_challenge_received(
            self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
        ) -> Sequence[str] | None:
            answers: list[str] = []
            for prompt, _ in prompts:
                plain = prompt.strip().lower() in ("password:", "password")
                question = f"Password for {device}: " if plain else f"{device}: {prompt}"
                answer = await self._secret(question)
                if answer is None:
                    return None
                answers.append(answer)
            return answers

        async def _secret(self, question: str) -> str | None:
            count = self._attempts[question] = self._attempts.get(question, 0) + 1
            if count > MOST_ATTEMPTS:
                return None
            return await secrets.get(question, again=count > 1)

    return Client()
