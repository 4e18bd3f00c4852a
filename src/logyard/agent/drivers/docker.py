"""Docker, through its socket."""

from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

import msgspec

from logyard.agent.driver import (
    Container,
    ContainerEvent,
    Exec,
    ExecSession,
    Host,
    Launch,
    Line,
    Reading,
    Sample,
)
from logyard.agent.engine import exec as engine_exec
from logyard.agent.engine.api import EngineApi
from logyard.agent.engine.http import EngineHttp
from logyard.agent.engine.logs import engine_lines
from logyard.errors import LogyardError
from logyard.registry import component

__all__ = ["Docker", "DockerConfig"]


class DockerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the engine is."""

    url: str = "unix:///var/run/docker.sock"
    """``unix:///path`` or ``tcp://host:port``."""


@component("docker", config=DockerConfig, example='url = "unix:///var/run/docker.sock"\n')
class Docker:
    """Containers of a Docker Engine (API 1.41 or later)."""

    name: ClassVar[str] = "docker"

    def __init__(self, config: DockerConfig) -> None:
        self._http = EngineHttp(config.url)
        self._api = EngineApi(self._http)

    async def launch(self, launch: Launch) -> Container:
        """What cannot be started is removed again."""
        id = await self._api.create(launch)  # noqa: A001 - the API's word
        try:
            await self._api.start(id)
        except LogyardError:
            await self._api.remove(id, force=True)
            raise
        return await self._api.inspect(id)

    async def stop(self, name: str, timeout: float) -> None:  # noqa: ASYNC109 - the engine's own timeout
        """Return when it has stopped."""
        await self._api.stop(name, timeout)

    async def remove(self, name: str, *, force: bool) -> None:
        """Remove it."""
        await self._api.remove(name, force=force)

    async def containers(self) -> Sequence[Container]:
        """All."""
        return await self._api.containers()

    async def inspect(self, name: str) -> Container:
        """One."""
        return await self._api.inspect(name)

    def lines(self, container: Container, reading: Reading) -> AsyncIterator[Sequence[Line]]:
        """Its log."""
        return engine_lines(self._http, container, reading)

    async def exec(self, name: str, command: Exec) -> ExecSession:
        """A command in it."""
        return await engine_exec.begin(self._api, name, command)

    def events(self) -> AsyncIterator[ContainerEvent]:
        """From now on."""
        return self._api.events()

    async def sample(self, name: str) -> Sample:
        """What it uses."""
        return await self._api.sample(name)

    async def host(self) -> Host:
        """Where this is."""
        return await self._api.host()

    async def ping(self) -> None:
        """Whether the engine answers."""
        await self._api.ping()

    async def close(self) -> None:
        """Connections end with their calls."""
