"""A command beside a kept process: in its working directory, with its environment, and perhaps with a terminal."""

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
from collections.abc import AsyncIterator, Sequence
from typing import Final

from logyard.agent.driver import STDERR, STDOUT, Exec, Launch, Line
from logyard.agent.processes.child import on_terminal, open_terminal, read_terminal
from logyard.config import inherited
from logyard.errors import BadInput, NotFound

__all__ = ["ProcessExec", "begin"]

_READ: Final = 1 << 16
_WAITING: Final = 64
_HANG_UP_SECONDS: Final = 5.0


async def begin(launch: Launch, command: Exec) -> "ProcessExec":
    """``Driver.exec``. Raises ``NotFound`` for a program that is not there."""
    terminal, slave = open_terminal() if command.tty else (-1, -1)
    if command.tty and command.columns:
        _resize(terminal, command.columns, command.rows)
    piped = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *(on_terminal(command.command, slave) if command.tty else command.command),
            stdin=slave if command.tty else piped if command.interactive else asyncio.subprocess.DEVNULL,
            stdout=slave if command.tty else piped,
            stderr=slave if command.tty else piped,
            cwd=command.workdir or launch.workdir or None,
            env={**inherited(), **launch.env, **command.env},
            start_new_session=True,
        )
    except OSError as error:
        if command.tty:
            os.close(terminal)
        if isinstance(error, FileNotFoundError):
            raise NotFound(f"there is no program {command.command[0]!r}") from error
        raise BadInput(f"cannot run {command.command[0]!r}: {error.strerror}") from error
    finally:
        if command.tty:
            os.close(slave)
    return ProcessExec(process, terminal)


class ProcessExec:
    """``ExecSession``."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int) -> None:
        """``terminal``: our end of it, or -1."""
        self._process, self._terminal = process, terminal

    async def output(self) -> AsyncIterator[Sequence[Line]]:
        """Until the command ends."""
        if self._terminal >= 0:
            while data := await read_terminal(self._terminal):
                yield [Line(0, STDOUT, data)]
            return
        queue: asyncio.Queue[Line | None] = asyncio.Queue(_WAITING)
        async with asyncio.TaskGroup() as group:
            readers = [(STDOUT, self._process.stdout), (STDERR, self._process.stderr)]
            for stream, reader in readers:
                group.create_task(_copy(reader, stream, queue))
            left = len(readers)
            while left:
                line = await queue.get()
                if line is None:
                    left -= 1
                else:
                    yield [line]

    async def write(self, data: bytes) -> None:
        """To its stdin; nothing when it has ended meanwhile."""
        with contextlib.suppress(OSError):
            if self._terminal >= 0:
                await asyncio.to_thread(os.write, self._terminal, data)
            elif self._process.stdin is not None:
                self._process.stdin.write(data)
                await self._process.stdin.drain()

    async def close_stdin(self) -> None:
        """A terminal is told by the character that means it."""
        if self._terminal >= 0:
            await self.write(b"\x04")
        elif self._process.stdin is not None:
            self._process.stdin.close()

    async def resize(self, columns: int, rows: int) -> None:
        """Of its terminal."""
        if self._terminal >= 0:
            _resize(self._terminal, columns, rows)

    async def signal(self, number: int) -> None:
        """To all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def exit_code(self) -> int:
        """128 + n for a signal n."""
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    async def close(self) -> None:
        """Nobody listens any more: it gets HUP, as when a terminal is closed, and KILL when that does not end it."""
        for number in (signal.SIGHUP, signal.SIGKILL):
            if self._process.returncode is None:
                await self.signal(number)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), _HANG_UP_SECONDS)
        if self._terminal >= 0:
            os.close(self._terminal)
            self._terminal = -1


async def _copy(reader: asyncio.StreamReader | None, stream: int, queue: "asyncio.Queue[Line | None]") -> None:
    while reader is not None and (data := await reader.read(_READ)):
        await queue.put(Line(0, stream, data))
    await queue.put(None)


def _resize(terminal: int, columns: int, rows: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
