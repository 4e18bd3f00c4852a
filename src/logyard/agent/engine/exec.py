"""A command in a container through the Engine API: one connection for what goes in and what comes out."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from typing import Final

from logyard.agent.driver import STDOUT, EngineDown, EngineFailed, Exec, Line, WrongState
from logyard.agent.engine.api import EngineApi
from logyard.agent.engine.http import Answer, Upgraded
from logyard.agent.frames import FrameParser

__all__ = ["EngineExec", "begin"]

_READ: Final = 1 << 16
_ASK_AGAIN: Final = 0.02
_START_SECONDS: Final = 30.0
"""How long an engine may take to learn which process a command is; its first words may come before that."""
_NO_CODE: Final = 255


async def begin(api: EngineApi, name: str, command: Exec) -> "EngineExec":
    """``Driver.exec``."""
    body = {
        "AttachStdin": command.interactive,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": command.tty,
        "Cmd": list(command.command),
        "Env": [f"{key}={value}" for key, value in command.env.items()],
        **({"WorkingDir": command.workdir} if command.workdir else {}),
        **({"User": command.user} if command.user else {}),
    }
    id = await api.exec_create(name, body)  # noqa: A001 - the API's word
    connection = await api.http.upgrade(f"/v1.41/exec/{id}/start", {"Detach": False, "Tty": command.tty})
    if isinstance(connection, Answer):
        raise EngineFailed(f"the engine cannot run {command.command[0]!r}: {connection.words}")
    session = EngineExec(api, id, connection, tty=command.tty)
    if command.tty and command.columns:
        await session.resize(command.columns, command.rows)
    return session


class EngineExec:
    """``ExecSession``."""

    def __init__(self, api: EngineApi, id: str, connection: Upgraded, *, tty: bool) -> None:  # noqa: A002 - the API's word
        self._api, self._id, self._connection, self._tty = api, id, connection, tty

    async def output(self) -> AsyncIterator[Sequence[Line]]:
        """Until the command ends."""
        frames = FrameParser()
        try:
            while piece := await self._connection.reader.read(_READ):
                parts = [(STDOUT, piece)] if self._tty else frames.feed(piece)
                if parts:
                    yield [Line(0, stream, data) for stream, data in parts]
        except ConnectionError as error:
            raise EngineDown(f"lost the engine: {error}") from error

    async def write(self, data: bytes) -> None:
        """To its stdin; nothing when it has ended meanwhile."""
        with contextlib.suppress(ConnectionError):
            self._connection.writer.write(data)
            await self._connection.writer.drain()

    async def close_stdin(self) -> None:
        """Half of the connection is shut."""
        with contextlib.suppress(OSError):
            self._connection.writer.write_eof()

    async def resize(self, columns: int, rows: int) -> None:
        """Of its terminal."""
        if self._tty:
            await self._api.exec_resize(self._id, columns, rows)

    async def signal(self, number: int) -> None:
        """The API has no way: the process is signalled here, where agent and engine share the machine."""
        try:
            pid = await asyncio.wait_for(self._process(), _START_SECONDS)
        except TimeoutError as error:
            raise WrongState("the engine does not say which process this command is") from error
        if pid is None:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise WrongState(f"the agent may not send signals to process {pid}") from error

    async def _process(self) -> int | None:
        """Its id, once the engine knows it; None when it has ended."""
        while True:
            pid, code = await self._api.exec_state(self._id)
            if pid or code is not None:
                return pid if code is None else None
            await asyncio.sleep(_ASK_AGAIN)

    async def exit_code(self) -> int:
        """Engines close the connection a moment before they know the code."""
        while True:
            _, code = await self._api.exec_state(self._id)
            if code is not None:
                return code if code >= 0 else _NO_CODE
            await asyncio.sleep(_ASK_AGAIN)

    async def close(self) -> None:
        """Close the connection; a command with a terminal gets HUP from that."""
        self._connection.writer.close()
