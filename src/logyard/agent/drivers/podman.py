"""Podman, through its Docker-compatible socket, and its logs where they lie.

Podman's API gives times in whole seconds and cuts long lines without saying so; the file behind it (``k8s-file``, the
CRI format) has both whole. So logs are read from that file when the agent may; only then are they exact. Containers
that log elsewhere (journald), or to a file that the agent cannot read, go through the API, as Podman gives them.
"""

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import ClassVar

import msgspec

from logyard.agent.cri_file import cri_lines
from logyard.agent.driver import (
    Container,
    ContainerEvent,
    Exec,
    ExecSession,
    Host,
    Launch,
    Line,
    NoSuchContainer,
    Reading,
    Sample,
)
from logyard.agent.engine import exec as engine_exec
from logyard.agent.engine.api import EngineApi
from logyard.agent.engine.http import EngineHttp
from logyard.agent.engine.logs import engine_lines
from logyard.errors import LogyardError
from logyard.registry import component

__all__ = ["Podman", "PodmanConfig"]


class PodmanConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the engine is."""

    url: str = "unix:///run/podman/podman.sock"
    """``unix:///path`` or ``tcp://host:port``; ``podman system service`` listens there."""


@component("podman", config=PodmanConfig, example='url = "unix:///run/podman/podman.sock"\n')
class Podman:
    """Containers of a Podman (4 or later) that listens on a socket."""

    name: ClassVar[str] = "podman"

    def __init__(self, config: PodmanConfig) -> None:
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

    async def lines(self, container: Container, reading: Reading) -> AsyncIterator[Sequence[Line]]:
        """Its log, from the file where that is possible."""
        path = _log_file(container)

        async def ended() -> bool:
            try:
                now = await self._api.inspect(container.id)
            except NoSuchContainer:
                return True
            return not now.alive or now.started != container.started

        found = engine_lines(self._http, container, reading) if path is None else cri_lines(path, reading, ended)
        async for lines in found:
            yield lines

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


def _log_file(container: Container) -> Path | None:
    path = container.log_path
    return Path(path) if path and os.access(path, os.R_OK) else None
