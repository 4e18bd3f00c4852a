"""HTTP to an engine's socket, as little of it as the engine API needs, so that a log comes through at full speed.

Requests speak HTTP/1.0: the answer is then the plain stream up to the end of the connection. With HTTP/1.1 engines send
each line of a log as a chunk of its own, and taking a million chunks apart costs more than all the rest together
(docs/adr/0008-engine-api.md). Only ``upgrade`` speaks HTTP/1.1, for exec sessions.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from logyard.agent.driver import EngineDown, EngineFailed
from logyard.errors import BadConfig

__all__ = ["Answer", "EngineHttp", "Upgraded"]

_READ: Final = 1 << 18
_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 120.0
"""Until an answer that is no stream has come; a stop takes its own time besides."""
_PORT: Final = 2375
_SWITCHED: Final = 101
_OK: Final = 200

Parameters = Mapping[str, str | int]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer."""

    status: int
    body: bytes

    @property
    def good(self) -> bool:
        """2xx, or 304: it was so already."""
        return self.status // 100 == _OK // 100 or self.status == 304  # noqa: PLR2004 - the one code that counts besides

    @property
    def words(self) -> str:
        """What the engine says about it."""
        try:
            return msgspec.json.decode(self.body, type=_Message).message.strip()
        except msgspec.DecodeError:
            return self.body.decode(errors="replace").strip()


class _Message(msgspec.Struct):
    message: str = ""


class Upgraded(msgspec.Struct, frozen=True):
    """A connection that has become a plain stream in both directions."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class EngineHttp:
    """One engine. A connection for each call; any number at once."""

    def __init__(self, url: str) -> None:
        """``unix:///path`` or ``tcp://host:port``. Raises ``BadConfig``."""
        parts = urlsplit(url)
        if parts.scheme not in {"unix", "tcp"} or not (parts.path or parts.hostname):
            raise BadConfig(f"{url!r} is neither unix:///path nor tcp://host:port", path="url")
        self.url = url
        self._path = parts.path if parts.scheme == "unix" else ""
        self._host, self._port = parts.hostname or "", parts.port or _PORT

    async def ask(
        self, method: str, path: str, parameters: Parameters | None = None, *, body: object = None, patience: float = 0
    ) -> Answer:
        """The whole answer, whatever its status. ``patience``: seconds more than usual. Raises ``EngineDown``."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS + patience):
                async with self._request(f"{method} {_target(path, parameters)} HTTP/1.0", body) as (reader, _writer):
                    status = await _status(reader)
                    return Answer(status=status, body=await _rest(reader))
        except TimeoutError as error:
            raise EngineDown(f"{self.url} does not answer {method} {path}") from error

    @asynccontextmanager
    async def stream(self, path: str, parameters: Parameters) -> AsyncIterator[AsyncIterator[bytes] | Answer]:
        """The answer to a GET in pieces as they come, or whole when it is an error. Leaving the context closes it."""
        async with self._request(f"GET {_target(path, parameters)} HTTP/1.0", None) as (reader, _writer):
            status = await _status(reader)
            if status == _OK:
                yield _pieces(reader)
            else:
                yield Answer(status=status, body=await _rest(reader))

    async def upgrade(self, path: str, body: object) -> Upgraded | Answer:
        """A POST after which the connection belongs to the caller, who closes the writer."""
        reader, writer = await self._connected()
        try:
            await _send(writer, f"POST {path} HTTP/1.1", body=body, headers="Connection: Upgrade\r\nUpgrade: tcp\r\n")
            status = await _status(reader)
            if status in {_SWITCHED, _OK}:
                return Upgraded(reader, writer)
            answer = Answer(status=status, body=await reader.read(_READ))
        except BaseException:
            writer.close()
            raise
        writer.close()
        return answer

    @asynccontextmanager
    async def _request(
        self, line: str, body: object
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await self._connected()
        try:
            await _send(writer, line, body=body)
            yield reader, writer
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise EngineDown(f"lost {self.url}: {error}") from error
        finally:
            writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                if self._path:
                    return await asyncio.open_unix_connection(self._path, limit=_READ)
                return await asyncio.open_connection(self._host, self._port, limit=_READ)
        except (OSError, TimeoutError) as error:
            why = getattr(error, "strerror", None) or "no answer"
            raise EngineDown(f"cannot reach the container engine at {self.url}: {why}") from error


def _target(path: str, parameters: Parameters | None) -> str:
    return f"{path}?{urlencode(parameters)}" if parameters else path


async def _send(writer: asyncio.StreamWriter, line: str, *, body: object, headers: str = "") -> None:
    content = b"" if body is None else msgspec.json.encode(body)
    kind = "Content-Type: application/json\r\n" if content else ""
    head = f"{line}\r\nHost: engine\r\n{kind}{headers}Content-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    await writer.drain()


async def _status(reader: asyncio.StreamReader) -> int:
    """Read the head of an answer, of which only the status matters here."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise EngineFailed("the engine's answer has no end of its head") from error
    with contextlib.suppress(IndexError, ValueError):
        return int(head.split(b" ", 2)[1])
    raise EngineFailed(f"this is no answer of an engine: {head[:100]!r}")


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await reader.read(_READ):
        yield piece


async def _rest(reader: asyncio.StreamReader) -> bytes:
    return await reader.read(-1)
