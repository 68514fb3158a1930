"""A device's own IKE debug as a log: `live --device`.

Logs in over SSH, switches the debug on, and switches it off again at the end, whatever ends it. The
user is asked for secrets while it logs in, by `open`; after that nobody is.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import re
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Final

from analyzers.errors import SourceError
from analyzers.sources.again import Attempts
from analyzers.sources.cancelling import Cancelling
from analyzers.sources.device_commands import REFUSED, WHICH, Debug, Platform, platform_of
from analyzers.sources.feed import Feed, Reading, SourceState
from analyzers.sources.ssh_login import MOST_ATTEMPTS, Device, LoginError, Secrets, connected

if TYPE_CHECKING:
    import asyncssh

_ANSWER_S: Final = 10.0
# Debug amid the echo of a command hides it: then it is typed again, which changes nothing.
_AGAIN_S: Final = 2.0
UNDO_S: Final = 6.0
"""The end waits so long at most for the debug to be off."""
_LOOK_S: Final = 0.1
_PIECE_BYTES: Final = 1 << 16
_MOST_ANSWER: Final = 1 << 20
_MOST_PROMPT: Final = 80
# Cisco devices log out who types nothing for so long, whatever they show him: ten minutes, unless
# `exec-timeout` says less.
_NUDGE_S: Final = 50.0
_PROMPT: Final = re.compile(rb"(?:^|[\r\n])([\w.:/()@-]{1,64}[>#]) ?$")
_SECRET: Final = re.compile(rb"assword: ?$")
_MORE: Final = re.compile(rb"<?--+ ?More ?--+>? *$", re.IGNORECASE)


class DeviceSource:
    """One device that is logged in to."""

    kind = "log"
    remote = False

    def __init__(self, device: Device) -> None:
        self.name = f"device {device}"
        self.feed = Feed()
        self.platform: Platform | None = None
        """Once it is known."""
        self._device = device
        self._questions: queue.SimpleQueue[tuple[str, asyncio.Future[str | None]]]
        self._questions = queue.SimpleQueue()
        self._asking = False
        self._secrets = Secrets(self._ask)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancelling = Cancelling()
        self._go = asyncio.Event()
        self._ready = False
        self._failure: SourceError | None = None
        self._on: list[Debug] = []
        """Switched on by us, and not yet off again."""
        self._reading = Reading(self.feed, self._run, f"device-{device}")

    # --- what others call -------------------------------------------------------------------

    def open(self, ask: Callable[[str], str | None]) -> None:
        """Log in; `ask` puts a question for a secret to the user, in the caller's thread.

        Raises SourceError, and whatever `ask` raises; then the source is closed.
        """
        self._asking = True
        self._reading.start()
        try:
            while not self._ready and self.feed.status.state is not SourceState.FAILED:
                with contextlib.suppress(queue.Empty):
                    question, answer = self._questions.get(timeout=_LOOK_S)
                    told = ask(question)
                    assert self._loop is not None
                    # The device may have hung up by now.
                    with contextlib.suppress(RuntimeError):
                        self._loop.call_soon_threadsafe(_answer, answer, told)
        except BaseException:
            self.close(1.0)
            raise
        finally:
            self._asking = False
        if not self._ready:
            self.close(1.0)
            raise self._failure or SourceError(self.feed.status.detail)

    def start(self) -> None:
        """Let the debug be switched on."""
        assert self._loop is not None
        # It may have hung up since.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._go.set)

    def stop(self) -> None:
        """Ask it to stop; returns at once."""
        self.feed.stopping.set()
        self._cancelling.cancel()

    def close(self, timeout_s: float) -> None:
        """Wait until the debug is off and nothing is left."""
        self.stop()
        self._reading.close(max(timeout_s, UNDO_S))

    # --- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            with contextlib.suppress(asyncio.CancelledError):
                runner.run(self._sessions())
        if self._on:
            commands = "; ".join(debug.off for debug in self._on)
            self.feed.tell(SourceState.FAILED, f"its debug may still be on, type there: {commands}")

    async def _sessions(self) -> None:
        """One login after the other, until nobody wants any."""
        self._cancelling.arm()
        attempts = Attempts(self.feed)
        while not self.feed.stopping.is_set():
            attempts.begin()
            try:
                await self._session()
                said = "it hung up"
            except LoginError as error:
                self._fail(error)
                return
            except SourceError as error:
                if not self._ready:
                    self._fail(error)
                    return
                said = error.message
            await asyncio.sleep(attempts.broke_off(said))
            self.feed.count(restarts=1)

    def _fail(self, error: SourceError) -> None:
        self._failure = error
        self.feed.tell(SourceState.FAILED, error.message)

    async def _session(self) -> None:
        import asyncssh

        connection = await connected(self._device, self._secrets)
        try:
            process = await connection.create_process(
                term_type="vt100", term_size=(511, 0), encoding=None
            )
            shell = _Shell(process)
            await self._log_in(shell)
            platform = platform_of(await shell.run(WHICH))
            if platform is None:
                raise LoginError(
                    f"{self._device} is no Cisco IOS, IOS XE or ASA",
                    "pipe its debug in: ssh … | dpdlab live --log -",
                )
            self.platform = platform
            self._ready = True
            await self._go.wait()
            try:
                await self._switch_on(shell, platform)
                await self._watch(shell)
            finally:
                await self._switch_off(shell, platform)
        except (asyncssh.Error, OSError) as error:
            raise SourceError(f"{self._device}: {error}") from error
        finally:
            connection.abort()
            with contextlib.suppress(Exception):
                await connection.wait_closed()

    async def _log_in(self, shell: _Shell) -> None:
        """Come to the privileged prompt."""
        await shell.begin()
        if shell.is_privileged():
            return
        question = f"Enable password for {self._device}: "
        asked = await shell.asks_after("enable")
        for attempt in range(MOST_ATTEMPTS):
            if not asked and attempt and not shell.is_privileged():
                asked = await shell.asks_after("enable")
            if not asked:
                break
            secret = await self._secrets.get(question, again=attempt > 0)
            if secret is None:
                break
            asked = await shell.answer(secret)
        # A device without an enable secret lets in at once.
        if shell.is_privileged():
            return
        raise LoginError(f"{self._device} gives no privileged mode, which debug needs")

    async def _switch_on(self, shell: _Shell, platform: Platform) -> None:
        """Switch on what is off. Raises LoginError where the device takes none of it."""
        for command in platform.prepare:
            await shell.run(command)
        active = (await shell.run(platform.active)).lower()
        works = 0
        for debug in platform.debugs:
            if re.search(debug.shown, active):
                works += 1
                continue
            ours = debug in self._on
            if not ours:
                # Before it is sent: it is to be undone even if nobody hears the answer.
                self._on.append(debug)
            answer = (await shell.run(debug.on)).lower()
            if any(word in answer for word in REFUSED):
                self._on.remove(debug)
            else:
                works += 1
        if not works:
            raise LoginError(f"{self._device} takes no command for the debug of IKE")
        if platform.show:
            answer = (await shell.run(platform.show)).lower()
            if any(word in answer for word in REFUSED):
                raise LoginError(f"{self._device} does not take {platform.show}: it shows nothing")
        self.feed.tell(SourceState.OPEN)

    async def _watch(self, shell: _Shell) -> None:
        """Hand on what it shows, until it hangs up."""
        self.feed.put(b"\n" + shell.rest())
        typed_s = monotonic()
        while True:
            try:
                async with asyncio.timeout(typed_s + _NUDGE_S - monotonic()):
                    data = await shell.read()
            except TimeoutError:
                shell.send("")
                typed_s = monotonic()
                continue
            if not data or not self.feed.put(data):
                return

    async def _switch_off(self, shell: _Shell, platform: Platform) -> None:
        """Undo what was switched on, and see that it is."""
        with contextlib.suppress(SourceError, OSError, TimeoutError):
            async with asyncio.timeout(UNDO_S - 1):
                if platform.hide:
                    shell.send(platform.hide)
                while self._on:
                    for debug in self._on:
                        shell.send(debug.off)
                    active = (await shell.run(platform.active)).lower()
                    self._on = [debug for debug in self._on if re.search(debug.shown, active)]
                shell.send("exit")

    async def _ask(self, question: str) -> str | None:
        """Have the question put to the user, in the thread that opens this."""
        if not self._asking:
            return None
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._questions.put((question, answer))
        return await answer


def _answer(future: asyncio.Future[str | None], told: str | None) -> None:
    if not future.done():
        future.set_result(told)


class _Silent(SourceError):
    """Nothing came for a while."""


class _Shell:
    """The command line of a device."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process
        self._rest = b""
        self._prompt = b""

    def is_privileged(self) -> bool:
        """Whether the last prompt was the one of privileged mode."""
        return self._prompt.endswith(b"#")

    async def begin(self) -> None:
        """Wait for the first prompt."""
        await self._until_asked()

    async def asks_after(self, command: str) -> bool:
        """Whether a command leads to a question for a password, and not to a prompt."""
        self.send(command)
        return await self._until_asked()

    async def answer(self, secret: str) -> bool:
        """Answer such a question; whether it is asked again."""
        self.send(secret)
        return await self._until_asked()

    async def run(self, command: str) -> str:
        """What the device says to a command; debug may be in between. Raises SourceError."""
        self.send(command)
        said, echo = b"", command.encode()
        end_s = monotonic() + _ANSWER_S
        again_s = monotonic() + _AGAIN_S
        # The prompt after the echo: one from before answers something else.
        while self._prompt not in said.partition(echo)[2]:
            if monotonic() > again_s:
                self.send(command)
                again_s = monotonic() + _AGAIN_S
            with contextlib.suppress(_Silent):
                said += await self._more(min(again_s, end_s))
            if monotonic() > end_s:
                raise SourceError("the device shows no prompt")
            if _MORE.search(said[-_MOST_PROMPT:]):
                self._process.stdin.write(b" ")
            if len(said) > _MOST_ANSWER:
                raise SourceError("the device answers without end")
        answer = said.partition(echo)[2]
        self._rest = answer.rpartition(self._prompt)[2]
        return answer.decode("utf-8", "replace")

    def rest(self) -> bytes:
        """What came after the last answer."""
        rest, self._rest = self._rest, b""
        return rest

    def send(self, line: str) -> None:
        """Type a line."""
        self._process.stdin.write(line.encode() + b"\r")

    async def read(self) -> bytes:
        """What comes next; empty at the end."""
        return await self._process.stdout.read(_PIECE_BYTES)

    async def _until_asked(self) -> bool:
        """Wait for a prompt, or a question for a password; whether it was the latter."""
        said = b""
        end_s = monotonic() + _ANSWER_S
        while True:
            said = (said + await self._more(end_s))[-_PIECE_BYTES:]
            if _SECRET.search(said):
                return True
            found = _PROMPT.search(said)
            if found is not None:
                self._prompt = found[1]
                return False

    async def _more(self, end_s: float) -> bytes:
        try:
            # Not wait_for: before Python 3.12 that forgets to be cancelled where data comes.
            async with asyncio.timeout(max(end_s - monotonic(), 0.01)):
                data = await self.read()
        except TimeoutError as error:
            raise _Silent("the device shows no prompt") from error
        if not data:
            raise SourceError("it hung up")
        return data
