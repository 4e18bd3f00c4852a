"""One process that is kept: started, its output logged, its end noticed, started again where that is asked for.

It leads a session of its own, so that signals reach all that it starts. It lives as long as the agent does.
"""

import asyncio
import contextlib
import logging
import os
import pty
import resource
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from logyard.agent.driver import STDERR, STDOUT, Container, Launch, WrongState
from logyard.agent.processes.log_file import LogFile
from logyard.clock import Clock
from logyard.config import inherited
from logyard.errors import BadInput, NotFound

__all__ = ["Child", "Home", "on_terminal", "open_terminal", "read_terminal"]

_READ: Final = 1 << 16
_STOP_SECONDS: Final = 10.0
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 60.0

_log = logging.getLogger("logyard")

Tell = Callable[[str, Container], None]


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """Where a child keeps its things, and what its log may take."""

    folder: Path
    log_bytes: int
    clock: Clock

    @property
    def log(self) -> Path:
        """The log; the one before it ends in ``.old``."""
        return self.folder / "log"


class Child:
    """One kept process. ``tell`` is called with an event's action and the state after it."""

    def __init__(self, launch: Launch, container: Container, home: Home, *, tell: Tell) -> None:
        self.launch, self.container = launch, container
        self.home, self._tell = home, tell
        self.pid = 0
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._over = asyncio.Event()
        self._over.set()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises ``NotFound`` for a program that is not there, ``BadInput`` for one that cannot be run."""
        process, terminal = await self._spawn()
        self._over.clear()
        self._keeper = asyncio.create_task(self._keep(process, terminal), name=f"process {self.container.name}")

    async def stop(self, seconds: float) -> None:
        """TERM, and KILL after ``seconds`` (0: ten). Returns when it has ended."""
        self._stopping = True
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds or _STOP_SECONDS):
                await self._over.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self._over.wait()
        if self._keeper is not None:
            await self._keeper

    def signal(self, number: int) -> None:
        """To its whole session."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def running(self) -> int:
        """Its process id. Raises ``WrongState``."""
        if not self.pid:
            raise WrongState(f"Container '{self.container.name}' is not running")
        return self.pid

    async def _spawn(self) -> tuple[asyncio.subprocess.Process, int]:
        launch, terminal, slave = self.launch, -1, -1
        if launch.tty:
            terminal, slave = open_terminal()
        try:
            command = [launch.image, *launch.command]
            process = await asyncio.create_subprocess_exec(
                *(on_terminal(command, slave) if launch.tty else command),
                stdin=slave if launch.tty else asyncio.subprocess.DEVNULL,
                stdout=slave if launch.tty else asyncio.subprocess.PIPE,
                stderr=slave if launch.tty else asyncio.subprocess.PIPE,
                cwd=launch.workdir or None,
                env={**inherited(), **launch.env},
                start_new_session=True,
                limit=_READ,
            )
        except OSError as error:
            if terminal >= 0:
                os.close(terminal)
            if isinstance(error, FileNotFoundError):
                raise NotFound(f"Image '{launch.image}' not found: there is no such program") from error
            raise BadInput(f"cannot run {launch.image!r}: {error.strerror}") from error
        finally:
            if slave >= 0:
                os.close(slave)
        if launch.memory:
            resource.prlimit(process.pid, resource.RLIMIT_AS, (launch.memory, launch.memory))
        self.pid = process.pid
        self._become("start", replace(self.container, state="running", started=self.home.clock.now(), exit_code=0))
        return process, terminal

    async def _keep(self, process: asyncio.subprocess.Process, terminal: int) -> None:
        pause = _FIRST_PAUSE
        while True:
            begun = self.home.clock.monotonic()
            code = await self._run(process, terminal)
            again = self._is_wanted_again(code)
            self.pid = 0
            state = "restarting" if again else "exited"
            self._become("die", replace(self.container, state=state, exit_code=code, finished=self.home.clock.now()))
            if not again:
                break
            pause = (
                _FIRST_PAUSE if self.home.clock.monotonic() - begun > _LONGEST_PAUSE else min(2 * pause, _LONGEST_PAUSE)
            )
            await asyncio.sleep(pause)
            if self._stopping:
                self._become("stop", replace(self.container, state="exited"))
                break
            self.container = replace(self.container, restarts=self.container.restarts + 1)
            try:
                process, terminal = await self._spawn()
            except BadInput as error:
                _log.warning("process %s cannot be started again: %s", self.container.name, error)
                self._become("stop", replace(self.container, state="exited"))
                break
        self._over.set()

    async def _run(self, process: asyncio.subprocess.Process, terminal: int) -> int:
        """Log what it says until it has ended; its exit code, 128 + n for a signal n."""
        log = LogFile(self.home.log, self.home.clock, most=self.home.log_bytes)
        try:
            async with asyncio.TaskGroup() as group:
                if terminal >= 0:
                    group.create_task(_copy_terminal(terminal, log))
                group.create_task(_copy(process.stdout, STDOUT, log))
                group.create_task(_copy(process.stderr, STDERR, log))
                code = await process.wait()
        finally:
            log.end()
            if terminal >= 0:
                os.close(terminal)
        return code if code >= 0 else 128 - code

    def _is_wanted_again(self, code: int) -> bool:
        if self._stopping:
            return False
        return self.launch.restart in {"always", "unless-stopped"} or (
            self.launch.restart == "on-failure" and code != 0
        )

    def _become(self, action: str, container: Container) -> None:
        self.container = container
        self._tell(action, container)


def open_terminal() -> tuple[int, int]:
    """The two ends of a terminal: ours, and the process's."""
    return pty.openpty()


def on_terminal(command: Sequence[str], slave: int) -> list[str]:
    """The command with the terminal as its own, from which signals come: that is the first one that the leader of a
    session opens, and the shell leads it here. (Python code between fork and exec could do it, too, and could hang
    for ever: gRPC's threads hold locks.) Raises ``FileNotFoundError`` as the command itself would.
    """
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(command[0])
    return ["/bin/sh", "-c", 'exec <"$0" >"$0" 2>&1 && exec "$@"', os.ttyname(slave), *command]


async def read_terminal(terminal: int) -> bytes:
    """What the process wrote to its terminal; b"" when nobody has it open any more."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(terminal, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
        return os.read(terminal, _READ)
    except OSError:  # EIO is how a terminal says that its other end is closed
        return b""
    finally:
        loop.remove_reader(terminal)


async def _copy(reader: asyncio.StreamReader | None, stream: int, log: LogFile) -> None:
    while reader is not None and (data := await reader.read(_READ)):
        log.add(stream, data)


async def _copy_terminal(terminal: int, log: LogFile) -> None:
    while data := await read_terminal(terminal):
        log.add(STDOUT, data)
